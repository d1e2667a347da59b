package engine

import (
	"esent/internal/engine/catalog"
	"esent/internal/engine/dbfile"
	"esent/internal/jet"
)

// catalogOptions say how the database's catalog is used.
func (d *Database) catalogOptions() catalog.Options {
	h, i := d.file.Header(), d.inst
	o := catalog.Options{Version: h.Version, ShadowOff: h.DBFlags&dbfile.DBFlagShadowingOff != 0, Now: i.env.Now,
		Closed: int(i.number(jet.ParamCachedClosedTables))}
	if !d.readOnly {
		o.Space = d.space
	}
	return o
}

// openCatalog opens the catalog of an attached database.
func (d *Database) openCatalog() (err error) {
	d.cat, err = catalog.Open(d.tree, d.catalogOptions())
	return err
}

// closeCatalog gives the catalog up; it may be repeated.
func (d *Database) closeCatalog() {
	if d.cat != nil {
		d.cat.Close()
		d.cat = nil
	}
}

// createRoots makes the database root and the catalog (step 6 of a creation).
func (c *creation) createRoots() error {
	s, d := c.s.trx, c.d
	if err := s.BeginInner(); err != nil {
		return err
	}
	if _, err := d.space.CreateRoot(s, c.pages); err != nil {
		return err
	}
	if _, err := s.Commit(); err != nil {
		return err
	}
	var err error
	d.cat, err = catalog.CreateSystem(s, d.tree, d.catalogOptions())
	return err
}

// finishTables makes the system tables beside the catalog that the database lacks: at the end of its creation, and at
// the attach of one that an old engine made (spec chapter 02, 13.1, step 9, and 13.3, step 6). The header then says
// that sort versions are kept in MSysLocales.
func (d *Database) finishTables(s *Session) error {
	if err := d.cat.FinishSystem(s.trx); err != nil {
		return err
	}
	if h := d.file.Header(); h.SortVersion == dbfile.QwSortVersionInTable {
		return nil
	}
	d.file.UpdateHeader(func(h *dbfile.Header) { h.SortVersion = dbfile.QwSortVersionInTable })
	return d.file.WriteHeader()
}
