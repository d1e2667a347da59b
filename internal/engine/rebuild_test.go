package engine

import (
	"testing"

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
