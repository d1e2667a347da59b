package c_test

import (
	"testing"
)

// What runs out gives its code, and the engine goes on: sessions, cursors, temporary tables, versions, pages. A
// process that may not have much address space gets a smaller cache.
func TestShortage(t *testing.T) {
	program := linked(t, "shortage.c")
	run(t, 0, limit, program, t.TempDir())
	for _, mib := range []string{"400", "600", "1200"} {
		run(t, 0, limit, program, t.TempDir(), mib)
	}
}
