package engine

import (
	"esent/internal/engine/record"
	"esent/internal/engine/version"
	"esent/internal/jet"
)

// preparation says which kind of update a cursor has prepared.
type preparation uint8

const (
	notPrepared preparation = iota
	preparedInsert
	preparedInsertCopy
	preparedInsertCopyDelete // the original is deleted by the update
	preparedReplace
	preparedReplaceNoLock // others may change the record until the update
	preparedReadOnlyCopy
)

// inserts says that the update makes a new record.
func (p preparation) inserts() bool { return p >= preparedInsert && p <= preparedInsertCopyDelete }

// replaces says that the update changes the current record.
func (p preparation) replaces() bool { return p == preparedReplace || p == preparedReplaceNoLock }

// takesOver says that the long values of the current record become those of the record that the update makes.
func (p preparation) takesOver() bool { return p.replaces() || p == preparedInsertCopyDelete }

// update is what a cursor that changes records has beside.
type update struct {
	buf record.Buffer // the copy buffer
	id  version.UpdateID
	// touched says that the tree of long values was changed, or may have been.
	touched bool
	// setAutoInc says that the caller sets the autoincrement column.
	setAutoInc bool
	prepared   uint64       // Session.levels.now at the preparation
	preparedIn *version.Trx // the transaction in which it was, nil outside
	touchedIn  *version.Trx // the transaction in which long values were changed
	base       []byte       // the record, when the copy buffer is made from one
	saves      []save
	keys       keyMaker
	old        []byte // the record before the update
	mark       []byte
}

// save keeps the copy buffer as it was before long values were set at a deeper level, for the rollback of that.
type save struct {
	at   uint64 // Session.levels.now
	data []byte
}

// PrepareUpdate begins an update of kind jet.PrepX, or with jet.PrepCancel gives one up (JetPrepareUpdate, spec
// chapter 01, 11.1). Errors: JET_errInvalidParameter, JET_errUpdateNotPrepared, JET_errAlreadyPrepared,
// JET_errPermissionDenied, JET_errTransReadOnly, JET_errNoCurrentRecord, JET_errRecordDeleted,
// JET_errWriteConflict, JET_errNotInTransaction, JET_errIllegalOperation.
func (c *Cursor) PrepareUpdate(s *Session, kind uint32) error {
	if err := c.enterFor(s, tempPrepare); err != nil {
		return err
	}
	err := c.prepare(s, kind)
	s.leave()
	return err
}

func (c *Cursor) prepare(s *Session, kind uint32) error {
	switch kind {
	case jet.PrepCancel:
		if c.prepared == notPrepared {
			return jet.ErrUpdateNotPrepared
		}
		return c.cancel(s)
	case jet.PrepReadOnlyCopy:
		switch {
		case c.prepared != notPrepared:
			return jet.ErrAlreadyPrepared
		case s.trx.Level() == 0:
			return jet.ErrNotInTransaction
		}
		return c.prepareCopy(s, preparedReadOnlyCopy)
	case jet.PrepInsert, jet.PrepInsertMustSetAutoIncrement, jet.PrepReplace, jet.PrepReplaceNoLock, jet.PrepInsertCopy,
		jet.PrepInsertCopyDeleteOriginal, jet.PrepInsertCopyReplaceOriginal:
	default:
		return jet.ErrInvalidParameter
	}
	if err := c.mayWrite(s); err != nil {
		return err
	}
	if c.prepared != notPrepared {
		return jet.ErrAlreadyPrepared
	}
	switch kind {
	case jet.PrepInsert, jet.PrepInsertMustSetAutoIncrement:
		return c.prepareInsert(s, kind == jet.PrepInsertMustSetAutoIncrement)
	case jet.PrepReplace:
		if s.trx.Level() > 0 {
			return c.prepareReplace(s)
		}
		return c.prepareCopy(s, preparedReplaceNoLock)
	case jet.PrepReplaceNoLock:
		return c.prepareCopy(s, preparedReplaceNoLock)
	}
	return c.prepareInsertCopy(s, kind)
}

// mayWrite says whether the cursor and the session's transaction may change records.
func (c *Cursor) mayWrite(s *Session) error {
	switch {
	case c.mode&modeUpdatable == 0 || c.noWrites:
		return jet.ErrPermissionDenied
	case s.readOnly && s.trx.Level() > 0 && !c.temporary():
		return jet.ErrTransReadOnly
	case c.lock != nil && c.lock.shut.Load() && c.lock.deniesWrite(s):
		return jet.ErrTableLocked
	}
	return nil
}

// begin starts an update of kind p with an empty copy buffer.
func (c *Cursor) begin(s *Session) *update {
	u := c.update
	if u == nil {
		u = new(update)
		c.update = u
	}
	u.buf.Reset(c.table.Schema().Record)
	u.id = s.trx.NextUpdate()
	u.touched, u.setAutoInc = false, false
	u.prepared, u.preparedIn = s.levels.now, s.trx.Trx()
	u.saves = u.saves[:0]
	return u
}

func (c *Cursor) prepareInsert(s *Session, setAutoInc bool) error {
	sc := c.table.Schema()
	auto := sc.AutoInc
	if setAutoInc && (auto == nil || auto.HasDefault()) {
		return jet.ErrIllegalOperation
	}
	u := c.begin(s)
	u.buf.LoadInsert()
	if auto != nil {
		n, err := c.nextAutoInc(!setAutoInc)
		if err != nil {
			return err
		}
		if !setAutoInc {
			if err := u.putNumber(&auto.Column, n); err != nil {
				return err
			}
		}
	}
	u.setAutoInc = setAutoInc
	c.prepared = preparedInsert
	return nil
}

// nextAutoInc gives the next autoincrement number; without consume the one that would be given.
func (c *Cursor) nextAutoInc(consume bool) (uint64, error) {
	if consume {
		return c.table.NextAutoInc()
	}
	return c.table.PeekAutoInc()
}

// ReserveAutoIncrement takes the next autoincrement number for a record to come (JetGetTableInfo on the level
// JET_TblInfoRetrieveAndReserveAutoIncrement). ErrInvalidParameter without a buffer, ErrInvalidOperation without such a
// column, ErrInvalidBufferSize unless the buffer is as long as the column, ErrFeatureNotAvailable where records alone
// tell the last number.
func (c *Cursor) ReserveAutoIncrement(s *Session, buf []byte) error {
	if err := c.enterLentFor(s, tempOther); err != nil {
		return err
	}
	defer s.leave()
	auto := c.table.Schema().AutoInc
	switch {
	case buf == nil:
		return jet.ErrInvalidParameter
	case auto == nil || auto.HasDefault():
		return jet.ErrInvalidOperation
	case len(buf) != auto.Max:
		return jet.ErrInvalidBufferSize
	}
	n, err := c.nextAutoInc(true)
	if err != nil {
		return err
	}
	for i := range buf {
		buf[i] = byte(n >> (8 * i))
	}
	return nil
}

// putNumber sets a numeric column of 4 or 8 bytes.
func (u *update) putNumber(col *record.Column, n uint64) error {
	var b [8]byte
	for i := range b {
		b[i] = byte(n >> (8 * i))
	}
	_, err := u.buf.Set(col, 1, record.SetValue{Data: b[:col.Max]}, 0)
	return err
}

// prepareReplace locks the record and copies it.
func (c *Cursor) prepareReplace(s *Session) error {
	if err := c.lockRecord(s); err != nil {
		return err
	}
	return c.prepareCopy(s, preparedReplace)
}

// lockRecord keeps others from changing the record to the end of the transaction.
func (c *Cursor) lockRecord(s *Session) error {
	if err := c.findRecord(s); err != nil {
		return err
	}
	return c.primary.Lock(s.trx, version.OperWriteLock)
}

// prepareCopy begins an update of kind p with a copy of the record.
func (c *Cursor) prepareCopy(s *Session, p preparation) error {
	if err := c.findRecord(s); err != nil {
		return err
	}
	u := c.begin(s)
	var err error
	if u.base, err = c.copyRecord(s, u.base[:0]); err != nil {
		return err
	}
	if err := u.buf.Load(u.base); err != nil {
		return err
	}
	c.prepared = p
	return nil
}

func (c *Cursor) prepareInsertCopy(s *Session, kind uint32) error {
	p := preparedInsertCopyDelete
	if kind == jet.PrepInsertCopy {
		p = preparedInsertCopy
	} else if s.trx.Level() > 0 {
		if err := c.lockRecord(s); err != nil {
			return err
		}
	}
	if err := c.prepareCopy(s, p); err != nil {
		return err
	}
	u := c.update
	err := c.settleEscrow(s)
	if err == nil {
		err = c.referenceAll(s, p)
	}
	if auto := c.table.Schema().AutoInc; err == nil && auto != nil {
		var n uint64
		if n, err = c.nextAutoInc(kind != jet.PrepInsertCopyReplaceOriginal); err == nil && kind != jet.PrepInsertCopyReplaceOriginal {
			err = u.putNumber(&auto.Column, n)
		}
	}
	if err != nil {
		if e := c.cancel(s); e != nil {
			return e
		}
	}
	return err
}

// cancel gives up the prepared update: what it did to long values is undone.
func (c *Cursor) cancel(s *Session) error {
	u := c.update
	c.prepared = notPrepared
	if u.touched && s.trx.Level() > 0 && s.trx.Trx() == u.touchedIn {
		if err := s.trx.RollbackUpdate(u.id); err != nil {
			return err
		}
	}
	u.touched = false
	return nil
}
