package verify

import (
	"encoding/binary"
	"fmt"
	"path"
	"strings"
	"testing"

	"esent/internal/backup"
	"esent/internal/engine"
	"esent/internal/eventlog"
	"esent/internal/jet"
	"esent/internal/vfs"
)

// world is a process with a running instance and databases of rows.
type world struct {
	t    testing.TB
	env  *vfs.Env
	dir  string
	proc *engine.Process
	inst *engine.Instance
	svc  *backup.Service
	s    *engine.Session
	c    map[string]*engine.Cursor // the table of each database
	rows int
}

func newWorld(t testing.TB, env *vfs.Env, dir string, pageSize int64, databases ...string) *world {
	t.Helper()
	w := &world{t: t, env: env, dir: dir, proc: engine.NewProcess(env, &eventlog.Recorder{}), svc: backup.New(), c: map[string]*engine.Cursor{}}
	w.ok(env.FS.MkdirAll(dir))
	w.ok(w.proc.SetParam(engine.ParamTarget{}, jet.ParamDatabasePageSize, pageSize, ""))
	w.ok(w.proc.SetParam(engine.ParamTarget{}, jet.ParamCacheSizeMax, 400, ""))
	var err error
	w.inst, err = w.proc.CreateInstance("world", "")
	w.ok(err)
	for id, v := range map[jet.ParamID]string{jet.ParamSystemPath: dir, jet.ParamLogFilePath: dir, jet.ParamTempPath: dir + "/"} {
		w.ok(w.proc.SetParam(engine.ParamTarget{Instance: w.inst}, id, 0, v))
	}
	for id, n := range map[jet.ParamID]int64{jet.ParamLogFileSize: 128, jet.ParamLegacyFileNames: 1, jet.ParamCheckpointDepthMax: 256 << 10} {
		w.ok(w.proc.SetParam(engine.ParamTarget{Instance: w.inst}, id, n, ""))
	}
	_, err = w.inst.Init(engine.InitOptions{})
	w.ok(err)
	w.s, err = w.inst.BeginSession()
	w.ok(err)
	for _, name := range databases {
		db, err := w.s.CreateDatabase(0, path.Join(dir, name), 0, 0)
		w.ok(err)
		w.c[name], err = w.s.CreateTableColumnIndex(0, db, &engine.TableCreate{Name: "rows", Pages: 1, Columns: []engine.ColumnDef{
			{Name: "id", Type: jet.ColtypLong, Grbit: jet.BitColumnNotNULL},
			{Name: "text", Type: jet.ColtypText, Max: 255, CodePage: 1252},
			{Name: "blob", Type: jet.ColtypLongBinary},
		}, Indexes: []engine.IndexDef{
			{Name: "primary", Key: []byte("+id\x00\x00"), Grbit: jet.BitIndexPrimary},
			{Name: "text", Key: []byte("+text\x00\x00")},
		}})
		w.ok(err)
	}
	return w
}

func (w *world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// grow inserts rows into all databases.
func (w *world) grow(n int) {
	w.t.Helper()
	for range n {
		w.rows++
		w.ok(w.s.BeginTransaction(0, 0))
		for _, c := range w.c {
			w.ok(c.PrepareUpdate(w.s, jet.PrepInsert))
			blob := make([]byte, 40+w.rows%10/9*6000)
			for i := range blob {
				blob[i] = byte(w.rows*7 + i)
			}
			for name, data := range map[string][]byte{"id": binary.LittleEndian.AppendUint32(nil, uint32(w.rows)),
				"text": fmt.Appendf(nil, "row %08x", uint32(w.rows)*2654435761), "blob": blob} {
				info, err := c.ColumnInfo(w.s, name, nil)
				w.ok(err)
				_, err = c.SetColumn(w.s, 0, &engine.Setting{Column: info.ID, Data: data, Size: len(data), Itag: 1})
				w.ok(err)
			}
			_, err := c.Update(w.s, 0, nil, 0)
			w.ok(err)
		}
		w.ok(w.s.CommitTransaction(0, jet.BitCommitLazyFlush, 0, nil))
	}
}

func (w *world) backup(dir string, grbit jet.Grbit) {
	w.t.Helper()
	w.ok(w.env.FS.MkdirAll(dir))
	w.ok(w.svc.Backup(backup.Of(w.inst), dir, grbit, nil))
}

// stream makes a streaming backup into a directory.
func (w *world) stream(dir string) {
	w.t.Helper()
	w.ok(w.env.FS.MkdirAll(dir))
	e := backup.Of(w.inst)
	pull := func(from string) {
		h, _, err := w.svc.OpenFile(e, from, 0)
		w.ok(err)
		to, err := w.env.FS.Open(path.Join(dir, path.Base(from)), vfs.Create)
		w.ok(err)
		buf, off := make([]byte, 1<<20), int64(0)
		for {
			n, err := w.svc.ReadFile(e, h, buf)
			w.ok(err)
			if n == 0 {
				break
			}
			w.ok(to.WriteAt(buf[:n], off))
			off += int64(n)
		}
		w.ok(w.svc.CloseFile(e, h))
		w.ok(to.Close())
	}
	w.ok(w.svc.BeginExternal(e, 0))
	paths, err := w.svc.AttachInfo(e)
	w.ok(err)
	for _, p := range paths {
		pull(p)
	}
	info, err := w.svc.LogInfo(e)
	w.ok(err)
	for _, p := range info.Paths {
		pull(p)
	}
	w.ok(w.svc.EndExternal(e, jet.BitBackupEndNormal))
}

func (w *world) end() {
	w.t.Helper()
	w.ok(w.inst.Term(0))
}

// snapshot is everything of a directory, to see whether something has changed in it.
func snapshot(t testing.TB, fsys vfs.FS, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	list, err := fsys.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		file := path.Join(dir, e.Name)
		if e.IsDir {
			for name, content := range snapshot(t, fsys, file) {
				all[name] = content
			}
			all[file] = "directory"
			continue
		}
		b, err := vfs.ReadFile(fsys, file)
		if err != nil {
			t.Fatal(err)
		}
		all[file] = string(b)
	}
	return all
}

// faults is the report's list in short.
func faults(r *Report) string {
	var list []string
	for _, f := range r.Faults {
		list = append(list, fmt.Sprintf("%s %d: %s", f.File, f.Code, f.Text))
	}
	return strings.Join(list, "\n")
}
