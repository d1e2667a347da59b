//go:build invariants

package cache

import (
	"fmt"
	"hash/maphash"
	"slices"
	"sync"

	"esent/internal/engine/order"
	"esent/internal/engine/page"
	"esent/internal/jet"
)

// invariants says that expensive assertions are on (build tag of the same name).
const invariants = true

var (
	imageSeed = maphash.MakeSeed()
	images    sync.Map // *Frame to the image of its page when it was latched
)

// image is what a page was like. What rollbacks may claim of it is an account that may be made up anew at any time, as
// no reader looks at it.
type image struct {
	hash    uint64
	claimed int
}

func checkLatched(f *Frame) {
	images.Store(f, image{maphash.Bytes(imageSeed, f.Page()), f.Page().CbUncommittedFree()})
}

// checkUnlock asserts that a latch is held, and that who says that nothing changed tells the truth.
func checkUnlock(f *Frame, changed bool) {
	if f.version&1 == 0 {
		panic(fmt.Sprintf("cache: page %d unlocked without being latched", f.Pgno()))
	}
	before, known := images.LoadAndDelete(f)
	if known && !changed && !before.(image).is(f.Page()) {
		panic(fmt.Sprintf("cache: page %d changed, but unlocked as unchanged", f.Pgno()))
	}
}

func (i image) is(p page.Page) bool {
	if maphash.Bytes(imageSeed, p) == i.hash {
		return true
	}
	p = slices.Clone(p)
	p.SetCbUncommittedFree(i.claimed)
	return maphash.Bytes(imageSeed, p) == i.hash
}

// checkOrder asserts that f, whose latch the goroutine has just waited for, comes after all that it held meanwhile:
// pages of the same tree on higher levels, or on the left. Pages that nothing refers to yet come after all.
func checkOrder(f *Frame) {
	p := f.Page()
	if p.Lines() == 0 && p.Prev() == jet.PgnoNull && p.Next() == jet.PgnoNull {
		return
	}
	held := order.Held(order.Latch)
	for _, key := range held {
		h := key.(*Frame)
		if h == f || h.Pgno() == jet.PgnoNull {
			continue
		}
		q := h.Page()
		if h.Slot() != f.Slot() || q.ObjID() != p.ObjID() || q.Has(page.FlagSpaceTree) != p.Has(page.FlagSpaceTree) {
			panic(fmt.Sprintf("cache: page %d of another tree is waited for under the latch of page %d", f.Pgno(), h.Pgno()))
		}
		if !before(h, f, held) {
			panic(fmt.Sprintf("cache: page %d is waited for under the latch of page %d", f.Pgno(), h.Pgno()))
		}
	}
}

// before says whether h comes before f in the order of latches of one tree.
func before(h, f *Frame, held []any) bool {
	above, below := height(h.Page()), height(f.Page())
	switch {
	case above == 0 && below == 0:
		return toTheLeft(h, f, held)
	case above < 2 || below < 2:
		return above > below
	}
	for _, key := range held {
		q := key.(*Frame).Page()
		for i := range q.Lines() {
			if height(q) == 2 && q.Child(i) == f.Pgno() {
				return true
			}
		}
	}
	return false
}

// toTheLeft says whether the links of leaves lead from h to f, over none that is not held.
func toTheLeft(h, f *Frame, held []any) bool {
	next := h.Page().Next()
	if next == f.Pgno() {
		return true
	}
	for _, key := range held {
		if g := key.(*Frame); g != h && g != f && g.Pgno() == next {
			return toTheLeft(g, f, held)
		}
	}
	return false
}

// height is 0 for leaves, 1 for their parents, 2 for pages above.
func height(p page.Page) int {
	switch {
	case p.Has(page.FlagLeaf):
		return 0
	case p.Has(page.FlagParentOfLeaf):
		return 1
	}
	return 2
}
