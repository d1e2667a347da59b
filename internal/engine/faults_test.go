package engine

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"esent/internal/eventlog"
	"esent/internal/jet"
	"esent/internal/vfs/simdisk"
)

// told says that the operator was told of an event, and nothing worse than that of others but those in also.
func (m *machine) told(id int) {
	m.t.Helper()
	if !slices.Contains(m.log.IDs(), id) {
		m.t.Errorf("event %d is missing: %v", id, m.log.Events())
	}
}

// TestEventsOfPages damages a page of rows, reads all of them, and looks for what the operator is told.
func TestEventsOfPages(t *testing.T) {
	const pageSize = 4096
	for _, c := range []struct {
		name   string
		damage func(file []byte, at int)
		event  int
		code   jet.Err // of reading all rows
	}{
		{"one bit", func(b []byte, at int) { b[at+1000] ^= 4 }, eventlog.PageChecksumCorrected, jet.ErrNoCurrentRecord},
		{"many bits", func(b []byte, at int) { clear(b[at+1000 : at+1100]) }, eventlog.PageChecksumMismatch, jet.ErrReadVerifyFailure},
		{"no page", func(b []byte, at int) { clear(b[at : at+pageSize]) }, eventlog.PageDataMissing, jet.ErrPageNotInitialized},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := defectDesk(t)
			d.want(d.i.Term(0), 0)
			file, err := d.sim.ReadFile("/db/x.edb")
			d.want(err, 0)
			at := bytes.LastIndex(file, []byte(strings.Repeat("x", 900))) / pageSize * pageSize
			c.damage(file, at)
			d.want(d.sim.WriteFile("/db/x.edb", file), 0)
			d.restart()
			d.log.Reset()
			r := d.open(d.s, "t")
			for err = r.Move(r.s, MoveFirst, 0); err == nil; err = r.Move(r.s, 1, 0) {
				r.value("text")
			}
			d.want(err, c.code)
			d.told(c.event)
		})
	}
}

// TestEventsOfFaults has operations on files fail while the engine works.
func TestEventsOfFaults(t *testing.T) {
	for _, c := range []struct {
		name   string
		fault  simdisk.Fault
		work   func(d *desk, r *row)
		events []int
	}{
		{"reading a page", simdisk.Fault{Ops: simdisk.OpRead, Glob: "x.edb"}, func(d *desk, r *row) {
			d.want(r.Move(r.s, MoveLast, 0), jet.ErrDiskIO)
		}, []int{eventlog.FileReadError}},
		{"writing pages", simdisk.Fault{Ops: simdisk.OpWrite, Glob: "x.edb"}, func(d *desk, r *row) {
			d.fill(300, 310)
			for _, base := range d.i.attached() {
				d.want(d.i.cache.FlushDB(base.pages), jet.ErrDiskIO)
				d.want(d.i.cache.FlushDB(base.pages), jet.ErrDiskIO)
			}
		}, []int{eventlog.FileWriteError}},
		{"growing", simdisk.Fault{Ops: simdisk.OpTruncate, Glob: "x.edb", Err: jet.ErrDiskFull}, func(d *desk, r *row) {
			d.begin(d.s)
			err := error(nil)
			for id := 1000; err == nil; id++ {
				err = r.insert("id", id, "text", strings.Repeat("x", 900))
			}
			d.want(err, jet.ErrDiskFull)
		}, []int{eventlog.DiskFull}},
		{"making logs", simdisk.Fault{Ops: simdisk.OpTruncate, Glob: "edbtmp.log", Err: jet.ErrDiskFull}, func(d *desk, r *row) {
			err := error(nil)
			for id := 1000; err == nil; id++ {
				d.begin(d.s)
				if err = r.insert("id", id, "text", strings.Repeat("x", 900)); err == nil {
					d.want(d.s.CommitTransaction(0, 0, 0, nil), 0)
				}
			}
			d.want(err, jet.ErrLogDiskFull)
		}, []int{eventlog.LowLogDiskSpace}},
		{"writing the log", simdisk.Fault{Ops: simdisk.OpWrite, Glob: "edb.log", Err: jet.ErrDiskFull}, func(d *desk, r *row) {
			d.begin(d.s)
			d.want(r.insert("id", 1000, "text", "x"), 0)
			d.want(d.s.CommitTransaction(0, 0, 0, nil), jet.ErrLogDiskFull)
			d.want(d.s.BeginTransaction(0, 0), jet.ErrInstanceUnavailableDueToFatalLogDiskFull)
		}, []int{eventlog.LogDiskFull, eventlog.LogDown}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := defectDesk(t)
			r := d.open(d.s, "t")
			d.log.Reset()
			d.sim.Inject(c.fault)
			c.work(d, r)
			for _, id := range c.events {
				d.told(id)
				if n := len(slices.DeleteFunc(d.log.IDs(), func(x int) bool { return x != id })); n != 1 {
					t.Errorf("event %d comes %d times", id, n)
				}
			}
		})
	}
}

// TestEventsOfLogs damages the log that recovery replays.
func TestEventsOfLogs(t *testing.T) {
	const segment = 4096
	for _, c := range []struct {
		name   string
		damage func(log []byte, last int) // last is the offset of the last segment in use
		event  int
		code   jet.Err // of JetInit
	}{
		{"torn", func(b []byte, last int) { clear(b[last+44 : last+segment]) }, eventlog.LogTornWriteSoftRecovery, 0},
		{"damaged", func(b []byte, last int) { clear(b[last-2*segment+100 : last-2*segment+300]) }, eventlog.LogCorruptSoftRecovery, jet.ErrLogFileCorrupt},
		{"header", func(b []byte, last int) { b[20] ^= 0x55 }, eventlog.LogHeaderReadError, jet.ErrLogFileCorrupt},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := defectDesk(t)
			d.fill(300, 305)
			d.fill(305, 310)
			d.fill(310, 315)
			d.crash(simdisk.KeepAll)
			log, err := d.sim.ReadFile("/db/edb.log")
			d.want(err, 0)
			last := len(bytes.TrimRight(log, "\x00")) / segment * segment
			c.damage(log, last)
			d.want(d.sim.WriteFile("/db/edb.log", log), 0)
			_, err = d.instance("a", "/db").Init(InitOptions{})
			d.want(err, c.code)
			d.told(c.event)
		})
	}
}
