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

// RollbackUpdate takes back the changes of the running transaction that belong to an update. If it fails the
// transaction can no more be undone.
func (s *Session) RollbackUpdate(id UpdateID) error {
	link := &s.rces
	for *link != nil {
		r := *link
		if r.update != id {
			link = &r.previous
			continue
		}
		if err := s.undo(r, true); err != nil {
			return err
		}
		*link = r.previous
	}
	return nil
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
