package check

import (
	"cmp"
	"slices"

	"esent/internal/engine/btree/ops"
	"esent/internal/engine/page"
	"esent/internal/jet"
)

// purpose is what a tree uses a page for.
type purpose uint8

const (
	useTree   purpose = iota + 1 // a page of the tree
	useSpace                     // a page of one of its space trees
	useFree                      // available
	useBuffer                    // in a split buffer
)

func (u purpose) String() string {
	return [...]string{"nothing", "a page of the tree", "a page of a space tree", "available", "in a split buffer"}[u]
}

// tree is one B+tree with the space that it owns.
type tree struct {
	number uint32 // in checker.owner and use: from 1
	root   jet.Pgno
	objid  jet.ObjID
	flags  page.Flags // those of page.TreeTypeMask
	parent *tree
	head   ops.RootHeader
	owned  []ops.Extent // ascending
	report *TreeReport
	// opened says that the root could be read, broken that some page could not.
	opened, broken bool
}

func (t *tree) count(what purpose, leaf bool, depth int) {
	r := t.report
	switch {
	case what == useSpace:
		r.SpacePages++
		return
	case leaf:
		r.Leaves++
	default:
		r.Internal++
	}
	r.Depth = max(r.Depth, depth+1)
}

// covering gives the owned extent that page pgno lies in.
func (t *tree) covering(pgno jet.Pgno) (e ops.Extent, ok bool) {
	i, _ := slices.BinarySearchFunc(t.owned, pgno, func(e ops.Extent, n jet.Pgno) int { return cmp.Compare(e.Last, n) })
	if i == len(t.owned) || !t.owned[i].Contains(pgno) {
		return e, false
	}
	return t.owned[i], true
}

// findLast finds the last page that the database owns: the last key in the owned-extent tree of the system root.
// Where that cannot be read the whole file counts.
func (c *checker) findLast() error {
	pages, err := c.file.Pages()
	if err != nil {
		return err
	}
	if pages == 0 {
		return jet.ErrFileIOBeyondEOF.Errorf("the file has no pages")
	}
	c.last = pages
	pgno := rootOE
	for range mostLevels {
		p := c.cached(pgno)
		if p == nil || p.Lines() == 0 {
			return nil
		}
		if !p.Has(page.FlagLeaf) {
			pgno = p.Child(p.Lines() - 1)
			continue
		}
		n := p.Line(p.Lines() - 1)
		e, _, err := ops.ParseExtent(n.AppendKey(nil), n.Data)
		if err != nil {
			return nil
		}
		if e.Last > pages {
			c.violate(KindFileSize, 0, nil, "the file has %d pages, the database owns %d", pages, e.Last)
			return nil
		}
		c.last = e.Last
		return nil
	}
	return nil
}

// The system root and its space trees.
const (
	rootSystem  jet.Pgno  = 1
	rootOE      jet.Pgno  = 2
	objidSystem jet.ObjID = 1
)

// open takes up a tree: it reads the root's header and all about its space, and notes what the tree owns. The trees
// that its space comes from are open.
func (c *checker) open(t *tree) {
	t.number = uint32(len(c.trees) + 1)
	t.report.Root, t.report.ObjID = t.root, t.objid
	c.trees = append(c.trees, t)
	c.report.Trees = append(c.report.Trees, t.report)
	if t.root == jet.PgnoNull || t.root > c.last {
		c.violate(KindCatalog, 0, t, "the root is page %d of %d", t.root, c.last)
		t.broken = true
		return
	}
	if other := c.byRoot[t.root]; other != nil {
		c.violate(KindCatalog, t.root, t, "the root is that of %s too", other.report.Name)
		t.broken = true
		return
	}
	if other := c.byObjID[t.objid]; other != nil {
		c.violate(KindCatalog, t.root, t, "the object id is that of %s too", other.report.Name)
	}
	c.byRoot[t.root], c.byObjID[t.objid] = t, t
	if c.clean && t.objid > c.header.ObjIDLast {
		c.violate(KindObjID, t.root, t, "object id %d is above the last one, %d", t.objid, c.header.ObjIDLast)
	}
	p := c.cached(t.root)
	if p == nil || p.ObjID() != t.objid || p.Flags()&(page.FlagRoot|page.FlagSpaceTree|deadFlags) != page.FlagRoot {
		return // the walk over the tree will say why
	}
	var err error
	if t.head, err = ops.ParseRootHeader(p.ExtHeader()); err != nil {
		c.violate(KindSpaceHeader, t.root, t, "%v", err)
		return
	}
	t.opened = true
	h := &t.head.Space
	parent := jet.PgnoNull
	if t.parent != nil {
		parent = t.parent.root
	}
	switch {
	case h.Parent != parent:
		c.violate(KindSpaceHeader, t.root, t, "the parent is page %d, should be %d", h.Parent, parent)
	case h.Flags&^(ops.SpaceMultipleExtent|ops.SpaceNonUnique|ops.SpaceV2) != 0:
		c.violate(KindSpaceHeader, t.root, t, "flags %#x", h.Flags)
	case (h.Flags&ops.SpaceNonUnique != 0) != p.Has(page.FlagNonUnique):
		c.violate(KindSpaceHeader, t.root, t, "flags %#x, the page's are %#x", h.Flags, p.Flags())
	}
	if h.Multiple() {
		c.openMultiple(t)
	} else {
		c.openSingle(t)
	}
}

// openSingle takes up the space of a small tree: one extent and a bitmap.
func (c *checker) openSingle(t *tree) {
	h := &t.head.Space
	if h.Pages == 0 || h.Pages > uint32(c.last) || h.Flags&ops.SpaceV2 != 0 {
		c.violate(KindSpaceHeader, t.root, t, "a primary extent of %d pages, flags %#x", h.Pages, h.Flags)
		return
	}
	t.owned = []ops.Extent{{Last: t.root + jet.Pgno(h.Pages) - 1, Pages: h.Pages}}
	c.claim(t, t.owned[0])
	const bits = 32
	if n := h.Pages - 1; n < bits && h.Map>>n != 0 {
		c.violate(KindSpaceHeader, t.root, t, "the map %#x has more than %d pages", h.Map, n)
	}
	for i := range h.Pages - 1 {
		// Pages that the map has no room for are free.
		if i >= bits || h.Map>>i&1 != 0 {
			c.markExtent(t, ops.Extent{Last: t.root + 1 + jet.Pgno(i), Pages: 1}, useFree)
		}
	}
}

// openMultiple takes up the space of a tree with space trees.
func (c *checker) openMultiple(t *tree) {
	oe, ae := t.head.Space.OE(), t.head.Space.AE()
	if oe == jet.PgnoNull || ae > c.last {
		c.violate(KindSpaceHeader, t.root, t, "the owned-extent tree is at page %d", oe)
		return
	}
	if t.parent == nil && oe != rootOE {
		c.violate(KindSpaceHeader, t.root, t, "the owned-extent tree is at page %d, should be %d", oe, rootOE)
	}
	c.extents(t, oe, false, func(e ops.Extent, pgno jet.Pgno) {
		if n := len(t.owned); n > 0 && e.First() <= t.owned[n-1].Last {
			c.violate(KindExtentTwice, pgno, t, "pages %d to %d are in two owned extents", e.First(), min(e.Last, t.owned[n-1].Last))
			return
		}
		t.owned = append(t.owned, e)
		c.claim(t, e)
	})
	if e, ok := t.covering(t.root); !ok || e.First() != t.root {
		c.violate(KindExtent, oe, t, "no owned extent begins with the root, page %d", t.root)
	}
	c.extents(t, ae, true, func(e ops.Extent, pgno jet.Pgno) {
		if over, ok := t.covering(e.First()); !ok || !over.Contains(e.Last) {
			c.violate(KindExtentOutside, pgno, t, "the available pages %d to %d lie in no owned extent", e.First(), e.Last)
		}
		c.markExtent(t, e, useFree)
	})
	for _, root := range [...]jet.Pgno{oe, ae} {
		p := c.cached(root)
		if p == nil {
			continue
		}
		for _, b := range ops.ParseSplitBuffers(p.ExtHeader()) {
			if b.Pages != 0 {
				if b.Last > c.last || b.Pages >= uint32(b.Last) {
					c.violate(KindExtent, root, t, "the split buffer of %d pages up to %d", b.Pages, b.Last)
					continue
				}
				c.markExtent(t, ops.Extent(b), useBuffer)
			}
		}
	}
}

// extents gives the extents of a space tree in order.
func (c *checker) extents(t *tree, root jet.Pgno, avail bool, f func(e ops.Extent, pgno jet.Pgno)) {
	var key []byte
	c.walk(t, root, useSpace, func(pgno jet.Pgno, p page.Page) {
		for i := range p.Lines() {
			n := p.Line(i)
			if n.Flags&page.NodeDeleted != 0 {
				continue
			}
			key = n.AppendKey(key[:0])
			e, pool, err := ops.ParseExtent(key, n.Data)
			switch {
			case err != nil, pool != ops.PoolGeneral && !avail:
				c.violate(KindExtent, pgno, t, "line %d, % x: % x, is no extent", i, key, n.Data)
			case pool == ops.PoolShelved && t.parent == nil:
				// Behind the end of the file: nobody's.
			case pool > ops.PoolContinuous:
				c.violate(KindExtent, pgno, t, "line %d: pool %d", i, pool)
			case e.Pages == 0:
				// The mark of a run that is used up.
			case e.Last > c.last:
				c.violate(KindExtentOutside, pgno, t, "pages %d to %d, the database ends with page %d", e.First(), e.Last, c.last)
			default:
				f(e, pgno)
			}
		}
	})
}

// claim notes that a tree owns an extent, which lies in one of its parent's.
func (c *checker) claim(t *tree, e ops.Extent) {
	from := uint32(0)
	if t.parent != nil {
		from = t.parent.number
		if over, ok := t.parent.covering(e.Last); !ok || !over.Contains(e.First()) {
			c.violate(KindExtentOutside, 0, t, "pages %d to %d lie in no extent of %s", e.First(), e.Last, t.parent.report.Name)
		}
	} else if want := t.owned[:len(t.owned)-1]; len(want) == 0 && e.First() != 1 || len(want) > 0 && e.First() != want[len(want)-1].Last+1 {
		c.violate(KindExtent, rootOE, t, "the extent of pages %d to %d leaves a gap before it", e.First(), e.Last)
	}
	said := false
	for n := e.First(); n <= min(e.Last, c.last); n++ {
		if o := c.owner[n]; o != from && o != 0 && !said {
			c.violate(KindExtentTwice, n, t, "pages %d to %d: this page belongs to %s", e.First(), e.Last, c.trees[o-1].report.Name)
			said = true
		}
		c.owner[n] = t.number
	}
}

// mark notes that a tree uses a page. It is false for one that a tree already has as its page.
func (c *checker) mark(pgno jet.Pgno, t *tree, what purpose) bool {
	u := c.purpose[pgno]
	if u != 0 {
		c.violate(KindPageTwice, pgno, t, "%v, and in %s %v", what, c.trees[c.use[pgno]-1].report.Name, u)
		if u == useTree || u == useSpace {
			return false
		}
	}
	c.use[pgno], c.purpose[pgno] = t.number, what
	return true
}

// markUnreadable notes what an unusable page was to be used for, so that it is not taken for a leak.
func (c *checker) markUnreadable(pgno jet.Pgno, t *tree, what purpose) {
	if c.purpose[pgno] == 0 {
		c.use[pgno], c.purpose[pgno] = t.number, what
	}
}

// markExtent notes that the pages of an extent are free, or in a split buffer.
func (c *checker) markExtent(t *tree, e ops.Extent, what purpose) {
	if what == useFree {
		t.report.Available += uint64(e.Pages)
	} else {
		t.report.Reserved += uint64(e.Pages)
	}
	said := false
	for n := e.First(); n <= min(e.Last, c.last); n++ {
		if u := c.purpose[n]; u != 0 {
			if !said {
				c.violate(KindPageTwice, n, t, "%v, and in %s %v", what, c.trees[c.use[n]-1].report.Name, u)
				said = true
			}
			continue
		}
		c.use[n], c.purpose[n] = t.number, what
	}
}

// checkOwners compares what trees use with what they own, when all is known. Pages that an owner does not use are
// leaks.
func (c *checker) checkOwners() {
	for first := jet.Pgno(1); first <= c.last; {
		next := first + 1
		for next <= c.last && c.owner[next] == c.owner[first] && c.use[next] == c.use[first] {
			next++
		}
		owner, use := c.owner[first], c.use[first]
		if owner != 0 {
			c.trees[owner-1].report.Owned += uint64(next - first)
		}
		switch {
		case owner == use:
		case use == 0:
			c.trees[owner-1].report.Leaked += uint64(next - first)
			c.report.Leaked += uint64(next - first)
		case owner == 0:
			c.violate(KindNotOwned, first, c.trees[use-1], "pages %d to %d (%v) belong to no tree", first, next-1, c.purpose[first])
		default:
			c.violate(KindNotOwned, first, c.trees[use-1], "pages %d to %d (%v) belong to %s", first, next-1, c.purpose[first],
				c.trees[owner-1].report.Name)
		}
		first = next
	}
}
