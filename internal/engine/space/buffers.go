package space

import (
	"math/bits"

	"esent/internal/engine/btree"
	"esent/internal/engine/btree/ops"
	"esent/internal/engine/page"
	"esent/internal/engine/version"
	"esent/internal/jet"
)

// buffers is the btree.PageSource of space trees: the split buffers in their roots (spec chapter 03, 8.2). The
// owner's SpaceLock is held.
type buffers struct{}

// AllocPage takes the lowest page of the smaller buffer that has any.
func (buffers) AllocPage(s *version.Session, t *btree.Tree, _ jet.Pgno, _ bool) (pgno jet.Pgno, err error) {
	err = t.UpdateHeader(s, func(dst, old []byte) ([]byte, error) {
		b := ops.ParseSplitBuffers(old)
		i := 0
		if b[0].Pages == 0 || b[1].Pages != 0 && b[1].Pages < b[0].Pages {
			i = 1
		}
		if b[i].Pages == 0 || b[i].Pages > uint32(b[i].Last) {
			return nil, jet.ErrOutOfDatabaseSpace.Errorf("no page left for the split of a space tree")
		}
		pgno = b[i].Last - jet.Pgno(b[i].Pages) + 1
		b[i].Pages--
		return appendBuffers(dst, old, &b), nil
	})
	return pgno, err
}

// FreePage puts back a page that was taken for a split that did not need it. Another page is not taken back, and
// so lost to the tree's owner.
func (buffers) FreePage(s *version.Session, t *btree.Tree, pgno jet.Pgno) error {
	return t.UpdateHeader(s, func(dst, old []byte) ([]byte, error) {
		b := ops.ParseSplitBuffers(old)
		for i := range b {
			if b[i].Last != 0 && pgno == b[i].Last-jet.Pgno(b[i].Pages) {
				b[i].Pages++
				return appendBuffers(dst, old, &b), nil
			}
		}
		return nil, nil
	})
}

// appendBuffers encodes b, and keeps what follows the buffers in the external header of before.
func appendBuffers(dst, old []byte, b *ops.SplitBuffers) []byte {
	dst = b.Append(dst)
	if len(old) > ops.SplitBuffersSize {
		dst = append(dst, old[ops.SplitBuffersSize:]...)
	}
	return dst
}

// splitBuffers are the present buffers of a space tree.
func splitBuffers(t *btree.Tree) (ops.SplitBuffers, error) {
	var buf [64]byte
	b, err := t.Header(buf[:0])
	return ops.ParseSplitBuffers(b), err
}

// refill makes sure that both space trees of t have pages for the splits that their next changes may bring
// (spec chapter 03, 10.4).
func (m *Manager) refill(s *version.Session, t *btree.Tree, h ops.SpaceHeader) error {
	oe, ae := m.spaceTrees(t, h)
	for {
		a, err := m.refillOne(s, t, h, oe, 2)
		if err != nil {
			return err
		}
		b, err := m.refillOne(s, t, h, ae, 1)
		if err != nil {
			return err
		}
		if !a && !b {
			return nil
		}
	}
}

// worstSplit is how many pages one insert into a space tree can need.
func worstSplit(tree *btree.Tree) (uint32, error) {
	flags, _, free, err := tree.RootState()
	switch {
	case err != nil:
		return 0, err
	case flags&page.FlagLeaf != 0 && free >= 100:
		return 0, nil
	case flags&page.FlagLeaf != 0:
		return 2, nil
	case flags&page.FlagParentOfLeaf != 0:
		return 3, nil
	}
	return 4, nil
}

// refillOne fills the buffers of one space tree for so many inserts, if they hold too little.
func (m *Manager) refillOne(s *version.Session, t *btree.Tree, h ops.SpaceHeader, tree *btree.Tree, inserts uint32) (filled bool, err error) {
	worst, err := worstSplit(tree)
	if err != nil || worst == 0 {
		return false, err
	}
	b, err := splitBuffers(tree)
	if err != nil {
		return false, err
	}
	required := worst * inserts
	if b[0].Pages+b[1].Pages >= required {
		return false, nil
	}
	request := uint32(16)
	switch {
	case worst <= 2:
		request = 2
	case worst == 3:
		request = 8
	}
	parent, err := m.parent(h)
	if err != nil {
		return false, err
	}
	if parent == nil {
		request = max(request, 4)
	}
	if required > request {
		request = 1 << bits.Len32(required-1)
	}
	var e ops.Extent
	if parent != nil {
		e, err = m.allocExtent(s, parent, request, request, false)
	} else {
		e, err = m.extendFile(s, request)
	}
	if err != nil {
		return false, err
	}
	oe, _ := m.spaceTrees(t, h)
	if err := m.insert(s, oe, ops.PoolGeneral, e); err != nil {
		return false, err
	}
	var displaced ops.Buffer
	err = tree.UpdateHeader(s, func(dst, old []byte) ([]byte, error) {
		b := ops.ParseSplitBuffers(old)
		i := 0
		if b[1].Pages < b[0].Pages {
			i = 1
		}
		displaced, b[i] = b[i], ops.Buffer(e)
		return appendBuffers(dst, old, &b), nil
	})
	if err == nil && displaced.Pages > 0 {
		err = m.giveBack(s, t, h, ops.Extent(displaced))
	}
	return true, err
}
