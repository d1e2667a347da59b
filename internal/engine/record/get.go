package record

import (
	"encoding/binary"

	"esent/internal/jet"
)

// Value is one value of a column as the record (or its default) has it.
type Value struct {
	Data []byte // in the record's own bytes; a LID if Separated; empty if Null
	Itag int    // number of the value among those of its column, from 1; 0 if there is none

	Null        bool // there is no value
	Long        bool // the value of a long column
	Separated   bool // Data is a LID (see LID), the value lies in the long-value tree
	Compressed  bool // Data is compressed
	Encrypted   bool // Data is encrypted
	FromDefault bool // the record says nothing: Data is the column's default
	UserDefault bool // the record says nothing, and the default is to be had from a callback; Null is set too
}

// Get reads value itag (from 1) of column c from a record (spec chapter 04, 3.1); fixed and variable columns have
// one value, whatever itag says. A column that the record does not hold gives its default, marked by
// FromDefault (JET_bitRetrieveIgnoreDefault makes that NULL for tagged columns), or NULL.
// Errors: JET_errDatabaseCorrupted.
func (s *Schema) Get(rec []byte, c *Column, itag int) (v Value, err error) {
	ok := false
	switch ClassOf(c.FID) {
	case ClassFixed:
		ok = getFixed(rec, c, &v)
	case ClassVar:
		ok = getVar(rec, c, &v)
	case ClassTagged:
		ok = s.getTagged(rec, c, itag, &v)
	}
	if !ok {
		return Value{}, errMalformed
	}
	return v, nil
}

func getFixed(rec []byte, c *Column, v *Value) bool {
	if len(rec) < headerSize {
		return false
	}
	head := binary.LittleEndian.Uint32(rec)
	last := int(head & 0xFF)
	if int(c.FID) > last {
		c.absent(v)
		return true
	}
	fixedEnd := int(head >> 16)
	bitmap := fixedEnd - bitmapSize(last)
	end := int(c.Offset) + c.Max
	if end > bitmap || fixedEnd > len(rec) {
		return false
	}
	bit := uint(c.FID) - FixedFirst
	if v.Null = rec[bitmap+int(bit/8)]>>(bit%8)&1 != 0; v.Null {
		return true
	}
	v.Data, v.Itag = rec[c.Offset:end], 1
	return true
}

func getVar(rec []byte, c *Column, v *Value) bool {
	l, ok := layoutOf(rec)
	if !ok {
		return false
	}
	i := int(c.FID) - VarFirst
	if i >= l.varCount {
		c.absent(v)
		return true
	}
	data, null, ok := l.variable(i)
	if v.Null = null; !null {
		v.Data, v.Itag = data, 1
	}
	return ok
}

func (s *Schema) getTagged(rec []byte, c *Column, itag int, v *Value) bool {
	l, ok := layoutOf(rec)
	if !ok {
		return false
	}
	t, ok := l.tagged(s.Large)
	if !ok {
		return false
	}
	i, found := t.find(c.tagKey())
	if !found {
		if v.Null = itag != 1; !v.Null {
			c.absent(v)
		}
		return true
	}
	f, ok := t.field(i)
	return ok && f.value(itag, v)
}

// absent gives the value of a column that the record does not hold.
func (c *Column) absent(v *Value) {
	if c.Flags&FlagDefault == 0 {
		v.Null = true
		return
	}
	v.Itag, v.Long = 1, c.Long()
	if c.Flags&FlagUserDefinedDefault != 0 {
		v.Null, v.UserDefault = true, true
		return
	}
	v.Data, v.FromDefault = c.Default, true
}

// Count is the number of values of column c in a record: 0 for NULL, 1 for the default of an absent column.
// Errors: JET_errDatabaseCorrupted.
func (s *Schema) Count(rec []byte, c *Column) (int, error) {
	if ClassOf(c.FID) != ClassTagged {
		v, err := s.Get(rec, c, 1)
		if err != nil || v.Null {
			return 0, err
		}
		return 1, nil
	}
	l, ok := layoutOf(rec)
	if !ok {
		return 0, errMalformed
	}
	t, ok := l.tagged(s.Large)
	if !ok {
		return 0, errMalformed
	}
	i, found := t.find(c.tagKey())
	if !found {
		if c.HasDefault() {
			return 1, nil
		}
		return 0, nil
	}
	f, ok := t.field(i)
	if !ok {
		return 0, errMalformed
	}
	return f.count(), nil
}

// CheckRequired tells whether a record to be inserted lacks a value that it must have (spec chapter 04, 3.2):
// JET_errNullInvalid for a NotNull column without a default, JET_errAutoIncrementNotSet for an autoincrement
// column. Also JET_errDatabaseCorrupted.
func (s *Schema) CheckRequired(rec []byte) error {
	for _, c := range s.required {
		v, err := s.Get(rec, c, 1)
		if err != nil {
			return err
		}
		if !v.Null {
			continue
		}
		if c.Flags&FlagAutoincrement != 0 {
			return jet.ErrAutoIncrementNotSet
		}
		return jet.ErrNullInvalid
	}
	return nil
}
