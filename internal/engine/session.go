package engine

import (
	"sync/atomic"

	"esent/internal/engine/version"
	"esent/internal/engine/window"
	"esent/internal/jet"
)

// Thread identifies a thread of the caller; 0 stands for "the only one", as in tests.
type Thread uint64

// Session is a JET session: transactions, the databases and cursors it has open. Calls on one session from
// two threads at once are refused (spec chapter 01, 4).
type Session struct {
	inst *Instance
	trx  *version.Session

	// window is what C code sees of the session. Its Busy is 0 outside of calls and busyInside in a call.
	window *window.Window
	shown  shown
	// ended is set by JetEndSession.
	ended atomic.Bool

	commitDefault jet.Grbit
	readOnly      bool   // the open transaction is
	levels        levels // of transactions, as cursors need them

	owner owner

	// callbacks counts the callbacks that are running, one in the other; callbackFloor is the level that the innermost
	// was called at.
	callbacks     int
	callbackFloor uint8

	databases []openDatabase
	held      []*Database            // closed in the open transaction
	cursors   *Cursor                // newest first, linked by Cursor.nextOfSession
	settings  map[jet.ParamID][]byte // session parameters that only say something about the caller

	// Closed, if set, is called when JetTerm ends the session.
	Closed func(*Session)
}

const busyInside = window.BusyInside

// openDatabase counts a session's opens of one database.
type openDatabase struct {
	db    *Database
	count int
}

// BeginSession opens a session (JetBeginSession). ErrOutOfSessions beyond JET_paramMaxSessions.
func (i *Instance) BeginSession() (*Session, error) {
	if err := i.enter(); err != nil {
		return nil, err
	}
	defer i.leave()
	return i.newSession()
}

func (i *Instance) newSession() (*Session, error) {
	t, err := i.versions.NewSession()
	if err != nil {
		return nil, err
	}
	s := i.sessionOf(t)
	s.commitDefault = jet.Grbit(i.number(jet.ParamCommitDefault))
	i.addSession(s)
	return s, nil
}

// sessionOf makes a session that nobody else knows.
func (i *Instance) sessionOf(t *version.Session) *Session {
	s := &Session{inst: i, trx: t}
	s.window = window.For(s, i.gate)
	return s
}

// Dup opens another session of the same instance (JetDupSession).
func (s *Session) Dup(t Thread) (*Session, error) {
	if err := s.enterOwned(t); err != nil {
		return nil, err
	}
	defer s.leave()
	return s.inst.newSession()
}

// Instance is the session's instance.
func (s *Session) Instance() *Instance { return s.inst }

// enter begins a call on the session: one thread at a time, and only while the instance takes calls.
func (s *Session) enter() error {
	for !s.window.Busy.CompareAndSwap(0, busyInside) {
		if s.ended.Load() {
			return jet.ErrInvalidSesid
		}
		if !s.awaitGuest() {
			return s.occupied()
		}
	}
	s.withdraw()
	if s.inst.gate.Load() == 0 && !s.ended.Load() {
		return nil
	}
	return s.refused()
}

// occupied is why a call may not begin that finds another one inside: a defect may have left that there.
func (s *Session) occupied() error {
	if s.inst.failed() {
		return s.inst.refusal()
	}
	return jet.ErrSessionSharingViolation
}

// refused ends a call that may not go on and says why.
func (s *Session) refused() error {
	s.leave()
	if s.ended.Load() {
		return jet.ErrInvalidSesid
	}
	return s.inst.refusal()
}

// enterAlways is enter for the calls that stay allowed after JetStopService (spec chapter 01, 2.6).
func (s *Session) enterAlways() error {
	for !s.window.Busy.CompareAndSwap(0, busyInside) {
		if !s.awaitGuest() {
			return s.occupied()
		}
	}
	s.withdraw()
	if g := s.inst.gate.Load(); g&^gateStopped == 0 && !s.ended.Load() {
		return nil
	}
	return s.refused()
}

// enterOwned is enter for calls that check which thread the transaction belongs to.
func (s *Session) enterOwned(t Thread) error {
	if err := s.enter(); err != nil {
		return err
	}
	if !s.owner.allows(t, s.trx.Level()) {
		s.leave()
		return jet.ErrSessionSharingViolation
	}
	return nil
}

func (s *Session) leave() { s.window.Busy.And(^uint32(busyInside)) }

// End rolls back, closes what the session has open, and ends it (JetEndSession).
func (s *Session) End(t Thread) error {
	if err := s.enterAlways(); err != nil {
		return err
	}
	defer s.leave()
	if !s.owner.allows(t, s.trx.Level()) {
		return jet.ErrSessionSharingViolation
	}
	if s.callbacks > 0 {
		return jet.ErrSessionSharingViolation
	}
	return s.end()
}

func (s *Session) end() error {
	for s.trx.Level() > 0 {
		if err := s.rollbackLevel(); err != nil {
			return err
		}
	}
	for s.cursors != nil {
		if err := s.cursors.close(); err != nil {
			return err
		}
	}
	for len(s.databases) > 0 {
		s.forgetDatabase(s.databases[len(s.databases)-1].db)
	}
	s.inst.versions.EndSession(s.trx)
	s.gone()
	return nil
}

// gone makes calls on the session impossible.
func (s *Session) gone() {
	s.ended.Store(true)
	s.inst.removeSession(s)
	if s.Closed != nil && s.inst.gate.Load()&gateTerminating != 0 {
		s.Closed(s)
	}
}

// abandon ends a session of an instance that stops without bringing anything to its files.
func (s *Session) abandon() {
	s.dropCursors()
	s.trx.Forget()
	s.transactionEnded()
	for len(s.databases) > 0 {
		s.forgetDatabase(s.databases[len(s.databases)-1].db)
	}
	s.gone()
}

// SetCommitDefault sets the flags that JetCommitTransaction adds to none (JET_paramCommitDefault).
func (s *Session) SetCommitDefault(grbit jet.Grbit) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	return s.setCommitDefault(grbit)
}

func (s *Session) setCommitDefault(grbit jet.Grbit) error {
	if grbit&^commitBits != 0 {
		return jet.ErrInvalidParameter
	}
	s.commitDefault = grbit
	return nil
}
