package backup

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"esent/internal/engine"
	"esent/internal/eventlog"
	"esent/internal/jet"
	"esent/internal/vfs"
)

// contents reads all files of a directory but the temporary database.
func contents(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, e := range list {
		if e.IsDir() || strings.HasPrefix(e.Name(), "tmp") {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = b
	}
	return files
}

// While an instance is frozen nothing of its files changes, commits wait and reads do not. The files as they are then
// recover to what was committed.
func TestSnapshotHoldsFilesStill(t *testing.T) {
	for _, circular := range []bool{false, true} {
		dir := filepath.Join(t.TempDir(), "w")
		if err := os.Mkdir(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		w := newWorld(t, vfs.System(), dir)
		w.inst.Log().SetCircular(circular)
		w.w.add(2000)
		other := w.another()
		id, err := w.svc.SnapshotPrepare(w.proc, jet.BitContinueAfterThaw)
		w.ok(err)
		list, err := w.svc.SnapshotFreeze(w.proc, id, 0)
		w.ok(err)
		if len(list) != 1 || len(list[0].Databases) != 1 || list[0].Databases[0] != w.database() {
			t.Errorf("frozen: %+v", list)
		}
		before, rows := contents(t, dir), w.w.rows
		// The commit that waits is visible already, so the rows are read as they were before it.
		w.ok(w.w.s.BeginTransaction(0, 0))
		done := make(chan error, 1)
		go func() {
			err := other.s.BeginTransaction(0, 0)
			for n := 0; n < 1000 && err == nil; n++ {
				err = other.insert(1e6 + n)
			}
			if err == nil {
				err = other.s.CommitTransaction(0, 0, 0, nil)
			}
			done <- err
		}()
		if got := w.w.verify(); got != rows {
			t.Errorf("%d rows while frozen, want %d", got, rows)
		}
		select {
		case err := <-done:
			t.Fatalf("committed while frozen: %v", err)
		case <-time.After(200 * time.Millisecond):
		}
		if got := w.w.verify(); got != rows { // the log is as full as it gets
			t.Errorf("%d rows while a writer waits, want %d", got, rows)
		}
		w.ok(w.w.s.CommitTransaction(0, 0, 0, nil))
		after := contents(t, dir)
		for name, b := range after {
			if !bytes.Equal(b, before[name]) {
				k, was := 0, before[name]
				for k < len(b) && k < len(was) && b[k] == was[k] {
					k++
				}
				t.Errorf("circular %v: %s has changed from byte %d on, %d bytes, were %d", circular, name, k, len(b), len(was))
			}
		}
		if len(after) != len(before) {
			t.Errorf("circular %v: %d files, were %d", circular, len(after), len(before))
		}
		w.want(w.w.s.DetachDatabase(0, w.database(), 0), jet.ErrBackupInProgress)
		w.want(w.backup(filepath.Join(dir, "bk"), 0), jet.ErrBackupInProgress)
		w.ok(w.svc.SnapshotThaw(id, 0))
		w.ok(<-done)
		w.ok(w.svc.SnapshotTruncate(id, nil, jet.BitAllDatabasesSnapshot))
		w.ok(w.svc.SnapshotEnd(id, 0))
		if h := w.inst.Databases()[0].File().Header(); h.FullPrev.GenHigh == 0 || h.FullPrevType != kindSnapshot {
			t.Errorf("the header tells of %+v", h.FullPrev)
		}
		w.ok(w.inst.Term(0))

		// The disk goes back to what it was.
		for name := range contents(t, dir) {
			w.ok(os.Remove(filepath.Join(dir, name)))
		}
		for name, b := range before {
			w.ok(os.WriteFile(filepath.Join(dir, name), b, 0o666))
		}
		w = &world{t: t, env: vfs.System(), dir: dir, events: &eventlog.Recorder{}, svc: New()}
		w.proc = engine.NewProcess(w.env, w.events)
		w.inst = w.instance("again", dir)
		if got := w.countRows(w.inst); got != rows {
			t.Errorf("circular %v: %d rows recovered, want %d", circular, got, rows)
		}
	}
}

// The order of calls, and who may take part.
func TestSnapshotSequence(t *testing.T) {
	w := newWorld(t, vfs.System(), t.TempDir())
	s := w.svc
	_, err := s.SnapshotPrepare(engine.NewProcess(vfs.System(), nil), 0)
	w.want(err, jet.ErrNotInitialized)
	_, err = s.SnapshotPrepare(w.proc, 0x100)
	w.want(err, jet.ErrInvalidGrbit)
	w.want(s.SnapshotThaw(77, 0), jet.ErrOSSnapshotInvalidSnapId)

	a, err := s.SnapshotPrepare(w.proc, jet.BitExplicitPrepare|jet.BitCopySnapshot|jet.BitContinueAfterThaw)
	w.ok(err)
	w.want(s.SnapshotThaw(a, 0), jet.ErrOSSnapshotInvalidSequence)
	w.want(s.SnapshotTruncate(a, nil, 0), jet.ErrOSSnapshotInvalidSequence)
	w.ok(s.SnapshotPrepareInstance(a, w.inst, 0))
	w.want(s.SnapshotPrepareInstance(a, w.inst, 0), jet.ErrOSSnapshotNotAllowed)
	b, err := s.SnapshotPrepare(w.proc, 0) // nobody is left for it
	w.ok(err)
	list, err := s.SnapshotFreeze(w.proc, b, 0)
	if err != nil || len(list) != 0 {
		t.Errorf("%v, %v", list, err)
	}
	w.ok(s.SnapshotThaw(b, 0))
	w.want(s.SnapshotEnd(b, 0), jet.ErrOSSnapshotInvalidSnapId)

	_, err = s.SnapshotFreeze(w.proc, a, 0)
	w.ok(err)
	w.want(s.SnapshotEnd(a, 0), jet.ErrOSSnapshotInvalidSequence)
	w.ok(s.SnapshotThaw(a, 0))
	w.want(s.SnapshotTruncate(a, nil, 0), jet.ErrOSSnapshotInvalidSequence) // a copy
	w.ok(s.SnapshotEnd(a, 0))

	inc := func() error {
		id, err := s.SnapshotPrepare(w.proc, jet.BitIncrementalSnapshot)
		w.ok(err)
		_, err = s.SnapshotFreeze(w.proc, id, 0)
		if err == nil {
			return s.SnapshotThaw(id, 0)
		}
		w.ok(s.SnapshotEnd(id, 0))
		return err
	}
	w.want(inc(), jet.ErrMissingFullBackup)
	full := func(abort bool) {
		id, err := s.SnapshotPrepare(w.proc, 0)
		w.ok(err)
		_, err = s.SnapshotFreeze(w.proc, id, 0)
		w.ok(err)
		if abort {
			w.ok(s.SnapshotAbort(id, 0))
		} else {
			w.ok(s.SnapshotThaw(id, 0))
		}
	}
	full(true)
	w.want(inc(), jet.ErrMissingFullBackup)
	full(false)
	w.ok(inc())
	w.w.add(10)
	w.ok(w.backup(t.TempDir(), 0))
}

// A freeze that lasts too long ends by itself; JetTerm ends one too.
func TestSnapshotTimeOutAndTerm(t *testing.T) {
	w := newWorld(t, vfs.System(), t.TempDir())
	w.ok(w.proc.SetParam(engine.ParamTarget{}, jet.ParamOSSnapshotTimeout, 30, ""))
	id, err := w.svc.SnapshotPrepare(w.proc, 0)
	w.ok(err)
	_, err = w.svc.SnapshotFreeze(w.proc, id, 0)
	w.ok(err)
	w.w.add(20)
	w.ok(w.w.s.CommitTransaction(0, jet.BitWaitLastLevel0Commit, 0, nil)) // until the time is over
	w.want(w.svc.SnapshotThaw(id, 0), jet.ErrOSSnapshotTimeOut)
	w.want(w.svc.SnapshotThaw(id, 0), jet.ErrOSSnapshotInvalidSnapId)
	if got := w.ids(); !strings.HasSuffix(got, "2005 2001 2004 2007") {
		t.Errorf("events %s", got)
	}
	w.ok(w.proc.SetParam(engine.ParamTarget{}, jet.ParamOSSnapshotTimeout, 70000, ""))
	id, err = w.svc.SnapshotPrepare(w.proc, 0)
	w.ok(err)
	_, err = w.svc.SnapshotFreeze(w.proc, id, 0)
	w.ok(err)
	w.ok(w.inst.Term(jet.BitTermStopBackup))
	w.ok(w.svc.SnapshotThaw(id, 0))
}

// Sessions that nobody comes back to keep neither instances that have ended nor timers.
func TestSnapshotSessionsLeft(t *testing.T) {
	w, _ := newSimWorld(t)
	for _, freeze := range []bool{false, true} {
		id, err := w.svc.SnapshotPrepare(w.proc, 0)
		w.ok(err)
		n := w.svc.snapshots.open[id]
		if freeze {
			_, err = w.svc.SnapshotFreeze(w.proc, id, 0)
			w.ok(err)
			n.timeOut(1)
		}
		w.ok(w.inst.Term(jet.BitTermAbrupt))
		w.inst = w.instance("next", "/next")
		_, err = w.inst.Init(engine.InitOptions{})
		w.ok(err)
		next, err := w.svc.SnapshotPrepare(w.proc, 0)
		w.ok(err)
		w.ok(w.svc.SnapshotAbort(next, 0))
		if len(n.members) > 0 || n.timer.task != nil {
			t.Errorf("frozen %v: %d instances, timer %v", freeze, len(n.members), n.timer.task)
		}
	}
}
