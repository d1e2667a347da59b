package vfs

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"esent/internal/jet"
)

func TestCodes(t *testing.T) {
	for _, c := range []struct {
		err  error
		want jet.Err
	}{
		{syscall.EACCES, jet.ErrFileAccessDenied},
		{syscall.EPERM, jet.ErrFileAccessDenied},
		{syscall.EROFS, jet.ErrFileAccessDenied},
		{syscall.ENOSPC, jet.ErrDiskFull},
		{syscall.EDQUOT, jet.ErrDiskFull},
		{syscall.EMFILE, jet.ErrOutOfFileHandles},
		{syscall.ENFILE, jet.ErrOutOfFileHandles},
		{syscall.EIO, jet.ErrDiskIO},
		{errors.New("something"), jet.ErrDiskIO},
	} {
		err := ioError("write", "x", &os.PathError{Op: "write", Path: "x", Err: c.err})
		if jet.CodeOf(err) != c.want || !errors.Is(err, c.err) {
			t.Errorf("%v becomes %v, want %v", c.err, err, c.want)
		}
	}
}

func TestDiskFull(t *testing.T) {
	f, err := osFS{}.Open("/dev/full", ReadWrite)
	if err != nil {
		t.Skip("no /dev/full here:", err)
	}
	defer f.Close()
	if err := f.WriteAt([]byte("x"), 0); jet.CodeOf(err) != jet.ErrDiskFull || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("write to a full disk: %v", err)
	}
}

// Growth must take the space from the disk, not only set the size.
func TestTruncateAllocates(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	f, err := osFS{}.Open(name, Create)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const size = 1 << 20
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(name)
	if err != nil || info.Size() != size {
		t.Fatalf("size %d, %v", info.Size(), err)
	}
	if st := info.Sys().(*syscall.Stat_t); st.Blocks*512 < size {
		t.Skipf("the file system of %s does not preallocate: %d blocks", name, st.Blocks)
	}
}

// A sync that failed once must not succeed later: the pages may be clean and lost.
func TestSyncFailureIsFinal(t *testing.T) {
	f, err := osFS{}.Open(filepath.Join(t.TempDir(), "f"), Create)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	f.(*osFile).lost.Store(true)
	if err := f.Sync(); jet.CodeOf(err) != jet.ErrDiskIO {
		t.Errorf("sync after a failed one: %v", err)
	}
}
