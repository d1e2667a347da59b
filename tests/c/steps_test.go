package c_test

import (
	"fmt"
	"testing"
)

// Calls that C code answers by itself give what Go would have given.
func TestStepsWithoutGo(t *testing.T) {
	program := linked(t, "steps.c")
	for seed, size := range []int{4096, 8192, 16384, 32768} {
		run(t, 0, limit, program, t.TempDir(), fmt.Sprint(seed), fmt.Sprint(size))
	}
}
