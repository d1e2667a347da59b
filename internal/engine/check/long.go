package check

import (
	"cmp"
	"encoding/binary"
	"slices"

	"esent/internal/engine/compress"
	"esent/internal/engine/page"
	"esent/internal/jet"
)

// values are the long values of one table.
type values struct {
	tree  *tree
	chunk int // size of chunks
	list  []longValue
}

// longValue is one long value, and how many references to it were met.
type longValue struct {
	lid       uint64
	size      uint32
	refs      uint32
	met       uint32
	pgno      jet.Pgno
	encrypted bool
}

// Layout of a root's data (spec chapter 03, 18.3).
const (
	lvRootSize     = 8
	lvRootLongSize = 9
	lvEncrypted    = 1
	// lvDeleting is the reference count of a value that is half deleted.
	lvDeleting = 0xFFFFFFFF
)

// dying says that a value waits for its removal: it may lack chunks.
func (v *longValue) dying() bool { return v.refs == 0 || v.refs == lvDeleting }

func (vs *values) find(lid uint64) *longValue {
	if vs == nil {
		return nil
	}
	i, found := slices.BinarySearchFunc(vs.list, lid, func(v longValue, lid uint64) int { return cmp.Compare(v.lid, lid) })
	if !found {
		return nil
	}
	return &vs.list[i]
}

// parseLVKey tells what a key of a long-value tree is of.
func parseLVKey(k []byte) (lid uint64, root bool, offset uint32, ok bool) {
	wide := len(k) > 0 && k[0]&0x80 != 0
	n := 4
	if wide {
		n = 8
	}
	if len(k) != n && len(k) != n+4 {
		return 0, false, 0, false
	}
	if wide {
		lid = binary.BigEndian.Uint64(k)
	} else {
		lid = uint64(binary.BigEndian.Uint32(k))
	}
	if len(k) > n {
		offset = binary.BigEndian.Uint32(k[n:])
	}
	return lid, len(k) == n, offset, lid != 0
}

// lvWalk is the state of a walk over a long-value tree.
type lvWalk struct {
	c     *checker
	vs    *values
	next  uint64 // offset of the chunk that must come next
	plain []byte
}

// checkLong visits the long values of a table.
func (c *checker) checkLong(vs *values) {
	w := &lvWalk{c: c, vs: vs}
	var key []byte
	c.walkTree(vs.tree, func(pgno jet.Pgno, n *page.Node) {
		key = n.AppendKey(key[:0])
		lid, root, offset, ok := parseLVKey(key)
		switch {
		case !ok:
			c.violate(KindLVNode, pgno, vs.tree, "the key % x is no long value's", key)
		case root:
			w.finish()
			w.root(pgno, lid, n.Data)
		default:
			w.piece(pgno, lid, offset, n.Data)
		}
	})
	w.finish()
}

func (w *lvWalk) root(pgno jet.Pgno, lid uint64, data []byte) {
	if len(data) != lvRootSize && len(data) != lvRootLongSize {
		w.c.violate(KindLVNode, pgno, w.vs.tree, "the root of value %#x has %d bytes", lid, len(data))
		return
	}
	v := longValue{lid: lid, pgno: pgno, refs: binary.LittleEndian.Uint32(data), size: binary.LittleEndian.Uint32(data[4:])}
	v.encrypted = len(data) == lvRootLongSize && data[8]&lvEncrypted != 0
	if v.size > jet.CbLVColumnMost {
		w.c.violate(KindLVNode, pgno, w.vs.tree, "value %#x has %d bytes", lid, v.size)
	}
	w.vs.list = append(w.vs.list, v)
	w.next = 0
	w.c.report.LongValues++
	w.c.report.LongBytes += uint64(v.size)
}

// current is the value whose root was met last.
func (w *lvWalk) current() *longValue {
	if len(w.vs.list) == 0 {
		return nil
	}
	return &w.vs.list[len(w.vs.list)-1]
}

func (w *lvWalk) piece(pgno jet.Pgno, lid uint64, offset uint32, data []byte) {
	c, v := w.c, w.current()
	switch {
	case v == nil || v.lid != lid:
		c.violate(KindLVNode, pgno, w.vs.tree, "a chunk of value %#x, which has no root", lid)
		return
	case uint64(offset) != w.next && !v.dying():
		c.violate(KindLVChunk, pgno, w.vs.tree, "value %#x has a chunk at %d, the next should be at %d", lid, offset, w.next)
	case offset >= v.size && !v.dying():
		c.violate(KindLVChunk, pgno, w.vs.tree, "value %#x of %d bytes has a chunk at %d", lid, v.size, offset)
		return
	}
	w.next = uint64(offset) + uint64(w.vs.chunk)
	if v.dying() {
		return
	}
	expected := int(min(uint32(w.vs.chunk), v.size-offset))
	switch {
	case v.encrypted || len(data) == expected:
	case len(data) > expected:
		c.violate(KindLVChunk, pgno, w.vs.tree, "the chunk at %d of value %#x has %d bytes, should have %d", offset, lid, len(data), expected)
	default:
		var what string
		if w.plain, what = unpack(w.plain, data, expected); what != "" {
			c.violate(KindLVChunk, pgno, w.vs.tree, "the chunk at %d of value %#x %s", offset, lid, what)
		}
	}
}

// unpack decompresses into dst and says what is wrong: the plain size must be expected, unless that is negative.
// Schemes that are not read here pass.
func unpack(dst, data []byte, expected int) (plain []byte, what string) {
	switch compress.SchemeOf(data) {
	case compress.Xpress9, compress.Xpress10:
		return dst, ""
	}
	size, err := compress.UncompressedSize(data)
	if err != nil || expected >= 0 && size != expected && compress.SchemeOf(data) != compress.Scrub {
		return dst, "is neither whole nor compressed"
	}
	if plain, err = compress.Decompress(dst, data); err != nil {
		return plain, "cannot be decompressed"
	}
	return plain, ""
}

// finish looks at the value whose nodes have all been met.
func (w *lvWalk) finish() {
	v := w.current()
	if v == nil || v.dying() || w.vs.tree.broken {
		return
	}
	if w.next < uint64(v.size) {
		w.c.violate(KindLVChunk, v.pgno, w.vs.tree, "value %#x of %d bytes ends at %d", v.lid, v.size, w.next)
	}
}

// checkRefs compares reference counts with the references that the table's records have.
func (c *checker) checkRefs(tb *table) {
	if tb.long == nil || tb.tree.broken {
		return
	}
	for i := range tb.long.list {
		v := &tb.long.list[i]
		if v.dying() {
			c.report.Orphans++
		}
		if v.met != v.refs && !(v.refs == lvDeleting && v.met == 0) {
			c.violate(KindLVRefs, v.pgno, tb.long.tree, "value %#x counts %d references, there are %d", v.lid, v.refs, v.met)
		}
	}
}

// readLong appends up to most bytes of a long value from offset on to dst; ok is false when they cannot be had.
func (c *checker) readLong(vs *values, dst []byte, lid uint64, offset, most int) (data []byte, ok bool) {
	v := vs.find(lid)
	if v == nil || v.encrypted || v.dying() {
		return dst, false
	}
	end := min(int(v.size), offset+most)
	var key [12]byte
	for at := offset - offset%vs.chunk; at < end; at += vs.chunk {
		k := binary.BigEndian.AppendUint32(appendLID(key[:0], lid), uint32(at))
		chunk := c.seek(vs.tree.root, k)
		if chunk == nil {
			return dst, false
		}
		expected := min(vs.chunk, int(v.size)-at)
		if len(chunk) < expected {
			var err error
			if c.plain, err = compress.Decompress(c.plain, chunk); err != nil {
				return dst, false
			}
			chunk = c.plain
		}
		if len(chunk) != expected {
			return dst, false
		}
		dst = append(dst, chunk[max(0, offset-at):min(expected, end-at)]...)
	}
	return dst, true
}

func appendLID(k []byte, lid uint64) []byte {
	if lid>>63 != 0 {
		return binary.BigEndian.AppendUint64(k, lid)
	}
	return binary.BigEndian.AppendUint32(k, uint32(lid))
}
