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
	size, header := len(p), smallHeaderSize
	mask := uint32(smallTagMask)
	large := p.Large()
	if large {
		header, mask = largeHeaderSize, largeTagMask
	}
	base := unsafe.Pointer(unsafe.SliceData(p))
	area := unsafe.Add(base, header)
	limit := uint32(size - header - 2*tagSize)
	tags := unsafe.Add(base, size-tagSize*(reserved+1))

	// Separators may hold bytes of the data, so more continues key in an internal search.
	var more []byte
	if mode == searchInternal {
		more = data
	}
	prefix := p.PrefixKey()
	common := uint32(commonPieces(key, more, prefix))
	// A line with more of the prefix key than this search key has is ordered by where the two part.
	beyond := -1
	if rest, _ := restOf(key, more, common); int(common) == len(prefix) || len(rest) == 0 ||
		prefix[common] > rest[0] {
		beyond = 1
	}

	lo, hi := 0, n
	if mode == searchInternal {
		hi = n - 1
	}
	wordAt := uint32(0)
	rest, tail := restOf(key, more, 0)
	word, wordLen := keyWord(rest)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		w := *(*uint32)(unsafe.Add(tags, -tagSize*mid))
		off := min(w>>16&mask, limit)
		cb := min(w&mask, limit-off)
		line := unsafe.Add(area, off)
		lens := *(*uint32)(line)
		compressed := w >> 31
		if large {
			compressed = lens >> 15 & 1
		}
		skip, head, suffix := uint32(0), uint32(2), lens&keyLenMask
		c := 0
		if compressed != 0 {
			skip, head, suffix = lens&keyLenMask, 4, lens>>16&keyLenMask
			if skip > common {
				c = beyond
				goto decided
			}
		}
		head = min(head, cb)
		suffix = min(suffix, cb-head)
		line = unsafe.Add(line, head)
		if skip != wordAt {
			wordAt = skip
			rest, tail = restOf(key, more, skip)
			word, wordLen = keyWord(rest)
		}
		{
			v := bits.ReverseBytes64(*(*uint64)(line))
			// Bytes behind the end of either key are no part of the comparison: as zeros they sort the
			// shorter key first, or leave the decision to the lengths below.
			v &= topBytes(min(suffix, wordLen))
			if v != word {
				c = 1
				if v < word {
					c = -1
				}
				goto decided
			}
		}
		{
			s := unsafe.Slice((*byte)(line), suffix)
			if mode == searchInternal {
				c = -comparePieces(rest, tail, s)
			} else if c = bytes.Compare(s, rest); c == 0 && mode == searchByData {
				c = bytes.Compare(unsafe.Slice((*byte)(unsafe.Add(line, suffix)), cb-head-suffix), data)
			}
			if c == 0 {
				if mode == searchInternal {
					return mid + 1, true
				}
				return mid, true
			}
		}
	decided:
		if c < 0 {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if mode == searchInternal && lo == n-1 {
		if last := p.Line(lo); last.KeyLen() != 0 && compareConcat(&last, key, data) <= 0 {
			return n, false
		}
	}
	return lo, false
}

// restOf is what follows the first n bytes of key with more behind it; it has n bytes at least.
func restOf(key, more []byte, n uint32) (rest, tail []byte) {
	if int(n) < len(key) || len(more) == 0 {
		return key[n:], more
	}
	return more[int(n)-len(key):], nil
}

// keyWord gives the first eight bytes of key as a big-endian number, zeros behind its end, and how many of
// them are the key's.
func keyWord(key []byte) (word uint64, n uint32) {
	if len(key) >= 8 {
		return binary.BigEndian.Uint64(key), 8
	}
	for i, b := range key {
		word |= uint64(b) << (56 - 8*uint(i))
	}
	return word, uint32(len(key))
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
