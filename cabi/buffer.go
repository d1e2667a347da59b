package main

// #include <stdlib.h>
// #include "../include/esent.h"
import "C"

import (
	"sync"
	"unsafe"

	"esent/internal/jet"
)

// buffers are the blocks that calls like JetGetInstanceInfo have given to the caller and that JetFreeBuffer
// has not taken back: only these may be freed.
var buffers = struct {
	mu    sync.Mutex
	given map[unsafe.Pointer]struct{}
}{given: map[unsafe.Pointer]struct{}{}}

// newBuffer is a zeroed block of C memory that the caller will free with JetFreeBuffer; nil when there is
// no memory left, which is JET_errOutOfMemory.
func newBuffer(size int) unsafe.Pointer {
	p := C.calloc(1, C.size_t(max(size, 1)))
	if p != nil {
		buffers.mu.Lock()
		buffers.given[p] = struct{}{}
		buffers.mu.Unlock()
	}
	return p
}

// takeBuffer forgets a block; false for one that newBuffer has not made, or that is taken already.
func takeBuffer(p unsafe.Pointer) bool {
	buffers.mu.Lock()
	defer buffers.mu.Unlock()
	_, ok := buffers.given[p]
	delete(buffers.given, p)
	return ok
}

//export esent_JetFreeBuffer
func esent_JetFreeBuffer(pbBuf *C.char) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	p := unsafe.Pointer(pbBuf)
	if p == nil {
		return 0
	}
	if !takeBuffer(p) {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	C.free(p)
	return 0
}
