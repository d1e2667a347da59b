package btree_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"esent/internal/engine/btree"
	"esent/internal/engine/btree/kerneltest"
	"esent/internal/engine/page"
	"esent/internal/engine/space"
	"esent/internal/jet"
)

type entry struct{ key, data []byte }

// entries are n different entries in order.
func entries(r *rand.Rand, n, key, data int, nonUnique bool) []entry {
	text := func(n int) []byte {
		b := make([]byte, 1+r.IntN(n))
		for i := range b {
			b[i] = byte(r.IntN(3))
		}
		return b
	}
	var list []entry
	for range n {
		// As in any index, no key is the beginning of another.
		k := append([]byte{0x7f}, text(key)...)
		list = append(list, entry{append(k, 0xff), text(data)})
	}
	order := func(a, b entry) int {
		if c := bytes.Compare(a.key, b.key); c != 0 || !nonUnique {
			return c
		}
		return bytes.Compare(a.data, b.data)
	}
	slices.SortFunc(list, order)
	return slices.CompactFunc(list, func(a, b entry) bool { return order(a, b) == 0 })
}

// TestLoad loads a tree, and inserts the same nodes one by one in a second one: pages and log must be the same.
func TestLoad(t *testing.T) {
	for i, c := range []struct{ size, key, data, density, count int }{
		{4096, 8, 10, 100, 6000},
		{4096, 300, 10, 80, 3000},
		{8192, 12, 20, 90, 9000},
		{16384, 20, 5, 50, 9000},
		{32768, 30, 5, 100, 20000},
		{4096, 1500, 1000, 80, 150},
		{4096, 8, 10, 100, 1},
		{4096, 8, 10, 100, 0},
	} {
		for _, nonUnique := range []bool{false, true} {
			for _, unlogged := range []bool{false, true} {
				t.Run(fmt.Sprint(i, nonUnique, unlogged), func(t *testing.T) {
					list := entries(rand.New(rand.NewPCG(uint64(i), 1)), c.count, c.key, c.data, nonUnique)
					flags := page.FlagIndex
					if nonUnique {
						flags |= page.FlagNonUnique
					}
					make := func(load bool) (*kerneltest.Kernel, *btree.Tree) {
						k := kerneltest.New(t, kerneltest.Options{PageSize: c.size, CachePages: 20000, Unlogged: unlogged})
						tree := k.Create(k.Root, space.TreeOptions{Flags: flags})
						tree.SetDensity(c.density)
						k.Must(k.Session.Begin())
						if load {
							l := btree.NewLoader(tree, k.Session)
							for _, e := range list {
								k.Must(l.Add(e.key, e.data))
							}
							k.Must(l.Flush())
						} else {
							at := cursor(tree)
							for _, e := range list {
								k.Must(at.Insert(k.Session, e.key, e.data, btree.Unversioned))
							}
						}
						k.Commit(k.Session)
						return k, tree
					}
					k, tree := make(true)
					other, like := make(false)
					if _, nodes := k.CheckTree(tree); nodes != len(list) {
						t.Fatalf("%d nodes of %d", nodes, len(list))
					}
					k.CheckSpace(k.Root, map[*btree.Tree][]*btree.Tree{k.Root: {tree}})
					pages, _ := other.CheckTree(like)
					for pgno := range pages {
						if !bytes.Equal(pageOf(k, pgno), pageOf(other, pgno)) {
							t.Fatalf("page %d differs", pgno)
						}
					}
					if unlogged {
						return
					}
					if !slices.EqualFunc(k.Log.Records(), other.Log.Records(), bytes.Equal) {
						t.Fatal("the logs differ")
					}
					k.Replay()
				})
			}
		}
	}
}

func pageOf(k *kerneltest.Kernel, pgno jet.Pgno) page.Page {
	f, err := k.Cache.Lock(k.DB.DB, pgno)
	k.Must(err)
	defer f.UnlockUnchanged()
	return bytes.Clone(f.Page())
}

// TestLoadOutOfOrder adds nodes that are there already, and some that are not behind those before.
func TestLoadOutOfOrder(t *testing.T) {
	for _, nonUnique := range []bool{false, true} {
		k := kerneltest.New(t, kerneltest.Options{})
		flags, twice := page.FlagIndex, jet.ErrKeyDuplicate
		if nonUnique {
			flags, twice = flags|page.FlagNonUnique, jet.ErrMultiValuedIndexViolation
		}
		tree := k.Create(k.Root, space.TreeOptions{Flags: flags})
		k.Must(k.Session.Begin())
		l, there, r := btree.NewLoader(tree, k.Session), map[int]bool{}, rand.New(rand.NewPCG(3, 4))
		for i := range 5000 {
			n := i
			if r.IntN(8) == 0 {
				n = r.IntN(6000)
			}
			switch err := jet.CodeOf(l.Add(key32(n), []byte("data"))); {
			case there[n] && err != twice, !there[n] && err != 0:
				t.Fatalf("node %d: %v", n, err)
			}
			there[n] = true
			if r.IntN(300) == 0 {
				// Somebody else uses the tree.
				n := 7000 + r.IntN(100)
				if !there[n] {
					k.Must(cursor(tree).Insert(k.Session, key32(n), []byte("data"), btree.Unversioned))
				}
				there[n] = true
			}
		}
		k.Must(l.Flush())
		if err := l.Add(nil, nil); jet.CodeOf(err) != jet.ErrRecordTooBig {
			t.Error(err)
		}
		k.Commit(k.Session)
		if _, nodes := k.CheckTree(tree); nodes != len(there) {
			t.Errorf("%d nodes of %d", nodes, len(there))
		}
		k.Replay()
	}
}

// TestLoadWithoutLog lets the log fail at every so many records: what is in the tree then must be what was logged.
func TestLoadWithoutLog(t *testing.T) {
	list := entries(rand.New(rand.NewPCG(1, 1)), 1500, 8, 10, true)
	for last := 1; ; last += 37 {
		k := kerneltest.New(t, kerneltest.Options{})
		tree := k.Create(k.Root, space.TreeOptions{Flags: page.FlagIndex | page.FlagNonUnique})
		k.Must(k.Session.Begin())
		n := 0
		k.Log.Fail = func([]byte) error {
			if n++; n > last {
				return jet.ErrLogDiskFull
			}
			return nil
		}
		l := btree.NewLoader(tree, k.Session)
		var err error
		for i := 0; i < len(list) && err == nil; i++ {
			err = l.Add(list[i].key, list[i].data)
		}
		if err == nil {
			err = l.Flush()
		}
		k.Log.Fail = nil
		if err != nil && jet.CodeOf(err) != jet.ErrLogDiskFull {
			t.Fatal(err)
		}
		_, nodes := k.CheckTree(tree)
		if err == nil != (nodes == len(list)) {
			t.Fatalf("%d nodes of %d: %v", nodes, len(list), err)
		}
		k.Must(k.Session.Rollback())
		k.Replay()
		if err == nil {
			return
		}
	}
}
