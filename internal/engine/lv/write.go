package lv

import (
	"esent/internal/engine/compress"
	"esent/internal/engine/version"
	"esent/internal/jet"
)

// Options say how chunks are stored.
type Options struct {
	// Compress has chunks compressed where that pays.
	Compress bool
	// MinForXpress is JET_paramMinDataForXpress; 0 is the default.
	MinForXpress int
}

// Create makes a new value of size bytes with one reference, which begins with data and is filled with zeros. data is
// only read. Errors: ErrColumnTooBig, ErrOutOfLongValueIDs, and those of the tree.
func (v *Values) Create(c *Cursor, s *version.Session, data []byte, size int, o Options) (lid uint64, err error) {
	if size < len(data) || size > SizeMax {
		return 0, jet.ErrColumnTooBig
	}
	c.init(v)
	if lid, err = v.newLID(); err != nil {
		return 0, err
	}
	r := root{refs: 1, size: size}
	// The first chunk is inserted before the root, so that a split for it takes both to the new page.
	if size > 0 {
		if err := v.insertChunk(c, s, lid, size, 0, data, o); err != nil {
			return 0, err
		}
	}
	if err := v.insertRoot(c, s, lid, r); err != nil {
		return 0, err
	}
	for at := v.Chunk; at < size; at += v.Chunk {
		if err := v.insertChunk(c, s, lid, size, at, data, o); err != nil {
			return 0, err
		}
	}
	return lid, nil
}

func (v *Values) insertRoot(c *Cursor, s *version.Session, lid uint64, r root) error {
	return c.bt.Insert(s, appendRootKey(c.key[:0], lid), r.append(c.data[:0]), 0)
}

// insertChunk adds the chunk at an offset of a value that begins with data and has zeros behind.
func (v *Values) insertChunk(c *Cursor, s *version.Session, lid uint64, size, at int, data []byte, o Options) error {
	n := min(v.Chunk, size-at)
	var plain []byte
	if at+n <= len(data) {
		plain = data[at : at+n]
	} else {
		plain = c.scratch(n)
		k := 0
		if at < len(data) {
			k = copy(plain, data[at:])
		}
		clear(plain[k:])
	}
	return c.bt.Insert(s, appendChunkKey(c.key[:0], lid, at), c.stored(plain, o), 0)
}

// scratch gives n bytes of any content.
func (c *Cursor) scratch(n int) []byte {
	if cap(c.plain) < n {
		c.plain = make([]byte, n)
	}
	return c.plain[:n]
}

// stored gives the form in which a chunk is stored: compressed only if that is shorter, since its length is all that
// tells.
func (c *Cursor) stored(plain []byte, o Options) []byte {
	if !o.Compress {
		return plain
	}
	if cap(c.pack) < len(plain) {
		c.pack = make([]byte, 0, len(plain))
	}
	packed, ok := compress.Compress(c.pack, plain, compress.Options{MinForXpress: o.MinForXpress})
	if !ok {
		return plain
	}
	return packed
}

// Append adds data to the end of a value. Like all changes it gives the number that the record must refer to
// afterwards, another one when the value had to be copied first.
func (v *Values) Append(c *Cursor, s *version.Session, lid uint64, data []byte, o Options) (uint64, error) {
	return v.change(c, s, lid, edit{append: true, data: data}, o)
}

// Overwrite puts data in the place of the bytes from offset on; the value grows if it ends before. ErrColumnNoChunk
// says that offset is behind the end.
func (v *Values) Overwrite(c *Cursor, s *version.Session, lid uint64, offset int, data []byte, o Options) (uint64, error) {
	return v.change(c, s, lid, edit{offset: offset, data: data}, o)
}

// OverwriteAndCut is Overwrite, after which the value ends behind data.
func (v *Values) OverwriteAndCut(c *Cursor, s *version.Session, lid uint64, offset int, data []byte, o Options) (uint64, error) {
	return v.change(c, s, lid, edit{offset: offset, data: data, resize: true, size: offset + len(data)}, o)
}

// Resize makes a value size bytes long: it is cut, or zeros are added.
func (v *Values) Resize(c *Cursor, s *version.Session, lid uint64, size int, o Options) (uint64, error) {
	return v.change(c, s, lid, edit{resize: true, size: size}, o)
}

// edit says how the bytes of a value change.
type edit struct {
	append bool // data goes to the end
	offset int
	data   []byte
	resize bool // to size
	size   int
}

// resolve completes the edit of a value of that size: offset and size are set afterwards.
func (e *edit) resolve(size int) error {
	if e.append {
		e.offset = size
	}
	if len(e.data) > 0 && (e.offset < 0 || e.offset > size) {
		return jet.ErrColumnNoChunk
	}
	if !e.resize {
		e.size = max(size, e.offset+len(e.data))
		if len(e.data) == 0 {
			e.size = size
		}
	}
	if e.size < 0 || e.size > SizeMax {
		return jet.ErrColumnTooBig
	}
	return nil
}

// change edits a value, or a copy of it when others have to do with it.
func (v *Values) change(c *Cursor, s *version.Session, lid uint64, e edit, o Options) (uint64, error) {
	c.init(v)
	r, err := v.findRoot(c, &c.bt, s, lid)
	if err != nil {
		return 0, err
	}
	if r.flags&flagEncrypt != 0 {
		return 0, jet.ErrColumnNoEncryptionKey
	}
	if err := e.resolve(r.size); err != nil {
		return 0, err
	}
	locked, err := v.lockRoot(c, s, r, e.size)
	if err != nil {
		return 0, err
	}
	if !locked {
		// The old value loses its reference last, so that an error leaves it as it was.
		from := lid
		if lid, err = v.copy(c, s, from, r.size); err != nil {
			return 0, err
		}
		if err := v.Release(c, s, from); err != nil {
			return 0, err
		}
		if r, err = v.findRoot(c, &c.bt, s, lid); err != nil {
			return 0, err
		}
		if locked, err = v.lockRoot(c, s, r, e.size); err != nil || !locked {
			return 0, errOr(err, jet.ErrWriteConflict)
		}
	}
	return lid, v.apply(c, s, lid, r.size, e, o)
}

func errOr(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// lockRoot makes the session the only one who changes the value that the cursor is on the root of, and gives it its
// new size. locked is false when a copy is to be changed instead: others refer to the value, or may do so soon.
func (v *Values) lockRoot(c *Cursor, s *version.Session, r root, size int) (locked bool, err error) {
	if v.refsSeen(c, s, r) > 1 {
		return false, nil
	}
	if size == r.size {
		err = c.bt.Lock(s, version.OperWriteLock)
	} else {
		r.size = size
		err = c.bt.Replace(s, r.append(c.data[:0]), 0)
	}
	if jet.CodeOf(err) == jet.ErrWriteConflict {
		return false, nil
	}
	return err == nil, err
}

// copy makes a new value of the same bytes with one reference.
func (v *Values) copy(c *Cursor, s *version.Session, from uint64, size int) (lid uint64, err error) {
	if lid, err = v.newLID(); err != nil {
		return 0, err
	}
	c.other.Init(v.Tree)
	if _, err := v.findRoot(c, &c.other, s, from); err != nil {
		return 0, err
	}
	for at := 0; at < size; at += v.Chunk {
		if err := v.nextChunk(c, &c.other, s, from, at); err != nil {
			return 0, err
		}
		d, err := v.rawChunk(c, s, min(v.Chunk, size-at))
		if err != nil {
			return 0, err
		}
		if err := c.bt.Insert(s, appendChunkKey(c.key[:0], lid, at), d, 0); err != nil {
			return 0, err
		}
		if at == 0 {
			if err := v.insertRoot(c, s, lid, root{refs: 1, size: size}); err != nil {
				return 0, err
			}
		}
	}
	if size == 0 {
		err = v.insertRoot(c, s, lid, root{refs: 1})
	}
	c.other.Reset()
	return lid, err
}

// rawChunk copies the chunk that the second cursor is on, as it is stored.
func (v *Values) rawChunk(c *Cursor, s *version.Session, expected int) ([]byte, error) {
	for {
		d, err := c.other.Data(s)
		if err != nil {
			return nil, err
		}
		long := len(d) > expected
		n := copy(c.scratch(v.Chunk), d)
		if c.other.Valid() {
			if long {
				return nil, errChunk
			}
			return c.plain[:n], nil
		}
	}
}

// apply changes the chunks of a value whose root is locked and has its new size already; size is the one before.
func (v *Values) apply(c *Cursor, s *version.Session, lid uint64, size int, e edit, o Options) error {
	// Chunks that are there and whose bytes or length change: from the first to before the last.
	first, last := e.offset, e.offset+len(e.data)
	if len(e.data) == 0 {
		first, last = e.size, e.size
	}
	if e.size > size {
		first, last = min(first, size), e.size
	}
	if e.size < size {
		first, last = min(first, e.size), max(last, e.size)
		if e.size%v.Chunk != 0 {
			last = max(last, e.size+1)
		}
	}
	first -= first % v.Chunk
	for at := first; at < last && at < e.size; at += v.Chunk {
		if err := v.rewrite(c, s, lid, size, at, e, o); err != nil {
			return err
		}
	}
	for at := roundUp(e.size, v.Chunk); at < size; at += v.Chunk {
		if err := v.firstChunk(c, &c.bt, s, lid, at); err != nil {
			return err
		}
		if err := c.bt.FlagDelete(s, 0); err != nil {
			return err
		}
	}
	return nil
}

func roundUp(n, unit int) int { return (n + unit - 1) / unit * unit }

// rewrite replaces or inserts the chunk at an offset.
func (v *Values) rewrite(c *Cursor, s *version.Session, lid uint64, size, at int, e edit, o Options) error {
	n := min(v.Chunk, e.size-at)
	exists := at < size
	if exists {
		c.bt.Reset()
		if err := v.firstChunk(c, &c.bt, s, lid, at); err != nil {
			return err
		}
	}
	end := e.offset + len(e.data)
	var plain []byte
	if at >= e.offset && at+n <= end {
		plain = e.data[at-e.offset : at-e.offset+n]
	} else {
		plain = c.scratch(n)
		old := 0
		if exists {
			old = min(v.Chunk, size-at)
			if old > n { // the chunk is cut
				if err := v.chunk(c, &c.bt, s, old, 0, plain); err != nil {
					return err
				}
			} else if err := v.chunk(c, &c.bt, s, old, 0, plain[:old]); err != nil {
				return err
			}
		}
		clear(plain[min(old, n):])
		if from, to := max(at, e.offset), min(at+n, end); from < to {
			copy(plain[from-at:to-at], e.data[from-e.offset:])
		}
	}
	if exists {
		return c.bt.Replace(s, c.stored(plain, o), 0)
	}
	return c.bt.Insert(s, appendChunkKey(c.key[:0], lid, at), c.stored(plain, o), 0)
}

// AddRef adds a reference to a value: another record refers to it. ErrWriteConflict says that another session
// is changing it.
func (v *Values) AddRef(c *Cursor, s *version.Session, lid uint64) error {
	return v.deltaRefs(c, s, lid, 1)
}

// Release takes a reference away. When none is left, and everybody sees that, the value is removed by version
// clean-up (Settled).
func (v *Values) Release(c *Cursor, s *version.Session, lid uint64) error {
	return v.deltaRefs(c, s, lid, -1)
}

func (v *Values) deltaRefs(c *Cursor, s *version.Session, lid uint64, n int64) error {
	c.init(v)
	if _, err := v.findRoot(c, &c.bt, s, lid); err != nil {
		return err
	}
	_, err := c.bt.Delta(s, rootRefs, n, false, 0)
	return err
}
