package catalog

import (
	"encoding/binary"
	"fmt"
	"sync"

	"esent/internal/engine/btree"
	"esent/internal/engine/key"
	"esent/internal/engine/record"
	"esent/internal/engine/version"
	"esent/internal/jet"
)

// systemTables are the tables that the catalog itself keeps right. They stay open.
type systemTables struct {
	mu              sync.Mutex
	objids, locales *Table
}

// objids gives MSysObjids; nil when the database has none yet.
func (c *Catalog) objids() (*Table, error) { return c.system(&c.sys.objids, nameObjids) }

// locales gives MSysLocales; nil when the database has none yet.
func (c *Catalog) locales() (*Table, error) { return c.system(&c.sys.locales, nameLocales) }

func (c *Catalog) system(t **Table, name string) (*Table, error) {
	c.sys.mu.Lock()
	defer c.sys.mu.Unlock()
	if *t == nil {
		found, err := c.Table(c.reader, name)
		if err == jet.ErrObjectNotFound {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		*t = found
	}
	return *t, nil
}

// Columns of MSysObjids (spec chapter 03, 15).
const (
	objidsObjid jet.ColumnID = 256
	objidsTable jet.ColumnID = 257
	objidsType  jet.ColumnID = 258
)

func objidKey(id jet.ObjID) []byte {
	return binary.BigEndian.AppendUint32([]byte{keyData}, uint32(id)^1<<31)
}

// insertObjid notes what a tree is of.
func (c *Catalog) insertObjid(s *version.Session, id, table jet.ObjID, typ RowType) error {
	t, err := c.objids()
	if err != nil || t == nil {
		return err
	}
	var b record.Buffer
	b.Reset(t.Schema().Record)
	b.LoadInsert()
	set := func(id jet.ColumnID, v []byte) {
		col := t.Schema().Record.Column(id)
		if col == nil {
			err = jet.ErrCatalogCorrupted.Errorf("%s lacks column %d", nameObjids, id)
		}
		if err == nil {
			_, err = b.Set(col, 1, record.SetValue{Data: v}, 0)
		}
	}
	set(objidsObjid, binary.LittleEndian.AppendUint32(nil, uint32(id)))
	set(objidsTable, binary.LittleEndian.AppendUint32(nil, uint32(table)))
	set(objidsType, binary.LittleEndian.AppendUint16(nil, uint16(typ)))
	if err != nil {
		return err
	}
	return nested(s, func() error {
		var bt btree.Cursor
		bt.Init(t.Tree)
		return bt.Insert(s, objidKey(id), b.Bytes(), 0)
	})
}

// deleteObjid forgets a tree.
func (c *Catalog) deleteObjid(s *version.Session, id jet.ObjID) error {
	t, err := c.objids()
	if err != nil || t == nil {
		return err
	}
	return nested(s, func() error {
		var bt btree.Cursor
		bt.Init(t.Tree)
		m, err := bt.Seek(s, objidKey(id), nil, btree.EQ)
		if err != nil || m != btree.Equal {
			return err
		}
		return bt.FlagDelete(s, 0)
	})
}

// inTrx runs f in a transaction of its own of a session that is in none, or in a level of its transaction.
func inTrx(s *version.Session, f func() error) error {
	if err := s.BeginInner(); err != nil {
		return err
	}
	if err := f(); err != nil {
		if e := s.Rollback(); e != nil {
			return e
		}
		return err
	}
	_, err := s.Commit()
	return err
}

// FinishSystem makes the system tables beside the catalog that the database lacks, and fills them: at the end of its
// creation, and when a database of an old engine is attached for writing. The session is in no transaction.
func (c *Catalog) FinishSystem(s *version.Session) error {
	if t, err := c.objids(); err != nil {
		return err
	} else if t == nil {
		if err := c.createObjids(s); err != nil {
			return err
		}
	}
	t, err := c.locales()
	if err != nil {
		return err
	}
	if t == nil {
		if t, err = c.createLocales(s); err != nil {
			return err
		}
	} else if c.Features().KVPColumns {
		if err := c.upgradeKVP(s, t); err != nil {
			return err
		}
	}
	return c.completeLocales(s, t)
}

func (c *Catalog) createObjids(s *version.Session) error {
	column := func(name string, coltyp uint8) ColumnDef {
		return ColumnDef{Column: record.Column{Name: name, Type: coltyp, Max: record.TypeSize(coltyp)}, Class: record.ClassTagged}
	}
	def := &TableDef{Name: nameObjids, Flags: TableSystem | TableSystemDynamic | TableFixedDDL, Density: 100,
		Columns: []ColumnDef{column("objid", jet.ColtypLong), column("objidTable", jet.ColtypLong), column("type", jet.ColtypShort)},
		Indexes: []IndexDef{systemIndex("primary", "objid", 100, 0)}}
	var t *Table
	err := inTrx(s, func() (err error) {
		t, _, err = c.CreateTable(s, def)
		return err
	})
	if err != nil {
		return err
	}
	c.sys.mu.Lock()
	c.sys.objids = t
	c.sys.mu.Unlock()
	return c.fillObjids(s)
}

// systemIndex is the primary index of a system table.
func systemIndex(name, column string, density int, more key.Flags) IndexDef {
	return IndexDef{Name: name, Flags: key.FlagsFromGrbit(jet.BitIndexPrimary) | more, Columns: []KeyColumn{{Name: column}},
		Density: density, Locale: key.DefaultLocale, MapFlags: key.DefaultMapFlags}
}

// fillObjids notes all trees that there are, those of one table in one transaction.
func (c *Catalog) fillObjids(s *version.Session) error {
	var rows []*Row
	err := c.scan(s, []byte{keyData}, func(r *Row) error {
		if r.Type == RowTable || r.Type == RowLongValue || r.Type == RowIndex && jet.ObjID(r.ID) != r.ObjidTable {
			rows = append(rows, r)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for len(rows) > 0 {
		n := 1
		for n < len(rows) && rows[n].ObjidTable == rows[0].ObjidTable {
			n++
		}
		err := inTrx(s, func() error {
			for _, r := range rows[:n] {
				if err := c.insertObjid(s, jet.ObjID(r.ID), r.ObjidTable, r.Type); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// localesComplete is the key of the row that says that MSysLocales counts all indexes.
const localesComplete = "MSysLocalesConsistent"

func (c *Catalog) createLocales(s *version.Session) (t *Table, err error) {
	if t, err = c.createKVP(s, nameLocales); err != nil {
		return nil, err
	}
	c.sys.mu.Lock()
	c.sys.locales = t
	c.sys.mu.Unlock()
	return t, nil
}

// completeLocales counts the Unicode indexes that there are, unless that was done.
func (c *Catalog) completeLocales(s *version.Session, t *Table) error {
	if _, found, err := c.kvpGet(s, t, localesComplete); err != nil || found {
		return err
	}
	counts := map[string]int32{}
	var order []string
	err := c.scan(s, []byte{keyData}, func(r *Row) error {
		if r.Type != RowIndex || !key.Flags(r.Flags).Has(key.FlagLocalizedText) {
			return nil
		}
		d := &indexDef{}
		if err := d.setCollation(r); err != nil {
			return err
		}
		k := d.localeKey()
		if counts[k] == 0 {
			order = append(order, k)
		}
		counts[k]++
		return nil
	})
	if err != nil {
		return err
	}
	return inTrx(s, func() error {
		for _, k := range order {
			if err := c.kvpAdd(s, t, k, counts[k]); err != nil {
				return err
			}
		}
		return c.kvpInsert(s, t, localesComplete, kvpLong, 1)
	})
}

// localeKey is the key under which MSysLocales counts the indexes with the same order of text.
func (d *indexDef) localeKey() string {
	g := d.sortID
	return fmt.Sprintf("LocaleName=%s,SortID=%08x-%04x-%04x-%02x%02x-%x,Ver=%x", d.locale, binary.LittleEndian.Uint32(g[:]),
		binary.LittleEndian.Uint16(g[4:]), binary.LittleEndian.Uint16(g[6:]), g[8], g[9], g[10:], d.version)
}

// countLocale counts a new Unicode index. That is done by a session of the engine's own, and stays whatever becomes of
// the index: the count may be too high (spec chapter 03, 15).
func (c *Catalog) countLocale(d *indexDef) error {
	t, err := c.locales()
	if err != nil || t == nil {
		return err
	}
	c.worker.Lock()
	defer c.worker.Unlock()
	s := c.worker.s
	return inTrx(s, func() error { return c.kvpAdd(s, t, d.localeKey(), 1) })
}

// LocaleCounts gives what MSysLocales counts: for each key of a locale with its sort version the number of indexes.
func (c *Catalog) LocaleCounts(s *version.Session) (map[string]int32, error) {
	t, err := c.locales()
	if err != nil || t == nil {
		return nil, err
	}
	counts := map[string]int32{}
	err = c.kvpEach(s, t, func(key string, typ uint8, value int32) {
		if typ == kvpLong && key != localesComplete {
			counts[key] = value
		}
	})
	return counts, err
}
