package page

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unsafe"
)

type searchMode uint8

const (
	searchUnique   searchMode = iota // nodes by key
	searchByData                     // nodes by key, then data
	searchInternal                   // separators by key, against key and data in one
)

// SearchLeaf finds the first line that is not below the bookmark, by binary search: Lines() when all are
// below. In a unique tree only the keys count and exact says that the line's key equals key; in a non-unique
// tree lines are ordered by key and then data, and exact says that both are equal. A search by key alone
// passes no data and so comes to the first duplicate (spec chapter 03, 4).
func (p Page) SearchLeaf(key, data []byte, nonUnique bool) (i int, exact bool) {
	if nonUnique {
		return p.search(key, data, searchByData)
	}
	return p.search(key, nil, searchUnique)
}

// SearchInternal is the line of an internal page whose child may hold the bookmark key and data: the first
// whose separator is above both in one. An empty last separator is above everything. Lines() says that no
// line is, which on a sound page cannot happen below the right parent (spec chapter 03, 3 and 4).
func (p Page) SearchInternal(key, data []byte) int {
	i, _ := p.search(key, data, searchInternal)
	return i
}

// target is what a search looks for.
type target struct {
	mode searchMode
	// key is the bookmark's key. In an internal search more, the bookmark's data, continues it, for
	// separators may hold bytes of both; in a search by data, data decide between equal keys.
	key, more, data []byte
	// common is the length of the common prefix with the page's prefix key, and beyond the order of a line
	// that has more of the prefix key than that.
	common uint32
	beyond int
	// rest and tail are key and more without their first at bytes, which lines of this prefix length share.
	at         uint32
	rest, tail []byte
}

// skip makes at the length of the lines' prefix and gives the next eight bytes of the bookmark as a big-endian
// number, zeros behind its end, and how many of them are the bookmark's.
func (s *target) skip(at uint32) (word uint64, n uint32) {
	s.at = at
	if int(at) < len(s.key) || len(s.more) == 0 {
		s.rest, s.tail = s.key[at:], s.more
	} else {
		s.rest, s.tail = s.more[int(at)-len(s.key):], nil
	}
	return leadingWord(s.rest, s.key)
}

// leadingWord gives the first eight bytes of rest as a big-endian number, zeros behind its end, and how many
// of them are rest's. When whole is at least that long and rest is its end, no loop over bytes is needed.
func leadingWord(rest, whole []byte) (word uint64, n uint32) {
	k := len(rest)
	if k >= 8 {
		return binary.BigEndian.Uint64(rest), 8
	}
	if w := len(whole); w >= 8 && k > 0 && unsafe.SliceData(whole[w-k:]) == unsafe.SliceData(rest) {
		return binary.BigEndian.Uint64(whole[w-8:]) << (64 - 8*uint(k)), uint32(k)
	}
	for i, b := range rest {
		word |= uint64(b) << (56 - 8*uint(i))
	}
	return word, uint32(k)
}

// compare orders a line, given the rest of its key and its data, against the bookmark.
func (s *target) compare(suffix, data []byte) int {
	if s.mode == searchInternal {
		return -comparePieces(s.rest, s.tail, suffix)
	}
	c := bytes.Compare(suffix, s.rest)
	if c == 0 && s.mode == searchByData {
		c = bytes.Compare(data, s.data)
	}
	return c
}

// search is the engine's innermost loop. The key is compared with the page's prefix key once; after that
// each line costs its tag, its length fields, and one comparison of eight bytes. Every offset is cut to the
// page before use, for the page may be changing underneath. Nothing here reads in the last eight bytes of
// the page but tags: a page with a line has two of them at least.
func (p Page) search(key, data []byte, mode searchMode) (int, bool) {
	tagCount, reserved := p.counts()
	n := tagCount - reserved
	if n <= 0 {
		return 0, false
	}
	s := target{mode: mode, key: key, data: data}
	size, header := len(p), smallHeaderSize
	mask := uint32(smallTagMask)
	large := p.Large()
	if large {
		header, mask = largeHeaderSize, largeTagMask
	}
	base := unsafe.Pointer(unsafe.SliceData(p))
	area := unsafe.Add(base, header)
	// A line has four bytes or more, and with the first of them four more may be its lengths.
	limit := uint32(size - header - 2*tagSize)
	offLimit := limit - 4
	tags := unsafe.Add(base, size-tagSize*(reserved+1))

	lo, count := 0, n
	if mode == searchInternal {
		s.more = data
		count = n - 1
	}
	if prefix := p.PrefixKey(); len(prefix) > 0 {
		s.common = uint32(commonPieces(key, s.more, prefix))
		s.skip(s.common)
		s.beyond = 1
		if int(s.common) < len(prefix) && len(s.rest) > 0 && prefix[s.common] < s.rest[0] {
			s.beyond = -1
		}
	}
	word, wordLen := s.skip(0)
	at := uint32(0)
	for count > 0 {
		// What decides goes through few dependent steps and no branch on the outcome; the branches below
		// nearly always go the same way. The line looked at is the last of the lower half.
		half := (count + 1) >> 1
		w := *(*uint32)(unsafe.Add(tags, -tagSize*(lo+half-1)))
		off := min(w>>16&mask, offLimit)
		line := unsafe.Add(area, off)
		lens := *(*uint32)(line)
		suffix := lens & keyLenMask
		compressed := w >> 31
		if large {
			compressed = lens >> 15 & 1
		}
		head, skip := uint32(2), uint32(0)
		if compressed != 0 {
			head, suffix, skip = 4, lens>>16&keyLenMask, suffix
		}
		if skip != at {
			if skip > s.common {
				if s.beyond < 0 {
					lo += half
				}
				count -= half
				continue
			}
			at = skip
			word, wordLen = s.skip(skip)
		}
		// Bytes behind the end of either key are no part of the comparison: as zeros they sort the shorter
		// key first, or leave the decision to the lengths.
		v := bits.ReverseBytes64(*(*uint64)(unsafe.Add(line, head)))
		if m := min(suffix, wordLen); m < 8 {
			v &= topBytes(m)
		}
		if v != word {
			_, less := bits.Sub64(v, word, 0)
			lo += half & -int(less)
			count -= half
			continue
		}
		cb := min(w&mask, limit-off)
		head = min(head, cb)
		suffix = min(suffix, cb-head)
		raw := unsafe.Slice((*byte)(line), cb)
		c := s.compare(raw[head:head+suffix], raw[head+suffix:])
		if c == 0 {
			if mode == searchInternal {
				return lo + half, true
			}
			return lo + half - 1, true
		}
		if c < 0 {
			lo += half
		}
		count -= half
	}
	if mode == searchInternal && lo == n-1 {
		if last := p.Line(lo); last.KeyLen() != 0 && compareConcat(&last, key, data) <= 0 {
			return n, false
		}
	}
	return lo, false
}

// topBytes is a mask of the n most significant bytes, for n up to any number.
func topBytes(n uint32) uint64 { return ^(^uint64(0) >> (8 * n)) }

// compareConcat orders the key of n against key with data behind it.
func compareConcat(n *Node, key, data []byte) int {
	k := len(n.Prefix)
	if k <= len(key) {
		if c := bytes.Compare(n.Prefix, key[:k]); c != 0 {
			return c
		}
		return -comparePieces(key[k:], data, n.Suffix)
	}
	if c := bytes.Compare(n.Prefix[:len(key)], key); c != 0 {
		return c
	}
	return comparePieces(n.Prefix[len(key):], n.Suffix, data)
}
