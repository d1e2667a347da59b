package simdisk

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"esent/internal/vfs"
)

// scheduler is the scheduler of one epoch.
type scheduler struct {
	s     *Sim
	epoch int
}

// Inline implements vfs.Inline.
func (c *scheduler) Inline() {}

func (c *scheduler) NewTask(name string, run func()) vfs.Task {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	t := &task{s: c.s, epoch: c.epoch, name: name, run: run}
	if c.epoch == c.s.epoch {
		c.s.tasks = append(c.s.tasks, t)
	}
	return t
}

// Every kicks t whenever d of simulated time has passed.
func (c *scheduler) Every(d time.Duration, t vfs.Task) (stop func()) {
	if d <= 0 {
		panic("simdisk: the period of a timer must be positive")
	}
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	tm := &timer{period: d, due: s.now.Add(d), task: t.(*task)}
	if c.epoch == s.epoch {
		s.timers = append(s.timers, tm)
	}
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.timers = slices.DeleteFunc(s.timers, func(o *timer) bool { return o == tm })
	}
}

type timer struct {
	period time.Duration
	due    time.Time
	task   *task
}

// advance moves the clock; the lock is held.
func (s *Sim) advance(d time.Duration) {
	s.now = s.now.Add(d)
	for _, tm := range s.timers {
		if late := s.now.Sub(tm.due); late >= 0 {
			tm.due = tm.due.Add((late/tm.period + 1) * tm.period)
			tm.task.kicked = !tm.task.stopped
		}
	}
}

type task struct {
	s     *Sim
	epoch int
	name  string
	run   func()

	running sync.Mutex // held during a run

	kicked, stopped bool // under s.mu
}

func (t *task) Kick() {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	t.kicked = !t.stopped
}

func (t *task) Wait() { t.runNow() }

func (t *task) WaitFor(time.Duration) {
	t.s.mu.Lock()
	kicked := t.kicked
	t.s.mu.Unlock()
	if kicked {
		t.runNow()
	}
}

// runNow runs the task on the calling goroutine, unless it is stopped or dead.
func (t *task) runNow() bool {
	t.running.Lock()
	defer t.running.Unlock()
	t.s.mu.Lock()
	alive := !t.stopped && t.epoch == t.s.epoch
	t.kicked = false
	t.s.mu.Unlock()
	if alive {
		t.run()
	}
	return alive
}

func (t *task) Stop() {
	t.s.mu.Lock()
	t.stopped, t.kicked = true, false
	t.s.tasks = slices.DeleteFunc(t.s.tasks, func(o *task) bool { return o == t })
	t.s.mu.Unlock()
	t.running.Lock() // a run on another goroutine ends first
	defer t.running.Unlock()
}

// Pending lists the names of the tasks that have been kicked and not run since, in the order of their
// creation.
func (s *Sim) Pending() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for _, t := range s.tasks {
		if t.kicked {
			names = append(names, t.name)
		}
	}
	return names
}

// RunTask runs the tasks of that name once each, kicked or not, and says how many there were.
func (s *Sim) RunTask(name string) int {
	s.mu.Lock()
	tasks := slices.Clone(s.tasks)
	s.mu.Unlock()
	n := 0
	for _, t := range tasks {
		if t.name == name && t.runNow() {
			n++
		}
	}
	return n
}

// Step runs one of the kicked tasks, chosen by the seed, and gives its name; false when none is kicked.
func (s *Sim) Step() (name string, ran bool) {
	s.mu.Lock()
	var kicked []*task
	for _, t := range s.tasks {
		if t.kicked {
			kicked = append(kicked, t)
		}
	}
	if len(kicked) == 0 {
		s.mu.Unlock()
		return "", false
	}
	t := kicked[s.schedRand.IntN(len(kicked))]
	s.mu.Unlock()
	t.runNow()
	return t.name, true
}

// runLimit is far beyond what a quiet engine needs; tasks that go on kicking each other reach it.
const runLimit = 100_000

// RunAll runs kicked tasks, in an order chosen by the seed, until none is kicked, and says how many runs
// that took.
func (s *Sim) RunAll() int {
	for n := 0; ; n++ {
		name, ran := s.Step()
		if !ran {
			return n
		}
		if n == runLimit {
			panic(fmt.Sprintf("simdisk: tasks do not come to rest, last ran %q", name))
		}
	}
}
