package key

import _ "embed"

// weightTable is the default sort table, made by gen (its format is described there). It is read in place.
//
//go:embed weights.bin
var weightTable string

const tableUnits = 65536

// Script members that are treated specially (spec chapter 04, 10.3). All others are normal weights.
const (
	smIgnored    = 0x00
	smMark       = 0x01 // non-spacing mark
	smExpansion  = 0x02
	smEastAsian  = 0x03 // kana and others, whose extra weights are not implemented
	smJamo       = 0x04 // Hangul letters, likewise
	smIdeograph  = 0x05
	smSpecial    = 0x06 // punctuation that words are sorted without
	ideographSM  = 0xFD // an ideograph's main weight is FD FF AW DW
	ideographAW  = 0xFF
	plainWeight  = 2 // the diacritic and case weight of a plain letter; also those of an ideograph
	caseUpper    = 0x10
	plainSpecial = plainWeight*8 + plainWeight
)

// weight is a unit's entry: SM<<24 | AW<<16 | DW<<8 | CW.
type weight uint32

func (w weight) sm() byte { return byte(w >> 24) }
func (w weight) aw() byte { return byte(w >> 16) }
func (w weight) dw() byte { return byte(w >> 8) }
func (w weight) cw() byte { return byte(w) }

func tableWord(i int) weight {
	s := weightTable[4*i : 4*i+4]
	return weight(s[0]) | weight(s[1])<<8 | weight(s[2])<<16 | weight(s[3])<<24
}

// weightReader goes through the weights of UTF-16LE text, with expansions resolved. A trailing odd byte is not read.
type weightReader struct {
	text []byte
	exp  int // table index of the next word of an expansion
	left int // words of it left
}

// next gives the next weight that is not ignored; false at the end.
func (r *weightReader) next() (weight, bool) {
	for {
		var w weight
		switch {
		case r.left > 0:
			w = tableWord(r.exp)
			r.exp++
			r.left--
		case len(r.text) >= 2:
			w = tableWord(int(r.text[0]) | int(r.text[1])<<8)
			r.text = r.text[2:]
			if w.sm() == smExpansion {
				r.exp, r.left = tableUnits+int(w&0xFFFF), int(w.aw())
				continue
			}
		default:
			return 0, false
		}
		if w.sm() != smIgnored {
			return w, true
		}
	}
}
