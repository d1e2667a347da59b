package sort

import (
	"bytes"
	"encoding/binary"
	"slices"

	"esent/internal/vfs"
)

// Duplicates says which entries are dropped.
type Duplicates uint8

// The rules. Of entries with the same key the one with the least data is kept.
const (
	Keep        Duplicates = iota
	DropKeys               // one entry for each key
	DropEntries            // one entry for each key and data
)

// Config says how to make a Sorter.
type Config struct {
	// Memory is how many bytes of entries are held before they are written to the file; 0 means 1 MiB.
	Memory     int
	Duplicates Duplicates
	// FS and Path name the file for what does not fit; it is made when it is needed and removed by Close.
	FS   vfs.FS
	Path string
}

const (
	defaultMemory = 1 << 20
	firstChunk    = 16 << 10
	largestChunk  = 1 << 20
)

// Sorter orders entries.
type Sorter struct {
	conf Config

	entries []entry
	chunks  [][]byte // encoded entries, one behind the other
	filling int      // the chunk that is being filled
	fill    int      // what is used of it
	used    int      // bytes in chunks and entries
	common  []byte   // what the keys in memory all begin with

	file   vfs.File
	end    int64 // of the file
	runs   []run
	count  int64
	sorted bool
	buf    []byte // of the run being written
}

// entry finds an encoded entry. It holds no pointer, so that the collector passes over the list.
type entry struct {
	prefix uint64 // of the key, or of what is behind the part that all keys share, in big-endian order
	chunk  uint32
	offset uint32
}

const entrySize = 16

// New makes a Sorter that is empty.
func New(c Config) *Sorter {
	if c.Memory == 0 {
		c.Memory = defaultMemory
	}
	return &Sorter{conf: c}
}

// Len is the number of entries: those added, and after Sort, when all fit in memory, those that are left. What a
// scan of runs in the file will drop is not known.
func (s *Sorter) Len() int64 { return s.count }

// Add adds an entry, which it copies. Errors are those of writing the file.
func (s *Sorter) Add(key, data []byte) error {
	size := len(key) + len(data) + 2*binary.MaxVarintLen32
	if s.used+size+entrySize > s.conf.Memory && len(s.entries) > 0 {
		if err := s.spill(); err != nil {
			return err
		}
	}
	if len(s.entries) == 0 {
		s.common = append(s.common[:0], key...)
	} else if n := len(s.common); n > 0 && (len(key) < n || !bytes.Equal(s.common, key[:n])) {
		s.common = s.common[:commonLen(s.common, key)]
	}
	b := s.room(size)
	e := entry{prefix: prefix(key), chunk: uint32(s.filling), offset: uint32(s.fill)}
	if len(s.entries) == cap(s.entries) {
		s.entries = slices.Grow(s.entries, len(s.entries)+1)
	}
	s.entries = append(s.entries, e)
	n := len(appendEntry(b[:0], key, data))
	s.fill += n
	s.used += n + entrySize
	s.count++
	return nil
}

// room finds a chunk that has size bytes left, and gives the rest of it.
func (s *Sorter) room(size int) []byte {
	for ; s.filling < len(s.chunks); s.filling, s.fill = s.filling+1, 0 {
		if b := s.chunks[s.filling]; len(b)-s.fill >= size {
			return b[s.fill:]
		}
	}
	n := firstChunk
	if last := len(s.chunks) - 1; last >= 0 {
		n = min(2*len(s.chunks[last]), largestChunk)
	}
	s.chunks = append(s.chunks, make([]byte, max(n, size)))
	return s.chunks[s.filling]
}

// empty forgets the entries in memory and keeps the memory.
func (s *Sorter) empty() {
	s.entries, s.filling, s.fill, s.used = s.entries[:0], 0, 0, 0
}

// Sort ends the adding and orders what was added.
func (s *Sorter) Sort() error {
	if s.sorted {
		return nil
	}
	s.sorted = true
	if len(s.runs) > 0 {
		return s.spill()
	}
	s.order()
	s.count = int64(len(s.entries))
	return nil
}

// same says whether the second of two neighbours is dropped.
func (d Duplicates) same(ka, da, kb, db []byte) bool {
	return d != Keep && bytes.Equal(ka, kb) && (d == DropKeys || bytes.Equal(da, db))
}

// touchAhead is how many entries touch looks at.
const touchAhead = 32

// touch reads a byte or two of each of the entries in memory from i on. They lie scattered: the machine waits for all
// these reads together, and has the bytes at hand when the entries are taken one by one. The result only keeps the reads
// in the program.
//
//go:noinline
func (s *Sorter) touch(i int) (x byte) {
	for _, e := range s.entries[i:min(i+touchAhead, len(s.entries))] {
		b := s.chunks[e.chunk][e.offset:]
		x ^= b[0] ^ b[min(32, len(b)-1)]
	}
	return x
}

func (s *Sorter) at(e entry) (key, data []byte) {
	key, data, _ = cutEntry(s.chunks[e.chunk][e.offset:])
	return key, data
}

// Close gives up memory and file.
func (s *Sorter) Close() error {
	s.entries, s.chunks, s.runs, s.buf = nil, nil, nil, nil
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	s.file = nil
	if e := s.conf.FS.Remove(s.conf.Path); err == nil {
		err = e
	}
	return err
}

// prefix is the beginning of a key as a number, by which most comparisons are decided.
func prefix(key []byte) uint64 {
	if len(key) >= 8 {
		return binary.BigEndian.Uint64(key)
	}
	var b [8]byte
	copy(b[:], key)
	return binary.BigEndian.Uint64(b[:])
}

// An encoded entry is the length of its key and of its data, as varints, and both.
func appendEntry(b, key, data []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(key)))
	b = binary.AppendUvarint(b, uint64(len(data)))
	return append(append(b, key...), data...)
}

// cutEntry takes the entry at the beginning of b, and says how long it is; 0 if b has not all of it.
func cutEntry(b []byte) (key, data []byte, size int) {
	k, n := binary.Uvarint(b)
	if n <= 0 {
		return nil, nil, 0
	}
	d, m := binary.Uvarint(b[n:])
	if m <= 0 {
		return nil, nil, 0
	}
	at := n + m
	rest := uint64(len(b) - at)
	if k > rest || d > rest-k {
		return nil, nil, 0
	}
	from := at + int(k)
	size = from + int(d)
	return b[at:from:from], b[from:size:size], size
}
