package lv

import (
	"esent/internal/engine/btree"
	"esent/internal/engine/version"
	"esent/internal/jet"
)

// Import copies a value of another table into this one, chunk by chunk as they are stored, and gives its number here.
// The copy has one reference; refs are those of the original, size is in bytes. Nothing is versioned: the session alone uses this table.
// Both tables cut values alike.
func (v *Values) Import(c *Cursor, s *version.Session, src *Values, from uint64) (lid uint64, refs uint32, size int, err error) {
	if src.Chunk != v.Chunk {
		return 0, 0, 0, jet.ErrInternalError.Errorf("chunks of %d bytes for a table with chunks of %d", src.Chunk, v.Chunk)
	}
	c.init(v)
	c.other.Init(src.Tree)
	defer c.other.Reset()
	r, err := src.findRoot(c, &c.other, s, from)
	if err != nil {
		return 0, 0, 0, err
	}
	if lid, err = v.newLID(); err != nil {
		return 0, 0, 0, err
	}
	refs, r.refs = r.refs, 1
	if err := c.bt.Insert(s, appendRootKey(c.key[:0], lid), r.append(c.data[:0]), btree.Unversioned); err != nil {
		return 0, 0, 0, err
	}
	for at := 0; at < r.size; at += v.Chunk {
		if err := src.nextChunk(c, &c.other, s, from, at); err != nil {
			return 0, 0, 0, err
		}
		d, err := src.rawChunk(c, s, min(v.Chunk, r.size-at))
		if err != nil {
			return 0, 0, 0, err
		}
		if err := c.bt.Insert(s, appendChunkKey(c.key[:0], lid, at), d, btree.Unversioned); err != nil {
			return 0, 0, 0, err
		}
	}
	return lid, refs, r.size, nil
}

// AddImported counts n more references to a value, unversioned as Import is.
func (v *Values) AddImported(c *Cursor, s *version.Session, lid uint64, n uint32) error {
	c.init(v)
	if _, err := v.findRoot(c, &c.bt, s, lid); err != nil {
		return err
	}
	_, err := c.bt.Delta(s, rootRefs, int64(n), false, btree.Unversioned)
	return err
}
