package btree

import (
	"esent/internal/engine/btree/ops"
	"esent/internal/engine/cache"
	"esent/internal/engine/page"
	"esent/internal/engine/version"
	"esent/internal/jet"
	"esent/internal/logstore"
)

// CleanUp removes the flag-deleted nodes without versions from the page of a bookmark, and merges the page away
// when nothing or little stays. Session s is in a transaction; the changes are not versioned.
func (t *Tree) CleanUp(s *version.Session, key, mark []byte) error {
	sparse, err := t.cleanPage(s, key, mark)
	if err != nil || !sparse {
		return err
	}
	_, err = t.merge(s, key, mark)
	return err
}

// removable says that line i is flag-deleted and has no versions. The page is latched, or its version is
// validated afterwards.
func (t *Tree) removable(p page.Page, i int, b *bookmark) bool {
	n := p.Line(i)
	if n.Flags&page.NodeDeleted == 0 {
		return false
	}
	if n.Flags&page.NodeVersion == 0 || p.DBTime() < t.versions.CleanBelow(t.dbid) {
		return true
	}
	b.set(&n, t.NonUnique)
	node := t.node(b)
	return !t.versions.HasVersions(&node)
}

// isDeleted says whether the tree has the node of a bookmark, flag-deleted.
func (t *Tree) isDeleted(key, mark []byte) (bool, error) {
	for {
		f, v, err := t.find(key, mark)
		if err != nil {
			return false, err
		}
		p := f.Page()
		line, exact := p.SearchLeaf(key, mark, t.NonUnique)
		deleted := exact && p.LineFlags(line)&page.NodeDeleted != 0
		if f.Valid(v) {
			return deleted, nil
		}
	}
}

// cleanPage removes what can be removed on one page, but never the last node of a page that is not the root.
// sparse says that a merge is worth trying.
func (t *Tree) cleanPage(s *version.Session, key, mark []byte) (sparse bool, err error) {
	f, _, exact, err := t.lockLeaf(key, mark)
	if err != nil {
		return false, err
	}
	p := f.Page()
	if !exact {
		f.UnlockUnchanged()
		return false, nil
	}
	var b bookmark
	changed, kept, used := false, 0, 0
	next := jet.PgnoNull
	for i := p.Lines() - 1; i >= 0; i-- {
		if !t.removable(p, i, &b) {
			kept++
			continue
		}
		if p.Lines() == 1 && !p.Has(page.FlagRoot) {
			break
		}
		if err := t.removeLine(s, f, i); err != nil {
			f.Unlock()
			return false, err
		}
		changed = true
	}
	if !p.Has(page.FlagRoot) {
		sparse = kept == 0
		next, used = p.Next(), page.Capacity(len(p))-p.CbFree()
	}
	if changed {
		f.Unlock()
	} else {
		f.UnlockUnchanged()
	}
	if sparse || next == jet.PgnoNull {
		return sparse, nil
	}
	// It is worth a read from the file only for pages that are rather empty.
	if m := t.cache; used <= page.Capacity(t.DB.PageSize)/2 || m.Cached(t.db, next) {
		f, v, err := m.Get(t.db, next)
		if err != nil {
			return false, nil
		}
		free := f.Page().CbFree()
		return f.Valid(v) && used+int(t.reserve.Load()) <= free, nil
	}
	return false, nil
}

// removeLine deletes line i of a latched page for good.
func (t *Tree) removeLine(s *version.Session, f *cache.Frame, i int) error {
	if t.DB.Logged {
		if err := s.Owed(); err != nil {
			return err
		}
	}
	w := change{kind: kindDelete, opt: Unversioned}
	op, err := t.nodeOp(s, f, i, &w)
	if err != nil {
		return err
	}
	start, end, err := t.logAndApply(s, f.Page(), &w, op)
	if err != nil {
		return err
	}
	f.Dirty(start, end)
	return nil
}

// merge takes the leaf of a bookmark out of the tree if all its nodes can go, or fit the next leaf, and gives the
// number of pages that became free.
func (t *Tree) merge(s *version.Session, key, mark []byte) (freed int, err error) {
	if t.IsSpace() {
		// Their pages would have to go to the space trees themselves; they are few.
		return 0, nil
	}
	t.lockStructure()
	defer t.unlockStructure()
	if t.DB.Logged {
		if err := s.Owed(); err != nil {
			return 0, err
		}
	}
	var path []level
	defer func() { releasePath(path) }()
	for try := 0; try < 8; try++ {
		releasePath(path)
		if path, err = t.descend(path, key, mark); err != nil {
			return 0, err
		}
		if len(path) == 1 {
			return 0, nil
		}
		whole := true
		for i := range path {
			whole = whole && path[i].copy()
		}
		if !whole {
			continue
		}
		m := t.planMerge(path)
		if m == nil {
			return 0, nil
		}
		ok, err := t.executeMerge(s, m)
		if err != nil || !ok {
			if err != nil {
				return 0, err
			}
			continue
		}
		for _, pgno := range m.emptied {
			if err := t.Source.FreePage(s, t, pgno); err != nil {
				return freed, err
			}
			freed++
		}
		return freed, nil
	}
	return 0, nil
}

// mergePlan is a decision how to merge a leaf away (spec chapter 03, 7).
type mergePlan struct {
	kind    logstore.MergeKind
	levels  []level // the pages of the path that change, from the top; the last is the leaf
	flags   []uint8
	sep     []byte
	left    jet.Pgno
	right   jet.Pgno
	emptied []jet.Pgno
	size    int // of the nodes that move
}

// planMerge decides on the copies of the path; nil when the leaf must stay.
func (t *Tree) planMerge(path []level) *mergePlan {
	leaf := &path[len(path)-1]
	p := leaf.page
	m := &mergePlan{kind: logstore.MergeFullRight, left: p.Prev(), right: p.Next()}
	var b bookmark
	live := 0
	for i := range p.Lines() {
		if t.removable(p, i, &b) {
			continue
		}
		if p.LineFlags(i)&page.NodeDeleted != 0 || t.reserved(p, i) != 0 {
			return nil // its versions are still wanted
		}
		live++
		n := p.Line(i)
		m.size += n.Size()
	}
	switch {
	case live == 0 && m.left == jet.PgnoNull && m.right == jet.PgnoNull:
		return t.planEmptyTree(m, path)
	case live == 0:
		m.kind = logstore.MergeEmptyPage
	case m.right == jet.PgnoNull:
		return nil
	}
	return t.planParents(m, path)
}

// planEmptyTree makes the root the only page, if it has one child a level.
func (t *Tree) planEmptyTree(m *mergePlan, path []level) *mergePlan {
	const mostPages = 8
	if len(path)-1 > mostPages {
		return nil
	}
	for i := range path {
		if i < len(path)-1 && path[i].page.Lines() != 1 {
			return nil
		}
		if i > 0 {
			m.emptied = append(m.emptied, path[i].pgno)
		}
	}
	m.kind, m.levels = logstore.MergeEmptyTree, path
	return m
}

// planParents finds out which pointers and keys change above a leaf that goes away.
func (t *Tree) planParents(m *mergePlan, path []level) *mergePlan {
	flags := make([]uint8, len(path))
	last := len(path) - 1
	flags[last] = logstore.MergeEmptiesPage
	m.emptied = append(m.emptied, path[last].pgno)
	top := last
	keyChange := false
parents:
	for i := last - 1; i >= 0; i-- {
		l, child := &path[i], i+1
		lines := l.page.Lines()
		if l.page.Child(l.line) != path[child].pgno {
			return nil
		}
		switch {
		case lines == 1:
			if flags[child]&logstore.MergeEmptiesPage != 0 {
				if i == 0 || m.right == jet.PgnoNull && i == last-1 {
					// The root keeps its pointer. And the pointer of the leaf on the left is under a page
					// that is not in the path: it could not be made the last of its level.
					return nil
				}
				flags[i] = logstore.MergeEmptiesPage
				m.emptied = append(m.emptied, l.pgno)
			} else {
				if !t.keyFits(l, m.sep) {
					return nil
				}
				flags[i] = logstore.MergeKeyChange
			}
			top = i
		case l.line == lines-1:
			top = i
			if keyChange {
				if !t.keyFits(l, m.sep) {
					return nil
				}
				flags[i] = logstore.MergeKeyChange
				continue
			}
			keyChange = true
			flags[i] = logstore.MergeDeleteNode
			m.sep = l.page.AppendKey(l.line-1, nil)
			if l.page.KeyLen(l.line) == 0 {
				break parents
			}
		default:
			switch {
			case flags[child]&logstore.MergeEmptiesPage != 0:
				flags[i] = logstore.MergeDeleteNode
				top = i
			case flags[child]&logstore.MergeKeyChange != 0, flags[child]&logstore.MergeDeleteNode != 0 && path[child].line == path[child].page.Lines()-1:
				if !t.keyFits(l, m.sep) {
					return nil
				}
				flags[i] = logstore.MergeKeyChange
				top = i
			}
			break parents
		}
	}
	if top == last {
		return nil
	}
	m.levels, m.flags = path[top:], flags[top:]
	return m
}

// keyFits says whether the pointer of a level can get another key without a split.
func (t *Tree) keyFits(l *level, key []byte) bool {
	n := l.page.Line(l.line)
	now := 2 + len(n.Suffix) + len(n.Data) + 4
	if n.Flags&page.NodeCompressed != 0 {
		now += 2
	}
	return l.page.NodeSize(key, 4)-now <= l.page.FreeBytes()
}

// executeMerge does what was planned if no page has changed since; else ok is false.
func (t *Tree) executeMerge(s *version.Session, m *mergePlan) (ok bool, err error) {
	k := t.DB.Kernel
	var pages latched
	defer pages.release()
	last := len(m.levels) - 1
	for i := range m.levels {
		l := &m.levels[i]
		if i == last && m.left != jet.PgnoNull {
			f, err := k.Cache.Lock(t.db, m.left)
			if err != nil {
				return false, err
			}
			pages.add(f)
			if p := f.Page(); p.Next() != l.pgno || p.ObjID() != t.ObjID {
				return false, errBadSibling
			}
		}
		if !l.frame.Upgrade(l.version) {
			return false, nil
		}
		pages.add(l.frame)
	}
	leaf := &m.levels[last]
	var right *cache.Frame
	if m.right != jet.PgnoNull {
		if right, err = k.Cache.Lock(t.db, m.right); err != nil {
			return false, err
		}
		pages.add(right)
		if p := right.Page(); p.Prev() != leaf.pgno || p.ObjID() != t.ObjID {
			return false, errBadSibling
		}
	}
	if m.kind == logstore.MergeFullRight && !t.takesAll(right.Page(), leaf.page) {
		m.emptied = nil
		return true, nil
	}
	if t.DB.Logged && m.kind == logstore.MergeFullRight {
		if _, err := k.Versions.LogUndo(t.dbid, leaf.pgno); err != nil {
			return false, err
		}
	}
	now := t.DB.NextDBTime()
	for i := range pages.set {
		if now <= pages.set[i].Page.DBTime() {
			return false, jet.ErrDbTimeCorrupted
		}
	}
	if m.kind == logstore.MergeEmptyTree {
		return true, t.logEmptyTree(s, m, &pages, now)
	}
	return true, t.logMerge(s, m, &pages, right, now)
}

// maxMerged is the most lines that a page has after a merge; page headers count to 4095.
const maxMerged = 4000

// takesAll says whether the live nodes of src fit dest with its own prefix, leaving what its density asks for.
func (t *Tree) takesAll(dest, src page.Page) bool {
	var b bookmark
	need := int(t.reserve.Load())
	var key []byte
	lines := dest.Lines()
	for i := range src.Lines() {
		if t.removable(src, i, &b) {
			continue
		}
		n := src.Line(i)
		key = n.AppendKey(key[:0])
		need += dest.NodeSize(key, len(n.Data))
		lines++
	}
	return t.hasRoom(dest, need) && lines < maxMerged
}

func (t *Tree) logMerge(s *version.Session, m *mergePlan, pages *latched, right *cache.Frame, now jet.DBTime) error {
	last := len(m.levels) - 1
	g := ops.MergeGroup{DBTime: now}
	for i := range m.levels {
		l := &m.levels[i]
		r := &logstore.Merge{
			PageOp: logstore.PageOp{Proc: s.Proc, DB: t.dbid, Pgno: l.pgno, DBTime: now, DBTimeBefore: l.page.DBTime(),
				Trx: s.Begin0(), Level: s.Level(), Line: uint16(l.line), Flags: t.opFlags()},
			FDP: t.FDP, ObjID: t.ObjID, MergeFlags: m.flags[i],
			DBTimeRightBefore: jet.DBTimeNil, DBTimeLeftBefore: jet.DBTimeNil, DBTimeParentBefore: jet.DBTimeNil,
		}
		if i > 0 {
			r.Parent, r.DBTimeParentBefore = m.levels[i-1].pgno, m.levels[i-1].page.DBTime()
		}
		if i == last {
			r.Kind, r.ParentKey = m.kind, m.sep
			r.Left, r.Right = m.left, m.right
			for _, e := range pages.set {
				if e.Pgno == m.left {
					r.DBTimeLeftBefore = e.Page.DBTime()
				}
				if e.Pgno == m.right {
					r.DBTimeRightBefore = e.Page.DBTime()
				}
			}
			if m.kind == logstore.MergeFullRight {
				r.SizeTotal, r.SizeMaximum = uint16(m.size), uint16(m.size)
				r.UncommittedFree = uint16(right.Page().CbUncommittedFree())
				r.Image, r.ImageFlags = ops.AppendImage(nil, l.page, now)
			}
		}
		g.Path = append(g.Path, r)
	}
	mac := macro{t: t, s: s, now: now}
	err := mac.begin()
	for _, r := range g.Path {
		if err == nil {
			err = mac.append(r)
		}
	}
	if err = mac.end(err, pages.set); err != nil {
		return err
	}
	err = t.DB.Kernel.Applied(g.Apply(pages.set))
	pages.done(mac.from, mac.to)
	return err
}

func (t *Tree) logEmptyTree(s *version.Session, m *mergePlan, pages *latched, now jet.DBTime) error {
	root := &m.levels[0]
	r := logstore.EmptyTree{NodeOp: logstore.NodeOp{PageOp: logstore.PageOp{Proc: s.Proc, DB: t.dbid, Pgno: root.pgno,
		DBTime: now, DBTimeBefore: root.page.DBTime(), Trx: s.Begin0(), Level: s.Level(), Flags: t.opFlags()},
		FDP: t.FDP, ObjID: t.ObjID}}
	for i := range m.levels[1:] {
		l := &m.levels[1+i]
		r.Pages = append(r.Pages, logstore.EmptiedPage{DBTimeBefore: l.page.DBTime(), Pgno: l.pgno, Flags: uint32(l.page.Flags())})
	}
	var start, end jet.LogPos
	if t.DB.Logged {
		var err error
		s.Buf = r.Append(s.Buf[:0])
		if start, end, err = s.Log(s.Buf); err != nil {
			return err
		}
	}
	err := t.DB.Kernel.Applied(ops.EmptyTree(pages.set, &r))
	pages.done(start, end)
	return err
}
