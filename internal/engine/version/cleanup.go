package version

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"esent/internal/jet"
	"esent/internal/vfs"
)

// done is a finished transaction whose entries wait to be removed.
type done struct {
	trx   *Trx
	rces  *RCE // newest first
	since dbTimes
}

const (
	// settledTogether is how many transactions clean-up takes at a time.
	settledTogether = 64
	// removedTogether is how many nodes it removes in one transaction of its own.
	removedTogether = 64
	// worthCleaning is the size of new entries for which clean-up starts by itself, as the original's does when a
	// bucket of its store is full, and cleanPeriod bounds how long fewer wait. Until then deleted nodes and dropped trees keep their places: callers
	// see that in counts of places and in what is refused while versions are left.
	worthCleaning = 32 << 10
	cleanPeriod   = 10 * time.Second
)

// cleaner removes entries that no snapshot needs any more, oldest transaction first, and does what was
// postponed until then: the removal of deleted nodes, the freeing of dropped trees.
type cleaner struct {
	st        *Store
	task      vfs.Task
	stopTimer func()
	run1      sync.Mutex // one clean-up at a time

	mu     sync.Mutex
	left   int64 // size of all entries when clean-up was last asked for or ended
	queue  []done
	undone []*RCE // inserts that were rolled back: the nodes stay until they are removed here

	// These belong to who cleans up.
	settled  int // transactions since the marks were raised
	batch    []done
	order    []*RCE // oldest first
	removals int    // in the open transaction

	// upTo is the number up to which clean-up may remove entries; announced before snapshots are looked at.
	upTo atomic.Uint32

	session *Session
}

func (c *cleaner) init(st *Store, sched vfs.Scheduler) {
	c.st = st
	if sched != nil {
		c.task = sched.NewTask("version clean-up", func() { c.clean() })
		c.stopTimer = sched.Every(cleanPeriod, c.task)
	}
}

func (c *cleaner) stop() {
	if c.task != nil {
		c.stopTimer()
		c.task.Stop()
	}
}

func (c *cleaner) kick() {
	if c.task != nil {
		c.task.Kick()
	}
}

func (c *cleaner) wait() {
	if c.task != nil {
		c.task.Wait()
	} else {
		c.clean()
	}
}

func (c *cleaner) enqueue(d done) {
	c.mu.Lock()
	c.queue = append(c.queue, d)
	worth := c.worth()
	c.mu.Unlock()
	if worth {
		c.kick()
	}
}

// lowerTo makes times no higher than those of the transactions in the queue.
func (c *cleaner) lowerTo(times *dbTimes) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.queue {
		times.lower(&c.queue[i].since)
	}
}

func (c *cleaner) enqueueUndone(r *RCE) {
	c.mu.Lock()
	c.undone = append(c.undone, r)
	worth := c.worth()
	c.mu.Unlock()
	if worth {
		c.kick()
	}
}

// worth says that enough entries have come for clean-up to be asked for; c.mu is held.
func (c *cleaner) worth() bool {
	size := c.st.bytes.Load()
	c.left = min(c.left, size)
	if size-c.left < worthCleaning {
		return false
	}
	c.left = size
	return true
}

// oldest gives the number up to which every transaction is seen by all sessions.
func (c *cleaner) oldest() jet.Trx {
	limit := jet.Trx(c.st.trx.Load())
	c.upTo.Store(uint32(limit))
	for _, s := range *c.st.sessions.slots.Load() {
		if s != nil {
			if b, open := s.snapshot(); open && jet.TrxLess(b, limit) {
				limit = b
			}
		}
	}
	c.upTo.Store(uint32(limit))
	return limit
}

// Clean removes all entries that can be removed now, and returns the first error of the postponed work;
// what failed is left as it is, which only costs space.
func (st *Store) Clean() error { return st.cleanup.clean() }

func (c *cleaner) clean() error {
	if c.st.redo.Load() || c.st.pages == nil {
		return nil
	}
	c.run1.Lock()
	defer c.run1.Unlock()
	if c.session == nil {
		c.session = c.st.NewSystemSession()
	}
	limit := c.oldest()
	var first error
	keep := func(err error) {
		if first == nil {
			first = err
		}
	}
	for {
		c.mu.Lock()
		undone := c.undone
		c.undone = nil
		n := 0
		for n < min(len(c.queue), settledTogether) && !jet.TrxLess(limit, c.queue[n].trx.committed()) {
			n++
		}
		c.batch = append(c.batch[:0], c.queue[:n]...)
		clear(c.queue[:n])
		if c.queue = c.queue[n:]; len(c.queue) == 0 {
			c.queue = nil
		}
		left := len(c.queue)
		c.left = c.st.bytes.Load()
		c.mu.Unlock()
		c.settled += n
		if len(undone) == 0 && n == 0 {
			// Looking at a long queue must be worth it.
			if c.settled > left/8 {
				c.settled = 0
				c.st.raiseMarks()
			}
			return first
		}
		for _, r := range undone {
			keep(c.remove(r))
		}
		keep(c.endRemovals())
		if n > 0 {
			keep(c.settle(c.batch))
		}
	}
}

// settle removes the entries of transactions, oldest first, and then does what they postponed: by then all nodes of
// a page that can go can go at once.
func (c *cleaner) settle(batch []done) error {
	order := c.order[:0]
	for i := range batch {
		from := len(order)
		for r := batch[i].rces; r != nil; r = r.previous {
			order = append(order, r)
		}
		slices.Reverse(order[from:])
	}
	durable := c.st.durable()
	for _, r := range order {
		c.st.detach(r)
		c.st.undo.remove(r, durable)
	}
	var first error
	keep := func(err error) {
		if first == nil {
			first = err
		}
	}
	for _, r := range order {
		switch {
		case r.Action != nil:
			keep(c.endRemovals())
			keep(r.Action.Cleanup(c.session))
		case r.Oper == OperFlagDelete:
			keep(c.remove(r))
		case r.Oper == OperDelta || r.Oper == OperDelta64:
			keep(c.endRemovals())
			keep(c.st.pages.DeltaSettled(c.session, r))
		}
	}
	keep(c.endRemovals())
	c.st.count.Add(-int64(len(order)))
	const kept = 1 << 16
	if clear(order); cap(order) <= kept {
		c.order = order
	}
	clear(batch)
	return first
}

// remove has the node of an entry removed, in a transaction with others.
func (c *cleaner) remove(r *RCE) error {
	if c.removals == 0 {
		if err := c.session.BeginInner(); err != nil {
			return err
		}
	}
	c.removals++
	if err := c.st.pages.Remove(c.session, &r.Node, r.ObjID); err != nil {
		// What was removed stays so: the changes have no versions.
		c.removals = 0
		if e := c.session.Rollback(); e != nil {
			return e
		}
		return err
	}
	if c.removals == removedTogether {
		return c.endRemovals()
	}
	return nil
}

func (c *cleaner) endRemovals() error {
	if c.removals == 0 {
		return nil
	}
	c.removals = 0
	_, err := c.session.Commit()
	return err
}
