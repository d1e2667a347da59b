package engine

import (
	"sync"
	"sync/atomic"
	"time"

	"esent/internal/jet"
	"esent/internal/vfs"
)

// DurableCommit is told that all commits up to a position are durable; down says that the log cannot be written any
// more (JET_paramDurableCommitCallback, spec chapter 01, 6.2). It runs on a thread of the engine and must not call
// it.
type DurableCommit func(id CommitID, down bool)

// commitNotifier tells the application of durable commits, and sees to it that lazy ones become so in the time that
// they were promised.
type commitNotifier struct {
	callback DurableCommit
	task     vfs.Task // calls back
	told     atomic.Uint64
	down     atomic.Bool

	mu sync.Mutex
	// deadline is when lazy commits must be durable, zero for none waiting; stop ends the timer for it.
	deadline time.Time
	stop     func()
}

// SetDurableCommitCallback gives the instance the function behind JET_paramDurableCommitCallback, before JetInit.
func (i *Instance) SetDurableCommitCallback(f DurableCommit) { i.commits.callback = f }

func (c *commitNotifier) start(i *Instance) {
	if c.callback != nil && i.log != nil {
		c.task = i.env.Sched.NewTask("durable commits", func() { c.tell(i) })
	}
}

// flushed is called when the log has become durable up to a newer position.
func (c *commitNotifier) flushed(i *Instance) {
	if c.task != nil && jet.LogPos(c.told.Load()) < i.log.DurablePos() {
		c.task.Kick()
	}
}

// logDown is called when the log cannot be written any more.
func (c *commitNotifier) logDown() {
	if c.task != nil && !c.down.Swap(true) {
		c.task.Kick()
	}
}

func (c *commitNotifier) tell(i *Instance) {
	pos := i.log.DurablePos()
	c.told.Store(uint64(pos))
	c.callback(CommitID{i.log.SignLog(), pos}, c.down.Load())
}

// end tells the last there is to tell.
func (c *commitNotifier) end(i *Instance) {
	if c.task == nil {
		return
	}
	c.task.Stop()
	if i.log != nil && jet.LogPos(c.told.Load()) < i.log.DurablePos() {
		c.tell(i)
	}
}

// flushLater has what is logged made durable within d, zero for the default.
func (i *Instance) flushLater(d time.Duration) {
	if d == 0 {
		return // the periodic flush comes soon enough
	}
	c := &i.commits
	c.mu.Lock()
	defer c.mu.Unlock()
	deadline := i.env.Now().Add(d)
	if !c.deadline.IsZero() && !deadline.Before(c.deadline) {
		return
	}
	if c.stop != nil {
		c.stop()
	}
	c.deadline = deadline
	c.stop = i.env.Sched.Every(d, i.tasks.logFlush)
}

func (c *commitNotifier) stopTimer() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stop != nil {
		c.stop()
	}
	c.stop, c.deadline = nil, time.Time{}
}

// flushTask is the background task that makes lazy commits durable.
func (i *Instance) flushTask() {
	if i.log == nil || i.failed() {
		return
	}
	i.commits.stopTimer()
	_ = i.flushWholeLog() // a failure has made the instance unavailable, which is all that can be done
}
