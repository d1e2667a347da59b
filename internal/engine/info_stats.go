package engine

import (
	"bytes"
	"encoding/binary"
	"math"
	"time"

	"esent/internal/engine/btree"
	"esent/internal/engine/catalog"
	"esent/internal/engine/page"
	"esent/internal/jet"
)

// tableStats are the numbers that JetComputeStats stores of an index (spec chapter 03, 13.1): 20 bytes with the time
// behind them.
type tableStats struct{ Entries, Keys, Pages uint32 }

const statsSize = 20

func parseStats(b []byte) (st tableStats) {
	if len(b) == statsSize {
		st.Entries, st.Keys, st.Pages = binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:]), binary.LittleEndian.Uint32(b[8:])
	}
	return st
}

// encode gives the stored form, with the time of the count.
func (st tableStats) encode(at time.Time) []byte {
	b := binary.LittleEndian.AppendUint32(make([]byte, 0, statsSize), st.Entries)
	b = binary.LittleEndian.AppendUint32(b, st.Keys)
	b = binary.LittleEndian.AppendUint32(b, st.Pages)
	return binary.LittleEndian.AppendUint64(b, math.Float64bits(dateSerial(at)))
}

// dateSerial is a time as JET_DATESERIAL has it: days since 30 December 1899.
func dateSerial(t time.Time) float64 {
	return t.Sub(time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)).Hours() / 24
}

// stats gives what is stored of an index; nil is the table itself.
func (c *Cursor) stats(s *Session, ix *catalog.Index) (tableStats, error) {
	var id jet.ObjID
	if ix != nil {
		id = ix.ObjID
	}
	b, err := c.db.cat.Stats(s.trx, c.table, id)
	return parseStats(b), err
}

// ComputeStats counts entries, keys and pages of the table and its indexes, and stores the numbers for the info calls
// (JetComputeStats, spec chapter 01, 13.7). Errors: ErrFilteredMoveNotSupported, ErrTransReadOnly, ErrWriteConflict.
func (c *Cursor) ComputeStats(s *Session) error {
	if err := c.enter(s); err != nil {
		return err
	}
	defer s.leave()
	switch {
	case c.temporary():
		return jet.ErrIllegalOperation
	case c.filter != nil:
		return jet.ErrFilteredMoveNotSupported
	case c.db.readOnly:
		return jet.ErrPermissionDenied
	case s.readOnly && s.trx.Level() > 0:
		return jet.ErrTransReadOnly
	}
	return s.ddl(func() error {
		if err := c.computeStats(s, c.table.Tree, 0); err != nil {
			return err
		}
		for _, ix := range c.schema().Indexes {
			if !ix.VisibleTo(s.trx) {
				continue
			}
			if err := c.computeStats(s, ix.Tree, ix.ObjID); err != nil {
				return err
			}
		}
		return nil
	})
}

func (c *Cursor) computeStats(s *Session, t *btree.Tree, id jet.ObjID) error {
	st, err := count(s, t)
	if err == nil && st.Entries > 0 {
		st.Pages, err = c.leaves(t)
	}
	if err != nil {
		return err
	}
	return c.db.cat.SetStats(s.trx, c.table, id, st.encode(s.inst.env.Now()))
}

// count counts the entries and the different keys that the session sees in a tree.
func count(s *Session, t *btree.Tree) (st tableStats, err error) {
	var bt btree.Cursor
	bt.Init(t)
	var last []byte
	for err = bt.First(s.trx); err == nil; err = bt.Next(s.trx) {
		st.Entries++
		if k := bt.Key(); !t.NonUnique || st.Keys == 0 || !bytes.Equal(k, last) {
			st.Keys++
			last = append(last[:0], k...)
		}
	}
	return st, errUnless(err, jet.ErrNoCurrentRecord)
}

// leaves counts the leaf pages of a tree. Where the tree changes meanwhile the number is one of many that are right.
func (c *Cursor) leaves(t *btree.Tree) (uint32, error) {
	m := c.db.inst.cache
	pgno, n := t.Root, uint32(0)
	for pgno != jet.PgnoNull {
		f, v, err := m.GetScan(c.db.pages, pgno)
		if err != nil {
			return 0, err
		}
		p := f.Page()
		leaf, next := p.Has(page.FlagLeaf), jet.PgnoNull
		if leaf {
			next = p.Next()
		} else if p.Lines() > 0 {
			next = p.Child(0)
		}
		same := p.ObjID() == t.ObjID
		if !f.Valid(v) {
			continue
		}
		if !same || n > 1<<30 {
			break // a page that left the tree
		}
		if leaf {
			n++
		}
		pgno = next
	}
	return n, nil
}
