package engine

import (
	"strings"
	"testing"

	"esent/internal/eventlog"
	"esent/internal/jet"
	"esent/internal/vfs/simdisk"
)

// machine is a simulated computer with one process.
type machine struct {
	t    testing.TB
	sim  *simdisk.Sim
	proc *Process
	log  *eventlog.Recorder
}

func newMachine(t testing.TB) *machine {
	m := &machine{t: t, sim: simdisk.New(1, simdisk.Options{})}
	m.boot()
	return m
}

// boot starts a process on what is on the disk.
func (m *machine) boot() {
	m.log = &eventlog.Recorder{}
	m.proc = NewProcess(m.sim.Env(), m.log)
	m.set(nil, jet.ParamCacheSizeMax, 512)
}

func (m *machine) set(i *Instance, id jet.ParamID, n int64) {
	m.t.Helper()
	m.want(m.proc.SetParam(ParamTarget{Instance: i}, id, n, ""), 0)
}

// want fails the test unless err has the code.
func (m *machine) want(err error, code jet.Err) {
	m.t.Helper()
	if got := jet.CodeOf(err); got != code {
		m.t.Fatalf("got %v, want %v", err, code)
	}
}

// instance makes an instance with small logs, all in folder dir.
func (m *machine) instance(name, dir string) *Instance {
	m.t.Helper()
	i, err := m.proc.CreateInstance(name, "")
	m.want(err, 0)
	for id, v := range map[jet.ParamID]string{jet.ParamSystemPath: dir, jet.ParamLogFilePath: dir} {
		m.want(m.proc.SetParam(ParamTarget{Instance: i}, id, 0, v), 0)
	}
	m.set(i, jet.ParamLogFileSize, 64)
	m.set(i, jet.ParamCreatePathIfNotExist, 1)
	return i
}

func (m *machine) start(name, dir string) (*Instance, *Session) {
	m.t.Helper()
	i := m.instance(name, dir)
	_, err := i.Init(InitOptions{})
	m.want(err, 0)
	s, err := i.BeginSession()
	m.want(err, 0)
	return i, s
}

// files lists a folder.
func (m *machine) files(dir string) string {
	m.t.Helper()
	list, err := m.sim.Env().FS.ReadDir(dir)
	m.want(err, 0)
	var names []string
	for _, e := range list {
		names = append(names, e.Name)
	}
	return strings.Join(names, " ")
}

func TestInitTerm(t *testing.T) {
	m := newMachine(t)
	for round := range 3 {
		i, s := m.start("a", "/db")
		_, err := i.Init(InitOptions{})
		m.want(err, jet.ErrAlreadyInitialized)
		m.sim.RunAll()
		m.want(s.End(0), 0)
		m.want(i.Term(0), 0)
		if got, want := m.files("/db"), "edb.chk edb.log edbres00001.jrs edbres00002.jrs edbtmp.log"; got != want {
			t.Errorf("round %d: files %s", round, got)
		}
		m.want(i.enter(), jet.ErrNotInitialized)
	}
	if got := m.log.IDs(); len(got) != 9 {
		t.Errorf("events %v", got)
	}
}

func TestStreamChanges(t *testing.T) {
	m := newMachine(t)
	init := func(code jet.Err, values map[jet.ParamID]int64) {
		t.Helper()
		i := m.instance("a", "/db")
		for id, n := range values {
			m.set(i, id, n)
		}
		_, err := i.Init(InitOptions{})
		m.want(err, code)
		if err == nil {
			m.sim.RunAll()
			m.want(i.Term(0), 0)
		}
	}
	files := func(want string) {
		t.Helper()
		if got := m.files("/db"); got != want {
			t.Errorf("files %s", got)
		}
	}
	const size, circular, cleanup, names, format = jet.ParamLogFileSize, jet.ParamCircularLog, jet.ParamCleanupMismatchedLogFiles, jet.ParamLegacyFileNames, jet.ParamEngineFormatVersion
	init(0, map[jet.ParamID]int64{names: 0})
	files("edb.jcp edb.jtx edbres00001.jrs edbres00002.jrs edbtmp.jtx")
	init(0, nil)
	files("edb.jcp edb.jtx edbres00001.jrs edbres00002.jrs edbtmp.jtx")
	init(0, map[jet.ParamID]int64{circular: 1})
	files("edb.chk edb.log edbres00001.jrs edbres00002.jrs edbtmp.log")
	init(jet.ErrLogFileSizeMismatchDatabasesConsistent, map[jet.ParamID]int64{size: 128})
	init(jet.ErrInvalidSettings, map[jet.ParamID]int64{size: 128, cleanup: 1})
	init(0, map[jet.ParamID]int64{size: 128, cleanup: 1, circular: 1})
	init(jet.ErrEngineFormatVersionSpecifiedTooLowForLogVersion, map[jet.ParamID]int64{size: 128, format: 8520})
	init(0, map[jet.ParamID]int64{size: 128, format: 0x41000000 | 8520})
	init(0, map[jet.ParamID]int64{size: 128, format: 0x40000002})
	m.set(nil, jet.ParamDatabasePageSize, 8192)
	init(jet.ErrPageSizeMismatch, map[jet.ParamID]int64{size: 128})
}
