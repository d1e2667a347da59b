package btree_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"esent/internal/engine/btree"
	"esent/internal/engine/btree/kerneltest"
	"esent/internal/engine/page"
	"esent/internal/engine/space"
	"esent/internal/engine/version"
	"esent/internal/jet"
)

// view is a session with a cursor.
type view struct {
	t *testing.T
	s *version.Session
	c *btree.Cursor
}

func newView(t *testing.T, k *kerneltest.Kernel, tree *btree.Tree) *view {
	return &view{t, k.NewSession(), cursor(tree)}
}

func (v *view) begin() {
	v.t.Helper()
	if err := v.s.Begin(); err != nil {
		v.t.Fatal(err)
	}
}

func (v *view) commit() {
	v.t.Helper()
	if _, err := v.s.Commit(); err != nil {
		v.t.Fatal(err)
	}
}

func (v *view) rollback() {
	v.t.Helper()
	if err := v.s.Rollback(); err != nil {
		v.t.Fatal(err)
	}
}

// read gives the data of a key, "" when the session sees no such node.
func (v *view) read(key string) string {
	v.t.Helper()
	m, err := v.c.Seek(v.s, []byte(key), nil, btree.EQ)
	if err != nil {
		v.t.Fatal(err)
	}
	if m != btree.Equal {
		return ""
	}
	return string(data(v.t, v.c, v.s))
}

// all gives all keys and data that the session sees, forwards, having seen that backwards is the same.
func (v *view) all() (list string) {
	v.t.Helper()
	for err := v.c.First(v.s); err == nil; err = v.c.Next(v.s) {
		list += string(v.c.Key()) + "=" + string(data(v.t, v.c, v.s)) + " "
	}
	back := ""
	for err := v.c.Last(v.s); err == nil; err = v.c.Prev(v.s) {
		back = string(v.c.Key()) + "=" + string(data(v.t, v.c, v.s)) + " " + back
	}
	if list != back {
		v.t.Fatalf("forwards %q, backwards %q", list, back)
	}
	return list
}

func (v *view) insert(key, d string) error { return v.c.Insert(v.s, []byte(key), []byte(d), 0) }

func (v *view) replace(key, d string) error {
	if v.read(key) == "" {
		return jet.ErrRecordNotFound
	}
	return v.c.Replace(v.s, []byte(d), 0)
}

func (v *view) remove(key string) error {
	if v.read(key) == "" {
		return jet.ErrRecordNotFound
	}
	return v.c.FlagDelete(v.s, 0)
}

func want(t *testing.T, err error, code jet.Err) {
	t.Helper()
	if jet.CodeOf(err) != code {
		t.Fatalf("%v, want %v", err, code)
	}
}

func sees(t *testing.T, v *view, list string) {
	t.Helper()
	if got := v.all(); got != list {
		t.Fatalf("sees %q, want %q", got, list)
	}
}

// TestVisibility follows what other transactions see of changes (spec chapter 05, 18.2 and 18.3).
func TestVisibility(t *testing.T) {
	k := kerneltest.New(t, kerneltest.Options{})
	tree := k.Create(k.Root, space.TreeOptions{})
	a, b, old := newView(t, k, tree), newView(t, k, tree), newView(t, k, tree)
	a.begin()
	for _, key := range []string{"k1", "k2", "k3"} {
		want(t, a.insert(key, "one"), 0)
	}
	sees(t, b, "")
	a.commit()
	sees(t, b, "k1=one k2=one k3=one ")

	old.begin()
	a.begin()
	want(t, a.replace("k1", "two, and longer"), 0)
	want(t, a.remove("k2"), 0)
	want(t, a.insert("k0", "new"), 0)
	sees(t, a, "k0=new k1=two, and longer k3=one ")
	b.begin()
	sees(t, b, "k1=one k2=one k3=one ")
	want(t, b.replace("k1", "mine"), jet.ErrWriteConflict)
	want(t, b.remove("k2"), jet.ErrWriteConflict)
	want(t, b.insert("k2", "mine"), jet.ErrKeyDuplicate)
	want(t, b.insert("k0", "mine"), jet.ErrKeyDuplicate)
	a.commit()
	// What was committed since b began still conflicts.
	sees(t, b, "k1=one k2=one k3=one ")
	want(t, b.replace("k1", "mine"), jet.ErrWriteConflict)
	want(t, b.insert("k0", "mine"), jet.ErrKeyDuplicate)
	b.rollback()
	k.Clean()
	sees(t, old, "k1=one k2=one k3=one ")
	b.begin()
	sees(t, b, "k0=new k1=two, and longer k3=one ")
	// A deleted key comes again, while an older snapshot still has its first life.
	want(t, b.insert("k2", "again"), 0)
	want(t, b.replace("k2", "and again"), 0)
	sees(t, b, "k0=new k1=two, and longer k2=and again k3=one ")
	sees(t, old, "k1=one k2=one k3=one ")
	sees(t, a, "k0=new k1=two, and longer k3=one ")
	b.rollback()
	sees(t, old, "k1=one k2=one k3=one ")
	sees(t, b, "k0=new k1=two, and longer k3=one ")
	old.commit()
	sees(t, old, "k0=new k1=two, and longer k3=one ")
	k.Clean()
	if _, nodes := k.CheckTree(tree); nodes != 3 || !k.Versions.Empty() {
		t.Errorf("%d nodes after clean-up, versions left: %v", nodes, !k.Versions.Empty())
	}

	// A cursor on a node that goes away, by rollback of its insertion or by another's delete.
	a.begin()
	want(t, a.insert("k9", "x"), 0)
	a.rollback()
	if _, err := a.c.Data(a.s); jet.CodeOf(err) != jet.ErrRecordDeleted {
		t.Errorf("data of a rolled back node: %v", err)
	}
	if err := a.c.Prev(a.s); err != nil || string(a.c.Key()) != "k3" {
		t.Errorf("the node before: %s, %v", a.c.Key(), err)
	}
	b.begin()
	want(t, b.remove("k3"), 0)
	b.commit()
	if _, err := a.c.Data(a.s); jet.CodeOf(err) != jet.ErrRecordDeleted {
		t.Errorf("data of a deleted node: %v", err)
	}
	a.begin()
	want(t, a.c.Replace(a.s, []byte("y"), 0), jet.ErrRecordDeleted)
	a.rollback()
	k.Replay()
}

// TestNestedRollback undoes inner levels only.
func TestNestedRollback(t *testing.T) {
	k := kerneltest.New(t, kerneltest.Options{})
	tree := k.Create(k.Root, space.TreeOptions{})
	v := newView(t, k, tree)
	v.begin()
	want(t, v.insert("a", "1"), 0)
	v.begin()
	want(t, v.replace("a", "a long second value"), 0)
	want(t, v.insert("b", "1"), 0)
	v.begin()
	want(t, v.remove("a"), 0)
	want(t, v.insert("a", "third"), 0)
	v.commit()
	sees(t, v, "a=third b=1 ")
	v.rollback()
	sees(t, v, "a=1 ")
	v.commit()
	sees(t, v, "a=1 ")
	k.Replay()
}

// TestDelta has two transactions add to one number.
func TestDelta(t *testing.T) {
	k := kerneltest.New(t, kerneltest.Options{})
	tree := k.Create(k.Root, space.TreeOptions{})
	a, b := newView(t, k, tree), newView(t, k, tree)
	a.begin()
	want(t, a.insert("n", "\x05\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff"), 0)
	a.commit()
	k.Clean()
	add := func(v *view, offset int, n int64, wide bool) error {
		v.read("n")
		_, err := v.c.Delta(v.s, offset, n, wide, 0)
		return err
	}
	value := func() (uint32, uint64) {
		d := []byte(a.read("n"))
		return binary.LittleEndian.Uint32(d), binary.LittleEndian.Uint64(d[4:])
	}
	a.begin()
	b.begin()
	want(t, add(a, 0, 10, false), 0)
	want(t, add(b, 0, -3, false), 0)
	want(t, add(b, 4, 2, true), jet.ErrWriteConflict) // of another kind
	want(t, add(a, 9, 2, false), jet.ErrInvalidParameter)
	want(t, b.replace("n", "nothing"), jet.ErrWriteConflict)
	if n, _ := value(); n != 12 {
		t.Errorf("the page has %d", n)
	}
	n := b.c.Node()
	if d := k.Versions.ForeignDelta(b.s, &n, 0); d != 10 {
		t.Errorf("b must not see %d", d)
	}
	a.rollback()
	b.commit()
	a.begin()
	want(t, add(a, 4, 3, true), 0)
	a.commit()
	if n, m := value(); n != 2 || m != 2 {
		t.Errorf("at the end %d and %d", n, m)
	}
	k.Replay()
}

// TestLocks has a lock keep others from changing a node, without changing it.
func TestLocks(t *testing.T) {
	k := kerneltest.New(t, kerneltest.Options{})
	tree := k.Create(k.Root, space.TreeOptions{})
	a, b := newView(t, k, tree), newView(t, k, tree)
	a.begin()
	want(t, a.insert("k", "1"), 0)
	a.commit()
	k.Clean()
	a.begin()
	b.begin()
	a.read("k")
	b.read("k")
	want(t, a.c.Lock(a.s, version.OperReadLock), 0)
	want(t, b.c.Lock(b.s, version.OperReadLock), 0)
	want(t, b.c.Lock(b.s, version.OperWriteLock), jet.ErrWriteConflict)
	want(t, b.replace("k", "2"), jet.ErrWriteConflict)
	a.rollback()
	want(t, b.replace("k", "2"), 0)
	b.commit()
	sees(t, a, "k=2 ")
	k.Replay()
}

// TestReplaceByTheSame: a replace that changes nothing logs nothing, and conflicts as any other.
func TestReplaceByTheSame(t *testing.T) {
	k := kerneltest.New(t, kerneltest.Options{})
	tree := k.Create(k.Root, space.TreeOptions{})
	a, b := newView(t, k, tree), newView(t, k, tree)
	a.begin()
	want(t, a.insert("k", "1"), 0)
	a.commit()
	k.Clean()
	a.begin()
	b.begin()
	times := k.DB.DBTime()
	want(t, a.replace("k", "1"), 0)
	if now := k.DB.DBTime(); now != times {
		t.Errorf("%d changes of pages", now-times)
	}
	sees(t, a, "k=1 ")
	sees(t, b, "k=1 ")
	want(t, b.replace("k", "1"), jet.ErrWriteConflict)
	want(t, b.replace("k", "2"), jet.ErrWriteConflict)
	want(t, b.remove("k"), jet.ErrWriteConflict)
	a.commit()
	want(t, b.replace("k", "2"), jet.ErrWriteConflict) // as b's transaction is older
	b.commit()
	b.begin()
	want(t, b.replace("k", "1"), 0)
	want(t, b.replace("k", "2"), 0)
	want(t, b.replace("k", "2"), 0)
	sees(t, b, "k=2 ")
	b.rollback()
	sees(t, b, "k=1 ")
	k.Clean()
	if !k.Versions.Empty() {
		t.Error("versions are left")
	}
	k.Replay()
}

// TestReservedSpace shrinks rows and fills the page with others: rollback has the room to make the rows long again.
func TestReservedSpace(t *testing.T) {
	for _, size := range []int{4096, 32768} {
		k := kerneltest.New(t, kerneltest.Options{PageSize: size})
		tree := k.Create(k.Root, space.TreeOptions{})
		a, b := newView(t, k, tree), newView(t, k, tree)
		a.begin()
		long := bytes.Repeat([]byte("x"), size/20)
		for i := range 60 {
			k.Must(a.c.Insert(a.s, key32(i*1000), long, 0))
		}
		a.commit()
		k.Clean()
		for round := range 4 {
			a.begin()
			for i := range 60 {
				if m, err := a.c.Seek(a.s, key32(i*1000), nil, btree.EQ); m != btree.Equal {
					t.Fatal(m, err)
				}
				k.Must(a.c.Replace(a.s, []byte("short"), 0))
				if i%3 == round%3 {
					k.Must(a.c.Replace(a.s, bytes.Repeat([]byte("y"), size/40), 0))
				}
			}
			b.begin()
			for i := range 60 * 30 {
				k.Must(b.c.Insert(b.s, key32(i/30*1000+1+i%30+40*round), []byte("filler, filler"), 0))
			}
			b.commit()
			a.rollback()
			k.CheckTree(tree)
			k.Clean()
		}
		for i := range 60 {
			if m, err := a.c.Seek(a.s, key32(i*1000), nil, btree.EQ); m != btree.Equal {
				t.Fatal(m, err)
			}
			if !bytes.Equal(data(t, a.c, a.s), long) {
				t.Fatalf("row %d is not what it was", i)
			}
		}
		k.Replay()
	}
}

// TestUnlogged uses a database without log, as temporary ones are.
func TestUnlogged(t *testing.T) {
	k := kerneltest.New(t, kerneltest.Options{Unlogged: true, CachePages: 64})
	tree := k.Create(k.Root, space.TreeOptions{})
	before := k.Log.Bytes()
	v := newView(t, k, tree)
	v.begin()
	for i := range 5000 {
		k.Must(v.c.Insert(v.s, key32(i*7919%5000), make([]byte, 40), 0))
	}
	v.rollback()
	k.Clean()
	v.begin()
	for i := range 5000 {
		k.Must(v.c.Insert(v.s, key32(i), make([]byte, 40), btree.Unversioned))
	}
	for i := range 2500 {
		if m, err := v.c.Seek(v.s, key32(i*2), nil, btree.EQ); m != btree.Equal {
			t.Fatal(m, err)
		}
		k.Must(v.c.Delete(v.s))
	}
	v.commit()
	if _, nodes := k.CheckTree(tree); nodes != 2500 {
		t.Errorf("%d nodes", nodes)
	}
	k.CheckSpace(k.Root, map[*btree.Tree][]*btree.Tree{k.Root: {tree}})
	if n := k.Log.Bytes() - before; n != 0 {
		t.Errorf("%d bytes were logged", n)
	}
}

// TestSeek compares every relation with a list.
func TestSeek(t *testing.T) {
	k := kerneltest.New(t, kerneltest.Options{})
	tree := k.Create(k.Root, space.TreeOptions{Flags: page.FlagIndex | page.FlagNonUnique})
	v := newView(t, k, tree)
	type node struct{ key, data int }
	var nodes []node
	v.begin()
	for i := range 1500 {
		n := node{i / 5 * 2, i % 5 * 2}
		nodes = append(nodes, n)
		k.Must(v.c.Insert(v.s, key32(n.key), key32(n.data), 0))
	}
	v.commit()
	k.Clean()
	for key := -1; key < 605; key += 7 {
		for mark := -1; mark < 11; mark++ {
			at := 0 // first node not before (key, mark)
			for at < len(nodes) && (nodes[at].key < key || nodes[at].key == key && nodes[at].data < mark) {
				at++
			}
			exact := at < len(nodes) && nodes[at] == node{key, mark}
			behind := at
			if exact {
				behind++
			}
			for rel, i := range map[btree.Relation]int{btree.EQ: at, btree.GE: at, btree.GT: behind, btree.LE: behind - 1, btree.LT: at - 1} {
				match := btree.Greater
				switch {
				case rel == btree.EQ && !exact, i < 0, i >= len(nodes):
					match = btree.None
				case nodes[i] == node{key, mark}:
					match = btree.Equal
				case i < at:
					match = btree.Less
				}
				k32 := func(n int) []byte {
					if n < 0 {
						return []byte{0x7e}
					}
					return key32(n)
				}
				m, err := v.c.Seek(v.s, k32(key), k32(mark), rel)
				k.Must(err)
				if m != match {
					t.Fatalf("seek (%d,%d) relation %d: %d, want %d", key, mark, rel, m, match)
				}
				if m != btree.None && (!bytes.Equal(v.c.Key(), key32(nodes[i].key)) || !bytes.Equal(data(t, v.c, v.s), key32(nodes[i].data))) {
					t.Fatalf("seek (%d,%d) relation %d comes to %x", key, mark, rel, v.c.Key())
				}
				if m == btree.None && rel == btree.EQ && at < len(nodes) {
					// From the gap a move goes to the neighbours.
					k.Must(v.c.Next(v.s))
					if !bytes.Equal(v.c.Key(), key32(nodes[at].key)) {
						t.Fatalf("behind the gap (%d,%d) is %x", key, mark, v.c.Key())
					}
				}
			}
		}
	}
}
