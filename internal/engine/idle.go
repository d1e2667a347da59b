package engine

import "esent/internal/jet"

const (
	idleBits  = jet.BitIdleFlushBuffers | jet.BitIdleCompact | jet.BitIdleStatus | jet.BitIdleCompactAsync | jet.BitIdleWaitForAsyncActivity
	cleanBits = jet.BitIdleCompact | jet.BitIdleCompactAsync
)

// Idle does work that waits for idle moments, or tells how much there is (JetIdle, spec chapter 01, 13.7). The
// result is a warning: WrnNoIdleActivity after a clean-up, WrnIdleFull for a version store that is more than
// three fifths full. Unknown bits are ignored.
func (s *Session) Idle(t Thread, grbit jet.Grbit) (jet.Err, error) {
	if err := s.enterOwned(t); err != nil {
		return 0, err
	}
	defer s.leave()
	i := s.inst
	switch grbit &= idleBits; {
	case grbit&jet.BitIdleFlushBuffers != 0:
		return 0, jet.ErrInvalidGrbit
	case grbit&jet.BitIdleCompactAsync != 0 && grbit&jet.BitIdleCompact == 0:
		return 0, jet.ErrInvalidGrbit
	case grbit&jet.BitIdleStatus != 0:
		return i.idleStatus(), nil
	case grbit&jet.BitIdleWaitForAsyncActivity != 0:
		i.tasks.housekeep.Wait()
		return 0, nil
	case grbit&jet.BitIdleCompactAsync != 0:
		i.tasks.housekeep.Kick()
		return jet.WrnNoIdleActivity, nil
	case grbit == 0 || grbit&cleanBits != 0:
		if err := i.cleanUp(); err != nil && i.failed() {
			return 0, i.unavailability()
		}
		i.deleteZeroed()
		return jet.WrnNoIdleActivity, nil
	}
	return 0, nil
}

// idleStatus is WrnIdleFull when the version store is more than three fifths full.
func (i *Instance) idleStatus() jet.Err {
	used, limit := i.versions.Usage()
	units := min(i.number(jet.ParamMaxVerPages), i.number(jet.ParamPreferredVerPages))
	if most := i.number(jet.ParamMaxVerPages); most > 0 {
		limit = limit / most * units
	}
	if used*5 > limit*3 {
		return jet.WrnIdleFull
	}
	return 0
}
