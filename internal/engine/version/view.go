package version

import "esent/internal/jet"

// View is what a session sees of a node.
type View struct {
	Visible bool
	// Image is the data to read instead of the page's; nil means that the page's data counts.
	Image []byte
	// Own says that the newest change is the session's own and not committed.
	Own bool
}

// View tells what session s sees of a node that the page shows with the given flag-deleted bit (spec
// chapter 05, 18.2). The caller validates the page's version afterwards.
func (st *Store) View(s *Session, n *Node, deleted bool) View {
	sh, h := st.locate(n)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	_, r := sh.find(h, n)
	v := View{Visible: !deleted}
	if r == nil {
		return v
	}
	snapshot := st.viewOf(s)
	own := false
	for first := true; r != nil; r = r.older {
		if r.nullified {
			continue
		}
		if r.Trx == s.trx {
			if s.hidden == 0 || r.update != s.hidden {
				own = first
				break
			}
		} else if c := r.Trx.committed(); c != jet.TrxMax && !jet.TrxLess(snapshot, c) {
			break
		}
		first = false
		// The change is not for this session: step back over it.
		switch r.Oper {
		case OperInsert:
			v.Visible, v.Image = false, nil
		case OperFlagDelete:
			v.Visible, v.Image = true, r.Before
		case OperReplace:
			v.Image = r.Before
		}
	}
	v.Own = own
	return v
}

// viewOf is the value up to which commits are visible to s in one look at a node. Without a transaction it is the
// present one: what commits during the look must not be seen by half. The node's shard is locked, so the entries that
// clean-up has taken from it are of commits below.
func (st *Store) viewOf(s *Session) jet.Trx {
	if snapshot, bounded := s.snapshot(); bounded {
		return snapshot
	}
	return jet.Trx(st.trx.Load())
}

// ForeignDelta is the sum of the escrow changes at an offset of the node's data that session s must not
// see: it reads the page's number minus this one.
func (st *Store) ForeignDelta(s *Session, n *Node, offset uint16) int64 {
	sh, h := st.locate(n)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	_, r := sh.find(h, n)
	snapshot := st.viewOf(s)
	var sum int64
	for ; r != nil; r = r.older {
		if r.nullified || r.Trx == s.trx {
			continue
		}
		c := r.Trx.committed()
		if c != jet.TrxMax && !jet.TrxLess(snapshot, c) {
			continue
		}
		switch {
		case r.Oper == OperReplace:
			sum = 0 // the reader's number comes from the image before: later changes are not in it
		case r.Offset == offset && (r.Oper == OperDelta || r.Oper == OperDelta64):
			sum += r.Delta
		}
	}
	return sum
}
