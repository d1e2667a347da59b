package engine

import (
	"errors"

	"esent/internal/eventlog"
	"esent/internal/jet"
	"esent/internal/logstore"
)

// Term stops the instance and frees it (JetTerm2, spec chapter 01, 2.4). ErrTooManyActiveUsers, while a session is in
// a transaction, and ErrBackupInProgress leave it running; after every other result it is gone. With
// JET_bitTermDirty the databases stay as a crash would leave them, and the result is ErrDirtyShutdown.
func (i *Instance) Term(grbit jet.Grbit) (err error) {
	if i.gate.CompareAndSwap(gateNotInitialised, gateNotInitialised|gateTerminating) {
		return i.destroy()
	}
	if i.gate.Load()&gateInitialising != 0 {
		return jet.ErrInitInProgress
	}
	if i.closeGate(gateTerminating) {
		return jet.ErrTermInProgress
	}
	i.lifecycle.Lock()
	defer i.lifecycle.Unlock()
	dirty := grbit&jet.BitTermDirty != 0
	defer func() {
		if v := recover(); v != nil {
			err = errors.Join(i.Panicked(v), i.finish(dirty))
		}
	}()
	i.backup.allowed.Store(false)
	if i.backup.running() && !i.defect.Load() {
		if grbit&(jet.BitTermStopBackup|jet.BitTermAbrupt) == 0 {
			i.openGate(gateTerminating)
			return jet.ErrBackupInProgress
		}
		i.backup.stop()
	}
	i.awaitCalls()
	if i.defect.Load() {
		return i.finish(dirty)
	}
	i.backup.end(jet.ErrBackupAbortByServer)
	if !dirty && !i.failed() {
		if i.inTransaction() {
			i.openGate(gateTerminating)
			i.backup.allowed.Store(true)
			return jet.ErrTooManyActiveUsers
		}
		if err := i.closeClean(grbit&jet.BitTermAbrupt == 0); err != nil {
			i.fail(err)
			return errors.Join(err, i.finish(dirty))
		}
	}
	return i.finish(dirty)
}

// inTransaction says that some session is in a transaction.
func (i *Instance) inTransaction() bool {
	for _, s := range i.openSessions() {
		if s.trx.Level() > 0 {
			return true
		}
	}
	return false
}

// closeClean ends all sessions and brings the databases to a state that needs no logs. cleanUp says to do first what
// was postponed in the version store.
func (i *Instance) closeClean(cleanUp bool) error {
	for _, s := range i.openSessions() {
		if err := s.end(); err != nil {
			return err
		}
	}
	i.stopTasks()
	if cleanUp {
		if err := i.cleanUp(); err != nil && i.failed() {
			return err
		}
	}
	i.versions.Stop()
	if err := i.dropTemp(); err != nil {
		return err
	}
	if err := i.closeDatabases(cleanUp); err != nil {
		return err
	}
	if i.log == nil {
		return nil
	}
	return i.logTerm()
}

// closeDatabases makes all attached databases clean under one record of the log (spec chapter 05, 23).
func (i *Instance) closeDatabases(cleanUp bool) error {
	attached := i.attached()
	for _, d := range attached {
		if d.readOnly {
			continue
		}
		if err := i.settle(d, cleanUp); err != nil {
			return err
		}
	}
	var pos jet.LogPos
	if i.log != nil {
		var err error
		if pos, err = i.appendDurable(&logstore.Mark{Kind: logstore.RecShutDownMark}); err != nil {
			return err
		}
	}
	for _, d := range attached {
		if d.readOnly {
			continue
		}
		at := pos
		if !d.logged {
			at = 0
		}
		if err := i.close(d, at); err != nil {
			return err
		}
	}
	return nil
}

// logTerm ends the run in the log, and makes its end the checkpoint: that tells the next JetInit that there is
// nothing to do (spec chapter 05, 17.5).
func (i *Instance) logTerm() error {
	pos, err := i.appendDurable(&logstore.Term{Kind: logstore.RecTerm2, Begin: i.initPos, Time: i.timeNow()})
	if err != nil {
		return err
	}
	i.check.mu.Lock()
	defer i.check.mu.Unlock()
	return i.writeCheckpoint(pos, false)
}

// finish frees what the instance has, and the instance.
func (i *Instance) finish(dirty bool) error {
	failed := i.failed()
	err := i.abandon()
	switch {
	case failed:
		i.report(eventlog.StopInstanceWithError, i.Display(), i.unavailability(), "")
		err = nil
	case dirty:
		i.report(eventlog.StopInstance, i.Display(), "", 1)
		err = jet.ErrDirtyShutdown
	default:
		i.report(eventlog.StopInstance, i.Display(), "", 0)
	}
	return errors.Join(err, i.destroy())
}

// abandon gives back everything without bringing anything to the databases. What is logged is made durable, as far
// as that is possible.
func (i *Instance) abandon() error {
	if i.defect.Load() {
		return i.abandonDefect()
	}
	i.stopTasks()
	for _, s := range i.openSessions() {
		s.abandon()
	}
	if i.versions != nil {
		i.versions.Stop()
	}
	var errs []error
	for _, d := range i.databases {
		if d == nil {
			continue
		}
		i.delist(d)
		errs = append(errs, d.shut())
		if d.id == tempSlot {
			errs = append(errs, i.env.FS.Remove(d.path))
		}
	}
	if l := i.writing.Load(); l != nil {
		errs = append(errs, l.Close())
	}
	i.commits.end(i)
	if i.cache != nil {
		errs = append(errs, i.cache.Close())
	}
	return errors.Join(errs...)
}
