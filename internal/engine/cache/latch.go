package cache

import (
	"runtime"
	"sync/atomic"
	"time"

	"esent/internal/engine/order"
)

// The latch of a frame is its version word: even when free, odd when exclusively latched.
//
// A reader takes a frame and an even version, reads the page's bytes, copies what it needs, and then asks Valid.
// If the version is the same, nothing changed while it read; else what it has is garbage and it starts again.
// It writes nothing.
//
// A writer takes the latch by raising an even version by one, which only one can do. Having changed the page it
// raises the version by one again: every reader that began before fails. Having changed nothing it puts the old
// version back: readers that began before go on, those that met the latch waited.
//
// Loading, eviction and re-use of a frame are changes. So a version says as much about which page is in the
// frame as about the page's content, and (frame, version) may be kept for any length of time as a place to come
// back to. A version is 64 bits wide and does not come round.
//
// Ordering: the reader's loads must not move past its second look at the version. On amd64 loads are not
// reordered with loads; elsewhere readFence keeps them apart. The writer's stores lie between an atomic
// compare-and-swap and an atomic store, which order them everywhere. The race detector sees none of this, as
// frames lie outside the Go heap: the stress test in latch_test.go is the guard.

// Version is the version word as it is now: even when nobody holds the latch.
func (f *Frame) Version() uint64 { return atomic.LoadUint64(&f.version) }

// Valid says whether the page has not changed since its version was v, and is not being changed.
func (f *Frame) Valid(v uint64) bool {
	readFence()
	return atomic.LoadUint64(&f.version) == v
}

// Upgrade takes the exclusive latch if the version is still v, an even number; it never waits.
func (f *Frame) Upgrade(v uint64) bool {
	if v&1 != 0 || !atomic.CompareAndSwapUint64(&f.version, v, v+1) {
		return false
	}
	if invariants {
		order.Take(order.Latch, 0, f)
		checkLatched(f)
	}
	return true
}

// Unlock gives the exclusive latch back after a change and returns the new version.
func (f *Frame) Unlock() uint64 {
	v := f.version + 1
	if invariants {
		checkUnlock(f, true)
		order.Give(f)
	}
	atomic.StoreUint64(&f.version, v)
	return v
}

// UnlockUnchanged gives the exclusive latch back when nothing was changed, and returns the version of before.
func (f *Frame) UnlockUnchanged() uint64 {
	v := f.version - 1
	if invariants {
		checkUnlock(f, false)
		order.Give(f)
	}
	atomic.StoreUint64(&f.version, v)
	return v
}

// renew says, under the latch, that the frame has got another page since the latch was taken: nobody's version of
// before holds any more, even if the page is then unlatched unchanged.
func (f *Frame) renew() {
	atomic.StoreUint64(&f.version, f.version+2)
	if invariants {
		checkLatched(f)
	}
}

const (
	spins  = 16
	yields = 32
)

// backoff is how to wait for a latch that is held for the moment of a change, or for a read from disk:
// look again at once, then let others run, then sleep for longer and longer.
type backoff struct {
	n     int
	slept time.Duration
}

func (b *backoff) wait() {
	b.n++
	switch {
	case b.n <= spins:
		for range b.n {
			pause()
		}
	case b.n <= spins+yields:
		runtime.Gosched()
	default:
		shift := min((b.n-spins-yields)/8, 6)
		d := 20 * time.Microsecond << shift
		time.Sleep(d)
		b.slept += d
	}
}

// pause passes a few cycles; it must not be inlined away.
//
//go:noinline
func pause() {}
