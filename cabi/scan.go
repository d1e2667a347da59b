package main

/*
#include "../include/esent.h"
#include "guard.h"

static inline JET_ERR call_scanned(JET_CALLBACK f, JET_SESID sesid, JET_DBID dbid, int64_t seconds, int32_t pages)
{
    JET_ERR e;
    esent_callbacks++;
    e = f(sesid, dbid, JET_tableidNil, JET_cbtypScanCompleted, &seconds, &pages, NULL, 0);
    esent_callbacks--;
    return e;
}
*/
import "C"

import (
	"time"

	"esent/internal/engine"
	"esent/internal/jet"
)

//export esent_JetDatabaseScan
func esent_JetDatabaseScan(thread C.uint64_t, sesid C.JET_SESID, dbid C.JET_DBID, pcSecondsMax *C.uint32_t, cmsecSleep C.uint32_t, pfnCallback C.JET_CALLBACK, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	s := sessions.get(uintptr(sesid))
	if s == nil {
		return C.JET_ERR(jet.ErrInvalidSesid)
	}
	o := engine.DatabaseScan{Sleep: time.Duration(cmsecSleep) * time.Millisecond, Grbit: jet.Grbit(grbit)}
	if pcSecondsMax != nil {
		o.Seconds = uint32(*pcSecondsMax)
	}
	if pfnCallback != nil {
		// The session is that which began the scan, as in the original.
		o.Completed = func(_ *engine.Session, database uint32, seconds int64, pages int32) {
			C.call_scanned(pfnCallback, sesid, C.JET_DBID(database), C.int64_t(seconds), C.int32_t(pages))
		}
	}
	return result(s.DatabaseScan(engine.Thread(thread), uint32(dbid), &o))
}
