package main

// #include "../include/esent.h"
import "C"

import (
	"unsafe"

	"esent/internal/engine"
	"esent/internal/jet"
)

// pathArgument is a path given as A or W.
type pathArgument struct {
	text string
	err  error
}

func pathFromA(p C.JET_PCSTR) pathArgument {
	text, ok := pathA(unsafe.Pointer(p))
	if !ok {
		return pathArgument{err: jet.ErrInvalidParameter}
	}
	return pathArgument{text: text}
}

func pathFromW(p C.JET_PCWSTR) pathArgument {
	text, ok := wString(units(p))
	if !ok {
		return pathArgument{err: jet.ErrUnicodeTranslationFail}
	}
	return pathArgument{text: text}
}

func attachDatabase(thread C.uint64_t, sesid C.JET_SESID, path pathArgument, maxPages C.uint32_t, grbit C.JET_GRBIT) C.JET_ERR {
	s := sessions.get(uintptr(sesid))
	if s == nil {
		return C.JET_ERR(jet.ErrInvalidSesid)
	}
	if path.err != nil {
		return result(path.err)
	}
	return warned(s.AttachDatabase(engine.Thread(thread), path.text, uint32(maxPages), jet.Grbit(grbit)))
}

//export esent_JetAttachDatabaseA
func esent_JetAttachDatabaseA(thread C.uint64_t, sesid C.JET_SESID, szFilename C.JET_PCSTR, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	return attachDatabase(thread, sesid, pathFromA(szFilename), 0, grbit)
}

//export esent_JetAttachDatabaseW
func esent_JetAttachDatabaseW(thread C.uint64_t, sesid C.JET_SESID, szFilename C.JET_PCWSTR, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	return attachDatabase(thread, sesid, pathFromW(szFilename), 0, grbit)
}

//export esent_JetAttachDatabase2A
func esent_JetAttachDatabase2A(thread C.uint64_t, sesid C.JET_SESID, szFilename C.JET_PCSTR, cpgDatabaseSizeMax C.uint32_t, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	return attachDatabase(thread, sesid, pathFromA(szFilename), cpgDatabaseSizeMax, grbit)
}

//export esent_JetAttachDatabase2W
func esent_JetAttachDatabase2W(thread C.uint64_t, sesid C.JET_SESID, szFilename C.JET_PCWSTR, cpgDatabaseSizeMax C.uint32_t, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	return attachDatabase(thread, sesid, pathFromW(szFilename), cpgDatabaseSizeMax, grbit)
}

// dbidOut calls open and stores the database's number.
func dbidOut(sesid C.JET_SESID, path pathArgument, out *C.JET_DBID, open func(s *engine.Session, path string) (uint32, error)) C.JET_ERR {
	s := sessions.get(uintptr(sesid))
	if s == nil {
		return C.JET_ERR(jet.ErrInvalidSesid)
	}
	if path.err != nil {
		return result(path.err)
	}
	if out == nil {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	number, err := open(s, path.text)
	if err == nil {
		*out = C.JET_DBID(number)
	}
	return result(err)
}

func createDatabase(thread C.uint64_t, sesid C.JET_SESID, path pathArgument, maxPages C.uint32_t, out *C.JET_DBID, grbit C.JET_GRBIT) C.JET_ERR {
	return dbidOut(sesid, path, out, func(s *engine.Session, path string) (uint32, error) {
		return s.CreateDatabase(engine.Thread(thread), path, uint32(maxPages), jet.Grbit(grbit))
	})
}

//export esent_JetCreateDatabaseA
func esent_JetCreateDatabaseA(thread C.uint64_t, sesid C.JET_SESID, szFilename, szConnect C.JET_PCSTR, pdbid *C.JET_DBID, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	return createDatabase(thread, sesid, pathFromA(szFilename), 0, pdbid, grbit)
}

//export esent_JetCreateDatabaseW
func esent_JetCreateDatabaseW(thread C.uint64_t, sesid C.JET_SESID, szFilename, szConnect C.JET_PCWSTR, pdbid *C.JET_DBID, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	return createDatabase(thread, sesid, pathFromW(szFilename), 0, pdbid, grbit)
}

//export esent_JetCreateDatabase2A
func esent_JetCreateDatabase2A(thread C.uint64_t, sesid C.JET_SESID, szFilename C.JET_PCSTR, cpgDatabaseSizeMax C.uint32_t, pdbid *C.JET_DBID, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	return createDatabase(thread, sesid, pathFromA(szFilename), cpgDatabaseSizeMax, pdbid, grbit)
}

//export esent_JetCreateDatabase2W
func esent_JetCreateDatabase2W(thread C.uint64_t, sesid C.JET_SESID, szFilename C.JET_PCWSTR, cpgDatabaseSizeMax C.uint32_t, pdbid *C.JET_DBID, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	return createDatabase(thread, sesid, pathFromW(szFilename), cpgDatabaseSizeMax, pdbid, grbit)
}

// databaseParams reads the parameters of a database to be created or attached.
func databaseParams(list *C.JET_SETDBPARAM, count C.uint32_t, attach bool) (maxPages C.uint32_t, err error) {
	params, ok := sliceAt(list, uint32(count))
	if !ok || list == nil && count > 0 {
		return 0, jet.ErrInvalidParameter
	}
	given := make([]engine.DBParam, len(params))
	for k := range params {
		p := &params[k]
		given[k] = engine.DBParam{ID: uint32(p.dbparamid), Size: uint32(p.cbParam)}
		if given[k].Data, ok = bytesAt(p.pvParam, uint32(p.cbParam)); !ok || p.pvParam == nil {
			given[k].Data = nil
		}
	}
	n, err := engine.DBParams(given, attach)
	return C.uint32_t(n), err
}

func attachDatabase3(thread C.uint64_t, sesid C.JET_SESID, path pathArgument, list *C.JET_SETDBPARAM, count C.uint32_t, grbit C.JET_GRBIT) C.JET_ERR {
	maxPages, err := databaseParams(list, count, true)
	if err != nil && sessions.get(uintptr(sesid)) != nil {
		return result(err)
	}
	return attachDatabase(thread, sesid, path, maxPages, grbit)
}

func createDatabase3(thread C.uint64_t, sesid C.JET_SESID, path pathArgument, list *C.JET_SETDBPARAM, count C.uint32_t, out *C.JET_DBID, grbit C.JET_GRBIT) C.JET_ERR {
	maxPages, err := databaseParams(list, count, false)
	if err != nil && sessions.get(uintptr(sesid)) != nil {
		return result(err)
	}
	return createDatabase(thread, sesid, path, maxPages, out, grbit)
}

//export esent_JetAttachDatabase3A
func esent_JetAttachDatabase3A(thread C.uint64_t, sesid C.JET_SESID, szFilename C.JET_PCSTR, rgsetdbparam *C.JET_SETDBPARAM, csetdbparam C.uint32_t, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	return attachDatabase3(thread, sesid, pathFromA(szFilename), rgsetdbparam, csetdbparam, grbit)
}

//export esent_JetAttachDatabase3W
func esent_JetAttachDatabase3W(thread C.uint64_t, sesid C.JET_SESID, szFilename C.JET_PCWSTR, rgsetdbparam *C.JET_SETDBPARAM, csetdbparam C.uint32_t, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	return attachDatabase3(thread, sesid, pathFromW(szFilename), rgsetdbparam, csetdbparam, grbit)
}

//export esent_JetCreateDatabase3A
func esent_JetCreateDatabase3A(thread C.uint64_t, sesid C.JET_SESID, szFilename C.JET_PCSTR, pdbid *C.JET_DBID, rgsetdbparam *C.JET_SETDBPARAM, csetdbparam C.uint32_t, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	return createDatabase3(thread, sesid, pathFromA(szFilename), rgsetdbparam, csetdbparam, pdbid, grbit)
}

//export esent_JetCreateDatabase3W
func esent_JetCreateDatabase3W(thread C.uint64_t, sesid C.JET_SESID, szFilename C.JET_PCWSTR, pdbid *C.JET_DBID, rgsetdbparam *C.JET_SETDBPARAM, csetdbparam C.uint32_t, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	return createDatabase3(thread, sesid, pathFromW(szFilename), rgsetdbparam, csetdbparam, pdbid, grbit)
}

func openDatabase(thread C.uint64_t, sesid C.JET_SESID, path pathArgument, out *C.JET_DBID, grbit C.JET_GRBIT) C.JET_ERR {
	return dbidOut(sesid, path, out, func(s *engine.Session, path string) (uint32, error) {
		return s.OpenDatabase(engine.Thread(thread), path, jet.Grbit(grbit))
	})
}

//export esent_JetOpenDatabaseA
func esent_JetOpenDatabaseA(thread C.uint64_t, sesid C.JET_SESID, szFilename, szConnect C.JET_PCSTR, pdbid *C.JET_DBID, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	return openDatabase(thread, sesid, pathFromA(szFilename), pdbid, grbit)
}

//export esent_JetOpenDatabaseW
func esent_JetOpenDatabaseW(thread C.uint64_t, sesid C.JET_SESID, szFilename, szConnect C.JET_PCWSTR, pdbid *C.JET_DBID, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	return openDatabase(thread, sesid, pathFromW(szFilename), pdbid, grbit)
}

//export esent_JetCloseDatabase
func esent_JetCloseDatabase(thread C.uint64_t, sesid C.JET_SESID, dbid C.JET_DBID, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	s := sessions.get(uintptr(sesid))
	if s == nil {
		return C.JET_ERR(jet.ErrInvalidSesid)
	}
	return result(s.CloseDatabase(engine.Thread(thread), uint32(dbid)))
}

func detachDatabase(thread C.uint64_t, sesid C.JET_SESID, path pathArgument, grbit C.JET_GRBIT) C.JET_ERR {
	s := sessions.get(uintptr(sesid))
	if s == nil {
		return C.JET_ERR(jet.ErrInvalidSesid)
	}
	if path.err != nil {
		return result(path.err)
	}
	return result(s.DetachDatabase(engine.Thread(thread), path.text, jet.Grbit(grbit)))
}

//export esent_JetDetachDatabaseA
func esent_JetDetachDatabaseA(thread C.uint64_t, sesid C.JET_SESID, szFilename C.JET_PCSTR) (rc C.JET_ERR) {
	return esent_JetDetachDatabase2A(thread, sesid, szFilename, 0)
}

//export esent_JetDetachDatabaseW
func esent_JetDetachDatabaseW(thread C.uint64_t, sesid C.JET_SESID, szFilename C.JET_PCWSTR) (rc C.JET_ERR) {
	return esent_JetDetachDatabase2W(thread, sesid, szFilename, 0)
}

//export esent_JetDetachDatabase2A
func esent_JetDetachDatabase2A(thread C.uint64_t, sesid C.JET_SESID, szFilename C.JET_PCSTR, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	return detachDatabase(thread, sesid, pathFromA(szFilename), grbit)
}

//export esent_JetDetachDatabase2W
func esent_JetDetachDatabase2W(thread C.uint64_t, sesid C.JET_SESID, szFilename C.JET_PCWSTR, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	return detachDatabase(thread, sesid, pathFromW(szFilename), grbit)
}
