package space

import (
	"esent/internal/engine/btree"
	"esent/internal/engine/btree/ops"
	"esent/internal/engine/version"
	"esent/internal/jet"
)

// FreePage takes back a page that is no longer part of the tree (spec chapter 03, 10.5).
func (m *Manager) FreePage(s *version.Session, t *btree.Tree, pgno jet.Pgno) error {
	return m.FreeExtent(s, t, ops.Extent{Last: pgno, Pages: 1})
}

// FreeExtent takes back pages that t owns and nobody uses any more.
func (m *Manager) FreeExtent(s *version.Session, t *btree.Tree, e ops.Extent) error {
	t.SpaceLock().Lock()
	defer t.SpaceLock().Unlock()
	h, err := m.header(t)
	if err != nil {
		return err
	}
	if !h.Multiple() {
		mask, ok := bitsOf(t, e)
		if !ok || e.Last >= t.Root+jet.Pgno(h.Pages) {
			return jet.ErrSPAvailExtCorrupted.Errorf("pages %d to %d are none of the tree's", e.First(), e.Last)
		}
		return m.updateHeader(s, t, func(h *ops.SpaceHeader) error {
			h.Map |= mask
			return nil
		})
	}
	return m.giveBack(s, t, h, e)
}

// giveBack makes pages of a tree with space trees available, together with free neighbours that belong to the same
// owned extent; a whole extent goes to the parent. The SpaceLock is held.
func (m *Manager) giveBack(s *version.Session, t *btree.Tree, h ops.SpaceHeader, e ops.Extent) error {
	oe, ae := m.spaceTrees(t, h)
	owned, err := m.ownerOf(s, oe, e)
	if err != nil {
		return err
	}
	c := m.cursor(ae)
	defer m.release(c)

	right, hasRight, err := seek(s, c, e.First())
	if err != nil {
		return err
	}
	if hasRight && right.First() <= e.Last {
		return jet.ErrSPAvailExtCorrupted.Errorf("pages %d to %d are free already", e.First(), e.Last)
	}
	hasRight = hasRight && right.First() == e.Last+1 && right.Last <= owned.Last
	left, hasLeft, err := m.endingAt(s, c, e.First()-1)
	if err != nil {
		return err
	}
	hasLeft = hasLeft && left.First() >= owned.First()
	whole := e
	if hasLeft {
		whole.Pages += left.Pages
	}
	if hasRight {
		whole.Last = right.Last
		whole.Pages += right.Pages
	}

	parent, err := m.parent(h)
	if err != nil {
		return err
	}
	if whole == owned && parent != nil {
		return m.disown(s, t, oe, c, whole, parent, hasLeft, left, hasRight)
	}
	if !hasRight {
		// Only a new node can make the tree grow.
		if err := m.refill(s, t, h); err != nil {
			return err
		}
	}
	if hasLeft {
		if err := m.remove(s, c, left); err != nil {
			return err
		}
	}
	if hasRight {
		if _, found, err := seek(s, c, right.Last); err != nil || !found {
			return orCorrupt(err)
		}
		return resize(s, c, ops.PoolGeneral, whole.Pages)
	}
	return m.insert(s, ae, ops.PoolGeneral, whole)
}

func orCorrupt(err error) error {
	if err != nil {
		return err
	}
	return jet.ErrSPAvailExtCorrupted
}

// disown gives a whole extent to the parent.
func (m *Manager) disown(s *version.Session, t, oe *btree.Tree, c *btree.Cursor, e ops.Extent, parent *btree.Tree, hasLeft bool, left ops.Extent, hasRight bool) error {
	if hasLeft {
		if err := m.remove(s, c, left); err != nil {
			return err
		}
	}
	if hasRight {
		if err := m.remove(s, c, e); err != nil {
			return err
		}
	}
	o := m.cursor(oe)
	defer m.release(o)
	if err := m.remove(s, o, e); err != nil {
		return err
	}
	return m.FreeExtent(s, parent, e)
}

// remove deletes the node of the general pool that ends where e ends.
func (m *Manager) remove(s *version.Session, c *btree.Cursor, e ops.Extent) error {
	have, found, err := seek(s, c, e.Last)
	if err != nil || !found || have.Last != e.Last {
		return orCorrupt(err)
	}
	return c.Delete(s)
}

// endingAt finds the available extent that ends with page last.
func (m *Manager) endingAt(s *version.Session, c *btree.Cursor, last jet.Pgno) (ops.Extent, bool, error) {
	e, found, err := seek(s, c, last)
	return e, found && e.Last == last, err
}

// ownerOf is the owned extent that has all pages of e.
func (m *Manager) ownerOf(s *version.Session, oe *btree.Tree, e ops.Extent) (ops.Extent, error) {
	c := m.cursor(oe)
	defer m.release(c)
	owned, found, err := seek(s, c, e.Last)
	if err != nil {
		return owned, err
	}
	if !found || owned.First() > e.First() {
		return owned, jet.ErrSPOwnExtCorrupted.Errorf("pages %d to %d are none of the tree's", e.First(), e.Last)
	}
	return owned, nil
}
