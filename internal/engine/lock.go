package engine

import (
	"esent/internal/engine/version"
	"esent/internal/jet"
)

// GetLock locks the current record until the outermost transaction ends: JET_bitReadLock against changes by others,
// JET_bitWriteLock for changes of one's own (JetGetLock, spec chapter 01, 11.6). With JET_bitKeyLock it locks the search
// key instead, which stays made, so that nobody can insert it. Errors: JET_errNotInTransaction, JET_errInvalidGrbit,
// JET_errWriteConflict, JET_errKeyNotMade.
func (c *Cursor) GetLock(s *Session, grbit jet.Grbit) error {
	if err := c.enterFor(s, tempOther); err != nil {
		return err
	}
	defer s.leave()
	if s.trx.Level() == 0 {
		return jet.ErrNotInTransaction
	}
	oper := version.OperReadLock
	switch grbit & (jet.BitReadLock | jet.BitWriteLock) {
	case jet.BitReadLock:
	case jet.BitWriteLock:
		if err := c.mayWrite(s); err != nil {
			return err
		}
		oper = version.OperWriteLock
	default:
		return jet.ErrInvalidGrbit
	}
	if grbit&jet.BitKeyLock != 0 {
		if !c.keyMade() {
			return jet.ErrKeyNotMade
		}
		t, _ := c.tree()
		return t.Tree().LockKey(s.trx, c.searchKey.Bytes(), nil, oper)
	}
	if err := c.findRecord(s); err != nil {
		return err
	}
	return c.primary.Lock(s.trx, oper)
}

// Info says whether the current record is free of locks and changes of other sessions (JetGetCursorInfo at level 0):
// nil, or JET_errWriteConflict.
func (c *Cursor) Info(s *Session) error {
	if err := c.enterLentFor(s, tempCursorInfo); err != nil {
		return err
	}
	defer s.leave()
	if err := c.present(s); err != nil {
		return err
	}
	if err := c.findRecord(s); err != nil {
		return err
	}
	node := c.primary.Node()
	return c.table.Tree.DB.Kernel.Versions.Conflict(s.trx, &node, version.OperWriteLock)
}
