package engine

import (
	"bytes"

	"esent/internal/jet"
)

// SetIndexRange ends the moves to come at the search key, which it uses up, or removes the range (JetSetIndexRange,
// spec chapter 01, 9.3). Errors: JET_errKeyNotMade, JET_errNoCurrentIndex, JET_errNoCurrentRecord (the cursor is
// on no entry, or on one outside: it is at the end of the index then), JET_errInvalidOperation (no range to
// remove).
func (c *Cursor) SetIndexRange(s *Session, grbit jet.Grbit) error {
	if err := c.enterFor(s, tempRange); err != nil {
		return err
	}
	err := c.setIndexRange(s, grbit)
	s.leave()
	return err
}

func (c *Cursor) setIndexRange(s *Session, grbit jet.Grbit) error {
	if grbit&jet.BitRangeRemove != 0 {
		if !c.ranged {
			return jet.ErrInvalidOperation
		}
		c.ranged = false
		return nil
	}
	if c.currentIndex(s) == nil {
		return jet.ErrNoCurrentIndex
	}
	if !c.keyMade() {
		return jet.ErrKeyNotMade
	}
	c.setRange(c.searchKey.Bytes(), grbit&jet.BitRangeUpperLimit != 0, grbit&jet.BitRangeInclusive != 0)
	c.searchKey.Consume()
	err := c.checkRange(s)
	if grbit&jet.BitRangeInstantDuration != 0 {
		c.ranged = false
	}
	return err
}

// setRange sets a range that ends at a key, in forward direction if upper is set.
func (c *Cursor) setRange(end []byte, upper, inclusive bool) {
	c.limit = append(c.limit[:0], end...)
	c.ranged, c.upper, c.inclusive = true, upper, inclusive
}

// checkRange says whether the cursor's place lies in the range; if not, the range is gone and the place the end of
// the index.
func (c *Cursor) checkRange(s *Session) error {
	if err := c.settle(s); err != nil {
		return err
	}
	t, p := c.tree()
	if *p != onEntry && *p != onGap {
		return jet.ErrNoCurrentRecord
	}
	if c.inRange(t.Key()) {
		return nil
	}
	c.ranged = false
	if c.upper {
		c.setPlaces(afterLast)
	} else {
		c.setPlaces(beforeFirst)
	}
	return jet.ErrNoCurrentRecord
}

// inRange says whether a key lies before the end of the range.
func (c *Cursor) inRange(k []byte) bool {
	order := bytes.Compare(k, c.limit)
	if !c.upper {
		order = -order
	}
	return order < 0 || order == 0 && c.inclusive
}
