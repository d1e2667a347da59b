package c_test

import "testing"

// A program verifies the backups that it has made.
func TestBackupVerify(t *testing.T) {
	run(t, 0, limit, linked(t, "verify.c"), t.TempDir())
}
