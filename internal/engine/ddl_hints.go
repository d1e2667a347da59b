package engine

import "esent/internal/jet"

// SpaceHints say how a tree gets its space (JET_SPACEHINTS, spec chapters 01, 7.6 and 03, 13.7). Densities and growth
// are in percent, sizes in bytes.
type SpaceHints struct {
	// BadSize says that the structure's cbStruct is wrong; nothing else of it counts then.
	BadSize        bool
	InitialDensity uint32
	Initial        uint32
	Grbit          jet.Grbit
	MaintDensity   uint32
	Growth         uint32
	MinExtent      uint32
	MaxExtent      uint32
}

const (
	defaultDensity = 80
	leastDensity   = 20
	mostDensity    = 100

	leastGrowth = 100
	growthLimit = 50000
	extentLimit = 100 << 20

	hintBits = jet.BitSpaceHintsUtilizeParentSpace | jet.BitCreateHintAppendSequential | jet.BitCreateHintHotpointSequential |
		jet.BitRetrieveHintReserve1 | jet.BitRetrieveHintTableScanForward | jet.BitRetrieveHintTableScanBackward |
		jet.BitRetrieveHintReserve2 | jet.BitRetrieveHintReserve3 | jet.BitDeleteHintTableSequential |
		jet.BitSpaceHintsUtilizeExactExtents
	hintScans = jet.BitRetrieveHintTableScanForward | jet.BitRetrieveHintTableScanBackward
)

// validDensity says whether a density other than 0 is allowed.
func validDensity(d uint32) bool { return d >= leastDensity && d <= mostDensity }

// checkDensity judges the density of JetCreateTable and JetCreateIndex: 0 is the default.
func checkDensity(d uint32) error {
	if d != 0 && !validDensity(d) {
		return jet.ErrDensityInvalid
	}
	return nil
}

// normalise judges hints and gives them with sizes in whole pages and a density.
func (h SpaceHints) normalise(pageSize int) (SpaceHints, error) {
	if h.BadSize {
		return h, jet.ErrInvalidParameter
	}
	for _, size := range []*uint32{&h.Initial, &h.MinExtent, &h.MaxExtent} {
		whole := (uint64(*size) + uint64(pageSize) - 1) / uint64(pageSize) * uint64(pageSize)
		if whole > 1<<32-1 {
			return h, jet.ErrSpaceHintsInvalid
		}
		*size = uint32(whole)
	}
	if h.Initial == uint32(pageSize) {
		h.Initial = 0
	}
	if h.InitialDensity == 0 {
		h.InitialDensity = defaultDensity
	}
	switch {
	case !validDensity(h.InitialDensity), h.MaintDensity != 0 && !validDensity(h.MaintDensity):
		return h, jet.ErrDensityInvalid
	case h.Grbit&^hintBits != 0:
		return h, jet.ErrInvalidGrbit
	case h.Grbit&hintScans == hintScans,
		h.Growth != 0 && h.Growth < leastGrowth, h.Growth >= growthLimit,
		h.MinExtent >= extentLimit, h.MaxExtent >= extentLimit, h.MinExtent > h.MaxExtent,
		!h.grows(pageSize):
		return h, jet.ErrSpaceHintsInvalid
	}
	return h, nil
}

// grows says whether extents of growing size get larger at all.
func (h SpaceHints) grows(pageSize int) bool {
	least, most := h.MinExtent/uint32(pageSize), h.MaxExtent/uint32(pageSize)
	if least == most {
		return true
	}
	next := func(last uint32) uint32 {
		if h.Growth != 0 {
			last = max(last+1, uint32(uint64(last)*uint64(h.Growth)/100))
		}
		if least != 0 {
			last = max(last, least)
		}
		return min(last, most)
	}
	return next(h.pages(pageSize)) == most || next(least) != least
}

// pages is the size of the new tree.
func (h SpaceHints) pages(pageSize int) uint32 { return max(1, h.Initial/uint32(pageSize)) }
