package page

import (
	"bytes"
	"math/bits"

	"esent/internal/jet"
)

// NodeFlags are the three flag bits of a node (spec chapter 03, 1.2).
type NodeFlags uint8

const (
	NodeVersion    NodeFlags = 1 // may have version-store entries; means nothing on disk
	NodeDeleted    NodeFlags = 2 // logically absent
	NodeCompressed NodeFlags = 4 // its key begins with bytes of the page's prefix key
)

const (
	keyLenMask = 0x1FFF

	// MinPrefix is the length up to which a common prefix is not worth its length field: nodes are
	// compressed exactly when they share more than this with the prefix key (spec chapter 03, 1.3).
	MinPrefix = 2
)

// Node is one line of a page: views into the page's bytes, valid while the page does not change.
// The key is Prefix followed by Suffix. A node outside its page's tags reads as the zero Node.
type Node struct {
	Prefix, Suffix, Data []byte
	Flags                NodeFlags
}

// KeyLen is the length of the key in bytes.
func (n *Node) KeyLen() int { return len(n.Prefix) + len(n.Suffix) }

// AppendKey appends the key to dst.
func (n *Node) AppendKey(dst []byte) []byte { return append(append(dst, n.Prefix...), n.Suffix...) }

// Size is the node's length with its tag as if it were uncompressed (CbNodeTotal, spec chapter 03, 1.4).
func (n *Node) Size() int { return NodeSize(n.KeyLen(), len(n.Data)) }

// NodeSize is the length of an uncompressed node with its tag, for a key and data of these lengths.
func NodeSize(cbKey, cbData int) int { return 2 + cbKey + cbData + tagSize }

// CompareKey orders the node's key against key: memcmp, a proper prefix first (spec chapter 03, 3).
func (n *Node) CompareKey(key []byte) int { return comparePieces(n.Prefix, n.Suffix, key) }

// CommonPrefix is the number of equal leading bytes of two nodes' keys.
func CommonPrefix(a, b *Node) int {
	// Both prefixes are mostly the start of the same prefix key.
	m := min(len(a.Prefix), len(b.Prefix))
	if c := commonLen(a.Prefix[:m], b.Prefix[:m]); c < m {
		return c
	}
	switch {
	case len(a.Prefix) > m:
		return m + commonPieces(a.Prefix[m:], a.Suffix, b.Suffix)
	case len(b.Prefix) > m:
		return m + commonPieces(b.Prefix[m:], b.Suffix, a.Suffix)
	}
	return m + commonLen(a.Suffix, b.Suffix)
}

// commonPieces is the number of equal leading bytes of a1 with a2 behind it, and b.
func commonPieces(a1, a2, b []byte) int {
	c := commonLen(a1, b)
	if c < len(a1) {
		return c
	}
	return c + commonLen(a2, b[c:])
}

// commonLen is the number of equal leading bytes of a and b.
func commonLen(a, b []byte) int {
	n := min(len(a), len(b))
	i := 0
	for ; i+8 <= n; i += 8 {
		if x := le.Uint64(a[i:]) ^ le.Uint64(b[i:]); x != 0 {
			return i + bits.TrailingZeros64(x)/8
		}
	}
	for ; i < n; i++ {
		if a[i] != b[i] {
			break
		}
	}
	return i
}

// comparePieces orders a1 with a2 behind it against b.
func comparePieces(a1, a2, b []byte) int {
	if len(b) <= len(a1) {
		if c := bytes.Compare(a1, b); c != 0 || len(a2) == 0 {
			return c
		}
		return 1
	}
	if c := bytes.Compare(a1, b[:len(a1)]); c != 0 {
		return c
	}
	return bytes.Compare(a2, b[len(a1):])
}

// Line gives line i.
func (p Page) Line(i int) (n Node) {
	b, flags := p.rawLine(i)
	n.Flags = flags
	if flags&NodeCompressed == 0 {
		if len(b) >= 2 {
			k := min(2+le16(b)&keyLenMask, len(b))
			n.Suffix, n.Data = b[2:k:k], b[k:]
		}
		return n
	}
	if len(b) >= 4 {
		prefix := p.PrefixKey()
		n.Prefix = prefix[:min(le16(b)&keyLenMask, len(prefix))]
		k := min(4+le16(b[2:])&keyLenMask, len(b))
		n.Suffix, n.Data = b[4:k:k], b[k:]
	}
	return n
}

// LineFlags are the flags of line i.
func (p Page) LineFlags(i int) NodeFlags {
	_, f := p.rawLine(i)
	return f
}

// SetLineFlags stores the flags of line i. NodeCompressed belongs to the encoding and stays as it is.
func (p Page) SetLineFlags(i int, f NodeFlags) {
	t, tags, ok := p.lineTag(i)
	if !ok {
		return
	}
	if !p.Large() {
		b := &p[len(p)-tagSize*(t+1)+3]
		*b = *b&^(byte(NodeVersion|NodeDeleted)<<5) | byte(f&^NodeCompressed)<<5
		return
	}
	if b := p.tagBytes(t, tags); len(b) >= 2 {
		b[1] = b[1]&^(byte(NodeVersion|NodeDeleted)<<5) | byte(f&^NodeCompressed)<<5
	}
}

// LineData is the data of line i.
func (p Page) LineData(i int) []byte {
	b, flags := p.rawLine(i)
	return b[keyEnd(b, flags):]
}

// keyEnd is where the data of a line begin.
func keyEnd(b []byte, flags NodeFlags) int {
	if flags&NodeCompressed == 0 {
		if len(b) < 2 {
			return len(b)
		}
		return min(2+le16(b)&keyLenMask, len(b))
	}
	if len(b) < 4 {
		return len(b)
	}
	return min(4+le16(b[2:])&keyLenMask, len(b))
}

// KeyLen is the length of line i's key in bytes.
func (p Page) KeyLen(i int) int {
	n := p.Line(i)
	return n.KeyLen()
}

// AppendKey appends the key of line i to dst.
func (p Page) AppendKey(i int, dst []byte) []byte {
	n := p.Line(i)
	return n.AppendKey(dst)
}

// CompareKey orders the key of line i against key: memcmp, a proper prefix first.
func (p Page) CompareKey(i int, key []byte) int {
	n := p.Line(i)
	return n.CompareKey(key)
}

// CompareBookmark orders line i against (key, data): by key, then by data (spec chapter 03, 3).
func (p Page) CompareBookmark(i int, key, data []byte) int {
	n := p.Line(i)
	if c := n.CompareKey(key); c != 0 {
		return c
	}
	return bytes.Compare(n.Data, data)
}

// Child is the page that line i of an internal page points to, PgnoNull where the line holds no page number.
func (p Page) Child(i int) jet.Pgno {
	d := p.LineData(i)
	if len(d) < 4 {
		return jet.PgnoNull
	}
	return jet.Pgno(le.Uint32(d))
}
