package testdata

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// Root is the repository's directory.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("testdata: no go.mod above the working directory")
		}
		dir = parent
	}
}

var makeLibrary struct {
	sync.Once
	output []byte
	err    error
}

// Library builds the shared library, once a test process, and gives its path.
func Library(t testing.TB) string {
	t.Helper()
	root := Root(t)
	makeLibrary.Do(func() {
		cmd := exec.Command("make", "-s", "lib")
		cmd.Dir = root
		makeLibrary.output, makeLibrary.err = cmd.CombinedOutput()
	})
	if makeLibrary.err != nil {
		t.Fatalf("make lib: %v\n%s", makeLibrary.err, makeLibrary.output)
	}
	library := filepath.Join(root, "build", "libesent.so")
	// Programs open it, not the test. Looking at it here keeps go test from taking up a result that was got with
	// another library.
	if _, err := os.Stat(library); err != nil {
		t.Fatal(err)
	}
	return library
}
