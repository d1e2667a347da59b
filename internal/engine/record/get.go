package record

import "esent/internal/jet"

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
func (s *Schema) Get(rec []byte, c *Column, itag int) (Value, error) {
	l, ok := layoutOf(rec)
	if !ok {
		return Value{}, errMalformed
	}
	switch ClassOf(c.FID) {
	case ClassFixed:
		if int(c.FID) > l.fixedLast {
			return c.absent(), nil
		}
		end := int(c.Offset) + c.Max
		if end > l.bitmap {
			return Value{}, errMalformed
		}
		if l.fixedNull(c.FID) {
			return Value{Null: true}, nil
		}
		return Value{Data: rec[c.Offset:end], Itag: 1}, nil
	case ClassVar:
		i := int(c.FID) - VarFirst
		if i >= l.varCount {
			return c.absent(), nil
		}
		data, null, ok := l.variable(i)
		if !ok {
			return Value{}, errMalformed
		}
		if null {
			return Value{Null: true}, nil
		}
		return Value{Data: data, Itag: 1}, nil
	}
	t, ok := l.tagged(s.Large)
	if !ok {
		return Value{}, errMalformed
	}
	i, found := t.find(c.tagKey())
	if !found {
		if itag != 1 {
			return Value{Null: true}, nil
		}
		return c.absent(), nil
	}
	f, ok := t.field(i)
	if !ok {
		return Value{}, errMalformed
	}
	v, ok := f.value(itag)
	if !ok {
		return Value{}, errMalformed
	}
	return v, nil
}

// absent is the value of a column that the record does not hold.
func (c *Column) absent() Value {
	switch {
	case c.Flags&FlagDefault == 0:
		return Value{Null: true}
	case c.Flags&FlagUserDefinedDefault != 0:
		return Value{Null: true, Itag: 1, UserDefault: true, Long: c.Long()}
	}
	return Value{Data: c.Default, Itag: 1, FromDefault: true, Long: c.Long()}
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
