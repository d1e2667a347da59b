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

// A database that recovery makes anew, its file being gone, stays: also its name is durable.
func TestRecoveryMakesFile(t *testing.T) {
	d := &desk{machine: &machine{t: t, sim: simdisk.New(1, simdisk.Options{StrictNames: true})}}
	d.boot()
	d.i = d.instance("a", "/db")
	_, err := d.i.Init(InitOptions{})
	d.want(err, 0)
	d.s = d.session()
	d.db, err = d.s.CreateDatabase(0, "/db/x.edb", 0, 0)
	d.want(err, 0)
	d.table("t", []string{"id long notnull", "text longbinary"}, "pk:+id primary")
	d.fill(0, 20)
	d.crash(simdisk.KeepAll)
	d.want(d.sim.Vanish("/db/x.edb"), 0)
	i := d.instance("a", "/db")
	_, err = i.Init(InitOptions{})
	d.want(err, 0)
	d.crash(simdisk.LoseAll)
	d.restart()
	for id := range 20 {
		d.open(d.s, "t").seekEQ(id)
	}
	d.want(d.i.Term(0), 0)
}

// A database whose creation was cut off is removed by recovery, and stays so.
func TestRecoveryRemovesFile(t *testing.T) {
	d := newDesk(t)
	d.want(d.i.env.FS.MkdirAll("/data"), 0)
	d.want(d.i.env.FS.SyncDir("/"), 0)
	cut := 0
	for n, ok := 0, false; !ok; n += 2 {
		d.sim.PowerOffAfter(n)
		_, err := d.s.CreateDatabase(0, "/data/y.edb", 0, 0)
		ok = err == nil
		d.crash(simdisk.KeepAll)
		d.restart()
		_, err = d.s.AttachDatabase(0, "/data/y.edb", 0, 0)
		d.crash(simdisk.LoseAll)
		d.restart()
		_, there := d.sim.ReadFile("/data/y.edb")
		switch {
		case ok:
			d.want(err, 0)
		case jet.CodeOf(err) == jet.ErrFileNotFound:
			if there == nil {
				t.Fatalf("cut at %d: the file is there again", n)
			}
			cut++
		case err == nil:
			ok = true // all that matters was done
		default:
			t.Fatalf("cut at %d: %v", n, err)
		}
	}
	if cut == 0 {
		t.Error("no creation was cut off")
	}
	d.want(d.i.Term(0), 0)
}

// The checkpoint does not pass a header that could not be written, however often it is tried.
func TestCheckpointBehindHeader(t *testing.T) {
	for skip := range 5 {
		d := newDesk(t)
		d.table("t", []string{"id long notnull", "text longbinary"}, "pk:+id primary")
		for id := 0; id < 200; id += 10 {
			d.fill(id, id+10)
		}
		for _, db := range d.i.attached() {
			d.want(d.i.cache.FlushDB(db.pages), 0)
		}
		d.sim.Inject(simdisk.Fault{Ops: simdisk.OpSync, Glob: "x.edb", Skip: skip, Count: 1})
		for range 3 {
			d.i.checkpointTask()
		}
		d.sim.ClearFaults()
		d.crash(simdisk.LoseAll)
		d.restart()
		r := d.open(d.s, "t")
		for id := range 200 {
			r.seekEQ(id)
		}
		d.want(d.i.Term(0), 0)
	}
}
