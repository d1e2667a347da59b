package catalog

import (
	"slices"
	"sync/atomic"

	"esent/internal/engine/btree"
	"esent/internal/engine/key"
	"esent/internal/engine/record"
	"esent/internal/engine/version"
	"esent/internal/jet"
)

// model is the changing state from which a table's schemas are made. It is guarded by the table's mutex; columns and
// index definitions in it are replaced, never changed.
type model struct {
	columns []*Column // the table's own by FID
	indexes []*indexDef
	// The highest ids that were ever given out, the template's among them, and where the next fixed column goes.
	fixedLast, varLast, taggedLast uint16
	fixedEnd                       int
}

// indexDef is an index as the catalog describes it, with names for columns.
type indexDef struct {
	name       string
	folded     string
	objid      jet.ObjID
	tree       *btree.Tree
	flags      key.Flags
	keyMost    int
	varSegMac  int
	columns    []segmentID
	conditions []segmentID
	tuple      *key.TupleLimits
	density    int
	hints      SpaceHints
	locale     string
	mapFlags   uint32
	version    uint64
	sortID     key.SortID

	born, died *version.Trx
	uses       *atomic.Int32
}

func (d *indexDef) primary() bool { return d.flags.Has(key.FlagPrimary) }

// clone is a copy to be changed.
func (d *indexDef) clone() *indexDef {
	c := *d
	return &c
}

func (c *Column) clone() *Column {
	d := *c
	return &d
}

// noteID raises the highest id of a column's class, and the end of the fixed columns.
func (m *model) noteID(c *Column) {
	switch c.Class() {
	case record.ClassFixed:
		m.fixedLast = max(m.fixedLast, c.FID)
		m.fixedEnd = max(m.fixedEnd, int(c.Offset)+c.Max)
	case record.ClassVar:
		m.varLast = max(m.varLast, c.FID)
	default:
		if !c.Inherited || !c.Derived {
			m.taggedLast = max(m.taggedLast, c.FID)
		}
	}
}

// add takes up a column.
func (m *model) add(c *Column) {
	if n := len(m.columns); n == 0 || m.columns[n-1].FID < c.FID {
		m.columns = append(m.columns, c)
		return
	}
	i, _ := m.search(c.FID)
	m.columns = append(append(m.columns[:i:i], c), m.columns[i:]...)
}

// find gives the place of a column in the model, -1 when it is not there.
func (m *model) find(c *Column) int {
	for i, _ := m.search(c.FID); i < len(m.columns) && m.columns[i].FID == c.FID; i++ {
		if m.columns[i].origin == c.origin {
			return i
		}
	}
	return -1
}

func (m *model) search(fid uint16) (i int, found bool) {
	return slices.BinarySearchFunc(m.columns, fid, func(c *Column, fid uint16) int { return int(c.FID) - int(fid) })
}

// last is the highest id of a class that was ever given out, and the highest there can be.
func (m *model) last(class record.Class) (last *uint16, most uint16) {
	switch class {
	case record.ClassFixed:
		return &m.fixedLast, record.FixedLast
	case record.ClassVar:
		return &m.varLast, record.VarLast
	}
	return &m.taggedLast, record.TaggedLast
}

// newModel is the state of a table without own columns.
func newModel(template *Schema) model {
	m := model{fixedLast: record.FixedFirst - 1, varLast: record.VarFirst - 1, taggedLast: record.TaggedFirst - 1,
		fixedEnd: firstFixedOffset}
	if template != nil {
		for _, c := range inherit(template) {
			m.noteID(c)
		}
	}
	return m
}

// firstFixedOffset is where fixed columns begin in a record.
const firstFixedOffset = 4

// inherit gives a template's columns as its derived tables have them.
func inherit(template *Schema) []*Column {
	list := make([]*Column, len(template.Columns))
	for i, c := range template.Columns {
		c = c.clone()
		c.Inherited = true
		c.Derived = c.Class() == record.ClassTagged && c.Flags&record.FlagTemplate != 0
		list[i] = c
	}
	return list
}

// compile makes the schema of the model. ErrCatalogCorrupted says that its parts contradict each other,
// ErrRecordTooBig that the default values do not fit a record.
func (t *Table) compile(m *model) (*Schema, error) {
	sc := &Schema{names: &t.names}
	var all []*Column
	if t.Template != nil {
		all = inherit(t.Template.Schema())
		sc.inherited = &t.Template.names
	}
	all = append(all, m.columns...)
	slices.SortFunc(all, func(a, b *Column) int { return int(orderOf(a.ID)) - int(orderOf(b.ID)) })
	layout := make([]record.Column, len(all))
	unsettled := false
	for i, c := range all {
		layout[i] = c.Column
		if c.dead {
			layout[i].Type = jet.ColtypNil
			sc.Dropped = append(sc.Dropped, c)
			continue
		}
		sc.Columns = append(sc.Columns, c)
		if c.open() {
			sc.open++
		}
		unsettled = unsettled || c.unsettled()
		sc.Computed = sc.Computed || c.Flags&record.FlagUserDefinedDefault != 0
		// A dropped one counts while somebody may see it, and another that came in its place before it.
		if c.Flags&record.FlagAutoincrement != 0 && (sc.AutoInc == nil || c.Died == nil) {
			sc.AutoInc = c
		}
		if c.Flags&record.FlagVersion != 0 && (sc.Version == nil || c.Died == nil) {
			sc.Version = c
		}
	}
	opt := record.Options{PageSize: t.cat.db.PageSize, KeyMost: record.KeyMostSequential, SeparateLV: t.SeparateLV,
		LIDSize: t.lidSize(), SumOffsets: t.ObjID == objidCatalog || t.ObjID == objidShadow}
	var primary *indexDef
	for _, d := range m.indexes {
		if d.primary() {
			primary = d
			keyMost, _, err := t.limits(d, all)
			if err != nil {
				return nil, err
			}
			opt.KeyMost = keyMost
		}
	}
	var err error
	if sc.Record, err = record.NewSchema(layout, opt); err != nil {
		return nil, err
	}
	if unsettled {
		if err := settleDefaults(sc.Record, all); err != nil {
			return nil, err
		}
	}
	for _, d := range m.indexes {
		ix, err := t.compileIndex(sc, d)
		if err != nil {
			return nil, err
		}
		if d == primary {
			sc.Primary = ix
		} else {
			sc.Indexes = append(sc.Indexes, ix)
		}
	}
	slices.SortFunc(sc.Indexes, func(a, b *Index) int { return int(int64(a.ObjID) - int64(b.ObjID)) })
	return sc, nil
}

// settleDefaults keeps columns whose creation may be rolled back, or whose end is not settled, out of what inserts
// start from: records must not have values for ids and places that others may get later. If the last fixed or variable
// one is such a column, inserts start from the fixed ones before it (spec chapter 04, 4.1); values of other columns are
// stored when a later one is set.
func settleDefaults(s *record.Schema, all []*Column) error {
	fixed := 0 // up to the last settled one within the record of defaults
	last := map[record.Class]*Column{}
	for _, c := range all {
		if c.dead || c.Class() == record.ClassTagged {
			continue
		}
		if c.HasDefault() && c.Flags&record.FlagUserDefinedDefault == 0 {
			last[c.Class()] = c
		}
	}
	open := false
	for _, c := range last {
		open = open || c.unsettled()
	}
	if !open {
		return nil
	}
	if end := last[record.ClassFixed]; end != nil {
		for i := range s.Fixed[:end.FID-record.FixedFirst+1] {
			if col := &s.Fixed[i]; !col.Deleted() && !slices.ContainsFunc(all, func(c *Column) bool { return c.ID == col.ID && c.unsettled() }) {
				fixed = i + 1
			}
		}
	}
	var err error
	s.DefaultRecord, err = s.FixedDefaults(fixed)
	return err
}

// limits gives the minimised limits of an index definition.
func (t *Table) limits(d *indexDef, all []*Column) (keyMost, varSegMac int, err error) {
	def := key.Index{KeyMost: d.keyMost, VarSegMac: d.varSegMac, Flags: d.flags}
	for _, s := range d.columns {
		i := slices.IndexFunc(all, func(c *Column) bool { return c.ID == s.id && !c.dead })
		if i < 0 {
			return 0, 0, jet.ErrCatalogCorrupted.Errorf("index %q has no column %#x", d.name, uint32(s.id))
		}
		def.Segments = append(def.Segments, keySegment(&all[i].Column, s))
	}
	keyMost, varSegMac = def.Minimise()
	return keyMost, varSegMac, nil
}

func keySegment(c *record.Column, s segmentID) key.Segment {
	return key.Segment{Type: int(c.Type), CodePage: c.CodePage, Max: c.Max, FixedClass: c.Class() == record.ClassFixed,
		Descending: s.flags&segDescending != 0, MultiValued: c.Flags&record.FlagMultivalued != 0}
}

// compileIndex ties an index definition to the columns of a schema.
func (t *Table) compileIndex(sc *Schema, d *indexDef) (*Index, error) {
	ix := &Index{Name: d.name, ObjID: d.objid, Tree: d.tree, Flags: d.flags, Density: d.density, Hints: d.hints,
		Locale: d.locale, MapFlags: d.mapFlags, SortVersion: d.version, SortID: d.sortID,
		Inherited: d.flags.Has(key.FlagDerived), Born: d.born, Died: d.died, folded: d.folded, uses: d.uses}
	ix.Def = key.Index{KeyMost: d.keyMost, VarSegMac: d.varSegMac, Flags: d.flags, Tuple: d.tuple}
	text := false
	for _, s := range d.columns {
		c := sc.Record.Column(s.id)
		if c == nil {
			return nil, jet.ErrCatalogCorrupted.Errorf("index %q has no column %#x", d.name, uint32(s.id))
		}
		ix.Columns = append(ix.Columns, IndexColumn{Column: c, Descending: s.flags&segDescending != 0})
		ix.Def.Segments = append(ix.Def.Segments, keySegment(c, s))
		ix.Mask.Add(c.FID)
		text = text || c.CodePage == codePageUnicode
	}
	for _, s := range d.conditions {
		c := sc.Record.Column(s.id)
		if c == nil {
			return nil, jet.ErrCatalogCorrupted.Errorf("index %q has no conditional column %#x", d.name, uint32(s.id))
		}
		ix.Conditions = append(ix.Conditions, IndexColumn{Column: c, MustBeNull: s.flags&segMustBeNull != 0})
		ix.Mask.Add(c.FID)
	}
	if text {
		// A locale or flags that nobody knows leave an index that can be read, and whose keys cannot be made.
		ix.Def.Collation, _ = key.NewCollation(d.locale, d.mapFlags, d.version, d.sortID)
	}
	ix.Def.Placeholder = d.primary() && len(ix.Columns) > 1 && ix.Columns[0].Flags&record.FlagPlaceholder != 0
	if err := ix.Def.Validate(); err != nil {
		return nil, err
	}
	ix.Def.KeyMost, ix.Def.VarSegMac = ix.Def.Minimise()
	return ix, nil
}
