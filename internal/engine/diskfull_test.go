package engine

import (
	"strings"
	"testing"

	"esent/internal/jet"
	"esent/internal/vfs/simdisk"
)

// A database that cannot grow refuses rows, and after a power cut JetInit needs no room for what did not come about.
func TestDatabaseDiskFull(t *testing.T) {
	d := newDesk(t)
	d.table("t", []string{"id long notnull", "text longbinary"}, "pk:+id primary")
	r := d.open(d.s, "t")
	full := func() { d.sim.Inject(simdisk.Fault{Ops: simdisk.OpTruncate, Glob: "x.edb", Err: jet.ErrDiskFull}) }
	full()
	id, err := 0, error(nil)
	for ; err == nil; id++ {
		d.begin(d.s)
		if err = r.insert("id", id, "text", strings.Repeat("x", 900)); err == nil {
			d.want(d.s.CommitTransaction(0, 0, 0, nil), 0)
		}
	}
	d.want(err, jet.ErrDiskFull)
	d.rollback(d.s)
	d.want(d.s.CommitTransaction(0, jet.BitWaitAllLevel0Commit, 0, nil), 0)
	d.crash(simdisk.KeepAll)
	full()
	i := d.instance("a", "/db")
	_, err = i.Init(InitOptions{})
	d.want(err, 0)
	d.want(i.Term(0), 0)
	d.sim.ClearFaults()
	d.restart()
	r = d.open(d.s, "t")
	r.seekEQ(id - 2)
	d.fill(id, id+200)
	d.want(d.i.Term(0), 0)
}

// So with a database that has no room even for its first pages.
func TestCreateOnFullDisk(t *testing.T) {
	m := newMachine(t)
	_, s := m.start("a", "/db")
	m.sim.RunAll()
	m.sim.SetCapacity(m.sim.Used() + 20<<10)
	_, err := s.CreateDatabase(0, "/db/x.edb", 0, 0)
	m.want(err, jet.ErrDiskFull)
	m.crash(simdisk.KeepAll)
	i, _ := m.start("a", "/db")
	m.want(i.Term(0), 0)
}
