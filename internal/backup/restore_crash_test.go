package backup

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"esent/internal/engine"
	"esent/internal/eventlog"
	"esent/internal/jet"
	"esent/internal/vfs"
	"esent/internal/vfs/simdisk"
)

// restoreScene is a restore to be disturbed.
type restoreScene struct {
	name string
	// logs has the logs of the instance that was backed up follow those of the set.
	logs bool
	// old is what stands in the place: rows of a database that the restore replaces, 0 for nothing.
	old int
	// open has a transaction be open at the end of the log, which rolls over when it is undone.
	open bool
}

var restoreScenes = []restoreScene{
	{"empty place", false, 0, false},
	{"over an older database", false, 250, false},
	{"rolled forward", true, 250, false},
	{"rolled forward with much to undo", true, 0, true},
}

// build makes a machine that has a set in /bk, and all that a restore to /r meets. It gives the rows that a whole
// restore has.
func (s *restoreScene) build(t testing.TB) (*simdisk.Sim, int) {
	w, sim := newSimWorld(t)
	w.ok(w.env.FS.Mkdir("/r"))
	w.w.add(250)
	if s.old > 0 {
		// The older state has its place in another stream.
		w.ok(w.backup("/old", 0))
		w.ok(w.env.FS.Mkdir("/o"))
		w.restoreTo("/old", "/o")
		data, err := sim.ReadFile("/o/app.edb")
		w.ok(err)
		w.ok(sim.WriteFile("/r/app.edb", data))
	}
	w.w.add(250)
	w.ok(w.backup("/bk", 0))
	rows := w.w.rows
	if s.logs {
		w.w.add(200)
		rows = w.w.rows
		if s.open {
			w.ok(w.w.s.BeginTransaction(0, 0))
			for n := range 1500 {
				w.ok(w.w.insert(100000 + n))
			}
		}
		w.ok(w.inst.Log().FlushAll())
		entries, err := w.env.FS.ReadDir("/w")
		w.ok(err)
		for _, e := range entries {
			if n := w.inst.Log().Naming(); strings.HasSuffix(e.Name, n.LogExt()) && e.Name != n.Temp() {
				data, err := sim.ReadFile("/w/" + e.Name)
				w.ok(err)
				w.ok(sim.WriteFile("/r/"+e.Name, data))
			}
		}
	}
	w.ok(w.env.FS.SyncDir("/"))
	w.ok(w.env.FS.SyncDir("/r"))
	return sim.CrashClone(simdisk.Crash{Unsynced: simdisk.KeepAll}, 1), rows
}

// stateOf says what stands in the place: the rows of a whole database, -1 for nothing.
func (s *restoreScene) stateOf(t testing.TB, env *vfs.Env) int {
	t.Helper()
	if ok, err := vfs.Exists(env.FS, "/r/app.edb"); !ok {
		if err != nil {
			t.Fatal(err)
		}
		return -1
	}
	look := &world{t: t, env: env, dir: "/look", events: &eventlog.Recorder{}, svc: New()}
	look.proc = engine.NewProcess(env, look.events)
	i := look.instance("look", "/look")
	look.dir = "/r"
	return look.countRows(i)
}

// TestRestoreCrash cuts the power at every change of the disk during a restore: the place has what it had, or the whole
// new database; the instance starts or says why not; and the restore can be repeated at once.
func TestRestoreCrash(t *testing.T) {
	for _, s := range restoreScenes {
		t.Run(s.name, func(t *testing.T) {
			base, rows := s.build(t)
			clone := func(seed int) *simdisk.Sim {
				return base.CrashClone(simdisk.Crash{Unsynced: simdisk.KeepAll}, uint64(seed))
			}
			before := -1
			if s.old > 0 {
				before = s.old
			}
			whole := clone(1)
			start := whole.Steps()
			if err := newRestorer(t, whole.Env(), "/r").restore("/bk", "/r"); err != nil {
				t.Fatal(err)
			}
			steps := whole.Steps() - start
			if got := s.stateOf(t, whole.Env()); got != rows {
				t.Fatalf("%d rows of %d", got, rows)
			}
			seen := map[int]int{}
			stride := 1
			if s.open || testing.Short() {
				stride = 5
			}
			for n := 0; n < steps; n += stride {
				c := clone(n)
				c.PowerOffAfter(n)
				if err := newRestorer(t, c.Env(), "/r").restore("/bk", "/r"); err == nil && n < steps-20 {
					t.Errorf("step %d of %d: succeeded", n, steps)
				}
				how := []simdisk.Survival{simdisk.LoseAll, simdisk.KeepAll, simdisk.Random}[n%3]
				env := c.Crash(simdisk.Crash{Unsynced: how})
				look := c.CrashClone(simdisk.Crash{Unsynced: simdisk.KeepAll}, 1)
				got := s.stateOf(t, look.Env())
				if got != before && got != rows {
					t.Fatalf("step %d of %d: %d rows, before %d, after %d", n, steps, got, before, rows)
				}
				seen[got]++
				s.start(t, c, n, rows)
				again := newRestorer(t, env, "/r")
				if err := again.restore("/bk", "/r"); err != nil {
					t.Fatalf("step %d of %d: again: %v\n%v", n, steps, err, c.Files())
				}
				if got := s.stateOf(t, env); got != rows {
					t.Fatalf("step %d of %d: again: %d rows of %d", n, steps, got, rows)
				}
				if left := leftovers(t, env.FS, "/r"); len(left) > 0 {
					t.Fatalf("step %d: %v stay", n, left)
				}
			}
			if len(seen) != 2 {
				t.Errorf("states %v", seen)
			}
		})
	}
}

// start starts the instance in what a cut-off restore has left. When it starts, the database is a whole one.
func (s *restoreScene) start(t testing.TB, c *simdisk.Sim, n, rows int) {
	t.Helper()
	w := &world{t: t, env: c.CrashClone(simdisk.Crash{Unsynced: simdisk.KeepAll}, 1).Env(), dir: "/r", events: &eventlog.Recorder{}, svc: New()}
	w.proc = engine.NewProcess(w.env, w.events)
	i := w.instance("start", "/r")
	if _, err := i.Init(engine.InitOptions{}); err != nil {
		return
	}
	w.ok(i.Term(0))
	if got := s.stateOf(t, w.env); got != rows && (got != s.old || got == 0) && got != -1 {
		t.Fatalf("step %d: %d rows after a start", n, got)
	}
}

// leftovers are files of unfinished restores.
func leftovers(t testing.TB, fsys vfs.FS, dir string) []string {
	t.Helper()
	return slices.DeleteFunc(slices.Sorted(maps.Keys(snapshot(t, fsys, dir))), func(f string) bool { return !strings.Contains(f, unfinished) })
}

// TestRestoreFailure lets every operation of a restore fail: what was there is as before.
func TestRestoreFailure(t *testing.T) {
	for _, s := range restoreScenes {
		t.Run(s.name, func(t *testing.T) {
			base, rows := s.build(t)
			failures := 0
			stride := 1
			if s.open || testing.Short() {
				stride = 5
			}
			for n := 0; ; n += stride {
				c := base.CrashClone(simdisk.Crash{Unsynced: simdisk.KeepAll}, 1)
				env := c.Env()
				before := snapshot(t, env.FS, "/r")
				count, failed, named := 0, false, ""
				c.SetHook(func(op simdisk.OpInfo) error {
					if op.Op&simdisk.OpChange == 0 || !under("/r", op.Path) {
						return nil
					}
					if count++; count == n+1 {
						failed, named = true, fmt.Sprint(op.Op, " ", op.Path)
						return jet.ErrDiskIO
					}
					return nil
				})
				err := newRestorer(t, env, "/r").restore("/bk", "/r")
				c.SetHook(nil)
				if !failed {
					if err != nil {
						t.Fatal(err)
					}
					break
				}
				if err == nil {
					if got := s.stateOf(t, env); got != rows {
						t.Fatalf("operation %d (%s): %d rows of %d", n, named, got, rows)
					}
					continue
				}
				failures++
				after := snapshot(t, env.FS, "/r")
				installed := after["/r/app.edb"] != before["/r/app.edb"]
				for name, data := range before {
					// Once the database has come to its place, and the log, they stay.
					if after[name] != data && !installed && path.Base(name) != "edb.log" {
						t.Fatalf("operation %d (%s): %s was changed", n, named, name)
					}
				}
				if got := s.stateOf(t, env); got != rows && got != s.old && got != -1 {
					t.Fatalf("operation %d (%s): %d rows", n, named, got)
				}
				if left := leftovers(t, env.FS, "/r"); len(left) > 0 && !strings.Contains(named, unfinished) {
					t.Fatalf("operation %d (%s): %v stay", n, named, left)
				}
				if err := newRestorer(t, env, "/r").restore("/bk", "/r"); err != nil {
					t.Fatalf("operation %d (%s): again: %v", n, named, err)
				}
			}
			if failures < 10 {
				t.Errorf("only %d operations failed", failures)
			}
		})
	}
}
