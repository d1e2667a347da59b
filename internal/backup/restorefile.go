package backup

import (
	"errors"
	"path"

	"esent/internal/backup/meter"
	"esent/internal/vfs"
)

// restoredFile is a database of the set on its way to its place.
type restoredFile struct {
	r        *restore
	from, to string
}

// bring checks the copy in the set, copies it over what is in its place, and makes it ready for redo. Nothing is
// written when the set cannot be used.
func (c *restoredFile) bring() error {
	if c.r.set.chain != nil {
		if err := c.bringBlocks(); err != nil {
			return err
		}
		return c.patch()
	}
	if err := c.check(); err != nil {
		return err
	}
	if c.from != c.to {
		if err := c.copy(); err != nil {
			return err
		}
	}
	return c.patch()
}

// check makes sure that the file is a backup copy that the logs of the set fit (spec chapter 06, 11.4).
func (c *restoredFile) check() error {
	f, err := OpenCopy(c.r.Env, c.from, true)
	if err != nil {
		return err
	}
	_, err = c.r.set.CheckCopy(f, c.r.Events)
	return errors.Join(err, f.Close())
}

// copy brings the file to its place, over what is there, durably.
func (c *restoredFile) copy() error {
	fsys := c.r.Env.FS
	from, err := fsys.Open(c.from, vfs.ReadOnly)
	if err != nil {
		return err
	}
	size, err := from.Size()
	if err == nil {
		err = c.copyFrom(from, size)
	}
	return errors.Join(err, from.Close())
}

func (c *restoredFile) copyFrom(from vfs.File, size int64) error {
	to, err := c.r.Env.FS.Open(c.to, vfs.CreateTruncate|vfs.Lock)
	if err != nil {
		return err
	}
	o := &output{sched: c.r.Env.Sched, file: to, size: size}
	if x := c.r.extended; x != nil {
		o.during = func(work func() error) error { return x.background.do(work, c.r.meter.Pulse) }
	}
	off := int64(0)
	p := c.r.pipe
	p.begin(copyWindow, func(b []byte) (int, error) {
		n := int(min(int64(len(b)), size-off))
		err := from.ReadAt(b[:n], off)
		off += int64(n)
		return n, err
	})
	defer p.end()
	watch, page := c.r.meter, int64(c.r.set.pageSize())
	if err := watch.Enter(meter.Databases, c.from); err != nil {
		return errors.Join(err, o.close())
	}
	for {
		b, err := p.next()
		if err == nil && len(b) > 0 {
			if err = o.write(b); err == nil {
				err = watch.Add(int64(len(b)), int64(len(b))/page)
			}
		}
		if err != nil {
			return errors.Join(err, o.close())
		}
		if len(b) == 0 {
			break
		}
	}
	if err := o.finish(); err != nil {
		return err
	}
	return c.r.Env.FS.SyncDir(path.Dir(c.to))
}

// copyWindow is how much of a copy is read at once, in bytes.
const copyWindow = 1 << 20

func (c *restoredFile) patch() error {
	f, err := OpenCopy(c.r.Env, c.to, false)
	if err != nil {
		return err
	}
	early := !c.r.stop.none()
	err = c.r.set.patchCopy(f, c.r.Events, early)
	if err == nil && early {
		c.r.hard.Least = max(c.r.hard.Least, int32(f.Header().FullCur.GenHigh))
	}
	return errors.Join(err, f.Close())
}
