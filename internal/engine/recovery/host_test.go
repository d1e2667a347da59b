package recovery

import (
	"errors"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"esent/internal/engine/btree"
	"esent/internal/engine/cache"
	"esent/internal/engine/dbfile"
	"esent/internal/engine/version"
	"esent/internal/jet"
	"esent/internal/logstore"
	"esent/internal/vfs"
)

// testHost is the smallest engine around a recovery: one directory with logs, checkpoint and databases.
type testHost struct {
	t      testing.TB
	cfg    Config
	kernel *btree.Kernel
	log    atomic.Pointer[testLog]
	state  LogState
	faults []dbfile.Fault
	// onControl, if set, answers in place of the application.
	onControl  func(c *Control) error
	onProgress func(done int)
	cachePages int
	quiet      bool // damage is expected
}

// testLog makes a logstore.Log a version.Log.
type testLog struct {
	*logstore.Log
}

// AwaitRoom does nothing: there is always room.
func (l *testLog) AwaitRoom() {}

func (l *testLog) AppendCommit(proc jet.ProcID, next *atomic.Uint32) (jet.Trx, jet.LogPos, jet.LogPos, error) {
	return l.Log.AppendCommit(proc, next, nil)
}

func newHost(t testing.TB, env *vfs.Env, dir string, pageSize int) *testHost {
	h := &testHost{t: t, cachePages: 4096}
	h.cfg = Config{Env: env, LogDir: dir, SystemDir: dir, Naming: logstore.NewNaming("edb", 1), PageSize: pageSize, Host: h,
		// The logs name C:\golden\...: the databases lie beside the logs.
		Map: func(logged string, _ jet.Signature) (Mapping, error) {
			return Mapping{Path: dir + "/" + path.Base(strings.ReplaceAll(logged, `\`, "/"))}, nil
		}}
	return h
}

// run makes an instance's kernel, recovers, and takes the kernel down again.
func (h *testHost) run() (Result, error) {
	h.t.Helper()
	st := version.New(version.Config{Sched: h.cfg.Env.Sched, MaxSessions: 100, MaxUnits: 1 << 20})
	m, err := cache.New(cache.Config{PageSize: h.cfg.PageSize, MaxPages: h.cachePages, Env: h.cfg.Env, Host: (*cacheHost)(h)})
	if err != nil {
		h.t.Fatal(err)
	}
	h.kernel = btree.New(m, st)
	h.cfg.Kernel = h.kernel
	h.log.Store(nil)
	res, err := Run(h.cfg)
	if l := h.log.Load(); l != nil {
		if err == nil {
			err = l.Close()
		} else {
			err = errors.Join(err, l.Abandon())
		}
	}
	st.Stop()
	if e := m.Close(); e != nil {
		h.t.Fatal(e)
	}
	if err == nil && !st.Empty() && !h.quiet {
		h.t.Error("version entries are left")
	}
	return res, err
}

func (h *testHost) OpenLog(t Tail, state LogState) (Log, error) {
	h.state = state
	cfg := logstore.Config{Env: h.cfg.Env, LogDir: h.cfg.LogDir, SystemDir: h.cfg.SystemDir, Naming: t.Naming,
		FileKB: int(t.Header.Segments) * 4, PageSize: h.cfg.PageSize, EFV: 9600, SyncCreate: true}
	l, err := logstore.Open(cfg, (*logHost)(h), logstore.Resume{Header: t.Header, Scan: t.Scan, Archived: !t.Current}, state.Checkpoint())
	if err != nil {
		return nil, err
	}
	h.log.Store(&testLog{l})
	return h.log.Load(), nil
}

func (h *testHost) Control(c *Control) error {
	if h.onControl != nil {
		return h.onControl(c)
	}
	return c.Default
}

func (h *testHost) Progress(done, total int) error {
	if h.onProgress != nil {
		h.onProgress(done)
	}
	return nil
}

func (h *testHost) Fault(_ *Database, f dbfile.Fault) { h.faults = append(h.faults, f) }

// cacheHost is testHost as the cache sees it.
type cacheHost testHost

func (h *cacheHost) LogDurable(end jet.LogPos) error {
	if l := h.log.Load(); l != nil {
		return l.Flush(end)
	}
	return nil
}

func (h *cacheHost) BeforeWrite(db *cache.DB, pgno jet.Pgno) (jet.LogPos, error) {
	return h.kernel.Versions.LogUndo(db.ID, pgno)
}

func (h *cacheHost) RequireGen(db *cache.DB, gen int32) error {
	return jet.ErrInternalError.Errorf("recovery asked for generation %d by the cache, has %d", gen, db.MaxRequired())
}

// logHost is testHost as the log sees it.
type logHost testHost

func (h *logHost) Attachments(at jet.LogPos) []logstore.AttachInfo { return h.state.Attachments(at) }

func (h *logHost) GenerationBegun(gen int32, created jet.LogTime) error {
	return h.state.Rolled(gen, created)
}

func (h *logHost) KeepFrom() int32 { return 0 }

// copyFiles copies the files of a data set into a new directory.
func copyFiles(t testing.TB, from string) string {
	t.Helper()
	dir := t.TempDir()
	entries, err := os.ReadDir(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(from, e.Name()))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, e.Name()), b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// hostEnv is the real environment, for files that were copied out of a simulated one.
func hostEnv() *vfs.Env { return vfs.System() }
