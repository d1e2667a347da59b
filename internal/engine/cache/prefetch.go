package cache

import (
	"slices"
	"sync"

	"esent/internal/engine/page"
	"esent/internal/jet"
	"esent/internal/vfs"
)

const (
	// aheadMost is how many pages wait to be read ahead; what is asked for beyond is forgotten.
	aheadMost = 256
	// aheadBytes is the most that is read at once.
	aheadBytes = 256 << 10
)

// readAhead is the queue of pages to read before they are asked for.
type readAhead struct {
	task vfs.Task

	mu    sync.Mutex
	queue []aheadPage

	run sync.Mutex // held while pages are being read; guards the following
	buf []byte
	now []aheadPage
}

type aheadPage struct {
	db   *DB
	pgno jet.Pgno
}

// Prefetch asks for pages to be read that will be needed soon. It returns at once and promises nothing: more
// than a share of the cache, or than the queue takes, is not read. Errors show when the page is asked for.
func (m *Manager) Prefetch(db *DB, pgnos ...jet.Pgno) {
	a := &m.ahead
	most := min(aheadMost, m.Limit()/8)
	asked := false
	a.mu.Lock()
	for _, pgno := range pgnos {
		if len(a.queue) >= most {
			break
		}
		if pgno == jet.PgnoNull || pgno > jet.PgnoSysMax || db.leaving.Load() || m.Cached(db, pgno) {
			continue
		}
		a.queue = append(a.queue, aheadPage{db, pgno})
		asked = true
	}
	a.mu.Unlock()
	if asked {
		a.task.Kick()
	}
}

// readAheadRun is a run of the read-ahead task.
func (m *Manager) readAheadRun() {
	a := &m.ahead
	for {
		a.run.Lock()
		a.mu.Lock()
		a.now = append(a.now[:0], a.queue...)
		a.queue = a.queue[:0]
		a.mu.Unlock()
		slices.SortFunc(a.now, func(x, y aheadPage) int {
			if x.db != y.db {
				return x.db.Slot - y.db.Slot
			}
			return int(x.pgno) - int(y.pgno)
		})
		more := len(a.now) > 0
		for list := a.now; len(list) > 0; {
			n := 1
			for n < len(list) && n < aheadBytes/m.pageSize && list[n].db == list[0].db && list[n].pgno == list[n-1].pgno+1 {
				n++
			}
			if !list[0].db.leaving.Load() && !m.readRun(list[0].db, list[0].pgno, n) {
				break // no frames to be had: reading ahead must not make things worse
			}
			list = list[n:]
		}
		clear(a.now)
		a.run.Unlock()
		if !more {
			return
		}
	}
}

// readRun reads those of n pages from first on that are not in the cache; false says that there were no frames.
func (m *Manager) readRun(db *DB, first jet.Pgno, n int) bool {
	var space [aheadBytes / page.MinSize]*Frame
	frames := space[:0]
	start, full := first, false
	for pgno := first; pgno < first+jet.Pgno(n) && !full; pgno++ {
		if !m.Cached(db, pgno) {
			f, _, _, err := m.repl.take(0, true, nil)
			if full = f == nil || err != nil; !full {
				if f, err = m.publish(db, pgno, f); f != nil && err == nil {
					frames = append(frames, f)
					continue
				}
			}
		}
		m.readFrames(db, start, frames)
		frames, start = frames[:0], pgno+1
	}
	m.readFrames(db, start, frames)
	return !full
}

// readFrames fills latched frames with consecutive pages and unlatches them.
func (m *Manager) readFrames(db *DB, first jet.Pgno, frames []*Frame) {
	if len(frames) > 1 {
		if m.ahead.buf == nil {
			m.ahead.buf = make([]byte, aheadBytes)
		}
		buf := m.ahead.buf[:len(frames)*m.pageSize]
		if db.File.ReadPages(first, buf) == nil {
			for i, f := range frames {
				copy(f.Page(), buf[i*m.pageSize:])
				m.readEnd(db, f, nil)
			}
			return
		}
	}
	// One page, or some page of the run cannot be read.
	for i, f := range frames {
		m.readEnd(db, f, db.File.ReadPages(first+jet.Pgno(i), f.Page()))
	}
}

func (m *Manager) readEnd(db *DB, f *Frame, err error) {
	if err != nil {
		m.loadFailed(f, err)
		return
	}
	m.stats.reads.Add(1)
	m.stats.readAhead.Add(1)
	if m.loaded(db, f, refPrefetched) == nil {
		f.Unlock()
	}
}

// cancel forgets what is to be read of db, and returns when nothing of it is being read.
func (a *readAhead) cancel(db *DB) {
	a.run.Lock()
	defer a.run.Unlock()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.queue = slices.DeleteFunc(a.queue, func(x aheadPage) bool { return x.db == db })
}
