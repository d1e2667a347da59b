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
	// filled is how much a read that was paused has of its buffer, in bytes.
	filled int
	// attempts to read a window have failed, of which the first was at begun; its pages are locked.
	attempts int
	begun    time.Time
	locked   pageRange
}

// pageRange are consecutive pages.
type pageRange struct{ first, last jet.Pgno }

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

func (c *databaseCopy) close() error {
	c.unlock()
	return nil
}

// read implements source. When it gives a pause the next read gets the same buffer, and goes on where this one was.
func (c *databaseCopy) read(p []byte) (int, error) {
	size := c.pageSize
	end := len(p) / size * size
	if c.next == 0 {
		image := c.header.Encode(size)
		copy(p, image)
		copy(p[size:], image)
		c.filled, c.next = headerPages*size, 1
	}
	for c.filled < end && c.next <= c.last {
		window := windowPages - c.filled/size%windowPages
		pages := min((end-c.filled)/size, window, int(c.last-c.next)+1)
		if err := c.readWindow(c.next, p[c.filled:c.filled+pages*size]); err != nil {
			return 0, err
		}
		c.next += jet.Pgno(pages)
		c.filled += pages * size
	}
	if c.filled < end && c.next == c.last+1 {
		c.trailer(p[c.filled : c.filled+size])
		c.next++
		c.filled += size
	}
	n := c.filled
	c.filled = 0
	return n, nil
}

// readWindow reads and verifies consecutive pages. No page of them is written meanwhile, nor in a pause.
func (c *databaseCopy) readWindow(first jet.Pgno, p []byte) error {
	env := c.b.e.Env()
	if c.attempts == 0 {
		c.locked = pageRange{first, first + jet.Pgno(len(p)/c.pageSize) - 1}
		c.file.LockRange(c.locked.first, c.locked.last)
		c.begun = env.Now()
	}
	err := c.readVerified(first, p)
	if err != nil {
		if c.attempts++; c.attempts < readAttempts {
			return pause(time.Duration(c.attempts) * retryPause)
		}
	} else if c.attempts > 0 {
		c.b.report(eventlog.TransientReadError, c.file.Path(), fmt.Sprintf("0x%016x", c.file.Offset(first)),
			fmt.Sprintf("0x%08x", len(p)), c.attempts, int(env.Now().Sub(c.begun).Seconds()))
	}
	c.unlock()
	return err
}

// unlock lets the window that is being read be written.
func (c *databaseCopy) unlock() {
	if c.locked.first != jet.PgnoNull {
		c.file.UnlockRange(c.locked.first, c.locked.last)
	}
	c.locked, c.attempts = pageRange{}, 0
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
