package backup

import (
	"errors"
	"path"

	"esent/internal/backup/meter"
	"esent/internal/engine"
	"esent/internal/engine/recovery"
	"esent/internal/eventlog"
	"esent/internal/jet"
	"esent/internal/logstore"
	"esent/internal/vfs"
)

// Restore restores the backup set in the directory source on the process's one instance, or on one that it makes
// for the purpose (JetRestore2, spec chapter 06, 11). An empty source is the working directory; the databases go
// into the directory dest, or with an empty dest to the places where they were.
//
// Redo goes on with the logs that the instance's own log directory has behind those of the set. The set is not
// changed. Errors: those of the mode, ErrAlreadyInitialized, those of the parameters, ErrInvalidPath,
// ErrFileNotFound for a directory without a set, those of spec chapter 06, 11.3 and 11.4, ErrPatchFileMissing, and
// those of recovery.
func (s *Service) Restore(p *engine.Process, source, dest string, status Status) error {
	i, err := p.Single()
	temporary := jet.CodeOf(err) == jet.ErrInvalidParameter
	if temporary {
		i, err = p.ForInit(nil, true)
	}
	if err != nil {
		return err
	}
	return restoreHere(i, temporary, &restore{source: source, dest: dest, status: status})
}

// RestoreInstance is Restore on an instance that is not initialised; without one on a temporary instance
// (JetRestoreInstance).
func (s *Service) RestoreInstance(p *engine.Process, i *engine.Instance, source, dest string, status Status) error {
	i, temporary, err := restoring(p, i)
	if err != nil {
		return err
	}
	return restoreHere(i, temporary, &restore{source: source, dest: dest, status: status})
}

// restoring gives the instance that restores, made for the purpose if i is nil and the process has no one instance.
func restoring(p *engine.Process, i *engine.Instance) (resolved *engine.Instance, temporary bool, err error) {
	resolved, err = p.Resolve(i)
	if temporary = i == nil && err != nil; temporary {
		resolved, err = p.CreateInstance("Restore", "")
	}
	return resolved, temporary, err
}

func restoreOn(i *engine.Instance, r *restore) error {
	setDir := ""
	if r.external != nil {
		setDir = r.source
	}
	return i.Restore(setDir, r.plan, r.replayed)
}

func restoreHere(i *engine.Instance, temporary bool, r *restore) error {
	err := restoreOn(i, r)
	if temporary {
		err = errors.Join(err, i.Term(0))
	}
	return err
}

// restore is one JetRestore (spec chapter 06, 11.2).
type restore struct {
	engine.RestoreEnv
	source, dest string
	status       Status
	// extended is not nil for RestoreSet. stop, the zero Stop for all others, and meter are its.
	extended *extended
	stop     Stop
	meter    *meter.Meter

	// external is not nil for a restore of databases that lie in their places, mapped are these.
	external *ExternalRestore
	mapped   []*mappedFile
	// targetDir has logs that follow the set, up to generation targetHigh; empty for the instance's own.
	targetDir  string
	targetHigh int32

	set      *Set
	existing []existingLog // in the instance's own directory
	stage    *stage        // nil for an external restore
	pipe     *pipeline
	prepared map[string]bool // by place: whether the set has the database
	hard     *recovery.Hard

	// Progress is counted in generations: gens there are to be replayed, and copying a database counts for copyUnit.
	gens, copyUnit, copied float64
	told                   uint32
}

// plan finds and checks the set. It is called when the instance's parameters are known and its paths reserved.
// An empty source is the working directory, an empty dest the places that the logs name.
func (r *restore) plan(env engine.RestoreEnv) (p engine.RestorePlan, err error) {
	r.RestoreEnv = env
	r.pipe = newPipeline(r.Env.Sched)
	r.meter = &meter.Meter{}
	if r.extended != nil {
		err = r.extended.begin(r)
	}
	if err == nil {
		err = r.check()
	}
	if err == nil && r.extended != nil {
		err = r.extended.examine(r)
	}
	if err != nil {
		r.pipe.stop()
		return p, err
	}
	r.Events.Report(eventlog.StartRestore, r.set.Dir, r.LogDir)
	r.tell(jet.SntBegin, 0)
	switch {
	case r.external != nil:
		err = r.removeCheckpoint()
	case len(r.set.Databases) == 0:
		err = jet.ErrPatchFileMissing.Errorf("%s holds no database", r.set.Dir)
	}
	if err == nil {
		err = r.startProgress()
	}
	if err != nil {
		r.Events.Report(eventlog.RestoreDatabaseFail, err)
		r.end(err)
		return p, err
	}
	r.prepared = map[string]bool{}
	p.Hard = &recovery.Hard{SetDir: r.set.Dir, GenLow: r.set.GenLow, GenHigh: r.set.GenHigh, Prepare: r.prepare,
		TargetDir: r.targetDir, TargetHigh: r.targetHigh}
	r.hard, p.Map, p.End = p.Hard, r.place, r.end
	if r.external != nil {
		p.Hard.Prepare, p.Map = nil, r.placeExternal
		return p, nil
	}
	p.Hard.Staged, p.Stage, p.Install = true, r.stage.dir, r.install
	if x := r.extended; x != nil {
		p.Hard.Least, p.Hard.Watch = x.least, r.watchReplay
		p.StopAt, p.StopTime = r.stop.At, r.stop.logTime()
	}
	return p, nil
}

// check is what must hold before anything is reported as begun.
func (r *restore) check() error {
	if err := r.findPaths(); err != nil {
		return err
	}
	find, follow := r.findSet, r.checkLogs
	if r.external != nil {
		find = r.findExternal
	} else if err := r.findStage(r.extended != nil && r.extended.DryRun); err != nil {
		return err
	}
	if r.targetDir != "" {
		follow = r.checkTarget
	}
	if err := find(); err != nil {
		return err
	}
	if err := follow(); err != nil {
		return err
	}
	if r.external != nil {
		return r.prepareExternal()
	}
	return nil
}

// end is called when all is done, or something has failed.
func (r *restore) end(err error) {
	r.pipe.stop()
	if err != nil && r.stage != nil {
		_ = r.stage.clear() // what cannot be removed now is removed by the next restore
	}
	if err == nil && r.targetDir != "" {
		_ = r.removeReserves() // they are in nobody's way
	}
	if err == nil {
		r.tell(jet.SntComplete, statusTotal)
	}
	r.Events.Report(eventlog.StopRestore)
}

// findPaths makes the paths absolute and sees to it that dest is there, where that is wanted.
func (r *restore) findPaths() error {
	var err error
	if r.source, err = r.Env.FS.Abs(r.source); err != nil {
		return jet.ErrInvalidPath.Errorf("%s: %v", r.source, err)
	}
	if r.dest != "" {
		if r.dest, err = r.Env.FS.Abs(r.dest); err != nil {
			return jet.ErrInvalidPath.Errorf("%s: %v", r.dest, err)
		}
		if r.CreatesPaths && (r.extended == nil || !r.extended.DryRun) {
			if _, err := vfs.MakePath(r.Env.FS, r.dest); err != nil {
				return err
			}
		}
	}
	return nil
}

// findStage finds the place for what is unfinished, and removes what an earlier restore has left there.
func (r *restore) findStage(dryRun bool) error {
	r.stage = newStage(r.Env.FS, r.LogDir, r.SystemDir)
	if dryRun {
		return nil
	}
	return r.stage.clear()
}

// findSet finds the set and makes sure that its logs are a sequence without a hole (spec chapter 06, 11.3).
func (r *restore) findSet() error {
	var err error
	if r.set, err = FindSet(r.Env.FS, r.source, r.Naming); err != nil {
		return err
	}
	if r.set, err = r.set.WithBlocks(r.Env.FS); err != nil {
		return err
	}
	return r.set.CheckLogs(r.Env.FS, r.Events)
}

// place is where a database that the log names goes (recovery.Config.Map).
func (r *restore) place(logged string, _ jet.Signature) (recovery.Mapping, error) {
	place := logged
	if r.dest != "" {
		place = path.Join(r.dest, baseName(logged))
	}
	return recovery.Mapping{Path: aside(place), Place: place}, nil
}

// prepare brings a database of the set beside its place, once, and makes it ready for redo (recovery.Hard.Prepare).
// False says that the set does not have it.
func (r *restore) prepare(logged string, m recovery.Mapping) (bool, error) {
	if ok, done := r.prepared[m.Place]; done {
		return ok, nil
	}
	file := r.set.CopyOf(baseName(logged))
	if file == "" {
		r.prepared[m.Place] = false
		return false, nil
	}
	if err := r.stage.hold(m.Place, file); err != nil {
		return false, err
	}
	if x := r.extended; x != nil {
		if err := x.mayReplace(r, m.Place); err != nil {
			return false, err
		}
	}
	c := restoredFile{r: r, from: file, to: m.Path}
	if err := c.bring(); err != nil {
		return false, err
	}
	r.prepared[m.Place] = true
	r.databaseCopied()
	return true, nil
}

// copyShare is the part of the whole that copying the databases counts for.
const copyShare = 0.10

// install brings everything to its place, when redo and undo have succeeded.
func (r *restore) install(res recovery.Result) error {
	if err := r.meter.Enter(meter.Finish, ""); err != nil {
		return err
	}
	if res.Stopped && r.stage.follows {
		return r.futureLogs()
	}
	return r.stage.install(res)
}

// startProgress finds out how much there is to be done (spec chapter 06, 6.2).
func (r *restore) startProgress() error {
	naming, err := logstore.DetectNaming(r.Env.FS, r.LogDir, r.Naming)
	if err != nil {
		return err
	}
	logs, err := logstore.FindLogs(r.Env.FS, r.LogDir, naming)
	if err != nil {
		return err
	}
	if r.stage != nil {
		r.stage.follows = logs.Current || len(logs.Archives) > 0
	}
	high := max(r.set.GenHigh, logs.Highest(), r.targetHigh)
	if logs.Current {
		high++
	}
	r.gens = float64(high - r.set.GenLow + 1)
	r.copyUnit = max(r.gens*copyShare/float64(max(len(r.set.Databases), 1)), 1)
	return nil
}

// databaseCopied tells of the progress when one more database is in its place.
func (r *restore) databaseCopied() {
	r.copied += r.copyUnit
	r.tellPart(r.copied)
}

// replayed tells of the progress of redo (recovery.Host.Progress).
func (r *restore) replayed(done, total int) error {
	r.tellPart(r.copied + r.gens*float64(done)/float64(total))
	return nil
}

func (r *restore) tellPart(done float64) {
	percent := uint32(min(statusTotal*done/(r.gens+r.copied), statusTotal-1))
	if percent > r.told {
		r.told = percent
		r.tell(jet.SntProgress, percent)
	}
}

func (r *restore) tell(snt, done uint32) {
	if r.status != nil {
		r.status(snt, done, statusTotal)
	}
}
