package engine

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"esent/internal/engine/space"
	"esent/internal/jet"
)

// thin fills a table of several trees and deletes most of it so that many leaves are rather empty, but none is.
func (d *desk) thin(name string, rows int) {
	d.t.Helper()
	d.table(name, []string{"n long", "b text", "v longbinary"}, "p:+n primary", "s:+b")
	r := d.open(d.s, name)
	for n := 0; n < rows; {
		d.begin(d.s)
		for range min(200, rows-n) {
			d.want(r.insert("n", n, "b", fmt.Sprintf("%06d%s", n*7919%rows, strings.Repeat("b", 60)), "v", strings.Repeat("v", 500)), 0)
			n++
		}
		d.commit(d.s)
	}
	for n := range rows {
		if n%100 == 0 {
			d.begin(d.s)
		}
		if n%5 != 0 {
			r.seekEQ(n)
			d.want(r.Delete(d.s, 0), 0)
		}
		if n%100 == 99 {
			d.commit(d.s)
		}
	}
	d.want(r.Close(d.s, 0), 0)
}

func (d *desk) freePages(name string) uint32 {
	d.t.Helper()
	base, err := d.s.database(d.db)
	d.want(err, 0)
	t, err := base.cat.Table(d.s.trx, name)
	d.want(err, 0)
	defer t.Release()
	free, err := base.space.Available(d.s.trx, t.Tree)
	d.want(err, 0)
	return space.Pages(free)
}

// defragment gives "passes seconds warning" or the error.
func (d *desk) defragment(o Defragmentation) string {
	passes, seconds, warn, err := d.s.Defragment(0, d.db, &o)
	if err != nil {
		return fmt.Sprint(int32(jet.CodeOf(err)))
	}
	return fmt.Sprintf("%d %d %d", passes, seconds, warn)
}

func TestDefragmentCodes(t *testing.T) {
	d := newDesk(t)
	d.table("t", []string{"n long"})
	const start, stop, tree, batch = jet.BitDefragmentBatchStart, jet.BitDefragmentBatchStop, jet.BitDefragmentBTree, jet.BitDefragmentBTreeBatch
	call := func(*Session, uint32) {}
	for _, c := range []struct {
		o    Defragmentation
		want string
	}{
		{Defragmentation{}, "-900"},
		{Defragmentation{Grbit: start | stop}, "-900"},
		{Defragmentation{Grbit: start | 0x1000}, "-900"},
		{Defragmentation{Grbit: stop}, "0 0 2001"},
		{Defragmentation{Grbit: start}, "0 0 0"},
		{Defragmentation{Grbit: start | jet.BitDefragmentNoPartialMerges}, "0 0 2000"},
		{Defragmentation{Grbit: stop}, "0 0 0"},
		{Defragmentation{Grbit: stop}, "0 0 2001"},
		{Defragmentation{Grbit: start | jet.BitDefragmentAvailSpaceTreesOnly, Passes: 1}, "0 0 0"},
		{Defragmentation{Grbit: start}, "0 0 2000"},
		{Defragmentation{Grbit: tree}, "-1002"},
		{Defragmentation{Grbit: tree, Table: "none", HasTable: true}, "-1305"},
		{Defragmentation{Grbit: tree | start, Table: "t", HasTable: true}, "-900"},
		{Defragmentation{Grbit: tree, Table: "t", HasTable: true, Completed: call}, "-1003"},
		{Defragmentation{Grbit: tree, Table: "T", HasTable: true}, "0 0 0"},
		{Defragmentation{Grbit: batch}, "-900"},
		{Defragmentation{Grbit: batch | start, PassesGiven: true}, "-1003"},
		{Defragmentation{Grbit: batch | start, Table: "t", HasTable: true}, "-1003"},
		{Defragmentation{Grbit: batch | start}, "0 0 0"},
	} {
		if got := d.defragment(c.o); got != c.want {
			t.Errorf("%+v: %s, want %s", c.o, got, c.want)
		}
	}
	d.sim.RunAll()
	d.expect(d.defragment(Defragmentation{Grbit: stop}), "0 0 2001") // its pass is made
	d.want(d.s.BeginTransaction(0, jet.BitTransactionReadOnly), 0)
	d.expect(d.defragment(Defragmentation{Grbit: start}), "-1110")
	d.rollback(d.s)
	d.set(d.i, jet.ParamEnableOnlineDefrag, 0)
	d.expect(d.defragment(Defragmentation{Grbit: start}), "0 0 0")
	d.expect(d.defragment(Defragmentation{Grbit: stop}), "0 0 0")
	d.judge()

	d = newDesk(t)
	d.want(d.s.CloseDatabase(0, d.db), 0)
	d.want(d.s.DetachDatabase(0, "/db/x.edb", 0), 0)
	_, err := d.s.AttachDatabase(0, "/db/x.edb", 0, jet.BitDbReadOnly)
	d.want(err, 0)
	d.db, err = d.s.OpenDatabase(0, "/db/x.edb", 0)
	d.want(err, 0)
	d.expect(d.defragment(Defragmentation{Grbit: start}), "-1008")
	d.expect(d.defragment(Defragmentation{Grbit: tree, Table: "t", HasTable: true}), "-1008")
}

// TestDefragment has half-empty leaves brought together, by a batch and table by table.
func TestDefragment(t *testing.T) {
	d := newDesk(t)
	d.thin("t", 2000)
	d.thin("u", 2000)
	d.i.cleanUp()
	d.sim.RunAll()
	before := d.freePages("t")
	want := d.contentOf(d.s, "/db/x.edb")
	calls := 0
	d.expect(d.defragment(Defragmentation{Grbit: jet.BitDefragmentBatchStart, Passes: 2, Completed: func(s *Session, db uint32) {
		calls++
		if db != d.db || s == nil {
			t.Errorf("called with database %d", db)
		}
	}}), "0 0 0")
	d.sim.RunAll()
	if calls != 1 {
		t.Errorf("called %d times", calls)
	}
	after := d.freePages("t")
	t.Logf("%d pages free, then %d", before, after)
	if after < before+50 {
		t.Errorf("%d pages free, then %d", before, after)
	}
	if got := d.contentOf(d.s, "/db/x.edb"); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Error("the content differs")
	}
	r := d.open(d.s, "u")
	d.expect(fmt.Sprint(strings.Count(r.scan("n"), "/")), "399")
	d.want(r.Close(d.s, 0), 0)
	d.judge()
}

// TestDefragmentBesideWriters defragments while others insert, delete, drop and roll back.
func TestDefragmentBesideWriters(t *testing.T) {
	m := realMachine(t, 4096)
	dir := t.TempDir()
	i := m.instance("a", dir)
	_, err := i.Init(InitOptions{})
	m.want(err, 0)
	path := dir + "/x.edb"
	s, err := i.BeginSession()
	m.want(err, 0)
	db, err := s.CreateDatabase(0, path, 0, 0)
	m.want(err, 0)
	d := &desk{machine: m, i: i, db: db, s: s}
	d.table("kept", []string{"n long", "b text", "v longbinary"}, "p:+n primary", "s:+b")
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for w := range 3 {
		wg.Go(func() {
			d := &desk{machine: m, i: i, db: db}
			d.s, _ = i.BeginSession()
			if _, err := d.s.OpenDatabase(0, path, 0); err != nil {
				t.Error(err)
				return
			}
			kept := d.open(d.s, "kept")
			for round := 0; ; round++ {
				select {
				case <-stop:
					return
				default:
				}
				name := fmt.Sprintf("t%d", w)
				d.table(name, []string{"n long", "v longbinary"}, "p:+n primary")
				d.want(d.s.DeleteTable(0, db, name), 0)
				d.begin(d.s)
				for n := range 60 {
					d.want(kept.insert("n", w+3*(n+round*60), "b", strings.Repeat("b", 80), "v", strings.Repeat("v", 300)), 0)
				}
				if round%3 == 0 {
					d.rollback(d.s)
					continue
				}
				d.commit(d.s)
				d.begin(d.s)
				for n := range 60 {
					if n%4 != 0 {
						kept.seekEQ(w + 3*(n+round*60))
						d.want(kept.Delete(d.s, 0), 0)
					}
				}
				d.commit(d.s)
			}
		})
	}
	for range 40 {
		d.expect(d.defragment(Defragmentation{Grbit: jet.BitDefragmentBatchStart, Passes: 3}), "0 0 0")
		d.expect(d.defragment(Defragmentation{Grbit: jet.BitDefragmentBTree, Table: "kept", HasTable: true}), "0 0 0")
		db, _ := s.database(db)
		db.defrag.task.Wait()
		if _, _, _, err := s.Defragment(0, d.db, &Defragmentation{Grbit: jet.BitDefragmentBatchStop}); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	wg.Wait()
	d.expect(d.defragment(Defragmentation{Grbit: jet.BitDefragmentBatchStart}), "0 0 0") // JetTerm ends it
	m.want(i.Term(0), 0)
	m.sound(i, path)
}
