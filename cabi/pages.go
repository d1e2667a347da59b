package main

// #include "../include/esent.h"
import "C"

import (
	"unsafe"

	"esent/internal/engine"
	"esent/internal/engine/page"
	"esent/internal/jet"
)

// pageInfo fills an array of JET_PAGEINFO, or JET_PAGEINFO2, each of size bytes, about page images. The page numbers are
// in it already.
func pageInfo(pages unsafe.Pointer, cbData C.uint32_t, infos unsafe.Pointer, cbInfo C.uint32_t, grbit C.JET_GRBIT, size uintptr) error {
	if pages == nil || cbData == 0 || infos == nil || cbInfo == 0 {
		return jet.ErrInvalidParameter
	}
	if grbit&^C.JET_bitPageInfoNoStructureChecksum != 0 {
		return jet.ErrInvalidGrbit
	}
	pageSize, err := process.PageSize()
	if err != nil {
		return err
	}
	data, ok := bytesAt(pages, uint32(cbData))
	n := len(data) / pageSize
	if !ok || len(data)%pageSize != 0 || uintptr(cbInfo) != uintptr(n)*size || uintptr(pages)%uintptr(pageSize) != 0 {
		return jet.ErrInvalidParameter
	}
	for k := range n {
		info := (*C.JET_PAGEINFO)(unsafe.Add(infos, uintptr(k)*size))
		p := page.Page(data[k*pageSize : (k+1)*pageSize])
		i := p.Inspect(jet.Pgno(info.pgno))
		content := uint64(0)
		if i.Sound && grbit&C.JET_bitPageInfoNoStructureChecksum == 0 {
			if content = i.Stored[0]; !i.Header {
				content = p.ContentChecksum()
			}
		}
		dbtime := i.DBTime
		if !i.Sound {
			dbtime = jet.DBTimeNil - 1
		}
		fillPageInfo(info, &i, dbtime, content)
		if size == unsafe.Sizeof(C.JET_PAGEINFO2{}) {
			more := (*C.JET_PAGEINFO2)(unsafe.Pointer(info))
			for b := range more.rgChecksumActual {
				more.rgChecksumActual[b], more.rgChecksumExpected[b] = C.uint64_t(i.Stored[b+1]), C.uint64_t(i.Computed[b+1])
			}
		}
		if i.Initialized && !i.Sound {
			err = jet.ErrReadVerifyFailure
		}
	}
	return err
}

// fillPageInfo fills the basic part; cgo has no names for its bits.
func fillPageInfo(info *C.JET_PAGEINFO, i *page.Info, dbtime jet.DBTime, content uint64) {
	bits := (*uint32)(unsafe.Add(unsafe.Pointer(info), unsafe.Offsetof(info.pgno)+unsafe.Sizeof(info.pgno)))
	*bits = 0
	if i.Initialized {
		*bits |= 1
	}
	if i.Corrected {
		*bits |= 2
	}
	info.checksumActual, info.checksumExpected = C.uint64_t(i.Stored[0]), C.uint64_t(i.Computed[0])
	info.dbtime, info.structureChecksum, info.flags = C.uint64_t(dbtime), C.uint64_t(content), 0
}

//export esent_JetGetPageInfo
func esent_JetGetPageInfo(pvPages unsafe.Pointer, cbData C.uint32_t, rgPageInfo *C.JET_PAGEINFO, cbPageInfo C.uint32_t, grbit C.JET_GRBIT, ulInfoLevel C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	if ulInfoLevel != C.JET_PageInfo {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	return result(pageInfo(pvPages, cbData, unsafe.Pointer(rgPageInfo), cbPageInfo, grbit, unsafe.Sizeof(C.JET_PAGEINFO{})))
}

//export esent_JetGetPageInfo2
func esent_JetGetPageInfo2(pvPages unsafe.Pointer, cbData C.uint32_t, rgPageInfo unsafe.Pointer, cbPageInfo C.uint32_t, grbit C.JET_GRBIT, ulInfoLevel C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	size := unsafe.Sizeof(C.JET_PAGEINFO{})
	switch ulInfoLevel {
	case C.JET_PageInfo:
	case C.JET_PageInfo2:
		size = unsafe.Sizeof(C.JET_PAGEINFO2{})
	default:
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	return result(pageInfo(pvPages, cbData, rgPageInfo, cbPageInfo, grbit, size))
}

//export esent_JetGetDatabasePages
func esent_JetGetDatabasePages(thread C.uint64_t, sesid C.JET_SESID, dbid C.JET_DBID, pgnoStart, cpg C.uint32_t, pv unsafe.Pointer, cb C.uint32_t, pcbActual *C.uint32_t, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	s := sessions.get(uintptr(sesid))
	if s == nil {
		return C.JET_ERR(jet.ErrInvalidSesid)
	}
	buf, ok := bytesAt(pv, uint32(cb))
	const alignment = 4096 // of memory for pages
	usable := ok && uintptr(pv)%alignment == 0 && pcbActual != nil
	n, err := s.DatabasePages(engine.Thread(thread), uint32(dbid), jet.Pgno(pgnoStart), uint32(cpg), buf, usable, jet.Grbit(grbit))
	if err == nil {
		*pcbActual = C.uint32_t(n)
	}
	return result(err)
}
