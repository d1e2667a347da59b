package engine

import (
	"esent/internal/engine/catalog"
	"esent/internal/jet"
)

// IndexID names an index of a table for good: JET_INDEXID.
type IndexID struct {
	ObjID jet.ObjID
	Root  jet.Pgno
}

// SetCurrentIndex selects the index that moves and seeks go by (JetSetCurrentIndex1 to 4, spec chapter 01, 8.3):
// by id if that is given, else by name, empty for the primary one. grbit is JET_bitMoveFirst, or JET_bitNoMove to
// stay on the record, at the entry for value itag of a multi-valued column. Errors: JET_errInvalidGrbit,
// JET_errIndexNotFound, JET_errInvalidIndexId, JET_errInvalidName, JET_errFilteredMoveNotSupported,
// JET_errNoCurrentRecord and JET_errBadItagSequence, after which the new index is selected.
func (c *Cursor) SetCurrentIndex(s *Session, name string, id *IndexID, grbit jet.Grbit, itag uint32) error {
	if err := c.enterFor(s, tempOther); err != nil {
		return err
	}
	defer s.leave()
	switch {
	case grbit != jet.BitMoveFirst && grbit != jet.BitNoMove:
		return jet.ErrInvalidGrbit
	case c.filter != nil:
		return jet.ErrFilteredMoveNotSupported
	case id == nil && name != "":
		var err error
		if name, err = objectName(name); err != nil {
			return err
		}
	}
	if grbit == jet.BitNoMove {
		return c.changeIndex(s, name, id, max(1, itag))
	}
	if c.prepared != notPrepared {
		if err := c.cancel(s); err != nil {
			return err
		}
	}
	if err := c.chooseIndex(s, name, id); err != nil {
		return err
	}
	c.ranged = false
	c.setPlaces(atFirst)
	return nil
}

// changeIndex selects an index and stays on the record.
func (c *Cursor) changeIndex(s *Session, name string, id *IndexID, itag uint32) error {
	if err := c.settle(s); err != nil {
		return err
	}
	mark := c.bookmark()
	if mark == nil {
		return jet.ErrNoCurrentRecord
	}
	c.scratch = append(c.scratch[:0], mark...)
	if err := c.chooseIndex(s, name, id); err != nil {
		return err
	}
	return c.gotoBookmark(s, c.scratch, itag)
}

// chooseIndex makes an index the current one. If that is a change the cursor is before the first entry afterwards;
// also where the old secondary index was left and the new one not found.
func (c *Cursor) chooseIndex(s *Session, name string, id *IndexID) error {
	sc := c.schema()
	var ix *catalog.Index
	if id != nil {
		if ix = sc.Index(id.ObjID); ix == nil && id.ObjID == c.table.ObjID && id.Root == c.table.Tree.Root {
			c.selectIndex(s, nil)
			return nil
		}
		if ix == nil || ix.Tree.Root != id.Root || !ix.VisibleTo(s.trx) {
			return jet.ErrInvalidIndexId
		}
	} else if name != "" {
		if ix = sc.IndexByName(s.trx, name); ix == nil {
			c.selectIndex(s, nil)
			return jet.ErrIndexNotFound
		}
	}
	if ix != nil && ix.Primary() {
		ix = nil
	}
	c.selectIndex(s, ix)
	if ix == nil {
		return nil
	}
	// It may have been dropped before this cursor counted as one that uses it.
	if ix = c.schema().Index(ix.ObjID); ix == nil || !ix.VisibleTo(s.trx) {
		c.selectIndex(s, nil)
		return jet.ErrIndexNotFound
	}
	return nil
}

// selectIndex makes ix, nil for the primary one, the current index.
func (c *Cursor) selectIndex(s *Session, ix *catalog.Index) {
	if ix == nil && c.index == nil || ix != nil && c.index != nil && ix.ObjID == c.index.ObjID {
		return
	}
	if c.index != nil {
		c.index.Unuse()
		c.secondary.Reset()
	}
	c.ranged = false
	c.searchKey.Consume()
	c.index = ix
	if ix != nil {
		ix.Use()
		c.secondary.Init(ix.Tree)
		c.indexed = s.levels.now
		if c.secondaryKey {
			c.searchKey.Reset()
		}
	}
	c.setPlaces(beforeFirst)
}

// CurrentIndex is the current index' name; empty for a table without primary index (JetGetCurrentIndex).
func (c *Cursor) CurrentIndex(s *Session) (string, error) {
	if err := c.enterLentFor(s, tempOther); err != nil {
		return "", err
	}
	defer s.leave()
	if ix := c.currentIndex(s); ix != nil {
		return ix.Name, nil
	}
	return "", nil
}
