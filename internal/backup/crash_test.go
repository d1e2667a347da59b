package backup

import (
	"maps"
	"slices"
	"testing"

	"esent/internal/jet"
	"esent/internal/logstore"
	"esent/internal/vfs/simdisk"
)

// scenario is a backup, with what was there before.
type scenario struct {
	name  string
	grbit jet.Grbit
	// before has made the sets that are there.
	before func(m *machine)
	// hadSet says that a complete set was there.
	hadSet bool
	// tidy is how many steps follow the moment when the set is complete, above the usual twenty; with it only every third
	// step is looked at.
	tidy int
}

var scenarios = []scenario{
	{"full", 0, func(m *machine) {}, false, 0},
	{"first atomic full", jet.BitBackupAtomic, func(m *machine) {}, false, 0},
	{"atomic full", jet.BitBackupAtomic, func(m *machine) {
		m.ok(m.backup("/bk", jet.BitBackupAtomic))
	}, true, 0},
	{"atomic full over a set in old", jet.BitBackupAtomic, func(m *machine) {
		m.ok(m.backup("/bk", jet.BitBackupAtomic))
		m.ok(m.env.FS.Rename("/bk/new", "/bk/old"))
		m.ok(m.env.FS.SyncDir("/bk"))
	}, true, 0},
	{"atomic full over sets in new and old", jet.BitBackupAtomic, func(m *machine) {
		m.ok(m.backup("/bk", jet.BitBackupAtomic))
		m.ok(m.sim.WriteFile("/bk/old/edb00001.log", nil))
		m.ok(m.sim.WriteFile("/bk/old/app.edb", nil))
	}, true, 0},
	{"incremental", jet.BitBackupIncremental, func(m *machine) {
		m.ok(m.backup("/bk", 0))
	}, true, 0},
	{"atomic incremental", jet.BitBackupIncremental | jet.BitBackupAtomic, func(m *machine) {
		m.ok(m.backup("/bk", jet.BitBackupAtomic))
	}, true, 0},
	{"blocks", BitBackupBlocks, func(m *machine) {
		m.ok(m.backup("/bk", 0))
		m.change(m.e.databases[0].(*fakeDatabase), 5, 2)
	}, true, 0},
	{"atomic blocks, the second ones", BitBackupBlocks | jet.BitBackupAtomic, func(m *machine) {
		m.ok(m.backup("/bk", jet.BitBackupAtomic))
		m.change(m.e.databases[0].(*fakeDatabase), 5, 2)
		m.ok(m.backup("/bk", BitBackupBlocks|jet.BitBackupAtomic))
		m.change(m.e.databases[0].(*fakeDatabase), 7, 3)
	}, true, 0},
	{"incremental behind blocks", jet.BitBackupIncremental, func(m *machine) {
		m.ok(m.backup("/bk", 0))
		m.ok(m.backup("/bk", BitBackupBlocks))
	}, true, 20},
	{"atomic full over blocks", jet.BitBackupAtomic, func(m *machine) {
		m.ok(m.backup("/bk", jet.BitBackupAtomic))
		m.ok(m.backup("/bk", BitBackupBlocks|jet.BitBackupAtomic))
	}, true, 20},
}

// build makes the machine just before the scenario's backup.
func (s *scenario) build(t testing.TB) *machine {
	m := newMachine(t)
	m.database("/db/app.edb", 260)
	m.database("/db/x.edb", 5)
	m.rollTo(4)
	m.setCheckpoint(3)
	s.before(m)
	m.rollTo(m.e.log.EndPos().Gen() + 3)
	m.setCheckpoint(m.e.log.EndPos().Gen() - 1)
	m.events()
	return m
}

// TestPowerCut cuts the power at every change of the disk during a backup: what was a complete set before, or a
// newer one, can be restored, and no log was deleted that the set lacks.
func TestPowerCut(t *testing.T) {
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			m := s.build(t)
			before, _ := findSet(m.env.FS, "/bk")
			start := m.sim.Steps()
			m.ok(m.backup("/bk", s.grbit))
			steps := m.sim.Steps() - start
			after, err := findSet(m.env.FS, "/bk")
			m.ok(err)
			for n := range steps {
				if s.tidy > 0 && n%3 > 0 {
					continue
				}
				m := s.build(t)
				m.sim.PowerOffAfter(n)
				if err := m.backup("/bk", s.grbit); err == nil && n < steps-20-s.tidy {
					t.Fatalf("step %d of %d: succeeded", n, steps)
				}
				for seed, how := range []simdisk.Survival{simdisk.LoseAll, simdisk.KeepAll, simdisk.Random, simdisk.Random} {
					c := m.sim.CrashClone(simdisk.Crash{Unsynced: how}, uint64(seed))
					fsys := c.Env().FS
					got, err := findSet(fsys, "/bk")
					if err != nil {
						if s.hadSet {
							t.Fatalf("step %d of %d, crash %d: %v\n%v", n, steps, seed, err, c.Files())
						}
						continue
					}
					if err := checkChain(fsys, got.dir); err != nil {
						t.Fatalf("step %d of %d, crash %d: %v\n%v", n, steps, seed, err, c.Files())
					}
					if got.genHigh != before.genHigh && got.genHigh > after.genHigh {
						t.Fatalf("step %d, crash %d: set %+v, before %+v, after %+v", n, steps, got, before, after)
					}
				}
			}
		})
	}
}

// TestFailure lets every operation in the backup directory fail: the call fails, or has made the set; after a failure
// the directory is as before and no log was deleted.
func TestFailure(t *testing.T) {
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			failures := 0
			for n := 0; ; n++ {
				m := s.build(t)
				before := snapshot(t, m.env.FS, "/bk")
				logs := m.archives()
				count := 0
				failed := false
				m.sim.SetHook(func(op simdisk.OpInfo) error {
					if op.Op&(simdisk.OpRead|simdisk.OpStat|simdisk.OpReadDir|simdisk.OpSize|simdisk.OpOpen) != 0 && op.Op&simdisk.OpChange == 0 || !under("/bk", op.Path) {
						return nil
					}
					count++
					if count == n+1 {
						failed = true
						return jet.ErrDiskIO
					}
					return nil
				})
				err := m.backup("/bk", s.grbit)
				m.sim.SetHook(nil)
				if !failed {
					m.ok(err)
					break
				}
				if err == nil {
					s, err := findSet(m.env.FS, "/bk")
					if err == nil {
						err = checkChain(m.env.FS, s.dir)
					}
					if err != nil {
						t.Fatalf("operation %d: %v", n, err)
					}
					continue
				}
				failures++
				if code := jet.CodeOf(err); code != jet.ErrDiskIO && code != jet.ErrDeleteBackupFileFail && code != jet.ErrMakeBackupDirectoryFail {
					t.Fatalf("operation %d: %v", n, err)
				}
				after := snapshot(t, m.env.FS, "/bk")
				dropDebris(before, after)
				if !maps.Equal(before, after) {
					t.Fatalf("operation %d: directory was %v, is %v", n, names(before), names(after))
				}
				if got := m.archives(); !slices.Equal(got[:len(logs)], logs) {
					t.Fatalf("operation %d: logs were %v, are %v", n, logs, got)
				}
				if s.hadSet {
					if _, err := findSet(m.env.FS, "/bk"); err != nil {
						t.Fatalf("operation %d: %v", n, err)
					}
				}
				if d := m.e.databases[0]; d.File().Header().FullPrev.GenHigh != 0 && !s.hadSet {
					t.Fatalf("operation %d: header was stamped", n)
				}
			}
			if failures < 4 {
				t.Errorf("only %d operations failed", failures)
			}
		})
	}
}

func under(dir, file string) bool {
	return len(file) > len(dir) && file[:len(dir)+1] == dir+"/" || file == dir
}

// dropDebris takes away what a crash had left and any backup may remove.
func dropDebris(before, after map[string]string) {
	if _, ok := before["/bk/new/"]; !ok {
		return
	}
	for name := range before {
		if under("/bk/old", name) {
			if _, ok := after[name]; !ok {
				delete(before, name)
			}
		}
	}
}

func names(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

// archives are the finished logs of the instance.
func (m *machine) archives() []string {
	logs, err := logstore.FindLogs(m.env.FS, "/log", m.e.log.Naming())
	m.ok(err)
	var list []string
	for _, a := range logs.Archives {
		list = append(list, a.Name)
	}
	return list
}
