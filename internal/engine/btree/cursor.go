package btree

import (
	"esent/internal/engine/cache"
	"esent/internal/engine/page"
	"esent/internal/engine/version"
	"esent/internal/jet"
)

// Cursor is a place in a tree, as one session sees it. It is a value to embed; Init makes it usable. Its methods
// allocate only when a bookmark is longer than any before.
//
// The place is a node, or the gap that a bookmark names, or before the first or behind the last node. It outlives
// any change of the tree: the node's bookmark is kept, and found again when the page changed.
type Cursor struct {
	tree *Tree

	frame   *cache.Frame
	version uint64 // of frame, when line was right
	line    int32
	where   where
	now     uint8 // which of marks is the present bookmark

	leaves uint8 // leaves passed by moves in one direction, up to readAheadAfter
	ahead  uint8 // leaves that were asked for ahead and are not passed yet
	back   bool  // direction of these moves

	marks [2]bookmark

	// image is the node's data as imageTrx sees it, nil when the page's data count.
	image    []byte
	imageTrx *version.Trx
}

type where uint8

const (
	nowhere     where = iota
	onNode            // on the node that the bookmark names
	onGap             // where the bookmark would be
	beforeFirst       // before all nodes
	afterLast         // behind all nodes
)

// bookmark is a node's key and, in non-unique trees, its data behind it.
type bookmark struct {
	buf []byte
	key int
}

func (b *bookmark) set(n *page.Node, byData bool) {
	buf := append(b.buf[:0], n.Prefix...)
	buf = append(buf, n.Suffix...)
	b.key = len(buf)
	if byData {
		buf = append(buf, n.Data...)
	}
	b.buf = buf
}

func (b *bookmark) setBytes(key, data []byte) {
	b.buf = append(append(b.buf[:0], key...), data...)
	b.key = len(key)
}

// Relation says which node Seek looks for, compared with the bookmark that it is given.
type Relation uint8

const (
	EQ Relation = iota // the bookmark's own node
	GE                 // the first not before it
	GT                 // the first behind it
	LE                 // the last not behind it
	LT                 // the last before it
)

// Match says what Seek found.
type Match uint8

const (
	None    Match = iota // no such node
	Equal                // the bookmark's own node
	Greater              // a node behind it
	Less                 // a node before it
)

// Init sets the cursor on t, nowhere. It may be called again with another tree.
func (c *Cursor) Init(t *Tree) {
	c.tree = t
	c.Reset()
}

// Reset forgets the place.
func (c *Cursor) Reset() {
	c.where, c.frame, c.image, c.imageTrx = nowhere, nil, nil, nil
	c.leaves, c.ahead = 0, 0
}

// Tree is the tree that the cursor was made for.
func (c *Cursor) Tree() *Tree { return c.tree }

// OnNode says that the cursor is on a node, which may be deleted by now.
func (c *Cursor) OnNode() bool { return c.where == onNode }

// Key is the key of the present bookmark, valid until the next move; nil when the cursor has none.
func (c *Cursor) Key() []byte {
	if c.where != onNode && c.where != onGap {
		return nil
	}
	b := &c.marks[c.now]
	return b.buf[:b.key:b.key]
}

// BookmarkData is the data part of the present bookmark: the node's data in non-unique trees, else empty.
func (c *Cursor) BookmarkData() []byte {
	b := &c.marks[c.now]
	return b.buf[b.key:]
}

// Node names the present node in the version store; valid until the next move.
func (c *Cursor) Node() version.Node { return c.tree.node(&c.marks[c.now]) }

func (t *Tree) node(b *bookmark) version.Node {
	return version.Node{DB: t.dbid, FDP: t.FDP, Key: b.buf[:b.key:b.key], Data: b.buf[b.key:]}
}

// Valid says that the page with the present node has not changed since the cursor came to it: data taken from
// Data are sound if it holds after they were copied.
func (c *Cursor) Valid() bool { return c.frame != nil && c.frame.Valid(c.version) }

func (c *Cursor) spare() *bookmark { return &c.marks[c.now^1] }

// settle makes the spare bookmark and the given place the present ones.
func (c *Cursor) settle(f *cache.Frame, v uint64, line int, image []byte, trx *version.Trx) {
	c.frame, c.version, c.line, c.where = f, v, int32(line), onNode
	c.now ^= 1
	c.image, c.imageTrx = image, trx
}

// Next moves to the next node that session s sees. ErrNoCurrentRecord says that there is none: the cursor is
// then behind the last node.
func (c *Cursor) Next(s *version.Session) error {
	if c.where == onNode && c.beside(int(c.line)+1) {
		return nil
	}
	return c.step(s, false)
}

// Prev is Next in the other direction.
func (c *Cursor) Prev(s *version.Session) error {
	if c.where == onNode && c.beside(int(c.line)-1) {
		return nil
	}
	return c.step(s, true)
}

// beside moves to a line of the present page, if the page has not changed and the line is a node without versions.
func (c *Cursor) beside(line int) bool {
	f := c.frame
	p := f.Page()
	if line < 0 || line >= p.Lines() {
		return false
	}
	n := p.Line(line)
	if flags := n.Flags & (page.NodeVersion | page.NodeDeleted); flags != 0 {
		if t := c.tree; flags != page.NodeVersion || p.DBTime() >= t.versions.CleanBelow(t.dbid) {
			return false
		}
	}
	c.marks[c.now^1].set(&n, c.tree.NonUnique)
	if !f.Valid(c.version) {
		return false
	}
	c.line = int32(line)
	c.now ^= 1
	c.image = nil
	return true
}

// First moves to the first node that s sees; ErrNoCurrentRecord when there is none.
func (c *Cursor) First(s *version.Session) error {
	c.where, c.leaves, c.ahead = beforeFirst, 0, 0
	return c.step(s, false)
}

// Last moves to the last node that s sees; ErrNoCurrentRecord when there is none.
func (c *Cursor) Last(s *version.Session) error {
	c.where, c.leaves, c.ahead = afterLast, 0, 0
	return c.step(s, true)
}

// step moves to the next or previous node from wherever the cursor is.
func (c *Cursor) step(s *version.Session, back bool) error {
	if c.back != back {
		c.back, c.leaves, c.ahead = back, 0, 0
	}
	for range patience {
		f, v, line, err := c.start(back)
		if err != nil {
			return err
		}
		found, again, err := c.scan(s, f, v, line, back)
		if again {
			continue
		}
		if err != nil {
			return err
		}
		if !found {
			c.edge(back)
			return jet.ErrNoCurrentRecord
		}
		return nil
	}
	return c.stepHeld(s, back)
}

// start gives the line from which a move looks for a node.
func (c *Cursor) start(back bool) (f *cache.Frame, v uint64, line int, err error) {
	t := c.tree
	switch c.where {
	case beforeFirst:
		if back {
			return nil, 0, 0, jet.ErrNoCurrentRecord
		}
		f, v, err = t.findEdge(false)
		return f, v, 0, err
	case afterLast:
		if !back {
			return nil, 0, 0, jet.ErrNoCurrentRecord
		}
		if f, v, err = t.findEdge(true); err == nil {
			line = f.Page().Lines() - 1
		}
		return f, v, line, err
	case onNode:
		if c.frame.Valid(c.version) {
			if back {
				return c.frame, c.version, int(c.line) - 1, nil
			}
			return c.frame, c.version, int(c.line) + 1, nil
		}
	case onGap:
	default:
		return nil, 0, 0, jet.ErrNoCurrentRecord
	}
	b := &c.marks[c.now]
	key, data := b.buf[:b.key], b.buf[b.key:]
	if f, v, err = t.find(key, data); err != nil {
		return nil, 0, 0, err
	}
	line, exact := f.Page().SearchLeaf(key, data, t.NonUnique)
	switch {
	case back:
		line--
	case exact:
		line++
	}
	return f, v, line, nil
}

// scan looks from line on for a node that s sees, over as many leaves as it takes, and makes it the present
// one. again says that a page changed underneath: the caller begins anew.
func (c *Cursor) scan(s *version.Session, f *cache.Frame, v uint64, line int, back bool) (found, again bool, err error) {
	t := c.tree
	for {
		if found, again = c.scanLeaf(s, f, v, line, back); found || again {
			return found, again, nil
		}
		p := f.Page()
		pgno, sibling := f.Pgno(), p.Next()
		if back {
			sibling = p.Prev()
		}
		if !f.Valid(v) {
			return false, true, nil
		}
		if sibling == jet.PgnoNull {
			return false, false, nil
		}
		nf, nv, err := t.cache.Get(t.db, sibling)
		if !f.Valid(v) {
			return false, true, nil
		}
		if err != nil {
			return false, false, err
		}
		np := nf.Page()
		link := np.Prev()
		if back {
			link = np.Next()
		}
		if bad := link != pgno || np.ObjID() != t.ObjID || !np.Has(page.FlagLeaf); !nf.Valid(nv) || !f.Valid(v) {
			return false, true, nil
		} else if bad {
			return false, false, errBadSibling
		}
		if line = 0; back {
			line = np.Lines() - 1
		}
		f, v = nf, nv
		c.passLeaf(back)
	}
}

// look reads the bookmark of a line into the spare one and says whether s sees the node, and by which data if
// not by the page's. What it says counts if the page is valid afterwards.
func (c *Cursor) look(s *version.Session, p page.Page, line int) (visible bool, image []byte) {
	t := c.tree
	n := p.Line(line)
	if n.Flags&(page.NodeVersion|page.NodeDeleted) == page.NodeDeleted {
		return false, nil
	}
	b := c.spare()
	b.set(&n, t.NonUnique)
	if n.Flags&page.NodeVersion == 0 {
		return true, nil
	}
	return t.view(s, p, n.Flags, b)
}

// view says how s sees a node that may have versions.
func (t *Tree) view(s *version.Session, p page.Page, flags page.NodeFlags, b *bookmark) (visible bool, image []byte) {
	deleted := flags&page.NodeDeleted != 0
	if flags&page.NodeVersion == 0 || p.DBTime() < t.versions.CleanBelow(t.dbid) {
		return !deleted, nil
	}
	node := t.node(b)
	seen := t.versions.View(s, &node, deleted)
	return seen.Visible, seen.Image
}

// Seek moves to the node that rel says, compared with the bookmark of key and, in non-unique trees, data. A
// search by key alone in a non-unique tree passes no data, and so compares with a place before all nodes of
// that key. When there is no such node the result is None and the cursor is on the gap where the bookmark would
// be: Next and Prev go on from there.
func (c *Cursor) Seek(s *version.Session, key, data []byte, rel Relation) (Match, error) {
	t := c.tree
	if !t.NonUnique {
		data = nil
	}
	c.leaves, c.ahead = 0, 0
	for tries := 0; ; tries++ {
		f, v, err := t.find(key, data)
		if err != nil {
			return None, err
		}
		p := f.Page()
		line, exact := p.SearchLeaf(key, data, t.NonUnique)
		if exact && rel != GT && rel != LT {
			visible, image := c.look(s, p, line)
			if !f.Valid(v) {
				continue
			}
			if visible {
				c.settle(f, v, line, image, s.Trx())
				return Equal, nil
			}
		}
		if rel == EQ {
			if !f.Valid(v) {
				continue
			}
			c.setGap(key, data)
			return None, nil
		}
		back := rel == LE || rel == LT
		switch {
		case back:
			line--
		case exact:
			line++
		}
		found, again, err := c.scan(s, f, v, line, back)
		if again && tries > patience {
			return c.seekHeld(s, key, data, back)
		}
		switch {
		case again:
			continue
		case err != nil:
			return None, err
		case !found:
			c.setGap(key, data)
			return None, nil
		case back:
			return Less, nil
		}
		return Greater, nil
	}
}

// seekHeld ends a Seek that its bookmark's own node does not answer, leaf by leaf from the root.
func (c *Cursor) seekHeld(s *version.Session, key, data []byte, back bool) (Match, error) {
	c.setGap(key, data)
	err := c.stepHeld(s, back)
	switch {
	case jet.CodeOf(err) == jet.ErrNoCurrentRecord:
		c.where = onGap
		return None, nil
	case err != nil:
		return None, err
	case back:
		return Less, nil
	}
	return Greater, nil
}

// SetGap puts the cursor where the bookmark is or would be without looking: Next and Prev go on from there.
func (c *Cursor) SetGap(key, data []byte) {
	c.leaves, c.ahead = 0, 0
	c.setGap(key, data)
}

func (c *Cursor) setGap(key, data []byte) {
	c.spare().setBytes(key, data)
	c.now ^= 1
	c.frame, c.image, c.where = nil, nil, onGap
}

// Data gives the present node's data as s sees them. They lie in the page, or are a before image; the caller
// copies what it needs and then asks Valid, and calls Data again if that does not hold. ErrRecordDeleted says
// that s does not see the node any more, ErrNoCurrentRecord that the cursor is on no node.
func (c *Cursor) Data(s *version.Session) ([]byte, error) {
	if c.where != onNode {
		return nil, jet.ErrNoCurrentRecord
	}
	if c.frame.Valid(c.version) {
		if c.image == nil {
			return c.frame.Page().LineData(int(c.line)), nil
		}
		if trx := s.Trx(); trx != nil && trx == c.imageTrx {
			return c.image, nil
		}
	}
	return c.refresh(s)
}

// refresh finds the present node again and gives its data.
func (c *Cursor) refresh(s *version.Session) ([]byte, error) {
	t := c.tree
	for {
		b := &c.marks[c.now]
		key, data := b.buf[:b.key], b.buf[b.key:]
		f, v, err := t.find(key, data)
		if err != nil {
			return nil, err
		}
		p := f.Page()
		line, exact := p.SearchLeaf(key, data, t.NonUnique)
		visible, image := false, []byte(nil)
		if exact {
			visible, image = t.view(s, p, p.LineFlags(line), b)
		}
		if !f.Valid(v) {
			continue
		}
		if !visible {
			return nil, jet.ErrRecordDeleted
		}
		c.frame, c.version, c.line = f, v, int32(line)
		c.image, c.imageTrx = image, s.Trx()
		if image != nil {
			return image, nil
		}
		return p.LineData(line), nil
	}
}
