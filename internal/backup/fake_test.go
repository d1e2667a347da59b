package backup

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"esent/internal/engine/dbfile"
	"esent/internal/engine/page"
	"esent/internal/eventlog"
	"esent/internal/jet"
	"esent/internal/logstore"
	"esent/internal/vfs"
	"esent/internal/vfs/simdisk"
)

const fakePage = 4096

// fakeEngine is an Engine over a real log and real database files, without sessions: the test says what is logged
// and what is on the pages.
type fakeEngine struct {
	env     *vfs.Env
	events  *eventlog.Recorder
	log     *logstore.Log
	dir     string
	refuse  error
	allowed bool
	creates bool

	mu         sync.Mutex
	checkpoint logstore.Checkpoint
	databases  []Database
	abort      func(jet.Err)
	stop       error
	floor      int32
	inside     int
}

func (e *fakeEngine) Enter() error {
	if e.refuse == nil {
		e.inside++
	}
	return e.refuse
}
func (e *fakeEngine) Leave()              { e.inside-- }
func (e *fakeEngine) BackupAllowed() bool { return e.allowed }
func (e *fakeEngine) Env() *vfs.Env       { return e.env }
func (e *fakeEngine) Events() *eventlog.Logger {
	return &eventlog.Logger{Sink: e.events, Now: e.env.Now}
}
func (e *fakeEngine) PageSize() int          { return fakePage }
func (e *fakeEngine) LogDir() string         { return e.dir }
func (e *fakeEngine) Log() *logstore.Log     { return e.log }
func (e *fakeEngine) CreatesPaths() bool     { return e.creates }
func (e *fakeEngine) StopBackup()            { e.stop = jet.ErrBackupAbortByServer }
func (e *fakeEngine) BackupStopped() error   { return e.stop }
func (e *fakeEngine) KeepLogsFrom(gen int32) { e.floor = gen }
func (e *fakeEngine) Databases() []Database  { return slices.Clone(e.databases) }

func (e *fakeEngine) Checkpoint() logstore.Checkpoint { return e.checkpoint }

func (e *fakeEngine) StampCheckpoint(change func(c *logstore.Checkpoint)) error {
	change(&e.checkpoint)
	return nil
}

func (e *fakeEngine) AppendInNewGeneration(rec logstore.Record) (jet.LogPos, error) {
	pos, _, err := e.log.AppendInNewGeneration(rec.Append(nil))
	return pos, err
}

func (e *fakeEngine) BeginBackup(abort func(reason jet.Err)) bool {
	if e.abort != nil {
		return false
	}
	e.abort, e.stop = abort, nil
	return true
}

func (e *fakeEngine) EndBackup() { e.abort, e.floor = nil, 0 }

// Attachments, GenerationBegun and KeepFrom implement logstore.Host.
func (e *fakeEngine) Attachments(jet.LogPos) []logstore.AttachInfo { return nil }
func (e *fakeEngine) KeepFrom() int32                              { return e.floor }

func (e *fakeEngine) GenerationBegun(gen int32, created jet.LogTime) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, d := range e.databases {
		d.File().UpdateHeader(func(h *dbfile.Header) {
			h.GenMaxCommitted, h.GenMaxCreatedAt = gen, created
			h.GenMaxRequired, h.GenMaxRequiredAt = gen, created
		})
	}
	return nil
}

type fakeDatabase struct {
	id     jet.DBID
	path   string
	file   *dbfile.File
	last   jet.Pgno
	logged bool
	locked bool
}

func (d *fakeDatabase) ID() jet.DBID                { return d.id }
func (d *fakeDatabase) Path() string                { return d.path }
func (d *fakeDatabase) File() *dbfile.File          { return d.file }
func (d *fakeDatabase) Logged() bool                { return d.logged }
func (d *fakeDatabase) Locked() bool                { return d.locked }
func (d *fakeDatabase) LastPage() (jet.Pgno, error) { return d.last, nil }

// machine is a simulated computer with one instance that has a log in /log and databases in /db.
type machine struct {
	t      testing.TB
	sim    *simdisk.Sim
	env    *vfs.Env
	e      *fakeEngine
	svc    *Service
	slept  time.Duration
	status []string
}

func newMachine(t testing.TB) *machine {
	m := &machine{t: t, sim: simdisk.New(1, simdisk.Options{StrictNames: true})}
	m.env = m.sim.Env()
	m.ok(m.env.FS.MkdirAll("/log"))
	m.ok(m.env.FS.MkdirAll("/db"))
	m.ok(m.env.FS.MkdirAll("/bk"))
	m.ok(m.env.FS.SyncDir("/"))
	m.e = &fakeEngine{env: m.env, events: &eventlog.Recorder{}, dir: "/log/", allowed: true}
	l, err := logstore.Create(logstore.Config{Env: m.env, LogDir: "/log", SystemDir: "/log", Naming: logstore.NewNaming("edb", 3),
		FileKB: 64, PageSize: fakePage, EFV: dbfile.EFVMax}, m.e, jet.Signature{}, 1)
	m.ok(err)
	m.e.log = l
	m.setCheckpoint(1)
	m.svc = New()
	m.svc.Sleep = func(d time.Duration) {
		m.slept += d
		m.sim.Advance(d)
	}
	return m
}

func (m *machine) ok(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) want(err error, code jet.Err) {
	m.t.Helper()
	if got := jet.CodeOf(err); got != code {
		m.t.Fatalf("got %v, want %d", err, int32(code))
	}
}

func (m *machine) setCheckpoint(gen int32) {
	m.e.checkpoint.Pos = jet.MakeLogPos(gen, 1, 0)
	m.e.log.SetCheckpoint(m.e.checkpoint.Pos)
}

// rollTo makes gen the current generation of the log.
func (m *machine) rollTo(gen int32) {
	m.t.Helper()
	for m.e.log.EndPos().Gen() < gen {
		_, err := m.e.log.Roll(1, "test")
		m.ok(err)
	}
	m.sim.RunAll()
}

// database makes and attaches a database of last pages, of which every tenth is blank.
func (m *machine) database(file string, last jet.Pgno) *fakeDatabase {
	m.t.Helper()
	h := dbfile.NewHeader(fakePage, uint32(m.env.Rand()), m.env.Now())
	h.Version = dbfile.MaxVersion
	h.DBTime, h.ObjIDLast = 100, 5
	h.SignLog = m.e.log.SignLog()
	m.ok(h.SetState(dbfile.StateJustCreated, dbfile.LogRange{Min: 1, Max: 1}))
	m.ok(h.SetState(dbfile.StateDirty, dbfile.LogRange{Min: 1, Max: 1}))
	f, err := dbfile.Create(m.env, file, h, false, dbfile.Options{Report: func(f dbfile.Fault) {
		id := eventlog.PageChecksumMismatch
		if f.Err == nil {
			id = eventlog.PageChecksumCorrected
		}
		m.e.Events().Report(id, file, f.Err, uint32(f.Pgno))
	}})
	m.ok(err)
	m.ok(f.Resize(last + 20))
	d := &fakeDatabase{id: jet.DBID(len(m.e.databases) + 1), path: file, file: f, last: last, logged: true}
	pages := make([]byte, int(last)*fakePage)
	for pgno := jet.Pgno(1); pgno <= last; pgno++ {
		if pgno%10 != 0 {
			copy(pages[int(pgno-1)*fakePage:], pageImage(pgno, 1))
		}
	}
	m.ok(f.WriteRaw(1, pages))
	m.e.mu.Lock()
	m.e.databases = append(m.e.databases, d)
	m.e.mu.Unlock()
	return d
}

// pageImage is the content that page pgno has after its n-th change.
func pageImage(pgno jet.Pgno, n int) page.Page {
	p := make(page.Page, fakePage)
	p.Init(pgno, 7, jet.DBTime(n), page.FlagLeaf|page.FlagRoot, true)
	m := fmt.Appendf(nil, "page %d change %d", pgno, n)
	if err := p.AppendNode(page.Node{Suffix: m, Data: m}); err != nil {
		panic(err)
	}
	p.Seal(pgno, 1)
	return p
}

func (m *machine) backup(dir string, grbit jet.Grbit) error {
	m.status = nil
	return m.svc.Make(m.e, Options{Dir: dir, Grbit: grbit, status: func(snt, done, total uint32) {
		m.status = append(m.status, fmt.Sprintf("%d:%d/%d", snt, done, total))
	}})
}

// files lists a directory with its sub-directories, one level deep.
func (m *machine) files(dir string) string {
	m.t.Helper()
	entries, err := m.env.FS.ReadDir(dir)
	m.ok(err)
	var names []string
	for _, e := range entries {
		if e.IsDir {
			names = append(names, e.Name+"("+m.files(path.Join(dir, e.Name))+")")
			continue
		}
		names = append(names, e.Name)
	}
	return strings.Join(names, " ")
}

// events gives the events since the last call, with their parameters, one a line.
func (m *machine) events() string {
	var b strings.Builder
	for _, e := range m.e.events.Events() {
		fmt.Fprintln(&b, strings.TrimSpace(fmt.Sprint(e.ID, " ", strings.Join(e.Params, ","))))
	}
	m.e.events.Reset()
	return b.String()
}

func (m *machine) wantEvents(lines ...string) {
	m.t.Helper()
	if got, want := m.events(), strings.Join(lines, "\n")+"\n"; got != want {
		m.t.Fatalf("events:\n%swant:\n%s", got, want)
	}
}

func (m *machine) wantFiles(dir, want string) {
	m.t.Helper()
	if got := m.files(dir); got != want {
		m.t.Fatalf("%s holds %s, want %s", dir, got, want)
	}
}

// snapshot is the whole content of a directory, with empty sub-directories.
func snapshot(t testing.TB, fsys vfs.FS, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	entries, err := fsys.ReadDir(dir)
	if absent(err) {
		return all
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		p := path.Join(dir, e.Name)
		if e.IsDir {
			all[p+"/"] = ""
			for k, v := range snapshot(t, fsys, p) {
				all[k] = v
			}
			continue
		}
		data, err := vfs.ReadFile(fsys, p)
		if err != nil {
			t.Fatal(err)
		}
		all[p] = string(data)
	}
	return all
}

// set is a backup set as restore would find it.
type set struct {
	dir             string
	databases       []string
	genLow, genHigh int32
}

var errNoSet = errors.New("no complete set")

// findSet finds the set that restore would use and checks that it is complete: databases with header and trailer,
// logs without a hole that cover what the trailers ask for.
func findSet(fsys vfs.FS, root string) (s set, err error) {
	naming := logstore.NewNaming("edb", 3)
	var logs logstore.Directory
	for _, sub := range []string{"", newDir, oldDir} {
		s.dir = path.Join(root, sub)
		if logs, err = logstore.FindLogs(fsys, s.dir, naming); err != nil {
			return s, err
		}
		if len(logs.Archives) > 0 {
			break
		}
	}
	if len(logs.Archives) == 0 {
		return s, errNoSet
	}
	s.genLow, s.genHigh = logs.Lowest(), logs.Highest()
	if int(s.genHigh-s.genLow)+1 != len(logs.Archives) {
		return s, fmt.Errorf("%w: hole between %d and %d", errNoSet, s.genLow, s.genHigh)
	}
	var prev *logstore.Header
	var sum uint64
	for _, a := range logs.Archives {
		f, err := logstore.OpenFile(fsys, path.Join(s.dir, a.Name), logstore.Expect{Gen: a.Gen})
		if err != nil {
			return s, fmt.Errorf("%w: %v", errNoSet, err)
		}
		scan, err := f.Scan(logstore.ScanRestoreSet)
		if err == nil && prev != nil {
			err = prev.CheckNext(f.Header, sum)
		}
		prev, sum = f.Header, scan.Checksum
		f.Close()
		if err != nil {
			return s, fmt.Errorf("%w: %v", errNoSet, err)
		}
	}
	entries, err := fsys.ReadDir(s.dir)
	if err != nil {
		return s, err
	}
	for _, e := range entries {
		if stem, ok := strings.CutSuffix(e.Name, patchExt); ok {
			name := stem + ".edb"
			if err := checkCopy(fsys, path.Join(s.dir, name), s.genLow, s.genHigh); err != nil {
				return s, fmt.Errorf("%w: %s: %v", errNoSet, name, err)
			}
			s.databases = append(s.databases, name)
		}
	}
	if len(s.databases) == 0 {
		return s, fmt.Errorf("%w: no databases", errNoSet)
	}
	return s, nil
}

// checkCopy reads a database copy by the letter of spec chapter 06, 3.3 and 3.4.
func checkCopy(fsys vfs.FS, file string, genLow, genHigh int32) error {
	data, err := vfs.ReadFile(fsys, file)
	if err != nil {
		return err
	}
	if len(data) < 4*fakePage || len(data)%fakePage != 0 {
		return fmt.Errorf("%d bytes", len(data))
	}
	if string(data[:fakePage]) != string(data[fakePage:2*fakePage]) {
		return errors.New("header and shadow differ")
	}
	h := dbfile.DecodeHeader(data[:fakePage])
	if h.State != dbfile.StateDirty || h.FullCur.GenLow == 0 || h.FullCur.GenHigh != 0 {
		return fmt.Errorf("header state %v, backup %+v", h.State, h.FullCur)
	}
	last := len(data) - fakePage
	tr, err := dbfile.DecodeTrailer(data[last:])
	if err != nil {
		return err
	}
	if err := tr.Matches(&h); err != nil {
		return err
	}
	if int32(tr.Backup.GenLow) < genLow || int32(tr.Backup.GenHigh) > genHigh || tr.Backup.GenLow != h.FullCur.GenLow {
		return fmt.Errorf("needs %d to %d, set has %d to %d", tr.Backup.GenLow, tr.Backup.GenHigh, genLow, genHigh)
	}
	for off := 2 * fakePage; off < last; off += fakePage {
		pgno := jet.Pgno(off/fakePage - 1)
		if _, err := page.Page(data[off:off+fakePage]).Verify(pgno, false); err != nil && err != jet.ErrPageNotInitialized {
			return fmt.Errorf("page %d: %v", pgno, err)
		}
	}
	return nil
}

func (m *machine) wantSet(root string, dir string, genLow, genHigh int32, databases ...string) {
	m.t.Helper()
	s, err := findSet(m.env.FS, root)
	m.ok(err)
	if s.dir != dir || s.genLow != genLow || s.genHigh != genHigh || !slices.Equal(s.databases, databases) {
		m.t.Fatalf("set %+v, want %s %d-%d %v", s, dir, genLow, genHigh, databases)
	}
}
