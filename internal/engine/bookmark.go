package engine

import (
	"bytes"

	"esent/internal/engine/btree"
	"esent/internal/jet"
)

// Bookmark copies the primary key of the record that the cursor is on to buf and gives its length (JetGetBookmark,
// spec chapter 01, 8.5); a deleted record still has one. Errors: JET_errNoCurrentRecord, JET_errBufferTooSmall.
func (c *Cursor) Bookmark(s *Session, buf []byte) (actual uint32, err error) {
	if err := c.enterLentFor(s, tempBookmark); err != nil {
		return 0, err
	}
	if err = c.settle(s); err == nil {
		if mark := c.bookmark(); mark == nil {
			err = jet.ErrNoCurrentRecord
		} else {
			actual = uint32(len(mark))
			if copy(buf, mark) < len(mark) {
				err = jet.ErrBufferTooSmall
			}
		}
	}
	s.leave()
	return actual, err
}

// GotoBookmark goes to the record with that primary key (JetGotoBookmark, spec chapter 01, 8.5). With a secondary
// index as current it goes to the record's entry there. Errors: JET_errInvalidBookmark, JET_errRecordDeleted (the
// place stays), JET_errNoCurrentRecord (no entry in the current index; the record is the current one).
func (c *Cursor) GotoBookmark(s *Session, mark []byte) error {
	if err := c.enterFor(s, tempBookmark); err != nil {
		return err
	}
	err := c.gotoBookmark(s, mark, 1)
	s.leave()
	return err
}

// gotoBookmark is GotoBookmark at the entry for value itag of a multi-valued column.
func (c *Cursor) gotoBookmark(s *Session, mark []byte, itag uint32) error {
	if len(mark) == 0 {
		return jet.ErrInvalidBookmark
	}
	if c.prepared != notPrepared {
		if err := c.cancel(s); err != nil {
			return err
		}
	}
	c.ranged = false
	c.searchKey.Consume()
	// The place is only given up when the record is there.
	if c.probe.Tree() != c.table.Tree {
		c.probe.Init(c.table.Tree)
	}
	m, err := c.probe.Seek(s.trx, mark, nil, btree.EQ)
	switch {
	case err != nil:
		return err
	case m != btree.Equal:
		return jet.ErrRecordDeleted
	}
	c.primary, c.probe = c.probe, c.primary
	c.record = onEntry
	if c.index == nil {
		return nil
	}
	return c.gotoEntry(s, itag)
}

// gotoEntry goes to the entry that the record has in the current secondary index for value itag.
func (c *Cursor) gotoEntry(s *Session, itag uint32) error {
	k, found, err := c.entryKey(s, c.index, itag)
	switch {
	case err != nil:
		return err
	case !found:
		c.entry = beforeFirst
		return jet.ErrNoCurrentRecord
	}
	c.navigated(s)
	m, err := c.secondary.Seek(s.trx, k, c.primary.Key(), btree.EQ)
	switch {
	case err != nil:
		return err
	case m != btree.Equal:
		c.entry = onGap
		return jet.ErrNoCurrentRecord
	}
	c.entry = onEntry
	c.reference = append(c.reference[:0], c.primary.Key()...)
	return nil
}

// SecondaryBookmark copies the key of the current entry of a secondary index and the primary key of its record
// (JetGetSecondaryIndexBookmark, spec chapter 01, 8.5). Errors: JET_errNoCurrentIndex, JET_errNoCurrentRecord,
// JET_errBufferTooSmall for either buffer.
func (c *Cursor) SecondaryBookmark(s *Session, keyBuf, markBuf []byte) (keyActual, markActual uint32, err error) {
	if err := c.enterLentFor(s, tempOther); err != nil {
		return 0, 0, err
	}
	defer s.leave()
	if c.index == nil {
		return 0, 0, jet.ErrNoCurrentIndex
	}
	if err := c.settle(s); err != nil {
		return 0, 0, err
	}
	mark := c.bookmark()
	if c.entry != onEntry || mark == nil {
		return 0, 0, jet.ErrNoCurrentRecord
	}
	k := c.secondary.Key()
	if copy(keyBuf, k) < len(k) || copy(markBuf, mark) < len(mark) {
		err = jet.ErrBufferTooSmall
	}
	return uint32(len(k)), uint32(len(mark)), err
}

// GotoSecondaryBookmark goes to an entry of the current secondary index (JetGotoSecondaryIndexBookmark, spec chapter
// 01, 8.5). In a unique index the primary key may be empty. Errors: JET_errNoCurrentIndex, JET_errInvalidBookmark,
// JET_errRecordDeleted: the place stays, or with JET_bitBookmarkPermitVirtualCurrency is where the entry would be.
func (c *Cursor) GotoSecondaryBookmark(s *Session, k, mark []byte, grbit jet.Grbit) error {
	if err := c.enterFor(s, tempOther); err != nil {
		return err
	}
	defer s.leave()
	switch {
	case c.index == nil:
		return jet.ErrNoCurrentIndex
	case len(k) == 0 || len(mark) == 0 && c.index.Tree.NonUnique:
		return jet.ErrInvalidBookmark
	}
	if c.prepared != notPrepared {
		if err := c.cancel(s); err != nil {
			return err
		}
	}
	c.ranged = false
	c.searchKey.Consume()
	if c.probe.Tree() != c.index.Tree {
		c.probe.Init(c.index.Tree)
	}
	m, err := c.probe.Seek(s.trx, k, mark, btree.EQ)
	if err != nil {
		return err
	}
	if m != btree.Equal {
		if grbit&jet.BitBookmarkPermitVirtualCurrency != 0 {
			c.secondary.SetGap(k, mark)
			c.setPlaces(onGap)
		}
		return jet.ErrRecordDeleted
	}
	c.secondary, c.probe = c.probe, c.secondary
	c.entry = onEntry
	if err := c.follow(s); err != nil {
		return err
	}
	if !c.index.Tree.NonUnique && len(mark) > 0 && !bytes.Equal(mark, c.reference) {
		return jet.ErrRecordDeleted
	}
	return nil
}
