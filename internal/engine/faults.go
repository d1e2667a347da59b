package engine

import (
	"errors"
	"sync/atomic"
	"time"

	"esent/internal/engine/cache"
	"esent/internal/engine/dbfile"
	"esent/internal/eventlog"
	"esent/internal/jet"
	"esent/internal/vfs"
)

// pageWriteFailed is told of pages that could not be written in the background. They stay in the cache and are tried
// again; what must be on disk, a checkpoint or a detach, fails by itself.
func (i *Instance) pageWriteFailed(db *cache.DB, pgno jet.Pgno, err error) {
	file, ok := db.File.(*dbfile.File)
	if !ok {
		return
	}
	fault, unwritable := errors.AsType[*vfs.Error](err)
	switch {
	case !unwritable && jet.CodeOf(err) != jet.ErrDatabaseCorrupted:
		return // the log or the instance is at fault, which is told elsewhere
	case !i.writeFaults.due(i.env.Now()):
		return
	case !unwritable:
		i.pageCorrupt(file, pgno, "it was to be written", err)
		return
	case fault.Code == jet.ErrDiskFull:
		i.diskFull(file.Path())
	}
	i.report(eventlog.FileWriteError, fault.Path, file.Offset(pgno), file.PageSize(), fault.Code, "", eventlog.ErrorText(err), "")
}

// throttle bounds how often the same trouble is told.
type throttle struct{ last atomic.Int64 } // Unix seconds, 0 for never

// throttlePeriod is how long an event waits for the next of its kind: what fails is tried again all the time.
const throttlePeriod = time.Minute

func (t *throttle) due(now time.Time) bool {
	last := t.last.Load()
	return (last == 0 || now.Unix()-last >= int64(throttlePeriod/time.Second)) && t.last.CompareAndSwap(last, now.Unix())
}

// diskFull tells that the disk has no room for a database.
func (i *Instance) diskFull(path string) {
	if i.fullDisks.due(i.env.Now()) {
		i.report(eventlog.DiskFull, path)
	}
}

// pageReadFailed is told of pages that could not be read. What the check of a page's checksum and number finds is
// told by pageFault. Recovery meets pages of every kind and judges by itself.
func (i *Instance) pageReadFailed(db *cache.DB, pgno jet.Pgno, err error) {
	file, ok := db.File.(*dbfile.File)
	if !ok || i.gate.Load()&gateInitialising != 0 {
		return
	}
	if fault, ok := errors.AsType[*vfs.Error](err); ok {
		i.report(eventlog.FileReadError, fault.Path, file.Offset(pgno), file.PageSize(), fault.Code, "", eventlog.ErrorText(err), "")
		return
	}
	switch jet.CodeOf(err) {
	case jet.ErrPageNotInitialized:
		i.report(eventlog.PageDataMissing, file.Path(), file.Offset(pgno), file.PageSize(), err, uint32(pgno))
	case jet.ErrDatabaseCorrupted:
		i.pageCorrupt(file, pgno, "it was read", err)
	}
}

// pageCorrupt tells of a page that is as it was written, but is none.
func (i *Instance) pageCorrupt(file *dbfile.File, pgno jet.Pgno, when string, err error) {
	i.report(eventlog.PageLogicallyCorrupt, file.Path(), uint32(pgno), "", when, err.Error())
}
