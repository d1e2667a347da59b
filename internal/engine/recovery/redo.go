package recovery

import (
	"errors"

	"esent/internal/engine/dbfile"
	"esent/internal/engine/version"
	"esent/internal/jet"
	"esent/internal/logstore"
)

// session follows one session of the log.
type session struct {
	*version.RedoSession
	// seen: a Begin0 was met since replay began. What the session did before was over when the checkpoint was
	// taken, and is in the files.
	seen bool
	// begin is where its transaction began, or the last one if none is open.
	begin  jet.LogPos
	macros []*macro
	// context is what the application has attached to the commit to come, and wants to be told of before and after it.
	context []byte
}

// session gives the session with a number, made on demand.
func (r *run) session(proc jet.ProcID) *session {
	if proc == 0 {
		proc = logstore.ProcNone // no session has that number
	}
	s := r.sessions[proc]
	if s == nil {
		s = &session{RedoSession: r.versions().RedoSession(proc)}
		r.sessions[proc] = s
	}
	return s
}

// endSessions gives all sessions back. Transactions that are open are forgotten.
func (r *run) endSessions() {
	for proc, s := range r.sessions {
		s.RedoForget()
		r.versions().EndSession(s.Session)
		delete(r.sessions, proc)
	}
	r.versions().RedoEnded()
}

// admit says whether a page record is to be redone: the attachment and the session, nil when not. The counters
// of the database go along in any case. What the record changes counts as changed since the begin of its transaction,
// for a replay that begins later passes by the whole of it.
func (r *run) admit(proc jet.ProcID, id jet.DBID, t jet.DBTime, objid jet.ObjID) (*attachment, *session) {
	s := r.session(proc)
	a := r.database(id)
	if !a.open() {
		return nil, s
	}
	if t != jet.DBTimeNil {
		a.Cache.RaiseDBTime(t)
	}
	a.Cache.RaiseObjID(objid)
	if !s.seen || r.pos <= a.attach || r.pos.Gen() < a.from {
		return nil, s
	}
	r.trxBegin = s.begin
	return a, s
}

// dispatch redoes one record.
func (r *run) dispatch(rec logstore.Record) error {
	switch rec := rec.(type) {
	case *logstore.Mark:
		if rec.Kind == logstore.RecShutDownMark {
			r.shutDown, r.lastIsMark = r.pos, true
		}
		return nil
	case *logstore.Trace, *logstore.JetOp, *logstore.RecoveryUndo, *logstore.RestoreMark, *logstore.Filler,
		*logstore.SessionMark, *logstore.MacroInfo:
		return nil
	case *logstore.Backup:
		return r.redoBackup(rec)
	}
	r.lastIsMark = false
	if rec, ok := rec.(logstore.NodeRecord); ok {
		if m := r.openMacro(rec.Page().Proc, rec.Page().DBTime); m != nil {
			m.leaf = append(m.leaf, rec)
			return nil
		}
		return r.redoNode(rec)
	}
	switch rec := rec.(type) {
	case *logstore.Begin, *logstore.Commit, *logstore.Commit0, *logstore.Rollback, *logstore.Refresh, *logstore.CommitCtx,
		*logstore.PrepCommit:
		return r.redoTrx(rec)
	case *logstore.Macro, *logstore.Split, *logstore.Merge, *logstore.PageMove, *logstore.RootPageMove:
		return r.redoMacro(rec)
	case *logstore.NewPage, *logstore.CreateSingleExtentFDP, *logstore.CreateMultipleExtentFDP, *logstore.ConvertFDP:
		return r.redoTree(rec)
	case *logstore.Init:
		return r.redoInit()
	case *logstore.Term:
		return r.redoTerm(rec)
	case *logstore.CreateDB:
		return r.create(rec)
	case *logstore.CreateDBFinish:
		return r.created(rec)
	case *logstore.AttachDB:
		return r.redoAttach(rec)
	case *logstore.DetachDB:
		if a := r.database(rec.DB); a != nil {
			return r.detach(a, r.pos)
		}
		return nil
	case *logstore.ExtendDB:
		return r.redoExtend(rec)
	case *logstore.ShrinkDB:
		return r.redoShrink(rec)
	case *logstore.SetDbVersion:
		return r.redoVersion(rec)
	case *logstore.ReAttach:
		if a := r.database(rec.DB); a.open() {
			a.File.UpdateHeader(func(h *dbfile.Header) { h.ReAttach = rec.Attach })
		}
		return nil
	case *logstore.TrimDB:
		return r.redoTrim(rec)
	case *logstore.SignalAttachDb:
		if a := r.database(rec.DB); a.open() && !a.future {
			return r.control(&Control{Kind: ControlAttachedDB, Path: a.Path})
		}
		return nil
	case *logstore.ScanCheck:
		return r.redoScan(rec.DB, rec.Pgno, rec.DBTimePage, rec.DBTimeCurrent, 0)
	case *logstore.ScanCheck2:
		return r.redoScan(rec.DB, rec.Pgno, rec.DBTimePage, rec.DBTimeCurrent, rec.Flags&scanSource)
	case *logstore.ExtentFreed, *logstore.FreeFDP, *logstore.PagePatchRequest:
		return nil
	}
	return jet.ErrLogCorrupted.Errorf("record %s at %v", rec.Type(), r.pos)
}

// redoTrx follows the levels of transactions.
func (r *run) redoTrx(rec logstore.Record) error {
	switch rec := rec.(type) {
	case *logstore.Begin:
		s := r.session(rec.Proc)
		if rec.From == 0 {
			s.seen, s.begin = true, r.pos
		}
		if !s.seen {
			return nil
		}
		return s.RedoBegin(rec.From, rec.Levels, rec.Trx, r.pos)
	case *logstore.Commit:
		if s := r.session(rec.Proc); s.seen {
			return s.RedoCommit(rec.To)
		}
	case *logstore.Commit0:
		s := r.session(rec.Proc)
		if len(s.macros) > 0 {
			return jet.ErrLogCorrupted.Errorf("session %d commits within a macro", rec.Proc)
		}
		if err := r.tellCommit(s, CommitBefore); err != nil {
			return err
		}
		s.RedoCommit0(rec.Trx)
		err := r.tellCommit(s, CommitAfter)
		s.context = nil
		return err
	case *logstore.Rollback:
		if s := r.session(rec.Proc); s.seen {
			s.RedoRollback(rec.Levels)
		}
	case *logstore.Refresh:
		r.session(rec.Proc).RedoRefresh(rec.Trx)
	case *logstore.CommitCtx:
		switch s := r.session(rec.Proc); {
		case rec.Flags&logstore.CommitCtxAround != 0:
			if s.seen {
				s.context = rec.Data
			}
		case rec.Flags&logstore.CommitCtxCallback != 0:
			return r.control(&Control{Kind: ControlCommitCtx, Context: rec.Data, CallbackType: CommitLegacy})
		}
	}
	return nil
}

// tellCommit tells the application of a commit that it has attached something to.
func (r *run) tellCommit(s *session, kind uint32) error {
	if len(s.context) == 0 {
		return nil
	}
	return r.control(&Control{Kind: ControlCommitCtx, Context: s.context, CallbackType: kind})
}

// redoInit begins the run of another engine start.
func (r *run) redoInit() error {
	if !r.ended {
		if err := r.endRun(); err != nil {
			return err
		}
	}
	r.ended, r.lastTerm = false, 0
	return nil
}

// redoTerm ends the run of an engine start, or of a recovery: its databases are clean.
func (r *run) redoTerm(rec *logstore.Term) error {
	switch {
	case r.ended:
	case rec.Kind == logstore.RecRecoveryQuitKeepAttachments:
		if err := r.endTransactions(); err != nil {
			return err
		}
		r.ended = true
	default:
		if err := r.endRun(); err != nil {
			return err
		}
		r.ended = true
	}
	r.lastTerm = r.pos
	return nil
}

// attached says that some database is attached. Behind the end of a run that is so only after a recovery that has kept
// its attachments.
func (r *run) attached() bool {
	for _, a := range r.dbs {
		if a.open() {
			return true
		}
	}
	return false
}

// endTransactions makes sure that the transactions of an engine start are over.
func (r *run) endTransactions() error {
	for proc, s := range r.sessions {
		if s.Level() > 0 {
			return jet.ErrLogCorrupted.Errorf("session %d has an open transaction at the end of its run, %v", proc, r.pos)
		}
	}
	r.endSessions()
	return nil
}

// endRun closes the databases of an engine start. Its transactions are over.
func (r *run) endRun() error {
	err := r.endTransactions()
	if err != nil {
		return err
	}
	for _, a := range r.dbs {
		if a == nil {
			continue
		}
		if a.open() && r.shutDown <= a.attach {
			err = errors.Join(err, jet.ErrLogCorrupted.Errorf("a run ends at %v without shutdown mark", r.pos))
			continue
		}
		err = errors.Join(err, r.detach(a, r.shutDown))
	}
	return err
}

func (r *run) redoAttach(rec *logstore.AttachDB) error {
	q := attachRequest{id: rec.DB, logged: rec.Path, attach: r.pos, consistent: rec.Consistent, signDB: rec.SignDB,
		signLog: rec.SignLog, record: true}
	if q.consistent >= r.pos {
		q.consistent = 0
	}
	return r.attach(&q)
}

// redoBackup repeats the stamp of a backup in the header.
func (r *run) redoBackup(rec *logstore.Backup) error {
	a := r.database(rec.DB)
	if rec.Phase != logstore.BackupUpdate || !a.open() || r.pos <= a.attach {
		return nil
	}
	a.File.UpdateHeader(func(h *dbfile.Header) { StampBackup(h, rec) })
	return nil
}

// redoVersion raises the format version.
func (r *run) redoVersion(rec *logstore.SetDbVersion) error {
	a := r.database(rec.DB)
	if !a.open() {
		return nil
	}
	v := dbfile.Version{Major: rec.Major, UpdateMajor: rec.UpdateMajor, UpdateMinor: rec.UpdateMinor}
	h := a.File.Header()
	if h.Version.Compare(v) >= 0 {
		return nil
	}
	a.File.UpdateHeader(func(h *dbfile.Header) { h.Version = v })
	h = a.File.Header()
	if err := h.CheckVersion(); err != nil {
		return err
	}
	a.Tree.Format = formatOf(&h)
	return a.File.WriteHeader()
}

// beginGeneration brings the headers of all open databases to the generation whose first record is being
// replayed: before any page with its changes is written they must say that it is needed (spec chapter 05, 22.1).
func (r *run) beginGeneration() error {
	for _, a := range r.dbs {
		if !a.open() {
			continue
		}
		if h := a.File.Header(); r.cur.gen > h.GenMaxRequired && a.future {
			if err := a.lost.first(); err != nil {
				return err
			}
			a.future = false
			if err := r.control(&Control{Kind: ControlAttachedDB, Path: a.Path}); err != nil {
				return err
			}
		}
	}
	r.begun = r.cur.gen
	return r.Rolled(r.cur.gen, r.cur.created)
}
