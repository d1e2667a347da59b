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
	"esent/internal/engine/version"
	"esent/internal/jet"
)

// TestStepHeld walks by latches from the root over a tree with long runs of nodes that the session does not see,
// and compares with the links of the leaves.
func TestStepHeld(t *testing.T) {
	for _, nonUnique := range []bool{false, true} {
		t.Run(fmt.Sprint(nonUnique), func(t *testing.T) {
			k := kerneltest.New(t, kerneltest.Options{})
			flags := page.Flags(0)
			if nonUnique {
				flags = page.FlagIndex | page.FlagNonUnique
			}
			tree := k.Create(k.Root, space.TreeOptions{Flags: flags})
			c, s := cursor(tree), k.Session
			k.Must(s.Begin())
			for i := range 3000 {
				key := groupedKey(i)
				if nonUnique {
					key = groupedKey(i / 100 * 20)
				}
				k.Must(c.Insert(s, key, append(key32(i), make([]byte, 30)...), 0))
			}
			k.Commit(s)
			reader := k.NewSession()
			k.Must(reader.Begin())
			rng := rand.New(rand.NewPCG(1, 1))
			k.Must(s.Begin())
			keep := 0
			for err := c.First(s); err == nil; err = c.Next(s) {
				if keep--; keep < -200 {
					keep = rng.IntN(40)
				}
				if keep < 0 {
					k.Must(c.FlagDelete(s, 0))
				}
			}
			k.Commit(s)
			for name, x := range map[string]func() *walker{
				"new":   func() *walker { return &walker{t, cursor(tree), s} },
				"old":   func() *walker { return &walker{t, cursor(tree), reader} },
				"after": func() *walker { k.Clean(); return &walker{t, cursor(tree), reader} },
			} {
				for _, back := range []bool{false, true} {
					links, held := x().links(back), x().held(back)
					if len(links) == 0 || len(links) != len(held) {
						t.Fatalf("%s back=%v: %d nodes by links, %d from the root", name, back, len(links), len(held))
					}
					for i := range links {
						if links[i] != held[i] {
							t.Fatalf("%s back=%v: node %d differs", name, back, i)
						}
					}
				}
			}
			// From a gap.
			for range 200 {
				key := groupedKey(rng.IntN(3200))[:rng.IntN(100)]
				a, b := cursor(tree), cursor(tree)
				back := rng.IntN(2) == 0
				a.SetGap(key, nil)
				b.SetGap(key, nil)
				move := a.Next
				if back {
					move = a.Prev
				}
				e1, e2 := move(s), b.StepHeld(s, back)
				if jet.CodeOf(e1) != jet.CodeOf(e2) || !bytes.Equal(a.Key(), b.Key()) {
					t.Fatalf("from %x: %x %v, %x %v", key, a.Key(), e1, b.Key(), e2)
				}
			}
			k.Must(reader.Rollback())
		})
	}
}

type walker struct {
	t *testing.T
	c *btree.Cursor
	s *version.Session
}

func (w *walker) links(back bool) (list []string) {
	move, err := w.c.Next, w.c.First(w.s)
	if back {
		move, err = w.c.Prev, w.c.Last(w.s)
	}
	for ; err == nil; err = move(w.s) {
		list = append(list, string(w.c.Key())+string(data(w.t, w.c, w.s)))
	}
	return list
}

func (w *walker) held(back bool) (list []string) {
	err := w.c.First(w.s)
	if back {
		err = w.c.Last(w.s)
	}
	for ; err == nil; err = w.c.StepHeld(w.s, back) {
		list = append(list, string(w.c.Key())+string(data(w.t, w.c, w.s)))
	}
	return list
}
