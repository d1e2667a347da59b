package recovery

import (
	"slices"

	"esent/internal/engine/btree/ops"
	"esent/internal/engine/version"
	"esent/internal/jet"
	"esent/internal/logstore"
)

// macro collects the records of a split, a merge or a page move until its MacroCommit (spec chapter 05, 21.3).
// Its pages cannot have reached the file before: they were changed at the position of the MacroCommit.
type macro struct {
	dbtime jet.DBTime
	splits []*logstore.Split
	merges []*logstore.Merge
	leaf   []logstore.NodeRecord
	// root opens the move of a tree's roots, moves are its pages.
	root  *logstore.RootPageMove
	moves []*logstore.PageMove
}

// openMacro is the macro of a session that a record belongs to, nil for none.
func (r *run) openMacro(proc jet.ProcID, t jet.DBTime) *macro {
	if t == jet.DBTimeNil {
		return nil
	}
	s := r.sessions[proc]
	if s == nil {
		return nil
	}
	for _, m := range s.macros {
		if m.dbtime == t {
			return m
		}
	}
	return nil
}

func (r *run) redoMacro(rec logstore.Record) error {
	switch rec := rec.(type) {
	case *logstore.Macro:
		return r.redoMacroMark(rec)
	case *logstore.Split:
		if m := r.openMacro(rec.Proc, rec.DBTime); m != nil {
			m.splits = append(m.splits, rec)
			return nil
		}
	case *logstore.Merge:
		if m := r.openMacro(rec.Proc, rec.DBTime); m != nil {
			m.merges = append(m.merges, rec)
			return nil
		}
	case *logstore.RootPageMove:
		if m := r.openMacro(rec.Proc, rec.DBTime); m != nil {
			m.root = rec
			return nil
		}
	case *logstore.PageMove:
		if m := r.openMacro(rec.Proc, rec.DBTime); m != nil {
			m.moves = append(m.moves, rec)
			return nil
		}
		return r.redoPageMove(rec)
	}
	return r.outsideMacro(rec)
}

// outsideMacro judges a record whose macro is not known: it may have begun before replay.
func (r *run) outsideMacro(rec logstore.Record) error {
	if p, ok := rec.(logstore.PageRecord); ok {
		if a, _ := r.admit(p.Page().Proc, p.Page().DB, p.Page().DBTime, 0); a == nil {
			return nil
		}
	} else if m, ok := rec.(*logstore.RootPageMove); ok {
		if a, _ := r.admit(m.Proc, m.DB, m.DBTime, m.ObjID); a == nil {
			return nil
		}
	}
	return jet.ErrLogCorrupted.Errorf("record %s at %v is in no macro", rec.Type(), r.pos)
}

func (r *run) redoMacroMark(rec *logstore.Macro) error {
	s := r.session(rec.Proc)
	m := r.openMacro(rec.Proc, rec.DBTime)
	switch {
	case rec.Kind == logstore.RecMacroBegin && m != nil:
		return jet.ErrLogCorrupted.Errorf("macro %#x of session %d begins twice", rec.DBTime, rec.Proc)
	case rec.Kind == logstore.RecMacroBegin:
		s.macros = append(s.macros, &macro{dbtime: rec.DBTime})
		return nil
	case m == nil:
		return nil // begun before replay
	}
	s.macros = slices.DeleteFunc(s.macros, func(o *macro) bool { return o == m })
	if rec.Kind == logstore.RecMacroAbort {
		return nil
	}
	return r.commitMacro(m)
}

// commitMacro redoes what was collected, as one change.
func (r *run) commitMacro(m *macro) error {
	switch {
	case m.root != nil && len(m.splits)+len(m.merges) == 0:
		return r.redoRootMove(m)
	case m.root != nil, len(m.moves) > 0, len(m.splits) > 0 && len(m.merges) > 0, len(m.leaf) > 1,
		len(m.leaf) > 0 && len(m.splits) == 0:
		return jet.ErrLogCorrupted.Errorf("macro that ends at %v is neither a split nor a merge nor a move", r.pos)
	case len(m.splits) > 0:
		return r.redoSplit(m)
	case len(m.merges) > 0:
		return r.redoMerge(m)
	}
	return nil
}

func (r *run) redoMerge(m *macro) error {
	top := m.merges[0]
	a, _ := r.admit(top.Proc, top.DB, m.dbtime, top.ObjID)
	if a == nil {
		return nil
	}
	g := ops.MergeGroup{DBTime: m.dbtime, Path: m.merges}
	return r.applyTo(a, g.Uses(), m.dbtime, func(set ops.PageSet) error { return g.Apply(set) })
}

func (r *run) redoSplit(m *macro) error {
	top := m.splits[0]
	a, s := r.admit(top.Proc, top.DB, m.dbtime, top.ObjID)
	if a == nil {
		return nil
	}
	g := ops.SplitGroup{Format: a.Tree.Format, DBTime: m.dbtime, Path: m.splits}
	if len(m.leaf) > 0 {
		g.Leaf = m.leaf[0]
	}
	pages, any, err := r.latch(a, g.Uses(), m.dbtime)
	if err != nil {
		return err
	}
	if g.Leaf != nil {
		err = r.splitVersion(s, m.splits[len(m.splits)-1], g.Leaf, pages.set)
	}
	if err == nil && any {
		err = g.Apply(pages.set)
	}
	pages.release(err == nil && any)
	return err
}

// splitVersion creates the version entries of the operation that a split was done for. pages are as they were
// before.
func (r *run) splitVersion(s *session, split *logstore.Split, leaf logstore.NodeRecord, pages ops.PageSet) error {
	if err := r.version(s, leaf, nil); err != nil {
		return err
	}
	n := leaf.Node()
	id, size := n.RCE, 0
	switch leaf := leaf.(type) {
	case *logstore.Replace:
		size = len(leaf.Data)
	case *logstore.FlagInsertAndReplaceData:
		id, size = leaf.RCEReplace, len(leaf.Data)
	default:
		return nil
	}
	if r.settled || n.Flags&logstore.OpVersioned == 0 || s.Level() == 0 {
		return nil
	}
	// The node lies on one of the two pages afterwards; its image is wanted if that page gets the change now.
	on := split.Pgno
	if split.Kind == logstore.SplitVertical || split.LineOper >= split.LineSplit {
		on = split.NewPage
	}
	if _, redone := pages.Page(on); !redone {
		return nil
	}
	p, redone := pages.Page(split.Pgno)
	if !redone {
		other, _ := pages.Page(split.NewPage)
		var err error
		if p, err = ops.DecodeImage(split.Image, split.ImageFlags, len(other)); err != nil {
			return err
		}
	}
	if int(split.LineOper) >= p.Lines() {
		return jet.ErrLogCorrupted.Errorf("split at %v: page %d has no line %d", r.pos, split.Pgno, split.LineOper)
	}
	line := p.Line(int(split.LineOper))
	r.entry(s, n, on, id, version.OperReplace, &line, size)
	return nil
}

// redoPageMove redoes the move of a page that is no root.
func (r *run) redoPageMove(rec *logstore.PageMove) error {
	a, _ := r.admit(rec.Proc, rec.DB, rec.DBTime, rec.ObjID)
	if a == nil {
		return nil
	}
	if rec.MoveFlags != 0 {
		return jet.ErrLogCorrupted.Errorf("move of a root at %v is in no macro", r.pos)
	}
	return r.applyTo(a, ops.PageMoveUses(rec), rec.DBTime, func(set ops.PageSet) error { return ops.PageMove(set, rec) })
}

// redoRootMove redoes the move of a tree's roots. Whoever reads the database meanwhile is told to let go of it.
func (r *run) redoRootMove(m *macro) error {
	a, _ := r.admit(m.root.Proc, m.root.DB, m.dbtime, m.root.ObjID)
	if a == nil {
		return nil
	}
	if err := r.control(&Control{Kind: ControlDetachingDB, Path: a.Path}); err != nil {
		return err
	}
	g := ops.RootMoveGroup{DBTime: m.dbtime, Moves: m.moves, Changes: m.leaf}
	return r.applyTo(a, g.Uses(), m.dbtime, func(set ops.PageSet) error { return g.Apply(set) })
}
