package cache

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"esent/internal/jet"
)

// TestLatchStress has readers check every byte of pages that writers change and that come and go in a cache
// which is too small for them.
func TestLatchStress(t *testing.T) {
	const pages, readers, writers = 40, 3, 3
	x := newFixture(t, 16, pages, 4096)
	x.waitLimit = time.Minute
	var stop atomic.Bool
	var reads, retries, changes atomic.Int64
	var wg sync.WaitGroup
	for r := range readers {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(1, uint64(r)))
			var buf [2048]byte
			last := map[jet.Pgno]uint64{}
			for !stop.Load() {
				pgno := jet.Pgno(1 + rnd.IntN(pages))
				if rnd.IntN(4) > 0 {
					pgno = pgno%4 + 1
				}
				f, v, err := x.Get(x.db, pgno)
				if err != nil {
					t.Error(err)
					return
				}
				n := copy(buf[:], f.Page().LineData(0))
				if !f.Valid(v) {
					retries.Add(1)
					continue
				}
				c, err := verifyContent(buf[:n], pgno)
				if err != nil || c.seq < last[pgno] {
					t.Errorf("%v, change %d after %d", err, c.seq, last[pgno])
					return
				}
				last[pgno] = c.seq
				reads.Add(1)
			}
		})
	}
	for w := range writers {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(2, uint64(w)))
			for !stop.Load() {
				pgno := jet.Pgno(1 + rnd.IntN(pages))
				if rnd.IntN(4) > 0 {
					pgno = pgno%4 + 1
				}
				var f *Frame
				if rnd.IntN(2) == 0 {
					g, v, err := x.Get(x.db, pgno)
					if err != nil {
						t.Error(err)
						return
					}
					if !g.Upgrade(v) {
						continue
					}
					f = g
				} else {
					g, err := x.Lock(x.db, pgno)
					if err != nil {
						t.Error(err)
						return
					}
					f = g
				}
				if !f.Holds(x.db, pgno) {
					t.Errorf("latched page %d, want %d", f.Pgno(), pgno)
				}
				if rnd.IntN(4) == 0 {
					f.UnlockUnchanged()
					continue
				}
				change(x.log, x.db, f)
				changes.Add(1)
				f.Unlock()
			}
		})
	}
	time.Sleep(stressTime(t))
	stop.Store(true)
	wg.Wait()
	s := x.Stats()
	t.Logf("%d reads, %d retries, %d changes, %+v", reads.Load(), retries.Load(), changes.Load(), s)
	if reads.Load() == 0 || changes.Load() == 0 || s.Evictions == 0 {
		t.Error("nothing was tested")
	}
}

func stressTime(t testing.TB) time.Duration {
	if testing.Short() {
		return 200 * time.Millisecond
	}
	return time.Second
}

func TestLatchVersions(t *testing.T) {
	x := newFixture(t, 16, 3, 4096)
	f, v, err := x.Get(x.db, 2)
	if err != nil {
		t.Fatal(err)
	}
	if v&1 != 0 || !f.Valid(v) || f.Pgno() != 2 || f.Slot() != x.db.Slot {
		t.Fatalf("version %d, page %d of slot %d", v, f.Pgno(), f.Slot())
	}
	if !f.Upgrade(v) || f.Valid(v) || f.Upgrade(v) || f.Upgrade(v+1) {
		t.Fatal("the latch is not exclusive")
	}
	if f.UnlockUnchanged() != v || !f.Valid(v) {
		t.Fatal("a latch without a change disturbed readers")
	}
	if !f.Upgrade(v) || f.Unlock() != v+2 || f.Valid(v) || f.Upgrade(v) {
		t.Fatal("a change went unnoticed")
	}
}

// TestLockedPageInUsedFrame has a page latched that is read into the frame of another, and unlatched unchanged: a
// reader of the other must not take it for that.
func TestLockedPageInUsedFrame(t *testing.T) {
	const pages = 40
	for name, lock := range map[string]func(x *fixture, pgno jet.Pgno) (*Frame, error){
		"read":  func(x *fixture, pgno jet.Pgno) (*Frame, error) { return x.Lock(x.db, pgno) },
		"fresh": func(x *fixture, pgno jet.Pgno) (*Frame, error) { return x.LockNew(x.db, pgno) },
	} {
		x := newFixture(t, 16, pages, 4096)
		type reference struct {
			f *Frame
			v uint64
		}
		old := map[jet.Pgno]reference{}
		for pgno := jet.Pgno(1); pgno <= pages; pgno++ {
			f, v, err := x.Get(x.db, pgno)
			if err != nil {
				t.Fatal(err)
			}
			old[pgno] = reference{f, v}
		}
		renewed := 0
		for pgno := jet.Pgno(1); pgno <= pages; pgno++ {
			if x.Cached(x.db, pgno) {
				continue
			}
			f, err := lock(x, pgno)
			if err != nil {
				t.Fatal(err)
			}
			f.UnlockUnchanged()
			for other, r := range old {
				if other != pgno && r.f == f && f.Valid(r.v) {
					t.Errorf("%s: the frame of page %d still passes for that of page %d", name, pgno, other)
				}
			}
			renewed++
		}
		if renewed == 0 {
			t.Errorf("%s: all pages stayed in the cache", name)
		}
	}
}
