package engine

import (
	"testing"

	"esent/internal/engine/dbfile"
	"esent/internal/jet"
)

// startWith starts an instance with parameters.
func (m *machine) startWith(dir string, values map[jet.ParamID]int64) (*Instance, *Session) {
	m.t.Helper()
	i := m.instance("a", dir)
	for id, n := range values {
		m.set(i, id, n)
	}
	_, err := i.Init(InitOptions{})
	m.want(err, 0)
	s, err := i.BeginSession()
	m.want(err, 0)
	return i, s
}

func TestFormatVersions(t *testing.T) {
	m := newMachine(t)
	const format = jet.ParamEngineFormatVersion
	i, s := m.startWith("/db", map[jet.ParamID]int64{format: 8020, jet.ParamLogFileSize: 1024})
	_, err := s.CreateDatabase(0, "/db/x.edb", 0, 0)
	m.want(err, 0)
	m.want(m.proc.SetParam(ParamTarget{Instance: i}, format, 8520, ""), jet.ErrAlreadyInitialized)
	m.sim.RunAll()
	m.want(i.Term(0), 0)
	if h := m.header("/db/x.edb"); h.Version != (dbfile.Version{Major: 0x620, UpdateMajor: 20}) || h.EFVMaxBinAttach != 0 || h.LastResize != 0 || !h.SignFlushMapFlush.IsZero() {
		t.Errorf("header at 8020: %+v", h)
	}
	if got := m.files("/db"); got != "edb.chk edb.log edbres00001.jrs edbres00002.jrs edbtmp.log x.edb" {
		t.Errorf("files %s", got)
	}
	i, s = m.startWith("/db", map[jet.ParamID]int64{jet.ParamLogFileSize: 1024})
	_, err = s.AttachDatabase(0, "/db/x.edb", 0, jet.BitDbReadOnly)
	m.want(err, 0)
	m.want(s.DetachDatabase(0, "/db/x.edb", 0), 0)
	if h := m.header("/db/x.edb"); h.Version.UpdateMajor != 20 || h.State != dbfile.StateClean {
		t.Errorf("read-only attach has changed the header: %+v", h)
	}
	_, err = s.AttachDatabase(0, "/db/x.edb", 0, 0)
	m.want(err, 0)
	m.want(i.Term(0), 0)
	if h := m.header("/db/x.edb"); h.Version != dbfile.MaxVersion || h.EFVMaxBinAttach != dbfile.EFVMax || h.LastResize != h.Consistent || h.SignFlushMapFlush.IsZero() {
		t.Errorf("upgraded header: %+v", h)
	}
	i, s = m.startWith("/other", map[jet.ParamID]int64{format: 8520})
	_, err = s.AttachDatabase(0, "/db/x.edb", 0, 0)
	m.want(err, jet.ErrEngineFormatVersionSpecifiedTooLowForDatabaseVersion)
	_, err = s.AttachDatabase(0, "/db/x.edb", 0, jet.BitDbReadOnly)
	m.want(err, 0)
	m.want(i.Term(0), 0)
}

func TestWithoutLog(t *testing.T) {
	m := newMachine(t)
	start := func(name, dir string) (*Instance, *Session) {
		i := m.instance(name, dir)
		m.want(m.proc.SetParam(ParamTarget{Instance: i}, jet.ParamRecovery, 0, "off"), 0)
		_, err := i.Init(InitOptions{})
		m.want(err, 0)
		s, err := i.BeginSession()
		m.want(err, 0)
		return i, s
	}
	i, s := start("a", "/db")
	_, err := s.CreateDatabase(0, "/db/x.edb", 0, 0)
	m.want(err, 0)
	h := m.header("/db/x.edb")
	if h.State != dbfile.StateDirty || h.GenMaxRequired != 0 || h.Attach != 0 || !h.SignLog.IsZero() || h.ExtendCount != 0 {
		t.Errorf("header: %+v", h)
	}
	m.want(s.BeginTransaction(0, 0), 0)
	m.want(s.CommitTransaction(0, 0, 0, nil), 0)
	m.want(s.CommitTransaction(0, jet.BitForceNewLog, 0, nil), 0)
	m.want(i.Term(0), 0)
	if got := m.files("/db"); got != "x.edb x.jfm" {
		t.Errorf("files %s", got)
	}
	i, s = start("a", "/db")
	_, err = s.AttachDatabase(0, "/db/x.edb", 0, 0)
	m.want(err, 0)
	if now := m.header("/db/x.edb"); now.SignDB == h.SignDB {
		t.Error("attach without logging keeps the signature")
	}
	m.want(i.Term(jet.BitTermDirty), jet.ErrDirtyShutdown)
	_, s = start("a", "/db")
	_, err = s.AttachDatabase(0, "/db/x.edb", 0, 0)
	m.want(err, jet.ErrDatabaseDirtyShutdown)
}
