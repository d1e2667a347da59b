package catalog

import (
	"esent/internal/engine/lv"
	"esent/internal/engine/page"
	"esent/internal/engine/space"
	"esent/internal/engine/version"
	"esent/internal/jet"
)

// LongValues gives the table's long values, and makes the tree for them if there is none. exclusive says that the
// session has the table alone: the tree is then made in its transaction, and goes when that is rolled back. Else it is
// made by a session of the engine's own, and stays (spec chapter 03, 16.6 and 18.1).
func (t *Table) LongValues(s *version.Session, exclusive bool) (*lv.Values, error) {
	if v := t.lv.Load(); v != nil {
		return v, nil
	}
	if s.Level() == 0 {
		return nil, jet.ErrNotInTransaction
	}
	t.lvMu.Lock()
	defer t.lvMu.Unlock()
	if v := t.lv.Load(); v != nil {
		return v, nil
	}
	if t.temporary != nil {
		return t.temporaryValues(s)
	}
	var v *lv.Values
	var err error
	if exclusive || t.CreatedBy(s) {
		// The tree is not part of the update for which it is made: others of the session put values into it.
		defer s.InUpdate(s.InUpdate(0))
		err = nested(s, func() (err error) {
			if err := t.cat.versioned(s, t, t.undoValues, nil); err != nil {
				return err
			}
			v, err = t.createValues(s)
			t.lv.Store(v)
			return err
		})
		return v, err
	}
	w := &t.cat.worker
	w.Lock()
	defer w.Unlock()
	err = inTrx(w.s, func() (err error) {
		v, err = t.createValues(w.s)
		return err
	})
	if err != nil {
		return nil, err
	}
	t.lv.Store(v)
	return v, nil
}

// undoValues takes back the creation of the tree of long values.
func (t *Table) undoValues(*version.Session) error {
	v := t.lv.Swap(nil)
	if v == nil {
		return nil
	}
	return t.cat.destroyLater(t, v.Tree)
}

// createValues makes the tree of long values and its rows.
func (t *Table) createValues(s *version.Session) (*lv.Values, error) {
	c := t.cat
	const density = 100
	o := space.TreeOptions{Pages: t.LVHints.initialPages(c.db.PageSize), Flags: page.FlagLongValue}
	tree, err := c.newTree(s, t.Tree, o, density, &t.LVHints)
	if err != nil {
		return nil, err
	}
	r := &Row{ObjidTable: t.ObjID, Type: RowLongValue, ID: uint32(tree.ObjID), ColtypOrPgno: uint32(tree.Root), SpaceUsage: density,
		PagesOrLocale: 1, LastSetTime: c.fileTime(), Name: "LV"}
	if err := c.insertRow(s, r); err != nil {
		return nil, err
	}
	if err := c.insertObjid(s, tree.ObjID, t.ObjID, RowLongValue); err != nil {
		return nil, err
	}
	return lv.New(tree, t.ChunkSize, c.Features().LID64)
}
