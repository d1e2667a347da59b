package engine

import (
	"encoding/binary"

	"esent/internal/engine/btree"
	"esent/internal/engine/record"
	"esent/internal/jet"
)

// EscrowUpdate adds a delta, in the column's size, to a number that several transactions may change at the same time
// (JetEscrowUpdate, spec chapter 01, 11.5). The number before, with the uncommitted changes of all, goes to old if
// that is not nil; its size is the result. Errors: JET_errNotInTransaction, JET_errAlreadyPrepared,
// JET_errInvalidBufferSize, JET_errInvalidOperation (no escrow column), JET_errWriteConflict, JET_errRecordDeleted.
func (c *Cursor) EscrowUpdate(s *Session, t Thread, id jet.ColumnID, delta, old []byte, grbit jet.Grbit) (actual uint32, err error) {
	if err := c.enterFor(s, tempEscrow); err != nil {
		return 0, err
	}
	defer s.leave()
	if s.trx.Level() == 0 {
		return 0, jet.ErrNotInTransaction
	}
	if err := c.mayWrite(s); err != nil {
		return 0, err
	}
	col := c.table.Schema().Column(s.trx, id)
	switch {
	case col == nil:
		return 0, noColumn(id)
	case c.prepared != notPrepared:
		return 0, jet.ErrAlreadyPrepared
	case col.Max != len(delta) || len(old) != 0 && len(old) < col.Max:
		return 0, jet.ErrInvalidBufferSize
	case col.Flags&record.FlagEscrowUpdate == 0:
		return 0, jet.ErrInvalidOperation
	case !s.owner.allows(t, s.trx.Level()):
		return 0, jet.ErrSessionSharingViolation
	}
	var n int64
	wide := col.Max == 8
	if wide {
		n = int64(binary.LittleEndian.Uint64(delta))
	} else {
		n = int64(int32(binary.LittleEndian.Uint32(delta)))
	}
	if err := c.findEscrow(s); err != nil {
		return 0, err
	}
	var opt btree.Option
	if grbit&jet.BitEscrowNoRollback != 0 {
		opt = btree.Unversioned
	}
	before, err := c.primary.Delta(s.trx, int(col.Offset), n, wide, opt)
	if err != nil {
		return 0, err
	}
	if zero := before+n == 0 || !wide && int32(before+n) == 0; zero && opt == 0 && endsAtZero(col) {
		if err := c.atZero(s, col); err != nil {
			return 0, err
		}
	}
	for i := range min(len(old), col.Max) {
		old[i] = byte(before >> (8 * i))
	}
	return uint32(col.Max), nil
}

// findEscrow goes to the record. A cursor that stands beside records gets the answer for a deleted one.
func (c *Cursor) findEscrow(s *Session) error {
	err := c.findRecord(s)
	if err == jet.ErrNoCurrentRecord && c.record != atFirst {
		return jet.ErrRecordDeleted
	}
	return err
}

// adjustEscrow takes the changes of other transactions that the session must not see out of a number that was read.
// JET_errInvalidBufferSize: there was no room for the number.
func (c *Cursor) adjustEscrow(s *Session, col *record.Column, r *Retrieval) error {
	if len(r.Buf) < col.Max {
		return jet.ErrInvalidBufferSize
	}
	node := c.primary.Node()
	foreign := c.table.Tree.DB.Kernel.Versions.ForeignDelta(s.trx, &node, col.Offset)
	if foreign == 0 {
		return nil
	}
	if col.Max == 8 {
		binary.LittleEndian.PutUint64(r.Buf, binary.LittleEndian.Uint64(r.Buf)-uint64(foreign))
	} else {
		binary.LittleEndian.PutUint32(r.Buf, binary.LittleEndian.Uint32(r.Buf)-uint32(foreign))
	}
	return nil
}

// settleEscrow takes the changes of other transactions out of the copy of the record in the copy buffer: they may be
// rolled back, and would then stay in the copy.
func (c *Cursor) settleEscrow(s *Session) (err error) {
	u := c.update
	for {
		if err := c.takeForeign(s); err != nil || c.primary.Valid() {
			return err
		}
		// Another change may have come between the copy and the look at others' changes.
		if u.base, err = c.copyRecord(s, u.base[:0]); err != nil {
			return err
		}
		if err := u.buf.Load(u.base); err != nil {
			return err
		}
	}
}

func (c *Cursor) takeForeign(s *Session) error {
	u := c.update
	fixed := u.buf.Schema().Fixed
	for i := range fixed {
		col := &fixed[i]
		if col.Flags&record.FlagEscrowUpdate == 0 {
			continue
		}
		node := c.primary.Node()
		foreign := c.table.Tree.DB.Kernel.Versions.ForeignDelta(s.trx, &node, col.Offset)
		v, err := u.buf.Get(col, 1)
		if err != nil {
			return err
		}
		if foreign == 0 || v.Null {
			continue
		}
		var b [8]byte
		copy(b[:], v.Data)
		if err := u.putUnnoted(col, binary.LittleEndian.Uint64(b[:])-uint64(foreign)); err != nil {
			return err
		}
	}
	return nil
}
