package catalog

import (
	"slices"

	"esent/internal/engine/record"
	"esent/internal/engine/version"
)

// A table may have tens of thousands of tagged columns, and get them one by one. So that this takes no time that grows
// with the square of their number, a schema is made from its predecessor where that is easy: a tagged column comes at
// the end, goes from there again when its creation is rolled back, and comes of age. The lists of columns are shared
// then: a later schema has more of the same array. As only the newest one is ever extended (Table.mu), nobody who has
// an older one looks there.

// plainTagged says that a column is one that comes and goes in that way.
func (t *Table) plainTagged(c *Column, class record.Class) bool {
	const special = record.FlagAutoincrement | record.FlagVersion | record.FlagUserDefinedDefault
	return class == record.ClassTagged && c.Flags&special == 0 && !t.Flags.Has(TableTemplate)
}

// grow gives a new column its id and place, and adds it to the schema.
func (t *Table) grow(s *version.Session, c *Column, class record.Class) error {
	if !t.plainTagged(c, class) {
		return t.change(func(m *model) error { return t.placeColumn(s, m, c, class, t.Schema().Record.RecordMost) })
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	m := t.m
	if err := t.placeColumn(s, &m, c, class, 0); err != nil {
		return err
	}
	sc := t.Schema().copy()
	r, err := sc.Record.Extend(c.Column)
	if err != nil {
		return err
	}
	sc.Record, sc.Columns = r, append(sc.Columns, c)
	if c.open() {
		sc.open++
	}
	t.m = m
	t.setSchema(sc)
	return nil
}

// undoGrow is the rollback of a column's creation: the column is dead.
func (t *Table) undoGrow(c *Column) func(*version.Session) error {
	return func(s *version.Session) error {
		if t.shrink(c) {
			return nil
		}
		return t.onColumn(c, func(c *Column) { c.dead = true })(s)
	}
}

// shrink takes a column away that is the last of the schema; false when it is not.
func (t *Table) shrink(c *Column) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	sc := t.Schema()
	last := len(sc.Columns) - 1
	if !t.plainTagged(c, c.Class()) || last < 0 || sc.Columns[last].origin != c.origin || !sc.Record.EndsWith(&c.Column) {
		return false
	}
	now := sc.Columns[last]
	next := sc.copy()
	if now.open() {
		next.open--
	}
	dead := now.clone()
	dead.dead = true
	t.m.columns[t.m.find(c)] = dead
	next.Record, next.Columns, next.Dropped = sc.Record.Shrink(), slices.Clip(sc.Columns[:last]), append(sc.Dropped, dead)
	t.setSchema(next)
	return true
}

// comeOfAge notes that the creation of a column is long past.
func (t *Table) comeOfAge(c *Column) func(*version.Session) error {
	return func(s *version.Session) error {
		if !t.plainTagged(c, c.Class()) {
			return t.onColumn(c, func(c *Column) { c.born.Store(nil) })(s)
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		i := t.m.find(c)
		if i < 0 {
			return nil
		}
		now := t.m.columns[i]
		was := now.open()
		now.born.Store(nil)
		if was && !now.open() {
			sc := t.Schema().copy()
			sc.open--
			t.setSchema(sc)
		}
		return nil
	}
}

// copy is a schema to be made into the next one.
func (sc *Schema) copy() *Schema {
	return &Schema{Record: sc.Record, Columns: sc.Columns, Dropped: sc.Dropped, Primary: sc.Primary, Indexes: sc.Indexes,
		AutoInc: sc.AutoInc, Version: sc.Version, Computed: sc.Computed, open: sc.open, names: sc.names, inherited: sc.inherited}
}
