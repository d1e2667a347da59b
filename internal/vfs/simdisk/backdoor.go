package simdisk

import (
	"bytes"
	"io/fs"
	"path"
	"slices"
)

// The methods here reach the disk behind the engine's back: they count as no operation, meet no fault and
// work with the power off.

// walk visits every file that programs see, by rising path.
func (s *Sim) walk(visit func(path string, n *node)) {
	var down func(p string, n *node)
	down = func(p string, n *node) {
		if !n.dir {
			visit(p, n)
			return
		}
		for _, name := range sortedNames(n.kids) {
			down(path.Join(p, name), n.kids[name])
		}
	}
	down("/", s.root)
}

// Files lists the paths of all files, by rising path.
func (s *Sim) Files() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []string
	s.walk(func(p string, _ *node) { list = append(list, p) })
	return list
}

// Unsynced lists the files with content, and the directories with names, that are not durable.
func (s *Sim) Unsynced() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	pending := map[*node]bool{}
	for i := range s.names {
		pending[s.names[i].src], pending[s.names[i].dst] = true, true
	}
	var list []string
	var down func(p string, n *node)
	down = func(p string, n *node) {
		if pending[n] || len(n.events) > 0 {
			list = append(list, p)
		}
		for _, name := range sortedNames(n.kids) {
			down(path.Join(p, name), n.kids[name])
		}
	}
	down("/", s.root)
	return list
}

// file finds the file that programs see at a path.
func (s *Sim) file(p string) (place, error) {
	info := OpInfo{Op: OpOpen, Path: clean(p)}
	at, err := s.find(info.Path, &info)
	if err == nil && (at.node == nil || at.node.dir) {
		err = &fs.PathError{Op: "open", Path: info.Path, Err: fs.ErrNotExist}
	}
	return at, err
}

// ReadFile gives a file's content as programs see it.
func (s *Sim) ReadFile(p string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, err := s.file(p)
	if err != nil {
		return nil, err
	}
	return slices.Clone(at.node.data), nil
}

// Durable gives the content that a file is sure to have after a crash, when its name survives.
func (s *Sim) Durable(p string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, err := s.file(p)
	if err != nil {
		return nil, err
	}
	return slices.Clone(at.node.durable), nil
}

// WriteFile puts a file, with the directories on the way, or replaces a file's content; all names become
// durable, and the content.
func (s *Sim) WriteFile(p string, content []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p = clean(p)
	for i := 1; i < len(p); i++ {
		if p[i] != '/' {
			continue
		}
		info := OpInfo{Op: OpMkdir, Path: p[:i]}
		at, err := s.find(p[:i], &info)
		if err != nil {
			return err
		}
		if at.node == nil {
			s.change(nameOp{dst: at.dir, dstName: at.name, child: s.newNode(true)})
		}
	}
	info := OpInfo{Op: OpCreate, Path: p}
	at, err := s.find(p, &info)
	if err != nil {
		return err
	}
	if at.node == nil {
		at.node = s.newNode(false)
		s.change(nameOp{dst: at.dir, dstName: at.name, child: at.node})
	}
	if at.node.dir {
		return exists(&info)
	}
	s.commit(len(s.names))
	s.used += int64(len(content) - len(at.node.data))
	at.node.data, at.node.durable, at.node.events = slices.Clone(content), slices.Clone(content), nil
	at.node.same = false
	return nil
}

// FlipBit inverts bit number bit (0 to 7) of the byte at off, on the disk and in what programs see.
func (s *Sim) FlipBit(p string, off int64, bit uint) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, err := s.file(p)
	if err != nil {
		return err
	}
	if off < 0 || off >= int64(len(at.node.data)) {
		return &fs.PathError{Op: "flip bit", Path: p, Err: fs.ErrInvalid}
	}
	flip := func(b []byte, base int64) {
		if off >= base && off-base < int64(len(b)) {
			b[off-base] ^= 1 << bit
		}
	}
	at.node.part()
	flip(at.node.data, 0)
	flip(at.node.durable, 0)
	for i := range at.node.events {
		flip(at.node.events[i].data, at.node.events[i].off)
	}
	return nil
}

// Rot is a piece of a file that is not what was written.
type Rot struct {
	id        uint64 // of the file, whatever its name
	off       int64
	good, bad []byte
}

// Rot replaces bytes at off by bad ones, on the disk and in what programs see. All that is there must be durable.
func (s *Sim) Rot(p string, off int64, bad []byte) (*Rot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, err := s.file(p)
	if err != nil {
		return nil, err
	}
	n, end := at.node, off+int64(len(bad))
	if off < 0 || end > int64(len(n.data)) || len(n.events) > 0 {
		return nil, &fs.PathError{Op: "rot", Path: p, Err: fs.ErrInvalid}
	}
	r := &Rot{id: n.id, off: off, good: slices.Clone(n.data[off:end]), bad: slices.Clone(bad)}
	n.part()
	copy(n.data[off:], bad)
	copy(n.durable[off:], bad)
	return r, nil
}

// Mend puts back what was there before the rot, wherever nothing else has been written there since.
func (s *Sim) Mend(r *Rot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.walk(func(_ string, n *node) {
		if n.id != r.id {
			return
		}
		n.part()
		for _, b := range [][]byte{n.data, n.durable} {
			if end := r.off + int64(len(r.bad)); end <= int64(len(b)) && bytes.Equal(b[r.off:end], r.bad) {
				copy(b[r.off:], r.good)
			}
		}
	})
}

// Vanish takes a file away for good; open files of it go on. All names become durable.
func (s *Sim) Vanish(p string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, err := s.file(p)
	if err != nil {
		return err
	}
	s.change(nameOp{src: at.dir, srcName: at.name, child: at.node})
	s.commit(len(s.names))
	return nil
}
