package cache

import (
	"sync"
	"sync/atomic"
)

// Replacement has two queues. A page enters the short one, probation, and leaves it at the other end: to the
// main queue if it was used again meanwhile, else out of the cache. So what a scan reads once passes through a
// tenth of the cache and leaves the rest alone. In the main queue a page that was used since its last turn gets
// another one.
//
// Frames are found in the queues by their owner only for a moment: a candidate's latch is tried, never waited
// for, and pages with changes are left where they are and reported, to be written by the caller.

type listID uint8

const (
	listNone    listID = iota // being loaded, or in no use yet
	listFree                  // holds no page
	listRetired               // holds no page and no memory
	listProbation
	listMain
)

const (
	// sweepSteps bounds one look for a victim, and so the time that the mutex is held.
	sweepSteps = 128
	// sweeps is how many looks spare pages that were used, when each ends with nothing.
	sweeps = 8
	// maxVictims is how many dirty pages one look reports.
	maxVictims = 32
)

type replacer struct {
	m    *Manager
	used atomic.Uint32 // frames with index below this were in use at some time

	mu        sync.Mutex
	limit     int // frames with memory there shall be
	live      int // frames with memory there are
	free      frameList
	retired   frameList
	probation frameList
	main      frameList
}

// victim is a page that could be given up if it were clean.
type victim struct {
	f  *Frame
	id uint64
}

func (r *replacer) init(m *Manager) {
	r.m = m
	r.free.id, r.retired.id, r.probation.id, r.main.id = listFree, listRetired, listProbation, listMain
}

func (r *replacer) setLimit(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.limit = n
}

func (r *replacer) limitNow() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.limit
}

// reserveTarget is how many frames are kept free ahead of need. Called with mu held.
func (r *replacer) reserveTarget() int { return min(r.limit/64, 256) }

// take gives a frame without a page, latched, if one can be had without waiting or writing; extra frames may be
// had above the limit. Else it appends to victims what should be written. With insist it does not spare pages
// for having been used. low says that the writer should see to more free frames.
func (r *replacer) take(extra int, insist bool, victims []victim) (f *Frame, _ []victim, low bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.live < r.limit+extra {
		if f = r.popFree(); f == nil {
			f, err = r.fresh()
		}
		return f, victims, false, err
	}
	target := r.reserveTarget()
	low = r.live > r.limit || target > 0 && r.free.n <= target/2
	if f = r.popFree(); f == nil {
		f, victims = r.sweep(insist, victims)
	}
	return f, victims, low, nil
}

func (r *replacer) popFree() *Frame {
	f := r.free.pop(r.m)
	if f != nil && !f.Upgrade(f.Version()) {
		panic("cache: a free frame is latched")
	}
	return f
}

// fresh gives a frame that has no memory yet.
func (r *replacer) fresh() (*Frame, error) {
	f := r.retired.pop(r.m)
	if f == nil {
		i := r.used.Load()
		if err := r.m.regions.grow(int(i) + 1); err != nil {
			return nil, err
		}
		f = r.m.frame(i)
		f.data, f.shared, f.index, f.sizeKB = r.m.regions.page(i), r.m.shared, i, uint16(r.m.pageSize>>10)
		r.used.Store(i + 1)
	}
	f.Upgrade(f.Version())
	r.live++
	return f, nil
}

// sweep looks for a page to give up and returns its frame, latched and empty.
func (r *replacer) sweep(insist bool, victims []victim) (*Frame, []victim) {
	steps := min(sweepSteps, 2*(r.probation.n+r.main.n))
	stuck := 0
	for range steps {
		l, other := &r.main, &r.probation
		if r.probation.n > r.limit/10 {
			l, other = other, l
		}
		// Where the one queue yields nothing, try the other.
		if l.n == 0 || stuck >= steps/2 && other.n > 0 {
			l = other
		}
		f := l.pop(r.m)
		v := f.Version()
		switch {
		case v&1 != 0:
			l.push(r.m, f)
			stuck++
		case atomic.LoadUint32(&f.ref) == refUsed && !insist:
			atomic.StoreUint32(&f.ref, refNone)
			r.main.push(r.m, f)
		case f.pinned():
			l.push(r.m, f)
			stuck++
			if !f.writing() && len(victims) < maxVictims {
				victims = append(victims, victim{f, atomic.LoadUint64(&f.id)})
			}
		case !r.empty(f, v):
			l.push(r.m, f)
			stuck++
		default:
			return f, victims
		}
	}
	return nil, victims
}

// empty takes the page out of a frame in no list and leaves the frame latched; it fails when the page cannot be
// given up now.
func (r *replacer) empty(f *Frame, v uint64) bool {
	if !f.Upgrade(v) {
		return false
	}
	if f.pinned() {
		f.UnlockUnchanged()
		return false
	}
	r.m.forget(f)
	r.m.stats.evictions.Add(1)
	return true
}

// evict gives up those of the victims that are clean by now, to the free list, and returns their number.
func (r *replacer) evict(victims []victim) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, v := range victims {
		f := v.f
		version := f.Version()
		if version&1 != 0 || atomic.LoadUint64(&f.id) != v.id || f.list != listProbation && f.list != listMain || f.pinned() {
			continue
		}
		l := r.listOf(f)
		l.remove(r.m, f)
		if r.empty(f, version) {
			r.release(f)
			n++
		} else {
			l.push(r.m, f)
		}
	}
	return n
}

// enter puts a frame that has just got its page into the queue.
func (r *replacer) enter(f *Frame) {
	r.mu.Lock()
	r.probation.push(r.m, f)
	r.mu.Unlock()
}

// giveBack frees a latched frame that holds no page any more, from whichever list it is in.
func (r *replacer) giveBack(f *Frame) {
	r.mu.Lock()
	if l := r.listOf(f); l != nil {
		l.remove(r.m, f)
	}
	r.release(f)
	r.mu.Unlock()
}

// release unlatches an empty frame in no list and makes it free; with frames above the limit its memory goes.
func (r *replacer) release(f *Frame) {
	if r.live > r.limit {
		r.m.regions.release(f.index)
		r.live--
		r.retired.push(r.m, f)
	} else {
		r.free.push(r.m, f)
	}
	f.Unlock()
}

func (r *replacer) listOf(f *Frame) *frameList {
	switch f.list {
	case listFree:
		return &r.free
	case listRetired:
		return &r.retired
	case listProbation:
		return &r.probation
	case listMain:
		return &r.main
	default:
		return nil
	}
}

// frameList is a queue of frames, linked through them. Links are index plus one, so that zero memory is an
// empty list.
type frameList struct {
	id         listID
	head, tail uint32
	n          int
}

func (l *frameList) push(m *Manager, f *Frame) {
	f.list, f.next, f.prev = l.id, 0, l.tail
	if l.tail != 0 {
		m.frame(l.tail - 1).next = f.index + 1
	} else {
		l.head = f.index + 1
	}
	l.tail = f.index + 1
	l.n++
}

// pop takes the frame out that was pushed first, nil if there is none.
func (l *frameList) pop(m *Manager) *Frame {
	if l.head == 0 {
		return nil
	}
	f := m.frame(l.head - 1)
	l.remove(m, f)
	return f
}

func (l *frameList) remove(m *Manager, f *Frame) {
	if f.prev != 0 {
		m.frame(f.prev - 1).next = f.next
	} else {
		l.head = f.next
	}
	if f.next != 0 {
		m.frame(f.next - 1).prev = f.prev
	} else {
		l.tail = f.prev
	}
	f.list, f.next, f.prev = listNone, 0, 0
	l.n--
}
