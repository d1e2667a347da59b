package simtest

import (
	"fmt"

	"esent/internal/engine"
	"esent/internal/jet"
)

// session is a session with what the model knows of it.
type session struct {
	w     *world
	n     int
	s     *engine.Session
	trx   *trx // nil outside of transactions
	level int
	// now counts the levels that were ever opened, began is its value when each open level was.
	now   uint64
	began [8]uint64
	curs  []*cursor
	// last is the number of the session's last commit that the log has.
	last int
}

// view is what the session sees.
func (s *session) view() view {
	if s.trx == nil {
		return s.w.m.now()
	}
	return view{s.trx, s.trx.begin}
}

// inside says whether what happened at a count did so in the open level.
func (s *session) inside(level int, n uint64) bool { return n >= s.began[level] }

func (s *session) readOnly() bool { return s.trx != nil && s.trx.readOnly }

func (s *session) begin() {
	w := s.w
	var grbit jet.Grbit
	if w.rng.IntN(12) == 0 {
		grbit = jet.BitTransactionReadOnly
	}
	want := jet.Err(0)
	if s.level == 7 {
		want = jet.ErrTransTooDeep
	}
	w.run(call{what: fmt.Sprintf("begin %d, readonly %v", s.level+1, grbit != 0), ses: s, want: []jet.Err{want},
		do: func() error { return s.s.BeginTransaction(0, grbit) },
		effect: func() {
			s.level++
			s.now++
			s.began[s.level] = s.now
			if s.level == 1 {
				s.trx = w.m.begin()
				s.trx.readOnly = grbit != 0
			}
		}})
}

func (s *session) commit() {
	w := s.w
	var grbit jet.Grbit
	if w.rng.IntN(2) == 0 {
		grbit = jet.BitCommitLazyFlush
	}
	if s.level == 0 {
		w.run(call{what: "commit outside", ses: s, want: []jet.Err{jet.ErrNotInTransaction},
			do: func() error { return s.s.CommitTransaction(0, grbit, 0, nil) }})
		return
	}
	t := s.trx
	if w.run(call{what: fmt.Sprintf("commit %d, lazy %v, of snapshot %d", s.level, grbit != 0, t.begin), ses: s, want: []jet.Err{0},
		do: func() error { return s.s.CommitTransaction(0, grbit, 0, nil) },
		effect: func() {
			w.m.commitLevel(t, s.level)
			if s.level--; s.level == 0 {
				s.trx = nil
				if t.logged && t.commit != 0 {
					s.last = t.commit
				}
			}
		}}) && s.level == 0 && grbit == 0 && t.logged && t.commit != 0 {
		w.m.durable = t.commit
	}
}

// flush waits for commits.
func (s *session) flush() {
	w := s.w
	last := s.last
	switch w.rng.IntN(3) {
	case 0:
		if w.run(call{what: "wait for last commit", ses: s, want: []jet.Err{0},
			do: func() error { return s.s.CommitTransaction(0, jet.BitWaitLastLevel0Commit, 0, nil) }}) {
			w.m.durable = max(w.m.durable, last)
		}
	case 1:
		if w.run(call{what: "wait for all commits", ses: s, want: []jet.Err{0},
			do: func() error { return s.s.CommitTransaction(0, jet.BitWaitAllLevel0Commit, 0, nil) }}) {
			w.m.durable = w.m.commits
		}
	case 2:
		if w.run(call{what: "force new log", ses: s, want: []jet.Err{0},
			do: func() error { return s.s.CommitTransaction(0, jet.BitForceNewLog, 0, nil) }}) {
			w.m.durable = w.m.commits
		}
	}
}

func (s *session) rollback(all bool) {
	w := s.w
	var grbit jet.Grbit
	if all {
		grbit = jet.BitRollbackAll
	}
	if s.level == 0 {
		w.run(call{what: "rollback outside", ses: s, want: []jet.Err{jet.ErrNotInTransaction},
			do: func() error { return s.s.Rollback(0, grbit) }})
		return
	}
	w.run(call{what: fmt.Sprintf("rollback %d, all %v", s.level, all), ses: s, want: []jet.Err{0},
		do: func() error { return s.s.Rollback(0, grbit) },
		effect: func() {
			for {
				s.rolledBack()
				if !all || s.level == 0 {
					return
				}
			}
		}})
}

// rolledBack is what the rollback of the open level does.
func (s *session) rolledBack() {
	level := s.level
	s.w.m.rollbackLevel(s.trx, level)
	var left []*cursor
	for _, c := range s.curs {
		if s.inside(level, c.opened) {
			continue
		}
		if c.x != nil && s.inside(level, c.indexed) {
			c.x, c.at = nil, before
		}
		if s.inside(level, c.moved) {
			c.at = before
		}
		left = append(left, c)
	}
	s.curs = left
	if s.level--; s.level == 0 {
		s.trx = nil
	}
}

// running gives the transactions that are open.
func (w *world) running() []*trx {
	var list []*trx
	for _, s := range w.ses {
		if s.trx != nil {
			list = append(list, s.trx)
		}
	}
	return list
}

// open opens a cursor on some table.
func (s *session) open() *cursor {
	w := s.w
	if len(w.m.tables) == 0 {
		return nil
	}
	t := w.m.tables[w.rng.IntN(len(w.m.tables))]
	v := s.view()
	want := []jet.Err{0}
	switch {
	case !v.sees(t.born), t.died != nil && v.sees(t.died):
		want = []jet.Err{jet.ErrObjectNotFound}
	case t.died != nil:
		want = []jet.Err{jet.ErrTableLocked}
		if t.died.commit != 0 {
			want = append(want, jet.ErrObjectNotFound)
		}
	}
	c := &cursor{s: s, t: t, opened: s.now, moved: 0}
	if !w.run(call{what: "open " + t.name, ses: s, want: want,
		do: func() (err error) {
			c.c, err = s.s.OpenTable(0, w.dbs[t.db], t.name, jet.BitTableUpdatable)
			return err
		},
		effect: func() { s.curs = append(s.curs, c) }}) {
		return nil
	}
	return c
}

// close closes a cursor.
func (c *cursor) close() {
	s := c.s
	s.w.run(call{what: "close " + c.t.name, ses: s, want: []jet.Err{0},
		do:     func() error { return c.c.Close(s.s, 0) },
		effect: func() { s.forget(c) }})
}

func (s *session) forget(c *cursor) {
	for i, o := range s.curs {
		if o == c {
			s.curs = append(s.curs[:i:i], s.curs[i+1:]...)
			return
		}
	}
}
