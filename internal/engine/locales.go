package engine

import (
	"strconv"
	"strings"

	"esent/internal/engine/btree"
	"esent/internal/engine/catalog"
	"esent/internal/engine/key"
	"esent/internal/jet"
)

// Values of JET_paramEnableIndexChecking.
const indexCheckingOn = 1

// checkLocales looks at attach for indexes over Unicode text whose keys were made by another sort version than
// ours and that cannot even be read (key.ReadableSortVersion): they would be searched in vain (spec chapter 04, 10.2).
// JET_bitDbDeleteCorruptIndexes has them deleted, JET_bitDbDeleteUnicodeIndexes all Unicode indexes; then the result
// is WrnCorruptIndexDeleted. Errors: ErrPrimaryIndexCorrupted, ErrSecondaryIndexCorrupted.
func (d *Database) checkLocales(s *Session, grbit jet.Grbit) (jet.Err, error) {
	i := d.inst
	all := grbit&jet.BitDbDeleteUnicodeIndexes != 0
	if !all {
		if i.number(jet.ParamEnableIndexChecking) != indexCheckingOn && (d.readOnly || i.number(jet.ParamEnableIndexCleanup) == 0) {
			return 0, nil
		}
		counts, err := d.cat.LocaleCounts(s.trx)
		if err != nil || !anyOutdated(counts) {
			return 0, err
		}
	}
	tables, err := d.cat.Tables(s.trx)
	if err != nil {
		return 0, err
	}
	warning := jet.Err(0)
	for _, info := range tables {
		table, err := d.cat.TableByID(info.ObjID)
		if err != nil {
			return 0, err
		}
		deleted, err := d.checkTable(s, table, all, grbit&jet.BitDbDeleteCorruptIndexes != 0)
		table.Release()
		if err != nil {
			return 0, err
		}
		if deleted {
			warning = jet.WrnCorruptIndexDeleted
		}
	}
	return warning, nil
}

// anyOutdated says that MSysLocales counts an index of another sort version.
func anyOutdated(counts map[string]int32) bool {
	for k, n := range counts {
		_, hex, ok := strings.Cut(k, ",Ver=")
		if n <= 0 || !ok {
			continue
		}
		if v, err := strconv.ParseUint(hex, 16, 64); err != nil || !key.ReadableSortVersion(v) {
			return true
		}
	}
	return false
}

// checkTable judges the Unicode indexes of one table and deletes what is to be deleted.
func (d *Database) checkTable(s *Session, t *catalog.Table, all, remove bool) (deleted bool, err error) {
	schema := t.Schema()
	outdated := func(ix *catalog.Index) (bool, error) {
		if !ix.Flags.Has(key.FlagLocalizedText) || !all && key.ReadableSortVersion(ix.SortVersion) {
			return false, nil
		}
		if all {
			return true, nil
		}
		empty, err := isEmpty(s, ix.Tree)
		return !empty, err
	}
	if schema.Primary != nil && !all {
		bad, err := outdated(schema.Primary)
		if err != nil {
			return false, err
		}
		if bad {
			return false, jet.ErrPrimaryIndexCorrupted.Errorf("table %s of %s is sorted by another sort version", t.Name(), d.path)
		}
	}
	for _, ix := range schema.Indexes {
		bad, err := outdated(ix)
		switch {
		case err != nil:
			return deleted, err
		case !bad:
			continue
		case d.readOnly || !remove && !all:
			return deleted, jet.ErrSecondaryIndexCorrupted.Errorf("index %s of table %s of %s is sorted by another sort version", ix.Name, t.Name(), d.path)
		}
		if err := s.inTransaction(func() error { return t.DropIndex(s.trx, ix.Name) }); err != nil {
			return deleted, err
		}
		deleted = true
	}
	return deleted, nil
}

// isEmpty says that a tree has no entries that the session sees.
func isEmpty(s *Session, t *btree.Tree) (bool, error) {
	var c btree.Cursor
	c.Init(t)
	defer c.Reset()
	err := c.First(s.trx)
	if jet.CodeOf(err) == jet.ErrNoCurrentRecord {
		return true, nil
	}
	return false, err
}
