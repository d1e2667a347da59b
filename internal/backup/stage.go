package backup

import (
	"errors"
	"path"
	"strings"

	"esent/internal/engine/recovery"
	"esent/internal/jet"
	"esent/internal/logstore"
	"esent/internal/vfs"
)

// unfinished ends the names of what a restore has not brought to an end: NAME.esent-restore beside the place of a
// database, esent-restore for the directory of the log in that of the instance's logs. They belong to the engine.
const unfinished = "esent-restore"

// stage keeps apart what a restore makes until it takes its place (spec chapter 06, 11). What stands in the places
// stays as it is until then, and a restore that was cut off has changed nothing but files of its own.
type stage struct {
	fs vfs.FS
	// logDir and systemDir are those of the instance, dir is where the log is written; with a '/' at their ends.
	logDir, systemDir, dir string
	// follows says that the instance's directory has logs, so that the new one goes on with them.
	follows bool
	places  []*placed
}

// placed is a database on its way to its place.
type placed struct {
	path string   // its place
	held vfs.File // what stands there, locked; nil for nothing
}

func newStage(fsys vfs.FS, logDir, systemDir string) *stage {
	return &stage{fs: fsys, logDir: logDir, systemDir: systemDir, dir: logDir + unfinished + "/"}
}

// aside is where the database is until it takes its place.
func aside(place string) string { return place + "." + unfinished }

// hold notes that something is made beside a place out of the copy from, and keeps others off what stands there, which
// may be the copy itself.
func (s *stage) hold(place, from string) error {
	if place == from {
		s.places = append(s.places, &placed{path: place})
		return nil
	}
	f, err := s.fs.Open(place, vfs.ReadWrite|vfs.Lock)
	if jet.CodeOf(err) == jet.ErrFileNotFound {
		f, err = nil, nil
	}
	if err == nil {
		s.places = append(s.places, &placed{path: place, held: f})
	}
	return err
}

func (p *placed) release() error {
	if p.held == nil {
		return nil
	}
	f := p.held
	p.held = nil
	return f.Close()
}

// install brings all to its place. It is called when the databases are clean and durable, and the log is closed.
//
// A log that follows others goes first: whoever then recovers a database that has not taken its place repeats what
// the restore has done. One that follows none goes last: it must not meet a database that it does not belong to.
func (s *stage) install(res recovery.Result) error {
	steps := []func() error{s.installDatabases, func() error { return s.writeCheckpoint(res) }, func() error { return s.installLogs(res.Naming) }}
	switch {
	case res.Stopped:
		steps = steps[:1]
	case s.follows:
		steps[0], steps[1], steps[2] = steps[2], steps[0], steps[1]
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return s.clear()
}

func (s *stage) installDatabases() error {
	for _, p := range s.places {
		if err := p.release(); err != nil {
			return err
		}
		if err := s.replace(aside(p.path), p.path); err != nil {
			return err
		}
	}
	s.places = nil
	return nil
}

// replace gives a file that is complete the name of another, durably.
func (s *stage) replace(from, to string) error {
	f, err := s.fs.Open(from, vfs.ReadWrite)
	if err == nil {
		err = errors.Join(f.Sync(), f.Close())
	}
	if err == nil {
		err = s.fs.Rename(from, to)
	}
	if err != nil {
		return err
	}
	return s.fs.SyncDir(path.Dir(to))
}

// installLogs brings the logs that were written to the others, the current one at the end.
func (s *stage) installLogs(naming logstore.Naming) error {
	entries, err := s.fs.ReadDir(s.dir)
	if absent(err) {
		return nil // nothing was to be undone
	}
	if err != nil {
		return err
	}
	current := false
	for _, e := range entries {
		switch name := e.Name; {
		case name == naming.Current():
			current = true
		case name == naming.Temp(): // no log
		default:
			if err := s.replace(s.dir+name, s.logDir+name); err != nil {
				return err
			}
		}
	}
	if !current {
		return nil
	}
	return s.replace(s.dir+naming.Current(), s.logDir+naming.Current())
}

func (s *stage) writeCheckpoint(res recovery.Result) error {
	if res.Checkpoint == nil {
		return nil
	}
	return logstore.WriteCheckpoint(s.fs, s.systemDir, res.Naming.Checkpoint(), res.Checkpoint)
}

// clear removes what is not in its place: after a restore that failed, or one that was cut off.
func (s *stage) clear() error {
	var err error
	for _, p := range s.places {
		err = errors.Join(err, p.release(), removeIfThere(s.fs, aside(p.path)))
	}
	s.places = nil
	entries, e := s.fs.ReadDir(s.dir)
	if absent(e) {
		return err
	}
	for _, f := range entries {
		if !f.IsDir {
			err = errors.Join(err, removeIfThere(s.fs, s.dir+f.Name))
		}
	}
	err = errors.Join(err, e, s.fs.RemoveDir(strings.TrimSuffix(s.dir, "/")))
	if err == nil {
		err = s.fs.SyncDir(s.logDir)
	}
	return err
}

func removeIfThere(fsys vfs.FS, file string) error {
	if err := fsys.Remove(file); err != nil && !absent(err) {
		return err
	}
	return nil
}

// superseded removes the current log when an archive is the same log, and has all of it: a restore was cut off between
// the renames by which the archive and the next current log take its place.
func (s *stage) superseded(naming logstore.Naming) error {
	logs, err := logstore.FindLogs(s.fs, s.logDir, naming)
	if err != nil || !logs.Current {
		return err
	}
	current, last, err := s.extent(naming.Current())
	if err != nil {
		return nil // whoever reads it says so
	}
	name, ok := logs.Find(current.Gen)
	if !ok {
		return nil
	}
	archive, end, err := s.extent(name)
	if err != nil || archive.SignLog != current.SignLog || archive.Created != current.Created || end < last {
		return nil
	}
	if err := s.fs.Remove(s.logDir + naming.Current()); err != nil {
		return err
	}
	return s.fs.SyncDir(s.logDir)
}

// extent is the header of a log and the last segment that it has.
func (s *stage) extent(name string) (*logstore.Header, uint16, error) {
	f, err := logstore.OpenFile(s.fs, s.logDir+name, logstore.Expect{})
	if err != nil {
		return nil, 0, err
	}
	scan, err := f.Scan(logstore.ScanHardRecovery)
	return f.Header, scan.Last, errors.Join(err, f.Close())
}
