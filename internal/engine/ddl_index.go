package engine

import (
	"esent/internal/engine/record"
	"esent/internal/jet"
)

// CreateIndex makes an index of the table (JetCreateIndex, and JetCreateIndex2 to 4 with one index; spec chapter 01,
// 7.5): defs one by one, all or nothing. Other numbers of indexes than one need a table that no other session can open,
// and a session that is in no transaction. Other sessions may use the table meanwhile.
//
// Errors: ErrInvalidParameter, ErrPermissionDenied, ErrTransReadOnly, ErrInTransaction, ErrExclusiveTableLockRequired,
// ErrFixedDDL, ErrInvalidName, ErrIndexInvalidDef, ErrInvalidGrbit, ErrDensityInvalid, ErrSpaceHintsInvalid,
// ErrInvalidLanguageId, ErrInvalidLCMapStringFlags, ErrColumnNotFound, ErrCannotIndex, ErrIndexDuplicate,
// ErrIndexHasPrimary, ErrTableNotEmpty, ErrIndexTuples…, and for the records that are there ErrKeyDuplicate,
// ErrNullKeyDisallowed and ErrKeyTruncated.
func (c *Cursor) CreateIndex(s *Session, defs []IndexDef) error {
	if err := c.enter(s); err != nil {
		return err
	}
	defer s.leave()
	if c.temporary() {
		return jet.ErrIllegalOperation
	}
	if err := checkLocales(defs); err != nil {
		return err
	}
	if len(defs) == 1 {
		return c.createIndex(s, &defs[0])
	}
	return c.createIndexes(s, defs)
}

// createIndex makes one index.
func (c *Cursor) createIndex(s *Session, def *IndexDef) error {
	switch {
	case def.BadSize || def.Grbit&jet.BitIndexDeferredPopulateProcess != 0:
		return jet.ErrInvalidParameter
	case def.Grbit&jet.BitIndexUnversioned != 0 && c.mode&modeDenyRead == 0 && s.trx.Level() > 0:
		return jet.ErrInTransaction
	}
	if err := c.alter(s, true); err != nil {
		return err
	}
	plan, err := c.planIndex(s, def)
	if err != nil {
		return err
	}
	return c.makeIndexes(s, []*indexPlan{plan}, def.Grbit&jet.BitIndexLazyFlush != 0)
}

// createIndexes makes several indexes in one pass over the records.
func (c *Cursor) createIndexes(s *Session, defs []IndexDef) error {
	if err := c.mayWrite(s); err != nil {
		return err
	}
	switch {
	case s.trx.Level() > 0:
		return jet.ErrInTransaction
	case !c.exclusive(s):
		return jet.ErrExclusiveTableLockRequired
	}
	if err := c.alter(s, true); err != nil {
		return err
	}
	if len(defs) == 0 {
		return nil
	}
	lazy := true
	var plans []*indexPlan
	for i := range defs {
		def := &defs[i]
		switch {
		case def.BadSize:
			return jet.ErrInvalidParameter
		case def.Grbit&(jet.BitIndexPrimary|jet.BitIndexUnversioned|jet.BitIndexEmpty) != 0:
			return jet.ErrInvalidGrbit
		}
		lazy = lazy && def.Grbit&jet.BitIndexLazyFlush != 0
		plan, err := c.planIndex(s, def)
		if err != nil {
			return err
		}
		plans = append(plans, plan)
	}
	return c.makeIndexes(s, plans, lazy)
}

// ddlLazy is ddl, with a commit that need not be durable at once.
func (s *Session) ddlLazy(lazy bool, f func() error) error {
	if !lazy {
		return s.ddl(f)
	}
	before := s.commitDefault
	s.commitDefault |= jet.BitCommitLazyFlush
	err := s.ddl(f)
	s.commitDefault = before
	return err
}

// planIndex judges an index definition for the table.
func (c *Cursor) planIndex(s *Session, def *IndexDef) (*indexPlan, error) {
	in := indexCheck{inst: s.inst, pageSize: c.db.pages.PageSize, feature: c.db.has,
		hints: SpaceHints{InitialDensity: uint32(c.table.Density)}}
	if !validDensity(in.hints.InitialDensity) {
		in.hints.InitialDensity = defaultDensity
	}
	plan, err := def.check(&in)
	if err != nil {
		return nil, err
	}
	return plan, plan.resolve(func(name string) *record.Column {
		if col := c.schema().ColumnByName(s.trx, name); col != nil {
			return &col.Column
		}
		return nil
	})
}

// DeleteIndex drops a secondary index that no cursor has as current (JetDeleteIndex, spec chapters 01, 7.5 and 03,
// 16.6): nobody can use it any more, committed or not. Errors: ErrInvalidName, ErrPermissionDenied, ErrTransReadOnly,
// ErrFixedDDL, ErrFixedInheritedDDL, ErrIndexNotFound, ErrIndexMustStay (primary), ErrIndexInUse, ErrWriteConflict.
func (c *Cursor) DeleteIndex(s *Session, name string) error {
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
	if ix := c.schema().IndexByName(s.trx, name); ix != nil && ix.Inherited {
		return jet.ErrFixedInheritedDDL
	}
	return s.ddl(func() error {
		c.db.defrag.sweeping.Lock()
		defer c.db.defrag.sweeping.Unlock()
		return c.table.DropIndex(s.trx, name)
	})
}
