// Package meter counts the work of a backup, a verification or a restore over all its files, and tells of it often
// enough for people to watch and to cancel: for each hundredth of the work, and at least every 100 ms while there is
// work done in pieces. It knows nothing of what the work is; package backup and its relatives use it.
package meter

import (
	"sync"
	"time"
)

// Phase is what is being done.
type Phase uint32

// The phases, with the numbers of esent_ext.h.
const (
	None Phase = iota
	Databases
	Logs
	Finish
	Verify
	Replay
	Check
)

// Position is how far the work is.
type Position struct {
	Phase Phase
	// Bytes and Pages are done of their totals: they never fall, and are never more than the totals, which may rise.
	Bytes, BytesTotal int64
	Pages, PagesTotal int64
	// File is the path of the file in work, empty between files.
	File string
}

// Watch is told of the position by the goroutine that works. Its error ends the work.
type Watch func(Position) error

// Meter counts. One goroutine works, any may ask for the position. The zero Meter tells nobody.
type Meter struct {
	watch Watch
	now   func() time.Time

	mu  sync.Mutex
	pos Position

	percent int64 // last told
	told    time.Time
}

// Interval is how long a watcher waits at most for the next call, if the work goes on.
const Interval = 100 * time.Millisecond

// due is when it is time for the next call: work is done in pieces, and the next piece may end too late.
const due = Interval * 3 / 4

// New makes a meter that tells w, which may be nil, by the clock now.
func New(now func() time.Time, w Watch) *Meter { return &Meter{watch: w, now: now, told: now()} }

// Position is how far the work is now.
func (m *Meter) Position() Position {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.pos
}

// Expect adds to the totals.
func (m *Meter) Expect(bytes, pages int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pos.BytesTotal += bytes
	m.pos.PagesTotal += pages
}

// Enter begins a phase, or another file of it, and tells of that.
func (m *Meter) Enter(p Phase, file string) error {
	m.mu.Lock()
	m.pos.Phase, m.pos.File = p, file
	m.mu.Unlock()
	return m.tell()
}

// Add counts work that is done, and tells of it when it is time. Work beyond the totals raises them.
func (m *Meter) Add(bytes, pages int64) error {
	m.mu.Lock()
	p := &m.pos
	p.Bytes += bytes
	p.Pages += pages
	p.BytesTotal, p.PagesTotal = max(p.BytesTotal, p.Bytes), max(p.PagesTotal, p.Pages)
	tell := m.watch != nil && (p.percent() != m.percent || m.now().Sub(m.told) >= due)
	m.mu.Unlock()
	if !tell {
		return nil
	}
	return m.tell()
}

// Pulse tells of the position when it is time, for work that waits and counts nothing.
func (m *Meter) Pulse() error {
	if m.watch == nil || m.now().Sub(m.told) < due {
		return nil
	}
	return m.tell()
}

func (p *Position) percent() int64 {
	if p.BytesTotal == 0 {
		return 0
	}
	return int64(float64(p.Bytes) / float64(p.BytesTotal) * 100)
}

func (m *Meter) tell() error {
	if m.watch == nil {
		return nil
	}
	pos := m.Position()
	m.percent, m.told = pos.percent(), m.now()
	return m.watch(pos)
}
