package catalog

import (
	"slices"
	"strings"
	"sync/atomic"

	"esent/internal/engine/btree"
	"esent/internal/engine/key"
	"esent/internal/engine/record"
	"esent/internal/engine/version"
	"esent/internal/engine/window"
	"esent/internal/jet"
)

// Column is a column of a table with what the record code need not know. Immutable.
type Column struct {
	record.Column
	// Inherited says that the column is the template table's.
	Inherited bool
	// Callback is the function that gives the default value ("dll!function"), CallbackData what it is given.
	Callback     string
	CallbackData []byte
	// Died is the transaction that dropped the column; nil when that is long past, or has not happened.
	Died *version.Trx

	born   *birth  // nil for a column that was read from the catalog
	alone  bool    // made when no other session could open the table
	origin *Column // as it was first: tells a column among those with the same id
	folded string  // name as the catalog compares it
	dead   bool    // rolled back, or dropped for everybody: only the place is kept
}

// birth is the transaction that created a column, nil when that is long past. All copies of the column share it: so
// many columns of one transaction can come of age without a new schema for each.
type birth = atomic.Pointer[version.Trx]

// creator is the transaction that created the column; nil when that is long past.
func (c *Column) creator() *version.Trx {
	if c.born == nil {
		return nil
	}
	return c.born.Load()
}

// VisibleTo says whether the session sees the column.
func (c *Column) VisibleTo(s *version.Session) bool {
	return !c.dead && s.Sees(c.creator()) && !(c.Died != nil && s.Sees(c.Died))
}

// open says that not all sessions see the same of the column.
func (c *Column) open() bool { return !c.dead && (c.creator() != nil || c.Died != nil) }

// unsettled says that records should not be made with the column as a matter of course: its creation may be rolled back
// while others have records with it, or it is dropped while some may still see it. Whoever still sees a dropped escrow
// column may add to it, which needs a number in the record.
func (c *Column) unsettled() bool {
	return !c.dead && (c.creator() != nil && !c.alone || c.Died != nil && c.Flags&record.FlagEscrowUpdate == 0)
}

// IndexColumn is one column of an index: of its key, or of its conditions.
type IndexColumn struct {
	*record.Column
	Descending bool // key columns
	MustBeNull bool // conditions
}

// Index is an index of a table, or its primary one. Immutable; a change of the schema makes new ones, of which
// ObjID tells that they are the same index.
type Index struct {
	Name  string
	ObjID jet.ObjID
	// Tree holds the entries; the table's own tree for the primary index.
	Tree *btree.Tree
	// Def is what key making must know; its limits are minimised.
	Def   key.Index
	Flags key.Flags
	// Columns are the key's, Conditions those of a conditional index.
	Columns    []IndexColumn
	Conditions []IndexColumn
	// Mask has all columns that the entries depend on: an update that sets none of them leaves the index alone.
	Mask record.ColumnSet

	Density int
	Hints   SpaceHints
	// Locale, MapFlags, SortVersion and SortID are what the catalog says of the collation, for text indexes and
	// others.
	Locale      string
	MapFlags    uint32
	SortVersion uint64
	SortID      key.SortID
	// Inherited says that a template table brought the index in.
	Inherited bool

	// Born and Died are the transactions that created and dropped the index; nil when that is long past, or has
	// not happened.
	Born, Died *version.Trx

	folded string
	uses   *atomic.Int32
}

// Primary says that the index is the table's clustered one.
func (ix *Index) Primary() bool { return ix.Flags.Has(key.FlagPrimary) }

// Unique says that no two records may have the same key.
func (ix *Index) Unique() bool { return ix.Flags.Has(key.FlagUnique) }

// VisibleTo says whether the session may use the index: one that is dropped is gone for everybody at once, that
// transaction committed or not (spec chapter 03, 16.6).
func (ix *Index) VisibleTo(s *version.Session) bool { return ix.Died == nil && s.Sees(ix.Born) }

// MaintainedBy says whether the session's updates must change the index. It no longer must when its drop is
// committed in the session's past: the tree may be freed at any time then.
func (ix *Index) MaintainedBy(s *version.Session) bool { return ix.Died == nil || !s.Sees(ix.Died) }

// Use notes that a cursor has the index as current, Unuse that it has no more: a used index cannot be dropped.
func (ix *Index) Use()   { ix.uses.Add(1) }
func (ix *Index) Unuse() { ix.uses.Add(-1) }

// Schema is what a table looks like at a moment: all that exists in records and trees, also what only some
// sessions see. Immutable.
type Schema struct {
	// Record is the layout of records.
	Record *record.Schema
	// Columns are by class, the template's first, then by id. Dropped ones that somebody may see are among them.
	Columns []*Column
	// Dropped are columns that nobody sees any more, as far as the table still knows them.
	Dropped []*Column
	// Primary is the clustered index, nil for a table without.
	Primary *Index
	// Indexes are the secondary indexes by object id.
	Indexes []*Index
	// AutoInc and Version are the columns of that kind, nil when there is none.
	AutoInc, Version *Column
	// Computed says that there is a column whose default value a callback computes.
	Computed bool

	// open is how many columns there are of which not all sessions see the same.
	open int
	// names finds the table's own columns by name, inherited those of the template.
	names, inherited *columnNames

	layout  atomic.Pointer[window.Layout]
	retired atomic.Bool
}

// Column gives the layout of a column that the session sees; nil when it sees none with this id.
func (sc *Schema) Column(s *version.Session, id jet.ColumnID) *record.Column {
	c := sc.Record.Column(id)
	if c != nil && sc.open > 0 && !sc.Full(c.ID).VisibleTo(s) {
		return nil
	}
	return c
}

// Visible says whether the session sees a column of Record.
func (sc *Schema) Visible(s *version.Session, c *record.Column) bool {
	if sc.open == 0 {
		return true
	}
	full := sc.Full(c.ID)
	return full != nil && full.VisibleTo(s)
}

// Versioned says that Visible is not always true: some column is not there for all sessions.
func (sc *Schema) Versioned() bool { return sc.open > 0 }

// Full gives all there is to know of a column of Record; nil when there is none with the id.
func (sc *Schema) Full(id jet.ColumnID) *Column {
	i, found := slices.BinarySearchFunc(sc.Columns, orderOf(id), func(c *Column, order uint32) int { return int(orderOf(c.ID)) - int(order) })
	if !found {
		return nil
	}
	return sc.Columns[i]
}

// ColumnByName finds a column by its name in any case; nil when the session sees none.
func (sc *Schema) ColumnByName(s *version.Session, name string) *Column {
	folded, err := fold(name)
	if err != nil {
		return nil
	}
	for _, names := range [...]*columnNames{sc.inherited, sc.names} {
		for _, id := range names.find(folded) {
			if c := sc.Full(id); c != nil && c.folded == folded && c.VisibleTo(s) {
				return c
			}
		}
	}
	return nil
}

// IndexByName finds an index that the session may use, the primary one among them, by its name in any case; nil
// when there is none.
func (sc *Schema) IndexByName(s *version.Session, name string) *Index {
	folded, err := fold(name)
	if err != nil {
		return nil
	}
	if ix := sc.Primary; ix != nil && ix.folded == folded && ix.VisibleTo(s) {
		return ix
	}
	for _, ix := range sc.Indexes {
		if ix.folded == folded && ix.VisibleTo(s) {
			return ix
		}
	}
	return nil
}

// Index finds an index by its object id; nil when it is no more.
func (sc *Schema) Index(id jet.ObjID) *Index {
	if sc.Primary != nil && sc.Primary.ObjID == id {
		return sc.Primary
	}
	for _, ix := range sc.Indexes {
		if ix.ObjID == id {
			return ix
		}
	}
	return nil
}

// VisibleColumns gives the columns that the session sees, in order.
func (sc *Schema) VisibleColumns(s *version.Session) []*Column {
	list := make([]*Column, 0, len(sc.Columns))
	for _, c := range sc.Columns {
		if c.VisibleTo(s) {
			list = append(list, c)
		}
	}
	return list
}

// VisibleIndexes gives the indexes that the session may use, the primary one among them, by name as the catalog
// compares it.
func (sc *Schema) VisibleIndexes(s *version.Session) []*Index {
	list := make([]*Index, 0, 1+len(sc.Indexes))
	if sc.Primary != nil && sc.Primary.VisibleTo(s) {
		list = append(list, sc.Primary)
	}
	for _, ix := range sc.Indexes {
		if ix.VisibleTo(s) {
			list = append(list, ix)
		}
	}
	slices.SortFunc(list, func(a, b *Index) int { return strings.Compare(a.folded, b.folded) })
	return list
}

// fold gives a name as the catalog's indexes compare it.
func fold(name string) (string, error) {
	b, err := appendName(nil, name)
	return string(b), err
}
