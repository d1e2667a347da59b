package btree_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"esent/internal/engine/btree"
	"esent/internal/engine/btree/kerneltest"
	"esent/internal/engine/page"
	"esent/internal/engine/space"
	"esent/internal/jet"
)

// groupedKey rises with n. Neighbours share most of a long key, so that separators are long.
func groupedKey(n int) []byte {
	group := n / 20
	k := key32(group)
	rng := rand.New(rand.NewPCG(uint64(group), 5))
	for range 220 {
		k = append(k, byte(1+rng.IntN(255)))
	}
	return append(k, byte(1+n%20))
}

// longKey is a long key in no order.
func longKey(n int) []byte {
	k := bytes.Repeat([]byte{byte(n * 7919 >> 3)}, 60+n%120)
	return append(append(key32(n*2654435761&0xFFFFFFF), k...), 0)
}

// TestDeep builds trees of many levels in several orders and takes them down in others, with all the splits and
// merges of internal pages that this brings.
func TestDeep(t *testing.T) {
	const n = 2400
	rng := rand.New(rand.NewPCG(8, 8))
	perm := rng.Perm(n)
	orders := map[string]func(i int) int{
		"up":     func(i int) int { return i },
		"down":   func(i int) int { return n - 1 - i },
		"random": func(i int) int { return perm[i] },
		"inward": func(i int) int {
			if i%2 == 0 {
				return i / 2
			}
			return n - 1 - i/2
		},
	}
	for _, nonUnique := range []bool{false, true} {
		for in, insert := range orders {
			for out, remove := range orders {
				t.Run(fmt.Sprintf("nonunique=%v/%s/%s", nonUnique, in, out), func(t *testing.T) {
					deep(t, n, nonUnique, insert, remove)
				})
			}
		}
	}
}

func deep(t *testing.T, n int, nonUnique bool, insert, remove func(int) int) {
	k := kerneltest.New(t, kerneltest.Options{CachePages: 3000})
	flags := page.Flags(0)
	if nonUnique {
		flags = page.FlagIndex | page.FlagNonUnique
	}
	tree := k.Create(k.Root, space.TreeOptions{Flags: flags})
	c, s := cursor(tree), k.Session
	key := groupedKey
	k.Must(s.Begin())
	for i := range n {
		k.Must(c.Insert(s, key(insert(i)), append(make([]byte, 60), byte(i), 1), 0))
	}
	k.Commit(s)
	k.Clean()
	pages, nodes := k.CheckTree(tree)
	if nodes != n {
		t.Fatalf("%d nodes", nodes)
	}
	if flags, lines, _, _ := tree.RootState(); flags&page.FlagParentOfLeaf != 0 || lines < 2 {
		t.Errorf("%d pages are no deep tree", len(pages))
	}
	for i := range n {
		k.Must(s.Begin())
		m, err := c.Seek(s, key(remove(i)), nil, btree.GE)
		k.Must(err)
		if m == btree.None || !bytes.Equal(c.Key(), key(remove(i))) {
			t.Fatalf("key %d is not found", remove(i))
		}
		k.Must(c.FlagDelete(s, 0))
		k.Commit(s)
		if i%7 == 0 {
			k.Clean()
		}
		if i%701 == 0 {
			k.CheckTree(tree)
		}
	}
	k.Clean()
	if pages, nodes := k.CheckTree(tree); nodes != 0 || len(pages) != 1 {
		t.Fatalf("%d nodes on %d pages at the end", nodes, len(pages))
	}
	k.CheckSpace(k.Root, map[*btree.Tree][]*btree.Tree{k.Root: {tree}})
	k.Replay()
}

// TestOutOfSpace fills a database that may not grow: the insert that finds no page fails, and rollback and all
// else go on.
func TestOutOfSpace(t *testing.T) {
	k := kerneltest.New(t, kerneltest.Options{Pages: 46, Extension: 16, MaxPages: 120})
	tree := k.Create(k.Root, space.TreeOptions{})
	c, s := cursor(tree), k.Session
	for round := range 3 {
		rng := rand.New(rand.NewPCG(uint64(round), 1))
		k.Must(s.Begin())
		var err error
		for err == nil {
			err = c.Insert(s, append(longKey(rng.IntN(1<<20)), byte(rng.IntN(100))), make([]byte, 300), 0)
			if jet.CodeOf(err) == jet.ErrKeyDuplicate {
				err = nil
			}
		}
		if jet.CodeOf(err) != jet.ErrOutOfDatabaseSpace {
			t.Fatal(err)
		}
		k.CheckTree(tree)
		k.Must(s.Rollback())
		k.Clean()
		if _, nodes := k.CheckTree(tree); nodes != 0 {
			t.Fatalf("%d nodes after rollback", nodes)
		}
		k.CheckSpace(k.Root, map[*btree.Tree][]*btree.Tree{k.Root: {tree}})
	}
	k.Replay()
}
