package engine

import (
	"esent/internal/engine/dbfile"
	"esent/internal/jet"
)

// catalogHandle stands for the catalog until the package exists.
type catalogHandle struct{}

func (d *Database) openCatalog(s *Session) error { return nil }
func (d *Database) closeCatalog()                {}

func (c *creation) createRoots() error {
	s := c.s.trx
	if err := s.BeginInner(); err != nil {
		return err
	}
	if _, err := c.d.space.CreateRoot(s, c.pages); err != nil {
		return err
	}
	_, err := s.Commit()
	return err
}

func (c *creation) createTables() error {
	c.d.file.UpdateHeader(func(h *dbfile.Header) { h.ObjIDLast = max(h.ObjIDLast, jet.ObjID(1)) })
	return nil
}
