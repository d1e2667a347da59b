package vfs

import (
	"errors"
	"os"
	"syscall"

	"esent/internal/jet"
)

// openFile opens with the sharing that Lock stands for: whoever locks denies others to write, and an
// opener that would write, or that denies the writer it finds, gets a sharing violation.
func openFile(path string, mode OpenMode) (*os.File, error) {
	access := uint32(syscall.GENERIC_READ | syscall.GENERIC_WRITE)
	disposition := uint32(syscall.OPEN_EXISTING)
	switch mode.Access() {
	case ReadOnly:
		access = syscall.GENERIC_READ
	case ReadWrite:
	case Create:
		disposition = syscall.CREATE_NEW
	case CreateTruncate:
		disposition = syscall.OPEN_ALWAYS
	default:
		return nil, syscall.EINVAL
	}
	share := uint32(syscall.FILE_SHARE_READ)
	if mode&Lock == 0 {
		share |= syscall.FILE_SHARE_WRITE
	}
	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return nil, err
	}
	h, err := syscall.CreateFile(name, access, share, nil, disposition, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	if err != nil {
		if err == syscall.Errno(errorSharingViolation) {
			err = &Error{Code: jet.ErrFileAccessDenied, Op: "lock", Path: path, Err: ErrLocked}
		}
		return nil, err
	}
	return os.NewFile(uintptr(h), path), nil
}

// lockFile has nothing left to do: openFile's sharing is the lock.
func lockFile(*os.File, bool) error { return nil }

func syncFile(f *osFile) error { return f.f.Sync() }

func growFile(f *osFile, _, size int64) error { return f.f.Truncate(size) }

// syncDir has nothing to do: NTFS journals names in order and offers no flush of a directory.
func syncDir(path string) error {
	_, err := os.Stat(path)
	return err
}

// System error numbers that package syscall does not name.
const (
	errorTooManyOpenFiles  = 4
	errorNotEnoughMemory   = 8
	errorWriteProtect      = 19
	errorCRC               = 23
	errorSharingViolation  = 32
	errorLockViolation     = 33
	errorHandleDiskFull    = 39
	errorDiskFull          = 112
	errorInvalidName       = 123
	errorBadPathname       = 161
	errorDirectory         = 267
	errorFileCorrupt       = 1392
	errorDiskCorrupt       = 1393
	errorNoSystemResources = 1450
)

// codeOf maps the system's errors to result codes (spec chapter 06, 5.13).
func codeOf(err error, otherwise jet.Err) jet.Err {
	errno, ok := errors.AsType[syscall.Errno](err)
	if !ok {
		return otherwise
	}
	switch errno {
	case syscall.ERROR_FILE_NOT_FOUND:
		return jet.ErrFileNotFound
	case syscall.ERROR_PATH_NOT_FOUND, errorInvalidName, errorBadPathname, errorDirectory:
		return jet.ErrInvalidPath
	case syscall.ERROR_FILE_EXISTS, syscall.ERROR_ALREADY_EXISTS:
		return jet.ErrFileAlreadyExists
	case syscall.ERROR_ACCESS_DENIED, errorSharingViolation, errorLockViolation, errorWriteProtect,
		syscall.ERROR_DIR_NOT_EMPTY:
		return jet.ErrFileAccessDenied
	case errorDiskFull, errorHandleDiskFull:
		return jet.ErrDiskFull
	case errorTooManyOpenFiles:
		return jet.ErrOutOfFileHandles
	case errorNotEnoughMemory, errorNoSystemResources:
		return jet.ErrOutOfMemory
	case errorCRC:
		return jet.ErrDiskReadVerificationFailure
	case errorFileCorrupt, errorDiskCorrupt:
		return jet.ErrFileSystemCorruption
	case syscall.EINVAL:
		return jet.ErrInvalidParameter
	default:
		return otherwise
	}
}
