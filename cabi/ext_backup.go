package main

/*
#include "../include/esent_ext.h"

static inline JET_ERR call_write(ESENT_PFNWRITE f, const void *p, uint32_t n, void *context)
{
    return f(p, n, context);
}
*/
import "C"

import (
	"io"
	"math"
	"unsafe"

	"esent/internal/backup"
	"esent/internal/backup/meter"
	"esent/internal/jet"
)

// streamOut is an ESENT_PFNWRITE as a Writer. It takes no more at once than C can be told of.
type streamOut struct {
	f       C.ESENT_PFNWRITE
	context unsafe.Pointer
}

func (s streamOut) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if err := verdict(C.call_write(s.f, unsafe.Pointer(unsafe.SliceData(p)), C.uint32_t(len(p)), s.context)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// backupOptions makes what the caller asks for the options of package backup. A set goes to a directory or to a stream.
func backupOptions(b *C.ESENT_BACKUP) (backup.Options, error) {
	if (b.szPath == nil) == (b.pfnWrite == nil) || b.reserved != 0 || b.szPath != nil && (*b.szPath == 0 || b.compression != 0) {
		return backup.Options{}, jet.ErrInvalidParameter
	}
	o := backup.Options{Dir: extText(b.szPath), Grbit: jet.Grbit(b.grbit), Level: int(b.compression),
		BytesPerSecond: int64(min(uint64(b.cbPerSecond), math.MaxInt64)), Watch: watch(b.pfnProgress, b.pvProgress)}
	if b.pfnWrite != nil {
		o.Stream = io.Writer(streamOut{b.pfnWrite, b.pvWrite})
	}
	return o, nil
}

//export esent_EsentBackup
func esent_EsentBackup(instance C.JET_INSTANCE, pbackup *C.ESENT_BACKUP) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(instance))
	b, err := extension(pbackup, unsafe.Sizeof(C.ESENT_BACKUP{}))
	if err != nil {
		return result(err)
	}
	i, err := backupInstance(instance)
	if err != nil {
		return result(err)
	}
	o, err := backupOptions(&b)
	if err != nil {
		return result(err)
	}
	return result(backups.Make(backup.Of(i), o))
}

//export esent_EsentBackupProgress
func esent_EsentBackupProgress(instance C.JET_INSTANCE, pprogress *C.ESENT_PROGRESS) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(instance))
	p, err := extension(pprogress, unsafe.Sizeof(C.ESENT_PROGRESS{}))
	if err != nil {
		return result(err)
	}
	i, err := backupInstance(instance)
	if err != nil {
		return result(err)
	}
	at, err := backups.Position(backup.Of(i))
	if err != nil {
		return result(err)
	}
	*pprogress = progressOf(at, p.cbStruct)
	return C.JET_errSuccess
}

// progressOf is a position as C sees it, in a structure of size bytes, without the file.
func progressOf(at meter.Position, size C.uint32_t) C.ESENT_PROGRESS {
	return C.ESENT_PROGRESS{cbStruct: size, phase: C.uint32_t(at.Phase), cbDone: C.uint64_t(at.Bytes), cbTotal: C.uint64_t(at.BytesTotal),
		cpgDone: C.uint64_t(at.Pages), cpgTotal: C.uint64_t(at.PagesTotal)}
}
