package logstore

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"esent/internal/jet"
	"esent/internal/vfs"
	"esent/internal/vfs/simdisk"
)

// crashRun lives through many power cuts with one log stream: whatever was acknowledged is found again, and
// what is found is what was appended, from the start without a hole.
type crashRun struct {
	t     *testing.T
	seed  uint64
	sim   *simdisk.Sim
	r     *rand.Rand
	cfg   Config
	id    uint64
	trace []string

	// records are those that can be in the log; the first acked of them must be.
	records []appended
	acked   int
	created bool
}

func (c *crashRun) fatalf(format string, args ...any) {
	c.t.Helper()
	c.t.Fatalf("seed %d: %s\n%s", c.seed, fmt.Sprintf(format, args...), strings.Join(c.trace[max(0, len(c.trace)-30):], "\n"))
}

func (c *crashRun) note(format string, args ...any) {
	c.trace = append(c.trace, fmt.Sprintf(format, args...))
}

func (c *crashRun) append(l *Log, raw []byte) error {
	pos, end, err := l.Append(raw)
	if err == nil {
		c.records = append(c.records, appended{pos, end, bytes.Clone(raw)})
	}
	return err
}

func (c *crashRun) acknowledge(l *Log) {
	for c.acked < len(c.records) && c.records[c.acked].end <= l.DurablePos() {
		c.acked++
	}
}

// work appends and flushes until steps are done or the power goes.
func (c *crashRun) work(l *Log) {
	defer l.Abandon()
	for range 20 + c.r.IntN(200) {
		var err error
		switch n := c.r.IntN(20); {
		case n < 12:
			c.id++
			err = c.append(l, sized(nil, randomSize(c.r, 12000), c.id))
		case n < 16 && len(c.records) > 0:
			end := c.records[c.r.IntN(len(c.records))].end
			if c.r.IntN(3) > 0 {
				end = c.records[len(c.records)-1].end
			}
			if err = l.Flush(end); err == nil && l.DurablePos() < min(end, l.EndPos()) {
				c.fatalf("flushed to %s, durable to %s", end, l.DurablePos())
			}
		case n == 16:
			l.FlushSoon()
		case n == 17:
			c.sim.Step()
		case n == 18 && c.r.IntN(8) == 0:
			c.id++
			raw := sized(nil, 50, c.id)
			var pos, end jet.LogPos
			// Appended is not the same as durable: when it fails it may be in the log all the same.
			pos, end, err = l.AppendInNewGeneration(raw)
			if pos != 0 {
				c.records = append(c.records, appended{pos, end, raw})
			}
		case n == 19 && c.r.IntN(8) == 0 && l.Circular():
			l.SetCheckpoint(l.DurablePos())
		}
		c.acknowledge(l)
		if err != nil {
			if !c.sim.PowerIsOff() {
				c.fatalf("failed with the power on: %v", err)
			}
			return
		}
	}
	c.acknowledge(l)
}

// recover reads the stream and opens it; ok is false when the power went.
func (c *crashRun) recover() (l *Log, ok bool) {
	lost := func(err error) bool {
		if c.sim.PowerIsOff() {
			return true
		}
		c.fatalf("recovery: %v", err)
		return false
	}
	entries, resume, err := readStream(c.cfg.Env.FS, "/log", c.cfg.Naming, ScanCurrent)
	if err == io.EOF {
		if c.created {
			c.fatalf("no logs, but the stream was created")
		}
		l, err := Create(c.cfg, &testHost{}, jet.Signature{}, FirstGeneration)
		if err != nil {
			return nil, !lost(err)
		}
		c.created = true
		return l, true
	}
	if err != nil {
		return nil, !lost(err)
	}
	// Of the first generations circular logging may have left nothing.
	first, lowest := 0, resume.Header.Gen
	if d, err := FindLogs(c.cfg.Env.FS, "/log", c.cfg.Naming); err != nil {
		return nil, !lost(err)
	} else if low := d.Lowest(); low != 0 {
		lowest = low
	}
	for first < len(c.records) && c.records[first].pos.Gen() < lowest {
		first++
	}
	if n := first + len(entries); n < c.acked || n > len(c.records) || first > 0 && !c.cfg.Circular {
		c.fatalf("%d records read from the %dth on, %d appended, %d acknowledged, scan %+v", len(entries), first, len(c.records), c.acked, resume.Scan)
	}
	for i, e := range entries {
		w := c.records[first+i]
		if e.Pos != w.pos || e.End != w.end || !bytes.Equal(e.Raw, w.raw) {
			c.fatalf("record %d: read %s to %s (%d bytes, %s), appended %s to %s (%d bytes)", i, e.Pos, e.End, len(e.Raw), e.Rec.Type(), w.pos, w.end, len(w.raw))
		}
	}
	c.note("recovered %d of %d records, %d acknowledged, gen %d %+v", first+len(entries), len(c.records), c.acked, resume.Header.Gen, resume.Scan)
	c.records = c.records[:first+len(entries)]
	c.created = true
	l, err = Open(c.cfg, &testHost{}, resume, jet.MakeLogPos(resume.Header.Gen, 1, 0))
	if err != nil {
		return nil, !lost(err)
	}
	if err := c.append(l, (&RecoveryUndo{Time: jet.MakeLogTime(c.cfg.Env.Now())}).Append(nil)); err != nil {
		c.fatalf("first record: %v", err)
	}
	return l, true
}

func runCrashes(t *testing.T, seed uint64, rounds int) {
	c := &crashRun{t: t, seed: seed, r: rand.New(rand.NewPCG(seed, 99))}
	c.sim = simdisk.New(seed, simdisk.Options{StrictNames: seed%2 == 1})
	env := c.sim.Env()
	if err := env.FS.MkdirAll("/log"); err != nil {
		t.Fatal(err)
	}
	if err := env.FS.SyncDir("/"); err != nil {
		t.Fatal(err)
	}
	for range rounds {
		c.cfg = testConfig(env, "/log")
		c.cfg.Circular = seed%3 == 0
		c.cfg.SyncCreate = c.r.IntN(4) == 0
		c.sim.PowerOffAfter(c.r.IntN(60))
		if l, ok := c.recover(); ok && l != nil {
			c.work(l)
		}
		crash := simdisk.Crash{Unsynced: []simdisk.Survival{simdisk.LoseAll, simdisk.KeepAll, simdisk.Random, simdisk.Random, simdisk.Random}[c.r.IntN(5)]}
		if c.r.IntN(3) == 0 {
			crash.Unit = 4096
		}
		c.note("crash %+v", crash)
		env = c.sim.Crash(crash)
	}
}

func TestCrashes(t *testing.T) {
	seeds := uint64(150)
	if testing.Short() {
		seeds = 20
	}
	for seed := range seeds {
		runCrashes(t, seed, 12)
	}
}

// TestDiskFull fills the disk: the reserved logs carry on what has begun, new work is refused, and when there
// is space again everything goes on.
func TestDiskFull(t *testing.T) {
	sim := simdisk.New(1, simdisk.Options{Capacity: 6 * 64 << 10})
	env := sim.Env()
	if err := env.FS.MkdirAll("/log"); err != nil {
		t.Fatal(err)
	}
	cfg := testConfig(env, "/log")
	told := 0
	cfg.LowDisk = func() { told++ }
	l, err := Create(cfg, &testHost{}, jet.Signature{}, FirstGeneration)
	if err != nil {
		t.Fatal(err)
	}
	sim.RunAll()
	begin, rollback := (&Begin{Proc: 1, Levels: 1, Trx: 4}).Append(nil), (&Rollback{Proc: 1, Levels: 1}).Append(nil)
	for !l.LowOnDisk() {
		if _, err := l.Roll(1, "test"); err != nil {
			t.Fatal(err)
		}
		sim.RunAll()
	}
	if _, _, err := l.Append(begin); jet.CodeOf(err) != jet.ErrLogDiskFull {
		t.Errorf("new work: %v", err)
	}
	if _, _, err := l.Append(rollback); err != nil {
		t.Errorf("end of work: %v", err)
	}
	h, err := ReadHeader(env.FS, "/log/edb.log")
	if err != nil || h.Flags != LogReserveUsed {
		t.Errorf("flags %d, %v", h.Flags, err)
	}
	if told != 1 {
		t.Errorf("told %d times of the full disk", told)
	}
	sim.RunAll()
	sim.SetCapacity(100 << 20)
	sim.RunAll()
	if !l.LowOnDisk() {
		t.Error("the disk is looked at though nobody asks")
	}
	// The refusal is what has the disk looked at, but not all the time.
	for _, tries := range []int{1, 0} {
		sim.Advance(time.Duration(tries) * retryPeriod)
		if _, _, err := l.Append(begin); jet.CodeOf(err) != jet.ErrLogDiskFull {
			t.Fatalf("before the disk was looked at: %v", err)
		}
		if pending := len(sim.Pending()); pending != 1 {
			t.Errorf("%d tasks pending", pending)
		}
	}
	sim.RunAll()
	if _, _, err := l.Append(begin); err != nil || l.LowOnDisk() {
		t.Errorf("new work with space: %v", err)
	}
	// And without reserves the log is down.
	sim.SetCapacity(sim.Used())
	for err == nil {
		_, err = l.Roll(1, "test")
		sim.RunAll()
	}
	if jet.CodeOf(err) != jet.ErrLogDiskFull {
		t.Errorf("no reserve left: %v", err)
	}
	if _, _, err := l.Append(rollback); jet.CodeOf(err) != jet.ErrLogDiskFull {
		t.Errorf("log down: %v", err)
	}
	if err := l.Close(); err == nil {
		t.Error("Close says nothing")
	}
}

func TestWriteFailureIsFinal(t *testing.T) {
	sim := simdisk.New(1, simdisk.Options{})
	env := sim.Env()
	if err := env.FS.MkdirAll("/log"); err != nil {
		t.Fatal(err)
	}
	l, err := Create(testConfig(env, "/log"), &testHost{}, jet.Signature{}, FirstGeneration)
	if err != nil {
		t.Fatal(err)
	}
	_, end, err := l.Append(sized(nil, 100, 1))
	if err != nil {
		t.Fatal(err)
	}
	sim.Inject(simdisk.Fault{Ops: simdisk.OpSync, Glob: "edb.log", Count: 1})
	for range 2 {
		if err := l.Flush(end); jet.CodeOf(err) != jet.ErrLogWriteFail {
			t.Errorf("flush: %v", err)
		}
		if _, _, err := l.Append(sized(nil, 100, 1)); jet.CodeOf(err) != jet.ErrLogWriteFail {
			t.Errorf("append: %v", err)
		}
	}
	if l.Err() == nil || l.DurablePos() >= end {
		t.Errorf("%v, durable %s", l.Err(), l.DurablePos())
	}
	if err := l.Close(); jet.CodeOf(err) != jet.ErrLogWriteFail {
		t.Errorf("close: %v", err)
	}
}

// TestRollOverCutOff cuts the power at each step of a roll-over, has the next one fail where it makes the new log, and cuts
// the power again: where there is no current log, the temporary one still says why.
func TestRollOverCutOff(t *testing.T) {
	archived := 0
	for _, op := range []simdisk.Op{simdisk.OpSync, simdisk.OpWrite, simdisk.OpTruncate} {
		for n, cut := 0, true; cut; n++ {
			sim := simdisk.New(uint64(n), simdisk.Options{})
			env := sim.Env()
			if err := errors.Join(env.FS.MkdirAll("/log"), env.FS.SyncDir("/")); err != nil {
				t.Fatal(err)
			}
			l, err := Create(testConfig(env, "/log"), &testHost{}, jet.Signature{}, FirstGeneration)
			if err == nil {
				_, err = l.Roll(1, "the first generation is not empty")
			}
			if err != nil {
				t.Fatal(err)
			}
			sim.RunAll()
			sim.PowerOffAfter(n)
			_, err = l.Roll(1, "test")
			cut = err != nil
			_ = l.Abandon() // without power it fails
			env = sim.Crash(simdisk.Crash{Unsynced: simdisk.KeepAll})
			_, r, err := readStream(env.FS, "/log", NewNaming("edb", 3), ScanCurrent)
			if err != nil {
				t.Fatalf("step %d: %v", n, err)
			}
			if !r.Archived {
				continue
			}
			archived++
			if l, err = Open(testConfig(env, "/log"), &testHost{}, r, jet.MakeLogPos(1, 1, 0)); err != nil {
				t.Fatal(err)
			}
			fault := sim.Inject(simdisk.Fault{Ops: op, Glob: "edbtmp.log", Count: 1})
			if _, err := l.Roll(1, "test"); jet.CodeOf(err) != jet.ErrLogWriteFail || sim.Hits(fault) != 1 {
				t.Errorf("step %d: roll-over with a fault: %v, it struck %d times", n, err, sim.Hits(fault))
			}
			if err := l.Abandon(); err != nil {
				t.Error(err)
			}
			env = sim.Crash(simdisk.Crash{Unsynced: simdisk.KeepAll})
			if _, _, err := readStream(env.FS, "/log", NewNaming("edb", 3), ScanCurrent); err != nil {
				t.Errorf("step %d, afterwards: %v", n, err)
			}
		}
	}
	if archived == 0 {
		t.Error("no roll-over was left with the current log archived")
	}
}

// TestDamage damages a finished log in ways that are no torn write: each must be found.
func TestDamage(t *testing.T) {
	sim := simdisk.New(1, simdisk.Options{})
	env := sim.Env()
	if err := env.FS.MkdirAll("/log"); err != nil {
		t.Fatal(err)
	}
	l, err := Create(testConfig(env, "/log"), &testHost{}, jet.Signature{}, FirstGeneration)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 8 { // one segment each
		_, end, err := l.Append(sized(nil, 200+500*i, uint64(i)))
		if err == nil {
			err = l.Flush(end)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	good, err := vfs.ReadFile(env.FS, "/log/edb.log")
	if err != nil {
		t.Fatal(err)
	}
	junk := func(at int) func([]byte) { return func(b []byte) { copy(b[at:], "\x11\x22\x33\x44") } }
	for _, c := range []struct {
		name   string
		damage func([]byte)
		want   jet.Err
		last   uint16
	}{
		{"none", func([]byte) {}, jet.ErrSuccess, 8},
		{"one bit", func(b []byte) { b[2*SegmentSize+100] ^= 4 }, jet.ErrSuccess, 8},
		{"bytes in the middle", junk(2*SegmentSize + 100), jet.ErrLogFileCorrupt, 1},
		{"bytes in the last segment's records", junk(8*SegmentSize + 100), jet.ErrLogFileCorrupt, 7},
		{"bytes in the filler", junk(1*SegmentSize + 4000), jet.ErrLogFileCorrupt, 0},
		{"segment lost in the middle", func(b []byte) { clear(b[4*SegmentSize : 5*SegmentSize]) }, jet.ErrLogFileCorrupt, 3},
		{"half a segment lost in the middle", func(b []byte) { clear(b[4*SegmentSize : 4*SegmentSize+1024]) }, jet.ErrLogFileCorrupt, 3},
		{"last segment lost", func(b []byte) { clear(b[8*SegmentSize : 9*SegmentSize]) }, jet.ErrSuccess, 7},
		{"last segment torn", func(b []byte) { clear(b[8*SegmentSize+1024 : 9*SegmentSize-512]) }, jet.ErrSuccess, 7},
		{"last segment shadowed", func(b []byte) { copy(b[9*SegmentSize:], b[8*SegmentSize:9*SegmentSize]) }, jet.ErrSuccess, 8},
		{"last segment bad, shadow good", func(b []byte) {
			copy(b[9*SegmentSize:], b[8*SegmentSize:9*SegmentSize])
			junk(8*SegmentSize + 100)(b)
		}, jet.ErrSuccess, 8},
		{"last segment zero, shadow good", func(b []byte) {
			copy(b[9*SegmentSize:], b[8*SegmentSize:9*SegmentSize])
			clear(b[8*SegmentSize : 9*SegmentSize])
		}, jet.ErrSuccess, 7},
		{"segment of another place", func(b []byte) { copy(b[9*SegmentSize:], b[7*SegmentSize:8*SegmentSize]) }, jet.ErrLogFileCorrupt, 8},
	} {
		b := bytes.Clone(good)
		c.damage(b)
		if err := sim.WriteFile("/log/edb.log", b); err != nil {
			t.Fatal(err)
		}
		f, err := OpenFile(env.FS, "/log/edb.log", Expect{})
		if err != nil {
			t.Fatal(err)
		}
		res, err := f.Scan(ScanCurrent)
		if jet.CodeOf(err) != c.want || res.Last != c.last {
			t.Errorf("%s: last segment %d, %v; want %d, %v", c.name, res.Last, err, c.last, c.want)
		}
		n := 0
		for r := f.Records(0); ; n++ {
			if _, err := r.Next(); err != nil {
				break
			}
		}
		if n != int(res.Last) {
			t.Errorf("%s: %d records", c.name, n)
		}
		f.Close()
	}
}
