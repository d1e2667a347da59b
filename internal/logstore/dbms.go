package logstore

import "bytes"

// DBMSParamsSize is the length of encoded DBMSParams.
const DBMSParamsSize = 567

const dbmsPathSize = 261

// DBMSParams are the engine's settings as log headers, checkpoints and Init records hold them (DBMS_PARAM,
// spec chapter 05, 4). They inform; nothing depends on them.
type DBMSParams struct {
	// SystemPath and LogPath are directories in 8-bit characters, cut at 260 bytes.
	SystemPath, LogPath string
	// CircularLogging is bit 0 of the flags; Flags keeps them all.
	Flags                                   uint8
	Sessions, OpenTables, VersionPages      uint32
	Cursors, LogBuffers, LogSegments, Pages uint32
}

// Put stores p in DBMSParamsSize bytes.
func (p *DBMSParams) Put(b []byte) {
	b = b[:DBMSParamsSize]
	clear(b)
	copy(b[:dbmsPathSize-1], p.SystemPath)
	copy(b[dbmsPathSize:2*dbmsPathSize-1], p.LogPath)
	b[522] = p.Flags
	for i, v := range [...]uint32{p.Sessions, p.OpenTables, p.VersionPages, p.Cursors, p.LogBuffers, p.LogSegments, p.Pages} {
		le.PutUint32(b[523+4*i:], v)
	}
}

// GetDBMSParams reads what Put stored.
func GetDBMSParams(b []byte) (p DBMSParams) {
	b = b[:DBMSParamsSize]
	p.SystemPath, p.LogPath = cString(b[:dbmsPathSize]), cString(b[dbmsPathSize:2*dbmsPathSize])
	p.Flags = b[522]
	for i, v := range [...]*uint32{&p.Sessions, &p.OpenTables, &p.VersionPages, &p.Cursors, &p.LogBuffers, &p.LogSegments, &p.Pages} {
		*v = le.Uint32(b[523+4*i:])
	}
	return p
}

func cString(b []byte) string {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}
