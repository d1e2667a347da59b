package cache

import (
	"errors"
	"runtime"
	"sync/atomic"

	"esent/internal/engine/page"
	"esent/internal/jet"
)

// flightBytes bounds what one flight carries, and so how many pages share one flush of the log.
const flightBytes = 1 << 20

// flight is one step of write-back: copies of some dirty pages of one database on their way to the file.
//
// The pages are chosen and copied one by one, each under its own latch for a moment: its before images are
// logged, its begin position moves to the flight, and it is marked as being written. From then on the page may
// be changed again. When all are aboard the log is made durable once for all, and the copies are sealed and
// written in runs of consecutive pages. Whoever flies waits for no page latch while it does: others wait, under
// a latch, for its end (Discard).
type flight struct {
	m      *Manager
	db     *DB
	oldest atomic.Uint64 // no begin position aboard is lower
	end    jet.LogPos    // the log must be durable up to here
	pages  []passenger
	gates  []span
	buf    []byte // images of pages, in order

	written, held int
	err           error
}

type passenger struct {
	f     *Frame
	pgno  jet.Pgno
	begin uint64
}

// span is a range of pages that the gate let through.
type span struct {
	first jet.Pgno
	n     int
}

// begin makes a flight for db known to OldestDirty; nil when the database is being removed.
func (s *flights) begin(m *Manager, db *DB) *flight {
	s.mu.Lock()
	defer s.mu.Unlock()
	if db.leaving.Load() {
		return nil
	}
	var w *flight
	if n := len(s.spare); n > 0 {
		w = s.spare[n-1]
		s.spare = s.spare[:n-1]
	} else {
		w = &flight{m: m}
	}
	w.db, w.end, w.written, w.held, w.err = db, 0, 0, 0, nil
	w.oldest.Store(beginUnlogged)
	s.list = append(s.list, w)
	return w
}

func (s *flights) finish(w *flight) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.list {
		if s.list[i] == w {
			last := len(s.list) - 1
			s.list[i] = s.list[last]
			s.list[last] = nil
			s.list = s.list[:last]
			break
		}
	}
	w.db, w.pages, w.gates = nil, w.pages[:0], w.gates[:0]
	if len(s.spare) < 2 {
		s.spare = append(s.spare, w)
	}
}

// flightPages is how many pages one flight takes.
func (m *Manager) flightPages() int { return flightBytes / m.pageSize }

// write writes those pages of the list that are dirty and can be written now, whatever their order. It returns
// how many were written and how many had to be left because they are latched, already being written or behind
// the gate; and the first error, after which the pages concerned are as dirty as before.
func (m *Manager) write(list []victim) (written, held int, err error) {
	if m.abandoned.Load() {
		return 0, len(list), jet.ErrInstanceUnavailable
	}
	sortByPage(list)
	for len(list) > 0 {
		slot := list[0].id >> 32
		n := 1
		for n < len(list) && n < m.flightPages() && list[n].id>>32 == slot {
			n++
		}
		db := (*DB)(nil)
		if slot != 0 {
			db = m.dbs[slot-1].Load()
		}
		if db != nil {
			if w := m.flights.begin(m, db); w != nil {
				w.board(list[:n])
				w.fly()
				written, held = written+w.written, held+w.held
				if err == nil {
					err = w.err
				}
				m.flights.finish(w)
			}
		}
		list = list[n:]
	}
	return written, held, err
}

// board takes the pages of a list that is sorted by page number aboard.
func (w *flight) board(list []victim) {
	if need := len(list) * w.m.pageSize; len(w.buf) < need {
		w.buf = make([]byte, need)
	}
	for len(list) > 0 {
		n := 1
		for n < len(list) && list[n].id == list[n-1].id+1 {
			n++
		}
		if w.admit(jet.Pgno(list[0].id), n) {
			w.copyAll(list[:n])
		} else {
			for _, v := range list[:n] {
				if n > 1 && w.admit(jet.Pgno(v.id), 1) {
					w.copyAll([]victim{v})
				} else {
					w.held++
				}
			}
		}
		list = list[n:]
	}
}

func (w *flight) admit(first jet.Pgno, n int) bool {
	if !w.db.File.BeginWrite(first, n) {
		return false
	}
	w.gates = append(w.gates, span{first, n})
	return true
}

func (w *flight) copyAll(list []victim) {
	for _, v := range list {
		if err := w.copy(v); err != nil {
			w.failed(jet.Pgno(v.id), err)
		}
	}
}

// copyTries is how often a page that is latched or changes is looked at before it is left for another time.
const copyTries = 8

func (w *flight) copy(v victim) error {
	f, size := v.f, w.m.pageSize
	at := len(w.pages) * size
	image := w.buf[at : at+size]
	for try := 0; ; try++ {
		if try == copyTries {
			w.held++
			return nil
		}
		version := f.Version()
		if version&1 != 0 {
			runtime.Gosched()
			continue
		}
		if atomic.LoadUint64(&f.id) != v.id || !f.IsDirty() {
			return nil
		}
		// Usually the copy is made without the latch; a page that changes all the time is held for it.
		early := try < copyTries/2
		if early {
			copy(image, f.Page())
		}
		if !f.Upgrade(version) {
			continue
		}
		if !early {
			copy(image, f.Page())
		}
		err := w.take(v)
		f.UnlockUnchanged()
		return err
	}
}

// take moves what is to be known of a latched and copied page from the frame to the flight.
func (w *flight) take(v victim) error {
	f, pgno := v.f, jet.Pgno(v.id)
	if f.writing() {
		w.held++
		return nil
	}
	if !f.IsDirty() { // another flight took it before the latch was had
		return nil
	}
	if w.db.Logged {
		end, err := w.m.host.BeforeWrite(w.db, pgno)
		switch {
		case errors.Is(err, jet.ErrCannotLogDuringRecoveryRedo):
			w.held++
			return nil
		case err != nil:
			return err
		}
		f.modify = max(f.modify, end)
		w.end = max(w.end, f.modify)
	}
	f.setWriting()
	// Only failed flights raise positions of others' frames, and none carries this page.
	w.oldest.Store(min(w.oldest.Load(), atomic.LoadUint64(f.beginAt())))
	w.pages = append(w.pages, passenger{f, pgno, f.takeBegin()})
	return nil
}

// fly writes what is aboard.
func (w *flight) fly() {
	pages := w.pages
	if err := w.clearance(); err != nil {
		for i := range pages {
			w.failed(pages[i].pgno, err)
			w.land(&pages[i], false)
		}
		pages = nil
	}
	size := w.m.pageSize
	for i := 0; i < len(pages); {
		n := 0
		for ; i+n < len(pages) && pages[i+n].pgno == pages[i].pgno+jet.Pgno(n); n++ {
			if err := w.seal(i + n); err != nil {
				w.failed(pages[i+n].pgno, err)
				break
			}
		}
		if n == 0 { // unsound: stays in the cache
			w.land(&pages[i], false)
			i++
			continue
		}
		err := w.db.File.WritePages(pages[i].pgno, w.buf[i*size:(i+n)*size])
		if err == nil {
			w.written += n
			w.m.stats.writes.Add(uint64(n))
			w.db.unsynced.Store(true) // before the pages count as written
		} else {
			w.failed(pages[i].pgno, err)
		}
		for j := range n {
			w.land(&pages[i+j], err == nil)
		}
		i += n
	}
	for _, g := range w.gates {
		w.db.File.EndWrite(g.first, g.n)
	}
}

// clearance sees to the write-ahead rules for what is aboard (spec chapter 05, 16).
func (w *flight) clearance() error {
	if !w.db.Logged || w.end == 0 {
		return nil
	}
	if err := w.m.host.LogDurable(w.end); err != nil {
		return err
	}
	if w.end.Gen() <= w.db.MaxRequired() {
		return nil
	}
	if err := w.m.host.RequireGen(w.db, w.end.Gen()); err != nil {
		return err
	}
	if w.end.Gen() > w.db.MaxRequired() {
		return jet.ErrInternalError.Errorf("pages of generation %d, the header requires up to %d", w.end.Gen(), w.db.MaxRequired())
	}
	return nil
}

// seal makes image i ready to be written, unless it is unsound.
func (w *flight) seal(i int) error {
	size := w.m.pageSize
	p := page.Page(w.buf[i*size : (i+1)*size])
	pgno := w.pages[i].pgno
	if err := p.Check(pgno); err != nil {
		return err
	}
	t := w.db.File.FlushType(pgno)
	if t == 0 {
		t = p.FlushType()
	}
	p.Seal(pgno, page.NextFlushType(t))
	return nil
}

// land ends the journey of one page.
func (w *flight) land(x *passenger, ok bool) {
	if !ok {
		x.f.lowerBegin(x.begin)
		w.m.flights.failed.Add(1)
	}
	x.f.clearWriting()
}

func (w *flight) failed(pgno jet.Pgno, err error) {
	w.m.stats.writeErrors.Add(1)
	if w.err == nil {
		w.err = err
		if w.m.onError != nil {
			w.m.onError(w.db, pgno, err)
		}
	}
}
