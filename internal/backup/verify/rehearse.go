package verify

import (
	"errors"
	"path"
	"strings"

	"esent/internal/backup"
	"esent/internal/engine"
	"esent/internal/engine/check"
	"esent/internal/engine/recovery"
	"esent/internal/jet"
	"esent/internal/vfs"
)

// rehearsalCache is the memory for pages during the replay, in bytes.
const rehearsalCache = 128 << 20

// errCancelled ends a replay or a check when the watcher has said so; the watcher's own error is what Run gives.
const errCancelled = jet.ErrClientRequestToStopJetService

// rehearse replays the logs over the set and checks the databases that come out.
func (v *run) rehearse() error {
	r := &Rehearsal{Databases: []*Recovered{}}
	v.report.Rehearsal = r
	if v.report.decisive != nil {
		r.Skipped = "what was found wrong with the files must be put right first"
		return nil
	}
	env := v.overlaid()
	if err := v.meter.Enter(phaseReplay, ""); err != nil {
		return err
	}
	var replayed error
	work := func() { replayed = v.replay(env) }
	if err := v.crew.one(work, func() error { return nil }); err != nil {
		return err
	}
	if replayed != nil {
		v.report.fault("", 0, replayed, false)
		return nil
	}
	r.Replayed, r.BytesChanged = true, v.over.Kept()
	for _, c := range v.copies {
		if err := v.checkRecovered(env, c); err != nil {
			return err
		}
	}
	return nil
}

// replay runs hard recovery in place on the overlay. It runs in a task.
func (v *run) replay(env *vfs.Env) (err error) {
	work, err := v.workDir(env.FS)
	if err != nil {
		return err
	}
	inst, err := v.instance(env, work)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, inst.Term(0)) }()
	p := progress{crew: v.crew, bytes: v.logs}
	err = inst.Restore("", func(engine.RestoreEnv) (engine.RestorePlan, error) {
		return engine.RestorePlan{
			Hard: &recovery.Hard{SetDir: v.set.Dir, GenLow: v.set.GenLow, GenHigh: v.set.GenHigh, Prepare: v.prepare(env)},
			Map:  v.place,
			End:  func(error) {},
		}, nil
	}, func(done, total int) error {
		if p.at(int64(done), int64(total)) {
			return errCancelled
		}
		return nil
	})
	p.at(1, 1)
	return err
}

// workDir makes a directory for the logs that the replay writes, which is in the overlay alone.
func (v *run) workDir(fsys vfs.FS) (string, error) {
	for dir := path.Join(v.set.Dir, "rehearsal"); ; dir += "_" {
		if err := fsys.Mkdir(dir); jet.CodeOf(err) != jet.ErrFileAlreadyExists {
			return dir, err
		}
	}
}

// instance makes the instance that replays, which tells nobody of events: they are not those of the program.
func (v *run) instance(env *vfs.Env, dir string) (*engine.Instance, error) {
	p := engine.NewProcess(env, nil)
	size := v.set.First.PageSize
	legacy := int64(0)
	if v.set.Naming.Legacy {
		legacy = 1
	}
	set := func(i *engine.Instance, id jet.ParamID, n int64, text string) (err error) {
		return p.SetParam(engine.ParamTarget{Instance: i}, id, n, text)
	}
	err := errors.Join(set(nil, jet.ParamDatabasePageSize, int64(size), ""), set(nil, jet.ParamCacheSizeMax, int64(rehearsalCache/size), ""))
	if err != nil {
		return nil, err
	}
	i, err := p.CreateInstance("rehearsal", "")
	if err != nil {
		return nil, err
	}
	err = errors.Join(
		set(i, jet.ParamSystemPath, 0, dir), set(i, jet.ParamLogFilePath, 0, dir), set(i, jet.ParamTempPath, 0, dir+"/"),
		set(i, jet.ParamBaseName, 0, v.set.Naming.Base), set(i, jet.ParamLegacyFileNames, legacy, ""),
		set(i, jet.ParamMaxVerPages, 1<<20, ""))
	if err != nil {
		return nil, errors.Join(err, i.Term(0))
	}
	return i, nil
}

// place is where a database that the log names is (recovery.Config.Map).
func (v *run) place(logged string, _ jet.Signature) (recovery.Mapping, error) {
	name := logged[strings.LastIndexAny(logged, `/\`)+1:]
	if c := v.find(name); c != nil {
		name = c.File
	}
	return recovery.Mapping{Path: path.Join(v.set.Dir, name)}, nil
}

func (v *run) find(name string) *dbCopy {
	for _, c := range v.copies {
		if strings.EqualFold(c.File, name) && c.usable {
			return c
		}
	}
	return nil
}

// prepare makes a copy ready for redo (recovery.Hard.Prepare).
func (v *run) prepare(env *vfs.Env) func(string, recovery.Mapping) (bool, error) {
	done := map[*dbCopy]bool{}
	return func(_ string, m recovery.Mapping) (bool, error) {
		c := v.find(path.Base(m.Path))
		if c == nil || done[c] {
			return c != nil, nil
		}
		done[c] = true
		f, err := backup.OpenCopy(env, c.path, false)
		if err != nil {
			return false, err
		}
		return true, errors.Join(v.set.PatchCopy(f, nil), f.Close())
	}
}

// checkRecovered checks a database that has come out of the replay.
func (v *run) checkRecovered(env *vfs.Env, c *dbCopy) error {
	if err := v.meter.Enter(phaseCheck, c.path); err != nil {
		return err
	}
	var (
		r   *check.Report
		err error
	)
	p := progress{crew: v.crew, bytes: c.Bytes, pages: c.guess}
	work := func() {
		r, err = check.File(env, c.path, check.Options{Progress: func(done, total jet.Pgno) error {
			if p.at(int64(done), int64(total)) {
				return errCancelled
			}
			return nil
		}})
		p.at(1, 1)
	}
	if err := v.crew.one(work, func() error { return nil }); err != nil {
		return err
	}
	d := &Recovered{File: c.File, OK: true}
	v.report.Rehearsal.Databases = append(v.report.Rehearsal.Databases, d)
	if err != nil {
		d.OK = false
		v.report.fault(c.File, 0, err, false)
		return nil
	}
	d.Pages, d.Trees, d.Records, d.LongValues, d.Entries = r.Pages, len(r.Trees), r.Records, r.LongValues, r.Entries
	for _, x := range r.Violations {
		if x.Kind == check.KindShadowOff {
			continue // as the program wanted it
		}
		d.Violations++
		d.OK = false
		v.report.fault(c.File, x.Pgno, x.Kind.Code().Errorf("after the replay: %v", x), false)
	}
	return nil
}
