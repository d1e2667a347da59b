package cache

import (
	"unsafe"

	"golang.org/x/sys/windows"

	"esent/internal/jet"
)

// region is memory outside the Go heap. It reads as zeros at first; commit makes parts of it usable.
type region struct {
	base uintptr
	mem  []byte
}

func reserve(size int) (*region, error) {
	base, err := windows.VirtualAlloc(0, uintptr(size), windows.MEM_RESERVE, windows.PAGE_READWRITE)
	if err != nil {
		return nil, jet.ErrOutOfMemory.Errorf("reserving %d bytes: %v", size, err)
	}
	p := *(*unsafe.Pointer)(unsafe.Pointer(&base)) // memory of the system, not of the collector
	return &region{base, unsafe.Slice((*byte)(p), size)}, nil
}

// large would ask for large pages, which need a privilege on Windows.
func (r *region) large() {}

// commit makes n bytes from off usable.
func (r *region) commit(off, n int) error {
	if _, err := windows.VirtualAlloc(r.base+uintptr(off), uintptr(n), windows.MEM_COMMIT, windows.PAGE_READWRITE); err != nil {
		return jet.ErrOutOfMemory.Errorf("committing %d bytes: %v", n, err)
	}
	return nil
}

// release gives the memory behind n bytes from off back; they stay readable, their content is lost.
func (r *region) release(off, n int) {
	// Not decommitted: a stale reader may look. Failure costs memory only.
	_, _ = windows.VirtualAlloc(r.base+uintptr(off), uintptr(n), windows.MEM_RESET, windows.PAGE_READWRITE)
}

func (r *region) free() error {
	if err := windows.VirtualFree(r.base, 0, windows.MEM_RELEASE); err != nil {
		return jet.ErrInternalError.Errorf("unmapping: %v", err)
	}
	return nil
}

var procGlobalMemoryStatusEx = windows.NewLazySystemDLL("kernel32.dll").NewProc("GlobalMemoryStatusEx")

// physicalMemory is the machine's memory in bytes, 0 when it cannot be told.
func physicalMemory() uint64 {
	var status struct { // MEMORYSTATUSEX
		length, load uint32
		total        uint64
		others       [6]uint64
	}
	status.length = uint32(unsafe.Sizeof(status))
	if ok, _, _ := procGlobalMemoryStatusEx.Call(uintptr(unsafe.Pointer(&status))); ok == 0 {
		return 0
	}
	return status.total
}
