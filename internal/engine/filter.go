package engine

import (
	"bytes"

	"esent/internal/engine/btree"
	"esent/internal/engine/catalog"
	"esent/internal/engine/key"
	"esent/internal/engine/record"
	"esent/internal/jet"
)

// FilterColumn is one condition of a cursor's filter: JET_INDEX_COLUMN.
type FilterColumn struct {
	Column   jet.ColumnID
	Relation uint32 // jet.RelopX
	// Data is compared with the column's value; nil, or what pv and cb = 0 stand for, is NULL or, with
	// JET_bitZeroLength, a value of no bytes. Not nil and empty is refused.
	Data  []byte
	Grbit jet.Grbit
}

// filter lets a cursor see only some records of its primary index.
type filter struct {
	conditions []condition
	norm       []byte // a value in normalised form
}

// condition is one column of a filter. Values are compared in their normalised forms where order matters.
type condition struct {
	column   jet.ColumnID
	relation uint32
	null     bool
	value    []byte
	segment  key.Segment
	ordered  bool // value is normalised
}

// SetFilter lets moves and seeks skip all records that do not meet every condition, until another filter is set
// (JetSetCursorFilter, spec chapter 01, 8.7). No conditions, and any error, clear the filter. Errors:
// JET_errInvalidGrbit, JET_errFilteredMoveNotSupported (secondary index; text, long and callback columns),
// JET_errInvalidParameter, JET_errColumnNotFound.
func (c *Cursor) SetFilter(s *Session, list []FilterColumn, grbit jet.Grbit) error {
	if err := c.enterFor(s, tempOther); err != nil {
		return err
	}
	defer s.leave()
	c.filter = nil
	switch {
	case grbit != 0:
		return jet.ErrInvalidGrbit
	case c.index != nil:
		return jet.ErrFilteredMoveNotSupported
	case len(list) == 0:
		return nil
	}
	f := &filter{}
	sc := c.table.Schema()
	for i := range list {
		cond, err := c.condition(s, sc, &list[i])
		if err != nil {
			return err
		}
		f.conditions = append(f.conditions, cond)
	}
	c.filter = f
	return nil
}

// condition checks one condition and makes its value ready.
func (c *Cursor) condition(s *Session, sc *catalog.Schema, fc *FilterColumn) (cond condition, err error) {
	zero := fc.Grbit&jet.BitZeroLength != 0
	if fc.Grbit&^jet.BitZeroLength != 0 || fc.Data != nil && (len(fc.Data) == 0 || zero) {
		return cond, jet.ErrInvalidParameter
	}
	col := sc.Column(s.trx, fc.Column)
	if col == nil {
		return cond, noColumn(fc.Column)
	}
	binary := col.Type == jet.ColtypBinary
	prefix := fc.Relation == jet.RelopPrefixEquals
	mask := fc.Relation == jet.RelopBitmaskEqualsZero || fc.Relation == jet.RelopBitmaskNotEqualsZero
	switch {
	case col.Long() || col.Type == jet.ColtypText || col.Flags&record.FlagUserDefinedDefault != 0:
		return cond, jet.ErrFilteredMoveNotSupported
	case (prefix || zero) && !binary,
		len(fc.Data) == 0 && (mask || prefix),
		len(fc.Data) != 0 && !binary && len(fc.Data) != record.TypeSize(col.Type),
		mask && (binary || col.Type == jet.ColtypBit || col.Type == jet.ColtypGUID):
		return cond, jet.ErrInvalidParameter
	}
	cond = condition{column: col.ID, relation: fc.Relation, null: len(fc.Data) == 0 && !zero,
		segment: key.Segment{Type: int(col.Type), Max: col.Max}}
	switch fc.Relation {
	case jet.RelopLessThan, jet.RelopLessThanOrEqual, jet.RelopGreaterThan, jet.RelopGreaterThanOrEqual:
		cond.ordered = !binary && !cond.null
	default:
		cond.ordered = col.Type == jet.ColtypBit && !cond.null
	}
	if !cond.ordered {
		cond.value = bytes.Clone(fc.Data)
		return cond, nil
	}
	cond.value, err = cond.normalise(nil, sc, fc.Data)
	return cond, err
}

// normalise appends the form in which values of a fixed size are compared.
func (cond *condition) normalise(dst []byte, sc *catalog.Schema, data []byte) ([]byte, error) {
	ix := key.Index{KeyMost: key.KeyMostDefault}
	if sc.Primary != nil {
		ix.Flags = sc.Primary.Flags
	}
	out, _, err := key.AppendSegment(dst, &cond.segment, &ix, key.Value{Data: data}, key.KeyMostDefault)
	return out, err
}

// meets says whether a value meets the condition. NULL is less than all others.
func (f *filter) meets(cond *condition, sc *catalog.Schema, v *record.Value) (bool, error) {
	if v.Null {
		return cond.nullMeets(), nil
	}
	data := v.Data
	if cond.ordered {
		var err error
		if f.norm, err = cond.normalise(f.norm[:0], sc, data); err != nil {
			return false, err
		}
		data = f.norm
	}
	switch cond.relation {
	case jet.RelopEquals:
		return !cond.null && bytes.Equal(data, cond.value), nil
	case jet.RelopPrefixEquals:
		return bytes.HasPrefix(data, cond.value), nil
	case jet.RelopNotEquals:
		return cond.null || !bytes.Equal(data, cond.value), nil
	case jet.RelopLessThanOrEqual:
		return !cond.null && bytes.Compare(data, cond.value) <= 0, nil
	case jet.RelopLessThan:
		return bytes.Compare(data, cond.value) < 0, nil
	case jet.RelopGreaterThanOrEqual:
		return bytes.Compare(data, cond.value) >= 0, nil
	case jet.RelopGreaterThan:
		return cond.null || bytes.Compare(data, cond.value) > 0, nil
	case jet.RelopBitmaskEqualsZero:
		return !cond.sharesBits(data), nil
	case jet.RelopBitmaskNotEqualsZero:
		return cond.sharesBits(data), nil
	}
	return true, nil
}

func (cond *condition) nullMeets() bool {
	switch cond.relation {
	case jet.RelopEquals, jet.RelopGreaterThanOrEqual:
		return cond.null
	case jet.RelopNotEquals, jet.RelopLessThan:
		return !cond.null
	case jet.RelopPrefixEquals, jet.RelopGreaterThan, jet.RelopBitmaskNotEqualsZero:
		return false
	}
	return true
}

// sharesBits says that a number has a bit that the condition's mask has.
func (cond *condition) sharesBits(data []byte) bool {
	for i := range min(len(data), len(cond.value)) {
		if data[i]&cond.value[i] != 0 {
			return true
		}
	}
	return false
}

// passes says whether the record that t is on passes the filter.
func (c *Cursor) passes(s *Session, t *btree.Cursor) (bool, error) {
	sc := c.table.Schema()
	for {
		rec, err := t.Data(s.trx)
		if err == jet.ErrRecordDeleted {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		ok, err := c.filter.admits(sc, s, rec)
		if t.Valid() {
			return ok, err
		}
	}
}

// admits says whether a record meets all conditions.
func (f *filter) admits(sc *catalog.Schema, s *Session, rec []byte) (bool, error) {
	for i := range f.conditions {
		cond := &f.conditions[i]
		col := sc.Column(s.trx, cond.column)
		if col == nil {
			return false, jet.ErrColumnNotFound
		}
		v, err := sc.Record.Get(rec, col, 1)
		if err != nil {
			return false, err
		}
		if ok, err := f.meets(cond, sc, &v); !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

// passFilter moves on from the entry that t is on to the nearest one that passes the filter, which it may be itself.
// It stops at the end of the range.
func (c *Cursor) passFilter(s *Session, t *btree.Cursor, back bool) error {
	for {
		if c.ranged && c.upper != back && !c.inRange(t.Key()) {
			return nil
		}
		if ok, err := c.passes(s, t); ok || err != nil {
			return err
		}
		var err error
		if back {
			err = t.Prev(s.trx)
		} else {
			err = t.Next(s.trx)
		}
		if err != nil {
			return err
		}
	}
}

// filterSeek goes on from what a seek found, which compares with the key as m says, to what passes the filter.
func (c *Cursor) filterSeek(s *Session, t *btree.Cursor, m btree.Match, rel jet.Grbit) (btree.Match, error) {
	ok, err := c.passes(s, t)
	switch {
	case err != nil:
		return btree.None, err
	case ok:
		return m, nil
	case rel == jet.BitSeekEQ:
		return btree.None, nil
	}
	m = btree.Greater
	back := rel == jet.BitSeekLT || rel == jet.BitSeekLE
	if back {
		m = btree.Less
	}
	err = c.passFilter(s, t, back)
	if err == jet.ErrNoCurrentRecord {
		return btree.None, nil
	}
	return m, err
}
