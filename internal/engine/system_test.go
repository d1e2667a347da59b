package engine

import (
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"esent/internal/eventlog"
	"esent/internal/jet"
	"esent/internal/vfs"
)

// TestSystem has several sessions work at once on the real file system with its goroutines, while databases come
// and go and the log rolls over.
func TestSystem(t *testing.T) {
	m := &machine{t: t, log: &eventlog.Recorder{}}
	m.proc = NewProcess(vfs.System(), m.log)
	m.set(nil, jet.ParamCacheSizeMax, 512)
	dir := t.TempDir()
	before := runtime.NumGoroutine()
	for range 2 {
		i, _ := m.start("a", dir)
		var wg sync.WaitGroup
		for k := range 4 {
			wg.Go(func() {
				if err := worker(i, fmt.Sprintf("%s/%d.edb", dir, k)); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		m.want(i.Term(0), 0)
	}
	if _, err := m.instance("b", dir+"/edb.log").Init(InitOptions{}); err == nil {
		t.Error("JetInit in a file")
	}
	for wait := 0; runtime.NumGoroutine() > before; wait++ {
		if wait == 100 {
			t.Fatalf("%d goroutines before, %d after", before, runtime.NumGoroutine())
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func worker(i *Instance, path string) error {
	s, err := i.BeginSession()
	if err != nil {
		return err
	}
	for round := range 5 {
		n, err := s.CreateDatabase(0, path, 0, jet.BitDbOverwriteExisting)
		if err != nil {
			return err
		}
		if _, err := s.GrowDatabase(0, n, uint32(300+100*round)); err != nil {
			return err
		}
		if err := s.CommitTransaction(0, jet.BitForceNewLog, 0, nil); err != nil {
			return err
		}
		if err := s.CloseDatabase(0, n); err != nil {
			return err
		}
		if err := s.DetachDatabase(0, path, 0); err != nil {
			return err
		}
		if _, err := s.AttachDatabase(0, path, 0, 0); err != nil {
			return err
		}
		if err := s.DetachDatabase(0, path, 0); err != nil {
			return err
		}
	}
	return s.End(0)
}
