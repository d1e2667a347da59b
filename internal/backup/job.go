package backup

import (
	"errors"
	"path"
	"strings"
	"sync"
	"time"

	"esent/internal/backup/meter"
	"esent/internal/eventlog"
	"esent/internal/jet"
	"esent/internal/logstore"
	"esent/internal/vfs"
)

// job is one JetBackup with a directory, or one into a stream.
type job struct {
	*session
	sink       sink
	progress   progress
	throttle   throttle
	pipe       *pipeline
	background background
}

// run does the whole backup that was begun.
func (j *job) run() error {
	sched := j.e.Env().Sched
	j.pipe = newPipeline(sched)
	j.pipe.pulse, j.pipe.sleep = j.pulse, j.rest
	j.background.task = sched.NewTask("backup work", j.background.run)
	err := j.make()
	j.pipe.stop()
	j.background.task.Stop()
	if err != nil {
		err = errors.Join(err, j.sink.undo())
		if !j.over {
			j.end(errAbortedByCaller, 0)
		}
		return err
	}
	j.sink.finish()
	j.deleteLogs()
	j.progress.complete()
	j.end(nil, 0)
	return nil
}

// make brings the complete set into its place.
func (j *job) make() error {
	if err := j.sink.prepare(j.e.CreatesPaths()); err != nil {
		return err
	}
	if !j.full {
		if err := j.sink.accept(j, nil); err != nil {
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
		if err := j.sink.accept(j, databases); err != nil {
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
	if err := j.meter.Enter(meter.Finish, ""); err != nil {
		return err
	}
	if err := j.addPatchFiles(databases); err != nil {
		return err
	}
	if err := j.stopped(); err != nil {
		return err
	}
	return j.sink.promote()
}

// pulse says whether the backup may go on, and tells who watches of it.
func (j *job) pulse() error {
	if err := j.stopped(); err != nil {
		return err
	}
	return j.meter.Pulse()
}

// rest spends a pause.
func (j *job) rest(d time.Duration) error {
	for ; d > 0; d -= pollStep {
		if err := j.pulse(); err != nil {
			return err
		}
		j.svc.Sleep(min(d, pollStep))
	}
	return j.pulse()
}

// background is work that takes long and cannot be divided, done by a task while the caller's thread tells of the
// progress.
type background struct {
	task vfs.Task

	mu   sync.Mutex
	work func() error // nil when there is none
	err  error
}

func (b *background) run() {
	b.mu.Lock()
	work := b.work
	b.mu.Unlock()
	if work == nil {
		return
	}
	err := work()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.work, b.err = nil, err
}

// busy says that the work is not done.
func (b *background) busy() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.work != nil
}

// during does work and tells of the progress meanwhile. Work that has begun comes to its end, also when the backup is
// stopped; then why it was is the error.
func (j *job) during(work func() error) error {
	return j.background.do(work, j.pulse)
}

// do does work, and calls pulse every now and then meanwhile. Its error does not end the work, but is the result.
func (b *background) do(work, pulse func() error) error {
	b.mu.Lock()
	b.work, b.err = work, nil
	b.mu.Unlock()
	b.task.Kick()
	var stop error
	for b.busy() {
		b.task.WaitFor(pollStep)
		if stop == nil {
			stop = pulse()
		}
	}
	if stop != nil {
		return stop
	}
	return b.err
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

// expect estimates how much there is to be copied.
func (j *job) expect(databases []Database) error {
	if err := j.expectDatabases(databases); err != nil {
		return err
	}
	first := j.copyMic
	if !j.full {
		logs, err := j.findLogs()
		if err != nil {
			return err
		}
		first = logs.Lowest()
	}
	if first == 0 {
		first = j.e.Log().EndPos().Gen()
	}
	j.expectLogs(first)
	return nil
}

func (j *job) copyDatabase(d Database) error {
	f, err := j.openDatabase(d.Path())
	if err != nil {
		return err
	}
	page := int64(d.File().PageSize())
	o, err := j.sink.create(path.Base(d.Path()), f.size)
	if err == nil {
		err = j.copy(f, o, j.throttle.window(windowPages*page, page))
	}
	return errors.Join(err, j.closeFile())
}

// copy brings all of the open file to o, which it closes.
func (j *job) copy(f *openFile, o setFile, window int64) error {
	err := j.meter.Enter(f.phase(), f.path)
	if err != nil {
		return errors.Join(err, o.close())
	}
	j.pipe.begin(int(min(window, f.size)), j.read)
	defer j.pipe.end()
	for off := int64(0); ; {
		p, err := j.pipe.next()
		if err == nil && len(p) == 0 {
			return o.finish()
		}
		if err == nil {
			err = o.write(p)
		}
		n := int64(len(p))
		if err == nil {
			err = j.meter.Add(n, f.pagesAt(off+n)-f.pagesAt(off))
		}
		if err == nil {
			err = j.throttle.pass(n)
		}
		if err != nil {
			return errors.Join(err, o.close())
		}
		off += n
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
		o, err := j.sink.createLog(baseName(f.path), f.size)
		if err == nil {
			err = j.copy(f, o, j.throttle.window(logWindow, logstore.SegmentSize))
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
	if err := j.sink.complete(); err != nil {
		return err
	}
	for _, d := range databases {
		o, err := j.sink.create(patchName(path.Base(d.Path())), 0)
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
