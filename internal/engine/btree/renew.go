package btree

import "esent/internal/jet"

// Renew forgets what is known of trees with these roots, whose pages become roots of new trees: somebody may have looked
// for a destroyed tree after it was forgotten, and have found it on pages that were free, but not used again yet.
func (db *DB) Renew(roots ...jet.Pgno) {
	db.mu.Lock()
	defer db.mu.Unlock()
	for _, r := range roots {
		delete(db.trees, r)
	}
}
