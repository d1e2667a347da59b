package record

import (
	"bytes"
	"encoding/binary"
	"os"
	"slices"
	"testing"

	"esent/internal/engine/compress"
	"esent/internal/jet"
)

// database is a minimal reader of a clean database file, independent of the engine's page and tree code.
type database struct {
	t    *testing.T
	b    []byte
	size int // page size

	stored, again int // bytes of compressed chunks as they are, and compressed again
}

func openDatabase(t *testing.T, path string) *database {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return &database{t: t, b: b, size: int(binary.LittleEndian.Uint32(b[236:]))}
}

// lines gives key and data of each node of a page that is not deleted, and the page's flags and successor.
func (d *database) lines(pgno uint32) (keys, data [][]byte, flags, next uint32) {
	p := d.b[(int(pgno)+1)*d.size:][:d.size]
	header, mask, large := 40, 0x1FFF, d.size > maxSmallPage
	if large {
		header, mask = 80, 0x7FFF
	}
	flags = binary.LittleEndian.Uint32(p[36:])
	next = binary.LittleEndian.Uint32(p[20:])
	state := le16(p, 34)
	count, reserved := state&0xFFF, max(state>>12&7, 1)
	tag := func(i int) (line []byte, nodeFlags int) {
		at := d.size - 4*(i+1)
		cb, ib := le16(p, at)&mask, le16(p, at+2)
		line = p[header+ib&mask:][:cb]
		if nodeFlags = ib >> 13; large {
			nodeFlags = le16(append(slices.Clone(line), 0, 0), 0) >> 13
		}
		return line, nodeFlags
	}
	prefix, _ := tag(0)
	for i := reserved; i < count; i++ {
		line, nodeFlags := tag(i)
		var key []byte
		if nodeFlags&4 != 0 {
			key = slices.Clone(prefix[:le16(line, 0)&0x1FFF])
			line = line[2:]
		}
		suffix := le16(line, 0) & 0x1FFF
		if nodeFlags&2 == 0 {
			keys = append(keys, append(key, line[2:2+suffix]...))
			data = append(data, line[2+suffix:])
		}
	}
	return keys, data, flags, next
}

// walk visits the nodes of a tree in key order.
func (d *database) walk(root uint32, visit func(key, data []byte)) {
	pgno := root
	for {
		_, data, flags, _ := d.lines(pgno)
		if flags&2 != 0 {
			break
		}
		pgno = binary.LittleEndian.Uint32(data[0])
	}
	for pgno != 0 {
		keys, data, _, next := d.lines(pgno)
		for i := range keys {
			visit(keys[i], data[i])
		}
		pgno = next
	}
}

type table struct {
	name    string
	root    uint32
	flags   uint32
	derived string // name of the template table
	lvRoot  uint32
	schema  *Schema
	columns []Column
	keyMost int
}

// catalogColumns are the columns of MSysObjects (spec chapter 03, 13.1).
func catalogColumns() []Column {
	var cols []Column
	add := func(fid uint16, name string, coltyp uint8, size int, flags FieldFlags) {
		c := Column{ID: jet.ColumnID(fid), FID: fid, Name: name, Type: coltyp, Max: size, Flags: flags, Offset: 4}
		if coltyp == jet.ColtypText {
			c.CodePage = 1252
		}
		cols = append(cols, c)
	}
	for i, name := range []string{"ObjidTable", "Type", "Id", "ColtypOrPgnoFDP", "SpaceUsage", "Flags", "PagesOrLocale",
		"RootFlag", "RecordOffset", "LCMapFlags", "KeyMost", "LVChunkMax", "PgnoFDPLastSetTime"} {
		coltyp := []uint8{jet.ColtypLong, jet.ColtypShort, jet.ColtypLong, jet.ColtypLong, jet.ColtypLong, jet.ColtypLong,
			jet.ColtypLong, jet.ColtypBit, jet.ColtypShort, jet.ColtypLong, jet.ColtypUnsignedShort, jet.ColtypLong,
			jet.ColtypDateTime}[i]
		flags := FlagNotNull
		if i >= 7 {
			flags = 0
		}
		add(uint16(i+1), name, coltyp, TypeSize(coltyp), flags)
	}
	for i, name := range []string{"Name", "Stats", "TemplateTable", "DefaultValue", "KeyFldIDs", "VarSegMac",
		"ConditionalColumns", "TupleLimits", "Version", "SortID"} {
		coltyp := uint8(jet.ColtypBinary)
		if i == 0 || i == 2 {
			coltyp = jet.ColtypText
		}
		add(uint16(VarFirst+i), name, coltyp, 255, 0)
	}
	for i, name := range []string{"CallbackData", "CallbackDependencies", "SeparateLV", "SpaceHints",
		"SpaceDeferredLVHints", "LocaleName"} {
		add(uint16(TaggedFirst+i), name, jet.ColtypLongBinary, 0, 0)
	}
	return cols
}

func catalogSchema(t *testing.T, pageSize int) *Schema {
	t.Helper()
	s, err := NewSchema(catalogColumns(), Options{PageSize: pageSize, KeyMost: 255, SumOffsets: true})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// tables reads the catalog with the very code under test.
func (d *database) tables() []*table {
	t := d.t
	s := catalogSchema(t, d.size)
	byID := map[uint32]*table{}
	byName := map[string]*table{}
	var list []*table
	get := func(rec []byte, id jet.ColumnID) []byte {
		v, err := s.Get(rec, s.Column(id), 1)
		if err != nil {
			t.Fatal(err)
		}
		return v.Data
	}
	number := func(rec []byte, id jet.ColumnID) uint32 {
		var b [8]byte
		copy(b[:], get(rec, id))
		return binary.LittleEndian.Uint32(b[:])
	}
	d.walk(4, func(_, rec []byte) {
		if err := s.Check(rec); err != nil {
			t.Fatalf("catalog row: %v", err)
		}
		objid, name := number(rec, 1), string(get(rec, 128))
		switch number(rec, 2) {
		case 1:
			tb := &table{name: name, root: number(rec, 4), flags: number(rec, 6), derived: string(get(rec, 130)),
				keyMost: KeyMostSequential}
			byID[objid], byName[name] = tb, tb
			list = append(list, tb)
		case 2:
			tb := byID[objid]
			c := Column{
				ID: jet.ColumnID(number(rec, 3)), FID: uint16(number(rec, 3)), Type: uint8(number(rec, 4)),
				Max: int(number(rec, 5)), Flags: FieldFlags(number(rec, 6)), CodePage: uint16(number(rec, 7)),
				Offset: uint16(number(rec, 9)), Name: name, Default: bytes.Clone(get(rec, 131)),
			}
			if tb.flags&0x20000000 != 0 {
				c.ID |= templateBit
			}
			tb.columns = append(tb.columns, c)
		case 3:
			if number(rec, 6)&0x20 != 0 {
				byID[objid].keyMost = 255
			}
		case 4:
			byID[objid].lvRoot = number(rec, 4)
		}
	})
	for _, tb := range list {
		opt := Options{PageSize: d.size, KeyMost: tb.keyMost, SumOffsets: tb.name == "MSysObjects" || tb.name == "MSysObjectsShadow"}
		columns := tb.columns
		if tb.derived != "" {
			for _, c := range byName[tb.derived].columns {
				c.Derived = c.Class() == ClassTagged && c.Flags&FlagTemplate != 0
				columns = append(columns, c)
			}
		}
		var err error
		if tb.schema, err = NewSchema(columns, opt); err != nil {
			t.Fatalf("table %q: %v", tb.name, err)
		}
	}
	return list
}

// longValues reads a table's long-value tree: LID to plain value.
func (d *database) longValues(root uint32) map[uint64][]byte {
	values := map[uint64][]byte{}
	if root == 0 {
		return values
	}
	var lid uint64
	var size int
	chunk := map[int]int{4096: 4014, 8192: 8110, 16384: 4050, 32768: 8150}[d.size]
	d.walk(root, func(key, data []byte) {
		wide := key[0]&0x80 != 0
		if len(key) == 4 || len(key) == 8 && wide {
			lid = uint64(binary.BigEndian.Uint32(key))
			if wide {
				lid = binary.BigEndian.Uint64(key)
			}
			size = int(binary.LittleEndian.Uint32(data[4:]))
			values[lid] = []byte{}
			return
		}
		if len(data) < min(chunk, size-len(values[lid])) {
			plain, err := compress.Decompress(nil, data)
			if err != nil {
				d.t.Fatalf("chunk %x: %v", key, err)
			}
			if again, ok := compress.Compress(nil, plain, compress.Options{}); !ok || compress.SchemeOf(again) != compress.SchemeOf(data) {
				d.t.Errorf("chunk %x: compressed by scheme %d, again by %d", key, compress.SchemeOf(data), compress.SchemeOf(again))
			} else {
				d.stored, d.again = d.stored+len(data), d.again+len(again)
			}
			data = plain
		}
		values[lid] = append(values[lid], data...)
	})
	return values
}
