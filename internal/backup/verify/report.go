package verify

import (
	"encoding/json"
	"strconv"
	"time"

	"esent/internal/jet"
	"esent/internal/vfs"
)

// SchemaVersion is the version of the report's form. It rises when a member gets another meaning or goes; new members
// may come without that.
const SchemaVersion = 1

// mostFaults is how many faults a report lists; all are counted.
const mostFaults = 1000

// Levels of a verification.
const (
	LevelFiles     = "files"
	LevelRehearsal = "rehearsal"
)

// Report is what was found (docs/backup-rules.md).
type Report struct {
	Version int `json:"version"`
	// Path is the directory that was asked for, Set that of the set: new or old in it, perhaps, or that of its last block
	// increment. It is empty when there is none.
	Path string `json:"path"`
	Set  string `json:"set"`
	// Increments is the number of block increments that the copies were put together from.
	Increments int `json:"increments"`
	// Level is LevelFiles or LevelRehearsal.
	Level    string    `json:"level"`
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished"`
	// OK says that nothing was found. Code is the result of the call, 0 with OK; Error its name and Text a sentence.
	OK    bool   `json:"ok"`
	Code  int32  `json:"code"`
	Error string `json:"error"`
	Text  string `json:"text"`

	Logs      []*Log      `json:"logs"`
	Databases []*Database `json:"databases"`
	// Rehearsal is there when the logs were replayed, or should have been.
	Rehearsal *Rehearsal `json:"rehearsal,omitempty"`
	// Faults are those found first, FaultsTotal is the number of all.
	Faults      []Fault `json:"faults"`
	FaultsTotal int     `json:"faultsTotal"`

	decisive error // the first fault that a restore fails of
	first    error
}

// Log is one log of the set.
type Log struct {
	File       string `json:"file"`
	Generation int32  `json:"generation"`
	Bytes      int64  `json:"bytes"`
	// Created is when the generation was begun.
	Created *time.Time `json:"created,omitempty"`
	// Segments are those that were written.
	Segments int  `json:"segments"`
	OK       bool `json:"ok"`
}

// Database is one copy in the set.
type Database struct {
	File     string `json:"file"`
	Bytes    int64  `json:"bytes"`
	PageSize int    `json:"pageSize"`
	// Pages are those with a checksum or blank, without header and trailer.
	Pages int64 `json:"pages"`
	// Bad pages cannot be used. Correctable ones have one wrong bit, which a restore puts right. Blank ones were never
	// written.
	Bad         int64 `json:"bad"`
	Correctable int64 `json:"correctable"`
	Blank       int64 `json:"blank"`
	// Mark is the position in the log that is the backup's identity, MarkTime when it was taken.
	Mark     string     `json:"mark,omitempty"`
	MarkTime *time.Time `json:"markTime,omitempty"`
	// GenerationLow and GenerationHigh are the logs that the copy needs.
	GenerationLow  int32 `json:"generationLow"`
	GenerationHigh int32 `json:"generationHigh"`
	OK             bool  `json:"ok"`
}

// Rehearsal is what the replay has given.
type Rehearsal struct {
	// Replayed says that the logs were replayed, to the end and with all that was open undone.
	Replayed bool `json:"replayed"`
	// Skipped tells why it was not tried, empty if it was.
	Skipped   string       `json:"skipped,omitempty"`
	Databases []*Recovered `json:"databases"`
	// BytesChanged is how much of the databases the replay has changed, logs and other files included.
	BytesChanged int64 `json:"bytesChanged"`
}

// Recovered is a database that came out of the replay.
type Recovered struct {
	File       string `json:"file"`
	Pages      uint64 `json:"pages"`
	Trees      int    `json:"trees"`
	Records    uint64 `json:"records"`
	LongValues uint64 `json:"longValues"`
	Entries    uint64 `json:"entries"`
	Violations int    `json:"violations"`
	OK         bool   `json:"ok"`
}

// Fault is one thing that is wrong.
type Fault struct {
	// File is its name in the set, empty when no file is at fault.
	File string `json:"file,omitempty"`
	// Page is the page's number, 0 for none.
	Page  uint32 `json:"page,omitempty"`
	Code  int32  `json:"code"`
	Error string `json:"error"`
	Text  string `json:"text"`
	// Restorable says that a restore gets over it.
	Restorable bool `json:"restorable"`
}

// err is what the whole call gives.
func (r *Report) err() error {
	if r.decisive != nil {
		return r.decisive
	}
	return r.first
}

// fault notes what is wrong with a file. It is counted beyond the number that is listed.
func (r *Report) fault(file string, page jet.Pgno, err error, restorable bool) {
	r.FaultsTotal++
	if r.first == nil {
		r.first = err
	}
	if r.decisive == nil && !restorable {
		r.decisive = err
	}
	if len(r.Faults) < mostFaults {
		code := jet.CodeOf(err)
		r.Faults = append(r.Faults, Fault{File: file, Page: uint32(page), Code: int32(code), Error: name(code), Text: err.Error(), Restorable: restorable})
	}
}

func name(code jet.Err) string {
	if n := code.Name(); n != "" {
		return n
	}
	return strconv.Itoa(int(code))
}

// finish sums up.
func (r *Report) finish(now time.Time) {
	err := r.err()
	code := jet.CodeOf(err)
	r.Finished = now.UTC()
	r.OK, r.Code, r.Error = err == nil, int32(code), name(code)
	r.Text = "nothing was found wrong"
	if err != nil {
		r.Text = err.Error()
	}
}

// write puts the report into a file, whole: under another name first, which then takes the place of what is there.
func (r *Report) write(env *vfs.Env, file string) error {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return jet.ErrInternalError.Errorf("report: %v", err)
	}
	return vfs.ReplaceFile(env, file, append(b, '\n'))
}
