package recovery

import (
	"testing"

	"esent/internal/engine/dbfile"
	"esent/internal/jet"
)

var (
	stream    = jet.Signature{1}
	elsewhere = jet.Signature{2}
	another   = jet.Signature{3}
	signDB    = jet.Signature{4}
	otherDB   = jet.Signature{5}
)

const (
	now    = attachNow
	fresh  = attachNowFresh
	put    = deferAttach
	future = deferFuture
	denied = deferDenied
)

func at(gen int32) jet.LogPos { return jet.MakeLogPos(gen, 1, 0) }

// headed is a dirty header of the stream, attached in generation 5 after having been consistent in 4.
func headed(change func(h *dbfile.Header)) *dbfile.Header {
	h := &dbfile.Header{State: dbfile.StateDirty, SignLog: stream, SignDB: signDB, Attach: at(5), Consistent: at(4)}
	if change != nil {
		change(h)
	}
	return h
}

func TestDecideAttach(t *testing.T) {
	record := func(s *situation) { s.record, s.pos = true, s.attach }
	ignore := func(s *situation) { s.ignorable = true }
	for _, c := range []struct {
		name   string
		header func(h *dbfile.Header)
		more   func(s *situation)
		err    error // of reading
		want   verdict
		fails  jet.Err
	}{
		{name: "1 reseed", header: func(h *dbfile.Header) { h.State = dbfile.StateReseeding }, fails: jet.ErrDatabaseIncompleteIncrementalReseed},
		{name: "1 reseed, ignorable", header: func(h *dbfile.Header) { h.State = dbfile.StateReseeding }, more: ignore, want: put},
		{name: "1 revert", header: func(h *dbfile.Header) { h.State = dbfile.StateRevertInProgress }, fails: jet.ErrDatabaseIncompleteRevert},
		{name: "2 damaged", err: jet.ErrDatabaseCorrupted, fails: jet.ErrReadVerifyFailure},
		{name: "2 damaged, ignorable", err: jet.ErrDatabaseCorrupted, more: ignore, want: put},
		{name: "3 just created", header: func(h *dbfile.Header) { h.State = dbfile.StateJustCreated }, want: put},
		{name: "4 state", header: func(h *dbfile.Header) { h.State = dbfile.StateForceDetach }, fails: jet.ErrDatabaseCorrupted},
		{name: "5 missing", err: jet.ErrFileNotFound, want: put},
		{name: "5 no directory", err: jet.ErrInvalidPath, want: put},
		{name: "5 denied", err: jet.ErrFileAccessDenied, want: denied},
		{name: "5 other", err: jet.ErrDiskIO, fails: jet.ErrDiskIO},
		{name: "6 before its first attach", header: func(h *dbfile.Header) { h.SignLog = elsewhere },
			more: func(s *situation) { record(s); s.logged = elsewhere }, want: fresh},
		{name: "6 other database", header: func(h *dbfile.Header) { h.SignLog, h.SignDB = elsewhere, otherDB },
			more: func(s *situation) { record(s); s.logged = elsewhere }, want: put},
		{name: "6 other time", header: func(h *dbfile.Header) { h.SignLog, h.Consistent = elsewhere, at(3) },
			more: func(s *situation) { record(s); s.logged = elsewhere }, fails: jet.ErrConsistentTimeMismatch},
		{name: "7 foreign", header: func(h *dbfile.Header) { h.SignLog = another }, want: put},
		{name: "8a", header: func(h *dbfile.Header) { h.SignDB = otherDB }, want: put},
		{name: "8b", want: now},
		{name: "8b record", more: record, want: now},
		{name: "8b never consistent", header: func(h *dbfile.Header) { h.Consistent = 0 }, want: now},
		{name: "8b logged for another stream", header: func(h *dbfile.Header) { h.Consistent = at(2) },
			more: func(s *situation) { record(s); s.logged = elsewhere }, want: now},
		{name: "8c record", header: func(h *dbfile.Header) { h.Attach, h.State = at(3), dbfile.StateClean }, more: record, want: now},
		{name: "8c list", header: func(h *dbfile.Header) { h.Attach = at(3) }, fails: jet.ErrAttachedDatabaseMismatch},
		{name: "8d", header: func(h *dbfile.Header) { h.Attach = at(7) }, want: put},
		{name: "9 list", header: func(h *dbfile.Header) { h.Consistent, h.State = at(8), dbfile.StateClean }, want: future},
		{name: "9 record", header: func(h *dbfile.Header) { h.Consistent, h.State = at(8), dbfile.StateClean }, more: record, want: future},
		{name: "10 record", header: func(h *dbfile.Header) { h.Consistent = at(3) }, more: record, fails: jet.ErrConsistentTimeMismatch},
		{name: "10 record, ignorable", header: func(h *dbfile.Header) { h.Consistent = at(3) },
			more: func(s *situation) { record(s); ignore(s) }, want: put},
		{name: "10 other database", header: func(h *dbfile.Header) { h.Consistent, h.SignDB = at(3), otherDB }, more: record, want: put},
		{name: "now, required", header: func(h *dbfile.Header) { h.GenMinRequired = 5 }, want: now},
		{name: "now, too late", header: func(h *dbfile.Header) { h.GenMinRequired = 4 }, fails: jet.ErrRequiredLogFilesMissing},
		{name: "now, too late, ignorable", header: func(h *dbfile.Header) { h.GenMinRequired = 4 }, more: ignore, want: put},
		{name: "now, patched", header: func(h *dbfile.Header) { h.GenMinRequired, h.State = 4, dbfile.StateDirtyAndPatched }, want: now},
	} {
		s := situation{readErr: c.err, stream: stream, logged: stream, attach: at(5), consistent: at(4), signDB: signDB, gen: 5}
		if c.err == nil {
			s.header = headed(c.header)
		}
		if c.more != nil {
			c.more(&s)
		}
		got, _, err := decideAttach(&s)
		if code := codeOf(err); code != c.fails || code == 0 && got != c.want {
			t.Errorf("%s: %v, %v", c.name, got, err)
		}
	}
}

func codeOf(err error) jet.Err {
	if err == nil {
		return 0
	}
	return jet.CodeOf(err)
}

func TestDecideCreate(t *testing.T) {
	for _, c := range []struct {
		name   string
		header func(h *dbfile.Header)
		more   func(s *situation)
		err    error
		want   verdict
		fails  jet.Err
	}{
		{name: "just created", header: func(h *dbfile.Header) { h.State = dbfile.StateJustCreated }, want: createNow},
		{name: "damaged", err: jet.ErrDatabaseCorrupted, want: createNow},
		{name: "odd state", header: func(h *dbfile.Header) { h.State = 0 }, want: createNow},
		{name: "missing", err: jet.ErrFileNotFound, want: createNow},
		{name: "no directory", err: jet.ErrInvalidPath, want: put},
		{name: "denied", err: jet.ErrFileAccessDenied, want: denied},
		{name: "foreign", header: func(h *dbfile.Header) { h.SignLog = another }, want: put},
		{name: "foreign, overwritten", header: func(h *dbfile.Header) { h.SignLog = another },
			more: func(s *situation) { s.overwrite = true }, want: createNow},
		{name: "this one", header: func(h *dbfile.Header) { h.Consistent = 0 }, want: now},
		{name: "this one, clean later", header: func(h *dbfile.Header) { h.Consistent, h.State = at(7), dbfile.StateClean }, want: future},
		{name: "same place, other database", header: func(h *dbfile.Header) { h.SignDB = otherDB }, want: put},
		{name: "attached later", header: func(h *dbfile.Header) { h.Attach = at(6) }, want: put},
		{name: "older", header: func(h *dbfile.Header) { h.Attach, h.SignDB = at(3), otherDB }, want: put},
		{name: "older, overwritten", header: func(h *dbfile.Header) { h.Attach, h.SignDB = at(3), otherDB },
			more: func(s *situation) { s.overwrite = true }, want: createNow},
		{name: "reseed", header: func(h *dbfile.Header) { h.State = dbfile.StateReseeding }, fails: jet.ErrDatabaseIncompleteIncrementalReseed},
	} {
		s := situation{readErr: c.err, stream: stream, logged: stream, attach: at(5), signDB: signDB, record: true, pos: at(5), gen: 5}
		if c.err == nil {
			s.header = headed(c.header)
		}
		if c.more != nil {
			c.more(&s)
		}
		got, _, err := decideCreate(&s)
		if code := codeOf(err); code != c.fails || code == 0 && got != c.want {
			t.Errorf("%s: %v, %v", c.name, got, err)
		}
	}
}
