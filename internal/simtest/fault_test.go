package simtest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"esent/internal/eventlog"
	"esent/internal/jet"
	"esent/internal/vfs/simdisk"
)

// trouble ends what is being done when a fault has made a call fail.
type trouble struct {
	what string
	code jet.Err
	call *call // nil when it means nothing for the model
}

// fault is something that goes wrong with operations on the disk.
type fault struct {
	kind  string
	rules []*simdisk.Fault
	full  []string // what cannot grow
	// codes are those of calls that meet it.
	codes []jet.Err
	// down says that it may bring the instance down.
	down bool
	// sync says that what was written is in doubt once the fault has struck.
	sync bool

	refusals int // before
}

// struck says whether something has gone wrong.
func (f *fault) struck(w *world) bool {
	if f == nil {
		return false
	}
	for _, r := range f.rules {
		if w.sim.Hits(r) > 0 {
			return true
		}
	}
	return f.full != nil && w.sim.Refusals() > f.refusals
}

// unavailable are the codes of an instance that is down.
var unavailable = []jet.Err{jet.ErrInstanceUnavailable, jet.ErrInstanceUnavailableDueToFatalLogDiskFull}

// dataFiles and logFiles select files by their names.
var (
	dataFiles = "*.edb"
	logFiles  = []string{home + "/edb*.log", home + "/edb*.jtx", home + "/edb*.jrs"}
)

// kindsOfFault are what may go wrong while the engine runs. All of them end, or are ended.
var kindsOfFault = []struct {
	name  string
	ops   simdisk.Op
	globs []string
	err   jet.Err
	codes []jet.Err
	down  bool
}{
	{name: "write of a page fails", ops: simdisk.OpWrite, globs: []string{dataFiles}, down: true,
		codes: []jet.Err{jet.ErrDiskIO, jet.ErrLogWriteFail, jet.ErrOutOfBuffers, jet.ErrCheckpointDepthTooDeep}},
	{name: "write of a log fails", ops: simdisk.OpWrite, globs: logFiles, down: true, codes: []jet.Err{jet.ErrDiskIO, jet.ErrLogWriteFail}},
	{name: "write fails", ops: simdisk.OpWrite, globs: []string{""}, down: true,
		codes: []jet.Err{jet.ErrDiskIO, jet.ErrLogWriteFail, jet.ErrOutOfBuffers, jet.ErrCheckpointDepthTooDeep}},
	{name: "sync of a database fails", ops: simdisk.OpSync, globs: []string{dataFiles}, down: true,
		codes: []jet.Err{jet.ErrDiskIO, jet.ErrLogWriteFail, jet.ErrOutOfBuffers, jet.ErrCheckpointDepthTooDeep}},
	{name: "sync of a log fails", ops: simdisk.OpSync, globs: logFiles, down: true, codes: []jet.Err{jet.ErrDiskIO, jet.ErrLogWriteFail}},
	{name: "sync fails", ops: simdisk.OpSync, globs: []string{""}, down: true,
		codes: []jet.Err{jet.ErrDiskIO, jet.ErrLogWriteFail, jet.ErrOutOfBuffers, jet.ErrCheckpointDepthTooDeep}},
	{name: "read of a page fails", ops: simdisk.OpRead, globs: []string{dataFiles}, down: true, codes: []jet.Err{jet.ErrDiskIO, jet.ErrRollbackError}},
	{name: "read of a page is short", ops: simdisk.OpRead, globs: []string{dataFiles}, err: jet.ErrFileIOBeyondEOF, down: true,
		codes: []jet.Err{jet.ErrDiskIO, jet.ErrFileIOBeyondEOF, jet.ErrRollbackError, jet.ErrReadVerifyFailure}},
	{name: "read fails", ops: simdisk.OpRead, globs: []string{""}, down: true, codes: []jet.Err{jet.ErrDiskIO, jet.ErrLogWriteFail, jet.ErrRollbackError}},
	{name: "change of a file or name fails", globs: []string{""}, down: true,
		ops: simdisk.OpCreate | simdisk.OpTruncate | simdisk.OpRemove | simdisk.OpRename | simdisk.OpMkdir | simdisk.OpRemoveDir | simdisk.OpSyncDir,
		codes: []jet.Err{jet.ErrDiskIO, jet.ErrLogWriteFail, jet.ErrCheckpointDepthTooDeep, jet.ErrDeleteBackupFileFail,
			jet.ErrMakeBackupDirectoryFail}},
	{name: "look at a file or folder fails", ops: simdisk.OpOpen | simdisk.OpSize | simdisk.OpReadDir | simdisk.OpStat, globs: []string{""}, down: true,
		codes: []jet.Err{jet.ErrDiskIO, jet.ErrLogWriteFail, jet.ErrInvalidPath, jet.ErrDeleteBackupFileFail, jet.ErrMakeBackupDirectoryFail}},
}

// sabotage has operations fail from some moment within about span operations on.
func (w *world) sabotage(span int) {
	k := kindsOfFault[w.rng.IntN(len(kindsOfFault))]
	f := &fault{kind: k.name, codes: k.codes, down: k.down, sync: k.ops&(simdisk.OpSync|simdisk.OpSyncDir) != 0}
	if k.down {
		f.codes = append(slices.Clone(f.codes), unavailable...)
	}
	rule := simdisk.Fault{Ops: k.ops, Err: k.err, Skip: w.rng.IntN(span), Count: []int{1, 1, 3, 20, 0}[w.rng.IntN(5)], Torn: w.rng.IntN(2) == 0}
	for _, glob := range k.globs {
		rule.Glob = glob
		f.rules = append(f.rules, w.sim.Inject(rule))
	}
	w.note("from now on: %s, %+v", f.kind, rule)
	w.fault = f
}

// crowd leaves no room on the disk of the data, of the logs, or both.
func (w *world) crowd() {
	f := &fault{refusals: w.sim.Refusals()}
	down := append([]jet.Err{jet.ErrLogDiskFull}, unavailable...)
	switch w.rng.IntN(3) {
	case 0:
		f.kind, f.full, f.codes = "data disk full", []string{dataFiles}, []jet.Err{jet.ErrDiskFull}
	case 1:
		f.kind, f.full, f.codes, f.down = "log disk full", logFiles, down, true
	case 2:
		f.kind, f.full, f.codes, f.down = "disk full", []string{"*"}, append(down, jet.ErrDiskFull), true
	}
	w.note("from now on: %s", f.kind)
	w.sim.SetFull(f.full...)
	w.fault = f
}

// explains says whether a fault that has struck, or damage that there is, is a reason for the code.
func (w *world) explains(code jet.Err) bool {
	return w.fault.struck(w) && slices.Contains(w.fault.codes, code) || w.damage != nil && slices.Contains(w.damage.codes, code)
}

// calm ends all faults; damage stays.
func (w *world) calm() {
	if w.fault.struck(w) {
		w.tally["fault: "+w.fault.kind]++
	}
	w.fault = nil
	w.sim.ClearFaults()
	w.sim.SetFull()
	w.sim.PowerOffAfter(-1)
	w.armed = false
}

// ease ends all faults and lets a running instance go on without them; false if it has gone down by one.
func (w *world) ease() bool {
	f := w.fault
	struck := f.struck(w)
	w.calm()
	if !struck {
		return true
	}
	w.sim.Advance(2 * time.Second)
	w.sim.RunAll()
	if w.down() {
		if !f.down {
			w.fail("the instance is down after: %s", f.kind)
		}
		return false
	}
	w.run(call{what: "force new log", ses: w.ses[0], want: []jet.Err{0}, do: func() error {
		return w.ses[0].s.CommitTransaction(0, jet.BitForceNewLog, 0, nil)
	}})
	w.sim.RunAll()
	return true
}

// trap prepares what is to happen in a phase of that many steps.
func (w *world) trap(steps int) {
	switch n := w.rng.IntN(20); {
	case n < 9:
		w.armed = true
		w.sim.PowerOffAfter(w.rng.IntN(3 * steps))
	case n < 14:
		w.sabotage(steps)
	case n < 16:
		w.crowd()
	case n < 17:
		w.armed = true
		w.sim.PowerOffAfter(w.rng.IntN(3 * steps))
		w.sabotage(steps)
	}
}

// maltreat prepares what is to happen while the engine starts for the nth time in a row.
func (w *world) maltreat(n int) {
	if n > 5 {
		return
	}
	if n == 0 && w.damage == nil && w.rng.IntN(3) == 0 {
		w.spoil()
	}
	if w.rng.IntN(3) == 0 {
		w.armed = true
		w.sim.PowerOffAfter(w.rng.IntN(120))
	}
	switch w.rng.IntN(10) {
	case 0:
		w.sabotage(60)
	case 1:
		w.crowd()
	}
}

// defects fails the run if the engine has met a defect of its own.
func (w *world) defects() {
	for _, e := range w.log.Events() {
		if e.ID == eventlog.EngineDefect && strings.Contains(fmt.Sprint(e.Params), "panic") {
			w.fail("the engine has met a defect: %v", e.Params)
		}
	}
}

// down says whether the instance is gone or takes no calls any more.
func (w *world) down() bool {
	if w.inst == nil {
		return true
	}
	s, err := w.inst.BeginSession()
	if slices.Contains(unavailable, jet.CodeOf(err)) {
		return true
	}
	w.ok(err, "JetBeginSession")
	w.ok(s.End(0), "JetEndSession")
	return false
}

// resolve goes on after a trouble: with the instance when it is well once the fault is gone, else with another one.
func (w *world) resolve(t trouble) {
	w.tally["failed calls"]++
	w.defects()
	sync := w.fault != nil && w.fault.sync
	gone := w.inst == nil
	if w.down() {
		creating := w.loose && strings.HasPrefix(t.what, "JetCreateDatabase") // what is logged must be done
		if !gone && !creating && !(w.fault != nil && w.fault.down) && t.code != jet.ErrRollbackError {
			w.fail("%s: the instance is down after %d", t.what, t.code)
		}
		t.call.mayHappen()
	} else if !sync && w.damage == nil && !w.loose && w.ease() {
		w.goOn()
		return
	}
	w.calm()
	if w.damage != nil && w.inst != nil && !w.loose && !w.down() {
		w.witness()
	}
	w.discard()
	w.mend()
	if sync || w.rng.IntN(2) == 0 {
		w.crash()
	}
	w.recover()
}

// goOn ends all transactions after a fault is gone, and compares.
func (w *world) goOn() {
	for _, s := range w.ses {
		for len(s.curs) > 0 {
			s.curs[0].close()
		}
	}
	w.endTransactions()
	w.tally["went on after a fault"]++
	w.verify()
}
