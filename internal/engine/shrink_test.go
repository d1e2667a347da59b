package engine

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"esent/internal/jet"
	"esent/internal/vfs/simdisk"
)

func shrinkDesk(t testing.TB) *desk {
	return newDeskWith(t, map[jet.ParamID]int64{jet.ParamEnableShrinkDatabase: int64(jet.BitShrinkDatabaseOn)})
}

// resize resizes and gives "pages warning" or the error.
func (d *desk) resize(pages uint32, grbit jet.Grbit) string {
	n, warn, err := d.s.ResizeDatabase(0, d.db, pages, grbit)
	if err != nil {
		return fmt.Sprint(int32(jet.CodeOf(err)))
	}
	return fmt.Sprintf("%d %d", n, warn)
}

func TestShrinkCodes(t *testing.T) {
	d := newDesk(t)
	d.expect(d.resize(2000, 0), "2048 0")
	d.expect(d.resize(100, 0), "-1001")
	d.expect(d.resize(100, jet.BitResizeDatabaseOnlyGrow), "2048 0")
	d.expect(d.resize(3000, jet.BitResizeDatabaseOnlyShrink), "2048 0")
	d.expect(d.resize(100, jet.BitResizeDatabaseOnlyGrow|jet.BitResizeDatabaseOnlyShrink), "-900")

	d = shrinkDesk(t)
	d.expect(d.resize(2000, 0), "2048 0")
	d.expect(d.resize(1000, jet.BitResizeDatabaseOnlyShrink), "1024 0")
	d.expect(d.resize(1000, jet.BitResizeDatabaseOnlyShrink), "1024 1122")
	d.expect(d.resize(2000, jet.BitResizeDatabaseOnlyShrink), "1024 0")
	d.i.BeginBackup(func(jet.Err) {})
	d.expect(d.resize(1, 0), "-505")
	d.i.EndBackup()
	d.expect(d.resize(1, 0), "256 0")
	d.expect(d.resize(1, 0), "256 1122")
	d.expect(d.resize(257, 0), "512 0")
	h := d.header("/db/x.edb")
	if h.ShrinkCount != 7 || h.LastResize <= h.Attach {
		t.Errorf("header: shrunk %d times, last resize %v, attached %v", h.ShrinkCount, h.LastResize, h.Attach)
	}
	d.judge()
}

// TestShrinkCrash cuts the power after a shrink, and after what follows it, and has recovery repeat it.
func TestShrinkCrash(t *testing.T) {
	for _, u := range []simdisk.Survival{simdisk.LoseAll, simdisk.KeepAll} {
		for _, grown := range []bool{false, true} {
			d := shrinkDesk(t)
			d.table("t", []string{"n long", "v longbinary"}, "p:+n primary")
			fill := func(from, to int) {
				r := d.open(d.s, "t")
				d.begin(d.s)
				for n := from; n < to; n++ {
					d.want(r.insert("n", n, "v", strings.Repeat(fmt.Sprint(n%10), 3000)), 0)
				}
				d.want(d.s.CommitTransaction(0, 0, 0, nil), 0)
				d.want(r.Close(d.s, 0), 0)
			}
			fill(0, 100)
			d.table("u", []string{"v longbinary"})
			u2 := d.open(d.s, "u")
			d.begin(d.s)
			for range 300 {
				d.want(u2.insert("v", strings.Repeat("x", 20000)), 0)
			}
			d.commit(d.s)
			d.want(u2.Close(d.s, 0), 0)
			d.want(d.s.DeleteTable(0, d.db, "u"), 0)
			before := d.resize(1, 0)
			if !strings.HasSuffix(before, " 0") {
				t.Fatal(before)
			}
			if grown {
				fill(100, 700)
			}
			d.sim.RunAll()
			d.crash(u)
			d.i = d.instance("a", "/db")
			_, err := d.i.Init(InitOptions{})
			d.want(err, 0)
			s, err := d.i.BeginSession()
			d.want(err, 0)
			_, err = s.AttachDatabase(0, "/db/x.edb", 0, 0)
			d.want(err, 0)
			d.s = s
			n, err := s.OpenDatabase(0, "/db/x.edb", 0)
			d.want(err, 0)
			d.db = n
			rows := strings.Count(d.open(s, "t").scan("n"), "/") + 1
			if want := 100; grown && rows != 700 || !grown && rows != want {
				t.Errorf("%d rows", rows)
			}
			if !grown {
				size, err := d.s.GrowDatabase(0, d.db, 1)
				d.want(err, 0)
				d.expect(fmt.Sprint(size, " 0"), before)
			}
			d.judge()
		}
	}
}

// TestShrinkBesideWriters shrinks and grows while others fill and drop tables.
func TestShrinkBesideWriters(t *testing.T) {
	m := realMachine(t, 4096)
	dir := t.TempDir()
	i := m.instance("a", dir)
	m.set(i, jet.ParamEnableShrinkDatabase, int64(jet.BitShrinkDatabaseOn))
	m.set(i, jet.ParamDbExtensionSize, 64)
	_, err := i.Init(InitOptions{})
	m.want(err, 0)
	path := dir + "/x.edb"
	s, err := i.BeginSession()
	m.want(err, 0)
	db, err := s.CreateDatabase(0, path, 0, 0)
	m.want(err, 0)
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
			name := fmt.Sprintf("t%d", w)
			for round := 0; ; round++ {
				select {
				case <-stop:
					return
				default:
				}
				d.table(name, []string{"n long", "v longbinary"}, "p:+n primary")
				r := d.open(d.s, name)
				d.begin(d.s)
				for n := range 50 {
					d.want(r.insert("n", n, "v", strings.Repeat("x", 5000)), 0)
				}
				d.commit(d.s)
				if got := strings.Count(r.scan("n"), "/"); got != 49 {
					t.Errorf("%d rows", got+1)
				}
				d.want(r.Close(d.s, 0), 0)
				d.want(d.s.DeleteTable(0, db, name), 0)
			}
		})
	}
	shrunk := 0
	for range 8 {
		have, _, err := s.ResizeDatabase(0, db, 1, jet.BitResizeDatabaseOnlyGrow)
		m.want(err, 0)
		_, err = s.GrowDatabase(0, db, have+64)
		m.want(err, 0)
		_, warn, err := s.ResizeDatabase(0, db, 1, 0)
		m.want(err, 0)
		if warn == 0 {
			shrunk++
		}
	}
	close(stop)
	wg.Wait()
	if shrunk == 0 {
		t.Error("it was never smaller")
	}
	m.want(i.Term(0), 0)
	m.sound(i, path)
}
