package engine

import (
	"esent/internal/engine/dbfile"
	"esent/internal/engine/record"
	"esent/internal/jet"
)

// keyMost is the longest key that an index may have, in bytes (JET_paramKeyMost).
func keyMost(pageSize int) int {
	if pageSize >= 8192 {
		return 2000
	}
	return 1000
}

// lvChunkSize is how many bytes of a long value one node holds (JET_paramLVChunkSizeMost).
func lvChunkSize(pageSize int) int {
	switch pageSize {
	case 8192:
		return 8110
	case 16384:
		return 4050
	case 32768:
		return 8150
	}
	return 4014
}

// recordSizeMost is how much JetGetRecordSize can give for a record, with all that it counts beside the data
// (JET_paramRecordSizeMost): what a page has for a node and its tag.
func recordSizeMost(pageSize int) int {
	const tag = 4
	return record.NodeMost(pageSize) + tag
}

// resolveFormatVersion gives the engine format version that a value of JET_paramEngineFormatVersion means.
func resolveFormatVersion(n int64) (int64, error) {
	if n < 0 || n > 0xFFFFFFFF {
		return 0, jet.ErrInvalidParameter
	}
	f, err := dbfile.ResolveFormat(uint32(n))
	return int64(f.EFV), err
}
