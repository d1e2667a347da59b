package engine

import (
	"bytes"

	"esent/internal/engine/btree"
	"esent/internal/engine/key"
	"esent/internal/jet"
)

// MoveFirst and MoveLast, given to Cursor.Move, mean the ends of the index.
const (
	MoveFirst = -1 << 31
	MoveLast  = 1<<31 - 1
)

// Move moves by so many entries of the current index: MoveFirst, MoveLast, or a number, 0 to ask whether
// the entry still is there (JetMove, spec chapter 01, 8.1). With JET_bitMoveKeyNE it counts different keys. It
// drops a prepared update. Errors: JET_errNoCurrentRecord, JET_errRecordDeleted (only for 0),
// JET_errFilteredMoveNotSupported (0 with a filter).
func (c *Cursor) Move(s *Session, rows int32, grbit jet.Grbit) error {
	if err := c.enter(s); err != nil {
		return err
	}
	err := c.move(s, rows, grbit)
	c.show(s)
	s.leave()
	return err
}

func (c *Cursor) move(s *Session, rows int32, grbit jet.Grbit) error {
	if rows == 0 && c.filter != nil {
		return jet.ErrFilteredMoveNotSupported
	}
	if c.temp != nil {
		rest, done, err := c.beforeMove(s, rows)
		if done {
			return err
		}
		rows = rest
	}
	if c.prepared != notPrepared {
		if err := c.cancel(s); err != nil {
			return err
		}
	}
	distinct := grbit&jet.BitMoveKeyNE != 0
	var err error
	switch {
	case rows == 0:
		return c.present(s)
	case rows == MoveFirst || rows == MoveLast:
		err = c.moveEdge(s, rows == MoveLast)
	case rows > 0:
		for n := rows; n > 0 && err == nil; n-- {
			err = c.step(s, false, distinct)
		}
	default:
		for n := rows; n < 0 && err == nil; n++ {
			err = c.step(s, true, distinct)
		}
	}
	if err == nil {
		return c.follow(s)
	}
	if err != jet.ErrNoCurrentRecord {
		c.setPlaces(beforeFirst)
		return err
	}
	// A move that fails leaves the cursor at that end of the index.
	if rows > 0 {
		c.setPlaces(afterLast)
	} else {
		c.setPlaces(beforeFirst)
	}
	return err
}

// present says whether the entry that the cursor is on still is there.
func (c *Cursor) present(s *Session) error {
	if err := c.settle(s); err != nil {
		return err
	}
	t, p := c.tree()
	if *p == byEntry {
		return c.findRecord(s)
	}
	if *p != onEntry {
		return jet.ErrNoCurrentRecord
	}
	_, err := t.Data(s.trx)
	return err
}

// moveEdge goes to the first or last entry of the whole index.
func (c *Cursor) moveEdge(s *Session, last bool) (err error) {
	c.ranged = false
	c.navigated(s)
	t, p := c.tree()
	if last {
		err = c.last(s, t)
	} else {
		err = c.first(s, t)
	}
	if err == nil {
		*p = onEntry
	}
	return err
}

// step moves to the next or previous entry, with distinct of another key. When there is none, or the range ends,
// the place is that end of the index.
func (c *Cursor) step(s *Session, back, distinct bool) error {
	c.moved = s.levels.now
	t, p := c.tree()
	if *p == atFirst {
		if err := c.settle(s); err != nil {
			return err
		}
	}
	var err error
	switch *p {
	case onEntry, onGap:
		switch {
		case distinct && *p == onEntry && t.Tree().NonUnique:
			err = c.otherKey(s, t, back)
		case back:
			err = t.Prev(s.trx)
		default:
			err = t.Next(s.trx)
		}
	case beforeFirst:
		if back {
			return jet.ErrNoCurrentRecord
		}
		err = t.First(s.trx)
	case afterLast:
		if !back {
			return jet.ErrNoCurrentRecord
		}
		err = t.Last(s.trx)
	}
	if err == nil && c.filter != nil {
		err = c.passFilter(s, t, back)
	}
	if err == nil {
		*p = onEntry
		if !c.ranged || c.upper == back || c.inRange(t.Key()) {
			return nil
		}
		c.ranged = false
		err = jet.ErrNoCurrentRecord
	}
	if err == jet.ErrNoCurrentRecord {
		*p = afterLast
		if back {
			*p = beforeFirst
		}
	}
	return err
}

// otherKey moves to the nearest entry with another key in a tree that has many entries of one key.
func (c *Cursor) otherKey(s *Session, t *btree.Cursor, back bool) error {
	c.scratch = append(c.scratch[:0], t.Key()...)
	var err error
	if back {
		err = t.Prev(s.trx)
	} else {
		err = t.Next(s.trx)
	}
	if err != nil || !bytes.Equal(t.Key(), c.scratch) {
		return err
	}
	return c.skipKey(s, t, c.scratch, back)
}

// skipKey seeks past all entries of a whole key.
func (c *Cursor) skipKey(s *Session, t *btree.Cursor, k []byte, back bool) error {
	rel, data := btree.GT, behindAll[:]
	if back {
		rel, data = btree.LT, nil
	}
	m, err := t.Seek(s.trx, k, data, rel)
	if err == nil && m == btree.None {
		return jet.ErrNoCurrentRecord
	}
	return err
}

// behindAll, as the data of a secondary entry, is behind those of all entries: no primary key is so long.
var behindAll = func() (b [key.SearchKeyMax]byte) {
	for i := range b {
		b[i] = 0xFF
	}
	return b
}()
