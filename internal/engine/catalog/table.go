package catalog

import (
	"sync"
	"sync/atomic"

	"esent/internal/engine/btree"
	"esent/internal/engine/lv"
	"esent/internal/engine/version"
	"esent/internal/jet"
)

// TableFlags are the flags of a table row (spec chapter 03, 13.3).
type TableFlags uint32

// The flags.
const (
	TableSystem        TableFlags = 0x80000000
	TableFixedDDL      TableFlags = 0x40000000
	TableTemplate      TableFlags = 0x20000000
	TableDerived       TableFlags = 0x10000000
	TableSystemDynamic TableFlags = 0x08000000
)

// Has says whether all bits of f are set.
func (fl TableFlags) Has(f TableFlags) bool { return fl&f == f }

// Callback is a function to be called on changes of a table.
type Callback struct {
	Type     uint32 // JET_cbtyp
	Function string // "dll!function"
}

// Table describes one table to all who use it. Its exported fields are constant.
type Table struct {
	ObjID jet.ObjID
	Tree  *btree.Tree
	Flags TableFlags
	// Template is the table that this one is derived from; nil if it is not.
	Template *Table
	// Density and Pages are what the table was created with; Pages is 0 for the default.
	Density int
	Pages   uint32
	// Hints and LVHints are the space hints of the table and of its long-value tree.
	Hints, LVHints SpaceHints
	// SeparateLV is the preferred largest intrinsic long value, 0 for the default; ChunkSize how long values are cut.
	SeparateLV int
	ChunkSize  int
	Callbacks  []Callback

	cat *Catalog
	// temporary is set for tables of the temporary database.
	temporary *TemporaryDef
	name      atomic.Pointer[string]
	schema    atomic.Pointer[Schema]
	lv        atomic.Pointer[lv.Values]
	// born and died are the transactions that created and dropped the table; nil when that is long past, or has not
	// happened.
	born, died atomic.Pointer[version.Trx]

	mu sync.Mutex // guards what follows; nothing is changed in a tree while it is held
	m  model

	names    columnNames
	attached atomic.Pointer[attachment]

	// lvMu is held while the long-value tree is being made.
	lvMu sync.Mutex

	auto autoInc
	dbk  counter

	// refs, pins and used are guarded by Catalog.mu. pins are those references that are no cursors'.
	refs, pins int
	used       uint64

	gone bool // the tree is freed; clean-up alone uses it
}

// Name is the table's name, as the last rename that was made left it.
func (t *Table) Name() string { return *t.name.Load() }

// Schema is what the table looks like now.
func (t *Table) Schema() *Schema { return t.schema.Load() }

// Catalog is the catalog that the table is in.
func (t *Table) Catalog() *Catalog { return t.cat }

// Values are the table's long values; nil as long as it has no tree for them.
func (t *Table) Values() *lv.Values { return t.lv.Load() }

// CreatedBy says whether the session's running transaction created the table.
func (t *Table) CreatedBy(s *version.Session) bool { return s.Owns(t.born.Load()) }

// Dropped says that some transaction has dropped the table, committed or not: it cannot be opened any more.
func (t *Table) Dropped() bool { return t.died.Load() != nil }

// System says that the table is one of the engine's own.
func (t *Table) System() bool { return t.Flags.Has(TableSystem) }

// publish replaces the schema by one made of the model; t.mu is held.
func (t *Table) publish() error {
	sc, err := t.compile(&t.m)
	if err != nil {
		return err
	}
	t.setSchema(sc)
	return nil
}

func (t *Table) setSchema(sc *Schema) {
	if old := t.schema.Swap(sc); old != nil {
		old.retire()
	}
}

// change makes a change to a copy of the model, and makes it the table's if its schema can be compiled.
func (t *Table) change(f func(m *model) error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	m := t.m
	m.columns = append([]*Column(nil), t.m.columns...)
	m.indexes = append([]*indexDef(nil), t.m.indexes...)
	if err := f(&m); err != nil {
		return err
	}
	sc, err := t.compile(&m)
	if err != nil {
		return err
	}
	t.m = m
	t.setSchema(sc)
	return nil
}

// lidSize is the size of references to new long values, in bytes.
func (t *Table) lidSize() int {
	if v := t.lv.Load(); v != nil && v.Wide() || v == nil && t.cat.features.Load().LID64 {
		return 8
	}
	return 4
}
