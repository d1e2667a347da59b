package recovery

import (
	"esent/internal/engine/btree/ops"
	"esent/internal/engine/page"
	"esent/internal/engine/version"
	"esent/internal/jet"
	"esent/internal/logstore"
)

// redoNode redoes a record on one node, outside of macros (spec chapter 05, 21.3).
func (r *run) redoNode(rec logstore.NodeRecord) error {
	n := rec.Node()
	a, s := r.admit(n.Proc, n.DB, n.DBTime, n.ObjID)
	if a == nil {
		return nil
	}
	switch rec := rec.(type) {
	case *logstore.UndoInfo:
		r.redoUndoInfo(s, rec)
		return nil
	case *logstore.Undo:
		return r.redoUndo(a, s, rec)
	case *logstore.EmptyTree:
		return r.applyTo(a, ops.EmptyTreeUses(rec), n.DBTime, func(set ops.PageSet) error { return ops.EmptyTree(set, rec) })
	}
	if scrub, ok := rec.(*logstore.Scrub); ok && scrub.Unused() && r.blank(a, n.Pgno) {
		return nil // there is nothing that it could be scrubbed of
	}
	f, err := r.change(a, n.Pgno, n.DBTimeBefore, n.DBTime)
	if err != nil {
		return err
	}
	if f == nil {
		return r.version(s, rec, nil)
	}
	p := f.Page()
	if err = r.version(s, rec, p); err == nil {
		err = apply(p, rec)
	}
	if err != nil {
		f.Unlock()
		return err
	}
	r.done(f)
	return nil
}

// blank says that a page was never written.
func (r *run) blank(a *attachment, pgno jet.Pgno) bool {
	f, err := r.cfg.Kernel.Cache.Lock(a.Cache, pgno)
	if err == nil {
		f.UnlockUnchanged()
	}
	return unwritten(err)
}

// apply changes the page.
func apply(p page.Page, rec logstore.NodeRecord) error {
	switch rec := rec.(type) {
	case *logstore.Insert:
		return ops.Insert(p, rec)
	case *logstore.FlagInsert:
		return ops.FlagInsert(p, rec)
	case *logstore.FlagInsertAndReplaceData:
		return ops.FlagInsertAndReplaceData(p, rec)
	case *logstore.FlagDelete:
		return ops.FlagDelete(p, rec)
	case *logstore.Delete:
		return ops.Delete(p, rec)
	case *logstore.Replace:
		return ops.Replace(p, rec)
	case *logstore.Delta:
		return ops.Delta(p, rec)
	case *logstore.SetExternalHeader:
		return ops.SetExternalHeader(p, rec)
	case *logstore.Scrub:
		return ops.Scrub(p, rec)
	}
	return jet.ErrLogCorrupted.Errorf("record %s", rec.Type())
}

// version creates the version entries of a record. p is the page before the change, nil when the page has it
// already: then there are entries only for what needs no image, and for the others the log has UndoInfo records
// if the transaction may have to be undone.
func (r *run) version(s *session, rec logstore.NodeRecord, p page.Page) error {
	n := rec.Node()
	if r.settled || n.Flags&logstore.OpVersioned == 0 || s.Level() == 0 {
		return nil
	}
	node := version.Node{DB: n.DB, FDP: n.FDP}
	unique := n.Flags&logstore.OpUnique != 0
	inserted := func(key, data []byte) {
		node.Key = key
		if !unique {
			node.Data = data
		}
		s.RedoEntry(&node, n.RCE, n.Level, &version.Change{Oper: version.OperInsert, ObjID: n.ObjID}, false)
	}
	switch rec := rec.(type) {
	case *logstore.Insert:
		inserted(rec.Key, rec.Data)
	case *logstore.FlagInsert:
		inserted(rec.Key, rec.Data)
	case *logstore.FlagInsertAndReplaceData:
		inserted(rec.Key, rec.Data)
		if p != nil {
			return r.imageEntry(s, n, rec.RCEReplace, version.OperReplace, p, len(rec.Data))
		}
	case *logstore.FlagDelete:
		if p != nil {
			return r.imageEntry(s, n, n.RCE, version.OperFlagDelete, p, -1)
		}
	case *logstore.Replace:
		if p != nil {
			return r.imageEntry(s, n, n.RCE, version.OperReplace, p, rec.NewSize)
		}
	case *logstore.Delta:
		node.Key, node.Data = rec.Key, rec.BookmarkData
		c := version.Change{Oper: version.OperDelta, ObjID: n.ObjID, Delta: rec.Value, Offset: rec.Offset}
		if rec.Wide {
			c.Oper = version.OperDelta64
		}
		s.RedoEntry(&node, n.RCE, n.Level, &c, false)
	}
	return nil
}

// imageEntry creates the entry of an operation whose image is on page p, which is about to be changed. newSize
// is the size of the node's data afterwards, -1 for a deletion.
func (r *run) imageEntry(s *session, n *logstore.NodeOp, id uint32, oper version.Oper, p page.Page, newSize int) error {
	if int(n.Line) >= p.Lines() {
		return jet.ErrLogCorrupted.Errorf("record at %v: page %d has no line %d", r.pos, n.Pgno, n.Line)
	}
	line := p.Line(int(n.Line))
	r.entry(s, n, n.Pgno, id, oper, &line, newSize)
	return nil
}

// entry creates the entry of an operation on a node that is still as it was.
func (r *run) entry(s *session, n *logstore.NodeOp, pgno jet.Pgno, id uint32, oper version.Oper, line *page.Node, newSize int) {
	node := version.Node{DB: n.DB, FDP: n.FDP, Key: line.AppendKey(nil)}
	if n.Flags&logstore.OpUnique == 0 {
		node.Data = line.Data
	}
	c := version.Change{Oper: oper, ObjID: n.ObjID, Pgno: pgno, Before: line.Data}
	if newSize >= 0 {
		c.MaxSize, c.SizeDelta = max(newSize, len(line.Data)), newSize-len(line.Data)
	}
	s.RedoEntry(&node, id, n.Level, &c, false)
}

// redoUndoInfo takes the before image of an operation that the page had already.
func (r *run) redoUndoInfo(s *session, rec *logstore.UndoInfo) {
	if r.settled || s.Level() == 0 || rec.Trx != s.Begin0() {
		return // the transaction is over, or will not be undone
	}
	node := version.Node{DB: rec.DB, FDP: rec.FDP, Key: rec.Key, Data: rec.BookmarkData}
	e := s.RedoFind(&node, rec.RCE)
	if e == nil {
		e = s.RedoEntry(&node, rec.RCE, rec.Level, &version.Change{Oper: version.Oper(rec.Oper), ObjID: rec.ObjID,
			Before: rec.Image, MaxSize: int(rec.MaxSize)}, true)
	}
	r.versions().SetUndoLogged(e)
}

// redoUndo takes an operation back as the rollback did.
func (r *run) redoUndo(a *attachment, s *session, rec *logstore.Undo) error {
	node := version.Node{DB: rec.DB, FDP: rec.FDP, Key: rec.Key, Data: rec.BookmarkData}
	e := s.RedoFind(&node, rec.RCE)
	f, err := r.change(a, rec.Pgno, rec.DBTimeBefore, rec.DBTime)
	if err != nil {
		return err
	}
	if f != nil {
		var image ops.Image
		switch {
		case e != nil:
			image = ops.Image{Before: e.Before, Delta: e.Delta, Offset: e.Offset}
		case rec.Oper != logstore.OperInsert && rec.Oper != logstore.OperFlagDelete:
			f.UnlockUnchanged()
			return jet.ErrLogCorrupted.Errorf("record at %v: nothing is known of what it takes back", r.pos)
		}
		if err := ops.Undo(f.Page(), rec, image); err != nil {
			f.Unlock()
			return err
		}
		r.done(f)
	}
	if e != nil {
		s.RedoUndone(e)
	}
	return nil
}
