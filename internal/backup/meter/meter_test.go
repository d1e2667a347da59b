package meter

import (
	"errors"
	"testing"
	"time"
)

// A watcher is called for each hundredth, and each 100 ms of slow work.
func TestWatch(t *testing.T) {
	now := time.Unix(0, 0)
	var seen []Position
	m := New(func() time.Time { return now }, func(p Position) error {
		seen = append(seen, p)
		return nil
	})
	m.Expect(10000, 10)
	step := func(bytes int64, took time.Duration) {
		t.Helper()
		now = now.Add(took)
		if err := m.Add(bytes, 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Enter(Databases, "x.edb"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		bytes int64
		took  time.Duration
		calls int
	}{{99, 0, 1}, {1, 0, 2}, {50, 0, 2}, {10, due - 1, 2}, {10, 1, 3}, {30, 0, 4}, {500, 0, 5}} {
		if step(c.bytes, c.took); len(seen) != c.calls {
			t.Errorf("%d bytes after %v: %d calls, want %d", c.bytes, c.took, len(seen), c.calls)
		}
	}
	now = now.Add(Interval)
	for range 2 {
		if err := m.Pulse(); err != nil || len(seen) != 6 {
			t.Errorf("%d calls after a pause, %v", len(seen), err)
		}
	}
	step(20000, 0)
	last := Position{Databases, 20700, 20700, 0, 10, "x.edb"}
	if p := m.Position(); p != last || seen[len(seen)-1] != last {
		t.Errorf("beyond the total: %+v", p)
	}
}

// What the watcher says ends the work.
func TestCancel(t *testing.T) {
	stop := errors.New("stop")
	m := New(time.Now, func(Position) error { return stop })
	if err := m.Enter(Logs, ""); err != stop {
		t.Error(err)
	}
	m.Expect(100, 0)
	if err := m.Add(1, 0); err != stop {
		t.Error(err)
	}
	var none Meter
	if none.Add(5, 1) != nil || none.Enter(Logs, "") != nil || none.Pulse() != nil || none.Position().BytesTotal != 5 {
		t.Error("the zero meter")
	}
}
