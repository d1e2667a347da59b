package engine

import "esent/internal/jet"

// RecordPosition tells where the current entry lies in its index: behind less of total entries
// (JetGetRecordPosition, spec chapter 01, 8.6). In large indexes only the fraction counts. A deleted record has a
// place too. Errors: JET_errNoCurrentRecord.
func (c *Cursor) RecordPosition(s *Session) (less, total uint64, err error) {
	if err := c.enterLentFor(s, tempOther); err != nil {
		return 0, 0, err
	}
	defer s.leave()
	if err := c.settle(s); err != nil {
		return 0, 0, err
	}
	t, p := c.tree()
	if *p != onEntry && *p != onGap {
		return 0, 0, jet.ErrNoCurrentRecord
	}
	return t.Position()
}

// GotoPosition goes to the entry at the fraction less/total of the current index (JetGotoPosition, spec chapter 01,
// 8.6). Errors: JET_errInvalidParameter (more than the whole), JET_errRecordNotFound (empty index),
// JET_errFilteredMoveNotSupported.
func (c *Cursor) GotoPosition(s *Session, less, total uint64) error {
	if err := c.enterFor(s, tempOther); err != nil {
		return err
	}
	defer s.leave()
	switch {
	case c.filter != nil:
		return jet.ErrFilteredMoveNotSupported
	case less > total:
		return jet.ErrInvalidParameter
	}
	if c.prepared != notPrepared {
		if err := c.cancel(s); err != nil {
			return err
		}
	}
	c.ranged = false
	c.searchKey.Consume()
	c.navigated(s)
	t, p := c.tree()
	err := t.SeekPosition(s.trx, less, total)
	if err == nil {
		*p = onEntry
		return c.follow(s)
	}
	c.setPlaces(beforeFirst)
	if err == jet.ErrNoCurrentRecord {
		return jet.ErrRecordNotFound
	}
	return err
}
