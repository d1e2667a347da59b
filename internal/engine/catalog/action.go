package catalog

import (
	"encoding/binary"

	"esent/internal/engine/btree"
	"esent/internal/engine/space"
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

// WhenSettled has f called when what the session's transaction has done is committed and seen by all; a rollback drops
// it. The session is in a transaction. Errors: ErrVersionStoreOutOfMemory.
func (t *Table) WhenSettled(s *version.Session, f func()) error {
	return t.cat.versioned(s, t, nil, func(*version.Session) error {
		f()
		return nil
	})
}

// entry makes a version entry for an action. Its node is none of a tree, and no other entry's.
func (c *Catalog) entry(s *version.Session, a version.Action) error {
	var k [8]byte
	binary.BigEndian.PutUint64(k[:], c.serial.Add(1))
	_, err := c.db.Kernel.Versions.Create(s, &version.Node{DB: c.db.ID, Key: k[:]}, &version.Change{Oper: version.OperSchema, Action: a})
	return err
}

// destroyLater frees a tree of a table, or with its own tree all of it, when all transactions that run now are over:
// until then others may have versions in it, or be about to make some.
func (c *Catalog) destroyLater(t *Table, tree *btree.Tree) error {
	c.background.Lock()
	defer c.background.Unlock()
	s := c.background.s
	t.pin()
	a := &action{t: t, cleanup: func(s *version.Session) error { return c.destroy(s, t, tree) }}
	made := false
	err := inTrx(s, func() error {
		err := c.entry(s, a)
		made = err == nil
		return err
	})
	if !made {
		t.unpin()
	}
	return err
}

// destroy frees a tree that nobody uses any more, in a transaction of its own. With the table's own tree all others
// are freed.
func (c *Catalog) destroy(s *version.Session, t *Table, tree *btree.Tree) error {
	if t.gone {
		return nil
	}
	if tree == t.Tree {
		t.gone = true
		for _, child := range t.trees() {
			c.db.Forget(child)
			c.opt.Space.SetHints(child, space.Hints{})
		}
	}
	return inTrx(s, func() error { return c.opt.Space.DestroyTree(s, tree) })
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
