package engine

import "esent/internal/jet"

// What sessions and databases ask of cursors.

// close closes the cursor and takes it off its session's list.
func (c *Cursor) close() error {
	s := c.session.Load()
	var err error
	if c.prepared != notPrepared {
		err = c.cancel(s)
	}
	if c.index != nil {
		c.index.Unuse()
		c.index = nil
	}
	if c.nextOfSession != nil {
		c.nextOfSession.prevOfSession = c.prevOfSession
	}
	if c.prevOfSession != nil {
		c.prevOfSession.nextOfSession = c.nextOfSession
	} else {
		s.cursors = c.nextOfSession
	}
	c.nextOfSession, c.prevOfSession = nil, nil
	if c.lock != nil {
		c.db.tables.release(c, s)
	}
	c.forget()
	c.session.Store(nil)
	c.storage.free(s.inst, jet.CbtypFreeCursorLS)
	s.inst.cursors.Add(-1)
	c.table.Release()
	if c.Closed != nil {
		c.Closed(c)
	}
	return err
}

// dropCursors forgets the session's cursors; nothing is closed in the databases.
func (s *Session) dropCursors() {
	for c := s.cursors; c != nil; c = c.nextOfSession {
		c.session.Store(nil)
		c.storage.free(s.inst, jet.CbtypFreeCursorLS)
		if c.Closed != nil {
			c.Closed(c)
		}
	}
	s.cursors = nil
}

// cancelUpdates drops the updates that the session's cursors prepared in the level that is about to be rolled back.
// Their long values go with it.
func (s *Session) cancelUpdates(level uint8) {
	for c := s.cursors; c != nil; c = c.nextOfSession {
		if c.prepared != notPrepared && s.levels.inside(level, c.update.prepared) {
			c.prepared = notPrepared
			c.update.touched = false
		}
	}
}

// cursorsRolledBack does to the session's cursors what the rollback of a level means for them (spec chapter 01,
// 6.3): those opened in it are closed, those moved in it stand before the first entry, an index selected in it is
// left, and long values set in it are what they were in updates that go on.
func (s *Session) cursorsRolledBack(level uint8) {
	for c := s.cursors; c != nil; {
		next := c.nextOfSession
		if s.levels.inside(level, c.opened) {
			// It has no update any more that could fail to be cancelled.
			_ = c.close()
			c = next
			continue
		}
		if c.index != nil && s.levels.inside(level, c.indexed) {
			c.selectIndex(s, nil)
		}
		if s.levels.inside(level, c.moved) {
			c.setPlaces(beforeFirst)
		}
		if c.prepared != notPrepared {
			c.update.rolledBack(s, level)
		}
		c = next
	}
}

// rolledBack puts the copy buffer of an update that goes on back to what it was before long values were set in the
// level: their trees do not have them any more.
func (u *update) rolledBack(s *Session, level uint8) {
	for i := range u.saves {
		if s.levels.inside(level, u.saves[i].at) {
			u.buf.Restore(u.saves[i].data)
			u.saves = u.saves[:i]
			return
		}
	}
}

// cancelLongUpdates drops the updates of cursors that have changed long values: the outermost level is about to be
// committed, after which these could not be taken back.
func (s *Session) cancelLongUpdates() error {
	for c := s.cursors; c != nil; c = c.nextOfSession {
		if c.prepared != notPrepared && c.update.touched {
			if err := c.cancel(s); err != nil {
				return err
			}
		}
	}
	return nil
}

// closeCursors closes the session's cursors in a database.
func (s *Session) closeCursors(d *Database) error {
	var first error
	for c := s.cursors; c != nil; {
		next := c.nextOfSession
		if c.db == d {
			if err := c.close(); first == nil {
				first = err
			}
		}
		c = next
	}
	return first
}
