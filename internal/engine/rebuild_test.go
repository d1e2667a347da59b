package engine

import (
	"testing"

	"esent/internal/jet"
	"esent/internal/vfs/simdisk"
)

// TestRebuildAfterCutRecovery cuts the power during the end of a recovery, lets the next one end it, and then has the
// database built anew from the logs alone: the log must tell the same story as the header.
func TestRebuildAfterCutRecovery(t *testing.T) {
	stride := 1
	if testing.Short() {
		stride = 7
	}
	for n := 0; ; n += stride {
		m := &machine{t: t, sim: simdisk.New(uint64(n), simdisk.Options{})}
		m.boot()
		_, s := m.start("a", "/db")
		_, err := s.CreateDatabase(0, "/db/x.edb", 0, 0)
		m.want(err, 0)
		m.crash(simdisk.LoseAll)

		m.sim.PowerOffAfter(n)
		i := m.instance("a", "/db")
		_, err = i.Init(InitOptions{})
		done := err == nil && !m.sim.PowerIsOff()
		m.crash([]simdisk.Survival{simdisk.KeepAll, simdisk.LoseAll}[n&1])

		attach := func(what string) {
			t.Helper()
			i, s := m.start("a", "/db")
			if _, err := s.AttachDatabase(0, "/db/x.edb", 0, 0); err != nil {
				t.Fatalf("%d steps, %s: %v\n%v", n, what, err, m.log.Events())
			}
			m.want(i.Term(0), 0)
		}
		attach("recovered")
		for _, name := range []string{"/db/x.edb", "/db/edb.chk"} {
			m.want(m.sim.Vanish(name), 0)
		}
		i = m.instance("a", "/db")
		if _, err := i.Init(InitOptions{}); err != nil {
			t.Fatalf("%d steps, rebuild: %v\n%v", n, err, m.log.Events())
		}
		m.want(i.Term(0), 0)
		attach("rebuilt")
		if done {
			if n < 10 {
				t.Errorf("only %d steps", n)
			}
			return
		}
	}
}

// TestCheckpointBehindLazyCommit moves the checkpoint while the end of a transaction is not durable, and cuts the power:
// what recovery makes of that is what the log alone tells.
func TestCheckpointBehindLazyCommit(t *testing.T) {
	for _, rollback := range []bool{false, true} {
		d := newDesk(t)
		d.table("t", []string{"k long"}, "p:+k primary")
		d.want(d.s.CommitTransaction(0, jet.BitWaitAllLevel0Commit, 0, nil), 0)
		r := d.open(d.s, "t")
		d.begin(d.s)
		d.want(r.insert("k", 1), 0)
		d.want(d.i.flushWholeLog(), 0)
		d.i.flushOlder(jet.LogPosMax)
		if rollback {
			d.rollback(d.s)
		} else {
			d.commit(d.s)
		}
		d.i.flushOlder(jet.LogPosMax)
		d.want(d.i.advanceCheckpoint(0), 0)
		d.crash(simdisk.LoseAll)

		scan := func() string {
			d.t.Helper()
			d.i, d.s = d.start("a", "/db")
			_, err := d.s.AttachDatabase(0, "/db/x.edb", 0, 0)
			d.want(err, 0)
			d.db, err = d.s.OpenDatabase(0, "/db/x.edb", 0)
			d.want(err, 0)
			rows := d.open(d.s, "t").scan("k")
			d.want(d.i.Term(0), 0)
			return rows
		}
		recovered := scan()
		for _, name := range []string{"/db/x.edb", "/db/edb.chk"} {
			d.want(d.sim.Vanish(name), 0)
		}
		if rebuilt := scan(); rebuilt != recovered {
			t.Errorf("rollback %v: %q recovered, %q rebuilt", rollback, recovered, rebuilt)
		}
	}
}
