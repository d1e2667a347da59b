package engine

import (
	"errors"

	"esent/internal/engine/btree"
	"esent/internal/engine/cache"
	"esent/internal/engine/recovery"
	"esent/internal/engine/version"
	"esent/internal/eventlog"
	"esent/internal/jet"
	"esent/internal/logstore"
	"esent/internal/vfs"
)

// RestoreEnv is what a restore is told of the instance that does the redo.
type RestoreEnv struct {
	Env    *vfs.Env
	Events *eventlog.Logger
	// LogDir and SystemDir are the folders of the instance's logs and its checkpoint, with a '/' at their ends.
	LogDir, SystemDir string
	Naming            logstore.Naming
	// CreatesPaths is JET_paramCreatePathIfNotExist.
	CreatesPaths bool
}

// RestorePlan is what hard recovery needs beside what the instance knows.
type RestorePlan struct {
	Hard *recovery.Hard
	// Map tells where the databases go that the log names.
	Map func(logged string, sign jet.Signature) (recovery.Mapping, error)
	// StopAt and StopTime end replay early (recovery.Config).
	StopAt   jet.LogPos
	StopTime jet.LogTime
	// Stage is the folder that the log is written to, with a '/' at its end; empty for the instance's own. It is made,
	// and filled with what Install brings to its place when redo and undo have succeeded and all files are closed.
	Stage   string
	Install func(recovery.Result) error
	// End is called when redo and undo have ended, before the instance takes calls again.
	End func(error)
}

// Restore runs hard recovery on an instance that is not initialised (JetRestoreInstance, spec chapter 06, 11.1). plan
// is called when the parameters are known and the paths kept from other instances; progress is told how much of
// the log is replayed. setDir is the folder of a set from which logs may be removed, empty for none: it is kept from
// other instances, too. Meanwhile the instance answers ErrRestoreInProgress to all calls, and afterwards it is not
// initialised, whatever the result. ErrAlreadyInitialized, and what Init answers while it or JetTerm runs.
func (i *Instance) Restore(setDir string, plan func(RestoreEnv) (RestorePlan, error), progress func(done, total int) error) (err error) {
	if !i.gate.CompareAndSwap(gateNotInitialised, gateRestoring|gateInitialising) {
		if err := i.refusal(); err != nil {
			return err
		}
		return jet.ErrAlreadyInitialized
	}
	i.lifecycle.Lock()
	defer i.lifecycle.Unlock()
	defer i.gate.Store(gateNotInitialised)
	defer func() {
		if v := recover(); v != nil {
			err = errors.Join(i.Panicked(v), i.release())
		}
	}()
	if err = i.proc.reserve(i, setDir); err == nil {
		i.set.logging = true // whatever JET_paramRecovery says
		i.env = i.environment()
		i.openEvents()
		err = i.restore(plan, progress)
	}
	return errors.Join(err, i.release())
}

func (i *Instance) restore(plan func(RestoreEnv) (RestorePlan, error), progress func(done, total int) error) error {
	p, err := plan(RestoreEnv{Env: i.env, Events: i.events, LogDir: i.set.logPath, SystemDir: i.set.systemPath, Naming: i.set.naming, CreatesPaths: i.CreatesPaths()})
	if err != nil {
		return err
	}
	res, err := i.hardRecovery(p, progress)
	if err == nil && p.Install != nil {
		if err = i.closeLog(); err == nil {
			err = p.Install(res)
		}
	}
	p.End(err)
	return err
}

// closeLog closes the log that recovery has left open.
func (i *Instance) closeLog() error {
	l := i.writing.Swap(nil)
	if l == nil {
		return nil
	}
	i.log = nil
	return l.Close()
}

func (i *Instance) hardRecovery(p RestorePlan, progress func(done, total int) error) (res recovery.Result, err error) {
	if err := i.folders(); err != nil {
		return res, err
	}
	i.cache, err = cache.New(cache.Config{PageSize: i.set.pageSize, MaxPages: i.set.cachePages, ReservePages: 1 << 40,
		Env: i.env, Host: cacheHost{i}, OnError: i.pageWriteFailed, OnReadError: i.pageReadFailed})
	if err != nil {
		return res, err
	}
	i.versions = version.New(version.Config{Sched: i.env.Sched, MaxSessions: i.set.sessions, MaxUnits: i.set.versionUnits,
		RollbackFailed: i.rollbackFailed})
	i.kernel = btree.New(i.cache, i.versions)
	i.kernel.OnDelta = i.deltaSettled
	return recovery.Run(recovery.Config{
		Env: i.env, LogDir: i.set.logPath, SystemDir: i.set.systemPath, Naming: i.set.naming, PageSize: i.set.pageSize,
		DeleteOutOfRangeLogs: i.set.deleteOutOfRange, Params: i.dbmsParams(), Kernel: i.kernel,
		StopAt: p.StopAt, StopTime: p.StopTime, Map: p.Map, Occupied: i.proc.occupied, Hard: p.Hard,
		Host: &recoveryHost{inst: i, options: &InitOptions{Progress: progress}, stage: p.Stage}, Events: i.events})
}

// release gives back everything, so that the instance is as before it was started.
func (i *Instance) release() error {
	err := i.abandon()
	i.cache, i.versions, i.kernel, i.log = nil, nil, nil, nil
	i.writing.Store(nil)
	i.fatal.Store(nil)
	i.defect.Store(false)
	i.gens.reset()
	i.check.file = logstore.Checkpoint{}
	i.proc.mu.Lock()
	defer i.proc.mu.Unlock()
	i.reserved = false
	return err
}

func (g *generations) reset() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.current, g.recent, g.live, g.redo = 0, nil, nil, nil
}
