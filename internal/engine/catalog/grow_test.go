package catalog_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"esent/internal/engine/btree/kerneltest"
	"esent/internal/engine/catalog"
	"esent/internal/engine/dbfile"
	"esent/internal/engine/record"
	"esent/internal/jet"
)

// Whatever two sessions do to the columns of a table, its schema is the one that is made anew from what is known of it.
func TestGrow(t *testing.T) {
	for seed := range uint64(8) {
		rng := rand.New(rand.NewPCG(seed, 3))
		k, c := create(t, kerneltest.Options{}, dbfile.EFVMax)
		s, other := k.Session, k.NewSession()
		k.Must(s.Begin())
		def := &catalog.TableDef{Name: "t", Columns: []catalog.ColumnDef{column("first", jet.ColtypLong), column("tag", jet.ColtypLongText)}}
		var template *catalog.Table
		if seed%2 == 1 {
			var err error
			template, _, err = c.CreateTable(s, &catalog.TableDef{Name: "template", Flags: catalog.TableTemplate | catalog.TableFixedDDL,
				Columns: []catalog.ColumnDef{column("above", jet.ColtypLongText), column("fixed above", jet.ColtypLong)}})
			k.Must(err)
			def.Template = "template"
		}
		table, _, err := c.CreateTable(s, def)
		k.Must(err)
		k.Commit(s)
		for step := range 400 {
			user := s
			if rng.IntN(3) == 0 {
				user = other
			}
			name := fmt.Sprint("c", rng.IntN(40))
			switch n := rng.IntN(20); {
			case user.Level() == 0, n == 0 && user.Level() < 4:
				k.Must(user.Begin())
			case n == 1:
				k.Commit(user)
			case n == 2:
				k.Must(user.Rollback())
			case n == 3:
				k.Clean()
			case n == 4:
				_ = table.DropColumn(user, name)
			case n == 5:
				_ = table.RenameColumn(user, name, fmt.Sprint("c", rng.IntN(40)), false)
			case n == 6:
				d := column(name, []uint8{jet.ColtypLong, jet.ColtypText}[rng.IntN(2)])
				_, _ = table.AddColumn(user, &d)
			default:
				d := column(name, jet.ColtypLongBinary)
				switch rng.IntN(8) {
				case 0:
					d.Flags |= record.FlagNotNull
				case 1:
					d.Flags, d.Default = record.FlagDefault, []byte("default")
				}
				d.Exclusive = rng.IntN(4) == 0
				_, _ = table.AddColumn(user, &d)
			}
			if err := table.SameAnew(); err != nil {
				t.Fatalf("seed %d, step %d: %v", seed, step, err)
			}
		}
		for s.Level() > 0 {
			k.Must(s.Rollback())
		}
		for other.Level() > 0 {
			k.Commit(other)
		}
		k.Clean()
		k.Must(c.Same(s))
		if table.Schema().Versioned() {
			t.Error("not all of it is settled")
		}
		table.Release()
		if template != nil {
			template.Release()
		}
	}
}

// What one column more costs does not depend on how many there are: when it is added, settled or taken back.
func TestGrowIsLinear(t *testing.T) {
	k, c := create(t, kerneltest.Options{}, dbfile.EFVMax)
	s := k.Session
	k.Must(s.Begin())
	table, _, err := c.CreateTable(s, &catalog.TableDef{Name: "t"})
	k.Must(err)
	k.Commit(s)
	const few, many = 500, 4000
	added := 0
	cost := func(commit bool) uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		k.Must(s.Begin())
		for range few {
			d := column(fmt.Sprint("c", added), jet.ColtypLongBinary)
			added++
			_, err := table.AddColumn(s, &d)
			k.Must(err)
		}
		if commit {
			k.Commit(s)
		} else {
			k.Must(s.Rollback())
		}
		k.Clean()
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	first := cost(true)
	for added < many {
		cost(true)
	}
	if last := cost(true); last > 4*first {
		t.Errorf("%d columns cost %d bytes in the beginning, %d behind %d others", few, first, last, many)
	}
	if last := cost(false); last > 4*first {
		t.Errorf("%d columns cost %d bytes in the beginning, %d bytes to be taken back behind %d others", few, first, last, many)
	}
	table.Release()
}
