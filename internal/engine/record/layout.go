package record

import (
	"encoding/binary"

	"esent/internal/jet"
)

// The head of a record (spec chapter 04, 2.1): the last fixed FID, the last variable FID, and where the fixed
// part ends.
const (
	offFixedLast = 0
	offVarLast   = 1
	offFixedEnd  = 2
	headerSize   = 4

	varOffsetSize = 2
	varNull       = 0x8000
	varMask       = 0x7FFF

	// fill is what never-set bytes of the fixed part hold.
	fill = '*'
)

var emptyRecord = [headerSize]byte{fixedNone, varNone, headerSize, 0}

var errMalformed = jet.ErrDatabaseCorrupted.Errorf("malformed record")

func le16(b []byte, at int) int       { return int(binary.LittleEndian.Uint16(b[at:])) }
func putLE16(b []byte, at int, v int) { binary.LittleEndian.PutUint16(b[at:], uint16(v)) }

func bitmapSize(fixedLast int) int { return (fixedLast + 7) / 8 }

// layout is where the parts of one record lie. Everything that was read from the record is read once, so that
// bytes that change meanwhile give a wrong answer at worst.
type layout struct {
	rec       []byte
	fixedLast int // highest fixed FID present, 0 for none
	varCount  int // number of variable columns present
	bitmap    int // offset of the NULL bitmap: end of the fixed data
	varArray  int // offset of the variable offsets
	varData   int // offset of the variable data
}

// layoutOf reads a record's head; false if it contradicts the record's length.
func layoutOf(rec []byte) (layout, bool) {
	if len(rec) < headerSize {
		return layout{}, false
	}
	head := binary.LittleEndian.Uint32(rec)
	l := layout{
		rec:       rec,
		fixedLast: int(head & 0xFF),
		varCount:  int(head>>8&0xFF) - varNone,
		varArray:  int(head >> 16),
	}
	l.bitmap = l.varArray - bitmapSize(l.fixedLast)
	l.varData = l.varArray + varOffsetSize*l.varCount
	ok := l.fixedLast <= FixedLast && l.varCount >= 0 && l.bitmap >= headerSize && l.varData <= len(rec)
	return l, ok
}

// fixedNull says that a fixed column that is present is NULL.
func (l *layout) fixedNull(fid uint16) bool {
	bit := int(fid) - FixedFirst
	return l.rec[l.bitmap+bit/8]>>(bit%8)&1 != 0
}

// varWord is entry i of the variable offsets.
func (l *layout) varWord(i int) int { return le16(l.rec, l.varArray+varOffsetSize*i) }

// varStart is where the data of variable column i begins, relative to the variable data.
func (l *layout) varStart(i int) int {
	if i == 0 {
		return 0
	}
	return l.varWord(i-1) & varMask
}

// variable gives the bytes of variable column i, and whether it is NULL.
func (l *layout) variable(i int) (data []byte, null, ok bool) {
	start, word := l.varStart(i), l.varWord(i)
	end := word & varMask
	if start > end || l.varData+end > len(l.rec) {
		return nil, false, false
	}
	return l.rec[l.varData+start : l.varData+end], word&varNull != 0, true
}

// taggedStart is where the tagged part begins.
func (l *layout) taggedStart() int { return l.varData + l.varStart(l.varCount) }

// tagged is the record's tagged part.
func (l *layout) tagged(large bool) (tagged, bool) {
	start := l.taggedStart()
	if start > len(l.rec) {
		return tagged{}, false
	}
	return taggedOf(l.rec[start:], large)
}
