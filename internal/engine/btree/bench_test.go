package btree_test

import (
	"math/rand/v2"
	"testing"

	"esent/internal/engine/btree"
	"esent/internal/engine/btree/kerneltest"
	"esent/internal/engine/space"
)

const benchRows = 300000

// filled is a kernel with a cached tree of rows whose versions are gone.
func filled(tb testing.TB, rows int) (*kerneltest.Kernel, *btree.Tree) {
	k := kerneltest.New(tb, kerneltest.Options{CachePages: 30000})
	tree := k.Create(k.Root, space.TreeOptions{})
	c, s := cursor(tree), k.Session
	row := make([]byte, 100)
	for i := 0; i < rows; i++ {
		if i%1000 == 0 {
			k.Must(s.Begin())
		}
		k.Must(c.Insert(s, key32(i), row, 0))
		if i%1000 == 999 {
			k.Commit(s)
			k.Clean()
		}
	}
	return k, tree
}

// BenchmarkRead reads a tree that fits the processor's caches, and one that does not.
func BenchmarkRead(b *testing.B) {
	b.Run("3000", func(b *testing.B) { read(b, 3000) })
	b.Run("300000", func(b *testing.B) { read(b, benchRows) })
}

func read(b *testing.B, rows int) {
	k, tree := filled(b, rows)
	s := k.Session
	k.Must(s.Begin())
	defer s.Rollback()
	b.Run("next", func(b *testing.B) {
		c := cursor(tree)
		k.Must(c.First(s))
		b.ReportAllocs()
		for b.Loop() {
			if c.Next(s) != nil {
				k.Must(c.First(s))
			}
		}
	})
	b.Run("prev", func(b *testing.B) {
		c := cursor(tree)
		k.Must(c.Last(s))
		b.ReportAllocs()
		for b.Loop() {
			if c.Prev(s) != nil {
				k.Must(c.Last(s))
			}
		}
	})
	b.Run("seek", func(b *testing.B) {
		c := cursor(tree)
		rng := rand.New(rand.NewPCG(1, 2))
		keys := make([][]byte, 1<<16)
		for i := range keys {
			keys[i] = key32(rng.IntN(rows))
		}
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			m, err := c.Seek(s, keys[i&(len(keys)-1)], nil, btree.EQ)
			if m != btree.Equal {
				b.Fatal(m, err)
			}
			i++
		}
	})
	b.Run("data", func(b *testing.B) {
		c := cursor(tree)
		k.Must(c.First(s))
		b.ReportAllocs()
		var buf [100]byte
		for b.Loop() {
			d, _ := c.Data(s)
			copy(buf[:], d)
			if !c.Valid() {
				b.Fatal("changed")
			}
		}
	})
}

func BenchmarkWrite(b *testing.B) {
	row := make([]byte, 100)
	insert := func(name string, key func(i int) []byte) {
		b.Run(name, func(b *testing.B) {
			k := kerneltest.New(b, kerneltest.Options{CachePages: 60000})
			tree := k.Create(k.Root, space.TreeOptions{})
			c, s := cursor(tree), k.Session
			b.ReportAllocs()
			i := 0
			k.Must(s.Begin())
			for b.Loop() {
				if err := c.Insert(s, key(i), row, 0); err != nil {
					b.Fatal(err)
				}
				if i++; i%1000 == 0 {
					k.Commit(s)
					k.Clean()
					k.Must(s.Begin())
				}
			}
			k.Commit(s)
			b.ReportMetric(float64(k.Log.Bytes())/float64(i), "logbytes/op")
		})
	}
	insert("append", key32)
	perm := rand.New(rand.NewPCG(1, 1)).Perm(1 << 22)
	insert("random", func(i int) []byte { return key32(perm[i&(1<<22-1)]) })
	b.Run("replace", func(b *testing.B) {
		k, tree := filled(b, benchRows)
		c, s := cursor(tree), k.Session
		rng := rand.New(rand.NewPCG(3, 3))
		b.ReportAllocs()
		before := k.Log.Bytes()
		i := 0
		k.Must(s.Begin())
		for b.Loop() {
			if m, err := c.Seek(s, key32(rng.IntN(benchRows)), nil, btree.EQ); m != btree.Equal {
				b.Fatal(m, err)
			}
			row[i%100]++
			if err := c.Replace(s, row, 0); err != nil {
				b.Fatal(err)
			}
			if i++; i%1000 == 0 {
				k.Commit(s)
				k.Clean()
				k.Must(s.Begin())
			}
		}
		k.Commit(s)
		b.ReportMetric(float64(k.Log.Bytes()-before)/float64(i), "logbytes/op")
	})
}

// TestNoAllocation holds reads to their budget: nothing is allocated.
func TestNoAllocation(t *testing.T) {
	k := kerneltest.New(t, kerneltest.Options{})
	tree := k.Create(k.Root, space.TreeOptions{})
	c, s := cursor(tree), k.Session
	k.Must(s.Begin())
	for i := range 5000 {
		k.Must(c.Insert(s, key32(i), make([]byte, 50), 0))
	}
	k.Commit(s)
	// Some nodes keep versions, so that reads look into the store.
	writer := k.NewSession()
	k.Must(writer.Begin())
	w := cursor(tree)
	for i := 0; i < 5000; i += 10 {
		if m, err := w.Seek(writer, key32(i), nil, btree.EQ); m != btree.Equal {
			t.Fatal(m, err)
		}
		k.Must(w.Replace(writer, make([]byte, 51), 0))
	}
	k.Must(s.Begin())
	keys := [][]byte{key32(3), key32(1000), key32(4999), key32(777)}
	check := func(name string, f func()) {
		if n := testing.AllocsPerRun(200, f); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
	k.Must(c.First(s))
	check("next", func() { k.Must(c.Next(s)) })
	k.Must(c.Last(s))
	check("prev", func() { k.Must(c.Prev(s)) })
	i := 0
	check("seek", func() {
		if m, err := c.Seek(s, keys[i&3], nil, btree.GE); m != btree.Equal {
			t.Fatal(m, err)
		}
		i++
	})
	check("data", func() {
		if _, err := c.Data(s); err != nil {
			t.Fatal(err)
		}
	})
	k.Must(writer.Rollback())
}
