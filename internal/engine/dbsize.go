package engine

import (
	"errors"

	"esent/internal/jet"
)

// Sizes of databases. Numbers of pages leave out the two header pages.

// sizable gives an open database of which the size may be changed.
func (s *Session) sizable(number uint32) (*Database, error) {
	d, err := s.database(number)
	switch {
	case err != nil:
		return nil, err
	case s.trx.Level() > 0:
		return nil, jet.ErrInTransaction
	case d.readOnly:
		return nil, jet.ErrDatabaseFileReadOnly
	}
	return d, nil
}

// GrowDatabase makes an open database at least so many pages large and gives its size (JetGrowDatabase). It never
// shrinks.
func (s *Session) GrowDatabase(t Thread, number, pages uint32) (uint32, error) {
	if err := s.enterOwned(t); err != nil {
		return 0, err
	}
	defer s.leave()
	d, err := s.sizable(number)
	if err != nil {
		return 0, err
	}
	return s.grow(d, pages)
}

func (s *Session) grow(d *Database, pages uint32) (uint32, error) {
	if limit := d.maxPages.Load(); limit != 0 && pages > limit || pages > uint32(jet.PgnoSysMax) {
		return 0, jet.ErrOutOfDatabaseSpace
	}
	if err := s.trx.BeginInner(); err != nil {
		return 0, err
	}
	err := d.space.GrowTo(s.trx, jet.Pgno(pages))
	if err == nil {
		err = s.commit(jet.BitCommitLazyFlush, 0)
	} else {
		err = errors.Join(err, s.rollbackLevel())
	}
	if err != nil {
		return 0, err
	}
	last, err := d.space.LastOwned(s.trx)
	return uint32(last), err
}

const resizeBits = jet.BitResizeDatabaseOnlyGrow | jet.BitResizeDatabaseOnlyShrink

// ResizeDatabase grows or shrinks an open database to so many pages and gives its size (JetResizeDatabase, spec
// chapter 01, 15). Shrinking is not available.
func (s *Session) ResizeDatabase(t Thread, number, pages uint32, grbit jet.Grbit) (uint32, error) {
	if err := s.enterOwned(t); err != nil {
		return 0, err
	}
	defer s.leave()
	if grbit&^resizeBits != 0 || grbit == resizeBits {
		return 0, jet.ErrInvalidGrbit
	}
	d, err := s.sizable(number)
	if err != nil {
		return 0, err
	}
	last, err := d.space.LastOwned(s.trx)
	if err != nil {
		return 0, err
	}
	have := uint32(last)
	switch {
	case pages > have && grbit == jet.BitResizeDatabaseOnlyShrink, pages < have && grbit == jet.BitResizeDatabaseOnlyGrow, pages == have:
		return have, nil
	case pages < have:
		return 0, jet.ErrFeatureNotAvailable
	}
	return s.grow(d, pages)
}

// SetDatabaseSize makes the file of a database that is not attached at least so many pages large and gives its size
// (JetSetDatabaseSize).
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
	}
	i.attachMu.Lock()
	defer i.attachMu.Unlock()
	if i.attachedAs(abs) != nil {
		return 0, jet.ErrFileAccessDenied.Errorf("%s is attached", abs)
	}
	if err := s.attach(abs, 0, 0); err != nil {
		return 0, err
	}
	d := i.attachedAs(abs)
	n, err := s.grow(d, pages)
	return n, errors.Join(err, s.detach(d))
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
