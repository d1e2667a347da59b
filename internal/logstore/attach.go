package logstore

import "esent/internal/jet"

// AttachListSize is the room for attachment lists in log headers and checkpoints, in bytes.
const AttachListSize = 2048

// AttachSize is the room that the entry of a database at path takes of such a list, in bytes.
func AttachSize(path string) int { return attachFixed + pathSize(path) }

const (
	attachWide   = 0x20
	attachSparse = 0x40
	attachFixed  = 64
)

// AttachInfo is one attached database in a log header's or checkpoint's list (ATTACHINFO, spec chapter 05, 5).
type AttachInfo struct {
	DB jet.DBID
	// Sparse says that holes in the database file are allowed.
	Sparse bool
	// DBTime and ObjIDLast are the database's counters when the list was made.
	DBTime    jet.DBTime
	ObjIDLast jet.ObjID
	// MaxPages is the size limit in pages, 0 for none.
	MaxPages uint32
	// Attach is the position of the CreateDB or AttachDB record.
	Attach jet.LogPos
	// Consistent is the database header's, zero if it belongs to another stream or is not before the list's
	// own position.
	Consistent jet.LogPos
	SignDB     jet.Signature
	// Path is the database's full path.
	Path string
}

// putAttachList stores a list in AttachListSize bytes. JET_errBufferTooSmall when it does not fit.
func putAttachList(b []byte, list []AttachInfo) error {
	b = b[:AttachListSize]
	clear(b)
	at := 0
	for i := range list {
		a := &list[i]
		n := pathSize(a.Path)
		if at+attachFixed+n > len(b) {
			return jet.ErrBufferTooSmall.Errorf("attachment list of %d databases does not fit", len(list))
		}
		p := b[at:]
		p[0], p[1] = byte(a.DB), attachWide
		if a.Sparse {
			p[1] |= attachSparse
		}
		le.PutUint16(p[2:], uint16(n))
		le.PutUint64(p[4:], uint64(a.DBTime))
		le.PutUint32(p[12:], uint32(a.ObjIDLast))
		le.PutUint32(p[16:], a.MaxPages)
		le.PutUint64(p[20:], uint64(a.Attach))
		le.PutUint64(p[28:], uint64(a.Consistent))
		copy(p[36:64], a.SignDB[:])
		appendPath(p[attachFixed:attachFixed], a.Path)
		at += attachFixed + n
	}
	return nil
}

// getAttachList reads a list up to its end mark. JET_errLogFileCorrupt when an entry is cut off.
func getAttachList(b []byte) ([]AttachInfo, error) {
	b = b[:AttachListSize]
	var list []AttachInfo
	for len(b) > 0 && b[0] != 0 {
		if len(b) < attachFixed || len(b) < attachFixed+int(le.Uint16(b[2:])) {
			return list, jet.ErrLogFileCorrupt.Errorf("attachment list is cut off")
		}
		end := attachFixed + int(le.Uint16(b[2:]))
		a := AttachInfo{DB: jet.DBID(b[0]), Sparse: b[1]&attachSparse != 0, DBTime: jet.DBTime(le.Uint64(b[4:])),
			ObjIDLast: jet.ObjID(le.Uint32(b[12:])), MaxPages: le.Uint32(b[16:]), Attach: jet.LogPos(le.Uint64(b[20:])),
			Consistent: jet.LogPos(le.Uint64(b[28:])), Path: getPath(b[attachFixed:end], b[1]&attachWide != 0)}
		copy(a.SignDB[:], b[36:64])
		list = append(list, a)
		b = b[end:]
	}
	return list, nil
}
