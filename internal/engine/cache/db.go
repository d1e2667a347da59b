package cache

import (
	"sync"
	"sync/atomic"

	"esent/internal/jet"
)

// Store is the file of a database as the cache needs it; dbfile.File is one.
type Store interface {
	// ReadPages reads len(buf)/PageSize pages from first on and verifies each (spec chapter 02, 9.1, steps 1 to
	// 4). On an error the content of buf does not count.
	ReadPages(first jet.Pgno, buf []byte) error
	// WritePages writes sealed pages from first on, and notes their flush types.
	WritePages(first jet.Pgno, buf []byte) error
	// BeginWrite asks for leave to write n pages from first on (the gate of spec chapter 06, 14): false means
	// not now, try again later. Each true answer is followed by EndWrite with the same arguments.
	BeginWrite(first jet.Pgno, n int) bool
	EndWrite(first jet.Pgno, n int)
	// FlushType is the type of the page's last completed write, 0 for unknown (spec chapter 02, 10.2).
	FlushType(pgno jet.Pgno) uint8
	// Sync makes what was written durable.
	Sync() error
}

// DBConfig describes a database to Manager.AddDB.
type DBConfig struct {
	ID       jet.DBID
	File     Store
	PageSize int
	// Logged says that changes are logged, so that the write-ahead rules hold for its pages.
	Logged bool
	// ResidueBelow: pages older than this were last changed before the present attach or recovery, and what
	// they say of versions means nothing: it is removed when they are read (spec chapter 02, 7.5).
	ResidueBelow jet.DBTime
	// DBTime and ObjID are the counters' present values (spec chapter 02, 10.1).
	DBTime jet.DBTime
	ObjID  jet.ObjID
	// MaxRequired is the generation that the header on disk requires at most (lGenMaxRequired).
	MaxRequired int32
}

// DB is one attached database as the lower layers see it. Its exported fields are constant.
type DB struct {
	Slot     int      // index among the manager's databases, stored in frames
	ID       jet.DBID // as in log records
	File     Store
	PageSize int
	Logged   bool

	m            *Manager
	base         uint64 // frame id of page 0
	residueBelow jet.DBTime
	maxRequired  atomic.Int32
	dbtime       atomic.Uint64
	objid        atomic.Uint32
	syncMu       sync.Mutex
	unsynced     atomic.Bool // something was written since the last sync began
	leaving      atomic.Bool // RemoveDB has begun: nothing is read ahead any more
	table        pageTable
}

// NextDBTime draws the dbtime of one change (spec chapter 02, 10.1).
func (db *DB) NextDBTime() jet.DBTime { return db.NextDBTimes(1) }

// NextDBTimes draws the dbtimes of n changes, which follow each other, and gives the first.
func (db *DB) NextDBTimes(n int) jet.DBTime {
	// Every change comes by here, which makes it the place to see that there is too much to write.
	if db.m.tooDirty() {
		db.m.writer.Kick()
	}
	return jet.DBTime(db.dbtime.Add(uint64(n))) - jet.DBTime(n) + 1
}

// DBTime is the dbtime drawn last.
func (db *DB) DBTime() jet.DBTime { return jet.DBTime(db.dbtime.Load()) }

// RaiseDBTime makes the counter at least t, as redo of a change with that dbtime needs it.
func (db *DB) RaiseDBTime(t jet.DBTime) {
	for {
		old := db.dbtime.Load()
		if old >= uint64(t) || db.dbtime.CompareAndSwap(old, uint64(t)) {
			return
		}
	}
}

// NextObjID draws the object id of a new tree.
func (db *DB) NextObjID() jet.ObjID { return jet.ObjID(db.objid.Add(1)) }

// ObjIDLast is the object id drawn last.
func (db *DB) ObjIDLast() jet.ObjID { return jet.ObjID(db.objid.Load()) }

// RaiseObjID makes the counter at least id.
func (db *DB) RaiseObjID(id jet.ObjID) {
	for {
		old := db.objid.Load()
		if old >= uint32(id) || db.objid.CompareAndSwap(old, uint32(id)) {
			return
		}
	}
}

// MaxRequired is the generation up to which changes may reach the file (spec chapter 05, 16).
func (db *DB) MaxRequired() int32 { return db.maxRequired.Load() }

// SetMaxRequired notes that a header that requires generations up to gen is durable.
func (db *DB) SetMaxRequired(gen int32) {
	for {
		old := db.maxRequired.Load()
		if old >= gen || db.maxRequired.CompareAndSwap(old, gen) {
			return
		}
	}
}

// Sync makes all pages that were written so far durable; it does nothing when none was since the last call.
// A checkpoint takes OldestDirty first and then calls it (spec chapter 05, 17.3).
func (db *DB) Sync() error {
	db.syncMu.Lock()
	defer db.syncMu.Unlock()
	if !db.unsynced.Swap(false) {
		return nil
	}
	err := db.File.Sync()
	if err != nil {
		db.unsynced.Store(true)
	}
	return err
}
