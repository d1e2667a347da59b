package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"esent/internal/testdata"
	"esent/internal/vfs"
)

// call runs a command line.
func call(args ...string) (code int, out, errOut string) {
	var o, e strings.Builder
	code = run(args, vfs.System(), &o, &e)
	return code, o.String(), e.String()
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{}, {"/mh"}, {"/x", "file"}, {"/g", "a", "b"}} {
		code, out, errOut := call(args...)
		if code != exitUsage || out != "" {
			t.Errorf("%q: %d, %q", args, code, out)
		}
		for _, c := range commands {
			if !strings.Contains(errOut, c.text) {
				t.Errorf("usage lacks %s", c.name)
			}
		}
	}
}

func TestCommands(t *testing.T) {
	dir := filepath.Join(testdata.Set(t, "types_4k"), "files")
	db := filepath.Join(dir, "db.edb")
	image, err := os.ReadFile(db)
	if err != nil {
		t.Fatal(err)
	}
	damaged := filepath.Join(dir, "damaged.edb")
	image[len(image)/2] ^= 3
	image[4096+100] ^= 1
	if err := os.WriteFile(damaged, image, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, file string
		code       int
		want       []string
	}{
		{"/mh", "db.edb", exitOK, []string{"DATABASE HEADER:", "State: Clean Shutdown", "Last Objid: 14"}},
		{"-MH", "damaged.edb", exitOK, []string{"State: Clean Shutdown", "WARNING: the shadow copy"}},
		{"/mh", "edb.log", exitWrong, []string{"JET_err"}},
		{"/mh", "missing", exitWrong, []string{"JET_errFileNotFound"}},
		{"/ml", "edb.log", exitOK, []string{"Generation: 5 (0x5)", "Created: 2026-11-23 02:53:18.322 UTC", "Term", "the log says so"}},
		{"/ml", "edb00000002.log", exitOK, []string{"Generation: 2 (0x2)", "records."}},
		{"/ml", "db.edb", exitWrong, []string{"JET_errFileInvalidType"}},
		{"/mk", "edb.chk", exitOK, []string{"Checkpoint: (0x5,4A,0)", "consistent from: (0x5,4A,0)"}},
		{"/mk", "edb.log", exitWrong, []string{"JET_errCheckpointCorrupt"}},
		{"/k", "db.edb", exitOK, []string{"1022 pages seen", "0 with a wrong checksum"}},
		{"/k", "damaged.edb", exitWrong, []string{"1 with a wrong checksum", "shadow copy", "CORRUPTED"}},
		{"/g", "db.edb", exitOK, []string{"13 trees, 608 records", "Integrity check successful."}},
		{"/g", "damaged.edb", exitWrong, []string{"checksum, lv (long values)", "CORRUPTED"}},
	} {
		code, out, errOut := call(c.name, filepath.Join(dir, c.file))
		if code != c.code {
			t.Errorf("%s %s: %d\n%s%s", c.name, c.file, code, out, errOut)
		}
		for _, want := range c.want {
			if !strings.Contains(out+errOut, want) {
				t.Errorf("%s %s: no %q in\n%.2000s%s", c.name, c.file, want, out, errOut)
			}
		}
	}
}

func TestDirty(t *testing.T) {
	path := filepath.Join(testdata.Set(t, "dirty_simple", "*.edb"), "files", "db.edb")
	code, out, errOut := call("/g", path)
	if code != exitWrong || !strings.Contains(out, "recovery may put right") || !strings.Contains(errOut, "Dirty") {
		t.Errorf("%d\n%s%s", code, out, errOut)
	}
	if code, out, errOut := call("/k", path); code != exitOK {
		t.Errorf("%d\n%s%s", code, out, errOut)
	}
}
