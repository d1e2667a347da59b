package catalog

import (
	"sync"
	"sync/atomic"
	"time"

	"esent/internal/engine/btree"
	"esent/internal/engine/dbfile"
	"esent/internal/engine/record"
	"esent/internal/engine/space"
	"esent/internal/engine/version"
	"esent/internal/jet"
)

// Object ids and roots that every database has (spec chapter 03, 11.2).
const (
	objidCatalog jet.ObjID = 2
	objidShadow  jet.ObjID = 3
	objidName    jet.ObjID = 4
	objidRoots   jet.ObjID = 5

	rootCatalog jet.Pgno = 4
	rootShadow  jet.Pgno = 24
	rootName    jet.Pgno = 7
	rootRoots   jet.Pgno = 10
)

// Names of system tables.
const (
	nameCatalog = "MSysObjects"
	nameShadow  = "MSysObjectsShadow"
	nameObjids  = "MSysObjids"
	nameLocales = "MSysLocales"
)

// Options say how a catalog is used.
type Options struct {
	// Space is the database's space manager. It may be nil when nothing is changed.
	Space *space.Manager
	// Version is the database's format version.
	Version dbfile.Version
	// ShadowOff says that the database has no shadow catalog (header flag DBFlagShadowingOff).
	ShadowOff bool
	// Now gives the present time, for PgnoFDPLastSetTime; nil leaves that column empty.
	Now func() time.Time
	// Closed is how many descriptors of tables that nobody uses are kept; 0 means 64.
	Closed int
}

const closedDefault = 64

// Catalog is the catalog of one database.
type Catalog struct {
	db     *btree.DB
	opt    Options
	layout *record.Schema

	main, shadow, names, roots *btree.Tree

	features atomic.Pointer[Features]
	// reader sees all that is committed; it is in no transaction, and several goroutines read with it.
	reader *version.Session

	cursors sync.Pool // *rowCursor

	mu     sync.Mutex
	tables map[jet.ObjID]*Table
	clock  uint64 // counts uses of descriptors
	idle   int    // descriptors without references

	// loading is held while a descriptor is made from rows, so that each is made once.
	loading sync.Mutex

	// background frees trees for sessions that roll back, worker makes changes that are not part of a session's
	// transaction.
	background, worker systemSession

	sys systemTables

	// serial makes bookmarks of version entries for schema changes unique.
	serial atomic.Uint64
}

// Open opens the catalog of a database. ErrCatalogCorrupted, or the error of the page, says that there is none
// where it must be.
func Open(db *btree.DB, opt Options) (*Catalog, error) {
	c, err := newCatalog(db, opt)
	if err != nil {
		return nil, err
	}
	for _, t := range []struct {
		tree  **btree.Tree
		root  jet.Pgno
		objid jet.ObjID
	}{{&c.main, rootCatalog, objidCatalog}, {&c.names, rootName, objidName}, {&c.roots, rootRoots, objidRoots}, {&c.shadow, rootShadow, objidShadow}} {
		tree, err := db.Tree(t.root)
		if err != nil {
			return nil, err
		}
		if tree.ObjID != t.objid {
			return nil, jet.ErrCatalogCorrupted.Errorf("page %d belongs to object %d", t.root, tree.ObjID)
		}
		*t.tree = tree
	}
	return c, nil
}

func newCatalog(db *btree.DB, opt Options) (*Catalog, error) {
	layout, err := rowSchema(db.PageSize)
	if err != nil {
		return nil, err
	}
	if opt.Closed == 0 {
		opt.Closed = closedDefault
	}
	c := &Catalog{db: db, opt: opt, layout: layout, tables: map[jet.ObjID]*Table{},
		reader: db.Kernel.Versions.NewSystemSession()}
	c.background.s = db.Kernel.Versions.NewSystemSession()
	c.worker.s = db.Kernel.Versions.NewSystemSession()
	c.cursors.New = func() any {
		rc := &rowCursor{c: c}
		rc.buf.Reset(layout)
		return rc
	}
	c.SetVersion(opt.Version)
	return c, nil
}

// systemSession is a session of the engine's own, used by one goroutine at a time.
type systemSession struct {
	sync.Mutex
	s *version.Session
}

// Close gives up what the catalog holds. Nobody uses its tables any more.
func (c *Catalog) Close() {
	for _, t := range c.open() {
		t.detach()
	}
	for _, s := range []*version.Session{c.reader, c.background.s, c.worker.s} {
		c.db.Kernel.Versions.EndSession(s)
	}
}

// SetVersion tells of another format version of the database. Tables that are in use keep what they had.
func (c *Catalog) SetVersion(v dbfile.Version) {
	f := FeaturesOf(v)
	c.features.Store(&f)
}

// Features are what the database's format version has.
func (c *Catalog) Features() Features { return *c.features.Load() }

// DB is the database.
func (c *Catalog) DB() *btree.DB { return c.db }

// fileTime is the present time as catalog rows have it, 0 when it is not to be written.
func (c *Catalog) fileTime() uint64 {
	if c.opt.Now == nil || !c.features.Load().LastSetTime {
		return 0
	}
	const from1601to1970 = 11644473600
	t := c.opt.Now()
	return uint64(t.Unix()+from1601to1970)*1e7 + uint64(t.Nanosecond())/100
}
