package catalog

import (
	"esent/internal/engine/version"
	"esent/internal/jet"
)

// Table finds a table by its name in any case, as the session sees it, and references it: Release must follow.
// ErrObjectNotFound: there is none. ErrTableLocked: another transaction has dropped it, and the session still sees it.
func (c *Catalog) Table(s *version.Session, name string) (*Table, error) {
	k, err := appendRootKey(nil, name)
	if err != nil {
		return nil, err
	}
	const tries = 3
	for try := 1; ; try++ {
		row, found, err := c.lookUp(s, c.roots, k)
		if err != nil {
			return nil, err
		}
		if !found {
			return nil, jet.ErrObjectNotFound
		}
		id, typ, _, err := parseRowKey(row[:])
		if err != nil {
			return nil, err
		}
		if typ != RowTable {
			return nil, jet.ErrCatalogCorrupted.Errorf("%q leads to a row of type %d", name, typ)
		}
		t, err := c.hold(id, false)
		if err == jet.ErrObjectNotFound && s.Level() == 0 && try < tries {
			continue // dropped since
		}
		if err != nil {
			return nil, err
		}
		if t.died.Load() != nil {
			t.Release()
			return nil, jet.ErrTableLocked
		}
		return t, nil
	}
}

// TableByID references the table with an object id. It looks at what is committed, and at tables that are being made.
func (c *Catalog) TableByID(id jet.ObjID) (*Table, error) { return c.hold(id, false) }

// hold gives the descriptor of a table with one reference more. nested says that the caller is loading another one.
func (c *Catalog) hold(id jet.ObjID, nested bool) (*Table, error) {
	if t := c.cached(id); t != nil {
		return t, nil
	}
	if !nested {
		c.loading.Lock()
		defer c.loading.Unlock()
		if t := c.cached(id); t != nil {
			return t, nil
		}
	}
	t, err := c.load(id)
	if err != nil {
		return nil, err
	}
	c.add(t)
	return t, nil
}

func (c *Catalog) cached(id jet.ObjID) *Table {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.tables[id]
	if t != nil {
		if t.refs == 0 {
			c.idle--
		}
		t.refs++
	}
	return t
}

// add makes a descriptor known, with one reference.
func (c *Catalog) add(t *Table) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t.refs = 1
	c.tables[t.ObjID] = t
}

// Retain adds a reference.
func (t *Table) Retain() {
	t.cat.mu.Lock()
	t.refs++
	t.cat.mu.Unlock()
}

// Release gives a reference back.
func (t *Table) Release() {
	c := t.cat
	var gone []*Table
	c.mu.Lock()
	if t.refs--; t.refs == 0 {
		if c.tables[t.ObjID] == t {
			c.clock++
			t.used = c.clock
			c.idle++
			gone = c.evict()
		} else {
			gone = []*Table{t}
		}
	}
	c.mu.Unlock()
	for _, t := range gone {
		t.unreferenced()
	}
}

// References is how many references the table has: cursors, and versions of changes to its schema.
func (t *Table) References() int {
	t.cat.mu.Lock()
	defer t.cat.mu.Unlock()
	return t.refs
}

// evict takes out the descriptors that were unused longest, if there are too many; c.mu is held.
func (c *Catalog) evict() (gone []*Table) {
	for c.idle > c.opt.Closed {
		var oldest *Table
		for _, t := range c.tables {
			if t.refs == 0 && (oldest == nil || t.used < oldest.used) {
				oldest = t
			}
		}
		delete(c.tables, oldest.ObjID)
		c.idle--
		gone = append(gone, oldest)
	}
	return gone
}

// forget takes a table out for good. Its references stay valid.
func (c *Catalog) forget(t *Table) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tables[t.ObjID] == t {
		delete(c.tables, t.ObjID)
		if t.refs == 0 {
			c.idle--
		}
	}
}

// open lists the descriptors that are in memory.
func (c *Catalog) open() []*Table {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := make([]*Table, 0, len(c.tables))
	for _, t := range c.tables {
		list = append(list, t)
	}
	return list
}
