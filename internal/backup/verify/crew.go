package verify

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"esent/internal/backup/meter"
	"esent/internal/vfs"
)

const (
	// windowBytes is what one job reads at once: it stays in the cache of the processor that verifies it.
	windowBytes = 256 << 10
	// ahead is how many jobs wait for each task.
	ahead = 4
)

// crew does jobs by tasks of the scheduler, on all processors, while the caller watches over them: it tells the meter
// how far they are, and takes the results in the order in which the jobs were given. On a scheduler that has no time of
// its own the caller does the jobs.
type crew struct {
	meter *meter.Meter
	tasks []vfs.Task // none when the caller does the work
	bell  vfs.Task
	still func() // stops the bell

	// bytes and pages are done and not told to the meter.
	bytes, pages atomic.Int64
	cancelled    atomic.Bool

	mu      sync.Mutex
	changed sync.Cond // a job has ended, or the bell has rung
	waiting []*job
	working int
}

// job is a piece of work. do gets memory of windowBytes bytes; take, for the result, is called by the caller of crew.
type job struct {
	do    func(buf []byte)
	take  func() error
	done  bool
	panic any
}

func newCrew(sched vfs.Scheduler, m *meter.Meter) *crew {
	c := &crew{meter: m}
	c.changed.L = &c.mu
	if _, inline := sched.(vfs.Inline); inline {
		return c
	}
	c.bell = sched.NewTask("verify watch", c.ring)
	c.still = sched.Every(meter.Interval/10, c.bell)
	for range max(2, min(runtime.GOMAXPROCS(0), 8)) {
		w := &worker{crew: c}
		w.task = sched.NewTask("verify", w.run)
		c.tasks = append(c.tasks, w.task)
	}
	return c
}

func (c *crew) ring() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changed.Broadcast()
}

// stop ends the tasks; jobs that wait are not done any more.
func (c *crew) stop() {
	c.cancelled.Store(true)
	if c.bell == nil {
		return
	}
	c.still()
	c.bell.Stop()
	for _, t := range c.tasks {
		t.Stop()
	}
}

// worker is one of the tasks.
type worker struct {
	crew *crew
	task vfs.Task
	buf  []byte
}

// run does jobs until there are none.
func (w *worker) run() {
	c := w.crew
	if w.buf == nil {
		w.buf = make([]byte, windowBytes)
	}
	for !c.cancelled.Load() {
		c.mu.Lock()
		if len(c.waiting) == 0 {
			c.mu.Unlock()
			return
		}
		j := c.waiting[0]
		c.waiting = c.waiting[1:]
		c.working++
		c.mu.Unlock()
		j.run(w.buf)
		c.mu.Lock()
		c.working--
		j.done = true
		c.changed.Broadcast()
		c.mu.Unlock()
	}
}

// run does the job. A panic is kept for the caller, whose thread knows what to do with one.
func (j *job) run(buf []byte) {
	defer func() {
		if v := recover(); v != nil {
			j.panic = fmt.Sprintf("%v\n%s", v, debug.Stack())
		}
	}()
	j.do(buf)
}

// all does the jobs that next gives, until it gives nil, and takes their results in order. An error of the watcher or
// of a result ends it, when the jobs under way have ended.
func (c *crew) all(next func() *job) (err error) {
	var given []*job
	buf := []byte(nil)
	more := true
	defer func() {
		if err != nil {
			c.drop()
		}
	}()
	for {
		for more && len(given) <= ahead*len(c.tasks) {
			j := next()
			if more = j != nil; !more {
				break
			}
			given = append(given, j)
			if len(c.tasks) == 0 {
				if buf == nil {
					buf = make([]byte, windowBytes)
				}
				j.run(buf)
				j.done = true
				break
			}
			c.give(j)
		}
		if len(given) == 0 {
			return nil
		}
		j := given[0]
		given = given[1:]
		if err := c.wait(j); err != nil {
			return err
		}
		if j.panic != nil {
			panic(j.panic)
		}
		if err := j.take(); err != nil {
			return err
		}
	}
}

// one does a single job.
func (c *crew) one(do func(), take func() error) error {
	j := &job{do: func([]byte) { do() }, take: take}
	return c.all(func() *job {
		given := j
		j = nil
		return given
	})
}

func (c *crew) give(j *job) {
	c.mu.Lock()
	c.waiting = append(c.waiting, j)
	c.mu.Unlock()
	for _, t := range c.tasks {
		t.Kick()
	}
}

// wait waits for a job and tells the meter meanwhile.
func (c *crew) wait(j *job) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		done := j.done
		c.mu.Unlock()
		err := c.tell()
		c.mu.Lock()
		if done || err != nil {
			return err
		}
		if !j.done {
			c.changed.Wait()
		}
	}
}

// tell gives the meter what is done, in steps of a hundredth of the whole, for each of which the watcher is called.
func (c *crew) tell() error {
	bytes, pages := c.bytes.Swap(0), c.pages.Swap(0)
	if bytes == 0 && pages == 0 {
		return c.meter.Pulse()
	}
	for steps := 1 + bytes/max(1, c.meter.Position().BytesTotal/100); steps > 0; steps-- {
		b, p := bytes/steps, pages/steps
		if err := c.meter.Add(b, p); err != nil {
			return err
		}
		bytes, pages = bytes-b, pages-p
	}
	return nil
}

// drop takes back the jobs that nobody has begun, and waits for the others.
func (c *crew) drop() {
	c.cancelled.Store(true)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = nil
	for c.working > 0 {
		c.changed.Wait()
	}
}

// progress gives the meter what a count that goes from 0 to total has become.
type progress struct {
	crew         *crew
	bytes, pages int64 // what the whole stands for
	told         [2]int64
}

// at tells that done of total is reached; true says that the work is to end.
func (p *progress) at(done, total int64) (cancelled bool) {
	for i, all := range [2]int64{p.bytes, p.pages} {
		now := int64(float64(all) * min(1, float64(done)/float64(max(total, 1))))
		if now > p.told[i] {
			[2]*atomic.Int64{&p.crew.bytes, &p.crew.pages}[i].Add(now - p.told[i])
			p.told[i] = now
		}
	}
	return p.crew.cancelled.Load()
}
