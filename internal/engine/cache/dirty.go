package cache

import (
	"sync"
	"sync/atomic"
	"unsafe"

	"esent/internal/jet"
)

// The begin position of a frame ("OB0", spec chapter 05, 16) is kept in an array of its own, so that the
// checkpoint finds the oldest by reading 8 bytes a frame: 0 is a clean page, beginUnlogged a page with changes
// that are not logged, anything else the start of the first log record whose change is not in the file.
//
// When a page is copied to be written, its position moves to the flight, and the frame counts as clean; a
// change during the write begins a new one. If the write fails, the position comes back. All this is by atomic
// operations, as a failed write must not wait for the latch.

const beginUnlogged = uint64(jet.LogPosMax)

func (f *Frame) beginAt() *uint64 {
	return (*uint64)(unsafe.Add(f.shared.begin, uintptr(f.index)*8))
}

// Dirty says, under the latch and after the change, that the record [start, end) of the log changed the page.
// A change that is not logged has start and end 0. Callers hold a transaction open that began in the log before
// start until Dirty has returned: that keeps a checkpoint from passing between the record and Dirty.
func (f *Frame) Dirty(start, end jet.LogPos) {
	f.modify = max(f.modify, end)
	if start == 0 {
		f.lowerBegin(beginUnlogged)
		return
	}
	f.lowerBegin(uint64(start))
}

// IsDirty says whether the page has changes that no write has taken yet.
func (f *Frame) IsDirty() bool { return atomic.LoadUint64(f.beginAt()) != 0 }

func (f *Frame) lowerBegin(start uint64) {
	at := f.beginAt()
	for {
		old := atomic.LoadUint64(at)
		if old != 0 && old <= start {
			return
		}
		if atomic.CompareAndSwapUint64(at, old, start) {
			if old == 0 {
				atomic.AddInt64(&f.shared.dirty, 1)
			}
			return
		}
	}
}

// takeBegin makes the frame clean and returns its begin position.
func (f *Frame) takeBegin() uint64 {
	old := atomic.SwapUint64(f.beginAt(), 0)
	if old != 0 {
		atomic.AddInt64(&f.shared.dirty, -1)
	}
	return old
}

// pinned says that the page must not leave its frame: it has changes, or is being written. The order counts: a
// write that fails gives the position back before it ends.
func (f *Frame) pinned() bool { return f.writing() || f.IsDirty() }

func (m *Manager) tooDirty() bool { return atomic.LoadInt64(&m.shared.dirty) > m.dirtyLimit.Load() }

// begins is the array of begin positions of all frames in use.
func (m *Manager) begins() []uint64 {
	return unsafe.Slice((*uint64)(m.begin), m.repl.used.Load())
}

// OldestDirty is the lowest begin position of db's pages that are dirty or on their way to the file, LogPosMax
// if there is none with a logged change. For a checkpoint the caller reads the end of the log first, then where
// its open transactions began, then this (spec chapter 05, 17.2).
func (m *Manager) OldestDirty(db *DB) jet.LogPos {
	for {
		epoch := m.flights.failed.Load()
		oldest := beginUnlogged
		begins := m.begins()
		for i := range begins {
			b := atomic.LoadUint64(&begins[i])
			if b != 0 && b < oldest && m.frame(uint32(i)).Slot() == db.Slot {
				oldest = b
			}
		}
		// A position moves from frame to flight and, by failure only, back.
		oldest = min(oldest, m.flights.oldest(db))
		if m.flights.failed.Load() == epoch {
			return jet.LogPos(oldest)
		}
	}
}

// flights are the writes under way.
type flights struct {
	mu     sync.Mutex
	list   []*flight
	spare  []*flight
	failed atomic.Uint64 // counts begin positions that came back
}

func (s *flights) oldest(db *DB) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	oldest := beginUnlogged
	for _, w := range s.list {
		if w.db == db {
			oldest = min(oldest, w.oldest.Load())
		}
	}
	return oldest
}

// active says whether a write of db's pages is under way.
func (s *flights) active(db *DB) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.list {
		if w.db == db {
			return true
		}
	}
	return false
}
