package c_test

import (
	"path/filepath"
	"testing"
)

// Recovery asks the program that calls JetInit3 or JetInit4, by callbacks, and does as it says.
func TestRecoveryCallbacks(t *testing.T) {
	program, dir := linked(t, "recovery.c"), t.TempDir()
	run(t, 0, limit, program, "dirty", dir)
	run(t, 0, limit, program, "recover", dir)
	checkDatabase(t, filepath.Join(dir, "r.edb"))
}
