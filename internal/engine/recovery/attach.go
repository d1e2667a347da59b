package recovery

import (
	"errors"
	"path"
	"strings"

	"esent/internal/engine/cache"
	"esent/internal/engine/dbfile"
	"esent/internal/eventlog"
	"esent/internal/jet"
	"esent/internal/logstore"
)

// attachment is one database that the log has attached at the present position.
type attachment struct {
	Database
	mapping Mapping
	attach  jet.LogPos
	signDB  jet.Signature
	// dbtime and objid are the counters that the log knows of, for a database that is not open.
	dbtime jet.DBTime
	objid  jet.ObjID
	// what is attachNow for an open database, else why it is not open.
	what verdict
	// occupied: the file in its place is none of a database, and must stay.
	occupied bool
	// skipped: the application has left the database out.
	skipped bool
	// creating: between CreateDB and CreateDBFinish.
	creating bool
	// from is the first generation whose records are redone (JET_bitReplayIgnoreLogRecordsBeforeMinRequiredLog).
	from int32
	// future: generations that the file may hold changes of are still to be replayed. lost are its pages that
	// cannot be what the log says, in expectation of a later record that makes them anew.
	future bool
	lost   lostPages
}

// open says that the database's records are redone.
func (a *attachment) open() bool { return a != nil && a.File != nil }

// attachRequest is an attachment as the log tells it.
type attachRequest struct {
	id                 jet.DBID
	logged             string
	attach, consistent jet.LogPos
	signDB, signLog    jet.Signature
	dbtime             jet.DBTime
	objid              jet.ObjID
	record             bool
}

// begin makes the attachment known, and says false when its database is left out.
func (r *run) begin(q *attachRequest) (*attachment, bool, error) {
	if int(q.id) == 0 || int(q.id) >= len(r.dbs) {
		return nil, false, jet.ErrLogCorrupted.Errorf("database number %d", q.id)
	}
	if old := r.dbs[q.id]; old.open() {
		return nil, false, jet.ErrLogCorrupted.Errorf("database number %d is attached twice, at %v and %v", q.id, old.attach, q.attach)
	}
	// A log of Windows names "C:\dir\file": elsewhere that must be a way to nowhere, not the name of a new file.
	m := Mapping{Path: strings.ReplaceAll(q.logged, `\`, "/")}
	if r.cfg.Map != nil {
		var err error
		if m, err = r.cfg.Map(q.logged, q.signDB); err != nil {
			return nil, false, err
		}
	}
	a := &attachment{Database: Database{ID: q.id, Logged: q.logged, Path: m.Path}, mapping: m,
		attach: q.attach, signDB: q.signDB, dbtime: q.dbtime, objid: q.objid, what: deferAttach}
	r.dbs[q.id] = a
	place := m.Path
	if m.Place != "" {
		place = m.Place
	}
	if a.occupied = !m.Skip && r.cfg.Occupied != nil && r.cfg.Occupied(place); a.occupied && r.cfg.Hard != nil {
		return nil, false, jet.ErrFileAccessDenied.Errorf("%s is a file of the instance itself", place)
	}
	if !m.Skip && r.cfg.Hard != nil && r.cfg.Hard.Prepare != nil {
		ok, err := r.cfg.Hard.Prepare(q.logged, m)
		if err != nil {
			return nil, false, err
		}
		m.Skip = !ok
	}
	a.skipped = m.Skip
	return a, !m.Skip, nil
}

// ignorable says that the database may be missing at the end.
func (r *run) ignorable(a *attachment) bool {
	return a.mapping.IgnoreMissing || r.has(jet.BitReplayIgnoreMissingDB)
}

func (r *run) situation(a *attachment, q *attachRequest) *situation {
	s := &situation{stream: r.signLog, logged: q.signLog, attach: q.attach, consistent: q.consistent, signDB: q.signDB,
		record: q.record, pos: r.pos, gen: r.cur.gen, ignorable: a.mapping.IgnoreMissing, overwrite: a.mapping.Overwrite}
	if a.occupied {
		s.readErr = jet.ErrFileAccessDenied.Errorf("%s is a file of the instance itself", a.Path)
		return s
	}
	h, err := dbfile.ReadFileHeader(r.fs, a.Path)
	if s.readErr = err; err == nil {
		s.header = &h
	}
	return s
}

// attach takes up an attachment of the list at the start or of an AttachDB record.
func (r *run) attach(q *attachRequest) error {
	a, wanted, err := r.begin(q)
	if err != nil || !wanted {
		return err
	}
	s := r.situation(a, q)
	v, why, err := decideAttach(s)
	if err == nil && (v == attachNow || v == attachNowFresh) {
		return r.openExisting(a, q)
	}
	return r.putOff(a, v, why, "AttachDB", err)
}

// putOff notes that an attachment is deferred, or passes on why it cannot be.
func (r *run) putOff(a *attachment, v verdict, why, operation string, err error) error {
	if err != nil {
		switch jet.CodeOf(err) {
		case jet.ErrConsistentTimeMismatch:
			r.events().Report(eventlog.ConsistentTimeMismatch, err, a.Path)
		case jet.ErrAttachedDatabaseMismatch:
			r.events().Report(eventlog.AttachedMismatchDuringRecovery, err, a.Path)
		}
		return err
	}
	a.what = v
	r.events().Report(eventlog.RedoDeferredAttach, operation, a.Path, r.pos, why, "")
	return nil
}

// openExisting opens a database whose file is what the log takes it to be.
func (r *run) openExisting(a *attachment, q *attachRequest) error {
	f, err := dbfile.Open(r.cfg.Env, a.Path, r.fileOptions(a))
	if jet.CodeOf(err) == jet.ErrFileAccessDenied {
		return r.putOff(a, deferDenied, whyIO, "AttachDB", nil)
	}
	if err != nil {
		return err
	}
	h := f.Header()
	err = h.CheckFormat(r.cfg.PageSize)
	if err == nil {
		err = h.CheckVersion()
	}
	if err == nil {
		err = r.mergeTrailer(a, f)
	}
	if err == nil {
		f.UpdateHeader(func(h *dbfile.Header) { err = r.attachHeader(a, q, h) })
	}
	if err == nil {
		err = f.WriteHeader()
	}
	if err == nil {
		h = f.Header()
		a.future = r.cur.gen <= h.GenMaxRequired
		err = r.join(a, f, max(h.DBTime, q.dbtime), max(h.ObjIDLast, q.objid))
	}
	if err == nil && !a.future {
		err = r.control(&Control{Kind: ControlAttachedDB, Path: a.Path})
	}
	if err != nil && a.File == nil {
		err = errors.Join(err, f.Close())
	}
	return err
}

func (r *run) fileOptions(a *attachment) dbfile.Options {
	return dbfile.Options{Report: func(f dbfile.Fault) { r.cfg.Host.Fault(&a.Database, f) }}
}

// attachHeader brings the header to where the replay stands.
func (r *run) attachHeader(a *attachment, q *attachRequest, h *dbfile.Header) error {
	if q.record {
		if err := headerForAttach(h, a.ID, q.attach, r.cur, r.signLog, r.now(), r.cfg.Hard != nil); err != nil {
			return err
		}
	} else if err := makeDirty(h, r.cur); err != nil {
		return err
	}
	if r.has(jet.BitReplayIgnoreLogRecordsBeforeMinRequiredLog) {
		a.from = h.GenMinRequired
	} else {
		lowerRequired(h, r.cur.gen)
	}
	if r.cfg.Hard != nil {
		h.FullCur.GenLow, h.FullCur.GenHigh = uint32(r.cfg.Hard.GenLow), uint32(r.cfg.Hard.GenHigh)
	}
	return nil
}

// join makes an open file known to cache and trees.
func (r *run) join(a *attachment, f *dbfile.File, t jet.DBTime, id jet.ObjID) error {
	h := f.Header()
	cdb, err := r.cfg.Kernel.Cache.AddDB(cache.DBConfig{ID: a.ID, File: f, PageSize: f.PageSize(), Logged: true,
		DBTime: t, ObjID: id, MaxRequired: h.GenMaxRequired})
	if err != nil {
		return err
	}
	tree, err := r.cfg.Kernel.Attach(cdb, formatOf(&h))
	if err != nil {
		r.cfg.Kernel.Cache.RemoveDB(cdb)
		return err
	}
	a.File, a.Cache, a.Tree, a.what = f, cdb, tree, attachNow
	return nil
}

// leave takes a database out of trees and cache and closes its file. Changes that are not written are dropped.
func (r *run) leave(a *attachment) error {
	r.cfg.Kernel.Detach(a.Tree)
	r.cfg.Kernel.Cache.RemoveDB(a.Cache)
	err := a.File.Close()
	a.File, a.Cache, a.Tree = nil, nil, nil
	return err
}

// create takes up a CreateDB record.
func (r *run) create(rec *logstore.CreateDB) error {
	q := &attachRequest{id: rec.DB, logged: rec.Path, attach: r.pos, signDB: rec.SignDB, signLog: r.signLog, record: true}
	a, wanted, err := r.begin(q)
	if err != nil || !wanted {
		return err
	}
	if rec.Grbit&jet.BitDbOverwriteExisting != 0 {
		a.mapping.Overwrite = true
	}
	v, why, err := decideCreate(r.situation(a, q))
	switch {
	case err != nil:
	case v == attachNow:
		q.record = false // the header was written at this position or later
		return r.openExisting(a, q)
	case v == createNow:
		return r.createFile(a, rec)
	}
	return r.putOff(a, v, why, "CreateDB", err)
}

// initialVersion is what CreateDB records say when the records that follow build the whole content; older ones
// leave that to the engine.
const initialVersion = 2

func (r *run) createFile(a *attachment, rec *logstore.CreateDB) error {
	if !rec.HasVersion || rec.Version != initialVersion || rec.UpdateMajor != 0 {
		return jet.ErrInvalidCreateDbVersion.Errorf("CreateDB of version %d.%d", rec.Version, rec.UpdateMajor)
	}
	h, err := headerForCreate(r.cfg.PageSize, rec, r.pos, r.cur, r.signLog)
	if err != nil {
		return err
	}
	f, err := dbfile.Create(r.cfg.Env, a.Path, h, true, r.fileOptions(a))
	if err != nil {
		switch jet.CodeOf(err) {
		case jet.ErrInvalidPath:
			return r.putOff(a, deferAttach, whyIO, "CreateDB", nil)
		case jet.ErrFileAccessDenied:
			return r.putOff(a, deferDenied, whyIO, "CreateDB", nil)
		}
		return err
	}
	err = r.fs.SyncDir(path.Dir(a.Path))
	if err == nil {
		err = r.join(a, f, h.DBTime, h.ObjIDLast)
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	a.creating = true
	return nil
}

// created takes up a CreateDBFinish record.
func (r *run) created(rec *logstore.CreateDBFinish) error {
	a := r.database(rec.DB)
	if !a.open() || !a.creating {
		return nil
	}
	var err error
	a.File.UpdateHeader(func(h *dbfile.Header) {
		h.DBTime, h.ObjIDLast = a.Cache.DBTime(), a.Cache.ObjIDLast()
		err = headerForCreated(h, r.cur, r.now())
	})
	if err != nil {
		return err
	}
	// The content that the state vouches for has to be replayed or written: pages of a database in creation are
	// not needed by anybody, from here on they are.
	a.creating = false
	return a.File.WriteHeader()
}

// database is the attachment with a number, nil for none.
func (r *run) database(id jet.DBID) *attachment {
	if int(id) >= len(r.dbs) {
		return nil
	}
	return r.dbs[id]
}

// detach closes a database clean at pos, or forgets one that is not open. One whose creation did not end is
// removed.
func (r *run) detach(a *attachment, pos jet.LogPos) error {
	r.dbs[a.ID] = nil
	if !a.open() {
		return nil
	}
	if !a.future {
		if err := r.control(&Control{Kind: ControlDetachingDB, Path: a.Path}); err != nil {
			return errors.Join(err, r.leave(a))
		}
		if err := a.lost.first(); err != nil {
			return errors.Join(err, r.leave(a))
		}
	}
	if a.creating {
		// Durably: the log that speaks of it will not be replayed again.
		return errors.Join(r.leave(a), r.fs.Remove(a.Path), r.fs.SyncDir(path.Dir(a.Path)))
	}
	err := r.cfg.Kernel.Cache.FlushDB(a.Cache)
	if err == nil {
		a.File.UpdateHeader(func(h *dbfile.Header) {
			h.DBTime = max(h.DBTime, a.Cache.DBTime())
			h.ObjIDLast = max(h.ObjIDLast, a.Cache.ObjIDLast())
			err = headerForDetach(h, pos, r.now(), r.cfg.Hard != nil)
		})
	}
	if err == nil {
		err = a.File.WriteHeader()
	}
	return errors.Join(err, r.leave(a))
}

// abandon closes all databases as they are: recovery has failed, or ends before undo.
func (r *run) abandon() error {
	var err error
	for i, a := range r.dbs {
		if a.open() {
			err = errors.Join(err, r.leave(a))
		}
		r.dbs[i] = nil
	}
	return err
}
