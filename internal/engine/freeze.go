package engine

import (
	"errors"

	"esent/internal/jet"
	"esent/internal/logstore"
)

// frozen is what Thaw has to take back; guarded by Instance.attachMu.
type frozen struct {
	thaw  func() error // nil when the instance is not frozen
	files []*Database
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
	i.check.frozen = frozen{thaw: thaw, files: files}
	return pos, nil
}

func unlockPages(files []*Database) {
	for _, d := range files {
		d.file.UnlockRange(0, jet.PgnoSysMax)
	}
}

// Thaw ends what Freeze began. An error has made the log unusable.
func (i *Instance) Thaw() error {
	i.attachMu.Lock()
	defer i.attachMu.Unlock()
	if i.check.frozen.thaw == nil {
		return nil
	}
	files := i.check.frozen.files
	for _, d := range files {
		d.file.Release()
	}
	err := i.check.frozen.thaw()
	unlockPages(files)
	i.check.frozen = frozen{}
	if err != nil {
		return errors.Join(err, i.flushed(err))
	}
	return nil
}
