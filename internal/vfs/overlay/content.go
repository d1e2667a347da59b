package overlay

import (
	"io"
	"sync"

	"esent/internal/jet"
	"esent/internal/vfs"
)

// blockSize is the unit of what is kept of a changed file. It is the smallest page of a database and the segment of a
// log, so that nothing of a file below need be read to keep one that is written.
const blockSize = 4096

// content is what a file holds.
type content struct {
	store *store

	mu   sync.RWMutex
	size int64
	// through is how far the file below shows through, where there is no block; behind that are zeros.
	through int64
	blocks  map[int64]slot

	// opened counts the open files, locked and shared the locks among them.
	opened, shared int
	locked         bool
	unlinked       bool
}

func newContent(s *store, size int64) *content {
	return &content{store: s, size: size, through: size, blocks: map[int64]slot{}}
}

func (c *content) length() int64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.size
}

// enter counts one who opens the file; false says that the lock is another's.
func (c *content) enter(mode vfs.OpenMode) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if mode&vfs.Lock != 0 {
		exclusive := mode.Access() != vfs.ReadOnly
		if c.locked || exclusive && c.shared > 0 {
			return false
		}
		if exclusive {
			c.locked = true
		} else {
			c.shared++
		}
	}
	c.opened++
	return true
}

func (c *content) leave(mode vfs.OpenMode) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case mode&vfs.Lock == 0:
	case mode.Access() == vfs.ReadOnly:
		c.shared--
	default:
		c.locked = false
	}
	c.opened--
	c.release()
}

func (c *content) unlink() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unlinked = true
	c.release()
}

// release gives the blocks back of a file that nobody can reach any more.
func (c *content) release() {
	if c.unlinked && c.opened == 0 {
		c.cut(0)
	}
}

// cut gives the blocks from a number on back.
func (c *content) cut(from int64) {
	for b, s := range c.blocks {
		if b >= from {
			c.store.free(s)
			delete(c.blocks, b)
		}
	}
}

func (c *content) truncate(size int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if size < c.size {
		c.cut((size + blockSize - 1) / blockSize)
		if s, kept := c.blocks[size/blockSize]; kept {
			in := int(size % blockSize)
			if err := c.store.write(s, make([]byte, blockSize-in), in); err != nil {
				return err
			}
		}
		c.through = min(c.through, size)
	}
	c.size = size
	return nil
}

func (c *content) read(h *file, p []byte, off int64) error {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if len(p) > 0 && off+int64(len(p)) > c.size {
		return fail(jet.ErrFileIOBeyondEOF, "read", h.name, io.ErrUnexpectedEOF)
	}
	return c.get(h.base, p, off)
}

// get reads where the file is that long, or behind its end, where zeros are.
func (c *content) get(base vfs.File, p []byte, off int64) error {
	for len(p) > 0 {
		s, kept, n := c.run(off, len(p))
		var err error
		if kept {
			err = c.store.read(s, p[:n], int(off%blockSize))
		} else {
			err = c.below(base, p[:n], off)
		}
		if err != nil {
			return err
		}
		p, off = p[n:], off+int64(n)
	}
	return nil
}

// run tells how many of the next n bytes lie together: in the file below, or kept in slots that follow s.
func (c *content) run(off int64, n int) (s slot, kept bool, length int) {
	if len(c.blocks) == 0 {
		return 0, false, n
	}
	b := off / blockSize
	s, kept = c.blocks[b]
	length = blockSize - int(off%blockSize)
	for next := slot(1); length < n; next++ {
		t, k := c.blocks[b+int64(next)]
		if k != kept || k && t != s+next {
			break
		}
		length += blockSize
	}
	return s, kept, min(length, n)
}

// below reads what shows through.
func (c *content) below(base vfs.File, p []byte, off int64) error {
	n := int(max(0, min(int64(len(p)), c.through-off)))
	clear(p[n:])
	if n == 0 {
		return nil
	}
	return base.ReadAt(p[:n], off)
}

func (c *content) write(base vfs.File, p []byte, off int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(p) > 0 {
		n, err := c.put(base, p, off)
		if err != nil {
			return err
		}
		p, off = p[n:], off+int64(n)
		c.size = max(c.size, off)
	}
	return nil
}

// put writes as much as goes in one step.
func (c *content) put(base vfs.File, p []byte, off int64) (n int, err error) {
	s, kept, n := c.run(off, len(p))
	in := int(off % blockSize)
	if kept {
		return n, c.store.write(s, p[:n], in)
	}
	b := off / blockSize
	if in > 0 || n < blockSize {
		block := make([]byte, blockSize)
		if err := c.get(base, block, b*blockSize); err != nil {
			return 0, err
		}
		n = copy(block[in:], p)
		p = block
	} else {
		n -= n % blockSize
		p = p[:n]
	}
	s, room := c.store.alloc(len(p) / blockSize)
	if room*blockSize < len(p) {
		n = room * blockSize
		p = p[:n]
	}
	if err := c.store.write(s, p, 0); err != nil {
		for i := range slot(room) {
			c.store.free(s + i)
		}
		return 0, err
	}
	for i := range slot(room) {
		c.blocks[b+int64(i)] = s + i
	}
	return n, nil
}
