package catalog

import (
	"slices"

	"esent/internal/engine/btree/ops"
	"esent/internal/engine/key"
	"esent/internal/engine/record"
)

// Definition describes the table as it would be created anew, in a compact copy of its database: its own columns and
// indexes but those that are dropped, and with what a table has by default said outright (spec chapter 03, 11.4).
// What a template brings in is not in it. keepSort keeps the sort versions of indexes over Unicode text.
func (t *Table) Definition(keepSort bool) *TableDef {
	t.mu.Lock()
	defer t.mu.Unlock()
	d := &TableDef{Name: t.Name(), Flags: t.Flags &^ TableDerived, Pages: t.Pages, Density: 100, SeparateLV: t.SeparateLV,
		LVChunkMax: t.ChunkSize, Hints: &t.Hints, LVHints: &t.LVHints, Callbacks: slices.Clone(t.Callbacks)}
	if t.Template != nil {
		d.Template = t.Template.Name()
	}
	all := slices.Clone(t.m.columns)
	if t.Template != nil {
		all = append(all, inherit(t.Template.Schema())...)
	}
	columns := slices.Clone(t.m.columns)
	slices.SortFunc(columns, func(a, b *Column) int { return int(a.FID) - int(b.FID) })
	for _, c := range columns {
		if c.dead || c.Died != nil {
			continue
		}
		d.Columns = append(d.Columns, ColumnDef{Column: c.Column, Class: c.Class(), Exclusive: true, Callback: c.Callback,
			CallbackData: c.CallbackData})
	}
	indexes := slices.Clone(t.m.indexes)
	slices.SortFunc(indexes, func(a, b *indexDef) int { return int(int64(a.objid) - int64(b.objid)) })
	for _, ix := range indexes {
		if ix.died != nil || ix.flags.Has(key.FlagDerived) {
			continue
		}
		d.Indexes = append(d.Indexes, ix.definition(all, keepSort))
	}
	return d
}

// definition describes an index whose columns are among all. Unicode text keeps its sort version where no other keys can
// be made at all.
func (d *indexDef) definition(all []*Column, keepSort bool) IndexDef {
	const found = key.FlagMultivalued | key.FlagTemplate | key.FlagLocalizedText | key.FlagDeferredPopulate
	def := IndexDef{Name: d.name, Flags: d.flags&^found | key.FlagLocaleSet, KeyMost: d.keyMost, VarSegMac: d.varSegMac,
		Tuple: d.tuple, Locale: d.locale, MapFlags: d.mapFlags, Density: min(max(d.density, 20), 100), Hints: d.hints}
	name := func(s segmentID) string {
		for _, c := range all {
			if c.ID == s.id && !c.dead {
				return c.Name
			}
		}
		return ""
	}
	for _, s := range d.columns {
		def.Columns = append(def.Columns, KeyColumn{Name: name(s), Descending: s.flags&segDescending != 0})
	}
	for _, s := range d.conditions {
		def.Conditions = append(def.Conditions, Condition{Name: name(s), MustBeNull: s.flags&segMustBeNull != 0})
	}
	if d.flags.Has(key.FlagLocalizedText) && (keepSort || d.clone().collate() != nil) {
		def.Sort = &Sort{Version: d.version, ID: d.sortID}
	}
	return def
}

// StoredAutoInc gives the highest autoincrement number that the table's root says was reserved; false when it says
// nothing, as in tables of old engines.
func (t *Table) StoredAutoInc() (most uint64, stored bool, err error) {
	var buf [64]byte
	b, err := t.Tree.Header(buf[:0])
	if err != nil {
		return 0, false, err
	}
	h, err := ops.ParseRootHeader(b)
	return h.AutoInc, h.HasAutoInc, err
}

// AutoIncOf reads an autoincrement number; a negative one counts as none.
func AutoIncOf(v record.Value) uint64 {
	if v.Null {
		return 0
	}
	return autoIncOf(v.Data)
}
