package catalog

import (
	"encoding/binary"

	"esent/internal/jet"
)

// Flags of a segment in KeyFldIDs and ConditionalColumns (spec chapter 03, 13.5).
const (
	segTemplate   = 0x80 // the column is a template table's
	segDescending = 0x40
	segMustBeNull = 0x20

	segSize    = 4
	segOldSize = 2

	// templateBit marks a template table's column in its id.
	templateBit jet.ColumnID = 0x80000000
)

// segmentID is one element of KeyFldIDs or ConditionalColumns.
type segmentID struct {
	id    jet.ColumnID
	flags uint8 // segDescending, or in conditions segMustBeNull
}

// parseSegments reads KeyFldIDs, or ConditionalColumns when condition is set. extended tells the present format
// from that of old files.
func parseSegments(b []byte, extended, condition bool) ([]segmentID, error) {
	size := segSize
	if !extended {
		size = segOldSize
	}
	if len(b)%size != 0 || len(b)/size > jet.CcolKeyMost {
		return nil, jet.ErrCatalogCorrupted.Errorf("index columns of %d bytes", len(b))
	}
	list := make([]segmentID, 0, len(b)/size)
	for ; len(b) > 0; b = b[size:] {
		if extended {
			s := segmentID{id: jet.ColumnID(binary.LittleEndian.Uint16(b[2:])), flags: b[0] & (segDescending | segMustBeNull)}
			if b[0]&segTemplate != 0 {
				s.id |= templateBit
			}
			list = append(list, s)
			continue
		}
		v := int16(binary.LittleEndian.Uint16(b))
		s := segmentID{id: jet.ColumnID(v)}
		if v < 0 {
			s.id, s.flags = jet.ColumnID(-int32(v)), segDescending
			if condition {
				s.flags = segMustBeNull
			}
		}
		list = append(list, s)
	}
	return list, nil
}

// appendSegments is the inverse of parseSegments, in the present format.
func appendSegments(b []byte, list []segmentID) []byte {
	for _, s := range list {
		flags := s.flags
		if s.id&templateBit != 0 {
			flags |= segTemplate
		}
		b = append(b, flags, 0)
		b = binary.LittleEndian.AppendUint16(b, uint16(s.id))
	}
	return b
}
