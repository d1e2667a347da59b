package engine

import (
	"errors"
	"path"

	"esent/internal/engine/dbfile"
	"esent/internal/engine/key"
	"esent/internal/engine/space"
	"esent/internal/eventlog"
	"esent/internal/jet"
	"esent/internal/logstore"
	"esent/internal/vfs"
)

// CreateDatabase makes a database, attaches it and opens it for the session (JetCreateDatabase2, spec chapters 01,
// 5 and 02, 13.1). maxPages limits its size, 0 for no limit. It gives the JET_DBID.
func (s *Session) CreateDatabase(t Thread, file string, maxPages uint32, grbit jet.Grbit) (uint32, error) {
	if err := s.enterOwned(t); err != nil {
		return 0, err
	}
	defer s.leave()
	i := s.inst
	abs, err := i.absolute(file)
	switch {
	case err != nil:
		return 0, err
	case s.trx.Level() > 0:
		return 0, jet.ErrInTransaction
	case maxPages > uint32(jet.PgnoSysMax):
		return 0, jet.ErrDatabaseInvalidPages
	case grbit&jet.BitDbVersioningOff != 0 && grbit&jet.BitDbRecoveryOff == 0:
		return 0, jet.ErrCannotDisableVersioning
	case i.format().UsePersisted:
		return 0, jet.ErrInvalidOperation
	}
	i.attachMu.Lock()
	defer i.attachMu.Unlock()
	overwrite := grbit&jet.BitDbOverwriteExisting != 0
	if err := i.creatable(abs, overwrite); err != nil {
		return 0, err
	}
	logged := i.log != nil && grbit&jet.BitDbRecoveryOff == 0
	id, err := i.slotFor(abs, logged)
	if err != nil {
		return 0, err
	}
	if err := i.makeRoom(abs); err != nil {
		return 0, err
	}
	d := &Database{inst: i, id: id, path: abs, logged: logged}
	d.maxPages.Store(maxPages)
	if err := s.create(d, grbit, space.InitialPages(uint32(i.number(jet.ParamDbExtensionSize)))); err != nil {
		return 0, err
	}
	return d.number, nil
}

// creatable says whether a database may be made at abs.
func (i *Instance) creatable(abs string, overwrite bool) error {
	for _, o := range i.proc.Instances() {
		if o.attachedAs(abs) != nil {
			return jet.ErrDatabaseDuplicate.Errorf("%s is attached", abs)
		}
	}
	info, err := i.env.FS.Stat(abs)
	switch there := err == nil; {
	case !there && !absent(err):
		return err
	case there && !overwrite:
		return jet.ErrDatabaseDuplicate.Errorf("%s exists", abs)
	case there && info.IsDir:
		return jet.ErrFileAccessDenied.Errorf("%s is a directory", abs)
	}
	if i.proc.occupied(abs) {
		return jet.ErrFileAccessDenied.Errorf("%s is a file of an instance itself", abs)
	}
	if err != nil {
		return nil
	}
	// What is there will be overwritten, once the log speaks of it.
	f, err := i.env.FS.Open(abs, vfs.ReadWrite|vfs.Lock)
	if err != nil {
		return err
	}
	return f.Close()
}

// makeRoom makes the folder of a new database's file, if it may, and says whether there can be such a file: once the log
// speaks of it, it must come to be.
func (i *Instance) makeRoom(abs string) error {
	if err := i.makeParent(abs); err != nil {
		return err
	}
	if _, err := i.env.FS.Stat(abs); err != nil && jet.CodeOf(err) != jet.ErrFileNotFound {
		return err
	}
	return nil
}

// creation is the making of one database.
type creation struct {
	d     *Database
	s     *Session
	grbit jet.Grbit
	a     attachment
	pages uint32 // size at first
}

// create makes the database d, of so many pages, and opens it for the session. What fails behind the log record leaves a log that
// speaks of a database that is not there: the file is removed and the instance becomes unavailable.
func (s *Session) create(d *Database, grbit jet.Grbit, pages uint32) error {
	i, started := s.inst, s.inst.env.Now()
	c := &creation{d: d, s: s, grbit: grbit, pages: pages}
	h := dbfile.NewHeader(i.set.pageSize, uint32(i.env.Rand()), i.env.Now())
	h.DBID = uint32(d.id)
	if grbit&jet.BitDbShadowingOff != 0 {
		h.DBFlags |= dbfile.DBFlagShadowingOff
	}
	if err := c.log(&h); err != nil {
		return err
	}
	err := c.build(h)
	if err == nil {
		i.enlist(d)
		i.mu.Lock()
		err = s.open(d, false)
		i.mu.Unlock()
		if err != nil {
			i.delist(d)
		}
	}
	if err != nil {
		if d.logged {
			i.fail(err)
		}
		return errors.Join(err, c.undo())
	}
	i.report(eventlog.CreateDatabaseDone, d.number, d.path, i.seconds(started), "", "", "")
	return nil
}

// undo takes the file of a failed creation away.
func (c *creation) undo() error {
	if c.d.file == nil {
		return nil
	}
	fs, file := c.d.inst.env.FS, c.d.path
	err := errors.Join(c.d.shut(), fs.Remove(file))
	if e := fs.Remove(dbfile.FlushMapPath(file)); e != nil && !absent(e) {
		err = errors.Join(err, e)
	}
	return errors.Join(err, fs.SyncDir(path.Dir(file)))
}

// log logs the creation and makes h the header of a database that is being made (steps 2 and 3).
func (c *creation) log(h *dbfile.Header) error {
	d, i := c.d, c.d.inst
	c.a = attachment{id: d.id, logged: d.logged, now: jet.MakeLogTime(i.env.Now())}
	var r dbfile.LogRange
	if d.logged {
		rec := logstore.CreateDB{Proc: c.s.trx.Proc, DB: d.id, Grbit: c.grbit, MaxPages: d.maxPages.Load(), SignDB: h.SignDB,
			HasVersion: true, Version: createRecordVersion, UpdateMajor: createRecordUpdate, Path: d.path}
		pos, err := i.logComing(d, h, &rec)
		if err != nil {
			return err
		}
		c.a.pos, c.a.signLog = pos, i.log.SignLog()
		h.Attach, h.SignLog = pos, i.log.SignLog()
		r = dbfile.LogRange{Min: pos.Gen(), Max: pos.Gen()}
	} else {
		c.a.signDB = h.SignDB
	}
	return h.SetState(dbfile.StateJustCreated, r)
}

// The version fields of CreateDB records: the content follows record by record (spec chapter 05, 20.2).
const (
	createRecordVersion = 2
	createRecordUpdate  = 0
)

// build is steps 4 to 9.
func (c *creation) build(h dbfile.Header) error {
	d, i := c.d, c.d.inst
	var err error
	overwrite := c.grbit&jet.BitDbOverwriteExisting != 0
	if d.file, err = dbfile.Create(i.env, d.path, h, overwrite, dbfile.Options{Report: i.pageFault(d.path)}); err != nil {
		return err
	}
	if err := i.env.FS.SyncDir(path.Dir(d.path)); err != nil {
		return err
	}
	if err := d.attachFlushMap(true); err != nil {
		return err
	}
	if err := c.extend(); err != nil {
		return err
	}
	if err := d.openPages(); err != nil {
		return err
	}
	i.gens.mu.Lock()
	i.gens.follow(d, c.a.pos)
	i.gens.mu.Unlock()
	if err := d.openSpace(); err != nil {
		return err
	}
	if err := c.createRoots(); err != nil {
		return err
	}
	if err := d.upgrade(c.upgrade()); err != nil {
		return err
	}
	if err := c.finish(); err != nil {
		return err
	}
	return d.finishTables(c.s)
}

// extend gives the file its first size (step 5), and logs it when the space is had.
func (c *creation) extend() error {
	d := c.d
	last := jet.Pgno(c.pages)
	if err := d.resize(last); err != nil {
		return err
	}
	if d.logged {
		if _, err := d.inst.appendDurable(&logstore.ExtendDB{DB: d.id, Last: last}); err != nil {
			return err
		}
		d.file.UpdateHeader(func(h *dbfile.Header) {
			h.ExtendCount = 1
			h.ExtendedAt = jet.MakeLogTime(d.inst.env.Now())
		})
	}
	return d.file.WriteHeader()
}

func (c *creation) upgrade() upgrade {
	to := dbfile.VersionForEFV(c.d.inst.format().EFV)
	h := c.d.file.Header()
	return upgrade{to: to, needed: h.Version.Compare(to) < 0}
}

// finish makes the database an attached one (step 8).
func (c *creation) finish() error {
	d, i := c.d, c.d.inst
	if d.logged {
		if _, err := i.appendDurable(&logstore.CreateDBFinish{Proc: c.s.trx.Proc, DB: d.id}); err != nil {
			return err
		}
	}
	d.file.UpdateHeader(func(h *dbfile.Header) {
		h.DBTime, h.ObjIDLast = d.pages.DBTime(), d.pages.ObjIDLast()
		h.SortVersion = key.SortVersion
	})
	if err := i.goLive(d, &c.a); err != nil {
		return err
	}
	return i.cache.FlushDB(d.pages)
}
