// Package data_test opens, through the C API, the databases, logs and backups that the original engine and
// Windows made, and compares their whole content with what they are known to hold.
package data_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"esent/internal/testdata"
)

// sets are all that the checker knows, by name or pattern: column types, indexes, deep trees, databases of
// killed engines, backups, files missing or damaged at recovery, and databases of Windows.
var sets = []string{"windows", "types_*", "index_*", "indexlate_*", "big_*", "dirty_*", "backup", "recovery_matrix"}

// Every set has the content that the original engine found in it: rows, columns, index entries, codes.
func TestDataSets(t *testing.T) {
	if testing.Short() {
		t.Skip("the data sets are not short")
	}
	data := filepath.Join(testdata.Shared(t), "data")
	library := testdata.Library(t)
	for _, pattern := range []string{"check.py", "walk.c", filepath.Join("engine", "*"), filepath.Join("windows", "*")} {
		files, err := filepath.Glob(filepath.Join(data, pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: nothing there (%v)", pattern, err)
		}
		for _, file := range files {
			if _, err := os.Stat(file); err != nil { // a cached result is used only while they are the same
				t.Fatal(err)
			}
		}
	}
	args := append([]string{filepath.Join(data, "check.py"), library}, sets...)
	cmd := exec.Command("python3", append(args, "--include", filepath.Join(testdata.Root(t), "include"), "-j", "2")...)
	var messages bytes.Buffer
	cmd.Stderr = &messages
	out, err := cmd.Output()
	t.Logf("\n%s", out)
	if err != nil {
		t.Errorf("%v\n%s", err, messages.Bytes())
	}
	for _, name := range testdata.Sets(t) {
		// Of two sets there are calls and codes alone, no files.
		if name != "backup_single" && name != "backup_errors" && !strings.Contains(string(out), "ok     "+name+" (") {
			t.Errorf("%s was not checked, or failed", name)
		}
	}
}
