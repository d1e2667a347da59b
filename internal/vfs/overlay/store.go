package overlay

import (
	"errors"
	"fmt"
	"path"
	"sync"

	"esent/internal/jet"
	"esent/internal/vfs"
)

// slot is the number of a block's place in the store.
type slot uint32

// chunkSlots is how many slots memory is taken for at once.
const chunkSlots = 256

// store keeps blocks: the first ones in memory, others in a temporary file.
type store struct {
	base   vfs.FS
	opt    Options
	inCore slot // this many slots lie in memory

	mu     sync.RWMutex
	chunks [][]byte
	file   vfs.File
	// path is that of a temporary file that could not be removed while it is open.
	path string
	next slot // the first that was never used
	idle []slot
}

func newStore(base vfs.FS, opt Options) *store {
	chunks := (opt.Memory + chunkSlots*blockSize - 1) / (chunkSlots * blockSize)
	return &store{base: base, opt: opt, inCore: slot(chunks) * chunkSlots}
}

func (s *store) used() int64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return (int64(s.next) - int64(len(s.idle))) * blockSize
}

// alloc gives up to n slots that follow each other, at least one.
func (s *store) alloc(n int) (first slot, got int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := len(s.idle); k > 0 {
		first = s.idle[k-1]
		s.idle = s.idle[:k-1]
		return first, 1
	}
	first = s.next
	s.next += slot(n)
	return first, n
}

func (s *store) free(t slot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle = append(s.idle, t)
}

// span tells how many of n bytes from byte in of slot t on lie together, and where: in a piece of memory, or at an
// offset of the file. Memory is taken when there is none.
func (s *store) span(t slot, in, n int) (piece []byte, off int64) {
	if t >= s.inCore {
		return nil, int64(t-s.inCore)*blockSize + int64(in)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.chunks) <= int(t/chunkSlots) {
		s.chunks = append(s.chunks, nil)
	}
	c := &s.chunks[t/chunkSlots]
	if *c == nil {
		*c = make([]byte, chunkSlots*blockSize)
	}
	piece = (*c)[int(t%chunkSlots)*blockSize+in:]
	return piece[:min(n, len(piece))], 0
}

// read gives bytes from byte in of a slot on, going on in those behind it.
func (s *store) read(t slot, p []byte, in int) error {
	for len(p) > 0 {
		piece, off := s.span(t, in, len(p))
		if piece == nil {
			f, err := s.temporary()
			if err != nil {
				return err
			}
			return f.ReadAt(p, off)
		}
		n := copy(p, piece)
		p = p[n:]
		t, in = t+slot((in+n)/blockSize), (in+n)%blockSize
	}
	return nil
}

// write is the counterpart of read.
func (s *store) write(t slot, p []byte, in int) error {
	for len(p) > 0 {
		piece, off := s.span(t, in, len(p))
		if piece == nil {
			f, err := s.temporary()
			if err != nil {
				return err
			}
			return f.WriteAt(p, off)
		}
		n := copy(piece, p)
		p = p[n:]
		t, in = t+slot((in+n)/blockSize), (in+n)%blockSize
	}
	return nil
}

// temporary is the temporary file, which loses its name at once where the system lets it.
func (s *store) temporary() (vfs.File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file != nil {
		return s.file, nil
	}
	name := path.Join(s.opt.TempDir, fmt.Sprintf("esent%016x.tmp", s.opt.Rand()))
	f, err := s.base.Open(name, vfs.Create)
	if err != nil {
		return nil, err
	}
	s.file = f
	if err := s.base.Remove(name); err != nil {
		if jet.CodeOf(err) != jet.ErrFileAccessDenied {
			return nil, err
		}
		s.path = name
	}
	return f, nil
}

func (s *store) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	if s.file != nil {
		err = s.file.Close()
		if s.path != "" {
			err = errors.Join(err, s.base.Remove(s.path))
		}
	}
	s.chunks, s.file, s.path = nil, nil, ""
	return err
}
