package version

import (
	"fmt"
	"math/rand"
	"sync"
	"sync/atomic"
	"testing"

	"esent/internal/jet"
)

// memLog counts positions and keeps nothing.
type memLog struct {
	mu  sync.Mutex
	pos uint64
}

func (l *memLog) Append(rec []byte) (jet.LogPos, jet.LogPos, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.pos
	l.pos += uint64(len(rec))
	return jet.LogPos(p + 1), jet.LogPos(l.pos + 1), nil
}

func (l *memLog) AppendEach(recs []byte, ends []int) (jet.LogPos, jet.LogPos, int, error) {
	pos, end, err := l.Append(recs)
	return pos, end, len(ends), err
}

// AwaitRoom does nothing: there is always room.
func (l *memLog) AwaitRoom() {}

func (l *memLog) AppendCommit(proc jet.ProcID, next *atomic.Uint32) (jet.Trx, jet.LogPos, jet.LogPos, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pos += 8
	return jet.Trx(next.Add(4)), jet.LogPos(l.pos - 7), jet.LogPos(l.pos + 1), nil
}

func (l *memLog) Flush(jet.LogPos) error { return nil }
func (l *memLog) DurablePos() jet.LogPos { return 0 }

// memTree is a one-page "tree": values by key with a flag-deleted bit, under one latch.
type memTree struct {
	mu   sync.Mutex
	st   *Store
	rows map[string]*memRow
	sick error // what Undo gives
}

type memRow struct {
	data    []byte
	deleted bool
}

const testDB, testFDP = jet.DBID(1), jet.Pgno(31)

func node(key string) *Node { return &Node{DB: testDB, FDP: testFDP, Key: []byte(key)} }

func newMemTree() *memTree {
	st := New(Config{Log: &memLog{}, MaxSessions: 64, MaxUnits: 1 << 20})
	t := &memTree{st: st, rows: map[string]*memRow{}}
	st.SetPages(t)
	return t
}

func (t *memTree) Undo(s *Session, r *RCE) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.sick != nil {
		return t.sick
	}
	if r.Oper.needsImage() {
		if err := t.st.LogUndoInfo(r, 40); err != nil {
			return err
		}
	}
	row := t.rows[string(r.Key)]
	switch r.Oper {
	case OperInsert:
		row.deleted = true
	case OperFlagDelete:
		row.deleted = false
	case OperReplace:
		row.data = r.Before
	}
	return nil
}

func (t *memTree) Remove(s *Session, n *Node, _ jet.ObjID) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if row := t.rows[string(n.Key)]; row != nil && row.deleted && !t.st.HasVersions(n) {
		delete(t.rows, string(n.Key))
	}
	return nil
}

func (t *memTree) DeltaSettled(*Session, *RCE) error { return nil }

func (t *memTree) get(s *Session, key string) (string, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	row := t.rows[key]
	if row == nil {
		return "", false
	}
	v := t.st.View(s, node(key), row.deleted)
	if !v.Visible {
		return "", false
	}
	if v.Image != nil {
		return string(v.Image), true
	}
	return string(row.data), true
}

func (t *memTree) change(s *Session, key string, oper Oper, value string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	row := t.rows[key]
	c := &Change{Oper: oper, Pgno: 40}
	if row != nil {
		c.Before = row.data
	}
	if _, err := t.st.Create(s, node(key), c); err != nil {
		return err
	}
	if _, _, err := s.Log([]byte{1}); err != nil {
		return err
	}
	switch oper {
	case OperInsert:
		if row != nil && len(row.data) >= 0 {
			if _, err := t.st.Create(s, node(key), &Change{Oper: OperReplace, Before: row.data, Pgno: 40}); err != nil {
				return err
			}
		}
		t.rows[key] = &memRow{data: []byte(value)}
	case OperReplace:
		row.data = []byte(value)
	case OperFlagDelete:
		row.deleted = true
	}
	return nil
}

func (t *memTree) session(tb testing.TB) *Session {
	tb.Helper()
	s, err := t.st.NewSession()
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func TestSnapshotKeepsItsView(t *testing.T) {
	tree := newMemTree()
	w, r := tree.session(t), tree.session(t)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	commit := func(s *Session) { t.Helper(); _, err := s.Commit(); must(err) }
	must(w.Begin())
	must(tree.change(w, "a", OperInsert, "1"))
	commit(w)
	must(r.Begin())
	must(w.Begin())
	must(tree.change(w, "a", OperReplace, "2"))
	if v, _ := tree.get(r, "a"); v != "1" {
		t.Errorf("uncommitted change seen: %q", v)
	}
	if v, _ := tree.get(w, "a"); v != "2" {
		t.Errorf("own change not seen: %q", v)
	}
	commit(w)
	must(tree.st.Clean())
	if v, _ := tree.get(r, "a"); v != "1" {
		t.Errorf("later commit seen: %q", v)
	}
	if err := tree.change(r, "a", OperReplace, "3"); err != jet.ErrWriteConflict {
		t.Errorf("change of a newer row: %v", err)
	}
	must(w.Begin())
	must(tree.change(w, "a", OperFlagDelete, ""))
	commit(w)
	if v, ok := tree.get(r, "a"); !ok || v != "1" {
		t.Errorf("deleted later: %q %v", v, ok)
	}
	commit(r)
	must(tree.st.Clean())
	if len(tree.rows) != 0 || !tree.st.Empty() {
		t.Errorf("not cleaned: %d rows, %d entries", len(tree.rows), tree.st.count.Load())
	}
}

func TestCommutingChanges(t *testing.T) {
	tree := newMemTree()
	a, b := tree.session(t), tree.session(t)
	for _, s := range []*Session{a, b} {
		if err := s.Begin(); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		s    *Session
		oper Oper
		want error
	}{
		{a, OperDelta, nil}, {b, OperDelta, nil}, {a, OperReplace, jet.ErrWriteConflict},
		{b, OperFlagDelete, jet.ErrWriteConflict}, {b, OperReadLock, jet.ErrWriteConflict},
	} {
		if _, err := tree.st.Create(c.s, node("n"), &Change{Oper: c.oper, Delta: 5}); err != c.want {
			t.Errorf("oper %d: %v, want %v", c.oper, err, c.want)
		}
	}
	if d := tree.st.ForeignDelta(a, node("n"), 0); d != 5 {
		t.Errorf("foreign delta %d", d)
	}
}

// TestRandomAgainstModel runs transactions of several sessions, one step at a time, against copies of the
// whole table that each snapshot owns.
func TestRandomAgainstModel(t *testing.T) {
	for seed := int64(0); seed < 200; seed++ {
		rng := rand.New(rand.NewSource(seed))
		tree := newMemTree()
		committed := map[string]string{}
		type client struct {
			s     *Session
			views []map[string]string // one a level
			wrote []map[string]bool   // one a level
		}
		var clients []*client
		for range 4 {
			clients = append(clients, &client{s: tree.session(t)})
		}
		changedAt := map[string]int{} // commit sequence of the last change
		seq := 0
		began := map[*client]int{}
		clone := func(m map[string]string) map[string]string {
			c := map[string]string{}
			for k, v := range m {
				c[k] = v
			}
			return c
		}
		for step := range 400 {
			c := clients[rng.Intn(len(clients))]
			n := len(c.views)
			switch op := rng.Intn(10); {
			case op == 0 && n < 3 || n == 0:
				if err := c.s.Begin(); err != nil {
					t.Fatal(err)
				}
				if n == 0 {
					c.views, c.wrote = []map[string]string{clone(committed)}, []map[string]bool{{}}
					began[c] = seq
				} else {
					c.views, c.wrote = append(c.views, clone(c.views[n-1])), append(c.wrote, map[string]bool{})
				}
			case op == 1:
				if _, err := c.s.Commit(); err != nil {
					t.Fatal(err)
				}
				if n > 1 {
					c.views[n-2] = c.views[n-1]
					for k := range c.wrote[n-1] {
						c.wrote[n-2][k] = true
					}
				} else {
					seq++
					for k := range c.wrote[0] {
						changedAt[k] = seq
						if v, ok := c.views[0][k]; ok {
							committed[k] = v
						} else {
							delete(committed, k)
						}
					}
				}
				c.views, c.wrote = c.views[:n-1], c.wrote[:n-1]
			case op == 2:
				if err := c.s.Rollback(); err != nil {
					t.Fatal(err)
				}
				c.views, c.wrote = c.views[:n-1], c.wrote[:n-1]
			case op == 3:
				if err := tree.st.Clean(); err != nil {
					t.Fatal(err)
				}
			default:
				key := fmt.Sprint("k", rng.Intn(6))
				view := c.views[n-1]
				got, ok := tree.get(c.s, key)
				if want, there := view[key]; ok != there || got != want {
					t.Fatalf("seed %d step %d: %s is %q %v, want %q %v", seed, step, key, got, ok, want, there)
				}
				conflict := changedAt[key] > began[c]
				for _, o := range clients {
					for _, w := range o.wrote {
						conflict = conflict || o != c && w[key]
					}
				}
				oper := OperInsert
				if ok {
					oper = []Oper{OperReplace, OperFlagDelete}[rng.Intn(2)]
				}
				value := fmt.Sprint(seed, ".", step)
				err := tree.change(c.s, key, oper, value)
				if (err != nil) != conflict {
					t.Fatalf("seed %d step %d: change of %s: %v, conflict expected: %v", seed, step, key, err, conflict)
				}
				if err != nil {
					continue
				}
				c.wrote[n-1][key] = true
				if oper == OperFlagDelete {
					delete(view, key)
				} else {
					view[key] = value
				}
			}
		}
		for _, c := range clients {
			for range c.views {
				if err := c.s.Rollback(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := tree.st.Clean(); err != nil {
			t.Fatal(err)
		}
		if !tree.st.Empty() || len(tree.rows) != len(committed) {
			t.Fatalf("seed %d: %d entries left, %d rows, want %d", seed, tree.st.count.Load(), len(tree.rows), len(committed))
		}
	}
}

// TestConcurrentCounters has many sessions count up rows; conflicts are retried and no count is lost.
func TestConcurrentCounters(t *testing.T) {
	tree := newMemTree()
	var done atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		s := tree.session(t)
		wg.Go(func() {
			for i := range 500 {
				key := fmt.Sprint("k", i%3)
				for {
					if err := s.Begin(); err != nil {
						t.Error(err)
						return
					}
					v, ok := tree.get(s, key)
					oper, n := OperInsert, 0
					if ok {
						oper = OperReplace
						fmt.Sscan(v, &n)
					}
					if err := tree.change(s, key, oper, fmt.Sprint(n+1)); err != nil {
						if err := s.Rollback(); err != nil {
							t.Error(err)
						}
						continue
					}
					if _, err := s.Commit(); err != nil {
						t.Error(err)
					}
					done.Add(1)
					break
				}
				if i%50 == 0 {
					if err := tree.st.Clean(); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	s, total := tree.session(t), 0
	for i := range 3 {
		var n int
		v, _ := tree.get(s, fmt.Sprint("k", i))
		fmt.Sscan(v, &n)
		total += n
	}
	if int64(total) != done.Load() || total != 4000 {
		t.Errorf("counted %d, committed %d", total, done.Load())
	}
}
