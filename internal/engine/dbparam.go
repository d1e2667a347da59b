package engine

import (
	"encoding/binary"

	"esent/internal/jet"
)

// DBParam is one parameter of a database to be created or attached (JET_SETDBPARAM).
type DBParam struct {
	ID uint32
	// Data is the value, a number of 32 bits; nil without a pointer. Size is how long the caller says it is.
	Data []byte
	Size uint32
}

const (
	dbParamSize      = 4
	cachePriorityMax = 1000
	weekOfMillis     = 7 * 24 * 60 * 60 * 1000
)

// DBParams judges the parameters of JetCreateDatabase3, or with attach of JetAttachDatabase3, and gives the one that has
// an effect, the size limit in pages, 0 for none. The cache priority is a hint. ErrFeatureNotAvailable: shrinking at
// attach, the leak reclaimer and the extent page count cache are asked for. ErrInvalidDbparamId, ErrInvalidBufferSize,
// ErrInvalidParameter, ErrInvalidGrbit.
func DBParams(list []DBParam, attach bool) (maxPages uint32, err error) {
	var values [jet.DbparamMaxValueInvalid - jet.DbparamDbSizeMaxPages]uint32
	value := func(id jet.ParamID) *uint32 { return &values[id-jet.DbparamDbSizeMaxPages] }
	for i := range list {
		p := &list[i]
		id := jet.ParamID(p.ID)
		switch {
		case id < jet.DbparamDbSizeMaxPages || id >= jet.DbparamMaxValueInvalid:
			return 0, jet.ErrInvalidDbparamId
		case !attach && id >= jet.DbparamShrinkDatabaseOptions && id <= jet.DbparamLeakReclaimerTimeQuota:
			continue // of no use to a new database
		case p.Size != dbParamSize || p.Data == nil:
			return 0, jet.ErrInvalidBufferSize
		}
		*value(id) = binary.LittleEndian.Uint32(p.Data)
	}
	const shrinkBits = jet.BitShrinkDatabaseEofOnAttach | jet.BitShrinkDatabaseFullCategorizationOnAttach |
		jet.BitShrinkDatabaseDontMoveRootsOnAttach | jet.BitShrinkDatabaseDontTruncateLeakedPagesOnAttach |
		jet.BitShrinkDatabaseDontTruncateIndeterminatePagesOnAttach
	switch {
	case *value(jet.DbparamCachePriority) > cachePriorityMax:
		return 0, jet.ErrInvalidParameter
	case *value(jet.DbparamShrinkDatabaseOptions)&^uint32(shrinkBits) != 0:
		return 0, jet.ErrInvalidGrbit
	case int32(*value(jet.DbparamShrinkDatabaseTimeQuota)) > weekOfMillis,
		int32(*value(jet.DbparamLeakReclaimerTimeQuota)) > weekOfMillis,
		int32(*value(jet.DbparamShrinkDatabaseSizeLimit)) < 0:
		return 0, jet.ErrInvalidParameter
	case *value(jet.DbparamShrinkDatabaseOptions) != 0, *value(jet.DbparamLeakReclaimerEnabled) != 0,
		*value(jet.DbparamMaintainExtentPageCountCache) != 0:
		return 0, jet.ErrFeatureNotAvailable
	}
	return *value(jet.DbparamDbSizeMaxPages), nil
}
