package backup

import (
	"sync"
	"time"

	"esent/internal/jet"
	"esent/internal/vfs"
)

// pipeline reads ahead: while a window is being written, a task reads the next one. Whoever waits for a window does
// what watchers want meanwhile, and it is there that pauses are spent which reading asks for.
type pipeline struct {
	task vfs.Task
	// pulse is called every now and then by next as it waits, sleep spends a pause; the error of either is that of
	// next. nil does nothing.
	pulse func() error
	sleep func(time.Duration) error

	mu      sync.Mutex
	changed sync.Cond // a read has ended
	read    func(p []byte) (int, error)
	windows [2]window
	take    int // the window that the consumer gets next
	fill    int // the window that the task fills next
	held    bool
	busy    bool // a read is under way
	ended   bool
	// rest is the pause before the next attempt to read; see pause.
	rest time.Duration
}

// window is a part of a file in memory.
type window struct {
	buf  []byte
	n    int
	err  error
	full bool
}

func newPipeline(sched vfs.Scheduler) *pipeline {
	p := &pipeline{}
	p.changed.L = &p.mu
	p.task = sched.NewTask("backup read", p.run)
	return p
}

// stop ends the task, after a read that is under way.
func (p *pipeline) stop() { p.task.Stop() }

// begin makes read the function to read by, with windows of size bytes, once what was read before is forgotten.
func (p *pipeline) begin(size int, read func(p []byte) (int, error)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.busy {
		p.changed.Wait()
	}
	p.read, p.take, p.fill, p.held, p.ended, p.rest = read, 0, 0, false, false, 0
	for i := range p.windows {
		w := &p.windows[i]
		if cap(w.buf) < size {
			w.buf = make([]byte, size)
		}
		*w = window{buf: w.buf[:size]}
	}
}

// end waits for a read that is under way, and begins no other.
func (p *pipeline) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	for p.busy {
		p.changed.Wait()
	}
}

// next gives the next window, nil behind the end. It is valid until the next call.
func (p *pipeline) next() ([]byte, error) {
	p.mu.Lock()
	if p.held {
		p.windows[p.take] = window{buf: p.windows[p.take].buf}
		p.take ^= 1
		p.held = false
	}
	w := &p.windows[p.take]
	for !w.full {
		if err := p.wait(); err != nil {
			p.mu.Unlock()
			return nil, err
		}
	}
	p.held = true
	if !p.ended {
		p.task.Kick()
	}
	defer p.mu.Unlock()
	return w.buf[:w.n], w.err
}

// pollStep is how long the pipeline, and whoever works with it, waits before it looks what watchers want.
const pollStep = 20 * time.Millisecond

// wait waits for the task, but not for long. The lock is held, and released meanwhile.
func (p *pipeline) wait() error {
	rest, busy := p.rest, p.busy
	p.mu.Unlock()
	defer p.mu.Lock()
	if rest > 0 {
		var err error
		if p.sleep != nil {
			err = p.sleep(rest)
		}
		p.mu.Lock()
		p.rest = 0
		p.mu.Unlock()
		return err
	}
	if !busy {
		p.task.Kick()
	}
	p.task.WaitFor(pollStep)
	if p.pulse == nil {
		return nil
	}
	return p.pulse()
}

// pause is the error of a read that is to be tried again after a while, with the same buffer.
type pause time.Duration

func (p pause) Error() string { return "to be read again after " + time.Duration(p).String() }

// run fills the next free window.
func (p *pipeline) run() {
	p.mu.Lock()
	w := &p.windows[p.fill]
	if p.ended || w.full || p.rest > 0 || p.read == nil {
		p.mu.Unlock()
		return
	}
	p.busy = true
	read := p.read
	p.mu.Unlock()
	n, err := 0, error(jet.ErrInternalError) // what stays when read does not return
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.busy = false
		if d, ok := err.(pause); ok {
			p.rest = time.Duration(d)
			p.changed.Broadcast()
			return
		}
		w.n, w.err, w.full = n, err, true
		p.fill ^= 1
		if n == 0 || err != nil {
			p.ended = true
		}
		p.changed.Broadcast()
	}()
	n, err = read(w.buf)
}
