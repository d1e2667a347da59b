package catalog

import (
	"encoding/binary"
	"sync/atomic"
	"unicode/utf16"

	"esent/internal/engine/btree"
	"esent/internal/engine/key"
	"esent/internal/engine/lv"
	"esent/internal/engine/page"
	"esent/internal/engine/record"
	"esent/internal/engine/version"
	"esent/internal/jet"
)

// loaded is the rows of one table.
type loaded struct {
	table    *Row
	columns  []*Row
	indexes  []*Row
	long     *Row
	callback []*Row
}

// rowsOf reads the rows of one table.
func (c *Catalog) rowsOf(s *version.Session, id jet.ObjID) (*loaded, error) {
	k := makeRowKey(id, 0, 0)
	l := &loaded{}
	err := c.scan(s, k[:tableKeySize], func(r *Row) error {
		switch r.Type {
		case RowTable:
			if l.table != nil {
				return jet.ErrCatalogCorrupted.Errorf("two rows of table %d", id)
			}
			l.table = r
		case RowColumn:
			l.columns = append(l.columns, r)
		case RowIndex:
			l.indexes = append(l.indexes, r)
		case RowLongValue:
			l.long = r
		case RowCallback:
			l.callback = append(l.callback, r)
		}
		return nil
	})
	if err == nil && l.table == nil {
		err = jet.ErrObjectNotFound
	}
	return l, err
}

// load makes a table's descriptor from its rows.
func (c *Catalog) load(id jet.ObjID) (*Table, error) {
	l, err := c.rowsOf(c.reader, id)
	if err != nil {
		return nil, err
	}
	r := l.table
	if jet.ObjID(r.ID) != id || !r.Root {
		return nil, jet.ErrCatalogCorrupted.Errorf("row of table %d", id)
	}
	t := &Table{ObjID: id, Flags: TableFlags(r.Flags), Density: int(r.SpaceUsage), Pages: r.PagesOrLocale, cat: c}
	t.name.Store(&r.Name)
	if err := t.setRowDetails(r); err != nil {
		return nil, err
	}
	if t.Tree, err = c.tree(r, t.Density); err != nil {
		return nil, err
	}
	if t.Flags.Has(TableDerived) || r.TemplateTable != "" {
		if t.Template, err = c.template(r.TemplateTable); err != nil {
			return nil, err
		}
	}
	if t.Template != nil {
		if r.SpaceHints == nil {
			t.Hints = t.Template.Hints
		}
		if r.SpaceDeferredLVHints == nil {
			t.LVHints = t.Template.LVHints
		}
	}
	if err := t.loadModel(l); err != nil {
		t.releaseTemplate()
		return nil, err
	}
	return t, nil
}

// setRowDetails takes over what optional columns of the table row say.
func (t *Table) setRowDetails(r *Row) (err error) {
	if r.SpaceHints != nil {
		if t.Hints, err = decodeHints(r.SpaceHints, hintsFromGrbit); err != nil {
			return err
		}
	}
	if r.SpaceDeferredLVHints != nil {
		if t.LVHints, err = decodeHints(r.SpaceDeferredLVHints, hintsFromDensity); err != nil {
			return err
		}
	}
	switch len(r.SeparateLV) {
	case 0:
	case 4:
		t.SeparateLV = int(int32(binary.LittleEndian.Uint32(r.SeparateLV)))
	default:
		return jet.ErrCatalogCorrupted.Errorf("SeparateLV of %d bytes", len(r.SeparateLV))
	}
	if t.ChunkSize = lv.ChunkSize(t.cat.db.PageSize); r.LVChunkMax != 0 {
		t.ChunkSize = int(r.LVChunkMax)
	}
	return nil
}

// template opens the table that another is derived from.
func (c *Catalog) template(name string) (*Table, error) {
	k, err := appendRootKey(nil, name)
	if err != nil {
		return nil, err
	}
	row, found, err := c.lookUp(c.reader, c.roots, k)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, jet.ErrCatalogCorrupted.Errorf("template table %q is missing", name)
	}
	id, _, _, err := parseRowKey(row[:])
	if err != nil {
		return nil, err
	}
	t, err := c.hold(id, true)
	if err == nil && (t.Template != nil || !t.Flags.Has(TableTemplate)) {
		t.Release()
		return nil, jet.ErrCatalogCorrupted.Errorf("table %q is no template", name)
	}
	return t, err
}

func (t *Table) releaseTemplate() {
	if t.Template != nil {
		t.Template.Release()
	}
}

// tree opens the tree of a row.
func (c *Catalog) tree(r *Row, density int) (*btree.Tree, error) {
	root := jet.Pgno(r.ColtypOrPgno)
	if root == jet.PgnoNull || root > jet.PgnoSysMax {
		return nil, jet.ErrCatalogCorrupted.Errorf("%q has its root at page %d", r.Name, root)
	}
	if density < 20 || density > 100 {
		density = btree.DefaultDensity
	}
	t, err := c.db.Tree(root)
	if err != nil {
		return nil, err
	}
	if t.ObjID != jet.ObjID(r.ID) {
		return nil, jet.ErrCatalogCorrupted.Errorf("%q is object %d, its root page %d of object %d", r.Name, r.ID, root, t.ObjID)
	}
	t.SetDensity(density)
	return t, nil
}

// loadModel makes the first schema.
func (t *Table) loadModel(l *loaded) error {
	var template *Schema
	if t.Template != nil {
		template = t.Template.Schema()
	}
	t.m = newModel(template)
	if t.ObjID == objidCatalog || t.ObjID == objidShadow {
		for _, c := range ownRecordColumns() {
			full := &Column{Column: c}
			full.origin = full
			full.folded, _ = fold(c.Name)
			t.take(full)
		}
	} else {
		for _, r := range l.columns {
			c, err := t.columnOf(r)
			if err != nil {
				return err
			}
			t.take(c)
		}
	}
	for _, r := range l.indexes {
		d, err := t.indexOf(r)
		if err != nil {
			return err
		}
		t.m.indexes = append(t.m.indexes, d)
	}
	for _, r := range l.callback {
		t.Callbacks = append(t.Callbacks, Callback{Type: r.Flags, Function: r.TemplateTable})
	}
	if l.long != nil {
		if err := t.openValues(l.long); err != nil {
			return err
		}
	}
	if sp := t.cat.opt.Space; sp != nil {
		sp.SetHints(t.Tree, t.Hints.ofSpace(t.cat.db.PageSize))
	}
	return t.publish()
}

// take takes up a column that is there.
func (t *Table) take(c *Column) {
	t.m.add(c)
	t.m.noteID(c)
	t.names.add(c.folded, c.ID)
}

// openValues opens the long-value tree.
func (t *Table) openValues(r *Row) error {
	tree, err := t.cat.tree(r, 100)
	if err != nil {
		return err
	}
	if tree.Flags&page.FlagLongValue == 0 {
		return jet.ErrCatalogCorrupted.Errorf("page %d is no root of long values", tree.Root)
	}
	values, err := lv.New(tree, t.ChunkSize, t.cat.Features().LID64)
	if err != nil {
		return err
	}
	if sp := t.cat.opt.Space; sp != nil {
		sp.SetHints(tree, t.LVHints.ofSpace(t.cat.db.PageSize))
	}
	t.lv.Store(values)
	return nil
}

// columnOf makes a column of its row.
func (t *Table) columnOf(r *Row) (*Column, error) {
	if r.ID < record.FixedFirst || r.ID > record.TaggedLast || r.ColtypOrPgno >= jet.ColtypMax || r.SpaceUsage > lv.SizeMax {
		return nil, jet.ErrCatalogCorrupted.Errorf("column %q of table %d", r.Name, r.ObjidTable)
	}
	c := &Column{Column: record.Column{ID: jet.ColumnID(r.ID), FID: uint16(r.ID), Name: r.Name, Type: uint8(r.ColtypOrPgno),
		Max: int(r.SpaceUsage), Flags: record.FieldFlags(r.Flags), Offset: r.RecordOffset, Default: r.DefaultValue},
		Callback: r.TemplateTable, CallbackData: r.CallbackData}
	c.origin = c
	if t.Flags.Has(TableTemplate) {
		c.ID |= templateBit
	}
	if c.Type == jet.ColtypText || c.Type == jet.ColtypLongText {
		if c.CodePage = uint16(r.PagesOrLocale); r.PagesOrLocale == 0 {
			c.CodePage = codePageANSI
		}
		if c.CodePage != codePageANSI && c.CodePage != codePageUnicode {
			return nil, jet.ErrCatalogCorrupted.Errorf("column %q has code page %d", r.Name, r.PagesOrLocale)
		}
	}
	c.dead = c.Deleted()
	var err error
	c.folded, err = fold(c.Name)
	return c, err
}

// indexOf makes an index definition of its row.
func (t *Table) indexOf(r *Row) (*indexDef, error) {
	d := &indexDef{name: r.Name, objid: jet.ObjID(r.ID), flags: key.Flags(r.Flags), keyMost: key.KeyMostDefault,
		density: int(r.SpaceUsage), mapFlags: r.LCMapFlags, uses: new(atomic.Int32)}
	var err error
	if d.folded, err = fold(r.Name); err != nil {
		return nil, err
	}
	// Unicode fix-up tables are no more.
	const unicodeFixup key.Flags = 0x1000
	d.flags &^= unicodeFixup
	if r.KeyMost != 0 {
		d.keyMost = int(r.KeyMost)
	}
	switch len(r.VarSegMac) {
	case 0:
	case 2:
		d.varSegMac = int(binary.LittleEndian.Uint16(r.VarSegMac))
	default:
		return nil, jet.ErrCatalogCorrupted.Errorf("VarSegMac of %d bytes", len(r.VarSegMac))
	}
	extended := d.flags.Has(key.FlagExtendedColumns)
	if d.columns, err = parseSegments(r.KeyFldIDs, extended, false); err != nil {
		return nil, err
	}
	if d.conditions, err = parseSegments(r.Conditional, extended, true); err != nil {
		return nil, err
	}
	if r.TupleLimits != nil {
		limits, err := key.ParseTupleLimits(r.TupleLimits)
		if err != nil {
			return nil, err
		}
		d.tuple = &limits
	}
	if err := d.setCollation(r); err != nil {
		return nil, err
	}
	if d.hints, err = decodeHints(r.SpaceHints, hintsFromInitial); err != nil {
		return nil, err
	}
	if d.primary() {
		if d.objid != t.ObjID || jet.Pgno(r.ColtypOrPgno) != t.Tree.Root {
			return nil, jet.ErrCatalogCorrupted.Errorf("primary index of table %d has another tree", t.ObjID)
		}
		d.tree = t.Tree
		t.Tree.SetDensity(min(max(d.density, 20), 100))
		return d, nil
	}
	if d.tree, err = t.cat.tree(r, d.density); err != nil {
		return nil, err
	}
	// The catalog's own indexes are unique trees of a kind without the flag, like all unique ones.
	if d.tree.NonUnique == d.flags.Has(key.FlagUnique) {
		return nil, jet.ErrCatalogCorrupted.Errorf("index %q and its tree differ in uniqueness", d.name)
	}
	if sp := t.cat.opt.Space; sp != nil {
		sp.SetHints(d.tree, d.hints.ofSpace(t.cat.db.PageSize))
	}
	return d, nil
}

// setCollation takes over what the row says of the order of text.
func (d *indexDef) setCollation(r *Row) error {
	if len(r.LocaleName)%2 != 0 {
		return jet.ErrCatalogCorrupted.Errorf("locale name of %d bytes", len(r.LocaleName))
	}
	switch {
	case len(r.LocaleName) > 0:
		units := make([]uint16, len(r.LocaleName)/2)
		for i := range units {
			units[i] = binary.LittleEndian.Uint16(r.LocaleName[2*i:])
		}
		d.locale = string(utf16.Decode(units))
	case r.PagesOrLocale != 0:
		d.locale = localeOf(r.PagesOrLocale)
	}
	switch len(r.Version) {
	case 0:
	case 8:
		d.version = binary.LittleEndian.Uint64(r.Version)
	default:
		return jet.ErrCatalogCorrupted.Errorf("sort version of %d bytes", len(r.Version))
	}
	switch len(r.SortID) {
	case 0:
	case len(d.sortID):
		copy(d.sortID[:], r.SortID)
	default:
		return jet.ErrCatalogCorrupted.Errorf("sort id of %d bytes", len(r.SortID))
	}
	return nil
}

// localeOf names the locale of an old index, which has an LCID instead.
func localeOf(lcid uint32) string {
	const (
		lcidInvariant = 127
		lcidEnglish   = 0x409
		lcidGerman    = 0x407
		lcidRussian   = 0x419
		lcidFrench    = 0x40C
	)
	switch lcid {
	case lcidInvariant:
		return ""
	case lcidEnglish:
		return key.DefaultLocale
	case lcidGerman:
		return "de-DE"
	case lcidRussian:
		return "ru-RU"
	case lcidFrench:
		return "fr-FR"
	}
	return "x-lcid"
}
