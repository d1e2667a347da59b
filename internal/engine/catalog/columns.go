package catalog

import (
	"sync"

	"esent/internal/engine/record"
	"esent/internal/jet"
)

// Column ids of MSysObjects (spec chapter 03, 13.1).
const (
	colObjidTable           jet.ColumnID = 1
	colType                 jet.ColumnID = 2
	colID                   jet.ColumnID = 3
	colColtypOrPgnoFDP      jet.ColumnID = 4
	colSpaceUsage           jet.ColumnID = 5
	colFlags                jet.ColumnID = 6
	colPagesOrLocale        jet.ColumnID = 7
	colRootFlag             jet.ColumnID = 8
	colRecordOffset         jet.ColumnID = 9
	colLCMapFlags           jet.ColumnID = 10
	colKeyMost              jet.ColumnID = 11
	colLVChunkMax           jet.ColumnID = 12
	colPgnoFDPLastSetTime   jet.ColumnID = 13
	colName                 jet.ColumnID = 128
	colStats                jet.ColumnID = 129
	colTemplateTable        jet.ColumnID = 130
	colDefaultValue         jet.ColumnID = 131
	colKeyFldIDs            jet.ColumnID = 132
	colVarSegMac            jet.ColumnID = 133
	colConditionalColumns   jet.ColumnID = 134
	colTupleLimits          jet.ColumnID = 135
	colVersion              jet.ColumnID = 136
	colSortID               jet.ColumnID = 137
	colCallbackData         jet.ColumnID = 256
	colCallbackDependencies jet.ColumnID = 257
	colSeparateLV           jet.ColumnID = 258
	colSpaceHints           jet.ColumnID = 259
	colSpaceDeferredLVHints jet.ColumnID = 260
	colLocaleName           jet.ColumnID = 261
)

// ownColumn is one column of the catalog itself.
type ownColumn struct {
	id     jet.ColumnID
	name   string
	coltyp uint8
	max    int
	flags  record.FieldFlags
}

// ownColumns are the catalog's columns in the order in which the rows about them are written (spec chapter 03, 14).
var ownColumns = []ownColumn{
	{colObjidTable, "ObjidTable", jet.ColtypLong, 4, record.FlagNotNull},
	{colType, "Type", jet.ColtypShort, 2, record.FlagNotNull},
	{colID, "Id", jet.ColtypLong, 4, record.FlagNotNull},
	{colName, "Name", jet.ColtypText, 255, record.FlagNotNull},
	{colColtypOrPgnoFDP, "ColtypOrPgnoFDP", jet.ColtypLong, 4, record.FlagNotNull},
	{colSpaceUsage, "SpaceUsage", jet.ColtypLong, 4, record.FlagNotNull},
	{colFlags, "Flags", jet.ColtypLong, 4, record.FlagNotNull},
	{colPagesOrLocale, "PagesOrLocale", jet.ColtypLong, 4, record.FlagNotNull},
	{colStats, "Stats", jet.ColtypBinary, 255, 0},
	{colRootFlag, "RootFlag", jet.ColtypBit, 1, 0},
	{colTemplateTable, "TemplateTable", jet.ColtypText, 255, 0},
	{colRecordOffset, "RecordOffset", jet.ColtypShort, 2, 0},
	{colDefaultValue, "DefaultValue", jet.ColtypBinary, 255, 0},
	{colKeyFldIDs, "KeyFldIDs", jet.ColtypBinary, 255, 0},
	{colVarSegMac, "VarSegMac", jet.ColtypBinary, 255, 0},
	{colConditionalColumns, "ConditionalColumns", jet.ColtypBinary, 255, 0},
	{colLCMapFlags, "LCMapFlags", jet.ColtypLong, 4, 0},
	{colKeyMost, "KeyMost", jet.ColtypUnsignedShort, 2, 0},
	{colTupleLimits, "TupleLimits", jet.ColtypBinary, 255, 0},
	{colVersion, "Version", jet.ColtypBinary, 255, 0},
	{colSortID, "SortID", jet.ColtypBinary, 255, 0},
	{colCallbackData, "CallbackData", jet.ColtypLongBinary, 0, 0},
	{colCallbackDependencies, "CallbackDependencies", jet.ColtypLongBinary, 0, 0},
	{colSeparateLV, "SeparateLV", jet.ColtypLongBinary, 0, 0},
	{colSpaceHints, "SpaceHints", jet.ColtypLongBinary, 0, 0},
	{colSpaceDeferredLVHints, "SpaceDeferredLVHints", jet.ColtypLongBinary, 0, 0},
	{colLocaleName, "LocaleName", jet.ColtypLongBinary, 0, 0},
	{colLVChunkMax, "LVChunkMax", jet.ColtypLong, 4, 0},
	{colPgnoFDPLastSetTime, "PgnoFDPLastSetTime", jet.ColtypDateTime, 8, 0},
}

// ownOffset is the RecordOffset in the rows about fixed columns of the catalog: a constant, not their place.
const ownOffset = 4

// ownRecordColumns are the catalog's columns as the record code wants them.
func ownRecordColumns() []record.Column {
	cols := make([]record.Column, len(ownColumns))
	for i, c := range ownColumns {
		cols[i] = record.Column{ID: c.id, FID: uint16(c.id), Name: c.name, Type: c.coltyp, Max: c.max, Flags: c.flags, Offset: ownOffset}
		if c.coltyp == jet.ColtypText {
			cols[i].CodePage = codePageANSI
		}
	}
	return cols
}

const (
	codePageANSI    = 1252
	codePageUnicode = 1200

	// ownKeyMost is the key limit of the catalog's indexes.
	ownKeyMost = 255
)

var rowSchemas sync.Map // page size → *record.Schema

// rowSchema is the layout of catalog records. It depends on nothing but the page size, whatever the rows that a
// database has about its catalog say.
func rowSchema(pageSize int) (*record.Schema, error) {
	if s, ok := rowSchemas.Load(pageSize); ok {
		return s.(*record.Schema), nil
	}
	s, err := record.NewSchema(ownRecordColumns(), record.Options{PageSize: pageSize, KeyMost: ownKeyMost, SumOffsets: true})
	if err != nil {
		return nil, err
	}
	rowSchemas.Store(pageSize, s)
	return s, nil
}
