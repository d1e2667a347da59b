package backup

import (
	"errors"
	"path"

	"esent/internal/engine/dbfile"
	"esent/internal/eventlog"
	"esent/internal/jet"
	"esent/internal/vfs"
)

// restoredFile is a database of the set on its way to its place.
type restoredFile struct {
	r        *restore
	from, to string
}

// bring checks the copy in the set, copies it over what is in its place, and makes it ready for redo. Nothing is
// written when the set cannot be used.
func (c *restoredFile) bring() error {
	if err := c.check(); err != nil {
		return err
	}
	if c.from != c.to {
		if err := c.copy(); err != nil {
			return err
		}
	}
	return c.patch()
}

// check makes sure that the file is a backup copy that the logs of the set fit (spec chapter 06, 11.4).
func (c *restoredFile) check() error {
	f, err := c.open(c.from, true)
	if err != nil {
		return err
	}
	_, err = c.checkCopy(f)
	return errors.Join(err, f.Close())
}

// open opens a copy; one whose headers are both bad gives ErrDatabaseCorrupted.
func (c *restoredFile) open(file string, readOnly bool) (*dbfile.File, error) {
	f, err := dbfile.Open(c.r.Env, file, dbfile.Options{ReadOnly: readOnly})
	if err == nil {
		return f, nil
	}
	switch jet.CodeOf(err) {
	case jet.ErrInvalidDatabaseVersion, jet.ErrDatabase200Format, jet.ErrDatabase400Format, jet.ErrDatabase500Format,
		jet.ErrReadVerifyFailure, jet.ErrFileIOBeyondEOF:
		return nil, jet.ErrDatabaseCorrupted.Errorf("%v", err)
	}
	return nil, err
}

// checkCopy gives the page that the trailer is in, PgnoNull when it is merged into the header already.
func (c *restoredFile) checkCopy(f *dbfile.File) (jet.Pgno, error) {
	h := f.Header()
	if h.FullCur.GenLow == 0 {
		return 0, jet.ErrRestoreOfNonBackupDatabase.Errorf("%s", f.Path())
	}
	if h.FullCur.GenHigh != 0 {
		return jet.PgnoNull, c.checkRange(h.FullCur)
	}
	last, err := f.Pages()
	if err != nil {
		return 0, err
	}
	if last == jet.PgnoNull {
		return 0, jet.ErrDatabaseCorrupted.Errorf("%s has no pages", f.Path())
	}
	page := make([]byte, f.PageSize())
	if err := f.ReadRaw(last, page); err != nil {
		return 0, err
	}
	t, err := dbfile.DecodeTrailer(page)
	if err != nil {
		return 0, jet.ErrBadPatchPage.Errorf("%s: page %d", f.Path(), last)
	}
	err = t.Matches(&h)
	if err == nil && t.SignLog != c.r.set.Last.SignLog {
		err = jet.ErrDatabasePatchFileMismatch
	}
	if err != nil {
		c.r.Events.Report(eventlog.DatabasePatchFileMismatch, f.Path())
		return 0, jet.ErrDatabasePatchFileMismatch.Errorf("%s", f.Path())
	}
	return last, c.checkRange(t.Backup)
}

// checkRange makes sure that the set has all logs that the copy needs.
func (c *restoredFile) checkRange(need jet.BackupInfo) error {
	s := c.r.set
	log := func(gen uint32) string { return s.LogPath(int32(gen)) }
	low, high := uint32(s.GenLow), uint32(s.GenHigh)
	switch {
	case need.GenLow < low:
		c.r.Events.Report(eventlog.StartingRestoreLogTooHigh, log(low), log(need.GenLow))
		return jet.ErrStartingRestoreLogTooHigh.Errorf("the set begins with generation %d, %d is needed", low, need.GenLow)
	case need.GenHigh > high:
		c.r.Events.Report(eventlog.EndingRestoreLogTooLow, log(high), log(need.GenHigh))
		return jet.ErrEndingRestoreLogTooLow.Errorf("the set ends with generation %d, %d is needed", high, need.GenHigh)
	}
	return nil
}

// copy brings the file to its place, over what is there, durably.
func (c *restoredFile) copy() error {
	fsys := c.r.Env.FS
	from, err := fsys.Open(c.from, vfs.ReadOnly)
	if err != nil {
		return err
	}
	size, err := from.Size()
	if err == nil {
		err = c.copyFrom(from, size)
	}
	return errors.Join(err, from.Close())
}

func (c *restoredFile) copyFrom(from vfs.File, size int64) error {
	to, err := c.r.Env.FS.Open(c.to, vfs.CreateTruncate|vfs.Lock)
	if err != nil {
		return err
	}
	o := &output{sched: c.r.Env.Sched, file: to, size: size}
	off := int64(0)
	p := c.r.pipe
	p.begin(copyWindow, func(b []byte) (int, error) {
		n := int(min(int64(len(b)), size-off))
		err := from.ReadAt(b[:n], off)
		off += int64(n)
		return n, err
	})
	defer p.end()
	for {
		b, err := p.next()
		if err == nil && len(b) > 0 {
			err = o.write(b)
		}
		if err != nil {
			return errors.Join(err, o.close())
		}
		if len(b) == 0 {
			break
		}
	}
	if err := o.finish(); err != nil {
		return err
	}
	return c.r.Env.FS.SyncDir(path.Dir(c.to))
}

// copyWindow is how much of a copy is read at once, in bytes.
const copyWindow = 1 << 20

// patch tells in the header which logs redo needs, and takes the trailer away. Redo may follow even if a crash
// separates the two.
func (c *restoredFile) patch() error {
	f, err := c.open(c.to, false)
	if err != nil {
		return err
	}
	return errors.Join(c.patchFile(f), f.Close())
}

func (c *restoredFile) patchFile(f *dbfile.File) error {
	trailer, err := c.checkCopy(f)
	if err != nil {
		return err
	}
	high := c.r.set.GenHigh
	f.UpdateHeader(func(h *dbfile.Header) {
		h.FullCur.GenHigh = uint32(high)
		if high > h.GenMaxCommitted {
			h.GenMaxCommitted, h.GenMaxCreatedAt = high, jet.LogTime{}
		}
		if high > h.GenMaxRequired {
			h.GenMaxRequired, h.GenMaxRequiredAt = high, jet.LogTime{}
		}
	})
	if err := f.WriteHeader(); err != nil {
		return err
	}
	if trailer == jet.PgnoNull {
		return nil
	}
	if err := f.WriteRaw(trailer, make([]byte, f.PageSize())); err != nil {
		return err
	}
	return f.Sync()
}
