package btree

import (
	"esent/internal/engine/page"
	"esent/internal/jet"
)

// Preread asks for the leaf that a key leads to to be read in the background. It reads the internal pages on the way
// itself. It may ask for the wrong leaf, or for none, when the tree changes at the same time.
func (t *Tree) Preread(key []byte) error {
	f, v, err := t.getRoot()
	for depth := 0; err == nil && depth < maxDepth; depth++ {
		p := f.Page()
		if p.Has(page.FlagLeaf) {
			return nil
		}
		above := p.Has(page.FlagParentOfLeaf)
		child := p.Child(p.SearchInternal(key, nil))
		if !f.Valid(v) || child == jet.PgnoNull {
			return nil
		}
		if above {
			t.cache.Prefetch(t.db, child)
			return nil
		}
		f, v, err = t.cache.Get(t.db, child)
	}
	return err
}
