package catalog

import (
	"encoding/binary"

	"esent/internal/engine/key"
	"esent/internal/jet"
)

// Keys of the catalog's three indexes (spec chapter 03, 13.2). A segment begins with keyData unless it is NULL.
const (
	keyData = 0x7F
	// rowKeySize is the length of a clustered key: ObjidTable, Type, Id.
	rowKeySize = 13
	// tableKeySize is how much of it the rows of one table share, typeKeySize the rows of one type.
	tableKeySize = 5
	typeKeySize  = 8
)

// rowKey is a clustered key.
type rowKey [rowKeySize]byte

func makeRowKey(table jet.ObjID, typ RowType, id uint32) (k rowKey) {
	k[0], k[5], k[8] = keyData, keyData, keyData
	binary.BigEndian.PutUint32(k[1:], uint32(table)^1<<31)
	binary.BigEndian.PutUint16(k[6:], uint16(typ)^1<<15)
	binary.BigEndian.PutUint32(k[9:], id^1<<31)
	return k
}

// parseRowKey reads a clustered key.
func parseRowKey(b []byte) (table jet.ObjID, typ RowType, id uint32, err error) {
	if len(b) != rowKeySize || b[0] != keyData || b[5] != keyData || b[8] != keyData {
		return 0, 0, 0, jet.ErrCatalogCorrupted.Errorf("catalog key % x", b)
	}
	return jet.ObjID(binary.BigEndian.Uint32(b[1:]) ^ 1<<31), RowType(binary.BigEndian.Uint16(b[6:]) ^ 1<<15),
		binary.BigEndian.Uint32(b[9:]) ^ 1<<31, nil
}

// nameSegment describes the Name column to the key package, so that names are put into keys in one way only.
var nameIndex = key.Index{
	Segments: []key.Segment{{Type: jet.ColtypText, CodePage: codePageANSI, Max: 255}},
	KeyMost:  ownKeyMost,
}

// appendName adds a name's segment to a key. Names are short enough never to be truncated: space is what the key
// has left.
func appendName(dst []byte, name string) ([]byte, error) {
	out, _, err := key.AppendSegment(dst, &nameIndex.Segments[0], &nameIndex, key.Value{Data: []byte(name)}, ownKeyMost-len(dst))
	return out, err
}

// appendNameKey is the key of a row in the Name index.
func appendNameKey(dst []byte, table jet.ObjID, typ RowType, name string) ([]byte, error) {
	k := makeRowKey(table, typ, 0)
	return appendName(append(dst, k[:typeKeySize]...), name)
}

// appendRootKey is the key of a table row in the RootObjects index.
func appendRootKey(dst []byte, name string) ([]byte, error) {
	return appendName(append(dst, keyData, 0xFF), name)
}
