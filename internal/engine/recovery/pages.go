package recovery

import (
	"strconv"

	"esent/internal/engine/btree/ops"
	"esent/internal/engine/cache"
	"esent/internal/engine/page"
	"esent/internal/eventlog"
	"esent/internal/jet"
	"esent/internal/logstore"
)

// unwritten says that a page is not there: blank, or behind the end of the file.
func unwritten(err error) bool {
	code := jet.CodeOf(err)
	return code == jet.ErrPageNotInitialized || code == jet.ErrFileIOBeyondEOF
}

// unusable says that a page cannot be read for what is in the file, not for want of memory or a faulty disk.
func unusable(err error) bool {
	switch jet.CodeOf(err) {
	case jet.ErrReadVerifyFailure, jet.ErrDatabaseCorrupted, jet.ErrReadLostFlushVerifyFailure, jet.ErrPageSizeMismatch,
		jet.ErrPageTagCorrupted, jet.ErrDiskReadVerificationFailure:
		return true
	}
	return unwritten(err)
}

// change latches a page that a record with dbtime t changes, if it needs the change: if its dbtime is before
// (spec chapter 05, 21.2). f is nil when it does not.
func (r *run) change(a *attachment, pgno jet.Pgno, before, t jet.DBTime) (f *cache.Frame, err error) {
	f, need, err := r.access(a, pgno, before, t)
	if f != nil && !need {
		f.UnlockUnchanged()
		f = nil
	}
	return f, err
}

// access latches a page and says whether it needs a record. The frame is nil for a page that is lost for now.
func (r *run) access(a *attachment, pgno jet.Pgno, before, t jet.DBTime) (f *cache.Frame, need bool, err error) {
	if a.lost.has(pgno) {
		return nil, false, nil
	}
	f, err = r.cfg.Kernel.Cache.Lock(a.Cache, pgno)
	if err != nil {
		if unwritten(err) && a.future {
			a.lost.add(pgno, err)
			return nil, false, nil
		}
		return nil, false, err
	}
	have := f.Page().DBTime()
	need, err = ops.Need(t, before, have)
	switch {
	case err != nil:
		f.UnlockUnchanged()
		if a.future && jet.CodeOf(err) == jet.ErrDbTimeTooOld {
			a.lost.add(pgno, r.mismatch(a, pgno, before, have, t, err))
			return nil, false, nil
		}
		return nil, false, r.mismatch(a, pgno, before, have, t, err)
	case !need && !a.future:
		f.UnlockUnchanged()
		return nil, false, r.mismatch(a, pgno, before, have, t, jet.ErrDbTimeBeyondMaxRequired)
	}
	return f, need, nil
}

func (r *run) mismatch(a *attachment, pgno jet.Pgno, before, have, t jet.DBTime, err error) error {
	hex := func(t jet.DBTime) string { return "0x" + strconv.FormatUint(uint64(t), 16) }
	r.events().Report(eventlog.DBTimeMismatch, a.Path, pgno, hex(before), hex(have), err, hex(t), r.pos, "", r.pos)
	return jet.CodeOf(err).Errorf("%s, page %d: dbtime %#x, record %v goes from %#x to %#x", a.Path, pgno, have, r.pos, before, t)
}

// renew latches a page that a record with dbtime t makes anew, if it needs that.
func (r *run) renew(a *attachment, pgno jet.Pgno, t jet.DBTime) (f *cache.Frame, err error) {
	m := r.cfg.Kernel.Cache
	if a.future {
		f, err = m.Lock(a.Cache, pgno)
		if err == nil {
			if t <= f.Page().DBTime() {
				f.UnlockUnchanged()
				return nil, nil
			}
			a.lost.found(pgno)
			return f, nil
		}
		if !unusable(err) {
			return nil, err
		}
	}
	if f, err = m.LockNew(a.Cache, pgno); err == nil {
		a.lost.found(pgno)
	}
	return f, err
}

// done marks a page changed by the present record and unlatches it.
func (r *run) done(f *cache.Frame) {
	f.Dirty(r.trxBegin, r.end)
	f.Unlock()
}

// group is the pages of a record, or of a macro, that concerns several.
type group struct {
	r      *run
	set    ops.PageSet
	frames []*cache.Frame // of the entries of set, nil where there is none
}

// latch latches the pages that uses name. any says that a page needs the change.
func (r *run) latch(a *attachment, uses []ops.Use, t jet.DBTime) (g *group, any bool, err error) {
	g = &group{r: r}
	for _, u := range uses {
		if g.has(u.Pgno) {
			continue
		}
		var f *cache.Frame
		need := false
		if u.New {
			f, err = r.renew(a, u.Pgno, t)
			need = f != nil
		} else {
			f, need, err = r.access(a, u.Pgno, u.Before, t)
		}
		if err != nil {
			g.release(false)
			return nil, false, err
		}
		any = any || need
		var p page.Page
		if f != nil {
			p = f.Page()
		}
		g.set = append(g.set, ops.PageEntry{Pgno: u.Pgno, Page: p, Apply: need})
		g.frames = append(g.frames, f)
	}
	return g, any, nil
}

func (g *group) has(pgno jet.Pgno) bool {
	for i := range g.set {
		if g.set[i].Pgno == pgno {
			return true
		}
	}
	return false
}

// release unlatches all pages; those that a record has changed become dirty.
func (g *group) release(changed bool) {
	for i, f := range g.frames {
		switch {
		case f == nil:
		case !g.set[i].Apply:
			f.UnlockUnchanged()
		case !changed:
			f.Unlock()
		default:
			g.r.done(f)
		}
	}
}

// redoTree redoes a record that makes a page or the roots of a tree.
func (r *run) redoTree(rec logstore.Record) error {
	var (
		proc  jet.ProcID
		id    jet.DBID
		t     jet.DBTime
		objid jet.ObjID
		uses  []ops.Use
		apply func(a *attachment, set ops.PageSet) error
	)
	switch rec := rec.(type) {
	case *logstore.NewPage:
		proc, id, t, objid = rec.Proc, rec.DB, rec.DBTime, rec.ObjID
		uses = []ops.Use{{Pgno: rec.Pgno, Before: jet.DBTimeNil, New: true}}
		apply = func(_ *attachment, set ops.PageSet) error { ops.NewPage(set[0].Page, rec); return nil }
	case *logstore.CreateSingleExtentFDP:
		proc, id, t, objid = rec.Proc, rec.DB, rec.DBTime, rec.ObjID
		uses = []ops.Use{{Pgno: rec.Pgno, Before: jet.DBTimeNil, New: true}}
		apply = func(a *attachment, set ops.PageSet) error {
			return a.Tree.Format.CreateSingleExtentFDP(set[0].Page, rec)
		}
	case *logstore.CreateMultipleExtentFDP:
		proc, id, t, objid = rec.Proc, rec.DB, rec.DBTime, rec.ObjID
		uses = ops.CreateMultipleExtentFDPUses(rec)
		apply = func(a *attachment, set ops.PageSet) error {
			return a.Tree.Format.CreateMultipleExtentFDP(set, rec)
		}
	case *logstore.ConvertFDP:
		proc, id, t, objid = rec.Proc, rec.DB, rec.DBTime, rec.ObjID
		uses = ops.ConvertFDPUses(rec)
		apply = func(a *attachment, set ops.PageSet) error { return a.Tree.Format.ConvertFDP(set, rec) }
	}
	a, _ := r.admit(proc, id, t, objid)
	if a == nil {
		return nil
	}
	return r.applyTo(a, uses, t, func(set ops.PageSet) error { return apply(a, set) })
}

// applyTo applies a record, or a group of records, to those of its pages that need it.
func (r *run) applyTo(a *attachment, uses []ops.Use, t jet.DBTime, apply func(ops.PageSet) error) error {
	g, any, err := r.latch(a, uses, t)
	if err != nil {
		return err
	}
	if any {
		err = apply(g.set)
	}
	g.release(err == nil && any)
	return err
}
