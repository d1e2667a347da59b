package backup

import (
	"errors"
	"path"

	"esent/internal/engine/dbfile"
	"esent/internal/jet"
	"esent/internal/logstore"
	"esent/internal/vfs"
)

// examine finds out, when set and logs have proved to belong together, what the restore will do, and whether it can. A
// dry run looks at all there is, and ends with errTried or what was found first; otherwise the first thing wrong ends it.
func (x *extended) examine(r *restore) error {
	x.report.set(r)
	if err := x.examineCopies(r); err != nil {
		return err
	}
	logs := x.logs(r)
	for _, step := range []func(*restore, []replayLog) error{x.examineStop, x.examineLogs, x.examinePlaces} {
		if err := x.found(step(r, logs)); err != nil {
			return err
		}
	}
	switch {
	case !x.DryRun:
		return nil
	case x.report.first != nil:
		return x.report.first
	}
	return errTried
}

// found notes what is wrong. In a dry run it ends nothing.
func (x *extended) found(err error) error {
	if err == nil || x.DryRun && x.report.problem(err) {
		return nil
	}
	return err
}

// examineCopies checks the copies in the set.
func (x *extended) examineCopies(r *restore) error {
	if len(r.set.Databases) == 0 {
		return x.found(jet.ErrPatchFileMissing.Errorf("%s holds no database", r.set.Dir))
	}
	for _, d := range r.set.Databases {
		if d.Name == "" {
			x.report.Missing = append(x.report.Missing, path.Join(r.set.Dir, d.Stem)+".*")
			continue // that is for replay to judge
		}
		examine := x.examineCopy
		if r.set.chain != nil {
			examine = x.examineBlocks
		}
		if err := x.found(examine(r, path.Join(r.set.Dir, d.Name))); err != nil {
			return err
		}
	}
	return nil
}

func (x *extended) examineCopy(r *restore, file string) error {
	f, err := OpenCopy(r.Env, file, true)
	if err != nil {
		return err
	}
	_, need, err := r.set.needs(f, r.Events)
	if err == nil {
		err = r.set.checkRange(need, r.Events)
		x.report.needs(r.set, int64(need.GenLow), int64(need.GenHigh))
	}
	if err == nil {
		x.least = max(x.least, int32(need.GenHigh))
		err = x.expect(r, f)
	}
	return errors.Join(err, f.Close())
}

// expect counts a copy among what there is to do.
func (x *extended) expect(r *restore, f *dbfile.File) error {
	info, err := r.Env.FS.Stat(f.Path())
	if err != nil {
		return err
	}
	r.meter.Expect(info.Size, info.Size/int64(f.PageSize()))
	x.report.BytesNeeded += info.Size
	d := reportDatabase{From: f.Path(), Bytes: info.Size, Pages: info.Size/int64(f.PageSize()) - copyOverhead}
	if r.dest != "" {
		d.To = path.Join(r.dest, baseName(f.Path()))
	}
	x.report.Databases = append(x.report.Databases, d)
	return nil
}

// copyOverhead is how many pages a copy has beside those of the database: two headers and the trailer.
const copyOverhead = 3

// replayLog is a log that will be replayed.
type replayLog struct {
	gen  int32
	path string
	mode logstore.ScanMode
	// current: the end of the log is not known, it may be torn.
	current bool
}

// logs are those that will be replayed: of the set, and then of the instance's own directory.
func (x *extended) logs(r *restore) []replayLog {
	var list []replayLog
	for gen := r.set.GenLow; gen <= r.set.GenHigh; gen++ {
		list = append(list, replayLog{gen: gen, path: r.set.LogPath(gen), mode: logstore.ScanRestoreSet})
	}
	for _, l := range r.existing {
		if l.header.Gen == list[len(list)-1].gen+1 {
			list = append(list, replayLog{l.header.Gen, l.path, logstore.ScanHardRecovery, l.current})
		}
	}
	return list
}

// examineStop makes sure that the stop leaves out nothing that the copies need, and no logs of the instance.
func (x *extended) examineStop(r *restore, logs []replayLog) error {
	if r.stop.none() {
		return nil
	}
	for _, l := range logs {
		if l.gen > x.least {
			break
		}
		behind, err := r.stop.behind(r.Env.FS, l.path, l.gen)
		if err != nil {
			return err
		}
		if behind {
			return jet.ErrEndingRestoreLogTooLow.Errorf("the copies need all of generation %d, the restore is to end before", x.least)
		}
	}
	last := logs[len(logs)-1]
	early, err := r.stop.behind(r.Env.FS, last.path, last.gen)
	x.report.LeavesOut = early
	if err == nil && early && len(r.existing) > 0 {
		return r.futureLogs()
	}
	return err
}

// examineLogs counts the logs, and in a dry run reads them: what is wrong with them, and which databases they name.
func (x *extended) examineLogs(r *restore, logs []replayLog) error {
	var attached attachments
	for i, l := range logs {
		if r.stop.At != 0 && l.gen > r.stop.At.Gen() {
			break
		}
		info, err := r.Env.FS.Stat(l.path)
		if err != nil {
			return err
		}
		r.meter.Expect(info.Size, 0)
		x.report.Logs = append(x.report.Logs, reportLog{Generation: l.gen, Path: l.path, Bytes: info.Size})
		if !x.DryRun {
			continue
		}
		if err := x.readLog(r, l, i == 0, &attached); err != nil {
			return err
		}
	}
	if !x.DryRun {
		return nil
	}
	return attached.judge(x, r)
}

// readLog reads a log as replay does.
func (x *extended) readLog(r *restore, l replayLog, first bool, attached *attachments) error {
	f, err := logstore.OpenFile(r.Env.FS, l.path, logstore.Expect{Gen: l.gen, SignLog: r.set.Last.SignLog})
	if err != nil {
		return err
	}
	if first {
		for _, a := range f.Header.Attachments {
			attached.attach(a.DB, a.Path)
		}
	}
	var damage error
	if !l.current {
		_, damage = f.Scan(l.mode)
	}
	records := f.Records(0)
	stopped := false
	records.Segment = func(_ jet.LogPos, _ uint64, written jet.LogTime) { stopped = stopped || r.stop.late(written) }
	for !stopped {
		e, err := records.Next()
		if stopped = err != nil || r.stop.At != 0 && !r.stop.wholeGeneration() && e.Pos > r.stop.At; !stopped {
			attached.record(e.Rec)
		} else if err != nil {
			err = errors.Join(damage, ignoreEnd(err))
			return errors.Join(err, f.Close())
		}
	}
	return f.Close()
}

// examinePlaces looks for what is in the places of the databases.
func (x *extended) examinePlaces(r *restore, _ []replayLog) error {
	var first error
	for i := range x.report.Databases {
		d := &x.report.Databases[i]
		if d.To == "" {
			continue // replay finds out where it was
		}
		var err error
		if d.Replaces, err = vfs.Exists(r.Env.FS, d.To); err == nil && d.Replaces {
			err = x.mayReplace(r, d.To)
		}
		if err == nil {
			err = x.usable(r, d)
		}
		if err = x.found(err); first == nil {
			first = err
		}
	}
	return first
}

// usable says that a place can be taken: there is a directory, and nobody uses what is there.
func (x *extended) usable(r *restore, d *reportDatabase) error {
	if !x.DryRun {
		return nil
	}
	if info, err := r.Env.FS.Stat(path.Dir(d.To)); err != nil && !r.CreatesPaths || err == nil && !info.IsDir {
		return jet.ErrInvalidPath.Errorf("%s is no directory", path.Dir(d.To))
	}
	if !d.Replaces {
		return nil
	}
	f, err := r.Env.FS.Open(d.To, vfs.ReadWrite|vfs.Lock)
	if err != nil {
		return err
	}
	return f.Close()
}
