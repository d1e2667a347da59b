package check

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"

	"esent/internal/engine/dbfile"
	"esent/internal/engine/key"
	"esent/internal/engine/lv"
	"esent/internal/engine/page"
	"esent/internal/engine/record"
	"esent/internal/jet"
)

// checkTrees visits the system root, the catalog, and every tree that the catalog names.
func (c *checker) checkTrees() {
	system := &tree{root: rootSystem, objid: objidSystem, report: &TreeReport{Name: "system root"}}
	c.open(system)
	c.walkTree(system, func(pgno jet.Pgno, _ *page.Node) {
		c.violate(KindStructure, pgno, system, "the root has lines")
	})
	catalog := &tree{root: rootCatalog, objid: objidCatalog, parent: system, report: &TreeReport{Name: "MSysObjects"}}
	c.open(catalog)
	tables, list := c.loadCatalog(catalog)
	c.tables = list
	for _, tb := range list {
		c.openTable(tb, system, catalog)
	}
	for _, tb := range list {
		if c.stop != nil {
			return
		}
		c.checkTable(tb)
	}
	if tables[objidCatalog] == nil {
		c.walkTree(catalog, func(jet.Pgno, *page.Node) {})
	}
	c.checkShadow(tables)
	c.checkObjectIDs(list)
	c.checkLocales(list)
}

// loadCatalog reads the rows of the catalog and gives its tables by object id, and in order. The tree is visited as a
// table later; here its leaves are read without a word.
func (c *checker) loadCatalog(t *tree) (tables map[jet.ObjID]*table, list []*table) {
	tables = map[jet.ObjID]*table{}
	layout, err := record.NewSchema(catalogColumns(), record.Options{PageSize: c.size, KeyMost: key.KeyMostDefault, SumOffsets: true})
	if err != nil {
		c.violate(KindCatalog, 0, t, "%v", err)
		return tables, nil
	}
	c.layout = layout
	var orphans []*row
	c.leaves(t, eachNode(func(pgno jet.Pgno, k []byte, n *page.Node) {
		if layout.Check(n.Data) != nil {
			return // to be reported as a record
		}
		r, err := parseRow(layout, bytes.Clone(n.Data))
		if err != nil {
			c.violate(KindCatalog, pgno, t, "row % x: %v", k, err)
			return
		}
		r.pgno = pgno
		if want := r.key(); !bytes.Equal(k, want[:]) {
			c.violate(KindCatalog, pgno, t, "row % x is under the key % x", want, k)
		}
		if r.name == "" {
			c.violate(KindCatalog, pgno, t, "row % x has no name", k)
		}
		c.rows = append(c.rows, r)
		if r.typ == rowTable {
			if tables[r.table] == nil && jet.ObjID(r.id) == r.table {
				tb := &table{objid: r.table, row: r}
				tables[r.table] = tb
				list = append(list, tb)
				return
			}
			c.violate(KindCatalog, pgno, t, "the row of table %q has the ids %d and %d", r.name, r.table, r.id)
			return
		}
		orphans = append(orphans, r)
	}))
	for _, r := range orphans {
		if tb := tables[r.table]; tb != nil {
			c.addRow(tb, r, t)
		} else {
			c.violate(KindCatalog, r.pgno, t, "%q, type %d, is of table %d, which does not exist", r.name, r.typ, r.table)
		}
	}
	for _, id := range []jet.ObjID{objidCatalog, objidShadow} {
		if tables[id] == nil {
			c.violate(KindCatalog, 0, t, "the row of table %d is missing", id)
		}
	}
	return tables, list
}

func (c *checker) addRow(tb *table, r *row, t *tree) {
	switch r.typ {
	case rowColumn:
		col, err := tb.column(r)
		if err != nil {
			c.violate(KindCatalog, r.pgno, t, "column %q of %q: %v", r.name, tb.row.name, err)
			return
		}
		tb.columns = append(tb.columns, col)
	case rowIndex:
		tb.indexRow = append(tb.indexRow, r)
	case rowLong:
		if tb.longRow != nil {
			c.violate(KindCatalog, r.pgno, t, "%q has two trees of long values", tb.row.name)
			return
		}
		tb.longRow = r
	case rowCallback:
	default:
		c.violate(KindCatalog, r.pgno, t, "%q has the type %d", r.name, r.typ)
	}
}

// openTable makes the schema of a table and opens its trees.
func (c *checker) openTable(tb *table, system, catalog *tree) {
	r := tb.row
	if tb.objid == objidCatalog {
		tb.tree = catalog
	} else {
		tb.tree = &tree{root: jet.Pgno(r.coltypOrPgno), objid: tb.objid, parent: system, report: &TreeReport{Name: r.name}}
		c.open(tb.tree)
	}
	fixed := map[jet.ObjID]jet.Pgno{objidCatalog: rootCatalog, objidShadow: rootShadow}
	if want := fixed[tb.objid]; want != 0 && jet.Pgno(r.coltypOrPgno) != want {
		c.violate(KindCatalog, r.pgno, catalog, "%q has its root at page %d, should be %d", r.name, r.coltypOrPgno, want)
	}
	if lr := tb.longRow; lr != nil {
		tb.long = &values{chunk: lv.ChunkSize(c.size), tree: &tree{root: jet.Pgno(lr.coltypOrPgno), objid: jet.ObjID(lr.id),
			flags: page.FlagLongValue, parent: tb.tree, report: &TreeReport{Name: r.name + " (long values)"}}}
		if r.chunk != 0 {
			tb.long.chunk = int(r.chunk)
		}
		if tb.long.chunk <= 0 || tb.long.chunk > c.size {
			c.violate(KindCatalog, r.pgno, catalog, "%q has chunks of %d bytes", r.name, tb.long.chunk)
			tb.long.chunk = lv.ChunkSize(c.size)
		}
		c.open(tb.long.tree)
	}
	if r.template != "" {
		if tb.template = c.byName(r.template); tb.template == nil || !tb.template.isTemplate() {
			c.violate(KindCatalog, r.pgno, catalog, "%q is derived from %q, which is no template", r.name, r.template)
		}
	}
	if err := tb.makeSchema(c.size); err != nil {
		c.violate(KindCatalog, r.pgno, catalog, "the columns of %q: %v", r.name, err)
	}
	for _, ir := range tb.indexRow {
		c.openIndex(tb, ir, catalog)
	}
}

func (c *checker) openIndex(tb *table, r *row, catalog *tree) {
	name := fmt.Sprintf("%s.%s", tb.row.name, r.name)
	primary := key.Flags(r.flags).Has(key.FlagPrimary)
	var ix *index
	var err error
	if tb.schema != nil {
		ix, err = tb.makeIndex(r)
	}
	if err != nil {
		c.violate(KindCatalog, r.pgno, catalog, "index %s: %v", name, err)
	}
	if ix == nil {
		ix = &index{row: r, flags: key.Flags(r.flags), compare: compareNothing}
	}
	if primary {
		if tb.primary != nil || jet.ObjID(r.id) != tb.objid || r.coltypOrPgno != tb.row.coltypOrPgno {
			c.violate(KindCatalog, r.pgno, catalog, "index %s is not the table's tree", name)
			return
		}
		ix.tree = tb.tree
		tb.primary = ix
		return
	}
	ix.tree = &tree{root: jet.Pgno(r.coltypOrPgno), objid: jet.ObjID(r.id), flags: ix.treeFlags(), parent: tb.tree,
		report: &TreeReport{Name: name}}
	c.open(ix.tree)
	tb.indexes = append(tb.indexes, ix)
}

// byName finds a table by its name in any case, nil when there is none.
func (c *checker) byName(name string) *table {
	for _, tb := range c.tables {
		if strings.EqualFold(tb.row.name, name) {
			return tb
		}
	}
	return nil
}

// checkTable visits all trees of a table.
func (c *checker) checkTable(tb *table) {
	if tb.long != nil {
		c.checkLong(tb.long)
	}
	var each func(pgno jet.Pgno, rec []byte)
	switch tb.row.name {
	case nameObjectIDs:
		each = func(_ jet.Pgno, rec []byte) { c.noteObjectID(tb, rec) }
	case nameLocales:
		each = func(_ jet.Pgno, rec []byte) { c.noteLocale(tb, rec) }
	}
	switch {
	case tb.objid == objidShadow:
		c.readShadow(tb)
	case tb.schema != nil:
		c.checkRecords(tb, each)
	default:
		c.walkTree(tb.tree, func(jet.Pgno, *page.Node) {})
	}
	c.checkRefs(tb)
	for _, ix := range tb.indexes {
		if c.stop == nil {
			c.checkEntries(tb, ix)
		}
	}
}

// readShadow visits the shadow catalog and keeps its records.
func (c *checker) readShadow(tb *table) {
	if tb.schema == nil {
		return
	}
	c.shadow = map[string][]byte{}
	c.walkTree(tb.tree, func(pgno jet.Pgno, n *page.Node) {
		c.report.Records++
		k := n.AppendKey(nil)
		if err := tb.schema.Check(n.Data); err != nil {
			c.violate(KindRecord, pgno, tb.tree, "record % x: %v", k, err)
			return
		}
		c.shadow[string(k)] = bytes.Clone(n.Data)
	})
}

// checkShadow compares the shadow catalog with the catalog. It does not have statistics, and keeps the rows of
// deleted columns (spec chapter 03, 13.2).
func (c *checker) checkShadow(tables map[jet.ObjID]*table) {
	tb := tables[objidShadow]
	if tb == nil || c.layout == nil {
		return
	}
	if c.header.DBFlags&dbfile.DBFlagShadowingOff != 0 {
		c.violate(KindShadowOff, 0, tb.tree, "the shadow catalog is switched off")
		return
	}
	if tb.tree.broken || tables[objidCatalog] == nil || tables[objidCatalog].tree.broken {
		return
	}
	for _, r := range c.rows {
		k := r.key()
		rec, ok := c.shadow[string(k[:])]
		switch {
		case !ok:
			c.violate(KindShadow, r.pgno, tb.tree, "%q, row % x, is missing", r.name, k)
		case !sameRow(c.layout, r.rec, rec):
			c.violate(KindShadow, r.pgno, tb.tree, "%q, row % x, differs", r.name, k)
		}
		delete(c.shadow, string(k[:]))
	}
	for _, k := range slices.Sorted(maps.Keys(c.shadow)) {
		r, err := parseRow(c.layout, c.shadow[k])
		if err != nil || r.typ != rowColumn || r.coltypOrPgno != jet.ColtypNil {
			c.violate(KindShadow, 0, tb.tree, "row % x is not in the catalog", k)
		}
	}
}

// Names of system tables, and of their columns by id (spec chapter 03, 14 and 15).
const (
	nameObjectIDs = "MSysObjids"
	nameLocales   = "MSysLocales"

	colObjidsObjid = 256
	colObjidsTable = 257
	colObjidsType  = 258

	colKVPKey   = 128
	colKVPType  = 1
	colKVPValue = 2
	kvpLong     = 2
)

// object is a row of MSysObjids.
type object struct {
	table uint32
	typ   uint32
}

// number reads an integer column; 0 for NULL.
func (tb *table) number(rec []byte, id jet.ColumnID) uint32 {
	col := tb.schema.Column(id)
	if col == nil {
		return 0
	}
	v, err := tb.schema.Get(rec, col, 1)
	if err != nil {
		return 0
	}
	var b [4]byte
	copy(b[:], v.Data)
	return binary.LittleEndian.Uint32(b[:])
}

func (c *checker) noteObjectID(tb *table, rec []byte) {
	c.objects[tb.number(rec, colObjidsObjid)] = object{tb.number(rec, colObjidsTable), tb.number(rec, colObjidsType)}
}

// checkObjectIDs compares MSysObjids, where there is one, with the catalog: a row for each tree.
func (c *checker) checkObjectIDs(list []*table) {
	var ids *table
	for _, tb := range list {
		if tb.row.name == nameObjectIDs {
			ids = tb
		}
	}
	if ids == nil || ids.schema == nil || ids.tree.broken {
		return
	}
	for _, r := range c.rows {
		if r.typ != rowTable && r.typ != rowLong && (r.typ != rowIndex || key.Flags(r.flags).Has(key.FlagPrimary)) {
			continue
		}
		o, ok := c.objects[r.id]
		switch {
		case !ok:
			c.violate(KindObjectIDs, r.pgno, ids.tree, "object %d, %q, is missing", r.id, r.name)
		case o.table != uint32(r.table) || o.typ != uint32(r.typ):
			c.violate(KindObjectIDs, r.pgno, ids.tree, "object %d is of table %d and type %d, in the catalog of table %d and type %d",
				r.id, o.table, o.typ, r.table, r.typ)
		}
		delete(c.objects, r.id)
	}
	for _, id := range slices.Sorted(maps.Keys(c.objects)) {
		c.violate(KindObjectIDs, 0, ids.tree, "object %d of table %d is not in the catalog", id, c.objects[id].table)
	}
}

func (c *checker) noteLocale(tb *table, rec []byte) {
	col := tb.schema.Column(colKVPKey)
	if col == nil || tb.number(rec, colKVPType) != kvpLong {
		return
	}
	if v, err := tb.schema.Get(rec, col, 1); err == nil && !v.Null {
		c.locales[strings.ToLower(strings.TrimRight(fromUTF16(v.Data), "\x00"))] = tb.number(rec, colKVPValue)
	}
}

// checkLocales makes sure that MSysLocales, where it is complete, counts the sort version of every Unicode index. It
// may count too many: it is not told of all that are deleted (spec chapter 03, 15).
func (c *checker) checkLocales(list []*table) {
	if c.locales["msyslocalesconsistent"] == 0 {
		return
	}
	used := map[string]uint32{}
	var order []*row
	for _, tb := range list {
		for _, r := range tb.indexRow {
			if !key.Flags(r.flags).Has(key.FlagLocalizedText) || len(r.version) != 8 {
				continue
			}
			if used[localeKey(r)] == 0 {
				order = append(order, r)
			}
			used[localeKey(r)]++
		}
	}
	for _, r := range order {
		if k := localeKey(r); c.locales[strings.ToLower(k)] < used[k] {
			c.violate(KindLocales, 0, nil, "%d indexes have %s, %d are counted", used[k], k, c.locales[strings.ToLower(k)])
		}
	}
}

// localeKey is the key in MSysLocales for an index.
func localeKey(r *row) string {
	version, id, _ := sortVersion(r)
	if len(r.locale) == 0 && r.pagesOrLocale != 0 {
		return fmt.Sprintf("LCID=%d,Ver=%x", r.pagesOrLocale, version)
	}
	return fmt.Sprintf("LocaleName=%s,SortID=%08x-%04x-%04x-%x-%x,Ver=%x", localeName(r), binary.LittleEndian.Uint32(id[:]),
		binary.LittleEndian.Uint16(id[4:]), binary.LittleEndian.Uint16(id[6:]), id[8:10], id[10:], version)
}
