package cache

import (
	"sync/atomic"

	"esent/internal/jet"
)

// Purge drops the pages from first to last, changes and all: they were cut off the file. The caller latches
// none of them. When it returns no write of any of them is under way.
func (m *Manager) Purge(db *DB, first, last jet.Pgno) {
	last = min(last, jet.PgnoSysMax)
	for pgno, ok := db.table.nextLeaf(first, last); ok; pgno, ok = db.table.nextLeaf(pgno+1, last) {
		if m.Cached(db, pgno) {
			m.purgePage(db, pgno)
		}
	}
}

func (m *Manager) purgePage(db *DB, pgno jet.Pgno) {
	for b := (backoff{}); ; b.wait() {
		f, v, err := m.find(db, pgno)
		if f == nil || err != nil {
			return // what could not be read is not there either
		}
		if f.Upgrade(v) {
			m.Discard(f)
			return
		}
	}
}

// RemoveDB drops all pages of db, changes and all (FlushDB comes first where they matter), and forgets the
// database. Nobody uses it any more; stale references to its frames stay harmless. The file stays open.
func (m *Manager) RemoveDB(db *DB) {
	m.flights.mu.Lock() // no flight begins after this
	db.leaving.Store(true)
	m.flights.mu.Unlock()
	m.ahead.cancel(db)
	for b := (backoff{}); m.flights.active(db) && !m.abandoned.Load(); {
		b.wait()
	}
	for i := range m.repl.used.Load() {
		f := m.frame(i)
		if id := atomic.LoadUint64(&f.id); id>>32 == db.base>>32 {
			m.purgePage(db, jet.Pgno(id))
		}
	}
	for i := range db.table.leaves {
		if leaf := db.table.leaves[i].Swap(nil); leaf != nil {
			m.leaves.give(leaf)
		}
	}
	m.dbMu.Lock()
	m.dbs[db.Slot].Store(nil)
	m.dbMu.Unlock()
}
