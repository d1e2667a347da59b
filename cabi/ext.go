package main

/*
#include <stdlib.h>
#include "../include/esent_ext.h"

static inline JET_ERR call_watch(ESENT_PFNPROGRESS f, void *context, uint32_t phase, uint64_t done, uint64_t total,
    uint64_t pages, uint64_t pages_total, const char *file)
{
    ESENT_PROGRESS p = {sizeof p, phase, done, total, pages, pages_total, file};
    return f(&p, context);
}
*/
import "C"

import (
	"unsafe"

	"esent/internal/backup/meter"
	"esent/internal/jet"
)

// extension reads a structure of esent_ext.h as far as the caller has it: members behind its cbStruct are zero. least is
// the size of the structure's first version: a smaller one is ErrInvalidParameter, as is none.
func extension[T any](p *T, least uintptr) (v T, err error) {
	if p == nil || uintptr(unsafe.Pointer(p))%unsafe.Alignof(uint32(0)) != 0 {
		return v, jet.ErrInvalidParameter
	}
	size := uintptr(*(*uint32)(unsafe.Pointer(p)))
	if size < least {
		return v, jet.ErrInvalidParameter
	}
	size = min(size, unsafe.Sizeof(v))
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&v)), size), unsafe.Slice((*byte)(unsafe.Pointer(p)), size))
	return v, nil
}

// extText is a text argument of esent_ext.h, empty for none.
func extText(p *C.char) string { return C.GoString(p) }

// watch calls a progress callback, nil for none. The error that it gives ends the work.
func watch(f C.ESENT_PFNPROGRESS, context unsafe.Pointer) meter.Watch {
	if f == nil {
		return nil
	}
	return func(p meter.Position) error {
		var file *C.char
		if p.File != "" {
			file = C.CString(p.File)
			defer C.free(unsafe.Pointer(file))
		}
		return verdict(C.call_watch(f, context, C.uint32_t(p.Phase), C.uint64_t(p.Bytes), C.uint64_t(p.BytesTotal),
			C.uint64_t(p.Pages), C.uint64_t(p.PagesTotal), file))
	}
}

// verdict is what a callback of esent_ext.h says: an error for a result below 0.
func verdict(rc C.JET_ERR) error {
	if rc < 0 {
		return jet.Err(rc)
	}
	return nil
}
