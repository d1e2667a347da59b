package recovery

import (
	"esent/internal/engine/dbfile"
	"esent/internal/jet"
)

// verdict is what to do with a database that the log speaks of (spec chapter 05, 20).
type verdict uint8

const (
	// attachNow: the file is what the log takes it to be; its records are redone.
	attachNow verdict = iota
	// attachNowFresh is attachNow for a file whose header does not know of this stream yet.
	attachNowFresh
	// createNow: the file is made from the records that follow.
	createNow
	// deferAttach passes the records by; what is still so at the end of the log is an error.
	deferAttach
	// deferFuture: the file was shut down cleanly at a later position.
	deferFuture
	// deferDenied: the file cannot be opened at the moment.
	deferDenied
)

// Why an attachment is put off, for the event.
const (
	whyNone         = ""
	whyIO           = "the file cannot be read"
	whyHeader       = "both copies of the header are damaged"
	whyState        = "the state in the header is unusable"
	whyReseed       = "pages are being replaced"
	whyRevert       = "a revert has not ended"
	whyLogSignature = "the file belongs to another log stream"
	whyDBSignature  = "it is another database"
	whyAttachLater  = "it was attached later"
	whyFuture       = "it was shut down cleanly later"
	whyTimes        = "it is from another moment"
	whyUnlogged     = "it was changed without logging"
	whyLogsMissing  = "log files that it needs are missing"
)

// situation is what a decision is made from.
type situation struct {
	// header of the file, and why it could not be read.
	header  *dbfile.Header
	readErr error
	// stream is the signature of the log, logged that in the AttachDB record; equal for a list entry.
	stream, logged jet.Signature
	// attach, consistent and signDB are what the log says of the attachment; consistent is 0 unless before pos.
	attach, consistent jet.LogPos
	signDB             jet.Signature
	// record says that it is a record at position pos that is being replayed, not an entry of the list at the
	// start.
	record bool
	pos    jet.LogPos
	// gen is the generation being replayed.
	gen int32
	// ignorable: the application allows the database to be missing. overwrite: a CreateDB may replace another.
	ignorable, overwrite bool
}

// usableState says that the file is in a state that redo can go on from.
func usableState(s dbfile.State) bool {
	return s == dbfile.StateDirty || s == dbfile.StateClean || s == dbfile.StateDirtyAndPatched
}

// headerDamaged says that a header was read and neither copy is one.
func headerDamaged(err error) bool {
	switch jet.CodeOf(err) {
	case jet.ErrDatabaseCorrupted, jet.ErrInvalidDatabaseVersion, jet.ErrDatabase500Format,
		jet.ErrDatabase400Format, jet.ErrDatabase200Format, jet.ErrReadVerifyFailure, jet.ErrFileIOBeyondEOF:
		return true
	}
	return false
}

// unreadable judges a file that cannot be read at all.
func (s *situation) unreadable() (verdict, string, error) {
	switch jet.CodeOf(s.readErr) {
	case jet.ErrFileAccessDenied:
		return deferDenied, whyIO, nil
	case jet.ErrFileNotFound, jet.ErrInvalidPath:
		return deferAttach, whyIO, nil
	}
	return s.unless(whyIO, s.readErr)
}

// unless is an error that an ignorable database turns into a deferral.
func (s *situation) unless(why string, err error) (verdict, string, error) {
	if s.ignorable {
		return deferAttach, why, nil
	}
	return 0, why, err
}

// inProgress judges the states of operations that must be ended before anything else.
func (s *situation) inProgress() (string, error) {
	switch s.header.State {
	case dbfile.StateReseeding:
		return whyReseed, jet.ErrDatabaseIncompleteIncrementalReseed
	case dbfile.StateRevertInProgress:
		return whyRevert, jet.ErrDatabaseIncompleteRevert
	}
	return whyNone, nil
}

// decideAttach is the table of spec chapter 05, 20.1; the numbers are its lines.
func decideAttach(s *situation) (verdict, string, error) {
	h := s.header
	if s.readErr != nil {
		if headerDamaged(s.readErr) { // 2
			return s.unless(whyHeader, jet.ErrReadVerifyFailure.Errorf("%v", s.readErr))
		}
		return s.unreadable() // 5
	}
	if why, err := s.inProgress(); err != nil { // 1
		return s.unless(why, err)
	}
	if h.State == dbfile.StateJustCreated { // 3
		return deferAttach, whyState, nil
	}
	if !usableState(h.State) { // 4
		return s.unless(whyState, jet.ErrDatabaseCorrupted.Errorf("database state %d", h.State))
	}
	sameDB := h.SignDB == s.signDB
	inStream, asLogged := h.SignLog == s.stream, h.SignLog == s.logged
	if !inStream {
		return s.outside(sameDB, asLogged)
	}
	if !asLogged || h.Consistent == s.consistent || h.Consistent == 0 { // 8
		switch {
		case !sameDB: // 8a
			return deferAttach, whyDBSignature, nil
		case h.Attach == s.attach, // 8b
			h.Attach < s.attach && s.record && asLogged: // 8c
			return s.now(attachNow)
		case h.Attach < s.attach:
			return s.unless(whyTimes, jet.ErrAttachedDatabaseMismatch)
		}
		return deferAttach, whyAttachLater, nil // 8d
	}
	if h.Consistent > s.consistent && (!s.record || h.Consistent > s.pos) { // 9
		return deferFuture, whyFuture, nil
	}
	if sameDB { // 10
		return s.unless(whyTimes, jet.ErrConsistentTimeMismatch)
	}
	return deferAttach, whyUnlogged, nil
}

// outside judges a file whose header names another log stream.
func (s *situation) outside(sameDB, asLogged bool) (verdict, string, error) {
	switch {
	case !asLogged: // 7
		return deferAttach, whyLogSignature, nil
	case !sameDB: // 6
		return deferAttach, whyDBSignature, nil
	case s.header.Consistent != s.consistent:
		return s.unless(whyTimes, jet.ErrConsistentTimeMismatch)
	}
	return s.now(attachNowFresh)
}

// now makes sure that replay has begun early enough for the file.
func (s *situation) now(v verdict) (verdict, string, error) {
	h := s.header
	if h.GenMinRequired != 0 && h.State != dbfile.StateDirtyAndPatched && h.GenMinRequired < s.gen {
		return s.unless(whyLogsMissing, jet.ErrRequiredLogFilesMissing.Errorf("generations from %d on are needed, replay is at %d", h.GenMinRequired, s.gen))
	}
	return v, whyNone, nil
}

// decideCreate is the table of spec chapter 05, 20.2. A file that is not there is told by ErrFileNotFound, a
// directory that is not there by ErrInvalidPath.
func decideCreate(s *situation) (verdict, string, error) {
	h := s.header
	if s.readErr != nil {
		switch {
		case headerDamaged(s.readErr), jet.CodeOf(s.readErr) == jet.ErrFileNotFound:
			return createNow, whyNone, nil
		}
		return s.unreadable()
	}
	if why, err := s.inProgress(); err != nil {
		return s.unless(why, err)
	}
	switch {
	case !usableState(h.State): // JustCreated among them
		return createNow, whyNone, nil
	case h.SignLog != s.stream:
		return s.replace(whyLogSignature)
	case h.Attach > s.attach:
		return deferAttach, whyAttachLater, nil
	case h.Attach < s.attach:
		return s.replace(whyDBSignature)
	case h.SignDB != s.signDB:
		return deferAttach, whyDBSignature, nil
	case h.Consistent >= s.attach:
		return deferFuture, whyFuture, nil
	}
	return s.now(attachNow)
}

// replace lets a CreateDB take the place of another database, if that is allowed.
func (s *situation) replace(why string) (verdict, string, error) {
	if s.overwrite {
		return createNow, whyNone, nil
	}
	return deferAttach, why, nil
}
