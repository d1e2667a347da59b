package engine

import "esent/internal/jet"

const stopBits = jet.BitStopServiceBackgroundUserTasks | jet.BitStopServiceQuiesceCaches | jet.BitStopServiceResume

// StopService refuses further work on the instance, or stops or resumes single services of it
// (JetStopServiceInstance2, spec chapter 01, 2.6). JET_bitStopServiceAll, which is 0, cannot be undone.
func (i *Instance) StopService(grbit jet.Grbit) error {
	if err := i.enterBut(gateStopped); err != nil {
		return err
	}
	defer i.leave()
	switch {
	case grbit&^stopBits != 0:
		return jet.ErrInvalidGrbit
	case grbit&jet.BitStopServiceResume != 0:
		return i.resumeService(grbit &^ jet.BitStopServiceResume)
	case grbit == jet.BitStopServiceAll:
		return i.stopAll()
	}
	i.services.Or(uint32(grbit))
	if grbit&jet.BitStopServiceQuiesceCaches != 0 {
		i.quiesce()
	}
	return nil
}

func (i *Instance) stopAll() error {
	i.services.Or(uint32(jet.BitStopServiceBackgroundUserTasks | jet.BitStopServiceQuiesceCaches))
	if i.closeGate(gateStopped) {
		return nil
	}
	i.quiesce()
	return nil
}

func (i *Instance) resumeService(which jet.Grbit) error {
	if i.gate.Load()&gateStopped != 0 {
		return jet.ErrClientRequestToStopJetService
	}
	if which == 0 {
		which = stopBits
	}
	i.services.And(^uint32(which))
	return nil
}

// quiesce brings the checkpoint as near to the end of the log as it gets, so that a JetTerm or a recovery that
// follows has little to do. What does not succeed is left to them.
func (i *Instance) quiesce() {
	if i.log == nil {
		return
	}
	for _, d := range i.attached() {
		if d.readOnly {
			continue
		}
		if err := i.cache.FlushDB(d.pages); err != nil {
			return
		}
	}
	_ = i.advanceCheckpoint(0)
}
