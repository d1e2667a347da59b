package backup

import (
	"sync"
	"time"

	"esent/internal/backup/meter"
	"esent/internal/jet"
)

// Service makes and restores the backups of a process. New makes one.
type Service struct {
	// Sleep waits between two attempts to read a page; tests replace it by a simulated clock.
	Sleep func(time.Duration)

	mu sync.Mutex
	// streaming are the streaming backups that have begun and not ended.
	streaming map[Engine]*session
	// meters are those of the backups that run.
	meters map[Engine]*meter.Meter

	snapshots snapshots
}

// New makes a Service without backups.
func New() *Service {
	return &Service{Sleep: time.Sleep, streaming: map[Engine]*session{}, meters: map[Engine]*meter.Meter{}}
}

// Status is told of the progress of a backup or a restore: snt is jet.SntBegin, jet.SntProgress or
// jet.SntComplete, and done of total units are through. It runs on the caller's thread.
type Status func(snt, done, total uint32)

const statusTotal = 100

// progress turns the positions of a meter into the calls of a Status: monotone, each percentage once, 1 to 99 between
// begin and complete (spec chapter 06, 6.1). The zero progress tells nobody.
type progress struct {
	status Status
	told   uint32
}

func (p *progress) begin() { p.tell(jet.SntBegin, 0) }

// watch is the meter.Watch of a Status.
func (p *progress) watch(at meter.Position) error {
	if at.BytesTotal <= 0 {
		return nil
	}
	percent := uint32(min(at.Bytes*statusTotal/at.BytesTotal, statusTotal-1))
	if percent > p.told {
		p.told = percent
		p.tell(jet.SntProgress, percent)
	}
	return nil
}

func (p *progress) complete() { p.tell(jet.SntComplete, statusTotal) }

func (p *progress) tell(snt, done uint32) {
	if p.status != nil {
		p.status(snt, done, statusTotal)
	}
}

// Stop asks the backup that runs on the instance to end (JetStopBackupInstance); it ends with
// ErrBackupAbortByServer at its next read. Without a backup it does nothing.
func (s *Service) Stop(e Engine) error {
	if err := e.Enter(); err != nil {
		return err
	}
	defer e.Leave()
	e.StopBackup()
	return nil
}

// Position tells how far the backup of the instance is, whichever call makes it: JetBackup, EsentBackup or a streaming
// backup. Without one the phase is meter.None. Snapshots have no position: the program copies.
func (s *Service) Position(e Engine) (meter.Position, error) {
	if err := e.Enter(); err != nil {
		return meter.Position{}, err
	}
	defer e.Leave()
	s.mu.Lock()
	m := s.meters[e]
	s.mu.Unlock()
	if m == nil {
		return meter.Position{}, nil
	}
	return m.Position(), nil
}

// show makes the meter of a backup that begins known, hide takes it back.
func (s *Service) show(b *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.meters[b.e] = b.meter
}

func (s *Service) hide(b *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.meters[b.e] == b.meter {
		delete(s.meters, b.e)
	}
}

// forget takes a session out of the streaming backups that run.
func (s *Service) forget(b *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.streaming[b.e] == b {
		delete(s.streaming, b.e)
	}
}
