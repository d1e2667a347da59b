package engine

import "esent/internal/jet"

// IndexRecordCount counts entries from the current one forward to the end of the range, or of the index, most at the
// most if that is not 0 (JetIndexRecordCount, spec chapter 01, 9.4). A range for moving back does not end it. The
// cursor stays on its entry; a range is gone afterwards. Errors: JET_errNoCurrentRecord, JET_errRecordDeleted,
// JET_errFilteredMoveNotSupported.
func (c *Cursor) IndexRecordCount(s *Session, most uint64) (n uint64, err error) {
	if err := c.enterFor(s, tempOther); err != nil {
		return 0, err
	}
	n, err = c.countEntries(s, most)
	s.leave()
	return n, err
}

func (c *Cursor) countEntries(s *Session, most uint64) (n uint64, err error) {
	if c.filter != nil {
		return 0, jet.ErrFilteredMoveNotSupported
	}
	if err := c.settle(s); err != nil {
		if err == jet.ErrNoCurrentRecord {
			return 0, nil // a fresh cursor on an empty index
		}
		return 0, err
	}
	t, p := c.tree()
	if *p != onEntry {
		return 0, jet.ErrNoCurrentRecord
	}
	if err := c.present(s); err != nil {
		return 0, err
	}
	if c.probe.Tree() != t.Tree() {
		c.probe.Init(t.Tree())
	}
	ranged := c.ranged
	c.ranged = false
	c.probe.SetGap(t.Key(), t.BookmarkData())
	for {
		err = c.probe.Next(s.trx)
		n++
		if err == jet.ErrNoCurrentRecord || err == nil && (n == most || ranged && !c.inRange(c.probe.Key())) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}
