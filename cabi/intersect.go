package main

// #include "../include/esent.h"
import "C"

import (
	"esent/internal/engine"
	"esent/internal/jet"
)

//export esent_JetIntersectIndexes
func esent_JetIntersectIndexes(thread C.uint64_t, sesid C.JET_SESID, rgindexrange *C.JET_INDEXRANGE, cindexrange C.uint32_t, precordlist *C.JET_RECORDLIST, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	s := sessions.get(uintptr(sesid))
	if s == nil {
		return C.JET_ERR(jet.ErrInvalidSesid)
	}
	given, ok := sliceAt(rgindexrange, uint32(cindexrange))
	list := precordlist
	if !ok || list == nil || list.cbStruct != C.sizeof_JET_RECORDLIST {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	ranges := make([]engine.IndexRange, len(given))
	for i := range given {
		g := &given[i]
		if g.cbStruct != C.sizeof_JET_INDEXRANGE {
			ranges[i].BadSize = true
			continue
		}
		c := cursors.get(uintptr(g.tableid))
		if c == nil {
			return C.JET_ERR(jet.ErrInvalidTableId)
		}
		ranges[i] = engine.IndexRange{Cursor: c, Grbit: jet.Grbit(g.grbit)}
	}
	list.tableid, list.cRecord, list.columnidBookmark = C.JET_TABLEID(nilHandle), 0, 0
	c, column, rows, err := s.IntersectIndexes(engine.Thread(thread), ranges)
	if err != nil || c == nil {
		return result(err)
	}
	list.cRecord, list.columnidBookmark = C.uint32_t(rows), C.JET_COLUMNID(column)
	return cursorOut(&list.tableid, func() (*engine.Cursor, jet.Err, error) { return c, 0, nil })
}
