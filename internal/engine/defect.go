package engine

import (
	"errors"
	"runtime/debug"
	"time"

	"esent/internal/eventlog"
	"esent/internal/jet"
)

// A panic is a defect of the engine. The call in which it happens, or the background task, is stopped by recover; it
// may leave latches, a session's busy word and half a change in memory behind. Nothing of that may reach the files,
// and nobody may wait for it: the instance becomes unavailable, the page cache is given up, and JetTerm gives back
// what it can get at in a bounded time. What is durable in log and databases is what recovery goes on from.

// defectPatience is how long JetTerm waits, after a defect, for a step that may wait for something left behind.
const defectPatience = 2 * time.Second

// Panicked makes the instance unavailable after a panic in a call on it, which the caller has stopped by recover just
// now. One that does not run loses nothing by it and stays as it is.
func (i *Instance) Panicked(value any) error {
	cause, place := jet.ErrInternalError.Errorf("panic: %v", value), string(debug.Stack())
	if !i.started() {
		events := eventlog.Logger{Sink: i.proc.sink, Now: i.proc.env.Now, Instance: i.Display()}
		events.Report(eventlog.EngineDefect, eventlog.ErrorText(cause), place, int32(jet.ErrInternalError))
		return jet.ErrInstanceUnavailable
	}
	err := i.failAt(cause, place)
	i.defect.Store(true)
	if i.cache != nil {
		i.cache.Abandon()
	}
	return err
}

// Panicked is Instance.Panicked for a call with the session: it is not inside any more.
func (s *Session) Panicked(value any) error {
	err := s.inst.Panicked(value)
	s.leave()
	return err
}

// Panicked is Instance.Panicked for a call with the cursor.
func (c *Cursor) Panicked(value any) error {
	if s := c.session.Load(); s != nil {
		return s.Panicked(value)
	}
	return c.db.inst.Panicked(value)
}

// abandonDefect is abandon after a defect.
func (i *Instance) abandonDefect() error {
	steps := []func(){
		func() { i.backup.end(jet.ErrBackupAbortByServer) },
		i.stopTasks,
		func() {
			if i.versions != nil {
				i.versions.Stop()
			}
		},
		func() {
			if i.cache != nil {
				i.cache.Halt() // it keeps its memory: somebody may still look at it
			}
		},
	}
	for _, s := range i.openSessions() {
		steps = append(steps, s.abandonDefect)
	}
	var errs [3]error
	steps = append(steps,
		func() {
			if l := i.writing.Load(); l != nil {
				errs[0] = l.Close()
			}
		},
		func() { i.commits.end(i) })
	temp := i.databases[tempSlot]
	for _, d := range i.databases {
		if d != nil {
			steps = append(steps, func() { i.retire(d); i.delist(d) })
		}
	}
	for _, step := range steps {
		bounded(step)
	}
	errs[1] = i.files.closeAll()
	if temp != nil {
		errs[2] = i.env.FS.Remove(temp.path)
	}
	return errors.Join(errs[:]...)
}

// abandonDefect is abandon for a session that may be in pieces, or in which a call still is.
func (s *Session) abandonDefect() {
	if s.window.Busy.Load() == 0 {
		s.dropCursors()
	}
	s.gone()
}

// bounded runs a step that may wait for what a defect has left behind; it goes on by itself when its time is up.
func bounded(step func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() { _ = recover() }() // the defect was reported, this is its tail
		step()
	}()
	select {
	case <-done:
	case <-time.After(defectPatience):
	}
}
