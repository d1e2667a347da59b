package backup

import (
	"fmt"
	"testing"

	"esent/internal/engine"
	"esent/internal/engine/recovery"
	"esent/internal/eventlog"
	"esent/internal/jet"
	"esent/internal/logstore"
)

// stream makes a full streaming backup: databases to dbDir, logs to logDir. It gives the range of the logs.
func (w *world) stream(dbDir, logDir string) LogInfo {
	w.t.Helper()
	e := Of(w.inst)
	pull := func(from, dir string) {
		h, _, err := w.svc.OpenFile(e, from, 0)
		w.ok(err)
		var all []byte
		for buf := make([]byte, 64*4096); ; {
			n, err := w.svc.ReadFile(e, h, buf)
			w.ok(err)
			if n == 0 {
				break
			}
			all = append(all, buf[:n]...)
		}
		w.ok(w.svc.CloseFile(e, h))
		w.ok(w.sim.WriteFile(dir+"/"+baseName(from), all))
	}
	w.ok(w.svc.BeginExternal(e, 0))
	paths, err := w.svc.AttachInfo(e)
	w.ok(err)
	for _, p := range paths {
		pull(p, dbDir)
	}
	info, err := w.svc.LogInfo(e)
	w.ok(err)
	for _, p := range info.Paths {
		pull(p, logDir)
	}
	w.ok(w.svc.EndExternal(e, jet.BitBackupEndNormal))
	return info
}

// external is a process for external restores on the machine of w.
func (w *world) external() *world {
	x := &world{t: w.t, env: w.env, sim: w.sim, dir: "/x", events: &eventlog.Recorder{}, svc: New()}
	x.proc = engine.NewProcess(w.env, x.events)
	for id, n := range map[jet.ParamID]int64{jet.ParamLogFileSize: 128, jet.ParamCacheSizeMax: 300, jet.ParamLegacyFileNames: 1} {
		w.ok(x.proc.SetParam(engine.ParamTarget{}, id, n, ""))
	}
	return x
}

func TestExternalRestore(t *testing.T) {
	const logged, here = "/w/app.edb", "/x/app.edb"
	type bench struct {
		*world
		x    *world
		info LogInfo
		args ExternalRestore
	}
	tests := []struct {
		name   string
		change func(b *bench)
		code   jet.Err
		events string
	}{
		{"by name", func(b *bench) {}, 0, "204 301 205"},
		{"by name in other letters", func(b *bench) { b.args.Map[0].Old = "/W/App.edb" }, 0, "204 301 205"},
		{"by signature", func(b *bench) { b.args.Map[0].Old = "/elsewhere/old.edb" }, 0, "204 216 301 205"},
		{"range given", func(b *bench) { b.args.GenLow, b.args.GenHigh = b.info.GenLow, b.info.GenHigh }, 0, "204 301 205"},
		{"surplus logs", func(b *bench) {
			b.args.GenHigh = b.info.GenHigh
			b.ok(b.sim.WriteFile(fmt.Sprintf("/set/edb%08X.log", b.info.GenHigh+7), []byte("x")))
			b.ok(b.sim.WriteFile("/set/edb.log", []byte("x")))
		}, 0, "204 301 205"},
		{"range too low", func(b *bench) { b.args.GenHigh = b.info.GenHigh - 1 }, jet.ErrEndingRestoreLogTooLow, "432"},
		{"range too high", func(b *bench) { b.args.GenLow = b.info.GenLow + 1 }, jet.ErrStartingRestoreLogTooHigh, "431"},
		{"log missing", func(b *bench) { b.args.GenHigh = b.info.GenHigh + 1 }, jet.ErrFileNotFound, ""},
		{"no logs", func(b *bench) { b.args.SetDir = "/db" }, jet.ErrFileNotFound, ""},
		{"no file", func(b *bench) { b.args.Map[0].New = "/x/none.edb" }, jet.ErrFileNotFound, ""},
		{"a file twice", func(b *bench) {
			data, err := b.sim.ReadFile(here)
			b.ok(err)
			b.ok(b.sim.WriteFile("/x/copy.edb", data))
			b.args.Map = append(b.args.Map, RestoreEntry{"/w/copy.edb", "/x/copy.edb"})
		}, jet.ErrDatabaseSignInUse, ""},
		{"no copy", func(b *bench) {
			data, err := b.sim.ReadFile(logged)
			b.ok(err)
			b.ok(b.sim.WriteFile(here, data))
		}, jet.ErrRestoreOfNonBackupDatabase, ""},
		{"one target directory", func(b *bench) { b.args.TargetLogDir = "/w" }, jet.ErrInvalidParameter, ""},
		{"target by name and directories", func(b *bench) {
			b.args.TargetName, b.args.TargetLogDir, b.args.TargetCheckpointDir = "a", "/w", "/w"
		}, jet.ErrInvalidParameter, ""},
		{"unknown target", func(b *bench) { b.args.TargetName = "nobody" }, jet.ErrBadRestoreTargetInstance, ""},
		{"directories where nothing runs", func(b *bench) { b.args.TargetLogDir, b.args.TargetCheckpointDir = "/x/2", "/x/2" }, 0, "204 301 205"},
		{"single-instance mode", func(b *bench) {
			_, err := b.x.proc.ForInit(nil, true)
			b.ok(err)
		}, jet.ErrRunningInOneInstanceMode, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w, _ := newSimWorld(t)
			w.w.add(800)
			b := &bench{world: w, x: w.external()}
			b.info = w.stream("/x", "/set")
			b.args = ExternalRestore{CheckpointDir: "/x/log", LogDir: "/x/log", SetDir: "/set", Map: []RestoreEntry{{logged, here}}}
			test.change(b)
			b.x.ids()
			_, err := b.x.svc.ExternalRestore(b.x.proc, b.args)
			w.want(err, test.code)
			got := ""
			for _, id := range b.x.events.IDs() {
				if s := fmt.Sprint(id); len(got) < len(s) || got[len(got)-len(s):] != s {
					got += " " + s
				}
			}
			if got != "" {
				got = got[1:]
			}
			if got != test.events {
				t.Errorf("events %s, want %s", got, test.events)
			}
			if test.code != 0 {
				return
			}
			logs, err := logstore.FindLogs(w.env.FS, "/set", w.inst.Log().Naming())
			w.ok(err)
			if logs.Highest() != b.info.GenHigh || logs.Current {
				t.Errorf("set %+v", logs)
			}
			i := b.x.instance("look", "/x/look")
			if got := b.x.countRows(i); got != 800 {
				t.Errorf("%d rows", got)
			}
		})
	}
}

// No log is removed from where an instance has its own, nor where no range was asked for.
func TestExternalRestoreFromLogsInUse(t *testing.T) {
	w, _ := newSimWorld(t)
	w.w.add(800)
	info := w.stream("/x", "/set")
	logs := func(dir string) string {
		d, err := logstore.FindLogs(w.env.FS, dir, w.inst.Log().Naming())
		w.ok(err)
		return fmt.Sprint(d)
	}
	args := ExternalRestore{CheckpointDir: "/x/log", LogDir: "/x/log", SetDir: "/w/", Map: []RestoreEntry{{"/w/app.edb", "/x/app.edb"}},
		GenLow: info.GenLow, GenHigh: info.GenHigh}
	refused := func() {
		t.Helper()
		before := logs("/w")
		_, err := w.svc.ExternalRestore(w.proc, args)
		w.want(err, jet.ErrLogFilePathInUse)
		if after := logs("/w"); after != before {
			t.Errorf("%s, before %s", after, before)
		}
	}
	refused()
	w.ok(w.inst.Term(0))
	i := w.instance("again", "/w")
	calls := 0
	_, err := i.Init(engine.InitOptions{Control: func(*recovery.Control) error {
		calls++
		refused()
		return nil
	}})
	w.ok(err)
	if calls == 0 {
		t.Error("no call while the instance starts")
	}
	w.ok(i.Term(0))
	w.ok(w.sim.WriteFile("/set/edb.log", []byte("x")))
	args.SetDir, args.GenLow, args.GenHigh = "/set", 0, 0
	before := logs("/set")
	_, err = w.svc.ExternalRestore(w.proc, args)
	w.ok(err)
	if after := logs("/set"); after != before {
		t.Errorf("%s, before %s", after, before)
	}
}

// The logs of the instance that was backed up, which still runs, follow those of the set.
func TestExternalRestoreTarget(t *testing.T) {
	for _, byName := range []bool{true, false} {
		w, _ := newSimWorld(t)
		w.w.add(800)
		w.stream("/x", "/set")
		w.w.add(700)
		for id, n := range map[jet.ParamID]int64{jet.ParamLogFileSize: 128, jet.ParamLegacyFileNames: 1} {
			w.ok(w.proc.SetParam(engine.ParamTarget{}, id, n, ""))
		}
		args := ExternalRestore{CheckpointDir: "/x/log", LogDir: "/x/log", SetDir: "/set", Map: []RestoreEntry{{"/w/app.edb", "/x/app.edb"}}}
		if byName {
			args.TargetName = w.inst.Name()
		} else {
			args.TargetLogDir, args.TargetCheckpointDir = "/w", "/w"
		}
		warning, err := w.svc.ExternalRestore(w.proc, args)
		w.ok(err)
		if warning != jet.WrnTargetInstanceRunning {
			t.Errorf("warning %d", warning)
		}
		w.w.add(10)
		w.ok(w.inst.Term(0))
		x := w.external()
		if got := x.countRows(x.instance("look", "/x/look")); got != 1500 {
			t.Errorf("%d rows", got)
		}
	}
}
