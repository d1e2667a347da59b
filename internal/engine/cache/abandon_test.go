package cache

import (
	"errors"
	"sync"
	"testing"
	"time"

	"esent/internal/jet"
)

// Latches that a defect left behind keep nobody waiting once the cache is given up.
func TestAbandon(t *testing.T) {
	x := newFixture(t, 16, 10, 4096)
	x.update(t, 2)
	left, err := x.Lock(x.db, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { left.UnlockUnchanged() })
	writes := x.Stats().Writes
	var wg sync.WaitGroup
	wait := func(call func() error) {
		wg.Go(func() {
			if err := call(); !errors.Is(err, jet.ErrInstanceUnavailable) {
				t.Errorf("who waited got %v", err)
			}
		})
	}
	wait(func() error { _, _, err := x.Get(x.db, 1); return err })
	wait(func() error { _, err := x.Lock(x.db, 1); return err })
	wait(func() error { _, err := x.LockNew(x.db, 1); return err })
	time.Sleep(2 * time.Millisecond)
	x.Abandon()
	wait(func() error { _, _, err := x.Get(x.db, 1); return err })
	wait(func() error { return x.FlushDB(x.db) })
	wg.Wait()
	x.Purge(x.db, 1, 1)
	x.Halt()
	if n := x.Stats().Writes; n != writes {
		t.Errorf("%d pages written", n-writes)
	}
}
