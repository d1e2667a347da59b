// Package vfs is the engine's door to everything that is not deterministic: files, the clock, random
// numbers and background tasks. System gives the real ones; package simdisk gives simulated ones that
// crash, tear, fill up and rot on command and replay from a seed.
//
// It owns all calls to the operating system's files: no other package opens one. Every error of this
// package wraps a jet.Err (see Error) and keeps the system's own error reachable by errors.Is.
package vfs

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io/fs"
	"time"
)

// OpenMode says how FS.Open treats the path: one of ReadOnly to CreateTruncate, with Lock if wanted.
type OpenMode uint8

const (
	// ReadOnly opens an existing file for reading.
	ReadOnly OpenMode = iota
	// ReadWrite opens an existing file for reading and writing.
	ReadWrite
	// Create makes a new file for reading and writing; an existing one gives jet.ErrFileAlreadyExists.
	Create
	// CreateTruncate makes a new file or empties the existing one, for reading and writing.
	CreateTruncate

	// Lock keeps others off while the file is open: shared among ReadOnly openers, exclusive in the
	// other modes. It binds only openers that ask for Lock too, in this process and in others; a
	// conflict gives jet.ErrFileAccessDenied wrapping ErrLocked, before anything is truncated.
	Lock OpenMode = 0x10
)

// Access is m without Lock.
func (m OpenMode) Access() OpenMode { return m &^ Lock }

// ErrLocked is what a lock conflict wraps, to tell it from missing permission.
var ErrLocked = errors.New("file is locked by another instance")

// File is an open file. Offsets and sizes are in bytes. Its methods may be called by several goroutines
// at once, Close only when no other call runs.
type File interface {
	// ReadAt fills p from offset off, or fails; what p then holds is undefined. Where the file ends
	// before p is full the error is jet.ErrFileIOBeyondEOF.
	ReadAt(p []byte, off int64) error
	// WriteAt writes all of p at offset off, or fails; then any part of p may have been written.
	// Writing past the end grows the file, the gap reads as zeros. Durable only after Sync.
	WriteAt(p []byte, off int64) error
	// Sync makes everything written so far durable, with the size. A failure is final: the system may
	// have dropped the data, so that every later Sync of this File fails too.
	Sync() error
	// Truncate sets the size. Growth reads as zeros and allocates the space where the file system can,
	// so that later writes there do not meet a full disk; on failure the size is as before.
	Truncate(size int64) error
	// Size is the present size.
	Size() (int64, error)
	// Close releases the file and its lock. It does not sync.
	Close() error
	// Name is the path that was given to Open.
	Name() string
}

// Info describes a file or directory.
type Info struct {
	Size  int64
	IsDir bool
}

// DirEntry is one name in a directory.
type DirEntry struct {
	Name string
	Info
}

// FS is a file system. Paths use the system's separator or '/'; relative ones start at the working directory.
//
// A missing file gives jet.ErrFileNotFound, a missing directory on the way to it jet.ErrInvalidPath; both
// satisfy errors.Is(err, fs.ErrNotExist). A path that can name nothing (too long, through a file) gives
// jet.ErrInvalidPath alone. The other codes are those of spec
// chapter 06, 5.13: ErrFileAlreadyExists, ErrFileAccessDenied, ErrDiskFull, ErrOutOfFileHandles, ErrDiskIO.
type FS interface {
	// Open opens or creates a file; a directory or a pipe gives jet.ErrFileAccessDenied.
	Open(path string, mode OpenMode) (File, error)
	// Remove removes a file, not a directory.
	Remove(path string) error
	// Rename gives a file or directory another name, replacing a file that bears it. A directory is not
	// replaced: jet.ErrFileAlreadyExists.
	Rename(oldPath, newPath string) error
	// Mkdir makes one directory; its parent must exist.
	Mkdir(path string) error
	// MkdirAll makes a directory and whatever is missing on the way to it.
	MkdirAll(path string) error
	// RemoveDir removes an empty directory; one that is not empty gives jet.ErrFileAccessDenied.
	RemoveDir(path string) error
	// ReadDir lists a directory by rising name, without "." and "..".
	ReadDir(path string) ([]DirEntry, error)
	// Stat describes what path names, following symbolic links.
	Stat(path string) (Info, error)
	// SyncDir makes the creations, renames and removals in a directory durable.
	SyncDir(path string) error
	// Abs is path made absolute and clean, with '/' as separator.
	Abs(path string) (string, error)
}

// Env is what the engine is given from outside.
type Env struct {
	FS    FS
	Now   func() time.Time
	Rand  func() uint64
	Sched Scheduler
}

// System is the real environment: the operating system's files, its clock, its cryptographic random
// numbers, and a goroutine for each task.
func System() *Env {
	return &Env{FS: osFS{}, Now: time.Now, Rand: systemRand, Sched: NewScheduler()}
}

func systemRand() uint64 {
	var b [8]byte
	rand.Read(b[:]) // never fails: crypto/rand ends the process instead
	return binary.LittleEndian.Uint64(b[:])
}

// Exists says whether path names a file or directory.
func Exists(fsys FS, path string) (bool, error) {
	switch _, err := fsys.Stat(path); {
	case err == nil:
		return true, nil
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	default:
		return false, err
	}
}

// ReadFile reads a whole file.
func ReadFile(fsys FS, path string) ([]byte, error) {
	f, err := fsys.Open(path, ReadOnly)
	if err != nil {
		return nil, err
	}
	size, err := f.Size()
	var data []byte
	if err == nil {
		data = make([]byte, size)
		err = f.ReadAt(data, 0)
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	return data, nil
}
