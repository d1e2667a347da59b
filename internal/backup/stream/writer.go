package stream

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"hash"
	"io"
	"runtime"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"

	"esent/internal/jet"
)

// Levels of compression beside those of zstd, 1 to 22.
const (
	LevelUsual = 0
	LevelNone  = -1
	// LevelMost is the highest one.
	LevelMost = 22
)

// Writer writes a set as a stream. The files come one after the other: Begin, Write as often as it takes, and Close
// behind the last one. Whatever fails ends the stream: Abandon.
type Writer struct {
	tar   *tar.Writer
	zstd  *zstd.Encoder // nil without compression
	held  handoff
	to    io.Writer
	open  bool // a file was begun
	left  int64
	sum   hash.Hash
	files []entry
	taken map[string]bool // names in small letters
}

// NewWriter makes a Writer to w. w is called by the goroutine that calls the Writer alone, with at most 1 MiB at once.
// level is one of zstd, LevelUsual or LevelNone (else ErrInvalidParameter).
func NewWriter(w io.Writer, level int) (*Writer, error) {
	if level < LevelNone || level > LevelMost {
		return nil, jet.ErrInvalidParameter.Errorf("compression level %d", level)
	}
	s := &Writer{to: w, sum: sha256.New(), taken: map[string]bool{}}
	if level == LevelNone {
		s.tar = tar.NewWriter(&s.held)
		return s, nil
	}
	speed := zstd.SpeedDefault
	if level != LevelUsual {
		speed = zstd.EncoderLevelFromZstd(level)
	}
	var err error
	s.zstd, err = zstd.NewWriter(&s.held, zstd.WithEncoderLevel(speed), zstd.WithEncoderCRC(true),
		zstd.WithEncoderConcurrency(runtime.GOMAXPROCS(0)))
	if err != nil {
		return nil, jet.ErrInternalError.Errorf("%v", err)
	}
	s.tar = tar.NewWriter(s.zstd)
	return s, nil
}

// Begin begins the next file, of size bytes. Errors: ErrInvalidBackup for a name that no set has, or has already, or
// too many files; those of the stream's writer.
func (s *Writer) Begin(name string, size int64) error {
	if err := s.endFile(); err != nil {
		return err
	}
	if err := checkName(name); err != nil {
		return err
	}
	lower := strings.ToLower(name)
	if s.taken[lower] || len(s.files) == mostFiles {
		return jet.ErrInvalidBackup.Errorf("%s is the name of two files, or one too many", name)
	}
	s.taken[lower] = true
	if err := s.header(name, size); err != nil {
		return err
	}
	s.files = append(s.files, entry{Name: name, Size: size})
	s.sum.Reset()
	s.open, s.left = true, size
	return s.hand()
}

func (s *Writer) header(name string, size int64) error {
	const mode = 0o600
	return failed(s.tar.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: mode}))
}

// Write goes on with the file that was begun.
func (s *Writer) Write(p []byte) (int, error) {
	if !s.open || int64(len(p)) > s.left {
		return 0, jet.ErrInternalError.Errorf("%d bytes more than the file was to have", int64(len(p))-s.left)
	}
	s.left -= int64(len(p))
	n := len(p)
	for len(p) > 0 {
		part := p[:min(len(p), chunk)]
		s.sum.Write(part)
		if _, err := s.tar.Write(part); err != nil {
			return 0, failed(err)
		}
		if err := s.hand(); err != nil {
			return 0, err
		}
		p = p[len(part):]
	}
	return n, nil
}

// endFile ends the file that was begun, if there is one.
func (s *Writer) endFile() error {
	if !s.open {
		return nil
	}
	if s.left != 0 {
		return jet.ErrInternalError.Errorf("%d bytes are missing", s.left)
	}
	s.open = false
	s.files[len(s.files)-1].SHA256 = sumText([sha256.Size]byte(s.sum.Sum(nil)))
	return nil
}

// Close ends the stream: with it a reader knows that it is complete.
func (s *Writer) Close() error {
	if err := s.endFile(); err != nil {
		return err
	}
	text, err := json.Marshal(manifest{Format: manifestFormat, Version: manifestVersion, Files: s.files})
	if err != nil {
		return jet.ErrInternalError.Errorf("%v", err)
	}
	if err := s.header(manifestName, int64(len(text))); err != nil {
		return err
	}
	_, err = s.tar.Write(text)
	err = failed(errors.Join(err, s.tar.Close()))
	if s.zstd != nil {
		err = errors.Join(err, failed(s.zstd.Close()))
	}
	if err != nil {
		return err
	}
	return s.hand()
}

// Abandon gives up what is not written. It must follow when Close has not.
func (s *Writer) Abandon() {
	if s.zstd != nil {
		_ = s.zstd.Close() // for its goroutines to end; what it writes goes nowhere
	}
}

// hand gives the stream's writer what there is for it.
func (s *Writer) hand() error {
	for p := s.held.take(); len(p) > 0; {
		part := p[:min(len(p), chunk)]
		n, err := s.to.Write(part)
		if err == nil && n != len(part) {
			err = jet.ErrDiskIO.Errorf("%d of %d bytes were written", n, len(part))
		}
		if err != nil {
			return err
		}
		p = p[len(part):]
	}
	return nil
}

// failed gives an error of the archive or the compression, neither of which fails by itself, a code.
func failed(err error) error {
	if err == nil {
		return nil
	}
	return jet.ErrInternalError.Errorf("%v", err)
}

// handoff keeps what goroutines of the compression have written for the one that hands it on.
type handoff struct {
	mu         sync.Mutex
	buf, spare []byte
}

func (h *handoff) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.buf = append(h.buf, p...)
	return len(p), nil
}

// take gives what was written since the last call, valid until the next one.
func (h *handoff) take() []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.buf
	h.buf, h.spare = h.spare[:0], p
	return p
}
