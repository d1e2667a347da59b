package backup

import (
	"fmt"
	"path"
	"sync"
	"testing"

	"esent/internal/engine"
	"esent/internal/eventlog"
	"esent/internal/jet"
	"esent/internal/vfs"
)

// useIndexes starts an instance on a restored database and has each index used. It tells how many are there.
func (w *world) useIndexes(dest string, rows int, names ...string) (there int) {
	w.t.Helper()
	r := startWorld(w.t, w.env, dest)
	s, err := r.inst.BeginSession()
	w.ok(err)
	_, err = s.AttachDatabase(0, r.database(), 0, 0)
	w.ok(err)
	db, err := s.OpenDatabase(0, r.database(), 0)
	w.ok(err)
	c, err := s.OpenTable(0, db, "rows", 0)
	w.ok(err)
	for _, name := range names {
		err := c.SetCurrentIndex(s, name, nil, jet.BitMoveFirst, 1)
		if jet.CodeOf(err) == jet.ErrIndexNotFound {
			break
		}
		w.ok(err)
		there++
		n, step := 0, engine.MoveFirst
		for {
			err := c.Move(s, int32(step), 0)
			if jet.CodeOf(err) == jet.ErrNoCurrentRecord {
				break
			}
			w.ok(err)
			n, step = n+1, jet.MoveNext
		}
		if n != rows {
			w.t.Errorf("index %q has %d entries of %d", name, n, rows)
		}
	}
	w.ok(r.inst.Term(0))
	return there
}

// Indexes that are built in callbacks of a backup, in front of and behind what it has read already.
func TestIndexBuiltInBackup(t *testing.T) {
	w, _ := newSimWorld(t)
	w.w.add(2000)
	other := w.another()
	var names []string
	w.ok(w.svc.Backup(Of(w.inst), "/bk", 0, func(uint32, uint32, uint32) {
		name := fmt.Sprint("built ", len(names))
		w.ok(other.c.CreateIndex(other.s, []engine.IndexDef{{Name: name, Key: []byte("-text\x00+id\x00\x00")}}))
		names = append(names, name)
		w.settle()
	}))
	if len(names) < 4 {
		t.Errorf("%d callbacks", len(names))
	}
	if got := w.restoreTo("/bk", "/r"); got != 2000 {
		t.Errorf("%d rows", got)
	}
	// Those built while logs are copied come too late.
	if there := w.useIndexes("/r", 2000, names...); there < 3 {
		t.Errorf("%d indexes of %d", there, len(names))
	}
}

// Indexes that are built, and dropped, at the same time as backups are made.
func TestIndexBuiltBesideBackup(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t, vfs.System(), path.Join(dir, "w"))
	w.events = &eventlog.Recorder{}
	w.w.add(4000)
	other := w.another()
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for built := 0; ; built++ {
			select {
			case <-stop:
				if built > 0 {
					return
				}
			default:
			}
			for k := range 2 {
				err := other.c.CreateIndex(other.s, []engine.IndexDef{{Name: fmt.Sprint("built ", k), Key: []byte("-text\x00+id\x00\x00")}})
				if err != nil {
					t.Error(err)
					return
				}
			}
			for k := range 2 {
				if err := other.c.DeleteIndex(other.s, fmt.Sprint("built ", k)); err != nil {
					t.Error(err)
					return
				}
			}
		}
	})
	for k := range 3 {
		bk := path.Join(dir, fmt.Sprint("bk", k))
		w.ok(w.backup(bk, 0))
		if got := w.restoreTo(bk, path.Join(dir, fmt.Sprint("r", k))); got != 4000 {
			t.Errorf("%d rows", got)
		}
	}
	close(stop)
	wg.Wait()
	w.ok(w.inst.Term(0))
}
