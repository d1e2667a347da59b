package check

import (
	"bytes"

	"esent/internal/engine/page"
	"esent/internal/jet"
)

// walker visits the pages of one tree, from the root down and from left to right.
type walker struct {
	c *checker
	t *tree
	// want are the flags that all pages of the tree have, but for the root's.
	want page.Flags
	what purpose
	// leaf is called with each leaf, in order; nil for nobody.
	leaf func(pgno jet.Pgno, p page.Page)
	// again says that another walk over the tree reports what is wrong, and counts. With what, only pages that it
	// found to belong to the tree are visited.
	again bool

	pages uint64 // visited, with again
	// The leaf before: its number and its right link; known is false where neither can be told.
	prev, prevNext       jet.Pgno
	known, prevNextKnown bool
	leafLevel            int
	scratch              []byte
}

// flags that distinguish the pages of a tree from others, and those that no page of a tree has.
const (
	treeFlags = page.TreeTypeMask | page.FlagSpaceTree
	deadFlags = page.FlagEmpty | page.FlagPreInit | page.FlagFDPDelete
)

// mostLevels is more than any tree has.
const mostLevels = 16

// walk visits a tree, or one of its space trees, whose root is another.
func (c *checker) walk(t *tree, root jet.Pgno, what purpose, leaf func(pgno jet.Pgno, p page.Page)) {
	w := &walker{c: c, t: t, want: t.flags, what: what, leaf: leaf, known: true, prevNextKnown: true, leafLevel: -1}
	if what == useSpace {
		w.want |= page.FlagSpaceTree
	}
	w.run(root)
	if w.known && w.prevNextKnown && w.prevNext != jet.PgnoNull {
		c.violate(KindLink, w.prev, t, "the last leaf links to page %d on its right", w.prevNext)
	}
}

// leaves gives the leaves of a tree that was not visited yet, as far as they can be read, without a word. The walk that
// follows reports what is wrong.
func (c *checker) leaves(t *tree, leaf func(pgno jet.Pgno, p page.Page)) {
	w := &walker{c: c, t: t, leaf: leaf, again: true}
	w.run(t.root)
}

// rewalk visits the leaves of a tree that was visited before.
func (c *checker) rewalk(t *tree, leaf func(pgno jet.Pgno, p page.Page)) {
	w := &walker{c: c, t: t, want: t.flags, what: useTree, leaf: leaf, again: true}
	w.run(t.root)
}

func (w *walker) run(root jet.Pgno) {
	c := w.c
	if root == jet.PgnoNull || root > c.last {
		w.t.broken = true // open has said so
		return
	}
	l := c.level(0)
	c.readRun(l, root, 1)
	w.visit(root, l.page(0, c.size), &l.verdicts[0], 0, nil, nil, false)
}

// visit looks at one page with what is below it. Its keys are to be at or above low and, if high is not nil, below
// high. underLeaves says that the parent's children are leaves.
func (w *walker) visit(pgno jet.Pgno, p page.Page, v *verdict, depth int, low, high []byte, underLeaves bool) {
	if w.c.stop != nil {
		return
	}
	if w.again {
		w.revisit(pgno, p, v, depth)
		return
	}
	if !w.admit(pgno, p, v, depth) {
		w.t.broken = true
		w.c.markUnreadable(pgno, w.t, w.what)
		w.skipped(pgno, underLeaves)
		return
	}
	w.checkFlags(pgno, p, depth, underLeaves)
	w.checkBounds(pgno, p, depth, low, high)
	w.checkNodes(pgno, p)
	if !p.Has(page.FlagLeaf) {
		w.t.count(w.what, false, depth)
		if p.Prev() != jet.PgnoNull || p.Next() != jet.PgnoNull {
			w.c.violate(KindLink, pgno, w.t, "an internal page links to pages %d and %d", p.Prev(), p.Next())
		}
		w.children(pgno, p, depth, low, high)
		return
	}
	w.t.count(w.what, true, depth)
	w.checkLinks(pgno, p)
	if w.leaf != nil {
		w.leaf(pgno, p)
	}
}

func (w *walker) revisit(pgno jet.Pgno, p page.Page, v *verdict, depth int) {
	c := w.c
	w.pages++
	if v.kind != 0 && v.kind != KindOrder || depth > mostLevels || w.pages > uint64(c.last) ||
		w.what != 0 && (c.use[pgno] != w.t.number || c.purpose[pgno] != w.what) || p.ObjID() != w.t.objid || p.Flags()&deadFlags != 0 {
		return
	}
	if p.Has(page.FlagLeaf) {
		w.leaf(pgno, p)
		return
	}
	w.children(pgno, p, depth, nil, nil)
}

// admit says whether a page is one of the tree's that can be used.
func (w *walker) admit(pgno jet.Pgno, p page.Page, v *verdict, depth int) bool {
	c := w.c
	if !c.accept(pgno, p, v, w.t) {
		return false
	}
	if p.ObjID() != w.t.objid {
		c.violate(KindObjID, pgno, w.t, "the page is of object %d, the tree is object %d", p.ObjID(), w.t.objid)
		return false
	}
	if f := p.Flags() & deadFlags; f != 0 {
		c.violate(KindFlags, pgno, w.t, "flags %#x are those of a page outside of trees", f)
		return false
	}
	if depth > mostLevels {
		c.violate(KindChild, pgno, w.t, "the tree has more than %d levels", mostLevels)
		return false
	}
	if !c.mark(pgno, w.t, w.what) {
		return false
	}
	if p.Lines() == 0 && (depth > 0 || !p.Has(page.FlagLeaf)) {
		c.violate(KindEmpty, pgno, w.t, "the page has no lines")
		return false
	}
	return true
}

func (w *walker) checkFlags(pgno jet.Pgno, p page.Page, depth int, underLeaves bool) {
	c, f := w.c, p.Flags()
	if f&treeFlags != w.want {
		c.violate(KindFlags, pgno, w.t, "flags %#x, the tree's are %#x", f&treeFlags, w.want)
	}
	if p.Has(page.FlagRoot) != (depth == 0) {
		c.violate(KindFlags, pgno, w.t, "flags %#x on level %d", f, depth)
	}
	if depth > 0 && p.Has(page.FlagLeaf) != underLeaves {
		c.violate(KindChild, pgno, w.t, "flags %#x contradict those of the parent", f)
	}
	if p.Has(page.FlagLeaf) {
		if w.leafLevel < 0 {
			w.leafLevel = depth
		}
		if w.leafLevel != depth {
			c.violate(KindChild, pgno, w.t, "a leaf on level %d, others are on level %d", depth, w.leafLevel)
		}
	}
}

// bookmark is what separators are compared with.
func (w *walker) bookmark(p page.Page, i int) []byte {
	n := p.Line(i)
	w.scratch = n.AppendKey(w.scratch[:0])
	if p.Has(page.FlagLeaf) && w.want&page.FlagNonUnique != 0 && w.what == useTree {
		w.scratch = append(w.scratch, n.Data...)
	}
	return w.scratch
}

// checkBounds compares the first and the last line with the separators around the page: those between them are in
// order. An internal page's last separator is the parent's.
func (w *walker) checkBounds(pgno jet.Pgno, p page.Page, depth int, low, high []byte) {
	lines := p.Lines()
	if lines == 0 {
		return
	}
	c := w.c
	leaf := p.Has(page.FlagLeaf)
	last := lines - 1
	if !leaf {
		if k := w.bookmark(p, last); !bytes.Equal(k, high) {
			c.violate(KindSeparator, pgno, w.t, "the last separator is % x, the parent's % x", k, high)
		}
		if last--; last < 0 {
			return
		}
	}
	if depth == 0 {
		return
	}
	if k := w.bookmark(p, 0); bytes.Compare(k, low) < 0 || !leaf && bytes.Equal(k, low) {
		c.violate(KindSeparator, pgno, w.t, "the first key % x is below the separator % x", k, low)
	}
	if k := w.bookmark(p, last); len(high) > 0 && bytes.Compare(k, high) >= 0 {
		c.violate(KindSeparator, pgno, w.t, "the last key % x is not below the separator % x", k, high)
	}
}

// checkNodes looks at prefixes and flags (spec chapter 03, 1.3): a node shares with the prefix key exactly what is
// common, unless that is too short to be worth it.
func (w *walker) checkNodes(pgno jet.Pgno, p page.Page) {
	prefix := p.PrefixKey()
	leaf := p.Has(page.FlagLeaf)
	for i := range p.Lines() {
		n := p.Line(i)
		common := len(n.Prefix)
		for rest := n.Suffix; common < len(prefix) && len(rest) > 0 && prefix[common] == rest[0]; rest = rest[1:] {
			common++
		}
		if common <= page.MinPrefix {
			common = 0
		}
		if common != len(n.Prefix) || (n.Flags&page.NodeCompressed != 0) != (common > 0) {
			w.c.violate(KindPrefix, pgno, w.t, "line %d has %d bytes in common with the prefix key and stores %d", i, common, len(n.Prefix))
		}
		if !leaf && n.Flags&^page.NodeCompressed != 0 {
			w.c.violate(KindNodeFlags, pgno, w.t, "line %d of an internal page has the flags %#x", i, n.Flags)
		}
	}
}

// checkLinks compares a leaf's links with the leaves around it, as their parents have them.
func (w *walker) checkLinks(pgno jet.Pgno, p page.Page) {
	c := w.c
	if w.known {
		if w.prev != jet.PgnoNull && w.prevNextKnown && w.prevNext != pgno {
			c.violate(KindLink, w.prev, w.t, "links to page %d on its right, where page %d is", w.prevNext, pgno)
		}
		if p.Prev() != w.prev {
			c.violate(KindLink, pgno, w.t, "links to page %d on its left, where page %d is", p.Prev(), w.prev)
		}
	}
	w.prev, w.prevNext, w.prevNextKnown, w.known = pgno, p.Next(), true, true
}

// skipped notes that a page could not be visited.
func (w *walker) skipped(pgno jet.Pgno, leaf bool) {
	if leaf && w.known && w.prev != jet.PgnoNull && w.prevNextKnown && w.prevNext != pgno {
		w.c.violate(KindLink, w.prev, w.t, "links to page %d on its right, where page %d is", w.prevNext, pgno)
	}
	w.prev, w.prevNextKnown, w.known = pgno, false, leaf
}

// children visits what an internal page points to; neighbours in the file are read together.
func (w *walker) children(pgno jet.Pgno, p page.Page, depth int, low, high []byte) {
	c := w.c
	up, l := c.level(depth), c.level(depth+1)
	lines := p.Lines()
	underLeaves := p.Has(page.FlagParentOfLeaf)
	for i := 0; i < lines && c.stop == nil; {
		first := p.Child(i)
		if first == jet.PgnoNull || first > c.last {
			if !w.again {
				w.t.broken = true
				c.violate(KindChild, pgno, w.t, "line %d points to page %d of %d", i, first, c.last)
				w.known = false
			}
			up.bounds[i&1] = p.AppendKey(i, up.bounds[i&1][:0])
			low = up.bounds[i&1]
			i++
			continue
		}
		n := 1
		for i+n < lines && n < l.room && p.Child(i+n) == first+jet.Pgno(n) && first+jet.Pgno(n) <= c.last {
			n++
		}
		c.readRun(l, first, n)
		for j := range n {
			bound := up.bounds[(i+j)&1][:0]
			if i+j == lines-1 {
				bound = append(bound, high...)
			} else {
				bound = p.AppendKey(i+j, bound)
			}
			up.bounds[(i+j)&1] = bound
			w.visit(first+jet.Pgno(j), l.page(j, c.size), &l.verdicts[j], depth+1, low, bound, underLeaves)
			low = bound
		}
		i += n
	}
}
