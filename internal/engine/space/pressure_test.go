package space_test

import (
	"math/rand/v2"
	"testing"

	"esent/internal/engine/btree"
	"esent/internal/engine/btree/kerneltest"
	"esent/internal/engine/space"
	"esent/internal/jet"
)

// TestSpaceTreesApart has the frames of a short cache hold the pages of one space tree after those of another: what is
// owned must not be noted as available, nor the other way round.
func TestSpaceTreesApart(t *testing.T) {
	f := newFixture(t, kerneltest.Options{CachePages: 20})
	rng := rand.New(rand.NewPCG(1, 2))
	var trees []*btree.Tree
	for range 12 {
		trees = append(trees, f.Create(f.Root, space.TreeOptions{Pages: 20, Multiple: true}))
	}
	for round := range 400 {
		tree := trees[rng.IntN(len(trees))]
		f.Must(f.Session.Begin())
		n := uint32(1 + rng.IntN(5))
		_, err := f.Space.AllocExtent(f.Session, tree, n, n)
		f.Must(err)
		_, err = f.Space.AllocPage(f.Session, tree, tree.Root, false)
		f.Must(err)
		f.Commit(f.Session)
		for range 10 + rng.IntN(40) { // others come and go
			_, _, err := f.Cache.Get(f.DB.DB, trees[rng.IntN(len(trees))].Root+jet.Pgno(rng.IntN(3)))
			f.Must(err)
		}
		for _, tree := range trees {
			owned, err := f.Space.Owned(f.Session, tree)
			f.Must(err)
			free, err := f.Space.Available(f.Session, tree)
			f.Must(err)
			for _, e := range free {
				inside := false
				for _, o := range owned {
					inside = inside || o.First() <= e.First() && e.Last <= o.Last
				}
				if !inside {
					t.Fatalf("round %d: tree %d has %v free and owns %v", round, tree.Root, free, owned)
				}
			}
		}
	}
}
