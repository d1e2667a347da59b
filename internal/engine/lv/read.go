package lv

import (
	"bytes"

	"esent/internal/engine/btree"
	"esent/internal/engine/compress"
	"esent/internal/engine/version"
	"esent/internal/jet"
)

// Read copies bytes of a value from offset on to dst, as many as there are and dst holds, and gives their number
// and the size of the whole value. Session s is in a transaction, or the value may change on the way.
func (v *Values) Read(c *Cursor, s *version.Session, lid uint64, offset int, dst []byte) (n, size int, err error) {
	c.init(v)
	r, err := v.findRoot(c, &c.bt, s, lid)
	if err != nil {
		return 0, 0, err
	}
	if offset < 0 || offset >= r.size || len(dst) == 0 {
		return 0, r.size, nil
	}
	if r.flags&flagEncrypt != 0 {
		return 0, r.size, jet.ErrColumnNoEncryptionKey
	}
	dst = dst[:min(len(dst), r.size-offset)]
	n, err = v.readChunks(c, &c.bt, s, lid, r.size, offset, dst)
	return n, r.size, err
}

// readChunks fills dst from offset on; it lies within the value of that size. The cursor is on the root, or
// anywhere if the offset is not in the first chunk.
func (v *Values) readChunks(c *Cursor, bt *btree.Cursor, s *version.Session, lid uint64, size, offset int, dst []byte) (n int, err error) {
	at := offset - offset%v.Chunk
	if err := v.firstChunk(c, bt, s, lid, at); err != nil {
		return 0, err
	}
	for {
		expected := min(v.Chunk, size-at)
		skip := offset + n - at
		part := dst[n:min(len(dst), n+expected-skip)]
		if err := v.chunk(c, bt, s, expected, skip, part); err != nil {
			return n, err
		}
		n += len(part)
		at += expected
		if n == len(dst) {
			return n, nil
		}
		if err := v.nextChunk(c, bt, s, lid, at); err != nil {
			return n, err
		}
	}
}

// firstChunk goes to the chunk at an offset; for the first one the cursor is on the root.
func (v *Values) firstChunk(c *Cursor, bt *btree.Cursor, s *version.Session, lid uint64, at int) error {
	if at == 0 && bt.OnNode() {
		return v.nextChunk(c, bt, s, lid, 0)
	}
	m, err := bt.Seek(s, appendChunkKey(c.key[:0], lid, at), nil, btree.EQ)
	if err == nil && m != btree.Equal {
		err = errNoChunk
	}
	return err
}

// nextChunk moves to the next node, which must be the chunk at an offset.
func (v *Values) nextChunk(c *Cursor, bt *btree.Cursor, s *version.Session, lid uint64, at int) error {
	if err := bt.Next(s); err != nil {
		if err == jet.ErrNoCurrentRecord {
			return errNoChunk
		}
		return err
	}
	if !bytes.Equal(bt.Key(), appendChunkKey(c.key[:0], lid, at)) {
		return errNoChunk
	}
	return nil
}

// chunk copies the plain bytes from skip on of the chunk that the cursor is on to dst. expected is its plain size: a
// shorter node is compressed (spec chapter 03, 18.3).
func (v *Values) chunk(c *Cursor, bt *btree.Cursor, s *version.Session, expected, skip int, dst []byte) error {
	for {
		d, err := bt.Data(s)
		if err != nil {
			return err
		}
		if len(d) == expected {
			copy(dst, d[skip:])
			if bt.Valid() {
				return nil
			}
			continue
		}
		if len(d) > expected {
			if !bt.Valid() {
				continue
			}
			return errChunk
		}
		c.pack = append(c.pack[:0], d...)
		if !bt.Valid() {
			continue
		}
		n, plain, err := compress.DecompressAt(dst, c.pack, skip)
		if err != nil {
			return err
		}
		if plain != expected || n != len(dst) {
			return errChunk
		}
		return nil
	}
}

// Preread asks for the first page of a value to be read in the background.
func (v *Values) Preread(lid uint64) error {
	return v.Tree.Preread(appendRootKey(nil, lid))
}
