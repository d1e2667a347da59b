package logstore

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"esent/internal/jet"
	"esent/internal/testdata"
	"esent/internal/vfs"
)

// logDirs are the directories below root that hold logs.
func logDirs(t *testing.T, root string) map[string]Naming {
	dirs := map[string]Naming{}
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		n, err := DetectNaming(vfs.System().FS, path, NewNaming("edb", 1))
		if err != nil {
			return err
		}
		found, err := FindLogs(vfs.System().FS, path, n)
		if err == nil && (found.Current || len(found.Archives) > 0) {
			dirs[path] = n
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return dirs
}

// TestRealLogs reads every log that the original engine wrote: all headers, all segments, all records with
// exact lengths, the chain of generations, and where a dump exists every line of it.
func TestRealLogs(t *testing.T) {
	if testing.Short() {
		t.Skip("reads half a gigabyte")
	}
	var logs, records, lines int
	seen := map[RecType]int{}
	for _, set := range testdata.Sets(t) {
		t.Run(set, func(t *testing.T) {
			root := testdata.Set(t, set)
			for dir, naming := range logDirs(t, root) {
				found, err := FindLogs(vfs.System().FS, dir, naming)
				if err != nil {
					t.Fatal(err)
				}
				var prev *Header
				var sum uint64
				names := make([]string, 0, len(found.Archives)+1)
				for _, a := range found.Archives {
					names = append(names, a.Name)
				}
				if found.Current {
					names = append(names, naming.Current())
				}
				for i, name := range names {
					expect := Expect{}
					if i < len(found.Archives) {
						expect.Gen = found.Archives[i].Gen
					}
					f, err := OpenFile(vfs.System().FS, filepath.Join(dir, name), expect)
					if err != nil {
						t.Fatal(err)
					}
					defer f.Close()
					if prev != nil && (f.Header.Gen == prev.Gen+1 || !strings.Contains(dir, "backup")) {
						if err := prev.CheckNext(f.Header, sum); err != nil {
							t.Error(err)
						}
					}
					checkHeaderRoundTrip(t, filepath.Join(dir, name), f.Header)
					res, err := f.Scan(ScanReadOnly)
					if err != nil {
						t.Errorf("%s: %v", f.Path(), err)
					}
					prev, sum = f.Header, res.Checksum
					if name == naming.Current() {
						checkUntouched(t, f, res)
					}
					n, dump := readAll(t, f, seen)
					logs, records = logs+1, records+n
					lines += compareDump(t, filepath.Join(root, "dumps", "mlv_"+name+".txt.gz"), dir == filepath.Join(root, "files"), dump, res)
				}
			}
		})
	}
	t.Logf("%d logs, %d records, %d lines of dumps; types %v", logs, records, lines, seen)
	if logs < 500 || lines < 200000 {
		t.Errorf("only %d logs, %d lines", logs, lines)
	}
}

// checkUntouched scans a log as recovery does: the original engine's leavings need no repair.
func checkUntouched(t *testing.T, f *File, want ScanResult) {
	before, err := os.ReadFile(f.Path())
	if err != nil {
		t.Fatal(err)
	}
	res, err := f.Scan(ScanCurrent)
	after, e := os.ReadFile(f.Path())
	if err != nil || e != nil || res != want || !bytes.Equal(before, after) {
		t.Errorf("%s: scan for recovery gives %+v, %v; want %+v", f.Path(), res, err, want)
	}
}

// TestRealDamage repeats the cases of recovery_matrix.txt that concern this package.
func TestRealDamage(t *testing.T) {
	dir := filepath.Join(testdata.Set(t, "dirty_multigen", "*/files/*.log"), "files")
	sys := vfs.System().FS
	first, err := ReadHeader(sys, filepath.Join(dir, "edb00000001.log"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, file string
		damage     func(b []byte) []byte
		expect     Expect
		open, scan jet.Err
	}{
		{"header damaged", "edb.log", func(b []byte) []byte { copy(b[100:], "JUNK"); return b }, Expect{}, jet.ErrLogFileCorrupt, 0},
		{"archive damaged", "edb0000000A.log", func(b []byte) []byte { copy(b[60000:], "JUNK"); return b }, Expect{}, 0, jet.ErrLogFileCorrupt},
		{"truncated", "edb.log", func(b []byte) []byte { return b[:65536] }, Expect{}, jet.ErrLogFileSizeMismatch, 0},
		{"current damaged", "edb.log", func(b []byte) []byte { copy(b[8300:], "JUNK"); return b }, Expect{}, 0, jet.ErrLogFileCorrupt},
		{"wrong page size", "edb.log", func(b []byte) []byte { return b }, Expect{PageSize: 8192}, jet.ErrPageSizeMismatch, 0},
		{"wrong generation", "edb0000000A.log", func(b []byte) []byte { return b }, Expect{Gen: 11}, jet.ErrLogGenerationMismatch, 0},
		{"right", "edb0000000A.log", func(b []byte) []byte { return b }, Expect{Gen: 10, PageSize: 4096, SignLog: first.SignLog, Segments: first.Segments}, 0, 0},
		{"other stream", "edb0000000A.log", func(b []byte) []byte { return b }, Expect{SignLog: jet.Signature{1}}, jet.ErrBadLogSignature, 0},
	} {
		b, err := os.ReadFile(filepath.Join(dir, c.file))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), c.file)
		if err := os.WriteFile(path, c.damage(b), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := OpenFile(sys, path, c.expect)
		if jet.CodeOf(err) != c.open {
			t.Errorf("%s: %v", c.name, err)
		}
		if err != nil {
			continue
		}
		mode := ScanArchive
		if c.file == "edb.log" {
			mode = ScanCurrent
		}
		if _, err := f.Scan(mode); jet.CodeOf(err) != c.scan {
			t.Errorf("%s: scan %v", c.name, err)
		}
		f.Close()
	}
}

func checkHeaderRoundTrip(t *testing.T, path string, h *Header) {
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]byte, HeaderSize)
	if err := h.Encode(out); err != nil || !bytes.Equal(out, b[:HeaderSize]) {
		for i := range out {
			if out[i] != b[i] && i >= 4 {
				t.Errorf("%s: header encodes differently from byte %d: %x, was %x (%v)", path, i, out[i:i+16], b[i:i+16], err)
				break
			}
		}
	}
}

// readAll gives the number of records and the lines a dump has of them.
func readAll(t *testing.T, f *File, seen map[RecType]int) (n int, lines []string) {
	r := f.Records(0)
	var end jet.LogPos
	for {
		e, err := r.Next()
		if err == io.EOF {
			return n, lines
		}
		if err != nil {
			t.Errorf("%s behind %s: %v", f.Path(), end, err)
			return n, lines
		}
		if e.Pos < end || e.End <= e.Pos {
			t.Errorf("%s: record %s to %s behind %s", f.Path(), e.Pos, e.End, end)
		}
		n, end = n+1, e.End
		seen[e.Rec.Type()]++
		if raw := e.Rec.Append(nil); !bytes.Equal(raw, e.Raw) {
			t.Errorf("%s at %s: %s\nencodes to %x\nwas        %x", f.Path(), e.Pos, e.Rec, raw, e.Raw)
		}
		lines = append(lines, DumpLine(e.Pos, e.Rec))
		if d, ok := e.Rec.(*Replace); ok && d.IsDiff {
			lines = append(lines, d.DiffLines()...)
		}
	}
}

var recordLine = regexp.MustCompile(`^>[0-9A-F]{8},[0-9A-F]{4},[0-9A-F]{4} `)

func compareDump(t *testing.T, path string, wanted bool, got []string, res ScanResult) (n int) {
	f, err := os.Open(path)
	if !wanted || errors.Is(err, os.ErrNotExist) {
		return 0
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	in := bufio.NewScanner(z)
	in.Buffer(nil, 1<<20)
	bad := 0
	for in.Scan() {
		want := strings.TrimRight(in.Text(), " \r")
		if sum, ok := strings.CutPrefix(strings.TrimSpace(want), "Accumulated segment checksum: "); ok {
			if fmt.Sprintf("0x%016x", res.Checksum) != sum {
				t.Errorf("%s: accumulated checksum %016x, want %s", path, res.Checksum, sum)
			}
		}
		if strings.HasPrefix(strings.TrimSpace(want), "ReplDiff") {
			want = strings.TrimSpace(want)
		} else if !recordLine.MatchString(want) || strings.Contains(want, " NOP") {
			continue
		}
		if len(got) == 0 {
			t.Errorf("%s: more lines: %s", path, want)
			return n
		}
		if got[0] != want && bad < 5 {
			bad++
			t.Errorf("%s:\n got %s\nwant %s", path, got[0], want)
		}
		got, n = got[1:], n+1
	}
	if err := in.Err(); err != nil || len(got) > 0 {
		t.Errorf("%s: %d records not in the dump, %v", path, len(got), err)
	}
	return n
}

func TestRealCheckpoints(t *testing.T) {
	n := 0
	for _, set := range testdata.Sets(t) {
		root := testdata.Set(t, set, "*.chk", "*.jcp")
		err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".chk") && !strings.HasSuffix(path, ".jcp") {
				return nil
			}
			n++
			c, err := ReadCheckpoint(vfs.System().FS, path, jet.Signature{})
			if err != nil {
				t.Error(err)
				return nil
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			out := filepath.Join(t.TempDir(), "edb.chk")
			if err := WriteCheckpoint(vfs.System().FS, filepath.Dir(out), "edb.chk", c); err != nil {
				t.Error(err)
			}
			got, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			if want[679] == 0 { // what follows the end of the list are remains, and the checksum has them
				for _, b := range [][]byte{got, want} {
					for at := 0; at < len(b); at += checkpointSize {
						clear(b[at : at+4])
						clear(b[at+679 : at+679+AttachListSize])
					}
				}
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s: encoded differently", path)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	if n < 10 {
		t.Errorf("only %d checkpoints", n)
	}
}
