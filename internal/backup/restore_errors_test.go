package backup

import (
	"fmt"
	"path"
	"strings"
	"testing"

	"esent/internal/engine"
	"esent/internal/eventlog"
	"esent/internal/jet"
	"esent/internal/logstore"
	"esent/internal/vfs"
	"esent/internal/vfs/simdisk"
)

// TestRestoreErrors restores sets with something wrong.
func TestRestoreErrors(t *testing.T) {
	const db = "/bk/app.edb"
	type bench struct {
		*world
		sim       *simdisk.Sim
		low, high int32
	}
	log := func(b *bench, gen int32) string { return "/bk/" + b.inst.Log().Naming().Archive(gen) }
	read := func(b *bench, file string) []byte {
		data, err := b.sim.ReadFile(file)
		b.ok(err)
		return data
	}
	write := func(b *bench, file string, data []byte) { b.ok(b.sim.WriteFile(file, data)) }
	foreign := func(b *bench) *world {
		b.ok(b.env.FS.Mkdir("/w2"))
		o := newWorld(b.t, b.env, "/w2")
		o.w.add(300)
		_, err := o.inst.Log().Roll(1, "test")
		b.ok(err)
		return o
	}
	tests := []struct {
		name   string
		change func(b *bench)
		source string
		code   jet.Err
		events string
	}{
		{"nothing wrong", func(b *bench) {}, "/bk", 0, "204 301 205"},
		{"no directory", func(b *bench) {}, "/none", jet.ErrFileNotFound, ""},
		{"empty directory", func(b *bench) { b.ok(b.env.FS.Mkdir("/empty")) }, "/empty", jet.ErrFileNotFound, ""},
		{"no patch file", func(b *bench) { b.ok(b.sim.Vanish("/bk/app.pat")) }, "/bk", jet.ErrPatchFileMissing, "204 454 205"},
		{"ordinary database", func(b *bench) { write(b, db, read(b, b.database())) }, "/bk", jet.ErrRestoreOfNonBackupDatabase, "204 454 205"},
		{"no database", func(b *bench) { b.ok(b.sim.Vanish(db)) }, "/bk", jet.ErrAttachedDatabaseMismatch, "204 301 494 454 205"},
		{"damaged trailer", func(b *bench) { b.ok(b.sim.FlipBit(db, int64(len(read(b, db))-4096+100), 1)) }, "/bk", jet.ErrBadPatchPage, "204 454 205"},
		{"one damaged header", func(b *bench) { b.ok(b.sim.FlipBit(db, 100, 1)) }, "/bk", 0, "204 301 205"},
		{"damaged headers", func(b *bench) { b.ok(b.sim.FlipBit(db, 100, 1)); b.ok(b.sim.FlipBit(db, 4096+100, 1)) }, "/bk", jet.ErrDatabaseCorrupted, "204 454 205"},
		{"cut off", func(b *bench) { write(b, db, read(b, db)[:8192]) }, "/bk", jet.ErrDatabaseCorrupted, "204 454 205"},
		{"trailer of another backup", func(b *bench) {
			old := read(b, db)
			b.ok(b.backup("/bk2", 0))
			another := read(b, "/bk2/app.edb")
			write(b, db, append(old[:len(old)-4096], another[len(another)-4096:]...))
		}, "/bk", jet.ErrDatabasePatchFileMismatch, "204 430 454 205"},
		{"first log missing", func(b *bench) { b.ok(b.sim.Vanish(log(b, b.low))) }, "/bk", jet.ErrStartingRestoreLogTooHigh, "204 431 454 205"},
		{"last log missing", func(b *bench) { b.ok(b.sim.Vanish(log(b, b.high))) }, "/bk", jet.ErrEndingRestoreLogTooLow, "204 432 454 205"},
		{"hole", func(b *bench) { b.ok(b.sim.Vanish(log(b, b.low+1))) }, "/bk", jet.ErrFileNotFound, ""},
		{"log under another's name", func(b *bench) { write(b, log(b, b.low+1), read(b, log(b, b.low))) }, "/bk", jet.ErrLogGenerationMismatch, ""},
		{"damaged log header", func(b *bench) { b.ok(b.sim.FlipBit(log(b, b.low+1), 100, 1)) }, "/bk", jet.ErrLogFileCorrupt, ""},
		{"damaged log", func(b *bench) {
			for bit := range uint(3) {
				b.ok(b.sim.FlipBit(log(b, b.low+1), 9000, bit))
			}
		}, "/bk", jet.ErrLogCorruptDuringHardRestore, "204 301 463 205"},
		{"log of another stream", func(b *bench) {
			o := foreign(b)
			for o.inst.Log().EndPos().Gen() <= b.low+1 {
				_, err := o.inst.Log().Roll(1, "test")
				b.ok(err)
			}
			write(b, log(b, b.low+1), read(b, "/w2/"+o.inst.Log().Naming().Archive(b.low+1)))
		}, "/bk", jet.ErrGivenLogFileHasBadSignature, "433"},
		{"foreign logs in the log directory", func(b *bench) {
			o := foreign(b)
			b.ok(o.inst.Term(0))
			write(b, "/r/edb.log", read(b, "/w2/edb.log"))
		}, "/bk", jet.ErrExistingLogFileHasBadSignature, "457"},
		{"gap to the current logs", func(b *bench) {
			b.w.add(600)
			write(b, "/r/edb.log", read(b, "/w/edb.log"))
		}, "/bk", jet.ErrMissingCurrentLogFiles, "450"},
		{"logs that follow", func(b *bench) {
			b.w.add(600)
			logs, err := logstore.FindLogs(b.env.FS, "/w", b.inst.Log().Naming())
			b.ok(err)
			for _, a := range logs.Archives {
				if a.Gen > b.high {
					write(b, "/r/"+a.Name, read(b, "/w/"+a.Name))
				}
			}
			b.ok(b.inst.Log().FlushAll())
			write(b, "/r/edb.log", read(b, "/w/edb.log"))
		}, "/bk", 0, "204 301 205"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w, sim := newSimWorld(t)
			w.w.add(800)
			w.ok(w.backup("/bk", 0))
			s, err := findSet(w.env.FS, "/bk")
			w.ok(err)
			b := &bench{w, sim, s.genLow, s.genHigh}
			w.ok(w.env.FS.Mkdir("/r"))
			test.change(b)
			before := snapshot(t, w.env.FS, "/bk")
			r := newRestorer(t, w.env, "/r")
			r.proc.SetParam(engine.ParamTarget{Instance: r.inst}, jet.ParamCreatePathIfNotExist, 1, "")
			w.want(r.restore(test.source, "/r"), test.code)
			if got := strings.TrimSuffix(strings.ReplaceAll(" "+r.ids(), " 335", ""), " 637")[1:]; got != test.events {
				t.Errorf("events %s, want %s", got, test.events)
			}
			if test.code != 0 && len(r.status) > 0 && strings.HasPrefix(r.status[len(r.status)-1], "6:") {
				t.Errorf("status %v", r.status)
			}
			for name, data := range snapshot(t, w.env.FS, "/bk") {
				if before[name] != data {
					t.Errorf("%s was changed", name)
				}
			}
		})
	}
}

// An instance that runs cannot restore; one that restores does nothing else.
func TestRestoreStates(t *testing.T) {
	w, _ := newSimWorld(t)
	w.w.add(300)
	w.ok(w.backup("/bk", 0))
	w.want(w.svc.RestoreInstance(w.proc, w.inst, "/bk", "/r", nil), jet.ErrAlreadyInitialized)
	w.want(w.svc.Restore(w.proc, "/bk", "/r", nil), jet.ErrRunningInMultiInstanceMode)
	i := w.instance("restore", "/r")
	w.want(w.svc.RestoreInstance(w.proc, nil, "/none", "/r", nil), jet.ErrFileNotFound)
	w.ok(w.svc.RestoreInstance(w.proc, i, "/bk", "/r", func(snt, _, _ uint32) {
		w.want(w.svc.Backup(Of(i), "/bk2", 0, nil), jet.ErrRestoreInProgress)
		w.want(w.svc.RestoreInstance(w.proc, i, "/bk", "/r", nil), jet.ErrRestoreInProgress)
		_, err := i.Init(engine.InitOptions{})
		w.want(err, jet.ErrRestoreInProgress)
		_, err = i.BeginSession()
		w.want(err, jet.ErrRestoreInProgress)
	}))
	w.want(w.backup("/none/none", jet.BitBackupIncremental), jet.ErrMissingFullBackup)
	w.ok(i.Term(0))

	// In single-instance mode the one instance is used, or made for the purpose and freed.
	w2 := &world{t: t, env: w.env, dir: "/r2", events: &eventlog.Recorder{}, svc: New()}
	w2.proc = engine.NewProcess(w.env, w2.events)
	w2.want(w2.svc.Restore(w2.proc, "/none", "/r2", nil), jet.ErrFileNotFound)
	if got := w2.proc.Instances(); len(got) != 0 {
		t.Errorf("%d instances stay", len(got))
	}
}

// A set restores where it lies, too: its database becomes the restored one.
func TestRestoreInPlace(t *testing.T) {
	w, _ := newSimWorld(t)
	w.w.add(300)
	w.ok(w.backup("/bk", 0))
	r := newRestorer(t, w.env, "/r")
	w.ok(w.env.FS.MkdirAll("/r"))
	w.ok(r.restore("/bk", "/bk"))
	r2 := &world{t: t, env: w.env, dir: "/bk", proc: r.proc, events: r.events}
	if got := r2.countRows(r.inst); got != 300 {
		t.Errorf("%d rows", got)
	}
}

// The working directory is the set when none is given.
func TestRestoreWorkingDirectory(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t, vfs.System(), path.Join(dir, "w"))
	w.w.add(100)
	w.ok(w.backup(path.Join(dir, "bk"), 0))
	t.Chdir(path.Join(dir, "bk"))
	if got := w.restoreTo("", path.Join(dir, "r")); got != 100 {
		t.Errorf("%d rows", got)
	}
	if got := fmt.Sprint(w.inst.Term(0)); got != "<nil>" {
		t.Error(got)
	}
}
