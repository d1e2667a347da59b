package main

// #include "../include/esent.h"
import "C"

import (
	"unsafe"

	"esent/internal/backup"
	"esent/internal/engine"
	"esent/internal/jet"
)

// sourceFromA is the directory of a set. None at all is the working directory, an empty name none.
func sourceFromA(p C.JET_PCSTR) pathArgument { return source(pathFromA(p), p != nil) }

func sourceFromW(p C.JET_PCWSTR) pathArgument { return source(pathFromW(p), p != nil) }

func source(p pathArgument, given bool) pathArgument {
	if given && p.err == nil && p.text == "" {
		p.err = jet.ErrInvalidPath
	}
	return p
}

func restorePaths(source, dest pathArgument) error {
	if source.err != nil {
		return source.err
	}
	return dest.err
}

func doRestore(source, dest pathArgument, f C.JET_PFNSTATUS) C.JET_ERR {
	if err := restorePaths(source, dest); err != nil {
		return result(err)
	}
	return result(backups.Restore(process, source.text, dest.text, backupStatus(C.JET_snpRestore, f)))
}

//export esent_JetRestoreA
func esent_JetRestoreA(szSource C.JET_PCSTR, pfn C.JET_PFNSTATUS) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	return doRestore(sourceFromA(szSource), pathArgument{}, pfn)
}

//export esent_JetRestoreW
func esent_JetRestoreW(szSource C.JET_PCWSTR, pfn C.JET_PFNSTATUS) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	return doRestore(sourceFromW(szSource), pathArgument{}, pfn)
}

//export esent_JetRestore2A
func esent_JetRestore2A(sz, szDest C.JET_PCSTR, pfn C.JET_PFNSTATUS) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	return doRestore(sourceFromA(sz), pathFromA(szDest), pfn)
}

//export esent_JetRestore2W
func esent_JetRestore2W(sz, szDest C.JET_PCWSTR, pfn C.JET_PFNSTATUS) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	return doRestore(sourceFromW(sz), pathFromW(szDest), pfn)
}

func doRestoreInstance(instance C.JET_INSTANCE, source, dest pathArgument, f C.JET_PFNSTATUS) C.JET_ERR {
	var i *engine.Instance
	if !noHandle(uintptr(instance)) {
		var err error
		if i, err = backupInstance(instance); err != nil {
			return result(err)
		}
	}
	if err := restorePaths(source, dest); err != nil {
		return result(err)
	}
	return result(backups.RestoreInstance(process, i, source.text, dest.text, backupStatus(C.JET_snpRestore, f)))
}

//export esent_JetRestoreInstanceA
func esent_JetRestoreInstanceA(instance C.JET_INSTANCE, sz, szDest C.JET_PCSTR, pfn C.JET_PFNSTATUS) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(instance))
	return doRestoreInstance(instance, sourceFromA(sz), pathFromA(szDest), pfn)
}

//export esent_JetRestoreInstanceW
func esent_JetRestoreInstanceW(instance C.JET_INSTANCE, sz, szDest C.JET_PCWSTR, pfn C.JET_PFNSTATUS) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(instance))
	return doRestoreInstance(instance, sourceFromW(sz), pathFromW(szDest), pfn)
}

// restoreMapMost is the largest number of databases in a map.
const restoreMapMost = 14

// paths gathers paths given as A or W, and the first error of them.
type paths struct{ err error }

func (p *paths) take(a pathArgument) string {
	if p.err == nil {
		p.err = a.err
	}
	return a.text
}

func (p *paths) a(s C.JET_PSTR) string { return p.take(pathFromA(C.JET_PCSTR(unsafe.Pointer(s)))) }

func (p *paths) w(s C.JET_PWSTR) string { return p.take(pathFromW(C.JET_PCWSTR(unsafe.Pointer(s)))) }

// restoreMap takes over a map of databases, whose entries text converts.
func restoreMap[T any](entries *T, n C.int32_t, text func(e *T) backup.RestoreEntry) ([]backup.RestoreEntry, error) {
	if n < 0 || n > restoreMapMost || (entries == nil) != (n == 0) {
		return nil, jet.ErrInvalidParameter
	}
	given, ok := sliceAt(entries, uint32(n))
	if !ok {
		return nil, jet.ErrInvalidParameter
	}
	list := make([]backup.RestoreEntry, len(given))
	for i := range given {
		list[i] = text(&given[i])
	}
	return list, nil
}

func (p *paths) mapA(entries *C.JET_RSTMAP_A, n C.int32_t) ([]backup.RestoreEntry, error) {
	return restoreMap(entries, n, func(e *C.JET_RSTMAP_A) backup.RestoreEntry {
		return backup.RestoreEntry{Old: p.take(pathFromA(C.JET_PCSTR(unsafe.Pointer(e.szDatabaseName)))),
			New: p.take(pathFromA(C.JET_PCSTR(unsafe.Pointer(e.szNewDatabaseName))))}
	})
}

func (p *paths) mapW(entries *C.JET_RSTMAP_W, n C.int32_t) ([]backup.RestoreEntry, error) {
	return restoreMap(entries, n, func(e *C.JET_RSTMAP_W) backup.RestoreEntry {
		return backup.RestoreEntry{Old: p.take(pathFromW(C.JET_PCWSTR(unsafe.Pointer(e.szDatabaseName)))),
			New: p.take(pathFromW(C.JET_PCWSTR(unsafe.Pointer(e.szNewDatabaseName))))}
	})
}

func externalRestore(x backup.ExternalRestore, mapErr, pathErr error, f C.JET_PFNSTATUS) C.JET_ERR {
	switch {
	case mapErr != nil:
		return result(mapErr)
	case pathErr != nil:
		return result(pathErr)
	}
	x.Status = backupStatus(C.JET_snpRestore, f)
	return warned(backups.ExternalRestore(process, x))
}

//export esent_JetExternalRestoreA
func esent_JetExternalRestoreA(szCheckpointFilePath, szLogPath C.JET_PSTR, rgrstmap *C.JET_RSTMAP_A, crstfilemap C.int32_t, szBackupLogPath C.JET_PSTR, genLow, genHigh C.int32_t, pfn C.JET_PFNSTATUS) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	var p paths
	x := backup.ExternalRestore{CheckpointDir: p.a(szCheckpointFilePath), LogDir: p.a(szLogPath), SetDir: p.a(szBackupLogPath),
		GenLow: int32(genLow), GenHigh: int32(genHigh)}
	var err error
	x.Map, err = p.mapA(rgrstmap, crstfilemap)
	return externalRestore(x, err, p.err, pfn)
}

//export esent_JetExternalRestoreW
func esent_JetExternalRestoreW(szCheckpointFilePath, szLogPath C.JET_PWSTR, rgrstmap *C.JET_RSTMAP_W, crstfilemap C.int32_t, szBackupLogPath C.JET_PWSTR, genLow, genHigh C.int32_t, pfn C.JET_PFNSTATUS) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	var p paths
	x := backup.ExternalRestore{CheckpointDir: p.w(szCheckpointFilePath), LogDir: p.w(szLogPath), SetDir: p.w(szBackupLogPath),
		GenLow: int32(genLow), GenHigh: int32(genHigh)}
	var err error
	x.Map, err = p.mapW(rgrstmap, crstfilemap)
	return externalRestore(x, err, p.err, pfn)
}

//export esent_JetExternalRestore2A
func esent_JetExternalRestore2A(szCheckpointFilePath, szLogPath C.JET_PSTR, rgrstmap *C.JET_RSTMAP_A, crstfilemap C.int32_t, szBackupLogPath C.JET_PSTR, pLogInfo *C.JET_LOGINFO_A, szTargetInstanceName, szTargetInstanceLogPath, szTargetInstanceCheckpointPath C.JET_PSTR, pfn C.JET_PFNSTATUS) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	if pLogInfo == nil || pLogInfo.cbSize != C.sizeof_JET_LOGINFO_A {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	var p paths
	x := backup.ExternalRestore{CheckpointDir: p.a(szCheckpointFilePath), LogDir: p.a(szLogPath), SetDir: p.a(szBackupLogPath),
		GenLow: int32(pLogInfo.ulGenLow), GenHigh: int32(pLogInfo.ulGenHigh), TargetName: p.a(szTargetInstanceName),
		TargetLogDir: p.a(szTargetInstanceLogPath), TargetCheckpointDir: p.a(szTargetInstanceCheckpointPath)}
	for _, c := range pLogInfo.szBaseName[:len(pLogInfo.szBaseName)-1] {
		if c == 0 {
			break
		}
		x.Base += string(rune(byte(c)))
	}
	var err error
	x.Map, err = p.mapA(rgrstmap, crstfilemap)
	return externalRestore(x, err, p.err, pfn)
}

//export esent_JetExternalRestore2W
func esent_JetExternalRestore2W(szCheckpointFilePath, szLogPath C.JET_PWSTR, rgrstmap *C.JET_RSTMAP_W, crstfilemap C.int32_t, szBackupLogPath C.JET_PWSTR, pLogInfo *C.JET_LOGINFO_W, szTargetInstanceName, szTargetInstanceLogPath, szTargetInstanceCheckpointPath C.JET_PWSTR, pfn C.JET_PFNSTATUS) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	if pLogInfo == nil || pLogInfo.cbSize != C.sizeof_JET_LOGINFO_W {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	var p paths
	x := backup.ExternalRestore{CheckpointDir: p.w(szCheckpointFilePath), LogDir: p.w(szLogPath), SetDir: p.w(szBackupLogPath),
		GenLow: int32(pLogInfo.ulGenLow), GenHigh: int32(pLogInfo.ulGenHigh), TargetName: p.w(szTargetInstanceName),
		TargetLogDir: p.w(szTargetInstanceLogPath), TargetCheckpointDir: p.w(szTargetInstanceCheckpointPath)}
	for _, c := range pLogInfo.szBaseName[:len(pLogInfo.szBaseName)-1] {
		if c == 0 {
			break
		}
		x.Base += string(rune(c))
	}
	var err error
	x.Map, err = p.mapW(rgrstmap, crstfilemap)
	return externalRestore(x, err, p.err, pfn)
}
