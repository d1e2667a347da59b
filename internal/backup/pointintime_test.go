package backup

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"esent/internal/engine"
	"esent/internal/eventlog"
	"esent/internal/jet"
	"esent/internal/vfs/simdisk"
)

// moment is a commit that the log has, and the rows up to it.
type moment struct {
	at   time.Time // when it was durable
	pos  jet.LogPos
	rows int
}

// history is an instance with a chain of backups in /bk: a full one and two incremental ones, with commits at known
// times. Each commit has a segment of its own.
func history(t testing.TB) (*world, *simdisk.Sim, []moment) {
	w, sim := newSimWorld(t)
	sim.SetTick(0)
	w.w.add(60)
	_, err := w.inst.Log().Roll(1, "test")
	w.ok(err)
	w.w.add(60)
	w.ok(w.backup("/bk", 0))
	list := []moment{{sim.Env().Now(), w.inst.Log().EndPos() - 1, w.w.rows}}
	var open []*writer
	for round := range 2 {
		for k := range 9 {
			sim.Advance(time.Minute)
			w.w.add(20)
			if k == 4 {
				// This one is open while others commit, and ends behind them.
				other := w.another()
				w.ok(other.s.BeginTransaction(0, 0))
				w.ok(other.insert(1e6 + round))
				w.w.add(20)
				open = append(open, other)
			}
			w.ok(w.inst.Log().FlushAll())
			list = append(list, moment{sim.Env().Now(), 0, w.w.rows})
			if k%3 == 2 {
				_, err := w.inst.Log().Roll(1, "test")
				w.ok(err)
			}
		}
		sim.Advance(time.Minute)
		w.ok(w.backup("/bk", jet.BitBackupIncremental))
	}
	// The positions are those of the last commits of the segments.
	w.ok(ListCommits(w.env.FS, "/bk", true, func(c Commits) error {
		for k := 1; k < len(list); k++ {
			if c.LastAt.Equal(list[k].at) {
				list[k].pos = c.Last
			}
		}
		return nil
	}))
	for _, other := range open {
		w.ok(other.s.Rollback(0, 0))
	}
	w.ok(w.inst.Term(0))
	return w, sim, list
}

func (w *world) restoreSet(dest string, change func(o *RestoreOptions)) error {
	r := &world{t: w.t, env: w.env, dir: dest, events: &eventlog.Recorder{}, svc: New()}
	r.proc = engine.NewProcess(w.env, r.events)
	i := r.instance("restore", dest)
	o := RestoreOptions{Source: "/bk", Dest: dest}
	if change != nil {
		change(&o)
	}
	return r.svc.RestoreSet(r.proc, i, o)
}

// rowsIn starts an instance in dir, and gives the rows of the database there.
func (w *world) rowsIn(dir string) int {
	w.t.Helper()
	r := &world{t: w.t, env: w.env, dir: dir, events: &eventlog.Recorder{}, svc: New()}
	r.proc = engine.NewProcess(w.env, r.events)
	return r.countRows(r.instance("look", dir))
}

// TestPointInTime restores to every moment between the commits, by time and by position.
func TestPointInTime(t *testing.T) {
	w, _, list := history(t)
	n := 0
	restore := func(what string, rows int, stop Stop) {
		t.Helper()
		n++
		dir := fmt.Sprint("/r", n)
		if err := w.restoreSet(dir, func(o *RestoreOptions) { o.Stop = stop }); err != nil {
			t.Errorf("%s: %v", what, err)
			return
		}
		if got := w.rowsIn(dir); got != rows {
			t.Errorf("%s: %d rows, want %d", what, got, rows)
		}
	}
	for k, m := range list {
		restore(fmt.Sprintf("at the moment %d", k), m.rows, Stop{Time: m.at})
		restore(fmt.Sprintf("behind the moment %d", k), m.rows, Stop{Time: m.at.Add(30 * time.Second)})
		if k == 0 {
			continue
		}
		restore(fmt.Sprintf("at the commit %d", k), m.rows, Stop{At: m.pos})
		if k > 1 {
			restore(fmt.Sprintf("before the commit %d", k), m.rows-20, Stop{At: m.pos - 1})
		}
	}
	last := list[len(list)-1]
	for k := 1; k+1 < len(list); k++ {
		if gen := list[k].pos.Gen(); list[k+1].pos.Gen() != gen {
			restore(fmt.Sprintf("generation %d", gen), list[k].rows, Stop{At: jet.MakeLogPos(gen, 0, 0)})
		}
	}
	restore("behind everything", last.rows, Stop{Time: last.at.AddDate(300, 0, 0)})
	restore("behind all positions", last.rows, Stop{At: jet.MakeLogPos(last.pos.Gen()+10, 5, 0)})
	restore("the earlier of both", list[3].rows, Stop{At: last.pos, Time: list[3].at})

	for what, stop := range map[string]Stop{
		"before the backup":            {Time: list[0].at.Add(-time.Minute)},
		"before the backup's end":      {At: jet.MakeLogPos(1, 5, 0)},
		"before the backup's last log": {At: jet.MakeLogPos(list[0].pos.Gen()-2, 0, 0)},
	} {
		if err := w.restoreSet("/never", func(o *RestoreOptions) { o.Stop = stop }); jet.CodeOf(err) != jet.ErrEndingRestoreLogTooLow {
			t.Errorf("%s: %v", what, err)
		}
	}
	w.want(w.restoreSet("/never", func(o *RestoreOptions) { o.Stop.At = jet.MakeLogPos(-1, 5, 0) }), jet.ErrInvalidParameter)
}

// What was restored to a moment is a database like others: it takes changes, its first backup is a full one, and the logs
// of its former life are not mixed with those of the new one.
func TestLifeAfterPointInTime(t *testing.T) {
	w, sim, list := history(t)
	m := list[5]
	w.ok(w.restoreSet("/r", func(o *RestoreOptions) { o.Stop.Time = m.at }))
	for name := range snapshot(t, w.env.FS, "/r") {
		if name != "/r/app.edb" {
			t.Errorf("%s is there", name)
		}
	}
	again := startWorld(t, w.env, "/r")
	again.sim = sim
	s, err := again.inst.BeginSession()
	w.ok(err)
	_, err = s.AttachDatabase(0, "/r/app.edb", 0, 0)
	w.ok(err)
	wr := again.another()
	wr.rows = 500000
	wr.add(40)
	again.want(again.backup("/bk2", jet.BitBackupIncremental), jet.ErrMissingFullBackup)
	again.want(again.backup("/bk", jet.BitBackupIncremental), jet.ErrMissingFullBackup)
	again.ok(again.backup("/bk2", 0))
	wr.add(40)
	again.ok(again.backup("/bk2", jet.BitBackupIncremental))
	if got := again.restoreTo("/bk2", "/r2"); got != m.rows+80 {
		t.Errorf("%d rows", got)
	}
	wr.add(20)
	again.ok(again.inst.Log().FlushAll())
	env := sim.Crash(simdisk.Crash{Unsynced: simdisk.LoseAll})
	after := &world{t: t, env: env}
	if got := after.rowsIn("/r"); got != m.rows+100 {
		t.Errorf("%d rows after a crash", got)
	}
}

// Logs of the instance that go beyond the stop are never mixed with what was restored.
func TestFutureLogs(t *testing.T) {
	w, sim, list := history(t)
	copyLogs := func(to string, current bool) {
		w.ok(w.env.FS.Mkdir(to))
		for name, data := range snapshot(t, w.env.FS, "/w") {
			if base := baseName(name); strings.HasPrefix(base, "edb") && strings.HasSuffix(base, ".log") && (current || base != "edb.log") {
				w.ok(sim.WriteFile(to+"/"+base, []byte(data)))
			}
		}
	}
	last := list[len(list)-1]
	copyLogs("/r1", true)
	before := snapshot(t, w.env.FS, "/r1")
	for _, stop := range []Stop{{Time: list[5].at}, {At: list[5].pos}, {At: jet.MakeLogPos(list[5].pos.Gen(), 0, 0)}, {At: last.pos}} {
		w.want(w.restoreSet("/r1", func(o *RestoreOptions) { o.Stop = stop }), jet.ErrFileAlreadyExists)
	}
	if got := snapshot(t, w.env.FS, "/r1"); fmt.Sprint(names(got)) != fmt.Sprint(names(before)) {
		t.Errorf("files %v, before %v", names(got), names(before))
	}
	// A stop behind all of them leaves out nothing: the logs go on.
	w.ok(w.restoreSet("/r1", func(o *RestoreOptions) { o.Stop.Time = last.at.AddDate(1, 0, 0) }))
	if got := w.rowsIn("/r1"); got != last.rows {
		t.Errorf("%d rows", got)
	}
}

// The report of a dry run, and what it does not do.
func TestDryRun(t *testing.T) {
	w, sim, list := history(t)
	report := func(dest string, change func(o *RestoreOptions)) (*restoreReport, error) {
		t.Helper()
		w.ok(w.env.FS.MkdirAll(dest))
		before := w.files()
		err := w.restoreSet(dest, func(o *RestoreOptions) {
			o.DryRun, o.Report = true, "/report.json"
			if change != nil {
				change(o)
			}
		})
		data, e := sim.ReadFile("/report.json")
		w.ok(e)
		w.ok(w.env.FS.Remove("/report.json"))
		if after := w.files(); after != before {
			t.Errorf("files %s, before %s", after, before)
		}
		p := new(restoreReport)
		w.ok(json.Unmarshal(data, p))
		if p.Result != int32(jet.CodeOf(err)) || !p.DryRun {
			t.Errorf("result %d, dry run %v, error %v", p.Result, p.DryRun, err)
		}
		return p, err
	}
	p, err := report("/r", nil)
	w.ok(err)
	if len(p.Databases) != 1 || p.Databases[0].To != "/r/app.edb" || p.Databases[0].Replaces || p.BytesNeeded == 0 || len(p.Logs) < 6 ||
		p.LeavesOut || len(p.Problems) > 0 || len(p.Missing) > 0 {
		t.Errorf("%+v", p)
	}
	p, err = report("/r", func(o *RestoreOptions) { o.Dest, o.Overwrite = "", true })
	w.ok(err)
	if p.Databases[0].To != "/w/app.edb" || !p.Databases[0].Replaces {
		t.Errorf("%+v", p.Databases)
	}
	_, err = report("/r", func(o *RestoreOptions) { o.Dest = "" })
	w.want(err, jet.ErrFileAlreadyExists)
	p, err = report("/r", func(o *RestoreOptions) { o.Stop.Time = list[5].at })
	w.ok(err)
	if !p.LeavesOut || p.StopTime == "" {
		t.Errorf("%+v", p)
	}
	_, err = report("/r", func(o *RestoreOptions) { o.Stop.At = jet.MakeLogPos(1, 5, 0) })
	w.want(err, jet.ErrEndingRestoreLogTooLow)

	// Everything wrong is told.
	low := p.Logs[0].Generation
	w.ok(sim.WriteFile("/r/app.edb", make([]byte, 8192)))
	bad := p.Databases[0].Bytes - 4096 + 100
	w.ok(sim.FlipBit("/bk/app.edb", bad, 1))
	_, err = report("/r", nil)
	w.want(err, jet.ErrBadPatchPage)
	w.ok(sim.FlipBit("/bk/app.edb", bad, 1))
	for bit := range uint(3) {
		w.ok(sim.FlipBit(fmt.Sprintf("/bk/edb%08X.log", low+1), 9000, bit))
	}
	p, err = report("/r", nil)
	w.want(err, jet.ErrLogCorruptDuringHardRestore)
	if len(p.Problems) != 2 || p.Problems[1].Code != int32(jet.ErrFileAlreadyExists) {
		t.Errorf("%+v", p.Problems)
	}
	w.ok(sim.Vanish(fmt.Sprintf("/bk/edb%08X.log", low+1)))
	p, err = report("/r", nil)
	w.want(err, jet.ErrFileNotFound)
	if len(p.Missing) != 1 || !strings.HasSuffix(p.Missing[0], fmt.Sprintf("edb%08X.log", low+1)) {
		t.Errorf("missing %v", p.Missing)
	}
}

// files lists the files of the machine with their sizes.
func (w *world) files() string {
	w.t.Helper()
	var list strings.Builder
	for _, dir := range []string{"/", "/r", "/bk", "/w"} {
		entries, err := w.env.FS.ReadDir(dir)
		w.ok(err)
		for _, e := range entries {
			fmt.Fprintf(&list, "%s/%s:%d ", dir, e.Name, e.Size)
		}
	}
	return list.String()
}
