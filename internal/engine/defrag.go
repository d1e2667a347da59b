package engine

import (
	"errors"
	"sync"
	"time"

	"esent/internal/jet"
	"esent/internal/vfs"
)

// Defragmentation is what JetDefragment asks for.
type Defragmentation struct {
	// Table is looked at with JET_bitDefragmentBTree only; HasTable says that it is given.
	Table    string
	HasTable bool
	// Passes and Seconds limit a batch, 0 for no limit; Given says that the caller has a place for them.
	Passes, Seconds           uint32
	PassesGiven, SecondsGiven bool
	// Completed is called when a batch has ended, by a task of the engine's; nil for nobody.
	Completed func(s *Session, database uint32)
	Grbit     jet.Grbit
}

const (
	defragOptions = jet.BitDefragmentAvailSpaceTreesOnly | jet.BitDefragmentNoPartialMerges
	// defragPeriod is how often a batch without a limit goes over the database, defragCheck how often it is looked
	// whether it is time, and whether a backup that it makes way for has ended.
	defragPeriod = time.Hour
	defragCheck  = 5 * time.Minute
)

// Defragment starts or stops the online defragmentation of an open database, or asks for that of one table
// (JetDefragment, spec chapter 01, 15). A stop gives the passes that were made and the seconds that they took. Results:
// WrnDefragAlreadyRunning, WrnDefragNotRunning. Errors: ErrInvalidGrbit, ErrInvalidParameter, ErrInvalidName,
// ErrInvalidDatabaseId, ErrDatabaseFileReadOnly, ErrTransReadOnly, ErrObjectNotFound.
func (s *Session) Defragment(t Thread, number uint32, o *Defragmentation) (passes, seconds uint32, warn jet.Err, err error) {
	if err := s.enterOwned(t); err != nil {
		return 0, 0, 0, err
	}
	defer s.leave()
	d, err := s.database(number)
	if err != nil {
		return 0, 0, 0, err
	}
	return s.defragment(d, o)
}

// DefragmentPath is Defragment for an attached database that is named by its path (JetDefragment3).
func (s *Session) DefragmentPath(t Thread, file string, o *Defragmentation) (passes, seconds uint32, warn jet.Err, err error) {
	if err := s.enterOwned(t); err != nil {
		return 0, 0, 0, err
	}
	defer s.leave()
	abs, err := s.inst.absolute(file)
	if err != nil {
		return 0, 0, 0, err
	}
	s.inst.attachMu.Lock() // it is not detached meanwhile
	defer s.inst.attachMu.Unlock()
	s.inst.mu.Lock()
	d := s.inst.find(abs)
	s.inst.mu.Unlock()
	if d == nil {
		return 0, 0, 0, jet.ErrDatabaseNotFound.Errorf("%s is not attached", abs)
	}
	return s.defragment(d, o)
}

func (s *Session) defragment(d *Database, o *Defragmentation) (passes, seconds uint32, warn jet.Err, err error) {
	switch {
	case s.readOnly && s.trx.Level() > 0:
		return 0, 0, 0, jet.ErrTransReadOnly
	case o.Grbit&jet.BitDefragmentBTreeBatch != 0:
		return 0, 0, 0, d.resumeTrees(o)
	case o.Grbit&jet.BitDefragmentBTree != 0:
		return 0, 0, 0, s.defragmentTable(d, o)
	}
	level := jet.Grbit(s.inst.number(jet.ParamEnableOnlineDefrag))
	if level&jet.OnlineDefragAllOBSOLETE != 0 {
		level = jet.OnlineDefragAll
	}
	switch {
	case level == 0:
		return 0, 0, 0, nil
	case d.readOnly:
		return 0, 0, 0, jet.ErrDatabaseFileReadOnly
	}
	switch o.Grbit &^ defragOptions {
	case jet.BitDefragmentBatchStart:
		// Space trees alone have nothing that is worth it: their pages are few.
		if level&jet.OnlineDefragDatabases == 0 && o.Grbit&jet.BitDefragmentAvailSpaceTreesOnly == 0 && level&jet.OnlineDefragSpaceTrees == 0 {
			return 0, 0, 0, nil
		}
		only := o.Grbit&jet.BitDefragmentAvailSpaceTreesOnly != 0 || level&jet.OnlineDefragDatabases == 0
		return 0, 0, d.defrag.start(d, o, only), nil
	case jet.BitDefragmentBatchStop:
		passes, seconds, warn = d.defrag.stop()
		if level&(jet.OnlineDefragDatabases|jet.OnlineDefragSpaceTrees) == 0 {
			warn = 0
		}
		return passes, seconds, warn, nil
	}
	return 0, 0, 0, jet.ErrInvalidGrbit
}

// resumeTrees goes on with tables that JET_bitDefragmentBTree was given for before a restart: here, none are left over.
func (d *Database) resumeTrees(o *Defragmentation) error {
	switch {
	case o.PassesGiven, o.SecondsGiven:
		return jet.ErrInvalidParameter
	case o.Grbit&^jet.BitDefragmentBTreeBatch != jet.BitDefragmentBatchStart:
		return jet.ErrInvalidGrbit
	case o.Completed != nil, o.HasTable:
		return jet.ErrInvalidParameter
	case d.readOnly:
		return jet.ErrDatabaseFileReadOnly
	}
	return nil
}

// defragmentTable has the trees of one table swept by the background task.
func (s *Session) defragmentTable(d *Database, o *Defragmentation) error {
	switch {
	case o.Grbit&^jet.BitDefragmentBTree != 0:
		return jet.ErrInvalidGrbit
	case o.Completed != nil:
		return jet.ErrInvalidParameter
	case !o.HasTable:
		return jet.ErrInvalidName
	case d.readOnly:
		return jet.ErrDatabaseFileReadOnly
	}
	table, err := d.cat.Table(s.trx, o.Table)
	if err != nil {
		return err
	}
	name := table.Name()
	table.Release()
	d.defrag.add(d, name)
	return nil
}

// defragmenter is the online defragmentation of one database.
type defragmenter struct {
	// sweeping is held while a tree is looked at, and by whoever drops a table or an index: no tree is destroyed
	// beneath a sweep.
	sweeping sync.Mutex

	mu       sync.Mutex
	task     vfs.Task // made when it is first needed
	timer    func()   // stops the timer between passes
	running  bool     // a batch runs
	tables   []string // asked for one by one
	job      defragJob
	stopping bool // the batch is to end
	closed   bool // all is to end
}

// defragJob is one batch.
type defragJob struct {
	spaceOnly bool
	maxPasses uint32
	passes    uint32
	started   time.Time
	next      time.Time // when the next pass is due
	until     time.Time // zero for no limit
	ended     time.Time
	completed func(s *Session, database uint32)
}

// prepare makes the task; the lock is held.
func (f *defragmenter) prepare(d *Database) {
	if f.task == nil {
		f.task = d.inst.env.Sched.NewTask("online defragmentation", func() { d.defragTask() })
	}
}

func (f *defragmenter) start(d *Database, o *Defragmentation, spaceOnly bool) jet.Err {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.running {
		return jet.WrnDefragAlreadyRunning
	}
	now := d.inst.env.Now()
	f.job = defragJob{spaceOnly: spaceOnly, maxPasses: o.Passes, started: now, completed: o.Completed}
	if o.Seconds > 0 {
		f.job.until = now.Add(time.Duration(o.Seconds) * time.Second)
	}
	f.running = true
	f.stopping = false
	f.prepare(d)
	f.timer = d.inst.env.Sched.Every(defragCheck, f.task)
	f.task.Kick()
	return 0
}

// add has a table swept soon.
func (f *defragmenter) add(d *Database, table string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, name := range f.tables {
		if name == table {
			return
		}
	}
	f.tables = append(f.tables, table)
	f.prepare(d)
	f.task.Kick()
}

// stop ends a batch and returns when it has ended.
func (f *defragmenter) stop() (passes, seconds uint32, warn jet.Err) {
	f.mu.Lock()
	if !f.running || f.stopping {
		f.mu.Unlock()
		return 0, 0, jet.WrnDefragNotRunning
	}
	f.stopping = true
	task, started := f.task, f.job.started
	f.mu.Unlock()
	task.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.job.passes, uint32(max(0, f.job.ended.Sub(started)/time.Second)), 0
}

// end stops whatever runs, for good.
func (f *defragmenter) end() {
	f.mu.Lock()
	f.closed = true
	f.tables = nil
	task := f.task
	f.mu.Unlock()
	if task == nil {
		return
	}
	task.Wait()
	task.Stop()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.task, f.closed = nil, false // the database may stay after all
}

// defragTask makes one pass of the batch that runs, if one does, and sweeps the tables that were asked for.
func (d *Database) defragTask() {
	f, i := &d.defrag, d.inst
	trx := i.versions.NewSystemSession()
	s := i.sessionOf(trx)
	defer i.versions.EndSession(trx)
	for name, ok := f.nextTable(); ok; name, ok = f.nextTable() {
		if err := d.sweepTable(s, name, false); err != nil {
			break // what is at fault shows in what the program does with the table
		}
	}
	f.mu.Lock()
	j := &f.job
	due := f.running && (f.stopping || f.closed || !i.env.Now().Before(j.next))
	spaceOnly := j.spaceOnly
	f.mu.Unlock()
	if !due {
		return
	}
	err := d.cannotGoOn(true)
	if err == nil && !spaceOnly {
		err = d.defragPass(s)
	}
	now := i.env.Now()
	f.mu.Lock()
	if err == nil {
		j.passes++
		j.next = now.Add(defragPeriod)
		switch {
		case j.maxPasses == 0:
		case j.passes >= j.maxPasses:
			err = errStopped
		default:
			j.next = now
			f.task.Kick()
		}
	}
	if err == nil || err == errPaused {
		f.mu.Unlock()
		return
	}
	f.timer()
	f.running, f.stopping = false, false
	j.ended = now
	completed := j.completed
	f.mu.Unlock()
	if completed != nil {
		completed(s, d.number)
	}
}

func (f *defragmenter) nextTable() (name string, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.tables) == 0 || f.closed {
		return "", false
	}
	name, f.tables = f.tables[0], f.tables[1:]
	return name, true
}

// errStopped ends a pass that must not go on, and its batch; errPaused ends a pass that is made another time.
var (
	errStopped = errors.New("stopped")
	errPaused  = errors.New("paused")
)

// defragPass sweeps all tables.
func (d *Database) defragPass(s *Session) error {
	tables, err := d.cat.Tables(s.trx)
	if err != nil {
		return err
	}
	for _, t := range tables {
		if err := d.sweepTable(s, t.Name, true); err != nil {
			return err
		}
	}
	return nil
}

// cannotGoOn says why a sweep must pause or end: errStopped, errPaused, or nil. batch says that it is part of one.
func (d *Database) cannotGoOn(batch bool) error {
	f := &d.defrag
	f.mu.Lock()
	over := f.closed || batch && (f.stopping || !f.job.until.IsZero() && !d.inst.env.Now().Before(f.job.until))
	f.mu.Unlock()
	switch {
	case over || d.inst.failed():
		return errStopped
	case d.inst.backup.running():
		return errPaused
	}
	return nil
}

// endMaintenance ends the background work on a database that is about to be closed.
func (d *Database) endMaintenance() {
	d.defrag.end()
	d.scan.end()
}
