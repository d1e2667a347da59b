package engine

import (
	"math"
	"path"
	"strings"

	"esent/internal/engine/dbfile"
	"esent/internal/engine/param"
	"esent/internal/jet"
	"esent/internal/logstore"
)

// settings are what an instance's parameters say at JetInit, in the form in which the engine uses them.
// Parameters that may change later are read again where they count (Instance.number).
type settings struct {
	pageSize int
	// format is what JET_paramEngineFormatVersion asks for at JetInit; formatNow tells the present value.
	format dbfile.Format
	// logging is false with JET_paramRecovery "off": no logs, and databases that no recovery can help.
	logging bool

	systemPath, logPath string // absolute, with a '/' at the end
	tempPath            string // of the temporary database, absolute
	naming              logstore.Naming
	legacyNames         uint32

	logSegments uint16
	// logSizeSet says that the application asked for the log size, so that other logs are an error.
	logSizeSet        bool
	logBufferBytes    int
	circular          bool
	cleanupMismatched bool
	deleteOutOfRange  bool
	createAsync       bool
	waypointLatency   int32
	checkpointTooDeep int32
	alternatePath     string
	// setPath is the folder of the backup set that a restore may remove logs from; empty for none.
	setPath string

	sessions, versionUnits int
	cursors, tables        int // that may be open at once
	cachePages             int
	oneDatabase            bool
	tempTables             bool // there may be temporary tables
	flushMaps              bool
	lostFlushRuntimeOnly   bool

	noInformation bool
	eventLevel    int
	eventSource   string
}

const (
	minLogSegments = 16 // 64 KB
	maxLogSegments = 65535
)

// readSettings takes the parameters of an instance and judges what depends on several of them
// (ErrInvalidSettings; spec chapter 01, 3.1). Process.mu is locked.
func readSettings(p *Process, i *Instance) (settings, error) {
	v := i.values
	n := func(id jet.ParamID) int { return int(v.Number(id)) }
	s := settings{
		pageSize:          int(p.values.Number(jet.ParamDatabasePageSize)),
		logging:           !strings.EqualFold(v.Text(jet.ParamRecovery), "off"),
		legacyNames:       uint32(v.Number(jet.ParamLegacyFileNames)),
		logSegments:       uint16(min(max(n(jet.ParamLogFileSize)*1024/logstore.SegmentSize, minLogSegments), maxLogSegments)),
		logSizeSet:        v.IsSet(jet.ParamLogFileSize),
		circular:          v.Bool(jet.ParamCircularLog),
		cleanupMismatched: v.Bool(jet.ParamCleanupMismatchedLogFiles),
		deleteOutOfRange:  v.Bool(jet.ParamDeleteOutOfRangeLogs),
		createAsync:       v.Bool(jet.ParamLogFileCreateAsynch),
		waypointLatency:   int32(n(jet.ParamWaypointLatency)),
		checkpointTooDeep: int32(n(jet.ParamCheckpointTooDeep)),
		alternatePath:     v.Text(jet.ParamAlternateDatabaseRecoveryPath),
		sessions:          n(jet.ParamMaxSessions) + sessionReserve,
		versionUnits:      n(jet.ParamMaxVerPages),
		cursors:           n(jet.ParamMaxCursors),
		tables:            tableLimit(v),
		cachePages:        cachePages(p),
		oneDatabase:       v.Bool(jet.ParamOneDatabasePerSession),
		tempTables:        n(jet.ParamMaxTemporaryTables) > 0,
		noInformation:     v.Bool(jet.ParamNoInformationEvent),
		eventLevel:        n(jet.ParamEventLoggingLevel),
		eventSource:       v.Text(jet.ParamEventSource),
	}
	s.naming = logstore.NewNaming(v.Text(jet.ParamBaseName), s.legacyNames)
	s.logBufferBytes = int(min(v.Number(jet.ParamLogBuffers)*512, int64(s.logSegments)*logstore.SegmentSize))
	lostFlush := v.Number(jet.ParamPersistedLostFlushDetection)
	s.flushMaps, s.lostFlushRuntimeOnly = lostFlush&1 != 0, lostFlush&4 != 0
	var err error
	if s.format, err = dbfile.ResolveFormat(uint32(v.Number(jet.ParamEngineFormatVersion))); err != nil {
		return s, err
	}
	if p.values.Number(jet.ParamCacheSizeMin) > p.values.Number(jet.ParamCacheSizeMax) || s.cleanupMismatched && !s.circular {
		return s, jet.ErrInvalidSettings
	}
	return s, s.resolvePaths(p, i)
}

// resolvePaths makes the paths absolute.
func (s *settings) resolvePaths(p *Process, i *Instance) error {
	folder := func(id jet.ParamID) (string, error) {
		abs, err := p.env.FS.Abs(i.values.Text(id))
		return withSlash(abs), err
	}
	var err error
	if s.systemPath, err = folder(jet.ParamSystemPath); err != nil {
		return jet.ErrInvalidPath.Errorf("system path: %v", err)
	}
	if s.logPath, err = folder(jet.ParamLogFilePath); err != nil {
		return jet.ErrInvalidPath.Errorf("log path: %v", err)
	}
	temp := strings.ReplaceAll(i.values.Text(jet.ParamTempPath), `\`, "/")
	if strings.HasSuffix(temp, "/") || temp == "" {
		temp += "tmp.edb"
	}
	if !strings.Contains(temp, "/") {
		temp = s.systemPath + temp
	}
	if s.tempPath, err = p.env.FS.Abs(temp); err != nil {
		return jet.ErrInvalidPath.Errorf("temporary database: %v", err)
	}
	return nil
}

// occupies says that a file is one of the instance itself: of the log stream, the checkpoint or the temporary database.
// No database may be made there.
func (s *settings) occupies(abs string) bool {
	if s.tempTables && strings.EqualFold(abs, s.tempPath) {
		return true
	}
	dir, file := path.Split(abs)
	return s.logging && (strings.EqualFold(dir, s.logPath) || strings.EqualFold(dir, s.systemPath)) && s.naming.Names(file)
}

func withSlash(dir string) string { return strings.TrimRight(dir, "/") + "/" }

func parentOf(file string) string { return withSlash(path.Dir(file)) }

// sessionReserve is how many sessions there may be beyond JET_paramMaxSessions: the original has as many in reserve for
// its own work, and gives them to the program while it needs none (docs/format-notes.md).
const sessionReserve = 64

// tableLimit is how many tables may be open at once. The original counts descriptors, of which a table takes at least
// one, and has some more of them than JET_paramMaxOpenTables says (docs/format-notes.md).
func tableLimit(v *param.Values) int {
	n := 2*v.Number(jet.ParamMaxOpenTables) + v.Number(jet.ParamMaxTemporaryTables) + 2*v.Number(jet.ParamCachedClosedTables)
	return int(min(n, math.MaxInt32))
}

// cachePages is how many pages the cache may hold. Process.mu is locked.
func cachePages(p *Process) int {
	n := p.values.Number(jet.ParamCacheSizeMax)
	if target := p.values.Number(jet.ParamCacheSize); target > 0 {
		n = max(min(target, n), p.values.Number(jet.ParamCacheSizeMin))
	}
	return int(min(n, 1<<40))
}

// dbmsParams are the settings as log files and checkpoints tell of them.
func (i *Instance) dbmsParams() logstore.DBMSParams {
	s := &i.set
	var flags uint8
	if s.circular {
		flags = 1
	}
	return logstore.DBMSParams{
		SystemPath: s.systemPath, LogPath: s.logPath, Flags: flags,
		Sessions: uint32(i.number(jet.ParamMaxSessions)), OpenTables: uint32(i.number(jet.ParamMaxOpenTables)),
		VersionPages: uint32(i.number(jet.ParamMaxVerPages)), Cursors: uint32(i.number(jet.ParamMaxCursors)),
		LogBuffers: uint32(i.number(jet.ParamLogBuffers)), LogSegments: uint32(s.logSegments),
		Pages: uint32(min(i.number(jet.ParamCacheSizeMax), 1<<31-1)),
	}
}

// clashes says with which code two instances refuse to share a path, in the order in which the original looks
// (spec chapter 01, 2.3).
func (s *settings) clashes(o *settings) error {
	switch {
	case s.tempTables && o.tempTables && s.tempPath == o.tempPath:
		return jet.ErrTempPathInUse
	case s.setPath != "" && o.logging && s.setPath == o.logPath, o.setPath != "" && s.logging && o.setPath == s.logPath:
		return jet.ErrLogFilePathInUse
	case !s.logging || !o.logging:
		return nil
	case s.systemPath == o.systemPath:
		return jet.ErrSystemPathInUse
	case s.logPath == o.logPath:
		return jet.ErrLogFilePathInUse
	}
	return nil
}
