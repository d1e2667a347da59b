package simtest

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"esent/internal/backup"
	"esent/internal/engine"
	"esent/internal/eventlog"
	"esent/internal/jet"
)

// backups are the last backup set.
type backups struct {
	dir string // "" for none
	// states are what the set may restore, nil when that is not known.
	states [][]string
	atomic bool
	serial int
	// running says that a backup is under way.
	running bool
	// bare says that the headers of the databases may not know of the set, or logs that follow it may be gone.
	bare bool
}

// backup makes a backup, while others go on working, or restores the last one.
func (w *world) backup() {
	b := &w.backups
	switch {
	case b.running:
		return
	case b.dir != "" && w.rng.IntN(2) == 0:
		w.restore()
		return
	}
	var grbit jet.Grbit
	want := []jet.Err{0}
	old, dir, atomic := *b, b.dir, b.atomic
	switch {
	case b.dir != "" && b.states != nil && w.rng.IntN(2) == 0:
		grbit = jet.BitBackupIncremental
		switch {
		case w.set.circular:
			want = []jet.Err{jet.ErrInvalidBackup}
		case b.bare:
			want = append(want, jet.ErrMissingFullBackup, jet.ErrMissingFileToBackup)
		}
	case b.dir != "" && b.atomic && w.rng.IntN(2) == 0:
	default:
		*b = backups{serial: b.serial + 1} // the old one may be lost half
		w.clear(old.dir)
		old = *b
		dir, atomic = fmt.Sprintf("/backup%d", b.serial), w.rng.IntN(2) == 0
	}
	if atomic {
		grbit |= jet.BitBackupAtomic
	}
	// Unless it succeeds.
	*b = backups{dir: dir, atomic: atomic, serial: b.serial, running: true, bare: b.bare}
	if !atomic && grbit&jet.BitBackupIncremental == 0 {
		b.dir = ""
	}
	from := w.m.commits
	var steps outcome
	ok := false
	o := w.try(func() {
		ok = w.run(call{what: fmt.Sprintf("backup to %s, %#x", dir, uint32(grbit)), ses: &session{n: -1}, want: want,
			do: func() error {
				return w.svc.Backup(backup.Of(w.inst), dir, grbit, func(_, _, _ uint32) { w.meanwhile(&steps, from) })
			}})
	})
	if steps != (outcome{}) {
		o = steps
	}
	b.running = false
	var states [][]string
	for n := from; n <= w.m.commits; n++ {
		states = append(states, w.m.dump(view{begin: n}, false))
	}
	switch {
	case ok:
		b.dir, b.states = dir, states
		b.bare = slices.Contains(w.log.IDs(), eventlog.BackupErrorInfoUpdate)
		w.m.durable = max(w.m.durable, from)
		w.tally["backups"]++
		if d := w.damage; d != nil && d.page && strings.Contains(d.kind, "blank") {
			// A blank page looks like one that was never written.
			*b = backups{serial: b.serial}
			w.clear(dir)
		}
	case o == (outcome{}):
		*b = old
	case b.atomic && old.states != nil && grbit&jet.BitBackupIncremental == 0:
		b.states = append(states, old.states...) // the one set or the other
	case b.atomic && old.dir == "":
		b.dir = ""
	}
	switch {
	case o.cut:
		panic(powerCut{})
	case o.trouble != nil:
		panic(*o.trouble)
	}
}

// meanwhile makes some steps while a backup that has begun with from commits is under way. The backup must not be
// unwound, so it is told later how they ended.
func (w *world) meanwhile(o *outcome, from int) {
	if *o != (outcome{}) || w.m.commits > from+6 {
		return
	}
	src := *w.src
	*o = w.try(func() {
		for range w.rng.IntN(3) {
			w.step()
		}
	})
	*w.src = src
	w.rng.Uint64()
}

// clear removes a folder with all that is in it.
func (w *world) clear(dir string) {
	if dir == "" {
		return
	}
	fsys := w.sim.Env().FS
	list, err := fsys.ReadDir(dir)
	w.met(err, "list of "+dir, nil, 0, jet.ErrInvalidPath)
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
	if w.fault != nil || w.damage != nil {
		return
	}
	w.note("restore of %s", b.dir)
	w.restoreTo("/restored", b.dir, b.states, nil)
}

// rollForward restores the last backup and goes on with all logs since. The instance is not running.
func (w *world) rollForward() {
	b := &w.backups
	if b.dir == "" || b.states == nil || w.set.circular || w.gap {
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
	err := w.newService().RestoreInstance(p, i, set, dir, nil)
	w.cut(err, "JetRestoreInstance")
	_, err = i.Init(engine.InitOptions{})
	w.cut(err, "JetInit after a restore")
	s, err := i.BeginSession()
	w.cut(err, "JetBeginSession")
	var dbs []uint32
	for _, path := range w.paths() {
		dbs = append(dbs, w.openDatabase(s, restored(dir, path), true, false))
	}
	got := w.dump(s, dbs)
	if len(states) > 0 && !slices.ContainsFunc(states, func(want []string) bool { return slices.Equal(got, want) }) {
		w.fail("the restored database differs:\n%s", difference(got, states[len(states)-1]))
	}
	w.cut(i.Term(0), "JetTerm after a restore")
	for _, path := range w.paths() {
		w.check(restored(dir, path))
	}
	w.clear(dir)
	w.tally["restores"]++
	w.log = events
}
