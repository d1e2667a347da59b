package btree

import (
	"esent/internal/engine/btree/ops"
	"esent/internal/engine/cache"
	"esent/internal/engine/page"
	"esent/internal/engine/version"
	"esent/internal/jet"
	"esent/internal/logstore"
)

// split makes room for a change that did not fit its leaf, and does it on the way when it can: done says so.
// Else the caller tries the change again. No latch is held.
func (t *Tree) split(s *version.Session, w *change) (done bool, err error) {
	t.lockStructure()
	defer t.unlockStructure()
	if t.DB.Logged {
		if err := s.Owed(); err != nil {
			return false, err
		}
	}
	var fresh []jet.Pgno
	var path []level
	x := splitters.Get().(*splitter)
	defer func() {
		releasePath(path)
		splitters.Put(x)
		for _, pgno := range fresh {
			if e := t.Source.FreePage(s, t, pgno); err == nil {
				err = e
			}
		}
	}()
	for tries := 0; ; tries++ {
		releasePath(path)
		down := t.descend
		if tries > patience {
			down = t.descendHeld
		}
		if path, err = down(path, w.key, w.mark); err != nil {
			return false, err
		}
		leaf := &path[len(path)-1]
		if !leaf.copy() {
			continue
		}
		fits, err := t.judgeSplit(s, leaf, w)
		if err != nil || fits {
			return false, err
		}
		plan, top, ok, err := t.planPath(x, path, w)
		if err != nil {
			return false, err
		}
		if !ok {
			continue
		}
		need := pagesNeeded(plan[top:])
		if need > len(fresh) {
			held := path[0].held
			if held {
				releaseLatches(path)
			}
			if fresh, err = t.allocate(s, plan[top:], fresh); err != nil {
				return false, err
			}
			if held {
				continue
			}
		}
		releaseLatches(path[:top])
		ok, err = t.executeSplit(s, plan[top:], fresh[:need], w)
		if err != nil {
			return false, err
		}
		if ok {
			fresh = fresh[need:]
			return len(plan) == len(path) && plan[len(plan)-1].plan.oper != logstore.SplitOperNone, nil
		}
	}
}

// pagesNeeded is how many new pages a plan takes.
func pagesNeeded(plan []level) (n int) {
	for i := range plan {
		if plan[i].plan != nil {
			n++
		}
	}
	return n
}

// allocate gets the pages that a plan takes beyond the fresh ones, from the top. No latch is held.
func (t *Tree) allocate(s *version.Session, plan []level, fresh []jet.Pgno) ([]jet.Pgno, error) {
	have := len(fresh)
	for i := range plan {
		if plan[i].plan == nil {
			continue
		}
		if have > 0 {
			have--
			continue
		}
		pgno, err := t.Source.AllocPage(s, t, plan[i].pgno, plan[i].plan.kind == logstore.SplitAppend)
		if err != nil {
			return fresh, err
		}
		fresh = append(fresh, pgno)
		if err := t.newPage(s, pgno); err != nil {
			return fresh, err
		}
	}
	return fresh, nil
}

// judgeSplit sets up the operation at the leaf, on its copy; fits says that it needs no split any more.
func (t *Tree) judgeSplit(s *version.Session, leaf *level, w *change) (fits bool, err error) {
	p := leaf.page
	line, exact := p.SearchLeaf(w.key, w.mark, t.NonUnique)
	need := 0
	if w.kind == kindReplace {
		if !exact || p.LineFlags(line)&page.NodeDeleted != 0 {
			return false, jet.ErrRecordDeleted
		}
		need = max(0, len(w.data)-len(p.LineData(line)))
	} else if need, err = t.judgeInsert(s, p, line, exact, w); err != nil {
		return false, err
	}
	if t.fits(p, line, need, w) {
		return true, nil
	}
	leaf.line = line
	o := &leaf.change
	*o = ops.LineChange{Line: line, Node: page.Node{Suffix: w.key, Data: w.data}}
	if w.versioned() {
		o.Node.Flags = page.NodeVersion
	}
	switch w.kind {
	case kindInsert:
		o.Oper = logstore.SplitOperInsert
	case kindReviveNew:
		o.Oper = logstore.SplitOperFlagInsertAndReplaceData
	default:
		o.Oper = logstore.SplitOperReplace
	}
	return false, nil
}

// claimed is what a rollback may claim for the node of the operation once that is done.
func (t *Tree) claimed(leaf *level, w *change) int {
	if w.kind == kindInsert || !w.versioned() {
		return 0
	}
	old := len(leaf.page.LineData(leaf.line))
	return max(0, old+t.reserved(leaf.page, leaf.line)-len(w.data))
}

// planPath plans the split of the leaf and of all pages above that overflow by it. It returns the part of the
// path that takes part, and where it begins. ok is false when a page changed meanwhile.
func (t *Tree) planPath(x *splitter, path []level, w *change) (plan []level, top int, ok bool, err error) {
	at := len(path) - 1
	l := &path[at]
	x.measure(t, l.page, &l.change, t.claimed(l, w))
	if l.plan, err = x.plan(false); err != nil {
		return nil, 0, false, err
	}
	for l.plan.kind != logstore.SplitVertical {
		if at == 0 {
			return nil, 0, false, errBadChild
		}
		child := l
		at--
		l = &path[at]
		if !l.copy() {
			return nil, 0, false, nil
		}
		if l.page.Child(l.line) != child.pgno {
			return nil, 0, false, errBadChild
		}
		sep := child.plan.sep
		if l.page.Fits(l.page.NodeSize(sep, 4)) {
			l.plan = nil
			return path, at, true, nil
		}
		l.change.SetPointer(l.line, sep, child.pgno, child.pgno)
		x.measure(t, l.page, &l.change, 0)
		if l.plan, err = x.plan(child.plan.kind == logstore.SplitAppend); err != nil {
			return nil, 0, false, err
		}
		if l.plan.oper == logstore.SplitOperNone {
			path = path[:at+1]
		}
	}
	return path, at, true, nil
}

// executeSplit does what was planned if no page has changed since; else ok is false.
func (t *Tree) executeSplit(s *version.Session, plan []level, fresh []jet.Pgno, w *change) (ok bool, err error) {
	m := t.cache
	var pages latched
	for i := range plan {
		l := &plan[i]
		if !l.latch() {
			pages.release()
			return false, nil
		}
		pages.add(l.frame)
		if l.plan == nil {
			continue
		}
		l.newPage, fresh = fresh[0], fresh[1:]
		f, err := m.Lock(t.db, l.newPage)
		if err != nil {
			pages.release()
			return false, err
		}
		pages.add(f)
	}
	last := &plan[len(plan)-1]
	leaf := last.page.Has(page.FlagLeaf)
	var right *cache.Frame
	if next := last.page.Next(); leaf && next != jet.PgnoNull && last.plan.kind != logstore.SplitVertical {
		if right, err = m.Lock(t.db, next); err != nil {
			pages.release()
			return false, err
		}
		pages.add(right)
		if p := right.Page(); p.Prev() != last.pgno || p.ObjID() != t.ObjID || !p.Has(page.FlagLeaf) {
			pages.release()
			return false, errBadSibling
		}
	}
	if err := t.logSplit(s, plan, right, &pages, w); err != nil {
		return false, err
	}
	return true, nil
}

// logSplit makes version entries, logs and applies a split whose pages are latched, and unlatches them.
func (t *Tree) logSplit(s *version.Session, plan []level, right *cache.Frame, pages *latched, w *change) error {
	last := &plan[len(plan)-1]
	if t.DB.Logged && last.plan.moves && last.page.Has(page.FlagLeaf) {
		if _, err := t.versions.LogUndo(t.dbid, last.pgno); err != nil {
			pages.release()
			return err
		}
	}
	operates := last.plan.oper != logstore.SplitOperNone
	mark := s.Mark()
	if operates && w.versioned() {
		home := last.pgno
		if last.plan.kind == logstore.SplitVertical || last.plan.line >= last.plan.split {
			home = last.newPage
		}
		if err := t.createEntriesAt(s, last.frame.Page(), home, last.plan.line, w); err != nil {
			s.Withdraw(mark)
			pages.release()
			return err
		}
	}
	now := t.DB.NextDBTime()
	for i := range pages.set {
		if now <= pages.set[i].Page.DBTime() {
			s.Withdraw(mark)
			pages.release()
			return jet.ErrDbTimeCorrupted
		}
	}
	g := ops.SplitGroup{Format: t.DB.Format, DBTime: now}
	for i := range plan {
		var below *level
		if i+1 < len(plan) {
			below = &plan[i+1]
		}
		var above *level
		if i > 0 {
			above = &plan[i-1]
		}
		r := t.splitRecord(s, &plan[i], above, below, now)
		if below == nil && right != nil {
			r.Right, r.DBTimeRightBefore = right.Pgno(), right.Page().DBTime()
		}
		if p := plan[i].plan; p != nil && p.moves {
			r.Image, r.ImageFlags = ops.AppendImage(nil, plan[i].page, now)
		}
		g.Path = append(g.Path, r)
	}
	if operates {
		g.Leaf = t.splitLeafRecord(s, last, now, w)
	}
	mac := macro{t: t, s: s, now: now}
	err := mac.begin()
	for _, r := range g.Path {
		if err == nil {
			err = mac.append(r)
		}
	}
	if g.Leaf != nil && err == nil {
		err = mac.append(g.Leaf)
	}
	if err = mac.end(err, pages.set); err != nil {
		s.Withdraw(mark)
		pages.release()
		return err
	}
	if err := t.DB.Kernel.Applied(g.Apply(pages.set)); err != nil {
		pages.done(mac.from, mac.to)
		return err
	}
	if last.page.Has(page.FlagLeaf) && right == nil {
		for _, f := range pages.frames {
			if f.Pgno() == last.newPage {
				t.tail.Store(f)
			}
		}
	}
	pages.done(mac.from, mac.to)
	return nil
}

// splitRecord is the record of one page of a split. Pages that only receive a pointer have little to say.
func (t *Tree) splitRecord(s *version.Session, l, above, below *level, now jet.DBTime) *logstore.Split {
	p := l.page
	r := &logstore.Split{
		PageOp: logstore.PageOp{Proc: s.Proc, DB: t.dbid, Pgno: l.pgno, DBTime: now, DBTimeBefore: p.DBTime(),
			Trx: s.Begin0(), Level: s.Level(), Flags: t.opFlags()},
		FDP: t.FDP, ObjID: t.ObjID,
	}
	if above != nil {
		r.Parent, r.DBTimeParentBefore = above.pgno, above.page.DBTime()
	}
	if l.plan == nil {
		r.LineOper = uint16(l.line)
		return r
	}
	q := l.plan
	r.NewPage, r.Kind, r.Oper = l.newPage, q.kind, q.oper
	r.LineOper, r.LineSplit, r.Lines = uint16(q.line), uint16(q.split), uint16(q.lines)
	flags := p.Flags() &^ (page.FlushTypeMask | page.FlagScrubbed)
	r.NewFlags, r.SplitFlags = uint32(flags), uint32(flags)
	if q.kind == logstore.SplitVertical {
		r.NewFlags = uint32(flags &^ page.FlagRoot)
		parent := flags &^ (page.FlagLeaf | page.FlagRepair | page.FlagParentOfLeaf)
		if flags&page.FlagLeaf != 0 {
			parent |= page.FlagParentOfLeaf
		}
		r.SplitFlags = uint32(parent)
	}
	r.UncommittedFreeSplit, r.UncommittedFreeNew = int16(q.uncSplit), int16(q.uncNew)
	r.LinePrefixSplit, r.LinePrefixNew = int32(q.prefixSplit), int32(q.prefixNew)
	r.ParentKey = q.sep
	r.OldPrefix, r.NewPrefix = p.PrefixKey(), q.newPrefix
	if below == nil && p.Has(page.FlagLeaf) && p.Next() == jet.PgnoNull {
		r.DBTimeRightBefore = jet.DBTimeNil
	}
	return r
}

// splitLeafRecord is the record of the operation that a split is done for. Its page is the split page, its line
// that of the split's record, its expected dbtime none (spec chapter 05, 14).
func (t *Tree) splitLeafRecord(s *version.Session, l *level, now jet.DBTime, w *change) logstore.NodeRecord {
	q := l.plan
	op := logstore.NodeOp{PageOp: logstore.PageOp{Proc: s.Proc, DB: t.dbid, Pgno: l.pgno, DBTime: now,
		DBTimeBefore: jet.DBTimeNil, Trx: s.Begin0(), Level: s.Level(), Line: uint16(q.line),
		Flags: t.opFlags() | w.opFlags()}, RCE: w.rce, FDP: t.FDP, ObjID: t.ObjID}
	switch q.oper {
	case logstore.SplitOperInsert:
		prefix := q.destPrefix
		if q.kind != logstore.SplitVertical && q.line < q.split {
			prefix = q.newPrefix
		}
		a, b := page.Node{Suffix: prefix}, page.Node{Suffix: w.key}
		n := page.CommonPrefix(&a, &b)
		if n <= page.MinPrefix {
			n = 0
		}
		return &logstore.Insert{NodeOp: op, PrefixLen: n, Key: w.key, Data: w.data}
	case logstore.SplitOperFlagInsertAndReplaceData:
		return &logstore.FlagInsertAndReplaceData{NodeOp: op, RCEReplace: w.rceReplace, Key: w.key, Data: w.data}
	}
	return &logstore.Replace{NodeOp: op, OldSize: len(w.data), NewSize: len(w.data), Data: w.data}
}
