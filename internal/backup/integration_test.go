package backup

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"

	"esent/internal/engine"
	"esent/internal/engine/dbfile"
	"esent/internal/engine/recovery"
	"esent/internal/eventlog"
	"esent/internal/jet"
	"esent/internal/logstore"
	"esent/internal/vfs"
	"esent/internal/vfs/simdisk"
)

func TestRoundTrip(t *testing.T) {
	for _, atomic := range []jet.Grbit{0, jet.BitBackupAtomic} {
		w, _ := newSimWorld(t)
		w.w.add(2000)
		w.ok(w.backup("/bk", atomic))
		full := w.w.rows
		if got := w.restoreTo("/bk", "/r1"); got != full {
			t.Errorf("full: %d rows of %d", got, full)
		}
		w.w.add(1000)
		w.ok(w.backup("/bk", atomic|jet.BitBackupIncremental))
		first := w.w.rows
		w.w.add(1000)
		w.ok(w.backup("/bk", atomic|jet.BitBackupIncremental))
		if got := w.restoreTo("/bk", "/r2"); got != w.w.rows {
			t.Errorf("incremental: %d rows of %d, %d at the one before", got, w.w.rows, first)
		}
		if got := w.ids(); got != "210 220 221 223 224 213 211 223 224 213 211 223 224 213" {
			t.Errorf("events %s", got)
		}
	}
}

// A set restores to the end of its last log: without the later ones to an earlier state.
func TestChainPrefixes(t *testing.T) {
	w, sim := newSimWorld(t)
	w.w.add(500)
	w.ok(w.backup("/bk", 0))
	type state struct {
		rows int
		high int32
	}
	states := []state{{w.w.rows, w.inst.Log().EndPos().Gen() - 1}}
	for range 4 {
		w.w.add(300)
		w.ok(w.backup("/bk", jet.BitBackupIncremental))
		states = append(states, state{w.w.rows, w.inst.Log().EndPos().Gen() - 1})
	}
	for k := len(states) - 1; k >= 0; k-- {
		logs, err := logstore.FindLogs(w.env.FS, "/bk", w.inst.Log().Naming())
		w.ok(err)
		for _, a := range logs.Archives {
			if a.Gen > states[k].high {
				w.ok(sim.Vanish("/bk/" + a.Name))
			}
		}
		if got := w.restoreTo("/bk", fmt.Sprint("/r", k)); got != states[k].rows {
			t.Errorf("set up to generation %d: %d rows, want %d", states[k].high, got, states[k].rows)
		}
	}
}

// The logs of the instance follow those of the set: nothing is lost but what was not committed.
func TestRollForward(t *testing.T) {
	w, sim := newSimWorld(t)
	w.w.add(1000)
	w.ok(w.backup("/bk", 0))
	w.w.add(1500)
	w.ok(w.inst.Term(0))
	w.ok(sim.Vanish(w.database()))
	i := w.instance("again", w.dir)
	w.ok(w.svc.RestoreInstance(w.proc, i, "/bk", "", nil))
	if got := w.countRows(i); got != w.w.rows {
		t.Errorf("%d rows of %d", got, w.w.rows)
	}
}

// Four writers commit while full backups are made: no call of theirs fails, and what is restored is what was
// committed at one moment during the backup.
func TestBackupUnderLoad(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t, vfs.System(), path.Join(dir, "w"))
	w.w.add(3000)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	var rows [4]int
	var mu sync.Mutex
	counts := func() (n int) {
		mu.Lock()
		defer mu.Unlock()
		for _, r := range rows {
			n += r
		}
		return n + 3000
	}
	for k := range rows {
		r := w.another()
		wg.Go(func() {
			for n := 1; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				err := r.s.BeginTransaction(0, 0)
				for i := range 20 {
					if err == nil {
						err = r.insert(1e6*(k+1) + n*20 + i)
					}
				}
				if err == nil {
					err = r.s.CommitTransaction(0, 0, 0, nil)
				}
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				rows[k] += 20
				mu.Unlock()
			}
		})
	}
	for k := range 3 {
		before := counts()
		bk := path.Join(dir, "bk")
		w.ok(w.backup(bk, jet.BitBackupAtomic))
		after := counts() + 4*20
		got := w.restoreTo(bk, path.Join(dir, fmt.Sprint("r", k)))
		if got < before || got > after {
			t.Errorf("%d rows, %d before and %d after the backup", got, before, after)
		}
	}
	close(stop)
	wg.Wait()
	w.ok(w.inst.Term(0))
}

// What the application may do while its backup is in a callback (spec chapter 06, 5.12).
func TestDuringBackup(t *testing.T) {
	w, _ := newSimWorld(t)
	w.w.add(300)
	other := w.another()
	w.ok(vfsWrite(w.env.FS, "/w/loose.edb"))
	called := false
	err := w.svc.Backup(Of(w.inst), "/bk", 0, func(snt, _, _ uint32) {
		if snt != jet.SntBegin {
			return
		}
		called = true
		_, err := other.s.AttachDatabase(0, "/w/loose.edb", 0, 0)
		w.want(err, jet.ErrBackupInProgress)
		_, err = other.s.AttachDatabase(0, "/w/none.edb", 0, 0)
		w.want(err, jet.ErrFileNotFound)
		w.want(other.s.DetachDatabase(0, w.database(), 0), jet.ErrBackupInProgress)
		w.want(w.backup("/bk2", 0), jet.ErrBackupInProgress)
		w.want(w.svc.BeginExternal(Of(w.inst), 0), jet.ErrBackupInProgress)
		_, err = other.s.CreateDatabase(0, "/w/new.edb", 0, 0)
		w.ok(err)
		other.rows = 5000
		other.add(100)
	})
	w.ok(err)
	if !called {
		t.Error("no callback")
	}
	if s, err := findSet(w.env.FS, "/bk"); err != nil || len(s.databases) != 2 {
		t.Errorf("set %+v, %v", s, err)
	}
	if got := w.restoreTo("/bk", "/r"); got != 400 {
		t.Errorf("%d rows", got)
	}
	// A database that comes later keeps the logs.
	w.ids()
	w.w.add(300)
	_, err = other.s.CreateDatabase(0, "/w/third.edb", 0, 0)
	w.ok(err)
	w.want(w.backup("/bk", jet.BitBackupIncremental), jet.ErrMissingFullBackup)
	if got := w.ids(); got != "206" {
		t.Errorf("events %s", got)
	}
}

func vfsWrite(fsys vfs.FS, file string) error {
	f, err := fsys.Open(file, vfs.Create)
	if err != nil {
		return err
	}
	return errors.Join(f.WriteAt(make([]byte, 8192), 0), f.Close())
}

// JetStopService does not end a backup, JetTerm does.
func TestStopServiceAndTerm(t *testing.T) {
	w, _ := newSimWorld(t)
	w.w.add(300)
	w.ok(w.svc.Backup(Of(w.inst), "/bk", 0, func(snt, _, _ uint32) {
		if snt == jet.SntBegin {
			w.ok(w.inst.StopService(jet.BitStopServiceAll))
		}
	}))
	w.want(w.backup("/bk2", 0), jet.ErrClientRequestToStopJetService)
	w.want(w.svc.Stop(Of(w.inst)), jet.ErrClientRequestToStopJetService)
	w.ok(w.inst.Term(0))
	w.want(w.backup("/bk2", 0), jet.ErrNotInitialized)

	// Terminating from another thread while the backup is in its callback.
	w = newWorld(t, vfs.System(), path.Join(t.TempDir(), "w"))
	w.w.add(300)
	done := make(chan error)
	err := w.svc.Backup(Of(w.inst), path.Join(w.dir, "bk"), jet.BitBackupAtomic, func(snt, _, _ uint32) {
		if snt == jet.SntBegin {
			w.want(w.inst.Term(jet.BitTermComplete), jet.ErrBackupInProgress)
			go func() { done <- w.inst.Term(jet.BitTermAbrupt) }()
			for Of(w.inst).BackupStopped() == nil {
			}
		}
	})
	w.want(err, jet.ErrTermInProgress)
	w.ok(<-done)
	if got := w.ids(); !strings.HasSuffix(got, "210 215") && !strings.HasSuffix(got, "222 215") {
		t.Errorf("events %s", got)
	}
	if ok, err := vfs.Exists(w.env.FS, path.Join(w.dir, "bk")); ok || err != nil {
		t.Error("the directory stays", err)
	}
}

// A streaming backup between two calls is ended by JetTerm; one refused by a backup leaves no backup allowed.
func TestTermEndsStreaming(t *testing.T) {
	w, _ := newSimWorld(t)
	e := Of(w.inst)
	w.ok(w.svc.BeginExternal(e, 0))
	w.want(w.inst.Term(jet.BitTermComplete), jet.ErrBackupInProgress)
	w.ok(w.svc.EndExternal(e, jet.BitBackupEndAbort))
	w.want(w.backup("/bk", 0), jet.ErrBackupNotAllowedYet)
	w.want(w.svc.BeginExternal(e, 0), jet.ErrBackupNotAllowedYet)

	w, _ = newSimWorld(t)
	w.ok(w.svc.BeginExternal(Of(w.inst), 0))
	w.ok(w.inst.Term(jet.BitTermStopBackup))
	if got := w.ids(); got != "210 226" {
		t.Errorf("events %s", got)
	}
	w.want(w.svc.EndExternal(Of(w.inst), jet.BitBackupEndNormal), jet.ErrNotInitialized)
	if len(w.svc.streaming) != 0 {
		t.Error("the backup stays known")
	}
}

// While JetInit runs the answer is that it is too early.
func TestBackupDuringInit(t *testing.T) {
	w, sim := newSimWorld(t)
	w.w.add(300)
	env := sim.Crash(simdisk.Crash{Unsynced: simdisk.KeepAll})
	w = &world{t: t, env: env, dir: "/w", events: &eventlog.Recorder{}, svc: New()}
	w.proc = engine.NewProcess(env, w.events)
	i := w.instance("again", "/w")
	w.want(w.svc.Backup(Of(i), "/bk", 0, nil), jet.ErrNotInitialized)
	calls := 0
	_, err := i.Init(engine.InitOptions{Control: func(c *recovery.Control) error {
		calls++
		w.want(w.svc.Backup(Of(i), "/bk", 0, nil), jet.ErrBackupNotAllowedYet)
		return c.Default
	}})
	w.ok(err)
	if calls == 0 {
		t.Error("no callback")
	}
}

// The headers are stamped, and a crash before they are written costs nothing: recovery repeats it.
func TestStamp(t *testing.T) {
	w, sim := newSimWorld(t)
	w.w.add(1000)
	w.ok(w.backup("/bk", 0))
	h, err := dbfile.ReadFileHeader(w.env.FS, w.database())
	w.ok(err)
	if h.FullPrev.GenLow == 0 || h.FullPrev.GenHigh == 0 || h.FullPrev.Mark == 0 {
		t.Fatalf("%+v", h.FullPrev)
	}
	w.w.add(500)
	w.ids()
	sim.SetHook(func(op simdisk.OpInfo) error {
		if op.Op == simdisk.OpWrite && op.Path == w.database() && slices.Contains(w.events.IDs(), eventlog.StopBackup) {
			return jet.ErrDiskIO
		}
		return nil
	})
	w.ok(w.backup("/bk", jet.BitBackupIncremental))
	if got := w.ids(); !strings.HasSuffix(got, " 213 219") {
		t.Errorf("events %s", got)
	}
	w.ok(w.inst.Log().FlushAll())
	sim.SetHook(nil)
	sim.Crash(simdisk.Crash{Unsynced: simdisk.LoseAll})
	again := startWorld(t, sim.Env(), "/w")
	s, err := again.inst.BeginSession()
	w.ok(err)
	_, err = s.AttachDatabase(0, w.database(), 0, 0)
	w.ok(err)
	h, err = dbfile.ReadFileHeader(sim.Env().FS, w.database())
	w.ok(err)
	if h.IncPrev.GenHigh <= h.FullPrev.GenHigh || h.IncPrev.Mark == 0 {
		t.Errorf("full %+v, incremental %+v", h.FullPrev, h.IncPrev)
	}
}

// A copy is no database: it can be neither attached nor recovered.
func TestCopyIsRefused(t *testing.T) {
	w, _ := newSimWorld(t)
	w.w.add(300)
	w.ok(w.backup("/bk", 0))
	w.events.Reset()
	_, err := w.w.s.AttachDatabase(0, "/bk/app.edb", 0, 0)
	w.want(err, jet.ErrSoftRecoveryOnBackupDatabase)
	_, err = w.w.s.AttachDatabase(0, "/bk/app.edb", 0, jet.BitDbReadOnly)
	w.want(err, jet.ErrSoftRecoveryOnBackupDatabase)
	if got := w.ids(); got != "619" {
		t.Errorf("events %s", got)
	}
}

// Databases that the log does not follow are left out; one that is open exclusively cannot be read.
func TestLeftOut(t *testing.T) {
	w, _ := newSimWorld(t)
	_, err := w.w.s.CreateDatabase(0, "/w/unlogged.edb", 0, jet.BitDbRecoveryOff)
	w.ok(err)
	w.ok(w.backup("/bk", 0))
	if s, err := findSet(w.env.FS, "/bk"); err != nil || len(s.databases) != 1 {
		t.Errorf("set %+v, %v", s, err)
	}
	x, err := w.w.s.CreateDatabase(0, "/w/x.edb", 0, 0)
	w.ok(err)
	w.ok(w.w.s.CloseDatabase(0, x))
	_, err = w.w.s.OpenDatabase(0, "/w/x.edb", jet.BitDbExclusive)
	w.ok(err)
	w.ids()
	w.want(w.backup("/bk2", 0), jet.ErrDatabaseLocked)
	if got := w.ids(); got != "210 220 221 217 215" {
		t.Errorf("events %s", got)
	}
}
