package catalog_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"esent/internal/engine/btree/kerneltest"
	"esent/internal/engine/catalog"
	"esent/internal/engine/dbfile"
	"esent/internal/engine/version"
	"esent/internal/jet"
)

// Sessions that change the schemas of the same tables at once, with clean-up in the background, meet nothing but
// conflicts, and leave catalogs that agree and no page that is lost.
func TestConcurrent(t *testing.T) {
	k, c := create(t, kerneltest.Options{Background: true, MaxUnits: 64, CachePages: 4000}, dbfile.EFVMax)
	for i := range 3 {
		s := k.Session
		k.Must(s.Begin())
		table, _, err := c.CreateTable(s, example(fmt.Sprint("t", i)))
		k.Must(err)
		k.Commit(s)
		table.Release()
	}
	expected := []jet.Err{0, jet.ErrWriteConflict, jet.ErrColumnDuplicate, jet.ErrColumnNotFound, jet.ErrColumnInUse, jet.ErrIndexDuplicate,
		jet.ErrIndexNotFound, jet.ErrTableDuplicate, jet.ErrTableInUse, jet.ErrTableLocked, jet.ErrObjectNotFound, jet.ErrTooManyColumns,
		jet.ErrRecordTooBig, jet.ErrKeyDuplicate, jet.ErrVersionStoreOutOfMemory}
	var wg sync.WaitGroup
	for worker := range 4 {
		s := k.NewSession()
		wg.Add(1)
		go func() {
			defer wg.Done()
			rng := rand.New(rand.NewPCG(uint64(worker), 5))
			for range 150 {
				if err := s.Begin(); err != nil {
					t.Error(err)
					return
				}
				var open []*catalog.Table
				for range 1 + rng.IntN(3) {
					table, err := change(c, s, rng)
					if table != nil {
						open = append(open, table)
					}
					if !slices.Contains(expected, jet.CodeOf(err)) {
						t.Errorf("worker %d: %v", worker, err)
					}
				}
				for _, table := range open {
					table.Release()
				}
				var err error
				if rng.IntN(3) == 0 {
					err = s.Rollback()
				} else {
					_, err = s.Commit()
				}
				if err != nil {
					t.Errorf("worker %d ends: %v", worker, err)
					return
				}
			}
		}()
	}
	wg.Wait()
	k.Clean()
	got, want := tables(t, c, k.Session), reopen(t, k, dbfile.EFVMax)
	for name := range want {
		if !slices.Equal(got[name], want[name]) {
			t.Errorf("%s:\n     %q\nanew %q", name, got[name], want[name])
		}
	}
	checkAll(t, k, c)
}

// change does something to the schema, and gives a table that is still to be released.
func change(c *catalog.Catalog, s *version.Session, rng *rand.Rand) (*catalog.Table, error) {
	name := fmt.Sprint("t", rng.IntN(4))
	table, err := c.Table(s, name)
	if jet.CodeOf(err) == jet.ErrObjectNotFound {
		table, _, err = c.CreateTable(s, example(name))
		return table, err
	}
	if err != nil {
		return nil, err
	}
	thing := fmt.Sprint("x", rng.IntN(12))
	switch n := rng.IntN(12); {
	case n == 0:
		if err = c.DropTable(s, table); err == nil {
			return nil, nil
		}
	case n < 6:
		d := column(thing, []uint8{jet.ColtypLong, jet.ColtypText, jet.ColtypLongBinary}[rng.IntN(3)])
		_, err = table.AddColumn(s, &d)
	case n < 8:
		err = table.DropColumn(s, thing)
	case n == 8:
		d := index(fmt.Sprint("i", rng.IntN(3)), 0, "txt", thing)
		_, err = table.CreateIndex(s, &d)
	case n == 9:
		err = table.DropIndex(s, fmt.Sprint("i", rng.IntN(3)))
	case n == 10:
		_, err = table.NextAutoInc()
	default:
		_, err = table.LongValues(s, false)
	}
	return table, err
}
