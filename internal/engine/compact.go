package engine

import (
	"errors"

	"esent/internal/engine/catalog"
	"esent/internal/engine/dbfile"
	"esent/internal/engine/space"
	"esent/internal/jet"
)

// Progress is told how far a long call has come, in units of the call's own: JET_sntBegin, JET_sntProgress,
// JET_sntComplete or JET_sntFail. A negative result ends the call with that error.
type Progress func(snt uint32, done, total uint32) jet.Err

// compaction is the copying of one database.
type compaction struct {
	s        *Session
	src, dst *Database
	grbit    jet.Grbit
	meter    *compactMeter
	stats    *compactStats // nil when nobody wants them
}

// Compact copies an attached database that nobody has open into a new file, without the gaps (JetCompact, spec
// chapters 01, 15 and 03, 11.4). report may be nil. The source stays as it is. With an error the new file stays too, in
// a state in which it cannot be attached; only the creation itself leaves none behind.
//
// Errors: ErrInTransaction, ErrDatabaseNotFound, ErrDatabaseInUse, ErrDatabaseDuplicate, those of report, of reading
// the source and of writing the new file. JET_bitCompactRepair passes by records whose primary key is there already.
func (s *Session) Compact(t Thread, source, target string, report Progress, grbit jet.Grbit) error {
	if err := s.enterOwned(t); err != nil {
		return err
	}
	defer s.leave()
	if s.trx.Level() > 0 {
		return jet.ErrInTransaction
	}
	m := &compactMeter{report: report}
	c := &compaction{s: s, grbit: grbit, meter: m}
	err := m.begin()
	if err == nil {
		err = c.run(source, target)
	}
	return m.end(err)
}

func (c *compaction) run(source, target string) error {
	s := c.s
	if err := c.openSource(source); err != nil {
		return err
	}
	defer s.forgetDatabase(c.src)
	if err := c.createTarget(target); err != nil {
		return err
	}
	if c.meter.report != nil && c.grbit&jet.BitCompactStats != 0 {
		c.stats = &compactStats{}
	}
	err := c.copyAll()
	if c.stats != nil && err == nil {
		err = c.stats.write(s.inst, c.src, c.dst)
	}
	return c.closeTarget(err)
}

// openSource opens the source so that no other session can.
func (c *compaction) openSource(source string) error {
	i := c.s.inst
	abs, err := i.absolute(source)
	if err != nil {
		return err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	d := i.find(abs)
	switch {
	case d == nil || d.leaving:
		return jet.ErrDatabaseNotFound.Errorf("%s is not attached", abs)
	case d.holds > 0:
		return jet.ErrDatabaseInUse.Errorf("%s has uncommitted changes", abs)
	}
	c.src = d
	return c.s.open(d, true)
}

// createTarget makes the new database, as small as there is one (spec chapter 03, 11.4).
func (c *compaction) createTarget(target string) error {
	i := c.s.inst
	abs, err := i.absolute(target)
	if err != nil {
		return err
	}
	if i.format().UsePersisted {
		return jet.ErrInvalidOperation
	}
	i.attachMu.Lock()
	defer i.attachMu.Unlock()
	if err := i.creatable(abs, false); err != nil {
		return err
	}
	id, err := i.slotFor(abs, false)
	if err != nil {
		return err
	}
	if err := i.makeRoom(abs); err != nil {
		return err
	}
	grbit := jet.BitDbRecoveryOff | jet.BitDbVersioningOff
	if h := c.src.file.Header(); h.DBFlags&dbfile.DBFlagShadowingOff != 0 {
		grbit |= jet.BitDbShadowingOff
	}
	c.dst = &Database{inst: i, id: id, path: abs}
	return c.s.create(c.dst, grbit, space.LeastPages)
}

// closeTarget ends the new database: it is complete, or marked as one that is not.
func (c *compaction) closeTarget(err error) error {
	s, i, d := c.s, c.s.inst, c.dst
	i.attachMu.Lock()
	defer i.attachMu.Unlock()
	s.forgetDatabase(d)
	if err == nil {
		c.copyHistory()
		return s.detach(d)
	}
	return errors.Join(err, i.settle(d, true), i.dismiss(d))
}

// copyHistory has the new header tell of repairs of the source.
func (c *compaction) copyHistory() {
	h := c.src.file.Header()
	c.dst.file.UpdateHeader(func(n *dbfile.Header) {
		n.RepairCount, n.RepairCountOld, n.RepairedAt = h.RepairCount, h.RepairCount, h.RepairedAt
		n.ReseedCount, n.ReseedCountOld, n.ReseededAt = h.ReseedCount, h.ReseedCount, h.ReseededAt
		n.PagePatchCount, n.PagePatchCountOld, n.PagePatchedAt = h.PagePatchCount, h.PagePatchCount, h.PagePatchedAt
	})
}

// copyAll copies the tables, derived ones after those that they derive from.
func (c *compaction) copyAll() error {
	if err := c.meter.measure(c); err != nil {
		return err
	}
	tables, err := c.src.cat.Tables(c.s.trx)
	if err != nil {
		return err
	}
	for _, derived := range []bool{false, true} {
		for _, t := range tables {
			if t.Flags.Has(catalog.TableDerived) != derived || t.Flags.Has(catalog.TableSystem) {
				continue
			}
			if err := c.copyTable(t.Name); err != nil {
				return err
			}
		}
	}
	return nil
}

// CompactDetached is Compact for a database that is not attached: it is so for reading as long as it takes.
func (s *Session) CompactDetached(t Thread, source, target string, report Progress, grbit jet.Grbit) error {
	warn, err := s.AttachDatabase(t, source, 0, jet.BitDbReadOnly)
	if err != nil {
		return err
	}
	if warn != 0 {
		return jet.ErrDatabaseInUse.Errorf("%s is attached already", source)
	}
	return errors.Join(s.Compact(t, source, target, report, grbit), s.DetachDatabase(t, source, 0))
}
