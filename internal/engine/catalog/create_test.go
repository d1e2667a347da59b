package catalog_test

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"esent/internal/engine/btree/kerneltest"
	"esent/internal/engine/btree/ops"
	"esent/internal/engine/catalog"
	"esent/internal/engine/dbfile"
	"esent/internal/engine/page"
	"esent/internal/jet"
	"esent/internal/logstore"
	"esent/internal/testdata"
	"esent/internal/vfs"
)

// create makes a database with its catalog.
func create(t testing.TB, o kerneltest.Options, efv uint32) (*kerneltest.Kernel, *catalog.Catalog) {
	t.Helper()
	k := kerneltest.New(t, o)
	c, err := catalog.CreateSystem(k.Session, k.DB, catalog.Options{Space: k.Space, Version: dbfile.VersionForEFV(7060)})
	k.Must(err)
	c.SetVersion(dbfile.VersionForEFV(efv))
	k.Must(c.FinishSystem(k.Session))
	return k, c
}

// beforeUsers gives the records of a data set's first log up to the creation of the first table that is not the engine's.
func beforeUsers(t *testing.T, dir string) (list []logstore.Record) {
	t.Helper()
	fsys := vfs.System().FS
	paths, err := filepath.Glob(filepath.Join(dir, "edb00000001.log"))
	if err != nil || len(paths) == 0 {
		t.Skip("the first log is not there")
	}
	f, err := logstore.OpenFile(fsys, paths[0], logstore.Expect{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Scan(logstore.ScanReadOnly); err != nil {
		t.Fatal(err)
	}
	for r := f.Records(0); ; {
		e, err := r.Next()
		if err == io.EOF {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		rec, _, err := logstore.Decode(append([]byte(nil), e.Raw...))
		if err != nil {
			t.Fatal(err)
		}
		if p, ok := rec.(*logstore.NewPage); ok && p.ObjID == 8 {
			// The space for it was taken before.
			for i := len(list) - 1; ; i-- {
				if n, ok := list[i].(*logstore.Replace); ok && n.Pgno == 3 {
					return list[:i]
				}
			}
		}
		list = append(list, rec)
	}
}

// A new database has the pages that the original engine's has, line for line: what they replayed from its log say.
func TestCreateAsOriginal(t *testing.T) {
	for _, x := range []struct {
		set  string
		size int
	}{{"dirty_ddl", 4096}, {"types_4k", 4096}, {"types_8k", 8192}, {"types_32k", 32768}, {"indexlate_16k", 16384}} {
		t.Run(x.set, func(t *testing.T) {
			records := beforeUsers(t, filepath.Join(testdata.Set(t, x.set, "*/*.log"), "files"))
			want := kerneltest.NewModel(x.size, ops.Format{ReservedTags: true}, 1)
			for _, rec := range records {
				if err := want.Redo(rec); err != nil {
					t.Fatal(err)
				}
			}
			k, _ := create(t, kerneltest.Options{PageSize: x.size}, dbfile.EFVMax)
			k.Clean()
			for pgno := jet.Pgno(1); pgno <= 32; pgno++ {
				w := want.Pages[pgno]
				f, err := k.Cache.Lock(k.DB.DB, pgno)
				if err != nil {
					if w != nil && jet.CodeOf(err) == jet.ErrPageNotInitialized {
						t.Errorf("page %d is not there", pgno)
					}
					continue
				}
				got := append(page.Page(nil), f.Page()...)
				f.UnlockUnchanged()
				if w == nil {
					t.Errorf("page %d is there", pgno)
					continue
				}
				if diff := comparePages(t, x.size, got, w); diff != "" {
					t.Errorf("page %d: %s", pgno, diff)
				}
			}
			if n := k.DB.ObjIDLast(); n != 7 {
				t.Errorf("last object id %d", n)
			}
		})
	}
}

// comparePages tells how two pages differ in what does not depend on when they were made.
func comparePages(t *testing.T, size int, a, b page.Page) string {
	const flags = ^(page.FlushTypeMask | page.FlagScrubbed | page.FlagNewChecksum)
	switch {
	case a.Flags()&flags != b.Flags()&flags:
		return fmt.Sprintf("flags %#x, want %#x", a.Flags(), b.Flags())
	case a.ObjID() != b.ObjID():
		return fmt.Sprintf("object %d, want %d", a.ObjID(), b.ObjID())
	case a.Prev() != b.Prev() || a.Next() != b.Next():
		return fmt.Sprintf("links %d and %d, want %d and %d", a.Prev(), a.Next(), b.Prev(), b.Next())
	case a.Has(page.FlagRoot) && !bytes.Equal(a.ExtHeader(), b.ExtHeader()): // other pages have their prefix key there
		return fmt.Sprintf("external header %x, want %x", a.ExtHeader(), b.ExtHeader())
	}
	var x, y []string
	for _, p := range []struct {
		p    page.Page
		list *[]string
	}{{a, &x}, {b, &y}} {
		for i := range p.p.Lines() {
			n := p.p.Line(i)
			if n.Flags&page.NodeDeleted != 0 {
				continue
			}
			data := string(n.Data)
			if plain, err := catalog.WithoutTime(size, n.Data); err == nil {
				data = plain
			}
			*p.list = append(*p.list, fmt.Sprintf("%x = %x", n.AppendKey(nil), data))
		}
	}
	if len(x) != len(y) {
		return fmt.Sprintf("%d lines, want %d\n%s\nwant\n%s", len(x), len(y), strings.Join(x, "\n"), strings.Join(y, "\n"))
	}
	for i := range x {
		if x[i] != y[i] {
			return fmt.Sprintf("line %d\n     %s\nwant %s", i, x[i], y[i])
		}
	}
	return ""
}

// A new database of an old format lacks what came later.
func TestCreateOldFormat(t *testing.T) {
	for _, efv := range []uint32{7060, 8960, 9080, 9460, 9520, dbfile.EFVMax} {
		k, c := create(t, kerneltest.Options{}, efv)
		s := k.Session
		locales, err := c.Table(s, "MSysLocales")
		k.Must(err)
		if n, want := len(locales.Schema().VisibleColumns(s)), 3; c.Features().KVPColumns {
			if n != want+2 {
				t.Errorf("efv %d: %d columns", efv, n)
			}
		} else if n != want {
			t.Errorf("efv %d: %d columns", efv, n)
		}
		rows := 0
		k.Must(c.Rewrite(s, false, func(_, _ []byte) { rows++ }))
		if want := map[bool]int{false: 74, true: 76}[c.Features().KVPColumns]; rows != want {
			t.Errorf("efv %d: %d rows, want %d", efv, rows, want)
		}
		k.Clean()
		k.Replay()
	}
}
