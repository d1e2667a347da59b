package main

// #include "../include/esent.h"
import "C"

import (
	"unsafe"

	"esent/internal/engine"
	"esent/internal/jet"
)

func putObjectInfo(p unsafe.Pointer, info *engine.ObjectInfo) {
	*(*C.JET_OBJECTINFO)(p) = C.JET_OBJECTINFO{cbStruct: C.sizeof_JET_OBJECTINFO, objtyp: C.JET_objtypTable, grbit: C.JET_GRBIT(info.Grbit),
		flags: C.uint32_t(info.Flags), cRecord: C.uint32_t(info.Records), cPage: C.uint32_t(info.Pages)}
}

// objectInfo answers JetGetObjectInfo.
func objectInfo(thread C.uint64_t, sesid C.JET_SESID, dbid C.JET_DBID, objtyp C.JET_OBJTYP, cs charset, container, name nameArgument, p unsafe.Pointer, size, level C.uint32_t) C.JET_ERR {
	return onSession(sesid, func(s *engine.Session) error {
		need, err := engine.ObjectInfoSize(uint32(level))
		if err != nil {
			return err
		}
		if _, err := infoBuffer(p, size, need); err != nil {
			return err
		}
		if !container.ok || !name.ok {
			return jet.ErrObjectNotFound
		}
		t, stats := engine.Thread(thread), level == C.JET_ObjInfo || level == C.JET_ObjInfoList
		if level == C.JET_ObjInfo || level == C.JET_ObjInfoNoStats {
			info, err := s.ObjectInfo(t, uint32(dbid), container.text, name.text, stats)
			if err == nil {
				putObjectInfo(p, &info)
			}
			return err
		}
		l, err := s.ObjectList(t, uint32(dbid), uint32(objtyp), container.text, name.text, stats, cs == textW)
		if err != nil {
			return err
		}
		h, err := listHandle(l.Cursor)
		if err != nil {
			return err
		}
		id := func(id jet.ColumnID) C.JET_COLUMNID { return C.JET_COLUMNID(id) }
		*(*C.JET_OBJECTLIST)(p) = C.JET_OBJECTLIST{cbStruct: C.sizeof_JET_OBJECTLIST, tableid: h, cRecord: C.uint32_t(l.Records),
			columnidcontainername: id(l.ContainerName), columnidobjectname: id(l.ObjectName), columnidobjtyp: id(l.Type),
			columniddtCreate: id(l.Created), columniddtUpdate: id(l.Updated), columnidgrbit: id(l.Grbit), columnidflags: id(l.Flags),
			columnidcRecord: id(l.RecordCount), columnidcPage: id(l.PageCount)}
		return nil
	})
}

//export esent_JetGetObjectInfoA
func esent_JetGetObjectInfoA(thread C.uint64_t, sesid C.JET_SESID, dbid C.JET_DBID, objtyp C.JET_OBJTYP, szContainerName, szObjectName C.JET_PCSTR, pvResult unsafe.Pointer, cbMax, infoLevel C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	return objectInfo(thread, sesid, dbid, objtyp, textA, nameFromA(szContainerName), nameFromA(szObjectName), pvResult, cbMax, infoLevel)
}

//export esent_JetGetObjectInfoW
func esent_JetGetObjectInfoW(thread C.uint64_t, sesid C.JET_SESID, dbid C.JET_DBID, objtyp C.JET_OBJTYP, szContainerName, szObjectName C.JET_PCWSTR, pvResult unsafe.Pointer, cbMax, infoLevel C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(sesid))
	return objectInfo(thread, sesid, dbid, objtyp, textW, nameFromW(szContainerName), nameFromW(szObjectName), pvResult, cbMax, infoLevel)
}

// tableBuffer is the buffer of JetGetTableInfo.
func (cs charset) tableBuffer(c *engine.Cursor, p unsafe.Pointer, size, level C.uint32_t) ([]byte, error) {
	need, err := c.TableInfoSize(uint32(level))
	if err != nil {
		return nil, err
	}
	if cs == textW && (level == C.JET_TblInfoName || level == C.JET_TblInfoTemplateTableName) {
		need *= 2
	}
	buffer, err := infoBuffer(p, size, need)
	if err == jet.ErrBufferTooSmall {
		// A temporary table, which has no other level, says it otherwise.
		if _, other := c.TableInfoSize(C.JET_TblInfoDbid); other != nil {
			err = jet.ErrInvalidParameter
		}
	}
	return buffer, err
}

// tableInfo answers JetGetTableInfo.
func (cs charset) tableInfo(s *engine.Session, c *engine.Cursor, p unsafe.Pointer, size, level C.uint32_t) error {
	buffer, err := cs.tableBuffer(c, p, size, level)
	if err != nil {
		return err
	}
	number := (*C.uint32_t)(p)
	switch level {
	case C.JET_TblInfoSpaceUsage, C.JET_TblInfoSpaceOwned, C.JET_TblInfoSpaceAvailable, C.JET_TblInfoSpaceOwnedLV, C.JET_TblInfoSpaceAvailableLV:
		return tableSpace(s, c, buffer, level)
	case C.JET_TblInfoRetrieveAndReserveAutoIncrement:
		return c.ReserveAutoIncrement(s, buffer)
	}
	info, err := c.TableInfo(s)
	if err != nil {
		return err
	}
	switch level {
	case C.JET_TblInfo:
		putObjectInfo(p, &info.Object)
	case C.JET_TblInfoName:
		if !cs.putName(buffer, info.Name) {
			return jet.ErrBufferTooSmall
		}
	case C.JET_TblInfoTemplateTableName:
		cs.putName(buffer, info.Template)
	case C.JET_TblInfoDbid:
		*number = C.uint32_t(info.Database)
	case C.JET_TblInfoSpaceAlloc:
		*(*[2]C.uint32_t)(p) = [2]C.uint32_t{C.uint32_t(info.Pages), C.uint32_t(info.Density)}
	case C.JET_TblInfoLVChunkMax:
		*number = C.uint32_t(info.LVChunkMax)
	case C.JET_TblInfoObjectId:
		*number = C.uint32_t(info.ObjectID)
	}
	return nil
}

// tableSpace stores numbers of pages.
func tableSpace(s *engine.Session, c *engine.Cursor, buffer []byte, level C.uint32_t) (err error) {
	var n uint32
	var space engine.SpaceInfo
	switch level {
	case C.JET_TblInfoSpaceUsage:
		if space, err = c.TableSpace(s); err != nil {
			return err
		}
		return putSpaceUsage(buffer, &space)
	case C.JET_TblInfoSpaceOwned:
		space, err = c.TableSpace(s)
		n = space.Owned
	case C.JET_TblInfoSpaceAvailable:
		n, err = c.TableAvailable(s)
	default:
		space, err = c.LongValueSpace(s)
		if n = space.Owned; level == C.JET_TblInfoSpaceAvailableLV {
			n = space.Available
		}
	}
	if err == nil {
		*(*uint32)(unsafe.Pointer(unsafe.SliceData(buffer))) = n
	}
	return err
}

// putSpaceUsage stores the result of JET_TblInfoSpaceUsage: owned and available pages, and behind them, if
// there is more room, the extents of both kinds (last page, number of pages), as many as go in, each list with
// an empty extent at its end.
func putSpaceUsage(buffer []byte, space *engine.SpaceInfo) error {
	const head, entry = 2, 2
	words := unsafe.Slice((*uint32)(unsafe.Pointer(unsafe.SliceData(buffer))), len(buffer)/4)
	if len(buffer) > 4*head && len(words) < head+2*entry {
		return jet.ErrBufferTooSmall
	}
	clear(buffer)
	words[0], words[1] = space.Owned, space.Available
	if words = words[head:]; len(words) == 0 {
		return nil
	}
	fill := func(list []engine.Extent, keep int) {
		for _, x := range list {
			if len(words) < entry+keep {
				break
			}
			words[0], words[1] = uint32(x.Last), x.Pages
			words = words[entry:]
		}
		words = words[entry:]
	}
	fill(space.OwnedExtents, 2*entry)
	fill(space.AvailableExtents, entry)
	return nil
}

//export esent_JetGetTableInfoA
func esent_JetGetTableInfoA(sesid C.JET_SESID, tableid C.JET_TABLEID, pvResult unsafe.Pointer, cbMax, infoLevel C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	return onCursor(sesid, tableid, func(s *engine.Session, c *engine.Cursor) error {
		return textA.tableInfo(s, c, pvResult, cbMax, infoLevel)
	})
}

//export esent_JetGetTableInfoW
func esent_JetGetTableInfoW(sesid C.JET_SESID, tableid C.JET_TABLEID, pvResult unsafe.Pointer, cbMax, infoLevel C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	return onCursor(sesid, tableid, func(s *engine.Session, c *engine.Cursor) error {
		return textW.tableInfo(s, c, pvResult, cbMax, infoLevel)
	})
}

//export esent_JetComputeStats
func esent_JetComputeStats(sesid C.JET_SESID, tableid C.JET_TABLEID) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	return onCursor(sesid, tableid, func(s *engine.Session, c *engine.Cursor) error { return c.ComputeStats(s) })
}
