package engine

import (
	"strings"
	"testing"

	"esent/internal/jet"
	"esent/internal/vfs/simdisk"
)

// What JetInit has found after the process was killed stays, also when the power goes right afterwards: what the killed
// process had written, but not made durable, is durable by then.
func TestKilledThenPowerCut(t *testing.T) {
	for count := range 60 {
		d := newDesk(t)
		d.table("t", []string{"id long notnull", "text longbinary"}, "pk:+id primary")
		r := d.open(d.s, "t")
		d.sim.SetHook(func(info simdisk.OpInfo) error {
			if info.Op == simdisk.OpSync && info.Path == "/db/edb.log" {
				if count--; count < 0 {
					panic("killed")
				}
			}
			return nil
		})
		escaped(func() error {
			for id := 0; ; id++ {
				d.begin(d.s)
				d.want(r.insert("id", id, "text", strings.Repeat("x", 900)), 0)
				d.want(d.s.CommitTransaction(0, 0, 0, nil), 0)
			}
		})
		d.sim.SetHook(nil)
		d.sim.Kill()
		d.boot()
		d.restart()
		for _, p := range d.sim.Unsynced() {
			if strings.HasSuffix(p, ".log") {
				t.Errorf("%s is not durable", p)
			}
		}
		seen := d.open(d.s, "t").scan("id")
		d.crash(simdisk.LoseAll)
		d.restart()
		d.expect(d.open(d.s, "t").scan("id"), seen)
		d.want(d.s.CommitTransaction(0, jet.BitForceNewLog, 0, nil), 0)
		d.crash(simdisk.LoseAll)
		d.restart()
		d.expect(d.open(d.s, "t").scan("id"), seen)
	}
}
