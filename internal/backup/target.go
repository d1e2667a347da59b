package backup

import (
	"errors"
	"path"
	"slices"
	"strings"

	"esent/internal/backup/blocks"
	"esent/internal/eventlog"
	"esent/internal/jet"
	"esent/internal/logstore"
	"esent/internal/vfs"
)

// Names in a backup directory (spec chapter 06, 3.7).
const (
	tempDir  = "temp"
	newDir   = "new"
	oldDir   = "old"
	patchExt = ".pat"
	// partial is behind the name of a log that is not yet part of the set.
	partial = ".tmp~"
)

// target is the directory that a set is written to, and what a failure has to take back.
//
// At every instant a complete set can be restored, once one was there. A full atomic backup is written to `temp`
// and takes the place of the previous set by two renames, `new` to `old` and `temp` to `new`; restore looks into
// `new` and then into `old`. An incremental backup gives its logs their names when all are complete, oldest
// first, so that the set has no hole. Each step is durable before the next one begins (spec chapter 06, 5.4, "our
// order", and 5.13).
type target struct {
	fs     vfs.FS
	sched  vfs.Scheduler
	events *eventlog.Logger
	during func(func() error) error // see output
	root   string                   // the directory that the user has given
	dir    string                   // where the files of the set go
	full   bool
	atomic bool

	parents []string // directories on the way to root that this call has made, outermost first
	made    []string // files in dir that this call has made, under the names that they have now
	logs    []string // names of logs that are complete under their partial names
	hasTemp bool     // this call has made temp
	hadNew  bool     // new was renamed to old
}

// prepare finds or makes the directory of the set (spec chapter 06, 5.4).
func (t *target) prepare(createPath bool) error {
	if err := t.findRoot(createPath); err != nil {
		return err
	}
	if err := t.removeDir(t.in(tempDir)); err != nil {
		return err
	}
	switch {
	case t.full && t.atomic:
		return t.prepareAtomic()
	case t.full:
		return t.prepareEmpty()
	case t.atomic:
		return t.findAtomicSet()
	}
	return t.findPlainSet()
}

func (t *target) in(name string) string { return path.Join(t.root, name) }

// findRoot sees to it that the directory is there.
func (t *target) findRoot(create bool) error {
	info, err := t.fs.Stat(t.root)
	switch {
	case err == nil && info.IsDir:
		return nil
	case err == nil || !create:
		return jet.ErrInvalidPath.Errorf("%s is no directory", t.root)
	}
	t.parents, err = vfs.MakePath(t.fs, t.root)
	return err
}

func (t *target) prepareAtomic() error {
	hasNew, err := t.isDir(newDir)
	if err != nil {
		return err
	}
	hasOld, err := t.isDir(oldDir)
	if err != nil {
		return err
	}
	if hasNew && hasOld { // a crash has left old
		if err := t.removeDir(t.in(oldDir)); err != nil {
			return err
		}
	}
	t.dir = t.in(tempDir)
	if err := t.fs.Mkdir(t.dir); err != nil {
		return jet.ErrMakeBackupDirectoryFail.Errorf("%v", err)
	}
	t.hasTemp = true
	return nil
}

// isDir says that there is a directory of that name. A file in its place makes the set impossible.
func (t *target) isDir(name string) (bool, error) {
	info, err := t.fs.Stat(t.in(name))
	switch {
	case absent(err):
		return false, nil
	case err == nil && !info.IsDir:
		err = jet.ErrMakeBackupDirectoryFail.Errorf("%s is a file", t.in(name))
	}
	return err == nil, err
}

// prepareEmpty makes sure that the directory holds nothing.
func (t *target) prepareEmpty() error {
	t.dir = t.root
	entries, err := t.fs.ReadDir(t.root)
	if err == nil && len(entries) > 0 {
		err = jet.ErrBackupDirectoryNotEmpty.Errorf("%s holds %s", t.root, entries[0].Name)
	}
	return err
}

// continueBlocks makes the last block increment of the set, if it has one, what logs are added to.
func (t *target) continueBlocks() error {
	chain, err := blocks.Chain(t.fs, t.dir)
	if err == nil && len(chain) > 0 {
		t.dir = chain[len(chain)-1].Dir
	}
	return err
}

// findAtomicSet finds the set that logs are to be added to.
func (t *target) findAtomicSet() error {
	for _, name := range []string{newDir, oldDir} {
		if ok, err := t.isDir(name); ok || err != nil {
			t.dir = t.in(name)
			return err
		}
	}
	return jet.ErrMissingFullBackup.Errorf("%s holds no set", t.root)
}

func (t *target) findPlainSet() error {
	t.dir = t.root
	entries, err := t.fs.ReadDir(t.root)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.EqualFold(e.Name, newDir) || strings.EqualFold(e.Name, oldDir) {
			return jet.ErrBackupDirectoryNotEmpty.Errorf("%s holds %s, an atomic set", t.root, e.Name)
		}
	}
	return nil
}

// accept makes sure that the logs continue the set in the directory, where logs are to be added to it.
func (t *target) accept(j *job, _ []Database) error {
	if t.full {
		return nil
	}
	if err := t.continueBlocks(); err != nil {
		return err
	}
	logs, err := j.findLogs()
	if err != nil {
		return err
	}
	lowest := logs.Lowest()
	if lowest == 0 {
		lowest = j.e.Log().EndPos().Gen()
	}
	return t.checkSet(j.naming, j.e.Log().SignLog(), lowest)
}

// checkSet makes sure that the logs from generation lowest on continue the set in the directory. It removes what a
// crash has left of logs that were being added.
func (t *target) checkSet(naming logstore.Naming, sign jet.Signature, lowest int32) error {
	entries, err := t.fs.ReadDir(t.dir)
	if err != nil {
		return err
	}
	databases := false
	for _, e := range entries {
		if e.IsDir {
			continue
		}
		if strings.EqualFold(path.Ext(e.Name), patchExt) {
			databases = true
		}
		if base, ok := strings.CutSuffix(e.Name, partial); ok {
			if _, ok := naming.ParseArchive(base); ok {
				if err := t.remove(path.Join(t.dir, e.Name)); err != nil {
					return err
				}
			}
		}
	}
	logs, err := logstore.FindLogs(t.fs, t.dir, naming)
	if err != nil {
		return err
	}
	if !databases || logs.Highest() == 0 {
		return jet.ErrMissingFullBackup.Errorf("%s holds no full backup", t.dir)
	}
	if lowest > logs.Highest()+1 {
		return jet.ErrInvalidLogSequence.Errorf("the set ends with generation %d, the logs begin with %d", logs.Highest(), lowest)
	}
	name, _ := logs.Find(logs.Highest())
	h, err := logstore.ReadHeader(t.fs, path.Join(t.dir, name))
	if err == nil && h.SignLog != sign {
		err = jet.ErrInvalidLogSequence.Errorf("the set in %s is of another log sequence", t.dir)
	}
	return err
}

// create makes a file of the set that will have size bytes.
func (t *target) create(name string, size int64) (setFile, error) {
	f, err := t.createFile(name)
	if err != nil {
		return nil, err
	}
	return &output{sched: t.sched, file: f, size: size, during: t.during}, nil
}

func (t *target) createFile(name string) (vfs.File, error) {
	file := path.Join(t.dir, name)
	f, err := t.fs.Open(file, vfs.Create)
	if err == nil {
		t.made = append(t.made, file)
	}
	return f, err
}

// createLog makes a log of the set. In an incremental backup it gets its name only at the end, and nothing is
// written at all if the set has the very same log already.
func (t *target) createLog(name string, size int64) (setFile, error) {
	if t.full {
		return t.create(name, size)
	}
	o := &output{sched: t.sched, size: size, during: t.during, replace: func() (vfs.File, error) {
		f, err := t.createFile(name + partial)
		if err == nil {
			t.logs = append(t.logs, name)
		}
		return f, err
	}}
	present, err := t.fs.Open(path.Join(t.dir, name), vfs.ReadOnly)
	if err == nil {
		var have int64
		if have, err = present.Size(); err == nil && have == size {
			o.present = present
			return o, nil
		}
		err = errors.Join(err, present.Close())
	} else if absent(err) {
		err = nil
	}
	if err == nil {
		o.file, err = o.replace()
	}
	return o, err
}

// complete makes the names of the files durable.
func (t *target) complete() error { return t.fs.SyncDir(t.dir) }

// promote makes the files part of the set, durably. Until it has succeeded undo takes everything back.
func (t *target) promote() error {
	if err := t.fs.SyncDir(t.dir); err != nil {
		return err
	}
	switch {
	case !t.full:
		return t.nameLogs()
	case t.atomic:
		return t.replaceSet()
	}
	return nil
}

// nameLogs gives the logs of an incremental backup their names. Those that take the place of another file are
// not taken back by undo: they have the same content, unless what was there was damaged.
func (t *target) nameLogs() error {
	for _, name := range t.logs {
		from, to := path.Join(t.dir, name+partial), path.Join(t.dir, name)
		replaces, err := vfs.Exists(t.fs, to)
		if err != nil {
			return err
		}
		if err := t.fs.Rename(from, to); err != nil {
			return err
		}
		t.forget(from)
		if !replaces {
			t.made = append(t.made, to)
		}
		if err := t.fs.SyncDir(t.dir); err != nil {
			return err
		}
	}
	return nil
}

func (t *target) forget(file string) {
	t.made = slices.DeleteFunc(t.made, func(f string) bool { return f == file })
}

// replaceSet makes temp the set in place of the previous one.
func (t *target) replaceSet() error {
	if err := t.fs.SyncDir(t.root); err != nil {
		return err
	}
	hasNew, err := t.isDir(newDir)
	if err != nil {
		return err
	}
	if hasNew {
		if err := t.fs.Rename(t.in(newDir), t.in(oldDir)); err != nil {
			return err
		}
		t.hadNew = true
		if err := t.fs.SyncDir(t.root); err != nil {
			return err
		}
	}
	if err := t.fs.Rename(t.in(tempDir), t.in(newDir)); err != nil {
		return err
	}
	if err := t.fs.SyncDir(t.root); err != nil {
		return errors.Join(err, t.fs.Rename(t.in(newDir), t.in(tempDir)))
	}
	t.hasTemp = false
	t.dir = t.in(newDir)
	return nil
}

// finish removes the set that was replaced. The new one is complete whatever happens: failures are reported.
func (t *target) finish() {
	if !t.full || !t.atomic {
		return
	}
	if err := t.removeDir(t.in(oldDir)); err != nil {
		t.events.Report(eventlog.DeleteFileError, t.in(oldDir), err, "", eventlog.ErrorText(err))
	}
}

// undo puts the directory back as it was.
func (t *target) undo() error {
	var errs []error
	for i := len(t.made) - 1; i >= 0; i-- {
		if err := t.fs.Remove(t.made[i]); err != nil && !absent(err) {
			errs = append(errs, err)
		}
	}
	if len(t.made) > 0 {
		errs = append(errs, t.fs.SyncDir(t.dir))
	}
	if t.hadNew {
		errs = append(errs, t.fs.Rename(t.in(oldDir), t.in(newDir)))
	}
	if t.hasTemp {
		errs = append(errs, t.removeDir(t.in(tempDir)))
	}
	if t.hadNew || t.hasTemp {
		errs = append(errs, t.fs.SyncDir(t.root))
	}
	for i := len(t.parents) - 1; i >= 0; i-- {
		if err := t.fs.RemoveDir(t.parents[i]); err != nil && !absent(err) {
			break // somebody has put something there
		}
	}
	return errors.Join(errs...)
}

// removeDir removes a directory with the files and block increments in it, if it is there; one that has other
// directories in it stays.
func (t *target) removeDir(dir string) error {
	entries, err := t.fs.ReadDir(dir)
	if err != nil {
		if absent(err) {
			return nil
		}
		return jet.ErrDeleteBackupFileFail.Errorf("%v", err)
	}
	for _, e := range entries {
		remove := t.remove
		if blocks.IsDir(e) {
			remove = t.removeDir
		}
		if err := remove(path.Join(dir, e.Name)); err != nil {
			return err
		}
	}
	err = t.fs.RemoveDir(dir)
	if err == nil {
		err = t.fs.SyncDir(path.Dir(dir))
	}
	if err != nil {
		return jet.ErrDeleteBackupFileFail.Errorf("%v", err)
	}
	return nil
}

func (t *target) remove(file string) error {
	if err := t.fs.Remove(file); err != nil && !absent(err) {
		return jet.ErrDeleteBackupFileFail.Errorf("%v", err)
	}
	return nil
}

// absent says that a path names nothing.
func absent(err error) bool {
	code := jet.CodeOf(err)
	return code == jet.ErrFileNotFound || code == jet.ErrInvalidPath
}
