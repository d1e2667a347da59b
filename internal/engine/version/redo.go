package version

import (
	"slices"

	"esent/internal/jet"
)

// RedoSession is a session whose transaction recovery follows through the log. Nothing is logged, and its
// entries serve nothing but the rollback of what the log does not finish.
//
// Entries come in the order of their records, but for those of UndoInfo records, which stand in the log
// anywhere behind the change. They are kept apart, by level, until the order counts.
type RedoSession struct {
	*Session
	late [levels][]*RCE
}

// levels is one more than the deepest level that a log record can name.
const levels = 31

// RedoSession gives the session with the number as recovery needs it.
func (st *Store) RedoSession(proc jet.ProcID) *RedoSession {
	return &RedoSession{Session: st.SessionAt(proc)}
}

// RedoBegin opens the levels of a Begin record at pos; the outermost brings the transaction's number.
// ErrLogCorrupted says that the record does not fit the session.
func (s *RedoSession) RedoBegin(from, count uint8, trx jet.Trx, pos jet.LogPos) error {
	if s.level > from || int(from)+int(count) >= levels || from > 0 && s.level == 0 {
		return jet.ErrLogCorrupted.Errorf("session %d begins from level %d, it is at %d", s.Proc, from, s.level)
	}
	if s.level == 0 {
		s.trx = newTrx()
		s.trx.Begin0 = trx
		s.store.RaiseTrx(trx)
		s.publish()
		s.start.Store(uint64(pos))
	}
	s.level = from + count
	s.logged = s.level
	return nil
}

// RedoRefresh gives the running transaction another number (old logs only).
func (s *RedoSession) RedoRefresh(trx jet.Trx) {
	if s.trx != nil {
		s.trx.Begin0 = trx
	}
}

// RedoCommit ends levels down to level to, which is 1 or more.
func (s *RedoSession) RedoCommit(to uint8) error {
	if s.level < to || to == 0 {
		return jet.ErrLogCorrupted.Errorf("session %d commits to level %d, it is at %d", s.Proc, to, s.level)
	}
	s.setLevel(to)
	for r := s.rces; r != nil && r.Level > to; r = r.previous {
		r.Level = to
	}
	for l := int(to) + 1; l < levels; l++ {
		for _, r := range s.late[l] {
			r.Level = to
		}
		s.late[to] = append(s.late[to], s.late[l]...)
		s.late[l] = nil
	}
	return nil
}

func (s *RedoSession) setLevel(l uint8) { s.level, s.logged = l, l }

// RedoCommit0 ends the transaction under its number. Its entries go at once: nobody reads during redo.
func (s *RedoSession) RedoCommit0(trx jet.Trx) {
	s.store.RaiseTrx(trx)
	if s.trx == nil {
		return
	}
	s.trx.state.Store(uint32(trx))
	s.drop(0)
	s.finish()
}

// RedoRollback ends the innermost count levels. Their changes were taken back by Undo records.
func (s *RedoSession) RedoRollback(count uint8) {
	if count >= s.level {
		count = s.level
	}
	if s.level == 0 {
		return
	}
	s.drop(s.level - count)
	s.setLevel(s.level - count)
	if s.level == 0 {
		s.finish()
	}
}

// drop takes the entries of all levels above one out of the store.
func (s *RedoSession) drop(above uint8) {
	for s.rces != nil && s.rces.Level > above {
		s.RedoUndone(s.rces)
		s.rces = s.rces.previous
	}
	for l := int(above) + 1; l < levels; l++ {
		for _, r := range s.late[l] {
			s.RedoUndone(r)
		}
		s.late[l] = nil
	}
}

// RedoEntry adds an entry that the log tells of, with the record's id and level. late says that the record
// stands behind the change that it is about, which may have been followed by others.
func (s *RedoSession) RedoEntry(n *Node, id uint32, level uint8, c *Change, late bool) *RCE {
	newest := s.rces
	r := s.store.Restore(s.Session, n, id, c)
	r.Level = min(level, s.level)
	if late {
		s.rces = newest
		s.late[r.Level] = append(s.late[r.Level], r)
	}
	return r
}

// RedoFind gives the session's entry of a node with that id, nil if there is none.
func (s *RedoSession) RedoFind(n *Node, id uint32) *RCE {
	sh, h := s.store.locate(n)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	_, r := sh.find(h, n)
	for ; r != nil; r = r.older {
		if r.ID == id && r.session == s.Session {
			return r
		}
	}
	return nil
}

// RedoUndone takes an entry out of the store whose change an Undo record has taken back.
func (s *RedoSession) RedoUndone(r *RCE) {
	if !r.nullified {
		s.store.nullify(r)
		s.store.unlink(r)
		s.store.undo.remove(r, jet.LogPosMax)
	}
}

// RollbackAll undoes and closes all levels, the innermost first. Redo mode is over: undo is logged. Unlike
// Rollback it leaves the nodes of undone inserts in their trees, flag-deleted (spec chapter 05, 18.4).
func (s *RedoSession) RollbackAll() error {
	s.order()
	for s.level > 0 {
		if err := s.rollback(false); err != nil {
			return err
		}
	}
	return nil
}

// order makes the list of entries complete, newest first.
func (s *RedoSession) order() {
	var all []*RCE
	for r := s.rces; r != nil; r = r.previous {
		all = append(all, r)
	}
	for l := range s.late {
		all = append(all, s.late[l]...)
		s.late[l] = nil
	}
	slices.SortStableFunc(all, func(a, b *RCE) int { return int(int32(b.ID - a.ID)) })
	s.rces = nil
	for i := len(all) - 1; i >= 0; i-- {
		if r := all[i]; !r.nullified {
			s.push(r)
		}
	}
}

// RedoForget drops the transaction and its entries: recovery failed or stops before undo.
func (s *RedoSession) RedoForget() {
	if s.trx != nil {
		s.drop(0)
		s.finish()
	}
}

// redoPending says that a page holds an uncommitted change whose before image is not in the log. While the
// log is being redone everything that is in it is durable.
func (st *Store) redoPending(k pageKey) bool {
	s, b := st.undo.bucket(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	for r := b.first; r != nil; r = r.undo.next {
		if r.undo.page == k && r.Trx.committed() == jet.TrxMax && !r.imageLogged() {
			return true
		}
	}
	return false
}

// imageLogged says that the log holds the entry's before image.
func (r *RCE) imageLogged() bool {
	r.undo.mu.Lock()
	defer r.undo.mu.Unlock()
	return r.undo.logged
}

// RedoEnded forgets which pages hold changes of transactions that are all over by now, and gives back the room
// for session numbers that only the log has used. Its sessions were ended before.
func (st *Store) RedoEnded() {
	st.undo.reset()
	t := &st.sessions
	t.mu.Lock()
	defer t.mu.Unlock()
	slots := *t.slots.Load()
	n := len(slots)
	for n > 0 && slots[n-1] == nil {
		n--
	}
	slots = slices.Clone(slots[:n])
	t.slots.Store(&slots)
}
