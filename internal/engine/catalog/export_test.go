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

// WithoutTime gives a catalog record in which the time of its tree is taken out.
func WithoutTime(pageSize int, rec []byte) (string, error) {
	s, err := rowSchema(pageSize)
	if err != nil {
		return "", err
	}
	r, err := decodeRow(s, rec)
	if err != nil {
		return "", err
	}
	r.LastSetTime = 0
	var b record.Buffer
	b.Reset(s)
	is, err := r.encode(&b)
	return string(is), err
}
