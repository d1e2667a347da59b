package cache

import (
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"esent/internal/jet"
)

// TestModel runs many sessions over a cache that is much smaller than the database and compares everything
// they see with what they did. Writes fail now and then, a backup shuts the gate, and a checkpointer compares
// OldestDirty with the file.
func TestModel(t *testing.T) {
	for _, c := range []struct{ frames, pages, pageSize int }{{16, 200, 4096}, {64, 400, 32768}, {512, 300, 8192}} {
		x := newFixture(t, c.frames, c.pages, c.pageSize)
		x.waitLimit = time.Minute
		runModel(t, x, c.pages)
	}
}

type modelPage struct {
	mu      sync.Mutex
	seq     uint64
	changes []content
	cuts    atomic.Int64 // odd while the page is cut off
}

func runModel(t *testing.T, x *fixture, pages int) {
	var failing, gated atomic.Bool
	rnd := rand.New(rand.NewPCG(9, 9))
	x.file.writeErr = func(pgno jet.Pgno) error {
		if failing.Load() && rnd.IntN(8) == 0 {
			return jet.ErrDiskIO
		}
		return nil
	}
	x.file.gate = func(pgno jet.Pgno) bool { return gated.Load() && int(pgno) < pages/3 }
	model := make([]modelPage, pages+1)
	var stop atomic.Bool
	var wg sync.WaitGroup
	for s := range 6 {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(3, uint64(s)))
			for !stop.Load() {
				pgno := jet.Pgno(1 + rnd.IntN(pages))
				if rnd.IntN(2) == 0 {
					pgno = pgno%8 + 1
				}
				m := &model[pgno]
				switch rnd.IntN(10) {
				case 0, 1, 2, 3:
					m.mu.Lock()
					f, err := x.Lock(x.db, pgno)
					if err == nil {
						c := change(x.log, x.db, f)
						if m.seq++; c.seq != m.seq {
							t.Errorf("page %d: change %d, want %d", pgno, c.seq, m.seq)
						}
						m.changes = append(m.changes, c)
						f.Unlock()
					} else if !errors.Is(err, jet.ErrDiskIO) {
						t.Error(err)
					}
					m.mu.Unlock()
				case 5:
					if rnd.IntN(4) > 0 {
						continue
					}
					// The page is cut off, its changes and all, and comes anew.
					m.mu.Lock()
					m.cuts.Add(1)
					if rnd.IntN(2) == 0 {
						x.Purge(x.db, pgno, pgno)
						m.changes = m.changes[:0]
					}
					f, err := x.LockNew(x.db, pgno)
					for errors.Is(err, jet.ErrDiskIO) {
						f, err = x.LockNew(x.db, pgno)
					}
					if err == nil {
						m.seq++
						start, end := x.log.append()
						c := content{seq: m.seq, start: uint64(start), end: uint64(end), n: 5}
						initPage(f.Page(), pgno)
						if err := f.Page().ReplaceData(0, c.bytes(pgno)); err != nil {
							t.Error(err)
						}
						f.Dirty(start, end)
						m.changes = append(m.changes, c)
						f.Unlock()
					} else {
						t.Error(err)
					}
					m.cuts.Add(1)
					m.mu.Unlock()
				case 4:
					x.Prefetch(x.db, pgno, pgno+1, pgno+2, pgno+50)
				default:
					m.mu.Lock()
					low, cuts := m.seq, m.cuts.Load()
					m.mu.Unlock()
					f, v, err := x.Get(x.db, pgno)
					if err != nil {
						if !errors.Is(err, jet.ErrDiskIO) {
							t.Error(err)
						}
						continue
					}
					b := append([]byte(nil), f.Page().LineData(0)...)
					if !f.Valid(v) {
						continue
					}
					if got, err := verifyContent(b, pgno); err != nil || got.seq < low && m.cuts.Load() == cuts {
						t.Errorf("page %d: change %d, want at least %d: %v", pgno, got.seq, low, err)
					}
				}
			}
		})
	}
	checks := 0
	for end := time.Now().Add(stressTime(t)); time.Now().Before(end); checks++ {
		failing.Store(checks%3 == 1)
		gated.Store(checks%4 == 2)
		switch checks % 5 {
		case 0:
			if err := x.FlushOlder(x.db, jet.LogPos(x.log.end.Load())); err != nil && !errors.Is(err, jet.ErrDiskIO) {
				t.Error(err)
			}
		case 1:
			x.Resize(max(16, int(x.regions.count-slack)/(1+checks%3)))
		case 2:
			x.writer.Kick()
		}
		checkOldest(t, x, model)
	}
	failing.Store(false)
	gated.Store(false)
	stop.Store(true)
	wg.Wait()
	if err := x.FlushDB(x.db); err != nil {
		t.Fatal(err)
	}
	if o := x.OldestDirty(x.db); o != jet.LogPosMax || x.file.syncs == 0 {
		t.Errorf("oldest %v, %d syncs after FlushDB", o, x.file.syncs)
	}
	for pgno := jet.Pgno(1); int(pgno) <= pages; pgno++ {
		if c, ok := x.file.content(pgno); !ok || c.seq != model[pgno].seq {
			t.Errorf("page %d in the file: change %d, want %d", pgno, c.seq, model[pgno].seq)
		}
	}
	t.Logf("%d checks, %+v", checks, x.Stats())
}

// checkOldest checks that no change below OldestDirty is missing from the file.
func checkOldest(t *testing.T, x *fixture, model []modelPage) {
	done, cuts := make([]int, len(model)), make([]int64, len(model))
	for i := range model {
		model[i].mu.Lock()
		done[i], cuts[i] = len(model[i].changes), model[i].cuts.Load()
		model[i].mu.Unlock()
	}
	oldest := x.OldestDirty(x.db)
	for i := range model {
		if done[i] == 0 {
			continue
		}
		inFile, _ := x.file.content(jet.Pgno(i))
		model[i].mu.Lock()
		if model[i].cuts.Load() != cuts[i] {
			done[i] = 0 // these changes are no more
		}
		for _, c := range model[i].changes[:done[i]] {
			if c.seq > inFile.seq && jet.LogPos(c.start) < oldest {
				t.Errorf("page %d: change %d at %v is not in the file, oldest is %v", i, c.seq, jet.LogPos(c.start), oldest)
				break
			}
		}
		model[i].mu.Unlock()
	}
}
