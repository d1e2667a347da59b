package c_test

import "testing"

// EsentRestore from C, to moments and positions that EsentListCommits tells of, with callbacks that watch and cancel, as a
// dry run and from a stream.
func TestExtendedRestore(t *testing.T) {
	run(t, 0, limit, linked(t, "extrestore.c"), t.TempDir())
}
