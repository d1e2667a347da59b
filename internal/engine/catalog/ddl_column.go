package catalog

import (
	"fmt"
	"slices"

	"esent/internal/engine/record"
	"esent/internal/engine/version"
	"esent/internal/jet"
)

// ColumnDef describes a column to be added. Of Column, ID, FID, Offset and Derived are found here; the rest was
// checked by the caller (spec chapter 01, 7.4).
type ColumnDef struct {
	record.Column
	Class record.Class
	// Exclusive says that no other session can open the table meanwhile.
	Exclusive bool
	// Callback and CallbackData are those of a user-defined default.
	Callback     string
	CallbackData []byte
}

func newColumn(def *ColumnDef) (c *Column, err error) {
	c = &Column{Column: def.Column, Callback: def.Callback, CallbackData: def.CallbackData}
	c.origin = c
	c.folded, err = fold(c.Name)
	return c, err
}

// AddColumn adds a column and gives its id, which stays consumed whatever becomes of the column. The session is in a
// transaction. An autoincrement column starts at 0; records that are there have no number yet. Errors:
// ErrColumnDuplicate, ErrColumnRedundant, ErrTooManyColumns, ErrRecordTooBig.
func (t *Table) AddColumn(s *version.Session, def *ColumnDef) (id jet.ColumnID, err error) {
	c, err := newColumn(def)
	if err != nil {
		return 0, err
	}
	c.born, c.alone = new(birth), def.Exclusive
	c.born.Store(s.Trx())
	err = nested(s, func() error {
		if err := t.cat.versioned(s, t, t.undoGrow(c), t.comeOfAge(c)); err != nil {
			return err
		}
		if err := t.grow(s, c, def.Class); err != nil {
			return err
		}
		t.deriveAgain()
		if err := t.cat.insertRow(s, t.columnRow(c)); err != nil {
			return err
		}
		if c.Flags&record.FlagAutoincrement != 0 {
			return t.initAutoInc(s)
		}
		return nil
	})
	return c.ID, err
}

// placeColumn gives a column its id and place, and adds it to the model. room is the largest record, in bytes, which must
// have room for all fixed columns.
func (t *Table) placeColumn(s *version.Session, m *model, c *Column, class record.Class, room int) error {
	if o := t.namesake(m, c.folded); o != nil {
		if last, most := t.m.last(class); !s.Sees(o.creator()) && *last < most {
			*last++ // that somebody's new column has the name is found only when an id is given
		}
		return jet.ErrColumnDuplicate
	}
	if t.redundant(s, m, c) {
		return jet.ErrColumnRedundant
	}
	last, most := m.last(class)
	if *last >= most {
		return jet.ErrTooManyColumns
	}
	if class == record.ClassFixed {
		if m.fixedEnd+c.Max > room {
			return jet.ErrRecordTooBig
		}
		c.Offset = uint16(m.fixedEnd)
		m.fixedEnd += c.Max
	}
	*last++
	c.FID = *last
	c.ID = jet.ColumnID(c.FID)
	if t.Flags.Has(TableTemplate) {
		c.ID |= templateBit
		c.Flags |= record.FlagTemplate
	}
	m.add(c)
	t.names.add(c.folded, c.ID)
	return nil
}

// namesake finds a column that lives under the folded name; nil when there is none.
func (t *Table) namesake(m *model, folded string) *Column {
	lives := func(c *Column) bool { return !c.dead && c.Died == nil && c.folded == folded }
	if t.Template != nil {
		template := t.Template.Schema()
		for _, id := range t.Template.names.find(folded) {
			if c := template.Full(id); c != nil && lives(c) {
				return c
			}
		}
	}
	for _, id := range t.names.find(folded) {
		for i, _ := m.search(uint16(id)); i < len(m.columns) && m.columns[i].ID == id; i++ {
			if lives(m.columns[i]) {
				return m.columns[i]
			}
		}
	}
	return nil
}

// redundant says that a table has a column already of a kind that there is but one of.
func (t *Table) redundant(s *version.Session, m *model, c *Column) bool {
	once := c.Flags & (record.FlagAutoincrement | record.FlagVersion)
	if once == 0 {
		return false
	}
	same := func(o *Column) bool { return !o.dead && !(o.Died != nil && s.Sees(o.Died)) && o.Flags&once != 0 }
	return slices.ContainsFunc(m.columns, same) || t.Template != nil && slices.ContainsFunc(t.Template.Schema().Columns, same)
}

func (t *Table) columnRow(c *Column) *Row {
	r := &Row{ObjidTable: t.ObjID, Type: RowColumn, ID: uint32(c.FID), ColtypOrPgno: uint32(c.Type), SpaceUsage: uint32(c.Max),
		Flags: uint32(c.Flags), PagesOrLocale: uint32(c.CodePage), Name: c.Name, TemplateTable: c.Callback,
		CallbackData: c.CallbackData}
	if c.Class() == record.ClassFixed {
		r.RecordOffset = c.Offset
	}
	if c.Flags&record.FlagUserDefinedDefault == 0 {
		r.DefaultValue = c.Default
	}
	return r
}

// onColumn is what the end of a change to a column does: f changes what has become of the column in the model.
func (t *Table) onColumn(c *Column, f func(c *Column)) func(*version.Session) error {
	return func(*version.Session) error {
		err := t.change(func(m *model) error {
			if i := m.find(c); i >= 0 {
				m.columns[i] = m.columns[i].clone()
				f(m.columns[i])
			}
			return nil
		})
		t.deriveAgain()
		return err
	}
}

// deriveAgain has the tables that are derived from a changed template take over the change.
func (t *Table) deriveAgain() {
	if !t.Flags.Has(TableTemplate) {
		return
	}
	for _, d := range t.cat.open() {
		if d.Template == t {
			// What compiles for the template compiles for its tables; else they keep what they have.
			_ = d.change(func(*model) error { return nil })
		}
	}
}

// own finds a column of the table itself that the session sees by its name. ErrColumnNotFound; for a column that the
// template brings in, inherited.
func (t *Table) own(s *version.Session, name string, inherited error) (*Column, error) {
	c := t.Schema().ColumnByName(s, name)
	switch {
	case c == nil:
		return nil, jet.ErrColumnNotFound
	case c.Inherited:
		return nil, inherited
	}
	return c, nil
}

// DropColumn drops a column that no index has. Its row stays, as that of a deleted column. Errors: ErrColumnNotFound,
// ErrFixedInheritedDDL for a column of the template, ErrColumnInUse, ErrWriteConflict.
func (t *Table) DropColumn(s *version.Session, name string) error {
	c, err := t.own(s, name, jet.ErrFixedInheritedDDL)
	if err != nil {
		return err
	}
	return nested(s, func() error {
		// The row comes first: it is what two sessions conflict over.
		err := t.cat.replaceRow(s, makeRowKey(t.ObjID, RowColumn, uint32(c.FID)), true, func(r *Row) {
			r.ColtypOrPgno = jet.ColtypNil
			r.Name = fmt.Sprintf("JetStub_%d_%d", t.ObjID, c.FID)
			if c.Flags&record.FlagUserDefinedDefault != 0 {
				r.Flags &^= uint32(record.FlagUserDefinedDefault | record.FlagDefault)
			}
		})
		if err != nil {
			return err
		}
		if err := t.cat.versioned(s, t, t.onColumn(c, func(c *Column) { c.Died = nil }), t.onColumn(c, func(c *Column) { c.dead = true })); err != nil {
			return err
		}
		err = t.change(func(m *model) error {
			for _, d := range m.indexes {
				uses := func(seg segmentID) bool { return seg.id == c.ID }
				// Its drop may be rolled back.
				lives := d.died == nil || !s.Owns(d.died) && !d.died.Committed()
				if lives && (slices.ContainsFunc(d.columns, uses) || slices.ContainsFunc(d.conditions, uses)) {
					return jet.ErrColumnInUse
				}
			}
			i := m.find(c)
			if i < 0 {
				return jet.ErrColumnNotFound
			}
			m.columns[i] = m.columns[i].clone()
			m.columns[i].Died = s.Trx()
			return nil
		})
		t.deriveAgain()
		return err
	})
}

// RenameColumn gives a column another name. placeholder makes it the placeholder of a primary index
// (JET_bitColumnRenameConvertToPrimaryIndexPlaceholder). Errors: ErrColumnNotFound, also for a column of the template,
// ErrKeyDuplicate, ErrInvalidPlaceholderColumn, ErrWriteConflict.
func (t *Table) RenameColumn(s *version.Session, from, to string, placeholder bool) error {
	c, err := t.own(s, from, jet.ErrColumnNotFound)
	if err != nil {
		return err
	}
	if placeholder {
		ix := t.Schema().Primary
		if ix == nil || len(ix.Columns) < 2 || ix.Columns[0].ID != c.ID || c.Type != jet.ColtypBit || c.Class() != record.ClassFixed {
			return jet.ErrInvalidPlaceholderColumn
		}
	}
	folded, err := fold(to)
	if err != nil {
		return err
	}
	if o := t.Schema().ColumnByName(s, to); o != nil && o.origin != c.origin {
		return jet.ErrKeyDuplicate
	}
	t.names.add(folded, c.ID)
	return t.alterColumn(s, c, func(c *Column) {
		c.Name, c.folded = to, folded
		if placeholder {
			c.Flags |= record.FlagPlaceholder
		}
	}, func(r *Row) {
		r.Name = to
		if placeholder {
			r.Flags |= uint32(record.FlagPlaceholder)
		}
	}, func(now *Column) { now.Name, now.folded, now.Flags = c.Name, c.folded, c.Flags })
}

// SetDefault gives a column another default value, for all sessions at once. A rollback takes it back only in the
// catalog: the open table keeps it. Errors: ErrColumnNotFound, also for a
// column of the template, ErrRecordTooBig, ErrWriteConflict.
func (t *Table) SetDefault(s *version.Session, name string, value []byte) error {
	c, err := t.own(s, name, jet.ErrColumnNotFound)
	if err != nil {
		return err
	}
	value = slices.Clone(value)
	return t.alterColumn(s, c, func(c *Column) {
		c.Default = value
		c.Flags = c.Flags&^record.FlagUserDefinedDefault | record.FlagDefault
		c.Callback, c.CallbackData = "", nil
	}, func(r *Row) {
		r.DefaultValue = value
		r.Flags = r.Flags&^uint32(record.FlagUserDefinedDefault) | uint32(record.FlagDefault)
		r.TemplateTable, r.CallbackData = "", nil
	}, nil)
}

// alterColumn changes a column and its row. The change shows at once; restore is what rollback does to the column.
func (t *Table) alterColumn(s *version.Session, c *Column, change func(c *Column), row func(r *Row), restore func(c *Column)) error {
	return nested(s, func() error {
		if err := t.cat.replaceRow(s, makeRowKey(t.ObjID, RowColumn, uint32(c.FID)), true, row); err != nil {
			return err
		}
		if restore != nil {
			if err := t.cat.versioned(s, t, t.onColumn(c, restore), nil); err != nil {
				return err
			}
		}
		err := t.change(func(m *model) error {
			i := m.find(c)
			if i < 0 {
				return jet.ErrColumnNotFound
			}
			m.columns[i] = m.columns[i].clone()
			change(m.columns[i])
			return nil
		})
		t.deriveAgain()
		return err
	})
}
