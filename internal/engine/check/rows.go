package check

import (
	"encoding/binary"

	"esent/internal/engine/record"
	"esent/internal/jet"
)

// The catalog and what is fixed of it (spec chapter 03, 13).
const (
	objidCatalog jet.ObjID = 2
	objidShadow  jet.ObjID = 3
	rootCatalog  jet.Pgno  = 4
	rootShadow   jet.Pgno  = 24

	rowTable    = 1
	rowColumn   = 2
	rowIndex    = 3
	rowLong     = 4
	rowCallback = 5
)

// Column ids of the catalog.
const (
	colObjidTable    = 1
	colType          = 2
	colID            = 3
	colColtypOrPgno  = 4
	colSpaceUsage    = 5
	colFlags         = 6
	colPagesOrLocale = 7
	colRootFlag      = 8
	colRecordOffset  = 9
	colLCMapFlags    = 10
	colKeyMost       = 11
	colLVChunkMax    = 12
	colLastSetTime   = 13
	colName          = 128
	colStats         = 129
	colTemplate      = 130
	colDefault       = 131
	colKeyFldIDs     = 132
	colVarSegMac     = 133
	colConditional   = 134
	colTupleLimits   = 135
	colVersion       = 136
	colSortID        = 137
	colCallbackData  = 256
	colLocaleName    = 261
)

// fixedTypes are the types of the catalog's fixed columns, by id from 1.
var fixedTypes = [...]uint8{jet.ColtypLong, jet.ColtypShort, jet.ColtypLong, jet.ColtypLong, jet.ColtypLong, jet.ColtypLong,
	jet.ColtypLong, jet.ColtypBit, jet.ColtypShort, jet.ColtypLong, jet.ColtypUnsignedShort, jet.ColtypLong, jet.ColtypDateTime}

// catalogColumns are the columns of the catalog itself, whatever its rows about itself say.
func catalogColumns() []record.Column {
	var cols []record.Column
	add := func(id int, coltyp uint8, size int, codePage uint16) {
		cols = append(cols, record.Column{ID: jet.ColumnID(id), FID: uint16(id), Type: coltyp, Max: size, CodePage: codePage})
	}
	for i, coltyp := range fixedTypes {
		add(i+1, coltyp, record.TypeSize(coltyp), 0)
	}
	for id := colName; id <= colSortID; id++ {
		if id == colName || id == colTemplate {
			add(id, jet.ColtypText, jet.CbColumnMost, codePageANSI)
		} else {
			add(id, jet.ColtypBinary, jet.CbColumnMost, 0)
		}
	}
	for id := colCallbackData; id <= colLocaleName; id++ {
		add(id, jet.ColtypLongBinary, 0, 0)
	}
	return cols
}

const (
	codePageANSI    = 1252
	codePageUnicode = 1200
)

// row is one row of the catalog. rec is the whole record; all other slices lie in it.
type row struct {
	rec           []byte
	pgno          jet.Pgno // where it was found
	table         jet.ObjID
	typ           uint16
	id            uint32
	coltypOrPgno  uint32
	spaceUsage    uint32
	flags         uint32
	pagesOrLocale uint32
	recordOffset  uint16
	lcMapFlags    uint32
	keyMost       uint16
	chunk         uint32
	name          string
	template      string
	defaultValue  []byte
	keyFldIDs     []byte
	varSegMac     []byte
	conditional   []byte
	tupleLimits   []byte
	version       []byte
	sortID        []byte
	locale        []byte
}

// parseRow reads a record of the catalog that passed Schema.Check, and keeps it.
func parseRow(s *record.Schema, rec []byte) (*row, error) {
	r := &row{rec: rec}
	var err error
	value := func(id jet.ColumnID) []byte {
		v, e := s.Get(rec, s.Column(id), 1)
		if e == nil && (v.Separated || v.Compressed || v.Encrypted) {
			e = jet.ErrCatalogCorrupted.Errorf("column %d is not stored plainly", id)
		}
		if e != nil && err == nil {
			err = e
		}
		return v.Data
	}
	number := func(id jet.ColumnID) uint32 {
		var b [4]byte
		copy(b[:], value(id))
		return binary.LittleEndian.Uint32(b[:])
	}
	for id := jet.ColumnID(colObjidTable); id <= colPagesOrLocale; id++ {
		if v, e := s.Get(rec, s.Column(id), 1); e != nil || v.Null {
			return nil, jet.ErrCatalogCorrupted.Errorf("column %d is missing", id)
		}
	}
	r.table, r.typ, r.id = jet.ObjID(number(colObjidTable)), uint16(number(colType)), number(colID)
	r.coltypOrPgno, r.spaceUsage, r.flags = number(colColtypOrPgno), number(colSpaceUsage), number(colFlags)
	r.pagesOrLocale, r.recordOffset, r.lcMapFlags = number(colPagesOrLocale), uint16(number(colRecordOffset)), number(colLCMapFlags)
	r.keyMost, r.chunk = uint16(number(colKeyMost)), number(colLVChunkMax)
	r.name, r.template, r.defaultValue = string(value(colName)), string(value(colTemplate)), value(colDefault)
	r.keyFldIDs, r.varSegMac, r.conditional = value(colKeyFldIDs), value(colVarSegMac), value(colConditional)
	r.tupleLimits, r.version, r.sortID = value(colTupleLimits), value(colVersion), value(colSortID)
	r.locale = value(colLocaleName)
	return r, err
}

// key is the row's key in the catalog.
func (r *row) key() (k [13]byte) {
	k[0], k[5], k[8] = 0x7F, 0x7F, 0x7F
	binary.BigEndian.PutUint32(k[1:], uint32(r.table)^1<<31)
	binary.BigEndian.PutUint16(k[6:], r.typ^1<<15)
	binary.BigEndian.PutUint32(k[9:], r.id^1<<31)
	return k
}

// sameRow compares two catalog records but for the statistics, which the shadow does not have.
func sameRow(s *record.Schema, a, b []byte) bool {
	if string(a) == string(b) {
		return true
	}
	same := func(id jet.ColumnID) bool {
		v, errA := s.Get(a, s.Column(id), 1)
		w, errB := s.Get(b, s.Column(id), 1)
		return errA == nil && errB == nil && v.Null == w.Null && string(v.Data) == string(w.Data)
	}
	for _, class := range [][]record.Column{s.Fixed, s.Var, s.Tagged} {
		for i := range class {
			if class[i].ID != colStats && !same(class[i].ID) {
				return false
			}
		}
	}
	return true
}
