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

// While a reserved log is in use changes are refused, each as a whole: what a rollback takes back is what there is, also
// for recovery.
func TestLogDiskFull(t *testing.T) {
	for _, change := range []string{"insert", "replace", "delete", "split"} {
		t.Run(change, func(t *testing.T) {
			d := newDesk(t)
			d.table("t", []string{"id long notnull", "n long", "text longbinary"}, "pk:+id primary", "n:+n")
			r := d.open(d.s, "t")
			d.fill(0, 20)
			d.sim.SetFull("/db/edb*")
			long := strings.Repeat("x", 900)
			d.begin(d.s)
			d.want(r.insert("id", 900), 0)
			other := d.open(d.session(), "t")
			err := error(nil)
			for id := 1000; err == nil; id++ {
				d.begin(other.s)
				if err = other.insert("id", id, "text", long); err == nil {
					d.want(other.s.CommitTransaction(0, 0, 0, nil), 0)
				}
			}
			d.want(err, jet.ErrLogDiskFull)
			d.rollback(other.s)
			before := other.scan("id", "n")
			switch change {
			case "insert":
				err = r.insert("id", 5000, "n", 1)
			case "replace":
				r.seekEQ(5)
				err = r.replace("n", 77)
			case "delete":
				r.seekEQ(5)
				err = r.Delete(d.s, 0)
			case "split":
				for k := 0; k < 20 && (err == nil || jet.CodeOf(err) == jet.ErrLogDiskFull); k++ {
					err = r.insert("id", 6000+k, "text", long)
				}
			}
			d.want(err, jet.ErrLogDiskFull)
			d.rollback(d.s)
			d.crash(simdisk.KeepAll)
			d.sim.SetFull()
			d.restart()
			d.expect(d.open(d.s, "t").scan("id", "n"), before)
			d.want(d.i.Term(0), 0)
		})
	}
}
