package backup

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"esent/internal/backup/meter"
	"esent/internal/eventlog"
	"esent/internal/jet"
	"esent/internal/logstore"
)

// source delivers the image of one file, as it is to lie in the backup set, from its start to its end.
type source interface {
	// read fills p as far as there is something, and gives 0 behind the end. len(p) is at least room().
	read(p []byte) (int, error)
	// room is the least that the next read must have room for.
	room() int
	close() error
}

// openFile is the file that a backup reads.
type openFile struct {
	source
	path       string
	size, done int64
	database   Database // nil for a log
	gen        int32    // of a log
}

// atEnd says that the file was read to its end.
func (f *openFile) atEnd() bool { return f.done == f.size }

// phase is what is being done while the file is read.
func (f *openFile) phase() meter.Phase {
	if f.database != nil {
		return meter.Databases
	}
	return meter.Logs
}

// pagesAt is how many of a database's pages come before an offset in its copy; none of a log.
func (f *openFile) pagesAt(off int64) int64 {
	if f.database == nil {
		return 0
	}
	size := int64(f.database.File().PageSize())
	return min(max(off/size-headerPages, 0), f.size/size-headerPages-1)
}

// expectDatabases adds the databases to what is going to be copied.
func (b *session) expectDatabases(databases []Database) error {
	for _, d := range databases {
		last, err := d.LastPage()
		if err != nil {
			return err
		}
		b.meter.Expect((int64(last)+headerPages+1)*int64(d.File().PageSize()), int64(last))
	}
	return nil
}

// expectLogs adds the logs from generation first on to what is going to be copied, with the one that is being written.
func (b *session) expectLogs(first int32) {
	log := b.e.Log()
	current := log.EndPos().Gen()
	if b.copyMac != 0 {
		current = b.copyMac - 1
	}
	b.meter.Expect(int64(current-first+1)*int64(log.Segments())*logstore.SegmentSize, 0)
}

// openDatabase begins to read a database (spec chapter 06, 5.5). Failures leave the backup going on without it.
func (b *session) openDatabase(file string) (*openFile, error) {
	if err := b.stopped(); err != nil {
		return nil, err
	}
	f, err := b.databaseAt(file)
	if err != nil {
		b.report(eventlog.BackupErrorForDatabase, err, file)
		return nil, err
	}
	b.open = f
	b.members[f.database.ID()] = false
	b.report(eventlog.BackupFileStart, f.path, sizeText(f.size))
	return f, nil
}

func (b *session) databaseAt(file string) (*openFile, error) {
	d := b.findDatabase(file)
	switch {
	case d == nil:
		return nil, jet.ErrDatabaseNotFound.Errorf("%s", file)
	case d.Locked():
		return nil, jet.ErrDatabaseLocked.Errorf("%s", file)
	}
	c, err := newDatabaseCopy(b, d)
	if err != nil {
		return nil, err
	}
	return &openFile{source: c, path: d.Path(), size: c.size(), database: d}, nil
}

// findDatabase gives the database that can be backed up under a path, nil for none. An exact name comes before one
// that differs in case.
func (b *session) findDatabase(file string) (found Database) {
	for _, d := range b.loggable() {
		if d.Path() == file {
			return d
		}
		if strings.EqualFold(d.Path(), file) {
			found = d
		}
	}
	return found
}

// sizeText is a file's size as event 220 has it.
func sizeText(n int64) string {
	const kb, mb = 1 << 10, 1 << 20
	if n > mb {
		return fmt.Sprintf("%d Mb", n/mb)
	}
	return fmt.Sprintf("%d Kb", n/kb)
}

// openLog begins to read a finished log (spec chapter 06, 5.8). A failure ends the backup.
func (b *session) openLog(file string) (*openFile, error) {
	if err := b.stopped(); err != nil {
		return nil, err
	}
	f, err := b.logAt(file)
	if err != nil {
		b.fail(err)
		return nil, err
	}
	b.open = f
	return f, nil
}

func (b *session) logAt(file string) (*openFile, error) {
	gen, isLog := b.naming.ParseArchive(baseName(file))
	if !isLog && strings.EqualFold(path.Ext(file), b.naming.LogExt()) {
		return nil, jet.ErrInvalidParameter.Errorf("%s is no finished log", file)
	}
	c, err := openLogCopy(b, file)
	switch {
	case jet.CodeOf(err) == jet.ErrFileNotFound:
		b.report(eventlog.BackupLogFileMissing, file)
		return nil, jet.ErrMissingFileToBackup.Errorf("%s", file)
	case err != nil:
		return nil, err
	case !isLog:
		return nil, errors.Join(jet.ErrInvalidParameter.Errorf("%s is no log", file), c.close())
	}
	return &openFile{source: c, path: file, size: c.size, gen: gen}, nil
}

// baseName is the last part of a path of either system.
func baseName(file string) string { return file[strings.LastIndexAny(file, `/\`)+1:] }

// read delivers the next part of the open file. What is the fault of a database costs the backup that database;
// what is the fault of a log ends it.
func (b *session) read(p []byte) (int, error) {
	if err := b.stopped(); err != nil {
		return 0, err
	}
	f := b.open
	n, err := f.read(p)
	if err == nil {
		f.done += int64(n)
		return n, nil
	}
	switch {
	case isPause(err), isStop(err):
	case f.database != nil:
		delete(b.members, f.database.ID())
		b.report(eventlog.BackupErrorForDatabase, err, f.path)
	default:
		b.report(eventlog.BackupErrorReadFile, err, f.path)
		b.fail(err)
	}
	return 0, err
}

// closeFile ends the reading of the open file, if there still is one, and counts it as copied if it was read to
// its end.
func (b *session) closeFile() error {
	f := b.open
	if f == nil {
		return nil
	}
	b.open = nil
	err := f.close()
	switch {
	case !f.atEnd():
		b.report(eventlog.BackupFileStopBeforeEnd, f.path, f.done, f.size)
		if f.database != nil {
			delete(b.members, f.database.ID())
		}
	case f.database != nil:
		b.report(eventlog.BackupFileStopOK, f.path)
		b.members[f.database.ID()] = true
	case f.gen >= b.copyMic && f.gen < b.copyMac:
		b.genCopyDone += int64(f.gen)
	}
	return err
}

// drop closes the open file silently, at the end of a backup. What was read of it counts for nothing.
func (b *session) drop() {
	if f := b.open; f != nil {
		b.open = nil
		_ = f.close() // it was only read
	}
}

// stopped is why the backup must end now, nil if it need not.
func (b *session) stopped() error { return b.e.BackupStopped() }

func isPause(err error) bool {
	_, ok := err.(pause)
	return ok
}

// isStop says that an error is one of stopped.
func isStop(err error) bool {
	switch jet.CodeOf(err) {
	case jet.ErrTermInProgress, jet.ErrBackupAbortByServer:
		return true
	}
	return false
}
