package engine

import (
	"errors"
	"time"

	"esent/internal/jet"
)

const (
	// commitBits are the flags that JetCommitTransaction knows; each but the first stands alone.
	commitBits = jet.BitCommitLazyFlush | jet.BitWaitLastLevel0Commit | jet.BitWaitAllLevel0Commit | jet.BitForceNewLog
	waitBits   = commitBits &^ jet.BitCommitLazyFlush
)

// BeginTransaction opens a transaction level; the outermost takes the snapshot (JetBeginTransaction2).
// JET_bitTransactionReadOnly counts only there. ErrTransTooDeep beyond seven levels.
func (s *Session) BeginTransaction(t Thread, grbit jet.Grbit) error {
	if err := s.enterOwned(t); err != nil {
		return err
	}
	defer s.leave()
	if err := s.trx.Begin(); err != nil {
		return err
	}
	s.levels.open(s.trx.Level())
	if s.trx.Level() == 1 {
		s.readOnly = grbit&jet.BitTransactionReadOnly != 0
		s.owner.began(t)
	}
	return nil
}

// CommitID identifies a commit within a log stream: its position. A commit is durable when a position seen
// durable is not below it.
type CommitID struct {
	Signature jet.Signature
	Position  jet.LogPos
}

// CommitTransaction closes the innermost level (JetCommitTransaction2, spec chapter 01, 6.2). durable > 0
// bounds the time until a lazy commit is made durable. id may be nil.
func (s *Session) CommitTransaction(t Thread, grbit jet.Grbit, durable time.Duration, id *CommitID) error {
	if err := s.enterOwned(t); err != nil {
		return err
	}
	defer s.leave()
	if grbit&^commitBits != 0 || grbit&waitBits != 0 && grbit&(grbit-1) != 0 {
		return jet.ErrInvalidGrbit
	}
	if durable != 0 && grbit&jet.BitCommitLazyFlush == 0 {
		return jet.ErrInvalidParameter
	}
	var err error
	switch grbit {
	case jet.BitWaitLastLevel0Commit:
		err = s.inst.flushLog(s.trx.LastCommit())
	case jet.BitWaitAllLevel0Commit:
		err = s.inst.flushWholeLog()
	case jet.BitForceNewLog:
		err = s.inst.rollLog()
	default:
		if s.trx.Level() > 0 && s.inCallback() {
			return jet.ErrSessionSharingViolation
		}
		err = s.commit(grbit, durable)
	}
	if err == nil && id != nil {
		*id = CommitID{s.inst.logSignature(), s.trx.LastCommit()}
	}
	return err
}

func (s *Session) commit(grbit jet.Grbit, durable time.Duration) error {
	if s.trx.Level() == 1 {
		if err := s.cancelLongUpdates(); err != nil {
			return err
		}
	}
	end, err := s.trx.Commit()
	if err != nil {
		return err
	}
	if s.trx.Level() == 0 {
		s.transactionEnded()
	}
	if end == 0 {
		return nil
	}
	if (grbit|s.commitDefault)&jet.BitCommitLazyFlush == 0 {
		return s.inst.flushLog(end)
	}
	s.inst.flushLater(durable)
	return nil
}

// Rollback undoes and closes the innermost level, or all (JetRollback).
func (s *Session) Rollback(t Thread, grbit jet.Grbit) error {
	if err := s.enterAlways(); err != nil {
		return err
	}
	defer s.leave()
	switch {
	case !s.owner.allows(t, s.trx.Level()):
		return jet.ErrSessionSharingViolation
	case grbit&^jet.BitRollbackAll != 0:
		return jet.ErrInvalidGrbit
	case s.trx.Level() == 0:
		return jet.ErrNotInTransaction
	case s.inCallback(), s.callbacks > 0 && grbit&jet.BitRollbackAll != 0:
		return jet.ErrSessionSharingViolation
	}
	for {
		if err := s.rollbackLevel(); err != nil {
			return err
		}
		if grbit&jet.BitRollbackAll == 0 || s.trx.Level() == 0 {
			return nil
		}
	}
}

// rollbackLevel undoes one level and tells the session's cursors. A rollback that fails makes the
// instance unavailable: recovery must undo.
func (s *Session) rollbackLevel() error {
	level := s.trx.Level()
	s.cancelUpdates(level)
	if err := s.trx.Rollback(); err != nil {
		return err
	}
	if level == 1 {
		s.transactionEnded()
	}
	s.cursorsRolledBack(level)
	return nil
}

// inTransaction runs f in a transaction level of its own, which becomes durable by and by.
func (s *Session) inTransaction(f func() error) error {
	if err := s.trx.BeginInner(); err != nil {
		return err
	}
	if err := f(); err != nil {
		return errors.Join(err, s.rollbackLevel())
	}
	return s.commit(jet.BitCommitLazyFlush, 0)
}
