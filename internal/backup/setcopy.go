package backup

import (
	"esent/internal/engine/dbfile"
	"esent/internal/eventlog"
	"esent/internal/jet"
	"esent/internal/vfs"
)

// OpenCopy opens the copy of a database; one whose headers are both bad gives ErrDatabaseCorrupted.
func OpenCopy(env *vfs.Env, file string, readOnly bool) (*dbfile.File, error) {
	f, err := dbfile.Open(env, file, dbfile.Options{ReadOnly: readOnly})
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

// CheckCopy makes sure that a file is a backup copy that the logs of the set fit (spec chapter 06, 11.4), as far as their
// headers were read. It gives the page that the trailer is in, PgnoNull when it is merged into the header already.
func (s *Set) CheckCopy(f *dbfile.File, events *eventlog.Logger) (trailer jet.Pgno, err error) {
	trailer, need, err := s.needs(f, events)
	if err != nil {
		return 0, err
	}
	return trailer, s.checkRange(need, events)
}

// needs gives the page of the trailer, as CheckCopy does, and what the copy says of its backup: the logs that it needs.
func (s *Set) needs(f *dbfile.File, events *eventlog.Logger) (trailer jet.Pgno, need jet.BackupInfo, err error) {
	h := f.Header()
	if h.FullCur.GenLow == 0 {
		return 0, need, jet.ErrRestoreOfNonBackupDatabase.Errorf("%s", f.Path())
	}
	if h.FullCur.GenHigh != 0 {
		return jet.PgnoNull, h.FullCur, nil
	}
	last, err := f.Pages()
	if err != nil {
		return 0, need, err
	}
	if last == jet.PgnoNull {
		return 0, need, jet.ErrDatabaseCorrupted.Errorf("%s has no pages", f.Path())
	}
	page := make([]byte, f.PageSize())
	if err := f.ReadRaw(last, page); err != nil {
		return 0, need, err
	}
	t, err := dbfile.DecodeTrailer(page)
	if err != nil {
		return 0, need, jet.ErrBadPatchPage.Errorf("%s: page %d", f.Path(), last)
	}
	err = t.Matches(&h)
	if err == nil && s.Last != nil && t.SignLog != s.Last.SignLog {
		err = jet.ErrDatabasePatchFileMismatch
	}
	if err != nil {
		events.Report(eventlog.DatabasePatchFileMismatch, f.Path())
		return 0, need, jet.ErrDatabasePatchFileMismatch.Errorf("%s", f.Path())
	}
	return last, t.Backup, nil
}

// checkRange makes sure that the set has all logs that the copy needs.
func (s *Set) checkRange(need jet.BackupInfo, events *eventlog.Logger) error {
	log := func(gen uint32) string { return s.LogPath(int32(gen)) }
	low, high := uint32(s.GenLow), uint32(s.GenHigh)
	switch {
	case need.GenLow < low:
		events.Report(eventlog.StartingRestoreLogTooHigh, log(low), log(need.GenLow))
		return jet.ErrStartingRestoreLogTooHigh.Errorf("the set begins with generation %d, %d is needed", low, need.GenLow)
	case need.GenHigh > high:
		events.Report(eventlog.EndingRestoreLogTooLow, log(high), log(need.GenHigh))
		return jet.ErrEndingRestoreLogTooLow.Errorf("the set ends with generation %d, %d is needed", high, need.GenHigh)
	}
	return nil
}

// PatchCopy checks a copy, tells in its header which logs redo needs, all those of the set, and takes the trailer away.
// Redo may follow even if a crash separates the two.
func (s *Set) PatchCopy(f *dbfile.File, events *eventlog.Logger) error {
	return s.patchCopy(f, events, false)
}

// patchCopy is PatchCopy. early says that redo may end when it has the logs without which the copy is none.
func (s *Set) patchCopy(f *dbfile.File, events *eventlog.Logger, early bool) error {
	trailer, need, err := s.needs(f, events)
	if err == nil {
		err = s.checkRange(need, events)
	}
	if err != nil {
		return err
	}
	high := s.GenHigh
	if early {
		high = int32(need.GenHigh)
	}
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
