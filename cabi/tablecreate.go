package main

// #include "../include/esent.h"
import "C"

import (
	"unsafe"

	"esent/internal/engine"
	"esent/internal/jet"
)

// tableForm is one of the five versions of JET_TABLECREATE.
type tableForm uint8

// tableCreate is a JET_TABLECREATE of any version: first is the part that all versions begin with, out and
// created are its outputs.
type tableCreate struct {
	cs      charset
	first   *C.JET_TABLECREATE_A
	out     *C.JET_TABLEID
	created *C.uint32_t

	def     engine.TableCreate
	indexes indexArray
}

// read takes the structure over.
func (t *tableCreate) read(form tableForm, p unsafe.Pointer) error {
	if p == nil {
		return jet.ErrInvalidParameter
	}
	t.first = (*C.JET_TABLECREATE_A)(p)
	size, callback := uint32(C.sizeof_JET_TABLECREATE_A), (*C.char)(nil)
	t.indexes = indexArray{form: indexCreate1, first: unsafe.Pointer(t.first.rgindexcreate)}
	switch d := &t.def; form {
	case 1:
		t.out, t.created, d.Grbit = &t.first.tableid, &t.first.cCreated, jet.Grbit(t.first.grbit)
		size = uint32(t.first.cbStruct) // which this version does not look at
	case 2:
		c := (*C.JET_TABLECREATE2_A)(p)
		t.out, t.created, d.Grbit = &c.tableid, &c.cCreated, jet.Grbit(c.grbit)
		size, callback, d.CallbackType = C.sizeof_JET_TABLECREATE2_A, c.szCallback, uint32(c.cbtyp)
	case 3, 4:
		c := (*C.JET_TABLECREATE4_A)(p) // but for the type of its indexes the same as version 3
		t.out, t.created, d.Grbit = &c.tableid, &c.cCreated, jet.Grbit(c.grbit)
		size, callback, d.CallbackType = C.sizeof_JET_TABLECREATE4_A, c.szCallback, uint32(c.cbtyp)
		d.SequenceHints, d.LongHints, d.SeparateLV = spaceHints(c.pSeqSpacehints), spaceHints(c.pLVSpacehints), uint32(c.cbSeparateLV)
		t.indexes.form = indexForm(form) - 1
	case 5:
		c := (*C.JET_TABLECREATE5_A)(p)
		t.out, t.created, d.Grbit = &c.tableid, &c.cCreated, jet.Grbit(c.grbit)
		size, callback, d.CallbackType = C.sizeof_JET_TABLECREATE5_A, c.szCallback, uint32(c.cbtyp)
		d.SequenceHints, d.LongHints, d.SeparateLV = spaceHints(c.pSeqSpacehints), spaceHints(c.pLVSpacehints), uint32(c.cbSeparateLV)
		d.LVChunkMax = uint32(c.cbLVChunkMax)
		t.indexes.form = indexCreate3
	}
	if uint32(t.first.cbStruct) != size {
		return jet.ErrInvalidParameter
	}
	return t.readParts(callback)
}

// readParts takes over what the structure points to.
func (t *tableCreate) readParts(callback *C.char) (err error) {
	d := &t.def
	if d.Name, err = t.cs.created(unsafe.Pointer(t.first.szTableName)); err != nil {
		return err
	}
	template := t.cs.name(unsafe.Pointer(t.first.szTemplateTableName))
	if !template.ok {
		return jet.ErrObjectNotFound
	}
	d.Template, d.Pages, d.Density = template.text, uint32(t.first.ulPages), uint32(t.first.ulDensity)
	if d.Callback, err = t.cs.created(unsafe.Pointer(callback)); err != nil {
		return err
	}
	columns, ok := sliceAt(t.first.rgcolumncreate, uint32(t.first.cColumns))
	if !ok {
		return jet.ErrInvalidParameter
	}
	d.Columns = make([]engine.ColumnDef, len(columns))
	for i := range columns {
		if err := t.cs.readColumn(&columns[i], &d.Columns[i]); err != nil {
			return err
		}
	}
	err = t.indexes.read(t.cs, uint32(t.first.cIndexes))
	d.Indexes = t.indexes.defs
	return err
}

// readColumn takes over one column.
func (cs charset) readColumn(c *C.JET_COLUMNCREATE_A, def *engine.ColumnDef) error {
	if def.BadSize = c.cbStruct != C.sizeof_JET_COLUMNCREATE_A; def.BadSize {
		return nil
	}
	name, err := cs.created(unsafe.Pointer(c.szColumnName))
	if err != nil {
		return err
	}
	*def = engine.ColumnDef{Name: name, Type: uint32(c.coltyp), Max: uint32(c.cbMax), CodePage: uint16(c.cp), Grbit: jet.Grbit(c.grbit),
		Err: jet.Err(c.err)}
	return cs.setDefault(def, c.pvDefault, uint32(c.cbDefault))
}

// write gives the structure's parts their results. What the caller says cannot be written to is left alone.
func (t *tableCreate) write(failed bool) {
	if t.immutable() {
		return
	}
	*t.created = C.uint32_t(t.def.Created)
	columns, _ := sliceAt(t.first.rgcolumncreate, uint32(t.first.cColumns))
	for i := range columns {
		if d := &t.def.Columns[i]; !d.BadSize {
			columns[i].err = C.JET_ERR(d.Err)
			if !failed {
				columns[i].columnid = C.JET_COLUMNID(d.ID)
			}
		}
	}
	t.indexes.write()
}

func (t *tableCreate) immutable() bool {
	return t.def.Grbit&jet.BitTableCreateImmutableStructure != 0
}

func createTableColumnIndex(thread C.uint64_t, sesid C.JET_SESID, dbid C.JET_DBID, cs charset, form tableForm, p unsafe.Pointer) C.JET_ERR {
	s := sessions.get(uintptr(sesid))
	if s == nil {
		return C.JET_ERR(jet.ErrInvalidSesid)
	}
	t := tableCreate{cs: cs}
	if err := t.read(form, p); err != nil {
		return result(err)
	}
	if t.immutable() {
		// The engine closes such a table: there is nowhere to tell its cursor.
		_, err := s.CreateTableColumnIndex(engine.Thread(thread), uint32(dbid), &t.def)
		return result(err)
	}
	return cursorOut(t.out, func() (*engine.Cursor, jet.Err, error) {
		c, err := s.CreateTableColumnIndex(engine.Thread(thread), uint32(dbid), &t.def)
		t.write(err != nil)
		return c, 0, err
	})
}

//export esent_JetCreateTableColumnIndexA
func esent_JetCreateTableColumnIndexA(thread C.uint64_t, sesid C.JET_SESID, dbid C.JET_DBID, ptablecreate *C.JET_TABLECREATE_A) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	return createTableColumnIndex(thread, sesid, dbid, textA, 1, unsafe.Pointer(ptablecreate))
}

//export esent_JetCreateTableColumnIndexW
func esent_JetCreateTableColumnIndexW(thread C.uint64_t, sesid C.JET_SESID, dbid C.JET_DBID, ptablecreate *C.JET_TABLECREATE_W) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	return createTableColumnIndex(thread, sesid, dbid, textW, 1, unsafe.Pointer(ptablecreate))
}

//export esent_JetCreateTableColumnIndex2A
func esent_JetCreateTableColumnIndex2A(thread C.uint64_t, sesid C.JET_SESID, dbid C.JET_DBID, ptablecreate *C.JET_TABLECREATE2_A) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	return createTableColumnIndex(thread, sesid, dbid, textA, 2, unsafe.Pointer(ptablecreate))
}

//export esent_JetCreateTableColumnIndex2W
func esent_JetCreateTableColumnIndex2W(thread C.uint64_t, sesid C.JET_SESID, dbid C.JET_DBID, ptablecreate *C.JET_TABLECREATE2_W) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	return createTableColumnIndex(thread, sesid, dbid, textW, 2, unsafe.Pointer(ptablecreate))
}

//export esent_JetCreateTableColumnIndex3A
func esent_JetCreateTableColumnIndex3A(thread C.uint64_t, sesid C.JET_SESID, dbid C.JET_DBID, ptablecreate *C.JET_TABLECREATE3_A) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	return createTableColumnIndex(thread, sesid, dbid, textA, 3, unsafe.Pointer(ptablecreate))
}

//export esent_JetCreateTableColumnIndex3W
func esent_JetCreateTableColumnIndex3W(thread C.uint64_t, sesid C.JET_SESID, dbid C.JET_DBID, ptablecreate *C.JET_TABLECREATE3_W) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	return createTableColumnIndex(thread, sesid, dbid, textW, 3, unsafe.Pointer(ptablecreate))
}

//export esent_JetCreateTableColumnIndex4A
func esent_JetCreateTableColumnIndex4A(thread C.uint64_t, sesid C.JET_SESID, dbid C.JET_DBID, ptablecreate *C.JET_TABLECREATE4_A) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	return createTableColumnIndex(thread, sesid, dbid, textA, 4, unsafe.Pointer(ptablecreate))
}

//export esent_JetCreateTableColumnIndex4W
func esent_JetCreateTableColumnIndex4W(thread C.uint64_t, sesid C.JET_SESID, dbid C.JET_DBID, ptablecreate *C.JET_TABLECREATE4_W) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	return createTableColumnIndex(thread, sesid, dbid, textW, 4, unsafe.Pointer(ptablecreate))
}

//export esent_JetCreateTableColumnIndex5A
func esent_JetCreateTableColumnIndex5A(thread C.uint64_t, sesid C.JET_SESID, dbid C.JET_DBID, ptablecreate *C.JET_TABLECREATE5_A) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	return createTableColumnIndex(thread, sesid, dbid, textA, 5, unsafe.Pointer(ptablecreate))
}

//export esent_JetCreateTableColumnIndex5W
func esent_JetCreateTableColumnIndex5W(thread C.uint64_t, sesid C.JET_SESID, dbid C.JET_DBID, ptablecreate *C.JET_TABLECREATE5_W) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	return createTableColumnIndex(thread, sesid, dbid, textW, 5, unsafe.Pointer(ptablecreate))
}
