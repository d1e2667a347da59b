package btree

import (
	"esent/internal/engine/page"
	"esent/internal/engine/version"
)

// LockKey locks a bookmark, whether there is a node or not: until the session's outermost transaction ends nobody else can
// insert one. ErrWriteConflict: another transaction has locked or changed it, or changed it since this one began.
func (t *Tree) LockKey(s *version.Session, key, mark []byte, oper version.Oper) error {
	if err := s.Reserve(len(key) + len(mark)); err != nil {
		return err
	}
	f, line, exact, err := t.lockLeaf(key, mark)
	if err != nil {
		return err
	}
	// The page's latch orders the entry and those of inserts, which look for it when they make theirs.
	n := version.Node{DB: t.dbid, FDP: t.FDP, Key: key, Data: mark}
	_, err = t.versions.Create(s, &n, &version.Change{Oper: oper, ObjID: t.ObjID, Pgno: f.Pgno()})
	p := f.Page()
	if err == nil && exact && p.LineFlags(line)&page.NodeVersion == 0 {
		p.SetLineFlags(line, p.LineFlags(line)|page.NodeVersion)
		f.Unlock()
		return nil
	}
	f.UnlockUnchanged()
	return err
}
