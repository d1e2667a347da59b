package recovery

import (
	"io"

	"esent/internal/jet"
	"esent/internal/logstore"
)

// lookAhead is how many records are decoded before the first of them is redone: so that pages can be read ahead, and so
// that it is known of most transactions that they have been committed.
const lookAhead = 1024

// pagesAhead is for how many records pages are read ahead at a time; the cache remembers no more.
const pagesAhead = 128

// batch is a run of records of one log.
type batch struct {
	entries [lookAhead]logstore.Entry
	n       int
	// settled says of each record that its transaction commits within the batch, without going back before: nobody will
	// ever undo the change, so that it needs no version entry.
	settled [lookAhead]bool
	// commits is what is known, going backwards, of the sessions.
	commits map[jet.ProcID]bool
}

// fill reads records until the batch is full or there are no more, which err says.
func (b *batch) fill(records *logstore.Reader) (err error) {
	for b.n = 0; b.n < len(b.entries); b.n++ {
		if b.entries[b.n], err = records.Next(); err != nil {
			return err
		}
	}
	return nil
}

// settle finds out which transactions commit. A commit that replay stops before does not count.
func (b *batch) settle(r *run) {
	clear(b.commits)
	for i := b.n - 1; i >= 0; i-- {
		e := &b.entries[i]
		b.settled[i] = false
		switch rec := e.Rec.(type) {
		case *logstore.Commit0:
			b.commits[rec.Proc] = !r.stopsBefore(e.Pos)
		case *logstore.Begin:
			if rec.From == 0 {
				delete(b.commits, rec.Proc)
			}
		case *logstore.Rollback:
			delete(b.commits, rec.Proc)
		case *logstore.Undo:
			delete(b.commits, rec.Proc)
		case *logstore.Macro:
			b.settled[i] = b.commits[rec.Proc]
		case logstore.NodeRecord:
			b.settled[i] = b.commits[rec.Page().Proc]
		}
	}
}

// replay redoes the records of a log from pos on.
func (r *run) replay(f *logFile, pos jet.LogPos) error {
	r.cur = generation{f.Header.Gen, f.Header.Created}
	if err := r.checkCreated(f); err != nil {
		return err
	}
	if pos.Gen() != f.Header.Gen {
		pos = 0
	}
	records := f.Records(pos)
	if r.cfg.StopTime != (jet.LogTime{}) {
		records.Segment = r.segmentBegun
	}
	b := &r.batch
	for {
		end := b.fill(records)
		b.settle(r)
		r.readAhead(b.entries[:min(b.n, pagesAhead)])
		for i := range b.entries[:b.n] {
			if i%pagesAhead == 0 {
				r.readAhead(b.entries[min(b.n, i+pagesAhead):min(b.n, i+2*pagesAhead)])
			}
			e := &b.entries[i]
			if e.Pos < pos {
				continue
			}
			if r.stopsBefore(e.Pos) {
				return errStopped
			}
			r.settled = b.settled[i]
			if err := r.step(e); err != nil {
				return err
			}
		}
		if end == io.EOF {
			return nil
		}
		if end != nil {
			return end
		}
	}
}

// step redoes one record.
func (r *run) step(e *logstore.Entry) error {
	r.pos, r.end = e.Pos, e.End
	if r.cur.gen > r.begun {
		if err := r.beginGeneration(); err != nil {
			return err
		}
	}
	r.records++
	if err := r.progress.at(e.Pos); err != nil {
		return err
	}
	return r.dispatch(e.Rec)
}

// readAhead asks for the pages that records will need.
func (r *run) readAhead(entries []logstore.Entry) {
	for id, a := range r.dbs {
		if !a.open() {
			continue
		}
		list := r.wanted[:0]
		for i := range entries {
			switch rec := entries[i].Rec.(type) {
			case *logstore.MacroInfo:
				if int(rec.DB) == id {
					list = append(list, rec.Pages...)
				}
			case logstore.PageRecord:
				op := rec.Page()
				if int(op.DB) == id && op.DBTimeBefore != jet.DBTimeNil && (len(list) == 0 || list[len(list)-1] != op.Pgno) {
					list = append(list, op.Pgno)
				}
			}
		}
		if r.wanted = list; len(list) > 0 {
			r.cfg.Kernel.Cache.Prefetch(a.Cache, list...)
		}
	}
}
