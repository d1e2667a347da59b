package engine

import (
	"errors"
	"path"
	"slices"

	"esent/internal/engine/btree/ops"
	"esent/internal/engine/cache"
	"esent/internal/engine/dbfile"
	"esent/internal/engine/space"
	"esent/internal/eventlog"
	"esent/internal/jet"
	"esent/internal/logstore"
	"esent/internal/vfs"
)

// AttachDatabase attaches a database file to the instance (JetAttachDatabase2, spec chapters 01, 5 and 02, 13.3).
// maxPages limits its size, 0 for no limit. The result is WrnDatabaseAttached when it is attached already.
func (s *Session) AttachDatabase(t Thread, file string, maxPages uint32, grbit jet.Grbit) (jet.Err, error) {
	if err := s.enterOwned(t); err != nil {
		return 0, err
	}
	defer s.leave()
	abs, err := s.inst.absolute(file)
	if err != nil {
		return 0, err
	}
	if s.trx.Level() > 0 {
		return 0, jet.ErrInTransaction
	}
	if grbit&jet.BitDbReadOnly != 0 && grbit&jet.BitDbDeleteUnicodeIndexes != 0 {
		return 0, jet.ErrInvalidGrbit
	}
	i := s.inst
	i.attachMu.Lock()
	defer i.attachMu.Unlock()
	if i.attachedAs(abs) != nil {
		return jet.WrnDatabaseAttached, nil
	}
	d, err := s.attach(abs, maxPages, grbit)
	if err != nil {
		return 0, err
	}
	warning, err := d.checkLocales(s, grbit)
	if err != nil && !i.failed() {
		err = errors.Join(err, s.detach(d))
	}
	if err == nil && grbit&jet.BitDbEnableBackgroundMaintenance != 0 && !d.readOnly {
		err = d.scan.start(d, d.continuousScan())
	}
	return warning, err
}

// attach attaches the file; Instance.attachMu is locked.
func (s *Session) attach(abs string, maxPages uint32, grbit jet.Grbit) (d *Database, err error) {
	i, started := s.inst, s.inst.env.Now()
	if err := i.attachable(abs); err != nil {
		return nil, err
	}
	d = &Database{inst: i, path: abs, readOnly: grbit&jet.BitDbReadOnly != 0}
	d.logged = i.log != nil && !d.readOnly && grbit&jet.BitDbRecoveryOff == 0
	if d.id, err = i.slotFor(abs, d.logged); err != nil {
		return nil, err
	}
	d.maxPages.Store(maxPages)
	if d.file, err = i.openFile(abs, d.readOnly); err != nil {
		return nil, err
	}
	upgrade, err := d.checkHeader(grbit)
	if err == nil {
		err = d.checkRoots()
	}
	if err != nil {
		return nil, errors.Join(err, d.file.Close())
	}
	if d.readOnly {
		err = d.openTrees()
		if err != nil {
			return nil, errors.Join(err, d.shut())
		}
	} else if err := d.attachWritable(s, upgrade); err != nil {
		return nil, err
	}
	i.enlist(d)
	i.report(eventlog.AttachDatabaseDone, d.number, d.path, i.seconds(started), "", "", "")
	return d, nil
}

// attachable says whether the file at abs may be attached, before it is opened.
func (i *Instance) attachable(abs string) error {
	info, err := i.env.FS.Stat(abs)
	switch {
	case err != nil && absent(err):
		return jet.ErrFileNotFound.Errorf("%s", abs)
	case err != nil:
		return err
	case info.IsDir:
		return jet.ErrFileAccessDenied.Errorf("%s is a directory", abs)
	}
	if i.backup.running() {
		return jet.ErrBackupInProgress
	}
	for _, o := range i.proc.Instances() {
		if o != i && o.attachedAs(abs) != nil {
			return jet.ErrDatabaseSharingViolation.Errorf("%s is attached to another instance", abs)
		}
	}
	return nil
}

// openFile opens a database file.
func (i *Instance) openFile(abs string, readOnly bool) (*dbfile.File, error) {
	return dbfile.Open(i.env, abs, dbfile.Options{ReadOnly: readOnly, Report: i.pageFault(abs)})
}

// upgrade is a format version that a database is to be raised to.
type upgrade struct {
	to     dbfile.Version
	needed bool
}

// checkHeader judges whether the database can be attached (spec chapter 02, 12.3). With jet.BitDbReadDirty one that needs
// its logs can be read without.
func (d *Database) checkHeader(grbit jet.Grbit) (upgrade, error) {
	i, h := d.inst, d.file.Header()
	var u upgrade
	if err := h.CheckFormat(i.set.pageSize); err != nil {
		return u, err
	}
	asItIs := d.readOnly && grbit&jet.BitDbReadDirty != 0 &&
		(h.State == dbfile.StateDirty || h.State == dbfile.StateDirtyAndPatched)
	if err := h.CheckClean(); err != nil && !asItIs {
		if jet.CodeOf(err) == jet.ErrSoftRecoveryOnBackupDatabase {
			i.report(eventlog.AttachToBackupSetDatabase, d.path)
		}
		return u, err
	}
	if err := h.CheckType(); err != nil {
		return u, err
	}
	if !d.readOnly {
		for _, o := range i.attached() {
			if oh := o.file.Header(); oh.SignDB == h.SignDB && !h.SignDB.IsZero() {
				return u, jet.ErrDatabaseSignInUse.Errorf("%s has the signature of %s", d.path, o.path)
			}
		}
	}
	if err := h.CheckVersion(); err != nil {
		i.report(eventlog.AttachVersionTooHighForEngine, d.path, h.Version, dbfile.MaxVersion)
		return u, err
	}
	if d.readOnly {
		return u, nil
	}
	format := i.format()
	var err error
	if u.to, u.needed, err = h.CheckRequested(format); err != nil {
		i.report(eventlog.AttachVersionTooHighForParam, d.path, h.Version, u.to, format.EFV)
	}
	return u, err
}

// checkRoots reads the pages without which nothing can be found in the database: the root of all and that of its
// space. They are looked at before the log speaks of the attach, as afterwards there is no way back.
func (d *Database) checkRoots() error {
	buf := make([]byte, 2*d.file.PageSize())
	return d.file.ReadPages(jet.PgnoSystemRoot, buf)
}

// format is what JET_paramEngineFormatVersion asks for now. The parameter holds a known version.
func (i *Instance) format() dbfile.Format {
	f, err := dbfile.ResolveFormat(uint32(i.number(jet.ParamEngineFormatVersion)))
	if err != nil {
		return i.set.format
	}
	return f
}

// attachWritable is steps 2 to 6 of spec chapter 02, 13.3. What fails behind the log record leaves a file that
// only recovery can close: the instance becomes unavailable.
func (d *Database) attachWritable(s *Session, u upgrade) error {
	i := d.inst
	if err := d.attachFlushMap(false); err != nil {
		return errors.Join(err, d.file.Close())
	}
	a := attachment{id: d.id, logged: d.logged, now: jet.MakeLogTime(i.env.Now())}
	if d.logged {
		pos, err := i.logAttach(s, d)
		if err != nil {
			return errors.Join(err, d.file.Close())
		}
		a.pos, a.signLog = pos, i.log.SignLog()
	} else {
		a.signDB = jet.MakeSignature(uint32(i.env.Rand()), i.env.Now())
	}
	err := d.openPages()
	if err == nil {
		err = i.goLive(d, &a)
	}
	if err == nil {
		err = d.openTrees()
	}
	if err == nil {
		err = d.fitFile(s)
	}
	if err == nil {
		err = d.upgrade(u)
	}
	if err == nil {
		err = d.finishTables(s)
	}
	if err != nil {
		if d.logged {
			i.fail(err)
		}
		return errors.Join(err, d.shut())
	}
	return nil
}

// attachFlushMap begins to keep the types of page writes. A map that cannot be used is made anew.
func (d *Database) attachFlushMap(createNew bool) error {
	i := d.inst
	if !i.set.flushMaps || i.format().EFV < efvPersistedFlushMap {
		return nil
	}
	file := dbfile.FlushMapPath(d.path)
	rejected, err := d.file.AttachFlushMap(dbfile.MapOptions{Persist: true, CreateNew: createNew, FailRuntimeOnly: i.set.lostFlushRuntimeOnly})
	if rejected != nil {
		i.report(eventlog.FlushMapHeaderError, rejected, file, eventlog.ErrorText(rejected))
	}
	if err != nil {
		i.report(eventlog.FlushMapAttachFailed, file, err)
	}
	return err
}

func (i *Instance) logAttach(s *Session, d *Database) (jet.LogPos, error) {
	h := d.file.Header()
	return i.logComing(d, &h, &logstore.AttachDB{Proc: s.trx.Proc, DB: d.id, MaxPages: d.maxPages.Load(), Consistent: h.Consistent,
		SignDB: h.SignDB, SignLog: h.SignLog, Path: d.path})
}

// openPages makes the database known to the page cache.
func (d *Database) openPages() error {
	h := d.file.Header()
	var err error
	d.pages, err = d.inst.cache.AddDB(cache.DBConfig{ID: d.id, File: d.file, PageSize: d.inst.set.pageSize, Logged: d.logged,
		ResidueBelow: h.DBTime + 1, DBTime: h.DBTime, ObjID: h.ObjIDLast, MaxRequired: h.GenMaxRequired})
	return err
}

// goLive stamps the header of a database that is being attached, makes it durable, and has it follow the log from
// now on. No page may be written before.
func (i *Instance) goLive(d *Database, a *attachment) error {
	g := &i.gens
	g.mu.Lock()
	var r dbfile.LogRange
	if d.logged {
		r = dbfile.LogRange{Min: a.pos.Gen(), Max: max(a.pos.Gen(), g.current)}
		r.CreatedAt = g.created(r.Max)
	}
	var err error
	d.file.UpdateHeader(func(h *dbfile.Header) { err = a.stamp(h, r) })
	if err == nil {
		g.follow(d, a.pos)
	}
	g.mu.Unlock()
	if err == nil {
		err = d.file.WriteHeader()
	}
	if err == nil {
		d.pages.SetMaxRequired(r.Max)
	}
	return err
}

// follow has the header of a logged database follow the log's generations; the lock is held.
func (g *generations) follow(d *Database, attach jet.LogPos) {
	if d.logged && !slices.Contains(g.live, d) {
		d.attachPos.Store(uint64(attach))
		g.live, g.coming = append(g.live, d), nil
	}
}

// retire has the database no longer follow the log.
func (i *Instance) retire(d *Database) {
	g := &i.gens
	g.mu.Lock()
	defer g.mu.Unlock()
	g.live = slices.DeleteFunc(g.live, func(o *Database) bool { return o == d })
}

// openTrees makes the database known to the B+trees, its space to be managed, and its catalog.
func (d *Database) openTrees() error {
	if d.pages == nil {
		if err := d.openPages(); err != nil {
			return err
		}
	}
	if err := d.openSpace(); err != nil {
		return err
	}
	return d.openCatalog()
}

func (d *Database) openSpace() error {
	i := d.inst
	var err error
	if d.tree, err = i.kernel.Attach(d.pages, d.pageFormat()); err != nil {
		return err
	}
	d.space = space.New(d.tree, space.Config{File: d, Extension: uint32(i.number(jet.ParamDbExtensionSize)),
		Fragment: uint32(i.number(jet.ParamPageFragment))})
	return nil
}

// pageFormat is what new pages of the database look like.
func (d *Database) pageFormat() ops.Format { return ops.Format{ReservedTags: d.has(efvReservedTags)} }

// fitFile makes the file as long as what the database owns (spec chapter 02, 1.1).
func (d *Database) fitFile(s *Session) error {
	last, err := d.space.LastOwned(s.trx)
	if err != nil {
		return err
	}
	have, err := d.file.Pages()
	if err != nil || have == last {
		return err
	}
	return d.file.Resize(last)
}

// upgrade raises the format version of the database (spec chapter 02, 12.3, step 9).
func (d *Database) upgrade(u upgrade) error {
	i, format := d.inst, d.inst.format()
	h := d.file.Header()
	newest := format.EFV >= efvSetDBVersion && !format.UsePersisted && h.EFVMaxBinAttach < dbfile.EFVMax
	if !u.needed && !newest {
		return nil
	}
	if u.needed && d.logged && i.logFeature(efvSetDBVersion) {
		rec := logstore.SetDbVersion{DB: d.id, Major: u.to.Major, UpdateMajor: u.to.UpdateMajor, UpdateMinor: u.to.UpdateMinor}
		if _, err := i.appendDurable(&rec); err != nil {
			return err
		}
	}
	pos := jet.LogPos(d.attachPos.Load())
	d.file.UpdateHeader(func(h *dbfile.Header) {
		if u.needed {
			h.Version = u.to
			if d.logged && h.Has(efvLgposLastResize) && h.LastResize == 0 {
				h.LastResize = pos
			}
		}
		if newest {
			h.EFVMaxBinAttach = dbfile.EFVMax
		}
	})
	if err := d.file.WriteHeader(); err != nil {
		return err
	}
	if d.tree != nil {
		d.tree.Format = d.pageFormat()
	}
	if d.cat != nil {
		h = d.file.Header()
		d.cat.SetVersion(h.Version)
	}
	return nil
}

// logFeature says that the log stream may hold what came with an engine format version.
func (i *Instance) logFeature(efv uint32) bool {
	v, w := i.logVersion, logstore.VersionForEFV(efv)
	return v.UpdateMajor >= w.UpdateMajor && v.UpdateMinor >= w.UpdateMinor
}

// enlist puts an attached database in its slot.
func (i *Instance) enlist(d *Database) {
	d.number = i.proc.takeDBID()
	i.mu.Lock()
	defer i.mu.Unlock()
	i.databases[d.id] = d
	delete(i.detachFailed, d.path)
}

// delist takes a database out of its slot.
func (i *Instance) delist(d *Database) {
	i.mu.Lock()
	i.databases[d.id] = nil
	i.mu.Unlock()
	if d.number != 0 {
		i.proc.freeDBID(d.number)
	}
}

// shut gives back what the database holds, without writing anything. Background tasks that have listed the databases
// before may still look at d: it stays as it is.
func (d *Database) shut() error {
	i := d.inst
	i.retire(d)
	d.closeCatalog()
	if d.tree != nil {
		i.kernel.Detach(d.tree)
	}
	if d.pages != nil {
		i.cache.RemoveDB(d.pages)
	}
	return d.file.Close()
}

// Grow makes the file long enough for page last (space.Grower; spec chapter 02, 1.1, steps 2 to 5).
func (d *Database) Grow(last jet.Pgno) error {
	if limit := d.maxPages.Load(); limit != 0 && uint32(last) > limit {
		return jet.ErrOutOfDatabaseSpace.Errorf("%s may have %d pages", d.path, limit)
	}
	have, err := d.file.Pages()
	if err != nil || have >= last {
		return err
	}
	now := jet.MakeLogTime(d.inst.env.Now())
	if d.id != tempSlot {
		d.file.UpdateHeader(func(h *dbfile.Header) {
			h.ExtendCount++
			h.ExtendedAt = now
		})
		if err := d.file.WriteHeader(); err != nil {
			return err
		}
	}
	return d.resize(last)
}

// resize makes the file so long, and tells the operator when the disk has no room for it.
func (d *Database) resize(last jet.Pgno) error {
	err := d.file.Resize(last)
	if jet.CodeOf(err) == jet.ErrDiskFull {
		d.inst.diskFull(d.path)
	}
	return err
}

// absent says that a path names nothing.
func absent(err error) bool {
	code := jet.CodeOf(err)
	return code == jet.ErrFileNotFound || code == jet.ErrInvalidPath
}

// makeParent makes the folder of a file where the instance may (JET_paramCreatePathIfNotExist).
func (i *Instance) makeParent(file string) error {
	dir := path.Dir(file)
	ok, err := vfs.Exists(i.env.FS, dir)
	if err != nil || ok {
		return err
	}
	if i.number(jet.ParamCreatePathIfNotExist) == 0 {
		return jet.ErrInvalidPath.Errorf("%s does not exist", dir)
	}
	_, err = vfs.MakePath(i.env.FS, dir)
	return err
}
