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

// recordSizeMost is the largest record of a table whose primary index has the default key limit, in bytes
// (JET_paramRecordSizeMost).
func recordSizeMost(pageSize int) int { return record.RecordMost(pageSize, defaultKeyMost) }

const defaultKeyMost = 255

// resolveFormatVersion gives the engine format version that a value of JET_paramEngineFormatVersion means.
func resolveFormatVersion(n int64) (int64, error) {
	if n < 0 || n > 0xFFFFFFFF {
		return 0, jet.ErrInvalidParameter
	}
	f, err := dbfile.ResolveFormat(uint32(n))
	return int64(f.EFV), err
}
