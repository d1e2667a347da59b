package record

import (
	"bytes"
	"slices"

	"esent/internal/jet"
)

// Buffer is the copy buffer of an update: a record that is changed in place, column by column (spec chapter 04,
// 2.7, 3.2 and 4). The zero value is usable after Reset. It is not safe for several goroutines.
type Buffer struct {
	schema *Schema
	data   []byte
	set    ColumnSet
}

// SetValue is what Set stores.
type SetValue struct {
	Data       []byte // must not lie in the Buffer itself
	Null       bool   // no value; Data of no bytes means the same unless JET_bitSetZeroLength is given
	Separated  bool   // Data is a LID
	Compressed bool   // Data is compressed
	Encrypted  bool   // Data is encrypted
}

// ErrCompressionNotPossible is given by Set for a compressed value that would not become the column's first: it
// has to be set again uncompressed.
var ErrCompressionNotPossible = jet.ErrColumnCannotBeCompressed.Errorf("only the first value of a column can be compressed")

// Reset empties the buffer and ties it to a table's schema.
func (b *Buffer) Reset(s *Schema) {
	b.schema = s
	if cap(b.data) < s.PageSize {
		b.data = make([]byte, 0, s.PageSize)
	}
	b.data = append(b.data[:0], emptyRecord[:]...)
	b.set = ColumnSet{}
}

// LoadInsert starts a new record: the defaults of the fixed and variable columns.
func (b *Buffer) LoadInsert() {
	b.data = append(b.data[:0], b.schema.DefaultRecord...)
	b.set = ColumnSet{}
}

// Load starts from an existing record, which it copies. Errors: JET_errDatabaseCorrupted if the record's structure
// is not sound; the buffer then holds an empty record.
func (b *Buffer) Load(rec []byte) error {
	b.set = ColumnSet{}
	if err := b.schema.Check(rec); err != nil {
		b.data = append(b.data[:0], emptyRecord[:]...)
		return err
	}
	b.data = append(b.data[:0], rec...)
	return nil
}

// Bytes is the record, valid until the next change.
func (b *Buffer) Bytes() []byte { return b.data }

// Schema is what Reset was given.
func (b *Buffer) Schema() *Schema { return b.schema }

// Columns are the columns that were set since the record was loaded.
func (b *Buffer) Columns() *ColumnSet { return &b.set }

// Get reads from the record being built, as Schema.Get does; the bytes are valid until the next change.
func (b *Buffer) Get(c *Column, itag int) (Value, error) { return b.schema.Get(b.data, c, itag) }

// Count is Schema.Count of the record being built.
func (b *Buffer) Count(c *Column) (int, error) { return b.schema.Count(b.data, c) }

// Set stores, replaces or removes one value of a column. itag is looked at for tagged columns only: 0, or one
// above the number of values, adds a value. Of grbit these are looked at: JET_bitSetZeroLength (no bytes are a
// value, except in fixed columns), JET_bitSetRevertToDefaultValue (removing the only value brings the default
// back) and, for columns that are not long, JET_bitSetUniqueMultiValues (the caller compares normalised and long
// values).
//
// warn is JET_wrnColumnMaxTruncated or 0. Errors, which leave the record as it was: JET_errNullInvalid,
// JET_errAutoIncrementNotSet, JET_errInvalidBufferSize, JET_errColumnTooBig, JET_errColumnDoesNotFit,
// JET_errRecordTooBig, JET_errMultiValuedDuplicate, JET_errEncryptionBadItag, ErrCompressionNotPossible.
func (b *Buffer) Set(c *Column, itag int, v SetValue, grbit jet.Grbit) (warn jet.Err, err error) {
	null := v.Null || len(v.Data) == 0 && grbit&jet.BitSetZeroLength == 0
	class := ClassOf(c.FID)
	null = null || class == ClassFixed && len(v.Data) == 0
	if null && c.Flags&FlagNotNull != 0 {
		return 0, jet.ErrNullInvalid
	}
	if null && c.Flags&(FlagAutoincrement|FlagDefault) == FlagAutoincrement {
		return 0, jet.ErrAutoIncrementNotSet
	}
	b.set.Add(c.FID)
	switch class {
	case ClassFixed:
		return 0, b.setFixed(c, v.Data, null)
	case ClassVar:
		return b.setVar(c, v.Data, null)
	}
	return 0, b.setTagged(c, itag, &v, null, grbit)
}

// room says whether the record may grow by n bytes.
func (b *Buffer) room(n int) bool { return n <= 0 || len(b.data)+n <= b.schema.RecordMost }

// splice replaces del bytes at offset at by ins bytes of any content.
func (b *Buffer) splice(at, del, ins int) {
	old := len(b.data)
	grow := ins - del
	if grow > 0 {
		b.data = slices.Grow(b.data, grow)[:old+grow]
	}
	copy(b.data[at+ins:], b.data[at+del:old])
	b.data = b.data[:old+grow]
}

// setFixed stores a fixed column's value.
func (b *Buffer) setFixed(c *Column, value []byte, null bool) error {
	if !null && (len(value) > c.Max || len(value) < c.Max && TypeSize(c.Type) != 0) {
		return jet.ErrInvalidBufferSize
	}
	l, ok := layoutOf(b.data)
	if !ok {
		return errMalformed
	}
	if int(c.FID) > l.fixedLast {
		if err := b.extendFixed(&l, c); err != nil {
			return err
		}
	}
	bit := int(c.FID) - FixedFirst
	if null {
		b.data[l.bitmap+bit/8] |= 1 << (bit % 8)
		return nil
	}
	b.data[l.bitmap+bit/8] &^= 1 << (bit % 8)
	c.putFixed(b.data[c.Offset:int(c.Offset)+c.Max], value)
	return nil
}

// extendFixed makes the record hold all fixed columns up to c (spec chapter 04, 4.2): with their default, or
// NULL. It brings l up to date.
func (b *Buffer) extendFixed(l *layout, c *Column) error {
	oldEnd, oldBitmap := l.bitmap, l.varArray-l.bitmap
	newEnd, newBitmap := int(c.Offset)+c.Max, bitmapSize(int(c.FID))
	if oldEnd > int(c.Offset) {
		return errMalformed // columns that the schema does not know reach into this one
	}
	grow := newEnd + newBitmap - l.varArray
	if !b.room(grow) {
		return jet.ErrRecordTooBig
	}
	b.splice(l.varArray, 0, grow)
	copy(b.data[newEnd:], b.data[oldEnd:oldEnd+oldBitmap])
	for i := oldEnd; i < newEnd; i++ {
		b.data[i] = fill
	}
	bitmap := b.data[newEnd : newEnd+newBitmap]
	for i := oldBitmap; i < newBitmap; i++ {
		bitmap[i] = 0xFF
	}
	for fid := l.fixedLast + 1; fid <= int(c.FID); fid++ {
		skipped := &b.schema.Fixed[fid-FixedFirst]
		bit := fid - FixedFirst
		bitmap[bit/8] |= 1 << (bit % 8)
		if skipped.storedDefault() {
			bitmap[bit/8] &^= 1 << (bit % 8)
			copy(b.data[skipped.Offset:], skipped.Default)
		}
	}
	b.data[offFixedLast] = byte(c.FID)
	putLE16(b.data, offFixedEnd, newEnd+newBitmap)
	*l, _ = layoutOf(b.data)
	return nil
}

// setVar stores a variable column's value, cut to the column's length.
func (b *Buffer) setVar(c *Column, value []byte, null bool) (warn jet.Err, err error) {
	if null {
		value = nil
	}
	if len(value) > c.Max {
		value, warn = value[:c.Max], jet.WrnColumnMaxTruncated
	}
	l, ok := layoutOf(b.data)
	if !ok {
		return 0, errMalformed
	}
	i := int(c.FID) - VarFirst
	if i >= l.varCount {
		if !b.extendVar(&l, i, len(value)) {
			return 0, jet.ErrRecordTooBig
		}
	}
	start, end := l.varStart(i), l.varWord(i)&varMask
	grow := len(value) - (end - start)
	if !b.room(grow) {
		return 0, jet.ErrRecordTooBig
	}
	b.splice(l.varData+start, end-start, len(value))
	copy(b.data[l.varData+start:], value)
	for j := i; j < l.varCount && grow != 0; j++ {
		at := l.varArray + varOffsetSize*j
		putLE16(b.data, at, le16(b.data, at)+grow)
	}
	word := start + len(value)
	if null {
		word |= varNull
	}
	putLE16(b.data, l.varArray+varOffsetSize*i, word)
	return warn, nil
}

// extendVar makes the record hold all variable columns up to number i (spec chapter 04, 4.3): those before it
// with their default or NULL, and itself NULL, to become size bytes long. It brings l up to date; false if there
// is no room for it all.
func (b *Buffer) extendVar(l *layout, i, size int) bool {
	skipped := b.schema.Var[l.varCount:i]
	defaults := 0
	for j := range skipped {
		if skipped[j].storedDefault() {
			defaults += len(skipped[j].Default)
		}
	}
	entries := varOffsetSize * (i + 1 - l.varCount)
	if !b.room(entries + defaults + size) {
		return false
	}
	end := l.varStart(l.varCount)
	b.splice(l.varData+end, 0, defaults)
	b.splice(l.varData, 0, entries)
	at, varData := l.varData, l.varData+entries
	for j := range skipped {
		word := varNull
		if c := &skipped[j]; c.storedDefault() {
			end += copy(b.data[varData+end:], c.Default)
			word = 0
		}
		putLE16(b.data, at, word|end)
		at += varOffsetSize
	}
	putLE16(b.data, at, varNull|end)
	b.data[offVarLast] = byte(VarFirst + i)
	*l, _ = layoutOf(b.data)
	return true
}

// duplicate says whether another value than itag of a field has the same bytes.
func (f *field) duplicate(value []byte, itag int) bool {
	for other := 1; other <= f.count(); other++ {
		var v Value
		if f.value(other, &v) && other != itag && bytes.Equal(v.Data, value) {
			return true
		}
	}
	return false
}
