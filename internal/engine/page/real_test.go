package page

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"esent/internal/jet"
	"esent/internal/testdata"
)

// databases calls f for every real database, Windows' and the original engine's, as a subtest.
func databases(t *testing.T, f func(t *testing.T, d *database)) {
	for _, path := range testdata.Windows(t) {
		t.Run(filepath.Base(path), func(t *testing.T) { f(t, readDatabase(t, path)) })
	}
	for _, set := range testdata.Sets(t) {
		t.Run(set, func(t *testing.T) {
			if testing.Short() && set[:3] == "big" {
				t.Skip("large")
			}
			dir := testdata.Set(t, set, "*.edb")
			err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
				if err != nil || e.IsDir() {
					return nil
				}
				name, _ := filepath.Rel(dir, path)
				t.Run(name, func(t *testing.T) { f(t, readDatabase(t, path)) })
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}

type database struct {
	bytes    []byte
	pageSize int
	last     jet.Pgno
}

func readDatabase(t *testing.T, path string) *database {
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	d := &database{bytes: b, pageSize: int(binary.LittleEndian.Uint32(b[236:]))}
	if d.pageSize == 0 {
		d.pageSize = 4096
	}
	// The last owned page is the greatest key of the owned-extent tree, whose root is page 2.
	for n := jet.Pgno(2); ; {
		p := d.page(n)
		if p.Flags()&FlagLeaf != 0 {
			d.last = jet.Pgno(binary.BigEndian.Uint32(p.AppendKey(p.Lines()-1, nil)))
			break
		}
		n = p.Child(p.Lines() - 1)
	}
	if end := jet.Pgno(len(b)/d.pageSize - 2); d.last > end {
		t.Logf("file ends at page %d, owned are %d", end, d.last)
		d.last = end
	}
	return d
}

func (d *database) page(n jet.Pgno) Page {
	off := (int(n) + 1) * d.pageSize
	return Page(d.bytes[off : off+d.pageSize : off+d.pageSize])
}

// TestRealPages verifies checksum, structure, node encoding and order of every page of every real database,
// and that what is sealed and rebuilt again is what was there.
func TestRealPages(t *testing.T) {
	databases(t, func(t *testing.T, d *database) {
		var pages, blank, dead int
		copied := Page(make([]byte, d.pageSize))
		for n := jet.Pgno(1); n <= d.last; n++ {
			p := d.page(n)
			res, err := p.Verify(n, true)
			if err == jet.ErrPageNotInitialized {
				blank++
				continue
			}
			if err != nil || res.Corrected > 0 || res.OldFormat {
				t.Fatalf("page %d: %v %+v", n, err, res)
			}
			pages++
			if err := p.Check(n); err != nil {
				t.Fatal(err)
			}
			if p.Flags()&FlagEmpty != 0 {
				dead++
			}
			if err := p.CheckOrder(); err != nil {
				t.Fatalf("page %d: %v", n, err)
			}
			checkPrefixRule(t, n, p)
			checkSearch(t, n, p)

			copy(copied, p)
			copied.Seal(n, p.FlushType())
			if string(copied) != string(p) {
				t.Fatalf("page %d: sealed again it differs", n)
			}
			image := p.Dehydrate(nil)
			if len(image) != p.DehydratedSize() {
				t.Fatalf("page %d: image of %d bytes, said %d", n, len(image), p.DehydratedSize())
			}
			if err := copied.Rehydrate(image); err != nil {
				t.Fatal(err)
			}
			checkEqual(t, fmt.Sprintf("page %d rehydrated", n), copied, p)
			if err := copied.Reorganize(); err != nil {
				t.Fatal(err)
			}
			checkEqual(t, fmt.Sprintf("page %d reorganized", n), copied, p)
			if err := copied.Check(n); err != nil {
				t.Fatal(err)
			}
			prefix := append([]byte(nil), p.PrefixKey()...)
			if err := copied.SetPrefix(prefix); err != nil && p.tagCount() > 0 {
				t.Fatalf("page %d: %v", n, err)
			}
			checkEqual(t, fmt.Sprintf("page %d prefixed", n), copied, p)
			if err := copied.Check(n); err != nil {
				t.Fatal(err)
			}
		}
		t.Logf("%d pages, %d blank, %d emptied", pages, blank, dead)
	})
}

func checkPrefixRule(t *testing.T, n jet.Pgno, p Page) {
	t.Helper()
	for i := range p.Lines() {
		line := p.Line(i)
		key := line.AppendKey(nil)
		if q := p.CommonPrefix(key); q != len(line.Prefix) || (q > 0) != (line.Flags&NodeCompressed != 0) {
			t.Fatalf("page %d line %d: prefix %d, by the rule %d", n, i, len(line.Prefix), q)
		}
		raw, _ := p.rawLine(i)
		if size := p.NodeSize(key, len(line.Data)); size != len(raw)+tagSize {
			t.Fatalf("page %d line %d: size %d, line has %d", n, i, size, len(raw)+tagSize)
		}
	}
}

func checkSearch(t *testing.T, n jet.Pgno, p Page) {
	t.Helper()
	nonUnique := p.Flags()&FlagNonUnique != 0 && p.Flags()&FlagSpaceTree == 0
	lines := p.Lines()
	for i := range lines {
		line := p.Line(i)
		key := line.AppendKey(nil)
		if p.Flags()&FlagLeaf != 0 {
			if got, exact := p.SearchLeaf(key, line.Data, nonUnique); got != i || !exact {
				t.Fatalf("page %d: search for line %d: %d, %v", n, i, got, exact)
			}
			if got, exact := p.SearchLeaf(append(key, 0), nil, nonUnique); got < i || exact {
				t.Fatalf("page %d: search behind line %d: %d, %v", n, i, got, exact)
			}
			continue
		}
		if len(key) == 0 {
			continue
		}
		// A bookmark that equals the separator lies in the next child.
		for cut := range len(key) + 1 {
			if got := p.SearchInternal(key[:cut], key[cut:]); got != i+1 {
				t.Fatalf("page %d: search for separator %d cut at %d: %d", n, i, cut, got)
			}
		}
		if got := p.SearchInternal(key[:len(key)-1], nil); got > i {
			t.Fatalf("page %d: search before separator %d: %d", n, i, got)
		}
	}
}

// checkEqual compares the logical content of two pages.
func checkEqual(t *testing.T, what string, got, want Page) {
	t.Helper()
	if got.Lines() != want.Lines() || string(got.ExtHeader()) != string(want.ExtHeader()) || got.CbFree() != want.CbFree() {
		t.Fatalf("%s: %d lines, %d free, header %x; want %d, %d, %x", what,
			got.Lines(), got.CbFree(), got.ExtHeader(), want.Lines(), want.CbFree(), want.ExtHeader())
	}
	for i := range want.Lines() {
		g, gf := got.rawLine(i)
		w, wf := want.rawLine(i)
		if string(g) != string(w) || gf != wf {
			t.Fatalf("%s: line %d is %x flags %d, want %x flags %d", what, i, g, gf, w, wf)
		}
	}
}
