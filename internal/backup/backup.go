package backup

import (
	"io"

	"esent/internal/backup/meter"
	"esent/internal/backup/stream"
	"esent/internal/jet"
)

// BitBackupBlocks asks for a block increment (ESENT_bitBackupBlocks).
const BitBackupBlocks jet.Grbit = 0x10000

// Options say what kind of backup is made, and where to.
type Options struct {
	// Dir is the directory of the set. Empty without a Stream, logs are deleted that are no longer needed, and nothing
	// is copied.
	Dir string
	// Grbit is a set of JET_bitBackupIncremental and JET_bitBackupAtomic, or of BitBackupBlocks and JET_bitBackupAtomic.
	Grbit jet.Grbit
	// Stream takes a full backup in place of Dir (package stream), compressed by Level. It is called by the caller's
	// goroutine.
	Stream io.Writer
	Level  int
	// BytesPerSecond limits how fast is read, 0 for no limit.
	BytesPerSecond int64
	// Watch is told of the progress by the caller's goroutine, for each hundredth and each meter.Interval, also
	// while the backup waits. Its error ends the backup, as long as the set is not complete; then all is taken back. A
	// sync that is under way comes to its end first.
	Watch meter.Watch

	status Status
	jet    bool // without what JetBackup does not have
}

// Backup is Make as JetBackupInstance does it.
func (s *Service) Backup(e Engine, dir string, grbit jet.Grbit, status Status) error {
	return s.Make(e, Options{Dir: dir, Grbit: grbit, status: status, jet: true})
}

// Make makes a backup of the running instance (spec chapter 06, 5). On failure the directory is as it was before, and no
// log was deleted.
//
// Errors, in this order: those of Engine.Enter, ErrBackupNotAllowedYet, ErrInvalidPath, ErrLoggingDisabled,
// ErrLogWriteFail, ErrInvalidGrbit, ErrInvalidParameter, ErrInvalidBackup, ErrLogDiskFull, ErrLogSequenceEnd,
// ErrBackupInProgress, ErrMissingFullBackup; then those of the directory or the stream and of the files,
// ErrBackupAbortByServer or ErrTermInProgress when it was stopped, and what Watch says.
func (s *Service) Make(e Engine, o Options) error {
	if err := enter(e); err != nil {
		return err
	}
	defer e.Leave()
	if o.Dir != "" {
		abs, err := e.Env().FS.Abs(o.Dir)
		if err != nil {
			return jet.ErrInvalidPath.Errorf("%s: %v", o.Dir, err)
		}
		o.Dir = abs
	}
	if err := beginnable(e); err != nil {
		return err
	}
	if err := o.check(); err != nil {
		return err
	}
	j := &job{progress: progress{status: o.status}}
	w := o.Watch
	if w == nil && o.status != nil {
		w = j.progress.watch
	}
	var err error
	if j.session, err = s.begin(e, o.Grbit&jet.BitBackupIncremental, w); err != nil {
		return err
	}
	if o.Dir == "" && o.Stream == nil {
		return j.truncateOnly()
	}
	if err := j.open(&o); err != nil {
		j.end(errAbortedByCaller, 0)
		return err
	}
	return j.run()
}

// check refuses options that say nothing, or too much.
func (o *Options) check() error {
	switch {
	case o.Grbit&^(jet.BitBackupIncremental|jet.BitBackupAtomic|BitBackupBlocks) != 0,
		o.Grbit&BitBackupBlocks != 0 && (o.jet || o.Grbit&jet.BitBackupIncremental != 0):
		return jet.ErrInvalidGrbit
	case o.Stream != nil && o.Grbit != 0:
		return jet.ErrInvalidGrbit.Errorf("a stream has a full backup")
	case o.Stream != nil && o.Dir != "" || o.Grbit&BitBackupBlocks != 0 && o.Dir == "" || o.BytesPerSecond < 0 || o.Level < stream.LevelNone || o.Level > stream.LevelMost:
		return jet.ErrInvalidParameter
	}
	return nil
}

// open finds out where the set goes.
func (j *job) open(o *Options) error {
	env := j.e.Env()
	j.throttle = throttle{rate: o.BytesPerSecond, now: env.Now, sleep: j.rest}
	if o.Stream != nil {
		w, err := stream.NewWriter(o.Stream, o.Level)
		j.sink = &streamSink{w: w}
		return err
	}
	t := target{fs: env.FS, sched: env.Sched, events: j.e.Events(), during: j.during, root: o.Dir, full: j.full,
		atomic: o.Grbit&jet.BitBackupAtomic != 0}
	if o.Grbit&BitBackupBlocks != 0 {
		j.sink = &blockSink{target: t}
		return nil
	}
	j.sink = &t
	return nil
}

// enter begins a call that starts a backup.
func enter(e Engine) error {
	if err := e.Enter(); err != nil {
		return err
	}
	if !e.BackupAllowed() {
		e.Leave()
		return jet.ErrBackupNotAllowedYet
	}
	return nil
}

// truncateOnly deletes the logs that crash recovery does not need (spec chapter 06, 5.10). No header is stamped: the
// next incremental backup may find that logs are missing.
func (b *session) truncateOnly() error {
	b.deleteMac = b.e.Checkpoint().Pos.Gen()
	b.deleteMic = b.deleteMac
	if logs, err := b.findLogs(); err == nil && !b.e.Log().Circular() && logs.Lowest() != 0 {
		b.deleteMic = min(logs.Lowest(), b.deleteMac)
	}
	err := b.stopped()
	if err == nil {
		err = b.truncate(false)
	}
	if err != nil {
		b.end(errAbortedByCaller, 0)
		return err
	}
	b.end(nil, jet.BitBackupNoDbHeaderUpdate)
	return nil
}
