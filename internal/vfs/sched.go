package vfs

import (
	"sync"
	"time"
)

// Scheduler runs background tasks. In production each task has a goroutine of its own; in the simulation
// tasks run only when the test, or a call that waits for one, runs them.
type Scheduler interface {
	// NewTask registers run under a name; the first run is at the first Kick or Wait. Runs of one task
	// never overlap.
	NewTask(name string, run func()) Task
	// Every kicks t each d until stop is called; after stop has returned no kick follows. d must be
	// positive.
	Every(d time.Duration, t Task) (stop func())
}

// Inline marks a Scheduler that has no time of its own: tasks run only when the test, or a call that waits for one,
// runs them. Who would wait in another way does the work itself.
type Inline interface{ Inline() }

// Task is a piece of background work.
type Task interface {
	// Kick asks for a run and returns at once. Kicks before the run begins are one; a kick during a run
	// brings another.
	Kick()
	// Wait returns when a run that began after the call has ended, or at once when the task is stopped;
	// the simulation runs it inline. It must not be called from within run.
	Wait()
	// WaitFor waits for at most d until a run ends. It asks for none, and returns at once when none is under way or
	// asked for; the simulation runs inline what was asked for. It may return early: the caller looks for itself.
	// It must not be called from within run.
	WaitFor(d time.Duration)
	// Stop prevents further runs and waits for a run that is under way. It may be repeated, and must not
	// be called from within run.
	Stop()
}

// NewScheduler is the production scheduler.
func NewScheduler() Scheduler { return goScheduler{} }

type goScheduler struct{}

func (goScheduler) NewTask(_ string, run func()) Task {
	t := &goTask{run: run, wake: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{})}
	t.changed.L = &t.mu
	go t.loop()
	return t
}

type goTask struct {
	run        func()
	wake       chan struct{} // holds one token while a run is asked for
	quit, done chan struct{}
	stop       sync.Once

	mu           sync.Mutex
	changed      sync.Cond // began, ended or over has changed
	began, ended uint64    // number of runs
	over         bool
}

func (t *goTask) loop() {
	defer func() {
		t.mu.Lock()
		t.over = true
		t.changed.Broadcast()
		t.mu.Unlock()
		close(t.done)
	}()
	for {
		select {
		case <-t.quit:
			return
		case <-t.wake:
		}
		select { // a stop comes before a kick
		case <-t.quit:
			return
		default:
		}
		t.mu.Lock()
		t.began++
		t.mu.Unlock()
		t.run()
		t.mu.Lock()
		t.ended++
		t.changed.Broadcast()
		t.mu.Unlock()
	}
}

func (t *goTask) Kick() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

func (t *goTask) Wait() {
	t.mu.Lock()
	defer t.mu.Unlock()
	// The token may still be there from an earlier kick: the run that takes it begins after this line too.
	target := t.began + 1
	t.Kick()
	for t.ended < target && !t.over {
		t.changed.Wait()
	}
}

func (t *goTask) WaitFor(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	late := false
	timer := time.AfterFunc(d, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		late = true
		t.changed.Broadcast()
	})
	defer timer.Stop()
	for ended := t.ended; t.ended == ended && !late && !t.over && (t.began > ended || len(t.wake) > 0); {
		t.changed.Wait()
	}
}

func (t *goTask) Stop() {
	t.stop.Do(func() { close(t.quit) })
	<-t.done
}

func (goScheduler) Every(d time.Duration, t Task) (stop func()) {
	e := &every{period: d, task: t}
	e.mu.Lock()
	e.timer = time.AfterFunc(d, e.fire)
	e.mu.Unlock()
	return e.stop
}

type every struct {
	period  time.Duration
	task    Task
	mu      sync.Mutex
	timer   *time.Timer
	stopped bool
}

func (e *every) fire() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.stopped {
		e.task.Kick()
		e.timer.Reset(e.period)
	}
}

func (e *every) stop() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stopped = true
	e.timer.Stop()
}
