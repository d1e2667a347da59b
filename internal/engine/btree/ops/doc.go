// Package ops owns the page operations: what each log record does to page images (spec chapter 05, 21.6).
//
// There is one way to change a page. The running engine builds the record, logs it, and applies it with the
// function here; recovery decodes the record and applies it with the same function. A function changes the
// images that it is given and stamps them with the record's dbtime; latching, logging and marking dirty are the
// caller's. Records that concern several pages (splits, merges, tree creation) take a Pages, which tells of
// each page whether the change is to be made, since redo meets pages that are newer already.
//
// The package imports page, logstore and compress, and knows nothing of caches, trees or sessions. btree,
// space and recovery call it.
package ops

import (
	"esent/internal/engine/page"
	"esent/internal/jet"
)

// Need decides whether redo applies a record to a page: dbtime is the record's, before the value it expects on
// the page, have the page's (0 when blank). before may be jet.DBTimeNil for pages that the record initialises.
// ErrDbTimeTooOld says that a write was lost, ErrDbTimeTooNew that the page has a change unknown to the log
// (spec chapter 05, 21.2).
func Need(dbtime, before, have jet.DBTime) (bool, error) {
	switch {
	case dbtime <= have:
		return false, nil
	case before == jet.DBTimeNil || have == before:
		return true, nil
	case have < before:
		return false, jet.ErrDbTimeTooOld
	default:
		return false, jet.ErrDbTimeTooNew
	}
}

// Pages gives the page images that a record of several pages works on.
type Pages interface {
	// Page gives the image of page pgno and whether the record's change to it is to be made. The image of a
	// page that is not to be changed may be older or newer than the record, or nil.
	Page(pgno jet.Pgno) (p page.Page, apply bool)
}

// PageSet is a Pages made of a list.
type PageSet []PageEntry

// PageEntry is one page of a PageSet.
type PageEntry struct {
	Pgno  jet.Pgno
	Page  page.Page
	Apply bool
}

// Page implements Pages.
func (s PageSet) Page(pgno jet.Pgno) (page.Page, bool) {
	for i := range s {
		if s[i].Pgno == pgno {
			return s[i].Page, s[i].Apply
		}
	}
	return nil, false
}

// Use names a page that a group of records concerns.
type Use struct {
	Pgno jet.Pgno
	// Before is the dbtime that the page has before the group; jet.DBTimeNil for a page that the group makes.
	Before jet.DBTime
	// New says that the group initialises the page.
	New bool
}

var (
	errRecord  = jet.ErrLogCorrupted.Errorf("page operation: record does not fit the page")
	errNoImage = jet.ErrLogCorrupted.Errorf("page operation: image of the source page is missing")
)
