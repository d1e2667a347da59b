package stream

import (
	"archive/tar"
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"

	"esent/internal/backup/meter"
	"esent/internal/jet"
	"esent/internal/vfs"
)

// readAhead is how much is asked of the stream's reader at once, in bytes.
const readAhead = 64 << 10

// zstdMagic begins a stream that is compressed.
var zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}

// mostWindow is how far back a compressed stream may refer, in bytes; the Writer stays far below.
const mostWindow = 32 << 20

// Unpack reads a stream of Writer from r and writes the set into the directory dir, durably. dir is made when it is
// missing, and must be empty. r is read to its end, by the calling goroutine alone. m, which may be nil, counts the
// bytes of the files, in the phases Databases and Logs; its totals rise as files begin.
//
// The files that tell restore of the databases come last, when the whole stream has proved to be right: before that
// nothing in dir is a set. After a failure dir is as it was.
//
// Errors: those of r and of m, as they are; ErrInvalidBackup for what is no stream of a backup, is cut off or has
// names that no set has; ErrReadVerifyFailure for what has other bytes than were written; ErrBackupDirectoryNotEmpty;
// those of the file system.
func Unpack(fsys vfs.FS, dir string, r io.Reader, m *meter.Meter) error {
	if m == nil {
		m = &meter.Meter{}
	}
	u := &unpacker{fs: fsys, dir: dir, meter: m, from: &source{r: r}, taken: map[string]bool{}}
	if err := u.makeDir(); err != nil {
		return err
	}
	err := u.unpack()
	if err == nil {
		return nil
	}
	if u.from.err != nil { // what was made of it does not matter
		err = u.from.err
	}
	return errors.Join(err, u.undo())
}

// source is the reader of the stream. It remembers how it has failed, as archive and compression may not.
type source struct {
	r   io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

type unpacker struct {
	fs      vfs.FS
	dir     string
	meter   *meter.Meter
	from    *source
	made    bool // this call has made dir
	files   []entry
	written []string // files in dir that this call has made
	taken   map[string]bool
	buf     []byte
}

func (u *unpacker) makeDir() error {
	entries, err := u.fs.ReadDir(u.dir)
	switch code := jet.CodeOf(err); {
	case err == nil && len(entries) > 0:
		return jet.ErrBackupDirectoryNotEmpty.Errorf("%s holds %s", u.dir, entries[0].Name)
	case code == jet.ErrFileNotFound || code == jet.ErrInvalidPath:
		err = u.fs.Mkdir(u.dir)
		u.made = err == nil
	}
	return err
}

func (u *unpacker) unpack() error {
	plain, end, err := u.decompress()
	if err != nil {
		return err
	}
	defer end()
	archive := tar.NewReader(plain)
	u.buf = make([]byte, chunk)
	for {
		h, err := archive.Next()
		if err != nil {
			return broken(err, "the stream ends without its last part")
		}
		if err := checkHeader(h); err != nil {
			return err
		}
		if h.Name == manifestName {
			if err := u.checkManifest(archive, h.Size); err != nil {
				return err
			}
			break
		}
		if err := u.file(archive, h); err != nil {
			return err
		}
	}
	if _, err := archive.Next(); err != io.EOF {
		return broken(err, "the stream goes on behind its last part")
	}
	if _, err := io.CopyBuffer(io.Discard, plain, u.buf); err != nil {
		return broken(err, "")
	}
	return u.complete()
}

// decompress gives the archive. end releases what it holds.
func (u *unpacker) decompress() (plain io.Reader, end func(), err error) {
	in := bufio.NewReaderSize(u.from, readAhead)
	start, err := in.Peek(len(zstdMagic))
	if err != nil {
		return nil, nil, broken(err, "the stream is empty")
	}
	if !bytes.Equal(start, zstdMagic) {
		return in, func() {}, nil
	}
	d, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(mostWindow))
	if err != nil {
		return nil, nil, broken(err, "")
	}
	return d, d.Close, nil
}

// broken gives what archive and compression say of a stream a code.
func broken(err error, end string) error {
	switch {
	case err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		if end == "" {
			end = "the stream is cut off"
		}
		return jet.ErrInvalidBackup.Errorf("%s", end)
	case errors.Is(err, tar.ErrHeader) || errors.Is(err, zstd.ErrWindowSizeExceeded):
		return jet.ErrInvalidBackup.Errorf("%v", err)
	}
	return jet.ErrReadVerifyFailure.Errorf("%v", err)
}

// checkHeader makes sure that a member is a plain file with a name of a set.
func checkHeader(h *tar.Header) error {
	plain := h.Typeflag == tar.TypeReg && h.Size >= 0
	for key := range h.PAXRecords {
		plain = plain && !strings.HasPrefix(key, "GNU.sparse")
	}
	if !plain {
		return jet.ErrInvalidBackup.Errorf("%q is no plain file", h.Name)
	}
	if h.Name == manifestName {
		return nil
	}
	return checkName(h.Name)
}

// file brings a member to the directory.
func (u *unpacker) file(r io.Reader, h *tar.Header) error {
	lower := strings.ToLower(h.Name)
	if u.taken[lower] || len(u.files) == mostFiles {
		return jet.ErrInvalidBackup.Errorf("%s is the name of two files, or one too many", h.Name)
	}
	u.taken[lower] = true
	if isPatch(h.Name) {
		if h.Size != 0 {
			return jet.ErrInvalidBackup.Errorf("%s is not empty", h.Name)
		}
		u.files = append(u.files, entry{Name: h.Name, SHA256: sumText(sha256.Sum256(nil))})
		return nil
	}
	f, err := u.create(h.Name)
	if err != nil {
		return err
	}
	err = u.copy(f, r, h)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func isPatch(name string) bool { return strings.EqualFold(path.Ext(name), patchExt) }

func (u *unpacker) create(name string) (vfs.File, error) {
	file := path.Join(u.dir, name)
	f, err := u.fs.Open(file, vfs.Create)
	if err == nil {
		u.written = append(u.written, file)
	}
	return f, err
}

// copy writes the content of a member to f. The size that the header tells is not believed: no space is taken before
// its bytes are there.
func (u *unpacker) copy(f vfs.File, r io.Reader, h *tar.Header) error {
	phase := meter.Databases
	if ext := path.Ext(h.Name); strings.EqualFold(ext, ".log") || strings.EqualFold(ext, ".jtx") {
		phase = meter.Logs
	}
	u.meter.Expect(h.Size, 0)
	if err := u.meter.Enter(phase, f.Name()); err != nil {
		return err
	}
	sum := sha256.New()
	for off := int64(0); off < h.Size; {
		p := u.buf[:min(int64(len(u.buf)), h.Size-off)]
		if _, err := io.ReadFull(r, p); err != nil {
			return broken(err, "")
		}
		sum.Write(p)
		if err := f.WriteAt(p, off); err != nil {
			return err
		}
		off += int64(len(p))
		if err := u.meter.Add(int64(len(p)), 0); err != nil {
			return err
		}
	}
	u.files = append(u.files, entry{h.Name, h.Size, sumText([sha256.Size]byte(sum.Sum(nil)))})
	return nil
}

// checkManifest compares what the last member says with what came. It is never longer than the names that came
// allow.
func (u *unpacker) checkManifest(r io.Reader, size int64) error {
	const frame, each, perByte = 256, 192, 6
	most := int64(frame)
	for _, f := range u.files {
		most += each + perByte*int64(len(f.Name))
	}
	if size > most {
		return jet.ErrInvalidBackup.Errorf("%s has %d bytes", manifestName, size)
	}
	text := make([]byte, size)
	if _, err := io.ReadFull(r, text); err != nil {
		return broken(err, "")
	}
	var m manifest
	err := json.Unmarshal(text, &m)
	if err != nil || m.Format != manifestFormat || m.Version != manifestVersion {
		return jet.ErrInvalidBackup.Errorf("%s: format %q, version %d, %v", manifestName, m.Format, m.Version, err)
	}
	if len(m.Files) != len(u.files) {
		return jet.ErrInvalidBackup.Errorf("the stream has %d files, should have %d", len(u.files), len(m.Files))
	}
	for i, want := range m.Files {
		got := u.files[i]
		if got.Name != want.Name || got.Size != want.Size {
			return jet.ErrInvalidBackup.Errorf("%s with %d bytes is in the place of %s with %d", got.Name, got.Size, want.Name, want.Size)
		}
		if got.SHA256 != want.SHA256 {
			return jet.ErrReadVerifyFailure.Errorf("%s is not as it was written", got.Name)
		}
	}
	return nil
}

// complete makes what was written a set, durably.
func (u *unpacker) complete() error {
	if err := u.fs.SyncDir(u.dir); err != nil {
		return err
	}
	for _, e := range u.files {
		if !isPatch(e.Name) {
			continue
		}
		f, err := u.create(e.Name)
		if err == nil {
			err = errors.Join(f.Sync(), f.Close())
		}
		if err != nil {
			return err
		}
	}
	if err := u.fs.SyncDir(u.dir); err != nil {
		return err
	}
	if !u.made {
		return nil
	}
	return u.fs.SyncDir(path.Dir(u.dir))
}

// undo takes everything back.
func (u *unpacker) undo() error {
	var errs []error
	for _, file := range slices.Backward(u.written) {
		errs = append(errs, u.fs.Remove(file))
	}
	if u.made {
		errs = append(errs, u.fs.RemoveDir(u.dir))
	}
	return errors.Join(errs...)
}
