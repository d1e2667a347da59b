package engine

import (
	"sync"
	"sync/atomic"

	"esent/internal/jet"
	"esent/internal/logstore"
	"esent/internal/vfs"
)

// backupState is what the engine must know of a backup that package backup makes.
type backupState struct {
	allowed atomic.Bool // JetInit has ended and JetTerm not begun
	// floor is the lowest log generation that must stay, 0 for none.
	floor atomic.Int32

	mu sync.Mutex
	// abort ends the backup that runs; nil when none does.
	abort   func(reason jet.Err)
	stopped atomic.Bool
}

func (b *backupState) running() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.abort != nil
}

// stop asks the backup to end and, when nobody is inside any more, ends it.
func (b *backupState) stop() { b.stopped.Store(true) }

func (b *backupState) end(reason jet.Err) {
	b.mu.Lock()
	abort := b.abort
	b.mu.Unlock()
	if abort != nil {
		abort(reason)
	}
}

// Enter begins a call of package backup on the instance; Leave ends it. Between them JetTerm waits. While JetInit
// runs the answer is ErrBackupNotAllowedYet (spec chapter 06, 5.1).
func (i *Instance) Enter() error {
	err := i.enter()
	if err == jet.ErrInitInProgress {
		return jet.ErrBackupNotAllowedYet
	}
	return err
}

// Leave ends what Enter began.
func (i *Instance) Leave() { i.leave() }

// BackupAllowed says that JetInit has ended and JetTerm has not begun.
func (i *Instance) BackupAllowed() bool { return i.backup.allowed.Load() }

// BeginBackup notes that a backup runs: databases can not be attached or detached meanwhile, and JetTerm may end
// it through abort. False says that another one runs.
func (i *Instance) BeginBackup(abort func(reason jet.Err)) bool {
	i.attachMu.Lock() // what is under way comes to its end first
	defer i.attachMu.Unlock()
	b := &i.backup
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.abort != nil {
		return false
	}
	b.abort = abort
	b.stopped.Store(false)
	return true
}

// EndBackup takes BeginBackup back, and the log floor with it.
func (i *Instance) EndBackup() {
	b := &i.backup
	b.mu.Lock()
	defer b.mu.Unlock()
	b.abort = nil
	b.floor.Store(0)
}

// BackupRunning says that a backup runs.
func (i *Instance) BackupRunning() bool { return i.backup.running() }

// StopBackup asks a running backup to end (JetStopBackupInstance).
func (i *Instance) StopBackup() { i.backup.stop() }

// BackupStopped is why a running backup must end: ErrTermInProgress, ErrBackupAbortByServer, or nil.
func (i *Instance) BackupStopped() error {
	switch {
	case i.gate.Load()&gateTerminating != 0:
		return jet.ErrTermInProgress
	case i.backup.stopped.Load():
		return jet.ErrBackupAbortByServer
	}
	return nil
}

// KeepLogsFrom makes gen the lowest log generation that must stay, 0 for none.
func (i *Instance) KeepLogsFrom(gen int32) { i.backup.floor.Store(gen) }

// Databases are the attached databases, by slot.
func (i *Instance) Databases() []*Database { return i.attached() }

// Env is what the instance was given from outside.
func (i *Instance) Env() *vfs.Env { return i.env }

// PageSize is that of the instance's databases, in bytes.
func (i *Instance) PageSize() int { return i.set.pageSize }

// LogDir is the folder of the logs, with a '/' at its end.
func (i *Instance) LogDir() string { return i.set.logPath }

// CreatesPaths is JET_paramCreatePathIfNotExist.
func (i *Instance) CreatesPaths() bool { return i.number(jet.ParamCreatePathIfNotExist) != 0 }

// AppendInNewGeneration begins a new log generation with rec as its first record, and gives its position when that
// generation is the current one.
func (i *Instance) AppendInNewGeneration(rec logstore.Record) (jet.LogPos, error) {
	pos, _, err := i.log.AppendInNewGeneration(rec.Append(nil))
	if err != nil && i.log.Err() == nil {
		return 0, err
	}
	return pos, i.flushed(err)
}

// Locked says that a session has the database open alone.
func (d *Database) Locked() bool {
	d.inst.mu.Lock()
	defer d.inst.mu.Unlock()
	return d.exclusive != nil
}

// LastPage is the last page that the database owns.
func (d *Database) LastPage() (jet.Pgno, error) { return d.space.LastOwned(d.inst.system) }
