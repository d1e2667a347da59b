package main

// #include "../include/esent.h"
import "C"

import (
	"esent/internal/engine"
	"esent/internal/jet"
)

// tempTable are the arguments that all calls which open a temporary table have.
type tempTable struct {
	columns *C.JET_COLUMNDEF
	n       C.uint32_t
	grbit   C.JET_GRBIT
	out     *C.JET_TABLEID
	ids     *C.JET_COLUMNID
}

// open makes the table. locale and what else limits its keys is in def.
func (t *tempTable) open(thread C.uint64_t, s *engine.Session, def *engine.TempTableDef) C.JET_ERR {
	columns, ok1 := sliceAt(t.columns, uint32(t.n))
	ids, ok2 := sliceAt(t.ids, uint32(t.n))
	if !ok1 || !ok2 {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	def.Grbit, def.Columns = jet.Grbit(t.grbit), make([]engine.ColumnDef, len(columns))
	for i := range columns {
		c := &columns[i]
		def.Columns[i] = engine.ColumnDef{Type: uint32(c.coltyp), Max: uint32(c.cbMax), CodePage: uint16(c.cp), Grbit: jet.Grbit(c.grbit)}
	}
	return cursorOut(t.out, func() (*engine.Cursor, jet.Err, error) {
		c, err := s.OpenTempTable(engine.Thread(thread), def)
		if err != nil {
			return nil, 0, err
		}
		for i := range ids {
			ids[i] = C.JET_COLUMNID(def.Columns[i].ID)
		}
		return c, 0, nil
	})
}

// openNumbered makes a table whose order of Unicode text is given by a locale's number.
func (t *tempTable) openNumbered(thread C.uint64_t, sesid C.JET_SESID, u *engine.UnicodeIndex, def *engine.TempTableDef) C.JET_ERR {
	s := sessions.get(uintptr(sesid))
	if s == nil {
		return C.JET_ERR(jet.ErrInvalidSesid)
	}
	if u != nil {
		var err error
		if def.Locale, err = u.Locale(); err != nil {
			return result(err)
		}
	}
	return t.open(thread, s, def)
}

// unicodeIndex takes over JET_UNICODEINDEX; nil for none.
func unicodeIndex(u *C.JET_UNICODEINDEX) *engine.UnicodeIndex {
	if u == nil {
		return nil
	}
	return &engine.UnicodeIndex{LCID: uint32(u.lcid), MapFlags: uint32(u.dwMapFlags)}
}

//export esent_JetOpenTempTable
func esent_JetOpenTempTable(thread C.uint64_t, sesid C.JET_SESID, prgcolumndef *C.JET_COLUMNDEF, ccolumn C.uint32_t, grbit C.JET_GRBIT, ptableid *C.JET_TABLEID, prgcolumnid *C.JET_COLUMNID) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	t := tempTable{prgcolumndef, ccolumn, grbit, ptableid, prgcolumnid}
	return t.openNumbered(thread, sesid, nil, &engine.TempTableDef{})
}

//export esent_JetOpenTempTable2
func esent_JetOpenTempTable2(thread C.uint64_t, sesid C.JET_SESID, prgcolumndef *C.JET_COLUMNDEF, ccolumn, lcid C.uint32_t, grbit C.JET_GRBIT, ptableid *C.JET_TABLEID, prgcolumnid *C.JET_COLUMNID) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	t := tempTable{prgcolumndef, ccolumn, grbit, ptableid, prgcolumnid}
	return t.openNumbered(thread, sesid, &engine.UnicodeIndex{LCID: uint32(lcid)}, &engine.TempTableDef{})
}

//export esent_JetOpenTempTable3
func esent_JetOpenTempTable3(thread C.uint64_t, sesid C.JET_SESID, prgcolumndef *C.JET_COLUMNDEF, ccolumn C.uint32_t, pidxunicode *C.JET_UNICODEINDEX, grbit C.JET_GRBIT, ptableid *C.JET_TABLEID, prgcolumnid *C.JET_COLUMNID) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	t := tempTable{prgcolumndef, ccolumn, grbit, ptableid, prgcolumnid}
	return t.openNumbered(thread, sesid, unicodeIndex(pidxunicode), &engine.TempTableDef{})
}

//export esent_JetOpenTemporaryTable
func esent_JetOpenTemporaryTable(thread C.uint64_t, sesid C.JET_SESID, popentemporarytable *C.JET_OPENTEMPORARYTABLE) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	o := popentemporarytable
	if o == nil || o.cbStruct != C.sizeof_JET_OPENTEMPORARYTABLE {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	t := tempTable{o.prgcolumndef, o.ccolumn, o.grbit, &o.tableid, o.prgcolumnid}
	return t.openNumbered(thread, sesid, unicodeIndex(o.pidxunicode),
		&engine.TempTableDef{KeyMost: uint32(o.cbKeyMost), VarSegMac: uint32(o.cbVarSegMac)})
}

//export esent_JetOpenTemporaryTable2
func esent_JetOpenTemporaryTable2(thread C.uint64_t, sesid C.JET_SESID, popentemporarytable *C.JET_OPENTEMPORARYTABLE2) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	s := sessions.get(uintptr(sesid))
	if s == nil {
		return C.JET_ERR(jet.ErrInvalidSesid)
	}
	o := popentemporarytable
	if o == nil || o.cbStruct != C.sizeof_JET_OPENTEMPORARYTABLE2 {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	locale, err := namedLocale(o.pidxunicode)
	if err != nil {
		return result(err)
	}
	t := tempTable{o.prgcolumndef, o.ccolumn, o.grbit, &o.tableid, o.prgcolumnid}
	return t.open(thread, s, &engine.TempTableDef{Locale: locale, KeyMost: uint32(o.cbKeyMost), VarSegMac: uint32(o.cbVarSegMac)})
}
