package main

// #include "../include/esent.h"
import "C"

import (
	"unsafe"

	"esent/internal/engine"
	"esent/internal/jet"
)

//export esent_JetPrereadKeys
func esent_JetPrereadKeys(sesid C.JET_SESID, tableid C.JET_TABLEID, rgpvKeys *unsafe.Pointer, rgcbKeys *C.uint32_t, ckeys C.int32_t, pckeysPreread *C.int32_t, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	return onCursor(sesid, tableid, func(s *engine.Session, c *engine.Cursor) error {
		put(pckeysPreread, 0)
		if ckeys < 0 || rgpvKeys == nil || rgcbKeys == nil {
			return jet.ErrInvalidParameter
		}
		starts, ok1 := sliceAt(rgpvKeys, uint32(ckeys))
		sizes, ok2 := sliceAt(rgcbKeys, uint32(ckeys))
		if !ok1 || !ok2 {
			return jet.ErrInvalidParameter
		}
		keys := make([][]byte, len(starts))
		for i := range keys {
			var ok bool
			if keys[i], ok = bytesAt(starts[i], uint32(sizes[i])); !ok {
				return jet.ErrInvalidParameter
			}
		}
		n, err := c.PrereadKeys(s, keys, jet.Grbit(grbit))
		put(pckeysPreread, C.int32_t(n))
		return err
	})
}

// filterColumns takes over the columns of a filter, or of the end of a range.
func filterColumns(p *C.JET_INDEX_COLUMN, n C.uint32_t) ([]engine.FilterColumn, error) {
	columns, ok := sliceAt(p, uint32(n))
	if !ok {
		return nil, jet.ErrInvalidParameter
	}
	list := make([]engine.FilterColumn, len(columns))
	for i := range columns {
		f := &columns[i]
		data, ok := bytesAt(f.pv, uint32(f.cb))
		if !ok {
			return nil, jet.ErrInvalidParameter
		}
		list[i] = engine.FilterColumn{Column: jet.ColumnID(f.columnid), Relation: uint32(f.relop), Data: data, Grbit: jet.Grbit(f.grbit)}
	}
	return list, nil
}

func prereadRange(r *C.JET_INDEX_RANGE) (engine.PrereadRange, error) {
	start, err := filterColumns(r.rgStartColumns, r.cStartColumns)
	if err != nil {
		return engine.PrereadRange{}, err
	}
	end, err := filterColumns(r.rgEndColumns, r.cEndColumns)
	return engine.PrereadRange{Start: start, End: end}, err
}

//export esent_JetPrereadIndexRanges
func esent_JetPrereadIndexRanges(sesid C.JET_SESID, tableid C.JET_TABLEID, rgIndexRanges *C.JET_INDEX_RANGE, cIndexRanges C.uint32_t, pcRangesPreread *C.uint32_t, rgcolumnidPreread *C.JET_COLUMNID, ccolumnidPreread C.uint32_t, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	return onCursor(sesid, tableid, func(s *engine.Session, c *engine.Cursor) error {
		given, ok1 := sliceAt(rgIndexRanges, uint32(cIndexRanges))
		ids, ok2 := sliceAt(rgcolumnidPreread, uint32(ccolumnidPreread))
		if !ok1 || !ok2 {
			return jet.ErrInvalidParameter
		}
		ranges := make([]engine.PrereadRange, len(given))
		for i := range given {
			var err error
			if ranges[i], err = prereadRange(&given[i]); err != nil {
				return err
			}
		}
		columns := make([]jet.ColumnID, len(ids))
		for i, id := range ids {
			columns[i] = jet.ColumnID(id)
		}
		n, err := c.PrereadIndexRanges(s, ranges, columns, pcRangesPreread != nil, jet.Grbit(grbit))
		if err == nil {
			put(pcRangesPreread, C.uint32_t(n))
		}
		return err
	})
}

//export esent_JetPrereadIndexRange
func esent_JetPrereadIndexRange(sesid C.JET_SESID, tableid C.JET_TABLEID, pIndexRange *C.JET_INDEX_RANGE, cPageCacheMin, cPageCacheMax C.uint32_t, grbit C.JET_GRBIT, pcPageCacheActual *C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	return onCursor(sesid, tableid, func(s *engine.Session, c *engine.Cursor) error {
		if pIndexRange == nil {
			return jet.ErrInvalidParameter
		}
		r, err := prereadRange(pIndexRange)
		if err != nil {
			return err
		}
		pages, err := c.PrereadIndexRange(s, r, uint32(cPageCacheMin), uint32(cPageCacheMax), jet.Grbit(grbit))
		if err == nil {
			put(pcPageCacheActual, C.uint32_t(pages))
		}
		return err
	})
}

//export esent_JetPrereadTablesW
func esent_JetPrereadTablesW(thread C.uint64_t, sesid C.JET_SESID, dbid C.JET_DBID, rgwszTables *C.JET_PCWSTR, cwszTables C.int32_t, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	return onSession(sesid, func(s *engine.Session) error {
		given, ok := sliceAt(rgwszTables, uint32(max(0, cwszTables)))
		if !ok {
			return jet.ErrInvalidParameter
		}
		names := make([]string, len(given))
		for i, p := range given {
			names[i], _ = nameW(units(p)) // what is no name is no table's
		}
		return s.PrereadTables(engine.Thread(thread), uint32(dbid), names, jet.Grbit(grbit))
	})
}

//export esent_JetRetrieveColumnByReference
func esent_JetRetrieveColumnByReference(sesid C.JET_SESID, tableid C.JET_TABLEID, pvReference unsafe.Pointer, cbReference, ibData C.uint32_t, pvData unsafe.Pointer, cbData C.uint32_t, pcbActual *C.uint32_t, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	s, c, code := cursorArguments(sesid, tableid)
	if code != 0 {
		return code
	}
	put(pcbActual, 0)
	ref, ok1 := bytesAt(pvReference, uint32(cbReference))
	buf, ok2 := bytesAt(pvData, uint32(cbData))
	switch {
	case !ok2 || pvData == nil && (cbData > 0 || pcbActual == nil),
		grbit&C.JET_bitRetrievePhysicalSize != 0 && (ibData != 0 || pvData != nil || pcbActual == nil):
		return C.JET_ERR(jet.ErrInvalidParameter)
	case !ok1:
		ref = nil
	}
	actual, warn, err := c.RetrieveByReference(s, ref, uint32(ibData), buf, jet.Grbit(grbit))
	if err == nil {
		put(pcbActual, C.uint32_t(actual))
	}
	return warned(warn, err)
}

//export esent_JetPrereadColumnsByReference
func esent_JetPrereadColumnsByReference(sesid C.JET_SESID, tableid C.JET_TABLEID, rgpvReferences *unsafe.Pointer, rgcbReferences *C.uint32_t, cReferences, cPageCacheMin, cPageCacheMax C.uint32_t, pcReferencesPreread *C.uint32_t, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	return onCursor(sesid, tableid, func(s *engine.Session, c *engine.Cursor) error {
		put(pcReferencesPreread, 0)
		pointers, ok1 := sliceAt(rgpvReferences, uint32(cReferences))
		sizes, ok2 := sliceAt(rgcbReferences, uint32(cReferences))
		if !ok1 || !ok2 || rgpvReferences == nil || rgcbReferences == nil {
			return jet.ErrInvalidParameter
		}
		refs := make([][]byte, len(pointers))
		for i := range pointers {
			refs[i], _ = bytesAt(pointers[i], uint32(sizes[i])) // no reference is nil
		}
		n, err := c.PrereadByReference(s, refs, uint32(cPageCacheMin), uint32(cPageCacheMax), jet.Grbit(grbit))
		put(pcReferencesPreread, C.uint32_t(n))
		return err
	})
}
