package cache

import (
	"sync"
	"sync/atomic"

	"esent/internal/engine/page"
	"esent/internal/jet"
)

// claim gets a frame for a page that has none and makes it the page's, latched, with undefined content and in
// no replacement list. It returns nil when another was faster.
func (m *Manager) claim(db *DB, pgno jet.Pgno) (*Frame, error) {
	if pgno == jet.PgnoNull || pgno > jet.PgnoSysMax {
		return nil, jet.ErrFileIOBeyondEOF.Errorf("no page has number %d", pgno)
	}
	f, err := m.acquire()
	if err != nil {
		return nil, err
	}
	return m.publish(db, pgno, f)
}

// publish makes a latched, empty frame the page's; it returns nil, the frame being free again, when the page
// has one already.
func (m *Manager) publish(db *DB, pgno jet.Pgno, f *Frame) (*Frame, error) {
	atomic.StoreUint64(&f.id, db.base|uint64(pgno))
	won, err := db.table.claim(pgno, f.index, &m.leaves)
	if won {
		return f, nil
	}
	atomic.StoreUint64(&f.id, 0)
	m.repl.giveBack(f)
	return nil, err
}

// load reads a page that is not in the cache and returns its frame latched, or nil when another was faster.
func (m *Manager) load(db *DB, pgno jet.Pgno, ref uint32) (*Frame, error) {
	f, err := m.claim(db, pgno)
	if f == nil {
		return nil, err
	}
	if err = db.File.ReadPages(pgno, f.Page()); err != nil {
		m.loadFailed(f, err)
	} else {
		m.stats.reads.Add(1)
		err = m.loaded(db, f, ref)
	}
	if err == nil {
		return f, nil
	}
	if m.onRead != nil {
		m.onRead(db, pgno, err)
	}
	return nil, err
}

// loaded makes a latched frame whose page was read part of the cache; the latch stays. On an error the frame
// is gone.
func (m *Manager) loaded(db *DB, f *Frame, ref uint32) error {
	p := f.Page()
	if err := p.Check(f.Pgno()); err != nil {
		m.loadFailed(f, err)
		return err
	}
	if p.DBTime() < db.residueBelow {
		removeResidue(p)
	}
	atomic.StoreUint32(&f.ref, ref)
	m.repl.enter(f)
	return nil
}

// loadFailed gives up a frame whose page could not be read, and tells those who wait for it.
func (m *Manager) loadFailed(f *Frame, err error) {
	m.failures.add(f, err)
	m.forget(f)
	m.repl.giveBack(f)
}

// removeResidue clears what a page from before the attach says of versions and of space that transactions
// may need back (spec chapter 02, 7.5). The page does not count as changed.
func removeResidue(p page.Page) {
	if !p.Has(page.FlagLeaf) || p.Has(page.FlagSpaceTree) {
		return
	}
	for i := range p.Lines() {
		if flags := p.LineFlags(i); flags&page.NodeVersion != 0 {
			p.SetLineFlags(i, flags&^page.NodeVersion)
		}
	}
	if p.CbUncommittedFree() != 0 {
		p.SetCbUncommittedFree(0)
	}
}

// acquire gets an empty frame, latched. It writes changed pages when there are no others to give up, and waits
// while all are latched or cannot be written.
func (m *Manager) acquire() (*Frame, error) {
	var space [maxVictims]victim
	var failed error
	looks := 0
	for b := (backoff{}); ; {
		extra := 0
		if b.n > spins {
			extra = slack
		}
		f, victims, low, err := m.repl.take(extra, looks >= sweeps, space[:0])
		if low {
			m.writer.Kick()
		}
		if f != nil || err != nil && extra == 0 {
			return f, err
		}
		if len(victims) > 0 {
			if _, _, failed = m.write(victims); m.repl.evict(victims) > 0 {
				continue
			}
		}
		if looks++; looks <= sweeps {
			continue
		}
		switch {
		case m.abandoned.Load():
			return nil, jet.ErrInstanceUnavailable
		case failed != nil && b.n > spins:
			return nil, failed
		case b.slept > m.waitLimit:
			return nil, jet.ErrOutOfBuffers.Errorf("all pages are latched, or may not be written now")
		}
		b.wait()
	}
}

// failures remembers for a moment why pages could not be read, for those who waited for them.
type failures struct {
	mu   sync.Mutex
	next int
	last [32]failure
}

type failure struct {
	f       *Frame
	version uint64 // of the latch under which the page was being read
	id      uint64
	err     error
}

func (s *failures) add(f *Frame, err error) {
	s.mu.Lock()
	s.last[s.next%len(s.last)] = failure{f, f.Version(), f.id, err}
	s.next++
	s.mu.Unlock()
}

func (s *failures) of(f *Frame, version, id uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.last {
		if x.f == f && x.version == version && x.id == id {
			return x.err
		}
	}
	return nil
}
