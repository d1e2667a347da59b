package simtest

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"strings"
)

// trx is an outermost transaction.
type trx struct {
	begin  int // commits that it sees
	commit int // its number, 0 while it runs
	// changes are undone from the end.
	changes []*change
	// logged says that something was changed that the log must tell of.
	logged   bool
	readOnly bool
}

// change is one step of a transaction.
type change struct {
	level int
	table *table
	undo  func()
}

// view is what a session sees: the commits up to begin, and what trx has done.
type view struct {
	trx   *trx
	begin int
}

func (v view) sees(t *trx) bool {
	return t == nil || t == v.trx || t.commit != 0 && t.commit <= v.begin
}

// sight says whether something is there that one transaction made and another may have removed.
func (v view) sight(born, died *trx) bool { return v.sees(born) && (died == nil || !v.sees(died)) }

// kind is what an event does to a record.
type kind uint8

const (
	insert kind = iota
	replace
	remove
	delta
	readLock
	writeLock
)

func (k kind) content() bool  { return k <= remove }
func (k kind) commutes() bool { return k == delta || k == readLock }

// row has the values that a record holds, by column: a list of one or several values, or an empty one for explicit
// NULL. It is not changed once it is in an event.
type row map[*column][][]byte

// event is one change of a record.
type event struct {
	trx    *trx
	change *change
	kind   kind
	row    row
	col    *column // of a delta
	n      int64
}

// record is a record with its history, oldest event first.
type record struct {
	pk     string
	events []*event
}

// entryEvent is one change of the entries that a unique index has under one key.
type entryEvent struct {
	trx    *trx
	insert bool
	pk     string
}

// table is a table of the model.
type table struct {
	name       string
	db         int // which of the databases
	cols       []*column
	primary    *index // nil for none
	indexes    []*index
	records    map[string]*record
	born, died *trx
	autoMost   uint64 // highest autoincrement number given out since the instance started
}

// segment is a column of an index.
type segment struct {
	col        *column
	descending bool
}

// nulls says which records have no entries because of NULL.
type nulls uint8

const (
	allNulls nulls = iota
	ignoreNull
	ignoreAny
	ignoreFirst
	disallow
)

// index is an index of the model.
type index struct {
	name       string
	segs       []segment
	unique     bool
	nulls      nulls
	born, died *trx
	entries    map[string][]*entryEvent // of unique secondary indexes
	// stale says that its creator does not see what the index holds.
	stale bool
}

// model is what the database must contain.
type model struct {
	tables  []*table
	commits int
	durable int // commits that no power cut may lose
	version int // counts changes, for the cache of entries
	cache   map[cacheKey]cached
}

type cacheKey struct {
	t     *table
	ix    *index
	trx   *trx
	begin int
}

type cached struct {
	version int
	list    []entry
}

func newModel() *model { return &model{cache: map[cacheKey]cached{}} }

// now is what a session outside of transactions sees.
func (m *model) now() view { return view{begin: m.commits} }

// begin starts a transaction.
func (m *model) begin() *trx { return &trx{begin: m.commits} }

// add notes a change made at a level.
func (m *model) add(t *trx, level int, tb *table, undo func()) *change {
	m.version++
	c := &change{level: level, table: tb, undo: undo}
	t.changes = append(t.changes, c)
	return c
}

// commitLevel merges a level into the one below it, or ends the transaction.
func (m *model) commitLevel(t *trx, level int) {
	m.version++
	if level > 1 {
		for _, c := range t.changes {
			c.level = min(c.level, level-1)
		}
		return
	}
	if len(t.changes) > 0 {
		m.commits++
		t.commit = m.commits
	}
}

// rollbackLevel undoes a level.
func (m *model) rollbackLevel(t *trx, level int) {
	m.version++
	for _, c := range slices.Backward(t.changes) {
		if c.level >= level {
			c.undo()
		}
	}
	t.changes = slices.DeleteFunc(t.changes, func(c *change) bool { return c.level >= level })
}

// settle makes the first n commits all that ever happened.
func (m *model) settle(n int) {
	v := view{begin: n}
	m.commits, m.durable = n, n
	m.version++
	m.cache = map[cacheKey]cached{}
	m.tables = slices.DeleteFunc(m.tables, func(t *table) bool { return !v.sight(t.born, t.died) })
	for _, t := range m.tables {
		t.born, t.died, t.autoMost = nil, nil, 0
		t.cols = slices.DeleteFunc(t.cols, func(c *column) bool { return !v.sight(c.born, c.died) })
		for _, c := range t.cols {
			c.born, c.died = nil, nil
		}
		t.indexes = slices.DeleteFunc(t.indexes, func(x *index) bool { return !v.sight(x.born, x.died) })
		for _, x := range t.indexes {
			x.born, x.died = nil, nil
			if x.unique {
				x.entries = map[string][]*entryEvent{}
			}
		}
		for pk, r := range t.records {
			content, ok := r.read(t, v)
			if !ok {
				delete(t.records, pk)
				continue
			}
			for c := range content {
				if !slices.Contains(t.cols, c) {
					content = maps.Clone(content)
					maps.DeleteFunc(content, func(c *column, _ [][]byte) bool { return !slices.Contains(t.cols, c) })
					break
				}
			}
			r.events = []*event{{kind: insert, row: content}}
			for _, x := range t.indexes {
				if x.unique {
					keys, _ := x.keys(content)
					for _, k := range keys {
						x.entries[k] = []*entryEvent{{insert: true, pk: pk}}
					}
				}
			}
		}
	}
}

// read gives a record as a session sees it.
func (r *record) read(t *table, v view) (row, bool) {
	last := -1
	for i, e := range r.events {
		if e.kind.content() && v.sees(e.trx) {
			last = i
		}
	}
	if last < 0 || r.events[last].kind == remove {
		return nil, false
	}
	content := r.events[last].row
	for _, e := range r.events[last+1:] {
		if e.kind == delta && v.sees(e.trx) {
			content = content.plus(e.col, e.n)
		}
	}
	return content, true
}

// total is the number in an escrow column with what all sessions have added.
func (r *record) total(c *column) int64 {
	n := int64(0)
	for _, e := range r.events {
		switch {
		case e.kind == delta && e.col == c:
			n += e.n
		case e.kind.content() && e.kind != remove:
			n = signed(e.row.get(c, 1))
		}
	}
	return c.wrap(n)
}

// conflict says that a session may not do something to the record.
func (r *record) conflict(v view, k kind, c *column) bool {
	for _, e := range r.events {
		if !v.sees(e.trx) && !(e.kind == k && k.commutes() && (k != delta || typeSize[e.col.typ] == typeSize[c.typ])) {
			return true
		}
	}
	return false
}

// get gives a value.
func (r row) get(c *column, itag int) []byte {
	list, ok := r[c]
	switch {
	case !ok && itag == 1:
		return c.def
	case itag < 1 || itag > len(list):
		return nil
	}
	return list[itag-1]
}

// values gives all values.
func (r row) values(c *column) [][]byte {
	list, ok := r[c]
	if !ok && c.def != nil {
		return [][]byte{c.def}
	}
	return list
}

// stored says that all that a record of this row holds is in one of the other row, alike. A null is held only in place of
// a default value.
func (r row) stored(in row) bool {
	for c, list := range r {
		other, ok := in[c]
		if !ok && (c.def != nil || len(list) > 0) || !slices.EqualFunc(list, other, bytes.Equal) {
			return false
		}
	}
	return true
}

// with is the row with other values of a column.
func (r row) with(c *column, list [][]byte) row {
	n := maps.Clone(r)
	if n == nil {
		n = row{}
	}
	n[c] = list
	return n
}

// plus is the row with a number added to an escrow column.
func (r row) plus(c *column, n int64) row {
	return r.with(c, [][]byte{c.number(c.wrap(signed(r.get(c, 1)) + n))})
}

// number is the value of an escrow or version column.
func (c *column) number(n int64) []byte {
	b := make([]byte, typeSize[c.typ])
	for i := range b {
		b[i] = byte(n >> (8 * i))
	}
	return b
}

func (c *column) wrap(n int64) int64 {
	if typeSize[c.typ] == 4 {
		return int64(int32(n))
	}
	return n
}

// signed is the number that a value stands for.
func signed(b []byte) int64 {
	n := int64(0)
	for i := range b {
		n |= int64(b[i]) << (8 * i)
	}
	if len(b) == 4 {
		return int64(int32(n))
	}
	return n
}

// keys gives the keys of a record in the index, each once; null says that a column of the key is NULL.
func (x *index) keys(r row) (list []string, null bool) {
	multi := slices.IndexFunc(x.segs, func(s segment) bool { return s.col.multi })
	for itag := 1; ; itag++ {
		var k []byte
		first, some, all := false, false, true
		for i, s := range x.segs {
			n := 1
			if i == multi {
				n = itag
			}
			v := r.get(s.col, n)
			if v == nil {
				first = first || i == 0
				some = true
				if n > 1 {
					return list, null
				}
			} else {
				all = false
			}
			k = s.col.normalise(k, v, s.descending)
		}
		if some {
			null = true
			switch {
			case x.nulls == disallow, x.nulls == ignoreAny, x.nulls == ignoreNull && all, x.nulls == ignoreFirst && first:
				return list, null
			}
		}
		if !slices.Contains(list, string(k)) {
			list = append(list, string(k))
		}
		if multi < 0 {
			return list, null
		}
	}
}

// duplicate says that a key cannot be added to a unique index.
func (x *index) duplicate(v view, k string) bool {
	there := false
	for _, e := range x.entries[k] {
		if !v.sees(e.trx) {
			return true
		}
		there = e.insert
	}
	return there
}

// entry is an entry of an index, or a record in primary order.
type entry struct{ key, pk string }

func (a entry) compare(b entry) int {
	return cmp.Or(strings.Compare(a.key, b.key), strings.Compare(a.pk, b.pk))
}

// list gives the entries of an index that a session sees, in order; nil is the primary one.
func (m *model) list(t *table, x *index, v view) []entry {
	k := cacheKey{t, x, v.trx, v.begin}
	if c, ok := m.cache[k]; ok && c.version == m.version {
		return c.list
	}
	var list []entry
	for pk, r := range t.records {
		content, ok := r.read(t, v)
		if !ok {
			continue
		}
		if x == nil {
			list = append(list, entry{pk, pk})
			continue
		}
		keys, _ := x.keys(content)
		for _, key := range keys {
			list = append(list, entry{key, pk})
		}
	}
	slices.SortFunc(list, entry.compare)
	m.cache[k] = cached{m.version, list}
	return list
}

// columns gives the columns that a session sees.
func (t *table) columns(v view) []*column {
	var list []*column
	for _, c := range t.cols {
		if v.sight(c.born, c.died) {
			list = append(list, c)
		}
	}
	return list
}

// usable says whether a session may use a secondary index: one that is dropped is gone for all at once.
func (x *index) usable(v view) bool { return x.died == nil && v.sees(x.born) }

// maintained says whether a session's updates change the index.
func (x *index) maintained(v view) bool { return x.died == nil || !v.sees(x.died) }

// secondary gives the secondary indexes that a session may use.
func (t *table) secondary(v view) []*index {
	var list []*index
	for _, x := range t.indexes {
		if x.usable(v) && !(x.stale && x.born == v.trx && v.trx != nil) {
			list = append(list, x)
		}
	}
	return list
}

// event adds an event to a record, which is made if there is none.
func (m *model) event(t *trx, level int, tb *table, pk string, e *event) {
	r := tb.records[pk]
	if r == nil {
		r = &record{pk: pk}
		tb.records[pk] = r
	}
	e.trx = t
	r.events = append(r.events, e)
	if e.kind != readLock && e.kind != writeLock {
		t.logged = true
	}
	e.change = m.add(t, level, tb, func() {
		r.events = slices.DeleteFunc(r.events, func(o *event) bool { return o == e })
		if len(r.events) == 0 && tb.records[pk] == r {
			delete(tb.records, pk)
		}
	})
}

// entryChange adds or removes a key of a unique index.
func (m *model) entryChange(t *trx, level int, tb *table, x *index, k, pk string, ins bool) {
	e := &entryEvent{trx: t, insert: ins, pk: pk}
	x.entries[k] = append(x.entries[k], e)
	m.add(t, level, tb, func() {
		x.entries[k] = slices.DeleteFunc(x.entries[k], func(o *entryEvent) bool { return o == e })
	})
}

// put makes a record's content another: insert, replace or, with a nil row, delete.
func (m *model) put(t *trx, level int, tb *table, pk string, now row) {
	v := view{t, t.begin}
	var old row
	there := false
	if r := tb.records[pk]; r != nil {
		old, there = r.read(tb, v)
	}
	e := &event{kind: insert, row: now}
	switch {
	case now == nil:
		e.kind = remove
	case there:
		e.kind = replace
	}
	logged := t.logged
	m.event(t, level, tb, pk, e)
	if e.kind == replace && old.stored(now) && now.stored(old) {
		t.logged = logged // the log may do without it
	}
	for _, x := range tb.indexes {
		if !x.unique || !x.maintained(v) {
			continue
		}
		var before, after []string
		if there {
			before, _ = x.keys(old)
		}
		if now != nil {
			after, _ = x.keys(now)
		}
		for _, k := range before {
			if !slices.Contains(after, k) {
				m.entryChange(t, level, tb, x, k, pk, false)
			}
		}
		for _, k := range after {
			if !slices.Contains(before, k) {
				m.entryChange(t, level, tb, x, k, pk, true)
			}
		}
	}
}
