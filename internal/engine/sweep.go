package engine

import (
	"esent/internal/engine/btree"
	"esent/internal/engine/catalog"
	"esent/internal/jet"
)

// sweepLeaves is how many leaves are looked at before a drop of a table gets its turn.
const sweepLeaves = 16

// sweepTable defragments the trees of a table: its own, that of its long values, and its indexes. A table that is gone,
// or that somebody has for himself, is left alone. batch says that a batch is at work.
func (d *Database) sweepTable(s *Session, name string, batch bool) error {
	var done []jet.ObjID
	for {
		var w *btree.Sweep
		for {
			more, err := d.sweepSome(s, name, &w, done)
			if err != nil {
				return err
			}
			if !more {
				break
			}
			if err := d.cannotGoOn(batch); err != nil {
				return err
			}
		}
		if w == nil {
			return nil
		}
		done = append(done, w.Tree().ObjID)
	}
}

// sweepSome sweeps some leaves of the tree that *w is on, or of the next that is not done; *w is nil when there is none.
func (d *Database) sweepSome(s *Session, name string, w **btree.Sweep, done []jet.ObjID) (more bool, err error) {
	d.defrag.sweeping.Lock()
	defer d.defrag.sweeping.Unlock()
	t, err := d.cat.Table(s.trx, name)
	switch jet.CodeOf(err) {
	case jet.ErrSuccess:
	case jet.ErrObjectNotFound, jet.ErrTableLocked:
		return false, nil
	default:
		return false, err
	}
	defer t.Release()
	if d.tables.shutOff(t) {
		*w = nil
		return false, nil
	}
	tree := nextSwept(t, *w, done)
	if tree == nil {
		return false, nil // all are done, or this one is gone
	}
	if *w == nil {
		*w = tree.NewSweep()
	}
	return d.sweepLeaves(s, *w)
}

// sweepLeaves takes some steps in transactions of their own.
func (d *Database) sweepLeaves(s *Session, w *btree.Sweep) (more bool, err error) {
	for range sweepLeaves {
		err := s.inTransaction(func() (err error) {
			more, err = w.Step(s.trx)
			return err
		})
		if err != nil || !more {
			return false, err
		}
	}
	return true, nil
}

// nextSwept gives the tree of a sweep when it is still the table's, or without a sweep the first tree that is not done.
func nextSwept(t *catalog.Table, w *btree.Sweep, done []jet.ObjID) *btree.Tree {
	trees := []*btree.Tree{t.Tree}
	if v := t.Values(); v != nil {
		trees = append(trees, v.Tree)
	}
	for _, ix := range t.Schema().Indexes {
		if ix.Born == nil && ix.Died == nil {
			trees = append(trees, ix.Tree)
		}
	}
next:
	for _, tree := range trees {
		if w != nil {
			if w.Tree() == tree {
				return tree
			}
			continue
		}
		for _, id := range done {
			if id == tree.ObjID {
				continue next
			}
		}
		return tree
	}
	return nil
}

// shutOff says that a session has a table for itself.
func (t *tableLocks) shutOff(table *catalog.Table) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.locks[table]
	if l == nil {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.denyRead != nil
}
