package main

// #include "../include/esent.h"
import "C"

import (
	"unsafe"

	"esent/internal/engine"
	"esent/internal/jet"
)

// charset tells how the caller's structures hold text. The A and W versions of a structure differ in nothing
// else, so one pointer type, the A version's, serves for both.
type charset bool

const (
	textA charset = false
	textW charset = true
)

// name is an object's name in a structure.
func (cs charset) name(p unsafe.Pointer) nameArgument {
	if cs == textW {
		text, ok := nameW((*uint16)(p))
		return nameArgument{text, ok}
	}
	return nameArgument{nameA(p), true}
}

// created is an object's name in a structure that creates it.
func (cs charset) created(p unsafe.Pointer) (string, error) { return cs.name(p).created() }

// created is the name of an object to be created: ErrInvalidName for one that it cannot have.
func (n nameArgument) created() (string, error) {
	if !n.ok {
		return "", jet.ErrInvalidName
	}
	return n.text, nil
}

// key is the text of an index's key, of size bytes as the caller holds it, in single bytes with all its NULs.
func (cs charset) key(p unsafe.Pointer, size uint32) ([]byte, error) {
	b, ok := bytesAt(p, size)
	if p == nil {
		return nil, nil // which the engine refuses
	}
	if !ok {
		return nil, jet.ErrInvalidParameter
	}
	if cs == textA {
		return b, nil
	}
	text := make([]byte, len(b)/2)
	for i := range text {
		c, ok := toCP1252(uint16(b[2*i]) | uint16(b[2*i+1])<<8)
		if !ok {
			return nil, jet.ErrInvalidName
		}
		text[i] = c
	}
	return text, nil
}

// putName stores an object's name and its NUL; false when not all of it went in.
func (cs charset) putName(buffer []byte, name string) (fits bool) {
	if cs == textW {
		_, fits = putNameW(buffer, name)
		return fits
	}
	return putTextA(buffer, name)
}

// onSession makes a call on a session.
func onSession(sesid C.JET_SESID, call func(s *engine.Session) error) C.JET_ERR {
	s := sessions.get(uintptr(sesid))
	if s == nil {
		return C.JET_ERR(jet.ErrInvalidSesid)
	}
	return result(call(s))
}

// onCursor makes a call on a cursor.
func onCursor(sesid C.JET_SESID, tableid C.JET_TABLEID, call func(s *engine.Session, c *engine.Cursor) error) C.JET_ERR {
	s, c, e := cursorArguments(sesid, tableid)
	if e != 0 {
		return e
	}
	return result(call(s, c))
}
