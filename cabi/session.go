package main

// #include "../include/esent.h"
import "C"

import (
	"time"
	"unsafe"

	"esent/internal/engine"
	"esent/internal/jet"
)

func openSession(open func() (*engine.Session, error), out *C.JET_SESID) error {
	if out == nil {
		return jet.ErrInvalidParameter
	}
	s, err := open()
	if err != nil {
		return err
	}
	h, err := newSessionHandle(s)
	if err == nil {
		*out = C.JET_SESID(h)
	}
	return err
}

func beginSession(instance C.JET_INSTANCE, out *C.JET_SESID) error {
	i, err := instanceArgument(instance)
	if err != nil {
		return err
	}
	return openSession(i.BeginSession, out)
}

//export esent_JetBeginSessionA
func esent_JetBeginSessionA(instance C.JET_INSTANCE, psesid *C.JET_SESID, szUserName, szPassword C.JET_PCSTR) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(instance))
	return result(beginSession(instance, psesid))
}

//export esent_JetBeginSessionW
func esent_JetBeginSessionW(instance C.JET_INSTANCE, psesid *C.JET_SESID, szUserName, szPassword C.JET_PCWSTR) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(instance))
	return result(beginSession(instance, psesid))
}

//export esent_JetDupSession
func esent_JetDupSession(thread C.uint64_t, sesid C.JET_SESID, psesid *C.JET_SESID) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	s := sessions.get(uintptr(sesid))
	if s == nil {
		return C.JET_ERR(jet.ErrInvalidSesid)
	}
	return result(openSession(func() (*engine.Session, error) { return s.Dup(engine.Thread(thread)) }, psesid))
}

//export esent_JetEndSession
func esent_JetEndSession(thread C.uint64_t, sesid C.JET_SESID, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	s := sessions.get(uintptr(sesid))
	if s == nil {
		return C.JET_ERR(jet.ErrInvalidSesid)
	}
	err := s.End(engine.Thread(thread))
	if err == nil {
		forgetSession(s)
	}
	return result(err)
}

//export esent_JetSetSessionContext
func esent_JetSetSessionContext(thread C.uint64_t, sesid C.JET_SESID, ulContext C.JET_API_PTR) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	s := sessions.get(uintptr(sesid))
	if s == nil {
		return C.JET_ERR(jet.ErrInvalidSesid)
	}
	return result(s.SetContext(engine.Thread(thread), uint64(ulContext)))
}

//export esent_JetResetSessionContext
func esent_JetResetSessionContext(thread C.uint64_t, sesid C.JET_SESID) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	s := sessions.get(uintptr(sesid))
	if s == nil {
		return C.JET_ERR(jet.ErrInvalidSesid)
	}
	return result(s.ResetContext(engine.Thread(thread)))
}

//export esent_JetGetSessionInfo
func esent_JetGetSessionInfo(sesid C.JET_SESID, pvResult unsafe.Pointer, cbMax, ulInfoLevel C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	s := sessions.get(uintptr(sesid))
	switch {
	case s == nil:
		return C.JET_ERR(jet.ErrInvalidSesid)
	case ulInfoLevel != C.JET_SessionInfo || pvResult == nil:
		return C.JET_ERR(jet.ErrInvalidParameter)
	case cbMax < C.sizeof_JET_SESSIONINFO:
		return C.JET_ERR(jet.ErrBufferTooSmall)
	}
	info, err := s.Info()
	if err != nil {
		return result(err)
	}
	*(*C.JET_SESSIONINFO)(pvResult) = C.JET_SESSIONINFO{ulTrxBegin0: C.uint32_t(info.TrxBegin0), ulTrxLevel: C.uint32_t(info.Level),
		ulProcid: C.uint32_t(info.Proc), ulTrxContext: C.JET_API_PTR(info.Context)}
	return 0
}

//export esent_JetGetVersion
func esent_JetGetVersion(sesid C.JET_SESID, pwVersion *C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	s := sessions.get(uintptr(sesid))
	if s == nil {
		return C.JET_ERR(jet.ErrInvalidSesid)
	}
	if pwVersion == nil {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	v, err := s.Version()
	if err == nil {
		*pwVersion = C.uint32_t(v)
	}
	return result(err)
}

//export esent_JetIdle
func esent_JetIdle(thread C.uint64_t, sesid C.JET_SESID, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	s := sessions.get(uintptr(sesid))
	if s == nil {
		return C.JET_ERR(jet.ErrInvalidSesid)
	}
	return warned(s.Idle(engine.Thread(thread), jet.Grbit(grbit)))
}

//export esent_JetGetThreadStats
func esent_JetGetThreadStats(pvResult unsafe.Pointer, cbMax C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	if pvResult == nil {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	if cbMax < C.sizeof_JET_THREADSTATS {
		return C.JET_ERR(jet.ErrBufferTooSmall)
	}
	// Later versions of the structure begin with this one.
	size := uint32(C.sizeof_JET_THREADSTATS)
	for _, larger := range []uint32{C.sizeof_JET_THREADSTATS2, C.sizeof_JET_THREADSTATS3, C.sizeof_JET_THREADSTATS4} {
		if larger <= uint32(cbMax) {
			size = larger
		}
	}
	buffer, ok := bytesAt(pvResult, size)
	if !ok {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	clear(buffer)
	stats := process.ThreadStats()
	*(*C.JET_THREADSTATS)(pvResult) = C.JET_THREADSTATS{cbStruct: C.uint32_t(size), cPageRead: C.uint32_t(stats.PagesRead),
		cPagePreread: C.uint32_t(stats.PagesReadAhead), cbLogRecord: C.uint32_t(stats.LogBytes)}
	return 0
}

//export esent_JetSetSessionParameter
func esent_JetSetSessionParameter(sesid C.JET_SESID, sesparamid C.uint32_t, pvParam unsafe.Pointer, cbParam C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	s := sessions.get(uintptr(sesid))
	if s == nil {
		return C.JET_ERR(jet.ErrInvalidSesid)
	}
	value, ok := bytesAt(pvParam, uint32(cbParam))
	if !ok {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	return result(s.SetSessionParam(jet.ParamID(sesparamid), value))
}

//export esent_JetGetSessionParameter
func esent_JetGetSessionParameter(sesid C.JET_SESID, sesparamid C.uint32_t, pvParam unsafe.Pointer, cbParamMax C.uint32_t, pcbParamActual *C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	s := sessions.get(uintptr(sesid))
	if s == nil {
		return C.JET_ERR(jet.ErrInvalidSesid)
	}
	if pvParam == nil && pcbParamActual == nil {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	buffer, ok := bytesAt(pvParam, uint32(cbParamMax))
	if !ok {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	actual, err := s.SessionParam(jet.ParamID(sesparamid), buffer)
	put(pcbParamActual, C.uint32_t(actual))
	return result(err)
}

//export esent_JetBeginTransaction
func esent_JetBeginTransaction(thread C.uint64_t, sesid C.JET_SESID) (rc C.JET_ERR) {
	return esent_JetBeginTransaction2(thread, sesid, 0)
}

//export esent_JetBeginTransaction2
func esent_JetBeginTransaction2(thread C.uint64_t, sesid C.JET_SESID, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	s := sessions.get(uintptr(sesid))
	if s == nil {
		return C.JET_ERR(jet.ErrInvalidSesid)
	}
	return result(s.BeginTransaction(engine.Thread(thread), jet.Grbit(grbit)))
}

//export esent_JetBeginTransaction3
func esent_JetBeginTransaction3(thread C.uint64_t, sesid C.JET_SESID, trxid C.int64_t, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	return esent_JetBeginTransaction2(thread, sesid, grbit)
}

//export esent_JetCommitTransaction
func esent_JetCommitTransaction(thread C.uint64_t, sesid C.JET_SESID, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	return esent_JetCommitTransaction2(thread, sesid, grbit, 0, nil)
}

//export esent_JetCommitTransaction2
func esent_JetCommitTransaction2(thread C.uint64_t, sesid C.JET_SESID, grbit C.JET_GRBIT, cmsecDurableCommit C.uint32_t, pCommitId *C.JET_COMMIT_ID) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	s := sessions.get(uintptr(sesid))
	if s == nil {
		return C.JET_ERR(jet.ErrInvalidSesid)
	}
	if pCommitId == nil {
		return result(s.CommitTransaction(engine.Thread(thread), jet.Grbit(grbit), time.Duration(cmsecDurableCommit)*time.Millisecond, nil))
	}
	var id engine.CommitID
	err := s.CommitTransaction(engine.Thread(thread), jet.Grbit(grbit), time.Duration(cmsecDurableCommit)*time.Millisecond, &id)
	if err == nil {
		putCommitID(pCommitId, &id)
	}
	return result(err)
}

func putCommitID(c *C.JET_COMMIT_ID, id *engine.CommitID) {
	*c = C.JET_COMMIT_ID{commitId: C.int64_t(id.Position)}
	*(*jet.Signature)(unsafe.Pointer(&c.signLog)) = id.Signature
}

//export esent_JetRollback
func esent_JetRollback(thread C.uint64_t, sesid C.JET_SESID, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	s := sessions.get(uintptr(sesid))
	if s == nil {
		return C.JET_ERR(jet.ErrInvalidSesid)
	}
	return result(s.Rollback(engine.Thread(thread), jet.Grbit(grbit)))
}
