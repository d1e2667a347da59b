package blocks

import (
	"encoding/binary"
	"errors"
	"path"

	"esent/internal/engine/page"
	"esent/internal/jet"
	"esent/internal/vfs"
)

var (
	le = binary.LittleEndian
	be = binary.BigEndian
)

const (
	wordSize = 8
	// headerBlocks come before page 1 in a copy.
	headerBlocks = 2
	// readSize is how much of a file is read at once, in bytes.
	readSize = 1 << 20
)

// Words of blocks that are no ordinary pages.
const (
	// unequal is no block's word: what has it is taken for changed.
	unequal uint64 = 0
	// blank is the word of a page that was never written.
	blank uint64 = 1
)

// word stands for the content of a page in the course of one database's life: each change of a page has a dbtime of
// its own, and what changes without one, hints that are not logged, shows in the checksum.
func word(p page.Page) uint64 {
	if p.Blank() {
		return blank
	}
	w := uint64(p.DBTime())*0x9e3779b97f4a7c15 ^ le.Uint64(p)
	w = (w ^ w>>30) * 0xbf58476d1ce4e5b9
	w = (w ^ w>>27) * 0x94d049bb133111eb
	return max(w^w>>31, blank+1)
}

// Base gives the words of the copy that is compared with, from block 0 on; behind the end unequal.
type Base interface {
	next() (uint64, error)
	Close() error
}

// Nothing is the base of a database that the copy before does not have.
type Nothing struct{}

func (Nothing) next() (uint64, error) { return unequal, nil }

// Close implements Base.
func (Nothing) Close() error { return nil }

// OpenIndex opens the words of a database's copy in an increment.
func OpenIndex(fsys vfs.FS, inc *Increment, d *Database) (Base, error) {
	return openBase(fsys, path.Join(inc.Dir, d.Name+IndexExt), 0)
}

// OpenFull opens the words of the copy in a full backup.
func OpenFull(fsys vfs.FS, file string, pageSize int) (Base, error) {
	return openBase(fsys, file, pageSize)
}

// words reads an index, or with a page size the words of a whole copy.
type words struct {
	file      vfs.File
	size, off int64
	pageSize  int
	block     int64
	buf, rest []byte
}

func openBase(fsys vfs.FS, file string, pageSize int) (Base, error) {
	f, err := fsys.Open(file, vfs.ReadOnly)
	if err != nil {
		return nil, err
	}
	size, err := f.Size()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &words{file: f, size: size, pageSize: pageSize, buf: make([]byte, readSize)}, nil
}

func (w *words) Close() error { return w.file.Close() }

func (w *words) next() (uint64, error) {
	unit := max(w.pageSize, wordSize)
	if len(w.rest) < unit {
		n := min(int64(len(w.buf)), w.size-w.off)
		n -= n % int64(unit)
		if n == 0 {
			return unequal, nil
		}
		if err := w.file.ReadAt(w.buf[:n], w.off); err != nil {
			return 0, err
		}
		w.rest, w.off = w.buf[:n], w.off+n
	}
	p := w.rest[:unit]
	w.rest = w.rest[unit:]
	w.block++
	if w.pageSize == 0 {
		return le.Uint64(p), nil
	}
	return wordOfCopy(page.Page(p), w.block-1, w.size/int64(unit)), nil
}

// wordOfCopy is the word of a block in a copy of so many blocks. What is damaged in it is taken for changed, so that the
// increment mends it.
func wordOfCopy(p page.Page, block, blocks int64) uint64 {
	if block < headerBlocks || block == blocks-1 {
		return unequal
	}
	if _, err := p.Verify(jet.Pgno(block-headerBlocks+1), false); err != nil && jet.CodeOf(err) != jet.ErrPageNotInitialized {
		return unequal
	}
	return word(p)
}
