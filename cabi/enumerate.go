package main

// #include "../include/esent.h"
// #include "realloc.h"
import "C"

import (
	"unsafe"

	"esent/internal/engine"
	"esent/internal/jet"
)

// enumColumn is JET_ENUMCOLUMN, whose values and single value share their place.
type enumColumn struct {
	id    jet.ColumnID
	err   C.JET_ERR
	count C.uint32_t // values, or bytes of the single value
	p     unsafe.Pointer
}

// The two have the same size.
var _ = [1]struct{}{}[unsafe.Sizeof(enumColumn{})-C.sizeof_JET_ENUMCOLUMN]

// enumMemory gets memory from the caller, who will free it.
type enumMemory struct {
	call    C.JET_PFNREALLOC
	context unsafe.Pointer
}

// alloc gives zeroed memory; nil when the caller has none. It is never asked for nothing, so that even an empty
// value has an address.
func (m *enumMemory) alloc(size int) unsafe.Pointer {
	if uint64(size) > 1<<32-1 {
		return nil
	}
	p := C.esent_realloc(m.call, m.context, nil, C.uint32_t(max(size, 1)))
	if p != nil {
		clear(unsafe.Slice((*byte)(p), size))
	}
	return p
}

func (m *enumMemory) free(p unsafe.Pointer) {
	if p != nil {
		C.esent_realloc(m.call, m.context, p, 0)
	}
}

// enumeration builds the result of JetEnumerateColumns as the engine tells of it.
type enumeration struct {
	enumMemory
	columns unsafe.Pointer // enumColumn, room of them
	n, room int
	values  []C.JET_ENUMCOLUMNVALUE // those of the last column that are to come
	single  bool
}

const enumRoom = 16 // columns that the array begins with when nobody knows how many there will be

// list are the columns so far.
func (e *enumeration) list() []enumColumn {
	return unsafe.Slice((*enumColumn)(e.columns), e.n)
}

// reserve makes room for so many columns. Callers' functions that cannot make memory larger will do.
func (e *enumeration) reserve(room int) error {
	p := e.alloc(room * C.sizeof_JET_ENUMCOLUMN)
	if p == nil {
		return jet.ErrOutOfMemory
	}
	copy(unsafe.Slice((*enumColumn)(p), room), e.list())
	e.free(e.columns)
	e.columns, e.room = p, room
	return nil
}

// Column begins a column: engine.EnumSink.
func (e *enumeration) Column(id jet.ColumnID, code jet.Err, values int) error {
	if e.n == e.room {
		if err := e.reserve(max(enumRoom, 2*e.room)); err != nil {
			return err
		}
	}
	e.n++
	c := &e.list()[e.n-1]
	c.id, c.err = id, C.JET_ERR(code)
	e.values, e.single = nil, code == jet.WrnColumnSingleValue
	if e.single || values == 0 {
		return nil
	}
	p := e.alloc(values * C.sizeof_JET_ENUMCOLUMNVALUE)
	if p == nil {
		return jet.ErrOutOfMemory
	}
	c.count, c.p = C.uint32_t(values), p
	e.values = unsafe.Slice((*C.JET_ENUMCOLUMNVALUE)(p), values)
	return nil
}

// Value gives memory for a value: engine.EnumSink.
func (e *enumeration) Value(itag uint32, code jet.Err, size int) ([]byte, error) {
	var p unsafe.Pointer
	if code == 0 || code == jet.WrnColumnTruncated || code == jet.WrnColumnReference {
		if p = e.alloc(size); p == nil {
			return nil, jet.ErrOutOfMemory
		}
	}
	if e.single {
		c := &e.list()[e.n-1]
		c.count, c.p = C.uint32_t(size), p
	} else {
		v := &e.values[0]
		v.itagSequence, v.err, v.cbData, v.pvData = C.uint32_t(itag), C.JET_ERR(code), C.uint32_t(size), p
		e.values = e.values[1:]
	}
	if p == nil {
		return nil, nil
	}
	return unsafe.Slice((*byte)(p), size), nil
}

// drop frees all, after an error.
func (e *enumeration) drop() {
	for _, c := range e.list() {
		if c.err != C.JET_ERR(jet.WrnColumnSingleValue) && c.p != nil {
			for _, v := range unsafe.Slice((*C.JET_ENUMCOLUMNVALUE)(c.p), c.count) {
				e.free(v.pvData)
			}
		}
		e.free(c.p)
	}
	e.free(e.columns)
}

//export esent_JetEnumerateColumns
func esent_JetEnumerateColumns(sesid C.JET_SESID, tableid C.JET_TABLEID, cEnumColumnId C.uint32_t, rgEnumColumnId *C.JET_ENUMCOLUMNID, pcEnumColumn *C.uint32_t, prgEnumColumn **C.JET_ENUMCOLUMN, pfnRealloc C.JET_PFNREALLOC, pvReallocContext unsafe.Pointer, cbDataMost C.uint32_t, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	s, c, code := cursorArguments(sesid, tableid)
	if code != 0 {
		return code
	}
	ids, ok := sliceAt(rgEnumColumnId, uint32(cEnumColumnId))
	if !ok || pcEnumColumn == nil || prgEnumColumn == nil || pfnRealloc == nil {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	*pcEnumColumn, *(*uintptr)(unsafe.Pointer(prgEnumColumn)) = 0, 0
	var few [fewColumns]engine.EnumRequest
	asked := few[:0]
	for i := range ids {
		itags, ok := sliceAt((*uint32)(ids[i].rgtagSequence), uint32(ids[i].ctagSequence))
		if !ok {
			return C.JET_ERR(jet.ErrInvalidParameter)
		}
		if len(itags) == 0 {
			itags = nil // all of them
		}
		asked = append(asked, engine.EnumRequest{Column: jet.ColumnID(ids[i].columnid), Itags: itags})
	}
	e := &enumeration{enumMemory: enumMemory{pfnRealloc, pvReallocContext}}
	var err error
	if len(ids) > 0 {
		err = e.reserve(len(ids))
	}
	if err == nil {
		err = c.EnumerateColumns(s, asked, uint32(cbDataMost), jet.Grbit(grbit), e)
	}
	if err != nil {
		e.drop()
		return result(err)
	}
	*pcEnumColumn, *prgEnumColumn = C.uint32_t(e.n), (*C.JET_ENUMCOLUMN)(e.columns)
	return 0
}

// taggedColumn is JET_RETRIEVEMULTIVALUECOUNT.
type taggedColumn struct {
	id    jet.ColumnID
	count uint16
	flags uint16
}

const (
	taggedLong = 1 << 0 // fLongValue
	taggedNull = 1 << 2 // fNullOverride
)

//export esent_JetRetrieveTaggedColumnList
func esent_JetRetrieveTaggedColumnList(sesid C.JET_SESID, tableid C.JET_TABLEID, pcColumns *C.uint32_t, pvData unsafe.Pointer, cbData C.uint32_t, columnidStart C.JET_COLUMNID, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	return onCursor(sesid, tableid, func(s *engine.Session, c *engine.Cursor) error {
		most := uint32(cbData) / C.sizeof_JET_RETRIEVEMULTIVALUECOUNT
		out, ok := sliceAt((*taggedColumn)(pvData), most)
		if pcColumns == nil || pvData != nil && !ok {
			return jet.ErrInvalidParameter
		}
		list, err := c.TaggedColumnList(s, jet.ColumnID(columnidStart), jet.Grbit(grbit))
		if err != nil {
			return err
		}
		n := len(list)
		if most > 0 {
			n = min(n, int(most)) // no room for a single one asks for the number of all
		}
		for i := range out[:min(n, len(out))] {
			t := taggedColumn{id: list[i].ID, count: uint16(list[i].Count)}
			if list[i].Long {
				t.flags |= taggedLong
			}
			if list[i].Null {
				t.flags |= taggedNull
			}
			out[i] = t
		}
		*pcColumns = C.uint32_t(n)
		return nil
	})
}
