package recovery

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"esent/internal/engine/page"
	"esent/internal/jet"
	"esent/internal/testdata"
	"esent/internal/vfs"
)

// differ says how two images of a page differ in what counts; empty when they do not. What a page was last
// written as, and what residue of transactions its nodes show, does not count.
func differ(a, b page.Page) string {
	const passing = page.FlushTypeMask | page.FlagScrubbed | page.FlagNewChecksum
	switch {
	case a == nil || b == nil:
		if a == nil && b == nil {
			return ""
		}
		return "one is blank"
	case a.DBTime() != b.DBTime():
		return fmt.Sprintf("dbtime %#x, %#x", a.DBTime(), b.DBTime())
	case a.Flags()&^passing != b.Flags()&^passing:
		return fmt.Sprintf("flags %#x, %#x", a.Flags(), b.Flags())
	case a.ObjID() != b.ObjID() || a.Prev() != b.Prev() || a.Next() != b.Next() || a.Pgno() != b.Pgno():
		return "object or links"
	case a.Has(page.FlagPreInit):
		return ""
	case !bytes.Equal(a.ExtHeader(), b.ExtHeader()):
		return fmt.Sprintf("external header %x, %x", a.ExtHeader(), b.ExtHeader())
	case a.Lines() != b.Lines():
		return fmt.Sprintf("%d and %d lines", a.Lines(), b.Lines())
	}
	for i := range a.Lines() {
		m, n := a.Line(i), b.Line(i)
		if !bytes.Equal(m.AppendKey(nil), n.AppendKey(nil)) || !bytes.Equal(m.Data, n.Data) ||
			(m.Flags^n.Flags)&page.NodeDeleted != 0 {
			return fmt.Sprintf("line %d", i)
		}
	}
	return ""
}

// comparePages compares two database files page by page.
func comparePages(t testing.TB, env *vfs.Env, got, want string) {
	t.Helper()
	g, w := readDatabase(t, env, got), readDatabase(t, env, want)
	pages, err := w.f.Pages()
	if err != nil {
		t.Fatal(err)
	}
	// A running engine makes the file grow ahead of need.
	have, err := g.f.Pages()
	if err != nil || have > pages {
		t.Errorf("%d pages, want %d", have, pages)
	}
	for pgno := have + 1; pgno <= pages; pgno++ {
		if w.page(pgno) != nil {
			t.Errorf("%d pages are too few for page %d", have, pgno)
			break
		}
	}
	pages = min(pages, have)
	bad := 0
	for pgno := jet.Pgno(1); pgno <= pages && bad < 10; pgno++ {
		if d := differ(g.page(pgno), w.page(pgno)); d != "" {
			t.Errorf("page %d: %s", pgno, d)
			bad++
		}
	}
}

// TestRebuildFromLog makes whole databases from nothing but their logs, and compares every page with what the
// original engine left.
func TestRebuildFromLog(t *testing.T) {
	sets := []string{"types_4k", "types_8k", "types_32k", "index_4k", "index_8k", "index_32k", "indexlate_4k", "indexlate_16k",
		"indexlate_32k", "types_4k_esentnames", "big_4k"}
	if testing.Short() {
		sets = sets[:2]
	}
	for _, name := range sets {
		t.Run(name, func(t *testing.T) {
			set := testdata.Set(t, name, name+"/files/*")
			h := setHost(t, set, vfs.System())
			entries, err := os.ReadDir(h.cfg.LogDir)
			if err != nil {
				t.Fatal(err)
			}
			var dbs []string
			for _, e := range entries {
				switch ext := filepath.Ext(e.Name()); {
				case ext == ".edb":
					dbs = append(dbs, e.Name())
					fallthrough
				case ext == ".chk" || ext == ".jcp" || ext == ".jfm":
					if err := os.Remove(filepath.Join(h.cfg.LogDir, e.Name())); err != nil {
						t.Fatal(err)
					}
				}
			}
			if res, err := h.run(); err != nil || res.Outcome != Recovered || res.Log != nil {
				t.Fatalf("outcome %v, %v", res.Outcome, err)
			}
			for _, db := range dbs {
				comparePages(t, h.cfg.Env, filepath.Join(h.cfg.LogDir, db), filepath.Join(set, "files", db))
				compareHeaders(t, h, db, filepath.Join(set, "files", db))
			}
			if res, err := h.run(); err != nil || res.Outcome != WasClean {
				t.Errorf("second start: outcome %v, %v", res.Outcome, err)
			}
		})
	}
}

// compareHeaders compares what a header says of the database, leaving out when and by whom it was written.
func compareHeaders(t testing.TB, h *testHost, db, want string) {
	t.Helper()
	g, w := readDatabase(t, h.cfg.Env, filepath.Join(h.cfg.LogDir, db)).f.Header(), readDatabase(t, h.cfg.Env, want).f.Header()
	for _, c := range []struct {
		field     string
		got, want any
	}{
		{"state", g.State, w.State}, {"dbtime", g.DBTime, w.DBTime}, {"objid", g.ObjIDLast, w.ObjIDLast},
		{"consistent", g.Consistent, w.Consistent}, {"attach", g.Attach, w.Attach}, {"detach", g.Detach, w.Detach},
		{"last resize", g.LastResize, w.LastResize}, {"version", g.Version, w.Version}, {"extends", g.ExtendCount, w.ExtendCount},
		{"database", g.SignDB, w.SignDB}, {"stream", g.SignLog, w.SignLog}, {"number", g.DBID, w.DBID},
		{"created as", [2]uint32{g.CreateVersion, g.CreateUpdate}, [2]uint32{w.CreateVersion, w.CreateUpdate}},
	} {
		if c.got != c.want {
			t.Errorf("header: %s is %v, want %v", c.field, c.got, c.want)
		}
	}
}
