package version

import "esent/internal/jet"

// Reserved is how many bytes of its page the rollback of uncommitted replaces may need for the node beyond
// size, the present length of its data (spec chapters 02, 7.4 and 03, 1.4).
func (st *Store) Reserved(n *Node, size int) int {
	sh, h := st.locate(n)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	most := size
	for _, r := sh.find(h, n); r != nil; r = r.older {
		if !r.nullified && r.Oper == OperReplace && r.Trx.committed() == jet.TrxMax {
			most = max(most, len(r.Before))
		}
	}
	return most - size
}
