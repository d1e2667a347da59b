package catalog

import (
	"bytes"

	"esent/internal/engine/btree"
	"esent/internal/engine/record"
	"esent/internal/engine/version"
)

// Rewrite decodes and encodes each row of the catalog, or of its shadow, and calls f with both forms; fixed columns that
// are NULL hold the fill.
func (c *Catalog) Rewrite(s *version.Session, shadow bool, f func(was, is []byte)) error {
	tree := c.main
	if shadow {
		tree = c.shadow
	}
	rc := c.cursor(tree)
	defer rc.release()
	var b record.Buffer
	b.Reset(c.layout)
	m, err := rc.bt.Seek(s, []byte{0}, nil, btree.GE)
	for ; m != btree.None && err == nil; err = rc.bt.Next(s) {
		r, err := rc.row(s)
		if err != nil {
			return err
		}
		is, err := r.encode(&b)
		if err != nil {
			return err
		}
		f(bytes.Clone(rc.data), is)
	}
	return nil
}
