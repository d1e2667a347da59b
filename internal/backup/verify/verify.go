package verify

import (
	"errors"
	"path"
	"strconv"
	"strings"
	"time"

	"esent/internal/backup"
	"esent/internal/backup/meter"
	"esent/internal/jet"
	"esent/internal/logstore"
	"esent/internal/vfs"
	"esent/internal/vfs/overlay"
)

// Options say what is verified.
type Options struct {
	// Path is the directory of the set, or the one that new and old are in.
	Path string
	// Streamed says that a streaming backup has delivered the set: it has no files that stand for the databases.
	Streamed bool
	// Rehearse has the logs replayed.
	Rehearse bool
	// TempDir is for what the replay changes, as far as it does not fit into Memory bytes (0 for 64 MiB).
	TempDir string
	Memory  int64
	// Report is the file that the result goes to, empty for none.
	Report string
	Watch  meter.Watch
}

// Run verifies a set. The error is the first thing found wrong of which a restore fails, or else the first thing found
// wrong; or what the watcher says, or that the verification could not be done: then there is no report. Errors:
// ErrFileNotFound where there is no set or a log is missing; ErrGivenLogFileHasBadSignature,
// ErrGivenLogFileIsNotContiguous, ErrLogSequenceChecksumMismatch, ErrLogCorruptDuringHardRestore,
// ErrLogTornWriteDuringHardRestore and those of logstore.OpenFile for logs; ErrPatchFileMissing,
// ErrAttachedDatabaseMismatch, those of Set.CheckCopy, ErrBadBackupDatabaseSize and ErrReadVerifyFailure for copies; with
// a rehearsal also those of recovery and of check.Kind.
func Run(env *vfs.Env, opt Options) (*Report, error) {
	v := &run{env: env, opt: opt}
	watch := opt.Watch
	if watch != nil {
		watch = func(p meter.Position) error {
			v.stopped = opt.Watch(p)
			return v.stopped
		}
	}
	v.meter = meter.New(env.Now, watch)
	v.report = &Report{Version: SchemaVersion, Path: opt.Path, Level: LevelFiles, Started: env.Now().UTC(),
		Logs: []*Log{}, Databases: []*Database{}, Faults: []Fault{}}
	if opt.Rehearse {
		v.report.Level = LevelRehearsal
	}
	v.crew = newCrew(env.Sched, v.meter)
	defer v.crew.stop()
	err := v.do()
	if v.over != nil {
		err = errors.Join(err, v.over.Close())
	}
	if err != nil {
		return nil, err
	}
	v.report.finish(env.Now())
	if opt.Report != "" {
		if err := v.report.write(env, opt.Report); err != nil {
			return v.report, err
		}
	}
	return v.report, v.report.err()
}

// run is one verification.
type run struct {
	env    *vfs.Env
	opt    Options
	meter  *meter.Meter
	crew   *crew
	report *Report
	// over is the overlay, nil as long as none is needed.
	over *overlay.FS
	// stopped is what the watcher has said last.
	stopped error

	set    *backup.Set
	copies []*dbCopy
	logs   int64 // bytes
}

// do gives an error only when the work cannot go on: what is wrong with the set goes to the report.
func (v *run) do() error {
	abs, err := v.env.FS.Abs(v.opt.Path)
	if err != nil {
		return jet.ErrInvalidPath.Errorf("%s: %v", v.opt.Path, err)
	}
	v.report.Path = abs
	naming, err := v.naming(abs)
	if err != nil {
		return err
	}
	v.set, err = backup.FindSet(v.env.FS, abs, naming)
	if jet.CodeOf(err) == jet.ErrFileNotFound {
		v.report.fault("", 0, err, false)
		return nil
	}
	if err != nil {
		return err
	}
	v.report.Set = v.set.Dir
	if ok, err := v.assemble(); !ok {
		return err
	}
	if err := v.findCopies(); err != nil {
		return err
	}
	if err := v.expect(); err != nil {
		return err
	}
	if err := v.checkLogs(); err != nil {
		return err
	}
	if err := v.checkCopies(); err != nil {
		return err
	}
	if v.opt.Rehearse {
		return v.rehearse()
	}
	return nil
}

// naming finds out how the logs are called: a set tells of its base name by their names alone.
func (v *run) naming(dir string) (logstore.Naming, error) {
	n := logstore.NewNaming("edb", 1)
	for _, sub := range []string{"", "new", "old"} {
		entries, err := v.env.FS.ReadDir(path.Join(dir, sub))
		if err != nil {
			if sub == "" && jet.CodeOf(err) != jet.ErrInvalidPath {
				return n, err
			}
			continue
		}
		for _, e := range entries {
			if base, ok := logBase(e.Name); ok && !e.IsDir {
				n.Base = base
				return n, nil
			}
		}
	}
	return n, nil
}

// baseLen is the length of a log stream's base name.
const baseLen = 3

// logBase takes the base name off the name of a finished log.
func logBase(file string) (base string, ok bool) {
	ext := path.Ext(file)
	if !strings.EqualFold(ext, ".log") && !strings.EqualFold(ext, ".jtx") {
		return "", false
	}
	stem := strings.TrimSuffix(file, ext)
	if n := len(stem) - baseLen; n != 5 && n != 8 {
		return "", false
	}
	_, err := strconv.ParseUint(stem[baseLen:], 16, 32)
	return stem[:baseLen], err == nil
}

// expect tells the meter how much there is to do.
func (v *run) expect() error {
	for _, a := range v.set.Logs.Archives {
		info, err := v.env.FS.Stat(path.Join(v.set.Dir, a.Name))
		if err != nil {
			return err
		}
		v.logs += info.Size
	}
	v.meter.Expect(v.logs, 0)
	for _, c := range v.copies {
		v.meter.Expect(c.Bytes, c.guess)
		if v.opt.Rehearse {
			v.meter.Expect(c.Bytes, c.guess)
		}
	}
	if v.opt.Rehearse {
		v.meter.Expect(v.logs, 0)
	}
	return nil
}

// moment is a time of a log or a copy as the report has it, nil when there is none.
func moment(t jet.LogTime) *time.Time {
	if t == (jet.LogTime{}) {
		return nil
	}
	m := t.Time().UTC()
	return &m
}
