package recovery

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"esent/internal/testdata"
	"esent/internal/vfs/simdisk"
)

// diskOf is a simulated machine with the files of a data set in the directory "/db".
func diskOf(t testing.TB, set string, seed uint64) *simdisk.Sim {
	t.Helper()
	sim := simdisk.New(seed, simdisk.Options{})
	entries, err := os.ReadDir(filepath.Join(set, "files"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(set, "files", e.Name()))
		if err == nil {
			err = sim.WriteFile("/db/"+e.Name(), b)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return sim
}

// materialise writes a simulated disk's databases to a real directory.
func materialise(t testing.TB, sim *simdisk.Sim) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range sim.Files() {
		if filepath.Ext(name) != ".edb" {
			continue
		}
		b, err := sim.ReadFile(name)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, filepath.Base(name)), b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestCrashDuringRecovery cuts the power at random moments of recoveries of recoveries. Whatever was written
// by then, the one that is left in peace gives the content that is due.
func TestCrashDuringRecovery(t *testing.T) {
	rounds := 12
	if testing.Short() {
		rounds = 2
	}
	for _, name := range []string{"dirty_nested", "dirty_ddl", "dirty_lazy", "dirty_twodb", "dirty_fuzz1", "dirty_fuzz4", "dirty_fuzz5"} {
		t.Run(name, func(t *testing.T) {
			set := testdata.Set(t, name)
			cfg := setHost(t, set, hostEnv()).cfg
			recover := func(sim *simdisk.Sim, pages int) error {
				h := newHost(t, sim.Env(), "/db", cfg.PageSize)
				h.cfg.Naming, h.cachePages = cfg.Naming, pages
				_, err := h.run()
				return err
			}
			sim := diskOf(t, set, 1)
			before := sim.Steps()
			if err := recover(sim, 4096); err != nil {
				t.Fatal(err)
			}
			steps := sim.Steps() - before
			checkContent(t, hostEnv(), materialise(t, sim), filepath.Join(set, "manifest.txt"))
			for seed := range uint64(rounds) {
				t.Run(fmt.Sprint(seed), func(t *testing.T) {
					rng := rand.New(rand.NewPCG(seed, 7))
					sim := diskOf(t, set, seed)
					pages := 4096
					if seed%2 == 1 {
						pages = 200 // so small that pages are written while the log is replayed
					}
					for range 1 + rng.IntN(4) {
						sim.PowerOffAfter(rng.IntN(steps + 10))
						err := recover(sim, pages)
						if err == nil {
							break
						}
						if !sim.PowerIsOff() {
							t.Fatalf("recovery fails without power failure: %v", err)
						}
						// The format has no protection from pages that are torn.
						sim.Crash(simdisk.Crash{Unsynced: simdisk.Survival(rng.IntN(3)), Unit: int64(cfg.PageSize)})
					}
					sim.Crash(simdisk.Crash{Unsynced: simdisk.KeepAll}) // the switch is on again in any case
					if err := recover(sim, pages); err != nil {
						t.Fatal(err)
					}
					checkContent(t, hostEnv(), materialise(t, sim), filepath.Join(set, "manifest.txt"))
				})
			}
		})
	}
}
