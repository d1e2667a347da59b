package dbfile

import (
	"errors"
	"sync"
	"sync/atomic"

	"esent/internal/engine/page"
	"esent/internal/jet"
	"esent/internal/vfs"
)

// File is one open database file. Its methods may be called by several goroutines at once, Close only when no
// other call runs.
type File struct {
	env      *vfs.Env
	file     vfs.File
	pageSize int
	readOnly bool
	report   func(Fault)
	gate     gate

	mu     sync.Mutex // guards header
	header Header
	// writing keeps header writes apart; it is taken before mu. The next one begins with copy firstCopy of the header: the
	// primary, unless writing the other has failed, which then may be damaged while the primary is whole.
	writing   sync.Mutex
	firstCopy int
	flushMap  atomic.Pointer[FlushMap] // nil without one
}

// Fault tells what a page read met: a page that was put right, or one that cannot be used.
type Fault struct {
	Pgno jet.Pgno
	// Err is nil when the page was put right.
	Err    error
	Result page.VerifyResult
	// Expected and Actual are the flush types of a lost write.
	Expected, Actual uint8
}

// Options say how to open a database file.
type Options struct {
	// ReadOnly opens without changing anything, not even a damaged header copy.
	ReadOnly bool
	// Report is told of every fault that a page read meets, for the event log; nil for nobody.
	Report func(Fault)
}

// Open opens an existing database file, reads its header and, unless read-only, repairs a damaged copy of it.
// What the header says is not checked: CheckFormat and its sisters are for that. A file that may only be read
// gives ErrDatabaseFileReadOnly when it is to be written.
func Open(env *vfs.Env, path string, o Options) (*File, error) {
	mode := vfs.ReadWrite
	if o.ReadOnly {
		mode = vfs.ReadOnly
	}
	file, err := env.FS.Open(path, mode|vfs.Lock)
	if err != nil {
		if !o.ReadOnly && errors.Is(err, jet.ErrFileAccessDenied) && !errors.Is(err, vfs.ErrLocked) && readable(env.FS, path) {
			return nil, jet.ErrDatabaseFileReadOnly.Errorf("%s: %v", path, err)
		}
		return nil, err
	}
	h, copies, err := ReadHeader(file)
	if err == nil && !o.ReadOnly && h.CheckType() == nil { // what is no database stays as it is
		err = RepairHeader(file, &h, copies)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return newFile(env, file, h, o), nil
}

func readable(fsys vfs.FS, path string) bool {
	f, err := fsys.Open(path, vfs.ReadOnly)
	return err == nil && f.Close() == nil
}

// Create makes a new database file that consists of h's two copies. An existing file gives
// ErrDatabaseDuplicate, or is overwritten.
func Create(env *vfs.Env, path string, h Header, overwrite bool, o Options) (*File, error) {
	mode := vfs.Create
	if overwrite {
		mode = vfs.CreateTruncate
	}
	file, err := env.FS.Open(path, mode|vfs.Lock)
	if err != nil {
		if errors.Is(err, jet.ErrFileAlreadyExists) {
			return nil, jet.ErrDatabaseDuplicate.Errorf("%s", path)
		}
		return nil, err
	}
	f := newFile(env, file, h, o)
	if err = file.Truncate(HeaderPages * int64(f.pageSize)); err == nil {
		err = f.WriteHeader()
	}
	if err != nil {
		return nil, errors.Join(err, file.Close(), env.FS.Remove(path))
	}
	return f, nil
}

func newFile(env *vfs.Env, file vfs.File, h Header, o Options) *File {
	f := &File{env: env, file: file, pageSize: h.PageSize(), readOnly: o.ReadOnly, report: o.Report, header: h}
	f.gate.ended.L = &f.gate.mu
	return f
}

// Close closes the file, and its flush map. It writes nothing.
func (f *File) Close() error {
	err := f.file.Close()
	if m := f.flushMap.Load(); m != nil && m.store != nil {
		err = errors.Join(err, m.store.file.Close())
	}
	return err
}

// Path is the path that the file was opened by.
func (f *File) Path() string { return f.file.Name() }

// PageSize is the size of a page in bytes.
func (f *File) PageSize() int { return f.pageSize }

// ReadOnly says that the file was opened for reading.
func (f *File) ReadOnly() bool { return f.readOnly }

// Header is a copy of the header as it stands in memory.
func (f *File) Header() Header {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.header
}

// UpdateHeader changes the header in memory; WriteHeader takes it to the disk. change must not call File.
func (f *File) UpdateHeader(change func(h *Header)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(&f.header)
}

// WriteHeader makes the header durable as it stands in memory: under a fresh signature and with the flush
// map's, the primary copy before the shadow (spec chapter 02, 4.1), or after it when the shadow could not be written the
// last time. On failure one copy on the disk is whole, with the old or the new state. It waits while the file is held.
func (f *File) WriteHeader() error {
	f.beginOther()
	defer f.endOther()
	f.writing.Lock()
	defer f.writing.Unlock()
	sign := jet.MakeSignature(uint32(f.env.Rand()), f.env.Now())
	f.mu.Lock()
	h := f.header
	f.mu.Unlock()
	h.SignHeaderFlush = sign
	h.SignFlushMapFlush = jet.Signature{}
	if m := f.flushMap.Load(); m != nil {
		h.SignFlushMapFlush = m.signature()
	}
	if err := h.Check(); err != nil {
		return err
	}
	var err error
	if f.firstCopy, err = writeHeaderPage(f.file, h.Encode(f.pageSize), f.firstCopy); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.header.Checksum = h.Checksum
	f.header.SignHeaderFlush = h.SignHeaderFlush
	f.header.SignFlushMapFlush = h.SignFlushMapFlush
	return nil
}

// Offset is where page pgno lies in the file.
func (f *File) Offset(pgno jet.Pgno) int64 { return (int64(pgno) + 1) * int64(f.pageSize) }

// Pages is the number of pages that the file has room for, beyond its headers. It says nothing of how many
// the database owns.
func (f *File) Pages() (jet.Pgno, error) {
	size, err := f.file.Size()
	if err != nil {
		return 0, err
	}
	return jet.Pgno(max(0, min(size/int64(f.pageSize)-HeaderPages, int64(jet.PgnoSysMax)))), nil
}

// Resize makes last the last page that the file has room for, and makes that durable; pages that come new are
// blank (spec chapter 02, 1.1). The flush map forgets pages behind last. It waits while the file is held.
func (f *File) Resize(last jet.Pgno) error {
	f.beginOther()
	defer f.endOther()
	if err := f.file.Truncate(f.Offset(last) + int64(f.pageSize)); err != nil {
		return err
	}
	if m := f.flushMap.Load(); m != nil {
		m.resize(last)
	}
	return f.file.Sync()
}

// Sync makes the pages that were written durable, with the file's size.
func (f *File) Sync() error { return f.file.Sync() }

// ReadRaw reads len(p)/PageSize pages from first on as they are.
//
// A read that ends early gives ErrFileIOBeyondEOF only where the file really ends there, so that no page that is in it is
// taken for one that was never written, else ErrDiskIO.
func (f *File) ReadRaw(first jet.Pgno, p []byte) error {
	off := f.Offset(first)
	err := f.file.ReadAt(p, off)
	if jet.CodeOf(err) != jet.ErrFileIOBeyondEOF {
		return err
	}
	size, e := f.file.Size()
	if e == nil && size >= off+int64(len(p)) {
		return jet.ErrDiskIO.Errorf("%v, but the file is %d bytes long", err, size)
	}
	return errors.Join(err, e)
}

// WriteRaw writes pages from first on as they are, for those who write what are no pages: copies of pages, a
// trailer's zeros. The flush map forgets the pages.
func (f *File) WriteRaw(first jet.Pgno, p []byte) error {
	err := f.file.WriteAt(p, f.Offset(first))
	f.forgetTypes(first, len(p)/f.pageSize)
	return err
}

// forgetTypes has the flush map forget count pages from first on.
func (f *File) forgetTypes(first jet.Pgno, count int) {
	if m := f.flushMap.Load(); m != nil {
		for i := range count {
			m.forget(first + jet.Pgno(i))
		}
	}
}

// ReadPages reads len(p)/PageSize pages from first on and verifies each: blank pages give
// ErrPageNotInitialized, others the codes of spec chapter 02, 9.1, steps 1 to 4. One wrong bit in a block is
// put right. On an error the content of p does not count.
func (f *File) ReadPages(first jet.Pgno, p []byte) error {
	if err := f.ReadRaw(first, p); err != nil {
		return err
	}
	for i := 0; i < len(p); i += f.pageSize {
		if err := f.VerifyPage(first+jet.Pgno(i/f.pageSize), p[i:i+f.pageSize]); err != nil {
			return err
		}
	}
	return nil
}

// VerifyPage verifies the image of page pgno as ReadPages does, and puts one wrong bit in a block right.
// Faults are counted in the header of a file that is open for writing, and reported.
func (f *File) VerifyPage(pgno jet.Pgno, p page.Page) error {
	result, err := p.Verify(pgno, true)
	fault := Fault{Pgno: pgno, Err: err, Result: result}
	if m := f.flushMap.Load(); m != nil && (err == nil || err == jet.ErrPageNotInitialized) {
		blank := err != nil
		if expected, fails := m.lost(pgno, p, blank); expected != 0 {
			fault.Err = jet.ErrReadLostFlushVerifyFailure
			fault.Expected, fault.Actual = expected, p.FlushType()
			f.tell(fault)
			if fails {
				return fault.Err
			}
		}
	}
	if err == nil && result.Corrected == 0 || err == jet.ErrPageNotInitialized {
		return err
	}
	fault.Err = err
	f.count(&fault)
	f.tell(fault)
	return err
}

func (f *File) tell(fault Fault) {
	if f.report != nil {
		f.report(fault)
	}
}

// count notes a fault in the header (spec chapter 02, 8.5 and 9.1).
func (f *File) count(fault *Fault) {
	if f.readOnly {
		return
	}
	now := jet.MakeLogTime(f.env.Now())
	f.UpdateHeader(func(h *Header) {
		switch {
		case fault.Err == nil:
			h.ECCFixSuccess++
			h.ECCFixSuccessAt = now
		case fault.Result.FixFailed:
			h.ECCFixFail++
			h.ECCFixFailAt = now
		case errors.Is(fault.Err, jet.ErrReadVerifyFailure):
			h.BadChecksum++
			h.BadChecksumAt = now
		}
	})
}

// WritePages writes sealed pages from first on and notes their flush types. The caller has asked BeginWrite. After a
// failure any of the pages may have been written, so that their types are unknown.
func (f *File) WritePages(first jet.Pgno, p []byte) error {
	err := f.file.WriteAt(p, f.Offset(first))
	if err != nil {
		f.forgetTypes(first, len(p)/f.pageSize)
		return err
	}
	if m := f.flushMap.Load(); m != nil {
		for i := 0; i < len(p); i += f.pageSize {
			m.note(first+jet.Pgno(i/f.pageSize), p[i:i+f.pageSize])
		}
	}
	return nil
}

// FlushType is the type of the last completed write of a page, 0 for unknown (spec chapter 02, 10.2).
func (f *File) FlushType(pgno jet.Pgno) uint8 {
	if m := f.flushMap.Load(); m != nil {
		return m.Type(pgno)
	}
	return 0
}
