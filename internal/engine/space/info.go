package space

import (
	"esent/internal/engine/btree"
	"esent/internal/engine/btree/ops"
	"esent/internal/engine/version"
	"esent/internal/jet"
)

// What the API tells of space (spec chapter 03, 12). The figures of a tree that is being changed are those of some
// moment.

// Owned lists the extents that a tree owns, space of its children included.
func (m *Manager) Owned(s *version.Session, t *btree.Tree) ([]ops.Extent, error) {
	h, err := m.header(t)
	if err != nil {
		return nil, err
	}
	if !h.Multiple() {
		return []ops.Extent{{Last: t.Root + jet.Pgno(h.Pages) - 1, Pages: h.Pages}}, nil
	}
	oe, _ := m.spaceTrees(t, h)
	var list []ops.Extent
	err = m.walk(s, oe, func(e ops.Extent, _ ops.Pool) bool {
		list = append(list, e)
		return true
	})
	return list, err
}

// Available lists the extents of a tree that are free; shelved pages are not among them.
func (m *Manager) Available(s *version.Session, t *btree.Tree) ([]ops.Extent, error) {
	h, err := m.header(t)
	if err != nil {
		return nil, err
	}
	if !h.Multiple() {
		return ops.FreeExtents(t.Root, h.Pages, h.Map), nil
	}
	_, ae := m.spaceTrees(t, h)
	var list []ops.Extent
	err = m.walk(s, ae, func(e ops.Extent, pool ops.Pool) bool {
		if pool != ops.PoolShelved && e.Pages > 0 {
			list = append(list, e)
		}
		return true
	})
	return list, err
}

// Reserved lists the split buffers of a tree's space trees.
func (m *Manager) Reserved(s *version.Session, t *btree.Tree) ([]ops.Extent, error) {
	h, err := m.header(t)
	if err != nil || !h.Multiple() {
		return nil, err
	}
	var list []ops.Extent
	oe, ae := m.spaceTrees(t, h)
	for _, tree := range []*btree.Tree{oe, ae} {
		b, err := splitBuffers(tree)
		if err != nil {
			return nil, err
		}
		for _, x := range b {
			if x.Pages > 0 {
				list = append(list, ops.Extent(x))
			}
		}
	}
	return list, nil
}

// Pages is the number of pages in a list of extents.
func Pages(list []ops.Extent) (n uint32) {
	for _, e := range list {
		n += e.Pages
	}
	return n
}

// SpaceTrees are the space trees of a tree; ok is false for one that has a bitmap.
func (m *Manager) SpaceTrees(t *btree.Tree) (oe, ae *btree.Tree, ok bool, err error) {
	h, err := m.header(t)
	if err != nil || !h.Multiple() {
		return nil, nil, false, err
	}
	oe, ae = m.spaceTrees(t, h)
	return oe, ae, true, nil
}
