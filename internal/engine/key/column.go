package key

import (
	"bytes"
	"encoding/binary"

	"esent/internal/jet"
)

// Found is what a key tells about a column's value.
type Found uint8

const (
	FoundNothing Found = iota // the key cannot tell: the record must be read
	FoundNull
	FoundValue // possibly empty
)

// Column reads the value of segment seg out of a stored key of the index and appends it to dst: the way of
// JET_bitRetrieveFromIndex and of finding the largest autoincrement value (spec chapter 04, 9.3). The key cannot tell
// when the segment is text, when the key may be truncated, and when the segment, or one before it, has no certain
// end (Unicode text, or cut by VarSegMac). A key that does not parse fails with jet.ErrPrimaryIndexCorrupted or
// jet.ErrSecondaryIndexCorrupted. That the tuplised column of a tuple index may not be asked for without
// JET_bitRetrieveTuple is for the caller to check.
func (ix *Index) Column(dst, key []byte, seg int) ([]byte, Found, error) {
	if seg < 0 || seg >= len(ix.Segments) {
		return dst, FoundNothing, jet.ErrColumnNotFound
	}
	if ix.Segments[seg].isText() || len(key) >= ix.KeyMost && ix.KeyMost >= KeyMostDefault {
		return dst, FoundNothing, nil
	}
	for i := range seg + 1 {
		s := &ix.Segments[i]
		if s.isUnicode() || ix.varSegMac() != 0 && (s.isText() || s.isBinary()) {
			return dst, FoundNothing, nil
		}
	}
	for i := range seg + 1 {
		s := &ix.Segments[i]
		if len(key) == 0 {
			return dst, FoundNothing, ix.corrupted()
		}
		prefix, rest := key[0]^s.mask(), key[1:]
		switch {
		case prefix == prefixNull && !ix.Flags.Has(FlagSortNullsHigh),
			prefix == prefixNullHigh && ix.Flags.Has(FlagSortNullsHigh):
			if i == seg {
				return dst, FoundNull, nil
			}
			key = rest
			continue
		case prefix == prefixZero && (s.isText() || s.isBinary()):
			if i == seg {
				return dst, FoundValue, nil
			}
			key = rest
			continue
		case prefix != prefixData:
			return dst, FoundNothing, ix.corrupted()
		}
		n := s.bodySize(rest)
		if n < 0 || n > len(rest) {
			return dst, FoundNothing, ix.corrupted()
		}
		if i == seg {
			return s.denormalise(dst, rest[:n], ix.Flags), FoundValue, nil
		}
		key = rest[n:]
	}
	return dst, FoundNothing, ix.corrupted()
}

func (ix *Index) corrupted() error {
	if ix.Flags.Has(FlagPrimary) {
		return jet.ErrPrimaryIndexCorrupted
	}
	return jet.ErrSecondaryIndexCorrupted
}

func (s *Segment) mask() byte {
	if s.Descending {
		return 0xFF
	}
	return 0
}

// bodySize is the size of the segment behind its prefix, -1 when it does not end. Unicode text does not come here.
func (s *Segment) bodySize(b []byte) int {
	switch {
	case s.isText():
		if end := bytes.IndexByte(b, s.mask()); end >= 0 {
			return end + 1
		}
		return -1
	case s.isBinary() && s.FixedClass:
		return s.fixedClassSize()
	case s.isBinary():
		for n := chunkSize; n <= len(b); n += chunkSize {
			switch last := b[n-1] ^ s.mask(); {
			case last == chunkMore:
			case last >= 1 && last <= chunkData:
				return n
			default:
				return -1
			}
		}
		return -1
	}
	return fixedSize(s.Type)
}

// denormalise appends the value of a whole segment, without prefix, to dst.
func (s *Segment) denormalise(dst, body []byte, fl Flags) []byte {
	from := len(dst)
	if s.isBinary() && !s.FixedClass {
		for ; len(body) > 0; body = body[chunkSize:] {
			n := min(int(body[chunkData]^s.mask()), chunkData)
			dst = append(dst, body[:n]...)
		}
	} else {
		dst = append(dst, body...)
	}
	out := dst[from:]
	if s.Descending {
		invert(out)
	}
	switch s.Type {
	case jet.ColtypShort:
		binary.LittleEndian.PutUint16(out, binary.BigEndian.Uint16(out)^signBit16)
	case jet.ColtypUnsignedShort:
		binary.LittleEndian.PutUint16(out, binary.BigEndian.Uint16(out))
	case jet.ColtypLong:
		binary.LittleEndian.PutUint32(out, binary.BigEndian.Uint32(out)^signBit32)
	case jet.ColtypUnsignedLong:
		binary.LittleEndian.PutUint32(out, binary.BigEndian.Uint32(out))
	case jet.ColtypCurrency, jet.ColtypLongLong:
		binary.LittleEndian.PutUint64(out, binary.BigEndian.Uint64(out)^signBit64)
	case jet.ColtypUnsignedLongLong:
		binary.LittleEndian.PutUint64(out, binary.BigEndian.Uint64(out))
	case jet.ColtypIEEESingle:
		binary.LittleEndian.PutUint32(out, unorderFloat32(binary.BigEndian.Uint32(out)))
	case jet.ColtypIEEEDouble, jet.ColtypDateTime:
		binary.LittleEndian.PutUint64(out, unorderFloat64(binary.BigEndian.Uint64(out)))
	case jet.ColtypGUID:
		var guid [16]byte
		for i, to := range guidOrder(fl) {
			guid[to] = out[i]
		}
		copy(out, guid[:])
	}
	return dst
}
