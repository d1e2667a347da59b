package main

// #include "../include/esent.h"
import "C"

import (
	"fmt"
	"os"
	"runtime/debug"

	"esent/internal/jet"
)

// result is the number that C gets for what the engine returned: the code that err wraps, 0 for nil.
func result(err error) C.JET_ERR {
	if e, ok := err.(jet.Err); ok {
		return C.JET_ERR(e)
	}
	return C.JET_ERR(jet.CodeOf(err))
}

// guard is deferred first thing by every export, for a panic must not cross into C: it turns one into
// JET_errInstanceUnavailable and hands it to panicked. handle is the instance, session or cursor that the
// call was for, 0 when it had none. It is the one defer on the way of a hot call and costs about 5 ns,
// beside the 60 ns of the crossing.
func guard(rc *C.JET_ERR, handle uintptr) {
	if v := recover(); v != nil {
		*rc = C.JET_ERR(jet.ErrInstanceUnavailable)
		panicked(handle, v, debug.Stack())
	}
}

// panicked makes the instance unavailable that the handle leads to, which tells the operator why. Where there is none
// nothing is known to be hurt, and what went wrong goes to the host's messages.
var panicked = func(handle uintptr, value any, stack []byte) {
	defer func() { _ = recover() }() // nothing is worth ending the host for
	if o := failing(handle); o != nil {
		_ = o.Panicked(value) // the code that every call gives now
		return
	}
	fmt.Fprintf(os.Stderr, "esent: internal error in a call on handle %#x: %v\n%s", handle, value, stack)
}

// failing is what a panic in a call on the handle has hurt, nil for nothing.
func failing(handle uintptr) interface{ Panicked(value any) error } {
	if i := instances.get(handle); i != nil {
		return i
	}
	if s := sessions.get(handle); s != nil {
		return s
	}
	if c := cursors.get(handle); c != nil {
		return c
	}
	return nil
}
