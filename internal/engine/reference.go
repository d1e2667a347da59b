package engine

import (
	"bytes"
	"encoding/binary"
	"math"

	"esent/internal/engine/btree"
	"esent/internal/engine/record"
	"esent/internal/jet"
)

// A reference names a long value that lies apart from its record, for the caller to read it later
// (JET_bitRetrieveAsRefIfNotInRecord, JetRetrieveColumnByReference). As the original's:
//
//	u8 format (1: 4-byte lid, 2: 8-byte lid) | u16 length of bookmark | u8 length of name | u32 itag | lid |
//	12 bytes of the database's signature | bookmark | column's name
type reference struct {
	itag           uint32
	lid            uint64
	sign           []byte
	bookmark, name []byte
}

const (
	referenceNarrow = 1
	referenceWide   = 2
	referenceSign   = 12
)

// appendReference appends a reference to a value of the current record to dst.
func (c *Cursor) appendReference(dst []byte, col *record.Column, itag uint32, lid uint64) ([]byte, error) {
	full, mark := c.table.Schema().Full(col.ID), c.bookmark()
	if full == nil || mark == nil || len(mark) > math.MaxUint16 {
		return dst, jet.ErrInternalError.Errorf("no reference to a value of column %d", col.ID)
	}
	format := byte(referenceNarrow)
	if c.table.Values().Wide() {
		format = referenceWide
	}
	dst = binary.LittleEndian.AppendUint16(append(dst, format), uint16(len(mark)))
	dst = binary.LittleEndian.AppendUint32(append(dst, byte(len(full.Name))), itag)
	if format == referenceWide {
		dst = binary.LittleEndian.AppendUint64(dst, lid)
	} else {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(lid))
	}
	sign := c.db.file.Header().SignDB
	dst = append(dst, sign[:referenceSign]...)
	return append(append(dst, mark...), full.Name...), nil
}

// parseReference takes a reference apart; ErrInvalidColumnReference for what is none.
func parseReference(b []byte) (r reference, err error) {
	const head, lidAt = 8, 8
	bad := jet.ErrInvalidColumnReference
	if len(b) < head {
		return r, bad
	}
	lidSize := map[byte]int{referenceNarrow: 4, referenceWide: 8}[b[0]]
	mark, name := int(binary.LittleEndian.Uint16(b[1:])), int(b[3])
	r.itag = binary.LittleEndian.Uint32(b[4:])
	at := lidAt + lidSize + referenceSign
	if lidSize == 0 || mark == 0 || name == 0 || name > jet.CbNameMost || r.itag == 0 || len(b) != at+mark+name {
		return r, bad
	}
	if r.lid, err = record.LID(b[lidAt : lidAt+lidSize]); err != nil {
		return r, bad
	}
	r.sign, r.bookmark, r.name = b[at-referenceSign:at], b[at:at+mark], b[at+mark:]
	return r, nil
}

// giveReference hands a reference over in the place of a separated value.
func (c *Cursor) giveReference(s *Session, r *Retrieval, lid uint64) error {
	col := c.table.Schema().Column(s.trx, r.Column)
	ref, err := c.appendReference(nil, col, r.Itag, lid)
	if err != nil {
		return err
	}
	r.Actual, r.Err = uint32(len(ref)), jet.WrnColumnReference
	if copy(r.Buf, ref) < len(ref) {
		r.Err = jet.WrnBufferTruncated
	}
	return nil
}

// findReferred looks for the value of a reference, which must be the one in the record still: ErrStaleColumnReference if not.
func (c *Cursor) findReferred(s *Session, r *reference) (*record.Column, error) {
	sc := c.table.Schema()
	named := sc.ColumnByName(s.trx, string(r.name))
	sign := c.db.file.Header().SignDB
	if named == nil || !named.Long() || !bytes.Equal(r.sign, sign[:referenceSign]) {
		return nil, jet.ErrStaleColumnReference
	}
	var bt btree.Cursor
	bt.Init(c.table.Tree)
	m, err := bt.Seek(s.trx, r.bookmark, nil, btree.EQ)
	if err != nil {
		return nil, err
	}
	for m == btree.Equal {
		rec, err := bt.Data(s.trx)
		if err == jet.ErrRecordDeleted {
			break
		}
		if err != nil {
			return nil, err
		}
		v, err := sc.Record.Get(rec, &named.Column, int(min(r.itag, 1<<16)))
		var lid uint64
		if err == nil && v.Separated {
			lid, err = record.LID(v.Data)
		}
		switch {
		case !bt.Valid():
			continue
		case err != nil:
			return nil, err
		case lid == r.lid:
			return &named.Column, nil
		}
		break
	}
	return nil, jet.ErrStaleColumnReference
}

// referring says whether references can be used now.
func (c *Cursor) referring() error {
	switch {
	case c.temporary():
		return jet.ErrInvalidParameter
	case c.prepared != notPrepared:
		return jet.ErrInvalidOperation
	}
	return nil
}

// RetrieveByReference reads the value that a reference of JetRetrieveColumn or JetEnumerateColumns names, from offset on,
// and gives how long it is from there; with JET_bitRetrievePhysicalSize only how long it is as it is stored. The warning is
// JET_wrnBufferTruncated (JetRetrieveColumnByReference). Errors: JET_errInvalidColumnReference,
// JET_errStaleColumnReference, JET_errInvalidOperation with an update prepared, JET_errInvalidGrbit,
// JET_errColumnNoEncryptionKey.
func (c *Cursor) RetrieveByReference(s *Session, ref []byte, offset uint32, buf []byte, grbit jet.Grbit) (actual uint32, warn jet.Err, err error) {
	if err := c.enterFor(s, tempOther); err != nil {
		return 0, 0, err
	}
	defer s.leave()
	if err := c.referring(); err != nil {
		return 0, 0, err
	}
	if grbit&^jet.BitRetrievePhysicalSize != 0 {
		return 0, 0, jet.ErrInvalidGrbit
	}
	r, err := parseReference(ref)
	if err != nil {
		return 0, 0, err
	}
	inner, err := s.beginRead()
	if err != nil {
		return 0, 0, err
	}
	actual, warn, err = c.readReferred(s, &r, offset, buf, grbit)
	if inner {
		err = s.endRead(err)
	}
	return actual, warn, err
}

func (c *Cursor) readReferred(s *Session, r *reference, offset uint32, buf []byte, grbit jet.Grbit) (actual uint32, warn jet.Err, err error) {
	col, err := c.findReferred(s, r)
	switch {
	case err != nil:
		return 0, 0, err
	case col.Flags&record.FlagEncrypted != 0:
		return 0, 0, jet.ErrColumnNoEncryptionKey
	}
	n, size, err := c.table.Values().Read(&c.long, s.trx, r.lid, int(offset), buf)
	if err != nil {
		return 0, 0, err
	}
	if grbit&jet.BitRetrievePhysicalSize != 0 {
		return uint32(size), 0, nil
	}
	actual = uint32(max(0, size-int(offset)))
	if n < int(actual) {
		warn = jet.WrnBufferTruncated
	}
	return actual, warn, nil
}

// PrereadByReference asks for the first pages of the values of references to be read in the background, and gives for how
// many that was done (JetPrereadColumnsByReference). Stale ones do not matter. Errors: JET_errInvalidColumnReference,
// JET_errInvalidParameter, JET_errInvalidOperation with an update prepared, JET_errInvalidGrbit.
func (c *Cursor) PrereadByReference(s *Session, refs [][]byte, minPages, maxPages uint32, grbit jet.Grbit) (n uint32, err error) {
	if err := c.enterFor(s, tempOther); err != nil {
		return 0, err
	}
	defer s.leave()
	if minPages > maxPages {
		return 0, jet.ErrInvalidParameter
	}
	if err := c.referring(); err != nil {
		return 0, err
	}
	if grbit&^jet.BitPrereadFirstPage != 0 {
		return 0, jet.ErrInvalidGrbit
	}
	parsed := make([]reference, len(refs))
	for i, b := range refs {
		if parsed[i], err = parseReference(b); err != nil {
			return 0, err
		}
	}
	values := c.table.Values()
	for i := range parsed {
		if values == nil || n == maxPages {
			break
		}
		if err := values.Preread(parsed[i].lid); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}
