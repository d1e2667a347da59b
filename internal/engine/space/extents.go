package space

import (
	"esent/internal/engine/btree"
	"esent/internal/engine/btree/ops"
	"esent/internal/engine/version"
	"esent/internal/jet"
)

// Extents in space trees. The callers hold the SpaceLock of the owner.

// at decodes the cursor's present node.
func at(s *version.Session, c *btree.Cursor) (e ops.Extent, pool ops.Pool, err error) {
	for {
		data, err := c.Data(s)
		if err != nil {
			return e, 0, err
		}
		var b [4]byte
		n := copy(b[:], data)
		whole := len(data)
		if !c.Valid() {
			continue
		}
		if n != whole {
			return e, 0, jet.ErrSPAvailExtCorrupted
		}
		return ops.ParseExtent(c.Key(), b[:n])
	}
}

// seek finds the first extent of the general pool that ends at or behind last; found is false when there is none.
func seek(s *version.Session, c *btree.Cursor, last jet.Pgno) (e ops.Extent, found bool, err error) {
	var key [8]byte
	match, err := c.Seek(s, ops.AppendExtentKey(key[:0], ops.PoolGeneral, last), nil, btree.GE)
	if err != nil || match == btree.None {
		return e, false, err
	}
	e, pool, err := at(s, c)
	return e, err == nil && pool == ops.PoolGeneral, err
}

// insert adds an extent.
func (m *Manager) insert(s *version.Session, t *btree.Tree, pool ops.Pool, e ops.Extent) error {
	c := m.cursor(t)
	defer m.release(c)
	var key, data [8]byte
	return c.Insert(s, ops.AppendExtentKey(key[:0], pool, e.Last), ops.AppendExtentData(data[:0], e.Pages), btree.Unversioned)
}

// resize gives the extent under the cursor another number of pages; with none it is deleted, but for an empty
// run of the continuous pool, which stays as a mark.
func resize(s *version.Session, c *btree.Cursor, pool ops.Pool, pages uint32) error {
	if pages == 0 && pool != ops.PoolContinuous {
		return c.Delete(s)
	}
	var data [8]byte
	return c.Replace(s, ops.AppendExtentData(data[:0], pages), btree.Unversioned|btree.Whole)
}

// walk gives all extents of a space tree in order, until f returns false.
func (m *Manager) walk(s *version.Session, t *btree.Tree, f func(e ops.Extent, pool ops.Pool) bool) error {
	c := m.cursor(t)
	defer m.release(c)
	err := c.First(s)
	for err == nil {
		e, pool, e2 := at(s, c)
		if e2 != nil {
			return e2
		}
		if !f(e, pool) {
			return nil
		}
		err = c.Next(s)
	}
	if jet.CodeOf(err) == jet.ErrNoCurrentRecord {
		return nil
	}
	return err
}
