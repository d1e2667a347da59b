package record

import "esent/internal/jet"

const columnMost = 255 // longest value of a column that is not long

// Check tells whether a record's structure is sound (spec chapter 04, 2): offsets in order and inside the
// record, flags that go together, the fixed part as long as the columns say. Errors: JET_errDatabaseCorrupted
// with the reason.
func (s *Schema) Check(rec []byte) error {
	l, ok := layoutOf(rec)
	if !ok {
		return jet.ErrDatabaseCorrupted.Errorf("record head % x does not suit a record of %d bytes",
			rec[:min(len(rec), headerSize)], len(rec))
	}
	if !s.fixedEndSuits(&l) {
		return jet.ErrDatabaseCorrupted.Errorf("fixed part of %d columns ends at %d", l.fixedLast, l.bitmap)
	}
	for i := range l.varCount {
		data, null, ok := l.variable(i)
		if !ok || null && len(data) != 0 {
			return jet.ErrDatabaseCorrupted.Errorf("variable column %d has a bad offset", i+VarFirst)
		}
	}
	t, ok := l.tagged(s.Large)
	if !ok {
		return jet.ErrDatabaseCorrupted.Errorf("tagged fields do not fit the record")
	}
	for i := range t.n {
		reason := t.fault(i)
		if reason == "" {
			reason = s.typeFault(&t, i)
		}
		if reason != "" {
			return jet.ErrDatabaseCorrupted.Errorf("tagged column %d %s", t.fid(i), reason)
		}
	}
	return nil
}

// fixedEndSuits compares the end of the fixed data with the columns that should lie before it.
func (s *Schema) fixedEndSuits(l *layout) bool {
	for fid := min(l.fixedLast, len(s.Fixed)); fid >= FixedFirst; fid-- {
		c := &s.Fixed[fid-FixedFirst]
		if c.FID == 0 {
			continue // the row of a deleted column may be missing
		}
		end := int(c.Offset) + c.Max
		return end == l.bitmap || fid < l.fixedLast && end < l.bitmap
	}
	return true
}

// typeFault is how field i contradicts its column, "" if it does not.
func (s *Schema) typeFault(t *tagged, i int) string {
	c := s.taggedColumn(t.fid(i), t.derived(i))
	if c == nil || c.Deleted() {
		return ""
	}
	if f, ok := t.field(i); ok && !f.null && c.Long() != (f.head&headLong != 0) {
		return "does not suit its type"
	}
	return ""
}

// fault is what is wrong with field i, "" for nothing.
func (t *tagged) fault(i int) string {
	f, ok := t.field(i)
	switch {
	case !ok:
		return "lies outside of the record"
	case t.fid(i) < TaggedFirst:
		return "is none"
	case i > 0 && tagKey(t.fid(i), t.derived(i)) <= tagKey(t.fid(i-1), t.derived(i-1)):
		return "is out of order"
	case !t.large && t.word(i)>>16&(tagNull|tagExtended) == tagNull|tagExtended:
		return "has contradicting flags"
	case f.null && len(f.data) != 0:
		return "is NULL and has data"
	case !f.headed && len(f.data) > columnMost:
		return "is too long for its type"
	case f.null || !f.headed:
		return ""
	case f.head&headUnused != 0 || !t.large && f.head&headNull != 0:
		return "has unknown flags"
	case !t.large && f.head&(headLong|headMulti) == 0:
		return "has a header without need"
	case f.head&headTwo != 0 && (t.large || f.head&(headLong|headSeparated|headMulti) != headMulti):
		return "has contradicting flags"
	case f.head&(headCompressed|headEncrypted) != 0 && f.head&headLong == 0:
		return "has contradicting flags"
	case f.head&headSeparated != 0 && f.head&(headLong|headMulti|headCompressed) != headLong:
		return "has contradicting flags"
	}
	n := f.count()
	if f.head&(headMulti|headTwo) == headMulti && (n < 2 || le16(f.data, 0)&1 != 0) {
		return "has a bad list of values"
	}
	for itag := 1; itag <= n; itag++ {
		var v Value
		switch ok := f.value(itag, &v); {
		case !ok:
			return "has a bad list of values"
		case !v.Long && len(v.Data) > columnMost:
			return "is too long for its type"
		case v.Separated && !v.Long:
			return "has contradicting flags"
		}
		if v.Separated {
			if _, err := LID(v.Data); err != nil {
				return "has a bad long-value reference"
			}
		}
	}
	return ""
}
