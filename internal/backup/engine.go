package backup

import (
	"esent/internal/engine/dbfile"
	"esent/internal/eventlog"
	"esent/internal/jet"
	"esent/internal/logstore"
	"esent/internal/vfs"
)

// Engine is a running instance as a backup sees it. Its methods may be called by several goroutines at once.
type Engine interface {
	// Enter begins a call on the instance, Leave ends it; JetTerm waits for those inside. Enter refuses with the
	// codes of spec chapter 06, 5.1, step 5, and with ErrBackupNotAllowedYet while JetInit runs.
	Enter() error
	Leave()
	// BackupAllowed says that JetInit has ended and JetTerm not begun.
	BackupAllowed() bool

	Env() *vfs.Env
	// PageSize is that of the instance's databases, in bytes.
	PageSize() int
	Events() *eventlog.Logger
	// LogDir is the absolute path of the directory of the logs, with a '/' at its end.
	LogDir() string
	// Log is the instance's log, nil without logging.
	Log() *logstore.Log
	// AppendInNewGeneration begins a new log generation with rec as its first record, and returns the record's
	// position when that generation is the current one.
	AppendInNewGeneration(rec logstore.Record) (jet.LogPos, error)
	// Checkpoint is what the checkpoint file says. StampCheckpoint changes what it says of backups.
	Checkpoint() logstore.Checkpoint
	StampCheckpoint(change func(c *logstore.Checkpoint)) error
	// CreatesPaths is JET_paramCreatePathIfNotExist.
	CreatesPaths() bool

	// BeginBackup notes that a backup runs, after attach, detach and create that are under way have ended: from
	// then on databases are neither attached nor detached. False says that a backup runs already. abort is called
	// by JetTerm, when no call is inside, to end a backup that is between two calls; EndBackup takes it all back.
	BeginBackup(abort func(reason jet.Err)) bool
	EndBackup()
	// StopBackup asks the backup that runs to end. BackupStopped is why it must: ErrTermInProgress,
	// ErrBackupAbortByServer, or nil.
	StopBackup()
	BackupStopped() error
	// KeepLogsFrom makes gen the lowest log generation that the log itself must not remove, 0 for none.
	KeepLogsFrom(gen int32)

	// Databases are the attached databases by rising number. Those that are being created are not among them.
	Databases() []Database
}

// Database is an attached database as a backup sees it. Its header is changed through its File.
type Database interface {
	ID() jet.DBID
	// Path is its absolute path.
	Path() string
	File() *dbfile.File
	// Logged says that the log has all its changes; only such databases can be backed up.
	Logged() bool
	// Locked says that a session has it open alone (JET_bitDbExclusive).
	Locked() bool
	// LastPage is the last page that the database owns.
	LastPage() (jet.Pgno, error)
}
