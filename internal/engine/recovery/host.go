package recovery

import (
	"esent/internal/engine/btree"
	"esent/internal/engine/cache"
	"esent/internal/engine/dbfile"
	"esent/internal/engine/version"
	"esent/internal/eventlog"
	"esent/internal/jet"
	"esent/internal/logstore"
	"esent/internal/vfs"
)

// Config says what to recover, and with what.
type Config struct {
	Env *vfs.Env
	// LogDir holds the log stream (JET_paramLogFilePath), SystemDir the checkpoint (JET_paramSystemPath).
	LogDir, SystemDir string
	// Naming is the configured one. Logs that are found with the other extension are used all the same: see
	// Result.Naming.
	Naming logstore.Naming
	// PageSize is that of all databases, in bytes; a log for another gives ErrPageSizeMismatch.
	PageSize int
	// Grbit is a set of the JET_bitReplay… and JET_bitRecoveryWithoutUndo kind (spec chapter 05, 24).
	Grbit jet.Grbit
	// DeleteOutOfRangeLogs is JET_paramDeleteOutOfRangeLogs.
	DeleteOutOfRangeLogs bool
	// Params go into the checkpoint.
	Params logstore.DBMSParams
	// StopAt and StopTime end replay early, with ErrRecoveredWithoutUndo (JET_RSTINFO, spec chapter 05, 24): behind the
	// last record that begins at StopAt or before it, a byte and segment of 0 meaning the whole generation; before the
	// first segment that was begun later than StopTime. Zero is to the end. Hard recovery undoes what is open there, and
	// ends with success: see Result.Stopped.
	StopAt   jet.LogPos
	StopTime jet.LogTime
	// FirstGen is the generation that replay begins in when there is no checkpoint, 0 for the lowest there is
	// (JET_bitReplayInferCheckpointFromRstmapDbs).
	FirstGen int32

	// Kernel and its Cache and Versions belong to the instance. They are empty when recovery begins, and when
	// it ends. Versions has no log yet; recovery sets its redo mode, its log, and takes the log away at the end
	// only if it fails. While it redoes, the cache's Host answers LogDurable with nil: the log is on disk.
	// After OpenLog LogDurable goes to that log, and BeforeWrite always to Versions.LogUndo. RequireGen is
	// never called for the databases of recovery; it may answer ErrInternalError.
	Kernel *btree.Kernel

	// Map tells where a database is that the log names; nil takes every name as it stands.
	Map func(logged string, sign jet.Signature) (Mapping, error)
	// Occupied says that a file belongs to the instance itself, so that it can be no database: it is taken for one that
	// cannot be opened. Nil: none does.
	Occupied func(path string) bool
	// Hard is set for hard recovery only.
	Hard *Hard

	Host   Host
	Events *eventlog.Logger
}

// Mapping is where a database of the log is, and how strict recovery is about it (JET_RSTMAP2, spec chapter 05,
// 20.3).
type Mapping struct {
	Path string
	// Place is what the log that recovery writes calls the file, empty for Path: the place that the file takes when
	// recovery has ended.
	Place string
	// Skip leaves the database out: its records are passed by, and at the end it counts as a database that is
	// missing.
	Skip bool
	// IgnoreMissing is JET_bitReplayIgnoreMissingDB for this database alone; FailMissing undoes that bit for it.
	IgnoreMissing, FailMissing bool
	// Overwrite lets a CreateDB record replace another database that lies in its place.
	Overwrite bool
}

// Hard describes hard recovery (spec chapters 05, 25 and 06, 11). The log sequence was checked by the caller.
type Hard struct {
	// SetDir holds the logs of the backup set, generations GenLow to GenHigh.
	SetDir          string
	GenLow, GenHigh int32
	// Behind the set come logs of generations GenHigh+1 and on: those of TargetDir up to TargetHigh if TargetDir
	// is set, else those of Config.LogDir to the end.
	TargetDir  string
	TargetHigh int32
	// Prepare is called once for each database that an attachment or a CreateDB record names, before its file is
	// looked at, with what Map has given: it may copy the file to its place, and patches it (spec chapter 06,
	// 11.4). False leaves the database out.
	Prepare func(logged string, m Mapping) (ok bool, err error)
	// Staged says that the host writes the log elsewhere: all comes to its place later. The checkpoint is then not
	// written, but told in the Result.
	Staged bool
	// Least is the last generation that the copies need. A stop before its end is ErrEndingRestoreLogTooLow.
	Least int32
	// Watch, which may be nil, is told how many more bytes of a log are replayed. Its error ends recovery.
	Watch func(log string, bytes int64) error
}

// Host is what recovery asks of the engine.
type Host interface {
	// OpenLog opens the log for writing where redo has ended. The first record goes to the next whole segment
	// behind the tail or, when the tail is not in the current log, to a new generation (spec chapter 05, 11.3
	// and 22.4). At each roll-over the log asks state for what goes into the new header, and tells of the new
	// generation before any record is in it. The log stays open after recovery.
	OpenLog(t Tail, state LogState) (Log, error)
	// Control asks the application's recovery-control callback; what it returns replaces c.Default (spec chapter
	// 05, 24). Without a callback it returns c.Default.
	Control(c *Control) error
	// Progress tells how much of the log is replayed, of total; it is called only when the number has grown.
	Progress(done, total int) error
	// Fault is told of page faults while pages are read, as dbfile.Options.Report is.
	Fault(db *Database, f dbfile.Fault)
}

// Log is the log opened for writing; *logstore.Log is one.
type Log = version.Log

// Tail is where the log ends.
type Tail struct {
	// Header is that of the last log, Path its file.
	Header *logstore.Header
	Path   string
	// Current says that it is the current log, which is continued; else it is an archive, and the next generation
	// has to be made.
	Current bool
	// Scan is what the scan of that log found.
	Scan logstore.ScanResult
	// Naming is how the stream's files are called.
	Naming logstore.Naming
}

// LogState is what a log asks while recovery writes to it.
type LogState interface {
	// Attachments is the list for the header of a generation that begins with first.
	Attachments(first jet.LogPos) []logstore.AttachInfo
	// Checkpoint is the present checkpoint.
	Checkpoint() jet.LogPos
	// Rolled says that a generation has begun: the databases' headers are made durable for it (spec chapter 05,
	// 10.2, step 5).
	Rolled(gen int32, created jet.LogTime) error
}

// Database is an attached database as recovery works on it.
type Database struct {
	ID jet.DBID
	// Logged is its path in the log, Path where its file is.
	Logged, Path string
	File         *dbfile.File
	Cache        *cache.DB
	Tree         *btree.DB
}

// Outcome is how recovery ended.
type Outcome uint8

const (
	// NewStream: there are no logs. A stream has to be begun; the checkpoint file is removed.
	NewStream Outcome = iota
	// WasClean: the log ended cleanly and there was nothing to do. The log is not open.
	WasClean
	// Recovered: the databases are clean, the checkpoint is at the end of the log, which is open if recovery had
	// to write to it.
	Recovered
)

// Result is what Run has found and done.
type Result struct {
	Outcome Outcome
	// Warning is 0 or a positive code: JET_wrnCommittedLogFilesLost, JET_wrnCommittedLogFilesRemoved.
	Warning jet.Err
	// Tail is where the log ends, before what recovery itself wrote; not with NewStream.
	Tail Tail
	// Naming is how the files of the stream are called.
	Naming logstore.Naming
	// Log is the log that Host.OpenLog gave; it is there with an error too, for the caller to give up. It is nil
	// when recovery had nothing to write: there were no logs, or the last engine run in them had ended.
	Log Log
	// Stopped says that hard recovery has left out records behind StopAt or StopTime. The log that it has written is no
	// continuation of the stream then, which has another future.
	Stopped bool
	// Databases are the files that recovery has left clean at the end of the log, where they were attached.
	Databases []string
	// Checkpoint is what the checkpoint file says; nil with NewStream.
	Checkpoint *logstore.Checkpoint
	// RedoFrom is where redo began, Records how many records were replayed.
	RedoFrom jet.LogPos
	Records  int64
}

// ControlKind says what a recovery-control call is about (JET_SNT).
type ControlKind uint32

const (
	ControlOpenLog        ControlKind = 1001
	ControlOpenCheckpoint ControlKind = 1002
	ControlMissingLog     ControlKind = 1004
	ControlBeginUndo      ControlKind = 1005
	ControlEvent          ControlKind = 1006
	ControlError          ControlKind = 1007
	ControlAttachedDB     ControlKind = 1008
	ControlDetachingDB    ControlKind = 1009
	ControlCommitCtx      ControlKind = 1010
	// ControlBegin and ControlComplete are the ends of the status calls: JET_sntBegin, JET_sntComplete.
	ControlBegin    ControlKind = 5
	ControlComplete ControlKind = 6
)

// When ControlCommitCtx is called (fCommitCtx… of the API): where the record stands, behind the commit; before and
// after the commit.
const (
	CommitLegacy uint32 = 1
	CommitBefore uint32 = 2
	CommitAfter  uint32 = 3
)

// Control is one recovery-control call.
type Control struct {
	Kind ControlKind
	// Default is what happens if the application does not object: nil, or the error that ends recovery.
	Default error
	// Path is the file of OpenLog, MissingLog and OpenCheckpoint, or the database's in AttachedDB, DetachingDB.
	Path string
	// Gen, Current and Reason are those of OpenLog and MissingLog.
	Gen     int32
	Current bool
	Reason  uint32
	// NextAction is what a missing log would lead to (MissingLog).
	NextAction uint32
	// Databases are the headers of the databases that are open, in OpenLog, MissingLog and BeginUndo.
	Databases []dbfile.Header
	// EventID is the event of ControlEvent.
	EventID int
	// Context is the application's data of ControlCommitCtx, CallbackType one of CommitLegacy to CommitAfter.
	Context      []byte
	CallbackType uint32
}
