package verify

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"esent/internal/backup/meter"
	"esent/internal/jet"
	"esent/internal/testdata"
	"esent/internal/vfs"
)

// The sets of the original engine are sound, and stay as they are.
func TestRealSets(t *testing.T) {
	root := testdata.Set(t, "backup", "backup/files/*")
	for _, c := range []struct {
		set  string
		want jet.Err
	}{{"backup", 0}, {"concurrent", 0}, {"atomic", 0}, {"atomic/new", 0}, {"log", jet.ErrRestoreOfNonBackupDatabase}} {
		t.Run(c.set, func(t *testing.T) {
			dir := filepath.Join(root, "files", c.set)
			before, times := snapshot(t, vfs.System().FS, dir), modTimes(t, dir)
			r, err := Run(vfs.System(), Options{Path: dir, Rehearse: true, TempDir: t.TempDir()})
			if jet.CodeOf(err) != c.want {
				t.Errorf("%v\n%s", err, faults(r))
			}
			if c.want == 0 && (r.Databases[0].Pages == 0 || r.Rehearsal.Databases[0].Records == 0) {
				t.Errorf("%+v", r.Databases[0])
			}
			if !maps.Equal(before, snapshot(t, vfs.System().FS, dir)) || !maps.Equal(times, modTimes(t, dir)) {
				t.Error("the set has changed")
			}
		})
	}
}

// The report is JSON of the form that docs/backup-rules.md promises, and is there whole or not at all.
func TestReport(t *testing.T) {
	s := golden(t)
	flip(s.page(s.used(t)))
	dir, out := t.TempDir(), t.TempDir()
	s.put(t, dir)
	file := filepath.Join(out, "report.json")
	if err := os.WriteFile(file, []byte("old"), 0o666); err != nil {
		t.Fatal(err)
	}
	_, err := Run(vfs.System(), Options{Path: dir, Rehearse: true, TempDir: out, Report: file})
	if jet.CodeOf(err) != jet.ErrReadVerifyFailure {
		t.Fatal(err)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{"version": 1.0, "path": dir, "set": dir, "level": "rehearsal", "ok": false,
		"code": -1018.0, "error": "JET_errReadVerifyFailure", "faultsTotal": 1.0} {
		if got[name] != want {
			t.Errorf("%s: %v, want %v", name, got[name], want)
		}
	}
	for _, name := range []string{"started", "finished", "text", "logs", "databases", "rehearsal", "faults"} {
		if got[name] == nil {
			t.Errorf("%s is missing", name)
		}
	}
	if list, _ := os.ReadDir(out); len(list) != 1 {
		t.Errorf("%d files beside the report", len(list)-1)
	}
	// Where the report cannot be written, that is the result of a set without faults.
	golden(t).put(t, dir)
	if _, err := Run(vfs.System(), Options{Path: dir, Report: filepath.Join(out, "none", "x.json")}); jet.CodeOf(err) != jet.ErrInvalidPath {
		t.Error(err)
	}
}

// The watcher sees all phases, numbers that rise to the total, and ends the work with what it says, at whatever call.
func TestWatch(t *testing.T) {
	dir := t.TempDir()
	golden(t).put(t, dir)
	stop := jet.ErrOutOfMemory
	run := func(most int) (calls int, seen map[meter.Phase]bool, last meter.Position, err error) {
		seen = map[meter.Phase]bool{}
		file := filepath.Join(t.TempDir(), "report.json")
		_, err = Run(vfs.System(), Options{Path: dir, Rehearse: true, TempDir: t.TempDir(), Report: file, Watch: func(p meter.Position) error {
			calls++
			seen[p.Phase] = true
			if p.Bytes < last.Bytes || p.Pages < last.Pages || p.Bytes > p.BytesTotal || p.Pages > p.PagesTotal {
				t.Errorf("%+v after %+v", p, last)
			}
			if last = p; calls == most {
				return stop
			}
			return nil
		}})
		if _, missing := os.Stat(file); (err == nil) != (missing == nil) {
			t.Errorf("result %v, report: %v", err, missing)
		}
		return calls, seen, last, err
	}
	calls, seen, last, err := run(-1)
	if err != nil || calls < 90 || !seen[meter.Verify] || !seen[meter.Replay] || !seen[meter.Check] || last.Bytes != last.BytesTotal || last.Pages != last.PagesTotal {
		t.Errorf("%v: %d calls, %v, at last %+v", err, calls, seen, last)
	}
	for most := 1; most < calls*3/4; most += 7 {
		n, _, _, err := run(most)
		if !errors.Is(err, stop) || n != most {
			t.Errorf("stopped at call %d: %d calls, %v", most, n, err)
		}
	}
}
