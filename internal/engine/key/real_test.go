package key_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"esent/internal/engine/key"
	"esent/internal/jet"
	"esent/internal/testdata"
)

type entry struct{ key, bookmark []byte }

func compareEntries(a, b entry) int {
	if c := bytes.Compare(a.key, b.key); c != 0 {
		return c
	}
	return bytes.Compare(a.bookmark, b.bookmark)
}

// tally counts what rederive compared.
type tally struct{ indexes, entries, refused, extra int }

// rederive makes the keys of all rows of a table anew and compares them with the entries in the file. Rows whose
// text is refused (kana and the like) are left out on both sides.
func rederive(t *testing.T, d *database, tb *table, ix *index, sum *tally) {
	t.Helper()
	var want, got []entry
	refused := map[string]bool{}
	var set key.Set
	primary := ix.Flags.Has(key.FlagPrimary)
	d.walk(tb.root, func(bookmark, rec []byte) {
		r := &row{t: t, tb: tb, ix: ix, rec: rec}
		err := r.keys(&set)
		if errors.Is(err, jet.ErrUnicodeTranslationFail) {
			refused[string(bookmark)] = true
			return
		}
		if err != nil {
			t.Fatalf("%s.%s: row %x: %v", tb.name, ix.name, bookmark, err)
		}
		for i := range set.Len() {
			got = append(got, entry{bytes.Clone(set.At(i)), bookmark})
		}
		if primary && (set.Len() != 1 || !bytes.Equal(set.At(0), bookmark)) {
			t.Errorf("%s.%s: row %x: made %x", tb.name, ix.name, bookmark, set.At(0))
		}
	})
	sum.indexes++
	sum.entries += len(got)
	sum.refused += len(refused)
	if primary {
		return
	}
	d.walk(ix.root, func(k, data []byte) {
		if !refused[string(data)] {
			want = append(want, entry{k, bytes.Clone(data)})
		}
	})
	slices.SortFunc(got, compareEntries)
	slices.SortFunc(want, compareEntries)
	for len(got) > 0 || len(want) > 0 {
		switch {
		case len(got) > 0 && len(want) > 0 && compareEntries(got[0], want[0]) == 0:
			got, want = got[1:], want[1:]
		case len(want) == 0 || len(got) > 0 && compareEntries(got[0], want[0]) < 0:
			t.Errorf("%s.%s: made %x for %x", tb.name, ix.name, got[0].key, got[0].bookmark)
			got = got[1:]
		default:
			if sum.extra--; sum.extra < 0 {
				t.Errorf("%s.%s: file has %x for %x", tb.name, ix.name, want[0].key, want[0].bookmark)
			}
			want = want[1:]
		}
	}
}

func rederiveAll(t *testing.T, path string, sum *tally) {
	t.Helper()
	d := openDatabase(t, path)
	for _, tb := range d.tables() {
		for _, ix := range tb.indexes {
			rederive(t, d, tb, ix, sum)
		}
	}
}

// TestWindowsKeys makes every key of the databases that Windows wrote. One entry is known to have no record.
func TestWindowsKeys(t *testing.T) {
	var sum tally
	for _, path := range testdata.Windows(t) {
		sum.extra = 0
		if filepath.Base(path) == "Catalog1.edb" {
			sum.extra = 1
		}
		rederiveAll(t, path, &sum)
		if sum.extra > 0 {
			t.Errorf("%s: the entry without a record is missing", filepath.Base(path))
		}
	}
	t.Logf("%d indexes, %d keys", sum.indexes, sum.entries)
	if sum.refused > 0 {
		t.Errorf("%d rows refused", sum.refused)
	}
}

// TestEngineKeys makes the keys of the data sets of the original engine, every kind of index.
func TestEngineKeys(t *testing.T) {
	sets := []string{"index_4k"}
	if !testing.Short() {
		sets = append(sets, "index_8k", "index_32k", "indexlate_16k", "types_4k", "types_32k")
	}
	for _, set := range sets {
		t.Run(set, func(t *testing.T) {
			path := filepath.Join(testdata.Set(t, set, "*.edb"), "files", "db.edb")
			if _, err := os.Stat(path); err != nil {
				t.Fatal(err)
			}
			var sum tally
			rederiveAll(t, path, &sum)
			t.Logf("%d indexes, %d keys, %d rows refused", sum.indexes, sum.entries, sum.refused)
		})
	}
}
