package engine

import (
	"bytes"

	"esent/internal/engine/catalog"
	"esent/internal/engine/compress"
	"esent/internal/engine/lv"
	"esent/internal/engine/record"
	"esent/internal/jet"
)

// longOp is what setting a long column comes to (spec chapter 04, 3.3).
type longOp uint8

const (
	longNothing longOp = iota
	longNull
	longEmpty
	longWhole // the data are the value
	longAppend
	longOverwrite
	longOverwriteCut
	longResize
	longZeros // a new value of zeros
)

// longFlags are the flags that choose the operation: all but those that say how the value is stored.
const longFlags = ^(jet.BitSetSeparateLV | jet.BitSetIntrinsicLV | uniqueBits | jet.BitSetRevertToDefaultValue |
	jet.BitSetCompressed | jet.BitSetUncompressed | jet.BitSetContiguousLV)

// longOpOf chooses the operation for a value of which size bytes are given; fresh says that there is none yet.
func longOpOf(set *Setting, fresh bool) (longOp, error) {
	g := set.Grbit & longFlags
	none := set.Size == 0
	pick := func(new, old longOp) longOp {
		if fresh {
			return new
		}
		return old
	}
	switch g {
	case jet.BitSetAppendLV:
		if none {
			return pick(longEmpty, longNothing), nil
		}
		return pick(longWhole, longAppend), nil
	case jet.BitSetOverwriteLV, jet.BitSetOverwriteLV | jet.BitSetSizeLV:
		switch {
		case none && g&jet.BitSetSizeLV != 0:
			return longNull, nil
		case fresh && set.Offset != 0:
			return 0, jet.ErrColumnNoChunk
		case none:
			return pick(longEmpty, longNothing), nil
		case set.Data == nil:
			return 0, jet.ErrInvalidParameter
		case g&jet.BitSetSizeLV != 0:
			return pick(longWhole, longOverwriteCut), nil
		}
		return pick(longWhole, longOverwrite), nil
	case jet.BitSetSizeLV, jet.BitSetSizeLV | jet.BitSetZeroLength:
		if none {
			return emptyOp(g), nil
		}
		return pick(longZeros, longResize), nil
	}
	switch {
	case none && g == jet.BitSetZeroLength, none && g&^jet.BitSetZeroLength == 0:
		return emptyOp(g), nil
	case none:
		return longNull, nil
	case set.Data == nil:
		return 0, jet.ErrInvalidParameter
	}
	return longWhole, nil
}

func emptyOp(g jet.Grbit) longOp {
	if g&jet.BitSetZeroLength != 0 {
		return longEmpty
	}
	return longNull
}

// setLong sets a value of a long column, in the record or in the tree of long values (spec chapters 01, 11.2 and 04,
// 4.5).
func (c *Cursor) setLong(s *Session, t Thread, sc *catalog.Schema, col *record.Column, set *Setting) error {
	if col.Flags&record.FlagEncrypted != 0 {
		return jet.ErrColumnNoEncryptionKey
	}
	if set.Grbit&uniqueBits != 0 && (set.Size > 0 || set.Grbit&jet.BitSetZeroLength != 0) {
		if err := c.checkUnique(s, col, set); err != nil {
			return c.stale(s, err)
		}
	}
	if s.trx.Level() == 0 {
		return jet.ErrNotInTransaction
	}
	if !s.owner.allows(t, s.trx.Level()) {
		return jet.ErrSessionSharingViolation
	}
	u := c.update
	u.saveFor(s)
	threshold := u.firstThreshold()
	err := c.setLongOnce(s, sc, col, set, threshold)
	for err == jet.ErrRecordTooBig {
		if e := c.separateAll(s, t, threshold); e != nil {
			return e
		}
		err = c.setLongOnce(s, sc, col, set, threshold)
		if threshold <= sc.Record.LIDSize {
			break
		}
		threshold = u.lowerThreshold(threshold)
	}
	return err
}

// saveFor keeps the copy buffer when long values are set at a deeper transaction level than before.
func (u *update) saveFor(s *Session) {
	level := s.trx.Level()
	if !s.levels.inside(level, u.prepared) && (len(u.saves) == 0 || !s.levels.inside(level, u.saves[len(u.saves)-1].at)) {
		u.saves = append(u.saves, save{s.levels.now, append([]byte(nil), u.buf.Bytes()...)})
	}
}

// present is the value that the copy buffer holds now.
type present struct {
	fresh     bool // there is none
	separated bool
	lid       uint64
	data      []byte // plain bytes, not in the copy buffer
}

func (c *Cursor) presentValue(col *record.Column, itag uint32) (p present, err error) {
	if itag == 0 {
		return present{fresh: true}, nil
	}
	v, err := c.update.buf.Get(col, int(min(itag, 1<<16)))
	switch {
	case err != nil:
		return p, err
	case v.Encrypted:
		return p, jet.ErrColumnNoEncryptionKey
	case v.Null:
		p.fresh = true
	case v.Separated:
		p.separated = true
		p.lid, err = record.LID(v.Data)
	case v.Compressed:
		c.scratch, err = compress.Decompress(c.scratch[:0], v.Data)
		p.data = c.scratch
	default:
		c.scratch = append(c.scratch[:0], v.Data...)
		p.data = c.scratch
	}
	return p, err
}

// setLongOnce tries to set a value once. A value in the record that is larger than threshold is moved out if the
// record gets too big.
func (c *Cursor) setLongOnce(s *Session, sc *catalog.Schema, col *record.Column, set *Setting, threshold int) error {
	p, err := c.presentValue(col, set.Itag)
	if err != nil {
		return err
	}
	op, err := longOpOf(set, p.fresh)
	if err != nil {
		return err
	}
	if set.Grbit&jet.BitSetContiguousLV != 0 && (op != longWhole || !p.fresh) {
		return jet.ErrInvalidParameter
	}
	if op == longNothing {
		return nil
	}
	if !p.separated {
		return c.setIntrinsic(s, sc, col, set, op, p.data, threshold)
	}
	c.touch(s)
	if err := c.lockForLong(s); err != nil {
		return err
	}
	return c.inUpdate(s, func() error { return c.setSeparated(s, sc, col, set, op, p.lid, threshold) })
}

// setIntrinsic sets a value that is not in the tree of long values yet; old are its bytes so far.
func (c *Cursor) setIntrinsic(s *Session, sc *catalog.Schema, col *record.Column, set *Setting, op longOp, old []byte, threshold int) error {
	u := c.update
	itag := int(min(set.Itag, 1<<16))
	switch op {
	case longNull:
		_, err := u.buf.Set(col, itag, record.SetValue{Null: true}, set.Grbit&jet.BitSetRevertToDefaultValue)
		return err
	case longEmpty:
		_, err := u.buf.Set(col, itag, record.SetValue{}, jet.BitSetZeroLength)
		return err
	}
	data, size, err := compose(op, old, set)
	switch {
	case err != nil:
		return err
	case col.Max > 0 && size > col.Max || size > lv.SizeMax:
		return jet.ErrColumnTooBig
	}
	compressed := wantsCompression(col, set.Grbit)
	if size <= sc.Record.PreferredIntrinsic(set.Grbit) {
		plain := data
		if len(plain) < size {
			plain = append(plain[:len(plain):len(plain)], make([]byte, size-len(plain))...)
		}
		err := c.putIntrinsic(sc, col, itag, plain, compressed)
		if err != jet.ErrRecordTooBig || size <= max(threshold, sc.Record.LIDSize) {
			return err
		}
	}
	c.touch(s)
	return c.inUpdate(s, func() error { return c.createLong(s, sc, col, itag, data, size, compressed) })
}

// compose gives the bytes of a value after an operation, and its size, to which it is filled with zeros.
func compose(op longOp, old []byte, set *Setting) (data []byte, size int, err error) {
	switch op {
	case longWhole:
		return set.Data[:set.Size], set.Size, nil
	case longZeros, longResize:
		return old[:min(len(old), set.Size)], set.Size, nil
	case longAppend:
		data = append(append(make([]byte, 0, len(old)+set.Size), old...), set.Data[:set.Size]...)
		return data, len(data), nil
	}
	at := int(set.Offset)
	if at > len(old) {
		return nil, 0, jet.ErrColumnNoChunk
	}
	end := at + set.Size
	data = append(append(make([]byte, 0, max(end, len(old))), old[:at]...), set.Data[:set.Size]...)
	if op == longOverwrite && end < len(old) {
		data = append(data, old[end:]...)
	}
	return data, len(data), nil
}

// wantsCompression says whether a value is to be compressed where that pays.
func wantsCompression(col *record.Column, g jet.Grbit) bool {
	switch {
	case g&jet.BitSetUncompressed != 0:
		return false
	case g&jet.BitSetCompressed != 0:
		return true
	}
	return col.Flags&record.FlagCompressed != 0
}

// putIntrinsic stores a value in the copy buffer, compressed if that is wanted, possible, and of use.
func (c *Cursor) putIntrinsic(sc *catalog.Schema, col *record.Column, itag int, plain []byte, compressed bool) error {
	u := c.update
	if compressed && itag <= 1 {
		packed, ok := compress.Compress(nil, plain, c.compression())
		if ok && len(packed) >= sc.Record.LIDSize {
			if _, err := u.buf.Set(col, itag, record.SetValue{Data: packed, Compressed: true}, 0); err == nil {
				return nil
			}
		}
	}
	_, err := u.buf.Set(col, itag, record.SetValue{Data: plain}, jet.BitSetZeroLength)
	return err
}

// compression is how values are compressed in the instance.
func (c *Cursor) compression() compress.Options {
	return compress.Options{MinForXpress: int(c.db.inst.number(jet.ParamMinDataForXpress))}
}

func (c *Cursor) longOptions(compressed bool) lv.Options {
	o := lv.Options{Compress: compressed}
	if compressed {
		o.MinForXpress = c.compression().MinForXpress
	}
	return o
}

// longValues gives the table's long values; the first one has the tree for them made.
func (c *Cursor) longValues(s *Session) (*lv.Values, error) {
	if v := c.table.Values(); v != nil {
		return v, nil
	}
	return c.table.LongValues(s.trx, c.lock != nil && c.lock.exclusive(s))
}

// createLong makes a new value in the tree of long values and has the copy buffer refer to it.
func (c *Cursor) createLong(s *Session, sc *catalog.Schema, col *record.Column, itag int, data []byte, size int, compressed bool) error {
	values, err := c.longValues(s)
	if err != nil {
		return err
	}
	lid, err := values.Create(&c.long, s.trx, data, size, c.longOptions(compressed))
	if err != nil {
		return err
	}
	return c.refer(col, itag, lid)
}

// refer has the copy buffer refer to a value in the tree of long values.
func (c *Cursor) refer(col *record.Column, itag int, lid uint64) error {
	var b [8]byte
	_, err := c.update.buf.Set(col, itag, record.SetValue{Data: record.AppendLID(b[:0], lid), Separated: true}, 0)
	return err
}

// setSeparated sets a value that is in the tree of long values.
func (c *Cursor) setSeparated(s *Session, sc *catalog.Schema, col *record.Column, set *Setting, op longOp, lid uint64, threshold int) error {
	values := c.table.Values()
	if values == nil {
		return jet.ErrLVCorrupted
	}
	if op == longNull || op == longEmpty || op == longWhole {
		if err := values.Release(&c.long, s.trx, lid); err != nil {
			return err
		}
		return c.setIntrinsic(s, sc, col, set, op, nil, threshold)
	}
	size, _, err := values.Size(&c.long, s.trx, lid)
	if err != nil {
		return err
	}
	offset, data := int(set.Offset), set.Data
	if data != nil {
		data = data[:set.Size]
	}
	end := set.Size
	switch op {
	case longAppend:
		end = size + set.Size
	case longOverwrite:
		end = max(size, offset+set.Size)
	case longOverwriteCut:
		end = offset + set.Size
	}
	switch {
	case (op == longOverwrite || op == longOverwriteCut) && offset > size:
		return jet.ErrColumnNoChunk
	case col.Max > 0 && end > col.Max || end > lv.SizeMax:
		return jet.ErrColumnTooBig
	}
	o := c.longOptions(wantsCompression(col, set.Grbit))
	now := lid
	switch op {
	case longAppend:
		now, err = values.Append(&c.long, s.trx, lid, data, o)
	case longOverwrite:
		now, err = values.Overwrite(&c.long, s.trx, lid, offset, data, o)
	case longOverwriteCut:
		now, err = values.OverwriteAndCut(&c.long, s.trx, lid, offset, data, o)
	case longResize:
		now, err = values.Resize(&c.long, s.trx, lid, set.Size, o)
	}
	if err != nil {
		return err
	}
	if now != lid {
		return c.refer(col, int(min(set.Itag, 1<<16)), now)
	}
	c.update.buf.Columns().Add(col.FID)
	return nil
}

// touch notes that the update changes the tree of long values.
func (c *Cursor) touch(s *Session) {
	c.update.touched, c.update.touchedIn = true, s.trx.Trx()
}

// lockForLong locks the record that an update is about to take a long value from, where it is not locked since the
// preparation.
func (c *Cursor) lockForLong(s *Session) error {
	if !c.prepared.takesOver() {
		return nil
	}
	if c.prepared == preparedReplaceNoLock || c.update.preparedIn != s.trx.Trx() {
		if err := c.lockRecord(s); err != nil {
			return err
		}
	}
	return c.unchanged(s)
}

// inUpdate runs changes of the tree of long values, all or nothing, that belong to the update.
func (c *Cursor) inUpdate(s *Session, f func() error) error {
	if err := s.trx.BeginInner(); err != nil {
		return err
	}
	before := s.trx.InUpdate(c.update.id)
	err := f()
	s.trx.InUpdate(before)
	return s.endChange(1, err)
}

// separateAll moves all long values that take more than so many bytes out of the copy buffer.
func (c *Cursor) separateAll(s *Session, t Thread, threshold int) error {
	if s.trx.Level() == 0 {
		return jet.ErrNotInTransaction
	}
	if !s.owner.allows(t, s.trx.Level()) {
		return jet.ErrSessionSharingViolation
	}
	u := c.update
	large := func(v record.Value) bool { return !v.Separated && !v.Encrypted && len(v.Data) > threshold }
	found := false
	for walk := u.buf.LongValues(); walk.Next(); {
		found = found || large(walk.Value())
	}
	if !found {
		return nil
	}
	u.saveFor(s)
	c.touch(s)
	var lids []uint64
	err := c.inUpdate(s, func() error {
		values, err := c.longValues(s)
		if err != nil {
			return err
		}
		for walk := u.buf.LongValues(); walk.Next(); {
			v := walk.Value()
			if !large(v) {
				continue
			}
			plain := v.Data
			if v.Compressed {
				if c.scratch, err = compress.Decompress(c.scratch[:0], v.Data); err != nil {
					return err
				}
				plain = c.scratch
			}
			lid, err := values.Create(&c.long, s.trx, plain, len(plain), c.longOptions(v.Compressed))
			if err != nil {
				return err
			}
			lids = append(lids, lid)
		}
		return nil
	})
	if err != nil {
		return err
	}
	var b [8]byte
	for walk := u.buf.LongValues(); len(lids) > 0 && walk.Next(); {
		if large(walk.Value()) {
			if err := walk.Replace(record.SetValue{Data: record.AppendLID(b[:0], lids[0]), Separated: true}); err != nil {
				return err
			}
			lids = lids[1:]
		}
	}
	return nil
}

// referenceAll adds a reference to all long values of a record that is copied. The copy that takes the original's
// place takes its references, too.
func (c *Cursor) referenceAll(s *Session, p preparation) error {
	if p != preparedInsertCopy {
		return nil
	}
	if s.trx.Level() == 0 {
		return jet.ErrNotInTransaction
	}
	return c.eachReference(c.update.buf.Bytes(), func(values *lv.Values, lid uint64) error {
		c.touch(s)
		return c.inUpdate(s, func() error { return values.AddRef(&c.long, s.trx, lid) })
	})
}

// releaseAll takes the references of a record to long values away.
func (c *Cursor) releaseAll(s *Session, rec []byte) error {
	return c.eachReference(rec, func(values *lv.Values, lid uint64) error {
		return values.Release(&c.long, s.trx, lid)
	})
}

// references lists the long values that a record refers to.
func (c *Cursor) references(rec []byte) (lids []uint64, err error) {
	err = c.eachReference(rec, func(_ *lv.Values, lid uint64) error {
		lids = append(lids, lid)
		return nil
	})
	return lids, err
}

// eachReference calls f for each long value that a record refers to, those of dropped columns too.
func (c *Cursor) eachReference(rec []byte, f func(values *lv.Values, lid uint64) error) error {
	it := c.table.Schema().Record.TaggedValues(rec)
	for it.Next() {
		for itag := 1; itag <= it.Count(); itag++ {
			v, err := it.Value(itag)
			if err != nil {
				return err
			}
			if !v.Separated {
				continue
			}
			lid, err := record.LID(v.Data)
			if err != nil {
				return err
			}
			values := c.table.Values()
			if values == nil {
				return jet.ErrLVCorrupted
			}
			if err := f(values, lid); err != nil {
				return err
			}
		}
	}
	return it.Err()
}

// equalLong says whether a separated value has these bytes.
func (c *Cursor) equalLong(s *Session, lid uint64, data []byte) (bool, error) {
	values := c.table.Values()
	if values == nil {
		return false, jet.ErrLVCorrupted
	}
	const step = 64 << 10
	buf := make([]byte, min(step, len(data)))
	for at := 0; ; at += len(buf) {
		part := data[at:min(len(data), at+len(buf))]
		n, size, err := values.Read(&c.long, s.trx, lid, at, buf[:len(part)])
		if err != nil || size != len(data) || !bytes.Equal(part, buf[:n]) {
			return false, err
		}
		if at+len(part) >= len(data) {
			return true, nil
		}
	}
}
