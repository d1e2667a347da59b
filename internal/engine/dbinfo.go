package engine

import (
	"encoding/binary"
	"strings"

	"esent/internal/checksum"
	"esent/internal/engine/dbfile"
	"esent/internal/engine/page"
	"esent/internal/engine/space"
	"esent/internal/jet"
	"esent/internal/vfs"
)

// Levels of JetGetDatabaseInfo and JetGetDatabaseFileInfo (api/constants.tsv).
const (
	dbInfoFilename       = 0
	dbInfoConnect        = 1
	dbInfoCountry        = 2
	dbInfoLCID           = 3
	dbInfoCp             = 4
	dbInfoCollate        = 5
	dbInfoOptions        = 6
	dbInfoTransactions   = 7
	dbInfoVersion        = 8
	dbInfoIsam           = 9
	dbInfoFilesize       = 10
	dbInfoSpaceOwned     = 11
	dbInfoSpaceAvailable = 12
	dbInfoUpgrade        = 13
	dbInfoMisc           = 14
	dbInfoDBInUse        = 15
	dbInfoPageSize       = 17
	dbInfoFileType       = 19
	dbInfoFilesizeOnDisk = 21
)

// What every database says of itself on the levels that tell nothing.
const (
	infoCountry      = 1
	infoLCID         = 1033
	infoCodePage     = 1252
	infoTransactions = 7
)

// DatabaseText tells what JetGetDatabaseInfo tells in words: the path, or an empty connect string. ok is false for
// levels that DatabaseInfo is for.
func (s *Session) DatabaseText(number uint32, level uint32) (text string, ok bool, err error) {
	if level != dbInfoFilename && level != dbInfoConnect {
		return "", false, nil
	}
	if err := s.enter(); err != nil {
		return "", true, err
	}
	defer s.leave()
	d, err := s.database(number)
	if err != nil || level == dbInfoConnect {
		return "", true, err
	}
	return d.path, true, nil
}

// DatabaseInfo fills buf with what JetGetDatabaseInfo tells of an open database on a level with numbers (spec
// chapter 01, 13.1).
func (s *Session) DatabaseInfo(number uint32, level uint32, buf []byte) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	d, err := s.database(number)
	if err != nil {
		return err
	}
	switch level {
	case dbInfoIsam:
		return jet.ErrFeatureNotAvailable
	case dbInfoMisc:
		h := d.file.Header()
		return putMisc(buf, &h)
	case dbInfoFilesize, dbInfoSpaceOwned, dbInfoSpaceAvailable, dbInfoFilesizeOnDisk:
		n, err := d.size(s, level)
		if err != nil {
			return err
		}
		return putSize(buf, level, n)
	}
	n, ok := d.constant(s, level)
	switch {
	case !ok:
		return jet.ErrInvalidParameter
	case len(buf) != 4:
		return jet.ErrInvalidBufferSize
	}
	binary.LittleEndian.PutUint32(buf, n)
	return nil
}

// putSize stores a number of pages. The size of the file is given whatever the buffer's length.
func putSize(buf []byte, level, n uint32) error {
	if len(buf) < 4 && level != dbInfoFilesize {
		return jet.ErrBufferTooSmall
	}
	var b [8]byte
	binary.LittleEndian.PutUint32(b[:], n)
	copy(buf[:min(len(buf), 8)], b[:])
	return nil
}

// constant is the number on a level of which nothing is to be found out.
func (d *Database) constant(s *Session, level uint32) (uint32, bool) {
	switch level {
	case dbInfoCountry:
		return infoCountry, true
	case dbInfoLCID:
		return infoLCID, true
	case dbInfoCp:
		return infoCodePage, true
	case dbInfoCollate:
		return 0, true
	case dbInfoOptions:
		d.inst.mu.Lock()
		defer d.inst.mu.Unlock()
		if d.exclusive == s {
			return uint32(jet.BitDbExclusive), true
		}
		return 0, true
	case dbInfoTransactions:
		return infoTransactions, true
	case dbInfoVersion:
		return dbfile.MaxVersion.Major, true
	case dbInfoPageSize:
		return uint32(d.inst.set.pageSize), true
	}
	return 0, false
}

// size is a number of pages: of the file with its headers, or of what the database owns or has free.
func (d *Database) size(s *Session, level uint32) (uint32, error) {
	if level == dbInfoFilesize || level == dbInfoFilesizeOnDisk {
		n, err := d.file.Pages()
		return uint32(n) + dbfile.HeaderPages, err
	}
	root, err := d.tree.Tree(jet.PgnoSystemRoot)
	if err != nil {
		return 0, err
	}
	list := d.space.Owned
	if level == dbInfoSpaceAvailable {
		list = d.space.Available
	}
	extents, err := list(s.trx, root)
	return space.Pages(extents), err
}

// DatabaseFileInfo fills buf, which has just the right length, with what JetGetDatabaseFileInfo tells of a file,
// attached or not (spec chapter 01, 13.2).
func (p *Process) DatabaseFileInfo(file string, level uint32, buf []byte) error {
	if file == "" {
		return jet.ErrFileAccessDenied
	}
	abs, err := p.env.FS.Abs(strings.ReplaceAll(file, `\`, "/"))
	if err != nil {
		return jet.ErrInvalidPath.Errorf("%v", err)
	}
	size, ok := map[uint32]int{dbInfoFilesize: 8, dbInfoFilesizeOnDisk: 8, dbInfoUpgrade: 28, dbInfoDBInUse: 4, dbInfoPageSize: 4, dbInfoFileType: 4}[level]
	switch {
	case !ok && level != dbInfoMisc:
		return jet.ErrInvalidParameter
	case ok && len(buf) != size:
		return jet.ErrInvalidBufferSize
	}
	info, err := p.env.FS.Stat(abs)
	if err != nil {
		if absent(err) {
			return jet.ErrFileNotFound.Errorf("%s", abs)
		}
		return err
	}
	switch level {
	case dbInfoFilesize, dbInfoFilesizeOnDisk:
		binary.LittleEndian.PutUint64(buf, uint64(info.Size))
		return nil
	case dbInfoUpgrade:
		putUpgrade(buf, info.Size)
		return nil
	case dbInfoDBInUse:
		binary.LittleEndian.PutUint32(buf, 0)
		for _, i := range p.Instances() {
			if i.gate.Load()&gateNotInitialised == 0 && i.attachedAs(abs) != nil {
				binary.LittleEndian.PutUint32(buf, 1)
			}
		}
		return nil
	case dbInfoFileType:
		t, err := fileType(p.env.FS, abs)
		binary.LittleEndian.PutUint32(buf, t)
		return err
	}
	h, err := dbfile.ReadFileHeader(p.env.FS, abs)
	switch {
	case jet.CodeOf(err) == jet.ErrDatabaseCorrupted || jet.CodeOf(err) == jet.ErrInvalidDatabaseVersion:
		return jet.ErrReadVerifyFailure.Errorf("%v", err)
	case err != nil:
		return err
	case level == dbInfoPageSize:
		binary.LittleEndian.PutUint32(buf, uint32(h.PageSize()))
		return nil
	}
	return putMisc(buf, &h)
}

// putUpgrade tells that a file of the given size needs no upgrade (JET_DBINFOUPGRADE).
func putUpgrade(buf []byte, size int64) {
	const alreadyUpgraded = 2
	clear(buf)
	binary.LittleEndian.PutUint32(buf, 28)
	binary.LittleEndian.PutUint64(buf[4:], uint64(size))
	binary.LittleEndian.PutUint32(buf[24:], alreadyUpgraded)
}

// fileType reads what kind of ESE file a file is from its header (spec chapter 02, 2).
func fileType(fsys vfs.FS, abs string) (uint32, error) {
	const offset = 667
	f, err := fsys.Open(abs, vfs.ReadOnly)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return 0, err
	}
	b := make([]byte, min(size, page.MaxSize))
	if err := f.ReadAt(b, 0); err != nil {
		return 0, err
	}
	for n := 2048; n <= len(b); n *= 2 {
		if checksum.XOR(b[:n]) == binary.LittleEndian.Uint32(b) {
			return binary.LittleEndian.Uint32(b[offset:]), nil
		}
	}
	return 0, jet.ErrReadVerifyFailure
}
