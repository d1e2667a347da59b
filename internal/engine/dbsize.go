package engine

import (
	"errors"

	"esent/internal/engine/dbfile"
	"esent/internal/jet"
)

// sizable gives an open database of which the size may be changed.
func (s *Session) sizable(number uint32) (*Database, error) {
	d, err := s.database(number)
	switch {
	case err != nil:
		return nil, err
	case d.readOnly:
		return nil, jet.ErrDatabaseFileReadOnly
	}
	return d, nil
}

// GrowDatabase makes the file of an open database at least so many pages long, headers included, and gives its
// length (JetGrowDatabase). It never shrinks.
func (s *Session) GrowDatabase(t Thread, number, pages uint32) (uint32, error) {
	pages, _, err := s.ResizeDatabase(t, number, pages, jet.BitResizeDatabaseOnlyGrow)
	return pages, err
}

const resizeBits = jet.BitResizeDatabaseOnlyGrow | jet.BitResizeDatabaseOnlyShrink

// ResizeDatabase makes the file of an open database at least so many pages long, headers included, or takes off its end
// what is not used, but no more than leaves it so long; it gives the length (JetResizeDatabase, spec chapter 01, 15). It
// grows by whole extensions and shrinks by whole extents. WrnShrinkNotPossible: there is nothing to take off.
//
// Errors: ErrInvalidGrbit, ErrInvalidDatabaseId, ErrDatabaseFileReadOnly, ErrOutOfDatabaseSpace; to shrink,
// ErrFeatureNotAvailable where JET_paramEnableShrinkDatabase does not allow it, ErrBackupInProgress.
func (s *Session) ResizeDatabase(t Thread, number, pages uint32, grbit jet.Grbit) (size uint32, warn jet.Err, err error) {
	if err := s.enterOwned(t); err != nil {
		return 0, 0, err
	}
	defer s.leave()
	if grbit&^resizeBits != 0 || grbit == resizeBits {
		return 0, 0, jet.ErrInvalidGrbit
	}
	d, err := s.sizable(number)
	if err != nil {
		return 0, 0, err
	}
	last, err := d.space.LastOwned(s.trx)
	if err != nil {
		return 0, 0, err
	}
	have := uint32(last) + dbfile.HeaderPages
	switch {
	case pages > have && grbit != jet.BitResizeDatabaseOnlyShrink:
		err = s.grow(d, pages-dbfile.HeaderPages)
	case pages < have && grbit != jet.BitResizeDatabaseOnlyGrow:
		warn, err = s.shrink(d, jet.Pgno(max(pages, dbfile.HeaderPages)-dbfile.HeaderPages))
	}
	if err != nil {
		return 0, 0, err
	}
	size, err = d.size(s, dbInfoFilesize)
	return size, warn, err
}

// grow makes the database own page last, in a transaction of its own.
func (s *Session) grow(d *Database, last uint32) error {
	if limit := d.maxPages.Load(); limit != 0 && last > limit || last > uint32(jet.PgnoSysMax) {
		return jet.ErrOutOfDatabaseSpace
	}
	return s.inTransaction(func() error { return d.space.GrowTo(s.trx, jet.Pgno(last)) })
}

// leastFile is the least size that JetSetDatabaseSize takes, in pages.
const leastFile = 32

// SetDatabaseSize makes the file of a database that is not attached at least so many pages long, its two header
// pages not counted, and gives its length (JetSetDatabaseSize).
func (s *Session) SetDatabaseSize(t Thread, file string, pages uint32) (uint32, error) {
	if err := s.enterOwned(t); err != nil {
		return 0, err
	}
	defer s.leave()
	i := s.inst
	abs, err := i.absolute(file)
	switch {
	case err != nil:
		return 0, err
	case s.trx.Level() > 0:
		return 0, jet.ErrInTransaction
	case pages < leastFile || pages > uint32(jet.PgnoSysMax):
		return 0, jet.ErrInvalidParameter
	}
	f, err := i.openFile(abs, false)
	if err != nil {
		if jet.CodeOf(err) == jet.ErrInvalidPath {
			err = jet.ErrFileNotFound.Errorf("%v", err)
		}
		return 0, err
	}
	n, err := setFileSize(f, jet.Pgno(pages), i.set.pageSize)
	return n, errors.Join(err, f.Close())
}

func setFileSize(f *dbfile.File, pages jet.Pgno, pageSize int) (uint32, error) {
	h := f.Header()
	if err := h.CheckFormat(pageSize); err != nil {
		return 0, err
	}
	if err := h.CheckClean(); err != nil {
		return 0, err
	}
	have, err := f.Pages()
	if err != nil || have >= pages {
		return uint32(have), err
	}
	return uint32(pages), f.Resize(pages)
}

// SetMaxDatabaseSize limits an open database to so many pages, 0 for no limit; what it has beyond stays
// (JetSetMaxDatabaseSize).
func (s *Session) SetMaxDatabaseSize(t Thread, number, pages uint32) error {
	if err := s.enterOwned(t); err != nil {
		return err
	}
	defer s.leave()
	d, err := s.database(number)
	if err != nil {
		return err
	}
	if pages > uint32(jet.PgnoSysMax) {
		return jet.ErrInvalidParameter
	}
	d.maxPages.Store(pages)
	return nil
}

// MaxDatabaseSize is the limit of an open database, 0 for none (JetGetMaxDatabaseSize).
func (s *Session) MaxDatabaseSize(t Thread, number uint32) (uint32, error) {
	if err := s.enterOwned(t); err != nil {
		return 0, err
	}
	defer s.leave()
	d, err := s.database(number)
	if err != nil {
		return 0, err
	}
	return d.maxPages.Load(), nil
}
