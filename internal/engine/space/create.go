package space

import (
	"esent/internal/engine/btree"
	"esent/internal/engine/btree/ops"
	"esent/internal/engine/cache"
	"esent/internal/engine/page"
	"esent/internal/engine/version"
	"esent/internal/jet"
	"esent/internal/logstore"
)

// TreeOptions says what tree CreateTree makes.
type TreeOptions struct {
	// Pages is the size of the primary extent, 0 for the least.
	Pages uint32
	// Multiple gives the tree space trees from the start, in its second and third page.
	Multiple bool
	// Flags are its type: FlagIndex, FlagLongValue, FlagNonUnique.
	Flags page.Flags
}

// CreateTree makes a new, empty tree with space of parent and the next object id (spec chapter 03, 9.3). Rollback
// does not take it back: the caller registers what does.
func (m *Manager) CreateTree(s *version.Session, parent *btree.Tree, o TreeOptions) (*btree.Tree, error) {
	least := uint32(singleMinimum)
	if o.Multiple {
		least = multipleLeast
	}
	if m.db.ObjIDLast() >= objidLimit {
		return nil, jet.ErrOutOfObjectIDs
	}
	e, err := m.allocExtent(s, parent, least, o.Pages, true)
	if err != nil {
		return nil, err
	}
	return m.create(s, parent.Root, e, o)
}

// CreateRoot makes the database root of a new database with so many pages: object 1 in pages 1 to 3.
func (m *Manager) CreateRoot(s *version.Session, pages uint32) (*btree.Tree, error) {
	return m.create(s, jet.PgnoNull, ops.Extent{Last: jet.Pgno(pages), Pages: pages}, TreeOptions{Multiple: true})
}

func (m *Manager) create(s *version.Session, parent jet.Pgno, e ops.Extent, o TreeOptions) (*btree.Tree, error) {
	if m.db.Logged {
		if s.Level() == 0 {
			return nil, jet.ErrNotInTransaction
		}
		if err := s.Owed(); err != nil {
			return nil, err
		}
	}
	root := e.First()
	objid := m.db.NextObjID()
	op := logstore.PageOp{Proc: s.Proc, DB: m.db.ID, Pgno: root, DBTimeBefore: jet.DBTimeNil, Trx: s.Begin0(), Level: s.Level()}
	var err error
	if o.Multiple {
		r := logstore.CreateMultipleExtentFDP{PageOp: op, ObjID: objid, OE: root + 1, AE: root + 2, FDPParent: parent,
			Primary: e.Pages, PageFlags: uint32(o.Flags)}
		err = m.onPages(s, ops.CreateMultipleExtentFDPUses(&r), &r, func(now, _ jet.DBTime) { r.DBTime = now },
			func(p ops.Pages) error { return m.db.Format.CreateMultipleExtentFDP(p, &r) })
	} else {
		r := logstore.CreateSingleExtentFDP{PageOp: op, ObjID: objid, FDPParent: parent, Primary: e.Pages, PageFlags: uint32(o.Flags)}
		err = m.onPages(s, []ops.Use{{Pgno: root, Before: jet.DBTimeNil, New: true}}, &r, func(now, _ jet.DBTime) { r.DBTime = now },
			func(p ops.Pages) error {
				image, _ := p.Page(root)
				return m.db.Format.CreateSingleExtentFDP(image, &r)
			})
	}
	if err != nil {
		return nil, err
	}
	m.db.Renew(root, root+1, root+2)
	return m.db.Tree(root)
}

// onPages latches the pages of one record, draws its dbtime, logs it and applies it. stamp tells the record its
// dbtime and that of its first page.
func (m *Manager) onPages(s *version.Session, uses []ops.Use, r logstore.Record, stamp func(now, before jet.DBTime), apply func(ops.Pages) error) error {
	var frames []*cache.Frame
	var set ops.PageSet
	k := m.db.Kernel
	undo := func() {
		for i, f := range frames {
			if uses[i].New {
				k.Cache.Discard(f)
			} else {
				f.UnlockUnchanged()
			}
		}
	}
	for _, u := range uses {
		lock := k.Cache.Lock
		if u.New {
			lock = k.Cache.LockNew
		}
		f, err := lock(m.db.DB, u.Pgno)
		if err != nil {
			undo()
			return err
		}
		frames = append(frames, f)
		set = append(set, ops.PageEntry{Pgno: u.Pgno, Page: f.Page(), Apply: true})
	}
	now := m.db.NextDBTime()
	// Only the first page can have a state before the record.
	stamp(now, frames[0].Page().DBTime())
	for i, f := range frames {
		if !uses[i].New && f.Page().DBTime() >= now {
			undo()
			return jet.ErrDbTimeCorrupted
		}
	}
	var start, end jet.LogPos
	if m.db.Logged {
		var err error
		s.Buf = r.Append(s.Buf[:0])
		if start, end, err = s.Log(s.Buf); err != nil {
			undo()
			return err
		}
	}
	err := apply(set)
	for _, f := range frames {
		f.Dirty(start, end)
		f.Unlock()
	}
	return k.Applied(err)
}

// logConvert makes the secondary extent e the first of a tree that had a bitmap.
func (m *Manager) logConvert(s *version.Session, t *btree.Tree, e ops.Extent) error {
	if m.db.Logged {
		if err := s.Owed(); err != nil {
			return err
		}
	}
	h, err := m.header(t)
	if err != nil {
		return err
	}
	flags, _, _, err := t.RootState()
	if err != nil {
		return err
	}
	r := logstore.ConvertFDP{PageOp: logstore.PageOp{Proc: s.Proc, DB: m.db.ID, Pgno: t.Root, Trx: s.Begin0(), Level: s.Level()},
		ObjID: t.ObjID, OE: e.First(), AE: e.First() + 1, FDPParent: h.Parent, SecondaryFirst: e.First(),
		Primary: h.Pages, Secondary: e.Pages, Avail: h.Map,
		PageFlags: uint32(flags &^ (page.FlushTypeMask | page.FlagScrubbed))}
	err = m.onPages(s, ops.ConvertFDPUses(&r), &r, func(now, before jet.DBTime) { r.DBTime, r.DBTimeBefore = now, before },
		func(p ops.Pages) error { return m.db.Format.ConvertFDP(p, &r) })
	if err == nil {
		m.db.Renew(r.OE, r.AE)
	}
	return err
}

// DestroyTree gives all pages of a tree to its parent. Its pages are not touched; whoever has a cursor on it must
// be gone (spec chapter 03, 10.5).
func (m *Manager) DestroyTree(s *version.Session, t *btree.Tree) error {
	m.db.Forget(t)
	t.SpaceLock().Lock()
	defer t.SpaceLock().Unlock()
	h, err := m.header(t)
	if err != nil {
		return err
	}
	parent, err := m.parent(h)
	if err != nil {
		return err
	}
	if parent == nil {
		return jet.ErrInvalidParameter.Errorf("the database root cannot be destroyed")
	}
	owned := []ops.Extent{{Last: t.Root + jet.Pgno(h.Pages) - 1, Pages: h.Pages}}
	if h.Multiple() {
		owned = owned[:0]
		oe, _ := m.spaceTrees(t, h)
		err := m.walk(s, oe, func(e ops.Extent, _ ops.Pool) bool {
			owned = append(owned, e)
			return true
		})
		if err != nil {
			return err
		}
	}
	m.SetHints(t, Hints{})
	// Forgotten a second time, as the space trees were just opened.
	m.db.Forget(t)
	for _, e := range owned {
		if err := m.FreeExtent(s, parent, e); err != nil {
			return err
		}
	}
	return nil
}
