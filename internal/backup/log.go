package backup

import (
	"encoding/binary"

	"esent/internal/checksum"
	"esent/internal/eventlog"
	"esent/internal/jet"
	"esent/internal/logstore"
	"esent/internal/vfs"
)

var le = binary.LittleEndian

// logCopy delivers a finished log, and verifies it on the way (spec chapter 06, 5.8).
type logCopy struct {
	b    *session
	path string
	file vfs.File
	// size of the file, off the place of the next read; both in bytes.
	size, off int64
}

func openLogCopy(b *session, path string) (*logCopy, error) {
	f, err := b.e.Env().FS.Open(path, vfs.ReadOnly)
	if err != nil {
		return nil, err
	}
	size, err := f.Size()
	if err != nil {
		_ = f.Close() // it was only read
		return nil, err
	}
	return &logCopy{b: b, path: path, file: f, size: size}, nil
}

func (c *logCopy) room() int    { return logstore.HeaderSize }
func (c *logCopy) close() error { return c.file.Close() }

func (c *logCopy) read(p []byte) (int, error) {
	n := int(min(int64(len(p)), c.size-c.off))
	if n < int(c.size-c.off) {
		n -= n % logstore.SegmentSize
	}
	p = p[:n]
	if err := c.file.ReadAt(p, c.off); err != nil {
		return 0, err
	}
	if err := c.verify(p); err != nil {
		return 0, err
	}
	c.off += int64(n)
	return n, nil
}

// verify checks what was read at c.off.
func (c *logCopy) verify(p []byte) error {
	isec := uint32(c.off / logstore.SegmentSize)
	if c.off == 0 {
		if len(p) < logstore.HeaderSize {
			return jet.ErrLogReadVerifyFailure.Errorf("%s is %d bytes long", c.path, c.size)
		}
		if _, err := logstore.DecodeHeader(p[:logstore.HeaderSize]); err != nil {
			c.b.report(eventlog.LogCorrupt, c.path, "header", 0, 0, "", "", jet.ErrLogReadVerifyFailure)
			return jet.ErrLogReadVerifyFailure.Errorf("%v", err)
		}
		p, isec = p[logstore.HeaderSize:], 1
	}
	for ; len(p) >= logstore.SegmentSize; p, isec = p[logstore.SegmentSize:], isec+1 {
		if !segmentIsGood(p[:logstore.SegmentSize], isec) {
			return jet.ErrLogReadVerifyFailure.Errorf("%s: segment %d", c.path, isec)
		}
	}
	if len(p) > 0 {
		return jet.ErrLogReadVerifyFailure.Errorf("%s is %d bytes long", c.path, c.size)
	}
	return nil
}

// segmentIsGood says that a segment is empty, or right at place isec, or the copy of the one before; a single wrong
// bit is put right.
func segmentIsGood(p []byte, isec uint32) bool {
	return isZero(p) || sumIsGood(p, isec) || sumIsGood(p, isec-1)
}

func sumIsGood(p []byte, isec uint32) bool {
	stored, computed := le.Uint64(p), checksum.ECC(p, isec, true)
	if stored == computed {
		return true
	}
	bit, ok := checksum.Correct(p, stored, computed, true)
	if !ok {
		return false
	}
	checksum.Flip(p, bit)
	if checksum.ECC(p, isec, true) == le.Uint64(p) {
		return true
	}
	checksum.Flip(p, bit)
	return false
}

func isZero(p []byte) bool {
	for ; len(p) > 0; p = p[8:] {
		if le.Uint64(p) != 0 {
			return false
		}
	}
	return true
}
