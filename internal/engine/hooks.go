package engine

// What sessions and databases ask of cursors. These are the forms for an engine without cursors.

// cancelUpdates drops the updates that the session's cursors prepared at the level.
func (s *Session) cancelUpdates(level uint8) {}

// cursorsRolledBack does to the session's cursors what the rollback of a level means for them (spec chapter 01,
// 6.3).
func (s *Session) cursorsRolledBack(level uint8) {}

// closeCursors closes the session's cursors in a database.
func (s *Session) closeCursors(d *Database) error { return nil }

// tablesOpen says that some session has a table of the database open.
func (d *Database) tablesOpen() bool { return false }

// dropCursors forgets the session's cursors; nothing is closed in the databases.
func (s *Session) dropCursors() { s.cursors = nil }
