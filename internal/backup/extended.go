package backup

import (
	"errors"
	"io"
	"path"
	"strings"

	"esent/internal/backup/meter"
	"esent/internal/backup/stream"
	"esent/internal/engine"
	"esent/internal/jet"
	"esent/internal/vfs"
)

// RestoreOptions are what EsentRestore is given.
type RestoreOptions struct {
	// Source is the directory of the set, Stream in its place gives the set as the stream of a backup.
	Source string
	Stream io.Reader
	// Dest is the directory for the databases, empty for the places where they were.
	Dest string
	Stop Stop
	// Overwrite lets databases take the place of files that are there. DryRun has everything checked and nothing done.
	Overwrite, DryRun bool
	// Report is the path of a file for what was done or would be, as JSON; empty for none.
	Report string
	Watch  meter.Watch
}

// RestoreSet restores a set as RestoreInstance does, as the options have it. Errors besides those of RestoreInstance:
// ErrFileAlreadyExists for a database that may not be replaced, and for logs in the instance's directory when the stop
// leaves out records; ErrEndingRestoreLogTooLow for a stop before the end of the backup; ErrInvalidParameter for a dry
// run of a stream, which would have to be unpacked; those of stream.Unpack and of Watch.
func (s *Service) RestoreSet(p *engine.Process, i *engine.Instance, o RestoreOptions) error {
	if o.Stream != nil && (o.DryRun || o.Source != "") {
		return jet.ErrInvalidParameter
	}
	if err := o.Stop.check(); err != nil {
		return err
	}
	i, temporary, err := restoring(p, i)
	if err != nil {
		return err
	}
	r := &restore{source: o.Source, dest: o.Dest, stop: o.Stop, extended: &extended{RestoreOptions: &o}}
	err = restoreHere(i, temporary, r)
	if r.extended.tried(err) {
		err = nil
	}
	if r.Env == nil {
		return err // it was refused before it could begin
	}
	return errors.Join(err, r.extended.end(r, err))
}

// extended is what RestoreSet has beside a restore.
type extended struct {
	*RestoreOptions
	// unpacked is the directory that a stream is unpacked into, beside where the databases go.
	unpacked string
	// least is the last generation that the copies need.
	least  int32
	report restoreReport
	// replaying is the log that is replayed.
	replaying string
	// background does what takes long while the watcher is told.
	background background
}

// errTried ends a dry run with success.
var errTried = errors.New("nothing was to be done")

func (x *extended) tried(err error) bool { return x.DryRun && errors.Is(err, errTried) }

// begin is called before the set is looked for.
func (x *extended) begin(r *restore) error {
	r.meter = meter.New(r.Env.Now, x.Watch)
	r.pipe.pulse = r.meter.Pulse
	x.background.task = r.Env.Sched.NewTask("restore work", x.background.run)
	x.report.begin(r)
	if x.DryRun {
		r.Events = nil
	}
	if x.Stream == nil {
		return nil
	}
	if err := r.findPaths(); err != nil {
		return err
	}
	beside := r.dest
	if beside == "" {
		beside = path.Clean(r.LogDir)
	}
	if r.CreatesPaths {
		if _, err := vfs.MakePath(r.Env.FS, beside); err != nil {
			return err
		}
	}
	x.unpacked = path.Join(beside, unpackedSet)
	if err := removeTree(r.Env.FS, x.unpacked); err != nil {
		return err
	}
	r.source = x.unpacked
	return stream.Unpack(r.Env.FS, x.unpacked, x.Stream, r.meter)
}

// unpackedSet is the directory of a set that came as a stream.
const unpackedSet = "set." + unfinished

// removeTree removes a directory of files, which need not be there.
func removeTree(fsys vfs.FS, dir string) error {
	entries, err := fsys.ReadDir(dir)
	if absent(err) {
		return nil
	}
	for _, e := range entries {
		if !e.IsDir {
			err = errors.Join(err, removeIfThere(fsys, path.Join(dir, e.Name)))
		}
	}
	return errors.Join(err, fsys.RemoveDir(dir), fsys.SyncDir(path.Dir(dir)))
}

// mayReplace says that a database may take a place.
func (x *extended) mayReplace(r *restore, place string) error {
	if x.Overwrite {
		return nil
	}
	there, err := vfs.Exists(r.Env.FS, place)
	if there {
		return jet.ErrFileAlreadyExists.Errorf("%s", place)
	}
	return err
}

// watchReplay counts what is replayed (recovery.Hard.Watch).
func (r *restore) watchReplay(log string, bytes int64) error {
	if x := r.extended; x.replaying != log {
		x.replaying = log
		if err := r.meter.Enter(meter.Replay, log); err != nil {
			return err
		}
	}
	return r.meter.Add(bytes, 0)
}

// end is called when everything has been done, or taken back.
func (x *extended) end(r *restore, result error) error {
	x.background.task.Stop()
	var err error
	if x.unpacked != "" {
		err = removeTree(r.Env.FS, x.unpacked)
	}
	if result == nil && !x.DryRun {
		p := r.meter.Position()
		_ = r.meter.Add(p.BytesTotal-p.Bytes, p.PagesTotal-p.Pages) // it is too late to take anything back
	}
	if x.Report == "" {
		return err
	}
	if s := r.set; s != nil {
		x.report.needs(s, int64(s.GenLow), int64(s.GenHigh))
	}
	return errors.Join(err, x.report.write(r.Env.FS, x.Report, result))
}

// futureLogs says that logs in the instance's directory have a future that the stop leaves out: whoever replayed them
// would bring it to a database that has another.
func (r *restore) futureLogs() error {
	return jet.ErrFileAlreadyExists.Errorf("there are logs in %s, and the restore ends before they do", strings.TrimSuffix(r.LogDir, "/"))
}
