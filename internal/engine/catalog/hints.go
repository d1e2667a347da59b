package catalog

import (
	"encoding/binary"

	"esent/internal/engine/space"
	"esent/internal/jet"
)

// SpaceHints are JET_SPACEHINTS (spec chapter 03, 13.7). Sizes are in bytes, densities and growth in percent.
type SpaceHints struct {
	InitialDensity uint32
	Initial        uint32
	Grbit          jet.Grbit
	MaintDensity   uint32
	Growth         uint32
	MinExtent      uint32
	MaxExtent      uint32
}

const hintsVersion = 1

// Where the stored words of hints begin: what comes before is kept in columns of its own.
const (
	hintsFromDensity = 0 // SpaceDeferredLVHints
	hintsFromInitial = 1 // indexes and long-value trees
	hintsFromGrbit   = 2 // tables
	hintsWords       = 7
)

func (h *SpaceHints) words() [hintsWords]uint32 {
	return [...]uint32{h.InitialDensity, h.Initial, uint32(h.Grbit), h.MaintDensity, h.Growth, h.MinExtent, h.MaxExtent}
}

// appendHints gives the stored form, nil when there is nothing to store.
func (h *SpaceHints) encode(from int) []byte {
	w := h.words()
	last := hintsWords
	for last > from && w[last-1] == 0 {
		last--
	}
	if last == from {
		return nil
	}
	b := []byte{hintsVersion}
	for _, v := range w[from:last] {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return b
}

// decodeHints reads the stored form; NULL is no hints.
func decodeHints(b []byte, from int) (h SpaceHints, err error) {
	if len(b) == 0 {
		return h, nil
	}
	if b[0] != hintsVersion || (len(b)-1)%4 != 0 || (len(b)-1)/4 > hintsWords-from {
		return h, jet.ErrCatalogCorrupted.Errorf("space hints % x", b)
	}
	var w [hintsWords]uint32
	for i := 0; 1+4*i < len(b); i++ {
		w[from+i] = binary.LittleEndian.Uint32(b[1+4*i:])
	}
	return SpaceHints{InitialDensity: w[0], Initial: w[1], Grbit: jet.Grbit(w[2]), MaintDensity: w[3], Growth: w[4],
		MinExtent: w[5], MaxExtent: w[6]}, nil
}

// ofSpace are the hints as the space manager wants them.
func (h *SpaceHints) ofSpace(pageSize int) space.Hints {
	pages := func(n uint32) uint32 { return uint32((uint64(n) + uint64(pageSize) - 1) / uint64(pageSize)) }
	return space.Hints{MinExtent: pages(h.MinExtent), MaxExtent: pages(h.MaxExtent), Growth: h.Growth,
		UseParent: h.Grbit&jet.BitSpaceHintsUtilizeParentSpace != 0}
}

// initialPages is the size of a new tree with these hints.
func (h *SpaceHints) initialPages(pageSize int) uint32 {
	return max(1, uint32((uint64(h.Initial)+uint64(pageSize)-1)/uint64(pageSize)))
}
