package engine

import "esent/internal/jet"

// The info calls have levels: what is asked for, and so what is written to the caller's buffer (spec chapter 01, 13;
// api/constants.tsv). For each call there is a function that tells of a level how large the buffer must be, or that
// there is no such level; what there is to tell comes as Go values from the calls on cursors and sessions.

// Sizes of the structures of the info calls, in bytes.
const (
	sizeColumnDef    = 28
	sizeColumnBaseA  = 540
	sizeColumnList   = 80
	sizeIndexList    = 88
	sizeObjectInfo   = 40
	sizeObjectList   = 56
	sizeIndexCreate1 = 80
	sizeIndexCreate2 = 88
	sizeIndexCreate3 = 88
	sizeIndexID      = 20
	sizeLocaleName   = 170
	sizeSortID       = 16

	// SizeIndexListOld is the size of JET_INDEXLIST without columnidLCMapFlags: the least that is accepted.
	SizeIndexListOld = sizeIndexList - 4
)

// colInfoFlags are the flags in the level of JetGetColumnInfo and JetGetTableColumnInfo.
const colInfoFlags = 0xF0000000

// ColumnInfoSize is the least size of the buffer of JetGetColumnInfo and JetGetTableColumnInfo on a level, of which
// flags count for nothing. ErrFeatureNotAvailable, ErrInvalidParameter: no such level.
func ColumnInfoSize(level uint32) (int, error) {
	switch level &^ colInfoFlags {
	case jet.ColInfo, jet.ColInfoByColid:
		return sizeColumnDef, nil
	case jet.ColInfoBase, jet.ColInfoBaseByColid:
		return sizeColumnBaseA, nil
	case jet.ColInfoList, jet.ColInfoListCompact, jet.ColInfoListSortColumnid:
		return sizeColumnList, nil
	case jet.ColInfoSysTabCursor:
		return 0, jet.ErrFeatureNotAvailable
	}
	return 0, jet.ErrInvalidParameter
}

// IndexInfoSize is the least size of the buffer of JetGetIndexInfo and JetGetTableIndexInfo on a level.
// ErrFeatureNotAvailable, ErrInvalidParameter: no such level.
func IndexInfoSize(level uint32) (int, error) {
	switch level {
	case jet.IdxInfo, jet.IdxInfoList:
		return SizeIndexListOld, nil
	case jet.IdxInfoSpaceAlloc, jet.IdxInfoCount, jet.IdxInfoSpaceOwned, jet.IdxInfoSpaceAvailable, jet.IdxInfoSortVersion,
		jet.IdxInfoDefinedSortVersion:
		return 4, nil
	case jet.IdxInfoLCID, jet.IdxInfoVarSegMac, jet.IdxInfoKeyMost:
		return 2, nil
	case jet.IdxInfoIndexId:
		return sizeIndexID, nil
	case jet.IdxInfoCreateIndex:
		return sizeIndexCreate1, nil
	case jet.IdxInfoCreateIndex2:
		return sizeIndexCreate2, nil
	case jet.IdxInfoCreateIndex3:
		return sizeIndexCreate3, nil
	case jet.IdxInfoLocaleName:
		return sizeLocaleName, nil
	case jet.IdxInfoSortId:
		return sizeSortID, nil
	case jet.IdxInfoSysTabCursor, jet.IdxInfoOLC, jet.IdxInfoResetOLC:
		return 0, jet.ErrFeatureNotAvailable
	}
	return 0, jet.ErrInvalidParameter
}

// ObjectInfoSize is the least size of the buffer of JetGetObjectInfo on a level. ErrFeatureNotAvailable,
// ErrInvalidParameter: no such level.
func ObjectInfoSize(level uint32) (int, error) {
	switch level {
	case jet.ObjInfo, jet.ObjInfoNoStats:
		return sizeObjectInfo, nil
	case jet.ObjInfoList, jet.ObjInfoListNoStats:
		return sizeObjectList, nil
	case jet.ObjInfoSysTabCursor, jet.ObjInfoSysTabReadOnly, jet.ObjInfoListACM, jet.ObjInfoRulesLoaded:
		return 0, jet.ErrFeatureNotAvailable
	}
	return 0, jet.ErrInvalidParameter
}
