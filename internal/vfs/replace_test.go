package vfs_test

import (
	"testing"

	"esent/internal/jet"
	"esent/internal/vfs"
)

func TestReplaceFile(t *testing.T) {
	env, dir := vfs.System(), t.TempDir()
	for _, want := range []string{"first", "second, longer", "3"} {
		must(t, vfs.ReplaceFile(env, dir+"/f", []byte(want)))
		if got, err := vfs.ReadFile(env.FS, dir+"/f"); err != nil || string(got) != want {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
	}
	must(t, env.FS.Mkdir(dir+"/d"))
	if err := vfs.ReplaceFile(env, dir+"/d", nil); jet.CodeOf(err) != jet.ErrFileAlreadyExists {
		t.Errorf("in place of a directory: %v", err)
	}
	if list, _ := env.FS.ReadDir(dir); len(list) != 2 {
		t.Errorf("left behind: %v", list)
	}
}
