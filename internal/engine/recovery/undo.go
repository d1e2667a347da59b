package recovery

import (
	"cmp"
	"errors"
	"slices"

	"esent/internal/engine/dbfile"
	"esent/internal/eventlog"
	"esent/internal/jet"
	"esent/internal/logstore"
)

// redone judges what replay has come to, when there are no more logs (spec chapter 05, 22.2).
func (r *run) redone() error {
	for _, a := range r.dbs {
		if a.open() {
			if err := a.lost.first(); err != nil {
				return err
			}
			if err := r.patched(a); err != nil {
				return err
			}
		}
	}
	if r.warning != 0 {
		return nil // the rest of the log was given up, knowingly
	}
	err := r.required(r.cur.gen)
	if err == nil || jet.CodeOf(err) != jet.ErrCommittedLogFilesMissing || !r.has(jet.BitReplayIgnoreLostLogs) {
		return err
	}
	r.warning = jet.WrnCommittedLogFilesLost
	return nil
}

// patched makes a database whose pages were replaced an ordinary dirty one, now that its logs are replayed.
func (r *run) patched(a *attachment) error {
	if h := a.File.Header(); h.State != dbfile.StateDirtyAndPatched || r.cur.gen < h.GenMaxRequired {
		return nil
	}
	var err error
	a.File.UpdateHeader(func(h *dbfile.Header) {
		err = h.SetState(dbfile.StateDirty, dbfile.LogRange{Min: h.GenMinRequired, Max: h.GenMaxRequired, CreatedAt: r.cur.created})
	})
	return err
}

// committedLost corrects headers that speak of generations which are lost.
func (r *run) committedLost() error {
	for _, a := range r.dbs {
		if !a.open() {
			continue
		}
		h := a.File.Header()
		if h.GenMaxCommitted <= r.cur.gen {
			continue
		}
		if !r.has(jet.BitSkipLostLogsEvent) {
			r.events().Report(eventlog.CommittedLogsLost, a.Path, h.GenMaxCommitted-r.cur.gen, r.cur.gen+1, h.GenMaxCommitted, r.cur.gen, r.cfg.LogDir)
		}
		a.File.UpdateHeader(func(h *dbfile.Header) {
			h.GenMaxCommitted, h.GenMaxCreatedAt = r.cur.gen, r.cur.created
			h.GenRecovering = 0
		})
		if err := a.File.WriteHeader(); err != nil {
			return err
		}
	}
	return nil
}

// finish undoes what is open, leaves the databases clean and tells the log's end (spec chapter 05, 22.3 to
// 22.5).
func (r *run) finish(res *Result) error {
	res.Tail = Tail{Header: r.last.Header, Path: r.last.Path(), Current: r.last.current, Scan: r.last.scan, Naming: r.naming}
	if r.warning != 0 {
		if err := r.committedLost(); err != nil {
			return err
		}
	}
	c := Control{Kind: ControlBeginUndo}
	if r.has(jet.BitRecoveryWithoutUndo) {
		c.Default = jet.ErrRecoveredWithoutUndo
	}
	kept := r.attached()
	if err := r.control(&c); err != nil && (jet.CodeOf(err) != jet.ErrRecoveredWithoutUndo || !r.ended || kept) {
		if jet.CodeOf(err) == jet.ErrRecoveredWithoutUndo {
			err = errors.Join(r.mismatched(), err)
		}
		return r.withoutUndo(err)
	}
	quit := r.lastTerm
	if !r.ended || kept {
		var err error
		if quit, err = r.undo(res); err != nil {
			return err
		}
	}
	res.Outcome = Recovered
	return r.checkpoint(res, quit)
}

// withoutUndo stops before undo. What can be written is written; pages with changes whose images are not in the
// log stay behind, and will be replayed again.
func (r *run) withoutUndo(err error) error {
	if jet.CodeOf(err) != jet.ErrRecoveredWithoutUndo {
		return err
	}
	for _, a := range r.dbs {
		if !a.open() {
			continue
		}
		e := r.cfg.Kernel.Cache.FlushOlder(a.Cache, jet.LogPosMax)
		if e == nil {
			e = a.Cache.Sync()
		}
		if e == nil {
			e = a.File.WriteHeader()
		}
		if e != nil {
			return e
		}
	}
	if e := r.advance(); e != nil {
		return e
	}
	r.events().Report(eventlog.StopRedoWithoutUndo)
	return err
}

// advance moves the checkpoint up to where a later recovery has to begin, so that it does not replay again what the
// databases have, and removes logs where that was asked for. While a database of the log is not there, or pages are
// amiss, all logs may still be needed.
func (r *run) advance() error {
	if r.cfg.Hard != nil || r.end == 0 {
		return nil
	}
	pos := min(r.end, r.versions().OldestStart())
	for _, a := range r.dbs {
		switch {
		case a == nil:
		case !a.open() && (a.skipped || !r.ignorable(a)), a.open() && (a.creating || a.lost.first() != nil):
			return nil
		case a.open():
			pos = min(pos, r.cfg.Kernel.Cache.OldestDirty(a.Cache))
		}
	}
	if pos <= r.redoFrom {
		return nil
	}
	for _, a := range r.dbs {
		if !a.open() {
			continue
		}
		a.File.UpdateHeader(func(h *dbfile.Header) {
			least := min(max(pos.Gen(), a.attach.Gen()), h.GenMaxRequired)
			h.GenMinRequired = max(h.GenMinRequired, least)
			h.GenMinConsistent = max(h.GenMinConsistent, least)
		})
		if err := a.File.WriteHeader(); err != nil {
			return err
		}
	}
	if _, err := r.writeCheckpoint(pos, r.Attachments(pos)); err != nil {
		return err
	}
	return r.removeOld(pos.Gen())
}

// undo rolls all open transactions back, closes the databases clean, and gives the position of the
// RecoveryQuit2 record that says so.
func (r *run) undo(res *Result) (quit jet.LogPos, err error) {
	r.undoing = true
	// The last log may hold no record that replay could have met.
	if err := r.Rolled(r.cur.gen, r.cur.created); err != nil {
		return 0, err
	}
	if r.log, err = r.cfg.Host.OpenLog(res.Tail, r); err != nil {
		return 0, err
	}
	res.Log = r.log
	r.versions().SetLog(r.log)
	r.versions().SetRedo(false)
	var begun jet.LogPos
	if !r.lastIsMark {
		rec := logstore.RecoveryUndo{Time: r.now()}
		if begun, _, err = r.log.Append(rec.Append(nil)); err != nil {
			return 0, err
		}
	}
	if err := r.abortMacros(); err != nil {
		return 0, err
	}
	if err := r.mismatched(); err != nil {
		return 0, err
	}
	for _, s := range r.openSessions() {
		if err := r.pulse(); err != nil {
			return 0, err
		}
		if err := s.RollbackAll(); err != nil {
			return 0, err
		}
	}
	for _, a := range r.dbs {
		if a.open() && !a.creating {
			res.Databases = append(res.Databases, a.Path)
		}
	}
	if err := r.closeDatabases(); err != nil {
		return 0, err
	}
	q := logstore.Term{Kind: logstore.RecRecoveryQuit2, Begin: begun, RedoFrom: r.redoFrom, Hard: r.cfg.Hard != nil, Time: r.now()}
	quit, end, err := r.log.Append(q.Append(nil))
	if err != nil {
		return 0, err
	}
	return quit, r.log.Flush(end)
}

// openSessions are the sessions by rising number.
func (r *run) openSessions() []*session {
	list := make([]*session, 0, len(r.sessions))
	for _, s := range r.sessions {
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b *session) int { return cmp.Compare(a.Proc, b.Proc) })
	return list
}

// abortMacros logs that macros which the log does not end are dropped.
func (r *run) abortMacros() error {
	for _, s := range r.openSessions() {
		for _, m := range s.macros {
			rec := logstore.Macro{Kind: logstore.RecMacroAbort, Proc: s.Proc, DBTime: m.dbtime}
			if _, _, err := r.log.Append(rec.Append(nil)); err != nil {
				return err
			}
		}
		s.macros = nil
	}
	return nil
}

// mismatched says whether a database that is attached at the end of the log is not there (spec chapter 05,
// 22.4, step 4).
func (r *run) mismatched() error {
	for i, a := range r.dbs {
		if a == nil || a.open() {
			continue
		}
		var err error
		switch {
		case a.skipped, a.mapping.FailMissing:
			err = jet.ErrAttachedDatabaseMismatch
		case r.ignorable(a), r.lastIsMark && a.what == deferFuture:
		case a.what == deferDenied:
			err = jet.ErrAccessDenied
		default:
			err = jet.ErrAttachedDatabaseMismatch
		}
		if err != nil {
			r.events().Report(eventlog.AttachedMismatchEndOfRecovery, err, a.Path)
			return jet.CodeOf(err).Errorf("%s is attached at the end of the log", a.Path)
		}
		r.dbs[i] = nil
	}
	return nil
}

// closeDatabases writes all pages and makes the headers clean at a ShutDownMark.
func (r *run) closeDatabases() error {
	for _, a := range r.dbs {
		if a.open() && !a.creating {
			if err := r.pulse(); err != nil {
				return err
			}
			if err := r.cfg.Kernel.Cache.FlushDB(a.Cache); err != nil {
				return err
			}
		}
	}
	// An end that was begun before goes on: headers may be clean at its mark, and whoever replays this will make all of
	// them clean at the last mark.
	pos := r.shutDown
	if !r.lastIsMark {
		rec := logstore.Mark{Kind: logstore.RecShutDownMark}
		var end jet.LogPos
		var err error
		if pos, end, err = r.log.Append(rec.Append(nil)); err == nil {
			err = r.log.Flush(end)
		}
		if err != nil {
			return err
		}
	}
	var err error
	for _, a := range r.dbs {
		if a != nil {
			err = errors.Join(err, r.detach(a, pos))
		}
	}
	return err
}

// checkpoint makes the clean end durable, so that the next start finds nothing to do, and removes logs where
// that was asked for.
func (r *run) checkpoint(res *Result, at jet.LogPos) (err error) {
	if res.Checkpoint, err = r.writeCheckpoint(at, nil); err != nil {
		return err
	}
	return r.removeOld(at.Gen())
}

// writeCheckpoint says that a recovery has to begin at pos, where the databases of list are attached.
func (r *run) writeCheckpoint(pos jet.LogPos, list []logstore.AttachInfo) (*logstore.Checkpoint, error) {
	c := &logstore.Checkpoint{Pos: pos, DBConsistency: pos, SignLog: r.signLog, Params: r.cfg.Params,
		HasAttachments: true, Attachments: list}
	if old, err := logstore.ReadCheckpoint(r.fs, r.checkpointPath(), r.signLog); err == nil {
		c.LastFullBackup, c.FullBackup, c.FullBackupTime = old.LastFullBackup, old.FullBackup, old.FullBackupTime
		c.IncBackup, c.IncBackupTime = old.IncBackup, old.IncBackupTime
	}
	if r.cfg.Hard != nil && r.cfg.Hard.Staged {
		return c, nil
	}
	return c, logstore.WriteCheckpoint(r.fs, r.cfg.SystemDir, r.naming.Checkpoint(), c)
}

// removeOld removes logs below a generation, where that was asked for. The last log stays even when it is an archive:
// the stream goes on from it.
func (r *run) removeOld(gen int32) error {
	if !r.has(jet.BitTruncateLogsAfterRecovery) {
		return nil
	}
	for _, a := range r.dir.Archives {
		if a.Gen < gen && (r.last == nil || a.Gen < r.last.Header.Gen) {
			if err := r.fs.Remove(r.logPath(a.Name)); err != nil {
				return err
			}
		}
	}
	return nil
}
