package c_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A call that panics ends the work of its instance, not of the process: with a library built to have a defect.
func TestPanicInCall(t *testing.T) {
	dir := t.TempDir()
	program, events := linkedWith(t, tagged(t, "paniconcall"), "paniconcall.c"), filepath.Join(dir, "events")
	t.Setenv("ESENT_EVENT_LOG", events)
	run(t, 0, limit, program, dir)
	text, err := os.ReadFile(events)
	if err != nil || !strings.Contains(string(text), "panic: paniconcall") || !strings.Contains(string(text), "defectiveFile") {
		t.Errorf("events: %v\n%s", err, text)
	}
}
