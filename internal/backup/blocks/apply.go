package blocks

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"path"

	"esent/internal/backup/meter"
	"esent/internal/engine/dbfile"
	"esent/internal/jet"
	"esent/internal/vfs"
)

// Steps gives the increments that make the copy of a database as it is in the last one of a chain, in the order in which
// they are applied; whole says that they begin with nothing, and need no copy of the full backup. ErrInvalidBackup for a
// database that the last one does not have, or whose copies do not follow each other.
func Steps(chain []*Increment, name string) (steps []*Increment, whole bool, err error) {
	if len(chain) == 0 {
		return nil, false, jet.ErrInvalidBackup.Errorf("there are no block increments")
	}
	var base *Mark
	for at := len(chain); at > 0; {
		inc := chain[at-1]
		d := inc.Database(name)
		if d == nil || base != nil && d.Mark != *base {
			return nil, false, jet.ErrInvalidBackup.Errorf("%s has no copy of %s that the next one follows", inc.Dir, name)
		}
		steps = append([]*Increment{inc}, steps...)
		if d.From == FromNothing {
			return steps, true, nil
		}
		base, at = &d.Base, d.From
	}
	return steps, false, nil
}

// Apply makes file the copy of the database called name as it is in the last increment of a chain, durably. file has the
// copy of the full backup that the chain begins with already, unless Steps has said that none is needed; then it is
// made, or emptied. Whatever fails leaves file as it comes: only after success it is a copy.
//
// Each increment's blocks are read twice: nothing is written before their checksum was right. m, which may be nil, counts
// their bytes. Errors: ErrInvalidBackup for increments that do not belong to the copy or to each other, or are no files of
// blocks; ErrReadVerifyFailure for a wrong checksum; those of the file system and of m.
func Apply(fsys vfs.FS, chain []*Increment, name, file string, m *meter.Meter) error {
	if m == nil {
		m = &meter.Meter{}
	}
	steps, whole, err := Steps(chain, name)
	if err != nil {
		return err
	}
	mode := vfs.ReadWrite
	if whole {
		mode = vfs.CreateTruncate
	}
	to, err := fsys.Open(file, mode|vfs.Lock)
	if err != nil {
		return err
	}
	a := applier{fs: fsys, to: to, meter: m}
	if !whole {
		err = a.checkBase(steps[0].Database(name))
	}
	for _, inc := range steps {
		if err == nil {
			err = a.apply(inc, inc.Database(name))
		}
	}
	if err == nil {
		err = to.Sync()
	}
	return errors.Join(err, to.Close())
}

type applier struct {
	fs    vfs.FS
	to    vfs.File
	meter *meter.Meter
	buf   []byte
}

// checkBase makes sure that the file is the copy that the first increment was made from.
func (a *applier) checkBase(d *Database) error {
	p := make([]byte, d.PageSize)
	if err := a.to.ReadAt(p, 0); err != nil {
		return err
	}
	if h := dbfile.DecodeHeader(p); MarkOf(h.FullCur) != d.Base {
		return jet.ErrInvalidBackup.Errorf("%s is not the copy that the block increments were made from", a.to.Name())
	}
	return nil
}

// apply brings the blocks of one increment to the file.
func (a *applier) apply(inc *Increment, d *Database) error {
	from, f, err := inc.open(a.fs, d)
	if err != nil {
		return err
	}
	a.meter.Expect(f.Size, d.Changed)
	err = checkSum(from, f, func(int64) error { return a.meter.Pulse() })
	if err == nil {
		err = a.meter.Enter(meter.Databases, from.Name())
	}
	if err == nil {
		err = a.copy(from, f, d)
	}
	if err == nil {
		err = a.to.Truncate(d.Blocks * int64(d.PageSize))
	}
	return errors.Join(err, from.Close())
}

// checkSum makes sure that a file is as it was written. each is told of what was read.
func checkSum(from vfs.File, f *File, each func(n int64) error) error {
	size, err := from.Size()
	if err != nil {
		return err
	}
	if size != f.Size {
		return jet.ErrInvalidBackup.Errorf("%s has %d bytes, not %d", from.Name(), size, f.Size)
	}
	sum, buf := sha256.New(), make([]byte, readSize)
	for off := int64(0); off < size; {
		p := buf[:min(readSize, size-off)]
		if err := from.ReadAt(p, off); err != nil {
			return err
		}
		sum.Write(p)
		off += int64(len(p))
		if err := each(int64(len(p))); err != nil {
			return err
		}
	}
	if hex.EncodeToString(sum.Sum(nil)) != f.SHA256 {
		return jet.ErrReadVerifyFailure.Errorf("%s is not as it was written", from.Name())
	}
	return nil
}

// copy writes the runs of a file of blocks to their places.
func (a *applier) copy(from vfs.File, f *File, d *Database) error {
	r := bufio.NewReaderSize(&sequential{file: from, size: f.Size}, readSize)
	head := make([]byte, dataHeader)
	if _, err := io.ReadFull(r, head); err != nil || !bytes.HasPrefix(head, []byte(dataMagic)) || int(le.Uint32(head[len(dataMagic):])) != d.PageSize {
		return jet.ErrInvalidBackup.Errorf("%s is no file of blocks: %v", from.Name(), err)
	}
	if a.buf == nil {
		a.buf = make([]byte, readSize)
	}
	size := int64(d.PageSize)
	for next := int64(0); ; {
		run := head[:runHeader]
		if _, err := io.ReadFull(r, run); err != nil {
			return broken(from, err)
		}
		first, n := int64(le.Uint32(run)), int64(le.Uint32(run[4:]))
		if n == 0 && first == d.Blocks {
			return nil
		}
		if n == 0 || first < next || first+n > d.Blocks {
			return jet.ErrInvalidBackup.Errorf("%s: %d blocks from %d on", from.Name(), n, first)
		}
		next = first + n
		for off, end := first*size, next*size; off < end; {
			p := a.buf[:min(int64(len(a.buf)), end-off)]
			if _, err := io.ReadFull(r, p); err != nil {
				return broken(from, err)
			}
			if err := a.to.WriteAt(p, off); err != nil {
				return err
			}
			off += int64(len(p))
			if err := a.meter.Add(int64(len(p)), int64(len(p))/size); err != nil {
				return err
			}
		}
	}
}

// broken is the error of reading a file of blocks.
func broken(from vfs.File, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return jet.ErrInvalidBackup.Errorf("%s has no end", from.Name())
	}
	return err
}

// sequential reads a file from its start to its end.
type sequential struct {
	file      vfs.File
	off, size int64
}

func (s *sequential) Read(p []byte) (int, error) {
	n := min(int64(len(p)), s.size-s.off)
	if n == 0 {
		return 0, io.EOF
	}
	if err := s.file.ReadAt(p[:n], s.off); err != nil {
		return 0, err
	}
	s.off += n
	return int(n), nil
}

// Check makes sure that the blocks which Apply would apply are there and as they were written. m, which may be nil, hears of
// it by its pulse.
func Check(fsys vfs.FS, chain []*Increment, name string, m *meter.Meter) error {
	if m == nil {
		m = &meter.Meter{}
	}
	steps, _, err := Steps(chain, name)
	if err != nil {
		return err
	}
	for _, inc := range steps {
		from, f, err := inc.open(fsys, inc.Database(name))
		if err != nil {
			return err
		}
		err = checkSum(from, f, func(int64) error { return m.Pulse() })
		if err := errors.Join(err, from.Close()); err != nil {
			return err
		}
	}
	return nil
}

// open opens the blocks of a database.
func (inc *Increment) open(fsys vfs.FS, d *Database) (vfs.File, *File, error) {
	f := inc.file(d.Name + DataExt)
	if f == nil {
		return nil, nil, jet.ErrInvalidBackup.Errorf("%s has no blocks of %s", inc.Dir, d.Name)
	}
	from, err := fsys.Open(path.Join(inc.Dir, f.Name), vfs.ReadOnly)
	return from, f, err
}

// Verify makes sure that the files of an increment are as they were written, logs and all. m, which may be nil, counts
// their bytes. Errors: as those of Apply.
func (inc *Increment) Verify(fsys vfs.FS, m *meter.Meter) error {
	if m == nil {
		m = &meter.Meter{}
	}
	for i := range inc.Files {
		m.Expect(inc.Files[i].Size, 0)
	}
	for i := range inc.Files {
		f := &inc.Files[i]
		from, err := fsys.Open(path.Join(inc.Dir, f.Name), vfs.ReadOnly)
		if err != nil {
			return jet.ErrInvalidBackup.Errorf("%v", err)
		}
		err = m.Enter(meter.Verify, from.Name())
		if err == nil {
			err = checkSum(from, f, func(n int64) error { return m.Add(n, 0) })
		}
		if err := errors.Join(err, from.Close()); err != nil {
			return err
		}
	}
	return nil
}
