package engine

import (
	"encoding/binary"

	"esent/internal/engine/btree"
	"esent/internal/engine/catalog"
	"esent/internal/engine/key"
	"esent/internal/engine/record"
	"esent/internal/engine/sort"
	"esent/internal/jet"
)

// TempTableDef describes a temporary table (JetOpenTempTable 1 to 3, JET_OPENTEMPORARYTABLE).
type TempTableDef struct {
	// BadSize says that the structure's cbStruct is wrong; nothing else of it counts then.
	BadSize bool
	// Columns have neither names nor defaults. JET_bitColumnTTKey makes one part of the key, and
	// JET_bitColumnTTDescending reverses it. ID is what the call tells.
	Columns []ColumnDef
	// Locale orders Unicode text; nil is the instance's default.
	Locale *IndexLocale
	Grbit  jet.Grbit // JET_bitTT…
	// KeyMost and VarSegMac limit keys, in bytes; 0 is the default, and no limit.
	KeyMost, VarSegMac uint32
}

// tempState is what has become of a temporary table.
type tempState uint8

const (
	// tempSorting takes records in any order; they are kept in a sorter.
	tempSorting tempState = iota
	// tempSorted is read in order and cannot be changed any more.
	tempSorted
	// tempMaterialised is a table almost like others.
	tempMaterialised
)

// tempTable is what a temporary table has beside its descriptor. The cursors on it share it.
//
// A table with a key begins as a sort: records are gathered, with their keys, until the first move or seek. Then they
// are put in order into a B+tree of the temporary database, and only read from then on, or, if that was asked for,
// changed too. Which calls are possible depends on the state (spec chapter 01, 12).
type tempTable struct {
	grbit  jet.Grbit
	state  tempState
	sorter *sort.Sorter
	index  key.Index // of the keys in the sorter
	rows   int64     // records in a sort
	buf    record.Buffer
}

// tempOp is a kind of call on a cursor, as far as temporary tables tell calls apart.
type tempOp uint32

const (
	tempMove tempOp = 1 << iota
	tempSeek
	tempMakeKey
	tempRetrieveKey
	tempRange
	tempRetrieve // columns, their enumeration, the record's size
	tempPrepare
	tempSet
	tempUpdate
	tempDelete
	tempEscrow
	tempBookmark
	tempDup
	tempCursorInfo
	tempTableInfo
	tempLocalStorage
	tempOther // no temporary table has it
)

// tempAllowed are the calls that are possible in each state.
var tempAllowed = [...]tempOp{
	tempSorting: tempMove | tempSeek | tempMakeKey | tempRetrieveKey | tempPrepare | tempSet | tempUpdate | tempEscrow,
	tempSorted: tempMove | tempSeek | tempMakeKey | tempRetrieveKey | tempRange | tempRetrieve | tempBookmark | tempDup | tempTableInfo |
		tempLocalStorage,
	tempMaterialised: tempMove | tempSeek | tempMakeKey | tempRetrieveKey | tempRange | tempRetrieve | tempPrepare | tempSet | tempUpdate |
		tempDelete | tempEscrow | tempBookmark | tempDup | tempCursorInfo | tempTableInfo | tempLocalStorage,
}

// refuse says whether the cursor is on a temporary table that does not allow the call now (ErrIllegalOperation).
func (c *Cursor) refuse(op tempOp) error {
	switch t := c.temp; {
	case t == nil:
		return nil
	case tempAllowed[t.state]&op == 0, op == tempRange && t.state == tempSorted && t.grbit&tempReadings == 0:
		return jet.ErrIllegalOperation
	}
	return nil
}

const (
	// tempMemory is how many bytes of records a sort holds in memory.
	tempMemory = 16 << 20

	tempReadings = jet.BitTTScrollable | jet.BitTTIndexed
	tempTables   = jet.BitTTIndexed | jet.BitTTUpdatable | jet.BitTTScrollable | jet.BitTTForceMaterialization
)

// OpenTempTable makes a temporary table and opens it (JetOpenTempTable 1 to 3, JetOpenTemporaryTable 1 and 2; spec chapter
// 01, 12). It is gone when its last cursor is closed. Errors: ErrInvalidParameter, ErrTooManySorts,
// ErrCannotMaterializeForwardOnlySort, ErrInvalidColumnType, ErrInvalidCodePage, ErrTooManyColumns, ErrTooManyKeys, ErrRecordTooBig,
// ErrInvalidLanguageId, ErrInvalidLCMapStringFlags, ErrOutOfCursors.
func (s *Session) OpenTempTable(t Thread, def *TempTableDef) (*Cursor, error) {
	if err := s.enterOwned(t); err != nil {
		return nil, err
	}
	defer s.leave()
	return s.openTemp(def)
}

func (s *Session) openTemp(def *TempTableDef) (*Cursor, error) {
	if def.BadSize {
		return nil, jet.ErrInvalidParameter
	}
	limit := s.inst.number(jet.ParamMaxTemporaryTables)
	switch {
	case limit == 0:
		return nil, jet.ErrTooManySorts
	case def.Grbit&jet.BitTTForwardOnly != 0 && def.Grbit&tempTables != 0:
		return nil, jet.ErrCannotMaterializeForwardOnlySort
	}
	d, err := s.tempDB()
	if err != nil {
		return nil, err
	}
	cat, err := s.inst.tempCatalog(d)
	if err != nil {
		return nil, err
	}
	plan, err := def.plan(s.inst, d.pages.PageSize)
	if err != nil {
		return nil, err
	}
	temp := &tempTable{grbit: def.Grbit, sorter: s.inst.newSorter(tempMemory, duplicatesOf(def.Grbit))}
	if len(plan.Key) == 0 || def.hasLong() && def.Grbit&jet.BitTTIntrinsicLVsOnly == 0 || def.Grbit&jet.BitTTForceMaterialization != 0 {
		if def.Grbit&jet.BitTTForwardOnly != 0 {
			return nil, jet.ErrCannotMaterializeForwardOnlySort
		}
		temp.state, temp.sorter = tempMaterialised, nil
	}
	if err := s.inst.takeTemp(limit); err != nil {
		return nil, err
	}
	plan.Gone = func() { temp.gone(s.inst) }
	c, err := s.openTempCursor(d, cat, temp, plan, def)
	if err != nil && c == nil {
		temp.gone(s.inst)
	}
	return c, err
}

// openTempCursor makes the table and the cursor on it. The table gives back what was taken for it when it goes.
func (s *Session) openTempCursor(d *Database, cat *catalog.Catalog, temp *tempTable, plan *catalog.TemporaryDef, def *TempTableDef) (*Cursor, error) {
	if err := s.inst.takeCursor(); err != nil {
		return nil, err
	}
	table, ids, err := cat.Temporary(s.trx, plan)
	if err != nil {
		s.inst.cursors.Add(-1)
		return nil, err
	}
	for i, id := range ids {
		def.Columns[i].ID = id
	}
	if ix := table.Schema().Primary; ix != nil {
		temp.index = ix.Def
	}
	c := &Cursor{db: d, table: table, mode: modeUpdatable, temp: temp}
	c.start(s)
	c.setPlaces(beforeFirst)
	return c, nil
}

// duplicatesOf says what happens to records with the key of another in a sort.
func duplicatesOf(grbit jet.Grbit) sort.Duplicates {
	if grbit&jet.BitTTForwardOnly != 0 && grbit&jet.BitTTUnique == 0 {
		return sort.Keep
	}
	return sort.DropKeys
}

// tempCatalog gives the catalog of the temporary database.
func (i *Instance) tempCatalog(d *Database) (*catalog.Catalog, error) {
	i.temp.mu.Lock()
	defer i.temp.mu.Unlock()
	if d.cat == nil {
		o := d.catalogOptions()
		o.Space = d.space
		var err error
		if d.cat, err = catalog.OpenTemporary(d.tree, o); err != nil {
			return nil, err
		}
	}
	return d.cat, nil
}

// takeTemp counts a temporary table against JET_paramMaxTemporaryTables.
func (i *Instance) takeTemp(limit int64) error {
	if i.tempTables.Add(1) > limit {
		i.tempTables.Add(-1)
		return jet.ErrTooManySorts
	}
	return nil
}

// gone gives back what a temporary table took.
func (t *tempTable) gone(i *Instance) {
	i.tempTables.Add(-1)
	t.dropSorter()
}

// dropSorter gives up the sorter.
func (t *tempTable) dropSorter() {
	if t.sorter != nil {
		// A file that cannot be removed is left where it is: the next sort of that number takes its place.
		_ = t.sorter.Close()
		t.sorter = nil
	}
}

func (def *TempTableDef) hasLong() bool {
	for i := range def.Columns {
		if longType(def.Columns[i].Type) {
			return true
		}
	}
	return false
}

// plan judges the definition and gives it as the catalog wants it.
func (def *TempTableDef) plan(i *Instance, pageSize int) (*catalog.TemporaryDef, error) {
	most := uint32(key.KeyMostOfPage(pageSize))
	switch {
	case def.KeyMost != 0 && def.KeyMost < jet.CbKeyMostMin, def.KeyMost > most,
		def.KeyMost != 0 && def.VarSegMac > def.KeyMost, def.KeyMost == 0 && def.VarSegMac > jet.CbKeyMostMin:
		return nil, jet.ErrInvalidParameter
	}
	p := &catalog.TemporaryDef{KeyMost: int(def.KeyMost), VarSegMac: int(def.VarSegMac),
		Flags: key.FlagAllowAllNulls | key.FlagAllowFirstNull | key.FlagAllowSomeNulls}
	for n := range def.Columns {
		d := &def.Columns[n]
		if d.Type == jet.ColtypNil || d.Type >= jet.ColtypMax || d.Type == jet.ColtypSLV {
			return nil, jet.ErrInvalidColumnType
		}
		codePage, err := d.codePage()
		if err != nil {
			return nil, err
		}
		c := record.Column{Type: uint8(d.Type), CodePage: codePage}
		c.Max, _ = d.size()
		if d.Grbit&jet.BitColumnMultiValued != 0 && d.tagged() {
			c.Flags |= record.FlagMultivalued
		}
		p.Columns = append(p.Columns, d.catalog(c))
		if d.Grbit&jet.BitColumnTTKey != 0 {
			if len(p.Key) == jet.CcolKeyMost {
				return nil, jet.ErrTooManyKeys
			}
			p.Key = append(p.Key, catalog.TemporaryKey{Column: n, Descending: d.Grbit&jet.BitColumnTTDescending != 0})
		}
	}
	if def.Grbit&jet.BitTTSortNullsHigh != 0 {
		p.Flags |= key.FlagSortNullsHigh
	}
	if def.Grbit&jet.BitTTDotNetGuid != 0 {
		p.Flags |= key.FlagDotNetGUID
	}
	if def.Grbit&jet.BitTTIntrinsicLVsOnly != 0 {
		p.SeparateLV = pageSize
	}
	return p, def.locale(i, p)
}

// locale takes over the order of Unicode text.
func (def *TempTableDef) locale(i *Instance, p *catalog.TemporaryDef) error {
	p.Locale, p.MapFlags = i.defaultLocale()
	if def.Locale == nil || len(p.Key) == 0 {
		return nil
	}
	if !def.Locale.Default {
		p.Locale = def.Locale.Name
	}
	if def.Locale.MapFlags != 0 {
		p.MapFlags = key.CompleteMapFlags(def.Locale.MapFlags)
	}
	p.Flags |= key.FlagLocaleSet
	if err := key.CheckLocale(p.Locale); err != nil {
		return err
	}
	return key.CheckMapFlags(p.MapFlags)
}

// collecting says that the cursor is on a sort that still takes records.
func (c *Cursor) collecting() bool { return c.temp != nil && c.temp.state == tempSorting }

// collect adds the record in the copy buffer to the sort (JetUpdate).
func (c *Cursor) collect(s *Session) error {
	if err := c.checkRequired(s, c.schema()); err != nil {
		return err
	}
	if err := c.collectRecord(s, c.update.buf.Bytes()); err != nil {
		return err
	}
	c.prepared = notPrepared
	return nil
}

// collectRecord adds a record to the sort.
func (c *Cursor) collectRecord(s *Session, rec []byte) error {
	t, sc := c.temp, c.schema()
	k, err := c.maker(s, sc).primaryKey(sc.Primary, rec)
	if err != nil {
		return err
	}
	if err := t.sorter.Add(k, rec); err != nil {
		return err
	}
	t.rows++
	return nil
}

// appendRecord adds a record that the engine made to a materialised table.
func (c *Cursor) appendRecord(s *Session, rec []byte) error {
	sc := c.schema()
	k, err := c.newKey(s, sc, c.maker(s, sc), rec, nil)
	if err != nil {
		return err
	}
	c.probe.Init(c.table.Tree)
	return c.probe.Insert(s.trx, k, rec, btree.Unversioned)
}

// endSorting puts the records of a sort in order; they can be read from then on.
func (c *Cursor) endSorting(s *Session) error {
	t := c.temp
	if err := t.sorter.Sort(); err != nil {
		return err
	}
	t.rows = t.sorter.Len()
	state, numbered := tempSorted, t.grbit&jet.BitTTForwardOnly != 0 && t.grbit&jet.BitTTUnique == 0
	if t.grbit&jet.BitTTUpdatable != 0 {
		state, numbered = tempMaterialised, t.grbit&jet.BitTTIndexed == 0
	}
	if numbered {
		if err := c.table.DropTemporaryIndex(); err != nil {
			return err
		}
	}
	if err := c.fill(s, numbered); err != nil {
		return err
	}
	t.dropSorter()
	t.state = state
	c.setPlaces(beforeFirst)
	return nil
}

// fill puts the ordered records into the tree, under their keys or under numbers.
func (c *Cursor) fill(s *Session, numbered bool) error {
	entries, err := c.temp.sorter.Scan()
	if err != nil {
		return err
	}
	var bt btree.Cursor
	bt.Init(c.table.Tree)
	var number [4]byte
	for n := uint32(1); ; n++ {
		k, rec, err := entries.Next()
		if err != nil || k == nil {
			return err
		}
		if numbered {
			binary.BigEndian.PutUint32(number[:], n)
			k = number[:]
		}
		if err := bt.Insert(s.trx, k, rec, btree.Unversioned); err != nil {
			return err
		}
	}
}

// beforeMove does what a temporary table needs before a move, of which it may take the first step. done says that
// nothing is left to do.
func (c *Cursor) beforeMove(s *Session, rows int32) (rest int32, done bool, err error) {
	t := c.temp
	if t.state == tempSorting {
		if c.prepared != notPrepared {
			if err := c.cancel(s); err != nil {
				return 0, true, err
			}
		}
		if err := c.endSorting(s); err != nil {
			return 0, true, err
		}
		if t.state == tempSorted {
			// A sort begins on its first record.
			c.setPlaces(atFirst)
			if err := c.settle(s); err != nil {
				c.setPlaces(beforeFirst)
				return 0, true, err
			}
			if rows > 0 && rows < MoveLast {
				rows--
			}
			if rows == 0 || rows == MoveFirst {
				return 0, true, nil
			}
		}
	}
	if t.state == tempSorted && rows < 0 && rows != MoveFirst && t.grbit&tempReadings == 0 {
		return 0, true, jet.ErrIllegalOperation
	}
	return rows, false, nil
}

// seekTemp is seek on a temporary table.
func (c *Cursor) seekTemp(s *Session, grbit jet.Grbit) (jet.Err, error) {
	t := c.temp
	if t.state == tempSorting {
		if c.prepared != notPrepared {
			if err := c.cancel(s); err != nil {
				return 0, err
			}
		}
		if err := c.endSorting(s); err != nil {
			return 0, err
		}
	}
	if t.state == tempSorted && t.grbit&tempReadings == 0 {
		return 0, jet.ErrIllegalOperation
	}
	warn, err := c.seek(s, grbit)
	if t.state == tempSorted && warn == jet.WrnSeekNotEqual {
		warn = 0 // in a sort the next record is as good as an equal one
	}
	return warn, err
}

// enterFor is enter for a kind of call that not all temporary tables allow.
func (c *Cursor) enterFor(s *Session, op tempOp) error {
	if err := c.enter(s); err != nil {
		return err
	}
	if err := c.refuse(op); err != nil {
		s.leave()
		return err
	}
	return nil
}
