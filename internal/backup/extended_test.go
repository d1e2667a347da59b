package backup

import (
	"bytes"
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"esent/internal/backup/meter"
	"esent/internal/jet"
	"esent/internal/testdata"
	"esent/internal/vfs"
)

// What EsentRestore adds to a restore: nothing is replaced unasked, watchers see all of it and may end it, and a set may
// come as a stream. Whatever fails leaves everything as it was.
func TestRestoreSet(t *testing.T) {
	w, sim := newSimWorld(t)
	w.w.add(600)
	w.ok(w.backup("/bk", 0))
	var packed bytes.Buffer
	w.ok(w.svc.Make(Of(w.inst), Options{Stream: &packed}))
	w.ok(w.inst.Term(0))
	unchanged := func(dir string, do func()) {
		t.Helper()
		before := snapshot(t, w.env.FS, dir)
		do()
		after := snapshot(t, w.env.FS, dir)
		if !slices.Equal(names(after), names(before)) {
			t.Errorf("files %v, before %v", names(after), names(before))
		}
		for name, data := range before {
			if after[name] != data {
				t.Errorf("%s was changed", name)
			}
		}
	}

	w.ok(w.env.FS.Mkdir("/r"))
	w.ok(sim.WriteFile("/r/app.edb", []byte("mine")))
	unchanged("/r", func() { w.want(w.restoreSet("/r", nil), jet.ErrFileAlreadyExists) })
	overwrite := func(o *RestoreOptions) { o.Overwrite = true }

	var seen []meter.Position
	watch := func(p meter.Position) error {
		seen = append(seen, p)
		return nil
	}
	w.ok(w.restoreSet("/r", func(o *RestoreOptions) { o.Overwrite, o.Watch, o.Report = true, watch, "/report.json" }))
	if got := w.rowsIn("/r"); got != 600 {
		t.Errorf("%d rows", got)
	}
	last := seen[len(seen)-1]
	if len(seen) < 10 || last.Bytes != last.BytesTotal || last.Pages != last.PagesTotal || last.Pages == 0 {
		t.Errorf("%d calls, the last with %+v", len(seen), last)
	}
	var phases []meter.Phase
	for i, p := range seen {
		if i > 0 && (p.Bytes < seen[i-1].Bytes || p.Pages < seen[i-1].Pages || p.Bytes > p.BytesTotal || p.Pages > p.PagesTotal) {
			t.Errorf("%+v follows %+v", p, seen[i-1])
		}
		phases = append(phases, p.Phase)
	}
	if phases = slices.Compact(phases); !slices.Equal(phases, []meter.Phase{meter.Databases, meter.Replay, meter.Finish}) {
		t.Errorf("phases %v", phases)
	}
	data, err := sim.ReadFile("/report.json")
	w.ok(err)
	var p restoreReport
	w.ok(json.Unmarshal(data, &p))
	if p.Result != 0 || p.DryRun || len(p.Databases) != 1 || !p.Databases[0].Replaces || len(p.Logs) == 0 {
		t.Errorf("%s", data)
	}

	// Whatever call ends it, nothing has happened.
	w.ok(w.env.FS.Mkdir("/c"))
	w.ok(sim.WriteFile("/c/app.edb", []byte("mine")))
	stop := errors.New("stop")
	for n := 0; n < len(seen)-1; n += 1 + len(seen)/12 {
		unchanged("/c", func() {
			calls := 0
			err := w.restoreSet("/c", func(o *RestoreOptions) {
				o.Overwrite = true
				o.Watch = func(meter.Position) error {
					if calls++; calls == n+1 {
						return stop
					}
					return nil
				}
			})
			if !errors.Is(err, stop) {
				t.Errorf("call %d: %v", n, err)
			}
		})
	}

	// A stream is unpacked beside, and the unpacked set removed.
	fromStream := func(o *RestoreOptions) { o.Source, o.Stream, o.Overwrite = "", bytes.NewReader(packed.Bytes()), true }
	w.ok(w.restoreSet("/s", fromStream))
	if got := w.rowsIn("/s"); got != 600 {
		t.Errorf("%d rows", got)
	}
	if left := leftovers(t, w.env.FS, "/s"); len(left) > 0 {
		t.Errorf("%v stay", left)
	}
	unchanged("/c", func() {
		err := w.restoreSet("/c", func(o *RestoreOptions) {
			fromStream(o)
			o.Stream = bytes.NewReader(packed.Bytes()[:packed.Len()/2])
		})
		if jet.CodeOf(err) != jet.ErrInvalidBackup && jet.CodeOf(err) != jet.ErrReadVerifyFailure {
			t.Errorf("half a stream: %v", err)
		}
	})
	w.want(w.restoreSet("/s", func(o *RestoreOptions) { fromStream(o); o.DryRun = true }), jet.ErrInvalidParameter)
	w.want(w.restoreSet("/s", func(o *RestoreOptions) { o.Source = "/none"; overwrite(o) }), jet.ErrFileNotFound)
}

// The commits of logs that the original engine wrote: those of each segment are those of the logs.
func TestListForeignCommits(t *testing.T) {
	fsys := vfs.System().FS
	for _, set := range []string{"dirty_multigen", "dirty_multigen_esentnames", "dirty_fuzz1"} {
		dir := filepath.Join(testdata.Set(t, set), "files")
		var logs, segments []Commits
		for _, per := range []struct {
			segment bool
			list    *[]Commits
		}{{false, &logs}, {true, &segments}} {
			err := ListCommits(fsys, dir, per.segment, func(c Commits) error {
				*per.list = append(*per.list, c)
				return nil
			})
			if err != nil {
				t.Fatalf("%s: %v", set, err)
			}
		}
		if len(logs) == 0 {
			t.Errorf("%s: no commits", set)
		}
		k := 0
		for i, l := range logs {
			sum := Commits{Gen: l.Gen}
			for ; k < len(segments) && segments[k].Gen == l.Gen; k++ {
				s := segments[k]
				if sum.Count == 0 {
					sum.First, sum.FirstAt = s.First, s.FirstAt
				}
				sum.Last, sum.LastAt = s.Last, s.LastAt
				sum.Count += s.Count
			}
			if sum != l {
				t.Errorf("%s: segments say %+v, the log %+v", set, sum, l)
			}
			if l.FirstAt.Year() < 2000 || l.LastAt.Before(l.FirstAt) || i > 0 && l.Gen <= logs[i-1].Gen {
				t.Errorf("%s: %+v", set, l)
			}
		}
		if k != len(segments) {
			t.Errorf("%s: %d of %d segments are of the logs", set, k, len(segments))
		}
	}
	stop := jet.ErrOutOfMemory
	dir := filepath.Join(testdata.Set(t, "dirty_multigen"), "files")
	if err := ListCommits(fsys, dir, false, func(Commits) error { return stop }); jet.CodeOf(err) != stop {
		t.Error(err)
	}
	if err := ListCommits(fsys, t.TempDir(), false, nil); jet.CodeOf(err) != jet.ErrFileNotFound {
		t.Error(err)
	}
}
