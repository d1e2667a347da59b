package engine

import (
	"errors"
	"sync"

	"esent/internal/jet"
	"esent/internal/logstore"
)

// frozen is what Thaw has to take back. It has a lock of its own: who holds Instance.attachMu may be waiting for the
// log, and so for Thaw.
type frozen struct {
	mu    sync.Mutex
	thaw  func() error // nil when the instance is not frozen
	files []*Database
}

func (f *frozen) is() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.thaw != nil
}

// Freeze holds the files of the logs, the checkpoint and the databases still, for a copy of the disk (spec chapter 06,
// 10.2), until Thaw. rec is the last record of the log, or the first of its next generation, of which it gives the
// position. A backup has begun, so that no databases come and go. Errors: those of the log.
func (i *Instance) Freeze(rec logstore.Record) (jet.LogPos, error) {
	i.attachMu.Lock() // the checkpoint is not moving
	defer i.attachMu.Unlock()
	files := i.attached()
	// First the pages: those on their way to the disk may be waiting for the log.
	for _, d := range files {
		d.file.LockRange(0, jet.PgnoSysMax)
	}
	pos, thaw, err := i.log.Freeze(rec.Append(nil))
	if err != nil {
		unlockPages(files)
		if i.log.Err() == nil {
			return 0, err
		}
		return 0, i.flushed(err)
	}
	// Last the headers, which the log writes to when a generation begins.
	for _, d := range files {
		d.file.Hold()
	}
	f := &i.check.frozen
	f.mu.Lock()
	defer f.mu.Unlock()
	f.thaw, f.files = thaw, files
	return pos, nil
}

func unlockPages(files []*Database) {
	for _, d := range files {
		d.file.UnlockRange(0, jet.PgnoSysMax)
	}
}

// Thaw ends what Freeze began. An error has made the log unusable.
func (i *Instance) Thaw() error {
	f := &i.check.frozen
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.thaw == nil {
		return nil
	}
	for _, d := range f.files {
		d.file.Release()
	}
	err := f.thaw()
	unlockPages(f.files)
	f.thaw, f.files = nil, nil
	if err != nil {
		return errors.Join(err, i.flushed(err))
	}
	return nil
}
