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
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("testdata: no go.mod above the working directory")
		}
		dir = parent
	}
	shared := filepath.Join(filepath.Dir(dir), "shared")
	if _, err := os.Stat(shared); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("testdata: %v", err)
		}
		t.Skipf("testdata: %v", err)
	}
	return shared
}
