package backup

import (
	"errors"
	"slices"
	"sync"
	"time"

	"esent/internal/engine"
	"esent/internal/eventlog"
	"esent/internal/jet"
	"esent/internal/logstore"
	"esent/internal/vfs"
)

// SnapshotID names a snapshot session (JET_OSSNAPID).
type SnapshotID uint64

// snapshots are the snapshot sessions of the process, in which instances are held still while somebody copies their
// disks (JetOSSnapshot*, spec chapter 06, 10).
type snapshots struct {
	mu   sync.Mutex // one call at a time
	last SnapshotID
	open map[SnapshotID]*snapshotSession
}

// snapshotState is a step of spec chapter 06, 10.1.
type snapshotState uint8

const (
	snapshotPrepared snapshotState = iota
	snapshotFrozen
	snapshotTimedOut
	snapshotThawed // logs may be truncated
	snapshotTruncated
)

// snapshotSession is a snapshot session. It is guarded by snapshots.mu.
type snapshotSession struct {
	svc     *Service
	id      SnapshotID
	state   snapshotState
	grbit   jet.Grbit
	members []*snapshotMember
	timer   snapshotTimer
	voice   *eventlog.Logger // for events that concern no instance; nil when none ran at first
}

// snapshotMember is an instance of a snapshot session.
type snapshotMember struct {
	i *engine.Instance
	b *session
	// begun says that the instance counts as being backed up, frozen that its files are held.
	begun, frozen bool
}

// snapshotTimer ends a freeze that lasts too long.
type snapshotTimer struct {
	task  vfs.Task
	every func()
}

// end ends the timer; snapshots.mu is not held, for the task may be waiting for it.
func (t snapshotTimer) end() {
	if t.task != nil {
		t.every()
		t.task.Stop()
	}
}

const snapshotBits = jet.BitIncrementalSnapshot | jet.BitCopySnapshot | jet.BitContinueAfterThaw | jet.BitExplicitPrepare

func (n *snapshotSession) has(bit jet.Grbit) bool { return n.grbit&bit != 0 }

// SnapshotPrepare begins a snapshot session (JetOSSnapshotPrepare). Unless grbit has JET_bitExplicitPrepare, all running
// instances that are in no other session are in it. Errors: ErrInvalidGrbit, ErrNotInitialized.
func (s *Service) SnapshotPrepare(p *engine.Process, grbit jet.Grbit) (SnapshotID, error) {
	if grbit&^snapshotBits != 0 {
		return 0, jet.ErrInvalidGrbit
	}
	running := p.InstanceInfos()
	if len(p.Instances()) == 0 {
		return 0, jet.ErrNotInitialized
	}
	all := &s.snapshots
	var timers []snapshotTimer
	defer func() {
		for _, t := range timers {
			t.end()
		}
	}()
	all.mu.Lock()
	defer all.mu.Unlock()
	for _, n := range all.open { // nobody may come back to them
		n.prune(p)
		if n.state == snapshotTimedOut {
			timers, n.timer = append(timers, n.timer), snapshotTimer{}
		}
	}
	all.last++
	n := &snapshotSession{svc: s, id: all.last, grbit: grbit}
	if all.open == nil {
		all.open = map[SnapshotID]*snapshotSession{}
	}
	all.open[n.id] = n
	if len(running) > 0 && running[0].Instance.Events() != nil {
		n.voice = new(eventlog.Logger)
		*n.voice = *running[0].Instance.Events()
		n.voice.Instance = ""
	}
	n.report(n.prepareEvent())
	if !n.has(jet.BitExplicitPrepare) {
		for _, r := range running {
			if all.of(r.Instance) == nil {
				n.join(r.Instance)
			}
		}
	}
	return n.id, nil
}

func (n *snapshotSession) prepareEvent() int {
	switch copying := n.has(jet.BitCopySnapshot); {
	case n.has(jet.BitIncrementalSnapshot) && copying:
		return eventlog.SnapshotPrepareDifferential
	case n.has(jet.BitIncrementalSnapshot):
		return eventlog.SnapshotPrepareIncremental
	case copying:
		return eventlog.SnapshotPrepareCopy
	}
	return eventlog.SnapshotPrepareFull
}

// of gives the session that an instance is in, nil for none.
func (all *snapshots) of(i *engine.Instance) *snapshotSession {
	for _, n := range all.open {
		if slices.ContainsFunc(n.members, func(m *snapshotMember) bool { return m.i == i }) {
			return n
		}
	}
	return nil
}

// join makes a running instance a member.
func (n *snapshotSession) join(i *engine.Instance) {
	b := &session{svc: n.svc, e: Of(i), full: !n.has(jet.BitIncrementalSnapshot), kind: kindSnapshot, members: map[jet.DBID]bool{}}
	if log := i.Log(); log != nil {
		b.naming = log.Naming()
		b.note(logstore.BackupBegin, jet.BackupInfo{})
	}
	n.members = append(n.members, &snapshotMember{i: i, b: b})
}

// report reports an event of the session.
func (n *snapshotSession) report(event int, params ...any) {
	n.voice.Report(event, append([]any{uint64(n.id)}, params...)...)
}

// snapshot runs f on a session that is in one of the states (ErrOSSnapshotInvalidSnapId, ErrOSSnapshotInvalidSequence).
func (s *Service) snapshot(id SnapshotID, f func(n *snapshotSession) error, states ...snapshotState) error {
	all := &s.snapshots
	all.mu.Lock()
	defer all.mu.Unlock()
	n := all.open[id]
	switch {
	case n == nil:
		return jet.ErrOSSnapshotInvalidSnapId
	case !slices.Contains(states, n.state):
		return jet.ErrOSSnapshotInvalidSequence
	}
	return f(n)
}

// SnapshotPrepareInstance adds an instance to a session (JetOSSnapshotPrepareInstance). Errors: ErrInvalidGrbit,
// ErrOSSnapshotInvalidSnapId, ErrOSSnapshotInvalidSequence, ErrOSSnapshotNotAllowed.
func (s *Service) SnapshotPrepareInstance(id SnapshotID, i *engine.Instance, grbit jet.Grbit) error {
	if grbit != 0 {
		return jet.ErrInvalidGrbit
	}
	if err := i.Enter(); err != nil {
		return err
	}
	defer i.Leave()
	return s.snapshot(id, func(n *snapshotSession) error {
		if s.snapshots.of(i) != nil || i.BackupRunning() || !i.BackupAllowed() {
			return jet.ErrOSSnapshotNotAllowed
		}
		n.join(i)
		return nil
	}, snapshotPrepared)
}

// SnapshotFreeze holds the files of the session's instances still until SnapshotThaw, or for JET_paramOSSnapshotTimeout
// (JetOSSnapshotFreeze), and gives the instances. Errors: ErrInvalidGrbit, ErrOSSnapshotInvalidSnapId,
// ErrOSSnapshotInvalidSequence; and with the session prepared as it was ErrOSSnapshotNotAllowed for an instance that is
// backed up, which leaves the session; ErrInvalidBackup, ErrMissingFullBackup and ErrMissingFileToBackup for an
// incremental one, and those of the log.
func (s *Service) SnapshotFreeze(p *engine.Process, id SnapshotID, grbit jet.Grbit) (list []engine.InstanceInfo, err error) {
	if grbit != 0 {
		return nil, jet.ErrInvalidGrbit
	}
	err = s.snapshot(id, func(n *snapshotSession) error {
		n.prune(p)
		n.report(eventlog.SnapshotFreezeStart)
		if err := n.freeze(); err != nil {
			n.report(eventlog.SnapshotFreezeError, err)
			return err
		}
		n.state = snapshotFrozen
		n.startTimer(p)
		list = n.infos(p)
		return nil
	}, snapshotPrepared)
	return list, err
}

// prune takes instances out that do not run any more.
func (n *snapshotSession) prune(p *engine.Process) {
	running := p.Instances()
	n.members = slices.DeleteFunc(n.members, func(m *snapshotMember) bool { return !slices.Contains(running, m.i) })
}

// infos tells of the members.
func (n *snapshotSession) infos(p *engine.Process) []engine.InstanceInfo {
	return slices.DeleteFunc(p.InstanceInfos(), func(info engine.InstanceInfo) bool {
		return !slices.ContainsFunc(n.members, func(m *snapshotMember) bool { return m.i == info.Instance })
	})
}

// freeze freezes all instances, or none: those that were begun with before an error leave the session.
func (n *snapshotSession) freeze() error {
	for k, m := range n.members {
		m.b.report(eventlog.SnapshotFreezeStart, uint64(n.id))
		if err := n.begin(m); err != nil {
			n.release(k + 1)
			return err
		}
	}
	for _, m := range n.members {
		if err := m.freeze(); err != nil {
			n.thaw()
			n.release(len(n.members))
			return err
		}
	}
	return nil
}

// begin makes the instance one that is being backed up.
func (n *snapshotSession) begin(m *snapshotMember) error {
	if err := m.i.Enter(); err != nil || m.i.Log() == nil || !m.i.BackupAllowed() {
		if err == nil {
			m.i.Leave()
		}
		return jet.ErrOSSnapshotNotAllowed
	}
	defer m.i.Leave()
	if !m.i.BeginBackup(func(jet.Err) { n.svc.leave(n, m) }) {
		return jet.ErrOSSnapshotNotAllowed
	}
	m.begun = true
	return nil
}

// leave takes an instance that is being terminated out of a session.
func (s *Service) leave(n *snapshotSession, m *snapshotMember) {
	s.snapshots.mu.Lock()
	defer s.snapshots.mu.Unlock()
	m.thaw()
	m.release()
	n.members = slices.DeleteFunc(n.members, func(o *snapshotMember) bool { return o == m })
}

// freeze holds the instance's files and finds which logs are concerned (spec chapter 06, 10.2).
func (m *snapshotMember) freeze() error {
	if err := m.i.Enter(); err != nil {
		return err
	}
	defer m.i.Leave()
	b := m.b
	circular := m.i.Log().Circular()
	if !b.full {
		if circular {
			return jet.ErrInvalidBackup.Errorf("an incremental snapshot needs all logs, circular logging is on")
		}
		for _, d := range b.loggable() {
			if h := d.File().Header(); h.FullPrev.GenLow == 0 || h.FullPrevType != kindSnapshot {
				return jet.ErrMissingFullBackup.Errorf("%s", d.Path())
			}
		}
	}
	rec := b.record(logstore.BackupPrepareLogs, jet.BackupInfo{})
	pos, err := m.i.Freeze(rec)
	if err != nil {
		return err
	}
	m.frozen = true
	b.rolled, b.rolledTime, b.mark, b.markTime = pos, rec.Info.Time, pos, rec.Info.Time
	if b.archives, err = b.findLogs(); err != nil {
		return err
	}
	c := b.e.Checkpoint()
	b.checkpoint = c.Pos
	highest := pos.Gen()
	if !circular {
		highest--
	}
	lowest := b.archives.Lowest()
	b.copyMic, b.copyMac = c.Pos.Gen(), highest+1
	if !b.full {
		if err := b.checkChain(lowest); err != nil {
			return err
		}
		b.copyMic = lowest
	}
	b.deleteMac = min(highest, c.Pos.Gen())
	for _, d := range b.loggable() {
		b.members[d.ID()] = true
	}
	return nil
}

// thaw lets the instance's files go.
func (m *snapshotMember) thaw() {
	if m.frozen {
		m.frozen = false
		// An error has made the instance unavailable, which tells of it.
		_ = m.i.Thaw()
	}
}

// release ends the instance's being backed up.
func (m *snapshotMember) release() {
	if m.begun {
		m.begun = false
		m.b.e.EndBackup()
	}
	if m.i.Log() != nil && m.i.Log().Err() == nil {
		m.b.note(logstore.BackupStop, jet.BackupInfo{})
	}
}

func (n *snapshotSession) thaw() {
	for _, m := range n.members {
		m.thaw()
	}
}

// release lets the first so many instances go.
func (n *snapshotSession) release(count int) {
	for _, m := range n.members[:count] {
		m.release()
	}
	n.members = slices.Delete(n.members, 0, count)
}

// startTimer ends the freeze after its time.
func (n *snapshotSession) startTimer(p *engine.Process) {
	ms, _, _, err := p.GetParam(engine.ParamTarget{}, jet.ParamOSSnapshotTimeout)
	if err != nil || len(n.members) == 0 {
		return
	}
	sched := n.members[0].i.Env().Sched
	n.timer.task = sched.NewTask("snapshot time-out", func() { n.timeOut(ms) })
	n.timer.every = sched.Every(max(time.Millisecond, time.Duration(ms)*time.Millisecond), n.timer.task)
}

func (n *snapshotSession) timeOut(ms int64) {
	n.svc.snapshots.mu.Lock()
	defer n.svc.snapshots.mu.Unlock()
	if n.state != snapshotFrozen {
		return
	}
	n.timer.every()
	n.thaw()
	n.state = snapshotTimedOut
	n.report(eventlog.SnapshotTimeOut, ms)
	n.release(len(n.members))
}

// SnapshotFreezeInfo gives the instances of a session (JetOSSnapshotGetFreezeInfo). Errors: ErrInvalidGrbit,
// ErrOSSnapshotInvalidSnapId.
func (s *Service) SnapshotFreezeInfo(p *engine.Process, id SnapshotID, grbit jet.Grbit) (list []engine.InstanceInfo, err error) {
	if grbit != 0 {
		return nil, jet.ErrInvalidGrbit
	}
	err = s.snapshot(id, func(n *snapshotSession) error {
		list = n.infos(p)
		return nil
	}, snapshotPrepared, snapshotFrozen, snapshotTimedOut, snapshotThawed, snapshotTruncated)
	return list, err
}

// SnapshotThaw lets the instances write again (JetOSSnapshotThaw). Unless the session goes on after that
// (JET_bitContinueAfterThaw), it ends. Errors: ErrInvalidGrbit, ErrOSSnapshotInvalidSnapId,
// ErrOSSnapshotInvalidSequence, ErrOSSnapshotTimeOut when the time was over before.
func (s *Service) SnapshotThaw(id SnapshotID, grbit jet.Grbit) error {
	if grbit != 0 {
		return jet.ErrInvalidGrbit
	}
	var timer snapshotTimer
	err := s.snapshot(id, func(n *snapshotSession) (err error) {
		timer, n.timer = n.timer, snapshotTimer{}
		if n.state == snapshotTimedOut {
			err = jet.ErrOSSnapshotTimeOut
		} else {
			n.thaw()
			n.state = snapshotThawed
			n.report(eventlog.SnapshotFreezeStop)
		}
		if !n.has(jet.BitContinueAfterThaw) {
			n.finish(err != nil)
		}
		return err
	}, snapshotFrozen, snapshotTimedOut)
	timer.end()
	return err
}

// SnapshotTruncate deletes the logs that are no longer needed once the snapshot is safe, of one instance or with nil of
// all (JetOSSnapshotTruncateLog and -Instance). It does so if all databases were in it (JET_bitAllDatabasesSnapshot) and
// logging is not circular. Errors: ErrInvalidGrbit, ErrOSSnapshotInvalidSnapId, ErrOSSnapshotInvalidSequence, also for a
// copy snapshot, ErrRequiredLogFilesMissing.
func (s *Service) SnapshotTruncate(id SnapshotID, i *engine.Instance, grbit jet.Grbit) error {
	if grbit&^jet.BitAllDatabasesSnapshot != 0 {
		return jet.ErrInvalidGrbit
	}
	return s.snapshot(id, func(n *snapshotSession) error {
		if n.has(jet.BitCopySnapshot) {
			return jet.ErrOSSnapshotInvalidSequence
		}
		found := false
		var errs error
		for _, m := range n.members {
			if i == nil || m.i == i {
				found = true
				errs = errors.Join(errs, m.truncate(grbit))
			}
		}
		switch {
		case errs != nil:
			return errs
		case i != nil && !found:
			return jet.WrnNyi
		}
		n.state = snapshotTruncated
		return nil
	}, snapshotThawed, snapshotTruncated)
}

func (m *snapshotMember) truncate(grbit jet.Grbit) error {
	if err := m.i.Enter(); err != nil {
		return err
	}
	defer m.i.Leave()
	b := m.b
	defer func() { b.deleteMic, b.deleteMac = 0, 0 }()
	if grbit != 0 && !m.i.Log().Circular() && b.deleteMac != 0 {
		d, err := b.findLogs()
		if err != nil {
			return err
		}
		b.archives = d
		if b.deleteMic = d.Lowest(); b.deleteMic > b.deleteMac {
			return jet.ErrRequiredLogFilesMissing
		}
	} else {
		b.deleteMac = 0
	}
	return b.truncate(false)
}

// SnapshotEnd ends a session (JetOSSnapshotEnd). Unless grbit is JET_bitAbortSnapshot, a snapshot that was thawed is
// noted as a backup in the headers of the databases. Errors: ErrInvalidGrbit, ErrOSSnapshotInvalidSnapId,
// ErrOSSnapshotInvalidSequence.
func (s *Service) SnapshotEnd(id SnapshotID, grbit jet.Grbit) error {
	if grbit&^jet.BitAbortSnapshot != 0 {
		return jet.ErrInvalidGrbit
	}
	abort := grbit != 0
	states := []snapshotState{snapshotPrepared, snapshotThawed, snapshotTruncated}
	if abort {
		states = append(states, snapshotFrozen, snapshotTimedOut)
	}
	var timer snapshotTimer
	err := s.snapshot(id, func(n *snapshotSession) error {
		timer = n.timer
		n.finish(abort)
		return nil
	}, states...)
	timer.end()
	return err
}

// SnapshotAbort is SnapshotEnd with JET_bitAbortSnapshot (JetOSSnapshotAbort). An aborted snapshot never counts as a
// backup (spec chapter 06, P19).
func (s *Service) SnapshotAbort(id SnapshotID, grbit jet.Grbit) error {
	if grbit != 0 {
		return jet.ErrInvalidGrbit
	}
	return s.SnapshotEnd(id, jet.BitAbortSnapshot)
}

// finish ends the session.
func (n *snapshotSession) finish(abort bool) {
	n.thaw()
	if !abort && n.state != snapshotPrepared {
		for _, m := range n.members {
			m.stamp(!n.has(jet.BitCopySnapshot))
		}
	}
	event := eventlog.SnapshotEnd
	if abort {
		event = eventlog.SnapshotAbort
	}
	n.report(event)
	n.release(len(n.members))
	delete(n.svc.snapshots.open, n.id)
}

// stamp notes the snapshot in the headers of the instance's databases.
func (m *snapshotMember) stamp(truncated bool) {
	if m.i.Enter() != nil {
		return
	}
	defer m.i.Leave()
	err := m.b.stamp(truncated)
	if err == nil {
		err = m.b.writeStamps()
	}
	if err != nil {
		m.b.report(eventlog.BackupErrorInfoUpdate, err)
	}
}
