package backup

import (
	"bytes"
	"errors"
	"slices"

	"esent/internal/vfs"
)

// output is a file of the set that is being written.
type output struct {
	sched vfs.Scheduler
	file  vfs.File // nil as long as nothing but present is needed
	size  int64    // that the file will have
	off   int64    // where the next write goes
	// allocated says that the file has its size.
	allocated bool
	// syncer makes durable in the background what was written, so that the disk is never idle; nil for small files.
	syncer vfs.Task
	// present is a file of the set that has been the same so far, replace makes the file in its place.
	present vfs.File
	replace func() (vfs.File, error)
	buf     []byte
	// during does what takes long while watchers are told; nil does it alone.
	during func(func() error) error
}

// write puts p behind what was written.
func (o *output) write(p []byte) error {
	if o.file == nil {
		same, err := o.compare(p)
		if err == nil && !same {
			err = o.diverge()
		}
		if same || err != nil {
			o.off += int64(len(p))
			return err
		}
	}
	err := o.writeAt(p, o.off)
	begun := o.off / syncStride
	o.off += int64(len(p))
	if o.syncer != nil && o.off/syncStride != begun {
		o.syncer.Kick()
	}
	return err
}

// syncStride is after how many bytes it is time to make them durable.
const syncStride = 16 << 20

// writeAt writes to the file. The first time it takes all the space that is needed, so that a disk that is too
// small is found out at once.
func (o *output) writeAt(p []byte, off int64) error {
	if !o.allocated {
		if err := o.file.Truncate(o.size); err != nil {
			return err
		}
		o.allocated = true
		if o.size > syncStride {
			file := o.file
			// A sync that fails makes the last one fail too.
			o.syncer = o.sched.NewTask("backup sync", func() { _ = file.Sync() })
		}
	}
	return o.file.WriteAt(p, off)
}

// compare says that the present file goes on with p.
func (o *output) compare(p []byte) (bool, error) {
	o.buf = slices.Grow(o.buf[:0], len(p))[:len(p)]
	if err := o.present.ReadAt(o.buf, o.off); err != nil {
		return false, err
	}
	return bytes.Equal(o.buf, p), nil
}

// diverge makes a file of its own that begins like the present one.
func (o *output) diverge() error {
	var err error
	if o.file, err = o.replace(); err != nil {
		return err
	}
	for at := int64(0); at < o.off; at += int64(len(o.buf)) {
		o.buf = o.buf[:min(int64(len(o.buf)), o.off-at)]
		if err := o.present.ReadAt(o.buf, at); err != nil {
			return err
		}
		if err := o.writeAt(o.buf, at); err != nil {
			return err
		}
	}
	return nil
}

// finish makes the file durable and closes it.
func (o *output) finish() error {
	err := o.sync()
	return errors.Join(err, o.close())
}

func (o *output) sync() error {
	sync := func() error {
		o.stopSync()
		if o.file == nil {
			return nil
		}
		return o.file.Sync()
	}
	if o.during == nil {
		return sync()
	}
	return o.during(sync)
}

func (o *output) stopSync() {
	if o.syncer != nil {
		o.syncer.Stop()
	}
}

// close gives up what is open.
func (o *output) close() error {
	o.stopSync()
	var err error
	if o.file != nil {
		err = o.file.Close()
	}
	if o.present != nil {
		err = errors.Join(err, o.present.Close())
	}
	return err
}
