package ops

import (
	"esent/internal/engine/page"
	"esent/internal/jet"
	"esent/internal/logstore"
)

// InsertRun does what Insert does with each of a run of records whose lines follow each other behind the last one of a
// page. Close must follow the last.
type InsertRun struct {
	page page.Page
	tail page.Appender
	last jet.DBTime
}

// BeginRun begins a run on a page.
func BeginRun(p page.Page) InsertRun { return InsertRun{page: p, tail: p.Appender()} }

// Insert puts the record's node behind the last line.
func (x *InsertRun) Insert(r *logstore.Insert) error {
	if err := x.tail.Append(r.PrefixLen, r.Key, versioned(r.Flags), r.Data); err != nil {
		return err
	}
	x.last = r.DBTime
	return nil
}

// Close ends the run.
func (x *InsertRun) Close() {
	x.tail.Close()
	setUncommitted(x.page, x.page.CbUncommittedFree())
	if x.last != 0 {
		x.page.SetDBTime(x.last)
	}
}
