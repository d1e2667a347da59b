package main

// #include "../include/esent.h"
// #include "window.h"
import "C"

import (
	"fmt"
	"os"
	"sync"
	"unsafe"

	"esent/internal/engine"
	"esent/internal/eventlog"
	"esent/internal/jet"
	"esent/internal/vfs"
)

// The one engine of this process, and the objects that C holds handles of.
var (
	environment = vfs.System()
	process     = engine.NewProcess(environment, events())

	instances = handleTable[engine.Instance]{kind: instanceHandle}
	sessions  = handleTable[engine.Session]{kind: sessionHandle}
	cursors   = handleTable[engine.Cursor]{kind: cursorHandle}
)

// handles finds the handle of an object that the engine names, and what dies with an instance.
var handles = struct {
	mu        sync.Mutex
	instances map[*engine.Instance]uintptr
	sessions  map[*engine.Session]uintptr
}{instances: map[*engine.Instance]uintptr{}, sessions: map[*engine.Session]uintptr{}}

const nilHandle = ^uintptr(0)

func noHandle(h uintptr) bool { return h == 0 || h == nilHandle }

// instanceHandleOf gives the instance's handle, making one at first.
func instanceHandleOf(i *engine.Instance) (uintptr, error) {
	handles.mu.Lock()
	defer handles.mu.Unlock()
	if h, ok := handles.instances[i]; ok {
		return h, nil
	}
	h, ok := instances.add(i)
	if !ok {
		return 0, jet.ErrTooManyInstances
	}
	handles.instances[i] = h
	return h, nil
}

// forgetInstance makes the handles of an instance that is gone, and of its sessions, invalid.
func forgetInstance(i *engine.Instance) {
	handles.mu.Lock()
	defer handles.mu.Unlock()
	if h, ok := handles.instances[i]; ok {
		instances.remove(h)
		delete(handles.instances, i)
	}
	for s, h := range handles.sessions {
		if s.Instance() == i {
			sessions.remove(h)
			delete(handles.sessions, s)
		}
	}
}

func newSessionHandle(s *engine.Session) (uintptr, error) {
	handles.mu.Lock()
	defer handles.mu.Unlock()
	h, ok := sessions.add(s)
	if !ok {
		return 0, jet.ErrOutOfSessions
	}
	handles.sessions[s] = h
	s.Name(h)
	// Windows are pinned, and used again at most; a slot that C has no memory for is served by Go alone.
	C.esent_show_window(C.uint32_t(h&(1<<slotBits-1)), (*C.struct_esent_window)(unsafe.Pointer(s.Window())))
	return h, nil
}

func forgetSession(s *engine.Session) {
	handles.mu.Lock()
	defer handles.mu.Unlock()
	if h, ok := handles.sessions[s]; ok {
		sessions.remove(h)
		delete(handles.sessions, s)
	}
}

// sessionHandleOf is the handle of a session that the engine names in a callback.
func sessionHandleOf(s *engine.Session) uintptr {
	handles.mu.Lock()
	defer handles.mu.Unlock()
	return handles.sessions[s]
}

// newCursorHandle gives the cursor a handle, which dies with it however it is closed.
func newCursorHandle(c *engine.Cursor) (uintptr, error) {
	h, ok := cursors.add(c)
	if !ok {
		return 0, jet.ErrOutOfCursors
	}
	c.Handle = h
	c.Closed = func(*engine.Cursor) { cursors.remove(h) }
	return h, nil
}

// instanceArgument gives the instance that an argument means (spec chapter 01, 2.1).
func instanceArgument(h C.JET_INSTANCE) (*engine.Instance, error) {
	return process.Resolve(instances.get(uintptr(h)))
}

// units is a UTF-16 text of C as the conversions take it.
func units(p C.JET_PCWSTR) *uint16 { return (*uint16)(unsafe.Pointer(p)) }

// events is where the operator wants events to go. What does not work there is told on the host's messages.
func events() eventlog.Sink {
	sink, err := eventlog.FromEnvironment(environment.FS)
	if err != nil {
		fmt.Fprintln(os.Stderr, "esent:", err)
	}
	return sink
}
