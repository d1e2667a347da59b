package engine

import (
	"esent/internal/engine/dbfile"
	"esent/internal/jet"
	"esent/internal/logstore"
)

// shrink takes extents that nobody uses off the end of a database, but keeps page least (spec chapters 02, 11 and 03,
// 10.6). A backup copies a database as long as it was when it began, so no database shrinks meanwhile.
func (s *Session) shrink(d *Database, least jet.Pgno) (warn jet.Err, err error) {
	i := s.inst
	if i.number(jet.ParamEnableShrinkDatabase)&int64(jet.BitShrinkDatabaseOn) == 0 {
		return 0, jet.ErrFeatureNotAvailable
	}
	i.attachMu.Lock() // no backup begins
	defer i.attachMu.Unlock()
	if i.backup.running() {
		return 0, jet.ErrBackupInProgress
	}
	if err := i.cleanUp(); err != nil {
		return 0, err
	}
	var pages uint32
	err = s.inTransaction(func() (err error) {
		pages, err = d.space.ShrinkTo(s.trx, least, d.cut)
		return err
	})
	if err == nil && pages == 0 {
		warn = jet.WrnShrinkNotPossible
	}
	return warn, err
}

// cut makes last the last page of the file: those behind it belong to nobody any more, and that is in the log.
func (d *Database) cut(last jet.Pgno) error {
	i := d.inst
	have, err := d.file.Pages()
	if err != nil || have <= last {
		return err
	}
	var pos jet.LogPos
	if d.logged {
		rec := logstore.ShrinkDB{Kind: i.shrinkRecord(), DB: d.id, Last: last, Shrunk: uint32(have - last), DBTime: d.pages.DBTime()}
		if pos, err = i.appendDurable(&rec); err != nil {
			return err
		}
	}
	now := jet.MakeLogTime(i.env.Now())
	d.file.UpdateHeader(func(h *dbfile.Header) {
		h.ShrinkCount++
		h.ShrunkAt = now
	})
	if err := d.file.WriteHeader(); err != nil {
		return err
	}
	i.cache.Purge(d.pages, last+1, jet.PgnoSysMax)
	if err := d.file.Resize(last); err != nil {
		return err
	}
	if h := d.file.Header(); pos == 0 || !h.Has(efvLgposLastResize) {
		return nil
	}
	d.file.UpdateHeader(func(h *dbfile.Header) { h.LastResize = pos })
	return d.file.WriteHeader()
}

// shrinkRecord is the form of the record that the log stream may hold (spec chapter 05, 15).
func (i *Instance) shrinkRecord() logstore.RecType {
	switch {
	case i.logFeature(efvDbTimeShrink):
		return logstore.RecShrinkDB3
	case i.logFeature(efvShrinkEof):
		return logstore.RecShrinkDB2
	}
	return logstore.RecShrinkDB
}
