package version

// Changes that belong to an update which a cursor prepares over several calls (long values, spec chapter 01, 11)
// carry its number, so that they can be taken back when the update is given up, whatever else the transaction did
// in between, and be hidden from whoever reads the record as it was before.

// UpdateID numbers the updates of a session; 0 is none.
type UpdateID uint32

// NextUpdate gives the number of a new update.
func (s *Session) NextUpdate() UpdateID {
	s.updates++
	return s.updates
}

// InUpdate makes the session's changes belong to an update from now on, 0 to none, and gives what they belonged
// to before.
func (s *Session) InUpdate(id UpdateID) (before UpdateID) {
	before, s.update = s.update, id
	return before
}

// Hide lets the session read as if an update's changes were not made; 0 ends that.
func (s *Session) Hide(id UpdateID) { s.hidden = id }

// RollbackUpdate takes back the changes of the running transaction that belong to an update. If it fails all of the
// transaction is given up, as by Rollback.
func (s *Session) RollbackUpdate(id UpdateID) error {
	link := &s.rces
	for *link != nil {
		r := *link
		if r.update != id {
			link = &r.previous
			continue
		}
		if err := s.undo(r, true); err != nil {
			return s.giveUp(err)
		}
		*link = r.previous
	}
	return nil
}

// Mark is a point in a session's transaction, for RollbackTo.
type Mark struct {
	newest *RCE
	lock   bool // and it was a lock
}

// Mark gives the present point. It holds as long as the level is open and nothing from before it is taken back.
func (s *Session) Mark() Mark {
	return Mark{s.rces, s.rces != nil && s.rces.Oper == OperWriteLock}
}

// RollbackTo takes back what the session has changed since m. If it fails all of the transaction is given up, as by
// Rollback.
func (s *Session) RollbackTo(m Mark) error {
	for s.rces != m.newest {
		if err := s.undo(s.rces, true); err != nil {
			return s.giveUp(err)
		}
		s.rces = s.rces.previous
	}
	if m.lock && m.newest.Oper != OperWriteLock {
		if err := s.relock(m.newest); err != nil {
			return s.giveUp(err)
		}
	}
	return nil
}

// Withdraw forgets the entries made since m, of a change that has come to nothing: neither its page nor the log has it.
// The page is latched.
func (s *Session) Withdraw(m Mark) {
	st := s.store
	for s.rces != m.newest {
		r := s.rces
		st.undo.remove(r, st.durable())
		st.nullify(r)
		st.unlink(r)
		s.rces = r.previous
	}
	if m.lock && m.newest.Oper != OperWriteLock {
		s.lockAgain(m.newest)
	}
}

// relock takes back the replace that has taken over the entry of a lock, and leaves the lock.
func (s *Session) relock(r *RCE) error {
	if err := s.store.pages.Undo(s, r); err != nil {
		return err
	}
	s.lockAgain(r)
	return nil
}

// lockAgain makes the entry of a replace that is no more on its page the lock that it was.
func (s *Session) lockAgain(r *RCE) {
	st := s.store
	st.undo.remove(r, st.durable())
	r.undo.mu.Lock()
	r.undo.logged, r.undo.end = false, 0
	r.undo.mu.Unlock()
	sh := st.shardOf(r.hash)
	sh.mu.Lock()
	st.bytes.Add(-int64(len(r.Before)))
	s.fill(r, &Change{Oper: OperWriteLock, ObjID: r.ObjID})
	sh.mu.Unlock()
}

// undo takes back the change of an entry and takes the entry out of the store; it stays in the session's list. With
// remove clean-up takes the nodes of inserts away later.
func (s *Session) undo(r *RCE, remove bool) error {
	if r.Oper.changesPage() {
		if err := s.store.pages.Undo(s, r); err != nil {
			return err
		}
	}
	if r.Action != nil {
		if err := r.Action.Rollback(s); err != nil {
			return err
		}
	}
	s.store.nullify(r)
	s.store.unlink(r)
	s.store.undo.remove(r, s.store.durable())
	if remove && r.Oper == OperInsert {
		s.store.cleanup.enqueueUndone(r)
	}
	return nil
}
