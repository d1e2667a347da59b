package engine

import (
	"sync"
	"sync/atomic"

	"esent/internal/engine/btree"
	"esent/internal/engine/cache"
	"esent/internal/engine/param"
	"esent/internal/engine/version"
	"esent/internal/engine/window"
	"esent/internal/eventlog"
	"esent/internal/jet"
	"esent/internal/logstore"
	"esent/internal/vfs"
)

// databaseSlots is how many databases an instance can have at once: the temporary one in slot 0 and six others.
const databaseSlots = 7

// Instance is one engine instance: a log stream with its databases and sessions (spec chapter 01, 2).
type Instance struct {
	proc          *Process
	name, display string
	// values is guarded by Process.mu.
	values *param.Values

	gate  *atomic.Uint32
	calls atomic.Int32 // calls inside that have no session
	// cursors and tables count those that are open.
	cursors, tables atomic.Int32
	// lifecycle keeps JetInit, JetTerm and JetStopService apart.
	lifecycle sync.Mutex
	// fatal is why the instance is unavailable.
	fatal atomic.Pointer[failure]
	// defect is set once a panic has been met, see defect.go.
	defect atomic.Bool
	// writeFaults are of pages that could not be written, fullDisks of databases without room.
	writeFaults, fullDisks throttle

	// reserved says that set counts: its paths are kept from other instances. Guarded by Process.mu.
	reserved bool

	// The fields down to tasks are set by JetInit before the gate opens and do not change.
	set    settings
	env    *vfs.Env // with tasks that a panic cannot escape from, and files
	files  *openFiles
	events *eventlog.Logger
	log    *logstore.Log // nil without logging
	// writing is log, from the moment on when recovery writes to it.
	writing    atomic.Pointer[logstore.Log]
	logVersion logstore.Version
	initPos    jet.LogPos // of the Init2 record
	cache      *cache.Manager
	versions   *version.Store
	kernel     *btree.Kernel
	system     *version.Session // reads what is committed; in no transaction
	tasks      tasks
	zeroed     zeroedRecords

	// attachMu keeps creation, attach and detach of databases apart; the checkpoint does not move meanwhile, as the
	// log and the list of databases do not agree.
	attachMu sync.Mutex
	temp     tempDatabase
	builds   buildGate
	// tempTables counts the temporary tables that are open.
	tempTables atomic.Int64
	check      checkpointer
	gens       generations
	replaying  atomic.Int32 // generation that recovery replays
	backup     backupState
	commits    commitNotifier

	runtimeCallback RuntimeCallback // nil for none
	services        atomic.Uint32   // JET_bitStopService… that are in force

	mu        sync.Mutex
	sessions  map[*Session]struct{}
	databases [databaseSlots]*Database // by jet.DBID
	// detachFailed are paths whose detach has failed: JET_bitForceDetach is allowed for them.
	detachFailed map[string]bool
}

// failure is what made an instance unavailable; place is where, for a panic.
type failure struct {
	err   error
	place string
}

func newInstance(p *Process, name, display string) *Instance {
	i := &Instance{proc: p, name: name, display: display, values: p.values.Clone(),
		sessions: map[*Session]struct{}{}, detachFailed: map[string]bool{}}
	i.gate = window.GateFor(i)
	i.gate.Store(gateNotInitialised)
	return i
}

// Name is the name given to JetCreateInstance, empty for none.
func (i *Instance) Name() string { return i.name }

// Display is the instance's name for people.
func (i *Instance) Display() string {
	if i.display != "" {
		return i.display
	}
	return i.name
}

// number is the present value of a numeric parameter of the instance or the process.
func (i *Instance) number(id jet.ParamID) int64 {
	i.proc.mu.Lock()
	defer i.proc.mu.Unlock()
	if d, err := param.Find(id); err == nil && d.Global {
		return i.proc.values.Number(id)
	}
	return i.values.Number(id)
}

// parameterChanged makes a parameter that may change while the instance runs take effect. Process.mu is locked.
func (i *Instance) parameterChanged(id jet.ParamID) {
	if i.gate.Load()&(gateNotInitialised|gateInitialising|gateTerminating) != 0 {
		return
	}
	switch id {
	case jet.ParamCacheSizeMax, jet.ParamCacheSizeMin, jet.ParamCacheSize:
		i.cache.Resize(cachePages(i.proc))
	case jet.ParamCheckpointDepthMax:
		i.tasks.checkpoint.Kick()
	}
}

// hasDatabases says that a database is attached. Process.mu may be locked.
func (i *Instance) hasDatabases() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, d := range i.databases[1:] {
		if d != nil {
			return true
		}
	}
	return false
}

// cachePages is the size of the page cache (JET_paramCacheSize). Process.mu is locked.
func (i *Instance) cachePages() int {
	if i.gate.Load()&(gateNotInitialised|gateInitialising|gateTerminating) != 0 {
		return 0
	}
	return i.cache.Stats().Frames
}

func (i *Instance) addSession(s *Session) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.sessions[s] = struct{}{}
}

func (i *Instance) removeSession(s *Session) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.sessions, s)
}

// openSessions gives the sessions there are, in no order.
func (i *Instance) openSessions() []*Session {
	i.mu.Lock()
	defer i.mu.Unlock()
	list := make([]*Session, 0, len(i.sessions))
	for s := range i.sessions {
		list = append(list, s)
	}
	return list
}

// attached gives the databases that users attached, by slot.
func (i *Instance) attached() []*Database {
	i.mu.Lock()
	defer i.mu.Unlock()
	var list []*Database
	for _, d := range i.databases[1:] {
		if d != nil {
			list = append(list, d)
		}
	}
	return list
}

// fail makes the instance unavailable: what is in memory and what is in the files can only be brought together
// by recovery. It gives the code for the call that found out. The first failure counts.
func (i *Instance) fail(err error) error { return i.failAt(err, "") }

func (i *Instance) failAt(err error, place string) error {
	f := &failure{err, place}
	if i.fatal.CompareAndSwap(nil, f) {
		i.closeGate(gateUnavailable)
		i.failureEvent(f)
	}
	return i.unavailability()
}

// unavailability is the code of calls on an unavailable instance (spec chapter 01, 1.1).
func (i *Instance) unavailability() error {
	if f := i.fatal.Load(); f != nil {
		switch jet.CodeOf(f.err) {
		case jet.ErrLogDiskFull, jet.ErrInstanceUnavailableDueToFatalLogDiskFull:
			return jet.ErrInstanceUnavailableDueToFatalLogDiskFull
		}
	}
	return jet.ErrInstanceUnavailable
}

// failed says that the instance is unavailable.
func (i *Instance) failed() bool { return i.fatal.Load() != nil }

// rollbackFailed is fail for a rollback: only recovery can still undo (spec chapter 05, 18.4).
func (i *Instance) rollbackFailed(err error) error {
	unavailable := i.fail(err)
	switch jet.CodeOf(err) {
	case jet.ErrLogWriteFail, jet.ErrLogDiskFull, jet.ErrCheckpointDepthTooDeep:
		return unavailable
	}
	return jet.ErrRollbackError.Errorf("%v", err)
}
