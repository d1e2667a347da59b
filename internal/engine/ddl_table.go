package engine

import (
	"errors"

	"esent/internal/engine/catalog"
	"esent/internal/engine/key"
	"esent/internal/engine/record"
	"esent/internal/jet"
)

// TableCreate describes a table to be created (JET_TABLECREATE in all its versions).
type TableCreate struct {
	Name     string // bytes of code page 1252
	Template string // name of the table to derive from, "" for none
	// Pages is the least size of the first extent; Density 0 means the default.
	Pages, Density uint32
	Columns        []ColumnDef
	Indexes        []IndexDef
	// Callback is "dll!function", "" for none; CallbackType says on what it is called (JET_cbtyp).
	Callback     string
	CallbackType uint32
	Grbit        jet.Grbit
	// SequenceHints are for the table's own tree, if it has no primary index; LongHints for long values.
	SequenceHints, LongHints *SpaceHints
	SeparateLV, LVChunkMax   uint32

	// Created counts the table, columns, indexes and callback that succeeded.
	Created uint32
}

// CreateTable creates a table without columns and opens it so that no other session can (JetCreateTable, spec chapter
// 01, 7.2). Density 0 means the default.
func (s *Session) CreateTable(t Thread, db uint32, name string, pages, density uint32) (*Cursor, error) {
	return s.CreateTableColumnIndex(t, db, &TableCreate{Name: name, Pages: pages, Density: density})
}

// CreateTableColumnIndex creates a table with columns and indexes, all or nothing, and opens it so that no other
// session can (JetCreateTableColumnIndex, spec chapter 01, 7.2). def tells how far that went: Created, and ID and Err of
// columns and indexes. With JET_bitTableCreateImmutableStructure the cursor is nil, the table closed.
//
// Errors: ErrInvalidDatabaseId, ErrPermissionDenied, ErrCannotNestDDL, ErrInvalidGrbit, ErrInvalidName,
// ErrObjectNotFound and ErrDDLNotInheritable for the template, ErrDensityInvalid, ErrSpaceHintsInvalid,
// ErrTransReadOnly, ErrTableDuplicate, and those of Cursor.AddColumn and Cursor.CreateIndexes.
func (s *Session) CreateTableColumnIndex(t Thread, db uint32, def *TableCreate) (*Cursor, error) {
	def.Created = 0
	if err := s.enterOwned(t); err != nil {
		return nil, err
	}
	defer s.leave()
	d, err := s.database(db)
	if err != nil {
		return nil, err
	}
	if err := def.check(d); err != nil {
		return nil, err
	}
	p, err := s.planTable(d, def)
	if err != nil {
		return nil, err
	}
	if s.readOnly && s.trx.Level() > 0 {
		return nil, jet.ErrTransReadOnly
	}
	var c *Cursor
	err = s.ddl(func() error {
		table, err := p.create(s)
		if err != nil {
			return err
		}
		if c, err = s.openCursor(d, table, jet.BitTableDenyRead); err != nil {
			table.Release()
			return err
		}
		c.mode |= modeCreator
		return nil
	})
	if err != nil {
		if c != nil {
			err = errors.Join(err, c.close())
		}
		return nil, err
	}
	if def.Grbit&jet.BitTableCreateImmutableStructure != 0 {
		return nil, c.close()
	}
	return c, nil
}

// ddl runs a change of schema in a transaction level of its own, which an error takes back.
func (s *Session) ddl(f func() error) error {
	level := s.trx.Level()
	if err := s.trx.BeginInner(); err != nil {
		return err
	}
	return s.endChange(level, f())
}

// check judges what does not need the catalog.
func (def *TableCreate) check(d *Database) error {
	if d.readOnly {
		return jet.ErrPermissionDenied
	}
	template := def.Grbit&jet.BitTableCreateTemplateTable != 0
	switch {
	case template && def.Template != "":
		return jet.ErrCannotNestDDL
	case def.Grbit&(jet.BitTableCreateNoFixedVarColumnsInDerivedTables|jet.BitTableCreateSystemTable) != 0:
		return jet.ErrInvalidGrbit
	}
	return checkLocales(def.Indexes)
}

// checkLocales says whether the indexes have an order of Unicode text exactly where their flags say so.
func checkLocales(defs []IndexDef) error {
	for i := range defs {
		if (defs[i].Locale != nil) != (defs[i].Grbit&jet.BitIndexUnicode != 0) {
			return jet.ErrInvalidParameter
		}
	}
	return nil
}

// tablePlan is a table about to be created.
type tablePlan struct {
	d   *Database
	def *TableCreate
	cat catalog.TableDef
	// wrong is the element that was found to be wrong, counted as in TableCreate.Created, and fault why; faultOf is
	// where to note that.
	fault   error
	faultOf *jet.Err
}

// planTable judges a definition. What is wrong with the table itself is the error; what is wrong with columns, indexes
// or the callback shows when those before have been created.
func (s *Session) planTable(d *Database, def *TableCreate) (*tablePlan, error) {
	name, err := objectName(def.Name)
	if err != nil {
		return nil, err
	}
	p := &tablePlan{d: d, def: def, cat: catalog.TableDef{Name: name, Template: def.Template, Pages: def.Pages, KeyRoom: key.KeyMostDefault,
		SeparateLV: int(int32(def.SeparateLV)), LVChunkMax: int(def.LVChunkMax)}}
	switch {
	case def.Grbit&jet.BitTableCreateTemplateTable != 0:
		p.cat.Flags = catalog.TableTemplate | catalog.TableFixedDDL
	case def.Grbit&jet.BitTableCreateFixedDDL != 0:
		p.cat.Flags = catalog.TableFixedDDL
	}
	template, err := s.template(d, def.Template)
	if err != nil {
		return nil, err
	}
	if template != nil {
		defer template.Release()
	}
	if err := p.hints(); err != nil {
		return nil, err
	}
	if def.LVChunkMax > uint32(lvChunkSize(d.pages.PageSize)) {
		return nil, jet.ErrInvalidLVChunkSize
	}
	if p.columns(s, template); p.fault == nil {
		p.indexes(s, template)
	}
	if p.fault == nil && def.Callback != "" {
		p.cat.Callbacks = []catalog.Callback{{Type: def.CallbackType, Function: def.Callback}}
		p.fault = p.callback()
	}
	return p, nil
}

// template finds the table to derive from; nil for none.
func (s *Session) template(d *Database, name string) (*catalog.Table, error) {
	if name == "" {
		return nil, nil
	}
	if _, err := objectName(name); err != nil {
		return nil, err
	}
	t, err := d.cat.Table(s.trx, name)
	if err == nil && !t.Flags.Has(catalog.TableTemplate) {
		t.Release()
		return nil, jet.ErrDDLNotInheritable
	}
	return t, err
}

// hints judges density and space hints of the table.
func (p *tablePlan) hints() error {
	def, pageSize := p.def, p.d.pages.PageSize
	var primary *IndexDef
	for i := range def.Indexes {
		x := &def.Indexes[i]
		if x.Hints != nil {
			if _, err := x.Hints.normalise(pageSize); err != nil {
				return err
			}
		}
		if x.Grbit&jet.BitIndexPrimary != 0 {
			primary = x
		}
	}
	density := def.Density
	own := def.SequenceHints
	if primary != nil {
		if own != nil {
			return jet.ErrSpaceHintsInvalid
		}
		if own = primary.Hints; own == nil && primary.Density != 0 {
			density = primary.Density
		}
	}
	if own != nil {
		h, err := own.normalise(pageSize)
		if err != nil {
			return err
		}
		c := h.catalog()
		p.cat.Hints, density = &c, h.InitialDensity
	}
	if err := checkDensity(density); err != nil {
		return err
	}
	p.cat.Density = int(density)
	if def.LongHints != nil {
		h, err := def.LongHints.normalise(pageSize)
		if err != nil {
			return err
		}
		c := h.catalog()
		p.cat.LVHints = &c
	}
	return nil
}

// columns judges the columns, up to the first that is wrong.
func (p *tablePlan) columns(s *Session, template *catalog.Table) {
	in := columnCheck{exclusive: true, feature: p.d.has, inherited: func(name string) bool {
		return template != nil && template.Schema().ColumnByName(s.trx, name) != nil
	}}
	for i := range p.def.Columns {
		d := &p.def.Columns[i]
		d.Err = 0
		if d.BadSize {
			p.fault = jet.ErrInvalidParameter
			return
		}
		c, warn, err := d.check(&in)
		if err == nil {
			err = d.resolve(s.inst)
		}
		if err != nil {
			p.fault, p.faultOf = err, &d.Err
			return
		}
		d.Err = warn
		p.cat.Columns = append(p.cat.Columns, d.catalog(c))
	}
}

// indexes judges the indexes, up to the first that is wrong.
func (p *tablePlan) indexes(s *Session, template *catalog.Table) {
	density := uint32(p.cat.Density)
	if density == 0 {
		density = defaultDensity
	}
	in := indexCheck{inst: s.inst, pageSize: p.d.pages.PageSize, feature: p.d.has, hints: SpaceHints{InitialDensity: density}}
	primary := template != nil && template.Schema().Primary != nil
	for i := range p.def.Indexes {
		d := &p.def.Indexes[i]
		d.Err = 0
		p.faultOf = &d.Err
		if d.BadSize {
			p.fault, p.faultOf = jet.ErrInvalidCreateIndex, nil
			return
		}
		x, err := d.check(&in)
		if err == nil {
			err = x.resolve(func(name string) *record.Column { return p.column(s, template, name) })
		}
		if err == nil && x.grbit&jet.BitIndexPrimary != 0 {
			if primary {
				err = jet.ErrIndexHasPrimary
			}
			primary = true
		}
		if err != nil {
			p.fault = err
			return
		}
		c := x.catalog()
		if c.KeyMost != 0 && x.grbit&jet.BitIndexPrimary != 0 {
			p.cat.KeyRoom = c.KeyMost
		}
		p.cat.Indexes = append(p.cat.Indexes, c)
	}
	p.faultOf = nil
}

// column finds a column of the new table, or of its template.
func (p *tablePlan) column(s *Session, template *catalog.Table, name string) *record.Column {
	for i := range p.cat.Columns {
		if c := &p.cat.Columns[i].Column; sameName(c.Name, name) {
			return c
		}
	}
	if template != nil {
		if c := template.Schema().ColumnByName(s.trx, name); c != nil {
			return &c.Column
		}
	}
	return nil
}

// callback judges the callback.
func (p *tablePlan) callback() error {
	switch {
	case p.def.CallbackType == 0 || len(p.def.Callback) >= jet.CbColumnMost:
		return jet.ErrInvalidParameter
	case p.d.inst.persistedEnabled():
		_, err := p.d.inst.resolvePersisted(p.def.Callback, nil)
		return err
	}
	return nil
}

// create makes the table and notes how far that went. Where the definition is wrong, what comes before the fault is
// created all the same, and then taken back: it may fail first.
func (p *tablePlan) create(s *Session) (*catalog.Table, error) {
	if p.fault != nil {
		p.cat.Callbacks = nil
	}
	table, created, err := p.d.cat.CreateTable(s.trx, &p.cat)
	p.def.Created = uint32(created)
	if err != nil {
		return nil, p.failed(created, err)
	}
	if p.fault != nil {
		table.Release()
		if p.faultOf != nil {
			*p.faultOf = jet.CodeOf(p.fault)
		}
		return nil, p.fault
	}
	sc := table.Schema()
	for i := range p.def.Columns {
		p.def.Columns[i].ID = sc.ColumnByName(s.trx, p.cat.Columns[i].Name).ID
	}
	return table, nil
}

// failed notes which element failed after so many had succeeded. One whose name is taken counts as created, and the
// code is not noted with it: that shows only when its row is added.
func (p *tablePlan) failed(created int, err error) error {
	code := jet.CodeOf(err)
	switch code {
	case jet.ErrTableDuplicate, jet.ErrColumnDuplicate, jet.ErrIndexDuplicate:
		p.def.Created++
		return err
	}
	columns := len(p.cat.Columns)
	switch n := created - 1; {
	case n < 0:
	case n < columns:
		p.def.Columns[n].Err = code
	case n < columns+len(p.cat.Indexes):
		p.def.Indexes[n-columns].Err = code
	}
	return err
}

// catalog is a checked column as the catalog wants it.
func (d *ColumnDef) catalog(c record.Column) catalog.ColumnDef {
	def := catalog.ColumnDef{Column: c, Class: record.ClassVar}
	switch {
	case d.tagged():
		def.Class = record.ClassTagged
	case d.fixed():
		def.Class = record.ClassFixed
	}
	if d.UserDefined != nil && d.Grbit&jet.BitColumnUserDefinedDefault != 0 {
		def.Callback, def.CallbackData = d.UserDefined.Callback, d.UserDefined.Data
	}
	return def
}

// catalog is a checked index as the catalog wants it.
func (p *indexPlan) catalog() catalog.IndexDef {
	def := catalog.IndexDef{Name: p.name, Flags: p.flags, KeyMost: p.keyMost, VarSegMac: p.varSegMac, Tuple: p.tuple, Locale: p.locale,
		MapFlags: p.mapFlags, Density: int(p.hints.InitialDensity), Hints: p.hints.catalog()}
	for _, c := range p.columns {
		def.Columns = append(def.Columns, catalog.KeyColumn{Name: c.name, Descending: c.descending})
	}
	for _, c := range p.conditions {
		def.Conditions = append(def.Conditions, catalog.Condition{Name: c.Column, MustBeNull: c.Grbit == jet.BitIndexColumnMustBeNull})
	}
	return def
}

// catalog gives hints as the catalog keeps them, with the density that it keeps apart left out.
func (h SpaceHints) catalog() catalog.SpaceHints {
	return catalog.SpaceHints{Initial: h.Initial, Grbit: h.Grbit, MaintDensity: h.MaintDensity, Growth: h.Growth,
		MinExtent: h.MinExtent, MaxExtent: h.MaxExtent}
}

func hintsOf(h catalog.SpaceHints) SpaceHints {
	return SpaceHints{InitialDensity: h.InitialDensity, Initial: h.Initial, Grbit: h.Grbit, MaintDensity: h.MaintDensity,
		Growth: h.Growth, MinExtent: h.MinExtent, MaxExtent: h.MaxExtent}
}

// DeleteTable deletes a table that nobody has open (JetDeleteTable, spec chapters 01, 7.3 and 03, 16.6). Errors:
// ErrObjectNotFound, ErrTableInUse, ErrTableLocked, ErrCannotDeleteSystemTable, ErrCannotDeleteTemplateTable,
// ErrInvalidName, ErrTransReadOnly, ErrPermissionDenied, ErrWriteConflict.
func (s *Session) DeleteTable(t Thread, db uint32, name string) error {
	return s.changeTable(t, db, name, func(d *Database, table *catalog.Table) error {
		if !table.System() && d.tables.inUse(table) {
			return jet.ErrTableInUse
		}
		d.defrag.sweeping.Lock()
		defer d.defrag.sweeping.Unlock()
		return d.cat.DropTable(s.trx, table)
	})
}

// RenameTable gives a table another name (JetRenameTable, spec chapter 01, 7.3). Cursors on it stay open. Errors:
// ErrObjectNotFound, ErrKeyDuplicate when the new name is taken, ErrFixedDDL, ErrInvalidName, ErrTransReadOnly,
// ErrPermissionDenied, ErrWriteConflict.
func (s *Session) RenameTable(t Thread, db uint32, from, to string) error {
	return s.changeTable(t, db, from, func(d *Database, table *catalog.Table) error {
		to, err := objectName(to)
		if err != nil {
			return err
		}
		if table.System() {
			return jet.ErrFixedDDL
		}
		if err := d.cat.RenameTable(s.trx, table, to); err != nil {
			return err
		}
		table.Release()
		return nil
	})
}

// changeTable runs a change of a table that is not open, in a transaction level of its own. change gives the table's
// reference back when it succeeds.
func (s *Session) changeTable(t Thread, db uint32, name string, change func(d *Database, table *catalog.Table) error) error {
	if err := s.enterOwned(t); err != nil {
		return err
	}
	defer s.leave()
	d, err := s.database(db)
	if err != nil {
		return err
	}
	if name, err = objectName(name); err != nil {
		return err
	}
	switch {
	case d.readOnly:
		return jet.ErrPermissionDenied
	case s.readOnly && s.trx.Level() > 0:
		return jet.ErrTransReadOnly
	}
	return s.ddl(func() error {
		table, err := d.cat.Table(s.trx, name)
		if err != nil {
			return err
		}
		if err := change(d, table); err != nil {
			table.Release()
			return err
		}
		return nil
	})
}

// resolve judges what depends on the columns of the table, which column finds by name (spec chapter 01, 7.5).
func (p *indexPlan) resolve(column func(name string) *record.Column) error {
	primary := p.flags.Has(key.FlagPrimary)
	for i, k := range p.columns {
		c := column(k.name)
		switch {
		case c == nil:
			return jet.ErrColumnNotFound
		case c.Flags&record.FlagEncrypted != 0:
			return jet.ErrCannotIndexOnEncryptedColumn
		case c.Flags&record.FlagEscrowUpdate != 0:
			return jet.ErrCannotIndex
		case primary && c.Flags&record.FlagMultivalued != 0:
			return jet.ErrIndexInvalidDef
		case p.grbit&jet.BitIndexEmpty != 0 && c.Flags&record.FlagDefault != 0:
			return jet.ErrIndexInvalidDef
		case i == 0 && p.tuple != nil && record.TypeSize(c.Type) != 0:
			return jet.ErrIndexTuplesTextBinaryColumnsOnly
		}
	}
	if len(p.conditions) > jet.CcolKeyMost {
		return jet.ErrIndexInvalidDef
	}
	for _, k := range p.conditions {
		switch {
		case k.BadSize:
			return jet.ErrIndexInvalidDef
		case k.Grbit != jet.BitIndexColumnMustBeNull && k.Grbit != jet.BitIndexColumnMustBeNonNull:
			return jet.ErrInvalidGrbit
		case column(k.Column) == nil:
			return jet.ErrColumnNotFound
		}
	}
	return nil
}
