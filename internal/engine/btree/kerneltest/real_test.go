package kerneltest

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"esent/internal/engine/btree/ops"
	"esent/internal/engine/page"
	"esent/internal/jet"
	"esent/internal/logstore"
	"esent/internal/testdata"
	"esent/internal/vfs"
)

// TestRealLogs replays the logs that the original engine wrote into nothing, and compares every page with the
// database file that it left. Then it replays them into that file as a crash left it.
func TestRealLogs(t *testing.T) {
	if testing.Short() {
		t.Skip("replays hundreds of megabytes")
	}
	for _, set := range testdata.Sets(t) {
		clean := strings.HasPrefix(set, "big") || strings.HasPrefix(set, "types") || strings.HasPrefix(set, "index")
		if !clean && !strings.HasPrefix(set, "dirty") {
			continue
		}
		t.Run(set, func(t *testing.T) {
			dir := filepath.Join(testdata.Set(t, set), "files")
			records := readLogs(t, dir)
			if records == nil {
				t.Skip("not all logs from the first are there")
			}
			file, err := os.ReadFile(filepath.Join(dir, "db.edb"))
			if err != nil {
				t.Skip(err)
			}
			size := int(le32(file[236:]))
			final := redoAll(t, size, records, nil)
			same, older := 0, 0
			disk := map[jet.Pgno]page.Page{}
			for pgno, p := range final.Pages {
				at := (int(pgno) + 1) * size
				if at+size > len(file) {
					if clean {
						t.Errorf("page %d is behind the end of the file", pgno)
					}
					continue
				}
				have := page.Page(file[at : at+size])
				switch {
				case have.Blank() && !clean:
				case have.DBTime() < p.DBTime() && !clean:
					older++
					disk[pgno] = append(page.Page(nil), have...)
				default:
					if diff := Compare(p, have); diff != "" {
						t.Errorf("page %d: replayed and real differ: %s", pgno, diff)
					}
					same++
					disk[pgno] = append(page.Page(nil), have...)
				}
			}
			t.Logf("%d records, %d pages equal, %d on disk older", len(records), same, older)
			if same == 0 {
				t.Error("nothing was compared")
			}
			again := redoAll(t, size, records, disk)
			for pgno, p := range final.Pages {
				if diff := Compare(p, again.Pages[pgno]); diff != "" {
					t.Errorf("page %d: redo into the file differs: %s", pgno, diff)
				}
			}
		})
	}
}

func le32(b []byte) uint32 {
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
}

func redoAll(t *testing.T, size int, records []logstore.Record, disk map[jet.Pgno]page.Page) *Model {
	t.Helper()
	m := NewModel(size, ops.Format{ReservedTags: true}, 1)
	for pgno, p := range disk {
		m.Pages[pgno] = p
	}
	for i, rec := range records {
		if err := m.Redo(rec); err != nil {
			t.Fatalf("record %d of %d, %s: %v", i, len(records), rec, err)
		}
	}
	return m
}

// readLogs gives the records of all logs in dir, nil when the first log is not there.
func readLogs(t *testing.T, dir string) (records []logstore.Record) {
	t.Helper()
	fsys := vfs.System().FS
	naming, err := logstore.DetectNaming(fsys, dir, logstore.NewNaming("edb", 1))
	if err != nil {
		t.Fatal(err)
	}
	found, err := logstore.FindLogs(fsys, dir, naming)
	if err != nil {
		t.Fatal(err)
	}
	if len(found.Archives) > 0 && found.Archives[0].Gen != 1 {
		return nil
	}
	names := []string{}
	for _, a := range found.Archives {
		names = append(names, a.Name)
	}
	if found.Current {
		names = append(names, naming.Current())
	}
	for _, name := range names {
		f, err := logstore.OpenFile(fsys, filepath.Join(dir, name), logstore.Expect{})
		if err != nil {
			t.Fatal(err)
		}
		if len(records) == 0 && f.Header.Gen != 1 {
			f.Close()
			return nil
		}
		if _, err := f.Scan(logstore.ScanReadOnly); err != nil {
			t.Fatal(err)
		}
		r := f.Records(0)
		for {
			e, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			rec, _, err := logstore.Decode(append([]byte(nil), e.Raw...))
			if err != nil {
				t.Fatal(err)
			}
			records = append(records, rec)
		}
		f.Close()
	}
	return records
}
