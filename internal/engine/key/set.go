package key

import (
	"bytes"
	"slices"
)

// Set holds the keys of one record in one index, each once, in key order. It is reused: Reset keeps its memory.
type Set struct {
	bytes  []byte
	keys   []span
	sorted bool
}

type span struct{ from, to int }

// Reset empties the set.
func (s *Set) Reset() {
	s.bytes, s.keys, s.sorted = s.bytes[:0], s.keys[:0], true
}

// Add copies a key into the set.
func (s *Set) Add(key []byte) {
	from := len(s.bytes)
	s.bytes = append(s.bytes, key...)
	s.keys = append(s.keys, span{from, len(s.bytes)})
	s.sorted = len(s.keys) == 1
}

// AddAll adds all keys that the enumerator still has.
func (s *Set) AddAll(e *Enumerator) error {
	for {
		key, err := e.Next()
		if key == nil || err != nil {
			return err
		}
		s.Add(key)
	}
}

// Len is the number of different keys.
func (s *Set) Len() int {
	s.sort()
	return len(s.keys)
}

// At is the i-th key in order, valid until Reset or Add.
func (s *Set) At(i int) []byte {
	s.sort()
	return s.at(s.keys[i])
}

func (s *Set) at(k span) []byte { return s.bytes[k.from:k.to:k.to] }

func (s *Set) sort() {
	if s.sorted {
		return
	}
	slices.SortFunc(s.keys, func(a, b span) int { return bytes.Compare(s.at(a), s.at(b)) })
	s.keys = slices.CompactFunc(s.keys, func(a, b span) bool { return bytes.Equal(s.at(a), s.at(b)) })
	s.sorted = true
}

// Diff compares the keys of a record before and after a replace, in key order: remove is called for each key that is
// gone, add for each that is new, nothing for those that stay (spec chapter 04, 8.4). The first error ends it.
func Diff(before, after *Set, remove, add func(key []byte) error) error {
	i, j := 0, 0
	for i < before.Len() || j < after.Len() {
		order := 0
		switch {
		case j == after.Len():
			order = -1
		case i == before.Len():
			order = 1
		default:
			order = bytes.Compare(before.At(i), after.At(j))
		}
		var err error
		switch {
		case order < 0:
			err = remove(before.At(i))
			i++
		case order > 0:
			err = add(after.At(j))
			j++
		default:
			i++
			j++
		}
		if err != nil {
			return err
		}
	}
	return nil
}
