package key

import (
	"encoding/binary"
	"slices"

	"esent/internal/jet"
)

// Value is one column value on its way into a key: NULL, or data that may be empty (zero-length). Data is stored
// bytes: little-endian numbers, text in the column's code page. It is only read, and not kept.
type Value struct {
	Data []byte
	Null bool
}

// Segment prefixes of the ascending form (spec chapter 04, 7.3).
const (
	prefixNull     = 0x00
	prefixZero     = 0x40
	prefixData     = 0x7F
	prefixNullHigh = 0xC0
	sentinel       = 0xFF
)

// AppendSegment adds the normalised segment of v to dst, using at most space bytes (spec chapter 04, 7.3 to 7.8).
// truncated says that key space ended before the segment did; a cut at the index's VarSegMac is none. space must be
// at least 1. A value of the wrong size for a fixed-length type fails with jet.ErrInvalidBufferSize, Unicode text
// that cannot be collated exactly as Collation says. On failure dst is unchanged.
func AppendSegment(dst []byte, seg *Segment, ix *Index, v Value, space int) (out []byte, truncated bool, err error) {
	if space < 1 || space > SearchKeyMax {
		return dst, false, jet.ErrInvalidParameter
	}
	n := len(dst)
	out = slices.Grow(dst, space)[:n+space]
	c, err := normalise(out[n:], ix, seg, v)
	if err != nil {
		return dst, false, err
	}
	return out[:n+c.n], c.truncated, nil
}

// cut tells how a segment came out: its length, whether key space cut it, and for chunked Binary where the real
// data of the last chunk ends (0 when the last chunk did not fit).
type cut struct {
	n         int
	delimiter int
	truncated bool
}

// normalise writes the segment of v into dst, whose length is the space left in the key (at least 1).
func normalise(dst []byte, ix *Index, seg *Segment, v Value) (cut, error) {
	var c cut
	switch {
	case v.Null:
		dst[0] = prefixNull
		if ix.Flags.Has(FlagSortNullsHigh) {
			dst[0] = prefixNullHigh
		}
		c.n = 1
	case len(v.Data) == 0:
		switch {
		case seg.isText() || seg.isBinary():
			dst[0] = prefixZero
		case ix.Flags.Has(FlagSortNullsHigh):
			dst[0] = prefixNullHigh
		default:
			dst[0] = prefixNull
		}
		c.n = 1
	case seg.isText():
		var err error
		if c, err = normaliseText(dst, ix, seg, v.Data); err != nil {
			return cut{}, err
		}
	case seg.isBinary():
		c = normaliseBinary(dst, ix, seg, v.Data)
	default:
		n := 1 + len(v.Data)
		if n <= len(dst) {
			if !normaliseFixed(dst[:n], seg.Type, ix.Flags, v.Data) {
				return cut{}, jet.ErrInvalidBufferSize
			}
			c.n = n
			break
		}
		var whole [1 + 16]byte
		if n > len(whole) || !normaliseFixed(whole[:n], seg.Type, ix.Flags, v.Data) {
			return cut{}, jet.ErrInvalidBufferSize
		}
		c.n = copy(dst, whole[:n])
		c.truncated = true
	}
	if seg.Descending {
		invert(dst[:c.n])
	}
	return c, nil
}

func invert(b []byte) {
	for i := range b {
		b[i] ^= 0xFF
	}
}

// normaliseFixed writes a fixed-length type's segment, whose length is 1 + len(data) (spec chapter 04, 7.4). It is
// false when data has not the type's size.
func normaliseFixed(dst []byte, coltyp int, fl Flags, data []byte) bool {
	if len(data) == 0 || len(data) != fixedSize(coltyp) || len(dst) != 1+len(data) {
		return false
	}
	dst[0] = prefixData
	to := dst[1:]
	switch coltyp {
	case jet.ColtypBit:
		to[0] = 0x00
		if data[0] != 0 {
			to[0] = 0xFF
		}
	case jet.ColtypUnsignedByte:
		to[0] = data[0]
	case jet.ColtypShort:
		binary.BigEndian.PutUint16(to, binary.LittleEndian.Uint16(data)^signBit16)
	case jet.ColtypUnsignedShort:
		binary.BigEndian.PutUint16(to, binary.LittleEndian.Uint16(data))
	case jet.ColtypLong:
		binary.BigEndian.PutUint32(to, binary.LittleEndian.Uint32(data)^signBit32)
	case jet.ColtypUnsignedLong:
		binary.BigEndian.PutUint32(to, binary.LittleEndian.Uint32(data))
	case jet.ColtypCurrency, jet.ColtypLongLong:
		binary.BigEndian.PutUint64(to, binary.LittleEndian.Uint64(data)^signBit64)
	case jet.ColtypUnsignedLongLong:
		binary.BigEndian.PutUint64(to, binary.LittleEndian.Uint64(data))
	case jet.ColtypIEEESingle:
		binary.BigEndian.PutUint32(to, orderFloat32(binary.LittleEndian.Uint32(data)))
	case jet.ColtypIEEEDouble, jet.ColtypDateTime:
		binary.BigEndian.PutUint64(to, orderFloat64(binary.LittleEndian.Uint64(data)))
	case jet.ColtypGUID:
		for i, from := range guidOrder(fl) {
			to[i] = data[from]
		}
	}
	return true
}

const (
	signBit16 = 1 << 15
	signBit32 = 1 << 31
	signBit64 = 1 << 63
)

// orderFloat32 maps an IEEE bit pattern to a number of the same order: all bits of a negative are inverted, the
// sign bit of the others.
func orderFloat32(v uint32) uint32 {
	return v ^ (uint32(int32(v)>>31) | signBit32)
}

func orderFloat64(v uint64) uint64 {
	return v ^ (uint64(int64(v)>>63) | signBit64)
}

func unorderFloat32(v uint32) uint32 {
	return v ^ (uint32(int32(^v)>>31) | signBit32)
}

func unorderFloat64(v uint64) uint64 {
	return v ^ (uint64(int64(^v)>>63) | signBit64)
}

// Where the key's bytes are taken from in a GUID in memory order.
var (
	guidOrderDefault = [16]byte{10, 11, 12, 13, 14, 15, 8, 9, 6, 7, 4, 5, 0, 1, 2, 3}
	guidOrderDotNet  = [16]byte{3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15}
)

func guidOrder(fl Flags) *[16]byte {
	if fl.Has(FlagDotNetGUID) {
		return &guidOrderDotNet
	}
	return &guidOrderDefault
}

const (
	chunkData = 8 // data bytes of a chunk of Binary
	chunkSize = chunkData + 1
	chunkMore = chunkSize // length byte of a chunk that others follow
)

// normaliseBinary writes a Binary segment: whole for a column of fixed class, in chunks else (spec chapter 04, 7.5).
func normaliseBinary(dst []byte, ix *Index, seg *Segment, data []byte) (c cut) {
	if seg.FixedClass {
		c.n = segmentCut(&c, ix, 1+len(data), len(dst))
		dst[0] = prefixData
		copy(dst[1:c.n], data)
		return c
	}
	chunks := (len(data)-1)/chunkData + 1
	c.n = segmentCut(&c, ix, 1+chunks*chunkSize, len(dst))
	dst[0] = prefixData
	to, rest := dst[1:c.n], data
	for len(to) >= chunkSize && len(rest) > chunkData {
		copy(to, rest[:chunkData])
		to[chunkData] = chunkMore
		to, rest = to[chunkSize:], rest[chunkData:]
	}
	// to is now the last chunk, or what a cut left of some chunk, or nothing.
	if len(to) == 0 {
		return c
	}
	n := copy(to[:min(len(to), chunkData)], rest)
	clear(to[n:])
	if n == len(rest) && n < len(to) {
		c.delimiter = c.n - len(to) + n
	}
	if len(to) == chunkSize {
		to[chunkData] = byte(n)
	}
	return c
}

// segmentCut is the length that a segment of whole bytes gets: first cut to the index's VarSegMac, which is meant,
// then to the space left, which is a truncation.
func segmentCut(c *cut, ix *Index, whole, space int) int {
	if limit := ix.varSegMac(); limit != 0 && whole > limit {
		whole = limit
	}
	if whole > space {
		c.truncated = true
		return space
	}
	return whole
}
