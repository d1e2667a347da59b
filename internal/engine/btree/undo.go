package btree

import (
	"esent/internal/engine/btree/ops"
	"esent/internal/engine/version"
	"esent/internal/jet"
	"esent/internal/logstore"
)

// The methods of Kernel that make it a version.Pages.

// Undo takes back a version entry's change: it logs the before image where the log does not have it, then the
// Undo, and restores the node. A node that is not there any more is an error: an uncommitted change keeps its
// node.
func (k *Kernel) Undo(s *version.Session, r *version.RCE) error {
	db := k.Database(r.DB)
	if db == nil {
		return jet.ErrDatabaseNotFound
	}
	t, err := db.treeOf(r.FDP, r.ObjID)
	if err != nil {
		return err
	}
	f, line, exact, err := t.lockLeaf(r.Key, r.Data)
	if err != nil {
		return err
	}
	if !exact {
		f.UnlockUnchanged()
		return jet.ErrDatabaseCorrupted.Errorf("node to be undone is not in its tree")
	}
	if db.Logged {
		err = s.Owed()
		if err == nil && (r.Oper == version.OperReplace || r.Oper == version.OperFlagDelete) {
			err = k.Versions.LogUndoInfo(r, f.Pgno())
		}
	}
	var op logstore.PageOp
	if err == nil {
		op, err = t.pageOp(s, f, line)
	}
	if err != nil {
		f.UnlockUnchanged()
		return err
	}
	op.Flags |= logstore.OpVersioned
	op.Level = r.Level
	u := logstore.Undo{NodeOp: logstore.NodeOp{PageOp: op, RCE: r.ID, FDP: t.FDP, ObjID: t.ObjID},
		Oper: logstore.Oper(r.Oper), UndoLevel: r.Level, Key: r.Key, BookmarkData: r.Data}
	var start, end jet.LogPos
	if db.Logged {
		s.Buf = u.Append(s.Buf[:0])
		if start, end, err = s.Log(s.Buf); err != nil {
			f.UnlockUnchanged()
			return err
		}
	}
	err = k.Applied(ops.Undo(f.Page(), &u, ops.Image{Before: r.Before, Delta: r.Delta, Offset: r.Offset}))
	if err == nil {
		k.Versions.Undone(r)
	}
	f.Dirty(start, end)
	f.Unlock()
	return err
}

// treeOf is the tree that a version entry is of.
func (db *DB) treeOf(fdp jet.Pgno, id jet.ObjID) (*Tree, error) {
	t, err := db.Tree(fdp)
	if err != nil {
		return nil, err
	}
	if t.ObjID != id {
		return nil, jet.ErrObjectNotFound.Errorf("the tree of a version entry is gone")
	}
	return t, nil
}

// DeltaSettled passes on that an escrow change is committed and seen by all.
func (k *Kernel) DeltaSettled(s *version.Session, r *version.RCE) error {
	if db := k.Database(r.DB); k.OnDelta == nil || db == nil || db.isGone(r.ObjID) {
		return nil
	}
	return k.OnDelta(s, r)
}

// Remove deletes a node that is flag-deleted and has no versions, and others like it on its page; when that
// leaves the page empty, or so empty that its nodes fit the next page, it merges pages. What can not be done
// now is left (spec chapter 03, 7).
func (k *Kernel) Remove(s *version.Session, n *version.Node, id jet.ObjID) error {
	db := k.Database(n.DB)
	if db == nil || db.isGone(id) {
		return nil
	}
	t, err := db.treeOf(n.FDP, id)
	if err != nil {
		return err
	}
	// Most often it went together with others of its page.
	if there, err := t.isDeleted(n.Key, n.Data); err != nil || !there {
		return err
	}
	if s.Level() > 0 {
		return t.CleanUp(s, n.Key, n.Data)
	}
	if err := s.BeginInner(); err != nil {
		return err
	}
	if err := t.CleanUp(s, n.Key, n.Data); err != nil {
		if e := s.Rollback(); e != nil {
			return e
		}
		return err
	}
	_, err = s.Commit()
	return err
}
