package recovery

import (
	"esent/internal/engine/dbfile"
	"esent/internal/eventlog"
	"esent/internal/jet"
)

// mergeTrailer folds the trailer page of a backup copy into its header, where the application allows recovery
// to work on the copy itself (spec chapter 06, 11.6). Hard recovery has done so before.
func (r *run) mergeTrailer(a *attachment, f *dbfile.File) error {
	h := f.Header()
	if h.FullCur.GenLow == 0 || h.FullCur.GenHigh != 0 || r.cfg.Hard != nil {
		return nil
	}
	c := Control{Kind: ControlError, Default: jet.ErrSoftRecoveryOnBackupDatabase, Path: a.Path}
	if r.has(jet.BitAllowSoftRecoveryOnBackup) || r.has(jet.BitRecoveryWithoutUndo) {
		c.Default = nil
	}
	if err := r.control(&c); err != nil {
		r.events().Report(eventlog.AttachToBackupSetDatabase, a.Path)
		return err
	}
	last, err := f.Pages()
	if err != nil {
		return err
	}
	page := make([]byte, f.PageSize())
	if last == jet.PgnoNull {
		return jet.ErrDatabaseCorrupted.Errorf("%s has no pages", a.Path)
	}
	if err := f.ReadRaw(last, page); err != nil {
		return err
	}
	t, err := dbfile.DecodeTrailer(page)
	if err != nil {
		r.events().Report(eventlog.TrailerPageMissing, a.Path)
		return err
	}
	if err = t.Matches(&h); err == nil && t.Backup.GenHigh == 0 {
		err = jet.ErrDatabasePatchFileMismatch.Errorf("the backup of %s did not end", a.Path)
	}
	if err != nil {
		r.events().Report(eventlog.DatabasePatchFileMismatch, a.Path)
		return err
	}
	f.UpdateHeader(func(h *dbfile.Header) { foldTrailer(h, &t) })
	if err := f.WriteHeader(); err != nil {
		return err
	}
	clear(page)
	return f.WriteRaw(last, page)
}

// foldTrailer gives h what a trailer knows.
func foldTrailer(h *dbfile.Header, t *dbfile.Trailer) {
	orHigh := func(gen int32) int32 {
		if gen == 0 {
			return int32(t.Backup.GenHigh)
		}
		return gen
	}
	h.FullCur.GenHigh = t.Backup.GenHigh
	if t.GenMinRequired != 0 && t.GenMinRequired < h.GenMinRequired {
		h.GenMinRequired = t.GenMinRequired
	}
	if gen := orHigh(t.GenMaxRequired); gen > h.GenMaxRequired {
		h.GenMaxRequired, h.GenMaxRequiredAt = gen, t.GenMaxRequiredAt
	}
	if gen := orHigh(t.GenMaxCommitted); gen > h.GenMaxCommitted {
		h.GenMaxCommitted, h.GenMaxCreatedAt = gen, t.GenMaxCommittedAt
	}
	h.GenMinConsistent = h.GenMinRequired
	h.GenPreRedoMinConsistent, h.GenPreRedoMinRequired = 0, 0
}
