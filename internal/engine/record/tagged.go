package record

import "encoding/binary"

// A TAGFLD (spec chapter 04, 2.4): FID, then the offset of the data with flags.
const (
	tagfldSize   = 4
	tagDerived   = 0x8000
	tagExtended  = 0x4000 // small pages: the data begins with a header byte
	tagNull      = 0x2000 // small pages: explicit NULL
	tagMaskSmall = 0x1FFF
	tagMaskLarge = 0x7FFF
)

// The header byte of a tagged field's data (spec chapter 04, 2.5).
const (
	headLong       = 0x01
	headCompressed = 0x02
	headSeparated  = 0x04
	headMulti      = 0x08
	headTwo        = 0x10
	headNull       = 0x20
	headEncrypted  = 0x40
	headUnused     = 0x80
)

// Multi-value offsets (spec chapter 04, 2.6).
const (
	multiOffsetSize = 2
	multiSeparated  = 0x8000
	multiMask       = 0x7FFF
)

// tagged is the tagged part of a record: TAGFLDs and their data, to the record's end.
type tagged struct {
	b     []byte
	n     int // number of TAGFLDs
	mask  int // offset bits of a TAGFLD's second word
	large bool
}

// taggedOf counts the fields; false if the first one's offset is impossible.
func taggedOf(b []byte, large bool) (tagged, bool) {
	t := tagged{b: b, mask: tagMaskSmall, large: large}
	if large {
		t.mask = tagMaskLarge
	}
	if len(b) == 0 {
		return t, true
	}
	if len(b) < tagfldSize {
		return t, false
	}
	array := le16(b, 2) & t.mask
	t.n = array / tagfldSize
	return t, array%tagfldSize == 0 && array > 0 && array <= len(b)
}

// word is field i's FID (low half), offset and flags (high half).
func (t *tagged) word(i int) uint32 { return binary.LittleEndian.Uint32(t.b[tagfldSize*i:]) }

func (t *tagged) fid(i int) uint16 { return uint16(t.word(i)) }

func (t *tagged) derived(i int) bool { return t.word(i)>>16&tagDerived != 0 }

// ib is the offset of field i's data; that of the field after the last is the end.
func (t *tagged) ib(i int) int {
	if i >= t.n {
		return len(t.b)
	}
	return int(t.word(i)>>16) & t.mask
}

// find is the place of the field with the key, or where it would be inserted.
func (t *tagged) find(key uint32) (i int, found bool) {
	low, high := 0, t.n
	for low < high {
		mid := int(uint(low+high) / 2)
		w := t.word(mid)
		switch k := w&0xFFFF | (^w>>31)<<16; {
		case k < key:
			low = mid + 1
		case k > key:
			high = mid
		default:
			return mid, true
		}
	}
	return low, false
}

// field is one tagged column's data in a record.
type field struct {
	data   []byte // after the header byte
	head   byte   // 0 without a header byte
	headed bool
	null   bool
}

// field gives field i; false if its place is impossible.
func (t *tagged) field(i int) (f field, ok bool) {
	w := int(t.word(i) >> 16)
	start, end := w&t.mask, t.ib(i+1)
	if start > end || end > len(t.b) {
		return f, false
	}
	f.data = t.b[start:end]
	if t.large || w&tagExtended != 0 {
		if len(f.data) == 0 {
			return f, false
		}
		f.head, f.data, f.headed = f.data[0], f.data[1:], true
		f.null = t.large && f.head&headNull != 0
		return f, true
	}
	f.null = w&tagNull != 0
	return f, true
}

// count is the number of values.
func (f *field) count() int {
	switch {
	case f.null:
		return 0
	case f.head&headMulti == 0:
		return 1
	case f.head&headTwo != 0:
		return 2
	case len(f.data) < multiOffsetSize:
		return 0
	}
	return le16(f.data, 0) & multiMask / multiOffsetSize
}

// value gives value itag in v, which is zero: NULL if there are not so many. It is false if the value's place is
// impossible.
func (f *field) value(itag int, v *Value) bool {
	switch {
	case f.null || itag < 1:
		v.Null = true
		return true
	case f.head&headMulti != 0:
		return f.multiValue(itag, v)
	case itag > 1:
		v.Null = true
		return true
	}
	v.Data, v.Itag = f.data, 1
	if f.head != 0 {
		v.Long = f.head&headLong != 0
		v.Separated = f.head&headSeparated != 0
		v.Compressed = f.head&headCompressed != 0
		v.Encrypted = f.head&headEncrypted != 0
	}
	return true
}

func (f *field) multiValue(itag int, v *Value) bool {
	if f.head&headTwo != 0 {
		return f.ofTwo(itag, v)
	}
	n := f.count()
	if n*multiOffsetSize > len(f.data) {
		return false
	}
	if itag > n {
		v.Null = true
		return true
	}
	word := le16(f.data, multiOffsetSize*(itag-1))
	start, end := word&multiMask, len(f.data)
	if itag < n {
		end = le16(f.data, multiOffsetSize*itag) & multiMask
	}
	if start > end || end > len(f.data) {
		return false
	}
	v.Data, v.Itag = f.data[start:end], itag
	v.Long = f.head&headLong != 0
	v.Separated = word&multiSeparated != 0
	v.Compressed = itag == 1 && f.head&headCompressed != 0
	v.Encrypted = f.head&headEncrypted != 0
	return true
}

// ofTwo is value for TwoValues.
func (f *field) ofTwo(itag int, v *Value) bool {
	if itag > 2 {
		v.Null = true
		return true
	}
	if len(f.data) == 0 {
		return false
	}
	first := int(f.data[0])
	values := f.data[1:]
	if first > len(values) {
		return false
	}
	v.Itag = itag
	if itag == 1 {
		v.Data = values[:first]
	} else {
		v.Data = values[first:]
	}
	return true
}
