package cache

import (
	"golang.org/x/sys/unix"

	"esent/internal/jet"
)

// region is memory outside the Go heap. It reads as zeros at first and takes real memory where it is touched.
type region struct{ mem []byte }

func reserve(size int) (*region, error) {
	mem, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE|unix.MAP_NORESERVE)
	if err != nil {
		return nil, jet.ErrOutOfMemory.Errorf("reserving %d bytes: %v", size, err)
	}
	return &region{mem}, nil
}

// large asks for large pages of the machine: a search in many frames waits mostly for translations of addresses.
func (r *region) large() {
	if len(r.mem) >= 4*largePage {
		// Refusal costs speed only.
		_ = unix.Madvise(r.mem, unix.MADV_HUGEPAGE)
	}
}

const largePage = 2 << 20

// commit makes n bytes from off usable.
func (r *region) commit(off, n int) error { return nil }

// release gives the memory behind n bytes from off back; they stay readable, their content is lost.
func (r *region) release(off, n int) {
	// Failure costs memory only.
	_ = unix.Madvise(r.mem[off:off+n], unix.MADV_DONTNEED)
}

func (r *region) free() error {
	if err := unix.Munmap(r.mem); err != nil {
		return jet.ErrInternalError.Errorf("unmapping: %v", err)
	}
	return nil
}

// physicalMemory is the machine's memory in bytes, 0 when it cannot be told.
func physicalMemory() uint64 {
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) != nil {
		return 0
	}
	return uint64(info.Totalram) * uint64(info.Unit)
}
