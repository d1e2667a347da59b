package engine

import (
	"path"
	"slices"
	"strings"
	"sync/atomic"

	"esent/internal/engine/btree"
	"esent/internal/engine/cache"
	"esent/internal/engine/catalog"
	"esent/internal/engine/dbfile"
	"esent/internal/engine/space"
	"esent/internal/jet"
	"esent/internal/logstore"
)

// Database is an attached database.
type Database struct {
	inst   *Instance
	id     jet.DBID // slot in the instance, as log records have it
	number uint32   // JET_DBID: unique in the process
	path   string

	file  *dbfile.File
	pages *cache.DB
	tree  *btree.DB
	space *space.Manager
	cat   *catalog.Catalog // nil in the temporary database

	readOnly bool
	logged   bool

	maxPages atomic.Uint32 // size limit, 0 for none
	// attachPos is the position of the CreateDB or AttachDB record, detachPos that of the DetachDB or
	// ShutDownMark record; zero when there is none (yet).
	attachPos, detachPos atomic.Uint64

	// tables are the locks of the tables that are open.
	tables tableLocks
	defrag defragmenter
	scan   scanner

	// guarded by Instance.mu
	opens int
	// holds counts the sessions whose transaction may have changed the database before they closed it.
	holds     int
	exclusive *Session // holds the database open alone
	leaving   bool     // is being detached
}

// Number is the database's JET_DBID.
func (d *Database) Number() uint32 { return d.number }

// ID is the database's number in log records.
func (d *Database) ID() jet.DBID { return d.id }

// Path is the absolute path of the file.
func (d *Database) Path() string { return d.path }

// File is the open file, for package backup.
func (d *Database) File() *dbfile.File { return d.file }

// Logged says that the log has all changes.
func (d *Database) Logged() bool { return d.logged }

// ReadOnly says that the database was attached for reading.
func (d *Database) ReadOnly() bool { return d.readOnly }

// has says whether a feature that came with an engine format version is usable in the database.
func (d *Database) has(efv uint32) bool {
	h := d.file.Header()
	return h.Has(efv)
}

// samePath says that two absolute paths name one database to the API: exactly, or as Windows compares names.
func samePath(a, b string) (same, exact bool) { return strings.EqualFold(a, b), a == b }

// find gives the attached database that a path means; Instance.mu is locked. Where several names differ in case
// only the exact one counts.
func (i *Instance) find(abs string) *Database {
	var folded *Database
	for _, d := range i.databases[1:] {
		if d == nil {
			continue
		}
		same, exact := samePath(d.path, abs)
		if exact {
			return d
		}
		if same {
			folded = d
		}
	}
	return folded
}

// absolute gives the absolute form of a database's path (ErrDatabaseInvalidPath when there is none).
func (i *Instance) absolute(file string) (string, error) {
	if file == "" {
		return "", jet.ErrDatabaseInvalidPath
	}
	abs, err := i.env.FS.Abs(strings.ReplaceAll(file, `\`, "/"))
	if err != nil {
		return "", jet.ErrDatabaseInvalidPath.Errorf("%s: %v", file, err)
	}
	return abs, nil
}

// distinct says that a file of exactly this name exists, beside one whose name differs in case only.
func (i *Instance) distinct(abs string) bool {
	entries, err := i.env.FS.ReadDir(path.Dir(abs))
	if err != nil {
		return false
	}
	for _, e := range entries {
		if e.Name == path.Base(abs) {
			return true
		}
	}
	return false
}

// attachedAs gives the attached database that path abs names for attach and create: another file whose name
// differs in case only is none.
func (i *Instance) attachedAs(abs string) *Database {
	i.mu.Lock()
	d := i.find(abs)
	i.mu.Unlock()
	if d == nil || d.path == abs || !i.distinct(abs) {
		return d
	}
	return nil
}

// slotFor gives the lowest free slot for a database at path. ErrTooManyAttachedDatabases: there is none, or, for one that
// the log speaks of, the list of attached databases in log headers and checkpoints has no room for its path.
func (i *Instance) slotFor(path string, logged bool) (jet.DBID, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	size := logstore.AttachSize(path)
	for _, d := range i.databases[1:] {
		if d != nil && d.logged {
			size += logstore.AttachSize(d.path)
		}
	}
	if logged && size > logstore.AttachListSize {
		return 0, jet.ErrTooManyAttachedDatabases.Errorf("%s: the paths of all attached databases take %d bytes of the log's %d", path, size,
			logstore.AttachListSize)
	}
	for id := 1; id < databaseSlots; id++ {
		if i.databases[id] == nil {
			return jet.DBID(id), nil
		}
	}
	return 0, jet.ErrTooManyAttachedDatabases
}

// OpenDatabase opens an attached database for the session and gives its JET_DBID (JetOpenDatabase, spec chapter
// 01, 5). Opening a
// read-only attachment for writing succeeds, its updates fail.
func (s *Session) OpenDatabase(t Thread, file string, grbit jet.Grbit) (uint32, error) {
	if err := s.enterOwned(t); err != nil {
		return 0, err
	}
	defer s.leave()
	abs, err := s.inst.absolute(file)
	if err != nil {
		return 0, err
	}
	s.inst.mu.Lock()
	defer s.inst.mu.Unlock()
	d := s.inst.find(abs)
	if d == nil || d.leaving {
		return 0, jet.ErrDatabaseNotFound.Errorf("%s is not attached", abs)
	}
	return d.number, s.open(d, grbit&jet.BitDbExclusive != 0)
}

// open counts one more open of a database; Instance.mu is locked.
func (s *Session) open(d *Database, exclusive bool) error {
	mine := s.opened(d)
	switch {
	case s.inst.set.oneDatabase && mine == nil && len(s.databases) > 0:
		return jet.ErrOneDatabasePerSession
	case d.exclusive != nil && d.exclusive != s:
		return jet.ErrDatabaseLocked
	case exclusive && d.opens > 0:
		return jet.ErrDatabaseInUse
	}
	if mine == nil {
		s.databases = append(s.databases, openDatabase{db: d})
		mine = &s.databases[len(s.databases)-1]
	}
	mine.count++
	d.opens++
	if exclusive {
		d.exclusive = s
	}
	return nil
}

// opened gives the session's opens of a database, nil for none.
func (s *Session) opened(d *Database) *openDatabase {
	for k := range s.databases {
		if s.databases[k].db == d {
			return &s.databases[k]
		}
	}
	return nil
}

// database gives the database that the session has open under a JET_DBID (ErrInvalidDatabaseId).
func (s *Session) database(number uint32) (*Database, error) {
	for k := range s.databases {
		if d := s.databases[k].db; d.number == number {
			return d, nil
		}
	}
	return nil, jet.ErrInvalidDatabaseId
}

// CloseDatabase takes back one open; with the session's last one its cursors in the database are closed
// (JetCloseDatabase). It stays allowed after JetStopService.
func (s *Session) CloseDatabase(t Thread, number uint32) error {
	if err := s.enterAlways(); err != nil {
		return err
	}
	defer s.leave()
	if !s.owner.allows(t, s.trx.Level()) {
		return jet.ErrSessionSharingViolation
	}
	d, err := s.database(number)
	if err != nil {
		return err
	}
	s.inst.mu.Lock()
	mine := s.opened(d)
	last := mine.count == 1
	if last && s.callbacks > 0 {
		s.inst.mu.Unlock()
		return jet.ErrSessionSharingViolation
	}
	if d.exclusive == s {
		d.exclusive = nil
	}
	if !last {
		mine.count--
		d.opens--
	}
	s.inst.mu.Unlock()
	if !last {
		return nil
	}
	if err := s.closeCursors(d); err != nil {
		return err
	}
	if s.trx.Level() > 0 {
		s.hold(d)
	}
	s.forgetDatabase(d)
	return nil
}

// hold keeps a database that the session closes from being detached before the session's transaction ends.
func (s *Session) hold(d *Database) {
	s.inst.mu.Lock()
	defer s.inst.mu.Unlock()
	if !slices.Contains(s.held, d) {
		s.held = append(s.held, d)
		d.holds++
	}
}

// transactionEnded lets go of what was held for the transaction.
func (s *Session) transactionEnded() {
	if s.held == nil {
		return
	}
	s.inst.mu.Lock()
	defer s.inst.mu.Unlock()
	for _, d := range s.held {
		d.holds--
	}
	s.held = nil
}

// forgetDatabase takes back all the session's opens of a database.
func (s *Session) forgetDatabase(d *Database) {
	s.inst.mu.Lock()
	defer s.inst.mu.Unlock()
	for k := range s.databases {
		if s.databases[k].db != d {
			continue
		}
		d.opens -= s.databases[k].count
		if d.exclusive == s {
			d.exclusive = nil
		}
		s.databases = append(s.databases[:k:k], s.databases[k+1:]...)
		return
	}
}
