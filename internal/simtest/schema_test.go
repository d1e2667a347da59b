package simtest

import (
	"fmt"
	"slices"

	"esent/internal/engine"
	"esent/internal/jet"
)

// definition describes a column to the engine.
func (c *column) definition() engine.ColumnDef {
	d := engine.ColumnDef{Name: c.name, Type: c.typ, Max: uint32(c.max), Default: c.def}
	if c.typ == jet.ColtypText || c.typ == jet.ColtypLongText {
		d.CodePage = 1252
	}
	for _, m := range []struct {
		on    bool
		grbit jet.Grbit
	}{{c.class == fixed && !c.long(), jet.BitColumnFixed}, {c.class == tagged && !c.long() || c.multi, jet.BitColumnTagged}, {c.multi, jet.BitColumnMultiValued},
		{c.notNull, jet.BitColumnNotNULL}, {c.auto, jet.BitColumnAutoincrement}, {c.version, jet.BitColumnVersion},
		{c.escrow, jet.BitColumnEscrowUpdate}, {c.compressed, jet.BitColumnCompressed}} {
		if m.on {
			d.Grbit |= m.grbit
		}
	}
	return d
}

// definition describes an index to the engine.
func (x *index) definition(primary bool) engine.IndexDef {
	d := engine.IndexDef{Name: x.name}
	for _, s := range x.segs {
		sign := "+"
		if s.descending {
			sign = "-"
		}
		d.Key = append(d.Key, sign+s.col.name+"\x00"...)
	}
	d.Key = append(d.Key, 0)
	switch x.nulls {
	case ignoreNull:
		d.Grbit |= jet.BitIndexIgnoreNull
	case ignoreAny:
		d.Grbit |= jet.BitIndexIgnoreAnyNull
	case ignoreFirst:
		d.Grbit |= jet.BitIndexIgnoreFirstNull
	case disallow:
		d.Grbit |= jet.BitIndexDisallowNull
	}
	if primary {
		d.Grbit |= jet.BitIndexPrimary
	} else if x.unique {
		d.Grbit |= jet.BitIndexUnique
	}
	return d
}

// newIndex makes up a secondary index of some of the columns.
func (w *world) newIndex(cols []*column) *index {
	x := &index{name: w.name("i"), entries: map[string][]*entryEvent{}}
	for range 1 + w.rng.IntN(3) {
		col := cols[w.rng.IntN(len(cols))]
		for col.escrow {
			col = cols[w.rng.IntN(len(cols))]
		}
		if !slices.ContainsFunc(x.segs, func(s segment) bool { return s.col == col }) {
			x.segs = append(x.segs, segment{col, w.rng.IntN(3) == 0})
		}
	}
	x.unique = w.rng.IntN(4) == 0
	x.nulls = []nulls{allNulls, allNulls, allNulls, ignoreNull, ignoreAny, ignoreFirst}[w.rng.IntN(6)]
	return x
}

// createTable creates a table made up.
func (w *world) createTable(s *session) {
	t := &table{name: w.name("T"), db: w.rng.IntN(w.made), records: map[string]*record{}}
	add := func(c *column) *column {
		t.cols = append(t.cols, c)
		return c
	}
	if w.rng.IntN(5) > 0 {
		x := &index{name: w.name("p"), unique: true}
		x.segs = []segment{{add(&column{name: w.name("c"), typ: jet.ColtypLong, max: 4, wide: true}), w.rng.IntN(4) == 0}}
		for w.rng.IntN(3) == 0 && len(x.segs) < 3 {
			if c := newColumn(w.rng, w.name("c")); !c.multi && !c.long() {
				x.segs = append(x.segs, segment{add(c), w.rng.IntN(3) == 0})
			}
		}
		w.rng.Shuffle(len(x.segs), func(i, k int) { x.segs[i], x.segs[k] = x.segs[k], x.segs[i] })
		if w.rng.IntN(4) == 0 {
			x.nulls = disallow
		}
		t.primary = x
	}
	for range 1 + w.rng.IntN(6) {
		add(newColumn(w.rng, w.name("c")))
	}
	for _, c := range []*column{
		{typ: jet.ColtypLong, max: 4, auto: true}, {typ: jet.ColtypLongLong, max: 8, auto: true}, {typ: jet.ColtypLong, max: 4, version: true},
		{typ: jet.ColtypLong, max: 4, escrow: true, def: []byte{5, 0, 0, 0}}, {typ: jet.ColtypLongLong, max: 8, escrow: true, def: make([]byte, 8)},
	} {
		if w.rng.IntN(4) == 0 && !(c.auto && slices.ContainsFunc(t.cols, func(o *column) bool { return o.auto })) {
			c.name = w.name("c")
			add(c)
		}
	}
	def := engine.TableCreate{Name: t.name, Pages: uint32(w.rng.IntN(20)), Density: uint32(w.rng.IntN(2) * (20 + w.rng.IntN(81)))}
	for _, c := range t.cols {
		def.Columns = append(def.Columns, c.definition())
	}
	if t.primary != nil {
		def.Indexes = append(def.Indexes, t.primary.definition(true))
	}
	for range w.rng.IntN(4) {
		x := w.newIndex(t.cols)
		if x.nulls == allNulls && w.rng.IntN(6) == 0 {
			x.nulls = disallow
		}
		t.indexes = append(t.indexes, x)
		def.Indexes = append(def.Indexes, x.definition(false))
	}
	want := jet.Err(0)
	if s.readOnly() {
		want = jet.ErrTransReadOnly
	}
	var c *engine.Cursor
	if !w.run(call{what: "create " + t.String(), ses: s, want: []jet.Err{want}, sync: true,
		do: func() (err error) {
			c, err = s.s.CreateTableColumnIndex(0, w.dbs[t.db], &def)
			return err
		},
		effect: func() {
			w.change(s, func(tr *trx, level int) {
				tr.logged = true
				t.born = tr
				w.m.tables = append(w.m.tables, t)
				w.m.add(tr, level, nil, func() {
					w.m.tables = slices.DeleteFunc(w.m.tables, func(o *table) bool { return o == t })
				})
			})
		}}) {
		return
	}
	for i, col := range t.cols {
		col.id = def.Columns[i].ID
	}
	w.cut(c.Close(s.s, 0), "close of a new table")
}

// String describes a table with its columns and indexes.
func (t *table) String() string {
	text := t.name
	for _, c := range t.cols {
		text += " " + c.String()
	}
	if t.primary != nil {
		text += " primary " + t.primary.String()
	}
	for _, x := range t.indexes {
		text += " " + x.String()
	}
	return text
}

func (c *column) String() string {
	text := fmt.Sprintf("%s(type %d max %d %s", c.name, c.typ, c.max, [...]string{"fixed", "var", "tagged"}[c.class])
	for _, m := range []struct {
		on   bool
		word string
	}{{c.multi, "multi"}, {c.notNull, "notnull"}, {c.auto, "auto"}, {c.version, "version"}, {c.escrow, "escrow"},
		{c.compressed, "compressed"}, {c.def != nil, "default " + string(show(nil, c.def))}} {
		if m.on {
			text += " " + m.word
		}
	}
	return text + ")"
}

func (x *index) String() string {
	text := x.name + "("
	for _, s := range x.segs {
		if s.descending {
			text += "-" + s.col.name
		} else {
			text += "+" + s.col.name
		}
	}
	if x.unique {
		text += " unique"
	}
	return text + fmt.Sprintf(" nulls %d)", x.nulls)
}

// strange says that sessions that v does not see have changed the table's schema.
func (t *table) strange(v view) bool {
	for _, c := range t.cols {
		if !v.sees(c.born) || !v.sees(c.died) {
			return true
		}
	}
	for _, x := range t.indexes {
		if !v.sees(x.born) || !v.sees(x.died) {
			return true
		}
	}
	return false
}

// foreign says that sessions that v does not see have changed records of the table, and whether one of those has
// nested transactions open.
func (w *world) foreign(t *table, v view) (yes, nested bool) {
	for _, r := range t.records {
		for _, e := range r.events {
			yes = yes || !v.sees(e.trx)
		}
	}
	for _, s := range w.ses {
		if s.trx == nil || s.trx == v.trx {
			continue
		}
		for _, c := range s.trx.changes {
			if c.table == t {
				yes = true
				nested = nested || s.level > 1
			}
		}
	}
	return yes, nested
}

// cursors gives all cursors on a table.
func (w *world) cursors(t *table) []*cursor {
	var list []*cursor
	for _, s := range w.ses {
		for _, c := range s.curs {
			if c.t == t {
				list = append(list, c)
			}
		}
	}
	return list
}

// deleteTable deletes some table.
func (w *world) deleteTable(s *session) {
	v := s.view()
	t := w.m.tables[w.rng.IntN(len(w.m.tables))]
	if !v.sees(t.born) || t.died != nil {
		return
	}
	for _, c := range w.cursors(t) {
		if w.rng.IntN(4) > 0 {
			c.close()
		}
	}
	want := []jet.Err{0}
	foreign, _ := w.foreign(t, v)
	switch {
	case s.readOnly():
		want = []jet.Err{jet.ErrTransReadOnly}
	case len(w.cursors(t)) > 0:
		want = []jet.Err{jet.ErrTableInUse}
	case t.strange(v):
		want = []jet.Err{jet.ErrTableInUse, jet.ErrWriteConflict}
	case foreign:
		want = []jet.Err{0, jet.ErrTableInUse, jet.ErrWriteConflict}
	case s.level > 0: // others may have had the tree of long values made
		want = []jet.Err{0, jet.ErrWriteConflict}
	}
	w.run(call{what: "delete table " + t.name, ses: s, want: want, sync: true,
		do: func() error { return s.s.DeleteTable(0, w.dbs[t.db], t.name) },
		effect: func() {
			w.change(s, func(tr *trx, level int) {
				tr.logged = true
				t.died = tr
				w.m.add(tr, level, nil, func() { t.died = nil })
			})
		}})
}

// addColumn adds a column made up.
func (c *cursor) addColumn() {
	s, w, t := c.s, c.s.w, c.t
	col := newColumn(w.rng, w.name("c"))
	def := col.definition()
	want := jet.Err(0)
	if s.readOnly() {
		want = jet.ErrTransReadOnly
	}
	if w.run(call{what: fmt.Sprintf("%v: add column %v", c, col), ses: s, want: []jet.Err{want}, sync: true,
		do: func() (err error) {
			col.id, _, err = c.c.AddColumn(s.s, &def)
			return err
		},
		effect: func() {
			w.change(s, func(tr *trx, level int) {
				tr.logged = true
				col.born = tr
				t.cols = append(t.cols, col)
				w.m.add(tr, level, nil, func() {
					t.cols = slices.DeleteFunc(t.cols, func(o *column) bool { return o == col })
				})
			})
		}}) {
		c.at = before
	}
}

// uses says whether the index has the column.
func (x *index) uses(col *column) bool {
	return slices.ContainsFunc(x.segs, func(s segment) bool { return s.col == col })
}

// deleteColumn drops some column.
func (c *cursor) deleteColumn() {
	s, w, t := c.s, c.s.w, c.t
	v := s.view()
	cols := t.columns(v)
	if len(cols) == 0 {
		return
	}
	col := cols[w.rng.IntN(len(cols))]
	want, needed := []jet.Err{0}, false
	for _, x := range append([]*index{t.primary}, t.indexes...) {
		if x == nil || !x.uses(col) || x.died != nil && v.sees(x.died) {
			continue
		}
		if want[0] == 0 {
			want = []jet.Err{jet.ErrColumnInUse}
		}
		if !v.sees(x.born) || x.died != nil { // who makes or drops it has a hold on the column
			want = append(want, jet.ErrWriteConflict)
		}
		needed = needed || x.died == nil || x.died.commit == 0
	}
	switch {
	case s.readOnly():
		want = []jet.Err{jet.ErrTransReadOnly}
	case want[0] != 0:
		if w.rng.IntN(4) > 0 {
			return
		}
		if !needed { // indexes that others have dropped since are gone for all
			want = append(want, 0)
		}
	case col.died != nil:
		want = []jet.Err{jet.ErrWriteConflict}
	}
	if w.run(call{what: fmt.Sprintf("%v: delete column %v", c, col), ses: s, want: want, sync: true,
		do: func() error { return c.c.DeleteColumn(s.s, col.name, 0) },
		effect: func() {
			w.change(s, func(tr *trx, level int) {
				tr.logged = true
				col.died = tr
				w.m.add(tr, level, nil, func() { col.died = nil })
			})
		}}) {
		c.at = before
	}
}

// newest gives a record as it will be if the given transaction alone commits: the newest committed content, or what the
// transaction has made of it.
func (w *world) newest(r *record, t *table, tr *trx) (row, bool) {
	return r.read(t, view{tr, w.m.commits})
}

// createIndex creates an index made up.
func (c *cursor) createIndex() {
	s, w, t := c.s, c.s.w, c.t
	v := s.view()
	var cols []*column
	dropped := false
	for _, col := range t.columns(v) {
		if !col.escrow {
			cols = append(cols, col)
		}
	}
	if len(cols) == 0 {
		return
	}
	x := w.newIndex(cols)
	for _, seg := range x.segs {
		dropped = dropped || seg.col.died != nil
	}
	_, nested := w.foreign(t, v)
	want := []jet.Err{0}
	switch {
	case s.readOnly():
		want = []jet.Err{jet.ErrTransReadOnly}
	case dropped:
		want = []jet.Err{jet.ErrWriteConflict, jet.ErrColumnNotFound}
	case x.unique && w.collides(t, x, s.trx, nil, true):
		want = []jet.Err{jet.ErrKeyDuplicate}
	case x.unique && w.collides(t, x, s.trx, w.running(), true):
		want = []jet.Err{jet.ErrKeyDuplicate, jet.ErrWriteConflict}
	case x.unique && w.collides(t, x, s.trx, w.running(), false):
		want = []jet.Err{0, jet.ErrKeyDuplicate, jet.ErrWriteConflict}
	case nested:
		want = []jet.Err{0, jet.ErrWriteConflict}
	}
	def := x.definition(false)
	sync := w.rng.IntN(2) == 0
	if !sync {
		def.Grbit |= jet.BitIndexLazyFlush
	}
	w.run(call{what: fmt.Sprintf("%v: create index %v", c, x), ses: s, want: want, sync: sync,
		do: func() error { return c.c.CreateIndex(s.s, []engine.IndexDef{def}) },
		effect: func() {
			w.change(s, func(tr *trx, level int) {
				tr.logged = true
				x.born = tr
				t.indexes = append(t.indexes, x)
				w.m.add(tr, level, nil, func() {
					t.indexes = slices.DeleteFunc(t.indexes, func(o *index) bool { return o == x })
				})
				w.fill(t, x, tr)
			})
		}})
}

// collides says whether some key of a unique index belongs to two records: of those that are committed, as transaction
// own has changed them, and of those that others have made. sure leaves out what some other transaction has made of one
// record against what it has replaced in the other: either of them comes to nothing.
func (w *world) collides(t *table, x *index, own *trx, others []*trx, sure bool) bool {
	type holder struct {
		r  *record
		by *trx
	}
	changed := func(r *record, o *trx) bool {
		return slices.ContainsFunc(r.events, func(e *event) bool { return e.trx == o && e.kind.content() })
	}
	replaced := func(a, b holder) bool { return sure && a.by == own && b.by != own && changed(a.r, b.by) }
	holders := map[string][]holder{}
	for _, r := range t.records {
		all := []holder{{r, own}}
		for _, o := range others {
			if o != own && changed(r, o) {
				all = append(all, holder{r, o})
			}
		}
		for _, h := range all {
			content, ok := r.read(t, view{h.by, w.m.commits})
			if !ok {
				continue
			}
			keys, _ := x.keys(content)
			for _, k := range keys {
				for _, o := range holders[k] {
					if o.r != r && !replaced(o, h) && !replaced(h, o) {
						return true
					}
				}
				holders[k] = append(holders[k], h)
			}
		}
	}
	return false
}

// fill gives a new index of transaction tr its entries.
func (w *world) fill(t *table, x *index, tr *trx) {
	for pk, r := range t.records {
		if tr != w.autoTrx {
			for _, e := range r.events {
				if e.kind.content() && e.trx != nil && e.trx != tr && e.trx.commit > tr.begin {
					x.stale = true
				}
			}
		}
		if !x.unique {
			continue
		}
		base, ok := w.newest(r, t, tr)
		var keys []string
		if ok {
			keys, _ = x.keys(base)
		}
		for _, k := range keys {
			x.entries[k] = append(x.entries[k], &entryEvent{insert: true, pk: pk})
		}
		for _, o := range w.running() {
			if o == tr || !slices.ContainsFunc(r.events, func(e *event) bool { return e.trx == o && e.kind.content() }) {
				continue
			}
			now, ok := w.newest(r, t, o)
			var then []string
			if ok {
				then, _ = x.keys(now)
			}
			for _, k := range keys {
				if !slices.Contains(then, k) {
					w.m.entryChange(o, 1, t, x, k, pk, false)
				}
			}
			for _, k := range then {
				if !slices.Contains(keys, k) {
					w.m.entryChange(o, 1, t, x, k, pk, true)
				}
			}
		}
	}
}

// deleteIndex drops some secondary index.
func (c *cursor) deleteIndex() {
	s, w, t := c.s, c.s.w, c.t
	list := t.secondary(s.view())
	if len(list) == 0 {
		return
	}
	x := list[w.rng.IntN(len(list))]
	want := jet.Err(0)
	switch {
	case s.readOnly():
		want = jet.ErrTransReadOnly
	case slices.ContainsFunc(w.cursors(t), func(o *cursor) bool { return o.x == x }):
		want = jet.ErrIndexInUse
	}
	w.run(call{what: fmt.Sprintf("%v: delete index %v", c, x), ses: s, want: []jet.Err{want}, sync: true,
		do: func() error { return c.c.DeleteIndex(s.s, x.name) },
		effect: func() {
			w.change(s, func(tr *trx, level int) {
				tr.logged = true
				x.died = tr
				w.m.add(tr, level, nil, func() { x.died = nil })
			})
		}})
}
