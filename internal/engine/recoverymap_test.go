package engine

import (
	"testing"

	"esent/internal/engine/dbfile"
	"esent/internal/engine/recovery"
	"esent/internal/jet"
)

// dirtyPair is a machine with databases x and y in /db, left dirty, and empty folders /new and /other.
func dirtyPair(t *testing.T) *machine {
	m := newMachine(t)
	i, s := m.start("a", "/db")
	for _, path := range []string{"/db/x.edb", "/db/y.edb"} {
		n, err := s.CreateDatabase(0, path, 0, 0)
		m.want(err, 0)
		_, err = s.GrowDatabase(0, n, 600)
		m.want(err, 0)
	}
	m.want(i.Term(jet.BitTermDirty), jet.ErrDirtyShutdown)
	fs := m.sim.Env().FS
	for _, dir := range []string{"/new", "/other"} {
		m.want(fs.Mkdir(dir), 0)
	}
	m.boot()
	return m
}

func (m *machine) move(from, to string) {
	m.t.Helper()
	m.want(m.sim.Env().FS.Rename(from, to), 0)
}

// clean says whether a database is there and needs no recovery.
func (m *machine) clean(path string) bool {
	h, err := dbfile.ReadFileHeader(m.proc.env.FS, path)
	return err == nil && h.State == dbfile.StateClean
}

func TestRestoreMap(t *testing.T) {
	const ignore, fail, overwrite = jet.BitRestoreMapIgnoreWhenMissing, jet.BitRestoreMapFailWhenMissing, jet.BitRestoreMapOverwriteOnCreate
	x := DatabaseMap{From: "/db/x.edb", To: "/new/x.edb"}
	y := DatabaseMap{From: `\db\Y.edb`, To: "/db/y.edb"}
	moved := func(m *machine) { m.move("/db/x.edb", "/new/x.edb") }
	for _, c := range []struct {
		name    string
		prepare func(m *machine)
		maps    []DatabaseMap
		grbit   jet.Grbit
		want    jet.Err
		x, y    string // where they are afterwards
	}{
		{"none", nil, nil, 0, 0, "/db/x.edb", "/db/y.edb"},
		{"one missing, in the log from its creation", func(m *machine) { m.move("/db/x.edb", "/other/gone") }, nil, 0, 0, "/db/x.edb", "/db/y.edb"},
		{"moved", moved, []DatabaseMap{x, y}, 0, 0, "/new/x.edb", "/db/y.edb"},
		{"known by signature", moved, []DatabaseMap{{To: "/new/x.edb"}, y}, 0, 0, "/new/x.edb", "/db/y.edb"},
		{"known by signature, though called otherwise", moved, []DatabaseMap{{From: "/q", To: "/new/x.edb"}, y}, 0, 0, "/new/x.edb", "/db/y.edb"},
		{"not all named", moved, []DatabaseMap{x}, 0, jet.ErrAttachedDatabaseMismatch, "", ""},
		{"not all named, the others as logged", moved, []DatabaseMap{x}, jet.BitReplayMissingMapEntryDB, 0, "/new/x.edb", "/db/y.edb"},
		{"to be created elsewhere, by the end of its path", func(m *machine) { m.move("/db/x.edb", "/other/gone") },
			[]DatabaseMap{{From: "x.edb", To: "/new/z.edb"}, y}, 0, 0, "/new/z.edb", "/db/y.edb"},
		{"folder missing", nil, []DatabaseMap{{From: "/db/x.edb", To: "/nowhere/x.edb"}, y}, 0, jet.ErrAttachedDatabaseMismatch, "", ""},
		{"folder missing, ignored", nil, []DatabaseMap{{From: "/db/x.edb", To: "/nowhere/x.edb", Grbit: ignore}, y}, 0, 0, "", "/db/y.edb"},
		{"folder missing, all ignored", nil, []DatabaseMap{{From: "/db/x.edb", To: "/nowhere/x.edb"}, y}, jet.BitReplayIgnoreMissingDB, 0, "", "/db/y.edb"},
		{"folder missing, all ignored but this", nil, []DatabaseMap{{From: "/db/x.edb", To: "/nowhere/x.edb", Grbit: fail}, y},
			jet.BitReplayIgnoreMissingDB, jet.ErrAttachedDatabaseMismatch, "", ""},
		{"another stream's database in its place", func(m *machine) { m.another("/new/x.edb") }, []DatabaseMap{x, y}, 0, jet.ErrAttachedDatabaseMismatch, "", ""},
		{"another stream's database in its place, overwritten", func(m *machine) { m.another("/new/x.edb") },
			[]DatabaseMap{{From: x.From, To: x.To, Grbit: overwrite}, y}, 0, 0, "/new/x.edb", "/db/y.edb"},
		{"no new name", nil, []DatabaseMap{{From: "/db/x.edb"}}, 0, jet.ErrDatabaseInvalidName, "", ""},
		{"unknown flag", nil, []DatabaseMap{{From: "/db/x.edb", To: "/db/x.edb", Grbit: 8}}, 0, jet.ErrInvalidGrbit, "", ""},
		{"ignored and not", nil, []DatabaseMap{{From: "/db/x.edb", To: "/db/x.edb", Grbit: ignore | fail}}, 0, jet.ErrInvalidGrbit, "", ""},
		{"too many", nil, make([]DatabaseMap, mapsMost+1), 0, jet.ErrInvalidParameter, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := dirtyPair(t)
			if c.prepare != nil {
				c.prepare(m)
			}
			i := m.instance("a", "/db")
			_, err := i.Init(InitOptions{Maps: c.maps, Grbit: c.grbit})
			m.want(err, c.want)
			for _, path := range []string{c.x, c.y} {
				if path != "" && !m.clean(path) {
					t.Errorf("%s is not recovered", path)
				}
			}
			if c.want == 0 {
				m.want(i.Term(0), 0)
			}
		})
	}
}

// another makes a database of another log stream.
func (m *machine) another(path string) {
	i, s := m.start("b", "/other")
	_, err := s.CreateDatabase(0, path, 0, 0)
	m.want(err, 0)
	m.want(i.Term(0), 0)
	m.boot()
}

// TestKeepAttached finds the recovered databases attached.
func TestKeepAttached(t *testing.T) {
	m := dirtyPair(t)
	i := m.instance("a", "/db")
	_, _, _, err := m.proc.GetParam(ParamTarget{Instance: i}, jet.ParamRecoveryCurrentLogfile)
	m.want(err, jet.ErrInvalidParameter)
	seen := int64(0)
	_, err = i.Init(InitOptions{Grbit: jet.BitKeepDbAttachedAtEndOfRecovery, Control: func(c *recovery.Control) error {
		if c.Kind == recovery.ControlBeginUndo {
			n, _, _, err := m.proc.GetParam(ParamTarget{Instance: i}, jet.ParamRecoveryCurrentLogfile)
			m.want(err, 0)
			seen = n
		}
		return c.Default
	}})
	m.want(err, 0)
	if n, _, _, err := m.proc.GetParam(ParamTarget{Instance: i}, jet.ParamRecoveryCurrentLogfile); err != nil || seen == 0 || n < seen {
		t.Errorf("generation %d in recovery, %d afterwards, %v", seen, n, err)
	}
	s, err := i.BeginSession()
	m.want(err, 0)
	for _, path := range []string{"/db/x.edb", "/db/y.edb"} {
		n, err := s.OpenDatabase(0, path, 0)
		m.want(err, 0)
		_, err = s.GrowDatabase(0, n, 1)
		m.want(err, 0)
		if w, err := s.AttachDatabase(0, path, 0, 0); err != nil || w != jet.WrnDatabaseAttached {
			t.Errorf("%s: %v, %v", path, w, err)
		}
	}
	m.want(i.Term(0), 0)
	i = m.instance("a", "/db")
	_, err = i.Init(InitOptions{Grbit: jet.BitKeepDbAttachedAtEndOfRecovery})
	m.want(err, 0)
	s, err = i.BeginSession()
	m.want(err, 0)
	_, err = s.OpenDatabase(0, "/db/x.edb", 0)
	m.want(err, jet.ErrDatabaseNotFound) // there was nothing to recover
	m.want(i.Term(0), 0)
}

// TestInferCheckpoint begins replay where the databases of the map need it, when the checkpoint is lost.
func TestInferCheckpoint(t *testing.T) {
	m := newMachine(t)
	i, s := m.start("a", "/db")
	n, err := s.CreateDatabase(0, "/db/x.edb", 0, 0)
	m.want(err, 0)
	m.want(s.CloseDatabase(0, n), 0)
	for range 5 {
		m.want(s.CommitTransaction(0, jet.BitForceNewLog, 0, nil), 0)
	}
	m.want(s.DetachDatabase(0, "/db/x.edb", 0), 0)
	_, err = s.AttachDatabase(0, "/db/x.edb", 0, 0)
	m.want(err, 0)
	m.want(i.Term(jet.BitTermDirty), jet.ErrDirtyShutdown)
	need := m.header("/db/x.edb").GenMinRequired
	if need < 5 {
		t.Fatalf("generation %d is required", need)
	}
	for _, c := range []struct {
		grbit jet.Grbit
		to    string
		first int32
	}{
		{0, "/db/x.edb", 1},
		{jet.BitReplayInferCheckpointFromRstmapDbs, "/db/x.edb", need},
		{jet.BitReplayInferCheckpointFromRstmapDbs, "/db/missing.edb", 1},
	} {
		m.boot()
		if err := m.sim.Env().FS.Remove("/db/edb.chk"); jet.CodeOf(err) != jet.ErrFileNotFound {
			m.want(err, 0)
		}
		first := int32(0)
		_, err = m.instance("a", "/db").Init(InitOptions{Grbit: c.grbit | jet.BitRecoveryWithoutUndo,
			Maps: []DatabaseMap{{From: "/db/x.edb", To: c.to}}, Control: func(c *recovery.Control) error {
				if c.Kind == recovery.ControlOpenLog && first == 0 {
					first = c.Gen
				}
				return jet.ErrRecoveredWithoutUndo // as far as it went is enough
			}})
		m.want(err, jet.ErrRecoveredWithoutUndo)
		if first != c.first {
			t.Errorf("%+v: replay begins in generation %d", c, first)
		}
	}
}

// TestComingsAndGoings replays a log in which databases are created, detached, renamed, attached under their new name,
// removed, and replaced by others of the same name.
func TestComingsAndGoings(t *testing.T) {
	for _, checkpoint := range []bool{true, false} {
		m := newMachine(t)
		i, s := m.start("a", "/db")
		create := func(path string, grbit jet.Grbit) {
			t.Helper()
			n, err := s.CreateDatabase(0, path, 0, grbit)
			m.want(err, 0)
			_, err = s.GrowDatabase(0, n, 600)
			m.want(err, 0)
			m.want(s.CloseDatabase(0, n), 0)
		}
		attach := func(path string) {
			t.Helper()
			_, err := s.AttachDatabase(0, path, 0, 0)
			m.want(err, 0)
		}
		create("/db/moved.edb", 0)
		create("/db/removed.edb", 0)
		create("/db/replaced.edb", 0)
		create("/db/stays.edb", 0)
		m.want(s.DetachDatabase(0, "/db/moved.edb", 0), 0)
		m.move("/db/moved.edb", "/db/here.edb")
		attach("/db/here.edb")
		m.want(s.DetachDatabase(0, "/db/removed.edb", 0), 0)
		m.want(m.sim.Env().FS.Remove("/db/removed.edb"), 0)
		m.want(s.DetachDatabase(0, "/db/replaced.edb", 0), 0)
		first := m.header("/db/replaced.edb").SignDB
		create("/db/replaced.edb", jet.BitDbOverwriteExisting)
		second := m.header("/db/replaced.edb").SignDB
		m.want(s.DetachDatabase(0, "/db/stays.edb", 0), 0)
		attach("/db/stays.edb")
		m.want(s.CommitTransaction(0, jet.BitWaitAllLevel0Commit, 0, nil), 0)
		m.want(i.Term(jet.BitTermDirty), jet.ErrDirtyShutdown)
		if !checkpoint {
			m.want(m.sim.Env().FS.Remove("/db/edb.chk"), 0)
		}
		m.boot()
		i, s = m.start("a", "/db")
		for _, path := range []string{"/db/here.edb", "/db/replaced.edb", "/db/stays.edb"} {
			if !m.clean(path) {
				t.Errorf("checkpoint %v: %s is not recovered", checkpoint, path)
			}
			attach(path)
			n, err := s.OpenDatabase(0, path, 0)
			m.want(err, 0)
			if pages, err := s.GrowDatabase(0, n, 1); err != nil || pages < 600 {
				t.Errorf("checkpoint %v: %s has %d pages, %v", checkpoint, path, pages, err)
			}
		}
		if got := m.header("/db/replaced.edb").SignDB; got != second || got == first {
			t.Error("it is not the second database of that name")
		}
		m.want(i.Term(0), 0)
	}
}
