package backup

import (
	"encoding/json"
	"errors"
	"slices"
	"time"

	"esent/internal/jet"
	"esent/internal/vfs"
)

// restoreReport is what EsentRestore tells of a restore, as JSON.
type restoreReport struct {
	// DryRun says that nothing was done. Result is the code that the call gives, Error says it in words.
	DryRun bool   `json:"dryRun"`
	Result int32  `json:"result"`
	Error  string `json:"error,omitempty"`
	// Set is the directory of the set, LogDirectory that of the instance's logs.
	Set          string `json:"set"`
	LogDirectory string `json:"logDirectory"`
	// StopPosition and StopTime are where the restore ends early, LeavesOut says that there is something behind.
	StopPosition string `json:"stopPosition,omitempty"`
	StopTime     string `json:"stopTime,omitempty"`
	LeavesOut    bool   `json:"leavesOut"`
	// Databases are those of the set, Logs those that are replayed.
	Databases []reportDatabase `json:"databases"`
	Logs      []reportLog      `json:"logs"`
	// BytesNeeded is the room that the databases take while those that they replace are still there.
	BytesNeeded int64 `json:"bytesNeeded"`
	// Missing are files that should be there, Problems what a dry run has found wrong.
	Missing  []string        `json:"missing"`
	Problems []reportProblem `json:"problems"`

	first error
}

type reportDatabase struct {
	From string `json:"from"`
	To   string `json:"to,omitempty"`
	// Replaces says that there is a file in the place, when the restore begins.
	Replaces bool  `json:"replaces"`
	Bytes    int64 `json:"bytes"`
	Pages    int64 `json:"pages"`
}

type reportLog struct {
	Generation int32  `json:"generation"`
	Path       string `json:"path"`
	Bytes      int64  `json:"bytes"`
}

type reportProblem struct {
	Code int32  `json:"code"`
	Text string `json:"text"`
}

func (p *restoreReport) begin(r *restore) {
	*p = restoreReport{DryRun: r.extended.DryRun, Set: r.source, LogDirectory: r.LogDir,
		Databases: []reportDatabase{}, Logs: []reportLog{}, Missing: []string{}, Problems: []reportProblem{}}
	if r.stop.At != 0 {
		p.StopPosition = r.stop.At.String()
	}
	if !r.stop.Time.IsZero() {
		p.StopTime = r.stop.Time.UTC().Format(time.RFC3339Nano)
	}
}

// set notes which set was found.
func (p *restoreReport) set(r *restore) { p.Set = r.set.Dir }

// problem notes what is wrong.
func (p *restoreReport) problem(err error) bool {
	if p.first == nil {
		p.first = err
	}
	p.Problems = append(p.Problems, reportProblem{int32(jet.CodeOf(err)), err.Error()})
	return true
}

// needs notes which logs are missing of those from low to high.
func (p *restoreReport) needs(s *Set, low, high int64) {
	const most = 100 // a damaged copy may ask for any
	for gen := low; gen <= high && len(p.Missing) < most; gen++ {
		if _, ok := s.Logs.Find(int32(gen)); !ok {
			if file := s.LogPath(int32(gen)); !slices.Contains(p.Missing, file) {
				p.Missing = append(p.Missing, file)
			}
		}
	}
}

// write brings the report to its file, in place of what is there.
func (p *restoreReport) write(fsys vfs.FS, file string, result error) error {
	p.Result = 0
	if result != nil {
		p.Result, p.Error = int32(jet.CodeOf(result)), result.Error()
	}
	data, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return err
	}
	abs, err := fsys.Abs(file)
	if err != nil {
		return jet.ErrInvalidPath.Errorf("%s: %v", file, err)
	}
	beside := aside(abs)
	f, err := fsys.Open(beside, vfs.CreateTruncate)
	if err != nil {
		return err
	}
	err = errors.Join(f.WriteAt(append(data, '\n'), 0), f.Sync(), f.Close())
	if err == nil {
		err = fsys.Rename(beside, abs)
	}
	if err != nil {
		return errors.Join(err, removeIfThere(fsys, beside))
	}
	return nil
}
