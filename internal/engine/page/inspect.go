package page

import (
	"math/bits"

	"esent/internal/checksum"
	"esent/internal/jet"
)

// Info is what the checksums of a page image say (JetGetPageInfo2).
type Info struct {
	Initialized bool // the image is not blank
	// Corrected says that single wrong bits were found and put right in the image.
	Corrected bool
	// Stored and Computed are the checksums of the page's blocks, after a correction; small pages have one.
	Stored, Computed [largeBlocks]uint64
	// Sound says that they agree; DBTime counts only then.
	Sound  bool
	DBTime jet.DBTime
	// Header says that the image was taken for that of a file's header, or of a trailer.
	Header bool
}

// Inspect looks at the checksums of an image that was read as page pgno. Page 0 and the highest number stand for file
// headers. Wrong bits that can be put right are.
func (p Page) Inspect(pgno jet.Pgno) (i Info) {
	if p.Blank() {
		return i
	}
	i.Initialized = true
	if pgno == jet.PgnoNull || pgno == 1<<32-1 || p.u32(4)|p.u32(8)|p.u32(12)|p.u32(offObjID) == 0 {
		i.Header = true
		i.Stored[0], i.Computed[0] = uint64(p.u32(0)), uint64(checksum.XOR(p))
		if i.Sound = i.Stored[0] == i.Computed[0]; i.Sound {
			i.DBTime = jet.DBTime(le.Uint64(p[offHeaderDBTime:]))
		}
		return i
	}
	res, err := p.Verify(pgno, true)
	i.Corrected = err == nil && res.Corrected > 0
	if res.OldFormat {
		i.Stored[0], i.Computed[0] = uint64(p.u32(0)), uint64(checksum.XOR(p))
	} else {
		count, size := p.blocks()
		for b := range count {
			i.Stored[b], i.Computed[b] = p.storedChecksum(b), p.computeChecksum(b, size, pgno)
		}
	}
	if i.Sound = err == nil || err == jet.ErrReadPgnoVerifyFailure; i.Sound {
		i.DBTime = p.DBTime()
	}
	return i
}

// offHeaderDBTime is where a file's header has its dbtime.
const offHeaderDBTime = 16

// ContentChecksum is a sum of what replicas of a page have in common, whatever their free space looks like (spec chapter
// 02, 11).
func (p Page) ContentChecksum() uint64 {
	var h contentHash
	var head [80]byte
	n := copy(head[:], p[:p.HeaderSize()])
	clear(head[offChecksum:offDBTime])
	clear(head[offFree:offTagState])
	if p.Large() {
		clear(head[offBlockChecksums:offPgno])
	}
	flags := p.Flags() &^ (FlushTypeMask | FlagNewChecksum | FlagFDPDelete)
	le.PutUint32(head[offFlags:], uint32(flags))
	state := p.u16(offTagState)
	if state>>reservedShift&reservedMask <= 1 {
		state &= tagCountMask
	}
	le.PutUint16(head[offTagState:], uint16(state))
	h.add(head[:n])
	tags := p.tagCount()
	for t := range tags {
		_, cb := p.tag(t)
		line := p.tagBytes(t, tags)
		f := p.tagFlags(t)
		if p.Large() && len(line) >= 2 {
			f = NodeFlags(line[1] >> 5)
		}
		if f&NodeDeleted == 0 && len(line) >= 2 {
			h.add([]byte{byte(cb), byte(cb >> 8)})
			h.add(line[2:])
		}
		h.sum = bits.RotateLeft64(h.sum, 6) + uint64(f&^NodeVersion)
	}
	return h.sum
}

type contentHash struct{ sum uint64 }

func (h *contentHash) add(b []byte) {
	for _, c := range b {
		h.sum = bits.RotateLeft64(h.sum, 6) + uint64(c)
	}
}
