package c_test

import (
	"flag"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"esent/internal/testdata"
)

var bankSeconds = flag.Int("bank-seconds", 5, "how long the threads transfer money")

// linked compiles a program of testdata against the library and gives its path.
func linked(t *testing.T, source string, args ...string) string {
	t.Helper()
	return linkedWith(t, filepath.Dir(testdata.Library(t)), source, args...)
}

// tagged builds the library with build tags, for tests only, and gives its folder.
func tagged(t *testing.T, tags string) string {
	t.Helper()
	build := t.TempDir()
	cmd := exec.Command("go", "build", "-buildmode=c-shared", "-tags", tags,
		"-ldflags", "-extldflags -Wl,-z,nodelete", "-o", filepath.Join(build, "libesent.so"), "./cabi")
	cmd.Dir = testdata.Root(t)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return build
}

// linkedWith is linked with the library in the folder build.
func linkedWith(t *testing.T, build, source string, args ...string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), strings.TrimSuffix(source, ".c"))
	l := c99
	l.standard = "-std=gnu99"
	compile(t, l, filepath.Join("testdata", source),
		append([]string{"-O1", "-g", "-o", program, "-L", build, "-lesent", "-lpthread", "-Wl,-rpath," + build}, args...)...)
	return program
}

// checkDatabase has the command line tool look at every page of a database.
func checkDatabase(t *testing.T, path string) {
	t.Helper()
	tool := filepath.Join(t.TempDir(), "esentutl")
	cmd := exec.Command("go", "build", "-o", tool, "./cmd/esentutl")
	cmd.Dir = testdata.Root(t)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := exec.Command(tool, "/g", path).CombinedOutput(); err != nil {
		t.Errorf("esentutl /g: %v\n%s", err, out)
	}
}

// Sixteen threads transfer money in transactions while others sum it up and back it up. None is lost: not
// in the running engine, not in the file that it leaves, not in the last backup.
func TestBank(t *testing.T) {
	program, dir, restored := linked(t, "bank.c"), t.TempDir(), t.TempDir()
	duration := time.Duration(*bankSeconds)*time.Second + limit
	t.Log(run(t, 0, duration, program, "run", dir, strconv.Itoa(*bankSeconds), "16"))
	checkDatabase(t, filepath.Join(dir, "bank.edb"))
	run(t, 0, limit, program, "check", dir)
	run(t, 0, limit, program, "restore", filepath.Join(dir, "backup", "new"), restored)
	checkDatabase(t, filepath.Join(restored, "bank.edb"))
}
