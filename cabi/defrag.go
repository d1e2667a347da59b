package main

/*
#include "../include/esent.h"
#include "guard.h"

static inline JET_ERR call_completed(JET_CALLBACK f, JET_SESID sesid, JET_DBID dbid, JET_CBTYP type, void *context)
{
    JET_ERR e;
    esent_callbacks++;
    e = f(sesid, dbid, JET_tableidNil, type, NULL, NULL, context, 0);
    esent_callbacks--;
    return e;
}
*/
import "C"

import (
	"unsafe"

	"esent/internal/engine"
	"esent/internal/jet"
)

// completed has a callback told that background work on a database has ended. Its session is one of the engine's own.
func completed(f C.JET_CALLBACK, typ C.JET_CBTYP, context unsafe.Pointer) func(s *engine.Session, database uint32) {
	if f == nil {
		return nil
	}
	return func(s *engine.Session, database uint32) {
		sesid, err := newSessionHandle(s)
		if err != nil {
			sesid = uintptr(C.JET_sesidNil)
		} else {
			defer forgetSession(s)
		}
		C.call_completed(f, C.JET_SESID(sesid), C.JET_DBID(database), typ, context)
	}
}

// defragment is what the six calls have in common; run asks the engine for it.
func defragment(sesid C.JET_SESID, table nameArgument, given bool, passes, seconds *C.uint32_t, callback func(s *engine.Session, database uint32), grbit C.JET_GRBIT,
	run func(s *engine.Session, o *engine.Defragmentation) (uint32, uint32, jet.Err, error)) C.JET_ERR {
	s := sessions.get(uintptr(sesid))
	switch {
	case s == nil:
		return C.JET_ERR(jet.ErrInvalidSesid)
	case !table.ok:
		return C.JET_ERR(jet.ErrInvalidName)
	}
	o := engine.Defragmentation{Table: table.text, HasTable: given, PassesGiven: passes != nil, SecondsGiven: seconds != nil,
		Completed: callback, Grbit: jet.Grbit(grbit)}
	if passes != nil {
		o.Passes = uint32(*passes)
	}
	if seconds != nil {
		o.Seconds = uint32(*seconds)
	}
	const tells = C.JET_bitDefragmentBatchStop | C.JET_bitDefragmentBTree
	if grbit&tells != 0 {
		put(passes, 0)
		put(seconds, 0)
	}
	n, took, warn, err := run(s, &o)
	if err != nil {
		return result(err)
	}
	if grbit&C.JET_bitDefragmentBatchStop != 0 {
		put(passes, C.uint32_t(n))
		put(seconds, C.uint32_t(took))
	}
	return C.JET_ERR(warn)
}

func defragmentOpen(thread C.uint64_t, dbid C.JET_DBID) func(s *engine.Session, o *engine.Defragmentation) (uint32, uint32, jet.Err, error) {
	return func(s *engine.Session, o *engine.Defragmentation) (uint32, uint32, jet.Err, error) {
		return s.Defragment(engine.Thread(thread), uint32(dbid), o)
	}
}

//export esent_JetDefragmentA
func esent_JetDefragmentA(thread C.uint64_t, sesid C.JET_SESID, dbid C.JET_DBID, szTableName C.JET_PCSTR, pcPasses, pcSeconds *C.uint32_t, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	return defragment(sesid, nameFromA(szTableName), szTableName != nil, pcPasses, pcSeconds, nil, grbit, defragmentOpen(thread, dbid))
}

//export esent_JetDefragmentW
func esent_JetDefragmentW(thread C.uint64_t, sesid C.JET_SESID, dbid C.JET_DBID, szTableName C.JET_PCWSTR, pcPasses, pcSeconds *C.uint32_t, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	return defragment(sesid, nameFromW(szTableName), szTableName != nil, pcPasses, pcSeconds, nil, grbit, defragmentOpen(thread, dbid))
}

//export esent_JetDefragment2A
func esent_JetDefragment2A(thread C.uint64_t, sesid C.JET_SESID, dbid C.JET_DBID, szTableName C.JET_PCSTR, pcPasses, pcSeconds *C.uint32_t, callback C.JET_CALLBACK, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	done := completed(callback, C.JET_cbtypOnlineDefragCompleted, nil)
	return defragment(sesid, nameFromA(szTableName), szTableName != nil, pcPasses, pcSeconds, done, grbit, defragmentOpen(thread, dbid))
}

//export esent_JetDefragment2W
func esent_JetDefragment2W(thread C.uint64_t, sesid C.JET_SESID, dbid C.JET_DBID, szTableName C.JET_PCWSTR, pcPasses, pcSeconds *C.uint32_t, callback C.JET_CALLBACK, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	done := completed(callback, C.JET_cbtypOnlineDefragCompleted, nil)
	return defragment(sesid, nameFromW(szTableName), szTableName != nil, pcPasses, pcSeconds, done, grbit, defragmentOpen(thread, dbid))
}

func defragmentPath(thread C.uint64_t, path pathArgument) func(s *engine.Session, o *engine.Defragmentation) (uint32, uint32, jet.Err, error) {
	return func(s *engine.Session, o *engine.Defragmentation) (uint32, uint32, jet.Err, error) {
		if path.err != nil {
			return 0, 0, 0, path.err
		}
		return s.DefragmentPath(engine.Thread(thread), path.text, o)
	}
}

//export esent_JetDefragment3A
func esent_JetDefragment3A(thread C.uint64_t, sesid C.JET_SESID, szDatabaseName, szTableName C.JET_PCSTR, pcPasses, pcSeconds *C.uint32_t, callback C.JET_CALLBACK, pvContext unsafe.Pointer, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	done := completed(callback, C.JET_cbtypOnlineDefragCompleted, pvContext)
	return defragment(sesid, nameFromA(szTableName), szTableName != nil, pcPasses, pcSeconds, done, grbit, defragmentPath(thread, pathFromA(szDatabaseName)))
}

//export esent_JetDefragment3W
func esent_JetDefragment3W(thread C.uint64_t, sesid C.JET_SESID, szDatabaseName, szTableName C.JET_PCWSTR, pcPasses, pcSeconds *C.uint32_t, callback C.JET_CALLBACK, pvContext unsafe.Pointer, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	done := completed(callback, C.JET_cbtypOnlineDefragCompleted, pvContext)
	return defragment(sesid, nameFromW(szTableName), szTableName != nil, pcPasses, pcSeconds, done, grbit, defragmentPath(thread, pathFromW(szDatabaseName)))
}
