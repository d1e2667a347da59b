package dbfile

import (
	"bytes"

	"esent/internal/checksum"
	"esent/internal/engine/page"
	"esent/internal/jet"
	"esent/internal/vfs"
)

// minPageSize is the smallest page that old engines wrote; it is recognised, to be refused by its size.
const minPageSize = 2048

// Copies tells which of the two header copies were found good; the one that was read is the primary when
// that is good.
type Copies struct{ Primary, Shadow bool }

// ReadHeader reads the header of an open file and finds the page size by itself (spec chapter 02, 4.2). It
// repairs nothing: RepairHeader does. When both copies are bad the error says what the file seems to be
// (spec chapter 02, 4.3).
func ReadHeader(f vfs.File) (Header, Copies, error) {
	size, err := f.Size()
	if err != nil {
		return Header{}, Copies{}, err
	}
	buf := make([]byte, min(HeaderPages*page.MaxSize, size))
	if err := f.ReadAt(buf, 0); err != nil {
		return Header{}, Copies{}, err
	}
	var primary, shadow []byte
	for n := minPageSize; n <= page.MaxSize; n *= 2 {
		if c := headerCopy(buf, 0, n); c != nil {
			primary = c
		}
		if c := headerCopy(buf, 1, n); c != nil {
			shadow = c
		}
	}
	switch {
	case primary != nil:
		return DecodeHeader(primary), Copies{true, bytes.Equal(primary, shadow)}, nil
	case shadow != nil:
		return DecodeHeader(shadow), Copies{Shadow: true}, nil
	}
	return Header{}, Copies{}, unreadable(buf)
}

// headerCopy is copy 0 or 1 of the header for pages of n bytes, nil when it is bad.
func headerCopy(buf []byte, copy, n int) []byte {
	if len(buf) < (copy+1)*n {
		return nil
	}
	b := buf[copy*n : (copy+1)*n]
	stored := int(le.Uint32(b[236:]))
	if stored == 0 {
		stored = defaultPageSize
	}
	// Other files of the engine begin with a page under the same checksum.
	if le.Uint32(b[4:]) != Magic || stored != n || checksum.XOR(b) != le.Uint32(b) {
		return nil
	}
	return b
}

// unreadable is the error for a file of which both header copies are bad.
func unreadable(buf []byte) error {
	const format500 = 0x500
	if len(buf) < 12 || le.Uint32(buf[4:]) != Magic {
		return jet.ErrDatabaseCorrupted.Errorf("no database header")
	}
	if le.Uint32(buf[8:]) == format500 {
		return jet.ErrDatabase500Format
	}
	return jet.ErrInvalidDatabaseVersion.Errorf("both copies of the header are damaged")
}

// RepairHeader writes the good copy over the bad one and makes it durable. It does nothing when both are good,
// and nothing to a file in which there is no place for both: it has no pages either.
func RepairHeader(f vfs.File, h *Header, c Copies) error {
	if c.Primary && c.Shadow {
		return nil
	}
	size, err := f.Size()
	if err != nil || size < HeaderPages*int64(h.PageSize()) {
		return err
	}
	off := int64(0)
	if c.Primary {
		off = int64(h.PageSize())
	}
	if err := f.WriteAt(h.image, off); err != nil {
		return err
	}
	return f.Sync()
}

// writeHeaderPage writes both copies of a header's page, copy first before the other, each made durable before the next
// step, so that at any moment one of them is whole (spec chapter 02, 4.1). On failure it tells which copy is in doubt.
func writeHeaderPage(f vfs.File, page []byte, first int) (doubtful int, err error) {
	for i := range HeaderPages {
		n := (first + i) % HeaderPages
		if err := f.WriteAt(page, int64(n*len(page))); err != nil {
			return n, err
		}
		if err := f.Sync(); err != nil {
			return n, err
		}
	}
	return 0, nil
}

// ReadFileHeader reads the header of the file at path without keeping it open, for those who want to know of
// a database what its header says. Damaged copies are not repaired.
func ReadFileHeader(fsys vfs.FS, path string) (Header, error) {
	f, err := fsys.Open(path, vfs.ReadOnly)
	if err != nil {
		return Header{}, err
	}
	h, _, err := ReadHeader(f)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return h, err
}
