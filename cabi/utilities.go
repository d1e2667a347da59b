package main

/*
#include "../include/esent.h"

// What both forms of JET_DBUTIL have in common; cgo does not see into its unions.
struct dbutil {
    JET_SESID sesid;
    uint32_t op;
    JET_GRBIT grbit;
    const void *database;
    const void *table;
    void *callback;
};

static inline struct dbutil dbutil_a(const JET_DBUTIL_A *p)
{
    struct dbutil u = {p->sesid, (uint32_t)p->op, p->grbitOptions, p->szDatabase, p->szTable, p->pfnCallback};
    return u;
}

static inline struct dbutil dbutil_w(const JET_DBUTIL_W *p)
{
    struct dbutil u = {p->sesid, (uint32_t)p->op, p->grbitOptions, p->szDatabase, p->szTable, p->pfnCallback};
    return u;
}

static inline JET_PFNSTATUS status_of(void *f) { return (JET_PFNSTATUS)f; }
*/
import "C"

import (
	"io"
	"os"

	"esent/internal/engine"
	"esent/internal/jet"
	"esent/internal/utility"
)

// dbUtilities is JetDBUtilities: what the engine can look at, and a compact copy of a database that is not attached.
// What there is to print goes to the standard output.
func dbUtilities(u *C.struct_dbutil, database, table pathArgument) C.JET_ERR {
	s := sessions.get(uintptr(u.sesid))
	status := progress(u.sesid, C.JET_snpRepair, C.status_of(u.callback))
	t := &utility.Tool{Env: environment, Out: os.Stdout}
	if u.grbit&C.JET_bitDBUtilOptionSuppressConsoleOutput != 0 {
		t.Out = io.Discard
	}
	var run func(path string) error
	alone := false // needs no session
	switch u.op {
	case C.opDBUTILDumpHeader:
		run, alone = t.DumpHeader, true
	case C.opDBUTILDumpLogfile:
		run, alone = t.DumpLog, true
	case C.opDBUTILDumpCheckpoint:
		run, alone = t.DumpCheckpoint, true
	case C.opDBUTILEDBRepair:
		if u.grbit&C.JET_bitDBUtilOptionDontRepair == 0 {
			return C.JET_ERR(jet.ErrFeatureNotAvailable)
		}
		run = func(path string) error { return integrity(t, path, status) }
	case C.opDBUTILDBDefragment:
		run = func(path string) error {
			if table.err != nil {
				return table.err
			}
			return s.CompactDetached(0, path, table.text, progress(u.sesid, C.JET_snpCompact, C.status_of(u.callback)), jet.Grbit(u.grbit))
		}
	default:
		return C.JET_ERR(jet.ErrFeatureNotAvailable)
	}
	if none := noHandle(uintptr(u.sesid)); s == nil && !(alone && none) {
		return C.JET_ERR(jet.ErrInvalidSesid)
	}
	if database.err != nil {
		return result(database.err)
	}
	if database.text == "" {
		return C.JET_ERR(jet.ErrDatabaseInvalidName)
	}
	return result(run(database.text))
}

// integrity checks a whole database and tells of the progress.
func integrity(t *utility.Tool, path string, status engine.Progress) error {
	tell := func(snt, done, total uint32) error {
		if status == nil {
			return nil
		}
		if code := status(snt, done, total); code < 0 {
			return code
		}
		return nil
	}
	if err := tell(C.JET_sntBegin, 0, 0); err != nil {
		return err
	}
	t.Progress = func(done, total jet.Pgno) error { return tell(C.JET_sntProgress, uint32(done), uint32(total)) }
	err := t.CheckIntegrity(path)
	snt := uint32(C.JET_sntComplete)
	if err != nil {
		snt = C.JET_sntFail
	}
	if e := tell(snt, 0, 0); err == nil {
		err = e
	}
	return err
}

//export esent_JetDBUtilitiesA
func esent_JetDBUtilitiesA(pdbutil *C.JET_DBUTIL_A) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	if pdbutil == nil || pdbutil.cbStruct != C.sizeof_JET_DBUTIL_A {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	u := C.dbutil_a(pdbutil)
	return dbUtilities(&u, pathFromA(C.JET_PCSTR(u.database)), pathFromA(C.JET_PCSTR(u.table)))
}

//export esent_JetDBUtilitiesW
func esent_JetDBUtilitiesW(pdbutil *C.JET_DBUTIL_W) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	if pdbutil == nil || pdbutil.cbStruct != C.sizeof_JET_DBUTIL_W {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	u := C.dbutil_w(pdbutil)
	return dbUtilities(&u, pathFromW(C.JET_PCWSTR(u.database)), pathFromW(C.JET_PCWSTR(u.table)))
}
