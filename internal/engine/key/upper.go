package key

import (
	"unicode"

	"esent/internal/jet"
)

// upperRanges are the units whose simple upper case is certain to be the same in Windows' casing table and in
// Unicode's. Units outside them that have a case are refused.
var upperRanges = [...]struct{ from, to uint16 }{
	{0x0061, 0x007A}, // ASCII
	{0x00E0, 0x00FF}, // Latin-1
	{0x0101, 0x012F}, // Latin Extended-A, without dotless i and long s
	{0x0133, 0x017E},
	{0x03AC, 0x03AF}, // Greek, without final sigma
	{0x03B1, 0x03C1},
	{0x03C3, 0x03CE},
	{0x0430, 0x045F}, // Cyrillic
	{0x0561, 0x0586}, // Armenian
	{0x2170, 0x217F}, // Roman numerals
	{0x24D0, 0x24E9}, // circled letters
	{0xFF41, 0xFF5A}, // full-width letters
}

// upperCase writes UTF-16LE text in upper case as big-endian units and a terminating 00 00: the key of an index with
// LCMAP_UPPERCASE (spec chapter 04, 7.7). It fails with jet.ErrUnicodeTranslationFail for a character whose upper
// case in Windows is not certain.
func upperCase(dst, text []byte) (n int, tooBig bool, err error) {
	w := sortKeyWriter{dst: dst}
	for ; len(text) >= 2 && !w.full(); text = text[2:] {
		u, ok := upperUnit(uint16(text[0]) | uint16(text[1])<<8)
		if !ok {
			return 0, false, jet.ErrUnicodeTranslationFail
		}
		w.put(byte(u >> 8))
		w.put(byte(u))
	}
	w.put(0)
	w.put(0)
	return min(w.n, len(dst)), w.full(), nil
}

func upperUnit(u uint16) (uint16, bool) {
	if u < 'a' {
		return u, true
	}
	up := unicode.ToUpper(rune(u))
	for _, r := range upperRanges {
		if r.from <= u && u <= r.to {
			return uint16(up), up <= 0xFFFF
		}
	}
	// Surrogates stand for characters that may have a case beyond what units can tell.
	return u, up == rune(u) && (u < highSurrogateCased || u > highSurrogateCasedEnd)
}

// The high surrogates of the supplementary characters that have a case in Unicode: U+10400 to U+10CFF, U+118xx,
// U+16Exx and U+1E9xx lie in these planes' blocks.
const (
	highSurrogateCased    = 0xD800
	highSurrogateCasedEnd = 0xD83A
)
