package recovery

import (
	"esent/internal/engine/dbfile"
	"esent/internal/jet"
	"esent/internal/logstore"
)

// redoExtend makes the file large enough.
func (r *run) redoExtend(rec *logstore.ExtendDB) error {
	a := r.database(rec.DB)
	if !a.open() {
		return nil
	}
	h := a.File.Header()
	if h.LastResize >= r.pos {
		return nil // done, and the file may have been cut off since
	}
	pages, err := a.File.Pages()
	if err != nil {
		return err
	}
	if pages < rec.Last {
		if err := a.File.Resize(rec.Last); err != nil {
			return err
		}
	}
	return r.resized(a, func(h *dbfile.Header) { h.ExtendCount, h.ExtendedAt = h.ExtendCount+1, r.now() })
}

// redoShrink cuts the file off, unless it may have grown again since.
func (r *run) redoShrink(rec *logstore.ShrinkDB) error {
	a := r.database(rec.DB)
	if !a.open() || r.pos <= a.attach {
		return nil
	}
	a.lost.foundIn(rec.Last+1, jet.PgnoSysMax)
	if rec.DBTime != jet.DBTimeNil {
		a.Cache.RaiseDBTime(rec.DBTime)
	}
	h := a.File.Header()
	if h.LastResize > r.pos || h.LastResize == 0 && a.future {
		return nil
	}
	a.Tree.Kernel.Cache.Purge(a.Cache, rec.Last+1, jet.PgnoSysMax)
	pages, err := a.File.Pages()
	if err != nil {
		return err
	}
	if pages > rec.Last {
		if err := a.File.Resize(rec.Last); err != nil {
			return err
		}
	}
	return r.resized(a, func(h *dbfile.Header) { h.ShrinkCount, h.ShrunkAt = h.ShrinkCount+1, r.now() })
}

// resized notes in the header that the file has another size now, with what change adds.
func (r *run) resized(a *attachment, change func(h *dbfile.Header)) error {
	a.File.UpdateHeader(func(h *dbfile.Header) {
		change(h)
		if h.Has(efvLastResize) {
			h.LastResize = r.pos
		}
	})
	return a.File.WriteHeader()
}

// trimChunk is how many bytes of zeros are written at once.
const trimChunk = 1 << 20

// redoTrim makes pages that nobody uses blank again. While later changes of them may be in the file, it leaves them.
func (r *run) redoTrim(rec *logstore.TrimDB) error {
	a := r.database(rec.DB)
	if !a.open() || r.pos <= a.attach || rec.Pages == 0 {
		return nil
	}
	last := rec.First + jet.Pgno(rec.Pages) - 1
	if rec.First == jet.PgnoNull || last < rec.First || last > jet.PgnoSysMax {
		return jet.ErrLogCorrupted.Errorf("record at %v trims %d pages from page %d on", r.pos, rec.Pages, rec.First)
	}
	a.lost.foundIn(rec.First, last)
	pages, err := a.File.Pages()
	if err != nil || a.future || pages <= last {
		return err
	}
	r.cfg.Kernel.Cache.Purge(a.Cache, rec.First, last)
	zeros := make([]byte, max(trimChunk, r.cfg.PageSize))
	step := jet.Pgno(len(zeros) / r.cfg.PageSize)
	for n := rec.First; n <= last; n += step {
		if err := a.File.WriteRaw(n, zeros[:min(int(step), int(last-n)+1)*r.cfg.PageSize]); err != nil {
			return err
		}
	}
	a.File.UpdateHeader(func(h *dbfile.Header) { h.TrimCount++ })
	return nil
}

// scanSource are the bits of ScanCheck2.Flags that say who has scanned.
const scanSource = 3

// scanByShrink is the source in a ScanCheck2 record of a shrink, which goes on only from pages that are as they were.
const scanByShrink = 2

// redoScan compares a page with what a scan of the database has seen it to be. Only a shrink relies on that.
func (r *run) redoScan(id jet.DBID, pgno jet.Pgno, seen, now jet.DBTime, source uint8) error {
	a := r.database(id)
	if !a.open() || a.future || r.pos <= a.attach || r.pos.Gen() < a.from || !initialised(seen) || pgno > jet.PgnoSysMax {
		return nil
	}
	f, err := r.cfg.Kernel.Cache.Lock(a.Cache, pgno)
	if err == nil {
		have := f.Page().DBTime()
		f.UnlockUnchanged()
		switch {
		case !initialised(have) || have > now || have == seen:
		case have > seen:
			err = r.mismatch(a, pgno, seen, have, now, jet.ErrDbTimeTooNew)
		default:
			err = r.mismatch(a, pgno, seen, have, now, jet.ErrDbTimeTooOld)
		}
	}
	if source != scanByShrink {
		return nil // the fault has been told; replay can do without the page
	}
	return err
}

// initialised says that a dbtime is that of a page in use.
func initialised(t jet.DBTime) bool { return t != 0 && t < jet.DBTimeNil-1 }
