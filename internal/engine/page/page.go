// Package page owns the image of one database page: its header, tag array, nodes, free space, checksum
// and the search within it (spec chapters 02, 6 to 9 and 03, 1 to 4).
//
// It promises that no reading method panics whatever the bytes are, so that an optimistic reader may look
// at a page that is being changed and validate afterwards, and that every modification keeps the space
// accounting of 02, 7.3 exact. Latching, logging and dbtime are the caller's.
//
// It imports nothing above internal/checksum. The layers from dbfile up to recovery call it.
package page

import (
	"esent/internal/jet"
)

// Page is the image of one page; its length is the page size: 4096, 8192, 16384 or 32768 bytes.
// It usually lies outside the Go heap.
type Page []byte

// Flags are the bits of a page's flags word (spec chapter 02, 6.3).
type Flags uint32

const (
	FlagRoot            Flags = 0x00001 // root of a tree, also of a space tree
	FlagLeaf            Flags = 0x00002 // leaf level
	FlagParentOfLeaf    Flags = 0x00004 // the level directly above the leaves
	FlagEmpty           Flags = 0x00008 // emptied by a merge and out of its tree
	FlagRepair          Flags = 0x00010 // only during repair
	FlagSpaceTree       Flags = 0x00020 // belongs to an owned- or available-extent tree
	FlagIndex           Flags = 0x00040 // secondary index
	FlagLongValue       Flags = 0x00080 // long-value tree
	FlagNonUnique       Flags = 0x00400 // ordered by key and data
	FlagNewRecordFormat Flags = 0x00800 // set on every page
	FlagNewChecksum     Flags = 0x02000 // XOR and ECC checksum
	FlagScrubbed        Flags = 0x04000 // unused space was overwritten and the page not changed since
	FlushTypeMask       Flags = 0x18000 // type of the last write, see FlushType
	FlagPreInit         Flags = 0x20000 // allocated and stamped, no lines yet
	FlagFDPDelete       Flags = 0x40000 // tree root left by a revert

	// FlushTypeShift is the place of the flush type in the flags word.
	FlushTypeShift = 15

	// TreeTypeMask holds the bits that all pages of a tree share.
	TreeTypeMask = FlagIndex | FlagLongValue | FlagNonUnique
)

// Page sizes and the part of a page that its header takes, in bytes.
const (
	MinSize = 4096
	MaxSize = 32768

	maxSmallSize    = 8192
	smallHeaderSize = 40
	largeHeaderSize = 80
)

// Offsets in the page header (spec chapter 02, 6.1 and 6.2).
const (
	offChecksum        = 0
	offDBTime          = 8
	offPrev            = 16
	offNext            = 20
	offObjID           = 24
	offFree            = 28
	offUncommittedFree = 30
	offMicFree         = 32
	offTagState        = 34
	offFlags           = 36
	offBlockChecksums  = 40
	offPgno            = 64
)

const (
	tagSize       = 4
	tagCountMask  = 0x0FFF
	reservedShift = 12
	reservedMask  = 7
)

// ValidSize says whether n is a page size that this engine works with.
func ValidSize(n int) bool {
	return n == 4096 || n == 8192 || n == 16384 || n == 32768
}

// HeaderSize is the length in bytes of the header of pages of the given size.
func HeaderSize(pageSize int) int {
	if pageSize > maxSmallSize {
		return largeHeaderSize
	}
	return smallHeaderSize
}

// Capacity is what nodes and their tags can take of an empty page of the given size: all but the header
// and the tag of the external header (spec chapter 03, 1.4).
func Capacity(pageSize int) int { return pageSize - HeaderSize(pageSize) - tagSize }

// Large says that the page has the 80-byte header, and node flags in the lines (16384 and 32768 bytes).
func (p Page) Large() bool { return len(p) > maxSmallSize }

// HeaderSize is the length of the page's header: 40 or 80 bytes.
func (p Page) HeaderSize() int { return HeaderSize(len(p)) }

func (p Page) u16(off int) int          { return int(le.Uint16(p[off:])) }
func (p Page) u32(off int) uint32       { return le.Uint32(p[off:]) }
func (p Page) setU16(off, v int)        { le.PutUint16(p[off:], uint16(v)) }
func (p Page) setU32(off int, v uint32) { le.PutUint32(p[off:], v) }

// DBTime is the dbtime of the last logged change.
func (p Page) DBTime() jet.DBTime { return jet.DBTime(le.Uint64(p[offDBTime:])) }

// SetDBTime stamps the page.
func (p Page) SetDBTime(t jet.DBTime) { le.PutUint64(p[offDBTime:], uint64(t)) }

// Prev is the left sibling, PgnoNull for none.
func (p Page) Prev() jet.Pgno { return jet.Pgno(p.u32(offPrev)) }

// SetPrev links the left sibling.
func (p Page) SetPrev(n jet.Pgno) { p.setU32(offPrev, uint32(n)) }

// Next is the right sibling, PgnoNull for none.
func (p Page) Next() jet.Pgno { return jet.Pgno(p.u32(offNext)) }

// SetNext links the right sibling.
func (p Page) SetNext(n jet.Pgno) { p.setU32(offNext, uint32(n)) }

// ObjID is the object id of the tree that the page belongs to.
func (p Page) ObjID() jet.ObjID { return jet.ObjID(p.u32(offObjID)) }

// SetObjID makes the page one of tree id.
func (p Page) SetObjID(id jet.ObjID) { p.setU32(offObjID, uint32(id)) }

// Flags is the whole flags word, flush type included.
func (p Page) Flags() Flags { return Flags(p.u32(offFlags)) }

// SetFlags stores the whole flags word.
func (p Page) SetFlags(f Flags) { p.setU32(offFlags, uint32(f)) }

// Has says whether all of the given flags are set.
func (p Page) Has(f Flags) bool { return p.Flags()&f == f }

// FlushType is the type of the write that stored the page: 0 unknown, 1 to 3 in turn (spec chapter 02, 10.2).
func (p Page) FlushType() uint8 { return uint8(p.Flags() & FlushTypeMask >> FlushTypeShift) }

// CbFree is the number of free bytes, contiguous or not.
func (p Page) CbFree() int { return p.u16(offFree) }

func (p Page) setCbFree(n int) { p.setU16(offFree, n) }

// CbUncommittedFree is the part of CbFree that a rollback may claim back.
func (p Page) CbUncommittedFree() int { return p.u16(offUncommittedFree) }

// SetCbUncommittedFree stores the bytes that a rollback may claim back; they are at most CbFree.
func (p Page) SetCbUncommittedFree(n int) { p.setU16(offUncommittedFree, n) }

func (p Page) micFree() int { return p.u16(offMicFree) }

func (p Page) setMicFree(n int) { p.setU16(offMicFree, n) }

// Pgno is the page number that a large page carries, and PgnoNull on small pages, which carry none.
func (p Page) Pgno() jet.Pgno {
	if !p.Large() {
		return jet.PgnoNull
	}
	return jet.Pgno(p.u32(offPgno))
}

// SetPgno stores the page number on a large page.
func (p Page) SetPgno(n jet.Pgno) {
	if p.Large() {
		p.setU32(offPgno, uint32(n))
	}
}

// FreeBytes is what a new node and its tag may take without touching space that a rollback may need
// (spec chapter 03, 1.4).
func (p Page) FreeBytes() int { return max(0, p.CbFree()-p.CbUncommittedFree()) }

// Blank says that every byte is zero: a page that was never written.
func (p Page) Blank() bool {
	b := []byte(p)
	for len(b) >= 8 {
		if le.Uint64(b) != 0 {
			return false
		}
		b = b[8:]
	}
	for _, v := range b {
		if v != 0 {
			return false
		}
	}
	return true
}
