package simdisk

import (
	"io"
	"io/fs"

	"esent/internal/jet"
	"esent/internal/vfs"
)

// file is an open file.
type file struct {
	s      *Sim
	epoch  int
	node   *node
	path   string // clean
	name   string // as given to Open
	mode   vfs.OpenMode
	closed bool
	lost   bool // a Sync has failed
}

// enter begins an operation on the file; the caller releases the lock.
func (f *file) enter(info OpInfo) verdict {
	info.Path = f.path
	d := f.s.enter(f.epoch, info)
	switch {
	case d.skip:
	case f.closed:
		d = verdict{skip: true, err: &vfs.Error{Code: jet.ErrDiskIO, Op: info.Op.String(), Path: f.path, Err: fs.ErrClosed}}
	case f.mode.Access() == vfs.ReadOnly && info.Op&(OpWrite|OpTruncate) != 0:
		d = verdict{skip: true, err: simError(jet.ErrFileAccessDenied, &info, "opened for reading only")}
	case info.Off < 0:
		d = verdict{skip: true, err: simError(jet.ErrInvalidParameter, &info, "negative offset or size")}
	}
	return d
}

func (f *file) ReadAt(p []byte, off int64) error {
	d := f.enter(OpInfo{Op: OpRead, Off: off, Len: len(p)})
	defer f.s.mu.Unlock()
	if d.skip {
		return d.err
	}
	if len(p) == 0 {
		return nil
	}
	if off >= int64(len(f.node.data)) || copy(p, f.node.data[off:]) < len(p) {
		return &vfs.Error{Code: jet.ErrFileIOBeyondEOF, Op: "read", Path: f.path, Err: io.ErrUnexpectedEOF}
	}
	return nil
}

func (f *file) WriteAt(p []byte, off int64) error {
	info := OpInfo{Op: OpWrite, Path: f.path, Off: off, Len: len(p)}
	d := f.enter(info)
	defer f.s.mu.Unlock()
	if d.skip {
		return d.err
	}
	if len(p) == 0 {
		return d.err
	}
	if err := f.s.charge(f.path, max(0, off+int64(len(p))-int64(len(f.node.data)))); err != nil {
		return simError(jet.ErrDiskFull, &info, "no space left")
	}
	if !d.torn {
		f.node.write(p, off)
		return d.err
	}
	// Each unit for itself: what fails in the middle has not gone from front to back.
	before, unit := int64(len(f.node.data)), f.s.opt.unit(f.path)
	for pos := off; pos < off+int64(len(p)); {
		next := min(pos/unit*unit+unit, off+int64(len(p)))
		if f.s.diskRand.IntN(2) == 0 {
			f.node.write(p[pos-off:next-off], pos)
		}
		pos = next
	}
	f.s.used += int64(len(f.node.data)) - max(before, off+int64(len(p)))
	return d.err
}

func (f *file) Sync() error {
	info := OpInfo{Op: OpSync, Path: f.path}
	d := f.enter(info)
	defer f.s.mu.Unlock()
	switch {
	case f.lost && d.err == nil:
		return simError(jet.ErrDiskIO, &info, "an earlier sync of this file failed, written data may be lost")
	case d.err != nil:
		f.lost = true
		// Without power nothing happens any more; Crash decides what there is.
		if d.skip && !f.s.off && f.epoch == f.s.epoch {
			f.s.abandon(f.path, f.node)
		}
		return d.err
	case d.skip:
		return nil
	}
	f.node.sync()
	f.s.syncNames(f.node, true)
	return nil
}

func (f *file) Truncate(size int64) error {
	info := OpInfo{Op: OpTruncate, Path: f.path, Off: size}
	d := f.enter(info)
	defer f.s.mu.Unlock()
	if d.skip {
		return d.err
	}
	if err := f.s.charge(f.path, size-int64(len(f.node.data))); err != nil {
		return simError(jet.ErrDiskFull, &info, "no space left")
	}
	if size != int64(len(f.node.data)) {
		f.node.truncate(size)
	}
	return d.err
}

func (f *file) Size() (int64, error) {
	d := f.enter(OpInfo{Op: OpSize})
	defer f.s.mu.Unlock()
	if d.skip {
		return 0, d.err
	}
	return int64(len(f.node.data)), nil
}

func (f *file) Close() error {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	if f.closed {
		return &vfs.Error{Code: jet.ErrDiskIO, Op: "close", Path: f.path, Err: fs.ErrClosed}
	}
	f.closed = true
	if f.epoch != f.s.epoch {
		return nil // the file was closed when its program ended
	}
	n := f.node
	n.open--
	if f.mode&vfs.Lock != 0 {
		if f.mode.Access() == vfs.ReadOnly {
			n.shared--
		} else {
			n.locked = false
		}
	}
	f.s.release(n)
	return nil
}

func (f *file) Name() string { return f.name }
