package key_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"slices"
	"testing"

	"esent/internal/engine/compress"
	"esent/internal/engine/key"
	"esent/internal/engine/page"
	"esent/internal/engine/record"
	"esent/internal/jet"
)

// database reads a clean database file for the tests: trees, catalog and long values.
type database struct {
	t    testing.TB
	b    []byte
	size int
}

func openDatabase(t testing.TB, path string) *database {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return &database{t: t, b: b, size: int(binary.LittleEndian.Uint32(b[236:]))}
}

func (d *database) page(pgno jet.Pgno) page.Page {
	return page.Page(d.b[(int(pgno)+1)*d.size:][:d.size])
}

// walk visits the nodes of a tree that are not deleted, in order.
func (d *database) walk(root jet.Pgno, visit func(key, data []byte)) {
	p := d.page(root)
	for !p.Has(page.FlagLeaf) {
		p = d.page(p.Child(0))
	}
	for {
		for i := range p.Lines() {
			if n := p.Line(i); n.Flags&page.NodeDeleted == 0 {
				visit(n.AppendKey(nil), n.Data)
			}
		}
		if p.Next() == 0 {
			return
		}
		p = d.page(p.Next())
	}
}

type table struct {
	name    string
	root    jet.Pgno
	flags   uint32
	derived string
	lvRoot  jet.Pgno
	columns []record.Column
	schema  *record.Schema
	indexes []*index
	long    map[uint64][]byte
}

// index is an index row of the catalog.
type index struct {
	key.Index
	name       string
	root       jet.Pgno
	columns    []*record.Column
	conditions []condition
	locale     string
	mapFlags   uint32
	segs, cond []byte
}

type condition struct {
	column     *record.Column
	mustBeNull bool
}

const templateColumn = jet.ColumnID(0x80000000)

// catalog describes MSysObjects (spec chapter 03, 13.1).
func (d *database) catalog() *record.Schema {
	var cols []record.Column
	add := func(fid int, coltyp uint8, size int) {
		c := record.Column{ID: jet.ColumnID(fid), FID: uint16(fid), Type: coltyp, Max: size, Offset: 4}
		if coltyp == jet.ColtypText {
			c.CodePage = 1252
		}
		cols = append(cols, c)
	}
	for i, coltyp := range []uint8{jet.ColtypLong, jet.ColtypShort, jet.ColtypLong, jet.ColtypLong, jet.ColtypLong,
		jet.ColtypLong, jet.ColtypLong, jet.ColtypBit, jet.ColtypShort, jet.ColtypLong, jet.ColtypUnsignedShort,
		jet.ColtypLong, jet.ColtypDateTime} {
		add(i+1, coltyp, record.TypeSize(coltyp))
	}
	for fid := 128; fid <= 137; fid++ {
		coltyp := uint8(jet.ColtypBinary)
		if fid == 128 || fid == 130 {
			coltyp = jet.ColtypText
		}
		add(fid, coltyp, 255)
	}
	for fid := 256; fid <= 261; fid++ {
		add(fid, jet.ColtypLongBinary, 0)
	}
	s, err := record.NewSchema(cols, record.Options{PageSize: d.size, KeyMost: 255, SumOffsets: true})
	if err != nil {
		d.t.Fatal(err)
	}
	return s
}

// tables reads the catalog: user tables with their indexes.
func (d *database) tables() []*table {
	s := d.catalog()
	get := func(rec []byte, id jet.ColumnID) []byte {
		v, err := s.Get(rec, s.Column(id), 1)
		if err != nil {
			d.t.Fatal(err)
		}
		return bytes.Clone(v.Data)
	}
	number := func(rec []byte, id jet.ColumnID) uint32 {
		var b [8]byte
		copy(b[:], get(rec, id))
		return binary.LittleEndian.Uint32(b[:])
	}
	byID, byName := map[uint32]*table{}, map[string]*table{}
	var list []*table
	d.walk(4, func(_, rec []byte) {
		name := string(get(rec, 128))
		switch tb := byID[number(rec, 1)]; number(rec, 2) {
		case 1:
			tb = &table{name: name, root: jet.Pgno(number(rec, 4)), flags: number(rec, 6), derived: string(get(rec, 130))}
			byID[number(rec, 1)], byName[name] = tb, tb
			list = append(list, tb)
		case 2:
			c := record.Column{
				ID: jet.ColumnID(number(rec, 3)), FID: uint16(number(rec, 3)), Type: uint8(number(rec, 4)),
				Max: int(number(rec, 5)), Flags: record.FieldFlags(number(rec, 6)), CodePage: uint16(number(rec, 7)),
				Offset: uint16(number(rec, 9)), Name: name, Default: get(rec, 131),
			}
			if tb.flags&0x20000000 != 0 {
				c.ID |= templateColumn
			}
			tb.columns = append(tb.columns, c)
		case 3:
			ix := &index{name: name, root: jet.Pgno(number(rec, 4)), mapFlags: number(rec, 10),
				segs: get(rec, 132), cond: get(rec, 134)}
			ix.Flags, ix.KeyMost = key.Flags(number(rec, 6)), int(number(rec, 11))
			if ix.KeyMost == 0 {
				ix.KeyMost = key.KeyMostDefault
			}
			if v := get(rec, 133); len(v) == 2 {
				ix.VarSegMac = int(binary.LittleEndian.Uint16(v))
			}
			if v := get(rec, 135); len(v) > 0 {
				limits, err := key.ParseTupleLimits(v)
				if err != nil {
					d.t.Fatal(err)
				}
				ix.Tuple = &limits
			}
			for l := get(rec, 261); len(l) >= 2; l = l[2:] {
				ix.locale += string(rune(l[0]))
			}
			tb.indexes = append(tb.indexes, ix)
		case 4:
			tb.lvRoot = jet.Pgno(number(rec, 4))
		}
	})
	for _, tb := range list {
		columns := slices.Clone(tb.columns)
		if tb.derived != "" {
			for _, c := range byName[tb.derived].columns {
				c.Derived = c.FID >= 256
				columns = append(columns, c)
			}
		}
		var err error
		tb.schema, err = record.NewSchema(columns, record.Options{PageSize: d.size, KeyMost: 255,
			SumOffsets: tb.name == "MSysObjects" || tb.name == "MSysObjectsShadow"})
		if err != nil {
			d.t.Fatalf("table %q: %v", tb.name, err)
		}
		tb.long = d.longValues(tb.lvRoot)
		for _, ix := range tb.indexes {
			d.finish(tb, ix)
		}
	}
	return list
}

// finish resolves an index's columns. All collations are taken as the default table of the current version.
func (d *database) finish(tb *table, ix *index) {
	segments := func(b []byte) (cols []*record.Column, flags []byte) {
		for ; len(b) >= 4; b = b[4:] {
			id := jet.ColumnID(binary.LittleEndian.Uint16(b[2:]))
			if b[0]&0x80 != 0 {
				id |= templateColumn
			}
			c := tb.schema.Column(id)
			if c == nil {
				d.t.Fatalf("index %q: no column %#x", ix.name, uint32(id))
			}
			cols, flags = append(cols, c), append(flags, b[0])
		}
		return cols, flags
	}
	var flags []byte
	ix.columns, flags = segments(ix.segs)
	for i, c := range ix.columns {
		ix.Segments = append(ix.Segments, key.Segment{Type: int(c.Type), CodePage: c.CodePage, Max: c.Max,
			FixedClass: c.FID < 128, Descending: flags[i]&0x40 != 0, MultiValued: c.Flags&record.FlagMultivalued != 0})
	}
	cols, flags := segments(ix.cond)
	for i, c := range cols {
		ix.conditions = append(ix.conditions, condition{c, flags[i]&0x20 != 0})
	}
	if ix.Flags.Has(key.FlagLocalizedText) {
		c, err := key.NewCollation(ix.locale, ix.mapFlags, key.SortVersion, key.DefaultSortID)
		if err != nil {
			d.t.Fatalf("index %q: %v", ix.name, err)
		}
		ix.Collation = c
	}
	ix.KeyMost, ix.VarSegMac = ix.Minimise()
	if err := ix.Validate(); err != nil {
		d.t.Fatalf("index %q: %v", ix.name, err)
	}
}

// longValues reads a long-value tree: LID to plain value.
func (d *database) longValues(root jet.Pgno) map[uint64][]byte {
	values := map[uint64][]byte{}
	if root == 0 {
		return values
	}
	var lid uint64
	var size int
	chunk := map[int]int{4096: 4014, 8192: 8110, 16384: 4050, 32768: 8150}[d.size]
	d.walk(root, func(k, data []byte) {
		wide := k[0]&0x80 != 0
		if len(k) == 4 || len(k) == 8 && wide {
			lid = uint64(binary.BigEndian.Uint32(k))
			if wide {
				lid = binary.BigEndian.Uint64(k)
			}
			size = int(binary.LittleEndian.Uint32(data[4:]))
			values[lid] = []byte{}
			return
		}
		if len(data) < min(chunk, size-len(values[lid])) {
			plain, err := compress.Decompress(nil, data)
			if err != nil {
				d.t.Fatal(err)
			}
			data = plain
		}
		values[lid] = append(values[lid], data...)
	})
	return values
}

// row is a record as a key.Source for an index.
type row struct {
	t   testing.TB
	tb  *table
	ix  *index
	rec []byte
}

func (r *row) value(c *record.Column, itag int) key.Value {
	v, err := r.tb.schema.Get(r.rec, c, itag)
	if err != nil {
		r.t.Fatal(err)
	}
	switch {
	case v.Null:
		return key.Value{Null: true}
	case v.Separated:
		lid, err := record.LID(v.Data)
		if err != nil {
			r.t.Fatal(err)
		}
		return key.Value{Data: r.tb.long[lid]}
	case v.Compressed:
		data, err := compress.Decompress(nil, v.Data)
		if err != nil {
			r.t.Fatal(err)
		}
		return key.Value{Data: data}
	}
	return key.Value{Data: v.Data}
}

func (r *row) Segment(seg int, itag uint32, offset, most int) (key.Value, error) {
	v := r.value(r.ix.columns[seg], int(itag))
	v.Data = v.Data[min(offset, len(v.Data)):]
	return v, nil
}

// keys are the row's entries in the index.
func (r *row) keys(set *key.Set) error {
	set.Reset()
	for _, c := range r.ix.conditions {
		if !key.ConditionHolds(c.mustBeNull, r.value(c.column, 1).Null) {
			return nil
		}
	}
	var e key.Enumerator
	e.Reset(&r.ix.Index, r)
	return set.AddAll(&e)
}
