package main

/*
#include "../include/esent.h"

static inline JET_ERR call_progress(JET_PFNSTATUS f, JET_SESID sesid, JET_SNP snp, uint32_t snt, uint32_t done, uint32_t total)
{
    JET_SNPROG p = {sizeof p, done, total};
    return f(sesid, snp, snt, &p);
}
*/
import "C"

import (
	"esent/internal/engine"
	"esent/internal/jet"
)

// progress has a status callback told of the progress of a call on a session.
func progress(sesid C.JET_SESID, snp C.JET_SNP, f C.JET_PFNSTATUS) engine.Progress {
	if f == nil {
		return nil
	}
	return func(snt, done, total uint32) jet.Err {
		return jet.Err(C.call_progress(f, sesid, snp, C.uint32_t(snt), C.uint32_t(done), C.uint32_t(total)))
	}
}

func compact(thread C.uint64_t, sesid C.JET_SESID, source, target pathArgument, f C.JET_PFNSTATUS, converts bool, grbit C.JET_GRBIT) C.JET_ERR {
	s := sessions.get(uintptr(sesid))
	switch {
	case s == nil:
		return C.JET_ERR(jet.ErrInvalidSesid)
	case source.err != nil:
		return result(source.err)
	case target.err != nil:
		return result(target.err)
	case converts:
		return C.JET_ERR(jet.ErrFeatureNotAvailable)
	}
	return result(s.Compact(engine.Thread(thread), source.text, target.text, progress(sesid, C.JET_snpCompact, f), jet.Grbit(grbit)))
}

//export esent_JetCompactA
func esent_JetCompactA(thread C.uint64_t, sesid C.JET_SESID, szDatabaseSrc, szDatabaseDest C.JET_PCSTR, pfnStatus C.JET_PFNSTATUS, pconvert *C.JET_CONVERT_A, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	return compact(thread, sesid, pathFromA(szDatabaseSrc), pathFromA(szDatabaseDest), pfnStatus, pconvert != nil, grbit)
}

//export esent_JetCompactW
func esent_JetCompactW(thread C.uint64_t, sesid C.JET_SESID, szDatabaseSrc, szDatabaseDest C.JET_PCWSTR, pfnStatus C.JET_PFNSTATUS, pconvert *C.JET_CONVERT_W, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	return compact(thread, sesid, pathFromW(szDatabaseSrc), pathFromW(szDatabaseDest), pfnStatus, pconvert != nil, grbit)
}
