package simdisk

import (
	"path"
	"strings"

	"esent/internal/jet"
	"esent/internal/vfs"
)

// Op is a kind of operation, or a set of kinds.
type Op uint32

// The kinds of operation.
const (
	OpOpen      Op = 1 << iota // open an existing file
	OpCreate                   // open that makes or empties a file
	OpRead                     // File.ReadAt
	OpWrite                    // File.WriteAt
	OpSync                     // File.Sync
	OpTruncate                 // File.Truncate
	OpSize                     // File.Size
	OpRemove                   // FS.Remove
	OpRename                   // FS.Rename
	OpMkdir                    // FS.Mkdir, and each directory that FS.MkdirAll makes
	OpRemoveDir                // FS.RemoveDir
	OpReadDir                  // FS.ReadDir
	OpStat                     // FS.Stat
	OpSyncDir                  // FS.SyncDir

	// OpChange are the operations that change the disk or make changes durable: the steps that
	// PowerOffAfter counts.
	OpChange = OpCreate | OpWrite | OpSync | OpTruncate | OpRemove | OpRename | OpMkdir | OpRemoveDir | OpSyncDir
	// OpAny is every operation.
	OpAny Op = 1<<14 - 1
)

var opNames = [...]string{"open", "create", "read", "write", "sync", "truncate", "size", "remove", "rename",
	"mkdir", "rmdir", "readdir", "stat", "syncdir"}

// String gives the names of the kinds in the set.
func (o Op) String() string {
	var names []string
	for i, name := range opNames {
		if o&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, "|")
}

// OpInfo describes one operation. Off and Len are the range of a read or write in bytes; Off is the new
// size of a truncate; Target is the new name of a rename. Paths are absolute.
type OpInfo struct {
	Op     Op
	Path   string
	Target string
	Off    int64
	Len    int
}

// Fault is a rule by which operations go wrong. A failed operation has had no effect, but for a torn write,
// and for a failed sync: it leaves what it should have made durable in doubt for good, as Linux does, even
// when the file is opened again and synced.
type Fault struct {
	// Ops are the kinds it applies to, 0 for all.
	Ops Op
	// Glob selects by path (path.Match): by the whole path when it has a slash, else by the last
	// element; empty selects all. Of a rename either name may match.
	Glob string
	// Skip is how many matching operations pass before the first fails, Count how many fail then; a
	// Count of 0 is no limit.
	Skip, Count int
	// Err is what they return, jet.ErrDiskIO when 0.
	Err jet.Err
	// Torn lets a failing write put a random part of its sectors first.
	Torn bool
	// Silent does not carry the operation out and reports success: a lost write, a sync that lies. It
	// applies to the kinds of OpChange except OpCreate.
	Silent bool

	seen, hit int
}

// Inject adds a rule. The first rule that matches an operation decides about it.
func (s *Sim) Inject(f Fault) *Fault {
	if f.Ops == 0 {
		f.Ops = OpAny
	}
	if f.Err == 0 {
		f.Err = jet.ErrDiskIO
	}
	f.seen, f.hit = 0, 0
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
	return &f
}

// ClearFaults takes all rules away.
func (s *Sim) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// Hits is how many operations have failed by the rule that Inject returned.
func (s *Sim) Hits(f *Fault) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return f.hit
}

func (f *Fault) matches(info *OpInfo) bool {
	if f.Ops&info.Op == 0 {
		return false
	}
	return f.Glob == "" || globMatch(f.Glob, info.Path) || info.Target != "" && globMatch(f.Glob, info.Target)
}

func globMatch(glob, name string) bool {
	if !strings.Contains(glob, "/") {
		name = path.Base(name)
	}
	ok, err := path.Match(glob, name)
	return ok && err == nil
}

// strikes counts a matching operation and says whether it fails.
func (f *Fault) strikes() bool {
	f.seen++
	if f.seen <= f.Skip || f.Count > 0 && f.hit >= f.Count {
		return false
	}
	f.hit++
	return true
}

// Steps is how many operations of OpChange have been tried so far, on all epochs together.
func (s *Sim) Steps() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.steps
}

// PowerOffAfter lets n more operations of OpChange happen; then all I/O fails with jet.ErrDiskIO until
// Crash. The first that fails may or may not have had its effect, as Crash decides.
func (s *Sim) PowerOffAfter(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.budget = n
}

// PowerIsOff says whether the power has gone and Crash is due.
func (s *Sim) PowerIsOff() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.off
}

// SetHook sets a function that is called before each operation, or none with nil; an error from it is the
// operation's result. It may call methods of Sim.
func (s *Sim) SetHook(hook func(OpInfo) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hook = hook
}

// verdict is what becomes of an operation.
type verdict struct {
	skip bool  // not carried out
	torn bool  // carried out in part
	err  error // the result, whether carried out or not
}

// enter begins an operation: it takes the lock, which the caller releases, and decides.
func (s *Sim) enter(epoch int, info OpInfo) verdict {
	s.mu.Lock()
	if hook := s.hook; hook != nil {
		s.mu.Unlock()
		err := hook(info)
		s.mu.Lock()
		if err != nil {
			return verdict{skip: true, err: err}
		}
	}
	if epoch != s.epoch || s.off {
		return verdict{skip: true, err: simError(jet.ErrDiskIO, &info, "the power is off")}
	}
	if info.Op&OpChange != 0 {
		s.steps++
		if s.budget == 0 {
			s.off = true
			return verdict{err: simError(jet.ErrDiskIO, &info, "the power went off")}
		}
		if s.budget > 0 {
			s.budget--
		}
	}
	for _, f := range s.faults {
		if !f.matches(&info) || !f.strikes() {
			continue
		}
		if f.Silent && info.Op&(OpChange&^OpCreate) != 0 {
			return verdict{skip: true}
		}
		torn := f.Torn && info.Op == OpWrite
		return verdict{skip: !torn, torn: torn, err: simError(f.Err, &info, "injected fault")}
	}
	return verdict{}
}

type message string

func (m message) Error() string { return string(m) }

func simError(code jet.Err, info *OpInfo, text string) error {
	return &vfs.Error{Code: code, Op: info.Op.String(), Path: info.Path, Err: message(text)}
}
