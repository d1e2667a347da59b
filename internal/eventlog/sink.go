package eventlog

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"esent/internal/jet"
	"esent/internal/vfs"
)

// Multi sends every event to all sinks in turn.
func Multi(sinks ...Sink) Sink { return multi(sinks) }

type multi []Sink

func (m multi) Report(e Event) {
	for _, s := range m {
		s.Report(e)
	}
}

// Filter passes events on as an instance's parameters want it: none with a level of 0
// (JET_paramEventLoggingLevel), no information with noInformation (JET_paramNoInformationEvent). All
// events of the message table are of the lowest level, 1. Without a next sink there is none.
func Filter(next Sink, noInformation bool, level int) Sink {
	if next == nil {
		return nil
	}
	return filter{next, noInformation, level}
}

type filter struct {
	next          Sink
	noInformation bool
	level         int
}

func (f filter) Report(e Event) {
	if f.level >= 1 && !(f.noInformation && e.Type == Information) {
		f.next.Report(e)
	}
}

// Recorder keeps events in memory, for tests.
type Recorder struct {
	mu     sync.Mutex
	events []Event
}

// Report keeps the event.
func (r *Recorder) Report(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

// Events are the events so far, in order.
func (r *Recorder) Events() []Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Event(nil), r.events...)
}

// IDs are the numbers of the events so far, in order.
func (r *Recorder) IDs() []int {
	var ids []int
	for _, e := range r.Events() {
		ids = append(ids, e.ID)
	}
	return ids
}

// Reset forgets the events so far.
func (r *Recorder) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = nil
}

// File appends events to a text file, one line each:
//
//	time type id NAME category source(process) instance: text
//
// The file is opened for every event, so that it can be moved away at any time, and locked meanwhile, so
// that several processes can share it. Events that cannot be written are dropped and counted.
type File struct {
	fsys vfs.FS
	path string

	mu      sync.Mutex
	dropped int
	last    error
}

// NewFile is a sink for the file at path, which is created when needed.
func NewFile(fsys vfs.FS, path string) *File { return &File{fsys: fsys, path: path} }

// Report appends the event.
func (f *File) Report(e Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.append([]byte(line(e))); err != nil {
		f.dropped++
		f.last = err
	}
}

// Dropped is how many events could not be written, and why the last one could not.
func (f *File) Dropped() (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.dropped, f.last
}

func (f *File) append(text []byte) error {
	file, err := f.open()
	if err != nil {
		return err
	}
	size, err := file.Size()
	if err == nil {
		err = file.WriteAt(text, size)
	}
	return errors.Join(err, file.Close())
}

// open waits a little for another process that is writing its line.
func (f *File) open() (vfs.File, error) {
	for try := 0; ; try++ {
		file, err := f.fsys.Open(f.path, vfs.ReadWrite|vfs.Lock)
		if jet.CodeOf(err) == jet.ErrFileNotFound {
			file, err = f.fsys.Open(f.path, vfs.Create|vfs.Lock)
		}
		retry := errors.Is(err, vfs.ErrLocked) || jet.CodeOf(err) == jet.ErrFileAlreadyExists
		if !retry || try == 50 {
			return file, err
		}
		time.Sleep(time.Millisecond)
	}
}

// oneLine keeps a parameter with line breaks or other control characters from breaking the line format.
var oneLine = strings.NewReplacer("\n", " ", "\r", " ", "\t", " ", "\x00", " ", "\x1b", " ")

func line(e Event) string {
	m := Lookup(e.ID)
	name := m.Name
	if name == "" {
		name = "UNKNOWN"
	}
	instance := ""
	if e.Instance != "" {
		instance = e.Instance + ": "
	}
	return oneLine.Replace(fmt.Sprintf("%s %s %d %s [%s] %s(%d) %s%s", e.Time.UTC().Format("2006-01-02T15:04:05.000Z"),
		e.Type, e.ID, name, CategoryName(e.Category), e.Source, os.Getpid(), instance, Text(e))) + "\n"
}
