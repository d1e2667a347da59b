package backup

import (
	"encoding/binary"
	"fmt"
	"math"
	"path"
	"strings"
	"testing"

	"esent/internal/engine"
	"esent/internal/engine/check"
	"esent/internal/eventlog"
	"esent/internal/jet"
	"esent/internal/vfs"
	"esent/internal/vfs/simdisk"
)

// world is a process with one running instance, whose database has a table of rows that tell by their number what is
// in them.
type world struct {
	t      testing.TB
	env    *vfs.Env
	dir    string // logs and database
	events *eventlog.Recorder
	proc   *engine.Process
	inst   *engine.Instance
	svc    *Service
	w      *writer      // nil before the database is open
	sim    *simdisk.Sim // nil on a real disk
}

// settle lets the background work be done.
func (w *world) settle() {
	if w.sim != nil {
		w.sim.RunAll()
	}
}

// newSimWorld is a world on a simulated disk: /w with the instance, /bk for backups.
func newSimWorld(t testing.TB) (*world, *simdisk.Sim) {
	sim := simdisk.New(7, simdisk.Options{})
	env := sim.Env()
	for _, dir := range []string{"/w", "/bk"} {
		if err := env.FS.MkdirAll(dir); err != nil {
			t.Fatal(err)
		}
	}
	if err := env.FS.SyncDir("/"); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, env, "/w")
	w.sim = sim
	return w, sim
}

// newWorld starts an instance in dir and creates its database there.
func newWorld(t testing.TB, env *vfs.Env, dir string) *world {
	t.Helper()
	w := startWorld(t, env, dir)
	s, err := w.inst.BeginSession()
	w.ok(err)
	db, err := s.CreateDatabase(0, w.database(), 0, 0)
	w.ok(err)
	long := engine.TableCreate{Name: "rows", Pages: 1, Columns: []engine.ColumnDef{
		{Name: "id", Type: jet.ColtypLong, Grbit: jet.BitColumnNotNULL},
		{Name: "text", Type: jet.ColtypText, Max: 255, CodePage: 1252},
		{Name: "blob", Type: jet.ColtypLongBinary},
	}, Indexes: []engine.IndexDef{
		{Name: "primary", Key: []byte("+id\x00\x00"), Grbit: jet.BitIndexPrimary},
		{Name: "text", Key: []byte("+text\x00\x00")},
	}}
	c, err := s.CreateTableColumnIndex(0, db, &long)
	w.ok(err)
	w.ok(c.Close(s, 0))
	w.w = &writer{w: w, s: s, db: db}
	w.w.open()
	return w
}

// startWorld starts an instance in dir, with what is there.
func startWorld(t testing.TB, env *vfs.Env, dir string) *world {
	t.Helper()
	w := &world{t: t, env: env, dir: dir, events: &eventlog.Recorder{}, svc: New()}
	w.proc = engine.NewProcess(env, w.events)
	w.inst = w.instance("world", dir)
	_, err := w.inst.Init(engine.InitOptions{})
	w.ok(err)
	return w
}

func (w *world) instance(name, dir string) *engine.Instance {
	w.t.Helper()
	i, err := w.proc.CreateInstance(name, "")
	w.ok(err)
	w.configure(i, dir)
	return i
}

func (w *world) configure(i *engine.Instance, dir string) {
	w.t.Helper()
	for id, v := range map[jet.ParamID]string{jet.ParamSystemPath: dir, jet.ParamLogFilePath: dir, jet.ParamTempPath: dir + "/"} {
		w.ok(w.proc.SetParam(engine.ParamTarget{Instance: i}, id, 0, v))
	}
	for id, n := range map[jet.ParamID]int64{jet.ParamLogFileSize: 128, jet.ParamCacheSizeMax: 300, jet.ParamCheckpointDepthMax: 256 << 10,
		jet.ParamCreatePathIfNotExist: 1, jet.ParamLegacyFileNames: 1} {
		w.ok(w.proc.SetParam(engine.ParamTarget{Instance: i}, id, n, ""))
	}
}

func (w *world) database() string { return path.Join(w.dir, "app.edb") }

func (w *world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) want(err error, code jet.Err) {
	w.t.Helper()
	if got := jet.CodeOf(err); got != code {
		w.t.Fatalf("got %v, want %d", err, int32(code))
	}
}

func (w *world) backup(dir string, grbit jet.Grbit) error {
	return w.svc.Backup(Of(w.inst), dir, grbit, nil)
}

// ids gives the numbers of the backup and restore events since the last call.
func (w *world) ids() string {
	var list []string
	for _, id := range w.events.IDs() {
		s := fmt.Sprint(id)
		if (id >= 200 && id < 260 || id > 400 && id != 637) && (len(list) == 0 || list[len(list)-1] != s) {
			list = append(list, s)
		}
	}
	w.events.Reset()
	return strings.Join(list, " ")
}

// restoreTo restores the set in source into the empty directory dest by a process of its own, starts an instance
// there, and gives the rows.
func (w *world) restoreTo(source, dest string) int {
	w.t.Helper()
	r := &world{t: w.t, env: w.env, dir: dest, events: &eventlog.Recorder{}, svc: New()}
	r.proc = engine.NewProcess(w.env, r.events)
	r.w = nil
	i := r.instance("restore", dest)
	w.ok(r.svc.RestoreInstance(r.proc, i, source, dest, nil))
	return r.countRows(i)
}

// countRows starts the instance, reads all rows, and ends it.
func (w *world) countRows(i *engine.Instance) int {
	w.t.Helper()
	if _, err := i.Init(engine.InitOptions{}); err != nil {
		w.t.Fatal(err)
	}
	s, err := i.BeginSession()
	w.ok(err)
	_, err = s.AttachDatabase(0, w.database(), 0, 0)
	w.ok(err)
	db, err := s.OpenDatabase(0, w.database(), 0)
	w.ok(err)
	wr := &writer{w: w, s: s, db: db}
	wr.open()
	n := wr.verify()
	w.ok(wr.c.Close(s, 0))
	w.ok(i.Term(0))
	report, err := check.File(w.env, w.database(), check.Options{})
	w.ok(err)
	for _, v := range report.Violations {
		w.t.Errorf("%v", v)
	}
	return n
}

// writer is a session with the table open.
type writer struct {
	w              *world
	s              *engine.Session
	db             uint32
	c              *engine.Cursor
	id, text, blob jet.ColumnID
	rows           int
}

// another gives one more writer of the database.
func (w *world) another() *writer {
	s, err := w.inst.BeginSession()
	w.ok(err)
	db, err := s.OpenDatabase(0, w.database(), 0)
	w.ok(err)
	n := &writer{w: w, s: s, db: db}
	n.open()
	return n
}

func (r *writer) open() {
	r.w.t.Helper()
	var err error
	r.c, err = r.s.OpenTable(0, r.db, "rows", 0)
	r.w.ok(err)
	for name, id := range map[string]*jet.ColumnID{"id": &r.id, "text": &r.text, "blob": &r.blob} {
		info, err := r.c.ColumnInfo(r.s, name, nil)
		r.w.ok(err)
		*id = info.ID
	}
}

// rowBlob is the long value of row n.
func rowBlob(n int) []byte {
	b := make([]byte, 40)
	if n%10 == 0 {
		b = make([]byte, 3000)
	}
	for i := range b {
		b[i] = byte(n*7 + i)
	}
	return b
}

func rowText(n int) string { return fmt.Sprintf("row %08x", uint32(n)*2654435761) }

func (r *writer) insert(n int) error {
	if err := r.c.PrepareUpdate(r.s, jet.PrepInsert); err != nil {
		return err
	}
	id, blob := binary.LittleEndian.AppendUint32(nil, uint32(n)), rowBlob(n)
	for _, set := range []engine.Setting{{Column: r.id, Data: id, Size: 4, Itag: 1},
		{Column: r.text, Data: []byte(rowText(n)), Size: len(rowText(n)), Itag: 1}, {Column: r.blob, Data: blob, Size: len(blob), Itag: 1}} {
		if _, err := r.c.SetColumn(r.s, 0, &set); err != nil {
			return err
		}
	}
	_, err := r.c.Update(r.s, 0, nil, 0)
	return err
}

// add commits n more rows.
func (r *writer) add(n int) {
	r.w.t.Helper()
	for n > 0 {
		r.w.ok(r.s.BeginTransaction(0, 0))
		for range min(n, 50) {
			r.w.ok(r.insert(r.rows))
			r.rows++
			n--
		}
		r.w.ok(r.s.CommitTransaction(0, jet.BitCommitLazyFlush, 0, nil))
		r.w.settle()
	}
}

// verify reads all rows and gives how many there are.
func (r *writer) verify() int {
	r.w.t.Helper()
	n := 0
	step := int32(math.MinInt32)
	for ; ; n++ {
		err := r.c.Move(r.s, step, 0)
		if jet.CodeOf(err) == jet.ErrNoCurrentRecord {
			break
		}
		r.w.ok(err)
		step = jet.MoveNext
		id, text, blob := make([]byte, 4), make([]byte, 100), make([]byte, 4000)
		list := []engine.Retrieval{{Column: r.id, Buf: id, Itag: 1}, {Column: r.text, Buf: text, Itag: 1}, {Column: r.blob, Buf: blob, Itag: 1}}
		if _, err := r.c.RetrieveColumns(r.s, list); err != nil {
			r.w.t.Fatalf("row %d: %v", n, err)
		}
		row := int(binary.LittleEndian.Uint32(id))
		if got := string(text[:list[1].Actual]); got != rowText(row) {
			r.w.t.Fatalf("row %d has text %q", row, got)
		}
		if got := blob[:list[2].Actual]; string(got) != string(rowBlob(row)) {
			r.w.t.Fatalf("row %d has a blob of %d bytes", row, len(got))
		}
	}
	return n
}
