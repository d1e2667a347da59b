package main

// #include "../include/esent.h"
import "C"

import (
	"unsafe"

	"esent/internal/engine"
	"esent/internal/jet"
)

func databaseInfo(sesid C.JET_SESID, dbid C.JET_DBID, pvResult unsafe.Pointer, cbMax, level C.uint32_t, text func(b []byte, s string) bool) C.JET_ERR {
	s := sessions.get(uintptr(sesid))
	if s == nil {
		return C.JET_ERR(jet.ErrInvalidSesid)
	}
	buffer, ok := bytesAt(pvResult, uint32(cbMax))
	if !ok || pvResult == nil {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	switch t, isText, err := s.DatabaseText(uint32(dbid), uint32(level)); {
	case !isText:
		return result(s.DatabaseInfo(uint32(dbid), uint32(level), buffer))
	case err != nil:
		return result(err)
	case !text(buffer, t):
		return C.JET_ERR(jet.ErrBufferTooSmall)
	}
	return 0
}

//export esent_JetGetDatabaseInfoA
func esent_JetGetDatabaseInfoA(sesid C.JET_SESID, dbid C.JET_DBID, pvResult unsafe.Pointer, cbMax, infoLevel C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	return databaseInfo(sesid, dbid, pvResult, cbMax, infoLevel, putTextA)
}

//export esent_JetGetDatabaseInfoW
func esent_JetGetDatabaseInfoW(sesid C.JET_SESID, dbid C.JET_DBID, pvResult unsafe.Pointer, cbMax, infoLevel C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	return databaseInfo(sesid, dbid, pvResult, cbMax, infoLevel, func(b []byte, s string) bool {
		_, fits := putPathW(b, s)
		return fits
	})
}

// fileInfo has a level of what a file that no instance need know tells of itself written into the caller's buffer.
func fileInfo(path pathArgument, pvResult unsafe.Pointer, cbMax, level C.uint32_t, read func(path string, level uint32, buffer []byte) error) C.JET_ERR {
	if path.err != nil {
		return result(path.err)
	}
	buffer, ok := bytesAt(pvResult, uint32(cbMax))
	if !ok || pvResult == nil {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	return result(read(path.text, uint32(level), buffer))
}

//export esent_JetGetDatabaseFileInfoA
func esent_JetGetDatabaseFileInfoA(szDatabaseName C.JET_PCSTR, pvResult unsafe.Pointer, cbMax, infoLevel C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	return fileInfo(pathFromA(szDatabaseName), pvResult, cbMax, infoLevel, process.DatabaseFileInfo)
}

//export esent_JetGetDatabaseFileInfoW
func esent_JetGetDatabaseFileInfoW(szDatabaseName C.JET_PCWSTR, pvResult unsafe.Pointer, cbMax, infoLevel C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	return fileInfo(pathFromW(szDatabaseName), pvResult, cbMax, infoLevel, process.DatabaseFileInfo)
}

// pagesOut stores a number of pages that a call returns.
func pagesOut(sesid C.JET_SESID, out *C.uint32_t, call func(s *engine.Session) (uint32, error)) C.JET_ERR {
	s := sessions.get(uintptr(sesid))
	if s == nil {
		return C.JET_ERR(jet.ErrInvalidSesid)
	}
	pages, err := call(s)
	if err == nil {
		put(out, C.uint32_t(pages))
	}
	return result(err)
}

//export esent_JetGrowDatabase
func esent_JetGrowDatabase(thread C.uint64_t, sesid C.JET_SESID, dbid C.JET_DBID, cpg C.uint32_t, pcpgReal *C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	return pagesOut(sesid, pcpgReal, func(s *engine.Session) (uint32, error) {
		return s.GrowDatabase(engine.Thread(thread), uint32(dbid), uint32(cpg))
	})
}

//export esent_JetResizeDatabase
func esent_JetResizeDatabase(thread C.uint64_t, sesid C.JET_SESID, dbid C.JET_DBID, cpgTarget C.uint32_t, pcpgActual *C.uint32_t, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	var warn jet.Err
	code := pagesOut(sesid, pcpgActual, func(s *engine.Session) (pages uint32, err error) {
		pages, warn, err = s.ResizeDatabase(engine.Thread(thread), uint32(dbid), uint32(cpgTarget), jet.Grbit(grbit))
		return pages, err
	})
	if code == 0 {
		code = C.JET_ERR(warn)
	}
	return code
}

func setDatabaseSize(thread C.uint64_t, sesid C.JET_SESID, path pathArgument, cpg C.uint32_t, out *C.uint32_t) C.JET_ERR {
	if path.err != nil {
		return result(path.err)
	}
	return pagesOut(sesid, out, func(s *engine.Session) (uint32, error) {
		return s.SetDatabaseSize(engine.Thread(thread), path.text, uint32(cpg))
	})
}

//export esent_JetSetDatabaseSizeA
func esent_JetSetDatabaseSizeA(thread C.uint64_t, sesid C.JET_SESID, szDatabaseName C.JET_PCSTR, cpg C.uint32_t, pcpgReal *C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	return setDatabaseSize(thread, sesid, pathFromA(szDatabaseName), cpg, pcpgReal)
}

//export esent_JetSetDatabaseSizeW
func esent_JetSetDatabaseSizeW(thread C.uint64_t, sesid C.JET_SESID, szDatabaseName C.JET_PCWSTR, cpg C.uint32_t, pcpgReal *C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	return setDatabaseSize(thread, sesid, pathFromW(szDatabaseName), cpg, pcpgReal)
}

//export esent_JetSetMaxDatabaseSize
func esent_JetSetMaxDatabaseSize(thread C.uint64_t, sesid C.JET_SESID, dbid C.JET_DBID, cpg C.uint32_t, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	s := sessions.get(uintptr(sesid))
	if s == nil {
		return C.JET_ERR(jet.ErrInvalidSesid)
	}
	return result(s.SetMaxDatabaseSize(engine.Thread(thread), uint32(dbid), uint32(cpg)))
}

//export esent_JetGetMaxDatabaseSize
func esent_JetGetMaxDatabaseSize(thread C.uint64_t, sesid C.JET_SESID, dbid C.JET_DBID, pcpg *C.uint32_t, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	if pcpg == nil {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	return pagesOut(sesid, pcpg, func(s *engine.Session) (uint32, error) {
		return s.MaxDatabaseSize(engine.Thread(thread), uint32(dbid))
	})
}
