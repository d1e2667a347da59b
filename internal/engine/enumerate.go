package engine

import (
	"esent/internal/engine/catalog"
	"esent/internal/engine/compress"
	"esent/internal/engine/record"
	"esent/internal/jet"
)

// EnumRequest asks for values of one column: those with numbers Itags, or all (JET_ENUMCOLUMNID).
type EnumRequest struct {
	Column jet.ColumnID
	Itags  []uint32
}

// EnumSink takes what EnumerateColumns finds. It provides the memory for values, which the engine fills.
type EnumSink interface {
	// Column begins a column. result is 0 when values follow, or tells why there are none, or
	// JET_wrnColumnSingleValue when the only value follows by itself.
	Column(id jet.ColumnID, result jet.Err, values int) error
	// Value gives memory for a value of the column; size is what is to be given of it. result is 0, or
	// JET_wrnColumnTruncated, or tells why there is no value.
	Value(itag uint32, result jet.Err, size int) ([]byte, error)
}

const enumBits = jet.BitEnumerateCopy | jet.BitEnumerateIgnoreDefault | jet.BitEnumeratePresenceOnly |
	jet.BitEnumerateTaggedOnly | jet.BitEnumerateCompressOutput | jet.BitEnumerateIgnoreUserDefinedDefault |
	jet.BitEnumerateInRecordOnly | jet.BitEnumerateAsRefIfNotInRecord

// enumNotInRecord are the flags that say what becomes of values apart from the record, one or none.
const enumNotInRecord = jet.BitEnumerateInRecordOnly | jet.BitEnumerateAsRefIfNotInRecord

// EnumerateColumns reads all values of the record, or those asked for (JetEnumerateColumns, spec chapter 01, 10.2).
// Values that are stored apart from the record are cut after most bytes. Errors: JET_errInvalidGrbit, JET_errColumnNotFound, those of the sink, and of
// reading.
func (c *Cursor) EnumerateColumns(s *Session, asked []EnumRequest, most uint32, grbit jet.Grbit, sink EnumSink) error {
	if err := c.enterLentFor(s, tempRetrieve); err != nil {
		return err
	}
	defer s.leave()
	if grbit&^enumBits != 0 || grbit&jet.BitEnumerateTaggedOnly != 0 && len(asked) > 0 || grbit&enumNotInRecord == enumNotInRecord {
		return jet.ErrInvalidGrbit
	}
	if c.table.Schema().Computed && grbit&(jet.BitEnumerateIgnoreDefault|jet.BitEnumerateIgnoreUserDefinedDefault) == 0 {
		return jet.ErrCallbackFailed // callbacks are not called by this
	}
	inner, err := s.beginRead()
	if err != nil {
		return err
	}
	e := enumeration{c: c, s: s, sc: c.table.Schema(), grbit: grbit, most: int(most), sink: sink}
	err = e.run(asked)
	if inner {
		err = s.endRead(err)
	}
	return err
}

// enumeration is one call of EnumerateColumns.
type enumeration struct {
	c       *Cursor
	s       *Session
	sc      *catalog.Schema
	grbit   jet.Grbit
	most    int
	sink    EnumSink
	rec     []byte
	copying bool
}

func (e *enumeration) has(bit jet.Grbit) bool { return e.grbit&bit != 0 }

func (e *enumeration) run(asked []EnumRequest) (err error) {
	e.copying = e.has(jet.BitEnumerateCopy) && e.c.prepared != notPrepared
	if e.rec, err = e.c.snapshotRecord(e.s, e.copying); err != nil {
		return err
	}
	if len(asked) == 0 {
		return e.all()
	}
	for i := range asked {
		if id := asked[i].Column; id != 0 && e.sc.Column(e.s.trx, id) == nil {
			return noColumn(id)
		}
	}
	for i := range asked {
		if err := e.asked(&asked[i]); err != nil {
			return err
		}
	}
	return nil
}

// all gives every column that the record, or a record with nothing but defaults, holds.
func (e *enumeration) all() error {
	fixed, variable, _, _, err := record.Held(e.rec)
	if err != nil {
		return err
	}
	if !e.has(jet.BitEnumerateTaggedOnly) {
		if err := e.class(e.sc.Record.Fixed, fixed); err != nil {
			return err
		}
		if err := e.class(e.sc.Record.Var, variable); err != nil {
			return err
		}
	}
	return e.tagged()
}

// class gives the columns of a class of which the record holds the first so many. A record of defaults holds those up
// to the last one that has a default: what lies before it is there as NULL.
func (e *enumeration) class(columns []record.Column, held int) error {
	if !e.has(jet.BitEnumerateIgnoreDefault) {
		for i := len(columns); i > held; i-- {
			if columns[i-1].HasDefault() {
				held = i
			}
		}
	}
	for i := range columns[:min(held, len(columns))] {
		col := &columns[i]
		if col.FID == 0 || col.Deleted() || !e.sc.Visible(e.s.trx, col) {
			continue
		}
		if err := e.column(col, nil); err != nil {
			return err
		}
	}
	return nil
}

// tagged gives the tagged columns that the record holds, with the defaults of others in between.
func (e *enumeration) tagged() error {
	defaults := !e.has(jet.BitEnumerateIgnoreDefault)
	columns := e.sc.Record.Tagged
	next := 0
	it := e.sc.Record.TaggedValues(e.rec)
	for more := true; more; {
		var held *record.Column
		if more = it.Next(); more {
			if held = it.Column(); held == nil {
				continue
			}
		} else if err := it.Err(); err != nil {
			return err
		}
		for ; defaults && next < len(columns) && &columns[next] != held; next++ {
			if d := &columns[next]; d.HasDefault() && !d.Deleted() && e.sc.Visible(e.s.trx, d) {
				if err := e.column(d, nil); err != nil {
					return err
				}
			}
		}
		next++
		if more && e.sc.Visible(e.s.trx, held) {
			if err := e.column(held, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// asked gives one column that was asked for.
func (e *enumeration) asked(r *EnumRequest) error {
	if r.Column == 0 {
		return e.sink.Column(0, jet.WrnColumnSkipped, 0)
	}
	col := e.sc.Column(e.s.trx, r.Column)
	if col == nil {
		return noColumn(r.Column)
	}
	return e.column(col, r.Itags)
}

// column gives the values of a column.
func (e *enumeration) column(col *record.Column, itags []uint32) error {
	first, err := e.sc.Record.Get(e.rec, col, 1)
	if err != nil {
		return err
	}
	n, err := e.sc.Record.Count(e.rec, col)
	if err != nil {
		return err
	}
	absent := first.FromDefault || first.UserDefault
	switch {
	case absent && e.has(jet.BitEnumerateIgnoreDefault):
		return e.sink.Column(col.ID, jet.WrnColumnDefault, 0)
	case first.UserDefault:
		return e.sink.Column(col.ID, jet.WrnColumnDefault, 0)
	case n == 0 && itags == nil:
		return e.sink.Column(col.ID, jet.WrnColumnNull, 0)
	case e.has(jet.BitEnumeratePresenceOnly):
		return e.sink.Column(col.ID, jet.WrnColumnPresent, 0)
	case itags == nil && n == 1 && e.has(jet.BitEnumerateCompressOutput) && !first.Separated:
		result, size, err := e.judge(&first)
		if err != nil {
			return err
		}
		if result == 0 {
			if err := e.sink.Column(col.ID, jet.WrnColumnSingleValue, 1); err != nil {
				return err
			}
			return e.value(col, &first, 1, 0, size)
		}
	}
	if itags == nil {
		if err := e.sink.Column(col.ID, 0, n); err != nil {
			return err
		}
		for itag := 1; itag <= n; itag++ {
			if err := e.instance(col, uint32(itag), n); err != nil {
				return err
			}
		}
		return nil
	}
	if err := e.sink.Column(col.ID, 0, len(itags)); err != nil {
		return err
	}
	for _, itag := range itags {
		if err := e.instance(col, itag, n); err != nil {
			return err
		}
	}
	return nil
}

// instance gives one value of a column that has n.
func (e *enumeration) instance(col *record.Column, itag uint32, n int) error {
	switch {
	case itag == 0:
		_, err := e.sink.Value(0, jet.WrnColumnSkipped, 0)
		return err
	case uint64(itag) > uint64(n):
		_, err := e.sink.Value(itag, jet.WrnColumnNull, 0)
		return err
	}
	v, err := e.sc.Record.Get(e.rec, col, int(itag))
	if err != nil {
		return err
	}
	if v.Separated && e.has(jet.BitEnumerateInRecordOnly) {
		_, err := e.sink.Value(itag, jet.WrnColumnNotInRecord, 0)
		return err
	}
	if v.Separated && e.has(jet.BitEnumerateAsRefIfNotInRecord) && !e.copying && !e.c.temporary() {
		return e.reference(col, itag, &v)
	}
	result, size, err := e.judge(&v)
	if err != nil {
		return err
	}
	return e.value(col, &v, itag, result, size)
}

// reference hands a reference to a separated value over.
func (e *enumeration) reference(col *record.Column, itag uint32, v *record.Value) error {
	lid, err := record.LID(v.Data)
	if err != nil {
		return err
	}
	ref, err := e.c.appendReference(nil, col, itag, lid)
	if err != nil {
		return err
	}
	buf, err := e.sink.Value(itag, jet.WrnColumnReference, len(ref))
	copy(buf, ref)
	return err
}

// judge tells how many bytes of a value are to be given, and whether that is not all of it.
func (e *enumeration) judge(v *record.Value) (result jet.Err, size int, err error) {
	size = len(v.Data)
	switch {
	case v.Encrypted:
		return 0, 0, jet.ErrColumnNoEncryptionKey
	case v.Separated:
		lid, err := record.LID(v.Data)
		if err != nil {
			return 0, 0, err
		}
		values := e.c.table.Values()
		if values == nil {
			return 0, 0, jet.ErrLVCorrupted
		}
		e.hide(true)
		size, _, err = values.Size(&e.c.long, e.s.trx, lid)
		e.hide(false)
		if err != nil && e.copying {
			err = e.c.stale(e.s, err)
		}
		if err != nil {
			return 0, 0, err
		}
	case v.Compressed:
		if size, err = compress.UncompressedSize(v.Data); err != nil {
			return 0, 0, err
		}
	}
	if v.Separated && size > e.most {
		return jet.WrnColumnTruncated, e.most, nil
	}
	return 0, size, nil
}

// hide lets long values be read as they were before the prepared update, where the record is.
func (e *enumeration) hide(on bool) {
	if c := e.c; !e.copying && c.prepared.replaces() && c.update.touched {
		e.s.trx.Hide(0)
		if on {
			e.s.trx.Hide(c.update.id)
		}
	}
}

// value hands a value over.
func (e *enumeration) value(col *record.Column, v *record.Value, itag uint32, result jet.Err, size int) error {
	buf, err := e.sink.Value(itag, result, size)
	if err != nil || size == 0 {
		return err
	}
	switch {
	case v.Separated:
		lid, err := record.LID(v.Data)
		if err != nil {
			return err
		}
		e.hide(true)
		_, _, err = e.c.table.Values().Read(&e.c.long, e.s.trx, lid, 0, buf[:size])
		e.hide(false)
		return err
	case v.Compressed:
		_, _, err := compress.DecompressAt(buf[:size], v.Data, 0)
		return err
	}
	copy(buf, v.Data[:size])
	if col.Flags&record.FlagEscrowUpdate != 0 && !(e.copying && e.c.prepared.inserts()) {
		return e.c.adjustEscrow(e.s, col, &Retrieval{Buf: buf})
	}
	return nil
}

// TaggedColumn is one element of JetRetrieveTaggedColumnList's answer.
type TaggedColumn struct {
	ID    jet.ColumnID
	Count int
	Long  bool // a long column
	Null  bool // explicitly NULL
}

// TaggedColumnList lists the tagged columns that the record holds from first on, with those that have a default
// (JetRetrieveTaggedColumnList). It looks at JET_bitRetrieveCopy and JET_bitRetrieveIgnoreDefault.
func (c *Cursor) TaggedColumnList(s *Session, first jet.ColumnID, grbit jet.Grbit) ([]TaggedColumn, error) {
	if err := c.enterFor(s, tempOther); err != nil {
		return nil, err
	}
	defer s.leave()
	rec, err := c.snapshotRecord(s, grbit&jet.BitRetrieveCopy != 0 && c.prepared != notPrepared)
	if err != nil {
		return nil, err
	}
	var list []TaggedColumn
	add := func(col *record.Column, n int, null bool) {
		if col.ID >= first {
			list = append(list, TaggedColumn{ID: col.ID, Count: n, Long: col.Long(), Null: null})
		}
	}
	sc := c.table.Schema()
	defaults := grbit&jet.BitRetrieveIgnoreDefault == 0
	columns, next := sc.Record.Tagged, 0
	it := sc.Record.TaggedValues(rec)
	for more := true; more; {
		var held *record.Column
		if more = it.Next(); more {
			if held = it.Column(); held == nil {
				continue
			}
		} else if err := it.Err(); err != nil {
			return nil, err
		}
		for ; defaults && next < len(columns) && &columns[next] != held; next++ {
			if d := &columns[next]; d.HasDefault() && !d.Deleted() && sc.Visible(s.trx, d) {
				add(d, 1, false)
			}
		}
		next++
		if more && sc.Visible(s.trx, held) {
			add(held, it.Count(), it.Null())
		}
	}
	return list, nil
}
