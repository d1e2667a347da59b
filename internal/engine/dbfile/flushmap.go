package dbfile

import (
	"sync"
	"sync/atomic"

	"esent/internal/engine/page"
	"esent/internal/jet"
)

// FlushMap remembers for every page of a database the type of its last completed write, so that a page that
// comes back from the disk with another one tells of a lost write (spec chapter 02, 10.2 and 10.3). It is kept
// in memory while the database is attached, and may be kept in a file beside it from one attach to the next.
type FlushMap struct {
	// failRuntimeOnly: only what was learned since the attach makes a read fail, the rest is reported.
	failRuntimeOnly bool
	growing         sync.Mutex
	pages           atomic.Pointer[[]*mapPage]
	store           *mapStore // nil for a map in memory only
}

const (
	pairsPerWord    = 16
	wordsPerMapPage = pagesPerMapPage / pairsPerWord
	bitsPerWord     = 32
)

// mapPage holds the types of pagesPerMapPage pages. A word holds sixteen, the first in its top bits: big-endian,
// the words are the bytes of the file.
type mapPage struct {
	types [wordsPerMapPage]atomic.Uint32
	// runtime has a bit for each page whose type was learned since the attach.
	runtime [(pagesPerMapPage + bitsPerWord - 1) / bitsPerWord]atomic.Uint32
	// dbtimeMax is at least the dbtime of every page whose type is known here.
	dbtimeMax atomic.Uint64
}

func newFlushMap(last jet.Pgno) *FlushMap {
	m := &FlushMap{}
	m.pages.Store(new([]*mapPage))
	m.grow(last)
	return m
}

// grow makes room for pages up to last.
func (m *FlushMap) grow(last jet.Pgno) []*mapPage {
	m.growing.Lock()
	defer m.growing.Unlock()
	old := *m.pages.Load()
	n := mapPages(last)
	if n <= len(old) {
		return old
	}
	list := append(make([]*mapPage, 0, n), old...)
	for len(list) < n {
		list = append(list, new(mapPage))
	}
	m.pages.Store(&list)
	return list
}

// place gives the map page of page pgno, nil when it is beyond the map, and the page's number in it.
func (m *FlushMap) place(pgno jet.Pgno) (*mapPage, uint32) {
	list := *m.pages.Load()
	k := int(pgno / pagesPerMapPage)
	if k >= len(list) {
		return nil, 0
	}
	return list[k], uint32(pgno % pagesPerMapPage)
}

// Type is the type of the last completed write of a page, 0 for unknown.
func (m *FlushMap) Type(pgno jet.Pgno) uint8 {
	mp, i := m.place(pgno)
	if mp == nil {
		return 0
	}
	return mp.get(i)
}

func pairShift(i uint32) uint32 { return 30 - i%pairsPerWord*2 }

func (mp *mapPage) get(i uint32) uint8 {
	return uint8(mp.types[i/pairsPerWord].Load() >> pairShift(i) & 3)
}

func (mp *mapPage) set(i uint32, t uint8) {
	w, shift := &mp.types[i/pairsPerWord], pairShift(i)
	for {
		old := w.Load()
		if w.CompareAndSwap(old, old&^(3<<shift)|uint32(t)<<shift) {
			break
		}
	}
	mp.runtime[i/bitsPerWord].Or(1 << (i % bitsPerWord))
}

func (mp *mapPage) raiseDBTime(t uint64) {
	for {
		old := mp.dbtimeMax.Load()
		if old >= t || mp.dbtimeMax.CompareAndSwap(old, t) {
			return
		}
	}
}

// note remembers that the image p of page pgno was written.
func (m *FlushMap) note(pgno jet.Pgno, p page.Page) {
	mp, i := m.place(pgno)
	if mp == nil {
		m.grow(pgno)
		mp, i = m.place(pgno)
	}
	mp.raiseDBTime(uint64(p.DBTime()))
	mp.set(i, p.FlushType())
}

// forget makes the type of a page unknown.
func (m *FlushMap) forget(pgno jet.Pgno) {
	if mp, i := m.place(pgno); mp != nil {
		mp.set(i, 0)
	}
}

// resize makes last the last page that the map knows.
func (m *FlushMap) resize(last jet.Pgno) {
	list := m.grow(last)
	for pgno := last + 1; int(pgno) < len(list)*pagesPerMapPage; pgno++ {
		if mp, i := m.place(pgno); mp.get(i) != 0 {
			mp.set(i, 0)
		}
	}
}

// lost compares the image p of page pgno, read just now, with the map. expected is 0 when they agree or one
// of them does not know; otherwise a write was lost, and fails says whether the read is to fail.
func (m *FlushMap) lost(pgno jet.Pgno, p page.Page, blank bool) (expected uint8, fails bool) {
	mp, i := m.place(pgno)
	if mp == nil {
		return 0, false
	}
	expected = mp.get(i)
	if expected == 0 {
		return 0, false
	}
	if !blank {
		if t := p.FlushType(); t == 0 || t == expected {
			return 0, false
		}
		// The map itself missed writes that came after it was stored.
		if uint64(p.DBTime()) > mp.dbtimeMax.Load() {
			for w := range mp.types {
				mp.types[w].Store(0)
			}
			return 0, false
		}
	}
	runtime := mp.runtime[i/bitsPerWord].Load()>>(i%bitsPerWord)&1 != 0
	return expected, runtime || !m.failRuntimeOnly
}

// signature is the map's signature as the file beside the database has it, zero without one.
func (m *FlushMap) signature() jet.Signature {
	if m.store == nil {
		return jet.Signature{}
	}
	m.store.mu.Lock()
	defer m.store.mu.Unlock()
	return m.store.header.SignFlushMapFlush
}
