package main

/*
#include <stdlib.h>
#include "../include/esent_ext.h"

static inline JET_ERR call_read(ESENT_PFNREAD f, void *context, void *p, uint32_t n, uint32_t *actual)
{
    return f(p, n, actual, context);
}
*/
import "C"

import (
	"io"
	"math"
	"time"
	"unsafe"

	"esent/internal/backup"
	"esent/internal/engine"
	"esent/internal/jet"
)

// callerStream reads what a program's callback gives.
type callerStream struct {
	read    C.ESENT_PFNREAD
	context unsafe.Pointer
}

// Read implements io.Reader.
func (s callerStream) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	// The program writes to memory of its own world.
	n := min(len(p), streamPiece)
	buf := C.malloc(C.size_t(n))
	defer C.free(buf)
	var actual C.uint32_t
	if err := verdict(C.call_read(s.read, s.context, buf, C.uint32_t(n), &actual)); err != nil {
		return 0, err
	}
	switch {
	case actual == 0:
		return 0, io.EOF
	case int(actual) > n:
		return 0, jet.ErrInvalidParameter.Errorf("a read of %d bytes gave %d", n, actual)
	}
	return copy(p, unsafe.Slice((*byte)(buf), actual)), nil
}

// streamPiece is the most that a callback is asked for at once, in bytes.
const streamPiece = 1 << 20

// restoreBits are the flags of EsentRestore.
const restoreBits = C.ESENT_bitRestoreDryRun | C.ESENT_bitRestoreOverwrite

// stopAt is a position, zero for none.
func stopAt(p C.JET_LGPOS) jet.LogPos {
	if p == (C.JET_LGPOS{}) {
		return 0
	}
	return jet.MakeLogPos(int32(p.lGeneration), uint16(p.isec), uint16(p.ib))
}

// stopTime is a moment in milliseconds since 1970, 0 for none.
func stopTime(ms C.int64_t) (time.Time, error) {
	if ms < 0 {
		return time.Time{}, jet.ErrInvalidParameter
	}
	if ms == 0 {
		return time.Time{}, nil
	}
	const most = math.MaxInt64 / 1_000_000
	return time.UnixMilli(min(int64(ms), most)).UTC(), nil
}

func extRestore(instance C.JET_INSTANCE, p *C.ESENT_RESTORE) error {
	var i *engine.Instance
	if !noHandle(uintptr(instance)) {
		var err error
		if i, err = backupInstance(instance); err != nil {
			return err
		}
	}
	at, err := stopTime(p.msStop)
	switch {
	case err != nil:
		return err
	case p.grbit&^restoreBits != 0:
		return jet.ErrInvalidGrbit
	case (p.szPath == nil) == (p.pfnRead == nil):
		return jet.ErrInvalidParameter
	}
	o := backup.RestoreOptions{Source: extText(p.szPath), Dest: extText(p.szDest), Report: extText(p.szReport),
		Stop:      backup.Stop{At: stopAt(p.lgposStop), Time: at},
		Overwrite: p.grbit&C.ESENT_bitRestoreOverwrite != 0, DryRun: p.grbit&C.ESENT_bitRestoreDryRun != 0,
		Watch: watch(p.pfnProgress, p.pvProgress)}
	if p.pfnRead != nil {
		o.Stream = callerStream{p.pfnRead, p.pvRead}
	} else if o.Source == "" {
		return jet.ErrInvalidPath
	}
	return backups.RestoreSet(process, i, o)
}

//export esent_EsentRestore
func esent_EsentRestore(instance C.JET_INSTANCE, prestore *C.ESENT_RESTORE) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(instance))
	p, err := extension(prestore, C.sizeof_ESENT_RESTORE)
	if err == nil {
		err = extRestore(instance, &p)
	}
	return result(err)
}

//export esent_EsentRestoreToTime
func esent_EsentRestoreToTime(instance C.JET_INSTANCE, szPath, szDest *C.char, msTime C.int64_t, pfnProgress C.ESENT_PFNPROGRESS, pvProgress unsafe.Pointer) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(instance))
	if msTime <= 0 {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	return result(extRestore(instance, &C.ESENT_RESTORE{szPath: szPath, szDest: szDest, msStop: msTime,
		pfnProgress: pfnProgress, pvProgress: pvProgress}))
}

//export esent_EsentRestoreToPosition
func esent_EsentRestoreToPosition(instance C.JET_INSTANCE, szPath, szDest *C.char, plgpos *C.JET_LGPOS, pfnProgress C.ESENT_PFNPROGRESS, pvProgress unsafe.Pointer) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(instance))
	if plgpos == nil || *plgpos == (C.JET_LGPOS{}) {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	return result(extRestore(instance, &C.ESENT_RESTORE{szPath: szPath, szDest: szDest, lgposStop: *plgpos,
		pfnProgress: pfnProgress, pvProgress: pvProgress}))
}
