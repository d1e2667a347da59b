package vfs_test

import (
	"slices"
	"testing"

	"esent/internal/jet"
	"esent/internal/vfs"
	"esent/internal/vfs/simdisk"
)

func TestMakePath(t *testing.T) {
	sim := simdisk.New(1, simdisk.Options{StrictNames: true})
	fsys := sim.Env().FS
	for _, want := range [][]string{{"/a", "/a/b", "/a/b/c"}, nil} {
		made, err := vfs.MakePath(fsys, "/a/b/c/")
		if err != nil || !slices.Equal(made, want) {
			t.Errorf("made %v, %v; want %v", made, err, want)
		}
	}
	fsys = sim.Crash(simdisk.Crash{}).FS
	if ok, err := vfs.Exists(fsys, "/a/b/c"); !ok || err != nil {
		t.Errorf("lost in a power cut: %v, %v", ok, err)
	}
	f, err := fsys.Open("/a/f", vfs.Create)
	must(t, err)
	must(t, f.Close())
	if _, err := vfs.MakePath(fsys, "/a/f/d"); jet.CodeOf(err) != jet.ErrInvalidPath {
		t.Errorf("through a file: %v", err)
	}
}
