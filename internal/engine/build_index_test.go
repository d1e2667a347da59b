package engine

import (
	"fmt"
	"strings"
	"testing"

	"esent/internal/engine/check"
	"esent/internal/engine/order"
	"esent/internal/jet"
	"esent/internal/vfs/simdisk"
)

// buildRows is how many rows the tables of these tests have.
const buildRows = 2500

// buildDesk is a desk with a filled table, on few pages of memory, so that builds write pages while they run.
func buildDesk(t *testing.T) (*desk, *row) {
	d := newDeskWith(t, map[jet.ParamID]int64{jet.ParamCacheSizeMax: 160})
	d.table("t", []string{"id long", "n long", "s text", "m text multi"}, "p:+id primary")
	r := d.open(d.s, "t")
	for i := range buildRows {
		if i%100 == 0 {
			d.begin(d.s)
		}
		n := (i * 7919) % buildRows
		pairs := []any{"id", n, "n", n * 31 % 1000, "m", fmt.Sprint("some ", n%300), "m:2", fmt.Sprint("more ", n)}
		if n%3 != 0 {
			pairs = append(pairs, "s", fmt.Sprint("all begin alike ", n%200))
		}
		d.want(r.insert(pairs...), 0)
		if i%100 == 99 {
			d.commit(d.s)
		}
	}
	d.want(d.s.CommitTransaction(0, jet.BitWaitAllLevel0Commit, 0, nil), 0)
	return d, r
}

// buildDefs are indexes of all kinds, with the number of entries that they have.
func buildDefs() (defs []IndexDef, counts map[string]int) {
	entries := buildRows
	rows := entries - (entries+2)/3 // have s
	return []IndexDef{
			{Name: "number", Key: []byte("-n\x00\x00"), Density: 90},
			{Name: "both", Key: []byte("+s\x00+id\x00\x00"), Grbit: jet.BitIndexUnique, Density: 60},
			{Name: "multi", Key: []byte("+m\x00\x00"), Density: 100},
			{Name: "some", Key: []byte("+n\x00\x00"), Conditions: []IndexCondition{{Column: "s", Grbit: jet.BitIndexColumnMustBeNonNull}}},
			{Name: "tuples", Key: []byte("+s\x00\x00"), Grbit: jet.BitIndexTuples},
		}, map[string]int{"number": entries, "both": entries, "multi": 2 * entries, "some": rows,
			"tuples": -1}
}

// endSound ends the instance and has the database judged: every entry of every index is compared with the records.
func (d *desk) endSound(when string) {
	d.t.Helper()
	d.want(d.i.Term(0), 0)
	r, err := check.File(d.sim.Env(), "/db/x.edb", check.Options{})
	d.want(err, 0)
	if r.Err() != nil {
		d.t.Fatalf("%s: %d violations: %v", when, r.Total, r.Violations)
	}
}

// again starts the instance on what is on the disk and opens the table.
func (d *desk) again(when string) *row {
	d.t.Helper()
	d.i = d.instance("a", "/db")
	if _, err := d.i.Init(InitOptions{}); err != nil {
		d.t.Fatalf("%s: JetInit: %v\n%v", when, err, d.log.Events())
	}
	var err error
	d.s, err = d.i.BeginSession()
	d.want(err, 0)
	_, err = d.s.AttachDatabase(0, "/db/x.edb", 0, 0)
	d.want(err, 0)
	d.db, err = d.s.OpenDatabase(0, "/db/x.edb", 0)
	d.want(err, 0)
	c, err := d.s.OpenTable(0, d.db, "t", jet.BitTableUpdatable|jet.BitTableDenyRead)
	d.want(err, 0)
	return &row{Cursor: c, d: d, s: d.s}
}

// indexes names the secondary indexes and says that they have the entries that they must have.
func (r *row) indexes() string {
	r.d.t.Helper()
	_, counts := buildDefs()
	var names []string
	for _, ix := range r.table.Schema().Indexes {
		r.index(ix.Name)
		n := 0
		err := r.Move(r.s, MoveFirst, 0)
		for ; err == nil; err = r.Move(r.s, 1, 0) {
			n++
		}
		r.d.want(err, jet.ErrNoCurrentRecord)
		if want := counts[ix.Name]; want >= 0 && n != want || n == 0 {
			r.d.t.Errorf("index %q has %d entries of %d", ix.Name, n, want)
		}
		names = append(names, ix.Name)
	}
	r.index("")
	return strings.Join(names, " ")
}

func (r *row) count() (n int) {
	r.d.t.Helper()
	err := r.Move(r.s, MoveFirst, 0)
	for ; err == nil; err = r.Move(r.s, 1, 0) {
		n++
	}
	r.d.want(err, jet.ErrNoCurrentRecord)
	return n
}

const allIndexes = "number both multi some tuples"

// exclusive closes the cursor and opens one that nobody else can open beside.
func (r *row) exclusive() *row {
	r.d.t.Helper()
	r.d.want(r.Close(r.s, 0), 0)
	c, err := r.s.OpenTable(0, r.d.db, "t", jet.BitTableUpdatable|jet.BitTableDenyRead)
	r.d.want(err, 0)
	return &row{Cursor: c, d: r.d, s: r.s}
}

func TestBuildIndexes(t *testing.T) {
	d, r := buildDesk(t)
	r = r.exclusive()
	defs, _ := buildDefs()
	d.want(r.CreateIndex(d.s, defs), 0)
	d.expect(r.indexes(), allIndexes)
	d.endSound("built")
}

// TestCrashInIndexBuild has the power go off at many moments while indexes are built. Recovery must give the table without
// them, or with all of them, sound; then they can be built. From the logs alone it must give the same.
func TestCrashInIndexBuild(t *testing.T) {
	d, r := buildDesk(t)
	r = r.exclusive()
	defs, _ := buildDefs()
	var clones []*simdisk.Sim
	steps, stride := 0, 17
	switch {
	case order.On:
		stride = 200 // assertions take their time
	case testing.Short():
		stride = 60
	}
	d.sim.SetHook(func(op simdisk.OpInfo) error {
		if op.Op&simdisk.OpChange == 0 {
			return nil
		}
		if steps++; steps%stride == 0 {
			how := []simdisk.Survival{simdisk.LoseAll, simdisk.KeepAll, simdisk.Random}[len(clones)%3]
			clones = append(clones, d.sim.CrashClone(simdisk.Crash{Unsynced: how, Unit: 4096}, uint64(steps)))
		}
		return nil
	})
	d.want(r.CreateIndex(d.s, defs), 0)
	d.sim.SetHook(nil)
	if len(clones) < 3 {
		t.Fatalf("only %d steps", steps)
	}
	clones = append(clones, d.sim.CrashClone(simdisk.Crash{Unsynced: simdisk.LoseAll, Unit: 4096}, 0))
	found := map[string]int{}
	for n, sim := range clones {
		when := fmt.Sprint("crash ", n)
		d := &desk{machine: &machine{t: t, sim: sim}}
		d.boot()
		r := d.again(when)
		there := r.indexes()
		if found[there]++; there != "" && there != allIndexes || r.count() != buildRows {
			t.Fatalf("%s: indexes %q, %d rows", when, there, r.count())
		}
		d.endSound(when)
		if n%2 == 0 {
			for _, name := range []string{"/db/x.edb", "/db/edb.chk"} {
				d.want(sim.Vanish(name), 0)
			}
			when += " from the logs"
		}
		r = d.again(when)
		if again := r.indexes(); again != there || r.count() != buildRows {
			t.Fatalf("%s: indexes %q, %q before", when, again, there)
		}
		if there == "" {
			d.want(r.CreateIndex(d.s, defs), 0)
			d.expect(r.indexes(), allIndexes)
		}
		d.endSound(when)
	}
	t.Logf("%d steps, %v", steps, found)
	if found[""] == 0 || found[allIndexes] == 0 {
		t.Errorf("found %v", found)
	}
}

// TestCrashInRecoveryOfBuild cuts the power during recovery from such a crash, again and again.
func TestCrashInRecoveryOfBuild(t *testing.T) {
	d, r := buildDesk(t)
	r = r.exclusive()
	defs, _ := buildDefs()
	steps := 0
	var base *simdisk.Sim
	d.sim.SetHook(func(op simdisk.OpInfo) error {
		if op.Op&simdisk.OpChange == 0 {
			return nil
		}
		if steps++; steps == 500 {
			base = d.sim.CrashClone(simdisk.Crash{Unsynced: simdisk.Random, Unit: 4096}, 1)
		}
		return nil
	})
	d.want(r.CreateIndex(d.s, defs), 0)
	d.sim.SetHook(nil)
	if base == nil {
		t.Fatalf("only %d steps", steps)
	}
	for n := 3; ; n += 11 {
		d := &desk{machine: &machine{t: t, sim: base.CrashClone(simdisk.Crash{Unsynced: simdisk.KeepAll}, uint64(n))}}
		d.boot()
		d.sim.PowerOffAfter(n)
		_, err := d.instance("a", "/db").Init(InitOptions{})
		done := err == nil && !d.sim.PowerIsOff()
		d.crash(simdisk.Random)
		when := fmt.Sprint("recovery cut after ", n)
		r := d.again(when)
		if there := r.indexes(); there != "" || r.count() != buildRows {
			t.Fatalf("%s: indexes %q, %d rows", when, there, r.count())
		}
		d.endSound(when)
		if done {
			t.Logf("%d steps", n)
			return
		}
	}
}

// TestIndexBuildFails has builds end with errors, and rolls one back: nothing of the index stays, and it can be built
// with another definition.
func TestIndexBuildFails(t *testing.T) {
	d, r := buildDesk(t)
	twice := IndexDef{Name: "number", Key: []byte("+n\x00\x00"), Grbit: jet.BitIndexUnique}
	once := IndexDef{Name: "number", Key: []byte("+n\x00+id\x00\x00"), Grbit: jet.BitIndexUnique}
	d.want(r.CreateIndex(d.s, []IndexDef{twice}), jet.ErrKeyDuplicate)
	d.expect(r.indexes(), "")
	d.begin(d.s)
	d.want(r.CreateIndex(d.s, []IndexDef{twice}), jet.ErrKeyDuplicate)
	d.want(r.insert("id", buildRows, "n", 1), 0) // the transaction goes on
	d.want(r.CreateIndex(d.s, []IndexDef{once}), 0)
	d.rollback(d.s)
	d.expect(r.indexes(), "")
	d.begin(d.s)
	d.want(r.CreateIndex(d.s, []IndexDef{once}), 0)
	d.commit(d.s)
	d.sim.RunAll()
	d.endSound("built after failures")

	// The log cannot be written at some moment of the build: the instance is lost, the table is not.
	for _, n := range []int{1, 4, 9} {
		d := &desk{machine: &machine{t: t, sim: d.sim.CrashClone(simdisk.Crash{Unsynced: simdisk.KeepAll}, uint64(n))}}
		d.boot()
		r := d.again("clone")
		d.want(r.DeleteIndex(d.s, "number"), 0)
		d.sim.Inject(simdisk.Fault{Ops: simdisk.OpWrite, Glob: "/db/edb*.log", Skip: n})
		if err := r.CreateIndex(d.s, []IndexDef{once, {Name: "multi", Key: []byte("+m\x00\x00")}}); err == nil {
			t.Fatalf("%d writes of the log and more", n)
		}
		d.sim.ClearFaults()
		d.crash(simdisk.KeepAll)
		r = d.again("log lost")
		d.expect(r.indexes(), "")
		if r.count() != buildRows {
			t.Errorf("%d rows", r.count())
		}
		d.endSound("log lost")
	}
}

// What an inner transaction of another session has taken back may come again with its rollback: no index is built then.
func TestIndexBuiltBesideNestedTransactions(t *testing.T) {
	d := newDesk(t)
	d.table("t", []string{"id long", "n long"}, "p:+id primary")
	r := d.open(d.s, "t")
	d.want(r.insert("id", 1, "n", 10), 0)
	other := d.session()
	g := d.open(other, "t")
	d.begin(other)
	d.want(g.insert("id", 2, "n", 20), 0)
	g.seekEQ(1)
	d.want(g.replace("n", 11), 0)
	d.begin(other)
	g.seekEQ(1)
	d.want(g.replace("n", 10), 0)
	g.seekEQ(2)
	d.want(g.Delete(other, 0), 0)
	defs := []IndexDef{{Name: "n", Key: []byte("+n\x00\x00")}}
	d.want(r.CreateIndex(d.s, defs), jet.ErrWriteConflict)
	d.rollback(other)
	d.want(r.CreateIndex(d.s, defs), 0)
	d.commit(other)
	d.endSound("after a rollback of the inner level")
}
