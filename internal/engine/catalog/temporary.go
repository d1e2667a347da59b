package catalog

import (
	"sync/atomic"

	"esent/internal/engine/btree"
	"esent/internal/engine/key"
	"esent/internal/engine/lv"
	"esent/internal/engine/page"
	"esent/internal/engine/record"
	"esent/internal/engine/space"
	"esent/internal/engine/version"
	"esent/internal/jet"
)

// TemporaryDef describes a temporary table.
type TemporaryDef struct {
	// Columns are the table's columns; ids are found by Temporary. They have no names.
	Columns []ColumnDef
	// Key are the columns of the primary index by their place in Columns, none for a table without.
	Key []TemporaryKey
	// Flags are those of the index but Unique and Primary, which it always is.
	Flags key.Flags
	// KeyMost and VarSegMac are limits of keys in bytes; 0 for the default, and for no limit.
	KeyMost, VarSegMac int
	Locale             string
	MapFlags           uint32
	// SeparateLV is the preferred largest intrinsic long value, 0 for the default.
	SeparateLV int
	// Gone is called when nobody references the table any more.
	Gone func()
}

// TemporaryKey is a key column of a temporary table.
type TemporaryKey struct {
	Column     int
	Descending bool
}

// OpenTemporary makes the catalog of the temporary database, which has no rows: tables live in memory alone.
func OpenTemporary(db *btree.DB, opt Options) (*Catalog, error) { return newCatalog(db, opt) }

// Temporary makes a temporary table, with its tree, and references it. When it is released for the last time its tree is
// freed. ids are those of the columns. Errors: ErrTooManyColumns, ErrRecordTooBig, those of the collation and of space.
func (c *Catalog) Temporary(s *version.Session, def *TemporaryDef) (t *Table, ids []jet.ColumnID, err error) {
	const density = 100
	t = &Table{Flags: TableFixedDDL, Density: density, SeparateLV: def.SeparateLV, ChunkSize: lv.ChunkSize(c.db.PageSize), cat: c,
		temporary: def}
	name := ""
	t.name.Store(&name)
	t.m = newModel(nil)
	for i := range def.Columns {
		id, err := t.placeTemporary(&def.Columns[i])
		if err != nil {
			return nil, nil, err
		}
		ids = append(ids, id)
	}
	d, err := t.temporaryIndex(ids)
	if err != nil {
		return nil, nil, err
	}
	if t.Tree, err = c.newTree(s, nil, space.TreeOptions{}, density, &SpaceHints{}); err != nil {
		return nil, nil, err
	}
	t.ObjID, t.refs = t.Tree.ObjID, 1
	if d != nil {
		d.objid, d.tree = t.ObjID, t.Tree
		t.m.indexes = []*indexDef{d}
	}
	if err = t.publish(); err == nil && !t.fixedFit() {
		err = jet.ErrRecordTooBig
	}
	if err != nil {
		def.Gone = nil
		t.Release()
		return nil, nil, err
	}
	return t, ids, nil
}

// placeTemporary adds a column.
func (t *Table) placeTemporary(def *ColumnDef) (jet.ColumnID, error) {
	c, err := newColumn(def)
	if err != nil {
		return 0, err
	}
	last, most := t.m.last(def.Class)
	if def.Class == record.ClassFixed {
		c.Offset = uint16(t.m.fixedEnd)
		t.m.fixedEnd += c.Max
	}
	if *last >= most {
		return 0, jet.ErrTooManyColumns
	}
	*last++
	c.FID = *last
	c.ID = jet.ColumnID(c.FID)
	t.m.add(c)
	return c.ID, nil
}

// temporaryIndex makes the definition of the primary index, nil for none.
func (t *Table) temporaryIndex(ids []jet.ColumnID) (*indexDef, error) {
	def := t.temporary
	if len(def.Key) == 0 {
		return nil, nil
	}
	d := &indexDef{flags: def.Flags | key.FlagUnique | key.FlagPrimary, keyMost: def.KeyMost, varSegMac: def.VarSegMac,
		locale: def.Locale, mapFlags: def.MapFlags, uses: new(atomic.Int32)}
	if d.keyMost == 0 {
		d.keyMost = key.KeyMostDefault
	}
	text := false
	for _, k := range def.Key {
		seg := segmentID{id: ids[k.Column]}
		if k.Descending {
			seg.flags = segDescending
		}
		d.columns = append(d.columns, seg)
		text = text || def.Columns[k.Column].CodePage == codePageUnicode
	}
	if text {
		return d, d.collate()
	}
	return d, nil
}

// DropTemporaryIndex makes a temporary table one without primary index, whose records are numbered. It has no records.
func (t *Table) DropTemporaryIndex() error {
	return t.change(func(m *model) error {
		m.indexes = nil
		return nil
	})
}

// temporaryValues makes the tree of long values of a temporary table. It goes with the table alone.
func (t *Table) temporaryValues(s *version.Session) (*lv.Values, error) {
	tree, err := t.cat.newTree(s, t.Tree, space.TreeOptions{Flags: page.FlagLongValue}, 100, &SpaceHints{})
	if err != nil {
		return nil, err
	}
	v, err := lv.New(tree, t.ChunkSize, t.cat.Features().LID64)
	if err == nil {
		t.lv.Store(v)
	}
	return v, err
}

// unreferenced is called when a table that is not known any more has no references.
func (t *Table) unreferenced() {
	t.detach()
	t.releaseTemplate()
	if t.temporary == nil || t.gone {
		return
	}
	if t.temporary.Gone != nil {
		t.temporary.Gone()
	}
	// If the trees cannot be freed they take up space until the temporary database is removed.
	_ = t.cat.destroyLater(t, t.Tree)
}
