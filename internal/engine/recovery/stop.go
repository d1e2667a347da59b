package recovery

import "esent/internal/jet"

// errStopped ends replay where the application wants it to end.
var errStopped = jet.ErrRecoveredWithoutUndo.Errorf("replay stops where it was told to")

// checkStop judges the stop position before anything is read (spec chapter 05, 24). Logs behind the current one cannot
// be told from those that replay shall not come to, hence the conflict with the removal of logs.
func (r *run) checkStop() error {
	switch at := r.cfg.StopAt; {
	case at == 0 && r.cfg.StopTime == (jet.LogTime{}):
		return nil
	case at != 0 && at.Gen() <= 0:
		return jet.ErrInvalidParameter.Errorf("stop position %v", at)
	case r.cfg.DeleteOutOfRangeLogs && r.cfg.Hard == nil:
		return jet.ErrInvalidParameter.Errorf("replay cannot stop early while logs out of range are deleted")
	}
	return nil
}

// wholeGeneration says that the stop position means all records of its generation.
func (r *run) wholeGeneration() bool {
	at := r.cfg.StopAt
	return at.Isec() == 0 && at.Ib() == 0 || at.Isec() == 0xFFFF && at.Ib() == 0xFFFF
}

// stopsIn says that replay may stop within a generation: damage behind that place does not matter.
func (r *run) stopsIn(gen int32) bool {
	if r.cfg.Hard != nil && r.cfg.StopTime != (jet.LogTime{}) {
		return true
	}
	return r.cfg.StopAt.Gen() == gen && r.cfg.StopAt != 0 && !r.wholeGeneration()
}

// stopsBefore says that the record at pos is not to be redone any more.
func (r *run) stopsBefore(pos jet.LogPos) bool {
	if late := r.late; late != 0 && pos >= late {
		return true
	}
	at := r.cfg.StopAt
	switch {
	case at == 0:
		return false
	case r.wholeGeneration():
		return pos.Gen() > at.Gen()
	}
	return pos > at
}

// stopsBeforeGen says that no record of a generation is to be redone.
func (r *run) stopsBeforeGen(gen int32) bool { return r.cfg.StopAt != 0 && gen > r.cfg.StopAt.Gen() }

// stopped judges where hard recovery has stopped: the copies must have all changes that are in their pages. Undo writes
// a new generation, since what follows in the last log has not been.
func (r *run) stopped() error {
	if r.last == nil {
		return jet.ErrEndingRestoreLogTooLow.Errorf("replay stops before it begins")
	}
	whole := r.last.Header.Gen
	if r.within {
		whole--
	}
	if least := r.cfg.Hard.Least; whole < least {
		return jet.ErrEndingRestoreLogTooLow.Errorf("replay stops at %v, generation %d is needed to its end", r.pos, least)
	}
	r.last.current = false
	return r.redone()
}

// segmentBegun notes the first segment that was begun too late.
func (r *run) segmentBegun(pos jet.LogPos, _ uint64, at jet.LogTime) {
	if r.late == 0 && at.Time().After(r.cfg.StopTime.Time()) {
		r.late = pos
	}
}
