package backup

import (
	"esent/internal/backup/stream"
)

// sink takes the files of a set, one after the other: a directory, or a stream. What it has is a set when promote has
// succeeded; before that undo leaves nothing of it.
type sink interface {
	// prepare is called when nothing is copied yet. createPath makes a directory that is missing.
	prepare(createPath bool) error
	// accept is called with the databases that are going to be copied, none in an incremental backup, before the first
	// file.
	accept(j *job, databases []Database) error
	// create begins a file of size bytes, to which all of them are written. createLog does so for a log.
	create(name string, size int64) (setFile, error)
	createLog(name string, size int64) (setFile, error)
	// complete follows the last database and log, before the files that tell restore of the databases.
	complete() error
	promote() error
	// finish tidies up behind a set that was promoted. undo takes everything back.
	finish()
	undo() error
}

// setFile is a file of the set that is being written.
type setFile interface {
	write(p []byte) error
	// finish ends the file when all is written, durably where that means something. close gives it up.
	finish() error
	close() error
}

// streamSink is a set that goes out as a stream.
type streamSink struct {
	w    *stream.Writer
	done bool
}

func (s *streamSink) prepare(bool) error                                 { return nil }
func (s *streamSink) accept(*job, []Database) error                      { return nil }
func (s *streamSink) complete() error                                    { return nil }
func (s *streamSink) finish()                                            {}
func (s *streamSink) createLog(name string, size int64) (setFile, error) { return s.create(name, size) }

func (s *streamSink) create(name string, size int64) (setFile, error) {
	return streamFile{s.w}, s.w.Begin(name, size)
}

// promote tells the reader of the stream that it is complete.
func (s *streamSink) promote() error {
	err := s.w.Close()
	s.done = err == nil
	return err
}

func (s *streamSink) undo() error {
	if !s.done {
		s.w.Abandon()
	}
	return nil
}

// streamFile is a file in a stream.
type streamFile struct{ w *stream.Writer }

func (f streamFile) write(p []byte) error {
	_, err := f.w.Write(p)
	return err
}

func (streamFile) finish() error { return nil }
func (streamFile) close() error  { return nil }
