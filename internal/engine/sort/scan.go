package sort

import "bytes"

// Scan reads entries in order, from the first to the last.
type Scan struct {
	s       *Sorter
	next    int       // entry in memory
	readers []*reader // a heap: the least entry first
	begun   bool
	key     []byte // the entry given last, when it came from the file
	data    []byte
}

// Scan begins a scan. The Sorter must be sorted.
func (s *Sorter) Scan() (*Scan, error) {
	sc := &Scan{s: s}
	if err := sc.open(); err != nil {
		return nil, err
	}
	return sc, nil
}

// open starts reading the runs.
func (sc *Scan) open() error {
	for _, r := range sc.s.runs {
		rd := &reader{file: sc.s.file, at: r.from, to: r.to}
		if err := rd.next(); err != nil {
			return err
		}
		if !rd.finished {
			sc.readers = append(sc.readers, rd)
		}
	}
	for i := len(sc.readers)/2 - 1; i >= 0; i-- {
		sc.sink(i)
	}
	return nil
}

// Next gives the next entry; key is nil after the last. The bytes are valid until the next call. Errors are those of
// reading the file.
func (sc *Scan) Next() (key, data []byte, err error) {
	if len(sc.s.runs) == 0 {
		if sc.next == len(sc.s.entries) {
			return nil, nil, nil
		}
		if sc.next%touchAhead == 0 {
			sc.s.touch(sc.next)
		}
		key, data = sc.s.at(sc.s.entries[sc.next])
		sc.next++
		return key, data, nil
	}
	for len(sc.readers) > 0 {
		top := sc.readers[0]
		drop := sc.begun && sc.s.conf.Duplicates.same(sc.key, sc.data, top.key, top.data)
		if !drop {
			sc.key = append(sc.key[:0], top.key...)
			sc.data = append(sc.data[:0], top.data...)
			sc.begun = true
		}
		if err := top.next(); err != nil {
			return nil, nil, err
		}
		if top.finished {
			last := len(sc.readers) - 1
			sc.readers[0] = sc.readers[last]
			sc.readers = sc.readers[:last]
		}
		sc.sink(0)
		if !drop {
			return nonNil(sc.key), sc.data, nil
		}
	}
	return nil, nil, nil
}

// nonNil lets an empty key differ from none.
func nonNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// sink puts the i-th reader to its place in the heap.
func (sc *Scan) sink(i int) {
	h := sc.readers
	for {
		least := i
		for c := 2*i + 1; c <= 2*i+2 && c < len(h); c++ {
			if before(h[c], h[least]) {
				least = c
			}
		}
		if least == i {
			return
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
}

func before(a, b *reader) bool {
	if c := bytes.Compare(a.key, b.key); c != 0 {
		return c < 0
	}
	return bytes.Compare(a.data, b.data) < 0
}
