package main

// #include "../include/esent.h"
import "C"

import (
	"unsafe"

	"esent/internal/engine"
	"esent/internal/jet"
)

//export esent_JetSetCursorFilter
func esent_JetSetCursorFilter(sesid C.JET_SESID, tableid C.JET_TABLEID, rgColumnFilters *C.JET_INDEX_COLUMN, cColumnFilters C.uint32_t, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	return onCursor(sesid, tableid, func(s *engine.Session, c *engine.Cursor) error {
		list, err := filterColumns(rgColumnFilters, cColumnFilters)
		if err != nil {
			return err
		}
		return c.SetFilter(s, list, jet.Grbit(grbit))
	})
}

// recordSize measures the record. The older structures are the beginnings of the newest; size is that of the
// caller's.
func recordSize(sesid C.JET_SESID, tableid C.JET_TABLEID, p unsafe.Pointer, size uintptr, grbit C.JET_GRBIT) C.JET_ERR {
	return onCursor(sesid, tableid, func(s *engine.Session, c *engine.Cursor) error {
		if p == nil {
			return jet.ErrInvalidParameter
		}
		var r C.JET_RECSIZE3
		own := unsafe.Slice((*byte)(p), size)
		copy(arrayBytes(&r), own)
		n := engine.RecordSize{Data: uint64(r.cbData), LongData: uint64(r.cbLongValueData), Overhead: uint64(r.cbOverhead),
			LongOverhead: uint64(r.cbLongValueOverhead), Untagged: uint64(r.cNonTaggedColumns), Tagged: uint64(r.cTaggedColumns),
			Long: uint64(r.cLongValues), Multi: uint64(r.cMultiValues), Compressed: uint64(r.cCompressedColumns),
			DataStored: uint64(r.cbDataCompressed), LongStored: uint64(r.cbLongValueDataCompressed),
			Intrinsic: uint64(r.cbIntrinsicLongValueData), IntrinsicStored: uint64(r.cbIntrinsicLongValueDataCompressed),
			Values: uint64(r.cIntrinsicLongValues), Key: uint64(r.cbKey)}
		if err := c.RecordSize(s, &n, jet.Grbit(grbit)); err != nil {
			return err
		}
		r = C.JET_RECSIZE3{cbData: C.uint64_t(n.Data), cbLongValueData: C.uint64_t(n.LongData), cbOverhead: C.uint64_t(n.Overhead),
			cbLongValueOverhead: C.uint64_t(n.LongOverhead), cNonTaggedColumns: C.uint64_t(n.Untagged), cTaggedColumns: C.uint64_t(n.Tagged),
			cLongValues: C.uint64_t(n.Long), cMultiValues: C.uint64_t(n.Multi), cCompressedColumns: C.uint64_t(n.Compressed),
			cbDataCompressed: C.uint64_t(n.DataStored), cbLongValueDataCompressed: C.uint64_t(n.LongStored),
			cbIntrinsicLongValueData: C.uint64_t(n.Intrinsic), cbIntrinsicLongValueDataCompressed: C.uint64_t(n.IntrinsicStored),
			cIntrinsicLongValues: C.uint64_t(n.Values), cbKey: C.uint64_t(n.Key)}
		copy(own, arrayBytes(&r))
		return nil
	})
}

//export esent_JetGetRecordSize
func esent_JetGetRecordSize(sesid C.JET_SESID, tableid C.JET_TABLEID, precsize *C.JET_RECSIZE, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	return recordSize(sesid, tableid, unsafe.Pointer(precsize), C.sizeof_JET_RECSIZE, grbit)
}

//export esent_JetGetRecordSize2
func esent_JetGetRecordSize2(sesid C.JET_SESID, tableid C.JET_TABLEID, precsize *C.JET_RECSIZE2, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	return recordSize(sesid, tableid, unsafe.Pointer(precsize), C.sizeof_JET_RECSIZE2, grbit)
}

//export esent_JetGetRecordSize3
func esent_JetGetRecordSize3(sesid C.JET_SESID, tableid C.JET_TABLEID, precsize *C.JET_RECSIZE3, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	return recordSize(sesid, tableid, unsafe.Pointer(precsize), C.sizeof_JET_RECSIZE3, grbit)
}
