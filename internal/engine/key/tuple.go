package key

import (
	"cmp"
	"encoding/binary"

	"esent/internal/jet"
)

// TupleLimits say which substrings of the first column a tuple index holds (spec chapter 04, 8.5). Lengths and
// offsets count characters: bytes for Binary and code page 1252, UTF-16 units for code page 1200.
type TupleLimits struct {
	LengthMin  uint32
	LengthMax  uint32
	ToIndexMax uint32 // number of substrings at most
	Increment  uint32 // distance of their beginnings
	Start      uint32 // beginning of the first
}

const (
	tupleLimitsSize    = 20
	tupleLimitsSizeOld = 12 // without increment and start

	tupleLengthAbsMin  = 2
	tupleLengthAbsMax  = 255
	tupleToIndexAbsMax = 0x7FFF
	tupleAbsMax        = 0xFFFF // of every limit

	tupleStartUnset = 0xFFFFFFFF
)

// DefaultTupleLimits are the limits of an index that names none and an instance whose parameters are the defaults.
var DefaultTupleLimits = TupleLimits{LengthMin: 3, LengthMax: 10, ToIndexMax: tupleToIndexAbsMax, Increment: 1}

// NewTupleLimits gives the limits of a new tuple index from a caller's wishes, where 0 (and a start of -1) asks
// for the default. It fails with jet.ErrIndexTuplesInvalidLimits outside the bounds (spec chapters 01, 7.5 and 04, 8.5).
func NewTupleLimits(want TupleLimits) (TupleLimits, error) {
	if want.LengthMin > tupleAbsMax || want.LengthMax > tupleAbsMax ||
		want.ToIndexMax > tupleAbsMax || want.Increment > tupleAbsMax ||
		want.Start > tupleAbsMax && want.Start != tupleStartUnset {
		return TupleLimits{}, jet.ErrIndexTuplesInvalidLimits
	}
	t := TupleLimits{
		LengthMin:  cmp.Or(want.LengthMin, DefaultTupleLimits.LengthMin),
		LengthMax:  cmp.Or(want.LengthMax, DefaultTupleLimits.LengthMax),
		ToIndexMax: cmp.Or(want.ToIndexMax, DefaultTupleLimits.ToIndexMax),
		Increment:  cmp.Or(want.Increment, DefaultTupleLimits.Increment),
		Start:      want.Start,
	}
	if t.Start == tupleStartUnset {
		t.Start = DefaultTupleLimits.Start
	}
	if err := t.valid(); err != nil {
		return TupleLimits{}, err
	}
	return t, nil
}

// ParseTupleLimits reads the catalog's TupleLimits column, 20 bytes or 12 of the old form. Any other length or a
// value out of bounds fails with jet.ErrCatalogCorrupted.
func ParseTupleLimits(b []byte) (TupleLimits, error) {
	if len(b) != tupleLimitsSize && len(b) != tupleLimitsSizeOld {
		return TupleLimits{}, jet.ErrCatalogCorrupted.Errorf("tuple limits of %d bytes", len(b))
	}
	t := TupleLimits{
		LengthMin:  binary.LittleEndian.Uint32(b),
		LengthMax:  binary.LittleEndian.Uint32(b[4:]),
		ToIndexMax: binary.LittleEndian.Uint32(b[8:]),
		Increment:  DefaultTupleLimits.Increment,
		Start:      DefaultTupleLimits.Start,
	}
	if len(b) == tupleLimitsSize {
		t.Increment = binary.LittleEndian.Uint32(b[12:])
		t.Start = binary.LittleEndian.Uint32(b[16:])
	}
	if err := t.valid(); err != nil {
		return TupleLimits{}, jet.ErrCatalogCorrupted.Errorf("tuple limits %+v", t)
	}
	return t, nil
}

// Append adds the catalog's 20-byte form to dst.
func (t TupleLimits) Append(dst []byte) []byte {
	for _, v := range [...]uint32{t.LengthMin, t.LengthMax, t.ToIndexMax, t.Increment, t.Start} {
		dst = binary.LittleEndian.AppendUint32(dst, v)
	}
	return dst
}

func (t *TupleLimits) valid() error {
	if t.LengthMin < tupleLengthAbsMin || t.LengthMin > t.LengthMax || t.LengthMax > tupleLengthAbsMax ||
		t.ToIndexMax < 1 || t.ToIndexMax > tupleToIndexAbsMax ||
		t.Increment < 1 || t.Increment > tupleAbsMax || t.Start > tupleAbsMax {
		return jet.ErrIndexTuplesInvalidLimits
	}
	return nil
}

// bytes gives the lower and upper length limit in bytes for the tuplised segment.
func (t *TupleLimits) bytes(s *Segment) (least, most int) {
	return int(t.LengthMin) * s.charSize(), int(t.LengthMax) * s.charSize()
}

func (s *Segment) charSize() int {
	if s.isUnicode() {
		return 2
	}
	return 1
}
