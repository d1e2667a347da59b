package engine

import (
	"sync"
	"time"

	"esent/internal/jet"
	"esent/internal/vfs"
)

// DatabaseScan is what JetDatabaseScan asks for.
type DatabaseScan struct {
	// Seconds limits a single pass, 0 for no limit; Sleep is the pause between reads.
	Seconds uint32
	Sleep   time.Duration
	// Completed is called when a single pass has come to its end, with the seconds it took and the pages it read, by a
	// task of the engine's; nil for nobody.
	Completed func(s *Session, database uint32, seconds int64, pages int32)
	Grbit     jet.Grbit
}

const scanStarts = jet.BitDatabaseScanBatchStart | jet.BitDatabaseScanBatchStartContinuous

// DatabaseScan starts or stops the background scan of an open database, which reads every page and so finds those that
// cannot be read (JetDatabaseScan, spec chapter 02, 11); what is wrong is told as with any read. Errors: ErrInvalidGrbit,
// ErrInvalidParameter, ErrInvalidDatabaseId, ErrTransReadOnly, ErrDatabaseFileReadOnly,
// ErrDatabaseAlreadyRunningMaintenance.
func (s *Session) DatabaseScan(t Thread, number uint32, o *DatabaseScan) error {
	if err := s.enterOwned(t); err != nil {
		return err
	}
	defer s.leave()
	d, err := s.database(number)
	if err != nil {
		return err
	}
	start, stop := o.Grbit&scanStarts, o.Grbit&jet.BitDatabaseScanBatchStop != 0
	continuous := start == jet.BitDatabaseScanBatchStartContinuous
	switch {
	case (start != 0) == stop, start == scanStarts:
		return jet.ErrInvalidGrbit
	case continuous && (o.Seconds != 0 || o.Sleep != 0 || o.Completed != nil):
		return jet.ErrInvalidParameter
	case s.readOnly && s.trx.Level() > 0:
		return jet.ErrTransReadOnly
	case stop:
		d.scan.stop()
		return nil
	case d.readOnly:
		return jet.ErrDatabaseFileReadOnly
	case continuous:
		return d.scan.start(d, d.continuousScan())
	}
	p := scanPass{pause: o.Sleep, completed: o.Completed}
	if o.Seconds > 0 {
		p.until = s.inst.env.Now().Add(time.Duration(o.Seconds) * time.Second)
	}
	return d.scan.start(d, p)
}

// continuousScan is a scan that begins again and again, as the parameters say.
func (d *Database) continuousScan() scanPass {
	i := d.inst
	return scanPass{pause: time.Duration(i.number(jet.ParamDbScanThrottle)) * time.Millisecond,
		period: max(time.Second, time.Duration(i.number(jet.ParamDbScanIntervalMinSec))*time.Second)}
}

// scanChunk is how many pages are read between two pauses.
const scanChunk = 16

// scanPass is a pass over a database.
type scanPass struct {
	pause     time.Duration
	period    time.Duration // from the start of one pass to that of the next; 0 for a single one
	until     time.Time     // zero for no limit
	completed func(s *Session, database uint32, seconds int64, pages int32)

	started time.Time
	next    jet.Pgno  // to be read
	due     time.Time // when that is
	waiting bool      // for the pass to begin
	pages   int32     // read
	bad     int32     // of them not fit for use
}

// scanner is the background scan of one database.
type scanner struct {
	mu      sync.Mutex
	task    vfs.Task
	timer   func()
	running bool
	pass    scanPass
}

func (sc *scanner) start(d *Database, p scanPass) error {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	if sc.running {
		return jet.ErrDatabaseAlreadyRunningMaintenance
	}
	i := d.inst
	if sc.task == nil {
		sc.task = i.env.Sched.NewTask("database scan", func() { d.scanTask() })
	}
	p.started, p.next = i.env.Now(), 1
	sc.pass, sc.running = p, true
	sc.timer = func() {}
	sc.every(i, p.pause)
	sc.task.Kick()
	return nil
}

// every has the task run each d from now on; the lock is held.
func (sc *scanner) every(i *Instance, d time.Duration) {
	sc.timer()
	sc.timer = i.env.Sched.Every(max(d, time.Millisecond), sc.task)
}

// stop ends the scan, and returns when it has ended.
func (sc *scanner) stop() {
	sc.mu.Lock()
	if !sc.running {
		sc.mu.Unlock()
		return
	}
	sc.over()
	task := sc.task
	sc.mu.Unlock()
	task.Wait()
}

// over makes the scan one that does not run; the lock is held.
func (sc *scanner) over() {
	sc.running = false
	sc.timer()
}

// end stops the scan for good.
func (sc *scanner) end() {
	sc.stop()
	sc.mu.Lock()
	task := sc.task
	sc.task = nil
	sc.mu.Unlock()
	if task != nil {
		task.Stop()
	}
}

// scanTask reads the pages that come next.
func (d *Database) scanTask() {
	sc, i := &d.scan, d.inst
	trx := i.versions.NewSystemSession()
	defer i.versions.EndSession(trx)
	last, err := d.space.LastOwned(trx)
	if err != nil {
		last = 0 // there is nothing that could be looked at, and whoever works with the database meets the error
	}
	for {
		sc.mu.Lock()
		p, now := &sc.pass, i.env.Now()
		if !sc.running || i.failed() || now.Before(p.due) {
			sc.mu.Unlock()
			return
		}
		if p.waiting { // for the time of this pass
			p.waiting = false
			sc.every(i, p.pause)
		}
		first, end := p.next, min(p.next+scanChunk, last+1)
		sc.mu.Unlock()
		bad := d.readAll(first, end)

		sc.mu.Lock()
		if !sc.running {
			sc.mu.Unlock()
			return
		}
		now = i.env.Now()
		p.next = end
		p.pages += int32(max(end, first) - first)
		p.bad += bad
		p.due = now.Add(p.pause)
		timeUp := !p.until.IsZero() && !now.Before(p.until)
		if p.next <= last && !timeUp {
			sc.mu.Unlock()
			continue
		}
		done := *p
		if p.period > 0 {
			p.due = p.started.Add(p.period)
			p.started, p.next, p.pages, p.bad = p.due, 1, 0, 0
			p.waiting = true
			sc.every(i, p.due.Sub(now))
		} else {
			sc.over()
		}
		sc.mu.Unlock()
		if done.completed != nil && !timeUp {
			done.completed(i.sessionOf(trx), d.number, int64(now.Sub(done.started)/time.Second), done.pages)
		}
	}
}

// readAll reads pages through the cache and counts those that cannot be used; blank ones are no fault.
func (d *Database) readAll(first, end jet.Pgno) (bad int32) {
	for pgno := first; pgno < end; pgno++ {
		switch _, _, err := d.inst.cache.GetScan(d.pages, pgno); jet.CodeOf(err) {
		case jet.ErrSuccess, jet.ErrPageNotInitialized:
		default:
			bad++
		}
	}
	return bad
}
