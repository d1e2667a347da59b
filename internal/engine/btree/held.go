package btree

import (
	"esent/internal/engine/cache"
	"esent/internal/engine/page"
	"esent/internal/engine/version"
	"esent/internal/jet"
)

// When the cache is so short of frames that a page goes away while its neighbour is loaded, optimistic references
// to two pages at once never hold. After some tries the ways through a tree that are here take over: they latch a
// page until they have the one below, parent before child, and so come to an end whatever the cache does.

// patience is how many times a reader begins again before it takes latches.
const patience = 4

// bounds are the separators around a leaf: its nodes are not before low and before high.
type bounds struct {
	low, high       []byte
	hasLow, hasHigh bool
}

// note takes the separators around a line of an internal page into account.
func (b *bounds) note(p page.Page, line int) {
	if line > 0 {
		b.low, b.hasLow = p.AppendKey(line-1, b.low[:0]), true
	}
	if p.KeyLen(line) > 0 {
		b.high, b.hasHigh = p.AppendKey(line, b.high[:0]), true
	}
}

// goal says which leaf findHeld goes to.
type goal uint8

const (
	goalBookmark goal = iota // that of a bookmark
	goalBefore               // the one whose upper bound is the key
	goalLast                 // the last
)

// findHeld goes down to a leaf with latches, and tells its bounds if b is not nil. The reference was good when
// the leaf's latch was given back.
func (t *Tree) findHeld(g goal, key, data []byte, b *bounds) (*cache.Frame, uint64, error) {
	f, err := t.cache.Lock(t.db, t.Root)
	if err != nil {
		return nil, 0, err
	}
	if b != nil {
		b.hasLow, b.hasHigh = false, false
	}
	for depth := 0; ; depth++ {
		p := f.Page()
		if p.Has(page.FlagLeaf) {
			return f, f.UnlockUnchanged(), nil
		}
		line := t.childLine(p, g, key, data)
		child := p.Child(line)
		if line >= p.Lines() || child == jet.PgnoNull || depth > maxDepth {
			f.UnlockUnchanged()
			return nil, 0, errNoChild
		}
		if b != nil {
			b.note(p, line)
		}
		below, err := t.cache.Lock(t.db, child)
		f.UnlockUnchanged()
		if err != nil {
			return nil, 0, err
		}
		if !t.isChild(below.Page()) {
			below.UnlockUnchanged()
			return nil, 0, errBadChild
		}
		f = below
	}
}

func (t *Tree) childLine(p page.Page, g goal, key, data []byte) int {
	switch g {
	case goalLast:
		return max(0, p.Lines()-1)
	case goalBefore:
		line := p.SearchInternal(key, nil)
		if line > 0 && p.KeyLen(line-1) > 0 && p.CompareKey(line-1, key) == 0 {
			line--
		}
		return line
	}
	return p.SearchInternal(key, data)
}

// isChild says that p looks like a page of this tree that is not its root.
func (t *Tree) isChild(p page.Page) bool {
	const kind = page.FlagRoot | page.FlagEmpty | page.FlagPreInit | page.FlagSpaceTree
	return p.ObjID() == t.ObjID && p.Flags()&kind == t.Flags&page.FlagSpaceTree
}

// stepHeld is step leaf by leaf from the root, without going by the leaves' links.
func (c *Cursor) stepHeld(s *version.Session, back bool) error {
	t := c.tree
	var key, data []byte
	g := goalBookmark
	if c.where == afterLast {
		g = goalLast
	}
	mine := c.where == onNode || c.where == onGap // looking from the present bookmark on
	if mine {
		b := &c.marks[c.now]
		key, data = b.buf[:b.key], b.buf[b.key:]
	}
	var around bounds
	for {
		f, v, err := t.findHeld(g, key, data, &around)
		if err != nil {
			return err
		}
		p := f.Page()
		line := 0
		switch {
		case mine:
			at, exact := p.SearchLeaf(key, data, t.NonUnique)
			line = at
			if back {
				line--
			} else if exact {
				line++
			}
		case back:
			line = p.Lines() - 1
		}
		found, changed := c.scanLeaf(s, f, v, line, back)
		if changed {
			continue
		}
		if found {
			return nil
		}
		if back && !around.hasLow || !back && !around.hasHigh {
			c.edge(back)
			return jet.ErrNoCurrentRecord
		}
		mine = false
		if g, key, data = goalBookmark, append(key[:0:0], around.high...), nil; back {
			g, key = goalBefore, append(key[:0:0], around.low...)
		}
	}
}

// scanLeaf looks from line on for a node of the leaf that s sees, and makes it the present one. changed says that
// the leaf is another by now.
func (c *Cursor) scanLeaf(s *version.Session, f *cache.Frame, v uint64, line int, back bool) (found, changed bool) {
	step := 1
	if back {
		step = -1
	}
	p := f.Page()
	for lines := p.Lines(); line >= 0 && line < lines; line += step {
		ok, image := c.look(s, p, line)
		if !f.Valid(v) {
			return false, true
		}
		if ok {
			c.settle(f, v, line, image, s.Trx())
			return true, false
		}
	}
	return false, !f.Valid(v)
}

// edge puts the cursor before the first or behind the last node.
func (c *Cursor) edge(back bool) {
	c.where, c.image = afterLast, nil
	if back {
		c.where = beforeFirst
	}
}
