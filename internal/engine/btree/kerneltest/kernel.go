// Package kerneltest makes the lower layers of an instance for tests: a cache over a file in memory, a log in
// memory that can be replayed, a version store, and a database with its space. It verifies trees, space and the
// log. Tests of btree and of the layers above use it.
package kerneltest

import (
	"testing"
	"time"

	"esent/internal/engine/btree"
	"esent/internal/engine/btree/ops"
	"esent/internal/engine/cache"
	"esent/internal/engine/space"
	"esent/internal/engine/version"
	"esent/internal/jet"
	"esent/internal/vfs"
)

// Options say what to make. Zero values are defaults.
type Options struct {
	PageSize   int    // 4096
	CachePages int    // 1000
	Pages      uint32 // of the new database: 254
	Extension  uint32 // 256
	MaxPages   uint32 // of the database: no limit
	Unlogged   bool
	// Background runs tasks on goroutines; else they run when they are waited for, or the test calls Clean.
	Background bool
	MaxUnits   int // version store, 16 KiB units: 4096
}

// Kernel is one instance's lower layers with one database.
type Kernel struct {
	T        testing.TB
	Cache    *cache.Manager
	Versions *version.Store
	Trees    *btree.Kernel
	DB       *btree.DB
	Space    *space.Manager
	Root     *btree.Tree
	Log      *Log
	File     *File
	Session  *version.Session
}

// New makes a kernel with an empty database, whose root is its only tree.
func New(t testing.TB, o Options) *Kernel {
	t.Helper()
	def := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	def(&o.PageSize, 4096)
	def(&o.CachePages, 1000)
	def(&o.MaxUnits, 4096)
	if o.Pages == 0 {
		o.Pages = 254
	}
	k := &Kernel{T: t, Log: &Log{}, File: &File{pageSize: o.PageSize}}
	var sched vfs.Scheduler = idle{}
	if o.Background {
		sched = vfs.NewScheduler()
	}
	var err error
	k.Cache, err = cache.New(cache.Config{PageSize: o.PageSize, MaxPages: o.CachePages, Host: (*host)(k),
		Env: &vfs.Env{Now: time.Now, Rand: func() uint64 { return 4 }, Sched: sched}})
	k.Must(err)
	vc := version.Config{Log: k.Log, MaxSessions: 200, MaxUnits: o.MaxUnits}
	if o.Background {
		vc.Sched = sched
	}
	k.Versions = version.New(vc)
	k.Trees = btree.New(k.Cache, k.Versions)
	k.Trees.OnFatal = func(err error) { t.Errorf("page operation failed after it was logged: %v", err) }
	cdb, err := k.Cache.AddDB(cache.DBConfig{ID: 1, File: k.File, PageSize: o.PageSize, Logged: !o.Unlogged,
		DBTime: jet.DBTimeStart, MaxRequired: 1 << 20})
	k.Must(err)
	k.DB, err = k.Trees.Attach(cdb, ops.Format{ReservedTags: true})
	k.Must(err)
	k.Space = space.New(k.DB, space.Config{File: k.File, Extension: o.Extension, MaxPages: o.MaxPages})
	k.Session = k.NewSession()
	k.Must(k.File.Grow(jet.Pgno(o.Pages)))
	k.Must(k.Session.Begin())
	k.Root, err = k.Space.CreateRoot(k.Session, o.Pages)
	k.Must(err)
	k.Commit(k.Session)
	t.Cleanup(k.close)
	return k
}

func (k *Kernel) close() {
	k.Versions.Stop()
	if k.T.Failed() {
		return
	}
	k.Must(k.Cache.FlushDB(k.DB.DB))
	k.Cache.RemoveDB(k.DB.DB)
	k.Must(k.Cache.Close())
}

// Must ends the test when err is one.
func (k *Kernel) Must(err error) {
	k.T.Helper()
	if err != nil {
		k.T.Fatal(err)
	}
}

// NewSession opens a session.
func (k *Kernel) NewSession() *version.Session {
	k.T.Helper()
	s, err := k.Versions.NewSession()
	k.Must(err)
	return s
}

// Commit commits the innermost level of s.
func (k *Kernel) Commit(s *version.Session) {
	k.T.Helper()
	_, err := s.Commit()
	k.Must(err)
}

// Create makes a tree in a transaction of its own.
func (k *Kernel) Create(parent *btree.Tree, o space.TreeOptions) *btree.Tree {
	k.T.Helper()
	k.Must(k.Session.BeginInner())
	t, err := k.Space.CreateTree(k.Session, parent, o)
	k.Must(err)
	k.Commit(k.Session)
	return t
}

// Clean runs version clean-up.
func (k *Kernel) Clean() {
	k.T.Helper()
	k.Must(k.Versions.Clean())
}

// host is what the cache asks of the kernel.
type host Kernel

func (h *host) LogDurable(end jet.LogPos) error { return h.Log.Flush(end) }

func (h *host) BeforeWrite(db *cache.DB, pgno jet.Pgno) (jet.LogPos, error) {
	return h.Versions.LogUndo(db.ID, pgno)
}

func (h *host) RequireGen(db *cache.DB, gen int32) error {
	db.SetMaxRequired(gen)
	return nil
}

// idle is a scheduler whose tasks run only when they are waited for.
type idle struct{}

type idleTask struct{ run func() }

func (idle) NewTask(_ string, run func()) vfs.Task       { return idleTask{run} }
func (idle) Every(time.Duration, vfs.Task) (stop func()) { return func() {} }
func (idleTask) Kick()                                   {}
func (t idleTask) Wait()                                 { t.run() }
func (t idleTask) WaitFor(time.Duration)                 { t.run() }
func (idleTask) Stop()                                   {}
