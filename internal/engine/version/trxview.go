package version

import "esent/internal/jet"

// Sees says whether the session sees what transaction t did: its own, what was committed before its snapshot
// and, outside a transaction, all that is committed. A nil t stands for the distant past.
func (s *Session) Sees(t *Trx) bool {
	if t == nil || t == s.trx {
		return true
	}
	c := t.committed()
	if c == jet.TrxMax {
		return false
	}
	b, bounded := s.snapshot()
	return !bounded || !jet.TrxLess(b, c)
}

// Owns says whether t is the session's running transaction.
func (s *Session) Owns(t *Trx) bool { return t != nil && t == s.trx }

// Committed says whether the transaction is committed.
func (t *Trx) Committed() bool { return t.committed() != jet.TrxMax }
