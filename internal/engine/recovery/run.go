package recovery

import (
	"errors"

	"esent/internal/engine/order"
	"esent/internal/engine/version"
	"esent/internal/eventlog"
	"esent/internal/jet"
	"esent/internal/logstore"
	"esent/internal/vfs"
)

// run is one recovery.
type run struct {
	cfg Config
	fs  vfs.FS

	// The stream: how its files are called, those of LogDir, signature and file size once a log was opened.
	naming, setNaming logstore.Naming
	dir               logstore.Directory
	signLog           jet.Signature
	segments          uint16
	redoFrom          jet.LogPos
	last              *logFile // the log replayed last
	warning           jet.Err

	// Where replay stands: the log, the record and the position behind it.
	cur      generation
	pos, end jet.LogPos
	// trxBegin is where the transaction of the present record began.
	trxBegin jet.LogPos
	// begun is the highest generation that the databases' headers know of.
	begun int32

	dbs      [7]*attachment // by jet.DBID
	sessions map[jet.ProcID]*session
	// ended: the last engine run has ended by Term or RecoveryQuit at lastTerm, and no other has begun.
	ended    bool
	lastTerm jet.LogPos
	// shutDown is the position of the last ShutDownMark; lastIsMark says that no other record followed.
	shutDown   jet.LogPos
	lastIsMark bool
	records    int64

	batch  batch
	wanted []jet.Pgno // pages to be read ahead
	// settled says of the present record that its change will not be undone.
	settled bool
	// late is the first segment begun behind Config.StopTime, 0 while none was met.
	late jet.LogPos
	// within says that replay has stopped within the last log, not behind it.
	within bool

	progress progress
	undoing  bool
	log      Log // during undo
}

// Run recovers. On success the databases are clean and closed, and Result tells how the log goes on. An error
// leaves the files so that recovery can be repeated. ErrRecoveredWithoutUndo and
// ErrRecoveredWithoutUndoDatabasesConsistent come with a Result: what was asked for was done, the databases are
// not attachable in the first case. Other errors are those of spec chapter 05, 26.
func Run(cfg Config) (Result, error) {
	r := &run{cfg: cfg, fs: cfg.Env.FS, sessions: map[jet.ProcID]*session{},
		batch: batch{commits: map[jet.ProcID]bool{}}}
	res, err := r.recover()
	if err != nil {
		cfg.Kernel.Versions.SetRedo(true) // whatever is left undone is not undone any more
		err = errors.Join(err, r.abandon())
		if r.log != nil {
			cfg.Kernel.Versions.SetLog(nil)
		}
		switch code := jet.CodeOf(err); {
		case code == jet.ErrRecoveredWithoutUndo || code == jet.ErrRecoveredWithoutUndoDatabasesConsistent:
		case r.cfg.Hard != nil && isCorruption(err): // it has an event of its own
		default:
			r.events().Report(eventlog.RestoreDatabaseFail, err)
		}
	}
	r.endSessions()
	cfg.Kernel.Versions.SetRedo(false)
	return res, err
}

func (r *run) recover() (res Result, err error) {
	if err := r.checkStop(); err != nil {
		return res, err
	}
	st, done, err := r.find(&res)
	if err != nil {
		return res, err
	}
	if !done {
		r.cfg.Kernel.Versions.SetRedo(true)
		if r.cfg.Hard == nil { // else the restore has told
			r.events().Report(eventlog.StartRedo)
		}
		err = r.redo(&st)
		res.Warning, res.RedoFrom, res.Records = r.warning, r.redoFrom, r.records
		if errors.Is(err, errStopped) && r.cfg.Hard != nil {
			res.Stopped, err = true, r.stopped()
		}
		switch {
		case err == nil:
			err = r.finish(&res)
		case errors.Is(err, errStopped):
			err = r.withoutUndo(err)
		}
		if e := r.control(&Control{Kind: ControlComplete, Default: err}); err == nil {
			err = e
		}
		if err != nil || r.cfg.Hard != nil {
			return res, err
		}
		if err = r.eventControl(eventlog.StopRedo); err == nil {
			r.events().Report(eventlog.StopRedo)
		}
	}
	c := Control{Kind: ControlOpenLog, Path: r.logPath(r.naming.Current()), Current: true, Reason: jet.OpenLogForDo}
	if r.has(jet.BitRecoveryWithoutUndo) {
		c.Default = jet.ErrRecoveredWithoutUndoDatabasesConsistent
	}
	return res, r.control(&c)
}

// redo replays all logs.
func (r *run) redo(st *start) error {
	// One goroutine latches pages, each of them as old as it may be: there is no order of a tree, and no need of one.
	order.Suspend()
	defer order.Resume()
	r.redoFrom = st.pos
	if r.stopsBeforeGen(st.gen) {
		return errStopped
	}
	r.progress.init(r, st)
	if err := r.control(&Control{Kind: ControlBegin}); err != nil {
		return err
	}
	f, mode, err := r.firstLog(st)
	if err != nil {
		return err
	}
	scan, damage := r.scanLog(f, mode)
	if damage != nil && !isCorruption(damage) {
		return errors.Join(damage, f.Close())
	}
	file := &logFile{File: f, scan: scan, current: st.current, damage: damage}
	r.cur = generation{f.Header.Gen, f.Header.Created}
	err = r.attachList(st)
	for err == nil {
		r.progress.log = file.Path()
		err = r.replay(file, st.pos)
		if errors.Is(err, errStopped) {
			r.last, r.within = file, true
		}
		if err == nil {
			err = file.damage
		}
		if err != nil {
			break
		}
		r.last = file
		if e := r.eventControl(eventlog.StatusRedo); e == nil {
			r.events().Report(eventlog.StatusRedo, file.Path(), "", "", r.records)
		}
		var next *logFile
		if next, err = r.nextLog(file); err == nil && next == nil {
			return errors.Join(r.redone(), file.Close())
		}
		if err == nil {
			err = errors.Join(r.progress.nextLog(), file.Close())
			file = next
		}
	}
	return errors.Join(err, file.Close())
}

// firstLog opens the log that replay begins in.
func (r *run) firstLog(st *start) (*logstore.File, logstore.ScanMode, error) {
	mode := logstore.ScanArchive
	switch {
	case r.cfg.Hard != nil:
		mode = logstore.ScanRestoreSet
	case st.current || !r.dir.Current && st.gen == r.dir.Highest():
		mode = logstore.ScanCurrent
	}
	if err := r.askLog(st.path, st.gen, st.current); err != nil {
		return nil, 0, err
	}
	f, err := r.openLog(st.path)
	return f, mode, err
}

// attachList takes up the databases that are attached where replay begins.
func (r *run) attachList(st *start) error {
	for i := range st.attachments {
		e := &st.attachments[i]
		q := attachRequest{id: e.DB, logged: e.Path, attach: e.Attach, consistent: e.Consistent, signDB: e.SignDB,
			signLog: r.signLog, dbtime: e.DBTime, objid: e.ObjIDLast}
		if err := r.attach(&q); err != nil {
			return err
		}
	}
	return nil
}

// checkCreated makes sure that a log is the very one that the headers speak of, and not another of the same
// generation (spec chapter 05, 22.1).
func (r *run) checkCreated(f *logFile) error {
	if r.has(jet.BitReplayIgnoreLostLogs) {
		return nil
	}
	for _, a := range r.dbs {
		if !a.open() {
			continue
		}
		h := a.File.Header()
		if h.GenMaxRequired != f.Header.Gen {
			continue
		}
		want := jet.LogTime{}
		if h.Has(efvRequiredTime) {
			want = h.GenMaxRequiredAt
		}
		if want == (jet.LogTime{}) && h.GenMaxCommitted == h.GenMaxRequired {
			want = h.GenMaxCreatedAt
		}
		if want != (jet.LogTime{}) && want != f.Header.Created {
			r.events().Report(eventlog.RedoHighLogMismatch, a.Path, f.Path(), want.Time(), f.Header.Created.Time())
			return jet.ErrRequiredLogFilesMissing.Errorf("%s needs generation %d of %v, this one is of %v", a.Path, h.GenMaxRequired, want.Time(), f.Header.Created.Time())
		}
	}
	return nil
}

func (r *run) has(bit jet.Grbit) bool { return r.cfg.Grbit&bit != 0 }

func (r *run) now() jet.LogTime { return jet.MakeLogTime(r.cfg.Env.Now()) }

func (r *run) events() *eventlog.Logger { return r.cfg.Events }

func (r *run) versions() *version.Store { return r.cfg.Kernel.Versions }
