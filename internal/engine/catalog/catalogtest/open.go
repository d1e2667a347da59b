// Package catalogtest opens real database files for tests of the catalog and the layers around it.
package catalogtest

import (
	"testing"
	"time"

	"esent/internal/engine/btree"
	"esent/internal/engine/btree/ops"
	"esent/internal/engine/cache"
	"esent/internal/engine/catalog"
	"esent/internal/engine/dbfile"
	"esent/internal/engine/version"
	"esent/internal/vfs"
)

// File is a database file that is open for reading, with its catalog.
type File struct {
	Cache   *cache.Manager
	DB      *btree.DB
	Header  dbfile.Header
	Catalog *catalog.Catalog
	Session *version.Session
}

// Open opens a database file as it is, whatever its state.
func Open(t testing.TB, path string) *File {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	env := &vfs.Env{FS: vfs.System().FS, Now: time.Now, Rand: func() uint64 { return 4 }, Sched: still{}}
	file, err := dbfile.Open(env, path, dbfile.Options{ReadOnly: true})
	must(err)
	f := &File{Header: file.Header()}
	f.Cache, err = cache.New(cache.Config{PageSize: f.Header.PageSize(), MaxPages: 2000, Env: env})
	must(err)
	versions := version.New(version.Config{MaxSessions: 10, MaxUnits: 100})
	kernel := btree.New(f.Cache, versions)
	cdb, err := f.Cache.AddDB(cache.DBConfig{ID: 1, File: file, PageSize: f.Header.PageSize(), DBTime: f.Header.DBTime,
		ObjID: f.Header.ObjIDLast, ResidueBelow: f.Header.DBTime + 1})
	must(err)
	f.DB, err = kernel.Attach(cdb, ops.Format{})
	must(err)
	f.Session, err = versions.NewSession()
	must(err)
	f.Catalog, err = catalog.Open(f.DB, catalog.Options{Version: f.Header.Version})
	must(err)
	t.Cleanup(func() {
		f.Cache.RemoveDB(cdb)
		f.Cache.Close()
		file.Close()
	})
	return f
}

// Tables opens all tables that the session sees.
func (f *File) Tables(t testing.TB) []*catalog.Table {
	t.Helper()
	names, err := f.Catalog.TableNames(f.Session)
	if err != nil {
		t.Fatal(err)
	}
	var list []*catalog.Table
	for _, name := range names {
		table, err := f.Catalog.Table(f.Session, name)
		if err != nil {
			t.Fatalf("table %q: %v", name, err)
		}
		list = append(list, table)
	}
	return list
}

// still is a scheduler whose tasks run only when they are waited for.
type still struct{}

type stillTask struct{ run func() }

func (still) NewTask(_ string, run func()) vfs.Task       { return stillTask{run} }
func (still) Every(time.Duration, vfs.Task) (stop func()) { return func() {} }
func (stillTask) Kick()                                   {}
func (t stillTask) Wait()                                 { t.run() }
func (t stillTask) WaitFor(time.Duration)                 { t.run() }
func (stillTask) Stop()                                   {}
