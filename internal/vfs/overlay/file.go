package overlay

import (
	"errors"

	"esent/internal/jet"
	"esent/internal/vfs"
)

// file is an open file of an overlay.
type file struct {
	fs   *FS
	node *node
	name string
	mode vfs.OpenMode
	// base is what shows through, nil for nothing.
	base   vfs.File
	closed bool
}

// open does what remains of FS.Open when the node is known; the overlay is locked.
func (h *file) open() (err error) {
	n := h.node
	if n.base != "" {
		if h.base, err = h.fs.base.Open(n.base, vfs.ReadOnly|h.mode&vfs.Lock); err != nil {
			return err
		}
		if n.content == nil {
			size, err := h.base.Size()
			if err != nil {
				return errors.Join(err, h.base.Close())
			}
			n.content = newContent(h.fs.store, size)
		}
	}
	if !n.content.enter(h.mode) {
		err := fail(jet.ErrFileAccessDenied, "lock", h.name, vfs.ErrLocked)
		if h.base != nil {
			err = errors.Join(err, h.base.Close())
		}
		return err
	}
	if h.mode.Access() == vfs.CreateTruncate {
		if err := n.content.truncate(0); err != nil {
			return errors.Join(err, h.Close())
		}
	}
	return nil
}

// ReadAt implements vfs.File.
func (h *file) ReadAt(p []byte, off int64) error {
	if off < 0 {
		return fail(jet.ErrDiskIO, "read", h.name, errNegative)
	}
	return h.node.content.read(h, p, off)
}

// WriteAt implements vfs.File.
func (h *file) WriteAt(p []byte, off int64) error {
	switch {
	case h.mode.Access() == vfs.ReadOnly:
		return fail(jet.ErrFileAccessDenied, "write", h.name, errReadOnly)
	case off < 0:
		return fail(jet.ErrDiskIO, "write", h.name, errNegative)
	}
	return h.node.content.write(h.base, p, off)
}

// Sync implements vfs.File: nothing here is to outlive the process.
func (h *file) Sync() error { return nil }

// Truncate implements vfs.File.
func (h *file) Truncate(size int64) error {
	switch {
	case h.mode.Access() == vfs.ReadOnly:
		return fail(jet.ErrFileAccessDenied, "truncate", h.name, errReadOnly)
	case size < 0:
		return fail(jet.ErrDiskIO, "truncate", h.name, errNegative)
	}
	return h.node.content.truncate(size)
}

// Size implements vfs.File.
func (h *file) Size() (int64, error) { return h.node.content.length(), nil }

// Close implements vfs.File.
func (h *file) Close() error {
	if h.closed {
		return fail(jet.ErrDiskIO, "close", h.name, errClosed)
	}
	h.closed = true
	h.node.content.leave(h.mode)
	if h.base != nil {
		return h.base.Close()
	}
	return nil
}

// Name implements vfs.File.
func (h *file) Name() string { return h.name }
