package engine

import (
	"time"

	"esent/internal/jet"
	"esent/internal/vfs"
)

// guardedScheduler runs the tasks of an instance and of its lower layers so that a panic in one makes the
// instance unavailable instead of ending the process.
type guardedScheduler struct {
	next vfs.Scheduler
	inst *Instance
}

// NewTask implements vfs.Scheduler.
func (g guardedScheduler) NewTask(name string, run func()) vfs.Task {
	return g.next.NewTask(name, func() {
		defer func() {
			if v := recover(); v != nil {
				g.inst.Panicked(v)
			}
		}()
		run()
	})
}

// Every implements vfs.Scheduler.
func (g guardedScheduler) Every(d time.Duration, t vfs.Task) (stop func()) { return g.next.Every(d, t) }

// tasks are what an instance does in the background, beside what its lower layers do.
type tasks struct {
	checkpoint vfs.Task
	logFlush   vfs.Task
	housekeep  vfs.Task
	stops      []func() // of timers
}

const (
	// checkpointPeriod is how often the checkpoint is looked at when no new log generation asks for it.
	checkpointPeriod = 10 * time.Second
	// lazyPeriod bounds how long lazily committed transactions stay volatile in an idle instance.
	lazyPeriod = time.Second
)

func (i *Instance) startTasks() {
	t := &i.tasks
	t.checkpoint = i.env.Sched.NewTask("checkpoint", i.checkpointTask)
	t.logFlush = i.env.Sched.NewTask("log flush", i.flushTask)
	t.housekeep = i.env.Sched.NewTask("version clean-up request", func() { i.cleanUp() })
	i.zeroed.task = i.env.Sched.NewTask("records at zero", i.deleteZeroed)
	if i.log == nil {
		return
	}
	t.stops = append(t.stops, i.env.Sched.Every(checkpointPeriod, t.checkpoint), i.env.Sched.Every(lazyPeriod, t.logFlush))
}

// stopTasks ends the background work; it may be repeated.
func (i *Instance) stopTasks() {
	t := &i.tasks
	for _, stop := range t.stops {
		stop()
	}
	t.stops = nil
	for _, d := range i.attached() {
		d.endMaintenance()
	}
	i.commits.stopTimer()
	for _, task := range []vfs.Task{t.checkpoint, t.logFlush, t.housekeep, i.zeroed.task} {
		if task != nil {
			task.Stop()
		}
	}
}

// cleanUp removes versions that nobody needs any more. What it could not do only costs space, unless the log
// is at fault.
func (i *Instance) cleanUp() error {
	err := i.versions.Clean()
	switch jet.CodeOf(err) {
	case jet.ErrLogWriteFail, jet.ErrLogDiskFull:
		i.fail(err)
	}
	return err
}

// kickCheckpoint has the checkpoint looked at soon; there is no task before JetInit is through.
func (t *tasks) kickCheckpoint() {
	if t.checkpoint != nil {
		t.checkpoint.Kick()
	}
}
