package kerneltest

import (
	"bytes"
	"fmt"

	"esent/internal/engine/btree"
	"esent/internal/engine/btree/ops"
	"esent/internal/engine/page"
	"esent/internal/engine/space"
	"esent/internal/jet"
)

// CheckTree verifies a tree that nobody changes: every page, order, separators, links, depth. It returns the
// pages and the number of nodes that are not flag-deleted.
func (k *Kernel) CheckTree(t *btree.Tree) (pages map[jet.Pgno]bool, nodes int) {
	k.T.Helper()
	c := &treeCheck{k: k, t: t, pages: map[jet.Pgno]bool{}, leafDepth: -1}
	c.visit(t.Root, nil, nil, 0, false)
	if len(c.leaves) > 0 {
		prev := jet.PgnoNull
		for i, l := range c.leaves {
			next := jet.PgnoNull
			if i+1 < len(c.leaves) {
				next = c.leaves[i+1].pgno
			}
			if l.prev != prev || l.next != next {
				k.T.Fatalf("leaf %d: links %d and %d, neighbours %d and %d", l.pgno, l.prev, l.next, prev, next)
			}
			prev = l.pgno
		}
	}
	return c.pages, c.nodes
}

type treeCheck struct {
	k         *Kernel
	t         *btree.Tree
	pages     map[jet.Pgno]bool
	leaves    []leafLinks
	leafDepth int
	nodes     int
}

type leafLinks struct{ pgno, prev, next jet.Pgno }

// visit verifies a page whose keys are at or above low and, if high is not nil, below high.
func (c *treeCheck) visit(pgno jet.Pgno, low, high []byte, depth int, bounded bool) {
	t := c.k.T
	t.Helper()
	if c.pages[pgno] {
		t.Fatalf("page %d is in the tree twice", pgno)
	}
	c.pages[pgno] = true
	f, err := c.k.Cache.Lock(c.k.DB.DB, pgno)
	if err != nil {
		t.Fatalf("page %d: %v", pgno, err)
	}
	p := page.Page(append([]byte(nil), f.Page()...))
	f.UnlockUnchanged()
	if err := p.Check(pgno); err != nil {
		t.Fatal(err)
	}
	if err := p.CheckOrder(); err != nil {
		t.Fatalf("page %d: %v", pgno, err)
	}
	if p.ObjID() != c.t.ObjID {
		t.Fatalf("page %d: objid %d, tree %d", pgno, p.ObjID(), c.t.ObjID)
	}
	const kind = page.TreeTypeMask | page.FlagSpaceTree | page.FlagEmpty | page.FlagPreInit
	if p.Flags()&kind != c.t.Flags {
		t.Fatalf("page %d: flags %#x, tree %#x", pgno, p.Flags(), c.t.Flags)
	}
	if p.Has(page.FlagRoot) != (depth == 0) {
		t.Fatalf("page %d: flags %#x at depth %d", pgno, p.Flags(), depth)
	}
	for i := range p.Lines() {
		n := p.Line(i)
		whole := n.AppendKey(nil)
		if p.Has(page.FlagLeaf) && c.t.NonUnique {
			whole = append(whole, n.Data...)
		}
		last := i == p.Lines()-1
		if !p.Has(page.FlagLeaf) && last {
			if bounded != (len(whole) != 0) || bounded && !bytes.Equal(whole, high) {
				t.Fatalf("page %d: last separator %x, the parent has %x", pgno, whole, high)
			}
			continue
		}
		if bytes.Compare(whole, low) < 0 || bounded && bytes.Compare(whole, high) >= 0 {
			t.Fatalf("page %d: line %d is %x, out of [%x,%x)", pgno, i, whole, low, high)
		}
		if q := p.CommonPrefix(n.AppendKey(nil)); q != len(n.Prefix) {
			t.Fatalf("page %d: line %d shares %d bytes with the prefix key and has %d", pgno, i, q, len(n.Prefix))
		}
	}
	if p.Lines() == 0 && (depth > 0 || !p.Has(page.FlagLeaf)) {
		t.Fatalf("page %d is empty", pgno)
	}
	if p.Has(page.FlagLeaf) {
		if c.leafDepth < 0 {
			c.leafDepth = depth
		}
		if c.leafDepth != depth {
			t.Fatalf("leaf %d at depth %d, another at %d", pgno, depth, c.leafDepth)
		}
		c.leaves = append(c.leaves, leafLinks{pgno, p.Prev(), p.Next()})
		for i := range p.Lines() {
			if p.LineFlags(i)&page.NodeDeleted == 0 {
				c.nodes++
			}
		}
		return
	}
	if p.Prev() != 0 || p.Next() != 0 {
		t.Fatalf("internal page %d has links", pgno)
	}
	from := low
	for i := range p.Lines() {
		to := p.AppendKey(i, nil)
		isBounded := len(to) != 0
		c.visit(p.Child(i), from, to, depth+1, isBounded)
		from = to
	}
	if p.Has(page.FlagParentOfLeaf) != (c.leafDepth == depth+1) {
		t.Fatalf("page %d: flags %#x at depth %d, leaves at %d", pgno, p.Flags(), depth, c.leafDepth)
	}
}

// CheckSpace verifies that every page that trees own is used once: by the tree or its space trees, as available,
// in a split buffer, or by a child. children gives the children of a tree. It returns the pages that t owns.
func (k *Kernel) CheckSpace(t *btree.Tree, children map[*btree.Tree][]*btree.Tree) map[jet.Pgno]string {
	k.T.Helper()
	use := map[jet.Pgno]string{}
	mark := func(pgno jet.Pgno, what string) {
		if other, used := use[pgno]; used {
			k.T.Fatalf("page %d is %s and %s", pgno, other, what)
		}
		use[pgno] = what
	}
	pages, _ := k.CheckTree(t)
	for pgno := range pages {
		mark(pgno, fmt.Sprintf("of tree %d", t.Root))
	}
	oe, ae, ok, err := k.Space.SpaceTrees(t)
	k.Must(err)
	if ok {
		for _, st := range []*btree.Tree{oe, ae} {
			pages, _ := k.CheckTree(st)
			for pgno := range pages {
				mark(pgno, fmt.Sprintf("of space tree %d of %d", st.Root, t.Root))
			}
		}
	}
	list := func(what string, extents []ops.Extent, err error) {
		k.Must(err)
		for _, e := range extents {
			for pgno := e.First(); pgno <= e.Last; pgno++ {
				mark(pgno, fmt.Sprintf("%s of tree %d", what, t.Root))
			}
		}
	}
	avail, err := k.Space.Available(k.Session, t)
	list("available", avail, err)
	buffers, err := k.Space.Reserved(k.Session, t)
	list("split buffer", buffers, err)
	for _, child := range children[t] {
		for pgno := range k.CheckSpace(child, children) {
			mark(pgno, fmt.Sprintf("of child %d of %d", child.Root, t.Root))
		}
	}
	owned, err := k.Space.Owned(k.Session, t)
	k.Must(err)
	n := 0
	for _, e := range owned {
		for pgno := e.First(); pgno <= e.Last; pgno++ {
			if _, used := use[pgno]; !used {
				k.T.Fatalf("page %d of tree %d is lost", pgno, t.Root)
			}
			n++
		}
	}
	if n != len(use) || uint32(n) != space.Pages(owned) {
		k.T.Fatalf("tree %d owns %d pages and uses %d", t.Root, n, len(use))
	}
	return use
}
