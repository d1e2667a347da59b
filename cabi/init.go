package main

// #include "../include/esent.h"
import "C"

import (
	"encoding/binary"
	"unsafe"

	"esent/internal/engine"
	"esent/internal/jet"
)

// initInstance starts the instance that *pinstance names, or a new one (spec chapter 01, 2.1 and 2.3).
func initInstance(pinstance *C.JET_INSTANCE, o engine.InitOptions, told initCallback) (jet.Err, error) {
	var given *engine.Instance
	if pinstance != nil && !noHandle(uintptr(*pinstance)) {
		if given = instances.get(uintptr(*pinstance)); given == nil {
			// Only single-instance mode does not look at the handle.
			if _, err := process.Single(); err != nil {
				return 0, jet.ErrInvalidParameter
			}
		}
	}
	i, err := process.ForInit(given, pinstance == nil)
	if err != nil {
		return 0, err
	}
	h, err := instanceHandleOf(i)
	if err != nil {
		return 0, err
	}
	watchCommits(i, h)
	if told != nil {
		o.Control, o.Progress = told.control(h), told.progress
	}
	runtimeCallback(i)
	warning, err := i.Init(o)
	switch jet.CodeOf(err) {
	case jet.ErrSuccess:
		if pinstance != nil {
			*pinstance = C.JET_INSTANCE(h)
		}
	case jet.ErrAlreadyInitialized, jet.ErrInitInProgress, jet.ErrTermInProgress, jet.ErrRestoreInProgress:
	default:
		forgetInstance(i)
		if pinstance != nil {
			*pinstance = 0
		}
	}
	return warning, err
}

func warned(warning jet.Err, err error) C.JET_ERR {
	if err != nil {
		return result(err)
	}
	return C.JET_ERR(warning)
}

//export esent_JetInit
func esent_JetInit(pinstance *C.JET_INSTANCE) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	return warned(initInstance(pinstance, engine.InitOptions{}, nil))
}

//export esent_JetInit2
func esent_JetInit2(pinstance *C.JET_INSTANCE, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	return warned(initInstance(pinstance, engine.InitOptions{Grbit: jet.Grbit(grbit)}, nil))
}

// restoreInfo takes over what JET_RSTINFO and JET_RSTINFO2 have in common. one converts an entry of the map.
func restoreInfo[T any](o *engine.InitOptions, entries *T, n C.int32_t, stop *C.JET_LGPOS, stopTime *C.JET_LOGTIME, one func(e *T) (engine.DatabaseMap, error)) error {
	if n < 0 || n > restoreMapMost || (entries == nil) != (n == 0) {
		return jet.ErrInvalidParameter
	}
	given, ok := sliceAt(entries, uint32(n))
	if !ok {
		return jet.ErrInvalidParameter
	}
	for k := range given {
		e, err := one(&given[k])
		if err != nil {
			return err
		}
		o.Maps = append(o.Maps, e)
	}
	o.StopAt = jet.LogPos(binary.LittleEndian.Uint64((*[8]byte)(unsafe.Pointer(stop))[:]))
	o.StopTime = *(*jet.LogTime)(unsafe.Pointer(stopTime))
	return nil
}

// mapEntry is an entry of the map whose paths were converted.
func mapEntry(from, to pathArgument, grbit C.JET_GRBIT) (engine.DatabaseMap, error) {
	if from.err != nil {
		return engine.DatabaseMap{}, from.err
	}
	return engine.DatabaseMap{From: from.text, To: to.text, Grbit: jet.Grbit(grbit)}, to.err
}

//export esent_JetInit3A
func esent_JetInit3A(pinstance *C.JET_INSTANCE, prstInfo *C.JET_RSTINFO_A, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	o := engine.InitOptions{Grbit: jet.Grbit(grbit)}
	var told initCallback
	if r := prstInfo; r != nil {
		if r.cbStruct != C.sizeof_JET_RSTINFO_A {
			return C.JET_ERR(jet.ErrInvalidParameter)
		}
		err := restoreInfo(&o, r.rgrstmap, r.crstmap, &r.lgposStop, &r.logtimeStop, func(e *C.JET_RSTMAP_A) (engine.DatabaseMap, error) {
			return mapEntry(pathFromA(C.JET_PCSTR(unsafe.Pointer(e.szDatabaseName))), pathFromA(C.JET_PCSTR(unsafe.Pointer(e.szNewDatabaseName))), 0)
		})
		if err != nil {
			return result(err)
		}
		told = statusCallback(r.pfnStatus)
	}
	return warned(initInstance(pinstance, o, told))
}

//export esent_JetInit3W
func esent_JetInit3W(pinstance *C.JET_INSTANCE, prstInfo *C.JET_RSTINFO_W, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	o := engine.InitOptions{Grbit: jet.Grbit(grbit)}
	var told initCallback
	if r := prstInfo; r != nil {
		if r.cbStruct != C.sizeof_JET_RSTINFO_W {
			return C.JET_ERR(jet.ErrInvalidParameter)
		}
		err := restoreInfo(&o, r.rgrstmap, r.crstmap, &r.lgposStop, &r.logtimeStop, func(e *C.JET_RSTMAP_W) (engine.DatabaseMap, error) {
			return mapEntry(pathFromW(C.JET_PCWSTR(e.szDatabaseName)), pathFromW(C.JET_PCWSTR(e.szNewDatabaseName)), 0)
		})
		if err != nil {
			return result(err)
		}
		told = statusCallback(r.pfnStatus)
	}
	return warned(initInstance(pinstance, o, told))
}

//export esent_JetInit4A
func esent_JetInit4A(pinstance *C.JET_INSTANCE, prstInfo *C.JET_RSTINFO2_A, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	o := engine.InitOptions{Grbit: jet.Grbit(grbit)}
	var told initCallback
	if r := prstInfo; r != nil {
		if r.cbStruct != C.sizeof_JET_RSTINFO2_A {
			return C.JET_ERR(jet.ErrInvalidParameter)
		}
		err := restoreInfo(&o, r.rgrstmap, r.crstmap, &r.lgposStop, &r.logtimeStop, func(e *C.JET_RSTMAP2_A) (engine.DatabaseMap, error) {
			if e.cbStruct != C.sizeof_JET_RSTMAP2_A || e.rgsetdbparam == nil && e.csetdbparam > 0 {
				return engine.DatabaseMap{}, jet.ErrInvalidParameter
			}
			return mapEntry(pathFromA(C.JET_PCSTR(unsafe.Pointer(e.szDatabaseName))), pathFromA(C.JET_PCSTR(unsafe.Pointer(e.szNewDatabaseName))), e.grbit)
		})
		if err != nil {
			return result(err)
		}
		told = controlCallback(r.pfnCallback, r.pvCallbackContext)
	}
	return warned(initInstance(pinstance, o, told))
}

//export esent_JetInit4W
func esent_JetInit4W(pinstance *C.JET_INSTANCE, prstInfo *C.JET_RSTINFO2_W, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	o := engine.InitOptions{Grbit: jet.Grbit(grbit)}
	var told initCallback
	if r := prstInfo; r != nil {
		if r.cbStruct != C.sizeof_JET_RSTINFO2_W {
			return C.JET_ERR(jet.ErrInvalidParameter)
		}
		err := restoreInfo(&o, r.rgrstmap, r.crstmap, &r.lgposStop, &r.logtimeStop, func(e *C.JET_RSTMAP2_W) (engine.DatabaseMap, error) {
			if e.cbStruct != C.sizeof_JET_RSTMAP2_W || e.rgsetdbparam == nil && e.csetdbparam > 0 {
				return engine.DatabaseMap{}, jet.ErrInvalidParameter
			}
			return mapEntry(pathFromW(C.JET_PCWSTR(e.szDatabaseName)), pathFromW(C.JET_PCWSTR(e.szNewDatabaseName)), e.grbit)
		})
		if err != nil {
			return result(err)
		}
		told = controlCallback(r.pfnCallback, r.pvCallbackContext)
	}
	return warned(initInstance(pinstance, o, told))
}
