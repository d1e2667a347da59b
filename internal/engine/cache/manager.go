package cache

import (
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"esent/internal/engine/page"
	"esent/internal/jet"
	"esent/internal/vfs"
)

const (
	// minFrames is the least number of frames that a cache works with: as many as the latches that a few
	// sessions hold at once.
	minFrames = 16
	// slack is how many frames more than the limit there may be while all others are latched or cannot be
	// written.
	slack = 64
	// maxSlots is the number of databases at once.
	maxSlots = 64

	defaultWaitLimit = 30 * time.Second
)

// Host is what the cache needs from the layers above. Its methods are called while pages may be latched, by the
// cache or by its caller, and so must not wait for a page latch.
type Host interface {
	// LogDurable makes the log durable up to end.
	LogDurable(end jet.LogPos) error
	// BeforeWrite is called under the latch of a page that is about to be written. It logs the before images of
	// uncommitted changes on it that are not in the log yet, and returns the position up to which the log must
	// be durable for them, 0 for none. ErrCannotLogDuringRecoveryRedo means that the page cannot be written now.
	BeforeWrite(db *DB, pgno jet.Pgno) (end jet.LogPos, err error)
	// RequireGen makes a database header durable that requires the generations up to gen, and notes it by
	// DB.SetMaxRequired. It is called when a page with a change of a later generation than that is to be written.
	RequireGen(db *DB, gen int32) error
}

// Config says how to make a Manager.
type Config struct {
	PageSize int
	// MaxPages is the number of pages to hold (JET_paramCacheSizeMax). At most three quarters of the physical
	// memory are used, or less where the process may not have so much address space, and at least 16 pages.
	MaxPages int
	// ReservePages is up to which number Resize can go later; address space only. 0 means MaxPages.
	ReservePages int
	Env          *vfs.Env
	// Host may be nil when no database is logged.
	Host Host
	// OnError, if set, is told of pages that could not be written in the background.
	OnError func(db *DB, pgno jet.Pgno, err error)
	// OnReadError, if set, is told of pages that somebody asked for and that could not be read.
	OnReadError func(db *DB, pgno jet.Pgno, err error)
	// WaitLimit is how long to wait for a frame, or in FlushDB for a page, before giving up; 0 means 30 s.
	WaitLimit time.Duration
}

// Manager is the buffer manager of one instance.
type Manager struct {
	pageSize  int
	waitLimit time.Duration
	host      Host
	onError   func(*DB, jet.Pgno, error)
	onRead    func(*DB, jet.Pgno, error)

	// abandoned is set by Abandon.
	abandoned atomic.Bool

	frames  unsafe.Pointer // array of Frame
	begin   unsafe.Pointer // array of uint64, see dirty.go
	shared  *shared
	regions memory

	dirtyLimit atomic.Int64
	repl       replacer
	leaves     leafPool
	failures   failures
	flights    flights
	ahead      readAhead
	writer     vfs.Task
	stats      counters

	dbMu sync.Mutex
	dbs  [maxSlots]atomic.Pointer[DB]
}

// New makes a manager with no databases. ErrOutOfMemory says that the address space could not be had.
func New(cfg Config) (*Manager, error) {
	if !page.ValidSize(cfg.PageSize) {
		return nil, jet.ErrInvalidParameter.Errorf("page size %d", cfg.PageSize)
	}
	m := &Manager{pageSize: cfg.PageSize, host: cfg.Host, onError: cfg.OnError, onRead: cfg.OnReadError, waitLimit: cfg.WaitLimit}
	if m.waitLimit == 0 {
		m.waitLimit = defaultWaitLimit
	}
	limit := clampPages(cfg.MaxPages, cfg.PageSize)
	if err := m.regions.reserve(max(limit, clampPages(cfg.ReservePages, cfg.PageSize))+slack, minFrames+slack, cfg.PageSize); err != nil {
		return nil, err
	}
	m.frames = m.regions.frames()
	m.begin = m.regions.begin()
	m.shared = m.regions.shared()
	m.shared.begin = m.begin
	m.repl.init(m)
	m.setLimit(limit)
	m.writer = cfg.Env.Sched.NewTask("page write", m.writeBehind)
	m.ahead.task = cfg.Env.Sched.NewTask("read ahead", m.readAheadRun)
	return m, nil
}

// clampPages bounds a number of pages to what the machine has memory for.
func clampPages(n, pageSize int) int {
	if memory := physicalMemory(); memory != 0 {
		n = min(n, int(memory/4*3/uint64(pageSize)))
	}
	// Frames are numbered by 32 bits, and 0 is none in a page table.
	return max(min(n, 1<<31), minFrames)
}

// Close stops the tasks and gives the memory back. All databases were removed before, and nobody uses a frame
// any more.
func (m *Manager) Close() error {
	m.writer.Stop()
	m.ahead.task.Stop()
	if err := m.leaves.close(); err != nil {
		return err
	}
	return m.regions.free()
}

// Resize makes n the number of pages to hold, within what New reserved. Shrinking takes effect as pages are
// given up.
func (m *Manager) Resize(n int) {
	m.setLimit(clampPages(n, m.pageSize))
	m.writer.Kick()
}

// Limit is the number of pages that the cache holds at most, but for moments of need.
func (m *Manager) Limit() int { return m.repl.limitNow() }

func (m *Manager) setLimit(n int) {
	n = min(n, m.regions.count-slack)
	m.repl.setLimit(n)
	m.dirtyLimit.Store(int64(n / 4))
}

// AddDB makes a database known.
func (m *Manager) AddDB(cfg DBConfig) (*DB, error) {
	if cfg.PageSize != m.pageSize {
		return nil, jet.ErrPageSizeMismatch.Errorf("pages of %d bytes, the cache has %d", cfg.PageSize, m.pageSize)
	}
	if cfg.Logged && m.host == nil {
		return nil, jet.ErrInvalidParameter.Errorf("a logged database needs a log")
	}
	m.dbMu.Lock()
	defer m.dbMu.Unlock()
	for slot := range m.dbs {
		if m.dbs[slot].Load() != nil {
			continue
		}
		db := &DB{Slot: slot, ID: cfg.ID, File: cfg.File, PageSize: cfg.PageSize, Logged: cfg.Logged,
			m: m, base: pageID(slot, 0), residueBelow: cfg.ResidueBelow}
		db.dbtime.Store(uint64(cfg.DBTime))
		db.objid.Store(uint32(cfg.ObjID))
		db.maxRequired.Store(cfg.MaxRequired)
		db.unsynced.Store(true) // by a process that was killed
		m.dbs[slot].Store(db)
		return db, nil
	}
	return nil, jet.ErrTooManyAttachedDatabases
}

// frame is the frame with that index.
func (m *Manager) frame(index uint32) *Frame {
	return (*Frame)(unsafe.Add(m.frames, uintptr(index)*frameSize))
}

// dbOf is the database of the page in f, under its latch; nil for a frame that holds none.
func (m *Manager) dbOf(f *Frame) *DB {
	slot := f.Slot()
	if slot < 0 || slot >= maxSlots {
		return nil
	}
	return m.dbs[slot].Load()
}
