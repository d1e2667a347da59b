package main

// #include "../include/esent.h"
import "C"

import (
	"unsafe"

	"esent/internal/engine"
	"esent/internal/jet"
)

func createTable(thread C.uint64_t, sesid C.JET_SESID, dbid C.JET_DBID, name nameArgument, pages, density C.uint32_t, out *C.JET_TABLEID) C.JET_ERR {
	s := sessions.get(uintptr(sesid))
	if s == nil {
		return C.JET_ERR(jet.ErrInvalidSesid)
	}
	return cursorOut(out, func() (*engine.Cursor, jet.Err, error) {
		text, err := name.created()
		if err != nil {
			return nil, 0, err
		}
		c, err := s.CreateTable(engine.Thread(thread), uint32(dbid), text, uint32(pages), uint32(density))
		return c, 0, err
	})
}

//export esent_JetCreateTableA
func esent_JetCreateTableA(thread C.uint64_t, sesid C.JET_SESID, dbid C.JET_DBID, szTableName C.JET_PCSTR, lPages, lDensity C.uint32_t, ptableid *C.JET_TABLEID) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	return createTable(thread, sesid, dbid, nameFromA(szTableName), lPages, lDensity, ptableid)
}

//export esent_JetCreateTableW
func esent_JetCreateTableW(thread C.uint64_t, sesid C.JET_SESID, dbid C.JET_DBID, szTableName C.JET_PCWSTR, lPages, lDensity C.uint32_t, ptableid *C.JET_TABLEID) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	return createTable(thread, sesid, dbid, nameFromW(szTableName), lPages, lDensity, ptableid)
}

func deleteTable(thread C.uint64_t, sesid C.JET_SESID, dbid C.JET_DBID, name nameArgument) C.JET_ERR {
	return onSession(sesid, func(s *engine.Session) error {
		if !name.ok {
			return jet.ErrObjectNotFound
		}
		return s.DeleteTable(engine.Thread(thread), uint32(dbid), name.text)
	})
}

//export esent_JetDeleteTableA
func esent_JetDeleteTableA(thread C.uint64_t, sesid C.JET_SESID, dbid C.JET_DBID, szTableName C.JET_PCSTR) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	return deleteTable(thread, sesid, dbid, nameFromA(szTableName))
}

//export esent_JetDeleteTableW
func esent_JetDeleteTableW(thread C.uint64_t, sesid C.JET_SESID, dbid C.JET_DBID, szTableName C.JET_PCWSTR) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	return deleteTable(thread, sesid, dbid, nameFromW(szTableName))
}

//export esent_JetDeleteTable2A
func esent_JetDeleteTable2A(thread C.uint64_t, sesid C.JET_SESID, dbid C.JET_DBID, szTableName C.JET_PCSTR, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	return esent_JetDeleteTableA(thread, sesid, dbid, szTableName)
}

//export esent_JetDeleteTable2W
func esent_JetDeleteTable2W(thread C.uint64_t, sesid C.JET_SESID, dbid C.JET_DBID, szTableName C.JET_PCWSTR, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	return esent_JetDeleteTableW(thread, sesid, dbid, szTableName)
}

func renameTable(thread C.uint64_t, sesid C.JET_SESID, dbid C.JET_DBID, from, to nameArgument) C.JET_ERR {
	return onSession(sesid, func(s *engine.Session) error {
		text, err := to.created()
		switch {
		case err != nil:
			return err
		case !from.ok:
			return jet.ErrObjectNotFound
		}
		return s.RenameTable(engine.Thread(thread), uint32(dbid), from.text, text)
	})
}

//export esent_JetRenameTableA
func esent_JetRenameTableA(thread C.uint64_t, sesid C.JET_SESID, dbid C.JET_DBID, szName, szNameNew C.JET_PCSTR) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	return renameTable(thread, sesid, dbid, nameFromA(szName), nameFromA(szNameNew))
}

//export esent_JetRenameTableW
func esent_JetRenameTableW(thread C.uint64_t, sesid C.JET_SESID, dbid C.JET_DBID, szName, szNameNew C.JET_PCWSTR) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	return renameTable(thread, sesid, dbid, nameFromW(szName), nameFromW(szNameNew))
}

// setDefault takes over a column's default value. With JET_bitColumnUserDefinedDefault a structure that names
// a function stands in its place.
func (cs charset) setDefault(def *engine.ColumnDef, pv unsafe.Pointer, cb uint32) error {
	if pv == nil {
		return nil
	}
	value, ok := bytesAt(pv, cb)
	if !ok {
		return jet.ErrInvalidParameter
	}
	if def.Grbit&jet.BitColumnUserDefinedDefault == 0 {
		def.Default = value
		return nil
	}
	if cb != C.sizeof_JET_USERDEFINEDDEFAULT_A {
		return nil // the engine says so
	}
	u := (*C.JET_USERDEFINEDDEFAULT_A)(pv)
	name, err := cs.created(unsafe.Pointer(u.szCallback))
	if err != nil {
		return err
	}
	data, ok := bytesAt(unsafe.Pointer(u.pbUserData), uint32(u.cbUserData))
	if !ok {
		return jet.ErrInvalidParameter
	}
	def.UserDefined = &engine.UserDefinedDefault{Callback: name, Data: data}
	return nil
}

func addColumn(sesid C.JET_SESID, tableid C.JET_TABLEID, cs charset, name nameArgument, def *C.JET_COLUMNDEF, pv unsafe.Pointer, cb C.uint32_t, out *C.JET_COLUMNID) C.JET_ERR {
	s, c, e := cursorArguments(sesid, tableid)
	if e != 0 {
		return e
	}
	if def == nil {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	text, err := name.created()
	if err != nil {
		return result(err)
	}
	// Longer structures are those of versions to come.
	d := engine.ColumnDef{BadSize: def.cbStruct < C.sizeof_JET_COLUMNDEF, Name: text, Type: uint32(def.coltyp), Max: uint32(def.cbMax),
		CodePage: uint16(def.cp), Grbit: jet.Grbit(def.grbit)}
	if !d.BadSize {
		if err := cs.setDefault(&d, pv, uint32(cb)); err != nil {
			return result(err)
		}
	}
	id, warning, err := c.AddColumn(s, &d)
	if err == nil {
		put(out, C.JET_COLUMNID(id))
	}
	return warned(warning, err)
}

//export esent_JetAddColumnA
func esent_JetAddColumnA(sesid C.JET_SESID, tableid C.JET_TABLEID, szColumnName C.JET_PCSTR, pcolumndef *C.JET_COLUMNDEF, pvDefault unsafe.Pointer, cbDefault C.uint32_t, pcolumnid *C.JET_COLUMNID) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	return addColumn(sesid, tableid, textA, nameFromA(szColumnName), pcolumndef, pvDefault, cbDefault, pcolumnid)
}

//export esent_JetAddColumnW
func esent_JetAddColumnW(sesid C.JET_SESID, tableid C.JET_TABLEID, szColumnName C.JET_PCWSTR, pcolumndef *C.JET_COLUMNDEF, pvDefault unsafe.Pointer, cbDefault C.uint32_t, pcolumnid *C.JET_COLUMNID) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	return addColumn(sesid, tableid, textW, nameFromW(szColumnName), pcolumndef, pvDefault, cbDefault, pcolumnid)
}

func deleteColumn(sesid C.JET_SESID, tableid C.JET_TABLEID, name nameArgument, grbit C.JET_GRBIT) C.JET_ERR {
	return onCursor(sesid, tableid, func(s *engine.Session, c *engine.Cursor) error {
		if !name.ok {
			return jet.ErrColumnNotFound
		}
		return c.DeleteColumn(s, name.text, jet.Grbit(grbit))
	})
}

//export esent_JetDeleteColumnA
func esent_JetDeleteColumnA(sesid C.JET_SESID, tableid C.JET_TABLEID, szColumnName C.JET_PCSTR) (rc C.JET_ERR) {
	return esent_JetDeleteColumn2A(sesid, tableid, szColumnName, 0)
}

//export esent_JetDeleteColumnW
func esent_JetDeleteColumnW(sesid C.JET_SESID, tableid C.JET_TABLEID, szColumnName C.JET_PCWSTR) (rc C.JET_ERR) {
	return esent_JetDeleteColumn2W(sesid, tableid, szColumnName, 0)
}

//export esent_JetDeleteColumn2A
func esent_JetDeleteColumn2A(sesid C.JET_SESID, tableid C.JET_TABLEID, szColumnName C.JET_PCSTR, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	return deleteColumn(sesid, tableid, nameFromA(szColumnName), grbit)
}

//export esent_JetDeleteColumn2W
func esent_JetDeleteColumn2W(sesid C.JET_SESID, tableid C.JET_TABLEID, szColumnName C.JET_PCWSTR, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	return deleteColumn(sesid, tableid, nameFromW(szColumnName), grbit)
}

func renameColumn(sesid C.JET_SESID, tableid C.JET_TABLEID, from, to nameArgument, grbit C.JET_GRBIT) C.JET_ERR {
	return onCursor(sesid, tableid, func(s *engine.Session, c *engine.Cursor) error {
		text, err := to.created()
		switch {
		case err != nil:
			return err
		case !from.ok:
			return jet.ErrColumnNotFound
		}
		return c.RenameColumn(s, from.text, text, jet.Grbit(grbit))
	})
}

//export esent_JetRenameColumnA
func esent_JetRenameColumnA(sesid C.JET_SESID, tableid C.JET_TABLEID, szName, szNameNew C.JET_PCSTR, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	return renameColumn(sesid, tableid, nameFromA(szName), nameFromA(szNameNew), grbit)
}

//export esent_JetRenameColumnW
func esent_JetRenameColumnW(sesid C.JET_SESID, tableid C.JET_TABLEID, szName, szNameNew C.JET_PCWSTR, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	return renameColumn(sesid, tableid, nameFromW(szName), nameFromW(szNameNew), grbit)
}

func setColumnDefault(thread C.uint64_t, sesid C.JET_SESID, dbid C.JET_DBID, table, column nameArgument, pv unsafe.Pointer, cb C.uint32_t) C.JET_ERR {
	return onSession(sesid, func(s *engine.Session) error {
		value, ok := bytesAt(pv, uint32(cb))
		switch {
		case !ok && pv != nil:
			return jet.ErrInvalidParameter
		case !table.ok:
			return jet.ErrObjectNotFound
		case !column.ok:
			return jet.ErrColumnNotFound
		}
		return s.SetColumnDefaultValue(engine.Thread(thread), uint32(dbid), table.text, column.text, value)
	})
}

//export esent_JetSetColumnDefaultValueA
func esent_JetSetColumnDefaultValueA(thread C.uint64_t, sesid C.JET_SESID, dbid C.JET_DBID, szTableName, szColumnName C.JET_PCSTR, pvData unsafe.Pointer, cbData C.uint32_t, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	return setColumnDefault(thread, sesid, dbid, nameFromA(szTableName), nameFromA(szColumnName), pvData, cbData)
}

//export esent_JetSetColumnDefaultValueW
func esent_JetSetColumnDefaultValueW(thread C.uint64_t, sesid C.JET_SESID, dbid C.JET_DBID, szTableName, szColumnName C.JET_PCWSTR, pvData unsafe.Pointer, cbData C.uint32_t, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	return setColumnDefault(thread, sesid, dbid, nameFromW(szTableName), nameFromW(szColumnName), pvData, cbData)
}
