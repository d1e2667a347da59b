package vfs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"

	"esent/internal/jet"
)

var (
	errIsDirectory = errors.New("is a directory")
	errIsPipe      = errors.New("is a pipe")
)

// osFS is the operating system's file system.
type osFS struct{}

func (osFS) Open(path string, mode OpenMode) (File, error) {
	f, err := openFile(path, mode)
	if err != nil {
		return nil, openError(path, mode, err)
	}
	info, err := f.Stat()
	switch {
	case err != nil:
	case info.IsDir():
		err = &Error{Code: jet.ErrFileAccessDenied, Op: "open", Path: path, Err: errIsDirectory}
	case info.Mode()&fs.ModeNamedPipe != 0:
		err = &Error{Code: jet.ErrFileAccessDenied, Op: "open", Path: path, Err: errIsPipe}
	}
	if err == nil && mode&Lock != 0 {
		err = lockFile(f, mode.Access() != ReadOnly)
	}
	if err == nil && mode.Access() == CreateTruncate {
		// Only now, for the file may have been another's until the lock was ours.
		err = f.Truncate(0)
	}
	if err == nil {
		of := &osFile{f: f, path: path}
		if of.raw, err = f.SyscallConn(); err == nil {
			return of, nil
		}
	}
	err = openError(path, mode, err)
	return nil, errors.Join(err, ioError("close", path, f.Close()))
}

func openError(path string, mode OpenMode, err error) error {
	if _, ok := errors.AsType[*Error](err); ok {
		return err
	}
	missing := jet.ErrInvalidPath
	if m := mode.Access(); m == ReadOnly || m == ReadWrite {
		missing = missingCode(path)
	}
	return pathError("open", path, err, missing)
}

// missingCode tells a missing file from a missing directory.
func missingCode(path string) jet.Err {
	if path == "" {
		return jet.ErrInvalidPath
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
		return jet.ErrInvalidPath
	}
	return jet.ErrFileNotFound
}

func (osFS) Remove(path string) error {
	// The system's name for a failure to unlink a directory differs by platform.
	if info, err := os.Lstat(path); err == nil && info.IsDir() {
		return &Error{Code: jet.ErrFileAccessDenied, Op: "remove", Path: path, Err: errIsDirectory}
	}
	if err := os.Remove(path); err != nil {
		return pathError("remove", path, err, missingCode(path))
	}
	return nil
}

func (osFS) Rename(oldPath, newPath string) error {
	err := os.Rename(oldPath, newPath)
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		err = e.Err
	}
	missing := missingCode(oldPath)
	if _, e := os.Lstat(oldPath); e == nil {
		missing = jet.ErrInvalidPath
	}
	return pathError("rename to "+newPath+" from", oldPath, err, missing)
}

func (osFS) Mkdir(path string) error {
	return pathError("mkdir", path, os.Mkdir(path, 0o777), jet.ErrInvalidPath)
}

func (osFS) MkdirAll(path string) error {
	return pathError("mkdir", path, os.MkdirAll(path, 0o777), jet.ErrInvalidPath)
}

func (osFS) RemoveDir(path string) error {
	info, err := os.Lstat(path)
	if err == nil && !info.IsDir() {
		return &Error{Code: jet.ErrInvalidPath, Op: "rmdir", Path: path, Err: errors.New("not a directory")}
	}
	if err == nil {
		err = os.Remove(path)
	}
	return pathError("rmdir", path, err, jet.ErrInvalidPath)
}

func (osFS) ReadDir(path string) ([]DirEntry, error) {
	list, err := os.ReadDir(path)
	if err != nil {
		return nil, pathError("list", path, err, jet.ErrInvalidPath)
	}
	entries := make([]DirEntry, 0, len(list))
	for _, e := range list {
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed since it was listed
		}
		if err != nil {
			return nil, pathError("list", path, err, jet.ErrInvalidPath)
		}
		entries = append(entries, DirEntry{Name: e.Name(), Info: infoOf(info)})
	}
	return entries, nil
}

func (osFS) Stat(path string) (Info, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Info{}, pathError("stat", path, err, missingCode(path))
	}
	return infoOf(info), nil
}

func infoOf(info fs.FileInfo) Info {
	if info.IsDir() {
		return Info{IsDir: true}
	}
	return Info{Size: info.Size()}
}

func (osFS) SyncDir(path string) error {
	return pathError("sync directory", path, syncDir(path), jet.ErrInvalidPath)
}

func (osFS) Abs(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", pathError("make absolute", path, err, jet.ErrInvalidPath)
	}
	return filepath.ToSlash(abs), nil
}

// osFile is an open file of the operating system.
type osFile struct {
	f    *os.File
	raw  rawConn
	path string
	lost atomic.Bool // a Sync has failed
}

// rawConn is the part of syscall.RawConn that reaches the descriptor.
type rawConn interface{ Control(func(fd uintptr)) error }

var errSyncFailed = errors.New("an earlier sync of this file failed, written data may be lost")

func (f *osFile) ReadAt(p []byte, off int64) error {
	n, err := f.f.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if err == io.EOF {
		return &Error{Code: jet.ErrFileIOBeyondEOF, Op: "read", Path: f.path, Err: io.ErrUnexpectedEOF}
	}
	return ioError("read", f.path, err)
}

func (f *osFile) WriteAt(p []byte, off int64) error {
	_, err := f.f.WriteAt(p, off)
	return ioError("write", f.path, err)
}

func (f *osFile) Sync() error {
	if f.lost.Load() {
		return &Error{Code: jet.ErrDiskIO, Op: "sync", Path: f.path, Err: errSyncFailed}
	}
	err := syncFile(f)
	if err != nil {
		f.lost.Store(true)
	}
	return ioError("sync", f.path, err)
}

func (f *osFile) Truncate(size int64) error {
	old, err := f.Size()
	if err != nil {
		return err
	}
	if size > old {
		err = growFile(f, old, size)
	} else {
		err = f.f.Truncate(size)
	}
	return ioError("truncate", f.path, err)
}

func (f *osFile) Size() (int64, error) {
	info, err := f.f.Stat()
	if err != nil {
		return 0, ioError("stat", f.path, err)
	}
	return info.Size(), nil
}

func (f *osFile) Close() error { return ioError("close", f.path, f.f.Close()) }

func (f *osFile) Name() string { return f.path }
