package catalog

import (
	"encoding/binary"

	"esent/internal/engine/btree"
	"esent/internal/engine/version"
)

// action is what a version entry of a schema change does at the end of its transaction. It holds a reference to the
// table until then.
type action struct {
	t                 *Table
	rollback, cleanup func(s *version.Session) error
}

func (a *action) Rollback(s *version.Session) error { return a.end(s, a.rollback) }
func (a *action) Cleanup(s *version.Session) error  { return a.end(s, a.cleanup) }

func (a *action) end(s *version.Session, f func(s *version.Session) error) error {
	var err error
	if f != nil {
		err = f(s)
	}
	if a.t != nil {
		a.t.unpin()
	}
	return err
}

// reserve is what a version entry of a schema change is taken to need.
const reserve = 512

// versioned registers what a schema change by session s does when it is rolled back, and when everybody sees it.
func (c *Catalog) versioned(s *version.Session, t *Table, rollback, cleanup func(s *version.Session) error) error {
	if err := s.Reserve(reserve); err != nil {
		return err
	}
	if t != nil {
		t.pin()
	}
	err := c.entry(s, &action{t: t, rollback: rollback, cleanup: cleanup})
	if err != nil && t != nil {
		t.unpin()
	}
	return err
}

// entry makes a version entry for an action. Its node is none of a tree, and no other entry's.
func (c *Catalog) entry(s *version.Session, a version.Action) error {
	var k [8]byte
	binary.BigEndian.PutUint64(k[:], c.serial.Add(1))
	_, err := c.db.Kernel.Versions.Create(s, &version.Node{DB: c.db.ID, Key: k[:]}, &version.Change{Oper: version.OperSchema, Action: a})
	return err
}

// destroyLater frees a tree, of table t or t's own, when all transactions that run now are over: until then others may
// have versions in it, or be about to make some.
func (c *Catalog) destroyLater(t *Table, trees ...*btree.Tree) error {
	c.background.Lock()
	defer c.background.Unlock()
	s := c.background.s
	if err := s.BeginInner(); err != nil {
		return err
	}
	t.pin()
	a := &action{t: t, cleanup: func(s *version.Session) error { return c.destroy(s, t, trees...) }}
	if err := c.entry(s, a); err != nil {
		t.unpin()
		if e := s.Rollback(); e != nil {
			return e
		}
		return err
	}
	_, err := s.Commit()
	return err
}

// destroy frees trees that nobody uses any more, in a transaction of its own. The tree of the table itself comes alone
// or last: with it all others are freed.
func (c *Catalog) destroy(s *version.Session, t *Table, trees ...*btree.Tree) error {
	if t.gone {
		return nil
	}
	if err := s.BeginInner(); err != nil {
		return err
	}
	err := func() error {
		for _, tree := range trees {
			if tree == t.Tree {
				t.gone = true
			}
			if err := c.opt.Space.DestroyTree(s, tree); err != nil {
				return err
			}
		}
		return nil
	}()
	if err != nil {
		if e := s.Rollback(); e != nil {
			return e
		}
		return err
	}
	_, err = s.Commit()
	return err
}

// trees lists all trees of a table but its own.
func (t *Table) trees() []*btree.Tree {
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []*btree.Tree
	for _, d := range t.m.indexes {
		if d.tree != t.Tree {
			list = append(list, d.tree)
		}
	}
	if v := t.lv.Load(); v != nil {
		list = append(list, v.Tree)
	}
	return list
}

// destroyTable frees a table with all that is in it.
func (c *Catalog) destroyTable(s *version.Session, t *Table) error {
	for _, tree := range t.trees() {
		c.db.Forget(tree)
		c.opt.Space.SetHints(tree, (&SpaceHints{}).ofSpace(c.db.PageSize))
	}
	return c.destroy(s, t, t.Tree)
}

// pin adds a reference that is no cursor's.
func (t *Table) pin() {
	t.cat.mu.Lock()
	t.refs++
	t.pins++
	t.cat.mu.Unlock()
}

func (t *Table) unpin() {
	t.cat.mu.Lock()
	t.pins--
	t.cat.mu.Unlock()
	t.Release()
}

// Pins is how many of the table's references are those of schema changes whose versions are not cleaned up yet.
func (t *Table) Pins() int {
	t.cat.mu.Lock()
	defer t.cat.mu.Unlock()
	return t.pins
}
