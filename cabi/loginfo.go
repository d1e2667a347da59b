package main

// #include "../include/esent.h"
import "C"

import (
	"unsafe"

	"esent/internal/jet"
)

//export esent_JetGetLogFileInfoA
func esent_JetGetLogFileInfoA(szLog C.JET_PCSTR, pvResult unsafe.Pointer, cbMax, InfoLevel C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	return fileInfo(pathFromA(szLog), pvResult, cbMax, InfoLevel, process.LogFileInfo)
}

//export esent_JetGetLogFileInfoW
func esent_JetGetLogFileInfoW(szLog C.JET_PCWSTR, pvResult unsafe.Pointer, cbMax, InfoLevel C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	return fileInfo(pathFromW(szLog), pvResult, cbMax, InfoLevel, process.LogFileInfo)
}

func removeLog(database, log pathArgument, grbit C.JET_GRBIT) C.JET_ERR {
	for _, p := range []pathArgument{database, log} {
		if p.err != nil {
			return result(p.err)
		}
	}
	return result(process.RemoveLog(database.text, log.text, jet.Grbit(grbit)))
}

//export esent_JetRemoveLogfileA
func esent_JetRemoveLogfileA(szDatabase, szLogfile C.JET_PCSTR, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	return removeLog(pathFromA(szDatabase), pathFromA(szLogfile), grbit)
}

//export esent_JetRemoveLogfileW
func esent_JetRemoveLogfileW(szDatabase, szLogfile C.JET_PCWSTR, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	return removeLog(pathFromW(szDatabase), pathFromW(szLogfile), grbit)
}
