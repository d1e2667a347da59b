package c_test

import (
	"path/filepath"
	"testing"
)

// Functions of the program's that the engine calls.
func TestCallbacks(t *testing.T) {
	program, dir := linked(t, "callbacks.c", "-rdynamic"), t.TempDir()
	run(t, 0, limit, program, dir)
	checkDatabase(t, filepath.Join(dir, "c.edb"))
}
