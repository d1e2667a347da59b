package c_test

import (
	"os"
	"path/filepath"
	"testing"

	"esent/internal/backup/stream"
	"esent/internal/vfs"
)

// EsentBackup from C: callbacks that watch, cancel and fail; the set in a directory and what is unpacked from the
// streams restore to all rows.
func TestExtendedBackup(t *testing.T) {
	program, dir := linked(t, "extbackup.c"), t.TempDir()
	run(t, 0, limit, program, "make", dir)
	for _, name := range []string{"set.tar", "set.tar.zst"} {
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := stream.Unpack(vfs.System().FS, filepath.Join(dir, name+".set"), f, nil); err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	for set, rows := range map[string]string{"set": "3000", "set.tar.set": "3000", "set.tar.zst.set": "3000", "chain": "3300"} {
		dest := filepath.Join(dir, set+".restored")
		if err := os.Mkdir(dest, 0o700); err != nil {
			t.Fatal(err)
		}
		run(t, 0, limit, program, "count", filepath.Join(dir, set), dest, rows)
		checkDatabase(t, filepath.Join(dest, "ext.edb"))
	}
}
