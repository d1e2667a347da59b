package main

/*
#include <stdlib.h>
#include "../include/esent.h"

static inline JET_ERR call_status(JET_PFNSTATUS f, JET_SNP snp, JET_SNT snt, uint32_t done, uint32_t total)
{
    JET_SNPROG p = {sizeof p, done, total};
    return f(JET_sesidNil, snp, snt, &p);
}

static inline JET_ERR call_init(JET_PFNINITCALLBACK f, JET_SNT snt, uint32_t done, uint32_t total, void *context)
{
    JET_SNPROG p = {sizeof p, done, total};
    return f(JET_snpRestore, snt, &p, context);
}

struct control {
    JET_SNT snt;
    JET_ERR err;
    JET_INSTANCE instance;
    WCHAR *path;
    uint32_t gen, current, code; // code is the reason or the next action
    uint32_t databases;
    JET_DBINFOMISC7 *misc;
    uint32_t event, kind;
    void *context;
    uint32_t context_size;
};

static inline JET_ERR call_control(JET_PFNINITCALLBACK f, void *context, const struct control *c)
{
    JET_RECOVERYCONTROL r = {0};
    r.cbStruct = sizeof r;
    r.errDefault = c->err;
    r.instance = c->instance;
    r.sntUnion = c->snt;
    switch (c->snt) {
    case JET_sntOpenLog:
        r.OpenLog.cbStruct = sizeof r.OpenLog;
        r.OpenLog.lGenNext = c->gen;
        r.OpenLog.fCurrentLog = c->current;
        r.OpenLog.eReason = c->code;
        r.OpenLog.wszLogFile = c->path;
        r.OpenLog.cdbinfomisc = c->databases;
        r.OpenLog.rgdbinfomisc = c->misc;
        break;
    case JET_sntOpenCheckpoint:
        r.OpenCheckpoint.cbStruct = sizeof r.OpenCheckpoint;
        r.OpenCheckpoint.wszCheckpoint = c->path;
        break;
    case JET_sntMissingLog:
        r.MissingLog.cbStruct = sizeof r.MissingLog;
        r.MissingLog.lGenMissing = c->gen;
        r.MissingLog.fCurrentLog = c->current;
        r.MissingLog.eNextAction = c->code;
        r.MissingLog.wszLogFile = c->path;
        r.MissingLog.cdbinfomisc = c->databases;
        r.MissingLog.rgdbinfomisc = c->misc;
        break;
    case JET_sntBeginUndo:
        r.BeginUndo.cbStruct = sizeof r.BeginUndo;
        r.BeginUndo.cdbinfomisc = c->databases;
        r.BeginUndo.rgdbinfomisc = c->misc;
        break;
    case JET_sntNotificationEvent:
        r.NotificationEvent.cbStruct = sizeof r.NotificationEvent;
        r.NotificationEvent.EventID = c->event;
        break;
    case JET_sntSignalErrorCondition:
        r.SignalErrorCondition.cbStruct = sizeof r.SignalErrorCondition;
        break;
    case JET_sntAttachedDb:
        r.AttachedDb.cbStruct = sizeof r.AttachedDb;
        r.AttachedDb.wszDbPath = c->path;
        break;
    case JET_sntDetachingDb:
        r.DetachingDb.cbStruct = sizeof r.DetachingDb;
        r.DetachingDb.wszDbPath = c->path;
        break;
    case JET_sntCommitCtx:
        r.CommitCtx.cbStruct = sizeof r.CommitCtx;
        r.CommitCtx.pbCommitCtx = c->context;
        r.CommitCtx.cbCommitCtx = c->context_size;
        r.CommitCtx.fCallbackType = c->kind;
        break;
    }
    return f(JET_snpRecoveryControl, c->snt, &r, context);
}
*/
import "C"

import (
	"unsafe"

	"esent/internal/engine"
	"esent/internal/engine/recovery"
	"esent/internal/jet"
)

// initCallback is an application that is told of recovery (spec chapter 05, 24).
type initCallback interface {
	// control gives the hook for recovery's questions, of the instance with that handle.
	control(h uintptr) func(c *recovery.Control) error
	// progress tells how much of the log is replayed.
	progress(done, total int) error
}

const progressTotal = 100

// ending is the notification that recovery has ended, with err.
func ending(err error) C.JET_SNT {
	if err != nil && jet.CodeOf(err) != jet.ErrRecoveredWithoutUndo {
		return C.JET_sntFail
	}
	return C.JET_sntComplete
}

// status is a callback of JetInit3: it is told of progress only, and what it returns does not matter.
type status struct{ f C.JET_PFNSTATUS }

func statusCallback(f C.JET_PFNSTATUS) initCallback {
	if f == nil {
		return nil
	}
	return status{f}
}

func (s status) control(uintptr) func(c *recovery.Control) error {
	return func(c *recovery.Control) error {
		switch c.Kind {
		case recovery.ControlBegin:
			C.call_status(s.f, C.JET_snpRestore, C.JET_sntBegin, 0, progressTotal)
		case recovery.ControlComplete:
			C.call_status(s.f, C.JET_snpRestore, ending(c.Default), progressTotal, progressTotal)
		}
		return c.Default
	}
}

func (s status) progress(done, total int) error {
	C.call_status(s.f, C.JET_snpRestore, C.JET_sntProgress, C.uint32_t(done), C.uint32_t(total))
	return nil
}

// controller is a callback of JetInit4, which has a say.
type controller struct {
	f       C.JET_PFNINITCALLBACK
	context unsafe.Pointer
}

func controlCallback(f C.JET_PFNINITCALLBACK, context unsafe.Pointer) initCallback {
	if f == nil {
		return nil
	}
	return controller{f, context}
}

func (a controller) progress(done, total int) error {
	C.call_init(a.f, C.JET_sntProgress, C.uint32_t(done), C.uint32_t(total), a.context)
	return nil
}

func (a controller) control(h uintptr) func(c *recovery.Control) error {
	return func(c *recovery.Control) error {
		switch c.Kind {
		case recovery.ControlBegin:
			C.call_init(a.f, C.JET_sntBegin, 0, progressTotal, a.context)
			return c.Default
		case recovery.ControlComplete:
			C.call_init(a.f, ending(c.Default), progressTotal, progressTotal, a.context)
			return c.Default
		}
		return a.ask(h, c)
	}
}

// ask puts a question to the application. What it is shown lies in C memory until it has answered.
func (a controller) ask(h uintptr, c *recovery.Control) error {
	q := (*C.struct_control)(C.calloc(1, C.sizeof_struct_control))
	defer C.free(unsafe.Pointer(q))
	q.snt, q.err, q.instance = C.JET_SNT(c.Kind), C.JET_ERR(jet.CodeOf(c.Default)), C.JET_INSTANCE(h)
	q.gen, q.code = C.uint32_t(c.Gen), C.uint32_t(c.Reason)
	if c.Kind == recovery.ControlMissingLog {
		q.code = C.uint32_t(c.NextAction)
	}
	if c.Current {
		q.current = 1
	}
	q.event, q.kind = C.uint32_t(c.EventID), C.uint32_t(c.CallbackType)
	if c.Path != "" {
		need, _ := putPathW(nil, c.Path)
		q.path = (*C.WCHAR)(C.malloc(C.size_t(need)))
		defer C.free(unsafe.Pointer(q.path))
		putPathW(unsafe.Slice((*byte)(unsafe.Pointer(q.path)), need), c.Path)
	}
	if n := len(c.Databases); n > 0 {
		q.databases = C.uint32_t(n)
		q.misc = (*C.JET_DBINFOMISC7)(C.calloc(C.size_t(n), C.sizeof_JET_DBINFOMISC7))
		defer C.free(unsafe.Pointer(q.misc))
		list := unsafe.Slice(q.misc, n)
		for k := range list {
			copy((*[C.sizeof_JET_DBINFOMISC7]byte)(unsafe.Pointer(&list[k]))[:], engine.DatabaseMisc(&c.Databases[k]))
		}
	}
	if len(c.Context) > 0 {
		q.context, q.context_size = C.CBytes(c.Context), C.uint32_t(len(c.Context))
		defer C.free(q.context)
	}
	answer := jet.Err(C.call_control(a.f, a.context, q))
	switch {
	case answer == jet.CodeOf(c.Default):
		return c.Default
	case answer >= 0:
		return nil
	}
	return answer
}
