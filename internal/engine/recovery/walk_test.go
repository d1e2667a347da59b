package recovery

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"esent/internal/engine/dbfile"
	"esent/internal/engine/page"
	"esent/internal/engine/record"
	"esent/internal/jet"
	"esent/internal/vfs"
)

// pageReader reads a closed database page by page.
type pageReader struct {
	t testing.TB
	f *dbfile.File
}

func readDatabase(t testing.TB, env *vfs.Env, path string) *pageReader {
	t.Helper()
	f, err := dbfile.Open(env, path, dbfile.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return &pageReader{t, f}
}

// page gives a page, nil for one that is blank.
func (r *pageReader) page(pgno jet.Pgno) page.Page {
	r.t.Helper()
	p := make(page.Page, r.f.PageSize())
	err := r.f.ReadPages(pgno, p)
	if err == jet.ErrPageNotInitialized {
		return nil
	}
	if err == nil {
		err = p.Check(pgno)
	}
	if err != nil {
		r.t.Fatalf("page %d: %v", pgno, err)
	}
	return p
}

// walk visits the nodes of a tree that are not deleted.
func (r *pageReader) walk(root jet.Pgno, visit func(key, data []byte)) {
	r.t.Helper()
	p := r.page(root)
	for !p.Has(page.FlagLeaf) {
		p = r.page(p.Child(0))
	}
	for {
		for i := range p.Lines() {
			if n := p.Line(i); n.Flags&page.NodeDeleted == 0 {
				visit(n.AppendKey(nil), n.Data)
			}
		}
		if p.Next() == 0 {
			return
		}
		p = r.page(p.Next())
	}
}

// manifestKeys reads the count and hash of all entries, by database, table and index: "100 fnv=2026…".
func manifestKeys(t testing.TB, path string) map[string]map[string]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all := map[string]map[string]string{}
	var db map[string]string
	table := ""
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<24)
	for sc.Scan() {
		line := sc.Text()
		if name, ok := strings.CutPrefix(line, "#### walk_"); ok {
			db = map[string]string{}
			all[strings.TrimSuffix(name, ".txt")] = db
		}
		if quoted, ok := strings.CutPrefix(line, "TABLE "); ok {
			table, _ = strconv.Unquote(strings.Fields(quoted)[0])
		}
		if keys, ok := strings.CutPrefix(line, `  KEYS "`); ok {
			name, rest, _ := strings.Cut(keys, `" `)
			db[table+"."+name] = rest
		}
	}
	return all
}

// catalogSchema has those columns of the catalog that the test looks at, and what lies between them.
func catalogSchema(t testing.TB, pageSize int) *record.Schema {
	t.Helper()
	var columns []record.Column
	add := func(fid uint16, coltyp uint8, size int) {
		columns = append(columns, record.Column{ID: jet.ColumnID(fid), FID: fid, Name: fmt.Sprint(fid), Type: coltyp, Max: size, CodePage: 1252, Offset: 4})
	}
	for i, coltyp := range []uint8{jet.ColtypLong, jet.ColtypShort, jet.ColtypLong, jet.ColtypLong, jet.ColtypLong, jet.ColtypLong,
		jet.ColtypLong, jet.ColtypBit, jet.ColtypShort, jet.ColtypLong, jet.ColtypUnsignedShort, jet.ColtypLong, jet.ColtypDateTime} {
		add(uint16(i+1), coltyp, record.TypeSize(coltyp))
	}
	add(record.VarFirst, jet.ColtypText, 255)
	s, err := record.NewSchema(columns, record.Options{PageSize: pageSize, KeyMost: 255, SumOffsets: true})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// databaseKeys is what manifestKeys has, of a database file.
func databaseKeys(t testing.TB, env *vfs.Env, path string) map[string]string {
	t.Helper()
	r := readDatabase(t, env, path)
	s := catalogSchema(t, r.f.PageSize())
	got := map[string]string{}
	var table string
	var root jet.Pgno
	r.walk(4, func(_, rec []byte) {
		get := func(id jet.ColumnID) []byte {
			v, err := s.Get(rec, s.Column(id), 1)
			if err != nil {
				t.Fatal(err)
			}
			return v.Data
		}
		number := func(id jet.ColumnID) (n uint32) {
			for i, b := range get(id) {
				n |= uint32(b) << (8 * i)
			}
			return n
		}
		const rowTable, rowIndex = 1, 3
		name, pgno := string(get(record.VarFirst)), jet.Pgno(number(4))
		switch number(2) {
		case rowTable:
			table, root = name, pgno
		case rowIndex:
			if strings.HasPrefix(table, "MSys") {
				break
			}
			hash, n := fnv.New64a(), 0
			r.walk(pgno, func(key, data []byte) {
				if pgno == root {
					data = key
				}
				n++
				fmt.Fprintf(hash, "key=%s bm=%s", hex.EncodeToString(key), hex.EncodeToString(data))
			})
			got[table+"."+name] = fmt.Sprintf("%d fnv=%016x", n, hash.Sum64())
		}
	})
	return got
}

// checkContent compares the entries of all indexes in all databases with the manifest: the primary ones are the
// bookmarks of all rows.
func checkContent(t testing.TB, env *vfs.Env, dir, manifest string) {
	t.Helper()
	for db, want := range manifestKeys(t, manifest) {
		path := filepath.Join(dir, db)
		h, err := dbfile.ReadFileHeader(env.FS, path)
		if err != nil || h.State != dbfile.StateClean {
			t.Errorf("%s: state %v, %v", db, h.State, err)
		}
		got := databaseKeys(t, env, path)
		for name, w := range want {
			if got[name] != w {
				t.Errorf("%s: index %s has entries %s, want %s", db, name, got[name], w)
			}
		}
		for name := range got {
			if want[name] == "" {
				t.Errorf("%s: index %s should not be there", db, name)
			}
		}
	}
}
