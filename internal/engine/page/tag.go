package page

import (
	"encoding/binary"
	"unsafe"
)

// Tags are 4 bytes each, counted downwards from the page end: length, then offset from the end of the page
// header (spec chapter 02, 7.1). Bits outside the masks are undefined in real files, except that the top
// three bits of a small page's offset word are the node's flags.
const (
	smallTagMask = 0x1FFF
	largeTagMask = 0x7FFF
	tagFlagShift = 13
)

func (p Page) tagMask() int {
	if p.Large() {
		return largeTagMask
	}
	return smallTagMask
}

// counts are the number of tags, reserved ones included and limited to what the page can hold, and the number
// of reserved tags before the first tree line: at least one, the external header's (spec chapter 02, 7.2).
func (p Page) counts() (tags, reserved int) {
	state := p.u16(offTagState)
	return min(state&tagCountMask, (len(p)-p.HeaderSize())/tagSize), max(1, state>>reservedShift&reservedMask)
}

func (p Page) tagCount() int {
	tags, _ := p.counts()
	return tags
}

func (p Page) setTagCount(n int) {
	p.setU16(offTagState, p.u16(offTagState)&^tagCountMask|n)
}

// Lines is the number of tree lines.
func (p Page) Lines() int {
	tags, reserved := p.counts()
	return max(0, tags-reserved)
}

func (p Page) tagWord(t int) uint32 { return p.u32(len(p) - tagSize*(t+1)) }

// tag gives offset from the end of the page header and length of tag t, as they stand.
func (p Page) tag(t int) (ib, cb int) {
	w := int(p.tagWord(t))
	return w >> 16 & p.tagMask(), w & p.tagMask()
}

// tagBytes are the bytes of tag t, cut where they would reach into the tag array or out of the page.
func (p Page) tagBytes(t, tags int) []byte {
	ib, cb := p.tag(t)
	limit := len(p) - tagSize*tags
	off := min(p.HeaderSize()+ib, limit)
	end := min(off+cb, limit)
	return p[off:end:end]
}

// setTag stores place and length of tag t. On small pages flags are the node's, on large pages zero.
func (p Page) setTag(t, ib, cb int, flags NodeFlags) {
	p.setU32(len(p)-tagSize*(t+1), uint32(cb)|uint32(ib)<<16|uint32(flags)<<(16+tagFlagShift))
}

// tagFlags are the flags that a small page keeps in tag t.
func (p Page) tagFlags(t int) NodeFlags {
	if p.Large() {
		return 0
	}
	return NodeFlags(p.tagWord(t) >> (16 + tagFlagShift))
}

// lineTag gives the tag of line i, and false when there is no such line.
func (p Page) lineTag(i int) (t, tags int, ok bool) {
	tags, reserved := p.counts()
	t = i + reserved
	return t, tags, i >= 0 && t < tags
}

// rawLine gives the bytes and the flags of line i, nothing when there is no such line. It is on the path of
// every step of a cursor: one load each of header, tag and line, without bounds checks where the offsets were
// cut to the page already.
func (p Page) rawLine(i int) (line []byte, flags NodeFlags) {
	size, header, mask := len(p), smallHeaderSize, uint32(smallTagMask)
	large := size > maxSmallSize
	if large {
		header, mask = largeHeaderSize, largeTagMask
	}
	if size < MinSize {
		return nil, 0
	}
	base := unsafe.Pointer(unsafe.SliceData(p))
	state := int(*(*uint16)(unsafe.Add(base, offTagState)))
	tags := min(state&tagCountMask, (size-header)/tagSize)
	t := i + max(1, state>>reservedShift&reservedMask)
	if i < 0 || t >= tags {
		return nil, 0
	}
	w := *(*uint32)(unsafe.Add(base, size-tagSize*(t+1)))
	limit := uint32(size - tagSize*tags)
	off := min(uint32(header)+w>>16&mask, limit)
	cb := min(w&mask, limit-off)
	line = unsafe.Slice((*byte)(unsafe.Add(base, off)), cb)
	switch {
	case !large:
		flags = NodeFlags(w >> (16 + tagFlagShift))
	case cb >= 2:
		flags = NodeFlags(line[1] >> 5)
	}
	return line, flags
}

// contiguous is the length of the free area between the lines and the tag array.
func (p Page) contiguous() int {
	return len(p) - p.HeaderSize() - p.micFree() - tagSize*p.tagCount()
}

// ExtHeader is the external header, tag 0: a root's space header, a space-tree root's split buffer, or the
// key prefix of the page (spec chapter 02, 7.2).
func (p Page) ExtHeader() []byte {
	size, header, mask := len(p), smallHeaderSize, uint32(smallTagMask)
	if size > maxSmallSize {
		header, mask = largeHeaderSize, largeTagMask
	}
	if size < MinSize {
		return nil
	}
	base := unsafe.Pointer(unsafe.SliceData(p))
	tags := min(int(*(*uint16)(unsafe.Add(base, offTagState)))&tagCountMask, (size-header)/tagSize)
	if tags == 0 {
		return nil
	}
	w := *(*uint32)(unsafe.Add(base, size-tagSize))
	limit := uint32(size - tagSize*tags)
	off := min(uint32(header)+w>>16&mask, limit)
	return unsafe.Slice((*byte)(unsafe.Add(base, off)), min(w&mask, limit-off))
}

// splitBufferSize is what precedes the prefix key in the external header of a space-tree root.
const splitBufferSize = 16

// PrefixKey is the key whose leading bytes the page's compressed nodes share: the external header of
// non-root pages, its rest behind the split buffer on roots of space trees, nothing on other roots
// (spec chapter 03, 1.3).
func (p Page) PrefixKey() []byte {
	f := p.Flags()
	if f&FlagRoot == 0 {
		return p.ExtHeader()
	}
	if f&FlagSpaceTree != 0 {
		if h := p.ExtHeader(); len(h) > splitBufferSize {
			return h[splitBufferSize:]
		}
	}
	return nil
}

var le = binary.LittleEndian

func le16(b []byte) int { return int(le.Uint16(b)) }
