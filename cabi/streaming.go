package main

// #include "../include/esent.h"
import "C"

import (
	"os"
	"unicode/utf16"
	"unsafe"

	"esent/internal/backup"
	"esent/internal/engine"
	"esent/internal/jet"
)

// streamed finds the instance of a streaming backup call and runs f on it.
func streamed(find func() (*engine.Instance, error), f func(e backup.Engine) error) C.JET_ERR {
	i, err := find()
	if err != nil {
		return result(err)
	}
	return result(f(backup.Of(i)))
}

func named(instance C.JET_INSTANCE) func() (*engine.Instance, error) {
	return func() (*engine.Instance, error) { return backupInstance(instance) }
}

//export esent_JetBeginExternalBackup
func esent_JetBeginExternalBackup(grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	return streamed(process.Single, func(e backup.Engine) error { return backups.BeginExternal(e, jet.Grbit(grbit)) })
}

//export esent_JetBeginExternalBackupInstance
func esent_JetBeginExternalBackupInstance(instance C.JET_INSTANCE, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(instance))
	return streamed(named(instance), func(e backup.Engine) error { return backups.BeginExternal(e, jet.Grbit(grbit)) })
}

// multiText is a list of texts as C has it: each ended by NUL, the list by another.
func multiTextA(texts []string) []byte {
	var b []byte
	for _, t := range texts {
		b = append(append(b, t...), 0)
	}
	return append(b, 0)
}

func multiTextW(texts []string) []byte {
	var b []byte
	for _, t := range texts {
		for _, u := range append(utf16.Encode([]rune(t)), 0) {
			b = append(b, byte(u), byte(u>>8))
		}
	}
	return append(b, 0, 0)
}

// listForm is how a call of the family returns a list of paths (spec chapter 06, 8.3 and 8.7).
type listForm struct {
	wide bool
	// log says that with a buffer the actual size is that of what was stored.
	log bool
}

func (f listForm) store(texts []string, buffer unsafe.Pointer, size C.uint32_t, actual *C.uint32_t) error {
	list := multiTextA(texts)
	if f.wide {
		list = multiTextW(texts)
	}
	put(actual, C.uint32_t(len(list)))
	if buffer == nil {
		return nil
	}
	b, ok := bytesAt(buffer, uint32(size))
	if !ok {
		return jet.ErrInvalidParameter
	}
	if !f.wide && size != 0 && len(b) < len(list) {
		return jet.ErrBufferTooSmall
	}
	if n := copy(b, list); f.log {
		put(actual, C.uint32_t(n))
	}
	return nil
}

func attachInfo(find func() (*engine.Instance, error), f listForm, buffer unsafe.Pointer, size C.uint32_t, actual *C.uint32_t) C.JET_ERR {
	return streamed(find, func(e backup.Engine) error {
		paths, err := backups.AttachInfo(e)
		if err != nil {
			return err
		}
		return f.store(paths, buffer, size, actual)
	})
}

//export esent_JetGetAttachInfoA
func esent_JetGetAttachInfoA(szzDatabases C.JET_PSTR, cbMax C.uint32_t, pcbActual *C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	return attachInfo(process.Single, listForm{}, unsafe.Pointer(szzDatabases), cbMax, pcbActual)
}

//export esent_JetGetAttachInfoW
func esent_JetGetAttachInfoW(szzDatabases C.JET_PWSTR, cbMax C.uint32_t, pcbActual *C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	return attachInfo(process.Single, listForm{wide: true}, unsafe.Pointer(szzDatabases), cbMax, pcbActual)
}

//export esent_JetGetAttachInfoInstanceA
func esent_JetGetAttachInfoInstanceA(instance C.JET_INSTANCE, szzDatabases C.JET_PSTR, cbMax C.uint32_t, pcbActual *C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(instance))
	return attachInfo(named(instance), listForm{}, unsafe.Pointer(szzDatabases), cbMax, pcbActual)
}

//export esent_JetGetAttachInfoInstanceW
func esent_JetGetAttachInfoInstanceW(instance C.JET_INSTANCE, szzDatabases C.JET_PWSTR, cbMax C.uint32_t, pcbActual *C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(instance))
	return attachInfo(named(instance), listForm{wide: true}, unsafe.Pointer(szzDatabases), cbMax, pcbActual)
}

func openBackupFile(find func() (*engine.Instance, error), path pathArgument, start C.uint64_t, h *C.JET_HANDLE, low, high *C.uint32_t) C.JET_ERR {
	if path.err != nil {
		return result(path.err)
	}
	if h == nil {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	return streamed(find, func(e backup.Engine) error {
		handle, size, err := backups.OpenFile(e, path.text, int64(start))
		if err != nil {
			return err
		}
		*h = C.JET_HANDLE(handle)
		put(low, C.uint32_t(uint32(size)))
		put(high, C.uint32_t(size>>32))
		return nil
	})
}

//export esent_JetOpenFileA
func esent_JetOpenFileA(szFileName C.JET_PCSTR, phfFile *C.JET_HANDLE, pulFileSizeLow, pulFileSizeHigh *C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	return openBackupFile(process.Single, pathFromA(szFileName), 0, phfFile, pulFileSizeLow, pulFileSizeHigh)
}

//export esent_JetOpenFileW
func esent_JetOpenFileW(szFileName C.JET_PCWSTR, phfFile *C.JET_HANDLE, pulFileSizeLow, pulFileSizeHigh *C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	return openBackupFile(process.Single, pathFromW(szFileName), 0, phfFile, pulFileSizeLow, pulFileSizeHigh)
}

//export esent_JetOpenFileInstanceA
func esent_JetOpenFileInstanceA(instance C.JET_INSTANCE, szFileName C.JET_PCSTR, phfFile *C.JET_HANDLE, pulFileSizeLow, pulFileSizeHigh *C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(instance))
	return openBackupFile(named(instance), pathFromA(szFileName), 0, phfFile, pulFileSizeLow, pulFileSizeHigh)
}

//export esent_JetOpenFileInstanceW
func esent_JetOpenFileInstanceW(instance C.JET_INSTANCE, szFileName C.JET_PCWSTR, phfFile *C.JET_HANDLE, pulFileSizeLow, pulFileSizeHigh *C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(instance))
	return openBackupFile(named(instance), pathFromW(szFileName), 0, phfFile, pulFileSizeLow, pulFileSizeHigh)
}

// osPage is the alignment that JetReadFile wants of its buffer.
var osPage = uintptr(os.Getpagesize())

func readBackupFile(find func() (*engine.Instance, error), h C.JET_HANDLE, pv unsafe.Pointer, cb C.uint32_t, actual *C.uint32_t) C.JET_ERR {
	if pv == nil || uintptr(pv)%osPage != 0 || h > 1<<31-1 {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	buffer, ok := bytesAt(pv, uint32(cb))
	if !ok {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	return streamed(find, func(e backup.Engine) error {
		n, err := backups.ReadFile(e, backup.Handle(h), buffer)
		if err == nil {
			put(actual, C.uint32_t(n))
		}
		return err
	})
}

//export esent_JetReadFile
func esent_JetReadFile(hfFile C.JET_HANDLE, pv unsafe.Pointer, cb C.uint32_t, pcbActual *C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	return readBackupFile(process.Single, hfFile, pv, cb, pcbActual)
}

//export esent_JetReadFileInstance
func esent_JetReadFileInstance(instance C.JET_INSTANCE, hfFile C.JET_HANDLE, pv unsafe.Pointer, cb C.uint32_t, pcbActual *C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(instance))
	return readBackupFile(named(instance), hfFile, pv, cb, pcbActual)
}

func closeBackupFile(find func() (*engine.Instance, error), h C.JET_HANDLE) C.JET_ERR {
	if h > 1<<31-1 {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	return streamed(find, func(e backup.Engine) error { return backups.CloseFile(e, backup.Handle(h)) })
}

//export esent_JetCloseFile
func esent_JetCloseFile(hfFile C.JET_HANDLE) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	return closeBackupFile(process.Single, hfFile)
}

//export esent_JetCloseFileInstance
func esent_JetCloseFileInstance(instance C.JET_INSTANCE, hfFile C.JET_HANDLE) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(instance))
	return closeBackupFile(named(instance), hfFile)
}

// logList serves the three calls that list logs; f is JetGetLogInfo's or JetGetTruncateLogInfo's side.
func logList(find func() (*engine.Instance, error), wide bool, buffer unsafe.Pointer, size C.uint32_t, actual *C.uint32_t, f func(e backup.Engine) ([]string, error)) C.JET_ERR {
	return streamed(find, func(e backup.Engine) error {
		paths, err := f(e)
		if err != nil {
			return err
		}
		return listForm{wide: wide, log: true}.store(paths, buffer, size, actual)
	})
}

func copiedLogs(e backup.Engine) ([]string, error) {
	info, err := backups.LogInfo(e)
	return info.Paths, err
}

//export esent_JetGetLogInfoA
func esent_JetGetLogInfoA(szzLogs C.JET_PSTR, cbMax C.uint32_t, pcbActual *C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	return logList(process.Single, false, unsafe.Pointer(szzLogs), cbMax, pcbActual, copiedLogs)
}

//export esent_JetGetLogInfoW
func esent_JetGetLogInfoW(szzLogs C.JET_PWSTR, cbMax C.uint32_t, pcbActual *C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	return logList(process.Single, true, unsafe.Pointer(szzLogs), cbMax, pcbActual, copiedLogs)
}

//export esent_JetGetLogInfoInstanceA
func esent_JetGetLogInfoInstanceA(instance C.JET_INSTANCE, szzLogs C.JET_PSTR, cbMax C.uint32_t, pcbActual *C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(instance))
	return logList(named(instance), false, unsafe.Pointer(szzLogs), cbMax, pcbActual, copiedLogs)
}

//export esent_JetGetLogInfoInstanceW
func esent_JetGetLogInfoInstanceW(instance C.JET_INSTANCE, szzLogs C.JET_PWSTR, cbMax C.uint32_t, pcbActual *C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(instance))
	return logList(named(instance), true, unsafe.Pointer(szzLogs), cbMax, pcbActual, copiedLogs)
}

//export esent_JetGetLogInfoInstance2A
func esent_JetGetLogInfoInstance2A(instance C.JET_INSTANCE, szzLogs C.JET_PSTR, cbMax C.uint32_t, pcbActual *C.uint32_t, pLogInfo *C.JET_LOGINFO_A) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(instance))
	if pLogInfo != nil && pLogInfo.cbSize != C.sizeof_JET_LOGINFO_A {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	return logList(named(instance), false, unsafe.Pointer(szzLogs), cbMax, pcbActual, func(e backup.Engine) ([]string, error) {
		info, err := backups.LogInfo(e)
		if err == nil && pLogInfo != nil {
			pLogInfo.ulGenLow, pLogInfo.ulGenHigh = C.uint32_t(info.GenLow), C.uint32_t(info.GenHigh)
			base, _ := bytesAt(unsafe.Pointer(&pLogInfo.szBaseName), 4)
			putTextA(base, info.Base)
		}
		return info.Paths, err
	})
}

//export esent_JetGetLogInfoInstance2W
func esent_JetGetLogInfoInstance2W(instance C.JET_INSTANCE, szzLogs C.JET_PWSTR, cbMax C.uint32_t, pcbActual *C.uint32_t, pLogInfo *C.JET_LOGINFO_W) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(instance))
	if pLogInfo != nil && pLogInfo.cbSize != C.sizeof_JET_LOGINFO_W {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	return logList(named(instance), true, unsafe.Pointer(szzLogs), cbMax, pcbActual, func(e backup.Engine) ([]string, error) {
		info, err := backups.LogInfo(e)
		if err == nil && pLogInfo != nil {
			pLogInfo.ulGenLow, pLogInfo.ulGenHigh = C.uint32_t(info.GenLow), C.uint32_t(info.GenHigh)
			base, _ := bytesAt(unsafe.Pointer(&pLogInfo.szBaseName), 8)
			putPathW(base, info.Base)
		}
		return info.Paths, err
	})
}

//export esent_JetGetTruncateLogInfoInstanceA
func esent_JetGetTruncateLogInfoInstanceA(instance C.JET_INSTANCE, szzLogs C.JET_PSTR, cbMax C.uint32_t, pcbActual *C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(instance))
	return logList(named(instance), false, unsafe.Pointer(szzLogs), cbMax, pcbActual, backups.TruncateLogInfo)
}

//export esent_JetGetTruncateLogInfoInstanceW
func esent_JetGetTruncateLogInfoInstanceW(instance C.JET_INSTANCE, szzLogs C.JET_PWSTR, cbMax C.uint32_t, pcbActual *C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(instance))
	return logList(named(instance), true, unsafe.Pointer(szzLogs), cbMax, pcbActual, backups.TruncateLogInfo)
}

//export esent_JetTruncateLog
func esent_JetTruncateLog() (rc C.JET_ERR) {
	defer guard(&rc, 0)
	return streamed(process.Single, backups.TruncateLog)
}

//export esent_JetTruncateLogInstance
func esent_JetTruncateLogInstance(instance C.JET_INSTANCE) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(instance))
	return streamed(named(instance), backups.TruncateLog)
}

//export esent_JetEndExternalBackup
func esent_JetEndExternalBackup() (rc C.JET_ERR) {
	defer guard(&rc, 0)
	return streamed(process.Single, func(e backup.Engine) error { return backups.EndExternal(e, jet.BitBackupEndNormal) })
}

//export esent_JetEndExternalBackupInstance
func esent_JetEndExternalBackupInstance(instance C.JET_INSTANCE) (rc C.JET_ERR) {
	return esent_JetEndExternalBackupInstance2(instance, C.JET_bitBackupEndNormal)
}

//export esent_JetEndExternalBackupInstance2
func esent_JetEndExternalBackupInstance2(instance C.JET_INSTANCE, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(instance))
	return streamed(named(instance), func(e backup.Engine) error { return backups.EndExternal(e, jet.Grbit(grbit)) })
}
