package catalog

import (
	"bytes"
	"encoding/binary"
	"slices"
	"sync/atomic"

	"esent/internal/engine/btree"
	"esent/internal/engine/key"
	"esent/internal/engine/record"
	"esent/internal/engine/space"
	"esent/internal/engine/version"
	"esent/internal/jet"
)

// TableDef describes a table to be created.
type TableDef struct {
	Name     string
	Template string // name of the table to derive from
	Flags    TableFlags
	// Pages is the least size of the first extent; Density 0 stands for the default.
	Pages   uint32
	Density int
	Columns []ColumnDef
	Indexes []IndexDef
	// KeyRoom is the length of the primary key beside which the fixed columns must fit, in bytes; 0 for that of a table without
	// primary index.
	KeyRoom int
	// SeparateLV and LVChunkMax are 0 for the defaults.
	SeparateLV, LVChunkMax int
	Hints, LVHints         *SpaceHints
	Callbacks              []Callback
}

// CreateTable creates a table with columns, indexes and callbacks, for a session in a transaction, and references it.
// created counts the table, its columns, its indexes and its callbacks, as far as they succeeded: with an error, the one
// behind them failed, and nothing was created after all. Errors: ErrTableDuplicate, ErrObjectNotFound and
// ErrDDLNotInheritable for the template, and those of AddColumn and CreateIndex.
func (c *Catalog) CreateTable(s *version.Session, def *TableDef) (t *Table, created int, err error) {
	err = nested(s, func() error {
		if t, err = c.createTable(s, def); err != nil {
			return err
		}
		created++
		n, err := t.firstColumns(s, def)
		created += n
		if err != nil {
			return err
		}
		for i := range def.Indexes {
			d, err := t.resolveIndex(s, &def.Indexes[i])
			if err == nil {
				_, err = t.addIndex(s, d, true)
			}
			if err != nil {
				return err
			}
			created++
		}
		for _, cb := range def.Callbacks {
			if err := t.addCallback(s, cb); err != nil {
				return err
			}
			created++
		}
		return nil
	})
	if err != nil {
		if t != nil {
			t.Release()
		}
		return nil, created, err
	}
	return t, created, nil
}

// createTable makes the tree and the row of a table, and what it inherits. With an error the table is nil, or known and
// referenced: rollback makes it unknown again.
func (c *Catalog) createTable(s *version.Session, def *TableDef) (*Table, error) {
	t := &Table{Flags: def.Flags, SeparateLV: def.SeparateLV, cat: c}
	if err := t.derive(s, def); err != nil {
		return nil, err
	}
	t.setSizes(def)
	tree, err := c.newTree(s, nil, space.TreeOptions{Pages: max(1, t.Pages)}, t.Density, &t.Hints)
	if err != nil {
		t.releaseTemplate()
		return nil, err
	}
	t.Tree, t.ObjID = tree, tree.ObjID
	name := def.Name
	t.name.Store(&name)
	t.born.Store(s.Trx())
	var template *Schema
	if t.Template != nil {
		template = t.Template.Schema()
	}
	t.m = newModel(template)
	if err := t.publish(); err != nil {
		t.releaseTemplate()
		return nil, err
	}
	c.add(t)
	if err := c.versioned(s, t, t.undoCreate, t.settleCreate); err != nil {
		return t, err
	}
	if err := c.insertTableRow(s, t, def); err != nil {
		return t, err
	}
	if t.Template != nil {
		return t, t.inheritIndexes(s)
	}
	return t, nil
}

// newTree makes a tree with space of parent, or for nil of the database root.
func (c *Catalog) newTree(s *version.Session, parent *btree.Tree, o space.TreeOptions, density int, hints *SpaceHints) (*btree.Tree, error) {
	if parent == nil {
		var err error
		if parent, err = c.db.Tree(jet.PgnoSystemRoot); err != nil {
			return nil, err
		}
	}
	tree, err := c.opt.Space.CreateTree(s, parent, o)
	if err != nil {
		return nil, err
	}
	tree.SetDensity(density)
	c.opt.Space.SetHints(tree, hints.ofSpace(c.db.PageSize))
	return tree, nil
}

// undoCreate takes back the creation of a table.
func (t *Table) undoCreate(*version.Session) error {
	t.cat.mu.Lock()
	t.died.Store(t.born.Load())
	t.cat.mu.Unlock()
	t.cat.forget(t)
	return t.cat.destroyLater(t, t.Tree)
}

func (t *Table) settleCreate(*version.Session) error {
	t.born.Store(nil)
	return nil
}

// derive finds the template and takes over what it says.
func (t *Table) derive(s *version.Session, def *TableDef) error {
	if def.Template != "" {
		template, err := t.cat.Table(s, def.Template)
		if err != nil {
			return err
		}
		if !template.Flags.Has(TableTemplate) {
			template.Release()
			return jet.ErrDDLNotInheritable
		}
		t.Template = template
		t.Flags |= TableDerived
		t.Hints, t.LVHints = template.Hints, template.LVHints
	}
	if def.Hints != nil {
		t.Hints = *def.Hints
	}
	if def.LVHints != nil {
		t.LVHints = *def.LVHints
	}
	return nil
}

// setSizes finds density and first extent (spec chapter 03, 16.2).
func (t *Table) setSizes(def *TableDef) {
	t.Density = def.Density
	pageSize := t.cat.db.PageSize
	pages, primary := uint32(0), false
	for i := range def.Indexes {
		d := &def.Indexes[i]
		pages += d.Hints.initialPages(pageSize)
		if d.Flags.Has(key.FlagPrimary) {
			primary = true
			if d.Density != 0 {
				t.Density = d.Density
			}
			if def.Hints == nil && t.Template == nil {
				t.Hints = d.Hints
			}
		}
	}
	if !primary {
		pages += t.Hints.initialPages(pageSize)
	}
	if pages = max(pages, def.Pages); pages > 1 {
		t.Pages = pages
	}
	if t.Density == 0 {
		t.Density = btree.DefaultDensity
	}
}

func (c *Catalog) insertTableRow(s *version.Session, t *Table, def *TableDef) error {
	r := &Row{ObjidTable: t.ObjID, Type: RowTable, ID: uint32(t.ObjID), ColtypOrPgno: uint32(t.Tree.Root),
		SpaceUsage: uint32(t.Density), Flags: uint32(t.Flags), PagesOrLocale: t.Pages, Root: true,
		LVChunkMax: uint32(def.LVChunkMax), LastSetTime: c.fileTime(), Name: def.Name,
		SpaceHints: t.Hints.encode(hintsFromGrbit), SpaceDeferredLVHints: t.LVHints.encode(hintsFromDensity)}
	if t.SeparateLV != 0 {
		r.SeparateLV = binary.LittleEndian.AppendUint32(nil, uint32(t.SeparateLV))
	}
	if t.Template != nil {
		// What is the template's is not stored again.
		r.TemplateTable = t.Template.Name()
		if bytes.Equal(r.SpaceHints, t.Template.Hints.encode(hintsFromGrbit)) {
			r.SpaceHints = nil
		}
		if bytes.Equal(r.SpaceDeferredLVHints, t.Template.LVHints.encode(hintsFromDensity)) {
			r.SpaceDeferredLVHints = nil
		}
	}
	if err := t.setRowDetails(r); err != nil {
		return err
	}
	if err := c.insertRow(s, r); err != nil {
		return err
	}
	return c.insertObjid(s, t.ObjID, t.ObjID, RowTable)
}

// inheritIndexes gives a derived table the indexes of its template (spec chapter 03, 17).
func (t *Table) inheritIndexes(s *version.Session) error {
	defs := t.Template.indexes()
	slices.SortFunc(defs, func(a, b *indexDef) int { return int(int64(a.objid) - int64(b.objid)) })
	for _, d := range defs {
		if d.died != nil {
			continue
		}
		d = d.clone()
		d.flags = d.flags&^key.FlagTemplate | key.FlagDerived
		d.mapFlags = 0
		d.uses = new(atomic.Int32)
		if d.primary() && t.Template.Pages > 1 {
			// A template of several pages counts as if its hints had said so.
			d.hints.Initial = t.Template.Pages * uint32(t.cat.db.PageSize)
		}
		if _, err := t.addIndex(s, d, true); err != nil {
			return err
		}
	}
	return nil
}

// firstColumns adds the columns of a new table, and counts those that succeeded.
func (t *Table) firstColumns(s *version.Session, def *TableDef) (created int, err error) {
	defs := def.Columns
	if len(defs) == 0 {
		return 0, nil
	}
	room := t.Schema().Record.RecordMost
	if def.KeyRoom > 0 {
		room = min(room, record.RecordMost(t.cat.db.PageSize, def.KeyRoom))
	}
	columns := make([]*Column, len(defs))
	err = t.change(func(m *model) (err error) {
		for i := range defs {
			created = i
			if columns[i], err = newColumn(&defs[i]); err != nil {
				return err
			}
			if err := t.placeColumn(s, m, columns[i], defs[i].Class, room); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return created, err
	}
	for i, c := range columns {
		if err := t.cat.insertRow(s, t.columnRow(c)); err != nil {
			return i, err
		}
	}
	if t.Schema().AutoInc != nil {
		return len(columns), t.initAutoInc(s)
	}
	return len(columns), nil
}

// addCallback adds a function to be called on changes of the table.
func (t *Table) addCallback(s *version.Session, cb Callback) error {
	t.Callbacks = append(t.Callbacks, cb)
	return t.cat.insertRow(s, &Row{ObjidTable: t.ObjID, Type: RowCallback, ID: uint32(RowCallback), Flags: cb.Type, Name: "CB",
		TemplateTable: cb.Function})
}
