package page

import (
	"bytes"
	"slices"

	"esent/internal/jet"
)

// preInitFlags are the only ones that a pre-initialised page may have (spec chapter 02, 6.3).
const preInitFlags = FlagPreInit | FlagNewRecordFormat | FlagNewChecksum | FlushTypeMask

// Check is the structural check of 02, 9.2: header fields, tags, space accounting and the shape of every node.
// It fails with ErrDatabaseCorrupted. pgno is the page's number. It neither allocates on success nor panics.
func (p Page) Check(pgno jet.Pgno) error {
	if what := p.findFault(pgno); what != "" {
		return jet.ErrDatabaseCorrupted.Errorf("page %d: %s", pgno, what)
	}
	return nil
}

func (p Page) findFault(pgno jet.Pgno) string {
	area := len(p) - p.HeaderSize()
	state := p.u16(offTagState)
	tags, reserved := p.counts()
	f := p.Flags()
	switch {
	case p.Large() && p.Pgno() != pgno:
		return "carries another page number"
	case p.CbFree() > area:
		return "free bytes exceed the page"
	case p.CbUncommittedFree() > p.CbFree():
		return "uncommitted free bytes exceed the free ones"
	case p.micFree() > area:
		return "end of the lines lies outside the page"
	case state&tagCountMask >= area/tagSize:
		return "tag array exceeds the page"
	case state>>15 != 0:
		return "tag state has an unknown bit"
	case f&FlagEmpty != 0 && f&FlagPreInit != 0:
		return "both emptied and pre-initialised"
	case f&FlagIndex != 0 && f&FlagLongValue != 0:
		return "both index and long-value tree"
	case f&FlagRepair != 0:
		return "under repair"
	case f&FlagLeaf != 0 && f&FlagParentOfLeaf != 0:
		return "both leaf and parent of leaves"
	}
	if f&FlagPreInit != 0 {
		if f&^preInitFlags != 0 || tags != 0 || p.Prev() != 0 || p.Next() != 0 || p.CbFree() != area {
			return "pre-initialised with content"
		}
		return ""
	}
	if tags == 0 {
		if f&FlagEmpty != 0 && p.CbFree() == area {
			return ""
		}
		return "no tags"
	}
	if tags < reserved {
		return "fewer tags than reserved ones"
	}
	if p.micFree()+tagSize*tags > area {
		return "lines and tag array overlap"
	}
	if what := p.findTagFault(tags, reserved, area); what != "" {
		return what
	}
	return p.findNodeFault(f, tags, reserved)
}

// findTagFault checks the accounting of 02, 7.3.
func (p Page) findTagFault(tags, reserved, area int) string {
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	order := s.order[:0]
	sum, mic, mask := 0, p.micFree(), p.tagMask()
	array := p[len(p)-tagSize*tags:]
	ordered := true
	previous := uint32(0)
	for t := range tags {
		w := int(le.Uint32(array[tagSize*(tags-1-t):]))
		ib, cb := w>>16&mask, w&mask
		if cb == 0 {
			if t >= reserved {
				return "empty line"
			}
			continue
		}
		if ib+cb > mic {
			return "line outside the data area"
		}
		sum += cb
		o := uint32(ib)<<16 | uint32(cb)
		ordered = ordered && o >= previous
		previous = o
		order = append(order, o)
	}
	if sum+tagSize*tags+p.CbFree() != area {
		return "space accounting does not add up"
	}
	if !ordered {
		slices.Sort(order)
	}
	end := uint32(0)
	for _, o := range order {
		if o>>16 < end {
			return "lines overlap"
		}
		end = o>>16 + o&0xFFFF
	}
	return ""
}

// findNodeFault checks the shape of every node; the tags are sound.
func (p Page) findNodeFault(f Flags, tags, reserved int) string {
	prefix := len(p.PrefixKey())
	leaf := f&FlagLeaf != 0
	large, mask := p.Large(), p.tagMask()
	area := p[p.HeaderSize():]
	array := p[len(p)-tagSize*tags:]
	for t := reserved; t < tags; t++ {
		w := int(le.Uint32(array[tagSize*(tags-1-t):]))
		ib, cb := w>>16&mask, w&mask
		b := area[ib : ib+cb]
		if cb < 2 {
			return "node without length"
		}
		first := le16(b)
		compressed := w>>31 != 0
		if large {
			compressed = first>>15 != 0
		}
		cbPrefix, head, cbSuffix := 0, 2, first&keyLenMask
		if compressed {
			if cb < 4 {
				return "node without length"
			}
			cbPrefix, head, cbSuffix = cbSuffix, 4, le16(b[2:])&keyLenMask
		}
		switch {
		case cbPrefix > prefix:
			return "node's prefix exceeds the page's"
		case head+cbSuffix >= cb:
			return "node without data"
		case !leaf && cb-head-cbSuffix != 4:
			return "internal node without a page number"
		case cbPrefix+cbSuffix == 0 && (leaf || t != tags-1):
			return "node without key"
		}
	}
	return ""
}

// CheckOrder checks that the lines ascend: by key, and on the leaves of non-unique trees by key and data. An
// empty key at the end of an internal page is above all others.
func (p Page) CheckOrder() error {
	f := p.Flags()
	lines := p.Lines()
	byData := f&(FlagNonUnique|FlagLeaf) == FlagNonUnique|FlagLeaf && f&FlagSpaceTree == 0
	for i := 1; i < lines; i++ {
		a, b := p.Line(i-1), p.Line(i)
		if f&FlagLeaf == 0 && i == lines-1 && b.KeyLen() == 0 {
			return nil
		}
		c := compareNodes(&a, &b)
		if c == 0 && byData {
			c = bytes.Compare(a.Data, b.Data)
		}
		if c >= 0 {
			return jet.ErrDatabaseCorrupted.Errorf("page: lines %d and %d are not in order", i-1, i)
		}
	}
	return nil
}

// compareNodes orders two nodes by their keys.
func compareNodes(a, b *Node) int {
	c := CommonPrefix(a, b)
	la, lb := a.KeyLen(), b.KeyLen()
	if c == la || c == lb {
		return la - lb
	}
	return int(a.keyByte(c)) - int(b.keyByte(c))
}

func (n *Node) keyByte(i int) byte {
	if i < len(n.Prefix) {
		return n.Prefix[i]
	}
	return n.Suffix[i-len(n.Prefix)]
}
