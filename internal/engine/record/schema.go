package record

import (
	"slices"

	"esent/internal/jet"
)

// Page geometry that record limits depend on (spec chapter 04, 4.4).
const (
	maxSmallPage    = 8192
	smallPageHeader = 40
	largePageHeader = 80
	twoTags         = 8

	// KeyMostSequential is the key limit of a table without a primary index.
	KeyMostSequential = 4
	keyMostDefault    = 255

	lvIntrinsicOverhead = 9
	separateLVDefault   = 1023
)

// NodeMost is the largest node of a page, in bytes.
func NodeMost(pageSize int) int {
	if pageSize > maxSmallPage {
		return pageSize - largePageHeader - twoTags
	}
	return pageSize - smallPageHeader - twoTags
}

// RecordMost is the largest record of a table whose primary index has the key limit keyMost (after
// minimisation; KeyMostSequential without one).
func RecordMost(pageSize, keyMost int) int {
	if pageSize > maxSmallPage {
		return NodeMost(pageSize) - 4 - keyMost
	}
	return NodeMost(pageSize) - 2 - max(keyMostDefault, 2+keyMost)
}

// Options are what a Schema depends on beside its columns.
type Options struct {
	PageSize   int // bytes
	KeyMost    int // key limit of the primary index, after minimisation; KeyMostSequential without one
	SeparateLV int // the table's preferred largest intrinsic long value; 0 for the default
	LIDSize    int // bytes of a new long value's reference: 4 or 8; 0 is 4

	// SumOffsets places fixed columns one after the other by FID instead of trusting their Offset (system
	// tables: their catalog rows all say 4).
	SumOffsets bool
}

// Schema is what the record code must know of a table. It is immutable once built: a schema change publishes a
// new one. Columns are reached by Column, or walked in Fixed, Var and Tagged.
type Schema struct {
	Fixed  []Column // index FID-1; a zero Column where there is none
	Var    []Column // index FID-128; likewise
	Tagged []Column // in record order: derived ones first, then by FID

	DefaultRecord []byte // what an insert starts from: the fixed and variable parts with their defaults

	PageSize      int
	Large         bool // pages above 8 KiB: the other form of tagged fields
	RecordMost    int  // largest record in bytes
	IntrinsicMost int  // largest intrinsic value of one tagged column in bytes
	LIDSize       int  // bytes of a new long value's reference

	separateLV int
	derived    int       // how many of Tagged carry the Derived bit
	required   []*Column // NotNull or autoincrement, without a default
}

// NewSchema builds a Schema from the columns of a table, in any order: all that the catalog has, template
// columns of a derived table and deleted columns whose place is kept included. It copies the columns and
// normalises their defaults. Errors: JET_errCatalogCorrupted if the columns contradict each other,
// JET_errRecordTooBig if the defaults do not fit a page.
func NewSchema(columns []Column, opt Options) (*Schema, error) {
	s := &Schema{
		PageSize:   opt.PageSize,
		Large:      opt.PageSize > maxSmallPage,
		RecordMost: RecordMost(opt.PageSize, opt.KeyMost),
		LIDSize:    opt.LIDSize,
	}
	if s.LIDSize == 0 {
		s.LIDSize = 4
	}
	s.IntrinsicMost = s.RecordMost - lvIntrinsicOverhead
	s.separateLV = s.clampIntrinsic(opt.SeparateLV)
	if opt.SeparateLV == 0 {
		s.separateLV = s.clampIntrinsic(separateLVDefault)
	}
	for i := range columns {
		if err := s.place(columns[i]); err != nil {
			return nil, err
		}
	}
	if opt.SumOffsets {
		s.sumOffsets()
	}
	slices.SortFunc(s.Tagged, func(a, b Column) int { return int(a.tagKey()) - int(b.tagKey()) })
	for i := range s.Tagged {
		if s.Tagged[i].Derived {
			s.derived++
		}
		if i > 0 && s.Tagged[i].tagKey() == s.Tagged[i-1].tagKey() {
			return nil, jet.ErrCatalogCorrupted.Errorf("two columns have FID %d", s.Tagged[i].FID)
		}
	}
	for _, class := range [][]Column{s.Fixed, s.Var, s.Tagged} {
		for i := range class {
			if err := s.prepare(&class[i]); err != nil {
				return nil, err
			}
		}
	}
	if err := s.checkOffsets(); err != nil {
		return nil, err
	}
	return s, s.buildDefaultRecord()
}

// Extend gives a schema with one column more, a tagged one behind all others. Both share what they have in common, so a
// schema may be extended only once, but for extensions that nobody uses. JET_errCatalogCorrupted: the column does not
// belong there.
func (s *Schema) Extend(c Column) (*Schema, error) {
	n := len(s.Tagged)
	if c.Class() != ClassTagged || c.FID != uint16(c.ID) || c.FID > TaggedLast || n > 0 && c.tagKey() <= s.Tagged[n-1].tagKey() {
		return nil, jet.ErrCatalogCorrupted.Errorf("column %q with FID %d is not the last", c.Name, c.FID)
	}
	next := *s
	next.Tagged = append(s.Tagged, c)
	if c.Derived {
		next.derived++
	}
	return &next, next.prepare(&next.Tagged[n])
}

// EndsWith says that a column is the last tagged one.
func (s *Schema) EndsWith(c *Column) bool {
	return len(s.Tagged) > 0 && s.Tagged[len(s.Tagged)-1].ID == c.ID
}

// Shrink gives the schema without its last tagged column.
func (s *Schema) Shrink() *Schema {
	n := len(s.Tagged) - 1
	next := *s
	next.Tagged = slices.Clip(s.Tagged[:n])
	if s.Tagged[n].Derived {
		next.derived--
	}
	if r := len(s.required) - 1; r >= 0 && s.required[r].ID == s.Tagged[n].ID {
		next.required = slices.Clip(s.required[:r])
	}
	return &next
}

// place puts a column into the array of its class.
func (s *Schema) place(c Column) error {
	if c.FID != uint16(c.ID) || c.ID&^(templateBit|0xFFFF) != 0 {
		return jet.ErrCatalogCorrupted.Errorf("column id %#x with FID %d", uint32(c.ID), c.FID)
	}
	if c.Class() == ClassTagged {
		if c.FID > TaggedLast {
			return jet.ErrCatalogCorrupted.Errorf("FID %d is above the highest", c.FID)
		}
		s.Tagged = append(s.Tagged, c)
		return nil
	}
	list, i := &s.Fixed, int(c.FID)-FixedFirst
	if c.Class() == ClassVar {
		list, i = &s.Var, int(c.FID)-VarFirst
	}
	if i < 0 {
		return jet.ErrCatalogCorrupted.Errorf("column with FID 0")
	}
	if i >= len(*list) {
		*list = append(*list, make([]Column, i+1-len(*list))...)
	}
	if (*list)[i].FID != 0 {
		return jet.ErrCatalogCorrupted.Errorf("two columns have FID %d", c.FID)
	}
	(*list)[i] = c
	return nil
}

func (s *Schema) sumOffsets() {
	offset := headerSize
	for i := range s.Fixed {
		s.Fixed[i].Offset = uint16(offset)
		offset += s.Fixed[i].Max
	}
}

// prepare checks one column, normalises its default and notes what must not be NULL.
func (s *Schema) prepare(c *Column) error {
	if c.Deleted() {
		return nil
	}
	if size := TypeSize(c.Type); size != 0 && c.Max != size || c.Max < 0 || c.Max == 0 && !c.Long() {
		return jet.ErrCatalogCorrupted.Errorf("column %q: length %d for type %d", c.Name, c.Max, c.Type)
	}
	if c.Class() != ClassTagged && c.Long() || c.Class() == ClassVar && TypeSize(c.Type) != 0 {
		return jet.ErrCatalogCorrupted.Errorf("column %q: type %d with FID %d", c.Name, c.Type, c.FID)
	}
	if c.storedDefault() {
		if err := c.normaliseDefault(); err != nil {
			return err
		}
	}
	if c.Flags&(FlagNotNull|FlagAutoincrement) != 0 && !c.HasDefault() {
		s.required = append(s.required, c)
	}
	return nil
}

// normaliseDefault makes Default the bytes that a record holds.
func (c *Column) normaliseDefault() error {
	// Only a place of a certain size binds: JetSetColumnDefaultValue takes defaults that are longer than Max.
	ok := len(c.Default) > 0
	if c.Class() == ClassFixed {
		padded := make([]byte, c.Max)
		ok = ok && c.putFixed(padded, c.Default)
		c.Default = padded
	} else {
		size := TypeSize(c.Type)
		ok = ok && (size == 0 || len(c.Default) == size)
		c.Default = slices.Clone(c.Default)
	}
	if !ok {
		return jet.ErrCatalogCorrupted.Errorf("column %q: default of %d bytes", c.Name, len(c.Default))
	}
	return nil
}

// checkOffsets makes sure that fixed columns do not overlap.
func (s *Schema) checkOffsets() error {
	end := headerSize
	for i := range s.Fixed {
		c := &s.Fixed[i]
		if c.FID == 0 {
			continue
		}
		if int(c.Offset) < end || c.Max < 0 {
			return jet.ErrCatalogCorrupted.Errorf("fixed column %q overlaps its neighbour", c.Name)
		}
		end = int(c.Offset) + c.Max
		if end > s.PageSize {
			return jet.ErrCatalogCorrupted.Errorf("fixed column %q lies beyond the record", c.Name)
		}
	}
	return nil
}

// Column is the column with that id; nil if there is none (or no more).
func (s *Schema) Column(id jet.ColumnID) *Column {
	fid := uint16(id)
	var c *Column
	switch ClassOf(fid) {
	case ClassFixed:
		i := int(fid) - FixedFirst
		if i < 0 || i >= len(s.Fixed) {
			return nil
		}
		c = &s.Fixed[i]
	case ClassVar:
		i := int(fid) - VarFirst
		if i >= len(s.Var) {
			return nil
		}
		c = &s.Var[i]
	case ClassTagged:
		if id&templateBit != 0 {
			c = s.taggedColumn(fid, true)
		}
		if c == nil {
			c = s.taggedColumn(fid, false)
		}
		if c == nil {
			return nil
		}
	}
	if c.ID != id || c.Deleted() {
		return nil
	}
	return c
}

// taggedColumn is the tagged column that records know by fid and the Derived bit.
func (s *Schema) taggedColumn(fid uint16, derived bool) *Column {
	list := s.Tagged[s.derived:]
	if derived {
		list = s.Tagged[:s.derived]
	}
	if len(list) == 0 || fid < list[0].FID {
		return nil
	}
	// FIDs are given out without gaps, so the place is nearly always known.
	if i := int(fid - list[0].FID); i < len(list) && list[i].FID == fid {
		return &list[i]
	}
	low, high := 0, len(list)
	for low < high {
		mid := (low + high) / 2
		if list[mid].FID < fid {
			low = mid + 1
		} else {
			high = mid
		}
	}
	if low < len(list) && list[low].FID == fid {
		return &list[low]
	}
	return nil
}

// NextFixedOffset is the RecordOffset of the next fixed column that is added.
func (s *Schema) NextFixedOffset() int {
	for i := len(s.Fixed) - 1; i >= 0; i-- {
		if c := &s.Fixed[i]; c.FID != 0 {
			return int(c.Offset) + c.Max
		}
	}
	return headerSize
}

// FixedOffset is where a fixed column that the record holds lies in it, -1 if c is not fixed. (Escrow columns
// are always held, because they have defaults.)
func (s *Schema) FixedOffset(c *Column) int {
	if c.Class() != ClassFixed {
		return -1
	}
	return int(c.Offset)
}

// PreferredIntrinsic is the size in bytes up to which a long value is kept in the record (spec chapter 04, 4.5),
// by JET_bitSetSeparateLV, which wins, and JET_bitSetIntrinsicLV in grbit, or else by the table.
func (s *Schema) PreferredIntrinsic(grbit jet.Grbit) int {
	switch {
	case grbit&jet.BitSetSeparateLV != 0:
		return s.LIDSize
	case grbit&jet.BitSetIntrinsicLV != 0:
		return s.IntrinsicMost
	}
	return s.separateLV
}

func (s *Schema) clampIntrinsic(n int) int { return min(max(n, s.LIDSize), s.IntrinsicMost) }
