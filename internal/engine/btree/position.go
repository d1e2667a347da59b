package btree

import (
	"math"
	"math/bits"

	"esent/internal/engine/cache"
	"esent/internal/engine/page"
	"esent/internal/engine/version"
	"esent/internal/jet"
)

// Position tells where the present bookmark lies in its tree: before it are less of total places. Places are the
// nodes of a tree of one page. In larger trees the numbers only make a fraction, as if all pages beside those on
// the way had as many nodes as these (spec chapter 01, 8.6).
func (c *Cursor) Position() (less, total uint64, err error) {
	if c.where != onNode && c.where != onGap {
		return 0, 0, jet.ErrNoCurrentRecord
	}
	t := c.tree
	b := &c.marks[c.now]
	key, data := b.buf[:b.key], b.buf[b.key:]
	m := t.DB.Kernel.Cache
restart:
	for {
		less, total = 0, 1
		f, v, err := t.getRoot()
		if err != nil {
			return 0, 0, err
		}
		for range maxDepth {
			p := f.Page()
			lines := p.Lines()
			if p.Has(page.FlagLeaf) {
				line, _ := p.SearchLeaf(key, data, t.NonUnique)
				if !f.Valid(v) {
					continue restart
				}
				less, total = deeper(less, total, line, lines)
				return less, total, nil
			}
			line := p.SearchInternal(key, data)
			child := p.Child(line)
			if !f.Valid(v) {
				continue restart
			}
			if line >= lines || child == jet.PgnoNull {
				return 0, 0, errNoChild
			}
			less, total = deeper(less, total, line, lines)
			cf, cv, err := m.Get(t.DB.DB, child)
			if !f.Valid(v) {
				continue restart
			}
			if err != nil {
				return 0, 0, err
			}
			f, v = cf, cv
		}
		return 0, 0, errTooDeep
	}
}

// deeper refines a fraction by a page with so many lines, of which one was taken.
func deeper(less, total uint64, line, lines int) (uint64, uint64) {
	if lines == 0 || total > math.MaxUint64/uint64(lines) {
		return less, total
	}
	return less*uint64(lines) + uint64(line), total * uint64(lines)
}

// SeekPosition moves to the node that session s sees nearest to the fraction less/total of the tree, which is at
// most 1: the inverse of Position. ErrNoCurrentRecord says that s sees none.
func (c *Cursor) SeekPosition(s *version.Session, less, total uint64) error {
	c.leaves, c.ahead = 0, 0
	for {
		f, v, line, err := c.tree.findFraction(less, total)
		if err != nil {
			return err
		}
		for _, back := range [...]bool{false, true} {
			found, again, err := c.scan(s, f, v, line, back)
			if again {
				break
			}
			if err != nil || found {
				return err
			}
			if back {
				c.where, c.image = beforeFirst, nil
				return jet.ErrNoCurrentRecord
			}
		}
	}
}

// findFraction goes down to the line at a fraction of the tree.
func (t *Tree) findFraction(less, total uint64) (f *cache.Frame, v uint64, line int, err error) {
	m := t.DB.Kernel.Cache
restart:
	for {
		rest := less
		f, v, err := t.getRoot()
		if err != nil {
			return nil, 0, 0, err
		}
		for range maxDepth {
			p := f.Page()
			lines := p.Lines()
			line, rest = share(rest, total, lines)
			if p.Has(page.FlagLeaf) {
				if !f.Valid(v) {
					continue restart
				}
				return f, v, line, nil
			}
			child := p.Child(line)
			if !f.Valid(v) {
				continue restart
			}
			if child == jet.PgnoNull {
				return nil, 0, 0, errNoChild
			}
			cf, cv, err := m.Get(t.DB.DB, child)
			if !f.Valid(v) {
				continue restart
			}
			if err != nil {
				return nil, 0, 0, err
			}
			f, v = cf, cv
		}
		return nil, 0, 0, errTooDeep
	}
}

// share gives which of n lines lies at the fraction less/total, and the numerator of the fraction within it.
func share(less, total uint64, n int) (line int, rest uint64) {
	if n == 0 || total == 0 {
		return 0, 0
	}
	if less >= total {
		return n - 1, total
	}
	hi, lo := bits.Mul64(less, uint64(n))
	q, r := bits.Div64(hi, lo, total)
	return int(q), r
}
