package main

/*
#include "../include/esent_ext.h"

static inline JET_ERR call_commits(ESENT_PFNCOMMITS f, void *context, int32_t generation, JET_LGPOS first, JET_LGPOS last,
    int64_t ms_first, int64_t ms_last, uint64_t n)
{
    ESENT_COMMITS c = {sizeof c, generation, first, last, ms_first, ms_last, n};
    return f(&c, context);
}
*/
import "C"

import (
	"unsafe"

	"esent/internal/backup"
	"esent/internal/jet"
	"esent/internal/vfs"
)

func lgpos(p jet.LogPos) C.JET_LGPOS {
	return C.JET_LGPOS{ib: C.uint16_t(p.Ib()), isec: C.uint16_t(p.Isec()), lGeneration: C.int32_t(p.Gen())}
}

//export esent_EsentListCommits
func esent_EsentListCommits(szLogPath *C.char, fSegments C.uint32_t, pfn C.ESENT_PFNCOMMITS, pvContext unsafe.Pointer) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	dir := extText(szLogPath)
	switch {
	case pfn == nil:
		return C.JET_ERR(jet.ErrInvalidParameter)
	case dir == "":
		return C.JET_ERR(jet.ErrInvalidPath)
	}
	return result(backup.ListCommits(vfs.System().FS, dir, fSegments != 0, func(c backup.Commits) error {
		return verdict(C.call_commits(pfn, pvContext, C.int32_t(c.Gen), lgpos(c.First), lgpos(c.Last),
			C.int64_t(c.FirstAt.UnixMilli()), C.int64_t(c.LastAt.UnixMilli()), C.uint64_t(c.Count)))
	}))
}
