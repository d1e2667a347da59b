package logstore

import (
	"errors"

	"esent/internal/jet"
	"esent/internal/vfs"
)

// File is one log file open for reading.
type File struct {
	Header *Header
	fs     vfs.FS
	path   string
	f      vfs.File
	// repaired is a segment whose good copy lies behind it, 0 for none.
	repaired uint16
	// last is the last segment that counts, found by Scan; before that, the last there can be.
	last uint16
}

// OpenFile opens a log and checks its header against what is expected (see Header.Check). Codes besides those
// of DecodeHeader and Check: JET_errMissingLogFile, and JET_errLogFileSizeMismatch for a file too short for a
// header.
func OpenFile(fsys vfs.FS, path string, e Expect) (*File, error) {
	f, err := fsys.Open(path, vfs.ReadOnly)
	if err != nil {
		if absent(err) {
			return nil, jet.ErrMissingLogFile.Errorf("%s", path)
		}
		return nil, err
	}
	l := &File{fs: fsys, path: path, f: f}
	if err := l.readHeader(e); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return l, nil
}

func (l *File) readHeader(e Expect) error {
	size, err := l.f.Size()
	if err != nil {
		return err
	}
	b := make([]byte, HeaderSize)
	if size < HeaderSize {
		return jet.ErrLogFileSizeMismatch.Errorf("%s is %d bytes long", l.path, size)
	}
	if err := l.f.ReadAt(b, 0); err != nil {
		return err
	}
	if l.Header, err = DecodeHeader(b); err != nil {
		return err
	}
	l.last = l.Header.Segments - 2
	return l.Header.Check(e, size)
}

// ReadHeader reads the header of a log file without further checks, for a dump.
func ReadHeader(fsys vfs.FS, path string) (*Header, error) {
	l, err := OpenFile(fsys, path, Expect{})
	if err != nil {
		return nil, err
	}
	return l.Header, l.Close()
}

// Path is the file's path.
func (l *File) Path() string { return l.path }

// Close closes the file. Records read from it stay valid.
func (l *File) Close() error { return l.f.Close() }
