package cache

import (
	"sync/atomic"

	"esent/internal/jet"
)

// Get finds a page for reading without a lock, and reads it from the file when it is not there. The frame
// counts only as long as Valid holds for the version.
//
// A page that cannot be read gives the error of the file (ErrReadVerifyFailure, ErrPageNotInitialized, ...) or
// ErrDatabaseCorrupted when it is unsound; a page number that no database has gives ErrFileIOBeyondEOF. When no
// frame can be had the error is ErrOutOfBuffers, or what kept a page from being written to make room.
func (m *Manager) Get(db *DB, pgno jet.Pgno) (*Frame, uint64, error) {
	if e := db.table.get(pgno); e != 0 {
		f := m.frame(e - 1)
		v := atomic.LoadUint64(&f.version)
		if v&1 == 0 && atomic.LoadUint64(&f.id) == db.base|uint64(pgno) {
			f.touch()
			return f, v, nil
		}
	}
	return m.getSlow(db, pgno, true)
}

// GetHint is Get with a place to remember the frame in, for pages that are asked for all the time, as roots
// are. *hint is 0 at first; it may be shared.
func (m *Manager) GetHint(db *DB, pgno jet.Pgno, hint *uint32) (*Frame, uint64, error) {
	if h := atomic.LoadUint32(hint); h != 0 {
		f := m.frame(h - 1)
		v := atomic.LoadUint64(&f.version)
		if v&1 == 0 && atomic.LoadUint64(&f.id) == db.base|uint64(pgno) {
			f.touch()
			return f, v, nil
		}
	}
	f, v, err := m.Get(db, pgno)
	if err == nil {
		atomic.StoreUint32(hint, f.index+1)
	}
	return f, v, err
}

// GetScan is Get for pages that the caller passes by once, in a scan of a whole tree or database: its looks do
// not count as use.
func (m *Manager) GetScan(db *DB, pgno jet.Pgno) (*Frame, uint64, error) {
	return m.getSlow(db, pgno, false)
}

// Cached says whether the page is in the cache, or is being read.
func (m *Manager) Cached(db *DB, pgno jet.Pgno) bool { return db.table.get(pgno) != 0 }

// find is the page's frame with an even version, or nil when it is not in the cache.
func (m *Manager) find(db *DB, pgno jet.Pgno) (*Frame, uint64, error) {
	if pgno > jet.PgnoSysMax { // its place in the table is another's
		return nil, 0, nil
	}
	for b := (backoff{}); ; {
		e := db.table.get(pgno)
		if e == 0 {
			return nil, 0, nil
		}
		f := m.frame(e - 1)
		v := f.Version()
		if !f.Holds(db, pgno) {
			if b.wait(); m.abandoned.Load() {
				return nil, 0, jet.ErrInstanceUnavailable
			}
			continue // it was on its way out
		}
		if v&1 == 0 {
			return f, v, nil
		}
		for f.Version() == v {
			if b.wait(); m.abandoned.Load() {
				return nil, 0, jet.ErrInstanceUnavailable
			}
		}
		if !f.Holds(db, pgno) {
			if err := m.failures.of(f, v, db.base|uint64(pgno)); err != nil {
				return nil, 0, err
			}
		}
	}
}

func (m *Manager) getSlow(db *DB, pgno jet.Pgno, use bool) (*Frame, uint64, error) {
	for {
		f, v, err := m.find(db, pgno)
		if err != nil {
			return nil, 0, err
		}
		if f != nil {
			if use {
				f.touch()
			}
			return f, v, nil
		}
		f, err = m.load(db, pgno, refNone)
		if err != nil {
			return nil, 0, err
		}
		if f != nil {
			return f, f.Unlock(), nil
		}
	}
}

// Lock finds a page and latches it exclusively, reading it from the file when it is not in the cache. It waits
// while another holds the latch. Errors are those of Get.
func (m *Manager) Lock(db *DB, pgno jet.Pgno) (*Frame, error) { return m.lock(db, pgno, true) }

// LockNew latches the frame of a page that the caller is about to write afresh: it is not read, its content is
// undefined. The caller makes it a page and calls Dirty and Unlock, or Discard if it comes to nothing.
func (m *Manager) LockNew(db *DB, pgno jet.Pgno) (*Frame, error) { return m.lock(db, pgno, false) }

func (m *Manager) lock(db *DB, pgno jet.Pgno, read bool) (*Frame, error) {
	for b := (backoff{}); ; b.wait() {
		f, v, err := m.find(db, pgno)
		if err != nil && (read || m.abandoned.Load()) {
			return nil, err
		}
		if f != nil {
			if f.Upgrade(v) {
				if invariants && read {
					checkOrder(f)
				}
				f.touch()
				return f, nil
			}
			continue
		}
		if read {
			f, err = m.load(db, pgno, refNone)
		} else {
			f, err = m.claim(db, pgno)
			if f != nil {
				m.repl.enter(f)
			}
		}
		if f != nil {
			f.renew()
			if invariants && read {
				checkOrder(f)
			}
		}
		if f != nil || err != nil {
			return f, err
		}
	}
}

// Discard gives up the page in a frame whose latch the caller holds, changes and all. It is for a page of
// LockNew that came to nothing, and for pages that are no longer part of the database.
func (m *Manager) Discard(f *Frame) {
	for b := (backoff{}); f.writing(); { // whoever writes does not wait for a latch
		if b.wait(); m.abandoned.Load() {
			return // with the latch: the frame is nobody's any more
		}
	}
	f.takeBegin()
	m.forget(f)
	m.repl.giveBack(f)
}

// forget takes the page out of a latched frame.
func (m *Manager) forget(f *Frame) {
	m.dbOf(f).table.drop(f.Pgno())
	atomic.StoreUint64(&f.id, 0)
	f.modify = 0
	atomic.StoreUint32(&f.ref, refNone)
}
