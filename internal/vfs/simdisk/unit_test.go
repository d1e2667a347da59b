package simdisk

import (
	"bytes"
	"strings"
	"testing"

	"esent/internal/vfs"
)

// TestUnitOf tears a file whose unit is a sector, and never one whose unit is larger.
func TestUnitOf(t *testing.T) {
	const size = 8 * SectorSize
	torn := 0
	for seed := range uint64(50) {
		s := New(seed, Options{})
		fsys := s.Env().FS
		for _, name := range []string{"/a.log", "/a.edb"} {
			f, err := fsys.Open(name, vfs.Create)
			if err != nil {
				t.Fatal(err)
			}
			for _, do := range []error{f.WriteAt(bytes.Repeat([]byte{1}, size), 0), f.Sync(), f.WriteAt(bytes.Repeat([]byte{2}, size), 0), f.Close()} {
				if do != nil {
					t.Fatal(do)
				}
			}
		}
		s.Crash(Crash{Unsynced: Random, UnitOf: func(path string) int64 {
			if strings.HasSuffix(path, ".edb") {
				return size
			}
			return 0
		}})
		for _, name := range []string{"/a.log", "/a.edb"} {
			data, err := s.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if n := bytes.Count(data, []byte{2}); n != 0 && n != size {
				if name == "/a.edb" {
					t.Errorf("seed %d: %d of %d bytes", seed, n, size)
				}
				torn++
			}
		}
	}
	if torn == 0 {
		t.Error("no file was ever torn")
	}
}
