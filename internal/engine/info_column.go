package engine

import (
	"encoding/binary"

	"esent/internal/engine/catalog"
	"esent/internal/engine/record"
	"esent/internal/jet"
)

// ColumnInfo is what the info calls tell of a column (JET_COLUMNDEF, JET_COLUMNBASE). Country and language are the
// same for all: InfoCountry and InfoLangID.
type ColumnInfo struct {
	ID       jet.ColumnID
	Type     uint32
	CodePage uint16
	Max      uint32
	Grbit    jet.Grbit
	// Table and Name are what JET_COLUMNBASE calls base table and column; a derived table's columns are its own.
	Table, Name string
	Default     []byte
}

// What all columns and indexes say of country and language.
const (
	InfoCountry = infoCountry
	InfoLangID  = infoLCID
)

// ColumnList is a temporary table of columns (JET_COLUMNLIST): its cursor, on the first row, the number of rows, and
// the ids of its columns.
type ColumnList struct {
	Cursor  *Cursor
	Records uint32

	PresentationOrder, ColumnName, ColumnID, Type, Country, LangID, CodePage, Collate, Max, Grbit, Default, BaseTable,
	BaseColumn, Definition jet.ColumnID
}

// ColumnInfo tells of one column: that with the id, if one is given, else the one named (JetGetTableColumnInfo on the
// levels JET_ColInfo, JET_ColInfoByColid, JET_ColInfoBase, JET_ColInfoBaseByColid; spec chapter 01, 13.5).
// ErrColumnNotFound, ErrInvalidName.
func (c *Cursor) ColumnInfo(s *Session, name string, id *jet.ColumnID) (ColumnInfo, error) {
	if err := c.enterLent(s); err != nil {
		return ColumnInfo{}, err
	}
	defer s.leave()
	if err := c.refuse(tempOther); err != nil {
		return ColumnInfo{}, err
	}
	return columnInfo(s, c.table, c.mode&modeUpdatable != 0, name, id)
}

// ColumnInfo tells of one column of a table (JetGetColumnInfo).
func (s *Session) ColumnInfo(t Thread, db uint32, table, name string, id *jet.ColumnID) (info ColumnInfo, err error) {
	err = s.withTable(t, db, table, func(c *Cursor) error {
		info, err = columnInfo(s, c.table, false, name, id)
		return err
	})
	return info, err
}

func columnInfo(s *Session, t *catalog.Table, updatable bool, name string, id *jet.ColumnID) (ColumnInfo, error) {
	sc := t.Schema()
	if id != nil {
		// By its id a column is found as long as its place is kept, dropped or not.
		col := placeOf(sc, *id)
		if col == nil {
			return ColumnInfo{}, jet.ErrColumnNotFound
		}
		return infoOf(t, col, updatable), nil
	}
	if name == "" {
		return ColumnInfo{}, jet.ErrColumnNotFound
	}
	name, err := objectName(name)
	if err != nil {
		return ColumnInfo{}, err
	}
	col := sc.ColumnByName(s.trx, name)
	if col == nil {
		return ColumnInfo{}, jet.ErrColumnNotFound
	}
	return infoOf(t, &col.Column, updatable), nil
}

// placeOf finds a column by its id, deleted ones among them.
func placeOf(sc *catalog.Schema, id jet.ColumnID) *record.Column {
	if c := sc.Record.Column(id); c != nil {
		return c
	}
	for _, c := range sc.Dropped {
		if c.ID == id {
			return &c.Column
		}
	}
	return nil
}

func infoOf(t *catalog.Table, c *record.Column, updatable bool) ColumnInfo {
	info := ColumnInfo{ID: c.ID, Type: uint32(c.Type), CodePage: c.CodePage, Max: uint32(c.Max), Table: t.Name(), Name: c.Name}
	switch c.Class() {
	case record.ClassFixed:
		info.Grbit = jet.BitColumnFixed
	case record.ClassTagged:
		info.Grbit = jet.BitColumnTagged
	}
	if updatable {
		info.Grbit |= jet.BitColumnUpdatable
	}
	for _, m := range columnFlags {
		if c.Flags&m.flag != 0 {
			info.Grbit |= m.grbit
		}
	}
	if c.Flags&record.FlagPlaceholder != 0 {
		info.Grbit |= jet.BitColumnRenameConvertToPrimaryIndexPlaceholder
	}
	if c.Flags&record.FlagDefault != 0 && c.Flags&record.FlagUserDefinedDefault == 0 {
		info.Default = c.Default
	}
	if t.ObjID == objidCatalog || t.ObjID == objidShadow {
		info.CodePage = codePageANSI // the catalog's own rows say so of all its columns
	}
	return info
}

// Object ids of the catalogs.
const (
	objidCatalog jet.ObjID = 2
	objidShadow  jet.ObjID = 3
)

// ColumnList lists a table's columns (JetGetTableColumnInfo on the levels JET_ColInfoList, JET_ColInfoListCompact and
// JET_ColInfoListSortColumnid, whose flags may stand beside; spec chapter 01, 13.5). wide asks for names in UTF-16.
func (c *Cursor) ColumnList(s *Session, level uint32, wide bool) (*ColumnList, error) {
	if err := c.enterLent(s); err != nil {
		return nil, err
	}
	defer s.leave()
	if err := c.refuse(tempOther); err != nil {
		return nil, err
	}
	return c.columnList(s, level, wide, c.mode&modeUpdatable != 0)
}

// ColumnList lists the columns of a table (JetGetColumnInfo).
func (s *Session) ColumnList(t Thread, db uint32, table string, level uint32, wide bool) (list *ColumnList, err error) {
	err = s.withTable(t, db, table, func(c *Cursor) error {
		list, err = c.columnList(s, level, wide, false)
		return err
	})
	return list, err
}

func (c *Cursor) columnList(s *Session, level uint32, wide, updatable bool) (*ColumnList, error) {
	compact := level&^colInfoFlags == jet.ColInfoListCompact || level&jet.ColInfoGrbitCompacting != 0
	byID := level&^colInfoFlags == jet.ColInfoListSortColumnid || level&jet.ColInfoGrbitSortByColumnid != 0
	defs := columnListDefs(wide, compact)
	l := s.newList(defs)
	sc := c.table.Schema()
	for _, col := range sc.VisibleColumns(s.trx) {
		if col.Inherited && (compact || level&jet.ColInfoGrbitNonDerivedColumnsOnly != 0) || compact && col.Flags&record.FlagPlaceholder != 0 {
			continue
		}
		info := infoOf(c.table, &col.Column, updatable)
		row := make([][]byte, len(defs))
		if byID {
			row[0] = long(uint32(info.ID))
		}
		row[1], row[2] = l.text(info.Name), long(uint32(info.ID))
		if level&jet.ColInfoGrbitMinimalInfo == 0 {
			row[3], row[4], row[5], row[6], row[7] = long(info.Type), short(InfoCountry), short(InfoLangID), short(info.CodePage), short(0)
			row[8], row[9], row[10] = long(info.Max), long(uint32(info.Grbit)), info.Default
			row[11], row[12] = l.text(info.Table), l.text(info.Name)
		}
		l.add(row)
	}
	cur, ids, err := l.finish()
	if err != nil {
		return nil, err
	}
	return &ColumnList{Cursor: cur, Records: uint32(len(l.rows)), PresentationOrder: ids[0], ColumnName: ids[1], ColumnID: ids[2], Type: ids[3],
		Country: ids[4], LangID: ids[5], CodePage: ids[6], Collate: ids[7], Max: ids[8], Grbit: ids[9], Default: ids[10],
		BaseTable: ids[11], BaseColumn: ids[12], Definition: ids[1]}, nil
}

// columnListDefs are the columns of a list of columns.
func columnListDefs(wide, compact bool) []ColumnDef {
	key := jet.Grbit(jet.BitColumnTTKey)
	value := uint32(jet.ColtypLongBinary)
	if compact {
		key, value = 0, jet.ColtypBinary
	}
	return []ColumnDef{
		{Type: jet.ColtypLong, Grbit: jet.BitColumnFixed | key}, listText(wide, key), listLong, listLong, listShort, listShort,
		listShort, listShort, listLong, listLong, {Type: value}, listText(wide, 0), listText(wide, 0),
	}
}

// Columns of lists.
var (
	listLong  = ColumnDef{Type: jet.ColtypLong, Grbit: jet.BitColumnFixed}
	listShort = ColumnDef{Type: jet.ColtypShort, Grbit: jet.BitColumnFixed}
	listDate  = ColumnDef{Type: jet.ColtypDateTime, Grbit: jet.BitColumnFixed}
)

func listText(wide bool, grbit jet.Grbit) ColumnDef {
	d := ColumnDef{Type: jet.ColtypText, Grbit: grbit}
	if wide {
		d.CodePage = codePageUnicode
	}
	return d
}

func long(v uint32) []byte  { return binary.LittleEndian.AppendUint32(nil, v) }
func short(v uint16) []byte { return binary.LittleEndian.AppendUint16(nil, v) }
