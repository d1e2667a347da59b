package key

import "esent/internal/jet"

// SearchKey is the key that JetMakeKey builds, column by column, for one index of a cursor (spec chapters 01, 9.1
// and 04, 9.1). The zero value holds no key. It contains its buffer and never allocates.
type SearchKey struct {
	n         int
	columns   int
	made      bool // a key was begun
	limit     bool // a limit option ended it
	complete  bool // given as a whole by JET_bitNormalizedKey
	truncated bool
	buf       [SearchKeyMax]byte
}

const (
	limitMask = jet.BitFullColumnStartLimit | jet.BitFullColumnEndLimit |
		jet.BitPartialColumnStartLimit | jet.BitPartialColumnEndLimit
	endLimits = jet.BitFullColumnEndLimit | jet.BitPartialColumnEndLimit
)

// MakeKey adds the next column's value to the key of index ix, or begins a key with jet.BitNewKey, or takes data as
// the whole key with jet.BitNormalizedKey. Empty data is NULL, or zero-length with jet.BitKeyDataZeroLength. ix is
// nil only for a table without indexes, where nothing but a normalised key is possible. Unknown bits are ignored.
//
// Errors, in the order of their checks: ErrNoCurrentIndex; ErrInvalidParameter (normalised key too long);
// ErrKeyIsMade (all columns given, or ended by a limit); ErrKeyNotMade (no key begun); ErrInvalidBufferSize;
// ErrInvalidGrbit (two limits, or a partial limit on a column that has no prefixes); ErrIndexTuplesKeyTooSmall; and
// Collation's for Unicode text. After an error with BitNewKey there is no key, without it the key is as before.
func (k *SearchKey) MakeKey(ix *Index, data []byte, grbit jet.Grbit) error {
	if grbit&jet.BitNormalizedKey != 0 {
		return k.makeNormalised(ix, data)
	}
	if ix == nil {
		return jet.ErrNoCurrentIndex
	}
	switch {
	case grbit&jet.BitNewKey != 0:
		k.Reset()
	case k.limit || k.complete:
		return jet.ErrKeyIsMade
	case !k.made:
		return jet.ErrKeyNotMade
	}
	if !k.made && ix.Placeholder && grbit&jet.BitKeyOverridePrimaryIndexPlaceholder == 0 {
		k.makePlaceholder(ix)
	}
	if k.columns >= len(ix.Segments) {
		return jet.ErrKeyIsMade
	}
	seg := &ix.Segments[k.columns]
	if grbit&(limitMask|jet.BitStrLimit|jet.BitSubStrLimit) == 0 && k.addFixed(ix, seg, data) {
		return nil
	}
	if seg.FixedClass && len(data) > 0 {
		if size := seg.fixedClassSize(); len(data) != size {
			if seg.Type != jet.ColtypText || len(data) > size {
				return jet.ErrInvalidBufferSize
			}
			return k.addPadded(ix, seg, data, size, grbit)
		}
	}
	return k.add(ix, seg, data, grbit)
}

// Reset removes the key.
func (k *SearchKey) Reset() {
	k.Consume()
	k.n, k.columns = 0, 0
}

// Consume marks the key as used by a seek or range: the next column needs a new key, the bytes can still be read.
func (k *SearchKey) Consume() {
	k.made, k.limit, k.complete, k.truncated = false, false, false, false
}

// Made says that there is a key which has not been consumed.
func (k *SearchKey) Made() bool { return k.made }

// Limit says that a limit option ended the key (or that it was given with a limit's length).
func (k *SearchKey) Limit() bool { return k.limit }

// Columns is the number of columns that the key covers; 1 for a key given as a whole.
func (k *SearchKey) Columns() int { return k.columns }

// Bytes is the key, also after Consume; empty when none was made. It is overwritten by the next MakeKey.
func (k *SearchKey) Bytes() []byte { return k.buf[:k.n] }

func (k *SearchKey) makeNormalised(ix *Index, data []byte) error {
	most := KeyMostDefault
	if ix != nil {
		most = min(ix.KeyMost, KeyMostMax)
	}
	if len(data) > most+1 && len(data) > KeyMostDefault {
		return jet.ErrInvalidParameter
	}
	k.Reset()
	k.n = copy(k.buf[:most+1], data)
	k.columns = 1
	k.made, k.complete = true, true
	k.limit = k.n > most
	return nil
}

// makePlaceholder puts the value of the (rare) placeholder column first, a Bit that is false.
func (k *SearchKey) makePlaceholder(ix *Index) {
	k.buf[0], k.buf[1] = prefixData, 0x00
	if ix.Segments[0].Descending {
		invert(k.buf[:2])
	}
	k.n, k.columns = 2, 1
}

// addPadded adds fixed text that is shorter than its column, filled with spaces as the record has it.
func (k *SearchKey) addPadded(ix *Index, seg *Segment, data []byte, size int, grbit jet.Grbit) error {
	var padded [jet.CbColumnMost]byte
	n := copy(padded[:size], data)
	for i := n; i < size; i++ {
		if !seg.isUnicode() || i%2 == 0 {
			padded[i] = ' '
		}
	}
	return k.add(ix, seg, padded[:size], grbit)
}

// addFixed adds the value of a fixed-length type in the most common case, when it has the right size and fits; false
// when something else is to be done.
func (k *SearchKey) addFixed(ix *Index, seg *Segment, data []byte) bool {
	end := k.n + 1 + len(data)
	if end > ix.KeyMost || end > KeyMostMax || k.truncated || len(data) == 0 {
		return false
	}
	to := k.buf[k.n:end]
	if !normaliseFixed(to, seg.Type, ix.Flags, data) {
		return false
	}
	if seg.Descending {
		invert(to)
	}
	k.n = end
	k.columns++
	k.made = true
	return true
}

func (k *SearchKey) add(ix *Index, seg *Segment, data []byte, grbit jet.Grbit) error {
	switch limit := grbit & limitMask; limit {
	case 0, jet.BitFullColumnStartLimit, jet.BitFullColumnEndLimit:
	case jet.BitPartialColumnStartLimit, jet.BitPartialColumnEndLimit:
		if !seg.isText() && (seg.FixedClass || !seg.isBinary()) {
			return jet.ErrInvalidGrbit
		}
	default:
		return jet.ErrInvalidGrbit
	}
	space := min(ix.KeyMost, KeyMostMax) - k.n
	if space <= 0 || k.truncated {
		k.columns++
		k.made = true
		return nil
	}

	zero := grbit&jet.BitKeyDataZeroLength != 0
	v := Value{Data: data, Null: len(data) == 0 && !zero}
	if k.columns == 0 && ix.Tuple != nil {
		var err error
		if v, err = tupleSearchValue(ix, seg, v); err != nil {
			return err
		}
	} else if len(data) == 0 && zero && (seg.FixedClass || !seg.isText() && !seg.isBinary()) {
		return jet.ErrInvalidBufferSize
	}
	region := k.buf[k.n : k.n+space+1]
	c, err := normalise(region[:space], ix, seg, v)
	if err != nil {
		return err
	}
	n := c.n
	switch {
	case grbit&(jet.BitFullColumnStartLimit|jet.BitFullColumnEndLimit) != 0:
		n = limitFull(region, n, grbit&endLimits != 0)
		k.limit = true
	case grbit&(jet.BitPartialColumnStartLimit|jet.BitPartialColumnEndLimit) != 0:
		n = limitPartial(region, ix, seg, c, grbit&endLimits != 0)
		k.limit = true
	case grbit&jet.BitSubStrLimit != 0 && seg.isText():
		n = limitPartial(region, ix, seg, c, true)
		k.limit = true
	case grbit&jet.BitStrLimit != 0:
		if seg.isText() {
			n = limitFull(region, n, true)
		} else {
			n = limitPartial(region, ix, seg, c, true)
		}
		k.limit = true
	}
	k.n += n
	k.columns++
	k.made = true
	k.truncated = c.truncated
	return nil
}

// tupleSearchValue checks and cuts the value for the substrings' column of a tuple index. Binary values are neither
// too short nor cut, unless empty: the original engine looks at text only.
func tupleSearchValue(ix *Index, seg *Segment, v Value) (Value, error) {
	if len(v.Data) == 0 {
		return v, jet.ErrIndexTuplesKeyTooSmall
	}
	if !seg.isText() {
		return v, nil
	}
	size := seg.charSize()
	if len(v.Data)/size < int(ix.Tuple.LengthMin) {
		return v, jet.ErrIndexTuplesKeyTooSmall
	}
	v.Data = v.Data[:min(len(v.Data), int(ix.Tuple.LengthMax)*size)]
	return v, nil
}

// fixedClassSize is the size in bytes of a column of fixed class.
func (s *Segment) fixedClassSize() int {
	if n := fixedSize(s.Type); n != 0 {
		return n
	}
	return min(s.Max, jet.CbColumnMost)
}
