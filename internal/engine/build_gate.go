package engine

import (
	"sync"
	"sync/atomic"

	"esent/internal/engine/catalog"
	"esent/internal/jet"
)

// # How an index is built while others use the table
//
// An index is maintained by every update from the moment it is in the table's schema. So nobody may change a record of
// the table between that moment and the end of the build, and what running transactions have changed before must be
// accounted for:
//
//  1. The builder announces the table in the instance's buildGate. Updates and deletes look there first, and wait.
//  2. It looks at every other session: when the session is outside of calls, or waits in step 1, it changes nothing that
//     began before the announcement. If its transaction has changed something it is held until the end of the build: its
//     calls wait (busyGuest). So no transaction that may have changed the table ends meanwhile. All others go on.
//  3. The index is created in the catalog and so in the schema, still empty.
//  4. The records are read as they are committed, but for what the builder's own transaction has changed, and their
//     entries are sorted and added without versions: nobody can use the index before the builder's transaction is
//     committed, and with its rollback the tree is thrown away.
//  5. For each record that a held transaction has changed, its entries are changed in that transaction, as if the index
//     had been there when it changed the record. If it rolls back, they are what they were.
//  6. The held sessions and the waiting updates go on, with the index in the schema, or without it if the build failed.
//
// One index is built at a time in an instance. A builder that waits for its turn counts as one that waits in step 1.

// buildGate keeps updates of tables from running while indexes of them are built.
type buildGate struct {
	// building is the number of builds under way, 0 or 1: what updates look at.
	building atomic.Int32
	turn     sync.Mutex

	mu      sync.Mutex
	table   *catalog.Table
	open    chan struct{} // closed at the end of the build
	waiting map[*Session]struct{}
}

// awaitBuild waits while an index of the cursor's table is being built. Updates call it before they look at the schema.
func (c *Cursor) awaitBuild(s *Session) {
	g := &s.inst.builds
	if g.building.Load() == 0 {
		return
	}
	for g.wait(s, c.table) {
	}
}

// wait waits for the end of a build of the table; false if there is none.
func (g *buildGate) wait(s *Session, t *catalog.Table) bool {
	g.mu.Lock()
	if g.table != t {
		g.mu.Unlock()
		return false
	}
	open := g.open
	g.waiting[s] = struct{}{}
	g.mu.Unlock()
	<-open
	g.mu.Lock()
	delete(g.waiting, s)
	g.mu.Unlock()
	return true
}

// takeTurn waits until the session may build.
func (g *buildGate) takeTurn(s *Session) {
	if g.turn.TryLock() {
		return
	}
	g.setWaiting(s, true)
	g.turn.Lock()
	g.setWaiting(s, false)
}

func (g *buildGate) setWaiting(s *Session, on bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !on {
		delete(g.waiting, s)
		return
	}
	if g.waiting == nil {
		g.waiting = map[*Session]struct{}{}
	}
	g.waiting[s] = struct{}{}
}

func (g *buildGate) isWaiting(s *Session) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	_, waits := g.waiting[s]
	return waits
}

// shut announces the build of an index of the table.
func (g *buildGate) shut(t *catalog.Table) {
	g.mu.Lock()
	g.table, g.open = t, make(chan struct{})
	if g.waiting == nil {
		g.waiting = map[*Session]struct{}{}
	}
	g.mu.Unlock()
	g.building.Store(1)
}

// reopen ends the build.
func (g *buildGate) reopen() {
	g.building.Store(0)
	g.mu.Lock()
	g.table = nil
	close(g.open)
	g.mu.Unlock()
}

// guest is another session during a build.
type guest struct {
	s    *Session
	held bool // by busyGuest, not in the gate
}

// holdOthers waits until no other session is in a call that may change the table, and holds those whose transactions
// have changed something.
func (s *Session) holdOthers() []guest {
	g := &s.inst.builds
	var guests []guest
	for _, o := range s.inst.openSessions() {
		if o == s {
			continue
		}
		held := o.halt()
		for !held && !o.ended.Load() && !g.isWaiting(o) {
			pause()
			held = o.halt()
		}
		switch {
		case !held && o.ended.Load():
		case o.trx.HasChanges():
			guests = append(guests, guest{o, held})
		case held:
			o.resume()
		}
	}
	return guests
}

// letGo lets the held sessions go on.
func letGo(guests []guest) {
	for _, g := range guests {
		if g.held {
			g.s.resume()
		}
	}
}

// busyGuest is set in Window.Busy while another session works on the session's transaction: calls wait.
const busyGuest = 4

// halt keeps the session from beginning a call; false if it is in one.
func (s *Session) halt() bool { return s.window.Busy.CompareAndSwap(0, busyGuest) }

// resume ends halt.
func (s *Session) resume() { s.window.Busy.And(^uint32(busyGuest)) }

// awaitGuest waits while another session works on the session's transaction; false if a thread of the caller's is inside.
func (s *Session) awaitGuest() bool {
	switch b := s.window.Busy.Load(); {
	case b == 0:
		return true
	case b&busyGuest == 0:
		return false
	}
	pause()
	return true
}

// makeIndexes creates indexes and fills them, all or nothing.
func (c *Cursor) makeIndexes(s *Session, plans []*indexPlan, lazy bool) error {
	create := func(guests []guest) func() error {
		return func() error { return c.createPlanned(s, plans, guests) }
	}
	if c.table.CreatedBy(s.trx) {
		return s.ddlLazy(lazy, create(nil)) // nobody else knows the table
	}
	g := &s.inst.builds
	g.takeTurn(s)
	defer g.turn.Unlock()
	g.shut(c.table)
	defer g.reopen()
	guests := s.holdOthers()
	defer letGo(guests)
	return s.ddlLazy(lazy, create(guests))
}

// createPlanned adds indexes to the schema and fills them.
func (c *Cursor) createPlanned(s *Session, plans []*indexPlan, guests []guest) error {
	var fill []*catalog.Index
	for _, p := range plans {
		def := p.catalog()
		ix, err := c.table.CreateIndex(s.trx, &def)
		if err != nil {
			return err
		}
		if !ix.Primary() && p.grbit&jet.BitIndexEmpty == 0 {
			fill = append(fill, ix)
		}
	}
	if len(fill) == 0 {
		return nil
	}
	b, err := newBuilder(c, s, fill, guests)
	if err != nil {
		return err
	}
	err = b.run()
	if e := b.close(); err == nil {
		err = e
	}
	return err
}
