package backup

import (
	"path"
	"slices"
	"strings"

	"esent/internal/backup/blocks"
	"esent/internal/eventlog"
	"esent/internal/jet"
	"esent/internal/logstore"
	"esent/internal/vfs"
)

// Set is a backup set as it lies in a directory (spec chapter 06, 3 and 11).
type Set struct {
	// Dir is where the files are: the directory that was asked for, or new or old in it.
	Dir    string
	Naming logstore.Naming
	// GenLow and GenHigh are the lowest and the highest generation of the logs; those between may be missing until
	// CheckLogs has said that they are not.
	GenLow, GenHigh int32
	// Logs are the logs that are there.
	Logs logstore.Directory
	// Databases are the copies by name, one for each file that stands for a database.
	Databases []SetDatabase
	// First and Last are the headers of the logs GenLow and GenHigh. CheckLogs reads them.
	First, Last *logstore.Header

	// files are the names of all files in Dir.
	files []string
	// chain are the block increments up to the one that is in Dir, full the set that they are based on; see WithBlocks.
	chain []*blocks.Increment
	full  *Set
}

// SetDatabase is one database of a set.
type SetDatabase struct {
	// Stem is the name without extension that the set has an empty file for, as it is spelt there.
	Stem string
	// Name is the file of the copy in Set.Dir, empty when it is missing.
	Name string
}

// FindSet finds a set: in the directory itself, or where an atomic backup has put it. preferred is tried first of the
// ways in which logs are named. Files are listed, not opened. ErrFileNotFound: there are no logs.
func FindSet(fsys vfs.FS, dir string, preferred logstore.Naming) (*Set, error) {
	for _, sub := range []string{"", newDir, oldDir} {
		s, err := setIn(fsys, path.Join(dir, sub), preferred)
		if err != nil || len(s.Logs.Archives) > 0 {
			return s, err
		}
	}
	return nil, jet.ErrFileNotFound.Errorf("there is no backup set in %s", dir)
}

// setIn lists the files of the set in a directory. There may be none.
func setIn(fsys vfs.FS, dir string, preferred logstore.Naming) (*Set, error) {
	s := &Set{Dir: dir}
	var err error
	if s.Naming, err = logstore.DetectNaming(fsys, dir, preferred); err != nil {
		return nil, err
	}
	if s.Logs, err = logstore.FindLogs(fsys, dir, s.Naming); err != nil || len(s.Logs.Archives) == 0 {
		return s, err
	}
	s.GenLow, s.GenHigh = s.Logs.Lowest(), s.Logs.Highest()
	return s, s.findDatabases(fsys)
}

// findDatabases lists the databases of the set by the empty files that stand for them.
func (s *Set) findDatabases(fsys vfs.FS) error {
	entries, err := fsys.ReadDir(s.Dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir {
			continue
		}
		s.files = append(s.files, e.Name)
		if ext := path.Ext(e.Name); strings.EqualFold(ext, patchExt) {
			s.Databases = append(s.Databases, SetDatabase{Stem: strings.TrimSuffix(e.Name, ext)})
		}
	}
	for i := range s.Databases {
		d := &s.Databases[i]
		k := slices.IndexFunc(s.files, func(f string) bool {
			return strings.EqualFold(stem(f), d.Stem) && !strings.EqualFold(path.Ext(f), patchExt)
		})
		if k >= 0 {
			d.Name = s.files[k]
		}
	}
	return nil
}

// pageSize is that of the databases, in bytes, once CheckLogs has read the logs.
func (s *Set) pageSize() int { return s.Last.PageSize }

func stem(name string) string { return strings.TrimSuffix(name, path.Ext(name)) }

// CopyOf is the path of the set's copy of a database that is called name, empty if there is none.
// With block increments it is the path of its blocks.
func (s *Set) CopyOf(name string) string {
	if s.chain != nil {
		return s.blocksOf(name)
	}
	listed := func(d SetDatabase) bool { return strings.EqualFold(d.Stem, stem(name)) }
	if !slices.ContainsFunc(s.Databases, listed) {
		return ""
	}
	found := ""
	for _, f := range s.files {
		if f == name {
			return path.Join(s.Dir, f)
		}
		if strings.EqualFold(f, name) {
			found = path.Join(s.Dir, f)
		}
	}
	return found
}

// LogPath is where the log of a generation is, or would be.
func (s *Set) LogPath(gen int32) string {
	name, ok := s.Logs.Find(gen)
	if !ok {
		name = s.Naming.Archive(gen)
	}
	return path.Join(s.Dir, name)
}

// CheckLogs makes sure that the logs GenLow to GenHigh are there and each follows the one before (spec chapter 06,
// 11.3). Errors: ErrFileNotFound, ErrGivenLogFileHasBadSignature, ErrGivenLogFileIsNotContiguous, those of
// logstore.OpenFile.
func (s *Set) CheckLogs(fsys vfs.FS, events *eventlog.Logger) error {
	s.First, s.Last = nil, nil
	for gen := s.GenLow; gen <= s.GenHigh; gen++ {
		file := s.LogPath(gen)
		if _, ok := s.Logs.Find(gen); !ok {
			return jet.ErrFileNotFound.Errorf("%s is missing", file)
		}
		h, err := readLogHeader(fsys, file, gen)
		switch {
		case err != nil:
			return err
		case s.Last == nil:
			s.First = h
		case h.SignLog != s.Last.SignLog:
			events.Report(eventlog.RestoreLogBadSignature, file)
			return jet.ErrGivenLogFileHasBadSignature.Errorf("%s", file)
		case h.PrevCreated != s.Last.Created:
			events.Report(eventlog.RestoreLogNotContiguous, gen)
			return jet.ErrGivenLogFileIsNotContiguous.Errorf("%s", file)
		}
		s.Last = h
	}
	return nil
}

func readLogHeader(fsys vfs.FS, file string, gen int32) (*logstore.Header, error) {
	f, err := logstore.OpenFile(fsys, file, logstore.Expect{Gen: gen})
	if err != nil {
		return nil, err
	}
	return f.Header, f.Close()
}
