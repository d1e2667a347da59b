package space_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"esent/internal/engine/btree"
	"esent/internal/engine/btree/kerneltest"
	"esent/internal/engine/btree/ops"
	"esent/internal/engine/page"
	"esent/internal/engine/space"
	"esent/internal/jet"
)

// extent is a last page and a number of pages.
type extent struct {
	last  jet.Pgno
	pages uint32
}

type extents []extent

func short(list []ops.Extent) (e extents) {
	for _, x := range list {
		e = append(e, extent{x.Last, x.Pages})
	}
	return e
}

// fixture is a database laid out as JetCreateDatabase does (spec chapter 03, 11.2): the first user table gets
// page 31 and object 8.
type fixture struct {
	*kerneltest.Kernel
	objects, shadow, name, roots *btree.Tree
}

func newFixture(t *testing.T, o kerneltest.Options) *fixture {
	k := kerneltest.New(t, o)
	f := &fixture{Kernel: k}
	f.objects = k.Create(k.Root, space.TreeOptions{Pages: 20, Multiple: true})
	f.shadow = k.Create(k.Root, space.TreeOptions{Pages: 5, Multiple: true})
	f.name = k.Create(f.objects, space.TreeOptions{Pages: 3, Multiple: true, Flags: page.FlagIndex})
	f.roots = k.Create(f.objects, space.TreeOptions{Pages: 3, Multiple: true, Flags: page.FlagIndex})
	objids := k.Create(k.Root, space.TreeOptions{})
	locales := k.Create(k.Root, space.TreeOptions{})
	for i, want := range map[*btree.Tree]jet.Pgno{f.objects: 4, f.shadow: 24, f.name: 7, f.roots: 10, objids: 29, locales: 30} {
		if i.Root != want {
			t.Fatalf("root %d, want %d", i.Root, want)
		}
	}
	return f
}

// take takes so many pages of a tree, as splits would.
func (f *fixture) take(tree *btree.Tree, n int) (pages []jet.Pgno) {
	f.T.Helper()
	f.Must(f.Session.Begin())
	for range n {
		pgno, err := f.Space.AllocPage(f.Session, tree, tree.Root, false)
		f.Must(err)
		pages = append(pages, pgno)
	}
	f.Commit(f.Session)
	return pages
}

// spend takes an extent of the database root.
func (f *fixture) spend(n uint32) ops.Extent {
	f.T.Helper()
	f.Must(f.Session.Begin())
	e, err := f.Space.AllocExtent(f.Session, f.Root, n, n)
	f.Must(err)
	f.Commit(f.Session)
	return e
}

func (f *fixture) wantOwned(tree *btree.Tree, want extents) {
	f.T.Helper()
	list, err := f.Space.Owned(f.Session, tree)
	f.Must(err)
	if got := short(list); !slices.Equal(got, want) {
		f.T.Errorf("tree %d owns %v, want %v", tree.Root, got, want)
	}
}

func (f *fixture) wantAvailable(tree *btree.Tree, want extents) {
	f.T.Helper()
	list, err := f.Space.Available(f.Session, tree)
	f.Must(err)
	if got := short(list); !slices.Equal(got, want) {
		f.T.Errorf("tree %d has free %v, want %v", tree.Root, got, want)
	}
}

func (f *fixture) wantHeader(tree *btree.Tree, pages, flags uint32) {
	f.T.Helper()
	b, err := tree.Header(nil)
	f.Must(err)
	h, err := ops.ParseRootHeader(b)
	f.Must(err)
	if h.Space.Pages != pages || h.Space.Flags != flags {
		f.T.Errorf("tree %d: header %+v, want pages %d flags %d", tree.Root, h.Space, pages, flags)
	}
}

const (
	v1 = ops.SpaceMultipleExtent
	v2 = ops.SpaceMultipleExtent | ops.SpaceV2
)

func TestNewDatabase(t *testing.T) {
	f := newFixture(t, kerneltest.Options{})
	f.wantOwned(f.Root, extents{{254, 254}})
	f.wantAvailable(f.Root, extents{{254, 224}})
	f.wantOwned(f.objects, extents{{23, 20}})
	f.wantAvailable(f.objects, extents{{23, 11}})
	f.wantAvailable(f.shadow, extents{{28, 2}})
	f.wantAvailable(f.name, nil)
	f.wantHeader(f.Root, 254, v1)
	if f.DB.ObjIDLast() != 7 {
		t.Errorf("last object %d", f.DB.ObjIDLast())
	}
	f.Replay()
}

// TestGrowthOfCatalog has the first two rows of the worked examples in spec chapter 03, 10.3, and the last.
func TestGrowthOfCatalog(t *testing.T) {
	f := newFixture(t, kerneltest.Options{})
	f.take(f.objects, 2)
	if got := f.take(f.name, 1); got[0] != 15 {
		t.Errorf("first page of Name is %d", got[0])
	}
	f.wantHeader(f.name, 4, v2)
	f.wantOwned(f.name, extents{{9, 3}, {18, 4}})
	f.wantAvailable(f.objects, extents{{23, 5}})

	f.spend(17)
	f.take(f.shadow, 3)
	f.wantOwned(f.shadow, extents{{28, 5}, {52, 5}})
	f.wantHeader(f.shadow, 5, v1)
	f.Replay()
}

func TestGrowthOfTables(t *testing.T) {
	for _, c := range []struct {
		n      uint32
		owned  extents
		header uint32
		flags  uint32
	}{
		{1, extents{{31, 1}, {34, 3}, {38, 4}}, 4, v2},
		{2, extents{{32, 2}, {35, 3}, {39, 4}}, 4, v2},
		{3, extents{{33, 3}, {36, 3}, {40, 4}}, 4, v2},
		{4, extents{{34, 4}, {38, 4}}, 4, v1},
		{5, extents{{35, 5}, {40, 5}}, 5, v1},
		{10, extents{{40, 10}, {50, 10}}, 10, v1},
		{15, extents{{45, 15}, {60, 15}}, 15, v1},
		{16, extents{{46, 16}, {62, 16}}, 16, v1},
		{17, extents{{47, 17}, {64, 17}}, 17, v1},
		{40, extents{{70, 40}, {110, 40}}, 40, v1},
	} {
		t.Run(fmt.Sprint(c.n), func(t *testing.T) {
			f := newFixture(t, kerneltest.Options{})
			table := f.Create(f.Root, space.TreeOptions{Pages: c.n})
			// The pages behind the bitmap of a tree of more than 33 are there after the conversion only.
			inMap := min(c.n-1, 32)
			for i, pgno := range f.take(table, int(inMap)) {
				if pgno != table.Root+1+jet.Pgno(i) {
					t.Fatalf("page %d is %d", i, pgno)
				}
			}
			more := 2
			if c.n > 4 {
				more = 1
			}
			f.take(table, more)
			f.wantOwned(table, c.owned)
			f.wantHeader(table, c.header, c.flags)
			f.Replay()
		})
	}
}

func TestIndexesOfTable(t *testing.T) {
	f := newFixture(t, kerneltest.Options{})
	table := f.Create(f.Root, space.TreeOptions{Pages: 4})
	var got []jet.Pgno
	for range 6 {
		got = append(got, f.Create(table, space.TreeOptions{Flags: page.FlagIndex}).Root)
	}
	if !slices.Equal(got, []jet.Pgno{32, 33, 34, 39, 40, 41}) {
		t.Errorf("roots %v", got)
	}
	f.wantOwned(table, extents{{34, 4}, {38, 4}, {39, 1}, {40, 1}, {41, 1}})
	f.wantAvailable(table, extents{{38, 2}})
	f.Replay()
}

func TestTableWithOnePage(t *testing.T) {
	f := newFixture(t, kerneltest.Options{})
	table := f.Create(f.Root, space.TreeOptions{})
	for range 3 {
		f.Create(table, space.TreeOptions{Flags: page.FlagIndex})
	}
	f.wantOwned(table, extents{{31, 1}, {34, 3}, {35, 1}, {36, 1}, {37, 1}})
	f.wantAvailable(table, extents{{34, 1}})
}

func TestRestOfFile(t *testing.T) {
	f := newFixture(t, kerneltest.Options{Pages: space.InitialPages(16), Extension: 16})
	f.spend(46 - 30 - 2 - 6 - 2)
	table := f.Create(f.Root, space.TreeOptions{Pages: 2})
	if table.Root != 37 {
		t.Fatalf("root %d", table.Root)
	}
	f.spend(2)
	f.take(table, 2)
	f.wantOwned(table, extents{{38, 2}, {46, 6}})

	big := f.Create(f.Root, space.TreeOptions{Pages: 33})
	f.wantOwned(f.Root, extents{{46, 46}, {94, 48}})
	f.wantOwned(big, extents{{79, 33}})
	f.take(big, 33)
	f.wantOwned(big, extents{{79, 33}, {94, 15}})
	f.Replay()
}

func TestPassedOn(t *testing.T) {
	f := newFixture(t, kerneltest.Options{Pages: 46, Extension: 16})
	f.spend(16)
	f.spend(16)
	f.spend(16)
	table := f.Create(f.Root, space.TreeOptions{Pages: 10})
	if table.Root != 79 {
		t.Fatalf("root %d", table.Root)
	}
	index := f.Create(table, space.TreeOptions{Pages: 4, Flags: page.FlagIndex})
	f.take(table, 9)
	f.wantOwned(table, extents{{88, 10}, {94, 6}})
	f.spend(10)
	// The index asks for three pages; the root has six and gives them all.
	f.take(index, 1)
	f.wantOwned(table, extents{{88, 10}, {94, 6}, {110, 6}})
	f.wantOwned(index, extents{{80, 1}, {107, 3}})
	f.wantAvailable(table, extents{{94, 3}, {110, 3}})
}

func TestFileGrowth(t *testing.T) {
	f := newFixture(t, kerneltest.Options{})
	f.spend(224)
	f.spend(1)
	f.wantOwned(f.Root, extents{{254, 254}, {510, 256}})
	f.wantAvailable(f.Root, extents{{510, 255}})

	f.Must(f.Session.Begin())
	f.Must(f.Space.GrowTo(f.Session, 900))
	f.Commit(f.Session)
	f.wantOwned(f.Root, extents{{254, 254}, {510, 256}, {766, 256}, {1022, 256}})
	f.Replay()
}

// TestRefill follows the split buffers of the database root: 4 pages when its owned extents are about to need a
// second page, then 8 (spec chapter 03, 10.4).
func TestRefill(t *testing.T) {
	f := newFixture(t, kerneltest.Options{Pages: 46, Extension: 16})
	f.spend(16)
	last := jet.Pgno(46)
	for last < 4700 {
		f.Must(f.Session.Begin())
		_, err := f.Space.AllocExtent(f.Session, f.Root, 1, 16)
		f.Must(err)
		f.Commit(f.Session)
		if last, err = f.Space.LastOwned(f.Session); err != nil {
			t.Fatal(err)
		}
	}
	list, err := f.Space.Owned(f.Session, f.Root)
	f.Must(err)
	owned := short(list)
	i := slices.Index(owned, extent{4542, 16})
	if i < 0 {
		t.Fatalf("owned: %v", owned)
	}
	// Then the file is brought back to whole extensions.
	want := extents{{4542, 16}, {4546, 4}, {4562, 16}, {4574, 12}, {4590, 16}, {4606, 16}, {4622, 16}, {4638, 16}, {4646, 8}, {4662, 16}}
	if got := owned[i : i+len(want)]; !slices.Equal(got, want) {
		t.Errorf("owned: %v, want %v", got, want)
	}
	buffers, err := f.Space.Reserved(f.Session, f.Root)
	f.Must(err)
	if space.Pages(buffers) != 10 {
		t.Errorf("buffers: %v", buffers)
	}
	f.Replay()
}

func TestFree(t *testing.T) {
	f := newFixture(t, kerneltest.Options{})
	table := f.Create(f.Root, space.TreeOptions{Pages: 4})
	s := f.Session
	pages := f.take(table, 6)
	f.wantOwned(table, extents{{34, 4}, {38, 4}, {42, 4}})
	f.Must(s.Begin())
	for _, i := range []int{0, 2, 1, 4} {
		f.Must(f.Space.FreePage(s, table, pages[i]))
	}
	f.wantAvailable(table, extents{{34, 3}, {38, 1}, {42, 3}})
	if err := f.Space.FreePage(s, table, pages[1]); jet.CodeOf(err) != jet.ErrSPAvailExtCorrupted {
		t.Errorf("a page was freed twice: %v", err)
	}
	// The last page of an extent of its own goes back to the database.
	f.Must(f.Space.FreePage(s, table, pages[5]))
	f.wantOwned(table, extents{{34, 4}, {38, 4}})
	f.wantAvailable(f.Root, extents{{254, 216}})
	f.Must(f.Space.DestroyTree(s, table))
	f.wantAvailable(f.Root, extents{{254, 224}})
	f.Commit(s)
	f.Replay()
}

// TestRandomSpace takes and frees pages of a small family of trees, and accounts for every page afterwards.
func TestRandomSpace(t *testing.T) {
	for seed := range uint64(6) {
		f := newFixture(t, kerneltest.Options{Pages: 46, Extension: 16, CachePages: 60})
		rng := rand.New(rand.NewPCG(seed, 3))
		s := f.Session
		held := map[*btree.Tree][]jet.Pgno{}
		children := map[*btree.Tree][]*btree.Tree{}
		var trees []*btree.Tree
		hints := []space.Hints{{}, {Growth: 150, MaxExtent: 64}, {MinExtent: 8, MaxExtent: 8}, {UseParent: true}}
		for i := range 1500 {
			f.Must(s.Begin())
			switch r := rng.IntN(100); {
			case len(trees) == 0 || r < 3 && len(trees) < 12:
				tree, err := f.Space.CreateTree(s, f.Root, space.TreeOptions{Pages: uint32(rng.IntN(40)), Multiple: rng.IntN(3) == 0})
				f.Must(err)
				f.Space.SetHints(tree, hints[rng.IntN(len(hints))])
				children[f.Root] = append(children[f.Root], tree)
				trees = append(trees, tree)
			case r < 6 && len(trees) < 20:
				parent := children[f.Root][rng.IntN(len(children[f.Root]))]
				tree, err := f.Space.CreateTree(s, parent, space.TreeOptions{Pages: uint32(rng.IntN(6)), Flags: page.FlagIndex | page.FlagNonUnique})
				f.Must(err)
				children[parent] = append(children[parent], tree)
				trees = append(trees, tree)
			case r < 8 && len(children[f.Root]) > 1:
				n := rng.IntN(len(children[f.Root]))
				tree := children[f.Root][n]
				f.Must(f.Space.DestroyTree(s, tree))
				gone := append(children[tree], tree)
				trees = slices.DeleteFunc(trees, func(x *btree.Tree) bool { return slices.Contains(gone, x) })
				for _, g := range gone {
					delete(held, g)
				}
				for _, g := range children[tree] {
					f.DB.Forget(g)
				}
				children[f.Root] = slices.Delete(children[f.Root], n, n+1)
				delete(children, tree)
			case r < 60 || len(held) == 0:
				tree := trees[rng.IntN(len(trees))]
				pgno, err := f.Space.AllocPage(s, tree, tree.Root+jet.Pgno(rng.IntN(200)), false)
				f.Must(err)
				held[tree] = append(held[tree], pgno)
			default:
				tree := trees[rng.IntN(len(trees))]
				if pages := held[tree]; len(pages) > 0 {
					n := rng.IntN(len(pages))
					f.Must(f.Space.FreePage(s, tree, pages[n]))
					held[tree] = slices.Delete(pages, n, n+1)
				}
			}
			f.Commit(s)
			_ = i
		}
		// All pages that were taken are given back, so that only what trees use is missing.
		f.Must(s.Begin())
		for tree, pages := range held {
			for _, pgno := range pages {
				f.Must(f.Space.FreePage(s, tree, pgno))
			}
		}
		f.Commit(s)
		all := map[*btree.Tree][]*btree.Tree{f.Root: {f.objects, f.shadow}, f.objects: {f.name, f.roots}}
		for _, root := range []jet.Pgno{29, 30} {
			tree, err := f.DB.Tree(root)
			f.Must(err)
			all[f.Root] = append(all[f.Root], tree)
		}
		for tree, list := range children {
			all[tree] = append(all[tree], list...)
		}
		f.CheckSpace(f.Root, all)
		f.Replay()
	}
}
