package catalog

import (
	"esent/internal/engine/btree"
	"esent/internal/engine/key"
	"esent/internal/engine/page"
	"esent/internal/engine/record"
	"esent/internal/engine/space"
	"esent/internal/engine/version"
	"esent/internal/jet"
)

// Sizes of the first extents of the catalog's trees, in pages (spec chapter 03, 11.2).
const (
	pagesCatalog     = 20
	pagesShadow      = 5
	pagesIndex       = 3
	densityCatalog   = 80
	flagsCatalogRoot = uint32(TableSystem | TableFixedDDL)
)

// CreateSystem makes the catalog of a new database, in which there is nothing but the database root (made by
// space.Manager.CreateRoot): both catalogs, their indexes and the rows about themselves, in one transaction (spec
// chapters 03, 14 and 05, 14.1). The session is in no transaction. When the database is marked as created,
// FinishSystem makes the other system tables.
func CreateSystem(s *version.Session, db *btree.DB, opt Options) (*Catalog, error) {
	c, err := newCatalog(db, opt)
	if err != nil {
		return nil, err
	}
	if err := inTrx(s, func() error { return c.bootstrap(s) }); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (c *Catalog) bootstrap(s *version.Session) error {
	for _, t := range []struct {
		tree   **btree.Tree
		parent **btree.Tree
		pages  uint32
		flags  page.Flags
		root   jet.Pgno
		objid  jet.ObjID
	}{
		{&c.main, nil, pagesCatalog, 0, rootCatalog, objidCatalog},
		{&c.shadow, nil, pagesShadow, 0, rootShadow, objidShadow},
		{&c.names, &c.main, pagesIndex, page.FlagIndex, rootName, objidName},
		{&c.roots, &c.main, pagesIndex, page.FlagIndex, rootRoots, objidRoots},
	} {
		var parent *btree.Tree
		if t.parent != nil {
			parent = *t.parent
		}
		tree, err := c.newTree(s, parent, space.TreeOptions{Pages: t.pages, Multiple: true, Flags: t.flags}, densityCatalog, &SpaceHints{})
		if err != nil {
			return err
		}
		if tree.Root != t.root || tree.ObjID != t.objid {
			return jet.ErrDatabaseCorrupted.Errorf("the catalog's tree %d would be at page %d", tree.ObjID, tree.Root)
		}
		*t.tree = tree
	}
	for _, r := range ownRows() {
		if err := c.insertRow(s, r); err != nil {
			return err
		}
	}
	return nil
}

// ownRows are the rows about the catalogs themselves, in the order in which they are written.
func ownRows() []*Row {
	var rows []*Row
	for _, t := range []struct {
		objid jet.ObjID
		root  jet.Pgno
		pages uint32
		name  string
	}{{objidCatalog, rootCatalog, pagesCatalog, nameCatalog}, {objidShadow, rootShadow, pagesShadow, nameShadow}} {
		rows = append(rows, &Row{ObjidTable: t.objid, Type: RowTable, ID: uint32(t.objid), ColtypOrPgno: uint32(t.root),
			SpaceUsage: densityCatalog, Flags: flagsCatalogRoot, PagesOrLocale: t.pages, Root: true, Name: t.name})
		for _, c := range ownColumns {
			r := &Row{ObjidTable: t.objid, Type: RowColumn, ID: uint32(c.id), ColtypOrPgno: uint32(c.coltyp),
				SpaceUsage: uint32(c.max), Flags: uint32(c.flags), PagesOrLocale: codePageANSI, Name: c.name}
			if record.ClassOf(uint16(c.id)) == record.ClassFixed {
				r.RecordOffset = ownOffset
			}
			rows = append(rows, r)
		}
	}
	columns := func(ids ...jet.ColumnID) []byte {
		var list []segmentID
		for _, id := range ids {
			list = append(list, segmentID{id: id})
		}
		return appendSegments(nil, list)
	}
	const (
		flagsID    = key.FlagExtendedColumns | key.FlagNoNullSeg | key.FlagPrimary | key.FlagUnique
		flagsName  = key.FlagExtendedColumns | key.FlagNoNullSeg | key.FlagUnique
		flagsRoots = key.FlagExtendedColumns | key.FlagAllowSomeNulls | key.FlagUnique
	)
	for _, x := range []struct {
		table, objid jet.ObjID
		root         jet.Pgno
		name         string
		flags        key.Flags
		columns      []byte
	}{
		{objidCatalog, objidCatalog, rootCatalog, "Id", flagsID, columns(colObjidTable, colType, colID)},
		{objidShadow, objidShadow, rootShadow, "Id", flagsID, columns(colObjidTable, colType, colID)},
		{objidCatalog, objidName, rootName, "Name", flagsName, columns(colObjidTable, colType, colName)},
		{objidCatalog, objidRoots, rootRoots, "RootObjects", flagsRoots, columns(colRootFlag, colName)},
	} {
		rows = append(rows, &Row{ObjidTable: x.table, Type: RowIndex, ID: uint32(x.objid), ColtypOrPgno: uint32(x.root),
			SpaceUsage: densityCatalog, Flags: uint32(x.flags), LCMapFlags: key.DefaultMapFlags, HasLCMap: true, Name: x.name,
			KeyFldIDs: x.columns, LocaleName: utf16le(key.DefaultLocale)})
	}
	return rows
}
