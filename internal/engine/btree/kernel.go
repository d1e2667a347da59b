package btree

import (
	"sync"

	"esent/internal/engine/btree/ops"
	"esent/internal/engine/cache"
	"esent/internal/engine/page"
	"esent/internal/engine/version"
	"esent/internal/jet"
)

// PageSource gives pages to trees and takes them back; package space implements it. It is called with the
// tree's SMO mutex held and without latches. The operations are logged, and not undone by rollback.
type PageSource interface {
	// AllocPage gives a page for a split of the page near. appending says that the split is for a node behind
	// the last one.
	AllocPage(s *version.Session, t *Tree, near jet.Pgno, appending bool) (jet.Pgno, error)
	// FreePage takes a page back that is no longer part of the tree.
	FreePage(s *version.Session, t *Tree, pgno jet.Pgno) error
}

// Kernel is what the trees of an instance share.
type Kernel struct {
	Cache    *cache.Manager
	Versions *version.Store
	// OnDelta, if set, is told of escrow changes that are committed and seen by all.
	OnDelta func(s *version.Session, r *version.RCE) error
	// OnFatal, if set, is told of a page operation that failed after it was logged: the instance must end.
	OnFatal func(err error)

	mu  sync.Mutex
	dbs [dbCount]*DB
}

// dbCount is the number of databases of an instance: the temporary one and six others.
const dbCount = 7

// New makes the kernel of an instance and has the version store use it for undo and clean-up.
func New(m *cache.Manager, st *version.Store) *Kernel {
	k := &Kernel{Cache: m, Versions: st}
	st.SetPages(k)
	return k
}

// DB is a database with its open trees.
type DB struct {
	*cache.DB
	Kernel *Kernel
	// Format is what new pages look like; it may change when the database version is raised, while no one
	// else uses the database.
	Format ops.Format
	// Pages is where trees get pages from. It is set before the first change.
	Pages PageSource

	mu    sync.Mutex
	trees map[jet.Pgno]*Tree
	gone  map[jet.ObjID]struct{} // destroyed trees; their pages may hold other things by now
}

// Attach makes a database known by its number in the log.
func (k *Kernel) Attach(cdb *cache.DB, f ops.Format) (*DB, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if int(cdb.ID) >= dbCount || k.dbs[cdb.ID] != nil {
		return nil, jet.ErrTooManyAttachedDatabases
	}
	db := &DB{DB: cdb, Kernel: k, Format: f, trees: map[jet.Pgno]*Tree{}, gone: map[jet.ObjID]struct{}{}}
	k.dbs[cdb.ID] = db
	k.Versions.Attach(cdb.ID, cdb)
	return db, nil
}

// Detach forgets a database. Nothing of it has versions any more.
func (k *Kernel) Detach(db *DB) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.dbs[db.ID] = nil
	k.Versions.Detach(db.ID)
}

// Database gives the database with a number, nil when there is none.
func (k *Kernel) Database(id jet.DBID) *DB {
	if int(id) >= dbCount {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.dbs[id]
}

// DefaultDensity is the percentage to which pages are filled when nothing else is known.
const DefaultDensity = 80

// Tree gives the tree with that root; all callers get the same. Its kind is read from the root page.
// ErrDatabaseCorrupted says that the page is no root of a tree.
func (db *DB) Tree(root jet.Pgno) (*Tree, error) {
	db.mu.Lock()
	t := db.trees[root]
	db.mu.Unlock()
	if t != nil {
		return t, nil
	}
	objid, flags, err := db.rootKind(root)
	if err != nil {
		return nil, err
	}
	return db.known(&Tree{DB: db, Root: root, FDP: root, ObjID: objid, Flags: flags & page.TreeTypeMask,
		NonUnique: flags&page.FlagNonUnique != 0, Source: db.Pages}, DefaultDensity), nil
}

// rootKind reads what a tree's root says of it.
func (db *DB) rootKind(root jet.Pgno) (jet.ObjID, page.Flags, error) {
	for {
		f, v, err := db.Kernel.Cache.Get(db.DB, root)
		if err != nil {
			return 0, 0, err
		}
		p := f.Page()
		objid, flags := p.ObjID(), p.Flags()
		if !f.Valid(v) {
			continue
		}
		if flags&page.FlagRoot == 0 || flags&(page.FlagSpaceTree|page.FlagEmpty|page.FlagPreInit) != 0 {
			return 0, 0, jet.ErrDatabaseCorrupted.Errorf("page %d is no root of a tree", root)
		}
		return objid, flags, nil
	}
}

// SpaceTree gives a space tree of owner: all callers get the same. source gives it pages.
func (db *DB) SpaceTree(owner *Tree, root jet.Pgno, source PageSource) *Tree {
	db.mu.Lock()
	t := db.trees[root]
	db.mu.Unlock()
	if t != nil {
		return t
	}
	return db.known(&Tree{DB: db, Root: root, FDP: owner.FDP, ObjID: owner.ObjID,
		Flags: owner.Flags | page.FlagSpaceTree, Source: source}, 100)
}

func (db *DB) known(t *Tree, density int) *Tree {
	t.cache, t.db, t.versions, t.dbid = db.Kernel.Cache, db.DB, db.Kernel.Versions, db.ID
	t.space.tree = t
	t.SetDensity(density)
	db.mu.Lock()
	defer db.mu.Unlock()
	if other := db.trees[t.Root]; other != nil {
		return other
	}
	db.trees[t.Root] = t
	return t
}

// Forget drops a tree that is being destroyed, with its space trees: what versions of it are left have no effect
// any more.
func (db *DB) Forget(tree *Tree) {
	db.mu.Lock()
	defer db.mu.Unlock()
	for r, t := range db.trees {
		if t.FDP == tree.FDP && t.ObjID == tree.ObjID {
			delete(db.trees, r)
		}
	}
	if !db.Kernel.Versions.Empty() {
		db.gone[tree.ObjID] = struct{}{}
	}
}

func (db *DB) isGone(id jet.ObjID) bool {
	db.mu.Lock()
	defer db.mu.Unlock()
	_, gone := db.gone[id]
	return gone
}
