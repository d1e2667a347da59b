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

// InitOptions are what JetInit2 to JetInit4 are given beside the instance.
type InitOptions struct {
	// Grbit is a set of the JET_bitReplay… and JET_bitRecoveryWithoutUndo kind (spec chapter 05, 24); unknown bits
	// are ignored.
	Grbit jet.Grbit
	// Maps tells recovery where the databases are that the log names. Without, every database is where the log says.
	Maps []DatabaseMap
	// StopAt and StopTime end replay early, with ErrRecoveredWithoutUndo; see recovery.Config.
	StopAt   jet.LogPos
	StopTime jet.LogTime
	// Control is the application's recovery-control callback, nil for none.
	Control func(c *recovery.Control) error
	// Progress is told how much of the log is replayed; its error ends recovery.
	Progress func(done, total int) error
}

// Init starts the instance, after recovery where the log asks for it (JetInit, spec chapters 01, 2.5 and 05, 19 to
// 23). The result is 0 or a warning of recovery. On an instance that runs already it gives ErrAlreadyInitialized and
// changes nothing; any other error destroys the instance.
func (i *Instance) Init(o InitOptions) (warning jet.Err, err error) {
	if !i.gate.CompareAndSwap(gateNotInitialised, gateInitialising) {
		switch g := i.gate.Load(); {
		case g&gateRestoring != 0:
			return 0, jet.ErrRestoreInProgress
		case g&gateInitialising != 0:
			return 0, jet.ErrInitInProgress
		case g&gateTerminating != 0:
			return 0, jet.ErrTermInProgress
		}
		return 0, jet.ErrAlreadyInitialized
	}
	i.lifecycle.Lock()
	defer i.lifecycle.Unlock()
	defer func() {
		if v := recover(); v != nil {
			err = errors.Join(i.Panicked(v), i.abandon(), i.destroy())
		}
	}()
	begun := i.proc.env.Now()
	if err = i.proc.reserve(i, ""); err == nil {
		i.env = i.environment()
		i.openEvents()
		i.report(eventlog.StartInstance, i.Display(), engineMajor, engineMinor, engineBuild, engineUpdate)
		if warning, err = 0, i.probeRuntimeCallback(); err == nil {
			warning, err = i.start(o)
		}
	}
	if err != nil {
		if i.events != nil {
			i.report(eventlog.StopInstanceWithError, i.Display(), err, "")
		}
		return 0, errors.Join(err, i.abandon(), i.destroy())
	}
	i.backup.allowed.Store(true)
	i.openGate(gateInitialising)
	i.report(eventlog.StartInstanceDone, i.Display(), i.seconds(begun), "", "")
	return warning, nil
}

// reserve reads the parameters of an instance that starts, and has its paths kept from other instances. setDir is
// Instance.Restore's.
func (p *Process) reserve(i *Instance, setDir string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	set, err := readSettings(p, i)
	if err != nil {
		return err
	}
	if setDir != "" {
		abs, err := p.env.FS.Abs(setDir)
		if err != nil {
			return jet.ErrInvalidPath.Errorf("%s: %v", setDir, err)
		}
		set.setPath = withSlash(abs)
	}
	for _, o := range p.instances {
		if o != i && o.reserved {
			if err := set.clashes(&o.set); err != nil {
				return err
			}
		}
	}
	i.set, i.reserved = set, true
	return nil
}

// destroy ends the instance for good.
func (i *Instance) destroy() error {
	i.gate.Store(gateNotInitialised | gateTerminating)
	i.proc.remove(i)
	return nil
}

// start makes the instance run.
func (i *Instance) start(o InitOptions) (warning jet.Err, err error) {
	if err := i.folders(); err != nil {
		return 0, err
	}
	i.cache, err = cache.New(cache.Config{PageSize: i.set.pageSize, MaxPages: i.set.cachePages, ReservePages: 1 << 40,
		Env: i.env, Host: cacheHost{i}, OnError: i.pageWriteFailed, OnReadError: i.pageReadFailed})
	if err != nil {
		return 0, err
	}
	i.versions = version.New(version.Config{Sched: i.env.Sched, MaxSessions: i.set.sessions, MaxUnits: i.set.versionUnits,
		RollbackFailed: i.rollbackFailed})
	i.kernel = btree.New(i.cache, i.versions)
	i.kernel.OnDelta = i.deltaSettled
	var again []string
	if i.set.logging {
		if warning, again, err = i.startLog(o); err != nil {
			return 0, err
		}
	}
	i.system = i.versions.NewSystemSession()
	i.commits.start(i)
	i.startTasks()
	return warning, i.attachAgain(again)
}

// attachAgain attaches the databases that recovery has closed (JET_bitKeepDbAttachedAtEndOfRecovery).
func (i *Instance) attachAgain(files []string) error {
	if len(files) == 0 {
		return nil
	}
	s, err := i.newSession()
	if err != nil {
		return err
	}
	i.attachMu.Lock()
	defer i.attachMu.Unlock()
	for _, file := range files {
		d, err := s.attach(file, 0, 0)
		if err == nil {
			_, err = d.checkLocales(s, 0)
		}
		if err != nil {
			return err
		}
	}
	return s.end()
}

// folders sees to it that the folders of the instance are there (ErrInvalidPath).
func (i *Instance) folders() error {
	dirs := []string{i.set.systemPath, parentOf(i.set.tempPath)}
	if i.set.logging {
		dirs = append(dirs, i.set.logPath)
	}
	create := i.number(jet.ParamCreatePathIfNotExist) != 0
	for _, dir := range dirs {
		info, err := i.env.FS.Stat(dir)
		switch {
		case err == nil && info.IsDir:
			continue
		case err == nil || !create:
			return jet.ErrInvalidPath.Errorf("%s is no folder", dir)
		}
		if _, err := vfs.MakePath(i.env.FS, dir); err != nil {
			return jet.ErrInvalidPath.Errorf("%s: %v", dir, err)
		}
	}
	return nil
}

// startLog brings databases and log together and opens the log. again are the databases to be attached then.
func (i *Instance) startLog(o InitOptions) (warning jet.Err, again []string, err error) {
	if err := i.checkLogVersion(); err != nil {
		return 0, nil, err
	}
	h := &recoveryHost{inst: i, options: &o}
	places, err := i.readMap(&o)
	if err != nil {
		return 0, nil, err
	}
	firstGen := int32(0)
	if o.Grbit&jet.BitReplayInferCheckpointFromRstmapDbs != 0 {
		firstGen = places.firstGen()
	}
	res, err := recovery.Run(recovery.Config{
		Env: i.env, LogDir: i.set.logPath, SystemDir: i.set.systemPath, Naming: i.set.naming, PageSize: i.set.pageSize,
		Grbit: o.Grbit, DeleteOutOfRangeLogs: i.set.deleteOutOfRange, Params: i.dbmsParams(), Kernel: i.kernel,
		StopAt: o.StopAt, StopTime: o.StopTime, FirstGen: firstGen, Map: places.place, Occupied: i.proc.occupied, Host: h, Events: i.events})
	i.gens.setRedo(nil)
	if err != nil {
		return 0, nil, err
	}
	if o.Grbit&jet.BitKeepDbAttachedAtEndOfRecovery != 0 {
		again = res.Databases
	}
	switch {
	case res.Outcome == recovery.NewStream:
		err = i.beginStream(logstore.FirstGeneration)
	case res.Log == nil:
		err = i.continueStream(&res)
	default: // it is open since recovery has undone
		i.check.file = *res.Checkpoint
		err = i.continueRecovered(&res)
	}
	if err == nil {
		err = i.logInit()
	}
	if err == nil && o.Grbit&jet.BitTruncateLogsAfterRecovery != 0 && res.Outcome == recovery.Recovered {
		_, err = i.log.DeleteArchives(0, i.initPos.Gen())
	}
	return res.Warning, again, err
}

// minLogBuffer is how much the log holds in memory at least, in bytes: half of it is written and synced at once when
// changes come faster than commits ask for the disk.
const minLogBuffer = 4 << 20

// logConfig is how the instance's log is written.
func (i *Instance) logConfig(naming logstore.Naming) logstore.Config {
	s := &i.set
	efv := s.format.EFV
	if s.format.UsePersisted {
		efv = 0 // as the logs are that exist
	}
	return logstore.Config{Env: i.env, LogDir: s.logPath, SystemDir: s.systemPath, Naming: naming, FileKB: int(s.logSegments) * logstore.SegmentSize / 1024,
		BufferUnits: s.logBufferBytes / 512, MinBuffer: minLogBuffer, Circular: s.circular, PageSize: s.pageSize, EFV: efv, TooDeep: s.checkpointTooDeep,
		Params: i.dbmsParams(), SyncCreate: !s.createAsync,
		LowDisk: func() { i.report(eventlog.LowLogDiskSpace) }}
}

// beginStream begins a new log stream.
func (i *Instance) beginStream(first int32) error {
	cfg := i.logConfig(i.set.naming)
	if i.set.format.UsePersisted {
		cfg.EFV = i.set.format.EFV
	}
	l, err := logstore.Create(cfg, logHost{i}, jet.Signature{}, first)
	if err != nil {
		return err
	}
	i.useLog(l, logstore.VersionForEFV(cfg.EFV))
	header, err := logstore.ReadHeader(i.env.FS, i.set.logPath+cfg.Naming.Current())
	if err != nil {
		return err
	}
	i.gens.setCurrent(first, header.Created)
	c, err := logstore.ReadCheckpoint(i.env.FS, i.set.systemPath+cfg.Naming.Checkpoint(), l.SignLog())
	if err != nil {
		return err
	}
	i.check.file = *c
	return nil
}

// useLog makes l the instance's log.
func (i *Instance) useLog(l *logstore.Log, v logstore.Version) {
	i.log, i.logVersion = l, v
	i.writing.Store(l)
	i.versions.SetLog(sessionLog{l})
}

// continueStream goes on with a stream that ended cleanly.
func (i *Instance) continueStream(res *recovery.Result) error {
	if done, err := i.replaceStream(res); done || err != nil {
		return err
	}
	l, v, err := i.resume(i.logConfig(res.Tail.Naming), res.Tail, res.Checkpoint.Pos)
	if err != nil {
		return err
	}
	i.useLog(l, v)
	i.check.file = *res.Checkpoint
	return nil
}

// continueRecovered is continueStream for a log that recovery has opened.
func (i *Instance) continueRecovered(res *recovery.Result) error {
	if !i.wrongLogSize(res) && !i.otherNames(res) {
		return nil
	}
	if i.wrongLogSize(res) && !i.set.cleanupMismatched {
		return jet.ErrLogFileSizeMismatchDatabasesConsistent
	}
	if err := i.log.Close(); err != nil {
		return err
	}
	_, err := i.replaceStream(res)
	return err
}

// resume opens the log behind its tail.
func (i *Instance) resume(cfg logstore.Config, t recovery.Tail, checkpoint jet.LogPos) (*logstore.Log, logstore.Version, error) {
	i.gens.setCurrent(t.Header.Gen, t.Header.Created)
	l, err := logstore.Open(cfg, logHost{i}, logstore.Resume{Header: t.Header, Scan: t.Scan, Archived: !t.Current}, checkpoint)
	return l, logstore.VersionForEFV(cfg.EFV).Max(t.Header.Version), err
}

func (i *Instance) wrongLogSize(res *recovery.Result) bool {
	return i.set.logSizeSet && res.Tail.Header.Segments != i.set.logSegments
}

// otherNames says that the logs have another extension than is configured, and are to be replaced: that needs
// circular logging (spec chapter 05, 1).
func (i *Instance) otherNames(res *recovery.Result) bool {
	return i.set.circular && res.Naming.Legacy != i.set.naming.Legacy
}

// replaceStream begins a new stream in place of one whose logs have another size than the application asked for,
// where it may (JET_paramCleanupMismatchedLogFiles; spec chapter 05, 4), or other names. The databases are clean.
func (i *Instance) replaceStream(res *recovery.Result) (done bool, err error) {
	first := int32(logstore.FirstGeneration)
	switch {
	case i.wrongLogSize(res) && !i.set.cleanupMismatched:
		return false, jet.ErrLogFileSizeMismatchDatabasesConsistent
	case i.wrongLogSize(res):
	case i.otherNames(res):
		first = res.Tail.Header.Gen + 1
		if i.log != nil {
			first = i.log.EndPos().Gen() + 1
		}
	default:
		return false, nil
	}
	if err := i.removeStream(res.Naming); err != nil {
		return false, err
	}
	return true, i.beginStream(first)
}

// removeStream deletes the checkpoint and all logs.
func (i *Instance) removeStream(n logstore.Naming) error {
	fs := i.env.FS
	d, err := logstore.FindLogs(fs, i.set.logPath, n)
	if err != nil {
		return err
	}
	files := []string{i.set.systemPath + n.Checkpoint()}
	for _, a := range d.Archives {
		files = append(files, i.set.logPath+a.Name)
	}
	files = append(files, i.set.logPath+n.Current(), i.set.logPath+n.Temp(), i.set.logPath+n.Reserve(1), i.set.logPath+n.Reserve(2))
	for _, f := range files {
		if err := fs.Remove(f); err != nil && !absent(err) {
			return err
		}
	}
	return fs.SyncDir(i.set.logPath)
}

// checkLogVersion refuses a stream of a version above the one asked for
// (ErrEngineFormatVersionSpecifiedTooLowForLogVersion). What else may be wrong with the log is for recovery to say.
func (i *Instance) checkLogVersion() error {
	f := i.set.format
	if f.AllowHigher {
		return nil
	}
	naming, err := logstore.DetectNaming(i.env.FS, i.set.logPath, i.set.naming)
	if err != nil {
		return err
	}
	h, err := logstore.ReadHeader(i.env.FS, i.set.logPath+naming.Current())
	if err != nil {
		return nil
	}
	if want := logstore.VersionForEFV(f.EFV); h.Version.UpdateMajor > want.UpdateMajor {
		i.report(eventlog.LogVersionTooHighForParam, i.set.logPath+naming.Current(), h.Version, want, f.EFV)
		return jet.ErrEngineFormatVersionSpecifiedTooLowForLogVersion
	}
	return nil
}

// logInit begins the run in the log (spec chapter 05, 23).
func (i *Instance) logInit() error {
	pos, err := i.appendDurable(&logstore.Init{Params: i.log.Params(), Time: jet.MakeLogTime(i.env.Now())})
	i.initPos = pos
	return err
}

// timeNow is the time as files hold it.
func (i *Instance) timeNow() jet.LogTime { return jet.MakeLogTime(i.env.Now()) }
