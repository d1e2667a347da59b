package engine

import (
	"bytes"

	"esent/internal/engine/btree"
	"esent/internal/engine/compress"
	"esent/internal/engine/record"
	"esent/internal/jet"
)

// RecordSize tells what a record takes, in bytes and numbers: JET_RECSIZE3.
type RecordSize struct {
	Data, LongData                     uint64 // plain bytes of values in the record, and of separated long values
	Overhead, LongOverhead             uint64
	Untagged, Tagged                   uint64 // columns held
	Long, Multi                        uint64 // separated values; values beyond the first of their column
	Compressed                         uint64 // columns whose value in the record is compressed
	DataStored, LongStored             uint64 // bytes as they are stored
	Intrinsic, IntrinsicStored, Values uint64 // long values in the record
	Key                                uint64
}

const (
	// nodeOverhead is what a node takes beside key and data: its tag and the length of its key.
	nodeOverhead = 6

	sizeBits = jet.BitRecordSizeInCopyBuffer | jet.BitRecordSizeRunningTotal | jet.BitRecordSizeLocal |
		jet.BitRecordSizeIntrinsicPhysicalOnly | jet.BitRecordSizeExtrinsicLogicalOnly
)

// RecordSize measures the current record, or the copy buffer (JetGetRecordSize3, spec chapter 01, 10.3); with
// JET_bitRecordSizeRunningTotal it adds to size. Errors: JET_errInvalidGrbit, JET_errNoCurrentRecord,
// JET_errRecordDeleted.
func (c *Cursor) RecordSize(s *Session, size *RecordSize, grbit jet.Grbit) error {
	if err := c.enterLentFor(s, tempRetrieve); err != nil {
		return err
	}
	defer s.leave()
	if grbit&^sizeBits != 0 {
		return jet.ErrInvalidGrbit
	}
	inner, err := s.beginRead()
	if err != nil {
		return err
	}
	err = c.measure(s, size, grbit)
	if inner {
		err = s.endRead(err)
	}
	return err
}

func (c *Cursor) measure(s *Session, size *RecordSize, grbit jet.Grbit) error {
	copying := grbit&jet.BitRecordSizeInCopyBuffer != 0 && c.prepared != notPrepared
	rec, err := c.snapshotRecord(s, copying)
	if err != nil {
		return err
	}
	if grbit&jet.BitRecordSizeRunningTotal == 0 {
		*size = RecordSize{}
	}
	fixed, variable, data, overhead, err := record.Held(rec)
	if err != nil {
		return err
	}
	size.Overhead += uint64(nodeOverhead + overhead)
	if c.prepared == notPrepared || c.prepared.replaces() || grbit&jet.BitRecordSizeLocal != 0 && !copying {
		size.Overhead += uint64(len(c.bookmark()))
		size.Key += uint64(len(c.bookmark()))
	}
	size.Data += uint64(data)
	size.DataStored += uint64(data)
	size.Untagged += uint64(fixed + variable)
	it := c.table.Schema().Record.TaggedValues(rec)
	for it.Next() {
		if err := c.measureTagged(s, &it, size, grbit, copying); err != nil {
			return err
		}
	}
	return it.Err()
}

// snapshotRecord gives a record that lies still: the copy buffer, or a copy of the current record.
func (c *Cursor) snapshotRecord(s *Session, copyBuffer bool) ([]byte, error) {
	if copyBuffer {
		return c.update.buf.Bytes(), nil
	}
	if c.update == nil {
		c.update = new(update)
	}
	var err error
	c.update.old, err = c.copyRecord(s, c.update.old[:0])
	return c.update.old, err
}

func (c *Cursor) measureTagged(s *Session, it *record.TaggedIter, size *RecordSize, grbit jet.Grbit, copying bool) error {
	size.Tagged++
	n := it.Count()
	if n > 1 {
		size.Multi += uint64(n - 1)
	}
	held := it.Size()
	for itag := 1; itag <= n; itag++ {
		v, err := it.Value(itag)
		if err != nil {
			return err
		}
		if v.Separated {
			size.Long++
			if grbit&jet.BitRecordSizeLocal == 0 {
				if err := c.measureLong(s, v.Data, size, grbit, copying); err != nil {
					return err
				}
			}
			continue
		}
		held -= len(v.Data)
		plain := len(v.Data)
		if v.Compressed {
			size.Compressed++
			if grbit&jet.BitRecordSizeIntrinsicPhysicalOnly == 0 {
				if plain, err = compress.UncompressedSize(v.Data); err != nil {
					return err
				}
			}
		}
		size.Data += uint64(plain)
		size.DataStored += uint64(len(v.Data))
		if v.Long {
			size.Intrinsic += uint64(plain)
			size.IntrinsicStored += uint64(len(v.Data))
			size.Values++
		}
	}
	size.Overhead += uint64(held)
	return nil
}

// measureLong adds what a separated value takes in its tree.
func (c *Cursor) measureLong(s *Session, ref []byte, size *RecordSize, grbit jet.Grbit, copying bool) error {
	lid, err := record.LID(ref)
	if err != nil {
		return err
	}
	values := c.table.Values()
	if values == nil {
		return jet.ErrLVCorrupted
	}
	if !copying && c.prepared.replaces() && c.update.touched {
		s.trx.Hide(c.update.id)
		defer s.trx.Hide(0)
	}
	plain, _, err := values.Size(&c.long, s.trx, lid)
	if err != nil && copying {
		err = c.stale(s, err)
	}
	if err != nil {
		return err
	}
	size.LongData += uint64(plain)
	size.LongOverhead += uint64(nodeOverhead + len(ref) + 8)
	if grbit&jet.BitRecordSizeExtrinsicLogicalOnly != 0 {
		size.LongStored += uint64(plain)
		return nil
	}
	var bt btree.Cursor
	bt.Init(values.Tree)
	root := reversed(ref)
	bt.SetGap(root, nil)
	for {
		err := bt.Next(s.trx)
		if err == jet.ErrNoCurrentRecord || err == nil && !bytes.HasPrefix(bt.Key(), root) {
			return nil
		}
		if err != nil {
			return err
		}
		data, err := bt.Data(s.trx)
		if err != nil {
			return err
		}
		size.LongStored += uint64(len(data))
		// The original counts the length of the record's key here.
		size.LongOverhead += uint64(nodeOverhead + len(c.bookmark()))
	}
}

// reversed gives the key of a long value from its little-endian reference.
func reversed(ref []byte) []byte {
	k := make([]byte, len(ref))
	for i := range ref {
		k[len(ref)-1-i] = ref[i]
	}
	return k
}
