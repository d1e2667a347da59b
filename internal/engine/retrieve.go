package engine

import (
	"esent/internal/engine/catalog"
	"esent/internal/engine/compress"
	"esent/internal/engine/record"
	"esent/internal/jet"
)

// Retrieval asks for one value of the record and takes the answer: JET_RETRIEVECOLUMN.
type Retrieval struct {
	Column jet.ColumnID // 0 for the Itag-th stored value over all tagged columns
	Grbit  jet.Grbit
	Buf    []byte // filled as far as it goes
	Offset uint32 // into a long value
	// Itag is the value's number among those of its column. RetrieveColumns answers 0 with the number of values;
	// JET_bitRetrieveTag with that of the current entry's.
	Itag uint32

	Actual uint32       // size of the value from Offset on
	Next   jet.ColumnID // the column that the value is of
	Err    jet.Err      // warning
}

const (
	internalBits  = 0xF0000000
	fromIndexBits = jet.BitRetrieveFromIndex | jet.BitRetrieveFromPrimaryBookmark
	// separateOnly are flags that make sense for separated long values alone.
	separateOnly = jet.BitRetrieveLongId | jet.BitRetrieveLongValueRefCount
	rareBits     = internalBits | fromIndexBits | separateOnly | jet.BitRetrieveTuple | jet.BitRetrievePageNumber |
		jet.BitRetrieveCopyIntrinsic | jet.BitRetrievePhysicalSize | jet.BitRetrieveAsRefIfNotInRecord
	prereadBits = jet.BitRetrievePrereadOnly | jet.BitRetrievePrereadMany
)

// RetrieveColumn reads one value (JetRetrieveColumn, spec chapter 01, 10.1). The warning, which is in r.Err too, is
// JET_wrnColumnNull, JET_wrnBufferTruncated, JET_wrnColumnSetNull or JET_wrnSeparateLongValue. Errors:
// JET_errNoCurrentRecord, JET_errRecordDeleted, JET_errColumnNotFound, JET_errBadColumnId, JET_errBadItagSequence,
// JET_errInvalidGrbit and others.
func (c *Cursor) RetrieveColumn(s *Session, r *Retrieval) (warn jet.Err, err error) {
	if err := c.enterLent(s); err != nil {
		return 0, err
	}
	sc := c.table.Schema()
	if r.Grbit&rareBits != 0 {
		err = c.retrieveRare(s, sc, r, false)
	} else {
		err = c.retrieve(s, sc, r, false)
	}
	c.show(s)
	s.leave()
	return r.Err, err
}

// RetrieveColumns reads values one after the other (JetRetrieveColumns, spec chapter 01, 10.2). The first error ends
// it. The warning is JET_wrnBufferTruncated if any value was cut.
func (c *Cursor) RetrieveColumns(s *Session, list []Retrieval) (warn jet.Err, err error) {
	if err := c.enterLent(s); err != nil {
		return 0, err
	}
	warn, err = c.retrieveAll(s, list)
	c.show(s)
	s.leave()
	return warn, err
}

func (c *Cursor) retrieveAll(s *Session, list []Retrieval) (warn jet.Err, err error) {
	sc := c.table.Schema()
	done := false
	if c.view == nil {
		warn, done, err = c.retrieveTogether(s, sc, list)
	}
	switch {
	case done:
		return warn, err
	case s.trx.Level() > 0:
		return c.retrieveEach(s, sc, list)
	}
	// Long values at level 0 are read in a transaction, so that they fit the rest of the record.
	if err := s.trx.BeginInner(); err != nil {
		return 0, err
	}
	warn, err = c.retrieveEach(s, sc, list)
	return warn, s.endRead(err)
}

func (c *Cursor) retrieveEach(s *Session, sc *catalog.Schema, list []Retrieval) (warn jet.Err, err error) {
	for i := range list {
		r := &list[i]
		if r.Grbit&rareBits != 0 {
			err = c.retrieveRare(s, sc, r, true)
		} else {
			err = c.retrieve(s, sc, r, true)
		}
		if err != nil {
			return 0, err
		}
		if r.Err == jet.WrnBufferTruncated {
			warn = jet.WrnBufferTruncated
		}
	}
	return warn, nil
}

// endRead ends a transaction that a call began only to read.
func (s *Session) endRead(err error) error {
	if _, e := s.trx.Commit(); e != nil && err == nil {
		return e
	}
	return err
}

// retrieveTogether reads values that need no more than the record, all from one state of it. done is false when that
// is not possible.
func (c *Cursor) retrieveTogether(s *Session, sc *catalog.Schema, list []Retrieval) (warn jet.Err, done bool, err error) {
	if len(list) == 0 {
		return 0, true, nil
	}
again:
	warn = 0
	rec, err := c.data(s)
	if err != nil {
		return 0, list[0].Grbit&^jet.BitRetrieveIgnoreDefault == 0, err
	}
	for i := range list {
		r := &list[i]
		if r.Grbit&^jet.BitRetrieveIgnoreDefault != 0 || r.Itag == 0 || r.Column == 0 {
			return 0, false, nil
		}
		col := sc.Column(s.trx, r.Column)
		if col == nil {
			return 0, false, nil
		}
		v, err := sc.Record.Get(rec, col, int(r.Itag))
		if err != nil {
			if !c.primary.Valid() {
				goto again
			}
			return 0, true, err
		}
		if v.Separated || v.Compressed || v.Encrypted || v.UserDefault {
			return 0, false, nil
		}
		if v.FromDefault && r.Grbit != 0 && col.Class() == record.ClassTagged {
			v = record.Value{Null: true}
		}
		r.Next = col.ID
		r.give(col, &v)
		if col.Flags&record.FlagEscrowUpdate != 0 && !v.Null {
			if err := c.adjustEscrow(s, col, r); err != nil && c.primary.Valid() {
				return 0, true, err
			}
		}
		if r.Err == jet.WrnBufferTruncated {
			warn = jet.WrnBufferTruncated
		}
	}
	if !c.primary.Valid() {
		goto again
	}
	return warn, true, nil
}

// retrieve reads one value from the record or the copy buffer. With count a number of 0 asks for how many values
// the column has.
func (c *Cursor) retrieve(s *Session, sc *catalog.Schema, r *Retrieval, count bool) error {
	if c.view != nil || c.prepared != notPrepared && r.Grbit&jet.BitRetrieveCopy != 0 {
		if err := c.refuse(tempRetrieve); err != nil {
			return err
		}
		rec := c.view
		if rec == nil {
			rec = c.update.buf.Bytes()
		}
		_, err := c.retrieveFrom(s, sc, rec, true, r, count)
		return c.retrieveOtherwise(s, sc, true, r, count, err)
	}
	for {
		rec, err := c.data(s)
		if err != nil {
			if r.Column != 0 && sc.Column(s.trx, r.Column) == nil && err == jet.ErrNoCurrentRecord {
				err = noColumn(r.Column) // the column is looked for first
			}
			return err
		}
		itag := r.Itag
		sound, err := c.retrieveFrom(s, sc, rec, false, r, count)
		if sound || c.primary.Valid() {
			return c.retrieveOtherwise(s, sc, false, r, count, err)
		}
		r.Itag = itag
	}
}

// retrieveOtherwise is retrieve for a value that a callback computes, or that needs a transaction. Other errors it passes
// on.
func (c *Cursor) retrieveOtherwise(s *Session, sc *catalog.Schema, buffer bool, r *Retrieval, count bool, err error) error {
	switch err {
	case errUserDefault:
		return c.retrieveUserDefault(s, sc, buffer, r)
	case errBegin:
		if err := s.trx.BeginInner(); err != nil {
			return err
		}
		return s.endRead(c.retrieve(s, sc, r, count))
	}
	return err
}

// errBegin says that a value can only be read in a transaction.
var errBegin = jet.ErrInternalError.Errorf("long value read outside a transaction")

// retrieveFrom reads one value of a record: of the copy buffer, or one in a page. Unless sound is set the answer
// counts only if the page is valid afterwards.
func (c *Cursor) retrieveFrom(s *Session, sc *catalog.Schema, rec []byte, buffer bool, r *Retrieval, count bool) (sound bool, err error) {
	var v record.Value
	var col *record.Column
	if r.Column == 0 {
		done, err := c.scanTagged(s, sc, rec, r, count, &v, &col)
		if done || err != nil {
			return false, err
		}
	} else {
		if col = sc.Column(s.trx, r.Column); col == nil {
			return true, noColumn(r.Column)
		}
		if r.Itag == 0 && (count || col.Class() == record.ClassTagged) {
			if !count {
				return true, jet.ErrBadItagSequence
			}
			n, err := sc.Record.Count(rec, col)
			r.Itag, r.Actual, r.Next, r.Err = uint32(n), 0, col.ID, 0
			return false, err
		}
		if v, err = sc.Record.Get(rec, col, int(min(r.Itag, 1<<16))); err != nil {
			return false, err
		}
		if v.FromDefault && r.Grbit&jet.BitRetrieveIgnoreDefault != 0 && col.Class() == record.ClassTagged {
			v = record.Value{Null: true}
		}
	}
	r.Next = col.ID
	switch {
	case v.UserDefault && r.Grbit&jet.BitRetrieveIgnoreDefault == 0:
		return false, errUserDefault
	case r.Grbit&separateOnly != 0 && !v.Separated:
		r.Actual, r.Err = 0, jet.WrnColumnNull
		return false, nil
	case v.Separated:
		return c.retrieveSeparated(s, &v, buffer, r)
	case v.Encrypted:
		return false, jet.ErrColumnNoEncryptionKey
	case r.Grbit&jet.BitRetrievePhysicalSize != 0:
		if r.Actual, r.Err = uint32(len(v.Data)), 0; v.Null {
			r.Err = jet.WrnColumnNull
		}
		return false, nil
	case v.Compressed:
		return c.retrieveCompressed(&v, buffer, r)
	}
	r.give(col, &v)
	if col.Flags&record.FlagEscrowUpdate != 0 && !v.Null && !(buffer && c.prepared.inserts()) {
		return false, c.adjustEscrow(s, col, r)
	}
	return false, nil
}

// noColumn is the code for an id that is no column's.
func noColumn(id jet.ColumnID) error {
	if fid := uint16(id); id&0x7FFF0000 != 0 || fid == 0 || fid > record.TaggedLast {
		return jet.ErrBadColumnId
	}
	return jet.ErrColumnNotFound
}

// give hands a value over that lies in memory.
func (r *Retrieval) give(col *record.Column, v *record.Value) {
	data := v.Data
	if v.Null {
		r.Actual, r.Err = 0, jet.WrnColumnNull
		return
	}
	if r.Offset != 0 && col.Long() {
		data = data[min(int(r.Offset), len(data)):]
	}
	r.Actual, r.Err = uint32(len(data)), 0
	if len(data) <= 8 && len(r.Buf) >= len(data) {
		//lint:ignore S1001 a call costs more than these few bytes
		for i := range data {
			r.Buf[i] = data[i]
		}
		return
	}
	if copy(r.Buf, data) < len(data) {
		r.Err = jet.WrnBufferTruncated
	}
}

// retrieveCompressed hands over a value that the record holds compressed.
func (c *Cursor) retrieveCompressed(v *record.Value, buffer bool, r *Retrieval) (sound bool, err error) {
	packed := v.Data
	if !buffer {
		c.scratch = append(c.scratch[:0], packed...)
		if packed = c.scratch; !c.primary.Valid() {
			return false, nil
		}
	}
	n, plain, err := compress.DecompressAt(r.Buf, packed, int(r.Offset))
	if err != nil {
		return true, err
	}
	r.Actual, r.Err = uint32(max(0, plain-int(r.Offset))), 0
	if n < int(r.Actual) {
		r.Err = jet.WrnBufferTruncated
	}
	return true, nil
}

// retrieveSeparated hands over a value that lies in the tree of long values.
func (c *Cursor) retrieveSeparated(s *Session, v *record.Value, buffer bool, r *Retrieval) (sound bool, err error) {
	lid, err := record.LID(v.Data)
	if !buffer && !c.primary.Valid() {
		return false, nil
	}
	if err != nil {
		return true, err
	}
	if s.trx.Level() == 0 {
		return true, errBegin
	}
	if r.Grbit&jet.BitRetrieveAsRefIfNotInRecord != 0 && r.Column != 0 {
		return true, c.giveReference(s, r, lid)
	}
	if r.Grbit&prereadBits != 0 {
		if r.Grbit != jet.BitRetrievePrereadOnly && r.Grbit != prereadBits {
			return true, jet.ErrInvalidGrbit
		}
		r.Actual, r.Err = 0, 0
		return true, nil
	}
	values := c.table.Values()
	if values == nil {
		return true, jet.ErrLVCorrupted
	}
	// Whoever reads the record behind the copy buffer's back gets the value as it was.
	hide := !buffer && c.prepared.replaces() && c.update.touched
	if hide {
		s.trx.Hide(c.update.id)
	}
	var n, size int
	if r.Grbit&separateOnly != 0 {
		err = c.retrieveReference(s, lid, r)
	} else {
		n, size, err = values.Read(&c.long, s.trx, lid, int(r.Offset), r.Buf)
	}
	if hide {
		s.trx.Hide(0)
	}
	if err != nil && buffer && c.view == nil {
		err = c.stale(s, err)
	}
	if err != nil || r.Grbit&separateOnly != 0 {
		return true, err
	}
	if r.Grbit&jet.BitRetrievePhysicalSize != 0 {
		n = size
	}
	r.Actual, r.Err = uint32(max(0, size-int(r.Offset))), 0
	if n < int(r.Actual) {
		r.Err = jet.WrnBufferTruncated
	}
	return true, nil
}

// retrieveReference hands over a separated value's number or reference count instead of its bytes.
func (c *Cursor) retrieveReference(s *Session, lid uint64, r *Retrieval) error {
	size := 4
	number := lid
	if r.Grbit&jet.BitRetrieveLongId != 0 {
		if len(r.Buf) >= 8 || lid>>32 != 0 {
			size = 8
		}
	} else {
		_, refs, err := c.table.Values().Size(&c.long, s.trx, lid)
		if err != nil {
			return err
		}
		number = uint64(refs)
	}
	if len(r.Buf) < size {
		return jet.ErrInvalidBufferSize
	}
	for i := range size {
		r.Buf[i] = byte(number >> (8 * i))
	}
	r.Actual, r.Err = uint32(size), jet.WrnSeparateLongValue
	return nil
}

// scanTagged finds the r.Itag-th value that the record holds over all tagged columns, in record order, with the
// defaults of columns that it does not hold in between; with count it only counts them if r.Itag is 0 (spec chapter
// 01, 10.1). done says that r has the answer.
func (c *Cursor) scanTagged(s *Session, sc *catalog.Schema, rec []byte, r *Retrieval, count bool, v *record.Value, col **record.Column) (done bool, err error) {
	if r.Itag == 0 && !count {
		return true, jet.ErrBadItagSequence
	}
	want, n := int(min(r.Itag, 1<<30)), 0
	defaults := r.Grbit&jet.BitRetrieveIgnoreDefault == 0
	tagged := sc.Record.Tagged
	next := 0 // in tagged
	it := sc.Record.TaggedValues(rec)
	for more := true; more; {
		var held *record.Column
		if more = it.Next(); more {
			if held = it.Column(); held == nil {
				continue
			}
		} else if err := it.Err(); err != nil {
			return true, err
		}
		for ; defaults && next < len(tagged) && &tagged[next] != held; next++ {
			if d := &tagged[next]; d.HasDefault() && !d.Deleted() && sc.Visible(s.trx, d) {
				if n++; n == want {
					*col = d
					*v, err = sc.Record.Get(rec, d, 1)
					return false, err
				}
			}
		}
		next++
		switch {
		case !more || !sc.Visible(s.trx, held):
		case it.Null():
			if r.Grbit&jet.BitRetrieveNull == 0 {
				continue
			}
			if n++; n == want {
				r.Actual, r.Next, r.Err = 0, held.ID, jet.WrnColumnSetNull
				return true, nil
			}
		default:
			values := it.Count()
			if want > n && want <= n+values {
				*col = held
				*v, err = it.Value(want - n)
				return false, err
			}
			n += values
		}
	}
	r.Actual, r.Next, r.Err = 0, 0, jet.WrnColumnNull
	if want == 0 {
		r.Itag, r.Err = uint32(n), 0
	}
	return true, nil
}
