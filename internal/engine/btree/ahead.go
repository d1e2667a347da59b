package btree

import (
	"esent/internal/engine/page"
	"esent/internal/jet"
)

const (
	// readAheadAfter is after how many leaves in a row a cursor reads ahead.
	readAheadAfter = 2
	// readAheadPages is how many leaves it asks for at a time.
	readAheadPages = 16
)

// passLeaf notes that a move in one direction came to another leaf, and asks for those to come.
func (c *Cursor) passLeaf(back bool) {
	if c.leaves < readAheadAfter {
		c.leaves++
		return
	}
	if c.ahead > 1 {
		c.ahead--
		return
	}
	var next [readAheadPages]jet.Pgno
	n := c.nextLeaves(next[:], back)
	c.tree.DB.Kernel.Cache.Prefetch(c.tree.DB.DB, next[:n]...)
	c.ahead = uint8(max(1, n))
}

// nextLeaves gives the leaves beside that of the present bookmark as far as its parent knows them. It may be
// wrong, or find nothing, when the tree changes at the same time.
func (c *Cursor) nextLeaves(next []jet.Pgno, back bool) (n int) {
	if c.where != onNode {
		return 0
	}
	t := c.tree
	b := &c.marks[c.now]
	key, data := b.buf[:b.key], b.buf[b.key:]
	f, v, err := t.getRoot()
	for depth := 0; err == nil && depth < maxDepth; depth++ {
		p := f.Page()
		if p.Has(page.FlagLeaf) {
			return 0
		}
		line := p.SearchInternal(key, data)
		if p.Has(page.FlagParentOfLeaf) {
			step := 1
			if back {
				step = -1
			}
			lines := p.Lines()
			for line += step; n < len(next) && line >= 0 && line < lines; line += step {
				next[n] = p.Child(line)
				n++
			}
			if !f.Valid(v) {
				return 0
			}
			return n
		}
		child := p.Child(line)
		if !f.Valid(v) || child == jet.PgnoNull {
			return 0
		}
		f, v, err = t.cache.Get(t.db, child)
	}
	return 0
}
