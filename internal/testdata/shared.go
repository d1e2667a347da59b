// Package testdata finds the real files that tests read: databases, logs and backups which the original
// engine wrote. They lie beside the repository, never in it. Only tests import this package.
package testdata

import (
	"os"
	"path/filepath"
	"testing"
)

// Shared is the directory ../shared beside the repository. Without it the test is skipped, or fails where
// CI=true says that it must be there.
func Shared(t testing.TB) string {
	t.Helper()
	shared := filepath.Join(filepath.Dir(Root(t)), "shared")
	if _, err := os.Stat(shared); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("testdata: %v", err)
		}
		t.Skipf("testdata: %v", err)
	}
	return shared
}
