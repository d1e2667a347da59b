package engine

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"esent/internal/eventlog"
	"esent/internal/jet"
	"esent/internal/vfs"
)

// yard is a folder on the real disk with an instance's files and a clean database.
type yard struct {
	*machine
	dir string
}

func newYard(t *testing.T) *yard {
	y := &yard{machine: &machine{t: t, log: &eventlog.Recorder{}}, dir: t.TempDir()}
	y.proc = NewProcess(vfs.System(), y.log)
	y.set(nil, jet.ParamCacheSizeMax, 512)
	i, s := y.start("a", y.dir)
	n, err := s.CreateDatabase(0, y.file("x.edb"), 0, 0)
	y.want(err, 0)
	y.want(s.CloseDatabase(0, n), 0)
	y.want(s.DetachDatabase(0, y.file("x.edb"), 0), 0)
	y.want(i.Term(0), 0)
	return y
}

func (y *yard) file(name string) string { return filepath.Join(y.dir, name) }

// put makes a file.
func (y *yard) put(name string, content []byte) {
	y.t.Helper()
	if err := os.WriteFile(y.file(name), content, 0o644); err != nil {
		y.t.Fatal(err)
	}
}

func (y *yard) content(name string) []byte {
	y.t.Helper()
	b, err := os.ReadFile(y.file(name))
	if err != nil {
		y.t.Fatal(err)
	}
	return b
}

// all describes everything in the folder but files whose name begins with that of the log, if one is given: those a
// running instance may be preparing.
func (y *yard) all(log string) string {
	y.t.Helper()
	var list strings.Builder
	err := filepath.WalkDir(y.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if log != "" && strings.HasPrefix(e.Name(), log) {
			return nil
		}
		fmt.Fprintln(&list, path, e.Type())
		if e.Type().IsRegular() {
			b, err := os.ReadFile(path)
			list.Write(b)
			return err
		}
		return nil
	})
	if err != nil {
		y.t.Fatal(err)
	}
	return list.String()
}

// within fails the test when a call does not come back.
func (y *yard) within(call func() error) error {
	y.t.Helper()
	done := make(chan error, 1)
	go func() { done <- call() }()
	select {
	case err := <-done:
		return err
	case <-time.After(20 * time.Second):
		y.t.Fatal("the call does not return")
		return nil
	}
}

// noise is bytes without meaning.
func noise(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*i>>3 ^ i*7)
	}
	return b
}

// TestAttachHostileFiles attaches what is no database, or only the beginning of one: nothing changes on the disk, and
// the instance goes on.
func TestAttachHostileFiles(t *testing.T) {
	const pageSize = 4096
	for _, c := range []struct {
		name string
		make func(y *yard) // makes h.edb
		code jet.Err
	}{
		{"nothing", func(y *yard) { y.put("h.edb", nil) }, jet.ErrDatabaseCorrupted},
		{"one byte", func(y *yard) { y.put("h.edb", []byte{1}) }, jet.ErrDatabaseCorrupted},
		{"noise", func(y *yard) { y.put("h.edb", noise(300000)) }, jet.ErrDatabaseCorrupted},
		{"zeros", func(y *yard) { y.put("h.edb", make([]byte, 300000)) }, jet.ErrDatabaseCorrupted},
		{"half a header", func(y *yard) { y.put("h.edb", y.content("x.edb")[:pageSize/2]) }, jet.ErrInvalidDatabaseVersion},
		{"one header", func(y *yard) { y.put("h.edb", y.content("x.edb")[:pageSize]) }, jet.ErrFileIOBeyondEOF},
		{"two headers", func(y *yard) { y.put("h.edb", y.content("x.edb")[:2*pageSize]) }, jet.ErrFileIOBeyondEOF},
		{"one page", func(y *yard) { y.put("h.edb", y.content("x.edb")[:3*pageSize+100]) }, jet.ErrFileIOBeyondEOF},
		{"headers and zeros", func(y *yard) {
			y.put("h.edb", append(y.content("x.edb")[:2*pageSize], make([]byte, 300000)...))
		}, jet.ErrPageNotInitialized},
		{"headers and noise", func(y *yard) { y.put("h.edb", append(y.content("x.edb")[:2*pageSize], noise(300000)...)) }, jet.ErrReadVerifyFailure},
		{"a log", func(y *yard) { y.put("h.edb", y.content("edb.log")) }, jet.ErrDatabaseCorrupted},
		{"a checkpoint", func(y *yard) { y.put("h.edb", y.content("edb.chk")) }, jet.ErrDatabaseCorrupted},
		{"a flush map", func(y *yard) { y.put("h.edb", y.content("x.jfm")) }, jet.ErrDatabaseCorrupted},
		{"the log in use", func(y *yard) {
			if err := os.Symlink(y.file("edb.log"), y.file("h.edb")); err != nil {
				y.t.Fatal(err)
			}
		}, jet.ErrFileAccessDenied},
		{"a folder", func(y *yard) { y.want(vfs.System().FS.Mkdir(y.file("h.edb")), 0) }, jet.ErrFileAccessDenied},
		{"a pipe", func(y *yard) {
			if err := syscall.Mkfifo(y.file("h.edb"), 0o644); err != nil {
				y.t.Fatal(err)
			}
		}, jet.ErrFileAccessDenied},
		{"a link to nowhere", func(y *yard) {
			if err := os.Symlink(y.file("x.edb/y"), y.file("h.edb")); err != nil {
				y.t.Fatal(err)
			}
		}, jet.ErrFileNotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			y := newYard(t)
			c.make(y)
			i, s := y.start("a", y.dir)
			before := y.all("edb")
			for _, grbit := range []jet.Grbit{0, jet.BitDbReadOnly} {
				if c.name == "the log in use" && grbit != 0 {
					continue
				}
				y.want(y.within(func() error { _, err := s.AttachDatabase(0, y.file("h.edb"), 0, grbit); return err }), c.code)
			}
			if y.all("edb") != before {
				t.Error("something changed on the disk")
			}
			_, err := s.AttachDatabase(0, y.file("x.edb"), 0, 0)
			y.want(err, 0)
			y.want(i.Term(0), 0)
		})
	}
}

// TestInitHostileFolder starts an instance whose folder has things in it that are no logs and no checkpoint of its.
func TestInitHostileFolder(t *testing.T) {
	fifo := func(y *yard, name string) {
		if err := syscall.Mkfifo(y.file(name), 0o644); err != nil {
			y.t.Fatal(err)
		}
	}
	folder := func(y *yard, name string) {
		os.Remove(y.file(name))
		y.want(vfs.System().FS.Mkdir(y.file(name)), 0)
	}
	for _, c := range []struct {
		name string
		make func(y *yard)
		code jet.Err
	}{
		{"names that are nearly logs'", func(y *yard) {
			for _, n := range []string{"edb0000.log", "edb000001.log", "edb0000g.log", "edb.log.bak", "edbxyz.log", "edb00001.lo", "xdb00001.log", "edb-0001.log", "edb+0001.log", "edb 0001.log"} {
				y.put(n, noise(5000))
			}
		}, 0},
		{"an old log that is noise", func(y *yard) { y.put("edb00001.log", noise(65536)) }, 0},
		{"a later log that is noise", func(y *yard) { y.put("edb00009.log", noise(65536)) }, 0},
		{"a later log that is a folder", func(y *yard) { folder(y, "edb00009.log") }, 0},
		{"the log is empty", func(y *yard) { y.put("edb.log", nil) }, jet.ErrLogFileSizeMismatch},
		{"the log is noise", func(y *yard) { y.put("edb.log", noise(65536)) }, jet.ErrLogFileCorrupt},
		{"the log is zeros", func(y *yard) { y.put("edb.log", make([]byte, 65536)) }, jet.ErrLogFileCorrupt},
		{"the log is a checkpoint", func(y *yard) { y.put("edb.log", y.content("edb.chk")) }, jet.ErrFileInvalidType},
		{"the log is a database", func(y *yard) { y.put("edb.log", y.content("x.edb")) }, jet.ErrFileInvalidType},
		{"the log is short", func(y *yard) { y.put("edb.log", y.content("edb.log")[:40000]) }, jet.ErrLogFileSizeMismatch},
		{"the log is a header", func(y *yard) { y.put("edb.log", y.content("edb.log")[:4096]) }, jet.ErrLogFileSizeMismatch},
		{"the log is a folder", func(y *yard) { folder(y, "edb.log") }, jet.ErrMissingLogFile},
		{"the log is a pipe", func(y *yard) { os.Remove(y.file("edb.log")); fifo(y, "edb.log") }, jet.ErrFileAccessDenied},
		{"the checkpoint is empty", func(y *yard) { y.put("edb.chk", nil) }, 0},
		{"the checkpoint is noise", func(y *yard) { y.put("edb.chk", noise(8192)) }, 0},
		{"the checkpoint is large noise", func(y *yard) { y.put("edb.chk", noise(1<<20)) }, 0},
		{"the checkpoint is a log", func(y *yard) { y.put("edb.chk", y.content("edb.log")) }, 0},
		{"the checkpoint is a folder", func(y *yard) { folder(y, "edb.chk") }, jet.ErrFileAccessDenied},
		{"the checkpoint is a pipe", func(y *yard) { os.Remove(y.file("edb.chk")); fifo(y, "edb.chk") }, jet.ErrFileAccessDenied},
	} {
		t.Run(c.name, func(t *testing.T) {
			y := newYard(t)
			c.make(y)
			before := y.all("")
			i := y.instance("a", y.dir)
			err := y.within(func() error { _, err := i.Init(InitOptions{}); return err })
			y.want(err, c.code)
			if err != nil {
				if y.all("") != before {
					t.Error("something changed on the disk")
				}
				return
			}
			s, err := i.BeginSession()
			y.want(err, 0)
			_, err = s.AttachDatabase(0, y.file("x.edb"), 0, 0)
			y.want(err, 0)
			y.want(i.Term(0), 0)
		})
	}
}
