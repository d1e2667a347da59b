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
	return p.findNodeFault(f, tags-reserved)
}

// findTagFault checks the accounting of 02, 7.3.
func (p Page) findTagFault(tags, reserved, area int) string {
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	order := s.order[:0]
	sum, mic := 0, p.micFree()
	ordered := true
	previous := uint32(0)
	for t := range tags {
		ib, cb := p.tag(t)
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
		o := uint32(ib)<<12 | uint32(t)
		ordered = ordered && o > previous || len(order) == 0
		previous = o
		order = append(order, o)
	}
	if sum+tagSize*tags+p.CbFree() != area {
		return "space accounting does not add up"
	}
	if !ordered {
		slices.Sort(order)
	}
	end := 0
	for _, o := range order {
		ib, cb := p.tag(int(o & tagCountMask))
		if ib < end {
			return "lines overlap"
		}
		end = ib + cb
	}
	return ""
}

func (p Page) findNodeFault(f Flags, lines int) string {
	prefix := len(p.PrefixKey())
	leaf := f&FlagLeaf != 0
	for i := range lines {
		b, flags := p.rawLine(i)
		var cbPrefix, head, cbSuffix int
		if flags&NodeCompressed == 0 {
			if len(b) < 2 {
				return "node without length"
			}
			head, cbSuffix = 2, le16(b)&keyLenMask
		} else {
			if len(b) < 4 {
				return "node without length"
			}
			head, cbPrefix, cbSuffix = 4, le16(b)&keyLenMask, le16(b[2:])&keyLenMask
		}
		switch {
		case cbPrefix > prefix:
			return "node's prefix exceeds the page's"
		case head+cbSuffix >= len(b):
			return "node without data"
		case !leaf && len(b)-head-cbSuffix != 4:
			return "internal node without a page number"
		case cbPrefix+cbSuffix == 0 && (leaf || i != lines-1):
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
