package space

import (
	"sync"

	"esent/internal/engine/btree"
	"esent/internal/engine/btree/ops"
	"esent/internal/engine/version"
	"esent/internal/jet"
)

// Sizes in pages that decide how trees grow (spec chapter 03, 10).
const (
	smallFDP       = 16  // trees up to this size grow by smallGrow
	smallGrow      = 4   // least growth of a tree, and least rest of an extent of the database
	secondaryGrow  = 16  // least growth of trees that are not small
	primaryShare   = 4   // else they grow by this part of the primary extent
	smallDatabase  = 254 // databases below this size are allocated tightly
	smallDBStart   = 128 // in their first pages
	mapPages       = 32  // pages that a bitmap covers
	singleMinimum  = 1
	multipleLeast  = 3
	bigRequest     = 16 // requests that need not look at all small extents again
	defaultPiece   = 8
	defaultGrowth  = 256
	objidLimit     = 0xFFFFFF00
	maxInitialSize = 254
)

// Grower makes the file of a database longer.
type Grower interface {
	// Grow makes the file long enough for page last, filled with zeros and durable.
	Grow(last jet.Pgno) error
}

// Config says how a database's space is managed.
type Config struct {
	File Grower
	// Extension is the number of pages by which the file grows (JET_paramDbExtensionSize), 0 for 256.
	Extension uint32
	// MaxPages is the number of pages that the database may have, 0 for no limit.
	MaxPages uint32
	// Fragment is the least rest of an extent, in pages, that is worth keeping (JET_paramPageFragment), 0 for 8.
	Fragment uint32
}

// Hints tell how one tree grows (JET_SPACEHINTS). The zero value is the default.
type Hints struct {
	// MinExtent and MaxExtent bound the size of secondary extents, in pages; 0 for no bound.
	MinExtent, MaxExtent uint32
	// Growth is the size of an extent in percent of that before; 0 for the same size.
	Growth uint32
	// UseParent has trees below this one take their space from its available extents (JET_bitSpaceHintsUtilizeParentSpace).
	UseParent bool
}

// Manager manages the space of one database. It is the btree.PageSource of its trees.
type Manager struct {
	db  *btree.DB
	cfg Config

	mu    sync.Mutex
	hints map[jet.Pgno]Hints

	// bigFrom is where big requests to the database root look first; guarded by the root's SpaceLock.
	bigFrom jet.Pgno

	cursors sync.Pool
}

// New makes the manager of a database and has its trees take their pages from it.
func New(db *btree.DB, cfg Config) *Manager {
	if cfg.Extension == 0 {
		cfg.Extension = defaultGrowth
	}
	if cfg.Fragment == 0 {
		cfg.Fragment = defaultPiece
	}
	m := &Manager{db: db, cfg: cfg, hints: map[jet.Pgno]Hints{}}
	m.cursors.New = func() any { return new(btree.Cursor) }
	db.Pages = m
	return m
}

// LeastPages is the size of the smallest database (spec chapter 03, 11.1).
const LeastPages = 30

// InitialPages is the size of a new database for an extension of so many pages (spec chapter 03, 11.1).
func InitialPages(extension uint32) uint32 {
	if extension == 0 {
		extension = defaultGrowth
	}
	return LeastPages + min(extension, maxInitialSize-LeastPages)
}

// SetHints tells how a tree grows.
func (m *Manager) SetHints(t *btree.Tree, h Hints) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if h == (Hints{}) {
		delete(m.hints, t.Root)
		return
	}
	m.hints[t.Root] = h
}

func (m *Manager) hintsOf(t *btree.Tree) Hints {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.hints[t.Root]
}

// next is the size of the extent after one of last pages (NextAlloc of spec chapter 03, 10.3).
func (h Hints) next(last uint32) uint32 {
	if h.MinExtent != 0 && h.MinExtent == h.MaxExtent {
		return h.MinExtent
	}
	n := last
	if h.Growth != 0 {
		n = max(last+1, uint32(uint64(last)*uint64(h.Growth)/100))
	}
	n = max(n, h.MinExtent)
	if h.MaxExtent != 0 {
		n = min(n, h.MaxExtent)
	}
	return n
}

// header is the space header of a tree.
func (m *Manager) header(t *btree.Tree) (ops.SpaceHeader, error) {
	var buf [64]byte
	b, err := t.Header(buf[:0])
	if err != nil {
		return ops.SpaceHeader{}, err
	}
	h, err := ops.ParseRootHeader(b)
	return h.Space, err
}

// updateHeader changes the space header of a tree.
func (m *Manager) updateHeader(s *version.Session, t *btree.Tree, change func(h *ops.SpaceHeader) error) error {
	return t.UpdateHeader(s, func(dst, old []byte) ([]byte, error) {
		h, err := ops.ParseRootHeader(old)
		if err != nil {
			return nil, err
		}
		if err := change(&h.Space); err != nil {
			return nil, err
		}
		return h.Append(dst), nil
	})
}

// parent is the tree that t has its space of, nil for the database root.
func (m *Manager) parent(h ops.SpaceHeader) (*btree.Tree, error) {
	if h.Parent == jet.PgnoNull {
		return nil, nil
	}
	return m.db.Tree(h.Parent)
}

// isCatalog says that the tree is one of those whose place in the file is fixed.
func isCatalog(t *btree.Tree) bool { return t.ObjID >= 2 && t.ObjID <= 5 }

// spaceTrees are the two space trees of a tree with header h.
func (m *Manager) spaceTrees(t *btree.Tree, h ops.SpaceHeader) (oe, ae *btree.Tree) {
	return m.db.SpaceTree(t, h.OE(), buffers{}), m.db.SpaceTree(t, h.AE(), buffers{})
}

func (m *Manager) cursor(t *btree.Tree) *btree.Cursor {
	c := m.cursors.Get().(*btree.Cursor)
	c.Init(t)
	return c
}

func (m *Manager) release(c *btree.Cursor) {
	c.Reset()
	m.cursors.Put(c)
}
