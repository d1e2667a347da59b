package engine

import (
	"errors"
	"sync"

	"esent/internal/engine/dbfile"
	"esent/internal/engine/space"
	"esent/internal/jet"
)

// tempSlot is the slot of the temporary database.
const tempSlot jet.DBID = 0

// tempDatabase is the database of temporary and sorted tables: not logged, without a catalog, made when it is first
// asked for and removed by JetTerm.
type tempDatabase struct {
	mu sync.Mutex
	db *Database
}

// tempDB gives the temporary database.
func (s *Session) tempDB() (*Database, error) {
	i := s.inst
	i.temp.mu.Lock()
	defer i.temp.mu.Unlock()
	if i.temp.db != nil {
		return i.temp.db, nil
	}
	d := &Database{inst: i, id: tempSlot, path: i.set.tempPath}
	if err := d.createTemp(s); err != nil {
		if d.file != nil {
			err = errors.Join(err, d.shut(), i.env.FS.Remove(d.path))
		}
		return nil, err
	}
	i.mu.Lock()
	i.databases[tempSlot] = d
	i.mu.Unlock()
	i.temp.db = d
	return d, nil
}

func (d *Database) createTemp(s *Session) error {
	i := d.inst
	h := dbfile.NewHeader(i.set.pageSize, uint32(i.env.Rand()), i.env.Now())
	h.FileType = dbfile.FileTempDatabase
	h.Version = dbfile.VersionForEFV(i.format().EFV)
	if err := h.SetState(dbfile.StateJustCreated, dbfile.LogRange{}); err != nil {
		return err
	}
	var err error
	if d.file, err = dbfile.Create(i.env, d.path, h, true, dbfile.Options{Report: i.pageFault(d.path)}); err != nil {
		return err
	}
	pages := uint32(i.number(jet.ParamPageTempDBMin))
	if pages < minTempPages {
		pages = space.InitialPages(uint32(i.number(jet.ParamDbExtensionSize)))
	}
	if err := d.file.Resize(jet.Pgno(pages)); err != nil {
		return err
	}
	if err := d.openPages(); err != nil {
		return err
	}
	if err := d.openSpace(); err != nil {
		return err
	}
	_, err = d.space.CreateRoot(s.trx, pages)
	return err
}

// minTempPages is the least first size of the temporary database.
const minTempPages = 14

// dropTemp removes the temporary database. Nobody uses it any more.
func (i *Instance) dropTemp() error {
	i.temp.mu.Lock()
	defer i.temp.mu.Unlock()
	d := i.temp.db
	if d == nil {
		return nil
	}
	if err := i.versions.CleanDatabase(tempSlot); err != nil {
		return err
	}
	i.mu.Lock()
	i.databases[tempSlot] = nil
	i.mu.Unlock()
	i.temp.db = nil
	return errors.Join(d.shut(), i.env.FS.Remove(d.path))
}
