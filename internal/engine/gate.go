package engine

import (
	"slices"
	"time"

	"esent/internal/jet"
)

// Bits of Instance.gate: why calls are refused.
const (
	gateNotInitialised uint32 = 1 << iota
	gateInitialising
	gateTerminating
	gateStopped
	gateRestoring
	gateUnavailable
)

// refusals are the codes of the gate's bits in the order in which they are looked at (spec chapter 01, 1.2).
var refusals = [...]struct {
	bit  uint32
	code jet.Err
}{
	{gateRestoring, jet.ErrRestoreInProgress}, // comes with gateInitialising
	{gateNotInitialised, jet.ErrNotInitialized},
	{gateInitialising, jet.ErrInitInProgress},
	{gateTerminating, jet.ErrTermInProgress},
	{gateStopped, jet.ErrClientRequestToStopJetService},
	{gateUnavailable, jet.ErrInstanceUnavailable},
}

// refusal is why the instance takes no calls now, nil if it does.
func (i *Instance) refusal() error { return i.refusalBut(0) }

// refusalBut is refusal without the reasons in allowed.
func (i *Instance) refusalBut(allowed uint32) error {
	g := i.gate.Load() &^ allowed
	for _, r := range refusals {
		if g&r.bit == 0 {
			continue
		}
		if r.bit == gateUnavailable {
			return i.unavailability()
		}
		return r.code
	}
	return nil
}

// enter begins a call on the instance that needs no session.
func (i *Instance) enter() error { return i.enterBut(0) }

// enterBut is enter for calls that the reasons in allowed do not stop.
func (i *Instance) enterBut(allowed uint32) error {
	i.calls.Add(1)
	if err := i.refusalBut(allowed); err != nil {
		i.calls.Add(-1)
		return err
	}
	return nil
}

func (i *Instance) leave() { i.calls.Add(-1) }

// started says that JetInit has begun: parameters that must be set before are fixed.
func (i *Instance) started() bool { return i.gate.Load()&gateNotInitialised == 0 }

// closeGate adds a reason, and says whether it was there already.
func (i *Instance) closeGate(bit uint32) (already bool) { return i.gate.Or(bit)&bit != 0 }

func (i *Instance) openGate(bit uint32) { i.gate.And(^bit) }

// awaitCalls waits until no call is inside that was let in before the gate was closed. After a defect it does not
// wait for ever: some call may never come out.
func (i *Instance) awaitCalls() {
	sessions := i.openSessions()
	idle := func() bool {
		return i.calls.Load() == 0 && !slices.ContainsFunc(sessions, func(s *Session) bool { return s.window.Busy.Load() != 0 })
	}
	for last := time.Now(); !idle(); pause() {
		if !i.defect.Load() {
			last = time.Now()
		} else if time.Since(last) > defectPatience {
			return
		}
	}
}

// pause lets others run. What is waited for are calls of other threads, so no scheduler or simulated clock is
// concerned.
func pause() { time.Sleep(20 * time.Microsecond) }
