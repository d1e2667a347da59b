package engine

import (
	"esent/internal/engine/catalog"
	"esent/internal/jet"
)

// Delete deletes the current record, its index entries and its references to long values (JetDelete, spec chapter
// 01, 11.4); a prepared update is dropped first. The cursor stays at the record's place. Errors:
// JET_errNoCurrentRecord, JET_errRecordDeleted, JET_errWriteConflict, JET_errPermissionDenied,
// JET_errTransReadOnly, JET_errAlreadyPrepared (a copy that takes the record's place).
func (c *Cursor) Delete(s *Session, t Thread) error {
	if err := c.enterFor(s, tempDelete); err != nil {
		return err
	}
	err := c.runDelete(s, t)
	s.leave()
	return err
}

func (c *Cursor) runDelete(s *Session, t Thread) error {
	if err := c.mayWrite(s); err != nil {
		return err
	}
	switch c.prepared {
	case notPrepared:
	case preparedInsertCopyDelete:
		return jet.ErrAlreadyPrepared
	default:
		if err := c.cancel(s); err != nil {
			return err
		}
	}
	if !s.owner.allows(t, s.trx.Level()) {
		return jet.ErrSessionSharingViolation
	}
	c.awaitBuild(s)
	part, err := s.beginPart()
	if err != nil {
		return err
	}
	if err = c.before(s, jet.CbtypBeforeDelete); err == nil {
		err = c.deleteRecord(s, c.table.Schema(), false)
	}
	if err = s.endPart(part, err); err == nil {
		c.after(s, jet.CbtypAfterDelete)
	}
	return err
}

// deleteRecord deletes the record with its index entries. With keepLong its long values go on with a copy of it that
// is about to be inserted.
func (c *Cursor) deleteRecord(s *Session, sc *catalog.Schema, keepLong bool) (err error) {
	m := c.maker(s, sc)
	u := c.update
	if keepLong {
		err = c.unchanged(s)
	} else {
		u.old, err = c.copyRecord(s, u.old[:0])
	}
	if err != nil {
		return err
	}
	u.mark = append(u.mark[:0], c.primary.Key()...)
	// The deletion of the record itself finds conflicts with others, so it comes first.
	if err := c.primary.FlagDelete(s.trx, 0); err != nil {
		return err
	}
	if keepLong && u.touched {
		s.trx.Hide(u.id)
	}
	err = m.deleteEntries(s, u.old, u.mark)
	s.trx.Hide(0)
	if err != nil || keepLong {
		return err
	}
	return c.releaseAll(s, u.old)
}
