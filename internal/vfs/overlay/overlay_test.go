package overlay

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"esent/internal/jet"
	"esent/internal/vfs"
)

// tree makes files and directories to lay something over.
func tree(t *testing.T, dir string) {
	t.Helper()
	for _, d := range []string{"sub", "empty", "sub/deep"} {
		check(t, os.Mkdir(filepath.Join(dir, d), 0o777))
	}
	for i, name := range []string{"a", "b", "sub/c", "sub/deep/d"} {
		b := make([]byte, i*5000+1)
		for k := range b {
			b[k] = byte(i + k + k>>8)
		}
		check(t, os.WriteFile(filepath.Join(dir, name), b, 0o666))
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// world reads everything of a directory.
func world(t *testing.T, fsys vfs.FS, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	var walk func(at string)
	walk = func(at string) {
		list, err := fsys.ReadDir(dir + at)
		check(t, err)
		for _, e := range list {
			name := at + "/" + e.Name
			info, err := fsys.Stat(dir + name)
			if err != nil || info != e.Info {
				t.Fatalf("%s: listed as %v, but %v, %v", name, e.Info, info, err)
			}
			if e.IsDir {
				all[name] = "directory"
				walk(name)
				continue
			}
			b, err := vfs.ReadFile(fsys, dir+name)
			check(t, err)
			if int64(len(b)) != e.Size {
				t.Fatalf("%s: %d bytes of %d", name, len(b), e.Size)
			}
			all[name] = string(b)
		}
	}
	walk("")
	return all
}

// An overlay behaves as the file system below would, and leaves that as it was.
func TestModel(t *testing.T) {
	for seed := range uint64(20) {
		model(t, seed, 150)
	}
}

func model(t *testing.T, seed uint64, steps int) {
	system := vfs.System().FS
	below, plain := t.TempDir(), t.TempDir()
	tree(t, below)
	tree(t, plain)
	before := world(t, system, below)
	over := New(system, Options{Memory: 1, TempDir: t.TempDir(), Rand: rand.Uint64})
	if seed%3 == 0 {
		over.store.inCore = 0 // all goes to the temporary file
	}
	r := rand.New(rand.NewPCG(seed, 7))
	names := []string{"/a", "/b", "/sub", "/sub/c", "/sub/deep", "/sub/deep/d", "/empty", "/new", "/new/x", "/empty/y"}
	sides := []side{{fsys: system, dir: plain}, {fsys: over, dir: below}}
	for step := range steps {
		op, name, other := r.IntN(12), names[r.IntN(len(names))], names[r.IntN(len(names))]
		off, n, mode := r.Int64N(30000), r.IntN(12000), vfs.OpenMode(r.IntN(4))
		var results [2]string
		for i := range sides {
			results[i] = sides[i].do(op, name, other, off, n, mode)
		}
		if results[0] != results[1] {
			t.Fatalf("seed %d, step %d, operation %d on %s, %s: %.200q, want %.200q", seed, step, op, name, other, results[1], results[0])
		}
	}
	got, want := world(t, over, below), world(t, system, plain)
	for name := range want {
		if got[name] != want[name] {
			t.Fatalf("seed %d: %s differs", seed, name)
		}
	}
	if len(got) != len(want) {
		t.Fatalf("seed %d: %d names, want %d", seed, len(got), len(want))
	}
	for i := range sides {
		sides[i].closeAll()
	}
	check(t, over.Close())
	after := world(t, system, below)
	if len(after) != len(before) {
		t.Fatalf("seed %d: names have changed below", seed)
	}
	for name, content := range before {
		if after[name] != content {
			t.Fatalf("seed %d: %s has changed below", seed, name)
		}
	}
}

// side is one of two file systems that get the same calls.
type side struct {
	fsys vfs.FS
	dir  string
	open []vfs.File
}

func (s *side) closeAll() {
	for _, f := range s.open {
		_ = f.Close()
	}
	s.open = nil
}

func code(err error) string {
	return fmt.Sprint(jet.CodeOf(err), errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrExist), errors.Is(err, vfs.ErrLocked))
}

func (s *side) do(op int, name, other string, off int64, n int, mode vfs.OpenMode) string {
	path := s.dir + name
	if op >= 8 { // on an open file
		if len(s.open) == 0 {
			return "none"
		}
		f := s.open[n%len(s.open)]
		switch op {
		case 8:
			p := make([]byte, n)
			err := f.ReadAt(p, off)
			if err != nil {
				p = nil
			}
			return code(err) + string(p)
		case 9, 10:
			return code(f.WriteAt(bytes.Repeat([]byte{byte(n)}, n), off))
		default:
			err := f.Truncate(off)
			if jet.CodeOf(err) == jet.ErrInvalidParameter {
				err = jet.ErrFileAccessDenied // a system's word for a file opened for reading
			}
			size, _ := f.Size()
			return fmt.Sprint(jet.CodeOf(err), size)
		}
	}
	switch op {
	case 0, 1:
		if len(s.open) > 5 {
			err := s.open[0].Close()
			s.open = s.open[1:]
			return code(err)
		}
		if n%3 == 0 {
			mode |= vfs.Lock
		}
		f, err := s.fsys.Open(path, mode)
		if err == nil {
			s.open = append(s.open, f)
		}
		return code(err)
	case 2:
		return code(s.fsys.Remove(path))
	case 3:
		if name == other {
			return "systems differ"
		}
		return fmt.Sprint(s.fsys.Rename(path, s.dir+other) == nil) // where two things are wrong either may be told
	case 4:
		return code(s.fsys.Mkdir(path))
	case 5:
		return fmt.Sprint(jet.CodeOf(s.fsys.RemoveDir(path))) // whether "not empty" is "exists" differs by system
	case 6:
		return code(s.fsys.MkdirAll(path))
	default:
		list, err := s.fsys.ReadDir(path)
		return fmt.Sprint(list, code(err))
	}
}

// A file system below in which something is locked keeps those off who ask for a lock.
func TestLockBelow(t *testing.T) {
	system, dir := vfs.System().FS, t.TempDir()
	f, err := system.Open(dir+"/f", vfs.Create|vfs.Lock)
	check(t, err)
	over := New(system, Options{})
	if _, err := over.Open(dir+"/f", vfs.ReadWrite|vfs.Lock); !errors.Is(err, vfs.ErrLocked) {
		t.Error(err)
	}
	g, err := over.Open(dir+"/f", vfs.ReadOnly)
	check(t, err)
	check(t, errors.Join(g.Close(), f.Close()))
}

// What is taken for changes is given back, and the temporary file has no name.
func TestRoom(t *testing.T) {
	system, dir, temp := vfs.System().FS, t.TempDir(), t.TempDir()
	over := New(system, Options{Memory: 1, TempDir: temp, Rand: rand.Uint64})
	f, err := over.Open(dir+"/f", vfs.Create)
	check(t, err)
	want := make([]byte, 5<<20)
	for i := range want {
		want[i] = byte(i * 7 >> 3)
	}
	check(t, f.WriteAt(want, 0))
	got := make([]byte, len(want))
	check(t, f.ReadAt(got, 0))
	if !slices.Equal(got, want) {
		t.Error("what was written is not what is read")
	}
	if k := over.Kept(); k != 5<<20 {
		t.Errorf("%d bytes are kept", k)
	}
	check(t, over.Remove(dir+"/f"))
	if k := over.Kept(); k != 5<<20 {
		t.Errorf("%d bytes are kept of an open file", k)
	}
	check(t, f.Close())
	if k := over.Kept(); k != 0 {
		t.Errorf("%d bytes are kept of nothing", k)
	}
	if list, _ := os.ReadDir(temp); len(list) > 0 {
		t.Errorf("the temporary file is %s", list[0].Name())
	}
	check(t, over.Close())
}
