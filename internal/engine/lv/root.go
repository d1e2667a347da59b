package lv

import (
	"encoding/binary"

	"esent/internal/engine/btree"
	"esent/internal/engine/version"
	"esent/internal/jet"
)

// Layout of a root's data (spec chapter 03, 18.3).
const (
	rootSize     = 8
	root2Size    = 9
	rootRefs     = 0 // u32
	rootBytes    = 4 // u32
	rootFlags    = 8 // u8, in the longer form
	flagEncrypt  = 0x01
	refsDeleting = 0xFFFFFFFF // a value that is half deleted
)

// root is the data of a root node.
type root struct {
	refs  uint32
	size  int
	flags uint8
	long  bool
}

func parseRoot(b []byte) (r root, err error) {
	if len(b) != rootSize && len(b) != root2Size {
		return r, errRoot
	}
	r.refs = binary.LittleEndian.Uint32(b[rootRefs:])
	size := binary.LittleEndian.Uint32(b[rootBytes:])
	if size > SizeMax {
		return r, errRoot
	}
	r.size = int(size)
	if len(b) == root2Size {
		r.long, r.flags = true, b[rootFlags]
	}
	return r, nil
}

func (r *root) append(b []byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, r.refs)
	b = binary.LittleEndian.AppendUint32(b, uint32(r.size))
	if r.long {
		b = append(b, r.flags)
	}
	return b
}

var (
	errRoot    = jet.ErrLVCorrupted.Errorf("malformed root of a long value")
	errNoRoot  = jet.ErrLVCorrupted.Errorf("long value without root")
	errNoChunk = jet.ErrLVCorrupted.Errorf("long value lacks a chunk")
	errChunk   = jet.ErrLVCorrupted.Errorf("chunk of a long value has the wrong size")
)

// Cursor holds a place in a tree of long values and scratch space. It is a value to embed; the zero Cursor is
// usable. One goroutine uses it at a time.
type Cursor struct {
	bt    btree.Cursor
	other btree.Cursor // the source of a copy
	key   [maxKey]byte
	data  [root2Size]byte
	plain []byte // one chunk
	pack  []byte // one chunk, compressed
}

// Reset gives up the place.
func (c *Cursor) Reset() {
	c.bt.Reset()
	c.other.Reset()
}

func (c *Cursor) init(v *Values) {
	if c.bt.Tree() != v.Tree {
		c.bt.Init(v.Tree)
	}
}

// findRoot goes to the root of a value.
func (v *Values) findRoot(c *Cursor, bt *btree.Cursor, s *version.Session, lid uint64) (root, error) {
	m, err := bt.Seek(s, appendRootKey(c.key[:0], lid), nil, btree.EQ)
	if err != nil {
		return root{}, err
	}
	if m != btree.Equal {
		return root{}, errNoRoot
	}
	r, err := readRoot(c, bt, s)
	if err == nil && r.refs == refsDeleting {
		err = errNoRoot
	}
	return r, err
}

// readRoot reads the root that the cursor is on.
func readRoot(c *Cursor, bt *btree.Cursor, s *version.Session) (root, error) {
	for {
		d, err := bt.Data(s)
		if err != nil {
			return root{}, err
		}
		n := copy(c.data[:], d)
		long := len(d) > root2Size
		if !bt.Valid() {
			continue
		}
		if long {
			return root{}, errRoot
		}
		return parseRoot(c.data[:n])
	}
}

// Size gives the size of a value in bytes and its reference count, as the session sees them.
func (v *Values) Size(c *Cursor, s *version.Session, lid uint64) (size int, refs uint32, err error) {
	c.init(v)
	r, err := v.findRoot(c, &c.bt, s, lid)
	if err != nil {
		return 0, 0, err
	}
	return r.size, v.refsSeen(c, s, r), nil
}

// refsSeen is the reference count without the changes of others that the session does not see. The cursor is on the
// root.
func (v *Values) refsSeen(c *Cursor, s *version.Session, r root) uint32 {
	n := c.bt.Node()
	return uint32(int64(r.refs) - v.Tree.DB.Kernel.Versions.ForeignDelta(s, &n, rootRefs))
}
