package vfs_test

import (
	"bytes"
	"errors"
	"io/fs"
	"testing"

	"esent/internal/jet"
	"esent/internal/vfs"
	"esent/internal/vfs/overlay"
	"esent/internal/vfs/simdisk"
)

// All file systems must behave alike, or what the simulation proves says nothing about the real one.
func eachFS(t *testing.T, test func(t *testing.T, fsys vfs.FS, dir string)) {
	t.Run("system", func(t *testing.T) { test(t, vfs.System().FS, t.TempDir()) })
	t.Run("simulated", func(t *testing.T) {
		fsys := simdisk.New(1, simdisk.Options{}).Env().FS
		must(t, fsys.Mkdir("/dir"))
		test(t, fsys, "/dir")
	})
	t.Run("overlay", func(t *testing.T) {
		fsys := overlay.New(vfs.System().FS, overlay.Options{})
		test(t, fsys, t.TempDir())
		must(t, fsys.Close())
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, fsys vfs.FS, path, content string) {
	t.Helper()
	f, err := fsys.Open(path, vfs.CreateTruncate)
	must(t, err)
	must(t, f.WriteAt([]byte(content), 0))
	must(t, f.Close())
}

func TestErrors(t *testing.T) {
	open := func(path string, mode vfs.OpenMode) func(vfs.FS, string) error {
		return func(fsys vfs.FS, dir string) error {
			f, err := fsys.Open(dir+"/"+path, mode)
			if err == nil {
				return f.Close()
			}
			return err
		}
	}
	for _, c := range []struct {
		name string
		do   func(fsys vfs.FS, dir string) error
		want jet.Err
		is   error
	}{
		{"open existing", open("file", vfs.ReadOnly), jet.ErrSuccess, nil},
		{"open missing", open("none", vfs.ReadOnly), jet.ErrFileNotFound, fs.ErrNotExist},
		{"open missing for writing", open("none", vfs.ReadWrite|vfs.Lock), jet.ErrFileNotFound, fs.ErrNotExist},
		{"open in missing directory", open("none/file", vfs.ReadWrite), jet.ErrInvalidPath, fs.ErrNotExist},
		{"open below a file", open("file/file", vfs.ReadWrite), jet.ErrInvalidPath, nil},
		{"open a directory for reading", open("sub", vfs.ReadOnly), jet.ErrFileAccessDenied, nil},
		{"open a directory for writing", open("sub", vfs.ReadWrite), jet.ErrFileAccessDenied, nil},
		{"create", open("new", vfs.Create), jet.ErrSuccess, nil},
		{"create existing", open("file", vfs.Create), jet.ErrFileAlreadyExists, fs.ErrExist},
		{"create where a directory is", open("sub", vfs.Create), jet.ErrFileAlreadyExists, fs.ErrExist},
		{"create in missing directory", open("none/file", vfs.Create), jet.ErrInvalidPath, fs.ErrNotExist},
		{"truncate existing", open("file", vfs.CreateTruncate|vfs.Lock), jet.ErrSuccess, nil},
		{"remove", func(f vfs.FS, d string) error { return f.Remove(d + "/file") }, jet.ErrSuccess, nil},
		{"remove missing", func(f vfs.FS, d string) error { return f.Remove(d + "/none") }, jet.ErrFileNotFound, fs.ErrNotExist},
		{"remove in missing", func(f vfs.FS, d string) error { return f.Remove(d + "/none/x") }, jet.ErrInvalidPath, fs.ErrNotExist},
		{"remove a directory", func(f vfs.FS, d string) error { return f.Remove(d + "/empty") }, jet.ErrFileAccessDenied, nil},
		{"rename", func(f vfs.FS, d string) error { return f.Rename(d+"/file", d+"/sub/new") }, jet.ErrSuccess, nil},
		{"rename onto a file", func(f vfs.FS, d string) error { return f.Rename(d+"/file", d+"/sub/file") }, jet.ErrSuccess, nil},
		{"rename onto itself", func(f vfs.FS, d string) error { return f.Rename(d+"/file", d+"/file") }, jet.ErrSuccess, nil},
		{"rename onto a directory", func(f vfs.FS, d string) error { return f.Rename(d+"/file", d+"/empty") }, jet.ErrFileAlreadyExists, nil},
		{"rename a directory", func(f vfs.FS, d string) error { return f.Rename(d+"/sub", d+"/sub2") }, jet.ErrSuccess, nil},
		{"rename a directory onto one", func(f vfs.FS, d string) error { return f.Rename(d+"/sub", d+"/empty") }, jet.ErrFileAlreadyExists, nil},
		{"rename a directory below itself", func(f vfs.FS, d string) error { return f.Rename(d+"/sub", d+"/sub/x") }, jet.ErrInvalidPath, nil},
		{"rename missing", func(f vfs.FS, d string) error { return f.Rename(d+"/none", d+"/x") }, jet.ErrFileNotFound, fs.ErrNotExist},
		{"rename into missing", func(f vfs.FS, d string) error { return f.Rename(d+"/file", d+"/none/x") }, jet.ErrInvalidPath, fs.ErrNotExist},
		{"mkdir", func(f vfs.FS, d string) error { return f.Mkdir(d + "/d") }, jet.ErrSuccess, nil},
		{"mkdir existing", func(f vfs.FS, d string) error { return f.Mkdir(d + "/sub") }, jet.ErrFileAlreadyExists, fs.ErrExist},
		{"mkdir in missing", func(f vfs.FS, d string) error { return f.Mkdir(d + "/none/d") }, jet.ErrInvalidPath, fs.ErrNotExist},
		{"mkdirall", func(f vfs.FS, d string) error { return f.MkdirAll(d + "/a/b/c") }, jet.ErrSuccess, nil},
		{"mkdirall existing", func(f vfs.FS, d string) error { return f.MkdirAll(d + "/sub") }, jet.ErrSuccess, nil},
		{"mkdirall through a file", func(f vfs.FS, d string) error { return f.MkdirAll(d + "/file/d") }, jet.ErrInvalidPath, nil},
		{"rmdir", func(f vfs.FS, d string) error { return f.RemoveDir(d + "/empty") }, jet.ErrSuccess, nil},
		{"rmdir not empty", func(f vfs.FS, d string) error { return f.RemoveDir(d + "/sub") }, jet.ErrFileAccessDenied, nil},
		{"rmdir missing", func(f vfs.FS, d string) error { return f.RemoveDir(d + "/none") }, jet.ErrInvalidPath, fs.ErrNotExist},
		{"rmdir a file", func(f vfs.FS, d string) error { return f.RemoveDir(d + "/file") }, jet.ErrInvalidPath, nil},
		{"list missing", func(f vfs.FS, d string) error { _, err := f.ReadDir(d + "/none"); return err }, jet.ErrInvalidPath, fs.ErrNotExist},
		{"list a file", func(f vfs.FS, d string) error { _, err := f.ReadDir(d + "/file"); return err }, jet.ErrInvalidPath, nil},
		{"stat missing", func(f vfs.FS, d string) error { _, err := f.Stat(d + "/none"); return err }, jet.ErrFileNotFound, fs.ErrNotExist},
		{"stat in missing", func(f vfs.FS, d string) error { _, err := f.Stat(d + "/none/x"); return err }, jet.ErrInvalidPath, fs.ErrNotExist},
		{"syncdir", func(f vfs.FS, d string) error { return f.SyncDir(d + "/sub") }, jet.ErrSuccess, nil},
		{"syncdir missing", func(f vfs.FS, d string) error { return f.SyncDir(d + "/none") }, jet.ErrInvalidPath, fs.ErrNotExist},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachFS(t, func(t *testing.T, fsys vfs.FS, dir string) {
				put(t, fsys, dir+"/file", "x")
				must(t, fsys.Mkdir(dir+"/sub"))
				put(t, fsys, dir+"/sub/file", "y")
				must(t, fsys.Mkdir(dir+"/empty"))
				err := c.do(fsys, dir)
				if got := jet.CodeOf(err); got != c.want {
					t.Errorf("got %v, want %v", err, c.want)
				}
				if c.is != nil && !errors.Is(err, c.is) {
					t.Errorf("%v is not %v", err, c.is)
				}
				if e, ok := errors.AsType[*vfs.Error](err); err != nil && (!ok || e.Path == "" || e.Op == "") {
					t.Errorf("%v does not tell operation and path", err)
				}
			})
		})
	}
}

func TestFile(t *testing.T) {
	eachFS(t, func(t *testing.T, fsys vfs.FS, dir string) {
		name := dir + "/f"
		f, err := fsys.Open(name, vfs.Create)
		must(t, err)
		must(t, f.WriteAt([]byte("abc"), 2))
		expect := func(want string) {
			t.Helper()
			size, err := f.Size()
			must(t, err)
			got := make([]byte, size)
			must(t, f.ReadAt(got, 0))
			if string(got) != want {
				t.Errorf("content %q, want %q", got, want)
			}
		}
		expect("\x00\x00abc")
		must(t, f.Truncate(3))
		must(t, f.Truncate(6))
		expect("\x00\x00a\x00\x00\x00")
		must(t, f.Truncate(6))
		must(t, f.Sync())
		must(t, f.ReadAt(nil, 100))
		if err := f.ReadAt(make([]byte, 4), 3); jet.CodeOf(err) != jet.ErrFileIOBeyondEOF {
			t.Errorf("read over the end: %v", err)
		}
		if err := f.ReadAt(make([]byte, 4), 30); jet.CodeOf(err) != jet.ErrFileIOBeyondEOF {
			t.Errorf("read beyond the end: %v", err)
		}
		for what, err := range map[string]error{"read": f.ReadAt(make([]byte, 1), -1), "write": f.WriteAt([]byte("x"), -1), "truncate": f.Truncate(-1)} {
			if err == nil {
				t.Errorf("%s at a negative offset succeeds", what)
			}
		}
		if f.Name() != name {
			t.Errorf("name %q, want %q", f.Name(), name)
		}
		must(t, f.Close())
		if f.Close() == nil {
			t.Error("closing twice succeeds")
		}

		r, err := fsys.Open(name, vfs.ReadOnly)
		must(t, err)
		if err := r.WriteAt([]byte("x"), 0); jet.CodeOf(err) != jet.ErrFileAccessDenied {
			t.Errorf("write to a file opened for reading: %v", err)
		}
		must(t, fsys.Remove(name)) // an open file lives on without its name
		must(t, r.ReadAt(make([]byte, 6), 0))
		must(t, r.Close())
	})
}

func TestNames(t *testing.T) {
	eachFS(t, func(t *testing.T, fsys vfs.FS, dir string) {
		put(t, fsys, dir+"/b", "content of b")
		put(t, fsys, dir+"/a", "1")
		must(t, fsys.Mkdir(dir+"/c"))
		list, err := fsys.ReadDir(dir)
		must(t, err)
		want := []vfs.DirEntry{{Name: "a", Info: vfs.Info{Size: 1}}, {Name: "b", Info: vfs.Info{Size: 12}},
			{Name: "c", Info: vfs.Info{IsDir: true}}}
		if len(list) != 3 || list[0] != want[0] || list[1] != want[1] || list[2] != want[2] {
			t.Errorf("listing %v, want %v", list, want)
		}
		must(t, fsys.Rename(dir+"/b", dir+"/a"))
		got, err := vfs.ReadFile(fsys, dir+"/a")
		must(t, err)
		if !bytes.Equal(got, []byte("content of b")) {
			t.Errorf("after the rename a holds %q", got)
		}
		for path, want := range map[string]bool{"/a": true, "/b": false, "/c": true, "/none/x": false} {
			if got, err := vfs.Exists(fsys, dir+path); err != nil || got != want {
				t.Errorf("Exists(%s) = %v, %v", path, got, err)
			}
		}
		abs, err := fsys.Abs(dir + "/c/../x/")
		must(t, err)
		if want, _ := fsys.Abs(dir); abs != want+"/x" {
			t.Errorf("Abs gives %q", abs)
		}
	})
}

func TestLock(t *testing.T) {
	eachFS(t, func(t *testing.T, fsys vfs.FS, dir string) {
		name := dir + "/f"
		for _, c := range []struct {
			first, second vfs.OpenMode
			conflict      bool
		}{
			{vfs.ReadWrite | vfs.Lock, vfs.ReadWrite | vfs.Lock, true},
			{vfs.ReadWrite | vfs.Lock, vfs.ReadOnly | vfs.Lock, true},
			{vfs.ReadOnly | vfs.Lock, vfs.ReadWrite | vfs.Lock, true},
			{vfs.ReadOnly | vfs.Lock, vfs.ReadOnly | vfs.Lock, false},
			{vfs.ReadWrite | vfs.Lock, vfs.ReadOnly, false},
			{vfs.ReadWrite | vfs.Lock, vfs.CreateTruncate | vfs.Lock, true},
		} {
			put(t, fsys, name, "content")
			a, err := fsys.Open(name, c.first)
			must(t, err)
			b, err := fsys.Open(name, c.second)
			if c.conflict != errors.Is(err, vfs.ErrLocked) || c.conflict != (jet.CodeOf(err) == jet.ErrFileAccessDenied) {
				t.Errorf("%x then %x: %v", c.first, c.second, err)
			}
			if err == nil {
				must(t, b.Close())
			}
			if err := a.ReadAt(make([]byte, 7), 0); err != nil {
				t.Errorf("%x then %x: content lost: %v", c.first, c.second, err)
			}
			must(t, a.Close())
			b, err = fsys.Open(name, c.second)
			must(t, err)
			must(t, b.Close())
		}
	})
}
