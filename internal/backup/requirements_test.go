package backup

import (
	"fmt"
	"path"
	"strings"
	"testing"

	"esent/internal/engine"
	"esent/internal/eventlog"
	"esent/internal/jet"
	"esent/internal/vfs"
	"esent/internal/vfs/simdisk"
)

// requirements has, for every sentence of the founding page (spec chapter 06, 2), the tests that prove it.
var requirements = map[string][]func(t *testing.T){
	"F1":  {TestBackupUnderLoad, TestConcurrentWriters, TestDuringBackup},
	"F2":  {TestSingleInstance},
	"F3":  {TestSingleInstance},
	"F4":  {TestFullBackup, TestDirectories},
	"F5":  {TestNoDirectory},
	"F6":  {TestPowerCut, TestFailure, TestEngineCrash},
	"F7":  {TestIncrementalChain},
	"F8":  {TestProgress, TestFullBackup},
	"F9":  {TestRefused, TestDuringBackup, TestTwoInstances},
	"F10": {TestBackupDuringInit},
	"F11": {TestStopServiceAndTerm},
	"F12": {TestUnavailable},
	"F13": {TestRefused},
	"F14": {TestRefused},
	"F15": {TestSingleInstance},
	"F16": {TestDirectories},
	"F17": {TestRefused, TestLoggingOff},
	"F18": {TestDamagedLogs},
	"F19": {TestRefused},
	"F20": {TestBackupDuringInit, TestStopServiceAndTerm},
	"F21": {TestDamagedPages},
	"F22": {TestStopServiceAndTerm, TestRestoreStates},
	"F23": nil, // the page lists an error that cannot occur
	"F24": {TestRoundTrip},
	"F25": {TestRoundTrip, TestFullBackup},
	"F26": {TestIncrementalChain, TestChainPrefixes},
	"F27": {TestFullBackup, TestIncrementalChain, TestOtherDatabases},
	"F28": {TestStamp, TestFullBackup},
	"F29": {TestFailure, TestFullDisk, TestDamagedPages, TestDamagedLogs},
	"F30": {TestFullBackup, TestIncrementalChain, TestDamagedPages, TestStop},
	"F31": {TestIncrementalNeedsFull},
	"F32": {TestRefused},
	"F33": {TestDirectories},
	"F34": {TestDirectories},
	"F35": {TestDamagedPages, TestDamagedLogs},
	"F36": {TestDamagedPages, TestDamagedLogs},
	"F37": {TestFullBackup, TestIncrementalChain},
	"F38": {TestCopyIsRefused},
}

func TestRequirements(t *testing.T) {
	for n := 1; n <= 38; n++ {
		if _, ok := requirements[fmt.Sprint("F", n)]; !ok {
			t.Errorf("F%d has no test", n)
		}
	}
}

// JetBackup means the one instance; without a mode, or with several instances, there is none.
func TestSingleInstance(t *testing.T) {
	env := simdisk.New(1, simdisk.Options{}).Env()
	w := &world{t: t, env: env, dir: "/w", events: &eventlog.Recorder{}, svc: New()}
	w.proc = engine.NewProcess(env, w.events)
	_, err := w.proc.Single()
	w.want(err, jet.ErrInvalidParameter)
	_, err = w.proc.Resolve(nil)
	w.want(err, jet.ErrInvalidParameter)
	i, err := w.proc.ForInit(nil, true)
	w.ok(err)
	w.configure(i, "/w")
	_, err = i.Init(engine.InitOptions{})
	w.ok(err)
	one, err := w.proc.Single()
	w.ok(err)
	w.ok(w.svc.Backup(Of(one), "/bk", 0, nil)) // nothing is attached
	if s := w.ids(); s != "210 223 225 213" {
		t.Errorf("events %s", s)
	}
	w.ok(i.Term(0))

	w.instance("a", "/a")
	_, err = w.proc.Single()
	w.want(err, jet.ErrRunningInMultiInstanceMode)
}

func TestUnavailable(t *testing.T) {
	w, _ := newSimWorld(t)
	w.inst.Panicked("test")
	w.want(w.backup("/bk", 0), jet.ErrInstanceUnavailable)

	w, sim := newSimWorld(t)
	sim.Inject(simdisk.Fault{Ops: simdisk.OpWrite, Glob: "/w/edb.log"})
	w.want(w.backup("/bk", 0), jet.ErrLogWriteFail) // the roll of the log fails
	if got := w.ids(); !strings.HasSuffix(got, " 215") {
		t.Errorf("events %s", got)
	}
	w.want(w.backup("/bk", 0), jet.ErrInstanceUnavailable)
}

func TestLoggingOff(t *testing.T) {
	env := simdisk.New(1, simdisk.Options{}).Env()
	w := &world{t: t, env: env, dir: "/w", events: &eventlog.Recorder{}, svc: New()}
	w.proc = engine.NewProcess(env, w.events)
	i := w.instance("a", "/w")
	w.ok(w.proc.SetParam(engine.ParamTarget{Instance: i}, jet.ParamRecovery, 0, "off"))
	_, err := i.Init(engine.InitOptions{})
	w.ok(err)
	for _, grbit := range []jet.Grbit{0, jet.BitBackupIncremental, jet.BitBackupAtomic, 0x80} {
		w.want(w.svc.Backup(Of(i), "/bk", grbit, nil), jet.ErrLoggingDisabled)
		w.want(w.svc.Backup(Of(i), "", grbit, nil), jet.ErrLoggingDisabled)
	}
	w.want(w.svc.BeginExternal(Of(i), 0), jet.ErrLoggingDisabled)
}

// Two instances are backed up at the same time.
func TestTwoInstances(t *testing.T) {
	dir := t.TempDir()
	a, b := newWorld(t, vfs.System(), path.Join(dir, "a")), newWorld(t, vfs.System(), path.Join(dir, "b"))
	a.w.add(100)
	b.w.add(200)
	svc := New()
	a.ok(svc.Backup(Of(a.inst), path.Join(dir, "bka"), 0, func(snt, _, _ uint32) {
		if snt == jet.SntBegin {
			b.ok(svc.Backup(Of(b.inst), path.Join(dir, "bkb"), 0, nil))
		}
	}))
	for set, rows := range map[string]int{"bka": 100, "bkb": 200} {
		if got := a.restoreTo(path.Join(dir, set), path.Join(dir, "r"+set)); got != rows {
			t.Errorf("%s: %d rows", set, got)
		}
	}
}

// TestEngineCrash cuts the power while an engine makes a backup: the database recovers with all rows, there is a set
// that can be restored, and the next backup works.
func TestEngineCrash(t *testing.T) {
	build := func() (*world, *simdisk.Sim) {
		w, sim := newSimWorld(t)
		w.w.add(400)
		w.ok(w.backup("/bk", jet.BitBackupAtomic))
		w.w.add(400)
		w.ok(w.inst.Log().FlushAll())
		return w, sim
	}
	w, sim := build()
	start := sim.Steps()
	w.ok(w.backup("/bk", jet.BitBackupAtomic))
	steps := sim.Steps() - start
	for n := 0; n < steps; n += max(1, steps/25) {
		w, sim := build()
		sim.PowerOffAfter(n)
		_ = w.backup("/bk", jet.BitBackupAtomic)
		env := sim.Crash(simdisk.Crash{Unsynced: simdisk.Random})
		r := &world{t: t, env: env, sim: sim}
		if got := r.restoreTo("/bk", "/r"); got != 400 && got != 800 {
			t.Errorf("step %d: %d rows restored", n, got)
		}
		again := startWorld(t, env, "/w")
		s, err := again.inst.BeginSession()
		again.ok(err)
		_, err = s.AttachDatabase(0, again.database(), 0, 0)
		again.ok(err)
		again.ok(again.backup("/bk", jet.BitBackupAtomic))
		again.ok(again.inst.Term(0))
		if got := again.restoreTo("/bk", "/r2"); got != 800 {
			t.Errorf("step %d: %d rows after the next backup", n, got)
		}
	}
}
