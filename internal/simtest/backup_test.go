package simtest

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"esent/internal/backup"
	"esent/internal/engine"
	"esent/internal/jet"
)

// backups are the last backup set.
type backups struct {
	dir string // "" for none
	// states are what the set may restore: one, or after a power cut in an atomic backup one of two, or none when that
	// is not known.
	states [][]string
	// next is the state of a backup under way.
	next                 []string
	running, incremental bool
	atomic               bool
	serial               int
}

// crashed is what a power cut means for the set.
func (b *backups) crashed() {
	switch {
	case !b.running:
	case b.incremental:
		b.states = nil // some of the logs have come
	case b.atomic && b.dir != "":
		if b.states != nil {
			b.states = append(b.states, b.next)
		}
	default:
		b.dir, b.states = "", nil
	}
	b.running = false
}

// backup makes a backup, or restores the last one.
func (w *world) backup() {
	b := &w.backups
	if b.dir != "" && w.rng.IntN(2) == 0 {
		w.restore()
		return
	}
	state := w.m.dump(w.m.now(), false)
	grbit := jet.Grbit(0)
	dir := b.dir
	want := []jet.Err{0}
	switch {
	case b.dir != "" && len(b.states) == 1 && w.rng.IntN(2) == 0:
		grbit = jet.BitBackupIncremental
		if b.atomic {
			grbit |= jet.BitBackupAtomic
		}
		if w.set.circular {
			want = []jet.Err{jet.ErrInvalidBackup}
		}
	case b.dir != "" && b.atomic && w.rng.IntN(2) == 0:
		grbit = jet.BitBackupAtomic
	default:
		b.serial++
		dir = fmt.Sprintf("/backup%d", b.serial)
		old := b.dir
		b.dir, b.states, b.atomic = "", nil, w.rng.IntN(2) == 0
		w.clear(old)
		if b.atomic {
			grbit = jet.BitBackupAtomic
		}
	}
	b.running, b.incremental, b.next = true, grbit&jet.BitBackupIncremental != 0, state
	ok := w.run(call{what: fmt.Sprintf("backup to %s, %#x", dir, uint32(grbit)), ses: &session{n: -1}, want: want,
		do: func() error { return w.svc.Backup(backup.Of(w.inst), dir, grbit, nil) }})
	b.running = false
	if !ok {
		return
	}
	b.dir, b.states = dir, [][]string{state}
	w.m.durable = w.m.commits
}

// clear removes a folder with all that is in it.
func (w *world) clear(dir string) {
	if dir == "" {
		return
	}
	fsys := w.sim.Env().FS
	list, err := fsys.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range list {
		if p := path.Join(dir, e.Name); e.IsDir {
			w.clear(p)
		} else {
			w.cut(fsys.Remove(p), "remove "+p)
		}
	}
	w.cut(fsys.RemoveDir(dir), "remove "+dir)
}

// restore restores the last backup elsewhere and compares.
func (w *world) restore() {
	b := &w.backups
	w.note("restore of %s", b.dir)
	w.restoreTo("/restored", b.dir, b.states, nil)
}

// rollForward restores the last backup and goes on with all logs since. The instance is not running.
func (w *world) rollForward() {
	b := &w.backups
	if b.dir == "" || w.set.circular {
		return
	}
	w.note("restore of %s with later logs", b.dir)
	logs := map[string][]byte{}
	for _, p := range w.sim.Files() {
		if name := path.Base(p); path.Dir(p) == home && strings.HasPrefix(name, "edb") && (strings.HasSuffix(name, ".log") || strings.HasSuffix(name, ".jtx")) && !strings.HasPrefix(name, "edbtmp") {
			data, err := w.sim.ReadFile(p)
			w.ok(err, "read of a log")
			logs[name] = data
		}
	}
	w.restoreTo("/forward", b.dir, [][]string{w.m.dump(w.m.now(), false)}, logs)
}

// restoreTo restores a set into a folder with logs, and compares what comes out with the states that are right.
func (w *world) restoreTo(dir, set string, states [][]string, logs map[string][]byte) {
	events := w.log
	w.clear(dir)
	fsys := w.sim.Env().FS
	w.cut(fsys.MkdirAll(dir), "mkdir")
	for name, data := range logs {
		w.cut(w.sim.WriteFile(path.Join(dir, name), data), "copy of a log")
	}
	p, i := w.newProcess(dir)
	err := backup.New().RestoreInstance(p, i, set, dir, nil)
	w.cut(err, "JetRestoreInstance")
	_, err = i.Init(engine.InitOptions{})
	w.cut(err, "JetInit after a restore")
	s, err := i.BeginSession()
	w.cut(err, "JetBeginSession")
	file := path.Join(dir, path.Base(database))
	_, err = s.AttachDatabase(0, file, 0, 0)
	w.cut(err, "attach of the restored database")
	db, err := s.OpenDatabase(0, file, 0)
	w.cut(err, "open of the restored database")
	got := w.dump(s, db)
	if len(states) > 0 && !slices.ContainsFunc(states, func(want []string) bool { return slices.Equal(got, want) }) {
		w.fail("the restored database differs:\n%s", difference(got, states[len(states)-1]))
	}
	w.cut(i.Term(0), "JetTerm after a restore")
	w.check(file)
	w.clear(dir)
	w.log = events
}
