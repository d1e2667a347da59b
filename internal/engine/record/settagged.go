package record

import "esent/internal/jet"

// setTagged stores, adds or removes a value of a tagged column (spec chapter 04, 2.7).
func (b *Buffer) setTagged(c *Column, itag int, v *SetValue, null bool, grbit jet.Grbit) error {
	if !null {
		if err := b.checkTagged(c, v); err != nil {
			return err
		}
	}
	e, ok := b.editTagged()
	if !ok {
		return errMalformed
	}
	i, found := e.t.find(c.tagKey())
	revert := grbit&jet.BitSetRevertToDefaultValue != 0
	if !found {
		switch {
		case !null:
			return e.insertValue(i, c, v)
		case c.HasDefault() && itag == 1 && !revert:
			return e.insertNull(i, c)
		}
		return nil
	}
	f, ok := e.t.field(i)
	if !ok {
		return errMalformed
	}
	if null {
		e.removeValue(i, &f, c, itag, revert)
		return nil
	}
	if grbit&jet.BitSetUniqueMultiValues != 0 && grbit&jet.BitSetUniqueNormalizedMultiValues == 0 && !c.Long() &&
		f.duplicate(v.Data, itag) {
		return jet.ErrMultiValuedDuplicate
	}
	switch n := f.count(); {
	case f.null || f.head&headMulti == 0 && itag == 1:
		return e.replaceAll(i, c, v)
	case v.Encrypted:
		return jet.ErrEncryptionBadItag
	case v.Compressed && (itag != 1 || f.head&headMulti == 0):
		return ErrCompressionNotPossible
	case f.head&headMulti == 0 && !f.headed:
		return e.addSecondPlain(i, v)
	case f.head&headMulti == 0:
		return e.addSecond(i, v)
	case f.head&headTwo != 0 && (itag == 1 || itag == 2):
		return e.replaceOfTwo(i, itag, v)
	case f.head&headTwo != 0:
		return e.addThird(i, v)
	case itag >= 1 && itag <= n:
		return e.replaceOfMany(i, itag-1, n, v)
	default:
		return e.addToMany(i, n, v)
	}
}

// checkTagged checks a value's length.
func (b *Buffer) checkTagged(c *Column, v *SetValue) error {
	n := len(v.Data)
	switch size := TypeSize(c.Type); {
	case (v.Separated || v.Compressed || v.Encrypted) && !c.Long():
		return jet.ErrInvalidParameter
	case v.Separated:
		_, err := LID(v.Data)
		return err
	case c.Max > 0 && n > c.Max && !v.Encrypted:
		return jet.ErrColumnTooBig
	case size != 0 && n != 0 && n != size:
		return jet.ErrInvalidBufferSize
	case n > b.schema.IntrinsicMost:
		return jet.ErrColumnDoesNotFit
	}
	return nil
}

// headed says whether a single value of column c has a header byte.
func (e *tagEdit) headed(c *Column) bool { return e.t.large || c.Long() }

// head is the header byte of a single value.
func (c *Column) head(v *SetValue) byte {
	var head byte
	if c.Long() {
		head = headLong
	}
	if v.Separated {
		head |= headSeparated
	}
	if v.Compressed {
		head |= headCompressed
	}
	if v.Encrypted {
		head |= headEncrypted
	}
	return head
}

// singleForm is the length of a single value with its header, and the flags of its TAGFLD.
func (e *tagEdit) singleForm(c *Column, v *SetValue) (size, tagFlags int) {
	size = len(v.Data)
	if e.headed(c) {
		size++
		if !e.t.large {
			tagFlags = tagExtended
		}
	}
	return size, tagFlags
}

func (e *tagEdit) putSingle(i int, c *Column, v *SetValue) {
	data := e.bytes(i)
	if e.headed(c) {
		data[0] = c.head(v)
		data = data[1:]
	}
	copy(data, v.Data)
}

func (c *Column) derivedFlag() int {
	if c.Derived {
		return tagDerived
	}
	return 0
}

// insertValue adds a column's first value.
func (e *tagEdit) insertValue(i int, c *Column, v *SetValue) error {
	size, flags := e.singleForm(c, v)
	if !e.b.room(tagfldSize + size) {
		return jet.ErrRecordTooBig
	}
	e.insert(i, c.FID, flags|c.derivedFlag(), size)
	e.putSingle(i, c, v)
	return nil
}

// insertNull adds an explicit NULL.
func (e *tagEdit) insertNull(i int, c *Column) error {
	size, flags := 0, tagNull
	if e.t.large {
		size, flags = 1, 0
	}
	if !e.b.room(tagfldSize + size) {
		return jet.ErrRecordTooBig
	}
	e.insert(i, c.FID, flags|c.derivedFlag(), size)
	e.putNull(i, c)
	return nil
}

func (e *tagEdit) putNull(i int, c *Column) {
	if e.t.large {
		e.bytes(i)[0] = c.head(&SetValue{}) | headNull
	}
}

// replaceAll puts a single value in the place of a single value or an explicit NULL.
func (e *tagEdit) replaceAll(i int, c *Column, v *SetValue) error {
	size, flags := e.singleForm(c, v)
	old := e.size(i)
	if !e.b.room(size - old) {
		return jet.ErrRecordTooBig
	}
	e.splice(i, 0, old, size)
	e.setFlags(i, flags)
	e.putSingle(i, c, v)
	return nil
}

// grow lengthens field i's data at its end.
func (e *tagEdit) grow(i, n int) ([]byte, error) {
	if !e.b.room(n) {
		return nil, jet.ErrRecordTooBig
	}
	e.splice(i, e.size(i), 0, n)
	return e.bytes(i), nil
}

// addSecondPlain makes TwoValues of a single value without a header.
func (e *tagEdit) addSecondPlain(i int, v *SetValue) error {
	first := e.size(i)
	data, err := e.grow(i, 2+len(v.Data))
	if err != nil {
		return err
	}
	copy(data[2:], data[:first])
	data[0], data[1] = headMulti|headTwo, byte(first)
	copy(data[2+first:], v.Data)
	e.setFlags(i, tagExtended)
	return nil
}

// addSecond makes MultiValues of a single value with a header.
func (e *tagEdit) addSecond(i int, v *SetValue) error {
	first := e.size(i) - 1
	data, err := e.grow(i, 2*multiOffsetSize+len(v.Data))
	if err != nil {
		return err
	}
	copy(data[multiOffset(2):], data[1:1+first])
	word := 2 * multiOffsetSize
	if data[0]&headSeparated != 0 {
		word |= multiSeparated
	}
	data[0] = data[0]&^headSeparated | headMulti
	putLE16(data, multiOffset(0), word)
	putMulti(data, 1, 2*multiOffsetSize+first, v)
	return nil
}

// putMulti stores value k, which lies last, and its offset start.
func putMulti(data []byte, k, start int, v *SetValue) {
	copy(data[1+start:], v.Data)
	if v.Separated {
		start |= multiSeparated
	}
	putLE16(data, multiOffset(k), start)
}

// replaceOfTwo replaces one of TwoValues.
func (e *tagEdit) replaceOfTwo(i, itag int, v *SetValue) error {
	first := int(e.bytes(i)[1])
	off, old := 2, first
	if itag == 2 {
		off, old = 2+first, e.size(i)-2-first
	}
	if !e.b.room(len(v.Data) - old) {
		return jet.ErrRecordTooBig
	}
	e.splice(i, off, old, len(v.Data))
	data := e.bytes(i)
	copy(data[off:], v.Data)
	if itag == 1 {
		data[1] = byte(len(v.Data))
	}
	return nil
}

// addThird makes MultiValues of TwoValues.
func (e *tagEdit) addThird(i int, v *SetValue) error {
	first, both := int(e.bytes(i)[1]), e.size(i)-2
	data, err := e.grow(i, 3*multiOffsetSize-1+len(v.Data))
	if err != nil {
		return err
	}
	copy(data[multiOffset(3):], data[2:2+both])
	data[0] = headMulti
	putLE16(data, multiOffset(0), 3*multiOffsetSize)
	putLE16(data, multiOffset(1), 3*multiOffsetSize+first)
	putMulti(data, 2, 3*multiOffsetSize+both, v)
	return nil
}

// addToMany adds a value to MultiValues of n.
func (e *tagEdit) addToMany(i, n int, v *SetValue) error {
	old := e.size(i)
	data, err := e.grow(i, multiOffsetSize+len(v.Data))
	if err != nil {
		return err
	}
	copy(data[multiOffset(n+1):], data[multiOffset(n):old])
	shiftMulti(data, 0, n, multiOffsetSize)
	putMulti(data, n, old-1+multiOffsetSize, v)
	return nil
}

// replaceOfMany replaces value k (from 0) of MultiValues of n.
func (e *tagEdit) replaceOfMany(i, k, n int, v *SetValue) error {
	start, end := multiRange(e.bytes(i), k, n)
	if !e.b.room(len(v.Data) - (end - start)) {
		return jet.ErrRecordTooBig
	}
	copy(e.spliceMulti(i, k, n, len(v.Data)), v.Data)
	data := e.bytes(i)
	if v.Separated {
		start |= multiSeparated
	}
	putLE16(data, multiOffset(k), start)
	if k == 0 {
		data[0] &^= headCompressed
		if v.Compressed {
			data[0] |= headCompressed
		}
	}
	return nil
}

// removeValue removes value itag, if there is one.
func (e *tagEdit) removeValue(i int, f *field, c *Column, itag int, revert bool) {
	n := f.count()
	switch {
	case f.null:
		if revert {
			e.remove(i)
		}
	case itag < 1 || itag > n:
		// Nothing to remove.
	case f.head&headMulti == 0 && c.HasDefault() && !revert:
		e.makeNull(i, c)
	case f.head&headMulti == 0:
		e.remove(i)
	case f.head&headTwo != 0:
		first := int(e.bytes(i)[1])
		if itag == 1 {
			e.splice(i, 0, 2+first, 0)
		} else {
			e.splice(i, 2+first, e.size(i)-2-first, 0)
			e.splice(i, 0, 2, 0)
		}
		e.setFlags(i, 0)
	case n == 2:
		e.leaveOne(i, itag-1, c)
	default:
		e.removeOfMany(i, itag-1, n)
	}
}

// makeNull puts an explicit NULL in the place of a single value.
func (e *tagEdit) makeNull(i int, c *Column) {
	size := 0
	if e.t.large {
		size = 1
	}
	e.splice(i, 0, e.size(i), size)
	e.setFlags(i, tagNull)
	e.putNull(i, c)
}

// leaveOne removes value k (0 or 1) of MultiValues of two, which become a single value.
func (e *tagEdit) leaveOne(i, k int, c *Column) {
	data := e.bytes(i)
	separated := le16(data, multiOffset(1-k))&multiSeparated != 0
	head := data[0] &^ (headMulti | headSeparated)
	if separated {
		head |= headSeparated
	}
	if k == 0 {
		head &^= headCompressed
	}
	start, end := multiRange(data, 1-k, 2)
	e.splice(i, 1+end, len(data)-1-end, 0)
	if !e.headed(c) && head == 0 {
		e.splice(i, 0, 1+start, 0)
		e.setFlags(i, 0)
		return
	}
	e.splice(i, 1, start, 0)
	e.bytes(i)[0] = head
}

// removeOfMany removes value k (from 0) of MultiValues of n, more than two.
func (e *tagEdit) removeOfMany(i, k, n int) {
	e.spliceMulti(i, k, n, 0)
	e.splice(i, multiOffset(k), multiOffsetSize, 0)
	data := e.bytes(i)
	shiftMulti(data, 0, n-1, -multiOffsetSize)
	if k == 0 {
		data[0] &^= headCompressed
	}
}
