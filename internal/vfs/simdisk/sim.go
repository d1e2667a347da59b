// Package simdisk is a simulated environment for the engine: a disk in memory, a clock, random numbers and
// a scheduler, all replayed from a seed. Tests use it to crash the engine at every step and to damage what
// it has written.
//
// The disk keeps apart what a program sees and what would survive a power cut. Written data is durable
// after File.Sync; created, renamed and removed names after FS.SyncDir, or earlier as Options say. Crash
// rolls the disk over a power cut: of what was not durable any part may be there, at the granularity of
// sectors. Whatever was durable is there, always.
//
// Only tests import this package. All methods may be called by several goroutines; a run is repeatable
// from its seed when one goroutine does everything, tasks included (RunAll, Step).
package simdisk

import (
	"cmp"
	"math/rand/v2"
	"sync"
	"time"

	"esent/internal/jet"
	"esent/internal/vfs"
)

// SectorSize is the smallest unit that a power cut leaves whole, in bytes.
const SectorSize = 512

// Options choose the model of the file system.
type Options struct {
	// StrictNames gives no more than POSIX promises: only SyncDir makes names durable, and only those of
	// its own directory. Without it names go through a journal in order, as in ext4 and xfs: SyncDir
	// makes durable what happened in the directory and everything that happened before it anywhere, and
	// a file's Sync does so for the file's creation (not for a later rename).
	StrictNames bool
	// Capacity is the size of the disk in bytes, counting the sizes of files; 0 is unlimited.
	Capacity int64
	// Unit is the size in bytes up to which a failed sync or write leaves a write whole or not at all, at aligned
	// offsets; 0 means SectorSize. UnitOf, if set, gives it for a file by its path; 0 means Unit. Crash has its own.
	Unit   int64
	UnitOf func(path string) int64
}

// unit is the unit of the file at a path.
func (o *Options) unit(path string) int64 {
	if o.UnitOf != nil {
		if n := o.UnitOf(path); n != 0 {
			return n
		}
	}
	return cmp.Or(o.Unit, SectorSize)
}

// Sim is one simulated machine.
type Sim struct {
	opt Options

	mu       sync.Mutex
	diskRand *rand.Rand
	root     *node
	names    []nameOp // changes of names that are not durable, oldest first
	lastID   uint64
	used     int64
	epoch    int // grows at every crash: files, tasks and environments of earlier epochs are dead
	steps    int
	budget   int // operations before the power goes, -1 when it stays
	off      bool
	faults   []*Fault
	full     []string // globs of files that cannot grow
	refusals int      // to grow
	hook     func(OpInfo) error

	envRand *rand.Rand
	now     time.Time
	tick    time.Duration

	schedRand *rand.Rand
	tasks     []*task
	timers    []*timer
}

// New is a machine with an empty disk, the root directory alone. The clock starts at a fixed time.
func New(seed uint64, opt Options) *Sim {
	s := &Sim{opt: opt, budget: -1, tick: time.Millisecond,
		now: time.Date(2024, time.January, 2, 3, 4, 5, 0, time.UTC)}
	s.seed(seed)
	s.root = s.newNode(true)
	return s
}

// seed gives each purpose its own stream, so that one more random number here changes nothing there.
func (s *Sim) seed(seed uint64) {
	s.diskRand = rand.New(rand.NewPCG(seed, 1))
	s.envRand = rand.New(rand.NewPCG(seed, 2))
	s.schedRand = rand.New(rand.NewPCG(seed, 3))
}

// Env is the environment for an engine that starts now. It is dead after the next Crash: its files give
// jet.ErrDiskIO, its tasks no longer run.
func (s *Sim) Env() *vfs.Env {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.env()
}

func (s *Sim) env() *vfs.Env {
	return &vfs.Env{
		FS:    &view{s: s, epoch: s.epoch},
		Now:   s.Now,
		Rand:  s.rand,
		Sched: &scheduler{s: s, epoch: s.epoch},
	}
}

// Now reads the clock, which then moves on by the tick.
func (s *Sim) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.now
	s.advance(s.tick)
	return t
}

// SetTick sets by how much each reading of the clock moves it, a millisecond in a new Sim; 0 makes it
// stand still between calls of Advance.
func (s *Sim) SetTick(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tick = d
}

// Advance moves the clock and kicks the tasks of the timers that become due. It runs none of them.
func (s *Sim) Advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance(d)
}

func (s *Sim) rand() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.envRand.Uint64()
}

// SetCapacity changes the size of the disk in bytes, 0 for unlimited. Below what is used nothing can grow.
func (s *Sim) SetCapacity(n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opt.Capacity = n
}

// Used is the sum of the sizes of all files, in bytes.
func (s *Sim) Used() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.used
}

// SetFull fills the disks of the files that the globs select, as those of Fault do: none of them can grow. What they
// have they keep. Without a glob there is room again.
func (s *Sim) SetFull(globs ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.full = globs
}

// Refusals is how often a file could not grow.
func (s *Sim) Refusals() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refusals
}

// charge accounts for the file at a path that grows or shrinks by n bytes.
func (s *Sim) charge(path string, n int64) error {
	if n > 0 {
		full := s.opt.Capacity > 0 && s.used+n > s.opt.Capacity
		for _, glob := range s.full {
			full = full || globMatch(glob, path)
		}
		if full {
			s.refusals++
			return jet.ErrDiskFull
		}
	}
	s.used += n
	return nil
}
