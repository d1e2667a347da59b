package c_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"esent/internal/testdata"
)

// A call that panics ends the work of its instance, not of the process: with a library built to have a defect.
func TestPanicInCall(t *testing.T) {
	build, dir := t.TempDir(), t.TempDir()
	cmd := exec.Command("go", "build", "-buildmode=c-shared", "-tags", "paniconcall",
		"-ldflags", "-extldflags -Wl,-z,nodelete", "-o", filepath.Join(build, "libesent.so"), "./cabi")
	cmd.Dir = testdata.Root(t)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	program, events := filepath.Join(build, "paniconcall"), filepath.Join(dir, "events")
	l := c99
	l.standard = "-std=gnu99"
	compile(t, l, filepath.Join("testdata", "paniconcall.c"), "-O1", "-o", program, "-L", build, "-lesent", "-lpthread", "-Wl,-rpath,"+build)
	t.Setenv("ESENT_EVENT_LOG", events)
	run(t, 0, limit, program, dir)
	text, err := os.ReadFile(events)
	if err != nil || !strings.Contains(string(text), "panic: paniconcall") || !strings.Contains(string(text), "defectiveFile") {
		t.Errorf("events: %v\n%s", err, text)
	}
}
