package dbfile

import (
	"esent/internal/checksum"
	"esent/internal/jet"
)

// Constants of the header (spec chapter 02, 3).
const (
	// Magic is in every header of a database.
	Magic uint32 = 0x89ABCDEF
	// HeaderSize is the length in bytes of the newest header structure; the rest of its page is zero.
	HeaderSize = 748
	// HeaderPages is the number of pages before page 1.
	HeaderPages = 2
	// QwSortVersionInTable says that sort versions are kept in MSysLocales.
	QwSortVersionInTable uint64 = 0xFFFFFFFFFFFFFFFF

	defaultPageSize = 4096
)

// FileType is what a file's header says it is (spec chapter 02, 2).
type FileType uint32

const (
	FileUnknown      FileType = 0
	FileDatabase     FileType = 1
	FileTempDatabase FileType = 5
	FileFlushMap     FileType = 7
	fileTypeOffset            = 667
)

// Bits of Header.DBFlags.
const (
	DBFlagShadowingOff uint32 = 0x00000001 // catalog shadowing disabled
	DBFlagSLV          uint32 = 0x00000004 // obsolete: a streaming file exists
	DBFlagESENT        uint32 = 0x01000000 // attached by an ESENT build once
	DBFlagESE          uint32 = 0x02000000 // attached by an ESE build once
)

// Header is a database's header (DBFILEHDR): every field of spec chapter 02, 3, in its order. Bytes that it
// does not know are kept from reading to writing.
type Header struct {
	Checksum      uint32
	Magic         uint32
	Version       Version // major from offset 8, update-major from 232, update-minor from 644
	Attrib        int32
	DBTime        jet.DBTime
	SignDB        jet.Signature
	State         State
	Consistent    jet.LogPos
	ConsistentAt  jet.LogTime
	AttachedAt    jet.LogTime
	Attach        jet.LogPos
	DetachedAt    jet.LogTime
	Detach        jet.LogPos
	DBID          uint32
	SignLog       jet.Signature
	FullPrev      jet.BackupInfo
	IncPrev       jet.BackupInfo
	FullCur       jet.BackupInfo
	DBFlags       uint32
	ObjIDLast     jet.ObjID
	OSMajor       uint32
	OSMinor       uint32
	OSBuild       uint32
	OSServicePack int32
	// StoredPageSize is the field as it stands; PageSize resolves its zero.
	StoredPageSize          uint32
	RepairCount             uint32
	RepairedAt              jet.LogTime
	SignSLV                 jet.Signature
	DBTimeLastScrub         jet.DBTime
	ScrubbedAt              jet.LogTime
	GenMinRequired          int32
	GenMaxRequired          int32
	Upgrade55Format         int32
	UpgradeFreePages        int32
	UpgradeSpaceMapPages    int32
	SnapshotCur             jet.BackupInfo
	CreateVersion           uint32
	CreateUpdate            uint32
	GenMaxCreatedAt         jet.LogTime // of generation GenMaxCommitted
	FullPrevType            uint32
	IncPrevType             uint32
	RepairCountOld          uint32
	ECCFixSuccess           uint32
	ECCFixSuccessAt         jet.LogTime
	ECCFixSuccessOld        uint32
	ECCFixFail              uint32
	ECCFixFailAt            jet.LogTime
	ECCFixFailOld           uint32
	BadChecksum             uint32
	BadChecksumAt           jet.LogTime
	BadChecksumOld          uint32
	GenMaxCommitted         int32
	CopyPrev                jet.BackupInfo
	DiffPrev                jet.BackupInfo
	CopyPrevType            uint32
	DiffPrevType            uint32
	ReseedCount             uint32
	ReseededAt              jet.LogTime
	ReseedCountOld          uint32
	PagePatchCount          uint32
	PagePatchedAt           jet.LogTime
	PagePatchCountOld       uint32
	SortVersion             uint64
	ScanEndedAt             jet.LogTime
	ScanStartedAt           jet.LogTime
	ScanHighestContinuous   jet.Pgno
	GenRecovering           int32
	ExtendCount             uint32
	ExtendedAt              jet.LogTime
	ShrinkCount             uint32
	ShrunkAt                jet.LogTime
	ReAttachedAt            jet.LogTime
	ReAttach                jet.LogPos
	TrimCount               uint32
	SignHeaderFlush         jet.Signature
	SignFlushMapFlush       jet.Signature
	GenMinConsistent        int32
	EFVMaxBinAttach         uint32
	ScanHighest             jet.Pgno
	LastResize              jet.LogPos
	FileType                FileType
	GenMaxRequiredAt        jet.LogTime
	GenPreRedoMinConsistent int32
	GenPreRedoMinRequired   int32
	SignRBSFlush            jet.Signature
	RevertCount             uint32
	RevertFrom              jet.LogTime
	RevertTo                jet.LogTime
	RevertPageCount         uint32
	CommitBeforeRevert      jet.LogPos

	// image is the page that the header was read from, never changed; nil in a new header.
	image []byte
}

// coder moves fields between a header and its page, one way or the other, so that the layout stands once.
type coder struct {
	page []byte
	put  bool
}

func field32[T ~int32 | ~uint32](c coder, off int, v *T) {
	if c.put {
		le.PutUint32(c.page[off:], uint32(*v))
	} else {
		*v = T(le.Uint32(c.page[off:]))
	}
}

func field64[T ~uint64](c coder, off int, v *T) {
	if c.put {
		le.PutUint64(c.page[off:], uint64(*v))
	} else {
		*v = T(le.Uint64(c.page[off:]))
	}
}

func (c coder) time(off int, v *jet.LogTime) {
	if c.put {
		copy(c.page[off:], v[:])
	} else {
		copy(v[:], c.page[off:])
	}
}

func (c coder) signature(off int, v *jet.Signature) {
	if c.put {
		copy(c.page[off:], v[:])
	} else {
		copy(v[:], c.page[off:])
	}
}

func (c coder) backup(off int, v *jet.BackupInfo) {
	if c.put {
		v.Put(c.page[off:])
	} else {
		*v = jet.GetBackupInfo(c.page[off:])
	}
}

// layout is the header's layout.
func (h *Header) layout(c coder) {
	field32(c, 0, &h.Checksum)
	field32(c, 4, &h.Magic)
	field32(c, 8, &h.Version.Major)
	field32(c, 12, &h.Attrib)
	field64(c, 16, &h.DBTime)
	c.signature(24, &h.SignDB)
	field32(c, 52, &h.State)
	field64(c, 56, &h.Consistent)
	c.time(64, &h.ConsistentAt)
	c.time(72, &h.AttachedAt)
	field64(c, 80, &h.Attach)
	c.time(88, &h.DetachedAt)
	field64(c, 96, &h.Detach)
	field32(c, 104, &h.DBID)
	c.signature(108, &h.SignLog)
	c.backup(136, &h.FullPrev)
	c.backup(160, &h.IncPrev)
	c.backup(184, &h.FullCur)
	field32(c, 208, &h.DBFlags)
	field32(c, 212, &h.ObjIDLast)
	field32(c, 216, &h.OSMajor)
	field32(c, 220, &h.OSMinor)
	field32(c, 224, &h.OSBuild)
	field32(c, 228, &h.OSServicePack)
	field32(c, 232, &h.Version.UpdateMajor)
	field32(c, 236, &h.StoredPageSize)
	field32(c, 240, &h.RepairCount)
	c.time(244, &h.RepairedAt)
	c.signature(252, &h.SignSLV)
	field64(c, 280, &h.DBTimeLastScrub)
	c.time(288, &h.ScrubbedAt)
	field32(c, 296, &h.GenMinRequired)
	field32(c, 300, &h.GenMaxRequired)
	field32(c, 304, &h.Upgrade55Format)
	field32(c, 308, &h.UpgradeFreePages)
	field32(c, 312, &h.UpgradeSpaceMapPages)
	c.backup(316, &h.SnapshotCur)
	field32(c, 340, &h.CreateVersion)
	field32(c, 344, &h.CreateUpdate)
	c.time(348, &h.GenMaxCreatedAt)
	field32(c, 356, &h.FullPrevType)
	field32(c, 360, &h.IncPrevType)
	field32(c, 364, &h.RepairCountOld)
	field32(c, 368, &h.ECCFixSuccess)
	c.time(372, &h.ECCFixSuccessAt)
	field32(c, 380, &h.ECCFixSuccessOld)
	field32(c, 384, &h.ECCFixFail)
	c.time(388, &h.ECCFixFailAt)
	field32(c, 396, &h.ECCFixFailOld)
	field32(c, 400, &h.BadChecksum)
	c.time(404, &h.BadChecksumAt)
	field32(c, 412, &h.BadChecksumOld)
	field32(c, 416, &h.GenMaxCommitted)
	c.backup(420, &h.CopyPrev)
	c.backup(444, &h.DiffPrev)
	field32(c, 468, &h.CopyPrevType)
	field32(c, 472, &h.DiffPrevType)
	field32(c, 476, &h.ReseedCount)
	c.time(480, &h.ReseededAt)
	field32(c, 488, &h.ReseedCountOld)
	field32(c, 492, &h.PagePatchCount)
	c.time(496, &h.PagePatchedAt)
	field32(c, 504, &h.PagePatchCountOld)
	field64(c, 508, &h.SortVersion)
	c.time(516, &h.ScanEndedAt)
	c.time(524, &h.ScanStartedAt)
	field32(c, 532, &h.ScanHighestContinuous)
	field32(c, 536, &h.GenRecovering)
	field32(c, 540, &h.ExtendCount)
	c.time(544, &h.ExtendedAt)
	field32(c, 552, &h.ShrinkCount)
	c.time(556, &h.ShrunkAt)
	c.time(564, &h.ReAttachedAt)
	field64(c, 572, &h.ReAttach)
	field32(c, 580, &h.TrimCount)
	c.signature(584, &h.SignHeaderFlush)
	c.signature(612, &h.SignFlushMapFlush)
	field32(c, 640, &h.GenMinConsistent)
	field32(c, 644, &h.Version.UpdateMinor)
	field32(c, 648, &h.EFVMaxBinAttach)
	field32(c, 652, &h.ScanHighest)
	field64(c, 656, &h.LastResize)
	field32(c, fileTypeOffset, &h.FileType)
	c.time(672, &h.GenMaxRequiredAt)
	field32(c, 680, &h.GenPreRedoMinConsistent)
	field32(c, 684, &h.GenPreRedoMinRequired)
	c.signature(688, &h.SignRBSFlush)
	field32(c, 716, &h.RevertCount)
	c.time(720, &h.RevertFrom)
	c.time(728, &h.RevertTo)
	field32(c, 736, &h.RevertPageCount)
	field64(c, 740, &h.CommitBeforeRevert)
}

// DecodeHeader reads a header from its page, whose length is the page size. It looks at no value: the
// checks are ReadHeader's and CheckFormat's.
func DecodeHeader(page []byte) Header {
	var h Header
	h.image = append([]byte(nil), page...)
	h.layout(coder{page: h.image})
	return h
}

// Encode gives the header's page of pageSize bytes with its checksum, which it also stores in h.
func (h *Header) Encode(pageSize int) []byte {
	page := make([]byte, pageSize)
	copy(page, h.image)
	h.layout(coder{page: page, put: true})
	h.Checksum = checksum.XOR(page)
	le.PutUint32(page, h.Checksum)
	return page
}

// PageSize is the database's page size in bytes.
func (h *Header) PageSize() int {
	if h.StoredPageSize == 0 {
		return defaultPageSize
	}
	return int(h.StoredPageSize)
}

// Has says whether a feature that came with engine format version efv is usable in this database
// (spec chapter 02, 12.1).
func (h *Header) Has(efv uint32) bool { return h.Version.Compare(VersionForEFV(efv)) >= 0 }
