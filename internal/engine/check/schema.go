package check

import (
	"encoding/binary"
	"slices"
	"unicode/utf16"

	"esent/internal/engine/key"
	"esent/internal/engine/lv"
	"esent/internal/engine/page"
	"esent/internal/engine/record"
	"esent/internal/jet"
)

// table is one table as its rows describe it.
type table struct {
	objid    jet.ObjID
	row      *row
	columns  []record.Column
	indexRow []*row
	longRow  *row

	template *table
	schema   *record.Schema
	tree     *tree
	primary  *index
	indexes  []*index
	long     *values
	autoInc  *record.Column
}

// Flags of a table row and of column ids (spec chapter 03, 13.3 and 16.1).
const (
	flagTemplate uint32       = 0x20000000
	templateBit  jet.ColumnID = 0x80000000
)

func (tb *table) isTemplate() bool { return tb.row.flags&flagTemplate != 0 }

// column makes a column of its row.
func (tb *table) column(r *row) (record.Column, error) {
	c := record.Column{ID: jet.ColumnID(r.id), FID: uint16(r.id), Name: r.name, Type: uint8(r.coltypOrPgno), Max: int(r.spaceUsage),
		Flags: record.FieldFlags(r.flags), Offset: r.recordOffset, Default: r.defaultValue}
	if r.id < record.FixedFirst || r.id > record.TaggedLast || r.coltypOrPgno >= jet.ColtypMax || r.spaceUsage > lv.SizeMax {
		return c, jet.ErrCatalogCorrupted.Errorf("id %d, type %d, length %d", r.id, r.coltypOrPgno, r.spaceUsage)
	}
	if tb.isTemplate() {
		c.ID |= templateBit
	}
	if c.Type == jet.ColtypText || c.Type == jet.ColtypLongText {
		switch r.pagesOrLocale {
		case 0, codePageANSI:
			c.CodePage = codePageANSI
		case codePageUnicode:
			c.CodePage = codePageUnicode
		default:
			return c, jet.ErrCatalogCorrupted.Errorf("code page %d", r.pagesOrLocale)
		}
	}
	return c, nil
}

// makeSchema makes the layout of the table's records.
func (tb *table) makeSchema(pageSize int) error {
	own := tb.objid == objidCatalog || tb.objid == objidShadow
	columns := slices.Clone(tb.columns)
	if own {
		columns = catalogColumns()
	}
	if tb.template != nil {
		for _, c := range tb.template.columns {
			c.Derived = c.Class() == record.ClassTagged && c.Flags&record.FlagTemplate != 0
			columns = append(columns, c)
		}
	}
	var err error
	tb.schema, err = record.NewSchema(columns, record.Options{PageSize: pageSize, KeyMost: key.KeyMostDefault, SumOffsets: own})
	if err != nil {
		return err
	}
	for i := range columns {
		if columns[i].Flags&record.FlagAutoincrement != 0 {
			tb.autoInc = tb.schema.Column(columns[i].ID)
		}
	}
	return nil
}

// index is an index with what is known of its entries.
type index struct {
	row     *row
	tree    *tree
	flags   key.Flags
	def     key.Index
	columns []*record.Column
	conds   []condition
	compare comparison
	// made and found are the entries that records should have and those that the tree has.
	made, found digest
	// refused are the bookmarks of records whose keys cannot be made.
	refused map[string]bool
	// keyed is how many records have a key at least.
	keyed uint64
}

type condition struct {
	column     *record.Column
	mustBeNull bool
}

// comparison is how far the entries of an index can be compared with the records.
type comparison uint8

const (
	compareKeys      comparison = iota // key and bookmark
	compareBookmarks                   // the bookmark alone: the keys cannot be made here
	compareCounts                      // nothing but the number, within limits
	compareNothing
)

// Flags of a segment in KeyFldIDs and ConditionalColumns.
const (
	segTemplate   = 0x80
	segDescending = 0x40
	segMustBeNull = 0x20
)

type segment struct {
	id    jet.ColumnID
	flags byte
}

// parseSegments reads KeyFldIDs or ConditionalColumns, in their present or, not extended, their old form.
func parseSegments(b []byte, extended bool) ([]segment, error) {
	size := 4
	if !extended {
		size = 2
	}
	if len(b)%size != 0 || len(b)/size > jet.CcolKeyMost {
		return nil, jet.ErrCatalogCorrupted.Errorf("columns of %d bytes", len(b))
	}
	var list []segment
	for ; len(b) > 0; b = b[size:] {
		if !extended {
			s := segment{}
			v := int32(int16(binary.LittleEndian.Uint16(b)))
			if v < 0 {
				v, s.flags = -v, segDescending|segMustBeNull
			}
			s.id = jet.ColumnID(v)
			list = append(list, s)
			continue
		}
		s := segment{jet.ColumnID(binary.LittleEndian.Uint16(b[2:])), b[0]}
		if b[0]&segTemplate != 0 {
			s.id |= templateBit
		}
		list = append(list, s)
	}
	return list, nil
}

// makeIndex makes an index of its row.
func (tb *table) makeIndex(r *row) (*index, error) {
	ix := &index{row: r, flags: key.Flags(r.flags)}
	ix.def = key.Index{KeyMost: key.KeyMostDefault, Flags: ix.flags}
	if r.keyMost != 0 {
		ix.def.KeyMost = int(r.keyMost)
	}
	switch len(r.varSegMac) {
	case 0:
	case 2:
		ix.def.VarSegMac = int(binary.LittleEndian.Uint16(r.varSegMac))
	default:
		return nil, jet.ErrCatalogCorrupted.Errorf("VarSegMac of %d bytes", len(r.varSegMac))
	}
	if len(r.tupleLimits) > 0 {
		limits, err := key.ParseTupleLimits(r.tupleLimits)
		if err != nil {
			return nil, err
		}
		ix.def.Tuple = &limits
	}
	if err := ix.setColumns(tb); err != nil {
		return nil, err
	}
	if ix.unicode() {
		if err := ix.setCollation(tb); err != nil {
			return nil, err
		}
	}
	if ix.flags.Has(key.FlagDeferredPopulate) {
		ix.compare = compareNothing
	}
	if err := ix.def.Validate(); err != nil {
		return nil, err
	}
	ix.def.KeyMost, ix.def.VarSegMac = ix.def.Minimise()
	return ix, nil
}

func (ix *index) setColumns(tb *table) error {
	extended := ix.flags.Has(key.FlagExtendedColumns)
	segments, err := parseSegments(ix.row.keyFldIDs, extended)
	if err != nil {
		return err
	}
	conditions, err := parseSegments(ix.row.conditional, extended)
	if err != nil {
		return err
	}
	for _, s := range append(segments, conditions...) {
		if tb.schema.Column(s.id) == nil {
			return jet.ErrCatalogCorrupted.Errorf("there is no column %#x", uint32(s.id))
		}
	}
	for _, s := range segments {
		c := tb.schema.Column(s.id)
		ix.columns = append(ix.columns, c)
		ix.def.Segments = append(ix.def.Segments, key.Segment{Type: int(c.Type), CodePage: c.CodePage, Max: c.Max,
			FixedClass: c.Class() == record.ClassFixed, Descending: s.flags&segDescending != 0,
			MultiValued: c.Flags&record.FlagMultivalued != 0})
	}
	for _, s := range conditions {
		ix.conds = append(ix.conds, condition{tb.schema.Column(s.id), s.flags&segMustBeNull != 0})
	}
	ix.def.Placeholder = ix.flags.Has(key.FlagPrimary) && len(ix.columns) > 1 && ix.columns[0].Flags&record.FlagPlaceholder != 0
	return nil
}

func (ix *index) unicode() bool {
	for _, s := range ix.def.Segments {
		if s.CodePage == codePageUnicode {
			return true
		}
	}
	return false
}

// setCollation finds out whether the keys of an index over Unicode text can be made here, and otherwise makes it one
// over bytes, of which it can be told which records have entries.
func (ix *index) setCollation(tb *table) error {
	r := ix.row
	if ix.flags.Has(key.FlagDerived) && r.lcMapFlags == 0 && tb.template != nil {
		for _, other := range tb.template.indexRow {
			if other.name == r.name {
				r = other
			}
		}
	}
	version, id, err := sortVersion(r)
	if err != nil {
		return err
	}
	if c, err := key.NewCollation(localeName(r), r.lcMapFlags, version, id); err == nil && c.Exact() == nil {
		ix.def.Collation = c
		return nil
	}
	ix.compare = compareBookmarks
	if ix.flags.Has(key.FlagMultivalued) {
		ix.compare = compareCounts
	}
	if ix.def.Tuple != nil {
		ix.compare = compareNothing
	}
	ix.def.Flags &^= key.FlagDisallowTruncation
	for i := range ix.def.Segments {
		if s := &ix.def.Segments[i]; s.CodePage == codePageUnicode {
			s.Type, s.CodePage = jet.ColtypLongBinary, 0
		}
	}
	return nil
}

// sortVersion reads version and table of the sort order that a Unicode index was built with.
func sortVersion(r *row) (version uint64, id key.SortID, err error) {
	switch {
	case len(r.version) == 8:
		version = binary.LittleEndian.Uint64(r.version)
	case len(r.version) != 0:
		return 0, id, jet.ErrCatalogCorrupted.Errorf("sort version of %d bytes", len(r.version))
	}
	switch {
	case len(r.sortID) == len(id):
		copy(id[:], r.sortID)
	case len(r.sortID) != 0:
		return 0, id, jet.ErrCatalogCorrupted.Errorf("sort id of %d bytes", len(r.sortID))
	}
	return version, id, nil
}

func localeName(r *row) string { return fromUTF16(r.locale) }

func fromUTF16(b []byte) string {
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(b[2*i:])
	}
	return string(utf16.Decode(units))
}

// treeFlags are the page flags that the index's tree should have.
func (ix *index) treeFlags() page.Flags {
	f := page.FlagIndex
	if !ix.flags.Has(key.FlagUnique) {
		f |= page.FlagNonUnique
	}
	return f
}
