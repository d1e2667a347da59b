package engine

import (
	"esent/internal/engine/catalog"
	"esent/internal/engine/record"
	"esent/internal/jet"
)

// Setting is one value to be set: JET_SETCOLUMN.
type Setting struct {
	Column jet.ColumnID
	Grbit  jet.Grbit
	// Data is the value, nil for none; Size its length. With JET_bitSetSizeLV long columns need no data, and without
	// JET_bitSetOverwriteLV look at none.
	Data []byte
	Size int
	// Itag is the value's number among those of its column, 0 for another one. Offset is into a long value.
	Itag, Offset uint32

	Err jet.Err // warning
}

const uniqueBits = jet.BitSetUniqueMultiValues | jet.BitSetUniqueNormalizedMultiValues

// SetColumn sets a value in the prepared update (JetSetColumn, spec chapter 01, 11.2). The warning is
// JET_wrnColumnMaxTruncated. Errors: JET_errUpdateNotPrepared, JET_errInvalidGrbit, JET_errBadColumnId,
// JET_errColumnNotFound, JET_errNullInvalid, JET_errInvalidBufferSize, JET_errColumnTooBig, JET_errRecordTooBig,
// JET_errNotInTransaction (long columns) and others.
func (c *Cursor) SetColumn(s *Session, t Thread, set *Setting) (warn jet.Err, err error) {
	if err := c.enterLent(s); err != nil {
		return 0, err
	}
	if err = c.maySet(s); err == nil {
		err = c.set(s, t, set)
	}
	s.leave()
	return set.Err, err
}

// SetColumns sets values one after the other, up to the first error (JetSetColumns). Those before stay set.
func (c *Cursor) SetColumns(s *Session, t Thread, list []Setting) (warn jet.Err, err error) {
	if err := c.enterLent(s); err != nil {
		return 0, err
	}
	if err = c.maySet(s); err == nil {
		for i := range list {
			if list[i].Size > jet.CbLVColumnMost {
				err = jet.ErrInvalidParameter
			}
		}
	}
	for i := range list {
		if err != nil {
			break
		}
		err = c.set(s, t, &list[i])
		warn = list[i].Err
	}
	s.leave()
	if err != nil {
		return 0, err
	}
	return warn, nil
}

// maySet says whether an update is prepared that takes values.
func (c *Cursor) maySet(s *Session) error {
	if err := c.refuse(tempSet); err != nil {
		return err
	}
	if err := c.mayWrite(s); err != nil {
		return err
	}
	if c.prepared == notPrepared || c.prepared == preparedReadOnlyCopy {
		return jet.ErrUpdateNotPrepared
	}
	return nil
}

func (c *Cursor) set(s *Session, t Thread, set *Setting) error {
	set.Err = 0
	if set.Grbit&(uniqueBits|jet.BitSetContiguousLV|internalBits) != 0 {
		if err := set.checkBits(c.table.Tree.DB.PageSize); err != nil {
			return err
		}
	}
	if set.Size > jet.CbLVColumnMost {
		return jet.ErrInvalidParameter
	}
	sc := c.table.Schema()
	col := sc.Column(s.trx, set.Column)
	if col == nil {
		return noColumn(set.Column)
	}
	if set.Data == nil && set.Grbit&jet.BitSetSizeLV == 0 {
		set.Size = 0
	}
	if col.Flags&(record.FlagVersion|record.FlagAutoincrement) != 0 {
		if err := c.checkSpecial(s, col, set); err != nil {
			return err
		}
	}
	if sc.Record != c.update.buf.Schema() {
		c.update.buf.Adopt(sc.Record)
	}
	if !col.Long() {
		if set.Data == nil && set.Size > 0 {
			return jet.ErrInvalidParameter
		}
		return c.setPlain(s, t, sc, col, set)
	}
	if set.Grbit&(jet.BitSetSizeLV|jet.BitSetOverwriteLV) == jet.BitSetSizeLV {
		set.Data = nil
	}
	return c.setLong(s, t, sc, col, set)
}

// checkBits checks combinations of the rarer flags.
func (set *Setting) checkBits(pageSize int) error {
	g := set.Grbit
	switch {
	case g&uniqueBits != 0 && g&(jet.BitSetAppendLV|jet.BitSetOverwriteLV|jet.BitSetSizeLV) != 0,
		g&jet.BitSetContiguousLV != 0 && g&jet.BitSetSeparateLV == 0:
		return jet.ErrInvalidGrbit
	case g&jet.BitSetContiguousLV != 0 && set.Size < pageSize:
		return jet.ErrInvalidBufferSize
	case g&internalBits != 0:
		return jet.ErrInvalidGrbit
	}
	return nil
}

// checkSpecial says whether a version or autoincrement column may be set.
func (c *Cursor) checkSpecial(s *Session, col *record.Column, set *Setting) error {
	if col.Flags&record.FlagVersion != 0 {
		if c.prepared.replaces() {
			return jet.ErrInvalidColumnType
		}
		return nil
	}
	if !c.update.setAutoInc {
		return jet.ErrInvalidColumnType
	}
	if set.Size != col.Max || set.Data == nil {
		return nil // the general checks say what is wrong
	}
	var n uint64
	for i := range set.Data[:set.Size] {
		n |= uint64(set.Data[i]) << (8 * i)
	}
	if n == 0 {
		return jet.ErrInvalidParameter
	}
	next, err := c.nextAutoInc(false)
	if err == nil && n >= next {
		err = jet.ErrSetAutoIncrementTooHigh
	}
	return err
}

// setPlain sets a value of a column that is not long, moving long values out of the record if it gets too big.
func (c *Cursor) setPlain(s *Session, t Thread, sc *catalog.Schema, col *record.Column, set *Setting) error {
	u := c.update
	v := record.SetValue{Data: set.Data, Null: set.Size == 0 && set.Grbit&jet.BitSetZeroLength == 0}
	if !v.Null {
		v.Data = set.Data[:set.Size]
	}
	if set.Grbit&jet.BitSetUniqueNormalizedMultiValues != 0 && col.Class() == record.ClassTagged && !v.Null {
		if err := c.checkUnique(s, col, set); err != nil {
			return err
		}
	}
	var err error
	if set.Err, err = u.buf.Set(col, int(set.Itag), v, set.Grbit); err != jet.ErrRecordTooBig {
		return err
	}
	for threshold := u.firstThreshold(); ; threshold = u.lowerThreshold(threshold) {
		if e := c.separateAll(s, t, threshold); e != nil {
			return e
		}
		if set.Err, err = u.buf.Set(col, int(set.Itag), v, set.Grbit); err != jet.ErrRecordTooBig {
			return err
		}
		if threshold <= sc.Record.LIDSize {
			return err
		}
	}
}

// firstThreshold is the size from which long values are moved out of a record that is too big, at first;
// lowerThreshold what comes next (spec chapter 04, 4.5).
func (u *update) firstThreshold() int { return u.buf.Schema().PageSize / 2 }

func (u *update) lowerThreshold(n int) int {
	sc := u.buf.Schema()
	if n /= 2; n < sc.PageSize/64 {
		return sc.LIDSize
	}
	return n
}
