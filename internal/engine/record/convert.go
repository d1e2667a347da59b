package record

import "esent/internal/jet"

// Conversion turns records of one table into records of another that has the same columns under other numbers.
type Conversion struct {
	from, to        *Schema
	fixed, variable []*Column // by place in from; nil for a column that the other table lacks
	tagged          map[*Column]*Column
}

// NewConversion prepares for records of schema from to become records of schema to. column gives the column of to that
// stands for one of from, nil for none. Columns of one class keep their order.
func NewConversion(from, to *Schema, column func(*Column) *Column) *Conversion {
	cv := &Conversion{from: from, to: to, tagged: map[*Column]*Column{}}
	find := func(c *Column) *Column {
		if c.FID == 0 || c.Deleted() {
			return nil
		}
		return column(c)
	}
	for i := range from.Fixed {
		cv.fixed = append(cv.fixed, find(&from.Fixed[i]))
	}
	for i := range from.Var {
		cv.variable = append(cv.variable, find(&from.Var[i]))
	}
	for i := range from.Tagged {
		if c := &from.Tagged[i]; find(c) != nil {
			cv.tagged[c] = find(c)
		}
	}
	return cv
}

// Convert fills the buffer with a record as the other table has it. What the record does not hold stays out, so that it
// reads as the default still. separated gives the reference of the other table for that of a long value. Errors:
// JET_errDatabaseCorrupted for an unsound record, JET_errRecordTooBig, those of separated.
func (b *Buffer) Convert(cv *Conversion, rec []byte, separated func(ref []byte) ([]byte, error)) error {
	b.Reset(cv.to)
	if err := cv.from.Check(rec); err != nil {
		return err
	}
	fixed, variable, _, _, err := Held(rec)
	if err != nil {
		return err
	}
	for i, to := range cv.fixed[:min(fixed, len(cv.fixed))] {
		if to == nil {
			continue
		}
		v, err := cv.from.Get(rec, &cv.from.Fixed[i], 1)
		if err != nil {
			return err
		}
		if err := b.setFixed(to, v.Data, v.Null); err != nil {
			return err
		}
	}
	for i, to := range cv.variable[:min(variable, len(cv.variable))] {
		if to == nil {
			continue
		}
		v, err := cv.from.Get(rec, &cv.from.Var[i], 1)
		if err != nil {
			return err
		}
		if _, err := b.setVar(to, v.Data, v.Null); err != nil {
			return err
		}
	}
	return b.convertTagged(cv, rec, separated)
}

func (b *Buffer) convertTagged(cv *Conversion, rec []byte, separated func(ref []byte) ([]byte, error)) error {
	it := cv.from.TaggedValues(rec)
	for it.Next() {
		to := cv.tagged[it.Column()]
		if to == nil {
			continue
		}
		if it.Null() {
			if err := b.setTagged(to, 1, &SetValue{}, true, 0); err != nil {
				return err
			}
			continue
		}
		for itag := 1; itag <= it.Count(); itag++ {
			v, err := it.Value(itag)
			if err != nil {
				return err
			}
			put := SetValue{Data: v.Data, Separated: v.Separated, Compressed: v.Compressed, Encrypted: v.Encrypted}
			if v.Separated {
				if put.Data, err = separated(v.Data); err != nil {
					return err
				}
			}
			if err := b.setTagged(to, 0, &put, false, jet.BitSetZeroLength); err != nil {
				return err
			}
		}
	}
	return it.Err()
}
