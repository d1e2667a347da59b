package recovery

import (
	"path/filepath"
	"strings"
	"testing"

	"esent/internal/engine/check"
	"esent/internal/logstore"
	"esent/internal/testdata"
	"esent/internal/vfs"
)

// dirtySets are the data sets whose engine was killed.
func dirtySets(t testing.TB) []string {
	var list []string
	for _, name := range testdata.Sets(t) {
		if strings.HasPrefix(name, "dirty_") {
			list = append(list, name)
		}
	}
	return list
}

// setHost is a host over a copy of a data set's files.
func setHost(t testing.TB, set string, env *vfs.Env) *testHost {
	t.Helper()
	dir := copyFiles(t, filepath.Join(set, "files"))
	naming, err := logstore.DetectNaming(env.FS, dir, logstore.NewNaming("edb", 1))
	if err != nil {
		t.Fatal(err)
	}
	header, err := logstore.ReadHeader(env.FS, filepath.Join(dir, naming.Current()))
	if err != nil {
		t.Fatal(err)
	}
	h := newHost(t, env, dir, header.PageSize)
	h.cfg.Naming = naming
	return h
}

// checkStructure has the databases judged by themselves: pages, trees, space, catalog, long values, and each index entry
// against its record.
func checkStructure(t testing.TB, env *vfs.Env, dir, manifest string) {
	t.Helper()
	for db := range manifestKeys(t, manifest) {
		report, err := check.File(env, filepath.Join(dir, db), check.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := report.Err(); err != nil {
			t.Errorf("%s: %v", db, err)
		}
	}
}

// TestRecoverKilled recovers what killed engines left, and compares with what the original engine made of it.
func TestRecoverKilled(t *testing.T) {
	for _, name := range dirtySets(t) {
		t.Run(name, func(t *testing.T) {
			set := testdata.Set(t, name)
			h := setHost(t, set, vfs.System())
			res, err := h.run()
			if err != nil {
				t.Fatal(err)
			}
			want := Recovered
			if name == "dirty_abrupt" {
				want = WasClean // ended by JetTerm with JET_bitTermAbrupt
			}
			if res.Outcome != want || len(h.faults) != 0 {
				t.Errorf("outcome %v, faults %v", res.Outcome, h.faults)
			}
			checkContent(t, h.cfg.Env, h.cfg.LogDir, filepath.Join(set, "manifest.txt"))
			checkStructure(t, h.cfg.Env, h.cfg.LogDir, filepath.Join(set, "manifest.txt"))
			if res, err = h.run(); err != nil || res.Outcome != WasClean {
				t.Errorf("second start: outcome %v, %v", res.Outcome, err)
			}
		})
	}
}
