package engine

import (
	"esent/internal/engine/btree"
	"esent/internal/engine/btree/ops"
	"esent/internal/engine/space"
	"esent/internal/jet"
)

// TableInfo is what JetGetTableInfo tells on the levels that ask about the table itself (spec chapter 01, 13.4).
type TableInfo struct {
	Object ObjectInfo // JET_TblInfo
	Name   string     // JET_TblInfoName
	// Template is the name of the template table, "" for none (JET_TblInfoTemplateTableName).
	Template string
	Database uint32 // JET_TblInfoDbid
	// Pages and Density are what the table was created with (JET_TblInfoSpaceAlloc).
	Pages, Density uint32
	LVChunkMax     uint32    // JET_TblInfoLVChunkMax
	ObjectID       jet.ObjID // JET_TblInfoObjectId
}

// Sizes of the results of JetGetTableInfo, in bytes.
const sizeTemplateName = jet.CbNameMost + 1

// TableInfoSize is the least size of the buffer of JetGetTableInfo on a level, in bytes; for JET_TblInfoName the name
// decides. On a temporary table only JET_TblInfo is known, and a buffer that is too small is ErrInvalidParameter.
// ErrFeatureNotAvailable: no such level.
func (c *Cursor) TableInfoSize(level uint32) (int, error) {
	if c.temporary() && level != jet.TblInfo {
		return 0, jet.ErrInvalidOperation
	}
	switch level {
	case jet.TblInfo:
		return sizeObjectInfo, nil
	case jet.TblInfoEncryptionKey, jet.TblInfoRetrieveAndReserveAutoIncrement:
		return 0, nil // no cursor has a key; the other judges the size by itself
	case jet.TblInfoName:
		return 1, nil
	case jet.TblInfoTemplateTableName:
		return sizeTemplateName, nil
	case jet.TblInfoSpaceAlloc, jet.TblInfoSpaceUsage:
		return 8, nil
	case jet.TblInfoDbid, jet.TblInfoSpaceOwned, jet.TblInfoSpaceAvailable, jet.TblInfoSpaceOwnedLV, jet.TblInfoSpaceAvailableLV,
		jet.TblInfoLVChunkMax, jet.TblInfoObjectId:
		return 4, nil
	}
	return 0, jet.ErrFeatureNotAvailable
}

// TableInfo tells of the table (JetGetTableInfo). On a temporary table that is a sort, Object.Records is the number of
// its records, and nothing else counts.
func (c *Cursor) TableInfo(s *Session) (info TableInfo, err error) {
	if err := c.enterLent(s); err != nil {
		return info, err
	}
	defer s.leave()
	if c.temp != nil {
		if err := c.refuse(tempTableInfo); err != nil {
			return info, err
		}
		if c.temp.state == tempSorted {
			info.Object.Records = uint32(min(c.temp.rows, 1<<32-1))
		}
		return info, nil
	}
	t := c.table
	info = TableInfo{Name: t.Name(), Database: c.db.number, Pages: max(1, t.Pages), Density: uint32(t.Density), LVChunkMax: uint32(t.ChunkSize),
		ObjectID: t.ObjID}
	if t.Template != nil {
		info.Template = t.Template.Name()
	}
	if ix := t.Schema().Primary; ix != nil {
		info.Density = uint32(ix.Density)
	}
	info.Object = ObjectInfo{Grbit: jet.BitTableInfoBookmark | jet.BitTableInfoRollback, Flags: uint32(t.Flags)}
	if c.mode&modeUpdatable != 0 {
		info.Object.Grbit |= jet.BitTableInfoUpdatable
	}
	err = s.reading(func() error {
		st, err := c.stats(s, nil)
		info.Object.Records, info.Object.Pages = st.Entries, st.Pages
		return err
	})
	return info, err
}

// reading runs f in a transaction, so that it sees one state of things.
func (s *Session) reading(f func() error) error {
	inner, err := s.beginRead()
	if err != nil {
		return err
	}
	err = f()
	if inner {
		err = s.endRead(err)
	}
	return err
}

// SpaceInfo are the pages of a table or index (spec chapter 03, 12).
type SpaceInfo struct {
	Owned, Available uint32
	// OwnedExtents and AvailableExtents are the extents of the table's own tree (JET_TblInfoSpaceUsage).
	OwnedExtents, AvailableExtents []Extent
}

// Extent is a run of pages.
type Extent struct {
	Last  jet.Pgno
	Pages uint32
}

// TableSpace tells of the space of a table's own tree, long values and indexes included in what it owns
// (JET_TblInfoSpaceUsage, JET_TblInfoSpaceOwned).
func (c *Cursor) TableSpace(s *Session) (info SpaceInfo, err error) {
	err = c.space(s, func(m *space.Manager) error {
		owned, err := m.Owned(s.trx, c.table.Tree)
		if err != nil {
			return err
		}
		free, err := m.Available(s.trx, c.table.Tree)
		if err != nil {
			return err
		}
		info = SpaceInfo{Owned: space.Pages(owned), Available: space.Pages(free), OwnedExtents: extents(owned), AvailableExtents: extents(free)}
		return nil
	})
	return info, err
}

// TableAvailable is the number of free pages in all trees of the table (JET_TblInfoSpaceAvailable).
func (c *Cursor) TableAvailable(s *Session) (n uint32, err error) {
	err = c.space(s, func(m *space.Manager) error {
		trees := []*btree.Tree{c.table.Tree}
		for _, ix := range c.schema().Indexes {
			trees = append(trees, ix.Tree)
		}
		if v := c.table.Values(); v != nil {
			trees = append(trees, v.Tree)
		}
		for _, t := range trees {
			free, err := m.Available(s.trx, t)
			if err != nil {
				return err
			}
			n += space.Pages(free)
		}
		return nil
	})
	return n, err
}

// LongValueSpace tells of the space of the table's long values, all zero if there are none (JET_TblInfoSpaceOwnedLV,
// JET_TblInfoSpaceAvailableLV).
func (c *Cursor) LongValueSpace(s *Session) (info SpaceInfo, err error) {
	err = c.space(s, func(m *space.Manager) error {
		v := c.table.Values()
		if v == nil {
			return nil
		}
		info, err = treeSpace(s, m, v.Tree)
		return err
	})
	return info, err
}

// IndexSpace tells of the space of an index (JET_IdxInfoSpaceOwned, JET_IdxInfoSpaceAvailable). ErrIndexNotFound.
func (c *Cursor) IndexSpace(s *Session, name string) (info SpaceInfo, err error) {
	err = c.space(s, func(m *space.Manager) error {
		info, err = c.indexSpace(s, m, name)
		return err
	})
	return info, err
}

// IndexSpace tells of the space of an index of a table (JetGetIndexInfo).
func (s *Session) IndexSpace(t Thread, db uint32, table, name string) (info SpaceInfo, err error) {
	err = s.withTable(t, db, table, func(c *Cursor) error {
		info, err = c.indexSpace(s, c.db.space, name)
		return err
	})
	return info, err
}

func (c *Cursor) indexSpace(s *Session, m *space.Manager, name string) (SpaceInfo, error) {
	ix, err := c.indexNamed(s, name)
	if err != nil {
		return SpaceInfo{}, err
	}
	return treeSpace(s, m, ix.Tree)
}

// space runs a question about space.
func (c *Cursor) space(s *Session, f func(m *space.Manager) error) error {
	if err := c.enterLent(s); err != nil {
		return err
	}
	defer s.leave()
	if c.temporary() {
		return jet.ErrIllegalOperation
	}
	return f(c.db.space)
}

func treeSpace(s *Session, m *space.Manager, t *btree.Tree) (SpaceInfo, error) {
	owned, err := m.Owned(s.trx, t)
	if err != nil {
		return SpaceInfo{}, err
	}
	free, err := m.Available(s.trx, t)
	return SpaceInfo{Owned: space.Pages(owned), Available: space.Pages(free)}, err
}

func extents(list []ops.Extent) []Extent {
	out := make([]Extent, len(list))
	for i, e := range list {
		out[i] = Extent{Last: e.Last, Pages: e.Pages}
	}
	return out
}
