package ops

import (
	"encoding/binary"

	"esent/internal/jet"
)

// SpaceHeaderSize is the length of an encoded SpaceHeader, SplitBuffersSize that of SplitBuffers, in bytes.
const (
	SpaceHeaderSize  = 16
	SplitBuffersSize = 16
)

// Bits of SpaceHeader.Flags (spec chapter 03, 8.1).
const (
	SpaceMultipleExtent = 0x01 // the tree has space trees
	SpaceNonUnique      = 0x02 // the tree is ordered by key and data
	SpaceV2             = 0x04 // Pages is the last allocation instead of the primary extent
)

// Presence bits of the extended encoding of a root's external header (spec chapter 03, 8).
const (
	hasSpaceHeader = 0x01
	hasAutoInc     = 0x02
)

// SpaceHeader is the part of a root's external header that concerns its space (spec chapter 03, 8.1).
type SpaceHeader struct {
	// Pages is the number of pages of the primary extent or, with SpaceV2, of the last secondary extent that
	// was asked for.
	Pages  uint32
	Parent jet.Pgno
	Flags  uint32
	// Map is the bitmap of free pages (bit i: page root+1+i) or, with SpaceMultipleExtent, the root of the
	// owned-extent tree; that of the available-extent tree is the page behind it.
	Map uint32
}

// RootHeader is the whole external header of a root that is not a space tree's: 16 bytes, or a byte of
// presence bits and the fields present (spec chapter 03, 8).
type RootHeader struct {
	Space SpaceHeader
	// AutoInc is the highest auto-increment value reserved; it means nothing unless HasAutoInc.
	AutoInc    uint64
	HasAutoInc bool
}

// ParseRootHeader decodes an external header; ErrDatabaseCorrupted when it has no space header.
func ParseRootHeader(b []byte) (h RootHeader, err error) {
	if len(b) == SpaceHeaderSize {
		h.Space = getSpaceHeader(b)
		return h, nil
	}
	if len(b) < 1+SpaceHeaderSize || b[0]&hasSpaceHeader == 0 {
		return h, jet.ErrDatabaseCorrupted.Errorf("root without space header")
	}
	h.Space = getSpaceHeader(b[1:])
	if rest := b[1+SpaceHeaderSize:]; b[0]&hasAutoInc != 0 {
		if len(rest) < 8 {
			return h, jet.ErrDatabaseCorrupted.Errorf("root's external header is too short")
		}
		h.AutoInc, h.HasAutoInc = binary.LittleEndian.Uint64(rest), true
	}
	return h, nil
}

// Append encodes h behind b, in the short form where that suffices.
func (h *RootHeader) Append(b []byte) []byte {
	if !h.HasAutoInc {
		return h.Space.append(b)
	}
	b = h.Space.append(append(b, hasSpaceHeader|hasAutoInc))
	return binary.LittleEndian.AppendUint64(b, h.AutoInc)
}

func getSpaceHeader(b []byte) SpaceHeader {
	return SpaceHeader{
		Pages:  binary.LittleEndian.Uint32(b),
		Parent: jet.Pgno(binary.LittleEndian.Uint32(b[4:])),
		Flags:  binary.LittleEndian.Uint32(b[8:]),
		Map:    binary.LittleEndian.Uint32(b[12:]),
	}
}

func (h *SpaceHeader) append(b []byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, h.Pages)
	b = binary.LittleEndian.AppendUint32(b, uint32(h.Parent))
	b = binary.LittleEndian.AppendUint32(b, h.Flags)
	return binary.LittleEndian.AppendUint32(b, h.Map)
}

// Multiple says that the tree has space trees.
func (h *SpaceHeader) Multiple() bool { return h.Flags&SpaceMultipleExtent != 0 }

// OE and AE are the roots of the space trees; meaningful only with Multiple.
func (h *SpaceHeader) OE() jet.Pgno { return jet.Pgno(h.Map) }
func (h *SpaceHeader) AE() jet.Pgno { return jet.Pgno(h.Map + 1) }

// Buffer is a run of pages that a space tree keeps for its own splits: the Pages pages that end with Last.
type Buffer struct {
	Last  jet.Pgno
	Pages uint32
}

// SplitBuffers is the external header of a space tree's root (spec chapter 03, 8.2).
type SplitBuffers [2]Buffer

// ParseSplitBuffers decodes an external header; one that is too short has no buffers.
func ParseSplitBuffers(b []byte) (s SplitBuffers) {
	if len(b) < SplitBuffersSize {
		return s
	}
	for i := range s {
		s[i].Last = jet.Pgno(binary.LittleEndian.Uint32(b[8*i:]))
		s[i].Pages = binary.LittleEndian.Uint32(b[8*i+4:])
	}
	return s
}

// Append encodes s behind b.
func (s *SplitBuffers) Append(b []byte) []byte {
	for i := range s {
		b = binary.LittleEndian.AppendUint32(b, uint32(s[i].Last))
		b = binary.LittleEndian.AppendUint32(b, s[i].Pages)
	}
	return b
}

// Extent is a run of pages as nodes of space trees hold it: the Pages pages that end with Last.
type Extent struct {
	Last  jet.Pgno
	Pages uint32
}

// First is the extent's lowest page.
func (e Extent) First() jet.Pgno { return e.Last - jet.Pgno(e.Pages) + 1 }

// Contains says whether page n lies in the extent.
func (e Extent) Contains(n jet.Pgno) bool { return n <= e.Last && n >= e.First() }

// Pool says what the pages of an available extent are for (spec chapter 03, 9.1).
type Pool uint8

const (
	PoolGeneral    Pool = 0 // free pages
	PoolContinuous Pool = 1 // set aside for a run of consecutive pages; may be empty
	PoolShelved    Pool = 2 // behind the end of the file, not to be used
)

const poolMark = 0x80

// AppendExtentKey appends the key of the extent that ends with last.
func AppendExtentKey(b []byte, pool Pool, last jet.Pgno) []byte {
	if pool != PoolGeneral {
		b = append(b, poolMark|byte(pool))
	}
	return binary.BigEndian.AppendUint32(b, uint32(last))
}

// AppendExtentData appends the data of an extent's node.
func AppendExtentData(b []byte, pages uint32) []byte {
	return binary.LittleEndian.AppendUint32(b, pages)
}

// ParseExtent decodes a node of a space tree; ErrSPAvailExtCorrupted when it is none.
func ParseExtent(key, data []byte) (e Extent, pool Pool, err error) {
	bad := jet.ErrSPAvailExtCorrupted
	if len(key) == 5 {
		if key[0]&^7 != poolMark || key[0]&7 == 0 {
			return e, 0, bad
		}
		pool = Pool(key[0] & 7)
		key = key[1:]
	}
	if len(key) != 4 || len(data) != 4 {
		return e, 0, bad
	}
	e.Last = jet.Pgno(binary.BigEndian.Uint32(key))
	e.Pages = binary.LittleEndian.Uint32(data)
	if e.Last > jet.PgnoSysMax || e.Pages > uint32(e.Last) || e.Pages == 0 && pool != PoolContinuous {
		return e, 0, bad
	}
	return e, pool, nil
}
