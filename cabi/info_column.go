package main

// #include "../include/esent.h"
import "C"

import (
	"unsafe"

	"esent/internal/engine"
	"esent/internal/jet"
)

// infoBuffer is the caller's buffer for the result of an info call, of at least need bytes.
func infoBuffer(p unsafe.Pointer, size C.uint32_t, need int) ([]byte, error) {
	b, ok := bytesAt(p, uint32(size))
	switch {
	case !ok || p == nil:
		return nil, jet.ErrInvalidParameter
	case len(b) < need:
		return nil, jet.ErrBufferTooSmall
	}
	return b, nil
}

// listHandle gives the cursor of a list that an info call made a handle.
func listHandle(c *engine.Cursor) (C.JET_TABLEID, error) {
	h, err := newCursorHandle(c)
	return C.JET_TABLEID(h), err
}

// columnSource asks for columns of an open table or of a named one.
type columnSource struct {
	info func(name string, id *jet.ColumnID) (engine.ColumnInfo, error)
	list func(level uint32, wide bool) (*engine.ColumnList, error)
}

const columnInfoFlags = C.JET_ColInfoGrbitNonDerivedColumnsOnly | C.JET_ColInfoGrbitMinimalInfo | C.JET_ColInfoGrbitSortByColumnid |
	C.JET_ColInfoGrbitCompacting

// columnInfo answers JetGetColumnInfo and JetGetTableColumnInfo. column is the name, or points to the id.
func (cs charset) columnInfo(src columnSource, column, p unsafe.Pointer, size, level C.uint32_t) error {
	need, err := engine.ColumnInfoSize(uint32(level))
	if err != nil {
		return err
	}
	kind := level &^ columnInfoFlags
	base := kind == C.JET_ColInfoBase || kind == C.JET_ColInfoBaseByColid
	if base && cs == textW {
		need = C.sizeof_JET_COLUMNBASE_W
	}
	if _, err := infoBuffer(p, size, need); err != nil {
		return err
	}
	switch kind {
	case C.JET_ColInfoList, C.JET_ColInfoListCompact, C.JET_ColInfoListSortColumnid:
		return cs.columnList(src, (*C.JET_COLUMNLIST)(p), level)
	}
	var info engine.ColumnInfo
	if kind == C.JET_ColInfoByColid || kind == C.JET_ColInfoBaseByColid {
		if column == nil {
			return jet.ErrColumnNotFound
		}
		id := jet.ColumnID(*(*C.JET_COLUMNID)(column))
		info, err = src.info("", &id)
	} else {
		name := cs.name(column)
		if !name.ok {
			return jet.ErrColumnNotFound
		}
		info, err = src.info(name.text, nil)
	}
	if err != nil {
		return err
	}
	// Both structures begin alike.
	*(*C.JET_COLUMNDEF)(p) = C.JET_COLUMNDEF{cbStruct: C.uint32_t(need), columnid: C.JET_COLUMNID(info.ID), coltyp: C.JET_COLTYP(info.Type),
		wCountry: engine.InfoCountry, langid: engine.InfoLangID, cp: C.uint16_t(info.CodePage), cbMax: C.uint32_t(info.Max),
		grbit: C.JET_GRBIT(info.Grbit)}
	if !base {
		return nil
	}
	if cs == textW {
		w := (*C.JET_COLUMNBASE_W)(p)
		putNameW(arrayBytes(&w.szBaseTableName), info.Table)
		putNameW(arrayBytes(&w.szBaseColumnName), info.Name)
		return nil
	}
	a := (*C.JET_COLUMNBASE_A)(p)
	putTextA(arrayBytes(&a.szBaseTableName), info.Table)
	putTextA(arrayBytes(&a.szBaseColumnName), info.Name)
	return nil
}

// arrayBytes is an array within a structure of the caller's as bytes.
func arrayBytes[T any](array *T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(array)), unsafe.Sizeof(*array))
}

func (cs charset) columnList(src columnSource, out *C.JET_COLUMNLIST, level C.uint32_t) error {
	l, err := src.list(uint32(level), cs == textW)
	if err != nil {
		return err
	}
	h, err := listHandle(l.Cursor)
	if err != nil {
		return err
	}
	id := func(id jet.ColumnID) C.JET_COLUMNID { return C.JET_COLUMNID(id) }
	*out = C.JET_COLUMNLIST{cbStruct: C.sizeof_JET_COLUMNLIST, tableid: h, cRecord: C.uint32_t(l.Records),
		columnidPresentationOrder: id(l.PresentationOrder), columnidcolumnname: id(l.ColumnName), columnidcolumnid: id(l.ColumnID),
		columnidcoltyp: id(l.Type), columnidCountry: id(l.Country), columnidLangid: id(l.LangID), columnidCp: id(l.CodePage),
		columnidCollate: id(l.Collate), columnidcbMax: id(l.Max), columnidgrbit: id(l.Grbit), columnidDefault: id(l.Default),
		columnidBaseTableName: id(l.BaseTable), columnidBaseColumnName: id(l.BaseColumn), columnidDefinitionName: id(l.Definition)}
	return nil
}

func tableColumnInfo(sesid C.JET_SESID, tableid C.JET_TABLEID, cs charset, column, p unsafe.Pointer, size, level C.uint32_t) C.JET_ERR {
	return onCursor(sesid, tableid, func(s *engine.Session, c *engine.Cursor) error {
		return cs.columnInfo(columnSource{
			info: func(name string, id *jet.ColumnID) (engine.ColumnInfo, error) { return c.ColumnInfo(s, name, id) },
			list: func(level uint32, wide bool) (*engine.ColumnList, error) { return c.ColumnList(s, level, wide) },
		}, column, p, size, level)
	})
}

//export esent_JetGetTableColumnInfoA
func esent_JetGetTableColumnInfoA(sesid C.JET_SESID, tableid C.JET_TABLEID, szColumnName C.JET_PCSTR, pvResult unsafe.Pointer, cbMax, infoLevel C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	return tableColumnInfo(sesid, tableid, textA, unsafe.Pointer(szColumnName), pvResult, cbMax, infoLevel)
}

//export esent_JetGetTableColumnInfoW
func esent_JetGetTableColumnInfoW(sesid C.JET_SESID, tableid C.JET_TABLEID, szColumnName C.JET_PCWSTR, pvResult unsafe.Pointer, cbMax, infoLevel C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	return tableColumnInfo(sesid, tableid, textW, unsafe.Pointer(szColumnName), pvResult, cbMax, infoLevel)
}

func namedColumnInfo(thread C.uint64_t, sesid C.JET_SESID, dbid C.JET_DBID, cs charset, table nameArgument, column, p unsafe.Pointer, size, level C.uint32_t) C.JET_ERR {
	return onSession(sesid, func(s *engine.Session) error {
		if !table.ok {
			return jet.ErrObjectNotFound
		}
		t, db := engine.Thread(thread), uint32(dbid)
		return cs.columnInfo(columnSource{
			info: func(name string, id *jet.ColumnID) (engine.ColumnInfo, error) {
				return s.ColumnInfo(t, db, table.text, name, id)
			},
			list: func(level uint32, wide bool) (*engine.ColumnList, error) {
				return s.ColumnList(t, db, table.text, level, wide)
			},
		}, column, p, size, level)
	})
}

//export esent_JetGetColumnInfoA
func esent_JetGetColumnInfoA(thread C.uint64_t, sesid C.JET_SESID, dbid C.JET_DBID, szTableName, pColumnNameOrId C.JET_PCSTR, pvResult unsafe.Pointer, cbMax, infoLevel C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	return namedColumnInfo(thread, sesid, dbid, textA, nameFromA(szTableName), unsafe.Pointer(pColumnNameOrId), pvResult, cbMax, infoLevel)
}

//export esent_JetGetColumnInfoW
func esent_JetGetColumnInfoW(thread C.uint64_t, sesid C.JET_SESID, dbid C.JET_DBID, szTableName, pwColumnNameOrId C.JET_PCWSTR, pvResult unsafe.Pointer, cbMax, infoLevel C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	return namedColumnInfo(thread, sesid, dbid, textW, nameFromW(szTableName), unsafe.Pointer(pwColumnNameOrId), pvResult, cbMax, infoLevel)
}
