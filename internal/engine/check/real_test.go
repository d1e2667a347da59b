package check_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"esent/internal/engine/check"
	"esent/internal/jet"
	"esent/internal/testdata"
	"esent/internal/vfs"
)

func report(t *testing.T, path string, opt check.Options) *check.Report {
	t.Helper()
	r, err := check.File(vfs.System(), path, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d pages, %d trees, %d records, %d entries (%d uncompared), %d long values, %d leaked", r.Pages, len(r.Trees),
		r.Records, r.Entries, r.Uncompared, r.LongValues, r.Leaked)
	return r
}

// knownDefects are what does not hold in the databases of Windows. Catalog1.edb says that it is clean, but it was
// copied from under a running engine: pages are newer than its header, and one entry has no record.
var knownDefects = map[string][]string{
	"Catalog1.edb": {
		"dbtime, backupset.timestampIndex, page 49: dbtime 51543 is above the database's 51536",
		"index entry without record, backupset.timestampIndex, page 49: the entry 7f 81 ce cf e5 dc 74 b6 e0 leads to 7f 80 00 00 97, which has no such key",
		"dbtime, global, page 50: dbtime 51633 is above the database's 51536",
		"dbtime, global.keyIndex, page 51: dbtime 51629 is above the database's 51536",
		"no shadow catalog, MSysObjectsShadow: the shadow catalog is switched off",
	},
}

// TestWindows: the databases of Windows are sound but for the known defects, and all their keys can be compared.
func TestWindows(t *testing.T) {
	for _, path := range testdata.Windows(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			r := report(t, path, check.Options{})
			var got []string
			for _, v := range r.Violations {
				got = append(got, v.String())
			}
			if want := knownDefects[filepath.Base(path)]; !slices.Equal(got, want) {
				t.Errorf("got %s\nwant %s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			if r.Uncompared != 0 || r.Leaked != 0 {
				t.Errorf("%d entries not compared, %d pages leaked", r.Uncompared, r.Leaked)
			}
		})
	}
}

// TestEngine: the databases that the original engine closed are sound; those that it did not close are told from them.
func TestEngine(t *testing.T) {
	for _, set := range testdata.Sets(t) {
		if strings.HasPrefix(set, "backup") {
			continue
		}
		t.Run(set, func(t *testing.T) {
			paths, _ := filepath.Glob(filepath.Join(testdata.Set(t, set, "*.edb"), "files", "*.edb"))
			for _, path := range paths {
				r := report(t, path, check.Options{})
				dirty := r.Kinds[check.KindNotClean] > 0
				if dirty && !strings.HasPrefix(set, "dirty") || !dirty && (r.Total > 0 || r.Leaked > 0) {
					t.Error(r.Violations)
				}
				// Pages by themselves are sound whatever the state.
				r = report(t, path, check.Options{PagesOnly: true})
				if r.Total > 0 || r.Read != r.Pages {
					t.Error(r.Read, r.Violations)
				}
			}
		})
	}
}

// TestHeaderCopies: damage of one copy of the header is found.
func TestHeaderCopies(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db.edb")
	for _, at := range []int{16, 4096 + 16} {
		m := open(t, "big_4k")
		m.b[at]++
		if err := os.WriteFile(path, m.b, 0o600); err != nil {
			t.Fatal(err)
		}
		if r := report(t, path, check.Options{}); r.Total != 1 || r.Kinds[check.KindHeader] != 1 {
			t.Error(r.Violations)
		}
	}
	if err := os.WriteFile(path, make([]byte, 100000), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := check.File(vfs.System(), path, check.Options{}); jet.CodeOf(err) != jet.ErrDatabaseCorrupted {
		t.Error(err)
	}
}

// TestProgress: progress comes, ascending, and ends a check.
func TestProgress(t *testing.T) {
	m := open(t, "big_4k")
	before, calls := jet.Pgno(0), 0
	stop := errors.New("stop")
	_, err := check.Run(m, check.Options{Progress: func(done, total jet.Pgno) error {
		if done < before || done > total {
			t.Errorf("%d of %d pages after %d", done, total, before)
		}
		before = done
		if calls++; calls == 5 {
			return stop
		}
		return nil
	}})
	if err != stop || calls != 5 {
		t.Errorf("%d calls, %v", calls, err)
	}
}

// TestLimit: not more than the limit is listed, and all is counted.
func TestLimit(t *testing.T) {
	m := open(t, "big_4k")
	leaves, _ := m.leaves("big")
	for _, pgno := range leaves[:50] {
		clear(m.page(pgno))
	}
	if r := m.check(check.Options{Limit: 10}); len(r.Violations) != 10 || r.Total != 50 || r.Kinds[check.KindBlank] != 50 {
		t.Errorf("%d of %d listed: %v", len(r.Violations), r.Total, r.Kinds)
	}
}

// TestHostile: pages with random content under good checksums give violations, no panic, and an end.
func TestHostile(t *testing.T) {
	rounds := 100
	if testing.Short() {
		rounds = 20
	}
	sets := []string{"types_4k", "index_4k", "types_32k"}
	for round := range rounds {
		r := rand.New(rand.NewPCG(uint64(round), 7))
		m := open(t, sets[round%len(sets)])
		pages, _ := m.Pages()
		for range 1 + r.IntN(4) {
			pgno := 1 + jet.Pgno(r.IntN(int(pages)))
			if r.IntN(2) == 0 {
				pgno = []jet.Pgno{1, 2, 3, 4, 5, 6, 29, 31, 52, 53}[r.IntN(10)]
			}
			p := m.page(pgno)
			if p.Blank() {
				continue
			}
			for range 1 + r.IntN(3) {
				switch r.IntN(4) {
				case 0: // the tags
					p[len(p)-1-r.IntN(60)] = byte(r.Uint32())
				case 1: // the header
					p[8+r.IntN(32)] ^= 1 << r.IntN(8)
				case 2: // the lines
					p[40+r.IntN(200)] = byte(r.Uint32())
				default: // another page's lines
					copy(p[40:], m.page(1 + jet.Pgno(r.IntN(int(pages))))[40:])
				}
			}
			p.Seal(pgno, p.FlushType())
		}
		if _, err := check.Run(m, check.Options{}); err != nil {
			t.Fatal(err)
		}
	}
}
