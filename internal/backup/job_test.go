package backup

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"esent/internal/backup/meter"
	"esent/internal/backup/stream"
	"esent/internal/jet"
	"esent/internal/vfs/simdisk"
)

// A stream holds the set that a directory would have got, and restores to what was committed.
func TestStreamRoundTrip(t *testing.T) {
	for _, level := range []int{stream.LevelNone, stream.LevelUsual} {
		w, _ := newSimWorld(t)
		w.w.add(2000)
		var out bytes.Buffer
		w.ok(w.svc.Make(Of(w.inst), Options{Stream: &out, Level: level}))
		rows := w.w.rows
		w.w.add(100)
		w.ok(stream.Unpack(w.env.FS, "/set", &out, nil))
		if got := w.restoreTo("/set", "/r"); got != rows {
			t.Errorf("level %d: %d rows of %d", level, got, rows)
		}
		if got := w.ids(); got != "210 220 221 223 224 213" {
			t.Errorf("events %s", got)
		}
	}
}

func TestStreamRefused(t *testing.T) {
	m := newMachine(t)
	m.database("/db/app.edb", 5)
	for _, c := range []struct {
		o    Options
		code jet.Err
	}{
		{Options{Stream: &bytes.Buffer{}, Grbit: jet.BitBackupIncremental}, jet.ErrInvalidGrbit},
		{Options{Stream: &bytes.Buffer{}, Grbit: jet.BitBackupAtomic}, jet.ErrInvalidGrbit},
		{Options{Stream: &bytes.Buffer{}, Dir: "/bk"}, jet.ErrInvalidParameter},
		{Options{Stream: &bytes.Buffer{}, Level: 23}, jet.ErrInvalidParameter},
		{Options{Dir: "/bk", BytesPerSecond: -1}, jet.ErrInvalidParameter},
	} {
		m.want(m.svc.Make(m.e, c.o), c.code)
	}
	if m.e.abort != nil || m.e.inside != 0 {
		t.Error("a backup runs")
	}
	if got := m.events(); got != "" {
		t.Errorf("events %s", got)
	}
	m.wantFiles("/bk", "")
}

// failingWriter takes n bytes.
type failingWriter struct{ n int }

func (f *failingWriter) Write(p []byte) (int, error) {
	if f.n -= len(p); f.n < 0 {
		return 0, jet.ErrDiskFull
	}
	return len(p), nil
}

// The stream's writer fails somewhere: that is the result, nothing is stamped and no log deleted.
func TestStreamFails(t *testing.T) {
	for _, level := range []int{stream.LevelNone, stream.LevelUsual} {
		var whole bytes.Buffer
		for n := -1; n < whole.Len(); n += 1 + whole.Len()/40 {
			m := newMachine(t)
			d := m.database("/db/app.edb", 300)
			m.rollTo(6)
			m.setCheckpoint(5)
			logs := m.archives()
			if n < 0 {
				m.ok(m.svc.Make(m.e, Options{Stream: &whole, Level: level}))
				continue
			}
			m.want(m.svc.Make(m.e, Options{Stream: &failingWriter{n}, Level: level}), jet.ErrDiskFull)
			if got := m.archives(); !slices.Equal(got[:len(logs)], logs) {
				t.Fatalf("writer fails at %d: logs were %v, are %v", n, logs, got)
			}
			if d.File().Header().FullPrev.GenHigh != 0 || m.e.abort != nil || m.e.inside != 0 || m.e.floor != 0 {
				t.Fatalf("writer fails at %d: stamped, or still running", n)
			}
		}
	}
}

// What is told: never falls, ends at the total, and is what others see from outside.
func TestWatch(t *testing.T) {
	m := newMachine(t)
	m.database("/db/app.edb", 600)
	m.rollTo(4)
	var seen []meter.Position
	m.ok(m.svc.Make(m.e, Options{Dir: "/bk", Watch: func(p meter.Position) error {
		if at, err := m.svc.Position(m.e); err != nil || at != p {
			t.Errorf("position %+v, %v, told %+v", at, err, p)
		}
		seen = append(seen, p)
		return nil
	}}))
	phases := map[meter.Phase]bool{}
	for i, p := range seen {
		phases[p.Phase] = true
		if i > 0 && (p.Bytes < seen[i-1].Bytes || p.Pages < seen[i-1].Pages || p.Phase < seen[i-1].Phase) || p.Bytes > p.BytesTotal || p.Pages > p.PagesTotal {
			t.Errorf("call %d: %+v after %+v", i, p, seen[max(i-1, 0)])
		}
	}
	if want := map[meter.Phase]bool{meter.Databases: true, meter.Logs: true, meter.Finish: true}; !maps.Equal(phases, want) {
		t.Errorf("phases %v", phases)
	}
	if last := seen[len(seen)-1]; last.Bytes != last.BytesTotal || last.Pages != 600 || last.PagesTotal != 600 {
		t.Errorf("at the end %+v", last)
	}
	if at, err := m.svc.Position(m.e); err != nil || at != (meter.Position{}) {
		t.Errorf("after the end %+v, %v", at, err)
	}
}

// A streaming backup has a position too.
func TestStreamingPosition(t *testing.T) {
	m := newMachine(t)
	m.database("/db/app.edb", 100)
	m.rollTo(3)
	m.ok(m.svc.BeginExternal(m.e, 0))
	h, size, err := m.svc.OpenFile(m.e, "/db/app.edb", 0)
	m.ok(err)
	_, err = m.svc.ReadFile(m.e, h, make([]byte, 10*fakePage))
	m.ok(err)
	want := meter.Position{Phase: meter.Databases, Bytes: 10 * fakePage, BytesTotal: size, Pages: 8, PagesTotal: 100, File: "/db/app.edb"}
	if at, err := m.svc.Position(m.e); err != nil || at != want {
		t.Errorf("position %+v, %v", at, err)
	}
	m.ok(m.svc.CloseFile(m.e, h))
	m.ok(m.svc.EndExternal(m.e, jet.BitBackupEndAbort))
	if at, err := m.svc.Position(m.e); err != nil || at != (meter.Position{}) {
		t.Errorf("after the end %+v, %v", at, err)
	}
}

// The watcher ends the backup at each of its calls: its error is the result, the directory is as before, no log is
// deleted.
func TestCancel(t *testing.T) {
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			for stop := 1; ; stop++ {
				m := s.build(t)
				before, logs := snapshot(t, m.env.FS, "/bk"), m.archives()
				calls := 0
				err := m.svc.Make(m.e, Options{Dir: "/bk", Grbit: s.grbit, Watch: func(meter.Position) error {
					if calls++; calls == stop {
						return jet.ErrOutOfMemory
					}
					return nil
				}})
				if calls < stop {
					m.ok(err)
					if stop < 5 {
						t.Errorf("%d calls", calls)
					}
					break
				}
				m.want(err, jet.ErrOutOfMemory)
				if calls > stop {
					t.Errorf("call %d: called again", stop)
				}
				after := snapshot(t, m.env.FS, "/bk")
				dropDebris(before, after)
				if !maps.Equal(before, after) {
					t.Fatalf("call %d: directory was %v, is %v", stop, names(before), names(after))
				}
				if got := m.archives(); !slices.Equal(got[:len(logs)], logs) {
					t.Fatalf("call %d: logs were %v, are %v", stop, logs, got)
				}
				if m.e.abort != nil || m.e.inside != 0 || m.e.floor != 0 {
					t.Fatalf("call %d: a backup runs", stop)
				}
			}
		})
	}
}

// A page that cannot be read is tried for 14 seconds: the watcher is called all the while, and is obeyed at once.
func TestWatchDuringRetries(t *testing.T) {
	for _, cancel := range []bool{false, true} {
		m := newMachine(t)
		m.database("/db/app.edb", 300)
		m.rollTo(3)
		m.sim.SetTick(0)
		m.sim.Inject(simdisk.Fault{Ops: simdisk.OpRead, Glob: "/db/app.edb", Skip: 1})
		last, longest, calls := m.sim.Now(), time.Duration(0), 0
		var told time.Time
		err := m.svc.Make(m.e, Options{Dir: "/bk", Watch: func(meter.Position) error {
			now := m.sim.Now()
			longest, last = max(longest, now.Sub(last)), now
			if calls++; cancel && calls == 30 {
				told = now
				return jet.ErrOutOfMemory
			}
			return nil
		}})
		if longest > meter.Interval || calls < 30 {
			t.Errorf("%d calls, %v between two", calls, longest)
		}
		if !cancel {
			m.want(err, jet.ErrDiskIO)
			if m.slept != 13600*time.Millisecond {
				t.Errorf("slept %v", m.slept)
			}
		} else {
			m.want(err, jet.ErrOutOfMemory)
			if took := m.sim.Now().Sub(told); took > meter.Interval {
				t.Errorf("it went on for %v", took)
			}
		}
		m.wantFiles("/bk", "")
		if d := m.e.databases[0].File(); !d.BeginWrite(257, 1) {
			t.Error("the pages are still locked")
		} else {
			d.EndWrite(257, 1)
		}
	}
}

// JetStopBackup ends a backup in a pause too.
func TestStopDuringRetries(t *testing.T) {
	m := newMachine(t)
	m.database("/db/app.edb", 300)
	m.rollTo(3)
	m.sim.Inject(simdisk.Fault{Ops: simdisk.OpRead, Glob: "/db/app.edb", Skip: 1})
	m.svc.Sleep = func(d time.Duration) {
		if m.slept += d; m.slept > time.Second {
			m.ok(m.svc.Stop(m.e))
		}
	}
	m.want(m.backup("/bk", 0), jet.ErrBackupAbortByServer)
	if m.slept > 1100*time.Millisecond {
		t.Errorf("slept %v", m.slept)
	}
}

// A limit is kept, whatever the size of what is read, and the watcher is called while it is waited.
func TestThrottle(t *testing.T) {
	for _, rate := range []int64{20 << 10, 500 << 10, 3 << 20} {
		m := newMachine(t)
		m.database("/db/app.edb", 700)
		m.rollTo(4)
		m.sim.SetTick(0)
		begun := m.sim.Now()
		last, longest := begun, time.Duration(0)
		var total int64
		m.ok(m.svc.Make(m.e, Options{Dir: "/bk", BytesPerSecond: rate, Watch: func(p meter.Position) error {
			now := m.sim.Now()
			longest, last, total = max(longest, now.Sub(last)), now, p.Bytes
			if took := now.Sub(begun).Seconds(); float64(p.Bytes) > (took+2)*float64(rate)+256*fakePage {
				t.Errorf("%d bytes after %.1f s", p.Bytes, took)
			}
			return nil
		}}))
		want := time.Duration(float64(total) / float64(rate) * float64(time.Second))
		if took := m.sim.Now().Sub(begun); took > want+want/50+time.Second || took < want-2*time.Second-want/50 {
			t.Errorf("%d bytes/s: %d bytes took %v, want %v", rate, total, took, want)
		}
		if longest > meter.Interval {
			t.Errorf("%d bytes/s: %v between two calls", rate, longest)
		}
	}
}

// JetBackup's own callback is told in hundredths, and what it says does not count: see backup-rules.
func TestStatusCalls(t *testing.T) {
	m := newMachine(t)
	m.database("/db/app.edb", 2000)
	m.rollTo(4)
	m.ok(m.backup("/bk", 0))
	last := 0
	for _, s := range m.status {
		var snt uint32
		var done, total int
		if n, err := fmt.Sscanf(s, "%d:%d/%d", &snt, &done, &total); n != 3 || err != nil || total != 100 {
			t.Fatal(s)
		}
		if snt == jet.SntProgress && done <= last {
			t.Errorf("%s after %d", s, last)
		}
		last = done
	}
	if len(m.status) < 6 {
		t.Errorf("status %v", m.status)
	}
}
