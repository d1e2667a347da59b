package key

import "esent/internal/jet"

const (
	// KeyMostDefault is the key limit of an index that names none (JET_cbKeyMost_OLD).
	KeyMostDefault = jet.CbKeyMost_OLD
	// KeyMostMax is the largest key limit of any page size.
	KeyMostMax = jet.CbKeyMostMost
	// SearchKeyMax is the longest search key: the limit and one byte for a sentinel.
	SearchKeyMax = KeyMostMax + 1
	// SegmentsMax is the largest number of segments of a key (JET_ccolKeyMost).
	SegmentsMax = jet.CcolKeyMost

	codePageUnicode = 1200
)

// Segment describes one column of an index, as far as its keys depend on it.
type Segment struct {
	Type        int    // jet.Coltyp*
	CodePage    uint16 // text: 1252 or 1200; else 0
	Max         int    // the column's size in bytes as the catalog has it; used for Text and Binary of fixed class
	FixedClass  bool   // the column lies in the fixed area of the record (FID 1 to 127)
	Descending  bool
	MultiValued bool // a tagged column that may have several instances
}

// Index is what key making must know of an index (spec chapter 04, 7.1). It must not change while in use.
type Index struct {
	Segments []Segment
	// KeyMost is the key limit in bytes: KeyMostDefault, the caller's choice, or what Minimise left of it.
	KeyMost int
	// VarSegMac limits each segment in bytes. 0 or KeyMost: no limit.
	VarSegMac int
	Flags     Flags
	// Collation orders Unicode text; nil is allowed when no segment is such text.
	Collation *Collation
	// Tuple makes the first segment's substrings the entries; nil for an ordinary index.
	Tuple *TupleLimits
	// Placeholder says that the first column of a primary index is the (rare) placeholder bit.
	Placeholder bool
}

// Validate checks an index built from a catalog row: number of segments, their types and code pages, and the
// limits. It fails with jet.ErrCatalogCorrupted, since a wrong value comes from there. Keys of an index that does
// not pass must not be made.
func (ix *Index) Validate() error {
	if len(ix.Segments) == 0 || len(ix.Segments) > SegmentsMax {
		return jet.ErrCatalogCorrupted.Errorf("index of %d segments", len(ix.Segments))
	}
	if ix.KeyMost < 1 || ix.KeyMost > KeyMostMax || ix.VarSegMac < 0 || ix.VarSegMac > ix.KeyMost {
		return jet.ErrCatalogCorrupted.Errorf("index limits: key %d, segment %d", ix.KeyMost, ix.VarSegMac)
	}
	for i := range ix.Segments {
		s := &ix.Segments[i]
		if !s.isText() && !s.isBinary() && fixedSize(s.Type) == 0 {
			return jet.ErrCatalogCorrupted.Errorf("index segment %d of column type %d", i, s.Type)
		}
		if s.isText() && s.CodePage != codePageUnicode && s.CodePage != 1252 {
			return jet.ErrCatalogCorrupted.Errorf("index segment %d of code page %d", i, s.CodePage)
		}
		if s.FixedClass && (s.isText() || s.isBinary()) && (s.Max < 1 || s.Max > jet.CbColumnMost) {
			return jet.ErrCatalogCorrupted.Errorf("index segment %d of %d fixed bytes", i, s.Max)
		}
	}
	if ix.Tuple != nil {
		if s := &ix.Segments[0]; !s.isText() && !s.isBinary() {
			return jet.ErrCatalogCorrupted.Errorf("tuple index over column type %d", s.Type)
		}
		if err := ix.Tuple.valid(); err != nil {
			return jet.ErrCatalogCorrupted.Errorf("tuple index: %v", err)
		}
	}
	return nil
}

// Minimise gives the key limit and segment limit of a primary index after its limit was cut down to what its
// columns can need (spec chapter 04, 7.2). For every other index, and where a column's length is open, it gives the
// limits unchanged. A segment limit equal to the key limit means none.
func (ix *Index) Minimise() (keyMost, varSegMac int) {
	varSegMac = ix.VarSegMac
	if varSegMac == 0 {
		varSegMac = ix.KeyMost
	}
	if !ix.Flags.Has(FlagPrimary) {
		return ix.KeyMost, varSegMac
	}
	limited := varSegMac != ix.KeyMost
	need := 0
	for i := range ix.Segments {
		s := &ix.Segments[i]
		switch {
		case !s.isText() && !s.isBinary():
			need += 1 + fixedSize(s.Type)
		case s.isBinary() && s.FixedClass && limited:
			need += min(1+s.Max, varSegMac)
		case s.isBinary() && s.FixedClass:
			need += 1 + s.Max
		case limited:
			need += varSegMac
		default:
			return ix.KeyMost, varSegMac
		}
	}
	if need >= ix.KeyMost {
		return ix.KeyMost, varSegMac
	}
	return need, min(varSegMac, need)
}

// KeyMostOfPage is the largest key limit that an index may choose in a database of the given page size in bytes
// (spec chapter 04, 7.2).
func KeyMostOfPage(pageSize int) int {
	switch {
	case pageSize <= 2048:
		return jet.CbKeyMost2KBytePage
	case pageSize <= 4096:
		return jet.CbKeyMost4KBytePage
	}
	return KeyMostMax
}

// varSegMac is the segment limit in bytes, 0 when there is none.
func (ix *Index) varSegMac() int {
	if ix.VarSegMac == ix.KeyMost {
		return 0
	}
	return ix.VarSegMac
}

func (s *Segment) isText() bool {
	return s.Type == jet.ColtypText || s.Type == jet.ColtypLongText
}

func (s *Segment) isBinary() bool {
	return s.Type == jet.ColtypBinary || s.Type == jet.ColtypLongBinary
}

func (s *Segment) isUnicode() bool { return s.isText() && s.CodePage == codePageUnicode }

var fixedSizes = [32]uint8{
	jet.ColtypBit: 1, jet.ColtypUnsignedByte: 1,
	jet.ColtypShort: 2, jet.ColtypUnsignedShort: 2,
	jet.ColtypLong: 4, jet.ColtypUnsignedLong: 4, jet.ColtypIEEESingle: 4,
	jet.ColtypCurrency: 8, jet.ColtypLongLong: 8, jet.ColtypUnsignedLongLong: 8,
	jet.ColtypIEEEDouble: 8, jet.ColtypDateTime: 8,
	jet.ColtypGUID: 16,
}

// fixedSize is the size of a fixed-length type's value, 0 for text, binary and unknown types.
func fixedSize(coltyp int) int {
	if uint(coltyp) >= uint(len(fixedSizes)) {
		return 0
	}
	return int(fixedSizes[coltyp])
}
