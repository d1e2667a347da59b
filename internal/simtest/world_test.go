package simtest

import (
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"time"

	"esent/internal/backup"
	"esent/internal/engine"
	"esent/internal/eventlog"
	"esent/internal/jet"
	"esent/internal/vfs/simdisk"
)

// home is the folder of the logs.
const home = "/db"

// databases are the files that a run may have; the last one is on a disk of its own.
var databases = []string{"/db/x.edb", "/db/y.edb", "/data/z.edb"}

// settings are the random parameters of a run.
type settings struct {
	pageSize, logKB, cache, extension, depthKB, sessions, databases, versionUnits int
	circular                                                                      bool
	// length multiplies the steps of a phase; patience is how seldom transactions end; ddl is how often the schema
	// changes.
	length, patience, ddl int
}

// world is one run: a machine, the engine on it, and the model.
type world struct {
	seed uint64
	src  *rand.PCG
	rng  *rand.Rand
	set  settings
	sim  *simdisk.Sim
	log  *eventlog.Recorder
	proc *engine.Process
	inst *engine.Instance
	dbs  []uint32 // JET_DBIDs
	ses  []*session
	m    *model
	svc  *backup.Service

	verbose func(line string)
	steps   int
	skip    skips
	serial  int // for names
	// made is how many databases there are so far; loose says that sessions do not have all of them open.
	made  int
	loose bool
	// gap says that a log is gone for good, which recovery does without as long as it has the checkpoint.
	gap bool
	// autoTrx is the transaction of the last change outside of transactions.
	autoTrx *trx
	armed   bool // the power will go
	fault   *fault
	damage  *damage
	backups backups
	buf     []byte
	tally   tally
}

// failure ends a run that has found something.
type failure struct{ text string }

// powerCut ends what is being done when the power is gone.
type powerCut struct{}

func newWorld(seed uint64, verbose func(string)) *world {
	w := &world{seed: seed, src: rand.NewPCG(mix(seed), 0), m: newModel(), verbose: verbose, buf: make([]byte, 1<<18), tally: tally{}}
	w.rng = rand.New(w.src)
	r := w.rng
	w.set = settings{pageSize: 4096 << r.IntN(4), logKB: 64, cache: 32 + r.IntN(100), extension: 1 + r.IntN(32),
		depthKB: 64 << r.IntN(4), sessions: 2 + r.IntN(4), databases: 1, versionUnits: 4096, circular: r.IntN(3) == 0,
		length: 1 + r.IntN(3), patience: 1 + r.IntN(3), ddl: 1 + r.IntN(3)}
	if r.IntN(4) == 0 {
		w.set.cache = 100 + r.IntN(900)
	}
	if r.IntN(4) == 0 {
		w.set.logKB <<= r.IntN(3)
	}
	if r.IntN(3) == 0 {
		w.set.databases += 1 + r.IntN(2)
	}
	if r.IntN(16) == 0 {
		w.set.length *= 4
	}
	if w.made = w.set.databases; r.IntN(2) == 0 {
		w.made = 1 + r.IntN(w.made)
	}
	w.sim = simdisk.New(seed, simdisk.Options{StrictNames: r.IntN(3) == 0, UnitOf: w.unitOf})
	w.note("settings %+v", w.set)
	return w
}

// draw has the random numbers that follow depend on the seed and n alone, so that a step is the same whatever steps
// before it are left out.
func (w *world) draw(n int) { w.src.Seed(mix(w.seed), mix(w.seed^mix(uint64(n)))) }

// mix spreads a number over all bits (splitmix64): the first numbers of generators whose seeds are alike would be.
func mix(n uint64) uint64 {
	n += 0x9E3779B97F4A7C15
	n = (n ^ n>>30) * 0xBF58476D1CE4E5B9
	n = (n ^ n>>27) * 0x94D049BB133111EB
	return n ^ n>>31
}

// note adds a line to the trace.
func (w *world) note(format string, args ...any) {
	if w.verbose == nil {
		return
	}
	w.verbose(fmt.Sprintf("%4d ", w.steps) + fmt.Sprintf(format, args...))
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

// met ends what is being done unless err has one of the codes: by a powerCut, by a trouble when a fault explains the
// code, else by failing the run.
func (w *world) met(err error, what string, c *call, codes ...jet.Err) {
	if w.sim.PowerIsOff() {
		panic(powerCut{})
	}
	code := jet.CodeOf(err)
	if slices.Contains(codes, code) {
		return
	}
	if w.explains(code) {
		w.note("trouble: %s: %v", what, err)
		panic(trouble{what: what, code: code, call: c})
	}
	if c != nil {
		what = fmt.Sprintf("session %d: %s", c.ses.n, what)
	}
	w.fail("%s: got %v, want %v", what, err, codes)
}

// cut is met for calls that must succeed.
func (w *world) cut(err error, what string) { w.met(err, what, nil, 0) }

// seen is met for a call that must give one code.
func (w *world) seen(err error, what string, code jet.Err) { w.met(err, what, nil, code) }

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

// mayHappen is what a call means for the model that may have taken effect, or not.
func (c *call) mayHappen() {
	if c != nil && c.effect != nil && slices.Contains(c.want, 0) {
		c.effect()
	}
}

// run makes the call and tells whether it succeeded.
func (w *world) run(c call) bool {
	err := c.do()
	code := jet.CodeOf(err)
	w.tally["calls"]++
	if w.verbose != nil {
		w.note("s%d %s -> %s", c.ses.n, c.what, codeText(code))
	}
	if w.sim.PowerIsOff() {
		c.mayHappen()
		panic(powerCut{})
	}
	w.met(err, c.what, &c, c.want...)
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

// newService makes a backup service that waits on the simulated clock.
func (w *world) newService() *backup.Service {
	s := backup.New()
	s.Sleep = func(d time.Duration) { w.sim.Advance(d) }
	return s
}

// paths are the files of the run's databases.
func (w *world) paths() []string { return databases[:w.made] }

// restored is where a restore into dir puts a database.
func restored(dir, database string) string { return path.Join(dir, path.Base(database)) }

// unitOf is the unit in which a power cut leaves changes of a file: pages of databases are whole, as the log has no
// images that would mend torn ones.
func (w *world) unitOf(path string) int64 {
	if strings.HasSuffix(path, ".edb") {
		return int64(w.set.pageSize)
	}
	return 0
}
