package backup

import (
	"fmt"
	"time"

	"esent/internal/engine/dbfile"
	"esent/internal/engine/page"
	"esent/internal/eventlog"
	"esent/internal/jet"
)

const (
	// windowPages is how many pages are read at once, and kept from being written meanwhile.
	windowPages = 256
	// A window that cannot be read is tried again, after a pause that grows by retryPause each time.
	readAttempts = 17
	retryPause   = 100 * time.Millisecond

	headerPages = dbfile.HeaderPages
	// efvTrailerRange is the format version from which on the trailer has the required range.
	efvTrailerRange = 9300
)

// databaseCopy delivers the backup copy of a database: the header twice, the pages, the trailer (spec chapter 06,
// 3.3).
//
// The copy is fuzzy: each page is of another moment. It can be brought to one moment by the logs of the set, for
// what a page has is in the log before it is in the file (write-ahead), and the log is closed after the last page
// was read. So the header is captured before the number of pages, and the required range before the generation.
type databaseCopy struct {
	b        *session
	file     *dbfile.File
	pageSize int
	header   dbfile.Header
	// next is the page to be delivered next: 0 stands for the header. The trailer is page last+1, and last+2 the
	// end.
	next, last jet.Pgno
}

func newDatabaseCopy(b *session, d Database) (*databaseCopy, error) {
	c := &databaseCopy{b: b, file: d.File(), pageSize: d.File().PageSize(), header: d.File().Header()}
	c.header.FullCur = c.info(0)
	var err error
	c.last, err = d.LastPage()
	return c, err
}

func (c *databaseCopy) info(genHigh int32) jet.BackupInfo {
	return jet.BackupInfo{Mark: c.b.mark, Time: c.b.markTime, GenLow: uint32(c.b.copyMic), GenHigh: uint32(genHigh)}
}

func (c *databaseCopy) size() int64 { return (int64(c.last) + headerPages + 1) * int64(c.pageSize) }

func (c *databaseCopy) room() int {
	if c.next == 0 {
		return (headerPages + 1) * c.pageSize
	}
	return c.pageSize
}

func (c *databaseCopy) close() error { return nil }

func (c *databaseCopy) read(p []byte) (n int, err error) {
	size := c.pageSize
	room := len(p) / size
	if c.next == 0 {
		image := c.header.Encode(size)
		copy(p, image)
		copy(p[size:], image)
		n, room, c.next = headerPages*size, room-headerPages, 1
	}
	for limit := windowPages - n/size; room > 0 && c.next <= c.last; limit = windowPages {
		pages := min(room, limit, int(c.last-c.next)+1)
		if err := c.readWindow(c.next, p[n:n+pages*size]); err != nil {
			return n, err
		}
		c.next += jet.Pgno(pages)
		n += pages * size
		room -= pages
	}
	if room > 0 && c.next == c.last+1 {
		c.trailer(p[n : n+size])
		c.next++
		n += size
	}
	return n, nil
}

// readWindow reads and verifies consecutive pages. No page of them is written meanwhile.
func (c *databaseCopy) readWindow(first jet.Pgno, p []byte) error {
	end := first + jet.Pgno(len(p)/c.pageSize) - 1
	c.file.LockRange(first, end)
	defer c.file.UnlockRange(first, end)
	env := c.b.e.Env()
	begun := env.Now()
	for attempt := 1; ; attempt++ {
		err := c.readVerified(first, p)
		if err == nil {
			if attempt > 1 {
				c.b.report(eventlog.TransientReadError, c.file.Path(), fmt.Sprintf("0x%016x", c.file.Offset(first)),
					fmt.Sprintf("0x%08x", len(p)), attempt-1, int(env.Now().Sub(begun).Seconds()))
			}
			return nil
		}
		if attempt == readAttempts {
			return err
		}
		c.b.svc.Sleep(time.Duration(attempt) * retryPause)
		if err := c.b.stopped(); err != nil {
			return err
		}
	}
}

// readVerified reads pages; of those that are damaged each is reported, and the first counts. Blank pages are as
// they should be, and a single wrong bit is put right in p.
func (c *databaseCopy) readVerified(first jet.Pgno, p []byte) error {
	if err := c.file.ReadRaw(first, p); err != nil {
		return err
	}
	var fault error
	for pgno, rest := first, p; len(rest) > 0; pgno, rest = pgno+1, rest[c.pageSize:] {
		err := c.file.VerifyPage(pgno, page.Page(rest[:c.pageSize]))
		if err != nil && fault == nil && jet.CodeOf(err) != jet.ErrPageNotInitialized {
			fault = err
		}
	}
	return fault
}

// trailer makes the last page of the copy.
func (c *databaseCopy) trailer(p []byte) {
	h := c.file.Header()
	t := dbfile.Trailer{SignDB: h.SignDB, SignLog: h.SignLog}
	if h.Has(efvTrailerRange) {
		t.GenMinRequired, t.GenMaxRequired, t.GenMaxCommitted = h.GenMinRequired, h.GenMaxRequired, h.GenMaxCommitted
		t.GenMaxRequiredAt, t.GenMaxCommittedAt = h.GenMaxRequiredAt, h.GenMaxCreatedAt
	}
	// The log may have gone to the generation that the header speaks of only in this moment.
	t.Backup = c.info(max(c.b.e.Log().EndPos().Gen(), h.GenMaxCommitted))
	t.Encode(p)
}
