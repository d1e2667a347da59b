package key

import "esent/internal/jet"

// sortKeySeparator stands between the five parts of a sort key, sortKeyEnd ends it. Neither occurs in base weights
// of common text.
const (
	sortKeySeparator = 0x01
	sortKeyEnd       = 0x00
)

// sortKeyWriter writes what fits of a sort key and counts all of it.
type sortKeyWriter struct {
	dst []byte
	n   int
}

func (w *sortKeyWriter) put(b byte) {
	if w.n < len(w.dst) {
		w.dst[w.n] = b
	}
	w.n++
}

func (w *sortKeyWriter) full() bool { return w.n > len(w.dst) }

// sortKey writes the sort key of UTF-16LE text, or its upper case under LCMAP_UPPERCASE, into dst, and tells whether
// it was too big for it. A nil collation, and one that is not implemented exactly, fails with
// jet.ErrUnicodeNormalizationNotSupported; a character of which that is true, and text of half a unit, fails with
// jet.ErrUnicodeTranslationFail.
func (c *Collation) sortKey(dst, text []byte) (n int, tooBig bool, err error) {
	if err := c.Exact(); err != nil {
		return 0, false, err
	}
	if len(text) < 2 {
		return 0, false, jet.ErrUnicodeTranslationFail
	}
	if c.upper() {
		return upperCase(dst, text)
	}
	w := sortKeyWriter{dst: dst}
	s, err := c.putMain(&w, text)
	if err != nil {
		return 0, false, err
	}
	// Base weights that fill the space are the whole key: the other parts would be cut off.
	if !w.full() {
		w.put(sortKeySeparator)
		if s.diacritics > 0 {
			putDiacritics(&w, text, s.diacritics, c.specialsAreMain())
		}
		w.put(sortKeySeparator)
		if s.cases > 0 {
			c.putCases(&w, text, s.cases)
		}
		// The part between the next two is for kana, which are not implemented.
		w.put(sortKeySeparator)
		w.put(sortKeySeparator)
		if s.specials {
			putSpecials(&w, text)
		}
		w.put(sortKeyEnd)
	}
	return min(w.n, len(dst)), w.full(), nil
}

// shape is what the first pass finds of the later parts: how many entries of each list there are up to the last that
// is not plain, and whether there are specials.
type shape struct {
	diacritics int
	cases      int
	specials   bool
}

// putMain writes the base weights and examines the rest. Nothing behind the point where the space is full matters.
func (c *Collation) putMain(w *sortKeyWriter, text []byte) (s shape, err error) {
	specialsAreMain, withCase := c.specialsAreMain(), c.withCase()
	r := weightReader{text: text}
	entries, cases := 0, 0 // diacritic and case entries so far
	dw := 0                // the last diacritic entry
	ideographs := false
	for !w.full() {
		x, ok := r.next()
		if !ok {
			break
		}
		switch sm := x.sm(); {
		case sm == smMark:
			if entries == 0 {
				if withCase {
					return s, jet.ErrUnicodeTranslationFail
				}
				entries = 1
			}
			if dw += int(x.dw()); dw > 0xFF {
				return s, jet.ErrUnicodeTranslationFail
			}
			if dw > plainWeight {
				s.diacritics = entries
			}
			continue
		case sm == smEastAsian || sm == smJamo:
			return s, jet.ErrUnicodeTranslationFail
		case sm == smSpecial && !specialsAreMain:
			// The case weight's share of a special, and what an ideograph counts for its place, are unknown.
			if x.cw() != plainWeight || ideographs {
				return s, jet.ErrUnicodeTranslationFail
			}
			s.specials = true
			continue
		case sm == smIdeograph:
			ideographs = true
			w.put(ideographSM)
			w.put(ideographAW)
			w.put(x.aw())
			w.put(x.dw())
			dw = plainWeight
		default:
			w.put(sm)
			w.put(x.aw())
			dw = int(x.dw())
		}
		entries++
		cases++
		if dw > plainWeight {
			s.diacritics = entries
		}
		if withCase {
			cw := x.cw()
			if cw&^caseUpper != plainWeight {
				return s, jet.ErrUnicodeTranslationFail
			}
			if cw&^c.caseMask() > plainWeight {
				s.cases = cases
			}
		}
	}
	return s, nil
}

// putDiacritics writes the first count diacritic entries: one for each main weight, marks added to it.
func putDiacritics(w *sortKeyWriter, text []byte, count int, specialsAreMain bool) {
	r := weightReader{text: text}
	entries := 0
	var dw byte
	for {
		x, ok := r.next()
		if !ok {
			break
		}
		switch sm := x.sm(); {
		case sm == smSpecial && !specialsAreMain:
			continue
		case sm == smMark && entries > 0:
			dw += x.dw()
			continue
		}
		if entries > 0 {
			w.put(dw)
		}
		if entries == count || w.full() {
			return
		}
		entries++
		if dw = x.dw(); x.sm() == smIdeograph {
			dw = plainWeight
		}
	}
	w.put(dw)
}

// putCases writes the first count case entries, one for each main weight.
func (c *Collation) putCases(w *sortKeyWriter, text []byte, count int) {
	r := weightReader{text: text}
	mask, specialsAreMain := c.caseMask(), c.specialsAreMain()
	for count > 0 {
		x, ok := r.next()
		if !ok {
			return
		}
		if sm := x.sm(); sm == smMark || sm == smSpecial && !specialsAreMain {
			continue
		}
		w.put(x.cw() &^ mask)
		count--
	}
}

// putSpecials writes each special with its place: 0xFFFF less the number of main weights before it.
func putSpecials(w *sortKeyWriter, text []byte) {
	r := weightReader{text: text}
	main := 0
	for !w.full() {
		x, ok := r.next()
		if !ok {
			return
		}
		switch x.sm() {
		case smMark:
		case smSpecial:
			place := 0xFFFF - main
			w.put(byte(place >> 8))
			w.put(byte(place))
			w.put(x.aw())
			w.put(x.dw()*8 + x.cw())
		default:
			main++
		}
	}
}
