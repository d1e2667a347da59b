package space

import (
	"esent/internal/engine/btree"
	"esent/internal/engine/btree/ops"
	"esent/internal/engine/version"
	"esent/internal/jet"
)

// ShrinkTo takes extents that are wholly free off the end of the database, one by one, as long as it keeps page least,
// and gives the number of pages that went. For each, cut makes last the last page of the file. The first extent stays.
// The session is in a transaction (spec chapter 03, 10.6).
func (m *Manager) ShrinkTo(s *version.Session, least jet.Pgno, cut func(last jet.Pgno) error) (pages uint32, err error) {
	root, err := m.root()
	if err != nil {
		return 0, err
	}
	root.SpaceLock().Lock()
	defer root.SpaceLock().Unlock()
	h, err := m.header(root)
	if err != nil {
		return 0, err
	}
	for {
		n, err := m.shrinkOnce(s, root, h, least, cut)
		if n == 0 || err != nil {
			return pages, err
		}
		pages += n
	}
}

// shrinkOnce takes the last extent off; 0 when that cannot be. A crash after the first of its records loses the extent
// for the database, and no more.
func (m *Manager) shrinkOnce(s *version.Session, root *btree.Tree, h ops.SpaceHeader, least jet.Pgno, cut func(last jet.Pgno) error) (uint32, error) {
	oe, ae := m.spaceTrees(root, h)
	o := m.cursor(oe)
	defer m.release(o)
	if err := o.Last(s); err != nil {
		return 0, err
	}
	owned, _, err := at(s, o)
	if err != nil {
		return 0, err
	}
	first := owned.First()
	if first <= jet.PgnoSystemRoot || first-1 < least {
		return 0, nil
	}
	free, err := m.freeWithin(s, ae, owned)
	if err != nil || free == nil {
		return 0, err
	}
	c := m.cursor(ae)
	defer m.release(c)
	for _, e := range free {
		if err := m.remove(s, c, e); err != nil {
			return 0, err
		}
	}
	if err := m.remove(s, o, owned); err != nil {
		return 0, err
	}
	if m.bigFrom >= first {
		m.bigFrom = 0
	}
	return owned.Pages, cut(first - 1)
}

// freeWithin lists the available extents that an owned one consists of, nil when not all of it is available.
func (m *Manager) freeWithin(s *version.Session, ae *btree.Tree, owned ops.Extent) ([]ops.Extent, error) {
	c := m.cursor(ae)
	defer m.release(c)
	var list []ops.Extent
	next := owned.First()
	e, found, err := seek(s, c, next)
	for ; found && err == nil && next <= owned.Last; e, found, err = nextGeneral(s, c) {
		if e.Pages == 0 || e.First() != next || e.Last > owned.Last {
			return nil, nil
		}
		list = append(list, e)
		next = e.Last + 1
	}
	if err != nil || next <= owned.Last {
		return nil, err
	}
	return list, nil
}
