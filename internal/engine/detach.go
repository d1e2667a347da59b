package engine

import (
	"errors"

	"esent/internal/engine/dbfile"
	"esent/internal/eventlog"
	"esent/internal/jet"
	"esent/internal/logstore"
)

// DetachDatabase detaches a database, all databases for an empty name, so that its file is consistent without logs
// (JetDetachDatabase2, spec chapters 01, 5 and 02, 13.6). It stays allowed after JetStopService.
func (s *Session) DetachDatabase(t Thread, file string, grbit jet.Grbit) error {
	if err := s.enterAlways(); err != nil {
		return err
	}
	defer s.leave()
	force := grbit&jet.BitForceDetach != 0
	switch {
	case !s.owner.allows(t, s.trx.Level()):
		return jet.ErrSessionSharingViolation
	case s.trx.Level() > 0:
		return jet.ErrInTransaction
	case file == "" && force:
		return jet.ErrInvalidParameter
	}
	i := s.inst
	i.attachMu.Lock()
	defer i.attachMu.Unlock()
	if file == "" {
		for _, d := range i.attached() {
			if err := s.detach(d); err != nil {
				return err
			}
		}
		return nil
	}
	abs, err := i.absolute(file)
	if err != nil {
		return err
	}
	i.mu.Lock()
	d := i.find(abs)
	failed := i.detachFailed[abs]
	i.mu.Unlock()
	if d == nil {
		return jet.ErrDatabaseNotFound.Errorf("%s is not attached", abs)
	}
	if force && !failed {
		return jet.ErrForceDetachNotAllowed
	}
	return s.detach(d)
}

// detach detaches a database; Instance.attachMu is locked.
func (s *Session) detach(d *Database) (err error) {
	i, started := s.inst, s.inst.env.Now()
	if i.backup.running() {
		return jet.ErrBackupInProgress
	}
	i.mu.Lock()
	if d.opens > 0 || d.holds > 0 {
		i.mu.Unlock()
		return jet.ErrDatabaseInUse.Errorf("%s is open", d.path)
	}
	d.leaving = true
	i.mu.Unlock()
	defer func() {
		i.mu.Lock()
		defer i.mu.Unlock()
		d.leaving = false
		if err != nil {
			i.detachFailed[d.path] = true
		}
	}()
	d.endMaintenance()
	if d.readOnly {
		return i.dismiss(d)
	}
	if err := i.settle(d, true); err != nil {
		return err
	}
	var pos jet.LogPos
	if d.logged {
		pos, err = i.appendDurable(&logstore.DetachDB{Proc: s.trx.Proc, DB: d.id, Path: d.path})
		if err != nil {
			return err
		}
	}
	if err := i.close(d, pos); err != nil {
		return i.fail(err)
	}
	number := d.number
	if err := i.dismiss(d); err != nil {
		return err
	}
	i.report(eventlog.DetachDatabaseDone, number, d.path, i.seconds(started), "", "", "")
	return nil
}

// settle brings everything that the database owes to its file: dirty pages, and before with cleanUp what was
// postponed in the version store.
func (i *Instance) settle(d *Database, cleanUp bool) error {
	if cleanUp {
		// The error, if any, is the log's, and the next step meets it again.
		_ = i.cleanUp()
		i.deleteZeroed()
	}
	d.closeCatalog()
	if cleanUp {
		if err := i.versions.CleanDatabase(d.id); err != nil {
			return err
		}
	}
	if err := i.cache.FlushDB(d.pages); err != nil {
		return err
	}
	return d.pages.Sync()
}

// close makes the file one that is consistent without logs. All its pages are written; pos is the record that says
// so (spec chapter 02, 13.6, steps 4 to 6).
func (i *Instance) close(d *Database, pos jet.LogPos) error {
	d.detachPos.Store(uint64(pos))
	i.retire(d)
	a := detachment{pos: pos, now: jet.MakeLogTime(i.env.Now()), dbtime: d.pages.DBTime(), objIDLast: d.pages.ObjIDLast()}
	if err := d.file.CleanFlushMap(a.dbtime); err != nil {
		return err
	}
	var err error
	d.file.UpdateHeader(func(h *dbfile.Header) { err = a.stamp(h) })
	return errors.Join(err, d.file.WriteHeader())
}

// dismiss forgets a database whose file needs nothing more.
func (i *Instance) dismiss(d *Database) error {
	i.delist(d)
	return d.shut()
}
