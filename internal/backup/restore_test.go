package backup

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"esent/internal/engine"
	"esent/internal/engine/dbfile"
	"esent/internal/eventlog"
	"esent/internal/jet"
	"esent/internal/testdata"
	"esent/internal/vfs"
)

// restorer is a process that restores into a directory of its own.
type restorer struct {
	t      testing.TB
	env    *vfs.Env
	events *eventlog.Recorder
	proc   *engine.Process
	inst   *engine.Instance
	status []string
}

func newRestorer(t testing.TB, env *vfs.Env, dir string) *restorer {
	t.Helper()
	r := &restorer{t: t, env: env, events: &eventlog.Recorder{}}
	r.proc = engine.NewProcess(env, r.events)
	r.inst = r.instance("restore", dir)
	return r
}

func (r *restorer) instance(name, dir string) *engine.Instance {
	r.t.Helper()
	i, err := r.proc.CreateInstance(name, "")
	if err != nil {
		r.t.Fatal(err)
	}
	for id, v := range map[jet.ParamID]string{jet.ParamSystemPath: dir, jet.ParamLogFilePath: dir, jet.ParamTempPath: dir + "/"} {
		if err := r.proc.SetParam(engine.ParamTarget{Instance: i}, id, 0, v); err != nil {
			r.t.Fatal(err)
		}
	}
	for id, n := range map[jet.ParamID]int64{jet.ParamLogFileSize: 128, jet.ParamLegacyFileNames: 1, jet.ParamCacheSizeMax: 500} {
		if err := r.proc.SetParam(engine.ParamTarget{Instance: i}, id, n, ""); err != nil {
			r.t.Fatal(err)
		}
	}
	return i
}

func (r *restorer) restore(source, dest string) error {
	r.status = nil
	return New().RestoreInstance(r.proc, r.inst, source, dest, func(snt, done, total uint32) {
		r.status = append(r.status, fmt.Sprintf("%d:%d/%d", snt, done, total))
	})
}

// ids gives the numbers of the events, those of replayed logs as one.
func (r *restorer) ids() string {
	var list []string
	for _, id := range r.events.IDs() {
		if s := fmt.Sprint(id); len(list) == 0 || list[len(list)-1] != s {
			list = append(list, s)
		}
	}
	r.events.Reset()
	return strings.Join(list, " ")
}

// TestRestoreRealSets restores the sets that the original engine made.
func TestRestoreRealSets(t *testing.T) {
	root := testdata.Set(t, "backup")
	for _, set := range []string{"backup", "concurrent", "atomic"} {
		t.Run(set, func(t *testing.T) {
			dir := t.TempDir()
			r := newRestorer(t, vfs.System(), dir)
			if err := r.restore(filepath.Join(root, "files", set), dir); err != nil {
				t.Fatal(err)
			}
			if got := r.ids(); got != "204 301 205" {
				t.Errorf("events %s", got)
			}
			if got := strings.Join(r.status, " "); !strings.HasPrefix(got, "5:0/100 0:") || !strings.HasSuffix(got, " 6:100/100") || len(r.status) < 40 {
				t.Errorf("status %s", got)
			}
			h, err := dbfile.ReadFileHeader(r.env.FS, filepath.Join(dir, "db.edb"))
			if err != nil {
				t.Fatal(err)
			}
			if err := h.CheckClean(); err != nil || h.FullPrev != (jet.BackupInfo{}) || h.FullCur != (jet.BackupInfo{}) {
				t.Errorf("header: %v, %+v", err, h.FullPrev)
			}
			// What is restored can be used.
			if _, err := r.inst.Init(engine.InitOptions{}); err != nil {
				t.Fatal(err)
			}
			s, err := r.inst.BeginSession()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.AttachDatabase(0, filepath.Join(dir, "db.edb"), 0, 0); err != nil {
				t.Fatal(err)
			}
			if err := New().Backup(Of(r.inst), filepath.Join(dir), jet.BitBackupIncremental, nil); jet.CodeOf(err) != jet.ErrMissingFullBackup {
				t.Errorf("incremental backup after the restore: %v", err)
			}
			if err := r.inst.Term(0); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// A set restores with other settings of the log than it was made with, and over a database that was restored before.
func TestRestoreWithOtherLogs(t *testing.T) {
	w, _ := newSimWorld(t)
	w.w.add(500)
	w.ok(w.backup("/bk", 0))
	w.w.add(100)
	w.ok(w.backup("/bk", jet.BitBackupIncremental))
	w.ok(w.inst.Term(0))
	for n, settings := range []map[jet.ParamID]int64{
		{jet.ParamLogFileSize: 512, jet.ParamCleanupMismatchedLogFiles: 1, jet.ParamCircularLog: 1},
		{jet.ParamLegacyFileNames: 0},
		{jet.ParamCircularLog: 1},
		{jet.ParamLogFileSize: 256, jet.ParamLegacyFileNames: 0, jet.ParamCircularLog: 1, jet.ParamCleanupMismatchedLogFiles: 1},
	} {
		dir := fmt.Sprint("/r", n)
		for range 2 {
			r := &world{t: t, env: w.env, dir: dir, events: &eventlog.Recorder{}, svc: New()}
			r.proc = engine.NewProcess(w.env, r.events)
			i := r.instance("restore", dir)
			for id, v := range settings {
				r.ok(r.proc.SetParam(engine.ParamTarget{Instance: i}, id, v, ""))
			}
			if err := r.svc.RestoreInstance(r.proc, i, "/bk", dir, nil); err != nil {
				t.Fatalf("%v: %v", settings, err)
			}
			if got := r.countRows(i); got != 600 {
				t.Errorf("%v: %d rows", settings, got)
			}
			// Another restore begins with an empty log directory.
			for name := range snapshot(t, w.env.FS, dir) {
				if filepath.Base(name) != "app.edb" && filepath.Ext(name) != "" {
					r.ok(w.env.FS.Remove(name))
				}
			}
		}
	}
}
