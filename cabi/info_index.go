package main

// #include "../include/esent.h"
import "C"

import (
	"unsafe"

	"esent/internal/engine"
	"esent/internal/jet"
)

// indexSource asks for indexes of an open table or of a named one.
type indexSource struct {
	list  func(name string, wide bool) (*engine.IndexList, error)
	count func() (uint32, error)
	info  func(name string) (*engine.IndexInfo, error)
	space func(name string) (engine.SpaceInfo, error)
}

// indexInfo answers JetGetIndexInfo and JetGetTableIndexInfo.
func (cs charset) indexInfo(src indexSource, name nameArgument, p unsafe.Pointer, size, level C.uint32_t) error {
	need, err := engine.IndexInfoSize(uint32(level))
	if err != nil {
		return err
	}
	buffer, err := infoBuffer(p, size, need)
	if err != nil {
		return err
	}
	if !name.ok {
		return jet.ErrIndexNotFound
	}
	number := (*C.uint32_t)(p)
	switch level {
	case C.JET_IdxInfo, C.JET_IdxInfoList:
		return cs.indexList(src, name.text, buffer)
	case C.JET_IdxInfoCount:
		n, err := src.count()
		if err == nil {
			*number = C.uint32_t(n)
		}
		return err
	case C.JET_IdxInfoSpaceOwned, C.JET_IdxInfoSpaceAvailable:
		space, err := src.space(name.text)
		if err != nil {
			return err
		}
		if *number = C.uint32_t(space.Owned); level == C.JET_IdxInfoSpaceAvailable {
			*number = C.uint32_t(space.Available)
		}
		return nil
	}
	info, err := src.info(name.text)
	if err != nil {
		return err
	}
	switch level {
	case C.JET_IdxInfoSpaceAlloc:
		*number = C.uint32_t(info.Density)
	case C.JET_IdxInfoLCID:
		if size >= 4 {
			*number = C.uint32_t(info.LCID)
		} else {
			*(*C.uint16_t)(p) = C.uint16_t(info.LCID)
		}
	case C.JET_IdxInfoVarSegMac:
		*(*C.uint16_t)(p) = C.uint16_t(info.VarSegMac)
	case C.JET_IdxInfoKeyMost:
		*(*C.uint16_t)(p) = C.uint16_t(info.KeyMost)
	case C.JET_IdxInfoIndexId:
		id := (*C.JET_INDEXID)(p)
		id.cbStruct = C.sizeof_JET_INDEXID
		*(*engine.IndexID)(unsafe.Pointer(&id.rgbIndexId)) = info.ID
	case C.JET_IdxInfoLocaleName:
		putPathW(buffer, info.Locale)
	case C.JET_IdxInfoSortVersion:
		*number = C.uint32_t(info.SortVersion)
	case C.JET_IdxInfoDefinedSortVersion:
		*number = C.uint32_t(info.DefinedVersion)
	case C.JET_IdxInfoSortId:
		copy(buffer, info.SortID[:])
	case C.JET_IdxInfoCreateIndex:
		return cs.putIndexCreate(indexCreate1, info, buffer)
	case C.JET_IdxInfoCreateIndex2:
		return cs.putIndexCreate(indexCreate2, info, buffer)
	case C.JET_IdxInfoCreateIndex3:
		return cs.putIndexCreate(indexCreate3, info, buffer)
	}
	return nil
}

// indexListOld is the size of JET_INDEXLIST as old callers know it: without its last member, as the original counts.
const indexListOld = C.sizeof_JET_INDEXLIST - 4

// indexList stores JET_INDEXLIST, or what of it old callers know.
func (cs charset) indexList(src indexSource, name string, buffer []byte) error {
	l, err := src.list(name, cs == textW)
	if err != nil {
		return err
	}
	h, err := listHandle(l.Cursor)
	if err != nil {
		return err
	}
	id := func(id jet.ColumnID) C.JET_COLUMNID { return C.JET_COLUMNID(id) }
	size := C.sizeof_JET_INDEXLIST
	if len(buffer) < size {
		size = indexListOld
	}
	out := C.JET_INDEXLIST{cbStruct: C.uint32_t(size), tableid: h, cRecord: C.uint32_t(l.Records),
		columnidindexname: id(l.IndexName), columnidgrbitIndex: id(l.GrbitIndex), columnidcKey: id(l.Keys), columnidcEntry: id(l.Entries),
		columnidcPage: id(l.Pages), columnidcColumn: id(l.ColumnCount), columnidiColumn: id(l.ColumnNumber),
		columnidcolumnid: id(l.ColumnID), columnidcoltyp: id(l.Type), columnidCountry: id(l.Country), columnidLangid: id(l.LangID),
		columnidCp: id(l.CodePage), columnidCollate: id(l.Collate), columnidgrbitColumn: id(l.GrbitColumn),
		columnidcolumnname: id(l.ColumnName), columnidLCMapFlags: id(l.MapFlags)}
	copy(buffer, arrayBytes(&out)[:size])
	return nil
}

// infoSpace gives out parts of the caller's buffer, for a structure and what it points to.
type infoSpace struct {
	buffer []byte
	at     int
}

// take gives n bytes, aligned for any structure.
func (s *infoSpace) take(n int) ([]byte, error) {
	at := (s.at + 7) &^ 7
	if at+n > len(s.buffer) {
		return nil, jet.ErrBufferTooSmall
	}
	s.at = at + n
	return s.buffer[at:s.at:s.at], nil
}

// text gives single-byte text, with all its NULs, in the caller's characters.
func (s *infoSpace) text(cs charset, text []byte) (unsafe.Pointer, int, error) {
	n := len(text)
	if cs == textW {
		n *= 2
	}
	b, err := s.take(n)
	if err != nil {
		return nil, 0, err
	}
	if cs == textA {
		copy(b, text)
	} else {
		for i, c := range text {
			u := fromCP1252(c)
			b[2*i], b[2*i+1] = byte(u), byte(u>>8)
		}
	}
	return unsafe.Pointer(unsafe.SliceData(b)), n, nil
}

// name gives an object's name.
func (s *infoSpace) name(cs charset, name string) (unsafe.Pointer, error) {
	p, _, err := s.text(cs, append([]byte(name), 0))
	return p, err
}

// take gives room for n structures.
func takeArray[T any](s *infoSpace, n int) ([]T, error) {
	var t T
	b, err := s.take(n * int(unsafe.Sizeof(t)))
	if err != nil {
		return nil, err
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), n), nil
}

// putIndexCreate stores a JET_INDEXCREATE with what it points to, all in the buffer.
func (cs charset) putIndexCreate(form indexForm, info *engine.IndexInfo, buffer []byte) error {
	clear(buffer)
	s := &infoSpace{buffer: buffer}
	size, _ := form.size()
	b, err := s.take(int(size))
	if err != nil {
		return err
	}
	out := (*C.JET_INDEXCREATE3_A)(unsafe.Pointer(unsafe.SliceData(b)))
	out.cbStruct, out.grbit, out.ulDensity = C.uint32_t(size), C.JET_GRBIT(info.CreateGrbit), C.uint32_t(info.Density)
	out.cbKeyMost = C.uint32_t(max(info.KeyMost, C.JET_cbKeyMostMin))
	if form != indexCreate1 {
		if out.pSpacehints, err = s.hints(&info.Hints); err != nil {
			return err
		}
	}
	name, err := s.name(cs, info.Name)
	if err != nil {
		return err
	}
	key, n, err := s.text(cs, info.KeyText())
	if err != nil {
		return err
	}
	out.szIndexName, out.szKey, out.cbKey = (*C.char)(name), (*C.char)(key), C.uint32_t(n)
	if out.pidxunicode, err = s.locale(form, info); err != nil {
		return err
	}
	if info.Tuple == nil {
		*(*uint32)(unsafe.Pointer(&out.anon0)) = info.VarSegMac
	} else {
		t, err := takeArray[C.JET_TUPLELIMITS](s, 1)
		if err != nil {
			return err
		}
		t[0] = C.JET_TUPLELIMITS{chLengthMin: C.uint32_t(info.Tuple.LengthMin), chLengthMax: C.uint32_t(info.Tuple.LengthMax),
			chToIndexMax: C.uint32_t(info.Tuple.ToIndexMax), cchIncrement: C.uint32_t(info.Tuple.Increment), ichStart: C.uint32_t(info.Tuple.Start)}
		*(**C.JET_TUPLELIMITS)(unsafe.Pointer(&out.anon0)) = &t[0]
	}
	return s.conditions(cs, out, info.Conditions)
}

func (s *infoSpace) hints(h *engine.SpaceHints) (*C.JET_SPACEHINTS, error) {
	out, err := takeArray[C.JET_SPACEHINTS](s, 1)
	if err != nil {
		return nil, err
	}
	out[0] = C.JET_SPACEHINTS{cbStruct: C.sizeof_JET_SPACEHINTS, ulInitialDensity: C.uint32_t(h.InitialDensity), cbInitial: C.uint32_t(h.Initial),
		grbit: C.JET_GRBIT(h.Grbit), ulMaintDensity: C.uint32_t(h.MaintDensity), ulGrowth: C.uint32_t(h.Growth),
		cbMinExtent: C.uint32_t(h.MinExtent), cbMaxExtent: C.uint32_t(h.MaxExtent)}
	return &out[0], nil
}

// locale gives the order of Unicode text, in the structure that the version has for it.
func (s *infoSpace) locale(form indexForm, info *engine.IndexInfo) (*C.JET_UNICODEINDEX2, error) {
	if form != indexCreate3 {
		u, err := takeArray[C.JET_UNICODEINDEX](s, 1)
		if err != nil {
			return nil, err
		}
		u[0] = C.JET_UNICODEINDEX{lcid: C.uint32_t(info.LCID), dwMapFlags: C.uint32_t(info.MapFlags)}
		return (*C.JET_UNICODEINDEX2)(unsafe.Pointer(&u[0])), nil
	}
	u, err := takeArray[C.JET_UNICODEINDEX2](s, 1)
	if err != nil {
		return nil, err
	}
	need, _ := putPathW(nil, info.Locale)
	name, err := s.take(int(need))
	if err != nil {
		return nil, err
	}
	putPathW(name, info.Locale)
	u[0].szLocaleName, u[0].dwMapFlags = (*C.WCHAR)(unsafe.Pointer(unsafe.SliceData(name))), C.uint32_t(info.MapFlags)
	return &u[0], nil
}

func (s *infoSpace) conditions(cs charset, out *C.JET_INDEXCREATE3_A, list []engine.IndexCondition) error {
	if len(list) == 0 {
		return nil
	}
	array, err := takeArray[C.JET_CONDITIONALCOLUMN_A](s, len(list))
	if err != nil {
		return err
	}
	for i := range list {
		name, err := s.name(cs, list[i].Column)
		if err != nil {
			return err
		}
		array[i].cbStruct, array[i].szColumnName = C.sizeof_JET_CONDITIONALCOLUMN_A, (*C.char)(name)
		array[i].grbit = C.JET_GRBIT(list[i].Grbit)
	}
	out.rgconditionalcolumn, out.cConditionalColumn = &array[0], C.uint32_t(len(array))
	return nil
}

func tableIndexInfo(sesid C.JET_SESID, tableid C.JET_TABLEID, cs charset, name nameArgument, p unsafe.Pointer, size, level C.uint32_t) C.JET_ERR {
	return onCursor(sesid, tableid, func(s *engine.Session, c *engine.Cursor) error {
		return cs.indexInfo(indexSource{
			list:  func(name string, wide bool) (*engine.IndexList, error) { return c.IndexList(s, name, wide) },
			count: func() (uint32, error) { return c.IndexCount(s) },
			info:  func(name string) (*engine.IndexInfo, error) { return c.IndexInfo(s, name) },
			space: func(name string) (engine.SpaceInfo, error) { return c.IndexSpace(s, name) },
		}, name, p, size, level)
	})
}

//export esent_JetGetTableIndexInfoA
func esent_JetGetTableIndexInfoA(sesid C.JET_SESID, tableid C.JET_TABLEID, szIndexName C.JET_PCSTR, pvResult unsafe.Pointer, cbResult, infoLevel C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	return tableIndexInfo(sesid, tableid, textA, nameFromA(szIndexName), pvResult, cbResult, infoLevel)
}

//export esent_JetGetTableIndexInfoW
func esent_JetGetTableIndexInfoW(sesid C.JET_SESID, tableid C.JET_TABLEID, szIndexName C.JET_PCWSTR, pvResult unsafe.Pointer, cbResult, infoLevel C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	return tableIndexInfo(sesid, tableid, textW, nameFromW(szIndexName), pvResult, cbResult, infoLevel)
}

func namedIndexInfo(thread C.uint64_t, sesid C.JET_SESID, dbid C.JET_DBID, cs charset, table, name nameArgument, p unsafe.Pointer, size, level C.uint32_t) C.JET_ERR {
	return onSession(sesid, func(s *engine.Session) error {
		if !table.ok {
			return jet.ErrObjectNotFound
		}
		t, db := engine.Thread(thread), uint32(dbid)
		return cs.indexInfo(indexSource{
			list: func(name string, wide bool) (*engine.IndexList, error) {
				return s.IndexList(t, db, table.text, name, wide)
			},
			count: func() (uint32, error) { return s.IndexCount(t, db, table.text) },
			info:  func(name string) (*engine.IndexInfo, error) { return s.IndexInfo(t, db, table.text, name) },
			space: func(name string) (engine.SpaceInfo, error) { return s.IndexSpace(t, db, table.text, name) },
		}, name, p, size, level)
	})
}

//export esent_JetGetIndexInfoA
func esent_JetGetIndexInfoA(thread C.uint64_t, sesid C.JET_SESID, dbid C.JET_DBID, szTableName, szIndexName C.JET_PCSTR, pvResult unsafe.Pointer, cbResult, infoLevel C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	return namedIndexInfo(thread, sesid, dbid, textA, nameFromA(szTableName), nameFromA(szIndexName), pvResult, cbResult, infoLevel)
}

//export esent_JetGetIndexInfoW
func esent_JetGetIndexInfoW(thread C.uint64_t, sesid C.JET_SESID, dbid C.JET_DBID, szTableName, szIndexName C.JET_PCWSTR, pvResult unsafe.Pointer, cbResult, infoLevel C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	return namedIndexInfo(thread, sesid, dbid, textW, nameFromW(szTableName), nameFromW(szIndexName), pvResult, cbResult, infoLevel)
}
