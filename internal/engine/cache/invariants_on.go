//go:build invariants

package cache

import (
	"fmt"
	"hash/maphash"
	"sync"
)

// invariants says that expensive assertions are on (build tag of the same name).
const invariants = true

var (
	imageSeed = maphash.MakeSeed()
	images    sync.Map // *Frame to the hash of its page when it was latched
)

func checkLatched(f *Frame) { images.Store(f, maphash.Bytes(imageSeed, f.Page())) }

// checkUnlock asserts that a latch is held, and that who says that nothing changed tells the truth.
func checkUnlock(f *Frame, changed bool) {
	if f.version&1 == 0 {
		panic(fmt.Sprintf("cache: page %d unlocked without being latched", f.Pgno()))
	}
	before, known := images.LoadAndDelete(f)
	if known && !changed && before != maphash.Bytes(imageSeed, f.Page()) {
		panic(fmt.Sprintf("cache: page %d changed, but unlocked as unchanged", f.Pgno()))
	}
}
