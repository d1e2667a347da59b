package catalog_test

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"esent/internal/engine/catalog"
	"esent/internal/engine/catalog/catalogtest"
	"esent/internal/engine/version"
	"esent/internal/testdata"
)

// Every table of the databases that Windows wrote can be opened, by its name in any case.
func TestWindowsDatabases(t *testing.T) {
	for _, path := range testdata.Windows(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			f := catalogtest.Open(t, path)
			tables, columns, indexes, long := 0, 0, 0, 0
			for _, table := range f.Tables(t) {
				sc := table.Schema()
				tables++
				columns += len(sc.VisibleColumns(f.Session))
				indexes += len(sc.VisibleIndexes(f.Session))
				if table.Values() != nil {
					long++
				}
				other, err := f.Catalog.Table(f.Session, strings.ToUpper(table.Name()))
				if err != nil || other != table {
					t.Errorf("%s in upper case: %v", table.Name(), err)
					continue
				}
				other.Release()
			}
			t.Logf("%d tables, %d columns, %d indexes, %d trees of long values", tables, columns, indexes, long)
		})
	}
}

// coltypes are the manifests' names of column types.
var coltypes = []string{"", "Bit", "UnsignedByte", "Short", "Long", "Currency", "IEEESingle", "IEEEDouble", "DateTime", "Binary",
	"Text", "LongBinary", "LongText", "SLV", "UnsignedLong", "LongLong", "GUID", "UnsignedShort", "UnsignedLongLong"}

// The schemas of the real engine's data sets are those of their manifests.
func TestManifests(t *testing.T) {
	for _, set := range testdata.Sets(t) {
		if strings.HasPrefix(set, "dirty") || strings.HasPrefix(set, "backup") {
			continue
		}
		t.Run(set, func(t *testing.T) {
			dir := testdata.Set(t, set, "*/db.edb", "*/manifest.txt")
			want := manifestSchema(t, filepath.Join(dir, "manifest.txt"))
			f := catalogtest.Open(t, filepath.Join(dir, "files", "db.edb"))
			got := map[string][]string{}
			for _, table := range f.Tables(t) {
				if !table.System() {
					got[table.Name()] = describe(f.Session, table)
				}
			}
			if len(got) != len(want) {
				t.Errorf("%d tables, want %d", len(got), len(want))
			}
			for name := range want {
				if !slices.Equal(got[name], want[name]) {
					t.Errorf("%s:\n got %q\nwant %q", name, got[name], want[name])
				}
			}
		})
	}
}

// manifestSchema reads what a manifest says of columns and indexes.
func manifestSchema(t *testing.T, path string) map[string][]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	tables := map[string][]string{}
	name := ""
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<24)
	for sc.Scan() {
		line := sc.Text()
		if rest, ok := strings.CutPrefix(line, "TABLE "); ok {
			name = strings.Trim(strings.Fields(rest)[0], `"`)
			tables[name] = []string{}
		}
		line = strings.TrimSpace(line)
		for _, kind := range []string{"COLUMN ", "INDEX ", "SEG "} {
			if strings.HasPrefix(line, kind) {
				line, _, _ = strings.Cut(line, " grbit=")
				if kind == "INDEX " {
					line, _, _ = strings.Cut(sc.Text(), " lcmap=")
					fields := strings.Fields(line)
					line = strings.Join(append(fields[:2], fields[3:]...), " ")
				}
				tables[name] = append(tables[name], line)
			}
		}
	}
	return tables
}

// describe writes a table's schema as the manifests do.
func describe(s *version.Session, t *catalog.Table) []string {
	list := []string{}
	sc := t.Schema()
	for _, c := range sc.VisibleColumns(s) {
		list = append(list, fmt.Sprintf("COLUMN id=%d %q %s cbMax=%d cp=%d", c.FID, c.Name, coltypes[c.Type], c.Max, c.CodePage))
	}
	for _, ix := range sc.VisibleIndexes(s) {
		list = append(list, fmt.Sprintf("INDEX %q segs=%d cbKeyMost=%d cbVarSegMac=%d", ix.Name, len(ix.Columns), ix.Def.KeyMost, ix.Def.VarSegMac))
		for i, c := range ix.Columns {
			sign := "+"
			if c.Descending {
				sign = "-"
			}
			list = append(list, fmt.Sprintf("SEG %d %s%s", i, sign, c.Name))
		}
	}
	return list
}

// Every row of real catalogs and shadows, decoded and encoded again, gives the bytes that were read.
func TestRowsRoundTrip(t *testing.T) {
	paths := testdata.Windows(t)
	for _, set := range []string{"types_4k", "types_8k", "types_32k", "indexlate_16k", "index_4k"} {
		paths = append(paths, filepath.Join(testdata.Set(t, set, "*/db.edb"), "files", "db.edb"))
	}
	for _, path := range paths {
		f := catalogtest.Open(t, path)
		rows, differ := 0, 0
		for _, shadow := range []bool{false, true} {
			err := f.Catalog.Rewrite(f.Session, shadow, func(was, is []byte) {
				rows++
				if !bytes.Equal(was, is) {
					differ++
					t.Errorf("%s\n was % x\n  is % x", path, was, is)
				}
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		t.Logf("%s: %d rows, %d differ", filepath.Base(path), rows, differ)
	}
}
