package cache

import (
	"bytes"
	"errors"
	"path/filepath"
	"testing"

	"esent/internal/engine/dbfile"
	"esent/internal/engine/page"
	"esent/internal/jet"
	"esent/internal/testdata"
	"esent/internal/vfs"
)

// TestRealFiles takes the databases that Windows made through a small cache: every page is read, stamped, written
// back and read again.
func TestRealFiles(t *testing.T) {
	for _, path := range testdata.Windows(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			env := vfs.System()
			f, err := dbfile.Open(env, path, dbfile.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			last, err := f.Pages()
			if err != nil {
				t.Fatal(err)
			}
			m, err := New(Config{PageSize: f.PageSize(), MaxPages: 40, Env: env})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			h := f.Header()
			db, err := m.AddDB(DBConfig{File: f, PageSize: f.PageSize(), DBTime: h.DBTime, ResidueBelow: h.DBTime + 1})
			if err != nil {
				t.Fatal(err)
			}
			images := map[jet.Pgno]page.Page{}
			for pgno := jet.Pgno(1); pgno <= last; pgno++ {
				f, err := m.Lock(db, pgno)
				if errors.Is(err, jet.ErrPageNotInitialized) {
					continue
				}
				if errors.Is(err, jet.ErrReadVerifyFailure) && pgno > last*4/5 {
					break // behind what the database owns
				}
				if err != nil {
					t.Fatal(err)
				}
				p := f.Page()
				for i := range p.Lines() {
					if p.LineFlags(i)&page.NodeVersion != 0 && p.DBTime() <= h.DBTime { // one file was copied while in use
						t.Fatalf("page %d, line %d: version flag stayed", pgno, i)
					}
				}
				p.SetDBTime(db.NextDBTime())
				images[pgno] = append(page.Page(nil), p...)
				f.Dirty(0, 0)
				f.Unlock()
			}
			if err := m.FlushDB(db); err != nil {
				t.Fatal(err)
			}
			m.Purge(db, 1, jet.PgnoSysMax)
			for pgno, want := range images {
				f, _, err := m.Get(db, pgno)
				if err != nil {
					t.Fatal(err)
				}
				got := f.Page()
				if n := page.NextFlushType(want.FlushType()); got.FlushType() != n {
					t.Errorf("page %d: flush type %d, want %d", pgno, got.FlushType(), n)
				}
				want.Seal(pgno, got.FlushType())
				if !bytes.Equal(got, want) {
					t.Errorf("page %d came back otherwise", pgno)
				}
			}
			if len(images) == 0 {
				t.Error("no pages")
			}
			m.RemoveDB(db)
		})
	}
}
