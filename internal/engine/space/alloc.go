package space

import (
	"math/bits"

	"esent/internal/engine/btree"
	"esent/internal/engine/btree/ops"
	"esent/internal/engine/page"
	"esent/internal/engine/version"
	"esent/internal/jet"
)

// AllocPage gives a page of the tree for a split (spec chapter 03, 10.1).
func (m *Manager) AllocPage(s *version.Session, t *btree.Tree, near jet.Pgno, _ bool) (jet.Pgno, error) {
	t.SpaceLock().Lock()
	defer t.SpaceLock().Unlock()
	for converted := false; ; converted = true {
		h, err := m.header(t)
		if err != nil {
			return 0, err
		}
		if h.Multiple() {
			return m.takePage(s, t, h, near)
		}
		pgno, err := m.takeMapped(s, t)
		if err != nil || pgno != jet.PgnoNull || converted {
			return pgno, err
		}
		if err := m.convert(s, t, singleMinimum, singleMinimum); err != nil {
			return 0, err
		}
	}
}

// takeMapped takes the lowest free page of a bitmap, PgnoNull when there is none.
func (m *Manager) takeMapped(s *version.Session, t *btree.Tree) (pgno jet.Pgno, err error) {
	h, err := m.header(t)
	if err != nil || firstFit(h, 1) < 0 {
		return jet.PgnoNull, err
	}
	err = m.updateHeader(s, t, func(h *ops.SpaceHeader) error {
		i := firstFit(*h, 1)
		h.Map &^= 1 << i
		pgno = t.Root + 1 + jet.Pgno(i)
		return nil
	})
	return pgno, err
}

// firstFit is the lowest bit of n set ones in a row in a bitmap, -1 when there are none.
func firstFit(h ops.SpaceHeader, n uint32) int {
	if h.Pages <= 1 || n > mapPages {
		return -1
	}
	mapped := min(h.Pages-1, mapPages)
	want := uint32(1)<<n - 1
	for i := uint32(0); i+n <= mapped; i++ {
		if h.Map>>i&want == want {
			return int(i)
		}
	}
	return -1
}

// takePage takes a page out of the available extents: the one that follows near, where a run of consecutive
// pages is set aside; else the lowest of the first extent behind near; else of the first at all.
func (m *Manager) takePage(s *version.Session, t *btree.Tree, h ops.SpaceHeader, near jet.Pgno) (jet.Pgno, error) {
	_, ae := m.spaceTrees(t, h)
	c := m.cursor(ae)
	defer m.release(c)
	for grown := false; ; grown = true {
		e, pool, found, err := m.nearest(s, c, near)
		if err != nil {
			return 0, err
		}
		if found {
			return e.First(), resize(s, c, pool, e.Pages-1)
		}
		if grown {
			return 0, jet.ErrOutOfDatabaseSpace
		}
		if err := m.grow(s, t, h); err != nil {
			return 0, err
		}
	}
}

func (m *Manager) nearest(s *version.Session, c *btree.Cursor, near jet.Pgno) (e ops.Extent, pool ops.Pool, found bool, err error) {
	var key [8]byte
	match, err := c.Seek(s, ops.AppendExtentKey(key[:0], ops.PoolContinuous, near+1), nil, btree.GE)
	if err != nil {
		return e, 0, false, err
	}
	if match != btree.None {
		if e, pool, err = at(s, c); err != nil {
			return e, 0, false, err
		}
		if pool == ops.PoolContinuous && e.Pages > 0 && e.First() == near+1 {
			return e, pool, true, nil
		}
	}
	if e, found, err = seek(s, c, near+1); found || err != nil {
		return e, ops.PoolGeneral, found, err
	}
	e, found, err = seek(s, c, 0)
	return e, ops.PoolGeneral, found, err
}

// grow adds a secondary extent to a tree that needs pages itself (spec chapter 03, 10.3).
func (m *Manager) grow(s *version.Session, t *btree.Tree, h ops.SpaceHeader) error {
	parent, err := m.parent(h)
	if err != nil {
		return err
	}
	if parent == nil {
		return m.growDatabase(s, t, h, 1, 1)
	}
	last := h.Pages
	v1 := h.Flags&ops.SpaceV2 == 0
	request := uint32(secondaryGrow)
	if v1 {
		request = max(request, last/primaryShare)
	} else {
		request = max(request, last)
	}
	if v1 && last < smallFDP {
		small, err := m.isSmall(s, t, h)
		if err != nil {
			return err
		}
		if small {
			request = smallGrow
		}
	}
	request = max(request, m.hintsOf(t).next(last))
	if request != last {
		err := m.updateHeader(s, t, func(h *ops.SpaceHeader) error {
			h.Flags |= ops.SpaceV2
			h.Pages = request
			return nil
		})
		if err != nil {
			return err
		}
	}
	if err := m.refill(s, t, h); err != nil {
		return err
	}
	e, err := m.allocExtent(s, parent, singleMinimum, request, false)
	if err != nil {
		return err
	}
	return m.own(s, t, h, e, 0)
}

// isSmall says that a tree owns little.
func (m *Manager) isSmall(s *version.Session, t *btree.Tree, h ops.SpaceHeader) (bool, error) {
	flags, lines, _, err := t.RootState()
	if err != nil {
		return false, err
	}
	if flags&page.FlagLeaf == 0 && (flags&page.FlagParentOfLeaf == 0 || lines >= smallFDP) {
		return false, nil
	}
	oe, _ := m.spaceTrees(t, h)
	owned := uint32(0)
	err = m.walk(s, oe, func(e ops.Extent, _ ops.Pool) bool {
		owned += e.Pages
		return owned <= smallFDP
	})
	return owned <= smallFDP, err
}

// own adds an extent to what a tree owns. All but the first given pages become available.
func (m *Manager) own(s *version.Session, t *btree.Tree, h ops.SpaceHeader, e ops.Extent, given uint32) error {
	oe, ae := m.spaceTrees(t, h)
	if err := m.insert(s, oe, ops.PoolGeneral, e); err != nil {
		return err
	}
	if e.Pages <= given {
		return nil
	}
	return m.insert(s, ae, ops.PoolGeneral, ops.Extent{Last: e.Last, Pages: e.Pages - given})
}

// AllocExtent gives pages of a tree to a child of it: at least least, if possible request (spec chapter 03, 10.2).
func (m *Manager) AllocExtent(s *version.Session, t *btree.Tree, least, request uint32) (ops.Extent, error) {
	return m.allocExtent(s, t, least, request, false)
}

// allocExtent is AllocExtent; forTree says that the pages are for a new tree.
func (m *Manager) allocExtent(s *version.Session, t *btree.Tree, least, request uint32, forTree bool) (ops.Extent, error) {
	t.SpaceLock().Lock()
	defer t.SpaceLock().Unlock()
	request = max(request, least)
	h, err := m.header(t)
	if err != nil {
		return ops.Extent{}, err
	}
	if !h.Multiple() {
		if firstFit(h, least) >= 0 {
			return m.takeRun(s, t, least)
		}
		if err := m.convert(s, t, least, request); err != nil {
			return ops.Extent{}, err
		}
		if h, err = m.header(t); err != nil {
			return ops.Extent{}, err
		}
	}
	parent, err := m.parent(h)
	if err != nil {
		return ops.Extent{}, err
	}
	if parent == nil || isCatalog(t) || m.hintsOf(t).UseParent {
		e, found, err := m.carve(s, t, h, least, request, forTree)
		if err != nil || found {
			return e, err
		}
	}
	if parent == nil {
		if err := m.growDatabase(s, t, h, least, request); err != nil {
			return ops.Extent{}, err
		}
		e, found, err := m.carve(s, t, h, least, request, forTree)
		if err == nil && !found {
			err = jet.ErrOutOfDatabaseSpace
		}
		return e, err
	}
	if err := m.refill(s, t, h); err != nil {
		return ops.Extent{}, err
	}
	e, err := m.allocExtent(s, parent, least, request, false)
	if err != nil {
		return e, err
	}
	given := e.Pages
	whole, err := m.takesWhole(s, t, e, request, forTree)
	if err != nil {
		return e, err
	}
	if !whole {
		given = request
	}
	first := e.First()
	return ops.Extent{Last: first + jet.Pgno(given) - 1, Pages: given}, m.own(s, t, h, e, given)
}

// takeRun takes the first run of n free pages out of a bitmap.
func (m *Manager) takeRun(s *version.Session, t *btree.Tree, n uint32) (e ops.Extent, err error) {
	err = m.updateHeader(s, t, func(h *ops.SpaceHeader) error {
		i := firstFit(*h, n)
		h.Map &^= (1<<n - 1) << i
		e = ops.Extent{Last: t.Root + jet.Pgno(i) + jet.Pgno(n), Pages: n}
		return nil
	})
	return e, err
}

// takesWhole says that all of an available extent is given away, as the rest would be of no use.
func (m *Manager) takesWhole(s *version.Session, t *btree.Tree, e ops.Extent, request uint32, forTree bool) (bool, error) {
	if e.Pages <= request {
		return true, nil
	}
	rest := e.Pages - request
	if t.Root == jet.PgnoSystemRoot {
		if rest >= smallGrow {
			return false, nil
		}
		if !forTree || e.First() >= smallDBStart {
			return true, nil
		}
		last, err := m.LastOwned(s)
		return last >= smallDatabase, err
	}
	return request >= m.cfg.Fragment && rest < m.cfg.Fragment, nil
}

// carve takes pages from the low end of the first available extent that has enough.
func (m *Manager) carve(s *version.Session, t *btree.Tree, h ops.SpaceHeader, least, request uint32, forTree bool) (given ops.Extent, found bool, err error) {
	_, ae := m.spaceTrees(t, h)
	c := m.cursor(ae)
	defer m.release(c)
	from := jet.Pgno(0)
	root := t.Root == jet.PgnoSystemRoot
	if root && least >= bigRequest {
		from = m.bigFrom
	}
	for {
		e, ok, err := m.fits(s, c, from, least)
		if err != nil {
			return given, false, err
		}
		if !ok && from == 0 {
			return given, false, nil
		}
		if !ok {
			from = 0
			continue
		}
		if root && least >= bigRequest {
			m.bigFrom = e.First()
		}
		n := e.Pages
		whole, err := m.takesWhole(s, t, e, request, forTree)
		if err != nil {
			return given, false, err
		}
		if !whole {
			n = request
		}
		given = ops.Extent{Last: e.First() + jet.Pgno(n) - 1, Pages: n}
		return given, true, resize(s, c, ops.PoolGeneral, e.Pages-n)
	}
}

// fits goes to the first available extent from page from on that has least pages.
func (m *Manager) fits(s *version.Session, c *btree.Cursor, from jet.Pgno, least uint32) (e ops.Extent, found bool, err error) {
	e, found, err = seek(s, c, from)
	for ; found && err == nil; e, found, err = nextGeneral(s, c) {
		if e.Pages >= least {
			return e, true, nil
		}
	}
	return e, false, err
}

func nextGeneral(s *version.Session, c *btree.Cursor) (e ops.Extent, found bool, err error) {
	if err := c.Next(s); err != nil {
		if jet.CodeOf(err) == jet.ErrNoCurrentRecord {
			err = nil
		}
		return e, false, err
	}
	e, pool, err := at(s, c)
	return e, pool == ops.PoolGeneral, err
}

// convert gives a tree with a bitmap space trees of its own, and a secondary extent with least pages for the
// caller besides the two roots (spec chapter 03, 9.4).
func (m *Manager) convert(s *version.Session, t *btree.Tree, least, request uint32) error {
	h, err := m.header(t)
	if err != nil {
		return err
	}
	parent, err := m.parent(h)
	if err != nil {
		return err
	}
	if parent == nil {
		return jet.ErrDatabaseCorrupted.Errorf("the database root has no space trees")
	}
	least += 2
	e, err := m.allocExtent(s, parent, least, max(request, least, m.hintsOf(t).next(h.Pages)), false)
	if err != nil {
		return err
	}
	return m.logConvert(s, t, e)
}

// bitsOf is the bitmap of a run of pages of a small tree.
func bitsOf(t *btree.Tree, e ops.Extent) (mask uint32, ok bool) {
	if e.Pages == 0 || e.First() <= t.Root || e.Last > t.Root+mapPages {
		return 0, false
	}
	i := uint32(e.First() - t.Root - 1)
	mask = uint32((uint64(1)<<e.Pages - 1) << i)
	return mask, bits.OnesCount32(mask) == int(e.Pages)
}
