package logstore

import (
	"errors"
	"time"

	"esent/internal/jet"
	"esent/internal/vfs"
)

// beginFile makes the file of generation gen the current log, in the order of spec chapter 05, 10.2. prev is
// the header of the generation before, whose records are all durable; nil in a new stream.
func (l *Log) beginFile(gen int32, prev *Header) error {
	h := l.newHeader(gen, prev)
	if err := l.installFile(h, prev); err != nil {
		return err
	}
	return l.beginWith(h)
}

// beginWith goes on with the current log, whose header is h.
func (l *Log) beginWith(h *Header) error {
	if err := l.openCurrent(); err != nil {
		return err
	}
	l.header, l.sum = h, 0
	return nil
}

func (l *Log) newHeader(gen int32, prev *Header) *Header {
	h := &Header{Gen: gen, Segments: l.segments, PageSize: l.cfg.PageSize, Created: jet.MakeLogTime(l.cfg.Env.Now()), Version: l.version,
		SignLog: l.signLog, Params: l.Params(), Checkpoint: l.Checkpoint(), EngineEFV: maxEFV}
	if l.circular.Load() {
		h.Flags |= LogCircular
	}
	if prev != nil {
		h.PrevCreated, h.PrevChecksum = prev.Created, l.sum
		if prev.Flags&(LogCircular|LogCircularOnce) != 0 {
			h.Flags |= LogCircularOnce
		}
		h.Attachments = l.host.Attachments(jet.MakeLogPos(gen, 1, 0))
	}
	return h
}

// installFile gives the temporary log its header and makes it the current one.
func (l *Log) installFile(h, prev *Header) error {
	l.prep.Lock() // the next temporary log is not begun before this one has its name
	defer l.prep.Unlock()
	if err := l.archiveFile(h, prev); err != nil {
		return err
	}
	return l.nameFile()
}

// archiveFile gives the temporary log its header and makes the current log, if there is one, an archive. prep is held.
func (l *Log) archiveFile(h, prev *Header) error {
	reserve, err := l.takeTemp()
	if err != nil {
		return err
	}
	if reserve {
		h.Flags |= LogReserveUsed
	}
	n := l.cfg.Naming
	if err := l.writeHeader(n.Temp(), h); err != nil {
		return err
	}
	if l.file != nil {
		err := l.file.Close()
		l.file = nil
		if err != nil {
			return err
		}
		if err := l.fs.Rename(l.path(n.Current()), l.path(n.Archive(prev.Gen))); err != nil {
			return renameError(err)
		}
	}
	return nil
}

// nameFile makes the temporary log the current one. prep is held.
func (l *Log) nameFile() error {
	n := l.cfg.Naming
	if err := l.fs.Rename(l.path(n.Temp()), l.path(n.Current())); err != nil {
		return renameError(err)
	}
	return l.fs.SyncDir(l.cfg.LogDir)
}

func renameError(err error) error {
	switch jet.CodeOf(err) {
	case jet.ErrFileNotFound:
		return jet.ErrMissingLogFile.Errorf("%v", err)
	case jet.ErrFileAlreadyExists:
		return jet.ErrFileAccessDenied.Errorf("%v", err)
	}
	return err
}

func (l *Log) writeHeader(name string, h *Header) (err error) {
	b := make([]byte, HeaderSize)
	if err := h.Encode(b); err != nil {
		return err
	}
	f, err := l.fs.Open(l.path(name), vfs.ReadWrite)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := f.WriteAt(b, 0); err != nil {
		return err
	}
	return f.Sync()
}

// takeTemp sees to it that the temporary log is there, full size and zero. When the disk is full it takes the
// last reserved log and says so. prep is held.
func (l *Log) takeTemp() (reserve bool, err error) {
	if l.tempReady {
		l.tempReady = false
		return false, nil
	}
	err = l.makeTemp()
	if jet.CodeOf(err) != jet.ErrDiskFull {
		return false, err
	}
	for i := reservedLogs; i > 0; i-- {
		path := l.path(l.cfg.Naming.Reserve(i))
		if info, e := l.fs.Stat(path); e != nil || info.Size != int64(l.segments)*SegmentSize {
			continue
		}
		if e := l.fs.Rename(path, l.path(l.cfg.Naming.Temp())); e != nil {
			return false, e
		}
		l.lowDisk.Store(true)
		if l.cfg.LowDisk != nil {
			l.cfg.LowDisk()
		}
		return true, nil
	}
	return false, jet.ErrLogDiskFull.Errorf("no reserved log is left: %v", err)
}

// prepareFiles is the task that works ahead: the next log, the reserved logs, and under circular logging the
// removal of old ones. What fails here is tried again when it is needed, and reported then.
func (l *Log) prepareFiles() {
	l.prep.Lock()
	defer l.prep.Unlock()
	if !l.tempReady && !l.cfg.SyncCreate {
		if l.makeTemp() != nil {
			return
		}
		l.tempReady = true
	}
	if l.makeReserves() == nil {
		l.lowDisk.Store(false)
	}
	if l.circular.Load() {
		_ = l.removeOld() // what could not be removed is found again at the next generation
	}
}

// retryPeriod is how often files are tried to be made again while the disk is full and changes are refused for it.
const retryPeriod = time.Second

// retryFiles has the reserved logs made again, should the disk have got room; mu is held.
func (l *Log) retryFiles() {
	if now := l.cfg.Env.Now(); now.Sub(l.retried) >= retryPeriod {
		l.retried = now
		l.filesTask.Kick()
	}
}

// makeTemp makes the temporary log: a new file, or under circular logging one that is no longer needed.
func (l *Log) makeTemp() error {
	temp := l.path(l.cfg.Naming.Temp())
	size := int64(l.segments) * SegmentSize
	mode := vfs.CreateTruncate
	if l.circular.Load() {
		old, err := l.obsolete()
		if err != nil {
			return err
		}
		if len(old) > 0 {
			path := l.path(old[0].Name)
			if info, err := l.fs.Stat(path); err == nil && info.Size == size {
				if err := l.fs.Rename(path, temp); err != nil {
					return err
				}
				// Its old name must be gone before its content is.
				if err := l.fs.SyncDir(l.cfg.LogDir); err != nil {
					return err
				}
				mode = vfs.ReadWrite
			}
		}
	}
	return l.zeroFile(temp, mode, size)
}

// zeroFile makes a file of zeros that really has its blocks, so that writing to it needs no more space and no
// change of metadata. Should that fail, an empty file is left: after a roll-over that was cut off the temporary log
// alone tells recovery that no log is missing.
func (l *Log) zeroFile(path string, mode vfs.OpenMode, size int64) error {
	f, err := l.fs.Open(path, mode)
	if err != nil {
		return err
	}
	if mode != vfs.ReadWrite {
		err = f.Truncate(size)
	}
	if err == nil {
		err = fillZero(f, 0, size)
	}
	if err != nil {
		err = errors.Join(err, f.Truncate(0))
	}
	return l.complete(f, err)
}

// complete ends the making of a file, in which err was met: it is durable with its name.
func (l *Log) complete(f vfs.File, err error) error {
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return l.fs.SyncDir(l.cfg.LogDir)
}

var zeros [256 << 10]byte

func fillZero(f vfs.File, from, to int64) error {
	for from < to {
		n := min(to-from, int64(len(zeros)))
		if err := f.WriteAt(zeros[:n], from); err != nil {
			return err
		}
		from += n
	}
	return nil
}

func (l *Log) makeReserves() error {
	for i := 1; i <= reservedLogs; i++ {
		if err := l.keepSpace(l.cfg.Naming.Reserve(i)); err != nil {
			return err
		}
	}
	return nil
}

// keepSpace makes a file of a log's size where there is none. It reads as zeros and takes its space, but is not
// filled: reserved logs hardly ever become logs. Should that fail, there is no file.
func (l *Log) keepSpace(name string) error {
	path, size := l.path(name), int64(l.segments)*SegmentSize
	if info, err := l.fs.Stat(path); err == nil && info.Size == size {
		return nil
	}
	f, err := l.fs.Open(path, vfs.CreateTruncate)
	if err != nil {
		return err
	}
	if err := l.complete(f, f.Truncate(size)); err != nil {
		return errors.Join(err, l.fs.Remove(path))
	}
	return nil
}

// obsolete are the archives that neither recovery nor the host needs, by rising generation.
func (l *Log) obsolete() ([]Archive, error) {
	d, err := FindLogs(l.fs, l.cfg.LogDir, l.cfg.Naming)
	if err != nil {
		return nil, err
	}
	keep := l.Checkpoint().Gen()
	if from := l.host.KeepFrom(); from != 0 {
		keep = min(keep, from)
	}
	n := 0
	for n < len(d.Archives) && d.Archives[n].Gen < keep {
		n++
	}
	return d.Archives[:n], nil
}

// removeOld removes what circular logging does not need, but for a few files that the next logs are made of.
func (l *Log) removeOld() error {
	old, err := l.obsolete()
	if err != nil {
		return err
	}
	for _, a := range old[:max(0, len(old)-spareArchives)] {
		if err := l.fs.Remove(l.path(a.Name)); err != nil && !absent(err) {
			return err
		}
	}
	return nil
}

// DeleteArchives removes the finished logs of generations from to to-1, lowest first, and gives how many there
// were. It stops at the first error, so that what is left has no hole.
func (l *Log) DeleteArchives(from, to int32) (int, error) {
	d, err := FindLogs(l.fs, l.cfg.LogDir, l.cfg.Naming)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, a := range d.Archives {
		if a.Gen < from || a.Gen >= to {
			continue
		}
		if err := l.fs.Remove(l.path(a.Name)); err != nil && !absent(err) {
			return n, err
		}
		n++
	}
	return n, nil
}
