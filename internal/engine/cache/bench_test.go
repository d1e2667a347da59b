package cache

import (
	"testing"

	"esent/internal/jet"
)

func BenchmarkGet(b *testing.B) {
	x := newFixture(b, 1024, 1000, 4096)
	for pgno := jet.Pgno(1); pgno <= 1000; pgno++ {
		x.read(b, pgno)
	}
	b.Run("hit", func(b *testing.B) {
		n := 0
		for i := 0; b.Loop(); i++ {
			f, v, _ := x.Get(x.db, jet.Pgno(1+i&511))
			if f.Valid(v) {
				n++
			}
		}
	})
	b.Run("same page", func(b *testing.B) {
		for b.Loop() {
			f, v, _ := x.Get(x.db, 7)
			if !f.Valid(v) {
				b.Fatal("changed")
			}
		}
	})
	b.Run("hint", func(b *testing.B) {
		var hint uint32
		for b.Loop() {
			f, v, _ := x.GetHint(x.db, 7, &hint)
			if !f.Valid(v) {
				b.Fatal("changed")
			}
		}
	})
	b.Run("latch", func(b *testing.B) {
		for b.Loop() {
			f, _ := x.Lock(x.db, 7)
			f.Unlock()
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			for i := 0; pb.Next(); i++ {
				f, v, _ := x.Get(x.db, jet.Pgno(1+i&511))
				_ = f.Valid(v)
			}
		})
	})
}

// BenchmarkScan reads pages in order that do not fit the cache, from a file in memory.
func BenchmarkScan(b *testing.B) {
	x := newFixture(b, 256, 4000, 4096)
	b.SetBytes(4096)
	for i := 0; b.Loop(); i++ {
		if _, _, err := x.GetScan(x.db, jet.Pgno(1+i%4000)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOldestDirty(b *testing.B) {
	x := newFixture(b, 1<<18, 1000, 4096)
	x.repl.used.Store(1 << 18) // frames that were never used read as clean
	defer x.repl.used.Store(0)
	for b.Loop() {
		x.OldestDirty(x.db)
	}
}
