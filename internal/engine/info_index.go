package engine

import (
	"esent/internal/engine/catalog"
	"esent/internal/engine/key"
	"esent/internal/jet"
)

// IndexInfo is what the info calls tell of an index (spec chapter 01, 13.6).
type IndexInfo struct {
	Name string
	ID   IndexID
	// Grbit are JET_bitIndex… as the lists of indexes report them; CreateGrbit as they stand in JET_INDEXCREATE.
	Grbit, CreateGrbit jet.Grbit
	Primary            bool
	Columns            []IndexColumnInfo
	Conditions         []IndexCondition
	Density            uint32
	KeyMost, VarSegMac uint32
	// Locale and MapFlags order Unicode text; LCID is the locale's number.
	Locale   string
	LCID     uint32
	MapFlags uint32
	// SortVersion and DefinedVersion are the halves of the sort version, 0 for an index without Unicode text.
	SortVersion, DefinedVersion uint32
	SortID                      key.SortID
	Tuple                       *key.TupleLimits
	Hints                       SpaceHints
}

// IndexColumnInfo is one column of an index' key.
type IndexColumnInfo struct {
	ColumnInfo
	Descending bool
}

// KeyText is the definition of the key as JET_INDEXCREATE has it, with its NULs.
func (i *IndexInfo) KeyText() []byte {
	var text []byte
	for _, c := range i.Columns {
		if c.Grbit&jet.BitColumnRenameConvertToPrimaryIndexPlaceholder != 0 {
			continue
		}
		sign := byte('+')
		if c.Descending {
			sign = '-'
		}
		text = append(append(append(text, sign), c.Name...), 0)
	}
	return append(text, 0)
}

// IndexList is a temporary table with a row for each column of each index (JET_INDEXLIST): its cursor, on the first
// row, the number of rows, and the ids of its columns.
type IndexList struct {
	Cursor  *Cursor
	Records uint32

	IndexName, GrbitIndex, Keys, Entries, Pages, ColumnCount, ColumnNumber, ColumnID, Type, Country, LangID, CodePage,
	Collate, GrbitColumn, ColumnName, MapFlags jet.ColumnID
}

// IndexInfo tells of one index (JetGetTableIndexInfo on the levels about one index). ErrIndexNotFound, also for an
// empty name; ErrInvalidName.
func (c *Cursor) IndexInfo(s *Session, name string) (*IndexInfo, error) {
	if err := c.enterLent(s); err != nil {
		return nil, err
	}
	defer s.leave()
	if err := c.refuse(tempOther); err != nil {
		return nil, err
	}
	ix, err := c.indexNamed(s, name)
	if err != nil {
		return nil, err
	}
	return indexInfo(c.table, ix), nil
}

// IndexInfo tells of one index of a table (JetGetIndexInfo).
func (s *Session) IndexInfo(t Thread, db uint32, table, name string) (info *IndexInfo, err error) {
	err = s.withTable(t, db, table, func(c *Cursor) error {
		ix, err := c.indexNamed(s, name)
		if err == nil {
			info = indexInfo(c.table, ix)
		}
		return err
	})
	return info, err
}

// indexNamed finds an index that the session may use.
func (c *Cursor) indexNamed(s *Session, name string) (*catalog.Index, error) {
	if name == "" {
		return nil, jet.ErrIndexNotFound
	}
	name, err := objectName(name)
	if err != nil {
		return nil, err
	}
	ix := c.schema().IndexByName(s.trx, name)
	if ix == nil {
		return nil, jet.ErrIndexNotFound
	}
	return ix, nil
}

func indexInfo(t *catalog.Table, ix *catalog.Index) *IndexInfo {
	info := &IndexInfo{Name: ix.Name, ID: IndexID{ObjID: ix.ObjID, Root: ix.Tree.Root}, Grbit: grbitOf(ix), Primary: ix.Primary(),
		Density: uint32(ix.Density), KeyMost: uint32(ix.Def.KeyMost), VarSegMac: uint32(ix.Def.VarSegMac), Locale: ix.Locale,
		LCID: lcidOf(ix.Locale), MapFlags: ix.MapFlags, SortVersion: uint32(ix.SortVersion >> 32),
		DefinedVersion: uint32(ix.SortVersion), SortID: ix.SortID, Tuple: ix.Def.Tuple, Hints: hintsOf(ix.Hints)}
	if info.VarSegMac == 0 {
		info.VarSegMac = info.KeyMost
	}
	info.Hints.InitialDensity = info.Density
	info.CreateGrbit = info.Grbit | jet.BitIndexUnicode
	if ix.Def.Tuple != nil {
		info.CreateGrbit |= jet.BitIndexTupleLimits
	}
	for _, c := range ix.Columns {
		info.Columns = append(info.Columns, IndexColumnInfo{infoOf(t, c.Column, false), c.Descending})
	}
	for _, c := range ix.Conditions {
		cond := IndexCondition{Column: c.Name, Grbit: jet.BitIndexColumnMustBeNonNull}
		if c.MustBeNull {
			cond.Grbit = jet.BitIndexColumnMustBeNull
		}
		info.Conditions = append(info.Conditions, cond)
	}
	return info
}

// grbitOf is the inverse of key.FlagsFromGrbit (spec chapter 03, 13.5).
func grbitOf(ix *catalog.Index) jet.Grbit {
	var g jet.Grbit
	for _, m := range []struct {
		flag  key.Flags
		grbit jet.Grbit
	}{
		{key.FlagPrimary, jet.BitIndexPrimary}, {key.FlagUnique, jet.BitIndexUnique},
		{key.FlagCrossProduct, jet.BitIndexCrossProduct}, {key.FlagNestedTable, jet.BitIndexNestedTable},
		{key.FlagDotNetGUID, jet.BitIndexDotNetGuid}, {key.FlagDeferredPopulate, jet.BitIndexDeferredPopulateCreate},
		{key.FlagDisallowTruncation, jet.BitIndexDisallowTruncation},
	} {
		if ix.Flags.Has(m.flag) {
			g |= m.grbit
		}
	}
	if ix.Def.Tuple != nil {
		g |= jet.BitIndexTuples
	}
	if ix.Def.KeyMost > key.KeyMostDefault {
		g |= jet.BitIndexKeyMost
	}
	if ix.Flags.Has(key.FlagNoNullSeg) {
		return g | jet.BitIndexDisallowNull
	}
	for _, m := range []struct {
		allow key.Flags
		grbit jet.Grbit
	}{
		{key.FlagAllowAllNulls, jet.BitIndexIgnoreNull}, {key.FlagAllowFirstNull, jet.BitIndexIgnoreFirstNull},
		{key.FlagAllowSomeNulls, jet.BitIndexIgnoreAnyNull},
	} {
		if !ix.Flags.Has(m.allow) {
			g |= m.grbit
		}
	}
	if ix.Flags.Has(key.FlagSortNullsHigh) {
		g |= jet.BitIndexSortNullsHigh
	}
	return g
}

// IndexCount is the number of the table's indexes, one at least (JetGetTableIndexInfo on the level JET_IdxInfoCount).
func (c *Cursor) IndexCount(s *Session) (uint32, error) {
	if err := c.enterLent(s); err != nil {
		return 0, err
	}
	defer s.leave()
	if err := c.refuse(tempOther); err != nil {
		return 0, err
	}
	return c.indexCount(s), nil
}

// IndexCount is the number of a table's indexes (JetGetIndexInfo).
func (s *Session) IndexCount(t Thread, db uint32, table string) (n uint32, err error) {
	err = s.withTable(t, db, table, func(c *Cursor) error {
		n = c.indexCount(s)
		return nil
	})
	return n, err
}

func (c *Cursor) indexCount(s *Session) uint32 {
	n := uint32(1) // primary, or the sequence
	for _, ix := range c.schema().Indexes {
		if ix.VisibleTo(s.trx) {
			n++
		}
	}
	return n
}

// IndexList lists the columns of one index or, without a name, of all (JetGetTableIndexInfo on the levels JET_IdxInfo
// and JET_IdxInfoList). wide asks for names in UTF-16.
func (c *Cursor) IndexList(s *Session, name string, wide bool) (*IndexList, error) {
	if err := c.enterLent(s); err != nil {
		return nil, err
	}
	defer s.leave()
	if err := c.refuse(tempOther); err != nil {
		return nil, err
	}
	return c.indexList(s, name, wide)
}

// IndexList lists the columns of one index of a table, or of all (JetGetIndexInfo).
func (s *Session) IndexList(t Thread, db uint32, table, name string, wide bool) (list *IndexList, err error) {
	err = s.withTable(t, db, table, func(c *Cursor) error {
		list, err = c.indexList(s, name, wide)
		return err
	})
	return list, err
}

func (c *Cursor) indexList(s *Session, name string, wide bool) (*IndexList, error) {
	indexes := c.schema().VisibleIndexes(s.trx)
	if name != "" {
		ix, err := c.indexNamed(s, name)
		if err != nil {
			return nil, err
		}
		indexes = []*catalog.Index{ix}
	}
	numbered := listLong
	numbered.Grbit |= jet.BitColumnTTKey
	defs := []ColumnDef{
		listText(wide, jet.BitColumnTTKey), listLong, listLong, listLong, listLong, listLong, numbered, listLong, listLong,
		listShort, listShort, listShort, listShort, listLong, listText(wide, 0), listLong,
	}
	l := s.newList(defs)
	for _, ix := range indexes {
		info := indexInfo(c.table, ix)
		mapFlags := info.MapFlags
		if !ix.Flags.Has(key.FlagLocalizedText) {
			mapFlags = 0 // although the catalog has some for every index
		}
		stats, err := c.stats(s, ix)
		if err != nil {
			return nil, err
		}
		for i, col := range info.Columns {
			var descending uint32
			if col.Descending {
				descending = 1 // JET_bitKeyDescending
			}
			l.add([][]byte{
				l.text(info.Name), long(uint32(info.Grbit)), long(stats.Keys), long(stats.Entries), long(stats.Pages),
				long(uint32(len(info.Columns))), long(uint32(i)), long(uint32(col.ID)), long(col.Type), short(InfoCountry),
				short(langIDOf(info.LCID)), short(col.CodePage), short(0), long(descending), l.text(col.Name), long(mapFlags),
			})
		}
	}
	cur, ids, err := l.finish()
	if err != nil {
		return nil, err
	}
	return &IndexList{Cursor: cur, Records: uint32(len(l.rows)), IndexName: ids[0], GrbitIndex: ids[1], Keys: ids[2], Entries: ids[3], Pages: ids[4],
		ColumnCount: ids[5], ColumnNumber: ids[6], ColumnID: ids[7], Type: ids[8], Country: ids[9], LangID: ids[10],
		CodePage: ids[11], Collate: ids[12], GrbitColumn: ids[13], ColumnName: ids[14], MapFlags: ids[15]}, nil
}
