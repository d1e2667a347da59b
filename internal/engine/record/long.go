package record

// LongCursor walks the long values of the record in a Buffer, in record order, those of deleted columns included.
// It serves to move values out of the record when it is too big (spec chapter 04, 4.5) and to change references
// when a record is copied. Replace may be called during the walk; Set may not.
type LongCursor struct {
	b    *Buffer
	i    int // field
	itag int
	v    Value
}

// LongValues begins a walk; call Next before looking.
func (b *Buffer) LongValues() LongCursor { return LongCursor{b: b, i: -1} }

// Next goes to the next long value; false after the last.
func (lc *LongCursor) Next() bool {
	e, ok := lc.b.editTagged()
	if !ok {
		return false
	}
	for ; lc.i < e.t.n; lc.i, lc.itag = lc.i+1, 0 {
		if lc.i < 0 {
			continue
		}
		lc.itag++
		if f, ok := e.t.field(lc.i); ok && f.head&headLong != 0 {
			lc.v = Value{}
			if f.value(lc.itag, &lc.v) && !lc.v.Null {
				return true
			}
		}
	}
	return false
}

// Column is the value's column; nil if it was deleted since the record was written.
func (lc *LongCursor) Column() *Column {
	e, ok := lc.b.editTagged()
	if !ok || lc.i < 0 || lc.i >= e.t.n {
		return nil
	}
	c := lc.b.schema.taggedColumn(e.t.fid(lc.i), e.t.derived(lc.i))
	if c == nil || c.Deleted() {
		return nil
	}
	return c
}

// Value is the value as it is stored; its bytes are valid until the record is changed.
func (lc *LongCursor) Value() Value { return lc.v }

// Replace puts another stored form of the value in its place: a LID (v.Separated), or bytes. It is not checked
// against the column's or the record's limits. Only a column's first value can be compressed, only its single one
// encrypted.
func (lc *LongCursor) Replace(v SetValue) error {
	if v.Separated {
		if _, err := LID(v.Data); err != nil {
			return err
		}
	}
	e, ok := lc.b.editTagged()
	if !ok || lc.i < 0 || lc.i >= e.t.n {
		return errMalformed
	}
	f, ok := e.t.field(lc.i)
	if !ok || lc.itag < 1 || lc.itag > f.count() {
		return errMalformed
	}
	if f.head&headMulti != 0 {
		if v.Encrypted || v.Compressed && lc.itag != 1 {
			return ErrCompressionNotPossible
		}
		return e.replaceOfMany(lc.i, lc.itag-1, f.count(), &v)
	}
	e.splice(lc.i, 1, len(f.data), len(v.Data))
	data := e.bytes(lc.i)
	copy(data[1:], v.Data)
	data[0] = headLong
	if v.Separated {
		data[0] |= headSeparated
	}
	if v.Compressed {
		data[0] |= headCompressed
	}
	if v.Encrypted {
		data[0] |= headEncrypted
	}
	return nil
}
