package btree_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sort"
	"testing"

	"esent/internal/engine/btree"
	"esent/internal/engine/btree/kerneltest"
	"esent/internal/engine/page"
	"esent/internal/engine/space"
	"esent/internal/engine/version"
	"esent/internal/jet"
)

func key32(n int) []byte { return binary.BigEndian.AppendUint32([]byte{0x7f}, uint32(n)) }

func cursor(t *btree.Tree) *btree.Cursor {
	c := new(btree.Cursor)
	c.Init(t)
	return c
}

// data gives what the cursor reads.
func data(tb testing.TB, c *btree.Cursor, s *version.Session) []byte {
	tb.Helper()
	for {
		d, err := c.Data(s)
		if err != nil {
			tb.Fatal(err)
		}
		d = bytes.Clone(d)
		if c.Valid() {
			return d
		}
	}
}

func TestSequential(t *testing.T) {
	for _, size := range []int{4096, 8192, 16384, 32768} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			k := kerneltest.New(t, kerneltest.Options{PageSize: size})
			tree := k.Create(k.Root, space.TreeOptions{})
			c, s := cursor(tree), k.Session
			const n = 20000
			k.Must(s.Begin())
			for i := range n {
				k.Must(c.Insert(s, key32(i), bytes.Repeat([]byte{byte(i)}, 20+i%50), 0))
			}
			k.Commit(s)
			if _, nodes := k.CheckTree(tree); nodes != n {
				t.Fatalf("%d nodes", nodes)
			}
			k.CheckSpace(k.Root, map[*btree.Tree][]*btree.Tree{k.Root: {tree}})
			i := 0
			err := c.First(s)
			for ; err == nil; err = c.Next(s) {
				if !bytes.Equal(c.Key(), key32(i)) || len(data(t, c, s)) != 20+i%50 {
					t.Fatalf("node %d: %x", i, c.Key())
				}
				i++
			}
			if jet.CodeOf(err) != jet.ErrNoCurrentRecord || i != n {
				t.Fatalf("%v after %d nodes", err, i)
			}
			for err = c.Prev(s); err == nil; err = c.Prev(s) {
				i--
				if !bytes.Equal(c.Key(), key32(i)) {
					t.Fatalf("node %d: %x", i, c.Key())
				}
			}
			if i != 0 {
				t.Fatalf("%d nodes left", i)
			}
			k.Replay()
		})
	}
}

// model is a tree as a sorted list.
type model struct {
	nonUnique bool
	rows      map[string][]byte // by key, or key and data
	keys      map[string][]byte // their keys
}

func (m *model) id(key, data []byte) string {
	if m.nonUnique {
		return string(key) + "\x00" + string(data)
	}
	return string(key)
}

func (m *model) sorted() []string {
	list := make([]string, 0, len(m.rows))
	for id := range m.rows {
		list = append(list, id)
	}
	sort.Slice(list, func(i, j int) bool {
		a, b := list[i], list[j]
		if c := bytes.Compare(m.keys[a], m.keys[b]); c != 0 {
			return c < 0
		}
		return bytes.Compare(m.rows[a], m.rows[b]) < 0
	})
	return list
}

// TestRandom does random changes in transactions that commit or roll back, and compares with a model.
func TestRandom(t *testing.T) {
	for _, size := range []int{4096, 32768} {
		for _, nonUnique := range []bool{false, true} {
			for _, pages := range []int{20, 2000} {
				t.Run(fmt.Sprintf("%d/nonunique=%v/cache=%d", size, nonUnique, pages), func(t *testing.T) {
					for seed := range uint64(2) {
						random(t, size, nonUnique, pages, seed)
					}
				})
			}
		}
	}
}

func random(t *testing.T, size int, nonUnique bool, cachePages int, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, uint64(size)))
	k := kerneltest.New(t, kerneltest.Options{PageSize: size, CachePages: cachePages, Pages: 46, Extension: 16})
	flags := page.Flags(0)
	if nonUnique {
		flags = page.FlagIndex | page.FlagNonUnique
	}
	tree := k.Create(k.Root, space.TreeOptions{Flags: flags})
	c, s := cursor(tree), k.Session
	m := &model{nonUnique: nonUnique, rows: map[string][]byte{}, keys: map[string][]byte{}}
	most := size / 12
	newKey := func() []byte {
		switch rng.IntN(4) {
		case 0:
			return key32(rng.IntN(3000))
		case 1:
			b := bytes.Repeat([]byte{'p'}, 1+rng.IntN(40))
			return append(b, byte(rng.IntN(5)), byte(rng.IntN(50)))
		}
		b := make([]byte, 1+rng.IntN(60))
		for i := range b {
			b[i] = byte(1 + rng.IntN(3))
		}
		// In non-unique trees no key may begin with another, as separators hold key and data in one.
		return append(b, 0)
	}
	newData := func() []byte {
		n := 1 + rng.IntN(60)
		if rng.IntN(8) == 0 && !nonUnique {
			n = 1 + rng.IntN(most)
		}
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(rng.IntN(4))
		}
		return b
	}
	for trx := range 120 {
		k.Must(s.Begin())
		saved := &model{nonUnique: nonUnique, rows: map[string][]byte{}, keys: map[string][]byte{}}
		for id, d := range m.rows {
			saved.rows[id], saved.keys[id] = d, m.keys[id]
		}
		mode := rng.IntN(3) // 0: grow, 1: mixed, 2: shrink
		for range 1 + rng.IntN(120) {
			key, d := newKey(), newData()
			id := m.id(key, d)
			if rng.IntN(10) < 6-2*mode {
				err := c.Insert(s, key, d, 0)
				_, have := m.rows[id]
				switch {
				case have && !nonUnique && jet.CodeOf(err) == jet.ErrKeyDuplicate:
				case have && nonUnique && jet.CodeOf(err) == jet.ErrMultiValuedIndexViolation:
				case !have && err == nil:
					m.rows[id], m.keys[id] = d, key
				default:
					t.Fatalf("insert: %v, have %v", err, have)
				}
				if err == nil && !bytes.Equal(data(t, c, s), d) {
					t.Fatal("cursor is not on the inserted node")
				}
				continue
			}
			match, err := c.Seek(s, key, nil, btree.GE)
			k.Must(err)
			if match == btree.None {
				continue
			}
			id = m.id(c.Key(), data(t, c, s))
			old, have := m.rows[id]
			if !have || !bytes.Equal(old, data(t, c, s)) {
				t.Fatalf("tree has %x, the model %x", data(t, c, s), old)
			}
			if !nonUnique && rng.IntN(2) == 0 {
				if rng.IntN(3) == 0 {
					d = bytes.Clone(old)
					d[rng.IntN(len(d))]++
				}
				k.Must(c.Replace(s, d, 0))
				m.rows[id] = d
			} else {
				k.Must(c.FlagDelete(s, 0))
				delete(m.rows, id)
				delete(m.keys, id)
			}
		}
		if rng.IntN(4) == 0 {
			k.Must(s.Rollback())
			m = saved
		} else {
			k.Commit(s)
		}
		if rng.IntN(3) == 0 {
			k.Clean()
		}
		if trx%20 == 19 {
			compareModel(t, k, c, m)
		}
	}
	compareModel(t, k, c, m)
	k.Clean()
	compareModel(t, k, c, m)
	k.CheckSpace(k.Root, map[*btree.Tree][]*btree.Tree{k.Root: {tree}})
	k.Replay()
	// Everything goes.
	k.Must(s.Begin())
	for err := c.First(s); err == nil; err = c.Next(s) {
		k.Must(c.FlagDelete(s, 0))
	}
	k.Commit(s)
	k.Clean()
	if pages, nodes := k.CheckTree(tree); nodes != 0 || len(pages) != 1 {
		t.Fatalf("%d nodes on %d pages after all were deleted", nodes, len(pages))
	}
	k.CheckSpace(k.Root, map[*btree.Tree][]*btree.Tree{k.Root: {tree}})
	k.Replay()
}

func compareModel(t *testing.T, k *kerneltest.Kernel, c *btree.Cursor, m *model) {
	t.Helper()
	k.CheckTree(c.Tree())
	list := m.sorted()
	s := k.Session
	i := 0
	err := c.First(s)
	for ; err == nil; err = c.Next(s) {
		if i >= len(list) || !bytes.Equal(c.Key(), m.keys[list[i]]) || !bytes.Equal(data(t, c, s), m.rows[list[i]]) {
			t.Fatalf("node %d of %d: %x = %x", i, len(list), c.Key(), data(t, c, s))
		}
		i++
	}
	if jet.CodeOf(err) != jet.ErrNoCurrentRecord || i != len(list) {
		t.Fatalf("%v after %d of %d nodes", err, i, len(list))
	}
}
