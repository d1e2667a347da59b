package vfs

import (
	"errors"
	"fmt"
	"io/fs"

	"esent/internal/jet"
)

// Error is a failed file operation: the result code for the API, what was tried on which path, and the
// system's own error. errors.Is and errors.As find both Code and Err.
type Error struct {
	Code jet.Err
	Op   string
	Path string
	Err  error
}

// Error gives the code, the operation, the path and the system's message.
func (e *Error) Error() string {
	return fmt.Sprintf("%s: %s %s: %v", e.Code.Error(), e.Op, e.Path, e.Err)
}

// Unwrap gives the code first, so that jet.CodeOf finds it.
func (e *Error) Unwrap() []error { return []error{e.Code, e.Err} }

// ioError describes a failed operation on an open file.
func ioError(op, path string, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Code: codeOf(err, jet.ErrDiskIO), Op: op, Path: path, Err: bare(err)}
}

// pathError describes a failed operation on a path. missing is the code when something on the path does
// not exist; arguments that the system finds malformed are the path's fault.
func pathError(op, path string, err error, missing jet.Err) error {
	if err == nil {
		return nil
	}
	code := codeOf(err, jet.ErrDiskIO)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		code = missing
	case code == jet.ErrInvalidParameter:
		code = jet.ErrInvalidPath
	}
	return &Error{Code: code, Op: op, Path: path, Err: bare(err)}
}

// bare takes off the operation and path that package os adds, Error has its own.
func bare(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}
