package engine

import (
	"sync/atomic"

	"esent/internal/engine/btree"
	"esent/internal/engine/catalog"
	"esent/internal/engine/key"
	"esent/internal/engine/lv"
	"esent/internal/engine/version"
	"esent/internal/jet"
)

// place is where a cursor stands in one of its two trees (spec chapter 01, 8).
type place uint8

const (
	// atFirst is on the first entry, which is looked for at the first use.
	atFirst place = iota
	// onEntry is on the entry of the B+tree cursor's bookmark, which may be deleted by now.
	onEntry
	// onGap is where the entry of the B+tree cursor's bookmark would be.
	onGap
	beforeFirst
	afterLast
	// byEntry, for records only, is on the record that the entry of the secondary index names; it was not looked for.
	byEntry
)

// Cursor is a place in a table and what goes with it: the current index, a search key, a range, a filter, and an
// update being prepared. Calls name the session, which must be the cursor's own.
//
// It stands in up to two trees. With a secondary index as current, entry is the place in that index, and record
// the place of the record, which follows. Without, record is the only place.
type Cursor struct {
	session        atomic.Pointer[Session] // nil when closed or lent
	lentTo         atomic.Pointer[Session] // while a callback runs: then only some calls are possible
	nextOfSession  *Cursor
	prevOfSession  *Cursor
	db             *Database
	table          *catalog.Table
	lock           *tableLock
	mode           openMode
	noWrites       bool // the database or the table takes none
	record         place
	entry          place
	prepared       preparation
	ranged, upper  bool // a range is set; it ends in forward direction
	inclusive      bool // entries that equal limit belong to the range
	secondaryKey   bool // searchKey is of the secondary index
	index          *catalog.Index
	primary        btree.Cursor
	secondary      btree.Cursor
	filter         *filter
	temp           *tempTable // of a temporary table
	update         *update    // made by the first update
	long           lv.Cursor
	moved          uint64 // Session.levels.now when the place was set last
	opened         uint64 // likewise when the cursor was opened
	indexed        uint64 // likewise when the index became current
	reference      []byte // primary key of the entry, in unique secondary indexes
	limit          []byte // end of the range
	probe          btree.Cursor
	scratch        []byte
	searchKey      key.SearchKey
	storage        localStorage
	view           []byte // the record that reads get, for a callback that computes a default value
	primaryKeySize int    // length of the primary index' search key, whose bytes the secondary's may have overwritten
	// Handle is what C code calls the cursor, 0 for one that it does not know (package window).
	Handle uintptr
	// Closed, if set, is called when the cursor is closed, by whomever.
	Closed func(*Cursor)
}

// levels tells how deep in which transaction something happened: it counts the levels that a session ever opened.
// What happened at count n is inside the open level l if n is not below began[l].
type levels struct {
	now   uint64
	began [version.LevelMax + 1]uint64
}

// open notes that a level was opened.
func (l *levels) open(level uint8) {
	l.now++
	l.began[level] = l.now
}

// inside says whether what happened at count n did in the open level.
func (l *levels) inside(level uint8, n uint64) bool { return n >= l.began[level] }

// enter begins a call on the cursor for session s.
func (c *Cursor) enter(s *Session) error {
	if err := s.enter(); err != nil {
		return err
	}
	if c.session.Load() == s {
		return nil
	}
	return c.foreign(s)
}

// foreign ends a call with a session that is not the cursor's.
func (c *Cursor) foreign(s *Session) error {
	s.leave()
	switch lent := c.lentTo.Load(); {
	case lent == s:
		return jet.ErrIllegalOperation
	case lent == nil && c.session.Load() == nil:
		return jet.ErrInvalidTableId
	}
	return jet.ErrSesidTableIdMismatch
}

// Session is whose cursor it is; nil when it is closed.
func (c *Cursor) Session() *Session {
	if s := c.lentTo.Load(); s != nil {
		return s
	}
	return c.session.Load()
}

// tree gives the cursor in the current index' tree, and the place there.
func (c *Cursor) tree() (*btree.Cursor, *place) {
	if c.index != nil {
		return &c.secondary, &c.entry
	}
	return &c.primary, &c.record
}

// schema is what the table looks like now.
func (c *Cursor) schema() *catalog.Schema { return c.table.Schema() }

// primaryIndex is the primary index as the session sees it; nil for a table without.
func (c *Cursor) primaryIndex(s *Session) *catalog.Index {
	ix := c.table.Schema().Primary
	if ix == nil || ix.Born != nil && !ix.VisibleTo(s.trx) {
		return nil
	}
	return ix
}

// currentIndex is the current index, nil for the sequence of a table without primary index.
func (c *Cursor) currentIndex(s *Session) *catalog.Index {
	if c.index != nil {
		return c.index
	}
	return c.primaryIndex(s)
}

// setPlaces puts the cursor to a place that is on no entry, in both trees.
func (c *Cursor) setPlaces(p place) { c.record, c.entry = p, p }

// navigated notes in which transaction level the place was set, for rollback.
func (c *Cursor) navigated(s *Session) { c.moved = s.levels.now }

// settle goes to the first entry where that was put off. JET_errNoCurrentRecord says that there is none, and
// leaves it put off.
func (c *Cursor) settle(s *Session) error {
	t, p := c.tree()
	if *p != atFirst {
		return nil
	}
	if err := c.first(s, t); err != nil {
		return err
	}
	*p = onEntry
	return c.follow(s)
}

// first goes to the first entry that passes the filter.
func (c *Cursor) first(s *Session, t *btree.Cursor) error {
	err := t.First(s.trx)
	if err == nil && c.filter != nil {
		return c.passFilter(s, t, false)
	}
	return err
}

// last goes to the last entry that passes the filter.
func (c *Cursor) last(s *Session, t *btree.Cursor) error {
	err := t.Last(s.trx)
	if err == nil && c.filter != nil {
		return c.passFilter(s, t, true)
	}
	return err
}

// follow lets the record be the one of the secondary index' entry.
func (c *Cursor) follow(s *Session) error {
	if c.index == nil {
		return nil
	}
	c.record = byEntry
	if c.secondary.Tree().NonUnique {
		return nil
	}
	// The bookmark of a unique index' entry has no primary key, so it is kept apart: the record stays readable
	// when another update takes the entry away.
	for {
		data, err := c.secondary.Data(s.trx)
		if err == jet.ErrRecordDeleted {
			c.reference = c.reference[:0]
			return nil
		}
		if err != nil {
			return err
		}
		c.reference = append(c.reference[:0], data...)
		if c.secondary.Valid() {
			return nil
		}
	}
}

// bookmark is the primary key of the record that the cursor is on; nil when it is on none. It is valid until the
// cursor moves.
func (c *Cursor) bookmark() []byte {
	switch c.record {
	case onEntry:
		return c.primary.Key()
	case byEntry:
		if c.secondary.Tree().NonUnique {
			return c.secondary.BookmarkData()
		}
		return c.reference
	}
	return nil
}

// data gives the record's bytes as the session sees them: in a page, or a before image. The caller copies what it
// needs, asks c.primary.Valid, and if that does not hold calls again.
func (c *Cursor) data(s *Session) ([]byte, error) {
	if c.record == onEntry {
		return c.primary.Data(s.trx)
	}
	if err := c.findRecord(s); err != nil {
		return nil, err
	}
	return c.primary.Data(s.trx)
}

// findRecord puts the primary cursor on the record where that was put off. JET_errNoCurrentRecord says that the
// cursor is on no record, JET_errRecordDeleted that it is gone.
func (c *Cursor) findRecord(s *Session) error {
	if c.record == atFirst {
		if err := c.settle(s); err != nil {
			return err
		}
	}
	switch c.record {
	case onEntry:
		return nil
	case byEntry:
	default:
		return errOr(c.refuse(tempRetrieve), jet.ErrNoCurrentRecord)
	}
	m, err := c.primary.Seek(s.trx, c.bookmark(), nil, btree.EQ)
	switch {
	case err != nil:
		return err
	case m != btree.Equal:
		return jet.ErrRecordDeleted
	}
	c.record = onEntry
	return nil
}

// copyRecord appends the record to dst.
func (c *Cursor) copyRecord(s *Session, dst []byte) ([]byte, error) {
	n := len(dst)
	for {
		data, err := c.data(s)
		if err != nil {
			return dst[:n], err
		}
		dst = append(dst[:n], data...)
		if c.primary.Valid() {
			return dst, nil
		}
	}
}

// forget gives up the places in the trees, of which pages may be thrown away.
func (c *Cursor) forget() {
	c.primary.Reset()
	c.secondary.Reset()
	c.probe.Reset()
	c.long.Reset()
}
