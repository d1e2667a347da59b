package verify

import (
	"errors"
	"path"

	"esent/internal/backup/meter"
	"esent/internal/jet"
	"esent/internal/logstore"
)

const (
	phaseVerify = meter.Verify
	phaseReplay = meter.Replay
	phaseCheck  = meter.Check
)

// logFile is one log of the set with what was found out of it.
type logFile struct {
	*Log
	path   string
	header *logstore.Header // nil when it cannot be read
	scan   logstore.ScanResult
	err    error
}

// checkLogs checks all logs of the set and how each follows the one before (spec chapter 06, 11.3). It leaves in the set
// the headers that copies are compared with.
func (v *run) checkLogs() error {
	if err := v.meter.Enter(phaseVerify, v.set.LogPath(v.set.GenLow)); err != nil {
		return err
	}
	archives := v.set.Logs.Archives
	var prev *logFile
	foreign := false
	return v.crew.all(func() *job {
		if len(archives) == 0 {
			return nil
		}
		l := &logFile{Log: &Log{File: archives[0].Name, Generation: archives[0].Gen}, path: path.Join(v.set.Dir, archives[0].Name)}
		archives = archives[1:]
		return &job{do: func([]byte) { v.readLog(l) }, take: func() error {
			v.report.Logs = append(v.report.Logs, l.Log)
			before := v.report.FaultsTotal
			if l.err != nil {
				v.report.fault(l.File, 0, l.err, false)
			}
			if prev != nil {
				foreign = v.follows(prev, l) || foreign
			}
			l.OK = v.report.FaultsTotal == before
			if prev == nil {
				v.set.First = l.header
			}
			// The stream is that of the first log where they disagree.
			if v.set.Last = l.header; foreign {
				v.set.Last = v.set.First
			}
			prev = l
			return nil
		}}
	})
}

// readLog reads a log to its end. It runs in a task.
func (v *run) readLog(l *logFile) {
	if info, err := v.env.FS.Stat(l.path); err == nil {
		l.Bytes = info.Size
		defer v.crew.bytes.Add(info.Size)
	}
	f, err := logstore.OpenFile(v.env.FS, l.path, logstore.Expect{Gen: l.Generation})
	if err != nil {
		l.err = err
		return
	}
	l.header, l.Created = f.Header, moment(f.Header.Created)
	l.scan, err = f.Scan(logstore.ScanRestoreSet)
	l.Segments = int(l.scan.Last)
	l.err = errors.Join(err, f.Close())
}

// follows looks at whether a log continues the one before it. True says that it is of another stream.
func (v *run) follows(a, b *logFile) (foreign bool) {
	if missing := b.Generation - a.Generation - 1; missing > 0 {
		text := "%s is missing"
		if missing > 1 {
			text = "%s and those behind it are missing"
		}
		v.report.fault(path.Base(v.set.LogPath(a.Generation+1)), 0, jet.ErrFileNotFound.Errorf(text, v.set.LogPath(a.Generation+1)), false)
		return false
	}
	if a.header == nil || b.header == nil {
		return false
	}
	var err error
	switch {
	case a.header.SignLog != b.header.SignLog:
		err = jet.ErrGivenLogFileHasBadSignature.Errorf("%s belongs to another stream than %s", b.path, a.File)
		foreign = true
	case a.header.Created != b.header.PrevCreated:
		err = jet.ErrGivenLogFileIsNotContiguous.Errorf("%s does not continue %s", b.path, a.File)
	case a.err == nil:
		err = a.header.CheckNext(b.header, a.scan.Checksum)
	}
	if err != nil {
		v.report.fault(b.File, 0, err, false)
	}
	return foreign
}
