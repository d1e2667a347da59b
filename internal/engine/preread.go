package engine

import (
	"bytes"
	"cmp"
	"math"
	"slices"

	"esent/internal/engine/record"
	"esent/internal/jet"
)

// PrereadKeys asks for the places of keys in the current index to be read in the background, and gives for how many
// that was done (JetPrereadKeys, spec chapter 01, 8.9). Keys must be in the order that grbit says. Errors:
// JET_errInvalidParameter, JET_errInvalidGrbit, JET_errInvalidBufferSize (the length of a key).
func (c *Cursor) PrereadKeys(s *Session, keys [][]byte, grbit jet.Grbit) (n int, err error) {
	if err := c.enterFor(s, tempOther); err != nil {
		return 0, err
	}
	defer s.leave()
	switch {
	case len(keys) == 0:
		return 0, jet.ErrInvalidParameter
	case grbit != jet.BitPrereadForward && grbit != jet.BitPrereadBackward:
		return 0, jet.ErrInvalidGrbit
	}
	most := record.KeyMostSequential
	if ix := c.currentIndex(s); ix != nil {
		most = ix.Def.KeyMost
	}
	for i, k := range keys {
		switch {
		case k == nil:
			return 0, jet.ErrInvalidParameter
		case len(k) == 0 || len(k) > most:
			return 0, jet.ErrInvalidBufferSize
		case i > 0 && inOrder(keys[i-1], k, grbit) > 0:
			return 0, jet.ErrInvalidParameter
		}
	}
	return len(keys), c.preread(keys)
}

// inOrder compares keys in the direction that grbit says.
func inOrder(a, b []byte, grbit jet.Grbit) int {
	if grbit&jet.BitPrereadForward != 0 {
		return bytes.Compare(a, b)
	}
	return bytes.Compare(b, a)
}

func (c *Cursor) preread(keys [][]byte) error {
	t, _ := c.tree()
	for _, k := range keys {
		if err := t.Tree().Preread(k); err != nil {
			return err
		}
	}
	return nil
}

// PrereadRange is a range of keys to be read in the background: JET_INDEX_RANGE. Its ends are given by the values of
// the index' first columns, all of them equal, and the last one maybe equal in its beginning; with
// JET_bitPrereadNormalizedKey by the Data of one column, which is a key.
type PrereadRange struct {
	Start, End []FilterColumn
}

const prereadRangeBits = jet.BitPrereadForward | jet.BitPrereadBackward | jet.BitPrereadFirstPage | jet.BitPrereadNormalizedKey

// PrereadIndexRanges asks for the beginnings of ranges of the current index to be read in the background, and gives
// for how many that was done (JetPrereadIndexRanges, spec chapter 01, 8.9). columns are long columns whose values are
// wanted too. ordered says that the caller wants to know the number: the ranges must be in order then. Errors:
// JET_errInvalidParameter, JET_errInvalidGrbit, JET_errInvalidPreread (columns, with a secondary index),
// JET_errMustBeSeparateLongValue (a column that is not long), and those of MakeKey.
func (c *Cursor) PrereadIndexRanges(s *Session, ranges []PrereadRange, columns []jet.ColumnID, ordered bool, grbit jet.Grbit) (n int, err error) {
	if err := c.enterFor(s, tempOther); err != nil {
		return 0, err
	}
	defer s.leave()
	type span struct{ start, end []byte }
	spans := make([]span, len(ranges))
	single := true
	for i := range ranges {
		r, sp := &ranges[i], &spans[i]
		if sp.start, err = c.rangeKey(s, r.Start, grbit, jet.BitPrereadForward); err != nil {
			return 0, err
		}
		if len(r.End) > 0 {
			single = false
		}
		if len(r.End) > 0 || grbit&jet.BitPrereadNormalizedKey == 0 {
			if sp.end, err = c.rangeKey(s, r.End, grbit, jet.BitPrereadBackward); err != nil {
				return 0, err
			}
		}
	}
	switch {
	case grbit&(jet.BitPrereadForward|jet.BitPrereadBackward) == 0 || grbit&^prereadRangeBits != 0:
		return 0, jet.ErrInvalidGrbit
	case len(columns) > 0 && c.index != nil:
		return 0, jet.ErrInvalidPreread
	}
	for _, id := range columns {
		if col := c.schema().Column(s.trx, id); col == nil || !col.Long() {
			return 0, jet.ErrMustBeSeparateLongValue
		}
	}
	for i := range spans {
		if single {
			spans[i].end = spans[i].start
		}
		if inOrder(spans[i].start, spans[i].end, grbit) > 0 ||
			ordered && i > 0 && inOrder(spans[i-1].end, spans[i].start, grbit) > 0 {
			return 0, jet.ErrInvalidParameter
		}
	}
	if !ordered {
		slices.SortFunc(spans, func(a, b span) int {
			return cmp.Or(inOrder(a.start, b.start, grbit), inOrder(a.end, b.end, grbit))
		})
		for i := 1; i < len(spans); i++ {
			if inOrder(spans[i-1].end, spans[i].start, grbit) > 0 {
				return 0, jet.ErrInvalidParameter
			}
		}
	}
	var keys [][]byte
	for i := range spans {
		keys = append(keys, spans[i].start, spans[i].end)
	}
	return len(spans), c.preread(keys)
}

// PrereadIndexRange asks for the beginning of one range to be read in the background, and gives the number of pages
// for which that was done, not above most (JetPrereadIndexRange). Errors: JET_errInvalidParameter (least above most, or
// most above 2^31-1), JET_errInvalidGrbit, and those of PrereadIndexRanges.
func (c *Cursor) PrereadIndexRange(s *Session, r PrereadRange, least, most uint32, grbit jet.Grbit) (pages int, err error) {
	const directions = jet.BitPrereadForward | jet.BitPrereadBackward
	switch {
	case least > most || most > math.MaxInt32:
		return 0, jet.ErrInvalidParameter
	case grbit&^(directions|jet.BitPrereadNormalizedKey) != 0 || grbit&directions == 0 || grbit&directions == directions:
		return 0, jet.ErrInvalidGrbit
	}
	n, err := c.PrereadIndexRanges(s, []PrereadRange{r}, nil, false, grbit)
	return min(n, int(most)), err
}

// rangeKey makes the key of one end of a range. lower is the direction in which that end is the lower one. It uses the
// cursor's search key.
func (c *Cursor) rangeKey(s *Session, columns []FilterColumn, grbit, lower jet.Grbit) ([]byte, error) {
	if grbit&jet.BitPrereadNormalizedKey != 0 {
		if len(columns) != 1 {
			return nil, jet.ErrInvalidParameter
		}
		return columns[0].Data, nil
	}
	for i := range columns {
		fc := &columns[i]
		last := i == len(columns)-1
		prefix := fc.Relation == jet.RelopPrefixEquals
		zero := fc.Grbit&jet.BitZeroLength != 0
		if fc.Relation != jet.RelopEquals && !(prefix && last) || fc.Grbit&^jet.BitZeroLength != 0 || zero && len(fc.Data) != 0 {
			return nil, jet.ErrInvalidParameter
		}
		g := jet.Grbit(0)
		if i == 0 {
			g |= jet.BitNewKey
		}
		if zero {
			g |= jet.BitKeyDataZeroLength
		}
		if last {
			g |= limitBits(prefix, grbit&lower != 0)
		}
		if err := c.makeKey(s, fc.Data, g); err != nil {
			return nil, err
		}
	}
	k := c.keyBytes()
	if len(k) == 0 {
		return nil, jet.ErrKeyNotMade
	}
	return bytes.Clone(k), nil
}

// limitBits are the flags of MakeKey for the last column of a range's end.
func limitBits(prefix, lower bool) jet.Grbit {
	switch {
	case prefix && lower:
		return jet.BitPartialColumnStartLimit
	case prefix:
		return jet.BitPartialColumnEndLimit
	case lower:
		return jet.BitFullColumnStartLimit
	}
	return jet.BitFullColumnEndLimit
}

// prereadTables is how many tables JetPrereadTables takes at most.
const prereadTables = 10

// PrereadTables asks for the first pages of tables to be read in the background; those that are not there do not matter
// (JetPrereadTables). ErrInvalidGrbit for any flag, ErrInvalidParameter for more than ten tables.
func (s *Session) PrereadTables(t Thread, database uint32, names []string, grbit jet.Grbit) error {
	if err := s.enterOwned(t); err != nil {
		return err
	}
	defer s.leave()
	d, err := s.database(database)
	switch {
	case err != nil:
		return err
	case grbit != 0:
		return jet.ErrInvalidGrbit
	case len(names) > prereadTables:
		return jet.ErrInvalidParameter
	}
	for _, name := range names {
		if name, err = objectName(name); err != nil {
			continue
		}
		if table, err := d.cat.Table(s.trx, name); err == nil {
			s.inst.cache.Prefetch(d.pages, table.Tree.Root)
			table.Release()
		}
	}
	return nil
}
