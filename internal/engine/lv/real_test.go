package lv_test

import (
	"bufio"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"esent/internal/engine/btree"
	"esent/internal/engine/catalog"
	"esent/internal/engine/catalog/catalogtest"
	"esent/internal/engine/lv"
	"esent/internal/engine/record"
	"esent/internal/jet"
	"esent/internal/testdata"
)

// longOf calls f with each separated long value of a table, by row from 1.
func longOf(t *testing.T, f *catalogtest.File, table *catalog.Table, visit func(row int, name string, value []byte)) {
	t.Helper()
	var c btree.Cursor
	var lc lv.Cursor
	c.Init(table.Tree)
	sc := table.Schema()
	row := 0
	for err := c.First(f.Session); ; err = c.Next(f.Session) {
		if err == jet.ErrNoCurrentRecord {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		row++
		rec, err := c.Data(f.Session)
		if err != nil {
			t.Fatal(err)
		}
		rec = append([]byte(nil), rec...)
		it := sc.Record.TaggedValues(rec)
		for it.Next() {
			for itag := 1; itag <= it.Count(); itag++ {
				v, err := it.Value(itag)
				if err != nil {
					t.Fatal(err)
				}
				if !v.Separated {
					continue
				}
				lid, err := record.LID(v.Data)
				if err != nil {
					t.Fatal(err)
				}
				size, refs, err := table.Values().Size(&lc, f.Session, lid)
				if err != nil || refs == 0 {
					t.Fatalf("%s row %d: %d references, %v", table.Name(), row, refs, err)
				}
				dst := make([]byte, size+10)
				n, total, err := table.Values().Read(&lc, f.Session, lid, 0, dst)
				if err != nil || n != size || total != size {
					t.Fatalf("%s row %d: %d of %d bytes, size %d, %v", table.Name(), row, n, total, size, err)
				}
				value := dst[:n]
				for _, from := range []int{1, size / 2, size - 1, size, table.ChunkSize, table.ChunkSize + 5} {
					part := make([]byte, 100)
					n, _, err := table.Values().Read(&lc, f.Session, lid, from, part)
					if err != nil {
						t.Fatal(err)
					}
					if want := value[min(from, size):min(from+100, size)]; string(part[:n]) != string(want) {
						t.Fatalf("%s row %d: bytes from %d on differ", table.Name(), row, from)
					}
				}
				name := "?"
				if col := it.Column(); col != nil {
					name = col.Name
					if itag > 1 {
						name = fmt.Sprintf("%s[%d]", name, itag)
					}
				}
				visit(row, name, value)
			}
		}
	}
}

func TestWindowsDatabases(t *testing.T) {
	for _, path := range testdata.Windows(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			f := catalogtest.Open(t, path)
			n, bytes := 0, 0
			for _, table := range f.Tables(t) {
				longOf(t, f, table, func(_ int, _ string, value []byte) {
					n++
					bytes += len(value)
				})
			}
			t.Logf("%d values, %d bytes", n, bytes)
		})
	}
}

var manifestLong = regexp.MustCompile(`(\S+)=#len(\d+):fnv([0-9a-f]{16})`)

// The long values of the real engine's data sets are those of their manifests.
func TestManifests(t *testing.T) {
	for _, set := range testdata.Sets(t) {
		if strings.HasPrefix(set, "dirty") || strings.HasPrefix(set, "backup") {
			continue
		}
		t.Run(set, func(t *testing.T) {
			dir := testdata.Set(t, set, "*/db.edb", "*/manifest.txt")
			want := manifestValues(t, filepath.Join(dir, "manifest.txt"))
			f := catalogtest.Open(t, filepath.Join(dir, "files", "db.edb"))
			n, short, same := 0, 0, 0
			for _, table := range f.Tables(t) {
				if table.System() {
					continue
				}
				longOf(t, f, table, func(row int, name string, value []byte) {
					if len(value) <= 128 {
						short++
						return
					}
					n++
					h := fnv.New64a()
					h.Write(value)
					got := fmt.Sprintf("len%d:fnv%016x", len(value), h.Sum64())
					k := fmt.Sprintf("%s %d %s", table.Name(), row, name)
					// Big tables are listed in part.
					if want[k] != "" {
						same++
						if want[k] != got {
							t.Errorf("%s is %s, want %s", k, got, want[k])
						}
					}
				})
			}
			t.Logf("%d values, %d short ones, %d in the manifest", n, short, same)
			if n > 100 && same == 0 {
				t.Error("nothing was compared")
			}
		})
	}
}

// manifestValues reads length and hash of long values by table, row and column.
func manifestValues(t *testing.T, path string) map[string]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	values := map[string]string{}
	name := ""
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<24)
	for sc.Scan() {
		line := sc.Text()
		if rest, ok := strings.CutPrefix(line, "TABLE "); ok {
			name = strings.Trim(strings.Fields(rest)[0], `"`)
		}
		if rest, ok := strings.CutPrefix(line, "  ROW "); ok {
			row, rest, _ := strings.Cut(rest, " ")
			for _, m := range manifestLong.FindAllStringSubmatch(rest, -1) {
				values[fmt.Sprintf("%s %s %s", name, row, m[1])] = fmt.Sprintf("len%s:fnv%s", m[2], m[3])
			}
		}
	}
	return values
}
