package sort

import (
	"bytes"
	"cmp"
	"slices"
)

// order sorts the entries in memory and drops duplicates.
func (s *Sorter) order() {
	s.passCommon()
	s.byBytes(s.entries, 56)
	if s.conf.Duplicates != Keep {
		s.entries = slices.CompactFunc(s.entries, func(a, b entry) bool {
			if a.prefix != b.prefix {
				return false
			}
			ka, da := s.at(a)
			kb, db := s.at(b)
			return s.conf.Duplicates.same(ka, da, kb, db)
		})
	}
}

// passCommon makes the prefixes tell the keys apart that all begin alike: they are taken from behind the common part.
func (s *Sorter) passCommon() {
	n := len(s.common)
	if n == 0 {
		return
	}
	for i := range s.entries {
		k, _ := s.at(s.entries[i])
		s.entries[i].prefix = prefix(k[n:])
	}
}

func commonLen(a, b []byte) (n int) {
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// fewEntries are sorted faster by comparing them.
const fewEntries = 64

// byBytes sorts entries whose prefixes are equal in the bits above shift+8: it deals them to the places of the next byte's
// values, then those of each value by the byte behind it.
func (s *Sorter) byBytes(list []entry, shift int) {
	for {
		if len(list) <= fewEntries {
			slices.SortFunc(list, s.compare)
			return
		}
		if shift < 0 {
			s.samePrefix(list)
			return
		}
		var ends [256]uint32
		for i := range list {
			ends[byte(list[i].prefix>>shift)]++
		}
		if int(ends[byte(list[0].prefix>>shift)]) < len(list) {
			s.deal(list, shift, &ends)
			return
		}
		shift -= 8
	}
}

// deal is byBytes for a byte that has several values. counts says how often each occurs.
func (s *Sorter) deal(list []entry, shift int, counts *[256]uint32) {
	var next, ends [256]uint32
	at := uint32(0)
	for v, n := range counts {
		next[v] = at
		at += n
		ends[v] = at
	}
	for v := range next {
		for next[v] < ends[v] {
			e := list[next[v]]
			for {
				to := byte(e.prefix >> shift)
				if int(to) == v {
					break
				}
				e, list[next[to]] = list[next[to]], e
				next[to]++
			}
			list[next[v]] = e
			next[v]++
		}
	}
	from := uint32(0)
	for _, to := range ends {
		if to-from > 1 {
			s.byBytes(list[from:to], shift-8)
		}
		from = to
	}
}

// samePrefix sorts entries with the same prefix. They are looked at in the order in which they were added, which is how
// they lie in memory, and often the right order: entries of an index come in the order of the primary one.
func (s *Sorter) samePrefix(list []entry) {
	slices.SortFunc(list, func(a, b entry) int { return cmp.Compare(a.place(), b.place()) })
	slices.SortFunc(list, s.compare)
}

// place orders entries as they were added.
func (e entry) place() uint64 { return uint64(e.chunk)<<32 | uint64(e.offset) }

// compare is the order of two entries.
func (s *Sorter) compare(a, b entry) int {
	if a.prefix != b.prefix {
		if a.prefix < b.prefix {
			return -1
		}
		return 1
	}
	ka, da := s.at(a)
	kb, db := s.at(b)
	if c := bytes.Compare(ka, kb); c != 0 {
		return c
	}
	return bytes.Compare(da, db)
}
