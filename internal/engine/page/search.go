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
}

// from is what follows the first n bytes of key with more behind it; it has n bytes at least.
func (s *target) from(n uint32) (rest, tail []byte) {
	if int(n) < len(s.key) || len(s.more) == 0 {
		return s.key[n:], s.more
	}
	return s.more[int(n)-len(s.key):], nil
}

// word gives eight bytes of the bookmark from n on as a big-endian number, zeros behind its end, and how many
// of them are the bookmark's.
func (s *target) word(n uint32) (word uint64, size uint32) {
	rest, _ := s.from(n)
	k := len(rest)
	if k >= 8 {
		return binary.BigEndian.Uint64(rest), 8
	}
	if whole := s.key; len(whole) >= 8 && k > 0 && int(n) < len(whole) {
		return binary.BigEndian.Uint64(whole[len(whole)-8:]) << (64 - 8*uint(k)), uint32(k)
	}
	for i, b := range rest {
		word |= uint64(b) << (56 - 8*uint(i))
	}
	return word, uint32(k)
}

// compare orders a line, given its prefix length, the rest of its key and its data, against the bookmark.
func (s *target) compare(prefix uint32, suffix, data []byte) int {
	rest, tail := s.from(prefix)
	if s.mode == searchInternal {
		return -comparePieces(rest, tail, suffix)
	}
	c := bytes.Compare(suffix, rest)
	if c == 0 && s.mode == searchByData {
		c = bytes.Compare(data, s.data)
	}
	return c
}

// search is the engine's innermost loop. The key is compared with the page's prefix key once; after that each
// line costs its tag, its length fields, and one comparison of eight bytes. Every offset is cut to the page
// before use, for the page may be changing underneath. Nothing here reads in the last eight bytes of the page
// but tags: a page with a line has two of them at least.
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
	// Compressed lines that have all of the prefix key that the bookmark has are compared by what follows, word2.
	// Those that have more are ordered by where prefix key and bookmark part, beyond.
	var common, word2Size uint32
	var word2 uint64
	beyond := uint64(0)
	prefix := p.PrefixKey()
	if len(prefix) > 0 {
		common = uint32(commonPieces(key, s.more, prefix))
		word2, word2Size = s.word(common)
		if int(common) < len(prefix) && word2Size > 0 && prefix[common] < byte(word2>>56) {
			beyond = 1
		}
	}
	// Uncompressed lines are compared by word1, eight bytes from window on: what the first and the last line
	// have in common with the bookmark, all have.
	window := uint32(0)
	word1, word1Size := s.word(0)
	if len(key) > 8 && count > 0 {
		window = min(agreement(tags, area, mask, offLimit, large, word1),
			agreement(unsafe.Add(tags, -tagSize*(count-1)), area, mask, offLimit, large, word1))
		word1, word1Size = s.word(window)
	}
	// Of lo and the count-1 lines behind it, mid is the number of that which is looked at: the last of the lower half,
	// but on pages of some lines at first where the bookmark would be if keys came at equal distances, as numbers
	// that are given out in turn do. What was not met there is most often near: one more look sees to that.
	mid, near := (count+1)>>1, 0
	if count >= guessFrom {
		e := ends{area: area, mask: mask, limit: limit, large: large, prefix: prefix, at: window}
		word := word1
		if len(prefix) > 0 {
			e.at, word = common, word2
		}
		mid, near = e.guess(tags, word, count), 1+count>>5
	}
	for count > 0 {
		// What decides goes through few dependent steps and no branch on the outcome; the branches below
		// nearly always go the same way.
		w := *(*uint32)(unsafe.Add(tags, -tagSize*(lo+mid-1)))
		off := min(w>>16&mask, offLimit)
		line := unsafe.Add(area, off)
		lens := *(*uint32)(line)
		compressed := w >> 31
		if large {
			compressed = lens >> 15 & 1
		}
		head, skip, suffix := uint32(2), uint32(0), lens&keyLenMask
		less := uint64(0)
		if compressed == 0 {
			suffix = min(suffix, limit-off-head)
			at := min(window, suffix)
			// Bytes behind the end of either key are no part of the comparison: as zeros they sort the
			// shorter key first, or leave the decision to the lengths.
			v := bits.ReverseBytes64(*(*uint64)(unsafe.Add(line, head+at)))
			if m := min(suffix-at, word1Size); m < 8 {
				v &= topBytes(m)
			}
			if v != word1 {
				_, less = bits.Sub64(v, word1, 0)
				goto decided
			}
		} else {
			head, skip = 4, suffix
			suffix = min(lens>>16&keyLenMask, limit-off-head)
			v := bits.ReverseBytes64(*(*uint64)(unsafe.Add(line, head)))
			switch {
			case skip == common:
				if m := min(suffix, word2Size); m < 8 {
					v &= topBytes(m)
				}
				if v != word2 {
					_, less = bits.Sub64(v, word2, 0)
					goto decided
				}
			case skip > common:
				less = beyond
				goto decided
			case suffix == 0:
				less = 1
				goto decided
			default:
				if b, k := byte(v>>56), prefix[skip]; b != k {
					_, less = bits.Sub64(uint64(b), uint64(k), 0)
					goto decided
				}
			}
		}
		{
			cb := max(min(w&mask, limit-off), head)
			suffix = min(suffix, cb-head)
			raw := unsafe.Slice((*byte)(line), cb)
			c := s.compare(skip, raw[head:head+suffix], raw[head+suffix:])
			if c == 0 {
				if mode == searchInternal {
					return lo + mid, true
				}
				return lo + mid - 1, true
			}
			if c < 0 {
				less = 1
			}
		}
	decided:
		above := -int(less) // all ones when the bookmark is behind the line
		lo += mid & above
		count = (count-mid)&above | (mid-1)&^above
		mid = (count + 1) >> 1
		if near != 0 {
			if near = min(near, count); above != 0 {
				mid = near
			} else {
				mid = count + 1 - near
			}
			near = 0
		}
	}
	if mode == searchInternal && lo == n-1 {
		if last := p.Line(lo); last.KeyLen() != 0 && compareConcat(&last, key, data) <= 0 {
			return n, false
		}
	}
	return lo, false
}

// guessFrom is how many lines a page has at least for the place of a bookmark to be guessed.
const guessFrom = 8

// ends is how the first and the last line of a page are looked at.
type ends struct {
	area        unsafe.Pointer
	mask, limit uint32
	large       bool
	prefix      []byte
	at          uint32 // where the eight bytes begin that count
}

// guess gives the number, from 1 to count, of the line at which word would stand, the bytes of a bookmark from e.at
// on, if those of the lines lay at equal distances between those of the first and the last. It may be any.
func (e *ends) guess(tags unsafe.Pointer, word uint64, count int) int {
	low, high := e.word(tags), e.word(unsafe.Add(tags, -tagSize*(count-1)))
	switch {
	case low >= high:
		return (count + 1) >> 1
	case word <= low:
		return 1
	case word >= high:
		return count
	}
	return 1 + int(float64(word-low)/float64(high-low)*float64(count-1)+0.5)
}

// word is the eight bytes of a line's key from e.at on as a number, zeros behind its end; 0 or the largest number for
// a line that lies before or behind all keys that begin as the bookmark does.
func (e *ends) word(tag unsafe.Pointer) uint64 {
	w := *(*uint32)(tag)
	off := min(w>>16&e.mask, e.limit-4)
	line := unsafe.Add(e.area, off)
	lens := *(*uint32)(line)
	compressed := w >> 31
	if e.large {
		compressed = lens >> 15 & 1
	}
	head, skip, size := uint32(2), uint32(0), lens&keyLenMask
	if compressed != 0 {
		head, skip, size = 4, size, lens>>16&keyLenMask
	}
	size = min(size, e.limit-off-head)
	at := uint32(0) // in the suffix
	if len(e.prefix) == 0 {
		at = min(e.at, size)
	}
	v := bits.ReverseBytes64(*(*uint64)(unsafe.Add(line, head+at)))
	if size-at < 8 {
		v &= topBytes(size - at)
	}
	if len(e.prefix) == 0 || skip == e.at {
		return v
	}
	rest := e.prefix[min(int(min(skip, e.at)), len(e.prefix)):]
	prefix := bits.ReverseBytes64(firstWord(rest))
	switch {
	case skip > e.at:
		n := min(skip-e.at, 8)
		return prefix&topBytes(n) | v>>(8*n)
	case v < prefix:
		return 0
	}
	return ^uint64(0)
}

// firstWord is the first eight bytes of b, zeros behind its end.
func firstWord(b []byte) (w uint64) {
	if len(b) >= 8 {
		return binary.LittleEndian.Uint64(b)
	}
	for i, c := range b {
		w |= uint64(c) << (8 * i)
	}
	return w
}

// agreement is the number of bytes, eight at most, that an uncompressed line, whose tag is given, has in common
// with the eight bytes of word; 0 for a compressed line.
func agreement(tag, area unsafe.Pointer, mask, offLimit uint32, large bool, word uint64) uint32 {
	w := *(*uint32)(tag)
	line := unsafe.Add(area, min(w>>16&mask, offLimit))
	lens := *(*uint32)(line)
	if large && lens>>15&1 != 0 || !large && w>>31 != 0 {
		return 0
	}
	v := bits.ReverseBytes64(*(*uint64)(unsafe.Add(line, 2)))
	return min(uint32(bits.LeadingZeros64(v^word))/8, lens&keyLenMask)
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
