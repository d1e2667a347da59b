package btree

import (
	"bytes"

	"esent/internal/engine/btree/ops"
	"esent/internal/engine/cache"
	"esent/internal/engine/page"
	"esent/internal/engine/version"
	"esent/internal/jet"
	"esent/internal/logstore"
)

// Loader adds many nodes to a tree, in order and without versions: the entries of an index that is being built. Nodes
// that come behind all others go to the last leaf in groups, with one latch and one lock of the log for what a page
// takes. Pages, and the records that redo sees, are the same as if each node had been inserted by itself.
type Loader struct {
	tree *Tree
	s    *version.Session
	at   Cursor // adds what does not go in a group

	// The nodes that were added and are not in the tree yet lie one behind the other in buf.
	buf   []byte
	nodes []loadNode
	last  bookmark // the one before them, if its key is not empty

	recs []byte
	ends []int
}

// loadNode is a node in Loader.buf: its key lies from from to data, its data from there to end.
type loadNode struct {
	from, data, end uint32
	prefix          int // of the page's prefix key
}

// loadBatch is how many bytes of nodes are gathered.
const loadBatch = 32 << 10

// NewLoader begins adding nodes in a session's transaction. Flush must follow the last.
func NewLoader(t *Tree, s *version.Session) *Loader {
	l := &Loader{tree: t, s: s}
	l.at.Init(t)
	return l
}

// Add adds a node. One that is not behind the node added before is inserted as by Cursor.Insert, with its errors; the
// Loader can go on after them. Errors of adding a group end its use.
func (l *Loader) Add(key, data []byte) error {
	if len(key)+len(data) > l.tree.MaxNode() || len(key) == 0 {
		return jet.ErrRecordTooBig
	}
	if len(l.buf)+len(key)+len(data) > loadBatch {
		if err := l.Flush(); err != nil {
			return err
		}
	}
	if !l.follows(key, data) {
		if err := l.Flush(); err != nil {
			return err
		}
		return l.at.Insert(l.s, key, data, Unversioned)
	}
	n := loadNode{from: uint32(len(l.buf))}
	l.buf = append(l.buf, key...)
	n.data = uint32(len(l.buf))
	l.buf = append(l.buf, data...)
	n.end = uint32(len(l.buf))
	l.nodes = append(l.nodes, n)
	return nil
}

// follows says that a node comes behind the one added before.
func (l *Loader) follows(key, data []byte) bool {
	before, mark := l.last.buf[:l.last.key], l.last.buf[l.last.key:]
	if n := len(l.nodes); n > 0 {
		before, mark = l.node(n - 1)
	}
	c := bytes.Compare(before, key)
	return c < 0 || c == 0 && l.tree.NonUnique && bytes.Compare(mark, data) < 0
}

func (l *Loader) node(i int) (key, data []byte) {
	n := &l.nodes[i]
	return l.buf[n.from:n.data:n.data], l.buf[n.data:n.end:n.end]
}

// Flush puts what was added into the tree.
func (l *Loader) Flush() error {
	count := len(l.nodes)
	for i := 0; i < count; i++ {
		n, err := l.fill(i)
		if err != nil {
			return err
		}
		if i += n; i == count {
			break
		}
		// The page is full: the next node splits it.
		key, data := l.node(i)
		if err := l.at.Insert(l.s, key, data, Unversioned); err != nil {
			return err
		}
	}
	if count > 0 {
		l.last.setBytes(l.node(count - 1))
	}
	l.buf, l.nodes = l.buf[:0], l.nodes[:0]
	return nil
}

// fill adds the nodes from i on to the last leaf, as many as it takes: none if they do not come behind all others.
func (l *Loader) fill(i int) (n int, err error) {
	t, s := l.tree, l.s
	if err := t.admit(s, &change{opt: Unversioned}, 0); err != nil {
		return 0, err
	}
	if t.DB.Logged {
		if err := s.Owed(); err != nil {
			return 0, err
		}
	}
	key, mark := l.node(i)
	if !t.NonUnique {
		mark = nil
	}
	f, line, exact, err := t.lockForInsert(key, mark)
	if err != nil {
		return 0, err
	}
	p := f.Page()
	if !exact && line == p.Lines() && p.Next() == jet.PgnoNull {
		n = l.taken(p, i)
	}
	if n == 0 {
		f.UnlockUnchanged()
		return 0, nil
	}
	return l.append(f, l.nodes[i:i+n])
}

// taken is how many of the nodes from i on can be added to the leaf before it has to be split, as Tree.fits would say.
// It notes their prefixes.
func (l *Loader) taken(p page.Page, i int) (n int) {
	prefix, lines := p.PrefixKey(), p.Lines()
	free, left := p.FreeBytes(), p.LinesLeft()
	reserve := int(l.tree.reserve.Load())
	for ; i+n < len(l.nodes) && n < left; n++ {
		x := &l.nodes[i+n]
		var size int
		x.prefix, size = page.EncodedSize(prefix, l.buf[x.from:x.data], int(x.end-x.data))
		room := size
		if lines+n > 0 {
			room += reserve
		}
		if room > free {
			break
		}
		free -= size
	}
	return n
}

// append logs and adds nodes that a latched leaf takes behind its last line, and unlatches it. Where only some can be
// logged these are added.
func (l *Loader) append(f *cache.Frame, nodes []loadNode) (n int, err error) {
	t, s, p := l.tree, l.s, f.Page()
	n = len(nodes)
	first := t.DB.NextDBTimes(n)
	before := p.DBTime()
	if first <= before {
		f.UnlockUnchanged()
		return 0, jet.ErrDbTimeCorrupted
	}
	base := p.Lines()
	r := logstore.Insert{NodeOp: logstore.NodeOp{FDP: t.FDP, ObjID: t.ObjID, PageOp: logstore.PageOp{Proc: s.Proc,
		DB: t.dbid, Pgno: f.Pgno(), Trx: s.Begin0(), Level: s.Level(), Flags: t.opFlags()}}}
	set := func(i int) {
		x := &nodes[i]
		r.Line, r.DBTime, r.DBTimeBefore = uint16(base+i), first+jet.DBTime(i), before
		if i > 0 {
			r.DBTimeBefore = r.DBTime - 1
		}
		r.PrefixLen, r.Key, r.Data = x.prefix, l.buf[x.from:x.data], l.buf[x.data:x.end]
	}
	var start, end jet.LogPos
	if t.DB.Logged {
		l.recs, l.ends = l.recs[:0], l.ends[:0]
		for i := range nodes {
			set(i)
			l.recs = r.Append(l.recs)
			l.ends = append(l.ends, len(l.recs))
		}
		if start, end, n, err = s.LogEach(l.recs, l.ends); n == 0 {
			f.UnlockUnchanged()
			return 0, err
		}
	}
	run := ops.BeginRun(p)
	for i := range n {
		set(i)
		if e := t.DB.Kernel.Applied(run.Insert(&r)); e != nil {
			err = e
			break
		}
	}
	run.Close()
	f.Dirty(start, end)
	if t.tail.Load() != f {
		t.tail.Store(f)
	}
	f.Unlock()
	return n, err
}
