package cache

import (
	"sync/atomic"
	"unsafe"

	"esent/internal/engine/page"
	"esent/internal/jet"
)

// Frame describes one page in memory. Frames lie outside the Go heap, 64 bytes each and aligned to them, and
// stay readable until Manager.Close whatever becomes of the page; so they hold no pointer into the Go heap.
// C code may mirror the layout: the fields up to sizeKB do not move.
//
//	 0  version  latch and version, see latch.go
//	 8  data     the page's bytes; constant
//	16  id       slot+1 << 32 | pgno, 0 when the frame holds no page; changes under the latch only
//	24  modify   end of the last log record that changed the page, or of its before images; under the latch
//	32  shared   what all frames have in common; constant
//	40  index    the frame's number; constant
//	44  sizeKB   page size in KiB; constant
//	46  list     which replacement list the frame is in; under the replacer's mutex
//	48  next, prev  its neighbours in that list
//	56  ref      what replacement knows of its use
//	60  state    flags: writing
type Frame struct {
	version uint64
	data    unsafe.Pointer
	id      uint64
	modify  jet.LogPos
	shared  *shared
	index   uint32
	sizeKB  uint16
	list    listID
	_       uint8
	next    uint32
	prev    uint32
	ref     uint32
	state   uint32
}

const frameSize = 64

// Both must be zero constants, or the arrays have negative lengths.
var (
	_ [frameSize - unsafe.Sizeof(Frame{})]byte
	_ [unsafe.Sizeof(Frame{}) - frameSize]byte
)

// shared lies outside the Go heap too, so that a frame can reach it.
type shared struct {
	begin unsafe.Pointer // array of uint64, one a frame: see dirty.go
	_     [56]byte
	dirty int64 // number of dirty frames; a cache line of its own
	_     [56]byte
}

// stateWriting is set while a copy of the page is on its way to the file. It is set under the latch, cleared
// without, and keeps the frame from being written a second time, evicted or dropped.
const stateWriting uint32 = 1

// Values of Frame.ref. A page that was used once, when it was loaded, is not worth keeping over others.
const (
	refNone       uint32 = iota // not used since it was loaded or since the replacer looked
	refUsed                     // used
	refPrefetched               // loaded ahead, the first use is still to come
)

func pageID(slot int, pgno jet.Pgno) uint64 { return uint64(slot+1)<<32 | uint64(pgno) }

// Page is the page's image. Without the latch it may change at any time: whatever is read from it counts only
// if Valid then holds for the version taken before. It must not be written to without the latch.
func (f *Frame) Page() page.Page {
	return unsafe.Slice((*byte)(f.data), int(f.sizeKB)<<10)
}

// VersionWord is where the version lies, for C code that does what Version and Valid do.
func (f *Frame) VersionWord() unsafe.Pointer { return unsafe.Pointer(&f.version) }

// Pgno is the number of the page in the frame, under the latch or a valid version.
func (f *Frame) Pgno() jet.Pgno { return jet.Pgno(f.id) }

// Slot is the slot of the page's database (DB.Slot), under the latch or a valid version; -1 for a frame that
// holds no page.
func (f *Frame) Slot() int { return int(f.id>>32) - 1 }

// Holds says whether the frame holds that page, under the latch or a valid version.
func (f *Frame) Holds(db *DB, pgno jet.Pgno) bool {
	return atomic.LoadUint64(&f.id) == db.base|uint64(pgno)
}

// touch notes a use for replacement; it writes only when there is something to note.
func (f *Frame) touch() {
	if atomic.LoadUint32(&f.ref) != refUsed {
		f.touchSlow()
	}
}

//go:noinline
func (f *Frame) touchSlow() {
	if !atomic.CompareAndSwapUint32(&f.ref, refPrefetched, refNone) {
		atomic.StoreUint32(&f.ref, refUsed)
	}
}

func (f *Frame) writing() bool { return atomic.LoadUint32(&f.state)&stateWriting != 0 }

func (f *Frame) setWriting() { atomic.StoreUint32(&f.state, stateWriting) }

func (f *Frame) clearWriting() { atomic.StoreUint32(&f.state, 0) }
