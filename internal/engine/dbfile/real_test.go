package dbfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"esent/internal/engine/page"
	"esent/internal/jet"
	"esent/internal/testdata"
	"esent/internal/vfs"
)

func open(t *testing.T, path string) *File {
	t.Helper()
	f, err := Open(vfs.System(), path, Options{ReadOnly: true, Report: func(f Fault) { t.Errorf("fault: %+v", f) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// TestWindowsHeaders has the sample values of spec chapter 02, 17.
func TestWindowsHeaders(t *testing.T) {
	want := map[string]string{
		"basic.edb":    "4096 254 254 0x193 8 0x87C3F09E 0x08999D81 1:16:0",
		"binary.edb":   "4096 254 254 0x19A 9 0x68A0FA84 0x949556C2 1:17:0",
		"default.edb":  "4096 254 254 0x1A4 8 0x4480531C 0x365473B4 1:17:0",
		"index.edb":    "4096 254 254 0x280 27 0xB53D91AF 0x97F34588 1:1E:0",
		"multi.edb":    "4096 254 254 0x1FC 9 0xCE2CD663 0xEC50E8FC 1:1D:0",
		"text.edb":     "4096 254 254 0x1E7 9 0x88264BFD 0xCF309723 1:1B:0",
		"large.edb":    "32768 766 510 0x2FE8B 8 0x38C005AD 0x9E9A8891 5:1B1:0",
		"SRUDB.dat":    "4096 158 142 0x6B2 29 0xCA97943E 0x09973CA4 5:9:E5C",
		"Catalog1.edb": "4096 768 512 0xC950 27 0x32E76511 0x00000000 0:0:0",
		"Current.mdb":  "4096 254 254 0x2DE69 397 0x15F8947E 0xCA969214 27:2C8:0",
	}
	for _, path := range testdata.Windows(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			f := open(t, path)
			h := f.Header()
			pages, err := f.Pages()
			if err != nil {
				t.Fatal(err)
			}
			got := fmt.Sprintf("%d %d %d %#X %d 0x%08X 0x%08X %v", h.PageSize(), pages, lastOwned(t, f), uint64(h.DBTime),
				h.ObjIDLast, binary.LittleEndian.Uint32(h.SignDB[:]), binary.LittleEndian.Uint32(h.SignLog[:]), h.Consistent)
			if w := want[filepath.Base(path)]; !strings.EqualFold(got, w) {
				t.Errorf("header: %s\n   want: %s", got, w)
			}
			if h.Magic != Magic || h.Version != (Version{0x620, 20, 0}) || h.State != StateClean {
				t.Errorf("version %v, state %v", h.Version, h.State)
			}
			checkHeader(t, path, f)
			for _, err := range []error{h.CheckFormat(h.PageSize()), h.CheckClean(), h.CheckType(), h.CheckVersion()} {
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// checkHeader encodes the header again and compares it with both copies in the file.
func checkHeader(t *testing.T, path string, f *File) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	h := f.Header()
	encoded := h.Encode(f.PageSize())
	if !bytes.Equal(encoded, b[:f.PageSize()]) || !bytes.Equal(encoded, b[f.PageSize():2*f.PageSize()]) {
		t.Error("encoded again the header differs")
	}
	h.image = nil
	if !bytes.Equal(h.Encode(f.PageSize()), encoded) {
		t.Error("the header holds bytes that no field has")
	}
	if err := h.Check(); err != nil {
		t.Error(err)
	}
}

// lastOwned is the greatest key of the owned-extent tree of the database root.
func lastOwned(t *testing.T, f *File) jet.Pgno {
	t.Helper()
	p := page.Page(make([]byte, f.PageSize()))
	for n := jet.Pgno(2); ; n = p.Child(p.Lines() - 1) {
		if err := f.ReadPages(n, p); err != nil {
			t.Fatal(err)
		}
		if p.Has(page.FlagLeaf) {
			return jet.Pgno(binary.BigEndian.Uint32(p.AppendKey(p.Lines()-1, nil)))
		}
	}
}

// TestEngineHeaders compares the headers that the original engine wrote with its dumps of them.
func TestEngineHeaders(t *testing.T) {
	for _, set := range testdata.Sets(t) {
		t.Run(set, func(t *testing.T) {
			if testing.Short() && strings.HasPrefix(set, "big") {
				t.Skip("large")
			}
			dir := testdata.Set(t, set, "*.edb", "*.jfm", "*mh.txt")
			dump, err := os.ReadFile(filepath.Join(dir, "dumps", "mh.txt"))
			if err != nil {
				t.Skip("no dump")
			}
			path := filepath.Join(dir, "files", "db.edb")
			f := open(t, path)
			checkHeader(t, path, f)
			h := f.Header()
			var got bytes.Buffer
			if err := h.Dump(&got); err != nil {
				t.Fatal(err)
			}
			text := strings.ReplaceAll(string(dump), "\r\n", "\n")
			text = text[strings.Index(text, "Fields:"):]
			text = strings.TrimRight(text[:strings.Index(text, "JetDBUtilities")], "\n")
			want := strings.Split(text, "\n")
			for i, line := range strings.Split(strings.TrimRight(got.String(), "\n"), "\n") {
				if i >= len(want) || line != want[i] {
					t.Fatalf("line %d of the dump: %q\nwant %q", i, line, want[min(i, len(want)-1)])
				}
			}
			if h.Version.EFV() != 9600 || h.Version != MaxVersion {
				t.Errorf("version %v, efv %d", h.Version, h.Version.EFV())
			}
			wantErr := jet.ErrSuccess
			if h.State != StateClean {
				wantErr = jet.ErrDatabaseDirtyShutdown
			}
			if err := h.CheckClean(); jet.CodeOf(err) != wantErr {
				t.Errorf("state %v: %v", h.State, err)
			}
			checkFlushMap(t, f)
		})
	}
}

// checkFlushMap: after a clean close every entry of the map is the flush type on the page.
func checkFlushMap(t *testing.T, f *File) {
	t.Helper()
	h := f.Header()
	file, err := vfs.System().FS.Open(FlushMapPath(f.Path()), vfs.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	pages, err := f.Pages()
	if err != nil {
		t.Fatal(err)
	}
	m, mh, err := readFlushMap(file, pages)
	if err != nil {
		t.Fatal(err)
	}
	if err := mh.Accept(&h); err != nil {
		t.Error(err)
	}
	b := make([]byte, mapPageSize)
	if err := file.ReadAt(b, 0); err != nil {
		t.Fatal(err)
	}
	encoded := mh
	if !bytes.Equal(encoded.Encode(), b) {
		t.Error("encoded again the map's header differs")
	}
	for k, mp := range *m.pages.Load() {
		if err := file.ReadAt(b, int64(k+1)*mapPageSize); err != nil {
			t.Fatal(err)
		}
		if mp.dbtimeMax.Load() != 0 && !bytes.Equal(mp.encode(k), b) {
			t.Errorf("encoded again map page %d differs", k)
		}
	}
	if mh.Clean() != (h.State == StateClean) {
		t.Errorf("map clean: %v, database %v", mh.Clean(), h.State)
	}
	if !mh.Clean() {
		return
	}
	if mh.SignFlushMapFlush != h.SignFlushMapFlush {
		t.Error("signatures differ")
	}
	p := page.Page(make([]byte, f.PageSize()))
	known := 0
	for n := jet.Pgno(1); n <= pages; n++ {
		if err := f.ReadRaw(n, p); err != nil {
			t.Fatal(err)
		}
		if m.Type(n) != p.FlushType() {
			t.Errorf("page %d: type %d, the map has %d", n, p.FlushType(), m.Type(n))
		}
		if m.Type(n) != 0 {
			known++
		}
		if expected, _ := m.lost(n, p, p.Blank()); expected != 0 {
			t.Errorf("page %d counts as lost", n)
		}
	}
	if known == 0 || m.Type(0) != 0 {
		t.Errorf("%d types known", known)
	}
	if mp, _ := m.place(1); mp.dbtimeMax.Load() != uint64(h.DBTime) {
		t.Errorf("dbtimeMax %#x, want %#x", mp.dbtimeMax.Load(), uint64(h.DBTime))
	}
}

// TestBackupCopies reads headers and trailers of backup copies that the original engine made.
func TestBackupCopies(t *testing.T) {
	dir := testdata.Set(t, "backup", "*.edb")
	found := 0
	for _, name := range []string{"atomic/new", "backup", "concurrent"} {
		path := filepath.Join(dir, "files", name, "db.edb")
		f := open(t, path)
		h := f.Header()
		if h.State != StateDirty || h.FullCur.GenLow == 0 || h.FullCur.GenHigh != 0 {
			t.Fatalf("%s: %v %+v", name, h.State, h.FullCur)
		}
		if err := h.CheckClean(); jet.CodeOf(err) != jet.ErrSoftRecoveryOnBackupDatabase {
			t.Errorf("%s: %v", name, err)
		}
		last, err := f.Pages()
		if err != nil {
			t.Fatal(err)
		}
		p := make([]byte, f.PageSize())
		if err := f.ReadRaw(last, p); err != nil {
			t.Fatal(err)
		}
		trailer, err := DecodeTrailer(p)
		if err != nil {
			t.Fatal(err)
		}
		if err := trailer.Matches(&h); err != nil {
			t.Error(err)
		}
		if trailer.Backup.GenLow != h.FullCur.GenLow || trailer.Backup.GenHigh == 0 || trailer.GenMinRequired == 0 {
			t.Errorf("%s: %+v", name, trailer)
		}
		encoded := make([]byte, f.PageSize())
		trailer.Encode(encoded)
		if !bytes.Equal(encoded, p) {
			t.Errorf("%s: encoded again the trailer differs", name)
		}
		other := h
		other.FullCur.Mark++
		if err := trailer.Matches(&other); !errors.Is(err, jet.ErrDatabasePatchFileMismatch) {
			t.Error(err)
		}
		p[200] ^= 1
		if _, err := DecodeTrailer(p); !errors.Is(err, jet.ErrBadPatchPage) {
			t.Error(err)
		}
		if err := f.ReadPages(1, p); err != nil || LooksLikeTrailer(p) {
			t.Errorf("page 1 looks like a trailer, %v", err)
		}
		found++
	}
	if found != 3 {
		t.Errorf("%d copies", found)
	}
}
