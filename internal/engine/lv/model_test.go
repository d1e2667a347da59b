package lv_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"esent/internal/engine/btree"
	"esent/internal/engine/btree/kerneltest"
	"esent/internal/engine/lv"
	"esent/internal/engine/page"
	"esent/internal/engine/space"
	"esent/internal/engine/version"
	"esent/internal/jet"
)

// newValues makes a tree of long values below a table of its own.
func newValues(tb testing.TB, o kerneltest.Options, wide bool) (*kerneltest.Kernel, *btree.Tree, *lv.Values) {
	tb.Helper()
	k := kerneltest.New(tb, o)
	k.Trees.OnDelta = func(s *version.Session, r *version.RCE) error {
		t, err := k.DB.Tree(r.FDP)
		if err != nil {
			return err
		}
		return lv.Settled(s, t, r)
	}
	table := k.Create(k.Root, space.TreeOptions{})
	tree := k.Create(table, space.TreeOptions{Flags: page.FlagLongValue})
	v, err := lv.New(tree, lv.ChunkSize(k.DB.PageSize), wide)
	k.Must(err)
	return k, table, v
}

// content makes n bytes that sometimes compress well.
func content(rng *rand.Rand, n int) []byte {
	b := make([]byte, n)
	mode := rng.IntN(3)
	for i := range b {
		switch mode {
		case 0:
			b[i] = byte(rng.IntN(256))
		case 1:
			b[i] = "long value "[i%11]
		default:
			b[i] = byte(i / 100)
		}
	}
	return b
}

// model is what values there should be.
type model struct {
	values map[uint64][]byte
	refs   map[uint64]int
}

func (m *model) clone() *model {
	c := &model{values: map[uint64][]byte{}, refs: map[uint64]int{}}
	for lid, v := range m.values {
		c.values[lid], c.refs[lid] = v, m.refs[lid]
	}
	return c
}

func (m *model) any(rng *rand.Rand) (uint64, bool) {
	if len(m.values) == 0 {
		return 0, false
	}
	lids := make([]uint64, 0, len(m.values))
	var least uint64
	for lid := range m.values {
		lids = append(lids, lid)
	}
	least = lids[0]
	at := rng.Uint64()
	// The choice must not depend on the order of the map.
	for _, lid := range lids {
		if (lid*0x9E3779B97F4A7C15)^at < (least*0x9E3779B97F4A7C15)^at {
			least = lid
		}
	}
	return least, true
}

func (m *model) drop(lid uint64) {
	if m.refs[lid]--; m.refs[lid] == 0 {
		delete(m.refs, lid)
		delete(m.values, lid)
	}
}

// step does something to the values and the model.
func (m *model) step(t *testing.T, rng *rand.Rand, v *lv.Values, c *lv.Cursor, s *version.Session) {
	t.Helper()
	sizes := []int{0, 1, 10, v.Chunk - 1, v.Chunk, v.Chunk + 1, 3 * v.Chunk, 5*v.Chunk + 77}
	size := sizes[rng.IntN(len(sizes))]
	if rng.IntN(2) == 0 {
		size = rng.IntN(4 * v.Chunk)
	}
	o := lv.Options{Compress: rng.IntN(2) == 0}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	lid, ok := m.any(rng)
	if !ok || rng.IntN(6) == 0 {
		data := content(rng, size)
		zeros := rng.IntN(3) * rng.IntN(2*v.Chunk)
		lid, err := v.Create(c, s, data, size+zeros, o)
		must(err)
		if m.values[lid] != nil {
			t.Fatalf("number %#x is given out twice", lid)
		}
		m.values[lid], m.refs[lid] = append(data, make([]byte, zeros)...), 1
		return
	}
	old := m.values[lid]
	// changed puts a new content under the number that came back.
	changed := func(now uint64, err error, value []byte) {
		t.Helper()
		must(err)
		if (now == lid) != (m.refs[lid] == 1) {
			t.Fatalf("value with %d references: number %#x became %#x", m.refs[lid], lid, now)
		}
		m.drop(lid)
		m.values[now], m.refs[now] = value, 1
	}
	switch rng.IntN(8) {
	case 0:
		data := content(rng, size)
		now, err := v.Append(c, s, lid, data, o)
		changed(now, err, append(bytes.Clone(old), data...))
	case 1, 2:
		data := content(rng, size)
		at := rng.IntN(len(old) + 1)
		now, err := v.Overwrite(c, s, lid, at, data, o)
		value := append(bytes.Clone(old), make([]byte, max(0, at+len(data)-len(old)))...)
		copy(value[at:], data)
		changed(now, err, value)
	case 3:
		data := content(rng, size)
		at := rng.IntN(len(old) + 1)
		now, err := v.OverwriteAndCut(c, s, lid, at, data, o)
		changed(now, err, append(bytes.Clone(old[:at]), data...))
	case 4:
		now, err := v.Resize(c, s, lid, size, o)
		value := bytes.Clone(old[:min(size, len(old))])
		changed(now, err, append(value, make([]byte, size-len(value))...))
	case 5:
		must(v.AddRef(c, s, lid))
		m.refs[lid]++
	default:
		must(v.Release(c, s, lid))
		m.drop(lid)
	}
}

// check compares all values with the model, as the session sees them, and on demand their counts.
func (m *model) check(t *testing.T, v *lv.Values, c *lv.Cursor, s *version.Session, counts bool) {
	t.Helper()
	for lid, want := range m.values {
		dst := make([]byte, len(want)+1)
		n, size, err := v.Read(c, s, lid, 0, dst)
		if err != nil || size != len(want) || !bytes.Equal(dst[:n], want) {
			t.Fatalf("value %#x: %d bytes of %d, want %d: %v", lid, n, size, len(want), err)
		}
		if _, refs, err := v.Size(c, s, lid); err != nil || counts && int(refs) != m.refs[lid] {
			t.Fatalf("value %#x: %d references, want %d: %v", lid, refs, m.refs[lid], err)
		}
	}
}

// Random changes in transactions with nested levels and rollbacks, seen by a session whose snapshot stays behind, give
// what a model says; nothing but the model's values is left in the tree, and no page is lost.
func TestModel(t *testing.T) {
	for _, x := range []struct {
		size int
		wide bool
	}{{4096, false}, {4096, true}, {8192, true}, {16384, true}, {32768, false}} {
		t.Run(fmt.Sprint(x.size, x.wide), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(uint64(x.size), 7))
			k, table, v := newValues(t, kerneltest.Options{PageSize: x.size}, x.wide)
			s, reader := k.Session, k.NewSession()
			var c, rc lv.Cursor
			m := &model{values: map[uint64][]byte{}, refs: map[uint64]int{}}
			for range 40 {
				k.Must(reader.Begin())
				seen := m.clone()
				for range 3 {
					k.Must(s.Begin())
					outer := m.clone()
					for range rng.IntN(8) {
						m.step(t, rng, v, &c, s)
					}
					k.Must(s.Begin())
					inner := m.clone()
					for range rng.IntN(8) {
						m.step(t, rng, v, &c, s)
					}
					if rng.IntN(3) == 0 {
						k.Must(s.Rollback())
						m = inner
					} else {
						k.Commit(s)
					}
					m.check(t, v, &c, s, true)
					seen.check(t, v, &rc, reader, false)
					if rng.IntN(3) == 0 {
						k.Must(s.Rollback())
						m = outer
					} else {
						k.Commit(s)
					}
					if rng.IntN(2) == 0 {
						k.Clean()
					}
				}
				k.Must(reader.Rollback())
				k.Clean()
			}
			m.check(t, v, &c, s, true)
			want := 0
			for _, value := range m.values {
				want += 1 + (len(value)+v.Chunk-1)/v.Chunk
			}
			if _, nodes := k.CheckTree(v.Tree); nodes != want {
				t.Errorf("%d nodes, want %d for %d values", nodes, want, len(m.values))
			}
			k.CheckSpace(k.Root, map[*btree.Tree][]*btree.Tree{k.Root: {table}, table: {v.Tree}})
			k.Replay()
		})
	}
}

// Two sessions with one value: whoever changes it while the other may refer to it gets a copy.
func TestConflicts(t *testing.T) {
	k, _, v := newValues(t, kerneltest.Options{}, true)
	a, b := k.Session, k.NewSession()
	var ca, cb lv.Cursor
	k.Must(a.Begin())
	lid, err := v.Create(&ca, a, []byte("first"), 5, lv.Options{})
	k.Must(err)
	k.Commit(a)

	k.Must(a.Begin())
	k.Must(b.Begin())
	k.Must(v.AddRef(&ca, a, lid))
	now, err := v.Append(&cb, b, lid, []byte("!"), lv.Options{})
	k.Must(err)
	if now == lid {
		t.Error("a value to which another session adds a reference was changed in place")
	}
	k.Commit(a)
	k.Commit(b)

	k.Must(a.Begin())
	if now, err = v.Append(&ca, a, lid, []byte("?"), lv.Options{}); err != nil || now != lid {
		t.Fatalf("alone with one reference: %#x, %v", now, err)
	}
	k.Must(b.Begin())
	if err := v.AddRef(&cb, b, lid); jet.CodeOf(err) != jet.ErrWriteConflict {
		t.Errorf("a reference to a value that is being changed: %v", err)
	}
	if _, refs, _ := v.Size(&cb, b, lid); refs != 1 {
		t.Errorf("%d references", refs)
	}
	k.Commit(a)
	k.Must(b.Rollback())

	if _, err := v.Overwrite(&ca, a, lid, 100, []byte("x"), lv.Options{}); jet.CodeOf(err) != jet.ErrColumnNoChunk && jet.CodeOf(err) != jet.ErrNotInTransaction {
		t.Errorf("behind the end: %v", err)
	}
	if _, _, err := v.Read(&ca, a, lid+1000, 0, make([]byte, 1)); jet.CodeOf(err) != jet.ErrLVCorrupted {
		t.Errorf("a value that is not there: %v", err)
	}
}

// Numbers go on above the highest in the tree, in the width that the tree has.
func TestNumbers(t *testing.T) {
	k, _, v := newValues(t, kerneltest.Options{}, false)
	s := k.Session
	var c lv.Cursor
	k.Must(s.Begin())
	create := func(v *lv.Values, want uint64) {
		t.Helper()
		if lid, err := v.Create(&c, s, []byte("x"), 1, lv.Options{}); err != nil || lid != want {
			t.Errorf("number %#x, %v; want %#x", lid, err, want)
		}
	}
	create(v, 1)
	create(v, 2)
	wide, err := lv.New(v.Tree, v.Chunk, true)
	k.Must(err)
	create(wide, 0x80000000_80000001)
	again, err := lv.New(v.Tree, v.Chunk, false)
	k.Must(err)
	create(again, 0x80000000_80000002)
	if !again.Wide() {
		t.Error("a tree with wide numbers goes on with narrow ones")
	}
	k.Commit(s)
}

const megabyte = 1 << 20

func BenchmarkRead(b *testing.B) {
	k, _, v := newValues(b, kerneltest.Options{CachePages: 4000}, true)
	s := k.Session
	var c lv.Cursor
	k.Must(s.Begin())
	data := content(rand.New(rand.NewPCG(3, 3)), megabyte)
	lid, err := v.Create(&c, s, data, megabyte, lv.Options{})
	k.Must(err)
	k.Commit(s)
	k.Clean()
	k.Must(s.Begin())
	dst := make([]byte, megabyte)
	b.SetBytes(megabyte)
	b.ReportAllocs()
	for b.Loop() {
		if n, _, err := v.Read(&c, s, lid, 0, dst); n != megabyte || err != nil {
			b.Fatal(n, err)
		}
	}
	k.Commit(s)
}

func BenchmarkCreate(b *testing.B) {
	for _, size := range []int{4096, 32768} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			k, _, v := newValues(b, kerneltest.Options{PageSize: size, CachePages: 20000}, true)
			s := k.Session
			var c lv.Cursor
			data := content(rand.New(rand.NewPCG(0, 3)), megabyte)
			b.SetBytes(megabyte)
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				k.Must(s.Begin())
				lid, err := v.Create(&c, s, data, megabyte, lv.Options{})
				k.Must(err)
				k.Commit(s)
				if n++; n%8 == 0 {
					k.Clean()
				}
				if n > 20 {
					k.Must(s.Begin())
					k.Must(v.Release(&c, s, lid))
					k.Commit(s)
				}
			}
		})
	}
}
