package version

import (
	"sync"
	"sync/atomic"

	"esent/internal/jet"
	"esent/internal/vfs"
)

// done is a finished transaction whose entries wait to be removed.
type done struct {
	trx  *Trx
	rces *RCE // newest first
}

// cleaner removes entries that no snapshot needs any more, oldest transaction first, and does what was
// postponed until then: the removal of deleted nodes, the freeing of dropped trees.
type cleaner struct {
	st   *Store
	task vfs.Task
	run1 sync.Mutex // one clean-up at a time

	mu     sync.Mutex
	queue  []done
	undone []*RCE // inserts that were rolled back: the nodes stay until they are removed here

	// upTo is the number up to which clean-up may remove entries; announced before snapshots are looked at.
	upTo atomic.Uint32

	session *Session
}

func (c *cleaner) init(st *Store, sched vfs.Scheduler) {
	c.st = st
	if sched != nil {
		c.task = sched.NewTask("version clean-up", func() { c.clean() })
	}
}

func (c *cleaner) stop() {
	if c.task != nil {
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

func (c *cleaner) enqueue(t *Trx, rces *RCE) {
	c.mu.Lock()
	c.queue = append(c.queue, done{t, rces})
	c.mu.Unlock()
	c.kick()
}

func (c *cleaner) enqueueUndone(r *RCE) {
	c.mu.Lock()
	c.undone = append(c.undone, r)
	c.mu.Unlock()
	c.kick()
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
		var d done
		if len(c.queue) > 0 && !jet.TrxLess(limit, c.queue[0].trx.committed()) {
			d, c.queue = c.queue[0], c.queue[1:]
		}
		if len(c.queue) == 0 {
			c.queue = nil
		}
		c.mu.Unlock()
		if len(undone) == 0 && d.trx == nil {
			c.st.raiseMarks()
			return first
		}
		for _, r := range undone {
			keep(c.st.pages.Remove(c.session, &r.Node, r.ObjID))
		}
		if d.trx != nil {
			keep(c.settle(d))
		}
	}
}

// settle removes the entries of one transaction, oldest first, and does what they postponed.
func (c *cleaner) settle(d done) error {
	var oldestFirst []*RCE
	for r := d.rces; r != nil; r = r.previous {
		oldestFirst = append(oldestFirst, r)
	}
	var first error
	for i := len(oldestFirst) - 1; i >= 0; i-- {
		r := oldestFirst[i]
		c.st.unlink(r)
		var err error
		switch {
		case r.Action != nil:
			err = r.Action.Cleanup(c.session)
		case r.Oper == OperFlagDelete:
			err = c.st.pages.Remove(c.session, &r.Node, r.ObjID)
		case r.Oper == OperDelta || r.Oper == OperDelta64:
			err = c.st.pages.DeltaSettled(c.session, r)
		}
		if first == nil {
			first = err
		}
	}
	return first
}
