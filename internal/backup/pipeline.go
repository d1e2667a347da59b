package backup

import (
	"sync"

	"esent/internal/jet"
	"esent/internal/vfs"
)

// pipeline reads ahead: while a window is being written, a task reads the next one.
type pipeline struct {
	task vfs.Task

	mu      sync.Mutex
	changed sync.Cond // a read has ended
	read    func(p []byte) (int, error)
	windows [2]window
	take    int // the window that the consumer gets next
	fill    int // the window that the task fills next
	held    bool
	busy    bool // a read is under way
	ended   bool
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
	p.read, p.take, p.fill, p.held, p.ended = read, 0, 0, false, false
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
		if p.busy {
			p.changed.Wait()
			continue
		}
		p.mu.Unlock()
		p.task.Wait()
		p.mu.Lock()
	}
	p.held = true
	if !p.ended {
		p.task.Kick()
	}
	defer p.mu.Unlock()
	return w.buf[:w.n], w.err
}

// run fills the next free window.
func (p *pipeline) run() {
	p.mu.Lock()
	w := &p.windows[p.fill]
	if p.ended || w.full || p.read == nil {
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
		w.n, w.err, w.full = n, err, true
		p.fill ^= 1
		p.busy = false
		if n == 0 || err != nil {
			p.ended = true
		}
		p.changed.Broadcast()
	}()
	n, err = read(w.buf)
}
