package main

// #include "../include/esent.h"
import "C"

import (
	"unsafe"

	"esent/internal/engine"
	"esent/internal/jet"
)

//export esent_JetRetrieveColumn
func esent_JetRetrieveColumn(sesid C.JET_SESID, tableid C.JET_TABLEID, columnid C.JET_COLUMNID, pvData unsafe.Pointer, cbData C.uint32_t, pcbActual *C.uint32_t, grbit C.JET_GRBIT, pretinfo *C.JET_RETINFO) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	s, c, e := cursorArguments(sesid, tableid)
	if e != 0 {
		return e
	}
	buffer, ok := bytesAt(pvData, uint32(cbData))
	if !ok {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	r := engine.Retrieval{Column: jet.ColumnID(columnid), Grbit: jet.Grbit(grbit), Buf: buffer, Itag: 1}
	if pretinfo != nil {
		if pretinfo.cbStruct < C.sizeof_JET_RETINFO {
			return C.JET_ERR(jet.ErrInvalidParameter)
		}
		r.Offset, r.Itag = uint32(pretinfo.ibLongValue), uint32(pretinfo.itagSequence)
	}
	warning, err := c.RetrieveColumn(s, &r)
	if err != nil {
		return result(err)
	}
	if pcbActual != nil {
		*pcbActual = C.uint32_t(r.Actual)
	}
	if pretinfo != nil {
		pretinfo.columnidNextTagged = C.JET_COLUMNID(r.Next)
		if jet.Grbit(grbit)&jet.BitRetrieveTag != 0 {
			pretinfo.itagSequence = C.uint32_t(r.Itag)
		}
	}
	return C.JET_ERR(warning)
}

// Up to fewColumns columns one call gets by with memory on the stack. It has to be cleared at each call, so the most
// frequent case takes less of it.
const (
	fewColumns     = 16
	veryFewColumns = 3
)

//export esent_JetRetrieveColumns
func esent_JetRetrieveColumns(sesid C.JET_SESID, tableid C.JET_TABLEID, pretrievecolumn *C.JET_RETRIEVECOLUMN, cretrievecolumn C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	s, c, e := cursorArguments(sesid, tableid)
	if e != 0 {
		return e
	}
	columns, ok := sliceAt(pretrievecolumn, uint32(cretrievecolumn))
	if !ok {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	switch n := len(columns); {
	case n <= veryFewColumns:
		var list [veryFewColumns]engine.Retrieval
		return retrieveColumns(s, c, columns, list[:n])
	case n <= fewColumns:
		var list [fewColumns]engine.Retrieval
		return retrieveColumns(s, c, columns, list[:n])
	}
	return retrieveColumns(s, c, columns, make([]engine.Retrieval, len(columns)))
}

// retrieveColumns hands the elements to the engine by way of list, which is as long, and back.
func retrieveColumns(s *engine.Session, c *engine.Cursor, columns []C.JET_RETRIEVECOLUMN, list []engine.Retrieval) C.JET_ERR {
	for k := range columns {
		col := &columns[k]
		buffer, ok := bytesAt(col.pvData, uint32(col.cbData))
		if !ok {
			return C.JET_ERR(jet.ErrInvalidParameter)
		}
		list[k] = engine.Retrieval{Column: jet.ColumnID(col.columnid), Grbit: jet.Grbit(col.grbit), Buf: buffer,
			Offset: uint32(col.ibLongValue), Itag: uint32(col.itagSequence), Err: untouched}
	}
	warning, err := c.RetrieveColumns(s, list)
	for k := range columns {
		r := &list[k]
		if r.Err == untouched {
			break // the element that failed, and those behind it
		}
		col := &columns[k]
		col.err, col.cbActual = C.JET_ERR(r.Err), C.uint32_t(r.Actual)
		col.columnidNextTagged = C.JET_COLUMNID(r.Next)
		col.itagSequence = C.uint32_t(r.Itag)
	}
	return warned(warning, err)
}

// untouched marks elements that the engine has not come to; it is no code of the API.
const untouched = jet.Err(-1 << 31)

//export esent_JetPrepareUpdate
func esent_JetPrepareUpdate(sesid C.JET_SESID, tableid C.JET_TABLEID, prep C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	s, c, e := cursorArguments(sesid, tableid)
	if e != 0 {
		return e
	}
	return result(c.PrepareUpdate(s, uint32(prep)))
}

// setting checks where the data of a value lie. There may be none.
func setting(set *engine.Setting, pv unsafe.Pointer, cb C.uint32_t) bool {
	set.Size = int(cb)
	var ok bool
	set.Data, ok = bytesAt(pv, uint32(cb))
	return ok || pv == nil
}

//export esent_JetSetColumn
func esent_JetSetColumn(thread C.uint64_t, sesid C.JET_SESID, tableid C.JET_TABLEID, columnid C.JET_COLUMNID, pvData unsafe.Pointer, cbData C.uint32_t, grbit C.JET_GRBIT, psetinfo *C.JET_SETINFO) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	s, c, e := cursorArguments(sesid, tableid)
	if e != 0 {
		return e
	}
	set := engine.Setting{Column: jet.ColumnID(columnid), Grbit: jet.Grbit(grbit), Itag: 1}
	if psetinfo != nil {
		if psetinfo.cbStruct < C.sizeof_JET_SETINFO {
			return C.JET_ERR(jet.ErrInvalidParameter)
		}
		set.Offset, set.Itag = uint32(psetinfo.ibLongValue), uint32(psetinfo.itagSequence)
	}
	if !setting(&set, pvData, cbData) {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	return warned(c.SetColumn(s, engine.Thread(thread), &set))
}

//export esent_JetSetColumns
func esent_JetSetColumns(thread C.uint64_t, sesid C.JET_SESID, tableid C.JET_TABLEID, psetcolumn *C.JET_SETCOLUMN, csetcolumn C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	s, c, e := cursorArguments(sesid, tableid)
	if e != 0 {
		return e
	}
	columns, ok := sliceAt(psetcolumn, uint32(csetcolumn))
	if !ok {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	var few [fewColumns]engine.Setting
	list := few[:]
	if len(columns) > fewColumns {
		list = make([]engine.Setting, len(columns))
	}
	list = list[:len(columns)]
	for k := range columns {
		col := &columns[k]
		list[k] = engine.Setting{Column: jet.ColumnID(col.columnid), Grbit: jet.Grbit(col.grbit),
			Offset: uint32(col.ibLongValue), Itag: uint32(col.itagSequence), Err: untouched}
		if !setting(&list[k], col.pvData, col.cbData) {
			return C.JET_ERR(jet.ErrInvalidParameter)
		}
	}
	warning, err := c.SetColumns(s, engine.Thread(thread), list)
	for k := range columns {
		if list[k].Err == untouched {
			break
		}
		columns[k].err = C.JET_ERR(list[k].Err)
	}
	return warned(warning, err)
}

//export esent_JetUpdate
func esent_JetUpdate(thread C.uint64_t, sesid C.JET_SESID, tableid C.JET_TABLEID, pvBookmark unsafe.Pointer, cbBookmark C.uint32_t, pcbActual *C.uint32_t) (rc C.JET_ERR) {
	return esent_JetUpdate2(thread, sesid, tableid, pvBookmark, cbBookmark, pcbActual, 0)
}

//export esent_JetUpdate2
func esent_JetUpdate2(thread C.uint64_t, sesid C.JET_SESID, tableid C.JET_TABLEID, pvBookmark unsafe.Pointer, cbBookmark C.uint32_t, pcbActual *C.uint32_t, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	s, c, e := cursorArguments(sesid, tableid)
	if e != 0 {
		return e
	}
	// Without a buffer nobody asks for the bookmark.
	if pvBookmark == nil {
		cbBookmark = 0
	}
	mark, ok := bytesAt(pvBookmark, uint32(cbBookmark))
	if !ok {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	actual, err := c.Update(s, engine.Thread(thread), mark, jet.Grbit(grbit))
	put(pcbActual, C.uint32_t(actual))
	return result(err)
}

//export esent_JetDelete
func esent_JetDelete(thread C.uint64_t, sesid C.JET_SESID, tableid C.JET_TABLEID) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	s, c, e := cursorArguments(sesid, tableid)
	if e != 0 {
		return e
	}
	return result(c.Delete(s, engine.Thread(thread)))
}

//export esent_JetGetLock
func esent_JetGetLock(sesid C.JET_SESID, tableid C.JET_TABLEID, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	s, c, e := cursorArguments(sesid, tableid)
	if e != 0 {
		return e
	}
	return result(c.GetLock(s, jet.Grbit(grbit)))
}

//export esent_JetEscrowUpdate
func esent_JetEscrowUpdate(thread C.uint64_t, sesid C.JET_SESID, tableid C.JET_TABLEID, columnid C.JET_COLUMNID, pv unsafe.Pointer, cbMax C.uint32_t, pvOld unsafe.Pointer, cbOldMax C.uint32_t, pcbOldActual *C.uint32_t, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	s, c, e := cursorArguments(sesid, tableid)
	if e != 0 {
		return e
	}
	delta, ok := bytesAt(pv, uint32(cbMax))
	if !ok {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	var old []byte
	if pvOld != nil {
		if old, ok = bytesAt(pvOld, uint32(cbOldMax)); !ok {
			return C.JET_ERR(jet.ErrInvalidParameter)
		}
	}
	actual, err := c.EscrowUpdate(s, engine.Thread(thread), jet.ColumnID(columnid), delta, old, jet.Grbit(grbit))
	if err == nil {
		put(pcbOldActual, C.uint32_t(actual))
	}
	return result(err)
}
