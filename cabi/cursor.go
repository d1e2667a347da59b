package main

// #include "../include/esent.h"
import "C"

import (
	"unsafe"

	"esent/internal/engine"
	"esent/internal/jet"
)

// cursorArguments gives the objects of a cursor call (spec chapter 01, 1.2 and 17).
func cursorArguments(sesid C.JET_SESID, tableid C.JET_TABLEID) (*engine.Session, *engine.Cursor, C.JET_ERR) {
	c := cursors.get(uintptr(tableid))
	if c == nil {
		// The original finds no session behind a cursor that JetCloseTable has closed.
		if cursors.wasReturned(uintptr(tableid)) {
			return nil, nil, C.JET_ERR(jet.ErrSesidTableIdMismatch)
		}
		return nil, nil, C.JET_ERR(jet.ErrInvalidTableId)
	}
	s := sessions.get(uintptr(sesid))
	if s == nil {
		return nil, nil, C.JET_ERR(jet.ErrInvalidSesid)
	}
	return s, c, 0
}

// nameArgument is an object's name given as A or W. A W name that no object can have is not found.
type nameArgument struct {
	text string
	ok   bool
}

func nameFromA(p C.JET_PCSTR) nameArgument { return nameArgument{nameA(unsafe.Pointer(p)), true} }

func nameFromW(p C.JET_PCWSTR) nameArgument {
	text, ok := nameW(units(p))
	return nameArgument{text, ok}
}

// cursorOut stores the handle of a cursor that open makes.
func cursorOut(out *C.JET_TABLEID, open func() (*engine.Cursor, jet.Err, error)) C.JET_ERR {
	if out == nil {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	*out = C.JET_TABLEID(nilHandle)
	c, warning, err := open()
	if err != nil {
		return result(err)
	}
	h, err := newCursorHandle(c)
	if err != nil {
		return result(err)
	}
	*out = C.JET_TABLEID(h)
	return C.JET_ERR(warning)
}

func openTable(thread C.uint64_t, sesid C.JET_SESID, dbid C.JET_DBID, name nameArgument, grbit C.JET_GRBIT, out *C.JET_TABLEID) C.JET_ERR {
	s := sessions.get(uintptr(sesid))
	if s == nil {
		return C.JET_ERR(jet.ErrInvalidSesid)
	}
	return cursorOut(out, func() (*engine.Cursor, jet.Err, error) {
		if !name.ok {
			return nil, 0, jet.ErrObjectNotFound
		}
		c, err := s.OpenTable(engine.Thread(thread), uint32(dbid), name.text, jet.Grbit(grbit))
		return c, 0, err
	})
}

//export esent_JetOpenTableA
func esent_JetOpenTableA(thread C.uint64_t, sesid C.JET_SESID, dbid C.JET_DBID, szTableName C.JET_PCSTR, pvParameters unsafe.Pointer, cbParameters C.uint32_t, grbit C.JET_GRBIT, ptableid *C.JET_TABLEID) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	return openTable(thread, sesid, dbid, nameFromA(szTableName), grbit, ptableid)
}

//export esent_JetOpenTableW
func esent_JetOpenTableW(thread C.uint64_t, sesid C.JET_SESID, dbid C.JET_DBID, szTableName C.JET_PCWSTR, pvParameters unsafe.Pointer, cbParameters C.uint32_t, grbit C.JET_GRBIT, ptableid *C.JET_TABLEID) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	return openTable(thread, sesid, dbid, nameFromW(szTableName), grbit, ptableid)
}

//export esent_JetCloseTable
func esent_JetCloseTable(thread C.uint64_t, sesid C.JET_SESID, tableid C.JET_TABLEID) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	s, c, e := cursorArguments(sesid, tableid)
	if e != 0 {
		return e
	}
	cursors.markReturned(uintptr(tableid))
	return result(c.Close(s, engine.Thread(thread)))
}

//export esent_JetDupCursor
func esent_JetDupCursor(sesid C.JET_SESID, tableid C.JET_TABLEID, ptableid *C.JET_TABLEID, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	s, c, e := cursorArguments(sesid, tableid)
	if e != 0 {
		return e
	}
	return cursorOut(ptableid, func() (*engine.Cursor, jet.Err, error) {
		d, err := c.Dup(s)
		return d, 0, err
	})
}

//export esent_JetMove
func esent_JetMove(sesid C.JET_SESID, tableid C.JET_TABLEID, cRow C.int32_t, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	s, c, e := cursorArguments(sesid, tableid)
	if e != 0 {
		return e
	}
	return result(c.Move(s, int32(cRow), jet.Grbit(grbit)))
}

//export esent_JetMakeKey
func esent_JetMakeKey(sesid C.JET_SESID, tableid C.JET_TABLEID, pvData unsafe.Pointer, cbData C.uint32_t, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	s, c, e := cursorArguments(sesid, tableid)
	if e != 0 {
		return e
	}
	// No data is a NULL segment whatever the size says (spec chapter 01, 9.1).
	if pvData == nil {
		cbData = 0
	}
	data, ok := bytesAt(pvData, uint32(cbData))
	if !ok {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	return result(c.MakeKey(s, data, jet.Grbit(grbit)))
}

//export esent_JetSeek
func esent_JetSeek(sesid C.JET_SESID, tableid C.JET_TABLEID, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	s, c, e := cursorArguments(sesid, tableid)
	if e != 0 {
		return e
	}
	return warned(c.Seek(s, jet.Grbit(grbit)))
}

//export esent_JetSetIndexRange
func esent_JetSetIndexRange(sesid C.JET_SESID, tableid C.JET_TABLEID, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	s, c, e := cursorArguments(sesid, tableid)
	if e != 0 {
		return e
	}
	return result(c.SetIndexRange(s, jet.Grbit(grbit)))
}

//export esent_JetRetrieveKey
func esent_JetRetrieveKey(sesid C.JET_SESID, tableid C.JET_TABLEID, pvKey unsafe.Pointer, cbMax C.uint32_t, pcbActual *C.uint32_t, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	s, c, e := cursorArguments(sesid, tableid)
	if e != 0 {
		return e
	}
	buffer, ok := bytesAt(pvKey, uint32(cbMax))
	if !ok {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	actual, warning, err := c.RetrieveKey(s, buffer, jet.Grbit(grbit))
	put(pcbActual, C.uint32_t(actual))
	return warned(warning, err)
}

func setCurrentIndex(sesid C.JET_SESID, tableid C.JET_TABLEID, name nameArgument, id *C.JET_INDEXID, grbit C.JET_GRBIT, itag C.uint32_t) C.JET_ERR {
	s, c, e := cursorArguments(sesid, tableid)
	if e != 0 {
		return e
	}
	if !name.ok {
		return C.JET_ERR(jet.ErrIndexNotFound)
	}
	if id == nil {
		return result(c.SetCurrentIndex(s, name.text, nil, jet.Grbit(grbit), uint32(itag)))
	}
	if id.cbStruct != C.sizeof_JET_INDEXID {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	return result(c.SetCurrentIndex(s, name.text, (*engine.IndexID)(unsafe.Pointer(&id.rgbIndexId)), jet.Grbit(grbit), uint32(itag)))
}

//export esent_JetSetCurrentIndexA
func esent_JetSetCurrentIndexA(sesid C.JET_SESID, tableid C.JET_TABLEID, szIndexName C.JET_PCSTR) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	return setCurrentIndex(sesid, tableid, nameFromA(szIndexName), nil, C.JET_bitMoveFirst, 1)
}

//export esent_JetSetCurrentIndexW
func esent_JetSetCurrentIndexW(sesid C.JET_SESID, tableid C.JET_TABLEID, szIndexName C.JET_PCWSTR) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	return setCurrentIndex(sesid, tableid, nameFromW(szIndexName), nil, C.JET_bitMoveFirst, 1)
}

//export esent_JetSetCurrentIndex2A
func esent_JetSetCurrentIndex2A(sesid C.JET_SESID, tableid C.JET_TABLEID, szIndexName C.JET_PCSTR, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	return setCurrentIndex(sesid, tableid, nameFromA(szIndexName), nil, grbit, 1)
}

//export esent_JetSetCurrentIndex2W
func esent_JetSetCurrentIndex2W(sesid C.JET_SESID, tableid C.JET_TABLEID, szIndexName C.JET_PCWSTR, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	return setCurrentIndex(sesid, tableid, nameFromW(szIndexName), nil, grbit, 1)
}

//export esent_JetSetCurrentIndex3A
func esent_JetSetCurrentIndex3A(sesid C.JET_SESID, tableid C.JET_TABLEID, szIndexName C.JET_PCSTR, grbit C.JET_GRBIT, itagSequence C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	return setCurrentIndex(sesid, tableid, nameFromA(szIndexName), nil, grbit, itagSequence)
}

//export esent_JetSetCurrentIndex3W
func esent_JetSetCurrentIndex3W(sesid C.JET_SESID, tableid C.JET_TABLEID, szIndexName C.JET_PCWSTR, grbit C.JET_GRBIT, itagSequence C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	return setCurrentIndex(sesid, tableid, nameFromW(szIndexName), nil, grbit, itagSequence)
}

//export esent_JetSetCurrentIndex4A
func esent_JetSetCurrentIndex4A(sesid C.JET_SESID, tableid C.JET_TABLEID, szIndexName C.JET_PCSTR, pindexid *C.JET_INDEXID, grbit C.JET_GRBIT, itagSequence C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	return setCurrentIndex(sesid, tableid, nameFromA(szIndexName), pindexid, grbit, itagSequence)
}

//export esent_JetSetCurrentIndex4W
func esent_JetSetCurrentIndex4W(sesid C.JET_SESID, tableid C.JET_TABLEID, szIndexName C.JET_PCWSTR, pindexid *C.JET_INDEXID, grbit C.JET_GRBIT, itagSequence C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	return setCurrentIndex(sesid, tableid, nameFromW(szIndexName), pindexid, grbit, itagSequence)
}

// currentIndex reads the name and stores what fits of it: this call cuts silently (spec chapter 01, 1.4).
func currentIndex(sesid C.JET_SESID, tableid C.JET_TABLEID, buffer unsafe.Pointer, size C.uint32_t, store func(b []byte, name string)) C.JET_ERR {
	s, c, e := cursorArguments(sesid, tableid)
	if e != 0 {
		return e
	}
	b, ok := bytesAt(buffer, uint32(size))
	if !ok {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	name, err := c.CurrentIndex(s)
	if err == nil {
		store(b, name)
	}
	return result(err)
}

//export esent_JetGetCurrentIndexA
func esent_JetGetCurrentIndexA(sesid C.JET_SESID, tableid C.JET_TABLEID, szIndexName C.JET_PSTR, cbIndexName C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	return currentIndex(sesid, tableid, unsafe.Pointer(szIndexName), cbIndexName, func(b []byte, name string) { putTextA(b, name) })
}

//export esent_JetGetCurrentIndexW
func esent_JetGetCurrentIndexW(sesid C.JET_SESID, tableid C.JET_TABLEID, szIndexName C.JET_PWSTR, cbIndexName C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	return currentIndex(sesid, tableid, unsafe.Pointer(szIndexName), cbIndexName, func(b []byte, name string) { putNameW(b, name) })
}

//export esent_JetGetBookmark
func esent_JetGetBookmark(sesid C.JET_SESID, tableid C.JET_TABLEID, pvBookmark unsafe.Pointer, cbMax C.uint32_t, pcbActual *C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	s, c, e := cursorArguments(sesid, tableid)
	if e != 0 {
		return e
	}
	buffer, ok := bytesAt(pvBookmark, uint32(cbMax))
	if !ok {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	actual, err := c.Bookmark(s, buffer)
	put(pcbActual, C.uint32_t(actual))
	return result(err)
}

//export esent_JetGotoBookmark
func esent_JetGotoBookmark(sesid C.JET_SESID, tableid C.JET_TABLEID, pvBookmark unsafe.Pointer, cbBookmark C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	s, c, e := cursorArguments(sesid, tableid)
	if e != 0 {
		return e
	}
	mark, ok := bytesAt(pvBookmark, uint32(cbBookmark))
	if !ok {
		return C.JET_ERR(jet.ErrInvalidBookmark)
	}
	return result(c.GotoBookmark(s, mark))
}

//export esent_JetGetSecondaryIndexBookmark
func esent_JetGetSecondaryIndexBookmark(sesid C.JET_SESID, tableid C.JET_TABLEID, pvSecondaryKey unsafe.Pointer, cbSecondaryKeyMax C.uint32_t, pcbSecondaryKeyActual *C.uint32_t, pvPrimaryBookmark unsafe.Pointer, cbPrimaryBookmarkMax C.uint32_t, pcbPrimaryBookmarkActual *C.uint32_t, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	s, c, e := cursorArguments(sesid, tableid)
	if e != 0 {
		return e
	}
	key, ok1 := bytesAt(pvSecondaryKey, uint32(cbSecondaryKeyMax))
	mark, ok2 := bytesAt(pvPrimaryBookmark, uint32(cbPrimaryBookmarkMax))
	if !ok1 || !ok2 {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	keyActual, markActual, err := c.SecondaryBookmark(s, key, mark)
	put(pcbSecondaryKeyActual, C.uint32_t(keyActual))
	put(pcbPrimaryBookmarkActual, C.uint32_t(markActual))
	return result(err)
}

//export esent_JetGotoSecondaryIndexBookmark
func esent_JetGotoSecondaryIndexBookmark(sesid C.JET_SESID, tableid C.JET_TABLEID, pvSecondaryKey unsafe.Pointer, cbSecondaryKey C.uint32_t, pvPrimaryBookmark unsafe.Pointer, cbPrimaryBookmark C.uint32_t, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	s, c, e := cursorArguments(sesid, tableid)
	if e != 0 {
		return e
	}
	key, ok1 := bytesAt(pvSecondaryKey, uint32(cbSecondaryKey))
	mark, ok2 := bytesAt(pvPrimaryBookmark, uint32(cbPrimaryBookmark))
	if !ok1 || !ok2 {
		return C.JET_ERR(jet.ErrInvalidBookmark)
	}
	return result(c.GotoSecondaryBookmark(s, key, mark, jet.Grbit(grbit)))
}

//export esent_JetGetRecordPosition
func esent_JetGetRecordPosition(sesid C.JET_SESID, tableid C.JET_TABLEID, precpos *C.JET_RECPOS, cbRecpos C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	s, c, e := cursorArguments(sesid, tableid)
	if e != 0 {
		return e
	}
	if precpos == nil || cbRecpos < C.sizeof_JET_RECPOS {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	less, total, err := c.RecordPosition(s)
	if err != nil {
		return result(err)
	}
	small := func(n uint64) C.uint32_t { return C.uint32_t(min(n, 1<<32-1)) }
	*precpos = C.JET_RECPOS{cbStruct: C.sizeof_JET_RECPOS, centriesLT: small(less), centriesInRange: 1, centriesTotal: small(total)}
	if cbRecpos >= C.sizeof_JET_RECPOS2 {
		p := (*C.JET_RECPOS2)(unsafe.Pointer(precpos))
		p.cbStruct, p.centriesLT, p.centriesTotal = C.sizeof_JET_RECPOS2, C.uint64_t(less), C.uint64_t(total)
	}
	return 0
}

//export esent_JetGotoPosition
func esent_JetGotoPosition(sesid C.JET_SESID, tableid C.JET_TABLEID, precpos *C.JET_RECPOS) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	s, c, e := cursorArguments(sesid, tableid)
	if e != 0 {
		return e
	}
	if precpos == nil {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	switch precpos.cbStruct {
	case C.sizeof_JET_RECPOS:
	case C.sizeof_JET_RECPOS2:
		p := (*C.JET_RECPOS2)(unsafe.Pointer(precpos))
		return result(c.GotoPosition(s, uint64(p.centriesLT), uint64(p.centriesTotal)))
	default:
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	return result(c.GotoPosition(s, uint64(precpos.centriesLT), uint64(precpos.centriesTotal)))
}

//export esent_JetIndexRecordCount
func esent_JetIndexRecordCount(sesid C.JET_SESID, tableid C.JET_TABLEID, pcrec *C.uint32_t, crecMax C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	var n C.uint64_t
	if pcrec == nil {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	if rc = esent_JetIndexRecordCount2(sesid, tableid, &n, C.uint64_t(crecMax)); rc == 0 {
		if n > 1<<32-1 {
			return C.JET_ERR(jet.ErrTooManyRecords)
		}
		*pcrec = C.uint32_t(n)
	}
	return rc
}

//export esent_JetIndexRecordCount2
func esent_JetIndexRecordCount2(sesid C.JET_SESID, tableid C.JET_TABLEID, pcrec *C.uint64_t, crecMax C.uint64_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	s, c, e := cursorArguments(sesid, tableid)
	if e != 0 {
		return e
	}
	if pcrec == nil {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	n, err := c.IndexRecordCount(s, uint64(crecMax))
	if err == nil {
		*pcrec = C.uint64_t(n)
	}
	return result(err)
}

//export esent_JetGetCursorInfo
func esent_JetGetCursorInfo(sesid C.JET_SESID, tableid C.JET_TABLEID, pvResult unsafe.Pointer, cbMax, infoLevel C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	s, c, e := cursorArguments(sesid, tableid)
	if e != 0 {
		return e
	}
	if infoLevel != 0 || cbMax != 0 {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	return result(c.Info(s))
}

//export esent_JetSetTableSequential
func esent_JetSetTableSequential(sesid C.JET_SESID, tableid C.JET_TABLEID, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	return hint(sesid, tableid)
}

//export esent_JetResetTableSequential
func esent_JetResetTableSequential(sesid C.JET_SESID, tableid C.JET_TABLEID, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	return hint(sesid, tableid)
}

// hint is a call that tells how a cursor will be used, and always succeeds with a cursor of the session.
func hint(sesid C.JET_SESID, tableid C.JET_TABLEID) C.JET_ERR {
	s, c, e := cursorArguments(sesid, tableid)
	if e == 0 && c.Session() != s {
		return C.JET_ERR(jet.ErrSesidTableIdMismatch)
	}
	return e
}
