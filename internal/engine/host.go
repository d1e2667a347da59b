package engine

import (
	"slices"
	"sync"
	"sync/atomic"

	"esent/internal/engine/cache"
	"esent/internal/engine/dbfile"
	"esent/internal/engine/recovery"
	"esent/internal/jet"
	"esent/internal/logstore"
)

// generations is what the instance knows of the log's generations, and which database headers follow them.
type generations struct {
	mu sync.Mutex
	// current is the generation that is being written; recent has its creation time and those of the
	// generations before it.
	current int32
	recent  []generation
	// live are the logged databases whose headers on disk say that they need the log.
	live []*Database
	// coming is the database of a CreateDB or AttachDB record that does not follow yet, nil for none.
	coming *coming
	// redo is whom the log belongs to while recovery undoes: it has the databases then.
	redo recovery.LogState
}

// coming is a database from its CreateDB or AttachDB record on until its header follows the log: a generation that
// begins meanwhile has to tell of it.
type coming struct {
	info logstore.AttachInfo
	pos  atomic.Uint64 // of the record, 0 while there is none
}

type generation struct {
	gen     int32
	created jet.LogTime
}

// keepGenerations is for how many generations back creation times are kept: waypoints lag no further.
const keepGenerations = 1024 + 1

// begun notes the generation that is being written; the lock is held.
func (g *generations) begun(gen int32, created jet.LogTime) {
	g.current = gen
	g.recent = append(g.recent, generation{gen, created})
	if n := len(g.recent) - keepGenerations; n > 0 {
		g.recent = append(g.recent[:0], g.recent[n:]...)
	}
}

// created is when a generation was, zero for unknown; the lock is held.
func (g *generations) created(gen int32) jet.LogTime {
	for _, r := range slices.Backward(g.recent) {
		if r.gen == gen {
			return r.created
		}
	}
	return jet.LogTime{}
}

// logHost is the instance as the log sees it (logstore.Host).
type logHost struct{ inst *Instance }

// Attachments implements logstore.Host.
func (h logHost) Attachments(at jet.LogPos) []logstore.AttachInfo {
	g := &h.inst.gens
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.redo != nil {
		return g.redo.Attachments(at)
	}
	return g.attachments(at)
}

// attachments lists the databases attached at a position; the lock is held.
func (g *generations) attachments(at jet.LogPos) []logstore.AttachInfo {
	var list []logstore.AttachInfo
	for _, d := range g.live {
		if a, ok := d.attachInfo(at); ok {
			list = append(list, a)
		}
	}
	if c := g.coming; c != nil {
		if a := c.info; jet.LogPos(c.pos.Load()) != 0 && jet.LogPos(c.pos.Load()) < at {
			a.Attach = jet.LogPos(c.pos.Load())
			list = append(list, a)
		}
	}
	slices.SortFunc(list, func(a, b logstore.AttachInfo) int { return int(a.DB) - int(b.DB) })
	return list
}

// logComing logs the record with which a database comes, and makes it durable.
func (i *Instance) logComing(d *Database, h *dbfile.Header, rec logstore.Record) (jet.LogPos, error) {
	g := &i.gens
	c := &coming{info: logstore.AttachInfo{DB: d.id, DBTime: h.DBTime, ObjIDLast: h.ObjIDLast, MaxPages: d.maxPages.Load(),
		Consistent: h.Consistent, SignDB: h.SignDB, Path: d.path}}
	g.mu.Lock()
	g.coming = c
	g.mu.Unlock()
	pos, end, err := i.log.AppendNoted(rec.Append(nil), func(pos jet.LogPos) { c.pos.Store(uint64(pos)) })
	if err == nil {
		err = i.flushLog(end)
	}
	if err != nil {
		g.mu.Lock()
		g.coming = nil
		g.mu.Unlock()
	}
	return pos, err
}

// attachInfo is the database's entry in the list for a position, if it has one (spec chapter 05, 5).
func (d *Database) attachInfo(at jet.LogPos) (logstore.AttachInfo, bool) {
	attach, detach := jet.LogPos(d.attachPos.Load()), jet.LogPos(d.detachPos.Load())
	if attach == 0 || attach >= at || detach != 0 && detach < at {
		return logstore.AttachInfo{}, false
	}
	h := d.file.Header()
	a := logstore.AttachInfo{DB: d.id, DBTime: d.pages.DBTime(), ObjIDLast: d.pages.ObjIDLast(), MaxPages: d.maxPages.Load(),
		Attach: attach, SignDB: h.SignDB, Path: d.path}
	if h.Consistent < at {
		a.Consistent = h.Consistent
	}
	return a, true
}

// GenerationBegun implements logstore.Host: the headers say durably that the databases may need the generation
// before any record in it counts (spec chapter 05, 10.2, step 5).
func (h logHost) GenerationBegun(gen int32, created jet.LogTime) error {
	g := &h.inst.gens
	g.mu.Lock()
	g.begun(gen, created)
	if redo := g.redo; redo != nil {
		g.mu.Unlock()
		return redo.Rolled(gen, created)
	}
	required := max(1, gen-h.inst.set.waypointLatency)
	requiredAt := g.created(required)
	live := slices.Clone(g.live)
	for _, d := range live {
		d.file.UpdateHeader(func(h *dbfile.Header) {
			raiseCommitted(h, gen, created)
			raiseRequired(h, required, requiredAt)
		})
	}
	g.mu.Unlock()
	for _, d := range live {
		if err := d.file.WriteHeader(); err != nil {
			return err
		}
		d.pages.SetMaxRequired(required)
	}
	h.inst.tasks.kickCheckpoint()
	return nil
}

func raiseCommitted(h *dbfile.Header, gen int32, created jet.LogTime) {
	if gen > h.GenMaxCommitted {
		h.GenMaxCommitted, h.GenMaxCreatedAt = gen, created
	}
}

func raiseRequired(h *dbfile.Header, gen int32, created jet.LogTime) {
	if gen <= h.GenMaxRequired {
		return
	}
	h.GenMaxRequired = gen
	h.GenMaxRequiredAt = jet.LogTime{}
	if h.Has(efvLogtimeGenMaxRequired) {
		h.GenMaxRequiredAt = created
	}
}

// KeepFrom implements logstore.Host.
func (h logHost) KeepFrom() int32 { return h.inst.backup.floor.Load() }

// cacheHost is the instance as the page cache sees it (cache.Host).
type cacheHost struct{ inst *Instance }

// LogDurable implements cache.Host. While recovery redoes there is no log to be written: it is on disk.
func (h cacheHost) LogDurable(end jet.LogPos) error {
	l := h.inst.writing.Load()
	if l == nil {
		return nil
	}
	return h.inst.flushed(l.Flush(end))
}

// BeforeWrite implements cache.Host.
func (h cacheHost) BeforeWrite(db *cache.DB, pgno jet.Pgno) (jet.LogPos, error) {
	return h.inst.versions.LogUndo(db.ID, pgno)
}

// RequireGen implements cache.Host: a page with a change of a later generation than the header requires is about
// to be written.
func (h cacheHost) RequireGen(db *cache.DB, gen int32) error {
	g := &h.inst.gens
	g.mu.Lock()
	k := slices.IndexFunc(g.live, func(d *Database) bool { return d.pages == db })
	if k < 0 {
		g.mu.Unlock()
		return jet.ErrInternalError.Errorf("database %d needs generation %d but follows no log", db.ID, gen)
	}
	d, created := g.live[k], g.created(gen)
	d.file.UpdateHeader(func(h *dbfile.Header) {
		raiseCommitted(h, gen, created)
		raiseRequired(h, gen, created)
	})
	g.mu.Unlock()
	if err := d.file.WriteHeader(); err != nil {
		return err
	}
	db.SetMaxRequired(gen)
	return nil
}

// setRedo says to whom the log belongs: to recovery, or with nil to the instance.
func (g *generations) setRedo(state recovery.LogState) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.redo = state
}

func (g *generations) setCurrent(gen int32, created jet.LogTime) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.begun(gen, created)
}
