package backup

import (
	"errors"
	"path"
	"strings"

	"esent/internal/eventlog"
	"esent/internal/jet"
	"esent/internal/logstore"
	"esent/internal/vfs"
)

// Backup makes a backup of the running instance in the directory dir, or without one only deletes the logs that
// are no longer needed (JetBackupInstance, spec chapter 06, 5). grbit is a set of JET_bitBackupIncremental and
// JET_bitBackupAtomic. On failure the directory is as it was before, and no log was deleted.
//
// Errors, in this order: those of Engine.Enter, ErrBackupNotAllowedYet, ErrInvalidPath, ErrLoggingDisabled,
// ErrLogWriteFail, ErrInvalidGrbit, ErrInvalidBackup, ErrLogDiskFull, ErrLogSequenceEnd, ErrBackupInProgress,
// ErrMissingFullBackup; then those of the directory and of the files, and ErrBackupAbortByServer or
// ErrTermInProgress when it was stopped.
func (s *Service) Backup(e Engine, dir string, grbit jet.Grbit, status Status) error {
	if err := enter(e); err != nil {
		return err
	}
	defer e.Leave()
	if dir != "" {
		abs, err := e.Env().FS.Abs(dir)
		if err != nil {
			return jet.ErrInvalidPath.Errorf("%s: %v", dir, err)
		}
		dir = abs
	}
	if err := beginnable(e); err != nil {
		return err
	}
	if grbit&^(jet.BitBackupIncremental|jet.BitBackupAtomic) != 0 {
		return jet.ErrInvalidGrbit
	}
	b, err := s.begin(e, grbit&jet.BitBackupIncremental)
	if err != nil {
		return err
	}
	if dir == "" {
		return b.truncateOnly()
	}
	j := &job{session: b, fs: e.Env().FS, progress: progress{status: status},
		target: target{fs: e.Env().FS, sched: e.Env().Sched, events: e.Events(), root: dir, full: b.full, atomic: grbit&jet.BitBackupAtomic != 0}}
	return j.run()
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

// job is one JetBackup with a directory.
type job struct {
	*session
	fs       vfs.FS
	target   target
	progress progress
	pipe     *pipeline
}

// run does the whole backup that was begun.
func (j *job) run() error {
	j.pipe = newPipeline(j.e.Env().Sched)
	err := j.make()
	j.pipe.stop()
	if err != nil {
		err = errors.Join(err, j.target.undo())
		if !j.over {
			j.end(errAbortedByCaller, 0)
		}
		return err
	}
	j.target.finish()
	j.deleteLogs()
	j.progress.complete()
	j.end(nil, 0)
	return nil
}

// make brings the complete set into its place.
func (j *job) make() error {
	if err := j.target.prepare(j.e.CreatesPaths()); err != nil {
		return err
	}
	if !j.full {
		if err := j.checkSet(); err != nil {
			return err
		}
	}
	j.progress.begin()
	var databases []Database
	if j.full {
		databases = j.loggable()
		if err := checkNames(databases, j.naming); err != nil {
			return err
		}
	}
	if err := j.expect(databases); err != nil {
		return err
	}
	for _, d := range databases {
		if err := j.copyDatabase(d); err != nil {
			return err
		}
	}
	if err := j.stopped(); err != nil {
		return err
	}
	if err := j.prepareLogs(); err != nil {
		return err
	}
	if err := j.copyLogs(); err != nil {
		return err
	}
	if err := j.addPatchFiles(databases); err != nil {
		return err
	}
	if err := j.stopped(); err != nil {
		return err
	}
	return j.target.promote()
}

// checkSet makes sure that the set in the directory is continued by the logs that there are.
func (j *job) checkSet() error {
	logs, err := j.findLogs()
	if err != nil {
		return err
	}
	lowest := logs.Lowest()
	if lowest == 0 {
		lowest = j.e.Log().EndPos().Gen()
	}
	return j.target.checkSet(j.naming, j.e.Log().SignLog(), lowest)
}

// checkNames makes sure that no two files of a set have one name (spec chapter 06, 15, P10).
func checkNames(databases []Database, naming logstore.Naming) error {
	taken := map[string]bool{}
	for _, d := range databases {
		name := path.Base(d.Path())
		if _, log := naming.ParseArchive(name); log {
			return jet.ErrFileAlreadyExists.Errorf("%s has the name of a log", d.Path())
		}
		for _, n := range []string{name, patchName(name)} {
			n = strings.ToLower(n)
			if taken[n] {
				return jet.ErrFileAlreadyExists.Errorf("two files of the set would be called %s", n)
			}
			taken[n] = true
		}
	}
	return nil
}

// patchName is the name of the empty file that tells restore of a database.
func patchName(database string) string {
	return strings.TrimSuffix(database, path.Ext(database)) + patchExt
}

// expect estimates how many bytes there are to be copied.
func (j *job) expect(databases []Database) error {
	for _, d := range databases {
		last, err := d.LastPage()
		if err != nil {
			return err
		}
		j.progress.total += (int64(last) + headerPages + 1) * int64(d.File().PageSize())
	}
	first := j.copyMic
	if !j.full {
		logs, err := j.findLogs()
		if err != nil {
			return err
		}
		first = logs.Lowest()
	}
	log := j.e.Log()
	current := log.EndPos().Gen()
	if first == 0 {
		first = current
	}
	j.progress.total += int64(current-first+1) * int64(log.Segments()) * logstore.SegmentSize
	return nil
}

func (j *job) copyDatabase(d Database) error {
	f, err := j.openDatabase(d.Path())
	if err != nil {
		return err
	}
	window := min(int64(windowPages*d.File().PageSize()), f.size)
	o, err := j.target.create(path.Base(d.Path()), f.size)
	if err == nil {
		err = j.copy(o, window)
	}
	return errors.Join(err, j.closeFile())
}

// copy brings all of the open file to o, which it closes.
func (j *job) copy(o *output, window int64) error {
	j.pipe.begin(int(window), j.read)
	defer j.pipe.end()
	for {
		p, err := j.pipe.next()
		if err == nil && len(p) == 0 {
			return o.finish()
		}
		if err == nil {
			err = o.write(p)
		}
		if err != nil {
			return errors.Join(err, o.close())
		}
		j.progress.add(int64(len(p)))
	}
}

// logWindow is how much of a log is read at once, in bytes.
const logWindow = windowPages * logstore.SegmentSize

func (j *job) copyLogs() error {
	for gen := j.copyMic; gen < j.copyMac; gen++ {
		f, err := j.openLog(j.archive(gen))
		if err != nil {
			return err
		}
		o, err := j.target.createLog(baseName(f.path), f.size)
		if err == nil {
			err = j.copy(o, min(logWindow, f.size))
		}
		if err = errors.Join(err, j.closeFile()); err != nil {
			return err
		}
	}
	return nil
}

// addPatchFiles adds the files that tell restore of the databases: from then on the set can be restored.
func (j *job) addPatchFiles(databases []Database) error {
	if len(databases) == 0 {
		return nil
	}
	if err := j.fs.SyncDir(j.target.dir); err != nil {
		return err
	}
	for _, d := range databases {
		o, err := j.target.create(patchName(path.Base(d.Path())), 0)
		if err == nil {
			err = o.finish()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// deleteLogs deletes the logs that the set has made superfluous. The set is complete: what cannot be deleted is
// reported, and deleted by the next backup.
func (j *job) deleteLogs() {
	if err := j.truncate(true); err != nil {
		j.report(eventlog.DeleteFileError, j.archive(j.deleteMic), err, "", eventlog.ErrorText(err))
	}
}
