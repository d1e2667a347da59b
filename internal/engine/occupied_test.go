package engine

import (
	"testing"

	"esent/internal/jet"
	"esent/internal/vfs"
)

// No database takes the place of a file of a running instance.
func TestOccupied(t *testing.T) {
	m := newMachine(t)
	i, s := m.start("a", "/db")
	m.start("b", "/other")
	before := m.files("/db")
	for _, c := range []struct {
		file      string
		overwrite bool
		want      jet.Err
	}{
		{"/db/edb.log", false, jet.ErrDatabaseDuplicate},
		{"/db/edb.log", true, jet.ErrFileAccessDenied},
		{"/db/EDB.LOG", true, jet.ErrFileAccessDenied},
		{"/db/edb00007.log", true, jet.ErrFileAccessDenied},
		{"/db/edb00007.log", false, jet.ErrFileAccessDenied},
		{"/db/edb00000007.jtx", true, jet.ErrFileAccessDenied},
		{"/db/edbtmp.log", true, jet.ErrFileAccessDenied},
		{"/db/edbres00001.jrs", true, jet.ErrFileAccessDenied},
		{"/db/edb.chk", true, jet.ErrFileAccessDenied},
		{"/db/edb.jcp", true, jet.ErrFileAccessDenied},
		{"/other/edb.chk", true, jet.ErrFileAccessDenied},
		{i.set.tempPath, false, jet.ErrFileAccessDenied},
		{"/db/edb.edb", true, 0},
		{"/far/edb.log", true, 0},
	} {
		grbit := jet.Grbit(0)
		if c.overwrite {
			grbit = jet.BitDbOverwriteExisting
		}
		if _, err := s.CreateDatabase(0, c.file, 0, grbit); jet.CodeOf(err) != c.want {
			t.Errorf("%s, overwrite %v: %v, want %v", c.file, c.overwrite, err, c.want)
		}
		if c.want != 0 && m.files("/db") != before {
			t.Fatalf("%s: %s, before %s", c.file, m.files("/db"), before)
		}
	}
	m.want(i.Term(0), 0)
}

// A file that another process has open is not overwritten, and the instance goes on.
func TestOverwriteLocked(t *testing.T) {
	m := newMachine(t)
	i, s := m.start("a", "/db")
	f, err := m.sim.Env().FS.Open("/db/x.edb", vfs.Create|vfs.Lock)
	m.want(err, 0)
	_, err = s.CreateDatabase(0, "/db/x.edb", 0, jet.BitDbOverwriteExisting)
	m.want(err, jet.ErrFileAccessDenied)
	m.want(f.Close(), 0)
	_, err = s.CreateDatabase(0, "/db/x.edb", 0, jet.BitDbOverwriteExisting)
	m.want(err, 0)
	m.want(i.Term(0), 0)
}

// A database that has the log's name, which it may have in another folder, does not come to lie on the log when recovery
// looks for databases in the log's folder.
func TestRecoverOntoLog(t *testing.T) {
	for _, c := range []struct {
		name     string
		detached bool
		want     jet.Err
	}{
		{"attached", false, jet.ErrAccessDenied},
		{"detached", true, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMachine(t)
			i, s := m.start("a", "/db")
			n, err := s.CreateDatabase(0, "/far/edb.log", 0, 0)
			m.want(err, 0)
			if c.detached {
				m.want(s.CloseDatabase(0, n), 0)
				m.want(s.DetachDatabase(0, "/far/edb.log", 0), 0)
			}
			m.want(i.Term(jet.BitTermDirty), jet.ErrDirtyShutdown)
			m.boot()
			i = m.instance("a", "/db")
			m.want(m.proc.SetParam(ParamTarget{Instance: i}, jet.ParamAlternateDatabaseRecoveryPath, 0, "/db"), 0)
			_, err = i.Init(InitOptions{})
			m.want(err, c.want)
			if err == nil {
				m.want(i.Term(0), 0)
			}
			m.boot()
			i, s = m.start("a", "/db")
			_, err = s.AttachDatabase(0, "/far/edb.log", 0, 0)
			m.want(err, 0)
			m.want(i.Term(0), 0)
		})
	}
}

// Databases of which one has the name of another's flush map, or of which two would have the same, do not write into
// each other's files.
func TestSharedFlushMap(t *testing.T) {
	m := newMachine(t)
	files := []string{"/db/a.jfm", "/db/a.edb", "/db/a.dat"}
	for round := range 3 {
		i, s := m.start("a", "/db")
		if !i.set.flushMaps {
			t.Fatal("no flush maps")
		}
		for _, file := range files {
			if round == 0 {
				n, err := s.CreateDatabase(0, file, 0, 0)
				m.want(err, 0)
				_, err = s.GrowDatabase(0, n, 600)
				m.want(err, 0)
				continue
			}
			_, err := s.AttachDatabase(0, file, 0, 0)
			m.want(err, 0)
		}
		m.want(i.Term(0), 0)
		for _, file := range files {
			if !m.clean(file) {
				t.Errorf("round %d: %s is not clean", round, file)
			}
		}
		m.boot()
	}
}
