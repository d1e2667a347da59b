package backup

import (
	"errors"
	"path"

	"esent/internal/eventlog"
	"esent/internal/jet"
	"esent/internal/logstore"
	"esent/internal/vfs"
)

// existingLog is a log in the instance's own directory.
type existingLog struct {
	path    string
	header  *logstore.Header
	current bool
}

// existingLogs reads the headers of the logs in a directory, by rising generation.
func existingLogs(fsys vfs.FS, dir string, naming logstore.Naming) ([]existingLog, error) {
	found, err := logstore.FindLogs(fsys, dir, naming)
	if err != nil {
		return nil, err
	}
	var list []existingLog
	add := func(name string, gen int32) error {
		file := path.Join(dir, name)
		h, err := readLogHeader(fsys, file, gen)
		if err == nil {
			list = append(list, existingLog{file, h, gen == 0})
		}
		return err
	}
	for _, a := range found.Archives {
		if err := add(a.Name, a.Gen); err != nil {
			return nil, err
		}
	}
	if found.Current {
		if err := add(naming.Current(), 0); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// checkLogs makes sure that the logs in the instance's own directory belong to the set's stream and continue it
// (spec chapter 06, 11.3).
func (r *restore) checkLogs() error {
	if ok, err := vfs.Exists(r.Env.FS, r.LogDir); !ok && !r.CreatesPaths || err != nil {
		return errors.Join(jet.ErrFileNotFound.Errorf("%s", r.LogDir), err)
	}
	naming, err := logstore.DetectNaming(r.Env.FS, r.LogDir, r.Naming)
	if err != nil {
		return err
	}
	if r.stage != nil && (r.extended == nil || !r.extended.DryRun) {
		if err := r.stage.superseded(naming); err != nil {
			return err
		}
	}
	if r.existing, err = existingLogs(r.Env.FS, r.LogDir, naming); err != nil {
		return err
	}
	return r.checkExisting(r.existing, path.Clean(r.LogDir), naming)
}

func (r *restore) checkExisting(logs []existingLog, dir string, naming logstore.Naming) error {
	var foreign error
	for _, l := range logs {
		if l.header.SignLog != r.set.Last.SignLog {
			r.Events.Report(eventlog.ExistingLogBadSignature, l.path)
			foreign = jet.ErrExistingLogFileHasBadSignature.Errorf("%s", l.path)
		}
	}
	if foreign != nil {
		return foreign
	}
	s := r.set
	var prev *existingLog
	for i := range logs {
		l := &logs[i]
		if prev != nil && l.header.Gen == prev.header.Gen+1 {
			if err := r.follows(prev.path, prev.header, l.path, l.header); err != nil {
				return err
			}
		}
		if prev == nil || l.header.Gen > prev.header.Gen+1 {
			// What is missing must be in the set.
			from := s.GenLow
			if prev != nil {
				from = prev.header.Gen + 1
			}
			if missing := max(from, s.GenHigh+1); missing < l.header.Gen {
				file := path.Join(dir, naming.Archive(missing))
				r.Events.Report(eventlog.CurrentLogFileMissing, file)
				return jet.ErrMissingCurrentLogFiles.Errorf("%s", file)
			}
		}
		var err error
		switch l.header.Gen {
		case s.GenLow - 1:
			err = r.follows(l.path, l.header, s.LogPath(s.GenLow), s.First)
		case s.GenLow:
			if l.header.Created != s.First.Created {
				err = r.discontiguous(l.path, s.LogPath(s.GenLow))
			}
		}
		if err == nil && l.header.Gen == s.GenHigh+1 {
			err = r.follows(s.LogPath(s.GenHigh), s.Last, l.path, l.header)
		}
		if err != nil {
			return err
		}
		prev = l
	}
	return nil
}

// follows makes sure that the log with header b was begun after that with header a.
func (r *restore) follows(aPath string, a *logstore.Header, bPath string, b *logstore.Header) error {
	if b.PrevCreated == a.Created {
		return nil
	}
	return r.discontiguous(aPath, bPath)
}

func (r *restore) discontiguous(a, b string) error {
	r.Events.Report(eventlog.ExistingLogNotContiguous, a, b)
	return jet.ErrExistingLogFileIsNotContiguous.Errorf("%s and %s", a, b)
}
