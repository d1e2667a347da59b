package main

/*
#include <stdlib.h>
#include "../include/esent.h"
#include "guard.h"

static inline JET_ERR call_record(void *f, JET_SESID sesid, JET_TABLEID tableid, JET_CBTYP type, void *data, void *size,
                                  void *context, JET_API_PTR column)
{
    JET_ERR e;
    esent_callbacks++;
    e = ((JET_CALLBACK)f)(sesid, JET_dbidNil, tableid, type, data, size, context, column);
    esent_callbacks--;
    return e;
}
*/
import "C"

import (
	"errors"
	"unsafe"

	"esent/internal/engine"
	"esent/internal/jet"
)

// callbacks are those of JetRegisterCallback.
var callbacks = handleTable[engine.Callback]{kind: callbackHandle}

func init() { process.SetCallbackResolver(resolveCallback) }

// recordCallback makes a function of C's a callback of the engine. data is what it gets as context in its stead, kept
// as long as it runs; nil for context.
func recordCallback(f, context unsafe.Pointer, data []byte) engine.CallbackFunc {
	return func(ev *engine.Event) jet.Err {
		context := context
		if len(data) > 0 {
			context = C.CBytes(data)
			defer C.free(context)
		}
		sesid, err := sessionHandleOf(ev.Session), error(nil)
		if sesid == 0 { // one of the engine's own, as the cursor then is
			if sesid, err = newSessionHandle(ev.Session); err != nil {
				return jet.CodeOf(err)
			}
			defer forgetSession(ev.Session)
		}
		if ev.Cursor.Handle == 0 {
			h, err := newCursorHandle(ev.Cursor)
			if err != nil {
				return jet.CodeOf(err)
			}
			defer func() {
				cursors.remove(h)
				ev.Cursor.Handle, ev.Cursor.Closed = 0, nil
			}()
		}
		var value, size unsafe.Pointer
		actual := C.uint32_t(ev.Size)
		if ev.Type == jet.CbtypUserDefinedDefaultValue {
			value, size = unsafe.Pointer(unsafe.SliceData(ev.Value)), unsafe.Pointer(&actual)
		}
		e := C.call_record(f, C.JET_SESID(sesid), C.JET_TABLEID(ev.Cursor.Handle), C.JET_CBTYP(ev.Type),
			value, size, context, C.JET_API_PTR(ev.Column))
		ev.Size = uint32(actual)
		return jet.Err(e)
	}
}

// runtimeCallback makes JET_paramRuntimeCallback known to an instance about to start.
func runtimeCallback(i *engine.Instance) {
	f, _, _, err := process.GetParam(engine.ParamTarget{Instance: i}, jet.ParamRuntimeCallback)
	if err != nil || f == 0 {
		return
	}
	call := pointer(uintptr(f))
	i.SetRuntimeCallback(func(typ uint32, value uintptr) jet.Err {
		return jet.Err(C.call_record(call, C.JET_sesidNil, C.JET_tableidNil, C.JET_CBTYP(typ), pointer(value), nil, nil, 0))
	})
}

//export esent_JetRegisterCallback
func esent_JetRegisterCallback(sesid C.JET_SESID, tableid C.JET_TABLEID, cbtyp C.JET_CBTYP, pCallback C.JET_CALLBACK, pvContext unsafe.Pointer, phCallbackId *C.JET_HANDLE) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	return onCursor(sesid, tableid, func(s *engine.Session, c *engine.Cursor) error {
		var f engine.CallbackFunc
		if pCallback != nil {
			f = recordCallback(*(*unsafe.Pointer)(unsafe.Pointer(&pCallback)), pvContext, nil)
		}
		if phCallbackId == nil {
			return jet.ErrInvalidParameter
		}
		cb, err := c.RegisterCallback(s, uint32(cbtyp), f)
		if err != nil {
			return err
		}
		h, ok := callbacks.add(cb)
		if !ok {
			_, err = c.UnregisterCallback(s, cb, jet.CbtypNull)
			return errors.Join(jet.ErrOutOfMemory, err)
		}
		cb.Closed = func() { callbacks.remove(h) }
		*phCallbackId = C.JET_HANDLE(h)
		return nil
	})
}

//export esent_JetUnregisterCallback
func esent_JetUnregisterCallback(sesid C.JET_SESID, tableid C.JET_TABLEID, cbtyp C.JET_CBTYP, hCallbackId C.JET_HANDLE) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	h := uintptr(hCallbackId)
	return onCursor(sesid, tableid, func(s *engine.Session, c *engine.Cursor) error {
		cb := callbacks.get(h)
		if cb == nil && callbacks.wasReturned(h) {
			return nil // as the original, which only marks it as removed
		}
		gone, err := c.UnregisterCallback(s, cb, uint32(cbtyp))
		if gone {
			callbacks.markReturned(h)
			callbacks.remove(h)
		}
		return err
	})
}

//export esent_JetSetLS
func esent_JetSetLS(sesid C.JET_SESID, tableid C.JET_TABLEID, ls C.JET_LS, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	return onCursor(sesid, tableid, func(s *engine.Session, c *engine.Cursor) error {
		return c.SetLocalStorage(s, uintptr(ls), jet.Grbit(grbit))
	})
}

//export esent_JetGetLS
func esent_JetGetLS(sesid C.JET_SESID, tableid C.JET_TABLEID, pls *C.JET_LS, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	return onCursor(sesid, tableid, func(s *engine.Session, c *engine.Cursor) error {
		if pls == nil {
			return jet.ErrInvalidParameter
		}
		value, err := c.LocalStorage(s, jet.Grbit(grbit))
		if err == nil || err == jet.ErrLSNotSet {
			*pls = C.JET_LS(value)
		}
		return err
	})
}
