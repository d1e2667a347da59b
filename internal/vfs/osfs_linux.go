package vfs

import (
	"errors"
	"os"
	"syscall"

	"esent/internal/jet"
)

func openFile(path string, mode OpenMode) (*os.File, error) {
	flags := os.O_RDWR | syscall.O_NONBLOCK // a pipe is refused, not waited for
	switch mode.Access() {
	case ReadOnly:
		flags = os.O_RDONLY | syscall.O_NONBLOCK
	case ReadWrite:
	case Create:
		flags |= os.O_CREATE | os.O_EXCL
	case CreateTruncate:
		flags |= os.O_CREATE
	default:
		return nil, syscall.EINVAL
	}
	return os.OpenFile(path, flags, 0o666)
}

// lockFile takes a lock of the open file description, which tells two openers in one process apart as
// well as two processes, and ends with the last descriptor whatever becomes of the process.
func lockFile(f *os.File, exclusive bool) error {
	how := syscall.LOCK_SH
	if exclusive {
		how = syscall.LOCK_EX
	}
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	err = control(raw, func(fd int) error { return syscall.Flock(fd, how|syscall.LOCK_NB) })
	if err == syscall.EWOULDBLOCK {
		return &Error{Code: jet.ErrFileAccessDenied, Op: "lock", Path: f.Name(), Err: ErrLocked}
	}
	return err
}

// syncFile leaves out metadata that is not needed to read the data back, such as the time of change; the
// size is needed and included.
func syncFile(f *osFile) error { return control(f.raw, syscall.Fdatasync) }

func growFile(f *osFile, old, size int64) error {
	err := control(f.raw, func(fd int) error { return syscall.Fallocate(fd, 0, old, size-old) })
	switch err {
	case nil:
		return nil
	case syscall.EOPNOTSUPP, syscall.ENOSYS, syscall.EINVAL, syscall.ENODEV:
		return f.f.Truncate(size) // this file system allocates when written
	default:
		// What had been allocated when it failed may have grown the file.
		return errors.Join(err, f.f.Truncate(old))
	}
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.EOPNOTSUPP) {
		err = nil // a file system without directory sync, such as some network ones
	}
	return errors.Join(err, d.Close())
}

// control runs a system call on the descriptor, again when a signal interrupted it.
func control(raw rawConn, call func(fd int) error) error {
	var err error
	outer := raw.Control(func(fd uintptr) {
		for {
			if err = call(int(fd)); err != syscall.EINTR {
				return
			}
		}
	})
	if outer != nil {
		return outer
	}
	return err
}

// codeOf maps the system's errors to result codes (spec chapter 06, 5.13).
func codeOf(err error, otherwise jet.Err) jet.Err {
	errno, ok := errors.AsType[syscall.Errno](err)
	if !ok {
		return otherwise
	}
	switch errno {
	case syscall.ENOENT:
		return jet.ErrFileNotFound
	case syscall.ENOTDIR, syscall.ENAMETOOLONG, syscall.ELOOP:
		return jet.ErrInvalidPath
	case syscall.EEXIST:
		return jet.ErrFileAlreadyExists
	case syscall.EACCES, syscall.EPERM, syscall.EROFS, syscall.EISDIR, syscall.EBUSY, syscall.ETXTBSY,
		syscall.ENOTEMPTY, syscall.EBADF:
		return jet.ErrFileAccessDenied
	case syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG:
		return jet.ErrDiskFull
	case syscall.EMFILE, syscall.ENFILE:
		return jet.ErrOutOfFileHandles
	case syscall.ENOMEM:
		return jet.ErrOutOfMemory
	case syscall.EUCLEAN, syscall.EBADMSG: // how ext4, xfs and others report their own damage
		return jet.ErrFileSystemCorruption
	case syscall.EINVAL:
		return jet.ErrInvalidParameter
	default:
		return otherwise
	}
}
