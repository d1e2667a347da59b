// Package window is memory in which C code sees where a session's cursor stands, so that it can step to the next
// record and read columns of the present one without calling into Go: the crossing costs more than the work.
//
// Each session has one Window. At the end of a call that leaves a cursor on a record, the engine publishes that
// cursor's place; the next call on the session that enters Go withdraws it. In between, C code may do what it finds
// easy: read values that lie in the record as they are, and step over nodes without versions in the same page.
// Everything else it leaves to Go. It holds Busy as a call in Go does, and believes what it read when the page's
// version is the published one afterwards (see package cache, latch.go).
//
// The layouts are repeated in cabi/window.h. Memory is pinned and never given back, only used again, because C
// code may look at a Window by way of a handle that is not valid any more: it finds another handle there.
package window

import (
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"
)

// BusyInside is set in Window.Busy while a call, in Go or C, works on the session.
const BusyInside = 1

// KeyMost is the length of the longest key that C code steps to, in bytes.
const KeyMost = 256

// Window is what C code sees of a session. Session and Gate are constant while the session lives; what follows is
// written by who holds Busy.
type Window struct {
	Busy    atomic.Uint32
	Moved   uint32         // how many nodes C code has stepped forward since Cursor was published
	Gate    *atomic.Uint32 // of the instance; calls are taken while it is zero
	Session uintptr        // the session's handle; 0 while it has none
	Cursor  uintptr        // the handle of the cursor that is published; 0 for none

	Version    unsafe.Pointer // the version word of the page's frame
	Seen       uint64         // its value for which all of this is true
	Page       unsafe.Pointer
	CleanBelow uint64 // nodes of pages with a smaller dbtime have no versions
	PageSize   uint32 // bytes
	Line       int32  // of the node
	Record     unsafe.Pointer
	RecordSize uint32 // bytes
	Movable    uint32 // C code may step: nothing but the place changes
	Layout     *Layout

	Key     [2][KeyMost]byte // where C code puts the keys of nodes that it has stepped to, in turn
	KeySize uint32           // of the present one
	Now     uint32           // which of Key that is
}

// Layout tells C code how to find columns in the records of a table.
type Layout struct {
	Stale  atomic.Uint32 // the table looks different by now
	Large  uint32        // pages above 8 KiB
	Fixed  [128]Place    // by FID; a zero Place is no column for C code
	Var    [128]bool     // by FID-128: C code may read it
	Tagged [256]bool     // by FID-256: likewise
}

// Place is where a fixed column lies in the record, in bytes.
type Place struct{ Offset, Size uint16 }

// pool keeps pinned memory that is used again.
type pool[T any] struct {
	mu   sync.Mutex
	free []*T
	pins runtime.Pinner
}

func (p *pool[T]) get() *T {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.free); n > 0 {
		x := p.free[n-1]
		p.free = p.free[:n-1]
		return x
	}
	x := new(T)
	p.pins.Pin(x)
	return x
}

func (p *pool[T]) put(x *T) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = append(p.free, x)
}

var (
	windows pool[Window]
	gates   pool[atomic.Uint32]
	layouts pool[Layout]
)

// For gives a session its window, as long as the session is reachable.
func For[T any](session *T, gate *atomic.Uint32) *Window {
	w := windows.get()
	for w.Busy.Load() != 0 { // a call that never came out, or C code that has not gone yet
		w = windows.get()
	}
	w.Moved, w.Gate, w.Session, w.Cursor, w.Layout = 0, gate, 0, 0, nil
	runtime.AddCleanup(session, windows.put, w)
	return w
}

// GateFor gives an instance its gate, as long as the instance is reachable.
func GateFor[T any](instance *T) *atomic.Uint32 {
	g := gates.get()
	g.Store(0)
	runtime.AddCleanup(instance, gates.put, g)
	return g
}

// LayoutFor gives a schema its layout, as long as the schema is reachable.
func LayoutFor[T any](schema *T) *Layout {
	l := layouts.get()
	*l = Layout{}
	runtime.AddCleanup(schema, layouts.put, l)
	return l
}

// Withdraw hides the published cursor. It says how far C code has stepped since; the node's line and key are then
// those of Line and PresentKey. Busy is held.
func (w *Window) Withdraw() (moved uint32) {
	w.Cursor = 0
	return w.Moved
}

// PresentKey is the key of the node that C code has stepped to last.
func (w *Window) PresentKey() []byte { return w.Key[w.Now&1][:min(w.KeySize, KeyMost)] }
