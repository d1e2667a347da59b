package engine

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"esent/internal/engine/dbfile"
	"esent/internal/eventlog"
	"esent/internal/jet"
	"esent/internal/testdata"
	"esent/internal/vfs"
)

// realMachine is a machine with the real file system.
func realMachine(t *testing.T, pageSize int64) *machine {
	m := &machine{t: t, log: &eventlog.Recorder{}}
	m.proc = NewProcess(vfs.System(), m.log)
	m.set(nil, jet.ParamCacheSizeMax, 2048)
	m.set(nil, jet.ParamDatabasePageSize, pageSize)
	return m
}

func (m *machine) text(i *Instance, id jet.ParamID, s string) {
	m.t.Helper()
	m.want(m.proc.SetParam(ParamTarget{Instance: i}, id, 0, s), 0)
}

// tables attaches a database, lists its tables and detaches it.
func (m *machine) tables(s *Session, path string, grbit jet.Grbit) []string {
	m.t.Helper()
	_, err := s.AttachDatabase(0, path, 0, grbit)
	m.want(err, 0)
	n, err := s.OpenDatabase(0, path, 0)
	m.want(err, 0)
	d, err := s.database(n)
	m.want(err, 0)
	names, err := d.cat.TableNames(s.trx)
	m.want(err, 0)
	m.want(s.CloseDatabase(0, n), 0)
	m.want(s.DetachDatabase(0, path, 0), 0)
	return names
}

// TestWindowsDatabases attaches databases that Windows made, for reading and for writing, which upgrades them.
func TestWindowsDatabases(t *testing.T) {
	m := realMachine(t, 4096)
	i := m.instance("a", t.TempDir())
	_, err := i.Init(InitOptions{})
	m.want(err, 0)
	s, err := i.BeginSession()
	m.want(err, 0)
	for _, path := range testdata.Windows(t) {
		before, err := dbfile.ReadFileHeader(i.env.FS, path)
		m.want(err, 0)
		names := m.tables(s, path, jet.BitDbReadOnly)
		if after, err := dbfile.ReadFileHeader(i.env.FS, path); err != nil || after.Checksum != before.Checksum {
			t.Errorf("%s: a read-only attach has changed the header", path)
		}
		again := m.tables(s, path, 0)
		if len(names) < 3 || !strings.Contains(strings.Join(again, " "), strings.Join(names, " ")) {
			t.Errorf("%s: tables %v, then %v", path, names, again)
		}
		h, err := dbfile.ReadFileHeader(i.env.FS, path)
		m.want(err, 0)
		if h.State != dbfile.StateClean || h.Version != dbfile.MaxVersion || h.SignDB != before.SignDB || h.SignLog != i.log.SignLog() {
			t.Errorf("%s: header %+v", path, h)
		}
	}
	m.want(i.Term(0), 0)
}

// TestRecoverySets has JetInit recover what the original engine left when it was killed.
func TestRecoverySets(t *testing.T) {
	for _, name := range []string{"dirty_simple", "dirty_ddl", "dirty_twodb", "dirty_multigen_esentnames"} {
		t.Run(name, func(t *testing.T) {
			m := realMachine(t, 4096)
			dir := filepath.Join(testdata.Set(t, name), "files")
			i, err := m.proc.CreateInstance("a", "")
			m.want(err, 0)
			for _, id := range []jet.ParamID{jet.ParamSystemPath, jet.ParamLogFilePath, jet.ParamAlternateDatabaseRecoveryPath} {
				m.text(i, id, dir)
			}
			_, err = i.Init(InitOptions{})
			m.want(err, 0)
			s, err := i.BeginSession()
			m.want(err, 0)
			files, err := filepath.Glob(filepath.Join(dir, "*.edb"))
			m.want(err, 0)
			for _, path := range files {
				if names := m.tables(s, path, 0); len(names) < 4 {
					t.Errorf("%s: tables %v", path, names)
				}
			}
			if len(files) == 0 {
				t.Error("no database")
			}
			m.want(i.Term(0), 0)
			_, err = os.Stat(filepath.Join(dir, "edb.chk"))
			m.want(err, 0)
		})
	}
}
