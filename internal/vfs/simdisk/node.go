package simdisk

import (
	"maps"
	"slices"
)

// node is a file or directory, whatever names lead to it.
type node struct {
	id  uint64
	dir bool

	// Of a directory: its entries as programs see them, and those that are durable.
	kids, stable map[string]*node

	// Of a file: its bytes as programs see them, those that are durable, and what has happened between.
	data, durable []byte
	events        []event
	same          bool // data and durable are the same memory

	linked bool // some name leads to it
	open   int  // open files of it
	shared int  // shared locks
	locked bool // exclusive lock
}

func (s *Sim) newNode(dir bool) *node {
	s.lastID++
	n := &node{id: s.lastID, dir: dir}
	if dir {
		n.kids, n.stable = map[string]*node{}, map[string]*node{}
	}
	return n
}

// event is one change of a file's content that is not durable: bytes written at an offset, or a new size.
type event struct {
	off     int64
	data    []byte // nil for a change of size
	oldSize int64
	newSize int64
}

// shrinks says that the event cut bytes off.
func (e *event) shrinks() bool { return e.newSize < e.oldSize }

// span is the range of bytes that the event set, zeroed ones included.
func (e *event) span() (from, to int64) {
	switch {
	case e.data != nil:
		return e.off, e.off + int64(len(e.data))
	case e.shrinks():
		return e.newSize, e.oldSize
	default:
		return 0, 0
	}
}

// applyTo brings the event's effect on the bytes from offset base on into block.
func (e *event) applyTo(block []byte, base int64) {
	from, to := e.span()
	lo, hi := max(from, base), min(to, base+int64(len(block)))
	if lo >= hi {
		return
	}
	if e.data != nil {
		copy(block[lo-base:hi-base], e.data[lo-e.off:])
	} else {
		clear(block[lo-base : hi-base])
	}
}

// part gives data and durable memory of their own; one of them is about to change.
func (n *node) part() {
	if n.same {
		n.data, n.same = slices.Clone(n.data), false
	}
}

func (n *node) write(p []byte, off int64) {
	n.part()
	old := int64(len(n.data))
	n.data = resize(n.data, max(old, off+int64(len(p))))
	copy(n.data[off:], p)
	n.events = append(n.events, event{off: off, data: slices.Clone(p), oldSize: old, newSize: int64(len(n.data))})
}

func (n *node) truncate(size int64) {
	n.part()
	n.events = append(n.events, event{oldSize: int64(len(n.data)), newSize: size})
	n.data = resize(n.data, size)
}

func (n *node) sync() {
	for i := range n.events {
		e := &n.events[i]
		n.durable = resize(n.durable, e.newSize)
		if e.data != nil {
			copy(n.durable[e.off:], e.data)
		}
	}
	n.events = nil
}

// resize cuts b or appends zeros.
func resize(b []byte, size int64) []byte {
	old := int64(len(b))
	if size <= old {
		clear(b[size:]) // growing again finds zeros
		return b[:size]
	}
	b = slices.Grow(b, int(size-old))[:size]
	clear(b[old:])
	return b
}

// nameOp is one change of names: child got the name dstName in dst and lost srcName in src. A creation
// has no src, a removal no dst.
type nameOp struct {
	src, dst         *node
	srcName, dstName string
	child            *node
}

func (op *nameOp) creates(n *node) bool { return op.src == nil && op.child == n }

func (op *nameOp) touches(dir *node) bool { return op.src == dir || op.dst == dir }

// apply carries the change out on the entries that entries gives for a directory.
func (op *nameOp) apply(entries func(dir *node) map[string]*node) {
	if op.src != nil {
		delete(entries(op.src), op.srcName)
	}
	if op.dst != nil {
		entries(op.dst)[op.dstName] = op.child
	}
}

func stableOf(dir *node) map[string]*node { return dir.stable }

func kidsOf(dir *node) map[string]*node { return dir.kids }

// change carries a change of names out; it is durable later.
func (s *Sim) change(op nameOp) {
	if op.dst != nil {
		s.unlink(op.dst.kids[op.dstName])
	}
	op.apply(kidsOf)
	if op.dst == nil {
		s.unlink(op.child)
	} else {
		op.child.linked = true
	}
	s.names = append(s.names, op)
}

func (s *Sim) unlink(n *node) {
	if n != nil {
		n.linked = false
		s.release(n)
	}
}

// release gives a file's space back when neither a name nor an open file leads to it.
func (s *Sim) release(n *node) {
	if !n.linked && n.open == 0 && !n.dir {
		s.used -= int64(len(n.data))
		n.data, n.events, n.same = nil, nil, false
	}
}

// syncNames makes the changes durable that a SyncDir of dir (file false) or the Sync of a new file promises.
func (s *Sim) syncNames(n *node, file bool) {
	if s.opt.StrictNames {
		if !file {
			s.commitStrict(n)
		}
		return
	}
	for i := len(s.names) - 1; i >= 0; i-- {
		if op := &s.names[i]; op.creates(n) || !file && op.touches(n) {
			s.commit(i + 1)
			return
		}
	}
}

// commit makes the oldest n changes durable.
func (s *Sim) commit(n int) {
	for i := range s.names[:n] {
		s.names[i].apply(stableOf)
	}
	s.names = slices.Delete(s.names, 0, n)
}

// commitStrict makes the changes in dir durable, with the earlier ones that they build on.
func (s *Sim) commitStrict(dir *node) {
	dirs := map[*node]bool{dir: true}
	take := make([]bool, len(s.names))
	for i := len(s.names) - 1; i >= 0; i-- {
		op := &s.names[i]
		if dirs[op.src] && op.src != nil || dirs[op.dst] && op.dst != nil {
			take[i] = true
			dirs[op.src], dirs[op.dst] = true, true
		}
	}
	var rest []nameOp
	for i := range s.names {
		if take[i] {
			s.names[i].apply(stableOf)
		} else {
			rest = append(rest, s.names[i])
		}
	}
	s.names = rest
}

func sortedNames(entries map[string]*node) []string { return slices.Sorted(maps.Keys(entries)) }
