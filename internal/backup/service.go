package backup

import (
	"sync"
	"time"

	"esent/internal/jet"
)

// Service makes and restores the backups of a process. New makes one.
type Service struct {
	// Sleep waits between two attempts to read a page; tests replace it by a simulated clock.
	Sleep func(time.Duration)

	mu sync.Mutex
	// streaming are the streaming backups that have begun and not ended.
	streaming map[Engine]*session

	snapshots snapshots
}

// New makes a Service without backups.
func New() *Service { return &Service{Sleep: time.Sleep, streaming: map[Engine]*session{}} }

// Status is told of the progress of a backup or a restore: snt is jet.SntBegin, jet.SntProgress or
// jet.SntComplete, and done of total units are through. It runs on the caller's thread.
type Status func(snt, done, total uint32)

const statusTotal = 100

// progress turns bytes into the calls of a Status: monotone, each percentage once, 1 to 99 between begin and
// complete (spec chapter 06, 6.1). The zero progress tells nobody.
type progress struct {
	status      Status
	done, total int64
	told        uint32
}

func (p *progress) begin() { p.tell(jet.SntBegin, 0) }

// add counts n more bytes.
func (p *progress) add(n int64) {
	p.done += n
	if p.total <= 0 {
		return
	}
	percent := uint32(min(p.done*statusTotal/p.total, statusTotal-1))
	if percent > p.told {
		p.told = percent
		p.tell(jet.SntProgress, percent)
	}
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

// forget takes a session out of the streaming backups that run.
func (s *Service) forget(b *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.streaming[b.e] == b {
		delete(s.streaming, b.e)
	}
}
