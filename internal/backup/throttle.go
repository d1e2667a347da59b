package backup

import "time"

// throttle keeps a rate: work beyond it waits. The zero throttle lets all work pass.
type throttle struct {
	rate  int64 // bytes per second, 0 for no limit
	now   func() time.Time
	sleep func(time.Duration) error
	// free is when what was passed so far is paid for.
	free time.Time
}

// credit is how much time that was not used counts later.
const credit = 100 * time.Millisecond

// pass waits until n more bytes keep the rate.
func (t *throttle) pass(n int64) error {
	if t.rate <= 0 {
		return nil
	}
	now := t.now()
	if early := now.Add(-credit); t.free.Before(early) {
		t.free = early
	}
	t.free = t.free.Add(time.Duration(float64(n) / float64(t.rate) * float64(time.Second)))
	if d := t.free.Sub(now); d > 0 {
		return t.sleep(d)
	}
	return nil
}

// window is how much is to be copied at once so that the work is spread over the time: at most most bytes, and a
// multiple of unit.
func (t *throttle) window(most, unit int64) int64 {
	const perSecond, least = 10, 4
	if t.rate <= 0 {
		return most
	}
	return min(most, max(t.rate/perSecond/unit, least)*unit)
}
