//go:build !linux && !windows

package cache

// region is plain memory where the system offers nothing better.
type region struct{ mem []byte }

func reserve(size int) (*region, error) { return &region{make([]byte, size)}, nil }

func (r *region) large() {}

func (r *region) commit(off, n int) error { return nil }

func (r *region) release(off, n int) {}

func (r *region) free() error { return nil }

// physicalMemory is 0: not asked for on this system.
func physicalMemory() uint64 { return 0 }
