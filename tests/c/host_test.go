package c_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"esent/internal/testdata"
)

// host compiles a program of testdata, which loads the library by itself, and gives its path.
func host(t *testing.T, source string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), strings.TrimSuffix(source, ".c"))
	l := c99
	l.standard = "-std=gnu99"
	compile(t, l, filepath.Join("testdata", source), "-O1", "-o", program, "-lpthread", "-ldl")
	return program
}

// run expects the program to end with the code within its time, and gives what it said.
func run(t *testing.T, code int, limit time.Duration, program string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		t.Fatalf("%s %v: no end within %v\n%s", filepath.Base(program), args, limit, out)
	}
	if got := cmd.ProcessState.ExitCode(); got != code {
		if len(out) > 5000 {
			out = out[:5000]
		}
		t.Fatalf("%s %v: exit code %d, want %d (%v)\n%s", filepath.Base(program), args, got, code, err, out)
	}
	return string(out)
}

const limit = time.Minute

// The host keeps its signal handlers, its alternate stack and the signals themselves.
func TestHostWithSignals(t *testing.T) {
	program := host(t, "signals.c")
	for _, order := range []string{"handlers-first", "library-first"} {
		t.Run(order, func(t *testing.T) { run(t, 0, limit, program, testdata.Library(t), order) })
	}
}

// Threads come, call once and go, by the thousand.
func TestHostWithManyThreads(t *testing.T) {
	run(t, 0, limit, host(t, "threads.c"), testdata.Library(t))
}

// A second Go runtime lives in the same process.
func TestHostWithAnotherGoLibrary(t *testing.T) {
	dir := t.TempDir()
	second := filepath.Join(dir, "libsecond.so")
	cmd := exec.Command("go", "build", "-buildmode=c-shared", "-o", second, "second.go")
	cmd.Dir = filepath.Join("testdata", "second")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	program := host(t, "second.c")
	run(t, 0, limit, program, testdata.Library(t), second, "ours-first")
	run(t, 0, limit, program, testdata.Library(t), second, "ours-second")
}

// The process ends at once, with its own code, however many calls are running.
func TestHostThatExits(t *testing.T) {
	program := host(t, "exit.c")
	for _, way := range []string{"exit", "return", "atexit", "_exit"} {
		for range 3 {
			run(t, 7, 20*time.Second, program, testdata.Library(t), way)
		}
	}
}

// A forked child gets an error code, at once; its parent goes on, and so does a program that the child
// executes.
func TestHostThatForks(t *testing.T) {
	run(t, 0, limit, host(t, "fork.c"), testdata.Library(t))
}

// dlclose leaves the library where it is, and it can be opened again.
func TestHostThatCloses(t *testing.T) {
	run(t, 0, limit, host(t, "close.c"), testdata.Library(t))
}

// A program linked with the installed library finds it by its soname.
func TestInstalledLibrary(t *testing.T) {
	root, dir := testdata.Root(t), t.TempDir()
	testdata.Library(t)
	cmd := exec.Command("make", "-s", "install", "DESTDIR="+dir, "PREFIX=/usr")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	libdir := filepath.Join(dir, "usr", "lib")
	pc, err := os.ReadFile(filepath.Join(libdir, "pkgconfig", "esent.pc"))
	if err != nil || !strings.Contains(string(pc), "prefix=/usr\n") {
		t.Errorf("esent.pc: %v\n%s", err, pc)
	}
	program := filepath.Join(dir, "linked")
	args := []string{"-std=c99", "-Wall", "-Werror", "-I", filepath.Join(dir, "usr", "include"), filepath.Join("testdata", "linked.c"), "-o", program,
		"-L", libdir, "-lesent", "-Wl,-rpath," + libdir}
	if out, err := exec.Command("gcc", args...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	run(t, 0, limit, program)
}
