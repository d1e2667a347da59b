package dbfile

import (
	"encoding/binary"
	"errors"
	"path/filepath"
	"strings"
	"sync"

	"esent/internal/checksum"
	"esent/internal/jet"
	"esent/internal/vfs"
)

// The file of a flush map: a header page, then map pages of two bits for every page of the database
// (spec chapter 02, 10.4). The file is whole only between a clean detach and the next attach: while the
// database is attached its header says that it is not clean, and after a crash it is made anew.
const (
	mapPageSize     = 8192
	mapPageHeader   = 64
	pagesPerMapPage = (mapPageSize - mapPageHeader) * 4

	flushMapMajor       = 3
	flushMapUpdateMajor = 0

	flushMapClean   = 1
	flushMapFormat  = 0x2000 // set in map pages: they have the checksum with error correction
	flushMapExt     = ".jfm"
	mapOffDBTime    = 8
	mapOffNumber    = 16
	mapOffPageFlags = 36
)

// mapPages is the number of map pages for a database that ends with page last.
func mapPages(last jet.Pgno) int { return (int(last) + pagesPerMapPage) / pagesPerMapPage }

// FlushMapPath is the path of the flush map that belongs to a database.
func FlushMapPath(database string) string {
	return strings.TrimSuffix(database, filepath.Ext(database)) + flushMapExt
}

// FlushMapHeader is the header of a flush map file (FMFILEHDR).
type FlushMapHeader struct {
	Checksum                             uint32
	Major, UpdateMajor, UpdateMinor      uint32
	Flags                                uint32
	CreatedAt, AttachedAt, DetachedAt    jet.LogTime
	GenMinRequired, GenMinRequiredTarget int32
	FlushStartedAt, FlushCompletedAt     jet.LogTime
	SignDBHeaderFlush, SignFlushMapFlush jet.Signature
	FileType                             FileType
}

func (h *FlushMapHeader) layout(c coder) {
	field32(c, 0, &h.Checksum)
	field32(c, 4, &h.Major)
	field32(c, 8, &h.UpdateMajor)
	field32(c, 12, &h.UpdateMinor)
	field32(c, 36, &h.Flags)
	c.time(40, &h.CreatedAt)
	c.time(48, &h.AttachedAt)
	c.time(56, &h.DetachedAt)
	field32(c, 64, &h.GenMinRequired)
	field32(c, 68, &h.GenMinRequiredTarget)
	c.time(72, &h.FlushStartedAt)
	c.time(80, &h.FlushCompletedAt)
	c.signature(88, &h.SignDBHeaderFlush)
	c.signature(116, &h.SignFlushMapFlush)
	field32(c, fileTypeOffset, &h.FileType)
}

// Clean says that the map was closed in order.
func (h *FlushMapHeader) Clean() bool { return h.Flags&flushMapClean != 0 }

// Encode gives the header's page with its checksum, which it also stores in h.
func (h *FlushMapHeader) Encode() []byte {
	b := make([]byte, mapPageSize)
	h.layout(coder{page: b, put: true})
	h.Checksum = checksum.XOR(b)
	le.PutUint32(b, h.Checksum)
	return b
}

// DecodeFlushMapHeader reads a header page of a flush map; a damaged one gives ErrReadVerifyFailure and
// another kind of file ErrFileInvalidType.
func DecodeFlushMapHeader(b []byte) (FlushMapHeader, error) {
	var h FlushMapHeader
	if checksum.XOR(b[:mapPageSize]) != le.Uint32(b) {
		return h, jet.ErrReadVerifyFailure
	}
	h.layout(coder{page: b})
	if h.FileType != FileFlushMap {
		return h, jet.ErrFileInvalidType
	}
	return h, nil
}

// Accept says whether the map may be used with the database whose header on disk is db: nil, or
// ErrFlushMapVersionUnsupported, ErrFlushMapDatabaseMismatch or ErrFlushMapUnrecoverable. A map that is not
// clean but recoverable is accepted too.
func (h *FlushMapHeader) Accept(db *Header) error {
	if h.Major != flushMapMajor || h.UpdateMajor > flushMapUpdateMajor {
		return jet.ErrFlushMapVersionUnsupported
	}
	sameDB := !h.SignDBHeaderFlush.IsZero() && h.SignDBHeaderFlush == db.SignHeaderFlush
	sameMap := !h.SignFlushMapFlush.IsZero() && h.SignFlushMapFlush == db.SignFlushMapFlush
	if !sameDB && !sameMap {
		return jet.ErrFlushMapDatabaseMismatch
	}
	recoverable := db.GenMinRequired > 0 && h.GenMinRequired > 0 && db.GenMinRequired <= h.GenMinRequired
	if !h.Clean() && !recoverable {
		return jet.ErrFlushMapUnrecoverable
	}
	return nil
}

// encodeMapPage gives map page k as the file has it.
func (mp *mapPage) encode(k int) []byte {
	b := make([]byte, mapPageSize)
	le.PutUint64(b[mapOffDBTime:], mp.dbtimeMax.Load())
	le.PutUint32(b[mapOffNumber:], uint32(k))
	le.PutUint32(b[mapOffPageFlags:], flushMapFormat)
	for i := range mp.types {
		binary.BigEndian.PutUint32(b[mapPageHeader+4*i:], mp.types[i].Load())
	}
	le.PutUint64(b, checksum.ECC(b, uint32(k), true))
	return b
}

// decode reads map page k. A page that was never written is blank, and a damaged one knows nothing.
func (mp *mapPage) decode(b []byte, k int) error {
	if le.Uint64(b) != checksum.ECC(b, uint32(k), true) {
		for _, v := range b {
			if v != 0 {
				return jet.ErrReadVerifyFailure
			}
		}
		return nil
	}
	mp.dbtimeMax.Store(le.Uint64(b[mapOffDBTime:]))
	for i := range mp.types {
		mp.types[i].Store(binary.BigEndian.Uint32(b[mapPageHeader+4*i:]))
	}
	return nil
}

// readFlushMap reads the map in an open file, for a database that ends with page last.
func readFlushMap(f vfs.File, last jet.Pgno) (*FlushMap, FlushMapHeader, error) {
	b := make([]byte, mapPageSize)
	if err := f.ReadAt(b, 0); err != nil {
		return nil, FlushMapHeader{}, err
	}
	h, err := DecodeFlushMapHeader(b)
	if err != nil {
		return nil, h, err
	}
	m := newFlushMap(last)
	for k, mp := range *m.pages.Load() {
		err := f.ReadAt(b, int64(k+1)*mapPageSize)
		if errors.Is(err, jet.ErrFileIOBeyondEOF) {
			break
		}
		if err == nil {
			err = mp.decode(b, k)
		}
		if err != nil {
			return nil, h, err
		}
	}
	return m, h, nil
}

// mapStore is the file of a flush map.
type mapStore struct {
	mu     sync.Mutex // guards header
	file   vfs.File
	header FlushMapHeader
}

// write makes h the file's header, under a fresh signature.
func (s *mapStore) write(env *vfs.Env, h FlushMapHeader) error {
	h.SignFlushMapFlush = jet.MakeSignature(uint32(env.Rand()), env.Now())
	if err := s.file.WriteAt(h.Encode(), 0); err != nil {
		return err
	}
	if err := s.file.Sync(); err != nil {
		return err
	}
	s.mu.Lock()
	s.header = h
	s.mu.Unlock()
	return nil
}

// MapOptions say how a database's flush map is kept (JET_paramPersistedLostFlushDetection).
type MapOptions struct {
	// Persist keeps the map in a file beside the database, from one attach to the next.
	Persist bool
	// CreateNew begins a new map whatever the file holds.
	CreateNew bool
	// FailRuntimeOnly lets reads fail only by what was learned since the attach.
	FailRuntimeOnly bool
}

// AttachFlushMap gives the database a flush map, with what a usable file beside it remembers. It is called
// once, on a file open for writing, when the header in memory is still that on disk, and before the header
// that says "attached" is written; from then on every page write is noted and every page read checked. rejected
// is why a file that was there was not used and is made anew, for the event log; nil when it was used, or none
// was there. One that is open already, being a database or another database's map, stays, and the map is kept in memory
// only.
func (f *File) AttachFlushMap(o MapOptions) (rejected error, err error) {
	last, err := f.Pages()
	if err != nil {
		return nil, err
	}
	m := newFlushMap(last)
	if o.Persist {
		m, rejected, err = f.openFlushMap(last, o.CreateNew)
		if err != nil {
			return rejected, err
		}
	}
	m.failRuntimeOnly = o.FailRuntimeOnly
	f.flushMap.Store(m)
	return rejected, nil
}

func (f *File) openFlushMap(last jet.Pgno, createNew bool) (m *FlushMap, rejected, err error) {
	now := jet.MakeLogTime(f.env.Now())
	db := f.Header()
	s := &mapStore{}
	path := FlushMapPath(f.Path())
	var h FlushMapHeader
	if !createNew {
		m, s.file, h, rejected = f.loadFlushMap(path, last, &db)
	}
	if m == nil {
		m = newFlushMap(last)
		s.file, err = f.env.FS.Open(path, vfs.CreateTruncate|vfs.Lock)
		switch {
		case errors.Is(err, vfs.ErrLocked):
			return m, err, nil
		case err != nil:
			return nil, rejected, err
		}
		h = FlushMapHeader{Major: flushMapMajor, UpdateMajor: flushMapUpdateMajor, CreatedAt: now, FileType: FileFlushMap}
	}
	h.Flags &^= flushMapClean
	h.AttachedAt, h.DetachedAt = now, jet.LogTime{}
	h.GenMinRequired, h.GenMinRequiredTarget = 0, 0
	h.SignDBHeaderFlush = db.SignHeaderFlush
	if err = s.file.Truncate(mapPageSize * int64(1+len(*m.pages.Load()))); err == nil {
		err = s.write(f.env, h)
	}
	if err != nil {
		return nil, rejected, errors.Join(err, s.file.Close())
	}
	m.store = s
	return m, rejected, nil
}

// loadFlushMap reads the file at path when it is there and usable; m is nil when not.
func (f *File) loadFlushMap(path string, last jet.Pgno, db *Header) (m *FlushMap, file vfs.File, h FlushMapHeader, rejected error) {
	file, err := f.env.FS.Open(path, vfs.ReadWrite|vfs.Lock)
	if err != nil {
		if !errors.Is(err, jet.ErrFileNotFound) {
			rejected = err
		}
		return nil, nil, h, rejected
	}
	m, h, err = readFlushMap(file, last)
	if err == nil {
		err = h.Accept(db)
	}
	if err == nil && !h.Clean() {
		// Recoverable by an engine that logs what this one does not look at.
		err = jet.ErrFlushMapUnrecoverable
	}
	if err != nil {
		return nil, nil, h, errors.Join(err, file.Close())
	}
	return m, file, h, nil
}

// CleanFlushMap stores the map with the mark that it is whole, when all pages of the database are written and
// durable and before the header of the detach is (spec chapter 02, 13.6, step 4). dbtime is the database's
// counter. It does nothing for a map that is kept in memory only.
func (f *File) CleanFlushMap(dbtime jet.DBTime) error {
	m := f.flushMap.Load()
	if m == nil || m.store == nil {
		return nil
	}
	s := m.store
	for k, mp := range *m.pages.Load() {
		mp.raiseDBTime(uint64(dbtime))
		if err := s.file.WriteAt(mp.encode(k), int64(k+1)*mapPageSize); err != nil {
			return err
		}
	}
	if err := s.file.Sync(); err != nil {
		return err
	}
	h := s.header
	h.Flags |= flushMapClean
	h.DetachedAt = jet.MakeLogTime(f.env.Now())
	db := f.Header()
	h.SignDBHeaderFlush = db.SignHeaderFlush
	return s.write(f.env, h)
}
