package catalog

import (
	"encoding/binary"

	"esent/internal/engine/record"
	"esent/internal/jet"
)

// RowType says what a catalog row is about.
type RowType uint16

// The row types.
const (
	RowTable     RowType = 1
	RowColumn    RowType = 2
	RowIndex     RowType = 3
	RowLongValue RowType = 4
	RowCallback  RowType = 5
)

// Row is one row of the catalog (spec chapter 03, 13.1). Optional columns are NULL when they are zero or empty.
type Row struct {
	ObjidTable jet.ObjID
	Type       RowType
	// ID is the object id of a tree, or a column's id without the template bit.
	ID uint32
	// ColtypOrPgno is a column's type (0: deleted) or a tree's root page.
	ColtypOrPgno uint32
	// SpaceUsage is a column's greatest length (0: no limit) or a tree's density.
	SpaceUsage uint32
	Flags      uint32
	// PagesOrLocale is a table's initial pages (0: one), a column's code page, an old index's LCID.
	PagesOrLocale uint32
	// Root marks table rows.
	Root bool
	// RecordOffset is the place of a fixed column.
	RecordOffset uint16
	LCMapFlags   uint32
	HasLCMap     bool
	KeyMost      uint16
	LVChunkMax   uint32
	// LastSetTime is when the root page was set: 100 ns since 1601.
	LastSetTime uint64

	Name          string // code page 1252
	Stats         []byte
	TemplateTable string // of a table; the name of the function of a callback
	DefaultValue  []byte
	KeyFldIDs     []byte
	VarSegMac     []byte
	Conditional   []byte
	TupleLimits   []byte
	Version       []byte
	SortID        []byte

	CallbackData         []byte
	CallbackDependencies []byte
	SeparateLV           []byte
	SpaceHints           []byte
	SpaceDeferredLVHints []byte
	LocaleName           []byte // UTF-16
}

// Key is the row's key in the clustered index.
func (r *Row) Key() rowKey { return makeRowKey(r.ObjidTable, r.Type, r.ID) }

// encode gives the record, which is valid until the buffer is used again. Fixed and variable columns go only as far
// as the highest that has a value.
func (r *Row) encode(b *record.Buffer) ([]byte, error) {
	b.LoadInsert()
	e := rowEncoder{b: b}
	e.u32(colObjidTable, uint32(r.ObjidTable))
	e.u16(colType, uint16(r.Type))
	e.u32(colID, r.ID)
	e.u32(colColtypOrPgnoFDP, r.ColtypOrPgno)
	e.u32(colSpaceUsage, r.SpaceUsage)
	e.u32(colFlags, r.Flags)
	e.u32(colPagesOrLocale, r.PagesOrLocale)
	if r.Root {
		e.bytes(colRootFlag, []byte{0xFF})
	}
	if r.RecordOffset != 0 {
		e.u16(colRecordOffset, r.RecordOffset)
	}
	if r.HasLCMap {
		e.u32(colLCMapFlags, r.LCMapFlags)
	}
	if r.KeyMost != 0 {
		e.u16(colKeyMost, r.KeyMost)
	}
	if r.LVChunkMax != 0 {
		e.u32(colLVChunkMax, r.LVChunkMax)
	}
	if r.LastSetTime != 0 {
		e.bytes(colPgnoFDPLastSetTime, binary.LittleEndian.AppendUint64(nil, r.LastSetTime))
	}
	e.bytes(colName, []byte(r.Name))
	e.bytes(colStats, r.Stats)
	e.bytes(colTemplateTable, []byte(r.TemplateTable))
	e.bytes(colDefaultValue, r.DefaultValue)
	e.bytes(colKeyFldIDs, r.KeyFldIDs)
	e.bytes(colVarSegMac, r.VarSegMac)
	e.bytes(colConditionalColumns, r.Conditional)
	e.bytes(colTupleLimits, r.TupleLimits)
	e.bytes(colVersion, r.Version)
	e.bytes(colSortID, r.SortID)
	e.bytes(colCallbackData, r.CallbackData)
	e.bytes(colCallbackDependencies, r.CallbackDependencies)
	e.bytes(colSeparateLV, r.SeparateLV)
	e.bytes(colSpaceHints, r.SpaceHints)
	e.bytes(colSpaceDeferredLVHints, r.SpaceDeferredLVHints)
	e.bytes(colLocaleName, r.LocaleName)
	return b.Bytes(), e.err
}

// rowEncoder sets columns until one fails.
type rowEncoder struct {
	b   *record.Buffer
	err error
}

func (e *rowEncoder) bytes(id jet.ColumnID, v []byte) {
	if len(v) == 0 || e.err != nil {
		return
	}
	_, e.err = e.b.Set(e.b.Schema().Column(id), 1, record.SetValue{Data: v}, 0)
}

func (e *rowEncoder) u32(id jet.ColumnID, v uint32) {
	e.bytes(id, binary.LittleEndian.AppendUint32(nil, v))
}

func (e *rowEncoder) u16(id jet.ColumnID, v uint16) {
	e.bytes(id, binary.LittleEndian.AppendUint16(nil, v))
}

// decodeRow reads a record of the catalog; nothing of it refers to rec. ErrCatalogCorrupted says that it is none.
func decodeRow(s *record.Schema, rec []byte) (*Row, error) {
	if err := s.Check(rec); err != nil {
		return nil, jet.ErrCatalogCorrupted.Errorf("catalog row: %v", err)
	}
	d := rowDecoder{s: s, rec: rec}
	r := &Row{
		ObjidTable:    jet.ObjID(d.number(colObjidTable, true)),
		Type:          RowType(d.number(colType, true)),
		ID:            uint32(d.number(colID, true)),
		ColtypOrPgno:  uint32(d.number(colColtypOrPgnoFDP, true)),
		SpaceUsage:    uint32(d.number(colSpaceUsage, true)),
		Flags:         uint32(d.number(colFlags, true)),
		PagesOrLocale: uint32(d.number(colPagesOrLocale, true)),
		Root:          d.number(colRootFlag, false) != 0,
		RecordOffset:  uint16(d.number(colRecordOffset, false)),
		KeyMost:       uint16(d.number(colKeyMost, false)),
		LVChunkMax:    uint32(d.number(colLVChunkMax, false)),
		LastSetTime:   d.number(colPgnoFDPLastSetTime, false),

		Name:          string(d.bytes(colName)),
		Stats:         d.bytes(colStats),
		TemplateTable: string(d.bytes(colTemplateTable)),
		DefaultValue:  d.bytes(colDefaultValue),
		KeyFldIDs:     d.bytes(colKeyFldIDs),
		VarSegMac:     d.bytes(colVarSegMac),
		Conditional:   d.bytes(colConditionalColumns),
		TupleLimits:   d.bytes(colTupleLimits),
		Version:       d.bytes(colVersion),
		SortID:        d.bytes(colSortID),

		CallbackData:         d.bytes(colCallbackData),
		CallbackDependencies: d.bytes(colCallbackDependencies),
		SeparateLV:           d.bytes(colSeparateLV),
		SpaceHints:           d.bytes(colSpaceHints),
		SpaceDeferredLVHints: d.bytes(colSpaceDeferredLVHints),
		LocaleName:           d.bytes(colLocaleName),
	}
	r.LCMapFlags = uint32(d.number(colLCMapFlags, false))
	r.HasLCMap = !d.null
	if d.err == nil && r.Name == "" {
		d.err = jet.ErrCatalogCorrupted.Errorf("catalog row without a name")
	}
	return r, d.err
}

// rowDecoder reads columns and keeps the first error.
type rowDecoder struct {
	s    *record.Schema
	rec  []byte
	null bool // the column read last is NULL
	err  error
}

func (d *rowDecoder) value(id jet.ColumnID) []byte {
	v, err := d.s.Get(d.rec, d.s.Column(id), 1)
	switch {
	case err != nil:
	case v.Separated || v.Compressed || v.Encrypted:
		err = jet.ErrCatalogCorrupted.Errorf("catalog column %d is not stored plainly", id)
	}
	if err != nil && d.err == nil {
		d.err = jet.ErrCatalogCorrupted.Errorf("%v", err)
	}
	d.null = v.Null || err != nil
	return v.Data
}

// bytes is a copy of a column's value, nil for NULL.
func (d *rowDecoder) bytes(id jet.ColumnID) []byte {
	if v := d.value(id); !d.null {
		return append([]byte{}, v...)
	}
	return nil
}

// number is a fixed column's value, 0 for NULL.
func (d *rowDecoder) number(id jet.ColumnID, required bool) uint64 {
	v := d.value(id)
	if d.null {
		if required && d.err == nil {
			d.err = jet.ErrCatalogCorrupted.Errorf("catalog column %d is NULL", id)
		}
		return 0
	}
	var b [8]byte
	copy(b[:], v)
	return binary.LittleEndian.Uint64(b[:])
}
