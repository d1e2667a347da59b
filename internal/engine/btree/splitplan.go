package btree

import (
	"sync"
	"unsafe"

	"esent/internal/engine/btree/ops"
	"esent/internal/engine/page"
	"esent/internal/jet"
	"esent/internal/logstore"
)

// splitPlan is a decision how to split one page (spec chapter 03, 6.3 to 6.6). Lines are counted with the
// operation done.
type splitPlan struct {
	kind  logstore.SplitKind
	oper  logstore.SplitOper // none when the operation has to wait for another split
	line  int                // of the operation
	split int                // first line that moves
	lines int
	// prefixSplit and prefixNew are lines, counted from the first of their page, whose keys become the
	// prefixes; -1 for none.
	prefixSplit, prefixNew int
	newPrefix              []byte // of the split page
	destPrefix             []byte // of the new page
	sep                    []byte
	uncSplit, uncNew       int
	moves                  bool // nodes of the page move, so that an image is needed
}

// splitter has the memory for planning: what is known of each line with the operation done.
type splitter struct {
	t       *Tree
	p       page.Page
	o       *ops.LineChange
	n       int
	size    []int // CbNodeTotal and what a rollback may claim
	reserve []int
	ends    []int // running sum of size
	common  []int // equal leading bytes with the key before
	work    []int
}

var splitters = sync.Pool{New: func() any { return new(splitter) }}

func resized(a []int, n int) []int {
	if cap(a) < n {
		return make([]int, n, n+n/2)
	}
	return a[:n]
}

// measure looks at all lines of p with the operation o done. claimed is what a rollback may claim for the
// operation's own line.
func (x *splitter) measure(t *Tree, p page.Page, o *ops.LineChange, claimed int) {
	x.t, x.p, x.o, x.n = t, p, o, o.Lines(p)
	x.size, x.reserve = resized(x.size, x.n), resized(x.reserve, x.n)
	x.ends, x.common = resized(x.ends, x.n), resized(x.common, x.n)
	uncommitted := p.Has(page.FlagLeaf) && p.CbUncommittedFree() != 0
	from := 0
	if x.appends() && !uncommitted {
		// The other lines stay as they are: nothing is asked of them.
		from = x.n - 1
		clear(x.reserve[:from])
	}
	sum := 0
	var before page.Node
	for i := from; i < x.n; i++ {
		n := o.At(p, i)
		x.common[i] = 0
		if i > from {
			x.common[i] = page.CommonPrefix(&before, &n)
		}
		x.reserve[i] = 0
		switch {
		case o.Oper != logstore.SplitOperNone && i == o.Line:
			x.reserve[i] = claimed
		case uncommitted:
			old := i
			if o.Oper == logstore.SplitOperInsert && i > o.Line {
				old--
			}
			x.reserve[i] = t.reserved(p, old)
		}
		x.size[i] = n.Size() + x.reserve[i]
		sum += x.size[i]
		x.ends[i] = sum
		before = n
	}
}

// appends says that the operation puts a node behind all others of the tree.
func (x *splitter) appends() bool {
	p, o := x.p, x.o
	return p.Flags()&(page.FlagLeaf|page.FlagRoot) == page.FlagLeaf && p.Next() == jet.PgnoNull &&
		o.Oper == logstore.SplitOperInsert && o.Line == x.n-1 && x.n > 1
}

// total is the size of lines [from, to) without prefix.
func (x *splitter) total(from, to int) int {
	if to <= from {
		return 0
	}
	if from == 0 {
		return x.ends[to-1]
	}
	return x.ends[to-1] - x.ends[from-1]
}

func (x *splitter) reserved(from, to int) (sum int) {
	for _, r := range x.reserve[from:to] {
		sum += r
	}
	return sum
}

// prefix chooses the prefix line of a page with lines [from, to), counted from from.
func (x *splitter) prefix(from, to int) (line, saving int) {
	if to-from < 2 {
		return -1, 0
	}
	x.work = append(x.work[:0], x.common[from:to]...)
	return page.ChoosePrefix(x.work)
}

// fit says whether lines [from, to) fit one page that is no root.
func (x *splitter) fit(from, to int) bool {
	need := x.total(from, to)
	capacity := page.Capacity(x.t.DB.PageSize)
	if need <= capacity {
		return true
	}
	_, saving := x.prefix(from, to)
	return need-saving <= capacity
}

func (x *splitter) key(i int) []byte {
	n := x.o.At(x.p, i)
	return n.AppendKey(nil)
}

// plan decides how to split the page so that the operation can be done. belowAppends says that the page's
// child is being split for an append.
func (x *splitter) plan(belowAppends bool) (*splitPlan, error) {
	p, o := x.p, x.o
	leaf := p.Has(page.FlagLeaf)
	inserts := o.Oper == logstore.SplitOperInsert
	if p.Has(page.FlagRoot) {
		return x.vertical()
	}
	switch {
	case x.appends():
		return x.append()
	case leaf && inserts && o.Line >= 2 && x.hotPoint():
		if o.Line < x.n-1 {
			// The nodes behind move away first; then there may be room.
			return x.without(func(y *splitter) (*splitPlan, error) { return y.right(o.Line) })
		}
		return x.right(x.n - 1)
	case leaf && inserts && o.Line == 0 && p.Prev() == jet.PgnoNull && x.n > 1 && x.fit(1, x.n):
		return x.right(1)
	case !leaf && belowAppends:
		for split := x.n - 1; split >= 1; split-- {
			if x.fit(0, split) && x.fit(split, x.n) {
				return x.right(split)
			}
		}
	}
	if split := x.even(); split > 0 {
		return x.right(split)
	}
	if o.Oper == logstore.SplitOperNone {
		return nil, jet.ErrDatabaseCorrupted.Errorf("page cannot be split")
	}
	return x.without(func(y *splitter) (*splitPlan, error) { return y.plan(false) })
}

// without plans the split alone, for an operation that comes later.
func (x *splitter) without(f func(*splitter) (*splitPlan, error)) (*splitPlan, error) {
	none := new(ops.LineChange)
	x.measure(x.t, x.p, none, 0)
	if x.n < 2 {
		return nil, jet.ErrDatabaseCorrupted.Errorf("page of one node has no room")
	}
	return f(x)
}

// vertical moves all lines of a root to a new page.
func (x *splitter) vertical() (*splitPlan, error) {
	if !x.fit(0, x.n) {
		if x.o.Oper == logstore.SplitOperNone {
			return nil, jet.ErrDatabaseCorrupted.Errorf("root's lines do not fit another page")
		}
		// The operation comes later. There may be one line only: two large ones do not fit.
		x.measure(x.t, x.p, new(ops.LineChange), 0)
		return x.vertical()
	}
	s := x.begin(logstore.SplitVertical, 0)
	s.prefixNew, _ = x.prefix(0, x.n)
	s.uncNew = x.reserved(0, x.n)
	s.moves = true
	if s.prefixNew >= 0 {
		s.destPrefix = x.key(s.prefixNew)
	}
	return s, nil
}

func (x *splitter) begin(kind logstore.SplitKind, split int) *splitPlan {
	return &splitPlan{kind: kind, oper: x.o.Oper, line: x.o.Line, split: split, lines: x.n, prefixSplit: -1, prefixNew: -1}
}

// append puts the new node, the last of the tree, alone on a new page.
func (x *splitter) append() (*splitPlan, error) {
	last := x.n - 1
	s := x.begin(logstore.SplitAppend, last)
	s.newPrefix = append([]byte(nil), x.p.PrefixKey()...)
	key := x.key(last)
	if len(key) > page.MinPrefix && x.size[last]+2 <= page.Capacity(x.t.DB.PageSize) {
		s.prefixNew, s.destPrefix = 0, key
	}
	s.uncSplit, s.uncNew = x.reserved(0, last), x.reserve[last]
	return s, x.separate(s)
}

// right moves the lines from split on to a new page.
func (x *splitter) right(split int) (*splitPlan, error) {
	s := x.begin(logstore.SplitRight, split)
	s.prefixSplit, _ = x.prefix(0, split)
	s.prefixNew, _ = x.prefix(split, x.n)
	if s.prefixSplit >= 0 {
		s.newPrefix = x.key(s.prefixSplit)
	}
	if s.prefixNew >= 0 {
		s.destPrefix = x.key(split + s.prefixNew)
	}
	s.uncSplit, s.uncNew = x.reserved(0, split), x.reserved(split, x.n)
	s.moves = !(s.oper == logstore.SplitOperInsert && split == s.line && split == x.n-1)
	return s, x.separate(s)
}

// separate finds the key that the parent gets for the split page.
func (x *splitter) separate(s *splitPlan) (err error) {
	a := x.o.At(x.p, s.split-1)
	if !x.p.Has(page.FlagLeaf) {
		s.sep = a.AppendKey(nil)
		return nil
	}
	b := x.o.At(x.p, s.split)
	if !x.t.NonUnique {
		// Data play no part, but must not be looked at for equal keys either.
		if page.CommonPrefix(&a, &b) >= b.KeyLen() {
			return jet.ErrDatabaseCorrupted.Errorf("lines are not in order")
		}
	}
	s.sep, err = page.AppendSeparator(nil, &a, &b)
	return err
}

// even is the first line to move so that both pages are about equally full, 0 when none fits.
func (x *splitter) even() int {
	if x.n < 2 {
		return 0
	}
	half := x.ends[x.n-1] / 2
	far := func(split int) int { return abs(x.ends[split-1] - half) }
	split := max(1, x.n/2)
	for split+1 < x.n && far(split+1) <= far(split) {
		split++
	}
	for split > 1 && far(split-1) < far(split) {
		split--
	}
	left, right := x.fit(0, split), x.fit(split, x.n)
	for !left && right && split > 1 {
		split--
		left, right = x.fit(0, split), x.fit(split, x.n)
	}
	for left && !right && split < x.n-1 {
		split++
		left, right = x.fit(0, split), x.fit(split, x.n)
	}
	if left && right {
		return split
	}
	return 0
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}

// hotPoint says that the two nodes before the insert position were the last two to come to the page: they
// lie behind all others, in order (spec chapter 03, 6.3).
func (x *splitter) hotPoint() bool {
	line := x.o.Line
	base := uintptr(unsafe.Pointer(unsafe.SliceData(x.p)))
	place := func(i int) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(x.p.LineData(i)))) - base }
	a, b := place(line-2), place(line-1)
	if a >= b {
		return false
	}
	for i := range x.p.Lines() {
		if i != line-2 && i != line-1 && place(i) > a {
			return false
		}
	}
	return true
}
