package testdata

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Windows unpacks the databases that Windows made into a temporary directory and gives their paths.
func Windows(t testing.TB) []string {
	t.Helper()
	packed, err := filepath.Glob(filepath.Join(Shared(t), "data", "windows", "*.xz"))
	if err != nil || len(packed) == 0 {
		t.Fatalf("testdata: no Windows databases: %v", err)
	}
	dir := t.TempDir()
	paths := make([]string, len(packed))
	for i, p := range packed {
		data, err := exec.Command("xz", "-dc", p).Output()
		if err != nil {
			t.Fatalf("testdata: xz %s: %v", p, err)
		}
		paths[i] = filepath.Join(dir, strings.TrimSuffix(filepath.Base(p), ".xz"))
		if err := os.WriteFile(paths[i], data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return paths
}

// Sets are the names of the data sets that the original engine made, for Set.
func Sets(t testing.TB) []string {
	t.Helper()
	const suffix = ".tar.xz"
	packed, err := filepath.Glob(filepath.Join(Shared(t), "data", "engine", "*"+suffix))
	if err != nil || len(packed) == 0 {
		t.Fatalf("testdata: no data sets: %v", err)
	}
	names := make([]string, len(packed))
	for i, p := range packed {
		names[i] = strings.TrimSuffix(filepath.Base(p), suffix)
	}
	return names
}

// Set unpacks one data set into a temporary directory and gives the directory that holds its manifest,
// files and dumps. With patterns, only members that match one of them (as tar's wildcards do) are unpacked.
func Set(t testing.TB, name string, patterns ...string) string {
	t.Helper()
	dir := t.TempDir()
	args := []string{"-xJf", filepath.Join(Shared(t), "data", "engine", name+".tar.xz"), "-C", dir}
	if len(patterns) > 0 {
		args = append(append(args, "--wildcards"), patterns...)
	}
	if out, err := exec.Command("tar", args...).CombinedOutput(); err != nil && !strings.Contains(string(out), "Not found in archive") {
		t.Fatalf("testdata: tar %v: %v\n%s", args, err, out)
	}
	return filepath.Join(dir, name)
}
