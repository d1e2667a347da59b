package version

import (
	"testing"

	"esent/internal/jet"
)

func redoSession(t *testing.T, tree *memTree, proc jet.ProcID) *RedoSession {
	t.Helper()
	s := tree.st.RedoSession(proc)
	if err := s.RedoBegin(0, 1, 0x54, jet.MakeLogPos(1, 2, 3)); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestRedoLateEntriesAreUndoneInOrder: a replace, a deletion and a re-insertion whose page was newer, with the
// images of the first two logged behind the third.
func TestRedoLateEntriesAreUndoneInOrder(t *testing.T) {
	tree := newMemTree()
	tree.st.SetRedo(true)
	tree.rows["a"] = &memRow{data: []byte("third")}
	s := redoSession(t, tree, 5)
	n := node("a")
	s.RedoEntry(n, 0xFFFFFFFF, 1, &Change{Oper: OperInsert}, false) // the oldest comes last in number
	s.RedoEntry(n, 5, 1, &Change{Oper: OperInsert}, false)
	s.RedoEntry(n, 1, 1, &Change{Oper: OperReplace, Before: []byte("first")}, true)
	s.RedoEntry(n, 3, 2, &Change{Oper: OperFlagDelete, Before: []byte("second")}, true)
	if s.RedoFind(n, 3) == nil || s.RedoFind(n, 7) != nil || s.RedoFind(node("b"), 3) != nil {
		t.Error("entries are not found by node and id")
	}
	if old := tree.st.OldestStart(); old != jet.MakeLogPos(1, 2, 3) {
		t.Errorf("oldest start %v", old)
	}
	s.RedoUndone(s.RedoFind(n, 0xFFFFFFFF))
	tree.st.SetRedo(false)
	if err := s.RollbackAll(); err != nil {
		t.Fatal(err)
	}
	if row := tree.rows["a"]; string(row.data) != "first" || row.deleted {
		t.Errorf("row is %q, deleted %v", row.data, row.deleted)
	}
	if !tree.st.Empty() || s.Level() != 0 {
		t.Errorf("%d entries left at level %d", tree.st.count.Load(), s.Level())
	}
}

func TestRedoLevels(t *testing.T) {
	tree := newMemTree()
	tree.st.SetRedo(true)
	s := redoSession(t, tree, 5)
	k := pageKey{40, testDB}
	if err := s.RedoBegin(1, 2, 0, 0); err != nil || s.Level() != 3 {
		t.Fatal(err, s.Level())
	}
	r := s.RedoEntry(node("a"), 1, 3, &Change{Oper: OperReplace, Pgno: 40}, false)
	late := s.RedoEntry(node("b"), 3, 3, &Change{Oper: OperReplace}, true)
	if _, err := tree.st.LogUndo(testDB, 40); err != jet.ErrCannotLogDuringRecoveryRedo {
		t.Errorf("page with an image that is not logged: %v", err)
	}
	if err := s.RedoCommit(2); err != nil || r.Level != 2 || late.Level != 2 {
		t.Errorf("%v: levels %d, %d", err, r.Level, late.Level)
	}
	if err := s.RedoCommit(3); err == nil {
		t.Error("commit to a level above the session's")
	}
	s.RedoRollback(1)
	if s.Level() != 1 || !tree.st.Empty() || tree.st.redoPending(k) {
		t.Errorf("level %d, entries %d", s.Level(), tree.st.count.Load())
	}
	s.RedoEntry(node("c"), 5, 1, &Change{Oper: OperReplace, Pgno: 40}, false)
	s.RedoCommit0(0x58)
	if s.Level() != 0 || !tree.st.Empty() || tree.st.OldestStart() != jet.LogPosMax {
		t.Error("committed transaction leaves traces")
	}
	if _, err := tree.st.LogUndo(testDB, 40); err != nil {
		t.Errorf("page with committed changes: %v", err)
	}
	if got := tree.st.trx.Load(); got != 0x58 {
		t.Errorf("transaction counter %#x", got)
	}
	if err := s.RedoBegin(1, 1, 0, 0); err == nil {
		t.Error("inner level without an outermost one")
	}
}
