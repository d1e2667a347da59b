package btree

import (
	"esent/internal/engine/page"
	"esent/internal/engine/version"
	"esent/internal/jet"
)

// Sweep goes over the leaves of a tree once, from left to right, removes nodes that nobody wants any more, and brings
// together what fits one page (spec chapter 03, 7). Others may use the tree meanwhile; it must not be destroyed during
// a Step.
type Sweep struct {
	tree *Tree
	at   bookmark // the leaf that has its place comes next; the leftmost at first
	// Visited counts leaves, Freed pages that were given back.
	Visited, Freed uint64
}

// NewSweep begins a sweep.
func (t *Tree) NewSweep() *Sweep { return &Sweep{tree: t} }

// Tree is the tree that is swept.
func (w *Sweep) Tree() *Tree { return w.tree }

// leafState is what a sweep must know of a leaf.
type leafState struct {
	first bookmark
	next  jet.Pgno
	used  int
	free  int
	dead  bool // has nodes that can be removed
	root  bool
	lines int
}

// Step treats one leaf; more says that others follow. The session is in a transaction.
func (w *Sweep) Step(s *version.Session) (more bool, err error) {
	t := w.tree
	var leaf, right leafState
	if err := t.stateAt(w.at.buf[:w.at.key], w.at.buf[w.at.key:], &leaf); err != nil {
		return false, err
	}
	w.Visited++
	if leaf.next != jet.PgnoNull {
		ok, err := t.stateOf(leaf.next, &right)
		if err != nil {
			return false, err
		}
		if !ok {
			return true, nil // it has just gone, or come from elsewhere: look again
		}
	}
	if leaf.lines > 0 {
		first := &leaf.first
		sparse := false
		if leaf.dead {
			if sparse, err = t.cleanPage(s, first.buf[:first.key], first.buf[first.key:]); err != nil {
				return false, err
			}
		}
		fits := leaf.next != jet.PgnoNull && leaf.used+int(t.reserve.Load()) <= right.free
		if (sparse || fits) && !leaf.root {
			n, err := t.merge(s, first.buf[:first.key], first.buf[first.key:])
			if err != nil {
				return false, err
			}
			w.Freed += uint64(n)
		}
	}
	if leaf.root || leaf.next == jet.PgnoNull || right.lines == 0 {
		return false, nil
	}
	w.at.setBytes(right.first.buf[:right.first.key], right.first.buf[right.first.key:])
	return true, nil
}

// stateAt looks at the leaf of a bookmark.
func (t *Tree) stateAt(key, mark []byte, l *leafState) error {
	for {
		f, v, err := t.find(key, mark)
		if err != nil {
			return err
		}
		t.look(f.Page(), l)
		if f.Valid(v) {
			return nil
		}
	}
}

// stateOf looks at a leaf by its number; false when the page is no leaf of the tree any more.
func (t *Tree) stateOf(pgno jet.Pgno, l *leafState) (bool, error) {
	for {
		f, v, err := t.cache.GetScan(t.db, pgno)
		if err != nil {
			return false, err
		}
		p := f.Page()
		ok := p.ObjID() == t.ObjID && p.Flags()&(page.FlagLeaf|page.FlagEmpty|page.FlagSpaceTree) == page.FlagLeaf
		if ok {
			t.look(p, l)
		}
		if f.Valid(v) {
			return ok, nil
		}
	}
}

// look reads a page whose version the caller then validates.
func (t *Tree) look(p page.Page, l *leafState) {
	l.lines, l.next, l.root = p.Lines(), p.Next(), p.Has(page.FlagRoot)
	l.used, l.free = page.Capacity(len(p))-p.CbFree(), p.FreeBytes()
	l.dead = false
	if l.lines > 0 {
		n := p.Line(0)
		l.first.set(&n, t.NonUnique)
	}
	var b bookmark
	for i := range l.lines {
		if t.removable(p, i, &b) {
			l.dead = true
			return
		}
	}
}
