package simtest

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"esent/internal/engine"
	"esent/internal/jet"
)

// label is a table's name with its database.
func (t *table) label() string { return label(t.db, t.name) }

func label(db int, name string) string { return fmt.Sprintf("%d.%s", db, name) }

// dump is what the model says is in the databases at a view, one line for each thing. While transactions run, what one
// of them has dropped cannot be looked at.
func (m *model) dump(v view, running bool) []string {
	var out []string
	for _, t := range m.tables {
		if v.sight(t.born, t.died) {
			out = m.dumpTable(out, t, v, running)
		}
	}
	slices.Sort(out)
	return out
}

// dumpTable appends what the model says of one table, in order.
func (m *model) dumpTable(out []string, t *table, v view, running bool) []string {
	name := t.label()
	if running && t.died != nil {
		return append(out, name+" dropped")
	}
	from := len(out)
	out = append(out, name)
	cols := t.columns(v)
	for _, c := range cols {
		out = append(out, name+" column "+c.name)
	}
	slices.SortFunc(cols, func(a, b *column) int { return strings.Compare(a.name, b.name) })
	for _, e := range m.list(t, nil, v) {
		r, _ := t.records[e.pk].read(t, v)
		out = append(out, recordLine(name, e.pk, cols, r.values))
	}
	for _, x := range t.indexes {
		if !v.sight(x.born, x.died) || running && x.died != nil {
			continue
		}
		out = append(out, name+" index "+x.name)
		for _, e := range m.list(t, x, v) {
			out = append(out, entryLine(name, x.name, e))
		}
	}
	slices.Sort(out[from:])
	return out
}

// recordLine tells of a record; the columns are in the order of their names.
func recordLine(table, pk string, cols []*column, values func(*column) [][]byte) string {
	b := make([]byte, 0, 256)
	b = append(append(b, table...), " record "...)
	b = hex.AppendEncode(b, []byte(pk))
	for _, c := range cols {
		b = append(append(b, ' '), c.name...)
		for _, v := range values(c) {
			b = append(show(append(b, '['), v), ']')
		}
	}
	return string(b)
}

func entryLine(table, index string, e entry) string {
	b := make([]byte, 0, 256)
	b = append(append(append(append(b, table...), " entry "...), index...), ' ')
	b = append(hex.AppendEncode(b, []byte(e.key)), ' ')
	return string(hex.AppendEncode(b, []byte(e.pk)))
}

// dump is what really is in the databases that the session has open. A table's and an index' entries are also checked
// to be in order.
func (w *world) dump(s *engine.Session, dbs []uint32) []string {
	var out []string
	for k, id := range dbs {
		for _, name := range w.tableNames(s, id) {
			out = append(out, w.dumpTable(s, id, name, label(k, name))...)
		}
	}
	slices.Sort(out)
	return out
}

// tableNames lists the tables of a database.
func (w *world) tableNames(s *engine.Session, db uint32) []string {
	var out []string
	list, err := s.ObjectList(0, db, 1, "", "", false, false)
	w.cut(err, "JetGetObjectInfo")
	for err = list.Cursor.Move(s, engine.MoveFirst, 0); err == nil; err = list.Cursor.Move(s, 1, 0) {
		get := engine.Retrieval{Column: list.ObjectName, Buf: w.buf, Itag: 1}
		_, err := list.Cursor.RetrieveColumn(s, &get)
		w.cut(err, "table name")
		if name := string(w.buf[:get.Actual]); !strings.HasPrefix(name, "MSys") {
			out = append(out, name)
		}
	}
	w.seen(err, "end of the list of tables", jet.ErrNoCurrentRecord)
	w.cut(list.Cursor.Close(s, 0), "close of the list")
	return out
}

// dumpTable is what really is in a table, in order.
func (w *world) dumpTable(s *engine.Session, db uint32, table, name string) []string {
	out := []string{name}
	c, err := s.OpenTable(0, db, table, jet.BitTableReadOnly)
	if jet.CodeOf(err) == jet.ErrTableLocked {
		return []string{name + " dropped"}
	}
	w.cut(err, "open "+name)
	names := func(list *engine.Cursor, column jet.ColumnID) (names []string) {
		for err = list.Move(s, engine.MoveFirst, 0); err == nil; err = list.Move(s, 1, 0) {
			get := engine.Retrieval{Column: column, Buf: w.buf, Itag: 1}
			_, err := list.RetrieveColumn(s, &get)
			w.cut(err, "name in a list")
			names = append(names, string(w.buf[:get.Actual]))
		}
		w.seen(err, "end of a list", jet.ErrNoCurrentRecord)
		w.cut(list.Close(s, 0), "close of a list")
		return names
	}
	columns, err := c.ColumnList(s, 1, false)
	w.cut(err, "JetGetTableColumnInfo")
	var cols []*column
	for _, n := range names(columns.Cursor, columns.ColumnName) {
		info, err := c.ColumnInfo(s, n, nil)
		w.cut(err, "column "+n)
		col := &column{name: n, id: info.ID, class: tagged}
		if info.Grbit&jet.BitColumnTagged == 0 {
			col.class = fixed
		}
		cols = append(cols, col)
		out = append(out, name+" column "+n)
	}
	slices.SortFunc(cols, func(a, b *column) int { return strings.Compare(a.name, b.name) })
	reader := &cursor{c: c, s: &session{s: s, w: w}}
	for _, e := range w.entries(s, c) {
		w.cut(c.GotoBookmark(s, []byte(e.pk)), "JetGotoBookmark")
		out = append(out, recordLine(name, e.pk, cols, func(col *column) [][]byte {
			list, err := reader.values(col)
			w.cut(err, "column "+col.name)
			return list
		}))
	}
	indexes, err := c.IndexList(s, "", false)
	w.cut(err, "JetGetTableIndexInfo")
	for _, n := range slices.Compact(names(indexes.Cursor, indexes.IndexName)) {
		w.cut(c.SetCurrentIndex(s, n, nil, 0, 1), "index "+n)
		if strings.HasPrefix(n, "p") {
			continue
		}
		out = append(out, name+" index "+n)
		for _, e := range w.entries(s, c) {
			out = append(out, entryLine(name, n, e))
		}
	}
	w.cut(c.Close(s, 0), "close of "+name)
	slices.Sort(out)
	return out
}

// entries reads the current index of a cursor.
func (w *world) entries(s *engine.Session, c *engine.Cursor) []entry {
	var list []entry
	err := c.Move(s, engine.MoveFirst, 0)
	for ; err == nil; err = c.Move(s, 1, 0) {
		n, err := c.Bookmark(s, w.buf)
		w.cut(err, "JetGetBookmark")
		pk := string(w.buf[:n])
		n, _, err = c.RetrieveKey(s, w.buf, 0)
		w.cut(err, "JetRetrieveKey")
		e := entry{string(w.buf[:n]), pk}
		if len(list) > 0 && list[len(list)-1].compare(e) >= 0 {
			w.fail("%x/%x before %x/%x", list[len(list)-1].key, list[len(list)-1].pk, e.key, e.pk)
		}
		list = append(list, e)
	}
	w.seen(err, "end of an index", jet.ErrNoCurrentRecord)
	return list
}

// openAll opens databases that are attached.
func (w *world) openAll(s *engine.Session, paths []string) []uint32 {
	var ids []uint32
	for _, path := range paths {
		ids = append(ids, w.openDatabase(s, path, false, false))
	}
	return ids
}

// verify compares the whole database with what is committed.
func (w *world) verify() {
	s, err := w.inst.BeginSession()
	w.cut(err, "JetBeginSession")
	got, want := w.dump(s, w.openAll(s, w.paths())), w.m.dump(w.m.now(), true)
	if !slices.Equal(got, want) {
		w.fail("the database differs:\n%s", difference(got, want))
	}
	w.cut(s.End(0), "JetEndSession")
	w.note("verified: %d lines", len(got))
}

// survivors finds out which lazy commits have survived a power cut: some first ones, and all that were durable.
func (w *world) survivors() {
	got := w.dump(w.ses[0].s, w.dbs)
	var best string
	for n := w.m.commits; n >= w.m.durable; n-- {
		want := w.m.dump(view{begin: n}, false)
		if slices.Equal(got, want) {
			w.note("survived: %d of %d commits, durable were %d", n, w.m.commits, w.m.durable)
			w.m.settle(n)
			w.learnIDs()
			return
		}
		if d := fmt.Sprintf("with %d commits:\n%s", n, difference(got, want)); best == "" || len(d) < len(best) {
			best = d
		}
	}
	w.fail("after a power cut with %d commits, %d durable, the database has none of these states; nearest:\n%s", w.m.commits, w.m.durable, best)
}

// learnIDs asks for the ids of columns: the power may have gone before the call that made one could tell.
func (w *world) learnIDs() {
	s := w.ses[0].s
	for _, t := range w.m.tables {
		for _, c := range t.cols {
			info, err := s.ColumnInfo(0, w.dbs[t.db], t.name, c.name, nil)
			w.cut(err, "column "+c.name)
			c.id = info.ID
		}
	}
}
