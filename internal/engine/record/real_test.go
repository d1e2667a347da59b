package record

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"esent/internal/engine/compress"
	"esent/internal/jet"
	"esent/internal/testdata"
)

// plain is the value that the user stored.
func plain(t *testing.T, v Value, long map[uint64][]byte) []byte {
	t.Helper()
	switch {
	case v.Separated:
		lid, err := LID(v.Data)
		if err != nil {
			t.Fatal(err)
		}
		data, ok := long[lid]
		if !ok {
			t.Fatalf("no long value %#x", lid)
		}
		return data
	case v.Compressed:
		data, err := compress.Decompress(nil, v.Data)
		if err != nil {
			t.Fatal(err)
		}
		again, ok := compress.Compress(nil, data, compress.Options{})
		scheme := compress.SchemeOf(v.Data)
		if !ok || compress.SchemeOf(again) != scheme || scheme != compress.Xpress && string(again) != string(v.Data) {
			t.Errorf("% x\nis compressed again to\n% x", v.Data, again)
		}
		return data
	}
	return v.Data
}

// rowText is a record as the manifests have it, read column by column.
func rowText(t *testing.T, s *Schema, rec []byte, columns []*Column, long map[uint64][]byte) string {
	t.Helper()
	var w strings.Builder
	for _, c := range columns {
		n, err := s.Count(rec, c)
		if err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		for itag := 1; itag <= n; itag++ {
			v, err := s.Get(rec, c, itag)
			if err != nil || v.Null {
				t.Fatalf("%s[%d] of %d: %+v, %v", c.Name, itag, n, v, err)
			}
			fmt.Fprintf(&w, " %s", c.Name)
			if itag > 1 {
				fmt.Fprintf(&w, "[%d]", itag)
			}
			w.WriteByte('=')
			if v.FromDefault && c.Class() == ClassTagged {
				w.WriteString("(default)")
			}
			manifestValue(&w, c, plain(t, v, long))
		}
		if v, err := s.Get(rec, c, n+1); err != nil || !v.Null && c.Class() == ClassTagged {
			t.Fatalf("%s[%d] of %d: %+v, %v", c.Name, n+1, n, v, err)
		}
	}
	return w.String()
}

func columnsByID(s *Schema) []*Column {
	var list []*Column
	for _, class := range [][]Column{s.Fixed, s.Var, s.Tagged} {
		for i := range class {
			if c := s.Column(class[i].ID); c != nil {
				list = append(list, c)
			}
		}
	}
	slices.SortFunc(list, func(a, b *Column) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

// Every row of the data sets reads as the original engine reads it.
func TestManifests(t *testing.T) {
	for _, set := range []string{"types_4k", "types_8k", "types_32k", "index_4k", "indexlate_16k"} {
		t.Run(set, func(t *testing.T) {
			dir := testdata.Set(t, set, "*/db.edb", "*/manifest.txt")
			want := manifestRows(t, filepath.Join(dir, "manifest.txt"))
			d := openDatabase(t, filepath.Join(dir, "files", "db.edb"))
			compared := 0
			for _, tb := range d.tables() {
				rows, ok := want[tb.name]
				if !ok {
					continue
				}
				long := d.longValues(tb.lvRoot)
				columns := columnsByID(tb.schema)
				i := 0
				d.walk(tb.root, func(_, rec []byte) {
					if err := tb.schema.Check(rec); err != nil {
						t.Errorf("%s row %d: %v", tb.name, i+1, err)
					}
					got := rowText(t, tb.schema, rec, columns, long)
					if i < len(rows) && got != rows[i] {
						t.Errorf("%s row %d:\n got %s\nwant %s", tb.name, i+1, got, rows[i])
					}
					i++
					compared++
				})
				if i != len(rows) {
					t.Errorf("%s: %d rows, want %d", tb.name, i, len(rows))
				}
				delete(want, tb.name)
			}
			for name := range want {
				t.Errorf("table %q not found", name)
			}
			t.Logf("%d rows; compressed chunks of %d bytes take %d", compared, d.stored, d.again)
			if d.again > d.stored*21/20 {
				t.Errorf("compressed chunks of %d bytes take %d", d.stored, d.again)
			}
		})
	}
}

// Every record of the databases that Windows wrote is sound, and what the iterator sees is what Get sees.
func TestWindowsDatabases(t *testing.T) {
	for _, path := range testdata.Windows(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			d := openDatabase(t, path)
			records, values, separated, compressed := 0, 0, 0, 0
			for _, tb := range d.tables() {
				long := d.longValues(tb.lvRoot)
				d.walk(tb.root, func(_, rec []byte) {
					records++
					if err := tb.schema.Check(rec); err != nil {
						t.Fatalf("%s: %v", tb.name, err)
					}
					it := tb.schema.TaggedValues(rec)
					for it.Next() {
						c := it.Column()
						for itag := 1; itag <= it.Count(); itag++ {
							v, err := it.Value(itag)
							if err != nil || v.Null || v.Itag != itag {
								t.Fatalf("%s: %+v, %v", tb.name, v, err)
							}
							values++
							if v.Separated {
								separated++
							}
							if v.Compressed {
								compressed++
							}
							plain(t, v, long)
							if c == nil {
								continue
							}
							if got, err := tb.schema.Get(rec, c, itag); err != nil || string(got.Data) != string(v.Data) {
								t.Fatalf("%s.%s: Get differs from the iterator", tb.name, c.Name)
							}
						}
					}
					if it.Err() != nil {
						t.Fatal(it.Err())
					}
				})
			}
			t.Logf("%d records, %d tagged values, %d separated, %d compressed", records, values, separated, compressed)
		})
	}
}

// rebuild stores every value of a record anew, in column order.
func rebuild(t *testing.T, s *Schema, b *Buffer, rec []byte) {
	t.Helper()
	b.Reset(s)
	set := func(c *Column, itag int, v Value) {
		t.Helper()
		var grbit = jet.BitSetZeroLength
		_, err := b.Set(c, itag, SetValue{Data: v.Data, Null: v.Null, Separated: v.Separated, Compressed: v.Compressed}, grbit)
		if err != nil {
			t.Fatalf("%s = %+v: %v", c.Name, v, err)
		}
	}
	l, _ := layoutOf(rec)
	plain := slices.Concat(s.Fixed[:min(l.fixedLast, len(s.Fixed))], s.Var[:min(l.varCount, len(s.Var))])
	for i := range plain {
		c := plain[i]
		c.Flags &^= FlagNotNull | FlagAutoincrement // rows of before the column came may lack it
		v, err := s.Get(rec, &c, 1)
		if err != nil {
			t.Fatal(err)
		}
		set(&c, 1, v)
	}
	it := s.TaggedValues(rec)
	for it.Next() {
		if it.Null() {
			set(it.Column(), 1, Value{Null: true})
		}
		for itag := 1; itag <= it.Count(); itag++ {
			v, err := it.Value(itag)
			if err != nil {
				t.Fatal(err)
			}
			set(it.Column(), 0, v)
		}
	}
}

// blankNulls overwrites what NULL fixed columns hold: leftovers of earlier values.
func blankNulls(s *Schema, rec []byte) []byte {
	rec = slices.Clone(rec)
	l, _ := layoutOf(rec)
	for fid := FixedFirst; fid <= min(l.fixedLast, len(s.Fixed)); fid++ {
		c := &s.Fixed[fid-FixedFirst]
		if l.fixedNull(uint16(fid)) {
			for i := range c.Max {
				rec[int(c.Offset)+i] = fill
			}
		}
	}
	return rec
}

// Storing the values of real records again gives the bytes that the original engine wrote.
func TestRebuild(t *testing.T) {
	paths := testdata.Windows(t)
	for _, set := range []string{"types_4k", "types_32k"} {
		paths = append(paths, filepath.Join(testdata.Set(t, set, "*/db.edb"), "files", "db.edb"))
	}
	var b Buffer
	for _, path := range paths {
		d := openDatabase(t, path)
		same := 0
		for _, tb := range d.tables() {
			row := 0
			d.walk(tb.root, func(_, rec []byte) {
				row++
				for i := range tb.schema.Fixed {
					if tb.schema.Fixed[i].FID == 0 || tb.schema.Fixed[i].Deleted() {
						return // what a deleted column left cannot be stored again
					}
				}
				rebuild(t, tb.schema, &b, rec)
				got, want := blankNulls(tb.schema, b.Bytes()), blankNulls(tb.schema, rec)
				if string(got) != string(want) {
					t.Errorf("%s %s row %d:\n got % x\nwant % x", filepath.Base(path), tb.name, row, got, want)
				}
				same++
			})
		}
		t.Logf("%s: %d records", filepath.Base(path), same)
	}
}
