package engine

import (
	"encoding/binary"

	"esent/internal/engine/btree"
	"esent/internal/engine/catalog"
	"esent/internal/engine/page"
	"esent/internal/engine/record"
	"esent/internal/jet"
)

// alter says whether the cursor may be used to change the table's schema. additions stay possible where the schema is
// fixed: for the cursor that created the table, and for one opened with JET_bitTablePermitDDL.
func (c *Cursor) alter(s *Session, addition bool) error {
	if c.temporary() {
		return jet.ErrIllegalOperation
	}
	if err := c.mayWrite(s); err != nil {
		return err
	}
	if c.table.Flags&(catalog.TableFixedDDL|catalog.TableTemplate) == 0 {
		return nil
	}
	if addition && !c.table.Flags.Has(catalog.TableTemplate) && c.mode&(modeCreator|modePermitDDL) != 0 {
		return nil
	}
	return jet.ErrFixedDDL
}

// exclusive says that no other session can open the table.
func (c *Cursor) exclusive(s *Session) bool { return c.lock != nil && c.lock.exclusive(s) }

// AddColumn adds a column to the table and gives its id (JetAddColumn, spec chapter 01, 7.4). The cursor is on no record
// afterwards. warn is JET_wrnColumnMaxTruncated or 0. Errors: ErrPermissionDenied, ErrTransReadOnly, ErrFixedDDL,
// ErrInvalidParameter, ErrInvalidName, ErrInvalidColumnType, ErrInvalidCodePage, ErrInvalidGrbit, ErrColumnDuplicate,
// ErrColumnRedundant, ErrTooManyColumns, ErrRecordTooBig, ErrDefaultValueTooBig, ErrInvalidBufferSize (default),
// ErrExclusiveTableLockRequired, ErrTableNotEmpty (escrow), ErrInTransaction (unversioned), and others of chapter 01.
func (c *Cursor) AddColumn(s *Session, def *ColumnDef) (id jet.ColumnID, warn jet.Err, err error) {
	if err := c.enter(s); err != nil {
		return 0, 0, err
	}
	defer s.leave()
	if err := c.alter(s, true); err != nil {
		return 0, 0, err
	}
	if def.BadSize {
		return 0, 0, jet.ErrInvalidParameter
	}
	if def.Grbit&jet.BitColumnUnversioned != 0 && c.mode&modeDenyRead == 0 && s.trx.Level() > 0 {
		return 0, 0, jet.ErrInTransaction
	}
	in := columnCheck{exclusive: c.exclusive(s), feature: c.db.has, inherited: func(name string) bool {
		col := c.schema().ColumnByName(s.trx, name)
		return col != nil && col.Inherited
	}}
	col, warn, err := def.check(&in)
	if err != nil {
		return 0, 0, err
	}
	if err := def.resolve(c.db.inst); err != nil {
		return 0, 0, err
	}
	if col.Flags&record.FlagEscrowUpdate != 0 {
		if err := c.checkEmpty(); err != nil {
			return 0, 0, err
		}
	}
	cat := def.catalog(col)
	cat.Exclusive = in.exclusive
	err = s.ddl(func() error {
		if id, err = c.table.AddColumn(s.trx, &cat); err != nil {
			return err
		}
		if col.Flags&record.FlagAutoincrement != 0 {
			return c.numberRecords(s, id)
		}
		return nil
	})
	if err != nil {
		return 0, 0, err
	}
	c.setPlaces(beforeFirst)
	return id, warn, nil
}

// resolve says whether the function is there that computes the default value, where that is to be known.
func (d *ColumnDef) resolve(i *Instance) error {
	if d.UserDefined == nil || d.Grbit&jet.BitColumnUserDefinedDefault == 0 || !i.persistedEnabled() {
		return nil
	}
	_, err := i.resolvePersisted(d.UserDefined.Callback, d.UserDefined.Data)
	return err
}

// checkEmpty says whether the table has no records, nor any that are deleted and still there (ErrTableNotEmpty).
func (c *Cursor) checkEmpty() error {
	flags, lines, _, err := c.table.Tree.RootState()
	if err == nil && (lines > 0 || flags&page.FlagLeaf == 0) {
		err = jet.ErrTableNotEmpty
	}
	return err
}

// numberRecords gives the records that are there values of a new autoincrement column, from 1, in primary order.
func (c *Cursor) numberRecords(s *Session, id jet.ColumnID) error {
	var bt btree.Cursor
	bt.Init(c.table.Tree)
	sc := c.schema().Record
	col := sc.Column(id)
	var buf record.Buffer
	buf.Reset(sc)
	var n uint64
	var rec []byte
	err := bt.First(s.trx)
	for ; err == nil; err = bt.Next(s.trx) {
		if rec, err = stableData(s, &bt, rec[:0]); err != nil {
			return err
		}
		if err := buf.Load(rec); err != nil {
			return err
		}
		n++
		var value [8]byte
		binary.LittleEndian.PutUint64(value[:], n)
		if _, err := buf.Set(col, 1, record.SetValue{Data: value[:col.Max]}, 0); err != nil {
			return err
		}
		if err := bt.Replace(s.trx, buf.Bytes(), 0); err != nil {
			return err
		}
	}
	if err != jet.ErrNoCurrentRecord || n == 0 {
		return errUnless(err, jet.ErrNoCurrentRecord)
	}
	return c.table.RaiseAutoInc(n)
}

// errUnless gives err, but nil for the one that is no error here.
func errUnless(err, none error) error {
	if err == none {
		return nil
	}
	return err
}

// stableData appends the data of a tree cursor's node to dst.
func stableData(s *Session, bt *btree.Cursor, dst []byte) ([]byte, error) {
	for {
		data, err := bt.Data(s.trx)
		if err != nil {
			return dst, err
		}
		out := append(dst, data...)
		if bt.Valid() {
			return out, nil
		}
	}
}

// DeleteColumn drops a column that no index has (JetDeleteColumn2, spec chapter 01, 7.4). The cursor is on no record
// afterwards. With JET_bitDeleteColumnIgnoreTemplateColumns only the table's own columns are looked at. Errors:
// ErrInvalidName, ErrPermissionDenied, ErrTransReadOnly, ErrFixedDDL, ErrFixedInheritedDDL, ErrColumnNotFound,
// ErrColumnInUse, ErrWriteConflict.
func (c *Cursor) DeleteColumn(s *Session, name string, grbit jet.Grbit) error {
	if err := c.enter(s); err != nil {
		return err
	}
	defer s.leave()
	if c.temporary() {
		return jet.ErrIllegalOperation
	}
	name, err := objectName(name)
	if err != nil {
		return err
	}
	if err := c.alter(s, false); err != nil {
		return err
	}
	if grbit&jet.BitDeleteColumnIgnoreTemplateColumns != 0 {
		if col := c.schema().ColumnByName(s.trx, name); col != nil && col.Inherited {
			return jet.ErrColumnNotFound
		}
	}
	if err := s.ddl(func() error { return c.table.DropColumn(s.trx, name) }); err != nil {
		return err
	}
	c.setPlaces(beforeFirst)
	return nil
}

// RenameColumn gives a column another name (JetRenameColumn, spec chapter 01, 7.4). Errors: ErrPermissionDenied,
// ErrTransReadOnly, ErrInTransaction, ErrInvalidName, ErrColumnNotFound, ErrKeyDuplicate when the new name is taken,
// ErrInvalidPlaceholderColumn, ErrWriteConflict.
func (c *Cursor) RenameColumn(s *Session, from, to string, grbit jet.Grbit) error {
	if err := c.enter(s); err != nil {
		return err
	}
	defer s.leave()
	if c.temporary() {
		return jet.ErrIllegalOperation
	}
	if err := c.mayWrite(s); err != nil {
		return err
	}
	if s.trx.Level() > 0 {
		return jet.ErrInTransaction
	}
	from, err := objectName(from)
	if err != nil {
		return err
	}
	if to, err = objectName(to); err != nil {
		return err
	}
	placeholder := grbit&jet.BitColumnRenameConvertToPrimaryIndexPlaceholder != 0
	return s.ddl(func() error { return c.table.RenameColumn(s.trx, from, to, placeholder) })
}

// SetColumnDefaultValue changes a column's default value (JetSetColumnDefaultValue, spec chapter 01, 7.4). No other
// session has the table open. Errors: ErrInvalidDatabaseId, ErrInvalidName, ErrNullInvalid (no value),
// ErrObjectNotFound, ErrTableInUse, ErrTableLocked, ErrColumnNotFound, ErrColumnInUse (by an index),
// ErrInvalidBufferSize, ErrDefaultValueTooBig, ErrTransReadOnly, ErrPermissionDenied.
func (s *Session) SetColumnDefaultValue(t Thread, db uint32, table, column string, value []byte) error {
	if err := s.enterOwned(t); err != nil {
		return err
	}
	defer s.leave()
	d, err := s.database(db)
	if err != nil {
		return err
	}
	if column, err = objectName(column); err != nil {
		return err
	}
	if len(value) == 0 {
		return jet.ErrNullInvalid
	}
	if len(value) > record.RecordMost(d.pages.PageSize, record.KeyMostSequential) {
		return jet.ErrDefaultValueTooBig
	}
	return s.onTable(d, table, jet.BitTableDenyRead, func(c *Cursor) error {
		if err := c.mayWrite(s); err != nil {
			return err
		}
		return s.ddl(func() error { return c.setDefault(s, column, value) })
	})
}

func (c *Cursor) setDefault(s *Session, name string, value []byte) error {
	sc := c.schema()
	col := sc.ColumnByName(s.trx, name)
	if col == nil || col.Inherited {
		return jet.ErrColumnNotFound
	}
	for _, ix := range append([]*catalog.Index{sc.Primary}, sc.Indexes...) {
		if ix != nil && ix.Died == nil && indexUses(ix, col.ID) {
			return jet.ErrColumnInUse
		}
	}
	if err := checkDefault(&col.Column, value); err != nil {
		return err
	}
	return c.table.SetDefault(s.trx, name, value)
}

// indexUses says whether an index has a column, in its key or its conditions.
func indexUses(ix *catalog.Index, id jet.ColumnID) bool {
	for _, list := range [][]catalog.IndexColumn{ix.Columns, ix.Conditions} {
		for _, c := range list {
			if c.ID == id {
				return true
			}
		}
	}
	return false
}

// withTable runs f with a cursor on a table, for calls that name the table.
func (s *Session) withTable(t Thread, db uint32, table string, f func(c *Cursor) error) error {
	if err := s.enterOwned(t); err != nil {
		return err
	}
	defer s.leave()
	d, err := s.database(db)
	if err != nil {
		return err
	}
	return s.onTable(d, table, jet.BitTableReadOnly, f)
}

// onTable runs f with a cursor on a table.
func (s *Session) onTable(d *Database, name string, grbit jet.Grbit, f func(c *Cursor) error) error {
	name, err := objectName(name)
	if err != nil {
		return err
	}
	table, err := d.cat.Table(s.trx, name)
	if err != nil {
		return err
	}
	c, err := s.openCursor(d, table, grbit)
	if err != nil {
		table.Release()
		return err
	}
	err = f(c)
	if e := c.close(); err == nil {
		err = e
	}
	return err
}
