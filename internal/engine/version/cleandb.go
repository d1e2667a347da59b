package version

import "esent/internal/jet"

// CleanDatabase removes the entries of finished transactions that concern one database, whatever snapshots there
// are, and does what was postponed until then. Nobody has the database open: no snapshot can ask for them.
func (st *Store) CleanDatabase(id jet.DBID) error {
	c := &st.cleanup
	if st.redo.Load() || st.pages == nil {
		return nil
	}
	c.run1.Lock()
	defer c.run1.Unlock()
	if c.session == nil {
		c.session = st.NewSystemSession()
	}
	c.mu.Lock()
	var undone []*RCE
	c.undone, undone = splitByDatabase(c.undone, id)
	var settled []done
	for k := range c.queue {
		d := &c.queue[k]
		var rest, taken *RCE
		rest, taken = splitList(d.rces, id)
		if taken != nil {
			settled = append(settled, done{d.trx, taken, d.since})
			d.rces = rest
		}
	}
	c.mu.Unlock()
	var first error
	for _, r := range undone {
		if err := c.remove(r); first == nil {
			first = err
		}
	}
	if err := c.endRemovals(); first == nil {
		first = err
	}
	if err := c.settle(settled); first == nil {
		first = err
	}
	return first
}

// splitByDatabase parts the entries of a database from the others, order kept.
func splitByDatabase(list []*RCE, id jet.DBID) (rest, taken []*RCE) {
	for _, r := range list {
		if r.DB == id {
			taken = append(taken, r)
		} else {
			rest = append(rest, r)
		}
	}
	return rest, taken
}

// splitList is splitByDatabase for a transaction's chain of entries, newest first.
func splitList(r *RCE, id jet.DBID) (rest, taken *RCE) {
	restEnd, takenEnd := &rest, &taken
	for r != nil {
		next := r.previous
		r.previous = nil
		if r.DB == id {
			*takenEnd = r
			takenEnd = &r.previous
		} else {
			*restEnd = r
			restEnd = &r.previous
		}
		r = next
	}
	return rest, taken
}
