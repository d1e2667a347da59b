package dbfile

import (
	"slices"
	"sync"

	"esent/internal/jet"
)

// gate keeps page writes out of ranges that a backup is reading: reads of pages never pass it
// (spec chapter 06, 14, "Page write gate").
type gate struct {
	mu      sync.Mutex
	ended   sync.Cond // a write has ended, or the file is no longer held
	holds   int       // how often the file is held
	others  int       // changes other than to pages under way
	locked  []pageRange
	flights []pageRange
}

type pageRange struct{ first, last jet.Pgno }

func (a pageRange) overlaps(b pageRange) bool { return a.first <= b.last && b.first <= a.last }

func run(first jet.Pgno, n int) pageRange { return pageRange{first, first + jet.Pgno(n) - 1} }

func overlapsAny(list []pageRange, r pageRange) bool { return slices.ContainsFunc(list, r.overlaps) }

func remove(list []pageRange, r pageRange) []pageRange {
	if i := slices.Index(list, r); i >= 0 {
		return slices.Delete(list, i, i+1)
	}
	return list
}

// LockRange keeps writes out of the pages from first to last until UnlockRange, and returns when the writes
// to them that had begun before are done.
func (f *File) LockRange(first, last jet.Pgno) {
	g, r := &f.gate, pageRange{first, last}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.locked = append(g.locked, r)
	for overlapsAny(g.flights, r) {
		g.ended.Wait()
	}
}

// UnlockRange takes back one LockRange with the same arguments.
func (f *File) UnlockRange(first, last jet.Pgno) {
	f.gate.mu.Lock()
	defer f.gate.mu.Unlock()
	f.gate.locked = remove(f.gate.locked, pageRange{first, last})
}

// Hold keeps headers from being written and the size from being changed until Release; what is under way ends first.
// With a locked range of all pages the file is still.
func (f *File) Hold() {
	g := &f.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	g.holds++
	for g.others > 0 {
		g.ended.Wait()
	}
}

// Release takes back one Hold.
func (f *File) Release() {
	g := &f.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	g.holds--
	g.ended.Broadcast()
}

// beginOther begins a change of the file other than to pages, which endOther ends. It waits while the file is held.
func (f *File) beginOther() {
	g := &f.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.holds > 0 {
		g.ended.Wait()
	}
	g.others++
}

func (f *File) endOther() {
	g := &f.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	g.others--
	g.ended.Broadcast()
}

// BeginWrite asks for leave to write n pages from first on. False means not now: one of them is in a locked
// range, and the caller writes other pages first. Each true answer is followed by EndWrite with the same
// arguments.
func (f *File) BeginWrite(first jet.Pgno, n int) bool {
	g, r := &f.gate, run(first, n)
	g.mu.Lock()
	defer g.mu.Unlock()
	if overlapsAny(g.locked, r) {
		return false
	}
	g.flights = append(g.flights, r)
	return true
}

// EndWrite says that a write which BeginWrite allowed is done, or failed.
func (f *File) EndWrite(first jet.Pgno, n int) {
	g := &f.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	g.flights = remove(g.flights, run(first, n))
	g.ended.Broadcast()
}
