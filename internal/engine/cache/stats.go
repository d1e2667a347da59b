package cache

import "sync/atomic"

// counters is what the manager counts. Hits are not among them: counting them would make readers write.
type counters struct {
	reads, readAhead, writes, writeErrors, evictions atomic.Uint64
}

// Stats is a snapshot of the manager's counters and sizes, all in pages but WriteErrors.
type Stats struct {
	Reads       uint64 // read from files
	ReadAhead   uint64 // of them before they were asked for
	Writes      uint64 // written to files
	WriteErrors uint64 // failures to write one or several pages
	Evictions   uint64 // given up for others

	Frames int // with memory
	Free   int // of them without a page
	Dirty  int // with changes that no write has taken
	Limit  int // frames there shall be
}

// Stats tells how the cache fares.
func (m *Manager) Stats() Stats {
	s := Stats{
		Reads: m.stats.reads.Load(), ReadAhead: m.stats.readAhead.Load(), Writes: m.stats.writes.Load(),
		WriteErrors: m.stats.writeErrors.Load(), Evictions: m.stats.evictions.Load(),
		Dirty: int(atomic.LoadInt64(&m.shared.dirty)),
	}
	m.repl.mu.Lock()
	defer m.repl.mu.Unlock()
	s.Frames, s.Free, s.Limit = m.repl.live, m.repl.free.n, m.repl.limit
	return s
}
