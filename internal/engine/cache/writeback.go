package cache

import (
	"cmp"
	"math"
	"slices"
	"sync/atomic"

	"esent/internal/jet"
)

// writeBehind is a run of the writer task: it keeps some frames free ahead of need and the share of dirty
// pages bounded.
func (m *Manager) writeBehind() {
	m.refill()
	m.writeOldest()
}

// refill gives pages up until enough frames are free, writing those with changes, and no more frames have
// memory than there shall be.
func (m *Manager) refill() {
	var space [maxVictims]victim
	for {
		done, victims := m.repl.refill(space[:0])
		if done {
			return
		}
		if len(victims) == 0 {
			return
		}
		// A failure was reported, and will meet whoever needs the frame.
		_, _, _ = m.write(victims)
		if m.repl.evict(victims) == 0 {
			return
		}
	}
}

// refill frees some frames and says whether enough are.
func (r *replacer) refill(victims []victim) (done bool, _ []victim) {
	const most = 16 // in one hold of the mutex
	for idle := 0; idle < sweeps; {
		r.mu.Lock()
		for range most {
			excess := r.live > r.limit
			if !excess && (r.live < r.limit || r.free.n >= r.reserveTarget()) {
				r.mu.Unlock()
				return true, victims
			}
			var f *Frame
			if excess {
				f = r.popFree()
			}
			if f == nil {
				f, victims = r.sweep(idle == sweeps-1, victims)
			}
			if f == nil {
				idle++
				break
			}
			r.release(f)
		}
		r.mu.Unlock()
		if len(victims) == maxVictims {
			break
		}
	}
	return false, victims
}

// writeOldest writes the pages that have been dirty longest when too many are. What cannot be written now is
// not tried again before there is more to do.
func (m *Manager) writeOldest() {
	limit := int64(m.Limit())
	dirty := atomic.LoadInt64(&m.shared.dirty)
	if dirty > limit/4 {
		type aged struct {
			begin uint64
			victim
		}
		var list []aged
		begins := m.begins()
		for i := range begins {
			if b := atomic.LoadUint64(&begins[i]); b != 0 {
				f := m.frame(uint32(i))
				list = append(list, aged{b, victim{f, atomic.LoadUint64(&f.id)}})
			}
		}
		slices.SortFunc(list, func(a, b aged) int {
			if c := cmp.Compare(a.begin, b.begin); c != 0 {
				return c
			}
			return cmp.Compare(a.id, b.id)
		})
		list = list[:max(0, min(len(list), int(dirty-limit*3/16)))]
		pages := make([]victim, len(list))
		for i := range list {
			pages[i] = list[i].victim
		}
		_, _, _ = m.write(pages) // a failure was reported
		dirty = atomic.LoadInt64(&m.shared.dirty)
	}
	next := limit / 4
	if dirty > next {
		next = dirty + limit/16
	}
	m.dirtyLimit.Store(next)
}

// dirtyPages lists db's pages whose begin position is below than.
func (m *Manager) dirtyPages(db *DB, than uint64) []victim {
	var list []victim
	begins := m.begins()
	for i := range begins {
		if b := atomic.LoadUint64(&begins[i]); b == 0 || b >= than {
			continue
		}
		f := m.frame(uint32(i))
		if id := atomic.LoadUint64(&f.id); id>>32 == db.base>>32 {
			list = append(list, victim{f, id})
		}
	}
	return list
}

// flushRounds is how often FlushOlder looks at pages that were latched at that moment.
const flushRounds = 3

// FlushOlder writes db's pages whose oldest change lies before than in the log, so that the checkpoint may
// advance (spec chapter 05, 17.4). Pages that cannot be written now, because a backup reads them or a latch is
// held for long, are left, and so are those that another writer has under way: OldestDirty tells.
func (m *Manager) FlushOlder(db *DB, than jet.LogPos) error {
	for b := (backoff{}); b.n < flushRounds; b.wait() {
		list := m.dirtyPages(db, uint64(than))
		if len(list) == 0 {
			return nil
		}
		if _, held, err := m.write(list); err != nil || held == 0 {
			return err
		}
	}
	return nil
}

// FlushDB writes all changed pages of db and makes them durable. Nobody changes pages meanwhile, or there may
// be no end. While a backup keeps pages from being written it waits, and gives up with ErrBackupInProgress.
func (m *Manager) FlushDB(db *DB) error {
	for b := (backoff{}); ; b.wait() {
		list := m.dirtyPages(db, math.MaxUint64)
		if len(list) == 0 && !m.flights.active(db) {
			return db.Sync()
		}
		written, _, err := m.write(list)
		if err != nil {
			return err
		}
		if m.abandoned.Load() { // pages on their way when it was may never land
			return jet.ErrInstanceUnavailable
		}
		if written > 0 {
			b = backoff{}
		}
		if b.slept > m.waitLimit {
			return jet.ErrBackupInProgress.Errorf("%d pages could not be written", len(list))
		}
	}
}

func sortByPage(list []victim) {
	slices.SortFunc(list, func(a, b victim) int { return cmp.Compare(a.id, b.id) })
}
