package engine

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"esent/internal/engine/btree"
	"esent/internal/engine/catalog"
	"esent/internal/engine/check"
	"esent/internal/engine/compress"
	"esent/internal/engine/dbfile"
	"esent/internal/engine/record"
	"esent/internal/jet"
	"esent/internal/testdata"
)

// contentOf lists all that a compaction must keep of a database: columns, indexes, records in the order of the primary
// index by the names of their columns, and how many entries each index has.
func (m *machine) contentOf(s *Session, path string) []string {
	m.t.Helper()
	n, err := s.OpenDatabase(0, path, 0)
	m.want(err, 0)
	d, err := s.database(n)
	m.want(err, 0)
	tables, err := d.cat.Tables(s.trx)
	m.want(err, 0)
	var out []string
	m.want(s.BeginTransaction(0, jet.BitTransactionReadOnly), 0)
	for _, info := range tables {
		if info.Flags.Has(catalog.TableSystem) {
			continue
		}
		t, err := d.cat.Table(s.trx, info.Name)
		m.want(err, 0)
		out = append(out, m.tableContent(s, t)...)
		t.Release()
	}
	m.want(s.CommitTransaction(0, 0, 0, nil), 0)
	m.want(s.CloseDatabase(0, n), 0)
	return out
}

func (m *machine) tableContent(s *Session, t *catalog.Table) (out []string) {
	m.t.Helper()
	sc := t.Schema()
	say := func(format string, args ...any) { out = append(out, t.Name()+": "+fmt.Sprintf(format, args...)) }
	say("flags %x template %v", uint32(t.Flags), t.Template != nil)
	columns := sc.VisibleColumns(s.trx)
	for _, c := range columns {
		say("column %s type %d flags %x cp %d max %d default %x callback %q", c.Name, c.Type, uint16(c.Flags), c.CodePage, c.Max, c.Default, c.Callback)
	}
	for _, ix := range sc.VisibleIndexes(s.trx) {
		text := fmt.Sprintf("index %s flags %x locale %s tuple %v limits %d %d columns", ix.Name, uint32(ix.Flags)&^0x11740, ix.Locale, ix.Def.Tuple, ix.Def.KeyMost, ix.Def.VarSegMac)
		for _, c := range append(slices.Clone(ix.Columns), ix.Conditions...) {
			text += fmt.Sprintf(" %s %v %v", c.Name, c.Descending, c.MustBeNull)
		}
		say("%s", text)
		entries := 0
		m.eachNode(s, ix.Tree, func([]byte) { entries++ })
		say("index %s has %d entries", ix.Name, entries)
	}
	m.eachNode(s, t.Tree, func(rec []byte) {
		m.want(sc.Record.Check(rec), 0)
		text := "record"
		for _, c := range columns {
			n, err := sc.Record.Count(rec, &c.Column)
			m.want(err, 0)
			for itag := 1; itag <= max(1, n); itag++ {
				text += " " + m.valueText(s, t, rec, &c.Column, itag)
			}
		}
		say("%s", text)
	})
	return out
}

func (m *machine) eachNode(s *Session, tree *btree.Tree, f func(data []byte)) {
	m.t.Helper()
	var bt btree.Cursor
	bt.Init(tree)
	err := bt.First(s.trx)
	for ; err == nil; err = bt.Next(s.trx) {
		data, err := stableData(s, &bt, nil)
		m.want(err, 0)
		f(data)
	}
	m.want(err, jet.ErrNoCurrentRecord)
}

func (m *machine) valueText(s *Session, t *catalog.Table, rec []byte, c *record.Column, itag int) string {
	m.t.Helper()
	v, err := t.Schema().Record.Get(rec, c, itag)
	m.want(err, 0)
	text := fmt.Sprintf("%s:%d", c.Name, itag)
	switch {
	case v.Null:
		return text + " NULL"
	case v.Separated:
		lid, err := record.LID(v.Data)
		m.want(err, 0)
		at := &Cursor{table: t}
		_, size, err := t.Values().Read(&at.long, s.trx, lid, 0, nil)
		m.want(err, 0)
		buf := make([]byte, size)
		_, _, err = t.Values().Read(&at.long, s.trx, lid, 0, buf)
		m.want(err, 0)
		return fmt.Sprintf("%s separated %x", text, buf)
	case v.Compressed:
		buf := make([]byte, 1<<16)
		n, _, err := compress.DecompressAt(buf, v.Data, 0)
		m.want(err, 0)
		return fmt.Sprintf("%s compressed %x", text, buf[:n])
	}
	return fmt.Sprintf("%s default %v %x", text, v.FromDefault, v.Data)
}

func (m *machine) sound(i *Instance, path string) *check.Report {
	m.t.Helper()
	r, err := check.File(i.env, path, check.Options{})
	m.want(err, 0)
	for _, v := range r.Violations {
		if v.Kind != check.KindShadowOff {
			m.t.Fatalf("%s: %v", path, v)
		}
	}
	return r
}

// TestCompactRealDatabases copies databases of the original engine and of Windows: the copy has the same content, is
// sound, and is not larger.
func TestCompactRealDatabases(t *testing.T) {
	type source struct {
		pageSize int64
		path     string
	}
	sources := map[string]source{}
	for _, path := range testdata.Windows(t) {
		sources[filepath.Base(path)] = source{4096, path}
	}
	for name, pageSize := range map[string]int64{"types_4k": 4096, "types_32k": 32768, "index_8k": 8192, "indexlate_16k": 16384, "big_4k": 4096} {
		files, err := filepath.Glob(filepath.Join(testdata.Set(t, name), "files", "*.edb"))
		if err != nil || len(files) == 0 {
			t.Fatal(name, err)
		}
		sources[name] = source{pageSize, files[0]}
	}
	for name, src := range sources {
		t.Run(name, func(t *testing.T) {
			m := realMachine(t, src.pageSize)
			dir := t.TempDir()
			i := m.instance("a", dir)
			_, err := i.Init(InitOptions{})
			m.want(err, 0)
			s, err := i.BeginSession()
			m.want(err, 0)
			_, err = s.AttachDatabase(0, src.path, 0, jet.BitDbReadOnly)
			m.want(err, 0)
			copied := filepath.Join(dir, "copy.edb")
			var steps []uint32
			last := uint32(0)
			err = s.Compact(0, src.path, copied, func(snt, done, total uint32) jet.Err {
				steps = append(steps, snt)
				if snt == jet.SntProgress && (done > total || done < last) {
					t.Errorf("progress %d of %d after %d", done, total, last)
				}
				last = done
				return 0
			}, 0)
			m.want(err, 0)
			if len(steps) < 3 || steps[0] != jet.SntBegin || steps[len(steps)-1] != jet.SntComplete {
				t.Errorf("steps %v", steps)
			}
			_, err = s.AttachDatabase(0, copied, 0, jet.BitDbReadOnly)
			m.want(err, 0)
			want, got := m.contentOf(s, src.path), m.contentOf(s, copied)
			for k := range max(len(want), len(got)) {
				if name == "Catalog1.edb" && strings.HasSuffix(at(want, k), "index timestampIndex has 151 entries") {
					continue // one of them without a record
				}
				if k >= len(want) || k >= len(got) || want[k] != got[k] {
					t.Fatalf("line %d:\n%.600s\n%.600s", k, at(want, k), at(got, k))
				}
			}
			m.want(s.DetachDatabase(0, copied, 0), 0)
			before, err := dbfile.ReadFileHeader(i.env.FS, src.path)
			m.want(err, 0)
			after, err := dbfile.ReadFileHeader(i.env.FS, copied)
			m.want(err, 0)
			if after.SignDB == before.SignDB || after.State != dbfile.StateClean || after.Attach != 0 || after.GenMaxRequired != 0 {
				t.Errorf("header %+v", after)
			}
			m.sound(i, copied)
			m.want(i.Term(0), 0)
		})
	}
}

func at(list []string, k int) string {
	if k < len(list) {
		return list[k]
	}
	return "(end)"
}

func TestCompactCodes(t *testing.T) {
	d := newDesk(t)
	s := d.s
	d.table("t", []string{"n long", "v longbinary"}, "p:+n primary")
	r := d.open(s, "t")
	d.begin(s)
	for n := range 300 {
		d.want(r.insert("n", n, "v", strings.Repeat("x", 20*n)), 0)
	}
	d.commit(s)
	d.want(s.Compact(0, "/db/x.edb", "/db/y.edb", nil, 0), jet.ErrDatabaseInUse)
	d.want(r.Close(s, 0), 0)
	d.want(s.CloseDatabase(0, d.db), 0)
	d.begin(s)
	d.want(s.Compact(0, "/db/x.edb", "/db/y.edb", func(_, _, _ uint32) jet.Err { t.Error("called"); return 0 }, 0), jet.ErrInTransaction)
	d.rollback(s)
	for _, c := range []struct {
		source, target string
		want           jet.Err
		steps          string
	}{
		{"/db/z.edb", "/db/y.edb", jet.ErrDatabaseNotFound, "[5 3]"},
		{"/db/x.edb", "/db/x.edb", jet.ErrDatabaseDuplicate, "[5 3]"},
		{"", "/db/y.edb", jet.ErrDatabaseInvalidPath, "[5 3]"},
		{"/db/x.edb", "", jet.ErrDatabaseInvalidPath, "[5 3]"},
	} {
		var steps []uint32
		d.want(s.Compact(0, c.source, c.target, func(snt, _, _ uint32) jet.Err { steps = append(steps, snt); return 0 }, 0), c.want)
		d.expect(fmt.Sprint(steps), c.steps)
	}
	// The callback ends it.
	for n, want := range []string{"[5 3]", "[5 0 3]", "[5 0 0 3]"} {
		var steps []uint32
		target := fmt.Sprintf("/db/fail%d.edb", n)
		d.want(s.Compact(0, "/db/x.edb", target, func(snt, _, _ uint32) jet.Err {
			if steps = append(steps, snt); len(steps) > n {
				return -10001
			}
			return 0
		}, 0), -10001)
		d.expect(fmt.Sprint(steps), want)
		if n > 0 {
			_, err := s.AttachDatabase(0, target, 0, 0)
			d.want(err, jet.ErrDatabaseDirtyShutdown)
		}
	}
	// What a source had of numbers and gaps does not matter to the copy, which can be written to.
	d.want(s.Compact(0, "/db/x.edb", "/db/y.edb", func(_, _, _ uint32) jet.Err { return 0 }, jet.BitCompactStats), 0)
	d.want(s.Compact(0, "/db/x.edb", "/db/y.edb", nil, 0), jet.ErrDatabaseDuplicate)
	_, err := s.AttachDatabase(0, "/db/y.edb", 0, 0)
	d.want(err, 0)
	want, got := d.contentOf(s, "/db/x.edb"), d.contentOf(s, "/db/y.edb")
	if !slices.Equal(want, got) {
		t.Error("the copy differs")
	}
	d.db, err = s.OpenDatabase(0, "/db/y.edb", 0)
	d.want(err, 0)
	r = d.open(s, "t")
	d.begin(s)
	for n := range 300 {
		d.want(r.insert("n", 300+n, "v", strings.Repeat("y", 20*n)), 0)
	}
	d.commit(s)
	r.seekEQ(299)
	d.expect(fmt.Sprint(len(r.value("v"))), "4096")
	d.want(d.i.Term(0), 0)
	d.sound(d.i, "/db/y.edb")
	d.sound(d.i, "/db/x.edb")
	text, err := d.sim.Env().FS.Stat("/db/" + compactStatsFile)
	d.want(err, 0)
	if text.Size < 100 {
		t.Errorf("statistics of %d bytes", text.Size)
	}
}
