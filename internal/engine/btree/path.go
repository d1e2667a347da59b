package btree

import (
	"errors"
	"sync"

	"esent/internal/engine/btree/ops"
	"esent/internal/engine/cache"
	"esent/internal/engine/page"
	"esent/internal/engine/version"
	"esent/internal/jet"
	"esent/internal/logstore"
)

// level is one page of a path from a root to a leaf, for a change of structure.
type level struct {
	pgno    jet.Pgno
	frame   *cache.Frame
	version uint64
	held    bool // the page is latched already
	line    int  // of the pointer to the page below
	// page is a private copy, once it was asked for.
	page page.Page
	buf  *[page.MaxSize]byte

	change  ops.LineChange
	plan    *splitPlan
	newPage jet.Pgno
}

var pageBuffers = sync.Pool{New: func() any { return new([page.MaxSize]byte) }}

// copy makes the private copy; false says that the page has changed since the path was taken.
func (l *level) copy() bool {
	if l.page != nil {
		return true
	}
	l.buf = pageBuffers.Get().(*[page.MaxSize]byte)
	p := l.frame.Page()
	copied := page.Page(l.buf[:copy(l.buf[:], p)])
	if !l.held && !l.frame.Valid(l.version) {
		return false
	}
	l.page = copied
	return true
}

// latch latches the page if it has not changed since the path was taken.
func (l *level) latch() bool {
	if l.held {
		l.held = false // the latch is the caller's now
		return true
	}
	return l.frame.Upgrade(l.version)
}

// releaseLatches gives the latches of a held path back.
func releaseLatches(path []level) {
	for i := range path {
		if path[i].held {
			path[i].frame.UnlockUnchanged()
			path[i].held = false
		}
	}
}

func releasePath(path []level) {
	releaseLatches(path)
	for i := range path {
		if path[i].buf != nil {
			pageBuffers.Put(path[i].buf)
			path[i].buf, path[i].page = nil, nil
		}
	}
}

// descend takes the path to the leaf of a bookmark. The caller holds the SMO mutex, so that the structure stays
// as it is; leaves and the root's external header may change.
func (t *Tree) descend(path []level, key, mark []byte) ([]level, error) {
	m := t.cache
restart:
	for {
		path = path[:0]
		pgno := t.Root
		for {
			f, v, err := m.Get(t.db, pgno)
			if err != nil {
				return path, err
			}
			p := f.Page()
			if p.Has(page.FlagLeaf) {
				if !f.Valid(v) {
					continue restart
				}
				return append(path, level{pgno: pgno, frame: f, version: v}), nil
			}
			line := p.SearchInternal(key, mark)
			child := p.Child(line)
			lines := p.Lines()
			if !f.Valid(v) {
				continue restart
			}
			if line >= lines || child == jet.PgnoNull {
				return path, errNoChild
			}
			if len(path) > maxDepth {
				return path, errTooDeep
			}
			path = append(path, level{pgno: pgno, frame: f, version: v, line: line})
			pgno = child
		}
	}
}

// descendHeld is descend that keeps every page of the path latched, for when the cache gives up pages faster than
// they can be planned with (see held.go).
func (t *Tree) descendHeld(path []level, key, mark []byte) ([]level, error) {
	path = path[:0]
	pgno := t.Root
	for {
		f, err := t.cache.Lock(t.db, pgno)
		if err != nil {
			return path, err
		}
		path = append(path, level{pgno: pgno, frame: f, held: true})
		p := f.Page()
		if p.Has(page.FlagLeaf) {
			return path, nil
		}
		line := p.SearchInternal(key, mark)
		path[len(path)-1].line = line
		if pgno = p.Child(line); line >= p.Lines() || pgno == jet.PgnoNull {
			return path, errNoChild
		}
		if len(path) > maxDepth {
			return path, errTooDeep
		}
	}
}

// latched are the pages that a change of structure has latched.
type latched struct {
	frames []*cache.Frame
	set    ops.PageSet
}

func (l *latched) add(f *cache.Frame) {
	l.frames = append(l.frames, f)
	l.set = append(l.set, ops.PageEntry{Pgno: f.Pgno(), Page: f.Page(), Apply: true})
}

// release gives the latches back, nothing having been changed.
func (l *latched) release() {
	for _, f := range l.frames {
		f.UnlockUnchanged()
	}
	l.frames, l.set = l.frames[:0], l.set[:0]
}

// done gives the latches back after the change of the records [start, end).
func (l *latched) done(start, end jet.LogPos) {
	for _, f := range l.frames {
		f.Dirty(start, end)
		f.Unlock()
	}
	l.frames, l.set = l.frames[:0], l.set[:0]
}

// macro logs records as one group. Its pages are changed by [from, to).
type macro struct {
	t    *Tree
	s    *version.Session
	from jet.LogPos
	to   jet.LogPos
	now  jet.DBTime
}

func (m *macro) append(r logstore.Record) error {
	if !m.t.DB.Logged {
		return nil
	}
	m.s.Buf = r.Append(m.s.Buf[:0])
	pos, end, err := m.s.Log(m.s.Buf)
	if err != nil {
		return err
	}
	if m.from == 0 {
		m.from = pos
	}
	m.to = end
	return nil
}

func (m *macro) mark(kind logstore.RecType) error {
	return m.append(&logstore.Macro{Kind: kind, Proc: m.s.Proc, DBTime: m.now})
}

func (m *macro) begin() error { return m.mark(logstore.RecMacroBegin) }

// end ends the group and tells which pages it has. Where some record could not be logged, err, or the end cannot be, the
// group is given up and nothing of it counts.
func (m *macro) end(err error, set ops.PageSet) error {
	if err == nil {
		err = m.mark(logstore.RecMacroCommit)
	}
	if err != nil {
		if m.from == 0 {
			return err
		}
		return errors.Join(err, m.mark(logstore.RecMacroAbort))
	}
	from, to := m.from, m.to
	info := logstore.MacroInfo{DB: m.t.dbid, Pages: make([]jet.Pgno, len(set))}
	for i := range set {
		info.Pages[i] = set[i].Pgno
	}
	// It is a hint, no part of the change: the log may do without it.
	_ = m.append(&info)
	m.from, m.to = from, to
	return nil
}

// newPage formats a page that the tree was given.
func (t *Tree) newPage(s *version.Session, pgno jet.Pgno) error {
	f, err := t.cache.LockNew(t.db, pgno)
	if err != nil {
		return err
	}
	r := logstore.NewPage{Proc: s.Proc, DB: t.dbid, Pgno: pgno, ObjID: t.ObjID, DBTime: t.DB.NextDBTime()}
	var start, end jet.LogPos
	if t.DB.Logged {
		s.Buf = r.Append(s.Buf[:0])
		if start, end, err = s.Log(s.Buf); err != nil {
			t.cache.Discard(f)
			return err
		}
	}
	ops.NewPage(f.Page(), &r)
	f.Dirty(start, end)
	f.Unlock()
	return nil
}
