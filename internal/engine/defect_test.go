package engine

import (
	"path"
	"strings"
	"testing"
	"time"

	"esent/internal/engine/dbfile"
	"esent/internal/eventlog"
	"esent/internal/jet"
	"esent/internal/vfs/simdisk"
)

// defectDesk has a table whose committed rows fill some hundred pages, in an instance that has just started.
func defectDesk(t *testing.T) *desk {
	d := newDesk(t)
	d.table("t", []string{"id long notnull", "text longbinary"}, "pk:+id primary")
	d.fill(0, 300)
	d.want(d.i.Term(0), 0)
	d.restart()
	return d
}

func (d *desk) fill(from, to int) {
	r := d.open(d.s, "t")
	d.begin(d.s)
	for id := from; id < to; id++ {
		d.want(r.insert("id", id, "text", strings.Repeat("x", 900)), 0)
	}
	d.want(d.s.CommitTransaction(0, 0, 0, nil), 0)
	d.want(r.Close(d.s, 0), 0)
}

func (d *desk) restart() {
	d.t.Helper()
	d.i = d.instance("a", "/db")
	_, err := d.i.Init(InitOptions{})
	d.want(err, 0)
	d.db = 0
	d.s = d.session()
	_, err = d.s.AttachDatabase(0, "/db/x.edb", 0, 0)
	d.want(err, 0)
	d.db, err = d.s.OpenDatabase(0, "/db/x.edb", 0)
	d.want(err, 0)
}

// defect makes operations on files that match panic until repair is called.
func (d *desk) defect(op simdisk.Op, glob string) (repair func()) {
	d.sim.SetHook(func(info simdisk.OpInfo) error {
		if ok, _ := path.Match(glob, info.Path); ok && info.Op&op != 0 {
			panic("a defect")
		}
		return nil
	})
	return func() { d.sim.SetHook(nil) }
}

// escaped makes a call and gives what it panicked with, nil for nothing.
func escaped(call func() error) (value any) {
	defer func() { value = recover() }()
	_ = call()
	return nil
}

func TestPanicInCall(t *testing.T) {
	last := func(r *row) error { return r.Move(r.s, MoveLast, 0) }
	insert := func(r *row) error {
		if err := r.s.BeginTransaction(0, 0); err != nil {
			return err
		}
		for id := 1000; ; id++ {
			if err := r.insert("id", id, "text", strings.Repeat("y", 900)); err != nil {
				return err
			}
		}
	}
	commit := func(r *row) error {
		r.d.begin(r.s)
		r.d.want(r.insert("id", 1000, "text", "y"), 0)
		return r.s.CommitTransaction(0, 0, 0, nil)
	}
	for _, c := range []struct {
		name string
		op   simdisk.Op
		glob string
		call func(r *row) error // panics
		// guest is the same call of another session that begins when the first has panicked.
		guest func(r *row) error
	}{
		{"reading a page", simdisk.OpRead, "/db/x.edb", last, last},
		{"writing the log for a commit", simdisk.OpWrite, "/db/edb.log", commit, nil},
		{"writing the log under a latch", simdisk.OpWrite, "/db/edb*.log", insert, last},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := defectDesk(t)
			r, g := d.open(d.s, "t"), d.open(d.session(), "t")
			d.log.Reset()
			repair := d.defect(c.op, c.glob)
			value := escaped(func() error { return c.call(r) })
			repair()
			if value == nil {
				t.Fatal("no panic")
			}
			waits := make(chan error, 1)
			if c.guest != nil {
				go func() { waits <- c.guest(g) }()
				time.Sleep(5 * time.Millisecond)
			}
			d.want(r.Panicked(value), jet.ErrInstanceUnavailable)
			if c.guest != nil {
				if err := <-waits; c.op == simdisk.OpRead {
					d.want(err, jet.ErrInstanceUnavailable)
				}
			}
			d.unavailable(r, g)
			d.endsAndRecovers()
		})
	}
}

// unavailable checks that calls are refused, and that the operator was told why.
func (d *desk) unavailable(r, g *row) {
	d.t.Helper()
	for _, x := range []*row{r, g} {
		d.want(x.Move(x.s, MoveFirst, 0), jet.ErrInstanceUnavailable)
		d.want(x.s.Rollback(0, 0), jet.ErrInstanceUnavailable)
		d.want(x.s.End(0), jet.ErrInstanceUnavailable)
	}
	_, err := d.i.BeginSession()
	d.want(err, jet.ErrInstanceUnavailable)
	told := false
	for _, e := range d.log.Events() {
		told = told || e.ID == eventlog.EngineDefect && strings.Contains(strings.Join(e.Params, " "), "a defect") &&
			strings.Contains(strings.Join(e.Params, " "), "defect_test.go")
	}
	if !told {
		d.t.Errorf("events %v", d.log.Events())
	}
}

// endsAndRecovers checks that JetTerm ends, and that recovery finds what was committed.
func (d *desk) endsAndRecovers() {
	d.t.Helper()
	began := time.Now()
	d.want(d.i.Term(0), 0)
	if took := time.Since(began); took > defectPatience {
		d.t.Errorf("JetTerm took %v", took)
	}
	if h := d.header("/db/x.edb"); h.State != dbfile.StateDirty {
		d.t.Errorf("state %v", h.State)
	}
	d.restart()
	r := d.open(d.s, "t")
	for id := range 300 {
		r.seekEQ(id)
	}
	d.fill(300, 310)
	d.want(d.i.Term(0), 0)
}

// A task that panics while it writes pages makes the instance unavailable too.
func TestPanicWritingPages(t *testing.T) {
	d := defectDesk(t)
	r, g := d.open(d.s, "t"), d.open(d.session(), "t")
	d.fill(400, 500)
	d.sim.RunAll()
	d.set(d.i, jet.ParamCheckpointDepthMax, 0)
	repair := d.defect(simdisk.OpWrite, "/db/x.edb")
	d.i.tasks.checkpoint.Kick()
	d.sim.RunAll()
	repair()
	d.unavailable(r, g)
	d.endsAndRecovers()
}

// A session in which a call stays, as its thread died elsewhere, does not keep JetTerm.
func TestPanicLeavesSessionBusy(t *testing.T) {
	d := defectDesk(t)
	r, g := d.open(d.s, "t"), d.open(d.session(), "t")
	d.want(r.s.enter(), 0)
	d.want(d.i.Panicked("a defect"), jet.ErrInstanceUnavailable)
	d.unavailable(r, g)
	began := time.Now()
	d.want(d.i.Term(0), 0)
	if took := time.Since(began); took > 2*defectPatience {
		t.Errorf("JetTerm took %v", took)
	}
	d.restart()
	d.want(d.i.Term(0), 0)
}

// What panics in JetInit or JetTerm leaves no file open.
func TestPanicInInitAndTerm(t *testing.T) {
	d := defectDesk(t)
	d.fill(400, 500)
	repair := d.defect(simdisk.OpWrite, "/db/x.edb")
	d.want(d.i.Term(0), jet.ErrInstanceUnavailable)
	repair()
	repair = d.defect(simdisk.OpRead, "/db/x.edb")
	i := d.instance("a", "/db")
	_, err := i.Init(InitOptions{})
	d.want(err, jet.ErrInstanceUnavailable)
	repair()
	d.restart()
	d.open(d.s, "t").seekEQ(450)
	d.want(d.i.Term(0), 0)
}
