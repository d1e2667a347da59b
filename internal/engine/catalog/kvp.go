package catalog

import (
	"encoding/binary"
	"unicode/utf16"

	"esent/internal/engine/btree"
	"esent/internal/engine/key"
	"esent/internal/engine/record"
	"esent/internal/engine/version"
	"esent/internal/jet"
)

// Key-value tables (spec chapter 03, 15).

// Values of the column Type.
const (
	kvpSchema = 1
	kvpLong   = 2
)

// Column ids of a key-value table.
const (
	kvpKey   jet.ColumnID = 128
	kvpType  jet.ColumnID = 1
	kvpValue jet.ColumnID = 2
)

// kvpUpdate is the key of the number of the table's internal layout; kvpUpdateColumns is the layout with all columns.
const (
	kvpUpdate        = `.Schema\Internal\Update`
	kvpUpdateColumns = 2
)

// createKVP makes a key-value table with the rows about its layout. The session is in no transaction.
func (c *Catalog) createKVP(s *version.Session, name string) (t *Table, err error) {
	const densityKVP = 92
	def := &TableDef{Name: name, Flags: TableSystem | TableSystemDynamic, Density: densityKVP,
		Columns: []ColumnDef{
			{Column: record.Column{Name: "Key", Type: jet.ColtypBinary, Max: jet.CbColumnMost}, Class: record.ClassVar},
			{Column: record.Column{Name: "Type", Type: jet.ColtypUnsignedByte, Max: 1, Flags: record.FlagNotNull}, Class: record.ClassFixed},
			{Column: record.Column{Name: "iValue", Type: jet.ColtypLong, Max: 4, Flags: record.FlagDefault | record.FlagEscrowUpdate,
				Default: make([]byte, 4)}, Class: record.ClassFixed},
		},
		Indexes: []IndexDef{systemIndex("KeyPrimary", "Key", densityKVP, key.FlagDisallowTruncation)}}
	err = inTrx(s, func() error {
		if t, _, err = c.CreateTable(s, def); err != nil {
			return err
		}
		for _, x := range []struct {
			key   string
			value int32
		}{{`.Schema\Internal\Major`, 1}, {`.Schema\Internal\Minor`, 0}, {kvpUpdate, 0},
			{`.Schema\External\Major`, 1}, {`.Schema\External\Minor`, 0}, {`.Schema\External\Update`, 0}} {
			if err := c.kvpInsert(s, t, x.key, kvpSchema, x.value); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && c.Features().KVPColumns {
		err = c.upgradeKVP(s, t)
	}
	return t, err
}

// upgradeKVP gives a key-value table its later columns, each in a transaction of its own.
func (c *Catalog) upgradeKVP(s *version.Session, t *Table) error {
	for i, def := range []ColumnDef{
		{Column: record.Column{Name: "rgbValue", Type: jet.ColtypLongBinary}, Class: record.ClassTagged},
		{Column: record.Column{Name: "i64Value", Type: jet.ColtypCurrency, Max: 8}, Class: record.ClassFixed},
	} {
		if t.Schema().ColumnByName(s, def.Name) != nil {
			continue
		}
		err := inTrx(s, func() error {
			if _, err := t.AddColumn(s, &def); err != nil {
				return err
			}
			return c.kvpSet(s, t, kvpUpdate, kvpUpdateColumns-1+int32(i))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// kvpKeyOf gives the value of the Key column, and the key in the tree.
func kvpKeyOf(t *Table, name string) (value, k []byte, err error) {
	for _, u := range utf16.Encode([]rune(name)) {
		value = binary.LittleEndian.AppendUint16(value, u)
	}
	value = append(value, 0, 0)
	ix := t.Schema().Primary
	if ix == nil || len(ix.Columns) != 1 || ix.Columns[0].ID != kvpKey {
		return nil, nil, jet.ErrCatalogCorrupted.Errorf("key-value table %q has no such primary index", t.Name())
	}
	k, _, err = key.AppendSegment(nil, &ix.Def.Segments[0], &ix.Def, key.Value{Data: value}, ix.Def.KeyMost)
	return value, k, err
}

// kvpInsert adds a row.
func (c *Catalog) kvpInsert(s *version.Session, t *Table, name string, typ uint8, value int32) error {
	v, k, err := kvpKeyOf(t, name)
	if err != nil {
		return err
	}
	sc := t.Schema().Record
	var b record.Buffer
	b.Reset(sc)
	b.LoadInsert()
	for _, x := range []struct {
		id   jet.ColumnID
		data []byte
	}{{kvpType, []byte{typ}}, {kvpValue, binary.LittleEndian.AppendUint32(nil, uint32(value))}, {kvpKey, v}} {
		col := sc.Column(x.id)
		if col == nil {
			return jet.ErrCatalogCorrupted.Errorf("key-value table %q lacks column %d", t.Name(), x.id)
		}
		if _, err := b.Set(col, 1, record.SetValue{Data: x.data}, 0); err != nil {
			return err
		}
	}
	return nested(s, func() error {
		var bt btree.Cursor
		bt.Init(t.Tree)
		return bt.Insert(s, k, b.Bytes(), 0)
	})
}

// kvpRow is a row of a key-value table that a cursor is on.
type kvpRow struct {
	bt     btree.Cursor
	rec    []byte
	offset int // of iValue in the record
	value  int32
}

// kvpFind goes to a row; nil when the session sees none.
func (c *Catalog) kvpFind(s *version.Session, t *Table, name string) (*kvpRow, error) {
	_, k, err := kvpKeyOf(t, name)
	if err != nil {
		return nil, err
	}
	r := &kvpRow{}
	r.bt.Init(t.Tree)
	m, err := r.bt.Seek(s, k, nil, btree.EQ)
	if err != nil || m != btree.Equal {
		return nil, err
	}
	return r, r.read(s, t)
}

// read takes over the row that the cursor is on, with the number as the session sees it.
func (r *kvpRow) read(s *version.Session, t *Table) error {
	for {
		d, err := r.bt.Data(s)
		if err != nil {
			return err
		}
		r.rec = append(r.rec[:0], d...)
		if r.bt.Valid() {
			break
		}
	}
	sc := t.Schema().Record
	col := sc.Column(kvpValue)
	if err := sc.Check(r.rec); err != nil {
		return err
	}
	if col == nil || sc.FixedOffset(col) < 0 {
		return jet.ErrCatalogCorrupted.Errorf("key-value table %q lacks a column", t.Name())
	}
	v, err := sc.Get(r.rec, col, 1)
	if err != nil || v.Null || len(v.Data) != 4 || v.FromDefault {
		return err
	}
	r.offset = sc.FixedOffset(col)
	n := r.bt.Node()
	foreign := t.cat.db.Kernel.Versions.ForeignDelta(s, &n, uint16(r.offset))
	r.value = int32(binary.LittleEndian.Uint32(v.Data)) - int32(foreign)
	return nil
}

// kvpGet reads a number.
func (c *Catalog) kvpGet(s *version.Session, t *Table, name string) (value int32, found bool, err error) {
	r, err := c.kvpFind(s, t, name)
	if err != nil || r == nil {
		return 0, false, err
	}
	return r.value, true, nil
}

// kvpAdd adds to a number, which begins at 0.
func (c *Catalog) kvpAdd(s *version.Session, t *Table, name string, n int32) error {
	r, err := c.kvpFind(s, t, name)
	if err != nil {
		return err
	}
	if r == nil || r.offset == 0 {
		return c.kvpInsert(s, t, name, kvpLong, n)
	}
	return nested(s, func() error {
		_, err := r.bt.Delta(s, r.offset, int64(n), false, 0)
		return err
	})
}

// kvpSet replaces a number that is there.
func (c *Catalog) kvpSet(s *version.Session, t *Table, name string, value int32) error {
	r, err := c.kvpFind(s, t, name)
	if err != nil {
		return err
	}
	if r == nil || r.offset == 0 {
		return jet.ErrCatalogCorrupted.Errorf("key-value table %q lacks %s", t.Name(), name)
	}
	binary.LittleEndian.PutUint32(r.rec[r.offset:], uint32(value))
	return nested(s, func() error { return r.bt.Replace(s, r.rec, 0) })
}

// kvpEach calls f with all rows.
func (c *Catalog) kvpEach(s *version.Session, t *Table, f func(name string, typ uint8, value int32)) error {
	r := &kvpRow{}
	r.bt.Init(t.Tree)
	for err := r.bt.First(s); ; err = r.bt.Next(s) {
		if err == jet.ErrNoCurrentRecord {
			return nil
		}
		if err == nil {
			err = r.read(s, t)
		}
		if err != nil {
			return err
		}
		sc := t.Schema().Record
		typ, err := sc.Get(r.rec, sc.Column(kvpType), 1)
		if err != nil {
			return err
		}
		k, err := sc.Get(r.rec, sc.Column(kvpKey), 1)
		if err != nil {
			return err
		}
		units := make([]uint16, len(k.Data)/2)
		for i := range units {
			units[i] = binary.LittleEndian.Uint16(k.Data[2*i:])
		}
		if n := len(units); n > 0 && units[n-1] == 0 {
			units = units[:n-1]
		}
		if len(typ.Data) == 1 {
			f(string(utf16.Decode(units)), typ.Data[0], r.value)
		}
	}
}
