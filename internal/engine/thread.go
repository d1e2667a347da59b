package engine

import "esent/internal/jet"

// owner is whose a session's transaction is: the thread that began it, or the context that threads pass
// on to each other (spec chapter 01, 4.2).
type owner struct {
	context       uint64 // set now, 0 none
	contextThread Thread
	// of the open transaction
	trxContext uint64
	trxThread  Thread
	// lent says that a callback is running, on whatever thread the call is that it was called in.
	lent bool
}

// allows says whether thread t may make session calls at the given transaction level.
func (o *owner) allows(t Thread, level uint8) bool {
	switch {
	case level == 0 || o.lent:
		return true
	case o.context != 0:
		return o.contextThread == t && o.trxContext == o.context
	case o.trxContext != 0:
		return false
	}
	return o.trxThread == t
}

// began notes who began the outermost transaction.
func (o *owner) began(t Thread) { o.trxContext, o.trxThread = o.context, t }

// noContext is refused as a context, like 0.
const noContext = ^uint64(0)

// SetContext binds the session to a context and the calling thread to it (JetSetSessionContext).
func (s *Session) SetContext(t Thread, context uint64) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	o := &s.owner
	switch {
	case context == 0 || context == noContext:
		return jet.ErrInvalidParameter
	case o.context != 0:
		return jet.ErrSessionContextAlreadySet
	}
	if s.trx.Level() > 0 && o.trxContext == 0 {
		if o.trxThread != t {
			return jet.ErrSessionSharingViolation
		}
		o.trxContext = context
	}
	o.context, o.contextThread = context, t
	return nil
}

// ResetContext takes the context back; only the thread that set it may (JetResetSessionContext).
func (s *Session) ResetContext(t Thread) error {
	if err := s.enterAlways(); err != nil {
		return err
	}
	defer s.leave()
	if s.owner.context == 0 || s.owner.contextThread != t {
		return jet.ErrSessionContextNotSetByThisThread
	}
	s.owner.context = 0
	return nil
}
