package simtest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"esent/internal/backup"
	"esent/internal/engine"
	"esent/internal/engine/check"
	"esent/internal/eventlog"
	"esent/internal/jet"
	"esent/internal/vfs/simdisk"
)

const (
	home     = "/db"
	database = "/db/x.edb"
)

// settings are the random parameters of a run.
type settings struct {
	pageSize, logKB, cache, extension, depthKB, sessions, versionUnits int
	circular                                                           bool
}

// world is one run: a machine, the engine on it, and the model.
type world struct {
	seed uint64
	rng  *rand.Rand
	set  settings
	sim  *simdisk.Sim
	log  *eventlog.Recorder
	proc *engine.Process
	inst *engine.Instance
	db   uint32
	ses  []*session
	m    *model
	svc  *backup.Service

	verbose func(line string)
	trace   []string
	steps   int
	serial  int // for names
	// autoTrx is the transaction of the last change outside of transactions.
	autoTrx *trx
	armed   bool // the power will go
	backups backups
	buf     []byte
}

// failure ends a run that has found something.
type failure struct{ text string }

// powerCut ends what is being done when the power is gone.
type powerCut struct{}

func newWorld(seed uint64, verbose func(string)) *world {
	w := &world{seed: seed, rng: rand.New(rand.NewPCG(seed, 0)), m: newModel(), verbose: verbose, buf: make([]byte, 1<<18)}
	r := w.rng
	w.set = settings{pageSize: 4096 << r.IntN(4), logKB: 64 << r.IntN(4), cache: 32 + r.IntN(100), extension: 1 + r.IntN(64),
		depthKB: 64 << r.IntN(5), sessions: 2 + r.IntN(4), versionUnits: 4096, circular: r.IntN(3) == 0}
	if r.IntN(3) == 0 {
		w.set.cache = 100 + r.IntN(900)
	}
	w.sim = simdisk.New(seed, simdisk.Options{StrictNames: r.IntN(3) == 0})
	w.note("settings %+v", w.set)
	return w
}

// note adds a line to the trace.
func (w *world) note(format string, args ...any) {
	line := fmt.Sprintf("%4d ", w.steps) + fmt.Sprintf(format, args...)
	if w.verbose != nil {
		w.verbose(line)
	}
	if len(w.trace) == 40 {
		w.trace = append(w.trace[:0], w.trace[1:]...)
	}
	w.trace = append(w.trace, line)
}

func (w *world) fail(format string, args ...any) {
	panic(failure{fmt.Sprintf(format, args...)})
}

// want fails the run unless err has one of the codes.
func (w *world) want(err error, what string, codes ...jet.Err) {
	if !slices.Contains(codes, jet.CodeOf(err)) {
		w.fail("%s: got %v, want %v", what, err, codes)
	}
}

func (w *world) ok(err error, what string) { w.want(err, what, 0) }

// call is a call of the engine with what the model says of it.
type call struct {
	what string
	ses  *session
	// want are the codes that are right; 0 is success.
	want []jet.Err
	do   func() error
	// effect is what success means for the model.
	effect func()
	// sync says that the call makes a change outside of transactions durable.
	sync bool
}

// run makes the call and tells whether it succeeded.
func (w *world) run(c call) bool {
	err := c.do()
	code := jet.CodeOf(err)
	w.note("s%d %s -> %s", c.ses.n, c.what, codeText(code))
	if w.sim.PowerIsOff() {
		// It may have taken effect, or not.
		if c.effect != nil && slices.Contains(c.want, 0) {
			c.effect()
		}
		panic(powerCut{})
	}
	if !slices.Contains(c.want, code) {
		w.fail("session %d: %s: got %v, want %v", c.ses.n, c.what, err, c.want)
	}
	if code != 0 {
		return false
	}
	if c.effect != nil {
		w.autoTrx = nil
		c.effect()
		if t := w.autoTrx; t != nil && t.logged && c.sync {
			w.m.durable = t.commit
		}
	}
	return true
}

func codeText(code jet.Err) string {
	if code == 0 {
		return "ok"
	}
	return fmt.Sprint(int32(code))
}

// change has the model do something in the session's transaction, or one of its own.
func (w *world) change(s *session, f func(t *trx, level int)) {
	if s.trx != nil {
		f(s.trx, s.level)
		return
	}
	t := w.m.begin()
	f(t, 1)
	w.m.commitLevel(t, 1)
	w.autoTrx = t
}

// name makes up a name.
func (w *world) name(prefix string) string {
	w.serial++
	return fmt.Sprint(prefix, w.serial)
}

// configure sets an instance's parameters.
func (w *world) configure(p *engine.Process, i *engine.Instance, dir string) {
	set := func(i *engine.Instance, id jet.ParamID, n int, text string) {
		w.ok(p.SetParam(engine.ParamTarget{Instance: i}, id, int64(n), text), fmt.Sprint("parameter ", id))
	}
	set(i, jet.ParamSystemPath, 0, dir)
	set(i, jet.ParamLogFilePath, 0, dir)
	set(i, jet.ParamTempPath, 0, dir+"/")
	set(i, jet.ParamLogFileSize, w.set.logKB, "")
	set(i, jet.ParamCreatePathIfNotExist, 1, "")
	set(i, jet.ParamCheckpointDepthMax, w.set.depthKB<<10, "")
	set(i, jet.ParamDbExtensionSize, w.set.extension, "")
	set(i, jet.ParamMaxVerPages, w.set.versionUnits, "")
	if w.set.circular {
		set(i, jet.ParamCircularLog, 1, "")
	}
}

// newProcess makes a process with an instance that works in a folder.
func (w *world) newProcess(dir string) (*engine.Process, *engine.Instance) {
	w.log = &eventlog.Recorder{}
	p := engine.NewProcess(w.sim.Env(), w.log)
	for id, n := range map[jet.ParamID]int{jet.ParamDatabasePageSize: w.set.pageSize, jet.ParamCacheSizeMax: w.set.cache} {
		w.ok(p.SetParam(engine.ParamTarget{}, id, int64(n), ""), fmt.Sprint("parameter ", id))
	}
	w.ok(p.SetParam(engine.ParamTarget{}, jet.ParamCacheSizeMin, int64(min(32, w.set.cache)), ""), "cache size")
	i, err := p.CreateInstance("sim", "")
	w.ok(err, "JetCreateInstance")
	w.configure(p, i, dir)
	return p, i
}

// boot starts the engine on what is on the disk. The error is that of JetInit.
func (w *world) boot() error {
	w.svc = backup.New()
	w.proc, w.inst = w.newProcess(home)
	_, err := w.inst.Init(engine.InitOptions{})
	w.note("JetInit -> %s", codeText(jet.CodeOf(err)))
	return err
}

// connect opens sessions with the database.
func (w *world) connect(create bool) {
	w.ses = nil
	for n := range w.set.sessions {
		s, err := w.inst.BeginSession()
		w.cut(err, "JetBeginSession")
		switch {
		case n > 0:
		case create:
			w.db, err = s.CreateDatabase(0, database, 0, 0)
			w.cut(err, "JetCreateDatabase")
		default:
			_, err = s.AttachDatabase(0, database, 0, 0)
			w.cut(err, "JetAttachDatabase")
		}
		w.db, err = s.OpenDatabase(0, database, 0)
		w.cut(err, "JetOpenDatabase")
		w.ses = append(w.ses, &session{n: n, s: s, w: w})
	}
}

// cut fails the run for an error, unless the power is gone.
func (w *world) cut(err error, what string) {
	if w.sim.PowerIsOff() {
		panic(powerCut{})
	}
	w.ok(err, what)
}

// untilCut runs f and tells whether the power went off meanwhile.
func untilCut(f func()) (off bool) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case powerCut:
			off = true
		default:
			panic(r)
		}
	}()
	f()
	return false
}

// crash cuts the power. Of database files pages survive whole or not at all, as the log has no images that would mend
// torn ones; all other files are torn at sectors.
func (w *world) crash() {
	survival := []simdisk.Survival{simdisk.LoseAll, simdisk.KeepAll, simdisk.Random, simdisk.Random, simdisk.Random}[w.rng.IntN(5)]
	w.note("power cut, survival %d, commits %d, durable %d", survival, w.m.commits, w.m.durable)
	w.sim.Crash(simdisk.Crash{Unsynced: survival, UnitOf: func(path string) int64 {
		if strings.HasSuffix(path, ".edb") {
			return int64(w.set.pageSize)
		}
		return 0
	}})
	w.armed = false
	w.backups.crashed()
}

// recover starts the engine after a power cut and finds out which lazy commits have survived.
func (w *world) recover() {
	for {
		if w.rng.IntN(3) == 0 { // during the recovery
			w.sim.PowerOffAfter(w.rng.IntN(120))
		}
		err := w.boot()
		if w.sim.PowerIsOff() {
			w.crash()
			continue
		}
		w.ok(err, "JetInit after a power cut")
		w.sim.PowerOffAfter(-1)
		break
	}
	w.connect(false)
	w.survivors()
}

// end terminates the instance, checks the database file and starts again.
func (w *world) end() {
	for _, s := range w.ses {
		for s.level > 0 {
			s.rollback(false)
		}
	}
	w.note("JetTerm")
	err := w.inst.Term([]jet.Grbit{0, jet.BitTermComplete, jet.BitTermAbrupt}[w.rng.IntN(3)])
	w.cut(err, "JetTerm")
	w.m.durable = w.m.commits
	w.check(database)
	if w.rng.IntN(3) == 0 {
		w.rollForward()
	}
	w.m.settle(w.m.commits)
	err = w.boot()
	w.cut(err, "JetInit")
	w.connect(false)
}

// check has the file of a database that is not in use judged.
func (w *world) check(path string) {
	r, err := check.File(w.sim.Env(), path, check.Options{})
	w.ok(err, "check of "+path)
	if r.Err() != nil {
		var list []string
		for i, v := range r.Violations {
			if i == 10 {
				break
			}
			list = append(list, v.String())
		}
		w.fail("check of %s: %d violations\n%s", path, r.Total, strings.Join(list, "\n"))
	}
}

// play is the run.
func (w *world) play() {
	w.ok(w.boot(), "JetInit")
	w.connect(true)
	for range 1 + w.rng.IntN(3) {
		w.createTable(w.ses[0])
	}
	for range 2 + w.rng.IntN(4) {
		if w.rng.IntN(2) == 0 {
			w.armed = true
			w.sim.PowerOffAfter(w.rng.IntN(600))
		}
		off := untilCut(func() {
			for range 30 + w.rng.IntN(250) {
				w.step()
			}
			if w.rng.IntN(3) == 0 && !w.armed {
				w.end()
				w.verify()
			}
		})
		if off || w.rng.IntN(3) > 0 {
			w.crash()
			w.recover()
		} else {
			w.sim.PowerOffAfter(-1)
			w.armed = false
		}
		w.verify()
		if w.rng.IntN(2) == 0 {
			w.end()
			w.verify()
		}
	}
	w.end()
	w.verify()
	w.ok(w.inst.Term(0), "JetTerm")
}
