package btree

import (
	"sync"
	"sync/atomic"

	"esent/internal/engine/cache"
	"esent/internal/engine/page"
	"esent/internal/engine/version"
	"esent/internal/jet"
)

// Tree is one B+tree, shared by all cursors on it. Its exported fields are constant.
type Tree struct {
	DB   *DB
	Root jet.Pgno
	// FDP is the root in log records and versions: Root, or for a space tree its owner's root.
	FDP   jet.Pgno
	ObjID jet.ObjID
	// Flags are the bits that all pages of the tree have: its type, and FlagSpaceTree.
	Flags page.Flags
	// NonUnique says that nodes are ordered by key and data. Space trees are unique whatever their flags.
	NonUnique bool
	// Source gives pages for splits.
	Source PageSource

	// What reads need of DB, at hand.
	cache    *cache.Manager
	db       *cache.DB
	versions *version.Store
	dbid     jet.DBID

	reserve atomic.Int32 // bytes that appends leave free on a page
	hint    uint32       // the root's frame, for Manager.GetHint
	tail    atomic.Pointer[cache.Frame]

	smo   sync.Mutex // held during changes of structure
	space SpaceLock
}

// SetDensity tells to how many percent pages are filled by appends.
func (t *Tree) SetDensity(percent int) {
	t.reserve.Store(int32((100 - percent) * t.DB.PageSize / 100))
}

// SpaceLock gives the tree's.
func (t *Tree) SpaceLock() *SpaceLock { return &t.space }

// IsSpace says that the tree holds extents.
func (t *Tree) IsSpace() bool { return t.Flags&page.FlagSpaceTree != 0 }

// MaxNode is the largest key and data, in bytes together, that a page of the tree can hold in one node.
func (t *Tree) MaxNode() int {
	return page.Capacity(t.DB.PageSize) - page.NodeSize(0, 0)
}

// getRoot is an optimistic reference to the root page.
func (t *Tree) getRoot() (*cache.Frame, uint64, error) {
	return t.cache.GetHint(t.db, t.Root, &t.hint)
}

var (
	errBadChild   = jet.ErrBadParentPageLink.Errorf("a child page does not belong to its parent")
	errBadSibling = jet.ErrBadPageLink.Errorf("a sibling page does not belong to its neighbour")
	errNoChild    = jet.ErrDatabaseCorrupted.Errorf("an internal page has no child for a key")
	errTooDeep    = jet.ErrDatabaseCorrupted.Errorf("a tree has no leaves")
)

// maxDepth is more levels than any tree can have: page numbers have 31 bits, and inner pages of a tree of more
// than two levels at least two children.
const maxDepth = 40

// find goes down to the leaf that may hold the bookmark. The reference counts only while its version is valid.
func (t *Tree) find(key, data []byte) (*cache.Frame, uint64, error) {
	m := t.cache
restart:
	for range patience {
		f, v, err := t.getRoot()
		if err != nil {
			return nil, 0, err
		}
		for depth := 0; ; depth++ {
			p := f.Page()
			if p.Has(page.FlagLeaf) {
				return f, v, nil
			}
			line, lines := p.SearchInternal(key, data), p.Lines()
			child := p.Child(line)
			if !f.Valid(v) {
				continue restart
			}
			if line >= lines || child == jet.PgnoNull {
				return nil, 0, errNoChild
			}
			cf, cv, err := m.Get(t.db, child)
			if !f.Valid(v) {
				continue restart
			}
			if err != nil {
				return nil, 0, err
			}
			if !t.isChild(cf.Page()) {
				if !cf.Valid(cv) || !f.Valid(v) {
					continue restart
				}
				return nil, 0, errBadChild
			}
			if depth > maxDepth {
				return nil, 0, errTooDeep
			}
			f, v = cf, cv
		}
	}
	return t.findHeld(goalBookmark, key, data, nil)
}

// findEdge goes down to the first or the last leaf.
func (t *Tree) findEdge(last bool) (*cache.Frame, uint64, error) {
	m := t.cache
restart:
	for range patience {
		f, v, err := t.getRoot()
		if err != nil {
			return nil, 0, err
		}
		for depth := 0; ; depth++ {
			p := f.Page()
			if p.Flags()&page.FlagLeaf != 0 {
				return f, v, nil
			}
			line := 0
			if last {
				line = p.Lines() - 1
			}
			child := p.Child(line)
			if !f.Valid(v) {
				continue restart
			}
			if child == jet.PgnoNull {
				return nil, 0, errNoChild
			}
			cf, cv, err := m.Get(t.db, child)
			if !f.Valid(v) {
				continue restart
			}
			if err != nil {
				return nil, 0, err
			}
			if depth > maxDepth {
				return nil, 0, errTooDeep
			}
			f, v = cf, cv
		}
	}
	if last {
		return t.findHeld(goalLast, nil, nil, nil)
	}
	return t.findHeld(goalBookmark, nil, nil, nil)
}
