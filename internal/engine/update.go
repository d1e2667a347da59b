package engine

import (
	"bytes"
	"encoding/binary"
	"slices"

	"esent/internal/engine/btree"
	"esent/internal/engine/catalog"
	"esent/internal/engine/record"
	"esent/internal/engine/version"
	"esent/internal/jet"
)

// Update makes the prepared update happen (JetUpdate2, spec chapter 01, 11.3): all of it or nothing, in a
// transaction of its own where there is none. The record's primary key goes to mark, whose use is asked for by
// mark being not nil; its length is the result. After errors the update stays prepared, except for
// JET_errBufferTooSmall (mark, at an insert). Errors: JET_errUpdateNotPrepared, JET_errNullInvalid,
// JET_errKeyDuplicate, JET_errNullKeyDisallowed, JET_errKeyTruncated, JET_errRecordPrimaryChanged,
// JET_errWriteConflict, JET_errRecordDeleted, JET_errAutoIncrementNotSet, JET_errUpdateMustVersion and others.
func (c *Cursor) Update(s *Session, t Thread, mark []byte, grbit jet.Grbit) (actual uint32, err error) {
	if err := c.enterFor(s, tempUpdate); err != nil {
		return 0, err
	}
	actual, err = c.runUpdate(s, t, mark, grbit)
	s.leave()
	return actual, err
}

func (c *Cursor) runUpdate(s *Session, t Thread, mark []byte, grbit jet.Grbit) (actual uint32, err error) {
	inserts := c.prepared.inserts()
	if !inserts && !c.prepared.replaces() {
		return 0, jet.ErrUpdateNotPrepared
	}
	if !s.owner.allows(t, s.trx.Level()) {
		return 0, jet.ErrSessionSharingViolation
	}
	if c.collecting() {
		return 0, c.collect(s)
	}
	c.awaitBuild(s)
	part, err := s.beginPart()
	if err != nil {
		return 0, err
	}
	kept, after := c.keepBuffer(), uint32(jet.CbtypAfterReplace)
	if inserts {
		actual, err = c.insert(s, mark, grbit)
		after = jet.CbtypAfterInsert
	} else {
		actual, err = c.replace(s, mark, grbit)
	}
	if err = s.endPart(part, err); err == nil {
		c.prepared = notPrepared
		c.update.touched = false
		c.after(s, after)
		return actual, nil
	}
	kept.bringBack(c.update)
	if err == jet.ErrBufferTooSmall {
		if e := c.cancel(s); e != nil {
			return 0, e
		}
	}
	return actual, err
}

// part is a change of several places that happens as a whole or not at all: a part of the caller's transaction, or one
// of its own.
type part struct {
	own  bool
	mark version.Mark
}

func (s *Session) beginPart() (part, error) {
	if s.trx.Level() == 0 {
		return part{own: true}, s.trx.BeginInner()
	}
	return part{mark: s.trx.Mark()}, nil
}

// endPart ends a part, or undoes it because of err.
func (s *Session) endPart(p part, err error) error {
	switch {
	case p.own:
		return s.endChange(0, err)
	case err == nil:
		return nil
	}
	if e := s.trx.RollbackTo(p.mark); e != nil {
		return e
	}
	return err
}

// endChange ends a level of the engine's own: commits it, or undoes it because of err. Where the level is the
// outermost the commit is as durable as the session's default says.
func (s *Session) endChange(outer uint8, err error) error {
	if err == nil {
		if outer == 0 {
			err = s.commit(0, 0)
		} else {
			_, err = s.trx.Commit()
		}
		if err == nil || s.trx.Level() == outer {
			return err
		}
	}
	if e := s.trx.Rollback(); e != nil {
		return e
	}
	return err
}

// insert adds the record in the copy buffer.
func (c *Cursor) insert(s *Session, mark []byte, grbit jet.Grbit) (actual uint32, err error) {
	var opt btree.Option
	if grbit&jet.BitUpdateNoVersion != 0 {
		if !c.table.CreatedBy(s.trx) {
			return 0, jet.ErrUpdateMustVersion
		}
		opt = btree.Unversioned
	}
	if c.prepared == preparedInsertCopyDelete {
		if err := c.before(s, jet.CbtypBeforeDelete); err != nil {
			return 0, err
		}
		if err := c.deleteRecord(s, c.table.Schema(), true); err != nil {
			return 0, err
		}
		c.after(s, jet.CbtypAfterDelete)
	}
	if err := c.before(s, jet.CbtypBeforeInsert); err != nil {
		return 0, err
	}
	u, sc := c.update, c.table.Schema()
	if err := c.checkRequired(s, sc); err != nil {
		return 0, err
	}
	if v := sc.Version; v != nil && !u.buf.Columns().Has(v.FID) {
		if err := u.putUnnoted(&v.Column, 0); err != nil {
			return 0, err
		}
	}
	m := c.maker(s, sc)
	rec := u.buf.Bytes()
	if u.mark, err = c.newKey(s, sc, m, rec, u.mark[:0]); err != nil {
		return 0, err
	}
	if mark != nil && len(mark) < len(u.mark) {
		return uint32(len(u.mark)), jet.ErrBufferTooSmall
	}
	if m.bt.Tree() != c.table.Tree {
		m.bt.Init(c.table.Tree)
	}
	if err := m.bt.Insert(s.trx, u.mark, rec, opt); err != nil {
		return 0, err
	}
	if err := m.addEntries(s, rec, u.mark, opt); err != nil {
		return 0, err
	}
	copy(mark, u.mark)
	return uint32(len(u.mark)), nil
}

// newKey appends the primary key of a record to be inserted to dst: made of its columns, or the next number.
func (c *Cursor) newKey(s *Session, sc *catalog.Schema, m *keyMaker, rec, dst []byte) ([]byte, error) {
	if sc.Primary == nil {
		n, err := c.table.NextDBK()
		if err != nil {
			return dst, err
		}
		return binary.BigEndian.AppendUint32(dst, n), nil
	}
	k, err := m.primaryKey(sc.Primary, rec)
	return append(dst, k...), err
}

// checkRequired says whether the record has all values that it must have.
func (c *Cursor) checkRequired(s *Session, sc *catalog.Schema) error {
	u := c.update
	if sc.Record != u.buf.Schema() {
		u.buf.Adopt(sc.Record)
	}
	if !sc.Versioned() {
		return sc.Record.CheckRequired(u.buf.Bytes())
	}
	for _, col := range sc.Columns {
		if col.Flags&(record.FlagNotNull|record.FlagAutoincrement) == 0 || col.HasDefault() || !col.VisibleTo(s.trx) {
			continue
		}
		v, err := u.buf.Get(&col.Column, 1)
		switch {
		case err != nil:
			return err
		case !v.Null:
		case col.Flags&record.FlagAutoincrement != 0:
			return jet.ErrAutoIncrementNotSet
		default:
			return jet.ErrNullInvalid
		}
	}
	return nil
}

// putUnnoted sets a numeric column without noting it as set.
func (u *update) putUnnoted(col *record.Column, n uint64) error {
	columns := *u.buf.Columns()
	err := u.putNumber(col, n)
	*u.buf.Columns() = columns
	return err
}

// replace gives the current record the content of the copy buffer.
func (c *Cursor) replace(s *Session, mark []byte, grbit jet.Grbit) (actual uint32, err error) {
	if grbit&jet.BitUpdateNoVersion != 0 {
		return 0, jet.ErrUpdateMustVersion
	}
	if err := c.findRecord(s); err != nil {
		return 0, err
	}
	if c.prepared == preparedReplaceNoLock {
		if err := c.unchanged(s); err != nil {
			return 0, err
		}
	}
	if err := c.before(s, jet.CbtypBeforeReplace); err != nil {
		return 0, err
	}
	if err := c.unchanged(s); err != nil {
		return 0, err
	}
	u, sc := c.update, c.table.Schema()
	if mark != nil {
		actual = uint32(len(c.primary.Key()))
		copy(mark, c.primary.Key())
	}
	set := u.buf.Columns()
	if set.Empty() {
		if c.prepared == preparedReplaceNoLock {
			err = c.lockRecord(s)
		}
		return actual, err
	}
	m := c.maker(s, sc)
	u.mark = append(u.mark[:0], c.primary.Key()...)
	if p := sc.Primary; p != nil && p.Mask.Overlaps(set) {
		changed, err := m.primaryChanged(p, u.buf.Bytes(), u.mark)
		if err != nil {
			return 0, err
		}
		if changed {
			return 0, jet.ErrRecordPrimaryChanged
		}
	}
	if v := sc.Version; v != nil {
		if err := c.raiseVersion(sc, &v.Column); err != nil {
			return 0, err
		}
		raised := *set
		raised.Add(v.FID)
		set = &raised
	}
	rec := u.buf.Bytes()
	// The replace itself finds conflicts with others, so it comes first.
	if err := c.primary.Replace(s.trx, rec, 0); err != nil {
		return 0, err
	}
	return actual, m.changeEntries(s, u.old, rec, u.mark, set, u)
}

// raiseVersion sets the version column to one more than the record has.
func (c *Cursor) raiseVersion(sc *catalog.Schema, col *record.Column) error {
	v, err := sc.Record.Get(c.update.old, col, 1)
	if err != nil {
		return err
	}
	n := uint32(1)
	if len(v.Data) == 4 {
		n += binary.LittleEndian.Uint32(v.Data)
	}
	return c.update.putUnnoted(col, uint64(n))
}

// unchanged reads the record into u.old, and says whether the update can still be made. Others may have changed the record
// since it was prepared, unless that was in this transaction and the record is locked (ErrWriteConflict). Another cursor of
// the session may have in any case; then the copy buffer takes its place, if it does not refer to long values that were
// changed for others (ErrSessionWriteConflict).
func (c *Cursor) unchanged(s *Session) (err error) {
	u := c.update
	if u.old, err = c.copyRecord(s, u.old[:0]); err != nil || bytes.Equal(u.old, u.base) {
		return err
	}
	if u.preparedIn == nil || u.preparedIn != s.trx.Trx() {
		return jet.ErrWriteConflict
	}
	was, err := c.references(u.base)
	if err != nil {
		return err
	}
	is, err := c.references(u.old)
	if err == nil && !slices.Equal(was, is) {
		err = jet.ErrSessionWriteConflict
	}
	return err
}

// stale is why a long value that the copy buffer refers to cannot be read, if that is because the record has changed, or
// else err.
func (c *Cursor) stale(s *Session, err error) error {
	if err == nil || jet.CodeOf(err) != jet.ErrLVCorrupted || c.prepared == notPrepared || c.prepared == preparedInsert {
		return err
	}
	if e := c.unchanged(s); e != nil {
		return e
	}
	return err
}
