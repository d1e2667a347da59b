package record

// TaggedIter walks the tagged columns that a record holds, in record order: derived ones first, then by FID. It
// reads the record in place.
type TaggedIter struct {
	schema *Schema
	t      tagged
	i      int
	f      field
	err    error
}

// TaggedValues begins a walk; call Next before looking.
func (s *Schema) TaggedValues(rec []byte) TaggedIter {
	it := TaggedIter{schema: s, i: -1}
	l, ok := layoutOf(rec)
	if ok {
		it.t, ok = l.tagged(s.Large)
	}
	if !ok {
		it.err = errMalformed
	}
	return it
}

// Next goes to the next column that the record holds; false after the last or on damage, see Err.
func (it *TaggedIter) Next() bool {
	if it.err != nil || it.i+1 >= it.t.n {
		return false
	}
	it.i++
	var ok bool
	if it.f, ok = it.t.field(it.i); !ok {
		it.err = errMalformed
	}
	return ok
}

// Err is what ended the walk early: JET_errDatabaseCorrupted, or nil.
func (it *TaggedIter) Err() error { return it.err }

// Column is the column's description; nil if it was deleted since the record was written.
func (it *TaggedIter) Column() *Column {
	c := it.schema.taggedColumn(it.FID(), it.Derived())
	if c == nil || c.Deleted() {
		return nil
	}
	return c
}

// FID is the column's number.
func (it *TaggedIter) FID() uint16 { return it.t.fid(it.i) }

// Derived says that the column comes from the template table.
func (it *TaggedIter) Derived() bool { return it.t.derived(it.i) }

// Null says that the record holds an explicit NULL.
func (it *TaggedIter) Null() bool { return it.f.null }

// Count is the number of values.
func (it *TaggedIter) Count() int { return it.f.count() }

// Value is value itag, from 1. Errors: JET_errDatabaseCorrupted.
func (it *TaggedIter) Value(itag int) (v Value, err error) {
	if !it.f.value(itag, &v) {
		return Value{}, errMalformed
	}
	return v, nil
}
