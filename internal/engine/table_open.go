package engine

import (
	"sync"
	"sync/atomic"

	"esent/internal/engine/catalog"
	"esent/internal/jet"
)

// openMode is what a cursor was opened for.
type openMode uint8

const (
	modeUpdatable openMode = 1 << iota
	modeDenyRead
	modeDenyWrite
	modePermitDDL
	modeCreator // the cursor that created the table
)

// tableLock counts who has a table open, and for what (spec chapter 01, 7.3).
type tableLock struct {
	mu       sync.Mutex
	sessions map[*Session]*tableOpens
	// denyRead and denyWrite are the sessions that shut others out.
	denyRead, denyWrite *Session
	// shut says that somebody keeps others from writing.
	shut atomic.Bool
}

// tableOpens are the cursors that one session has on a table.
type tableOpens struct{ all, updatable, denyRead, denyWrite int }

// tableLocks are the locks of the tables of a database that are open.
type tableLocks struct {
	mu    sync.Mutex
	locks map[*catalog.Table]*tableLock
}

// deniesWrite says that another session keeps session s from writing.
func (l *tableLock) deniesWrite(s *Session) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.denyWrite != nil && l.denyWrite != s
}

// Exclusive says that a session alone has the table open, and keeps others out.
func (l *tableLock) exclusive(s *Session) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.denyRead == s
}

// acquire adds a cursor to those that have a table open, or says why it may not.
func (t *tableLocks) acquire(s *Session, table *catalog.Table, grbit jet.Grbit) (*tableLock, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l := t.locks[table]; l != nil {
		return l, l.admit(s, grbit)
	}
	if err := s.inst.takeTable(); err != nil {
		return nil, err
	}
	l := &tableLock{sessions: map[*Session]*tableOpens{}}
	if err := l.admit(s, grbit); err != nil {
		s.inst.tables.Add(-1)
		return nil, err
	}
	if t.locks == nil {
		t.locks = map[*catalog.Table]*tableLock{}
	}
	t.locks[table] = l
	return l, nil
}

// admit judges a cursor about to be opened against those that are, and counts it.
func (l *tableLock) admit(s *Session, grbit jet.Grbit) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	others, writers := 0, 0
	for o, n := range l.sessions {
		if o != s {
			others += n.all
			writers += n.updatable
		}
	}
	switch {
	case l.denyRead != nil && l.denyRead != s,
		grbit&jet.BitTableUpdatable != 0 && l.denyWrite != nil && l.denyWrite != s:
		return jet.ErrTableLocked
	case grbit&jet.BitTableDenyWrite != 0 && (l.denyWrite != nil || writers > 0),
		grbit&jet.BitTableDenyRead != 0 && others > 0:
		return jet.ErrTableInUse
	}
	n := l.sessions[s]
	if n == nil {
		n = &tableOpens{}
		l.sessions[s] = n
	}
	l.count(s, n, modeOf(grbit), 1)
	return nil
}

func modeOf(grbit jet.Grbit) (m openMode) {
	if grbit&jet.BitTableReadOnly == 0 {
		m |= modeUpdatable
	}
	if grbit&jet.BitTableDenyRead != 0 {
		m |= modeDenyRead
	}
	if grbit&jet.BitTableDenyWrite != 0 {
		m |= modeDenyWrite
	}
	if grbit&jet.BitTablePermitDDL != 0 {
		m |= modePermitDDL
	}
	return m
}

// count adds d cursors of session s that were opened in mode m.
func (l *tableLock) count(s *Session, n *tableOpens, m openMode, d int) {
	n.all += d
	if m&modeUpdatable != 0 {
		n.updatable += d
	}
	if m&modeDenyRead != 0 {
		n.denyRead += d
	}
	if m&modeDenyWrite != 0 {
		n.denyWrite += d
	}
	shut := func(holder **Session, count int) {
		switch {
		case count > 0:
			*holder = s
		case *holder == s:
			*holder = nil
		}
	}
	shut(&l.denyRead, n.denyRead)
	shut(&l.denyWrite, n.denyWrite)
	l.shut.Store(l.denyWrite != nil)
}

// release takes a cursor away.
func (t *tableLocks) release(c *Cursor, s *Session) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := c.lock
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.sessions[s]
	l.count(s, n, c.mode, -1)
	if n.all == 0 {
		delete(l.sessions, s)
	}
	if len(l.sessions) == 0 {
		delete(t.locks, c.table)
		s.inst.tables.Add(-1)
	}
}

// inUse says that a cursor is open on the table.
func (t *tableLocks) inUse(table *catalog.Table) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.locks[table] != nil
}

// OpenTable opens a cursor on a table (JetOpenTable, spec chapter 01, 7.3). It stands on the first record. Errors:
// JET_errInvalidDatabaseId, JET_errInvalidName, JET_errObjectNotFound, JET_errTableLocked, JET_errTableInUse,
// JET_errInvalidGrbit, JET_errOutOfCursors, JET_errTooManyOpenTables.
func (s *Session) OpenTable(t Thread, database uint32, name string, grbit jet.Grbit) (*Cursor, error) {
	if err := s.enterOwned(t); err != nil {
		return nil, err
	}
	defer s.leave()
	d, err := s.database(database)
	if err != nil {
		return nil, err
	}
	if grbit&(jet.BitTableDelete|jet.BitTableCreate) != 0 ||
		grbit&jet.BitTablePermitDDL != 0 && grbit&jet.BitTableDenyRead == 0 ||
		grbit&jet.BitTableReadOnly != 0 && grbit&(jet.BitTableUpdatable|jet.BitTableDenyRead) != 0 {
		return nil, jet.ErrInvalidGrbit
	}
	if name, err = objectName(name); err != nil {
		return nil, err
	}
	table, err := d.cat.Table(s.trx, name)
	if err != nil {
		return nil, err
	}
	c, err := s.openCursor(d, table, grbit)
	if err != nil {
		table.Release()
	}
	return c, err
}

// openCursor opens a cursor on a table, whose reference it takes over if it succeeds.
func (s *Session) openCursor(d *Database, table *catalog.Table, grbit jet.Grbit) (*Cursor, error) {
	if err := s.inst.hookPersisted(table); err != nil {
		return nil, err
	}
	if err := s.inst.takeCursor(); err != nil {
		return nil, err
	}
	lock, err := d.tables.acquire(s, table, grbit)
	if err != nil {
		s.inst.cursors.Add(-1)
		return nil, err
	}
	c := &Cursor{db: d, table: table, lock: lock, mode: modeOf(grbit)}
	c.noWrites = d.readOnly || table.System()
	c.start(s)
	return c, nil
}

// start makes a new cursor one of the session's.
func (c *Cursor) start(s *Session) {
	c.primary.Init(c.table.Tree)
	c.opened = s.levels.now
	c.storage = noStorage
	if s.cursors != nil {
		s.cursors.prevOfSession = c
	}
	c.nextOfSession = s.cursors
	s.cursors = c
	c.session.Store(s)
}

// takeCursor counts a cursor against JET_paramMaxCursors.
func (i *Instance) takeCursor() error {
	if n := i.cursors.Add(1); int(n) > i.set.cursors {
		i.cursors.Add(-1)
		return jet.ErrOutOfCursors
	}
	return nil
}

// takeTable counts an open table against JET_paramMaxOpenTables.
func (i *Instance) takeTable() error {
	if n := i.tables.Add(1); int(n) > i.set.tables {
		i.tables.Add(-1)
		return jet.ErrTooManyOpenTables
	}
	return nil
}

// temporary says that the table is a temporary one.
func (c *Cursor) temporary() bool { return c.db.id == 0 }

// Dup opens another cursor on the same table, on the first record of the primary index (JetDupCursor, spec chapter
// 01, 8.4).
func (c *Cursor) Dup(s *Session) (*Cursor, error) {
	if err := c.enterLentFor(s, tempDup); err != nil {
		return nil, err
	}
	defer s.leave()
	if err := s.inst.takeCursor(); err != nil {
		return nil, err
	}
	dup := &Cursor{db: c.db, table: c.table, lock: c.lock, mode: c.mode &^ (modeDenyRead | modeDenyWrite),
		noWrites: c.noWrites, temp: c.temp}
	if c.lock != nil {
		c.lock.mu.Lock()
		c.lock.count(s, c.lock.sessions[s], dup.mode, 1)
		c.lock.mu.Unlock()
	}
	c.table.Retain()
	dup.start(s)
	return dup, nil
}

// Close closes the cursor (JetCloseTable). A prepared update is dropped. It stays allowed after JetStopService.
func (c *Cursor) Close(s *Session, t Thread) error {
	if err := s.enterAlways(); err != nil {
		return err
	}
	if c.session.Load() != s {
		return c.foreign(s)
	}
	defer s.leave()
	if !s.owner.allows(t, s.trx.Level()) {
		return jet.ErrSessionSharingViolation
	}
	return c.close()
}
