package simtest

import (
	"strings"

	"esent/internal/engine"
	"esent/internal/engine/check"
	"esent/internal/jet"
	"esent/internal/vfs/simdisk"
)

// play is the run: some phases, each with steps and an end of some kind.
func (w *world) play() {
	w.ok(w.boot(), "JetInit")
	w.connect(true)
	w.draw(0)
	for range 1 + w.rng.IntN(3) {
		w.createTable(w.ses[0])
	}
	for n := range 1 + w.rng.IntN(3) {
		w.phase(n + 1)
	}
	w.end()
	w.verify()
	w.ok(w.inst.Term(0), "JetTerm")
}

// next begins the next step of the run, and tells whether it is to be made.
func (w *world) next() bool {
	w.steps++
	w.draw(w.steps)
	return !w.skip.has(w.steps)
}

// phaseSteps is more than the steps of a phase: each begins at a multiple.
const phaseSteps = 10000

// phase makes steps up to a fault, or to a quiet end.
func (w *world) phase(n int) {
	w.steps = n * phaseSteps
	set := w.next()
	count := (20 + w.rng.IntN(50)) * w.set.length
	if set {
		w.trap(count)
	}
	o := w.try(func() {
		for range count {
			if w.next() {
				w.step()
			}
		}
	})
	w.steps = n*phaseSteps + phaseSteps/2
	if w.next() && o == (outcome{}) && !w.armed && w.rng.IntN(3) == 0 {
		o = w.try(func() {
			w.end()
			w.verify()
		})
	}
	whole := w.next()
	switch {
	case o.trouble != nil:
		w.resolve(*o.trouble)
	case o.cut || whole && w.rng.IntN(3) > 0 || w.damage != nil || w.fault.struck(w):
		if !o.cut && (w.fault == nil || !w.fault.sync) && w.rng.IntN(4) == 0 {
			w.kill()
		} else {
			w.crash()
		}
		w.recover()
	default:
		w.calm() // nothing has happened
	}
	w.verify()
}

// outcome is how something ended that a fault may have ended early.
type outcome struct {
	cut     bool
	trouble *trouble
}

// try runs f until its end, a power cut, or a trouble.
func (w *world) try(f func()) (o outcome) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case powerCut:
			o.cut = true
		case trouble:
			o.trouble = &r
		default:
			panic(r)
		}
	}()
	f()
	return o
}

// boot starts the engine on what is on the disk. The error is that of JetInit.
func (w *world) boot() error {
	w.svc = w.newService()
	w.proc, w.inst = w.newProcess(home)
	_, err := w.inst.Init(engine.InitOptions{})
	w.note("JetInit -> %s", codeText(jet.CodeOf(err)))
	return err
}

// connect opens sessions with the databases.
func (w *world) connect(create bool) {
	w.ses = nil
	for n := range w.set.sessions {
		s, err := w.inst.BeginSession()
		w.cut(err, "JetBeginSession")
		w.ses = append(w.ses, &session{n: n, s: s, w: w})
		w.findMade()
		w.loose = false
		w.dbs = w.dbs[:0]
		for _, path := range w.paths() {
			w.dbs = append(w.dbs, w.openDatabase(s, path, n == 0, create))
		}
	}
}

// openDatabase opens a database, which is made or attached before.
func (w *world) openDatabase(s *engine.Session, path string, attach, create bool) uint32 {
	switch {
	case !attach:
	case create:
		id, err := s.CreateDatabase(0, path, 0, 0)
		w.cut(err, "JetCreateDatabase "+path)
		return id
	default:
		_, err := s.AttachDatabase(0, path, 0, 0)
		w.cut(err, "JetAttachDatabase "+path)
	}
	id, err := s.OpenDatabase(0, path, 0)
	w.cut(err, "JetOpenDatabase "+path)
	return id
}

// crash cuts the power. Of database files pages survive whole or not at all, as the log has no images that would mend
// torn ones, but their headers tear; all other files tear at sectors of 512 bytes or 4 KiB.
func (w *world) crash() {
	survival := []simdisk.Survival{simdisk.LoseAll, simdisk.KeepAll, simdisk.Random, simdisk.Random, simdisk.Random}[w.rng.IntN(5)]
	unit := int64([]int{512, 512, 4096}[w.rng.IntN(3)])
	w.note("power cut, survival %d, sectors of %d, commits %d, durable %d", survival, unit, w.m.commits, w.m.durable)
	w.sim.Crash(simdisk.Crash{Unsynced: survival, Unit: unit, Head: 2 * int64(w.set.pageSize), UnitOf: w.unitOf})
	w.tally["power cuts"]++
	w.discard()
	w.calm()
}

// kill ends the process and leaves the machine on: what was written is there, if not durable.
func (w *world) kill() {
	w.note("killed, commits %d, durable %d", w.m.commits, w.m.durable)
	w.sim.Kill()
	w.tally["kills"]++
	w.discard()
	w.calm()
}

// discard frees the memory of an instance that has died with its machine, or failed.
func (w *world) discard() {
	if w.inst != nil {
		_ = w.inst.Term(jet.BitTermDirty) // its files are gone, or it was told to leave them
		w.inst = nil
	}
}

// recover starts the engine, possibly several times, and finds out which lazy commits have survived.
func (w *world) recover() {
	for n := 0; ; n++ {
		w.maltreat(n)
		o := w.try(func() {
			w.cut(w.boot(), "JetInit")
			w.connect(false)
			w.survivors()
		})
		switch {
		case o.cut:
			w.tally["power cuts in recovery"]++
			w.crash()
			continue
		case o.trouble != nil:
			w.tally["refused: "+codeText(o.trouble.code)]++
			w.defects()
			again := w.fault != nil && w.fault.sync
			w.discard()
			w.calm()
			if again {
				w.crash()
			}
			w.mend()
			continue
		}
		sync := w.fault != nil && w.fault.sync && w.fault.struck(w)
		if !w.ease() || sync {
			w.discard()
			w.crash()
			continue
		}
		switch d := w.damage; {
		case d == nil || d.page:
		case d.rot == nil && strings.HasSuffix(d.path, ".log"):
			w.damage, w.gap = nil, true // the stream has gone on without the log, which fits nothing any more
			w.backups.bare = true       // an incremental backup may want it
		default:
			w.mend()
		}
		return
	}
}

// end terminates the instance, checks the database files and starts again.
func (w *world) end() {
	for _, s := range w.ses {
		for s.level > 0 {
			s.rollback(false)
		}
	}
	w.note("JetTerm")
	inst := w.inst
	w.inst = nil
	w.cut(inst.Term([]jet.Grbit{0, jet.BitTermComplete, jet.BitTermAbrupt}[w.rng.IntN(3)]), "JetTerm")
	w.m.durable = w.m.commits
	w.tally["clean ends"]++
	w.calm()
	if w.damage == nil {
		w.checkAll()
		if w.rng.IntN(6) == 0 {
			w.rollForward()
		}
	}
	w.recover()
}

// checkAll has the files of all databases judged, which are not in use.
func (w *world) checkAll() {
	for _, path := range w.paths() {
		w.check(path)
	}
}

// check has the file of a database that is not in use judged.
func (w *world) check(path string) {
	r, err := check.File(w.sim.Env(), path, check.Options{})
	w.cut(err, "check of "+path)
	w.tally["files judged"]++
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
