package catalog

import (
	"esent/internal/engine/version"
	"esent/internal/jet"
)

// DropTable drops a table to which the caller has the only reference. It gives that reference back itself. Nobody can
// open the table from then on, and its space is freed when no session can see it. Errors: ErrTableInUse when there are
// other references, ErrTableLocked when another session has dropped it, ErrCannotDeleteSystemTable,
// ErrCannotDeleteTemplateTable, ErrWriteConflict. With an error the caller keeps its reference.
func (c *Catalog) DropTable(s *version.Session, t *Table) error {
	switch {
	case t.System():
		return jet.ErrCannotDeleteSystemTable
	case t.Flags.Has(TableTemplate):
		return jet.ErrCannotDeleteTemplateTable
	}
	if s.Level() == 0 {
		return jet.ErrNotInTransaction
	}
	if err := c.claim(s, t); err != nil {
		return err
	}
	claimed := false // by a version entry, whose rollback gives the table free
	err := nested(s, func() error {
		if err := c.versioned(s, t, t.undoDrop, t.settleDrop); err != nil {
			return err
		}
		claimed = true
		return c.deleteRows(s, t)
	})
	if err != nil {
		if !claimed {
			_ = t.undoDrop(s)
		}
		return err
	}
	t.Release()
	return nil
}

// claim keeps everybody from opening a table, if the caller has its only reference.
func (c *Catalog) claim(s *version.Session, t *Table) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case t.died.Load() != nil:
		return jet.ErrTableLocked
	case t.refs-t.pins > 1:
		return jet.ErrTableInUse
	}
	t.died.Store(s.Trx())
	if t.changedByOthers(s) {
		t.died.Store(nil)
		return jet.ErrTableInUse
	}
	return nil
}

// changedByOthers says that running transactions of other sessions have changed the schema: they have rows in the
// catalog that s does not see.
func (t *Table) changedByOthers(s *version.Session) bool {
	foreign := func(trx *version.Trx) bool { return trx != nil && !s.Owns(trx) && !trx.Committed() }
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range t.m.columns {
		if !c.dead && (foreign(c.creator()) || foreign(c.Died)) {
			return true
		}
	}
	for _, d := range t.m.indexes {
		if foreign(d.born) || foreign(d.died) {
			return true
		}
	}
	return false
}

func (t *Table) undoDrop(*version.Session) error {
	t.died.Store(nil)
	return nil
}

func (t *Table) settleDrop(s *version.Session) error {
	t.cat.forget(t)
	return t.cat.destroy(s, t, t.Tree)
}

// deleteRows removes all that the catalogs say of a table.
func (c *Catalog) deleteRows(s *version.Session, t *Table) error {
	var rows []*Row
	seen := map[rowKey]bool{}
	k := makeRowKey(t.ObjID, 0, 0)
	err := c.scan(s, k[:tableKeySize], func(r *Row) error {
		rows = append(rows, r)
		seen[r.Key()] = true
		return nil
	})
	if err != nil {
		return err
	}
	// Rows that came after the session's snapshot would be left behind.
	err = c.scan(c.reader, k[:tableKeySize], func(r *Row) error {
		k := r.Key()
		if seen[k] {
			return nil
		}
		n := version.Node{DB: c.db.ID, FDP: c.main.FDP, Key: k[:]}
		return c.db.Kernel.Versions.Conflict(s, &n, version.OperFlagDelete)
	})
	if err != nil {
		return err
	}
	if len(rows) == 0 || rows[0].Type != RowTable {
		return jet.ErrObjectNotFound
	}
	for _, r := range rows {
		if err := c.deleteRow(s, r); err != nil {
			return err
		}
		if r.Type == RowTable || r.Type == RowLongValue || r.Type == RowIndex && jet.ObjID(r.ID) != t.ObjID {
			if err := c.deleteObjid(s, jet.ObjID(r.ID)); err != nil {
				return err
			}
		}
	}
	return nil
}

// RenameTable gives a table another name. Errors: ErrFixedDDL for tables whose schema is frozen, ErrKeyDuplicate when
// the name is taken, ErrWriteConflict.
func (c *Catalog) RenameTable(s *version.Session, t *Table, name string) error {
	if t.Flags&(TableFixedDDL|TableTemplate) != 0 {
		return jet.ErrFixedDDL
	}
	before := t.name.Load()
	return nested(s, func() error {
		undo := func(*version.Session) error {
			t.name.Store(before)
			return nil
		}
		k := makeRowKey(t.ObjID, RowTable, uint32(t.ObjID))
		if err := c.replaceRow(s, k, true, func(r *Row) { r.Name = name }); err != nil {
			return err
		}
		if err := c.versioned(s, t, undo, nil); err != nil {
			return err
		}
		t.name.Store(&name)
		return nil
	})
}

// Stats gives what JetComputeStats stored of a table or of one of its secondary indexes; nil when there is nothing.
func (c *Catalog) Stats(s *version.Session, t *Table, index jet.ObjID) ([]byte, error) {
	r, err := c.find(s, statsKey(t, index))
	if err != nil || r == nil {
		return nil, err
	}
	return r.Stats, nil
}

// SetStats stores statistics of a table or of one of its secondary indexes, in the catalog alone.
func (c *Catalog) SetStats(s *version.Session, t *Table, index jet.ObjID, stats []byte) error {
	return c.replaceRow(s, statsKey(t, index), false, func(r *Row) { r.Stats = stats })
}

func statsKey(t *Table, index jet.ObjID) rowKey {
	if index == t.ObjID || index == 0 {
		return makeRowKey(t.ObjID, RowTable, uint32(t.ObjID))
	}
	return makeRowKey(t.ObjID, RowIndex, uint32(index))
}
