package engine

import (
	"fmt"
	"testing"
	"time"

	"esent/internal/jet"
)

func TestDatabaseScan(t *testing.T) {
	d := newDesk(t)
	const start, endless, stop = jet.BitDatabaseScanBatchStart, jet.BitDatabaseScanBatchStartContinuous, jet.BitDatabaseScanBatchStop
	d.thin("t", 1000)
	calls := ""
	told := func(s *Session, db uint32, seconds int64, pages int32) {
		calls += fmt.Sprint(db == d.db, seconds >= 0, pages > 250, " ")
	}
	scan := func(o DatabaseScan) jet.Err { return jet.CodeOf(d.s.DatabaseScan(0, d.db, &o)) }
	for _, c := range []struct {
		o    DatabaseScan
		want jet.Err
	}{
		{DatabaseScan{}, jet.ErrInvalidGrbit},
		{DatabaseScan{Grbit: start | stop}, jet.ErrInvalidGrbit},
		{DatabaseScan{Grbit: start | endless}, jet.ErrInvalidGrbit},
		{DatabaseScan{Grbit: endless, Seconds: 1}, jet.ErrInvalidParameter},
		{DatabaseScan{Grbit: endless, Sleep: time.Second}, jet.ErrInvalidParameter},
		{DatabaseScan{Grbit: endless, Completed: told}, jet.ErrInvalidParameter},
		{DatabaseScan{Grbit: stop}, 0},
		{DatabaseScan{Grbit: start, Completed: told, Sleep: time.Millisecond}, 0},
		{DatabaseScan{Grbit: start}, jet.ErrDatabaseAlreadyRunningMaintenance},
		{DatabaseScan{Grbit: stop}, 0},
		{DatabaseScan{Grbit: start, Completed: told}, 0},
	} {
		if got := scan(c.o); got != c.want {
			t.Errorf("%+v: %v, want %v", c.o, got, c.want)
		}
	}
	d.sim.RunAll()
	d.expect(calls, "true true true ")
	if got := scan(DatabaseScan{Grbit: endless}); got != 0 {
		t.Error(got)
	}
	d.sim.RunAll()
	d.judge() // JetTerm ends it
}

// TestScanFindsDamage has a scan tell of a page that nobody reads.
func TestScanFindsDamage(t *testing.T) {
	d := newDesk(t)
	d.thin("t", 1000)
	d.want(d.s.CloseDatabase(0, d.db), 0)
	d.want(d.s.DetachDatabase(0, "/db/x.edb", 0), 0)
	file, err := d.sim.ReadFile("/db/x.edb")
	d.want(err, 0)
	copy(file[4096*(1+99)+100:], "damage")
	d.want(d.sim.WriteFile("/db/x.edb", file), 0)
	_, err = d.s.AttachDatabase(0, "/db/x.edb", 0, jet.BitDbEnableBackgroundMaintenance)
	d.want(err, 0)
	base := d.i.attached()[0]
	for range 200 {
		d.sim.Advance(20 * time.Millisecond)
		d.sim.RunAll()
	}
	base.scan.mu.Lock()
	next, due := base.scan.pass.next, base.scan.pass.due
	base.scan.mu.Unlock()
	if next != 1 || due.Before(d.sim.Env().Now()) {
		t.Errorf("the scan is at page %d", next)
	}
	d.told(474)
	d.want(d.i.Term(0), 0)
}
