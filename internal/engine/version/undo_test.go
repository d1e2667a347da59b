package version

import (
	"testing"

	"esent/internal/jet"
)

// changed makes the entry of a change on page 40.
func changed(t *testing.T, s *Session, key string, c Change) *RCE {
	t.Helper()
	c.Pgno = 40
	r, err := s.store.Create(s, node(key), &c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func openSession(t *testing.T, st *Store) *Session {
	t.Helper()
	s, err := st.NewSession()
	if err == nil {
		err = s.Begin()
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestLockBecomesReplace(t *testing.T) {
	tree := newMemTree()
	tree.rows["a"], tree.rows["b"] = &memRow{data: []byte("first")}, &memRow{data: []byte("b")}
	s := openSession(t, tree.st)
	lock := changed(t, s, "a", Change{Oper: OperWriteLock})
	r := changed(t, s, "a", Change{Oper: OperReplace, Before: []byte("first"), MaxSize: 9, SizeDelta: 4})
	if r != lock || tree.st.count.Load() != 1 {
		t.Errorf("a replace behind its lock has an entry of its own: %d", tree.st.count.Load())
	}
	if err := s.BeginInner(); err != nil {
		t.Fatal(err)
	}
	if again := changed(t, s, "a", Change{Oper: OperWriteLock}); again != lock || lock.Oper != OperReplace {
		t.Error("a lock of a node that the transaction has changed has an entry of its own")
	}
	inner := changed(t, s, "b", Change{Oper: OperWriteLock})
	if err := s.BeginInner(); err != nil {
		t.Fatal(err)
	}
	if deeper := changed(t, s, "b", Change{Oper: OperReplace, Before: []byte("b")}); deeper == inner {
		t.Error("a replace took over the lock of another level")
	}
	second := changed(t, s, "a", Change{Oper: OperReplace, Before: []byte("second ..."), MaxSize: 6, SizeDelta: -4})
	if second == lock {
		t.Error("a replace took over the entry of another")
	}
	if second.MaxSize != 9 {
		t.Errorf("largest size in the transaction %d", second.MaxSize)
	}
	tree.rows["a"].data = []byte("third")
	for s.Level() > 0 {
		if err := s.Rollback(); err != nil {
			t.Fatal(err)
		}
	}
	if got := string(tree.rows["a"].data); got != "first" || !tree.st.Empty() {
		t.Errorf("row is %q, %d entries left", got, tree.st.count.Load())
	}
}

// durableLog is a memLog that is durable up to a position.
type durableLog struct {
	memLog
	upTo jet.LogPos
}

func (l *durableLog) DurablePos() jet.LogPos { return l.upTo }

// TestUndoIsAskedForUntilDurable: who asks about a page gets where its images, or the commits of its changes, end, as
// often as he asks, as long as that is not durable.
func TestUndoIsAskedForUntilDurable(t *testing.T) {
	tree := newMemTree()
	log := &durableLog{}
	tree.st.SetLog(log)
	ask := func(want bool) jet.LogPos {
		t.Helper()
		end, err := tree.st.LogUndo(testDB, 40)
		if err != nil || (end != 0) != want {
			t.Errorf("position %v, %v", end, err)
		}
		return end
	}
	ask(false)
	s := openSession(t, tree.st)
	if err := s.Owed(); err != nil {
		t.Fatal(err)
	}
	changed(t, s, "a", Change{Oper: OperReplace, Before: []byte("first")})
	end := ask(true)
	if ask(true) != end || log.pos != uint64(end)-1 {
		t.Error("image logged twice")
	}
	log.upTo = end
	ask(true) // it is looked at once more
	ask(false)

	changed(t, s, "b", Change{Oper: OperFlagDelete, Before: []byte("first")})
	commit, err := s.Commit()
	if err != nil {
		t.Fatal(err)
	}
	if tree.st.Empty() {
		t.Fatal("nothing to clean up")
	}
	if err := tree.st.Clean(); err != nil || !tree.st.Empty() {
		t.Fatal(err, tree.st.count.Load())
	}
	if got := ask(true); got != commit || ask(true) != commit {
		t.Errorf("asks for %v, the commit ends at %v", got, commit)
	}
	log.upTo = commit
	ask(false)
}

// TestRollbackToMark: what came behind a mark is taken back, the lock before it stays, and can be used again.
func TestRollbackToMark(t *testing.T) {
	tree := newMemTree()
	tree.rows["a"], tree.rows["b"] = &memRow{data: []byte("first")}, &memRow{data: []byte("b")}
	s, other := openSession(t, tree.st), openSession(t, tree.st)
	lock := changed(t, s, "a", Change{Oper: OperWriteLock})
	for range 2 {
		m := s.Mark()
		if r := changed(t, s, "a", Change{Oper: OperReplace, Before: []byte("first")}); r != lock {
			t.Fatal("the lock's entry was not taken over")
		}
		tree.rows["a"].data = []byte("second")
		changed(t, s, "b", Change{Oper: OperFlagDelete, Before: []byte("b")})
		tree.rows["b"].deleted = true
		if err := s.RollbackTo(m); err != nil {
			t.Fatal(err)
		}
		if got := string(tree.rows["a"].data); got != "first" || tree.rows["b"].deleted || tree.st.count.Load() != 1 {
			t.Errorf("row is %q, the other deleted: %v, %d entries", got, tree.rows["b"].deleted, tree.st.count.Load())
		}
		if lock.Oper != OperWriteLock || len(lock.Before) != 0 {
			t.Errorf("entry of kind %d with image %q", lock.Oper, lock.Before)
		}
		if tree.st.Conflict(other, node("a"), OperReplace) == nil || tree.st.Conflict(other, node("b"), OperReplace) != nil {
			t.Error("conflicts are not those of the lock alone")
		}
	}
	changed(t, s, "a", Change{Oper: OperReplace, Before: []byte("first")})
	tree.rows["a"].data = []byte("third")
	if err := s.Rollback(); err != nil {
		t.Fatal(err)
	}
	if got := string(tree.rows["a"].data); got != "first" || !tree.st.Empty() {
		t.Errorf("row is %q, %d entries", got, tree.st.count.Load())
	}
}

// Whoever's transaction cannot be undone, the engine is told, and nothing of it is left but on the pages.
func TestRollbackFails(t *testing.T) {
	for name, undo := range map[string]func(*Session) error{
		"rollback":           (*Session).Rollback,
		"rollback of a part": func(s *Session) error { return s.RollbackTo(Mark{}) },
		"update":             func(s *Session) error { return s.RollbackUpdate(s.InUpdate(0)) },
	} {
		tree := newMemTree()
		told := 0
		tree.st.rollbackFailed = func(err error) error {
			if told++; err != tree.sick {
				t.Errorf("%s: told of %v", name, err)
			}
			return jet.ErrRollbackError
		}
		s, err := tree.st.NewSession()
		if err == nil {
			err = s.Begin()
		}
		if err == nil {
			s.InUpdate(s.NextUpdate())
			err = tree.change(s, "a", OperInsert, "new")
		}
		if err == nil {
			err = s.BeginInner()
		}
		if err == nil {
			err = tree.change(s, "b", OperInsert, "new")
		}
		if err != nil {
			t.Fatal(err)
		}
		tree.sick = jet.ErrDiskIO
		if err := undo(s); err != jet.ErrRollbackError || told != 1 || s.Level() != 0 || tree.st.HasVersions(node("a")) {
			t.Errorf("%s: %v, told %d times, level %d", name, err, told, s.Level())
		}
	}
}
