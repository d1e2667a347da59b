package simdisk

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"esent/internal/jet"
	"esent/internal/vfs"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func fill(stamp uint32, size int) []byte {
	return bytes.Repeat([]byte{byte(stamp), byte(stamp >> 8), byte(stamp >> 16), byte(stamp >> 24)}, size/4)
}

// TestUnits checks random crashes against a model: each unit of a file must be in a state that it has had
// since the last sync. All outcomes must also be seen: units that went back, stayed, or are in between.
func TestUnits(t *testing.T) {
	for _, unit := range []int{512, 4096} {
		t.Run(fmt.Sprint(unit), func(t *testing.T) {
			var lost, between, kept int
			for seed := range uint64(60) {
				rng := rand.New(rand.NewPCG(seed, 9))
				sim := New(seed, Options{})
				const size = 64 << 10
				must(t, sim.WriteFile("/f", make([]byte, size)))
				f, err := sim.Env().FS.Open("/f", vfs.ReadWrite)
				must(t, err)
				now := make([]byte, size)
				states := make([][][]byte, size/unit)
				forget := func() {
					for u := range states {
						states[u] = [][]byte{bytes.Clone(now[u*unit:][:unit])}
					}
				}
				forget()
				for stamp := range uint32(100) {
					if rng.IntN(30) == 0 {
						must(t, f.Sync())
						forget()
						continue
					}
					off := rng.IntN(size/512) * 512
					data := fill(stamp+1, min(512*(1+rng.IntN(20)), size-off))
					must(t, f.WriteAt(data, int64(off)))
					copy(now[off:], data)
					for u := off / unit; u <= (off+len(data)-1)/unit; u++ {
						states[u] = append(states[u], bytes.Clone(now[u*unit:][:unit]))
					}
				}
				sim.Crash(Crash{Unsynced: Random, Unit: int64(unit)})
				after, err := sim.ReadFile("/f")
				must(t, err)
				if len(after) != size {
					t.Fatalf("seed %d: size %d", seed, len(after))
				}
				for u, list := range states {
					at := -1
					for i := range list {
						if bytes.Equal(list[i], after[u*unit:][:unit]) {
							at = i
						}
					}
					switch {
					case at < 0:
						t.Fatalf("seed %d: unit %d is in no state that it ever had", seed, u)
					case len(list) == 1:
					case at == 0:
						lost++
					case at == len(list)-1:
						kept++
					default:
						between++
					}
				}
			}
			t.Logf("units written and not synced: %d lost, %d in between, %d kept", lost, between, kept)
			if lost == 0 || between == 0 || kept == 0 {
				t.Error("not all outcomes were seen")
			}
		})
	}
}

// TestCut checks that a file that was emptied and written again shows its former content whole or not at
// all, and never mixed with the new one.
func TestCut(t *testing.T) {
	before, after := fill(1, 4096), fill(2, 4096)
	seen := map[string]int{}
	for seed := range uint64(300) {
		sim := New(seed, Options{})
		must(t, sim.WriteFile("/f", before))
		f, err := sim.Env().FS.Open("/f", vfs.CreateTruncate)
		must(t, err)
		must(t, f.WriteAt(after, 0))
		sim.Crash(Crash{Unsynced: Random})
		got, err := sim.ReadFile("/f")
		must(t, err)
		switch {
		case bytes.Equal(got, before):
			seen["before"]++
		case bytes.Equal(got, after):
			seen["after"]++
		case len(got) == 0:
			seen["empty"]++
		case len(got) == 4096:
			for s := range 8 {
				sector := got[s*512:][:512]
				if !bytes.Equal(sector, after[:512]) && !bytes.Equal(sector, make([]byte, 512)) {
					t.Fatalf("seed %d: sector %d starts with %x", seed, s, sector[:4])
				}
			}
			seen["holes"]++
		default:
			t.Fatalf("seed %d: size %d", seed, len(got))
		}
	}
	if len(seen) != 4 {
		t.Errorf("not all outcomes were seen: %v", seen)
	}
}

// TestReplaceAtEveryStep runs the usual protocol for replacing a file and loses power at each of its
// steps: the file must hold the old content or the new one, and the new one once the protocol is through.
func TestReplaceAtEveryStep(t *testing.T) {
	replace := func(fsys vfs.FS, content []byte) error {
		f, err := fsys.Open("/db/tmp", vfs.CreateTruncate)
		if err != nil {
			return err
		}
		err = f.WriteAt(content, 0)
		if err == nil {
			err = f.Sync()
		}
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
		if err := fsys.Rename("/db/tmp", "/db/f"); err != nil {
			return err
		}
		return fsys.SyncDir("/db")
	}
	before, after := fill(1, 4096), fill(2, 6000)
	for _, strict := range []bool{false, true} {
		var olds, news, finished int
		for step := 0; finished < 1; step++ {
			for seed := range uint64(20) {
				sim := New(seed, Options{StrictNames: strict})
				must(t, sim.WriteFile("/db/f", before))
				sim.PowerOffAfter(step)
				err := replace(sim.Env().FS, after)
				if (err != nil) != sim.PowerIsOff() {
					t.Fatalf("step %d: %v", step, err)
				}
				sim.Crash(Crash{Unsynced: Random})
				got, readErr := sim.ReadFile("/db/f")
				must(t, readErr)
				switch {
				case bytes.Equal(got, after):
					news++
				case err == nil:
					t.Fatalf("step %d, seed %d: replaced, and not there after the crash", step, seed)
				case bytes.Equal(got, before):
					olds++
				default:
					t.Fatalf("step %d, seed %d: neither old nor new: %d bytes", step, seed, len(got))
				}
				if err == nil {
					finished++
				}
			}
		}
		if olds == 0 || news <= finished {
			t.Errorf("strict %v: old %d times, new %d times, finished %d times", strict, olds, news, finished)
		}
	}
}

// TestNoSyncIsNoticed is the test of the test: a protocol that leaves the file's sync out must be caught.
func TestNoSyncIsNoticed(t *testing.T) {
	torn := 0
	for seed := range uint64(50) {
		sim := New(seed, Options{})
		must(t, sim.WriteFile("/f", fill(1, 4096)))
		fsys := sim.Env().FS
		f, err := fsys.Open("/tmp", vfs.Create)
		must(t, err)
		must(t, f.WriteAt(fill(2, 4096), 0))
		must(t, fsys.Rename("/tmp", "/f"))
		must(t, fsys.SyncDir("/"))
		sim.Crash(Crash{Unsynced: Random})
		if got, _ := sim.ReadFile("/f"); !bytes.Equal(got, fill(1, 4096)) && !bytes.Equal(got, fill(2, 4096)) {
			torn++
		}
	}
	if torn == 0 {
		t.Error("a rename before the sync of the content never does harm")
	}
}

func TestFailedSyncStaysInDoubt(t *testing.T) {
	lost := 0
	for seed := range uint64(20) {
		sim := New(seed, Options{})
		must(t, sim.WriteFile("/f", fill(1, 8192)))
		fsys := sim.Env().FS
		f, err := fsys.Open("/f", vfs.ReadWrite)
		must(t, err)
		must(t, f.WriteAt(fill(2, 8192), 0))
		rule := sim.Inject(Fault{Ops: OpSync, Count: 1})
		if err := f.Sync(); jet.CodeOf(err) != jet.ErrDiskIO || sim.Hits(rule) != 1 {
			t.Fatal(err)
		}
		must(t, f.Close())
		f, err = fsys.Open("/f", vfs.ReadWrite)
		must(t, err)
		must(t, f.Sync())
		if got, _ := sim.ReadFile("/f"); !bytes.Equal(got, fill(2, 8192)) {
			t.Fatal("written data is not visible")
		}
		sim.Crash(Crash{})
		if got, _ := sim.ReadFile("/f"); !bytes.Equal(got, fill(2, 8192)) {
			lost++
		}
	}
	if lost == 0 {
		t.Error("a second sync always repaired the first")
	}
}

func TestCrashCloneLeavesTheOriginal(t *testing.T) {
	sim := New(1, Options{})
	fsys := sim.Env().FS
	f, err := fsys.Open("/f", vfs.Create)
	must(t, err)
	must(t, f.WriteAt(fill(1, 4096), 0))
	must(t, f.Sync())
	must(t, f.WriteAt(fill(2, 4096), 0))
	clone := sim.CrashClone(Crash{}, 7)
	g, err := clone.Env().FS.Open("/f", vfs.ReadWrite)
	must(t, err)
	must(t, g.WriteAt(fill(3, 4096), 0))
	must(t, f.WriteAt(fill(4, 4096), 4096))
	must(t, f.Sync())
	sim.Crash(Crash{})
	if got, _ := sim.ReadFile("/f"); !bytes.Equal(got, append(fill(2, 4096), fill(4, 4096)...)) {
		t.Error("the original was disturbed")
	}
	if got, _ := clone.ReadFile("/f"); !bytes.Equal(got, fill(3, 4096)) {
		t.Error("the clone was disturbed")
	}
	if sim.Used() != 8192 || clone.Used() != 4096 {
		t.Errorf("used %d and %d bytes", sim.Used(), clone.Used())
	}
}

// TestRepeatable: a seed gives the same disk, environment numbers and order of tasks, another one others.
func TestRepeatable(t *testing.T) {
	run := func(seed uint64) string {
		sim := New(seed, Options{})
		env := sim.Env()
		var log bytes.Buffer
		for i := range 20 {
			name := fmt.Sprintf("/f%d", i%5)
			task := env.Sched.NewTask(name, func() {
				f, err := env.FS.Open(name, vfs.CreateTruncate)
				must(t, err)
				must(t, f.WriteAt(fill(uint32(env.Rand()), 2048), 0))
				must(t, f.Close())
			})
			task.Kick()
		}
		sim.RunAll()
		sim.Crash(Crash{Unsynced: Random})
		for _, p := range sim.Files() {
			data, _ := sim.ReadFile(p)
			fmt.Fprintf(&log, "%s %x\n", p, data)
		}
		fmt.Fprintln(&log, sim.Now(), sim.Steps())
		return log.String()
	}
	if first, again := run(5), run(5); first != again {
		t.Error("one seed, two outcomes")
	}
	if run(5) == run(6) {
		t.Error("two seeds, one outcome")
	}
}

func TestHook(t *testing.T) {
	sim := New(1, Options{})
	env := sim.Env()
	stop := errors.New("stop")
	var seen []string
	sim.SetHook(func(info OpInfo) error {
		seen = append(seen, fmt.Sprintf("%v %s %s %d %d", info.Op, info.Path, info.Target, info.Off, info.Len))
		if info.Op == OpRename {
			return stop
		}
		if info.Op == OpSync {
			env = sim.Crash(Crash{}) // in the middle of the operation
		}
		return nil
	})
	f, err := env.FS.Open("x", vfs.Create)
	must(t, err)
	must(t, f.WriteAt([]byte("abc"), 5))
	if err := env.FS.Rename("x", "y"); !errors.Is(err, stop) {
		t.Errorf("rename: %v", err)
	}
	old := env
	if err := f.Sync(); jet.CodeOf(err) != jet.ErrDiskIO {
		t.Errorf("sync over a crash: %v", err)
	}
	if _, err := old.FS.Stat("/"); jet.CodeOf(err) != jet.ErrDiskIO {
		t.Errorf("the environment survives its crash: %v", err)
	}
	if _, err := env.FS.Stat("/"); err != nil {
		t.Error(err)
	}
	want := []string{"create /x  0 0", "write /x  5 3", "rename /x /y 0 0", "sync /x  0 0", "stat /  0 0", "stat /  0 0"}
	if fmt.Sprint(seen) != fmt.Sprint(want) {
		t.Errorf("hook saw %q", seen)
	}
}

func TestManyGoroutines(t *testing.T) {
	sim := New(1, Options{Capacity: 1 << 20})
	env := sim.Env()
	task := env.Sched.NewTask("sync", func() {
		if err := env.FS.SyncDir("/"); err != nil && jet.CodeOf(err) != jet.ErrDiskIO {
			t.Error(err)
		}
	})
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			name := fmt.Sprintf("/f%d", g)
			for i := range 100 {
				f, err := env.FS.Open(name, vfs.CreateTruncate|vfs.Lock)
				if err != nil {
					return // the power went
				}
				_ = f.WriteAt(fill(uint32(i), 512), 0)
				task.Kick()
				task.Wait()
				_ = f.Close()
			}
		})
	}
	wg.Go(func() {
		for range 20 {
			sim.RunAll()
			sim.CrashClone(Crash{Unsynced: Random}, 1)
			sim.Advance(1)
		}
		sim.Crash(Crash{Unsynced: Random})
	})
	wg.Wait()
}
