package backup

import (
	"cmp"
	"errors"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"esent/internal/jet"
	"esent/internal/logstore"
	"esent/internal/vfs"
)

// Commits are the commits of outermost transactions in a log, or in one of its segments.
type Commits struct {
	Gen int32
	// First and Last are the positions of the first and the last commit, FirstAt and LastAt the times of the segments that
	// these are in.
	First, Last     jet.LogPos
	FirstAt, LastAt time.Time
	Count           uint64
}

// ListCommits calls each for the commits in the logs of a directory, by rising generation: once for a log that has
// some, or with perSegment for each segment that has. The logs may be of any stream and any engine; those of several
// base names come one after the other. An error of each ends the list.
//
// A log that was being written may end in what a power cut has left, which is taken for its end. Errors: ErrFileNotFound
// for a directory without logs, those of logstore.OpenFile and logstore.Reader.
func ListCommits(fsys vfs.FS, dir string, perSegment bool, each func(Commits) error) error {
	dir, err := fsys.Abs(dir)
	if err != nil {
		return jet.ErrInvalidPath.Errorf("%s: %v", dir, err)
	}
	streams, err := logStreams(fsys, dir)
	if err != nil {
		return err
	}
	if len(streams) == 0 {
		return jet.ErrFileNotFound.Errorf("there are no logs in %s", dir)
	}
	for _, logs := range streams {
		for _, l := range logs {
			if err := listLog(fsys, l, perSegment, each); err != nil {
				return err
			}
		}
	}
	return nil
}

// streamLog is a log of one of the streams in a directory.
type streamLog struct {
	base    string
	gen     int32
	path    string
	current bool
}

// baseLength is the length of the base names of logs, in bytes.
const baseLength = 3

// logStreams lists the logs in a directory by base name, each list by rising generation.
func logStreams(fsys vfs.FS, dir string) ([][]streamLog, error) {
	entries, err := fsys.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var logs []streamLog
	for _, e := range entries {
		if e.IsDir || len(e.Name) < baseLength {
			continue
		}
		l := streamLog{base: strings.ToLower(e.Name[:baseLength]), path: path.Join(dir, e.Name)}
		for _, naming := range []logstore.Naming{{Base: l.base, Legacy: true}, {Base: l.base}} {
			gen, archive := naming.ParseArchive(e.Name)
			if l.current = strings.EqualFold(e.Name, naming.Current()); archive || l.current {
				l.gen = gen
				logs = append(logs, l)
				break
			}
		}
	}
	return groupLogs(fsys, logs)
}

// groupLogs sorts logs by stream and generation. A file that is called like a current log and is none is left out where
// it stands alone.
func groupLogs(fsys vfs.FS, logs []streamLog) ([][]streamLog, error) {
	alone := func(l streamLog) bool {
		return !slices.ContainsFunc(logs, func(o streamLog) bool { return o.base == l.base && o.path != l.path })
	}
	var kept []streamLog
	for _, l := range logs {
		if l.current {
			h, err := logstore.ReadHeader(fsys, l.path)
			if err != nil && alone(l) {
				continue
			}
			if err != nil {
				return nil, err
			}
			l.gen = h.Gen
		}
		kept = append(kept, l)
	}
	slices.SortStableFunc(kept, func(a, b streamLog) int {
		return cmp.Or(cmp.Compare(a.base, b.base), cmp.Compare(a.gen, b.gen))
	})
	var list [][]streamLog
	for i, l := range kept {
		if i == 0 || kept[i-1].base != l.base {
			list = append(list, nil)
		}
		list[len(list)-1] = append(list[len(list)-1], l)
	}
	return list, nil
}

// listLog lists the commits of one log.
func listLog(fsys vfs.FS, l streamLog, perSegment bool, each func(Commits) error) error {
	f, err := logstore.OpenFile(fsys, l.path, logstore.Expect{Gen: l.gen})
	if err != nil {
		return err
	}
	return errors.Join(listRecords(f, l.current, perSegment, each), f.Close())
}

func listRecords(f *logstore.File, current, perSegment bool, each func(Commits) error) error {
	var c Commits
	tell := func() error {
		told := c
		c = Commits{}
		if told.Count == 0 {
			return nil
		}
		return each(told)
	}
	// A record may lie in several segments, and begin in the one before the one read last.
	type segment struct {
		isec uint16
		at   jet.LogTime
	}
	var last, before segment
	records := f.Records(0)
	records.Segment = func(pos jet.LogPos, _ uint64, at jet.LogTime) { before, last = last, segment{pos.Isec(), at} }
	for {
		e, err := records.Next()
		if err != nil {
			if current && jet.CodeOf(err) == jet.ErrLogFileCorrupt || errors.Is(err, io.EOF) {
				err = nil
			}
			return errors.Join(tell(), err)
		}
		if _, ok := e.Rec.(*logstore.Commit0); !ok {
			continue
		}
		if perSegment && c.Count > 0 && e.Pos.Isec() != c.Last.Isec() {
			if err := tell(); err != nil {
				return err
			}
		}
		at := last.at
		if e.Pos.Isec() < last.isec && before.isec > 0 {
			at = before.at
		}
		if c.Count == 0 {
			c.Gen, c.First, c.FirstAt = f.Header.Gen, e.Pos, at.Time()
		}
		c.Last, c.LastAt = e.Pos, at.Time()
		c.Count++
	}
}
