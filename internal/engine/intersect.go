package engine

import (
	"bytes"

	"esent/internal/engine/key"
	"esent/internal/engine/sort"
	"esent/internal/jet"
)

// IndexRange is the range that a cursor has in its current secondary index: JET_INDEXRANGE.
type IndexRange struct {
	// BadSize says that the structure's cbStruct is wrong; nothing else of it counts then.
	BadSize bool
	// Cursor is on the first entry of the range.
	Cursor *Cursor
	Grbit  jet.Grbit // JET_bitRecordInIndex
}

// intersectMost is the largest number of ranges.
const intersectMost = 64

// IntersectIndexes finds the records that are in all of some ranges of different secondary indexes of one table
// (JetIntersectIndexes, spec chapter 01, 8.8). The result is a temporary table of their primary keys, in order, with
// the id of its only column and the number of rows; nil when one of the ranges is empty. The cursors are behind their
// ranges afterwards. Errors: JET_errInvalidParameter, JET_errInvalidGrbit, JET_errSesidTableIdMismatch,
// JET_errNoCurrentRecord and those of temporary tables.
func (s *Session) IntersectIndexes(t Thread, ranges []IndexRange) (result *Cursor, column jet.ColumnID, rows uint32, err error) {
	if err := s.enterOwned(t); err != nil {
		return nil, 0, 0, err
	}
	defer s.leave()
	if err := s.checkRanges(ranges); err != nil {
		return nil, 0, 0, err
	}
	sorters := make([]*sort.Sorter, 0, len(ranges))
	defer func() {
		for _, o := range sorters {
			if e := o.Close(); err == nil {
				err = e
			}
		}
	}()
	for _, r := range ranges {
		sorter := s.inst.newSorter(tempMemory, sort.DropKeys)
		sorters = append(sorters, sorter)
		if err := r.Cursor.gather(s, sorter); err != nil {
			return nil, 0, 0, err
		}
		if err := sorter.Sort(); err != nil {
			return nil, 0, 0, err
		}
	}
	return s.intersect(ranges[0].Cursor, sorters)
}

func (s *Session) checkRanges(ranges []IndexRange) error {
	if len(ranges) == 0 || len(ranges) > intersectMost {
		return jet.ErrInvalidParameter
	}
	for i, r := range ranges {
		switch {
		case r.BadSize:
			return jet.ErrInvalidParameter
		case r.Cursor.session.Load() == nil:
			return jet.ErrInvalidTableId
		case r.Cursor.session.Load() != s:
			return jet.ErrSesidTableIdMismatch
		case r.Cursor.index == nil:
			return jet.ErrInvalidParameter
		case r.Grbit != jet.BitRecordInIndex:
			return jet.ErrInvalidGrbit
		}
		for _, o := range ranges[:i] {
			if o.Cursor.table != r.Cursor.table || o.Cursor.index.ObjID == r.Cursor.index.ObjID {
				return jet.ErrInvalidParameter
			}
		}
	}
	return nil
}

// gather adds the primary keys of the entries from the cursor's on to the end of its range.
func (c *Cursor) gather(s *Session, to *sort.Sorter) error {
	if err := c.present(s); err != nil {
		return err
	}
	for {
		if err := to.Add(c.bookmark(), nil); err != nil {
			return err
		}
		err := c.step(s, false, false)
		if err == jet.ErrNoCurrentRecord {
			c.setPlaces(afterLast)
			return nil
		}
		if err == nil {
			err = c.follow(s)
		}
		if err != nil {
			return err
		}
	}
}

// intersect makes the table of the keys that all sorters have.
func (s *Session) intersect(c *Cursor, sorters []*sort.Sorter) (result *Cursor, column jet.ColumnID, rows uint32, err error) {
	scans := make([]*sort.Scan, len(sorters))
	heads := make([][]byte, len(sorters))
	for i, o := range sorters {
		if scans[i], err = o.Scan(); err == nil {
			heads[i], _, err = scans[i].Next()
		}
		if err != nil || heads[i] == nil {
			return nil, 0, 0, err
		}
	}
	pageSize := c.db.pages.PageSize
	def := ColumnDef{Type: jet.ColtypBinary, Grbit: jet.BitColumnTTKey}
	if p := c.schema().Primary; p != nil && p.Def.KeyMost > jet.CbColumnMost {
		def.Type = jet.ColtypLongBinary
	}
	most := uint32(key.KeyMostOfPage(pageSize))
	l := &list{s: s, defs: []ColumnDef{def}}
	if l.c, err = s.openTemp(&TempTableDef{Columns: l.defs, KeyMost: most, VarSegMac: most, Grbit: jet.BitTTIntrinsicLVsOnly}); err != nil {
		return nil, 0, 0, err
	}
	for {
		least := heads[0]
		same := true
		for _, k := range heads[1:] {
			switch order := bytes.Compare(k, least); {
			case order < 0:
				least, same = k, false
			case order > 0:
				same = false
			}
		}
		if same {
			if err := l.add([][]byte{least}); err != nil {
				return nil, 0, 0, l.fail(err)
			}
		}
		c.scratch = append(c.scratch[:0], least...)
		for i, k := range heads {
			if !bytes.Equal(k, c.scratch) {
				continue
			}
			if heads[i], _, err = scans[i].Next(); err != nil {
				return nil, 0, 0, l.fail(err)
			}
			if heads[i] == nil {
				return l.c, l.defs[0].ID, l.rows, nil
			}
		}
	}
}
