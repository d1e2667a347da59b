package space

import (
	"esent/internal/engine/btree"
	"esent/internal/engine/btree/ops"
	"esent/internal/engine/version"
	"esent/internal/jet"
	"esent/internal/logstore"
)

// The space of the database root, whose parent is the file. Its SpaceLock is held where nothing else is said.

// root is the database root.
func (m *Manager) root() (*btree.Tree, error) { return m.db.Tree(jet.PgnoSystemRoot) }

// LastOwned is the last page that the database owns; the file is at least so long. It needs no lock.
func (m *Manager) LastOwned(s *version.Session) (jet.Pgno, error) {
	root, err := m.root()
	if err != nil {
		return 0, err
	}
	h, err := m.header(root)
	if err != nil {
		return 0, err
	}
	oe, _ := m.spaceTrees(root, h)
	c := m.cursor(oe)
	defer m.release(c)
	if err := c.Last(s); err != nil {
		return 0, err
	}
	e, _, err := at(s, c)
	return e.Last, err
}

// extendFile makes the file longer by n pages, which the caller adds to what the root owns. The record follows when
// the space is had: a record in advance, as spec chapter 02, 1.1 has it, could not be redone while the disk is full.
// Between the two the file only has pages that nobody owns.
func (m *Manager) extendFile(s *version.Session, n uint32) (ops.Extent, error) {
	last, err := m.LastOwned(s)
	if err != nil {
		return ops.Extent{}, err
	}
	if uint64(last)+uint64(n) > uint64(jet.PgnoSysMax) || m.cfg.MaxPages != 0 && uint64(last)+uint64(n) > uint64(m.cfg.MaxPages) {
		return ops.Extent{}, jet.ErrOutOfDatabaseSpace
	}
	e := ops.Extent{Last: last + jet.Pgno(n), Pages: n}
	if err := m.cfg.File.Grow(e.Last); err != nil || !m.db.Logged {
		return e, err
	}
	r := logstore.ExtendDB{DB: m.db.ID, Last: e.Last}
	s.Buf = r.Append(s.Buf[:0])
	_, _, err = s.Log(s.Buf)
	return e, err
}

// growDatabase adds pages to the database: request or more, in whole extensions, or when the file cannot grow so
// much, at least least (spec chapter 03, 11.3).
func (m *Manager) growDatabase(s *version.Session, root *btree.Tree, h ops.SpaceHeader, least, request uint32) error {
	// The size is that for the file as it is now, before the split buffers make it longer.
	last, err := m.LastOwned(s)
	if err != nil {
		return err
	}
	size := max(request, m.cfg.Extension)
	if h.Flags&ops.SpaceV2 == 0 {
		size = max(size, h.Pages/primaryShare)
	} else {
		size = max(size, h.Pages)
	}
	size = m.aligned(last, size, least)
	if err := m.refill(s, root, h); err != nil {
		return err
	}
	e, err := m.extendFile(s, size)
	if err != nil && least < size {
		e, err = m.extendFile(s, least)
	}
	if err != nil {
		return err
	}
	return m.own(s, root, h, e, 0)
}

// aligned rounds a growth so that the file, with its two header pages, is a whole number of extensions long.
func (m *Manager) aligned(last jet.Pgno, size, least uint32) uint32 {
	unit := m.cfg.Extension
	size = (size + unit - 1) / unit * unit
	over := (uint32(last) + size + 2) % unit
	if over == 0 {
		return size
	}
	if size-over >= least && size > over {
		return size - over
	}
	return size + unit - over
}

// GrowTo adds extents of one extension each until the database owns the page last (JetResizeDatabase).
func (m *Manager) GrowTo(s *version.Session, last jet.Pgno) error {
	root, err := m.root()
	if err != nil {
		return err
	}
	root.SpaceLock().Lock()
	defer root.SpaceLock().Unlock()
	for {
		have, err := m.LastOwned(s)
		if err != nil || have >= last {
			return err
		}
		h, err := m.header(root)
		if err != nil {
			return err
		}
		if err := m.refill(s, root, h); err != nil {
			return err
		}
		e, err := m.extendFile(s, m.cfg.Extension)
		if err != nil {
			return err
		}
		if err := m.own(s, root, h, e, 0); err != nil {
			return err
		}
	}
}
