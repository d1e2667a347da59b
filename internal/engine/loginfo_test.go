package engine

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"esent/internal/engine/dbfile"
	"esent/internal/jet"
	"esent/internal/testdata"
)

// TestLogFileInfo reads the headers of the original engine's logs.
func TestLogFileInfo(t *testing.T) {
	m := realMachine(t, 4096)
	dir := filepath.Join(testdata.Set(t, "dirty_multigen"), "files")
	path := filepath.Join(dir, "edb0000000A.log")
	for _, c := range []struct {
		level uint32
		size  int
		want  jet.Err
	}{
		{0, 80, 0}, {1, 88, 0}, {2, 104, 0}, {0, 88, jet.ErrInvalidBufferSize}, {2, 96, jet.ErrInvalidBufferSize}, {3, 80, jet.ErrInvalidParameter},
	} {
		b := make([]byte, c.size)
		m.want(m.proc.LogFileInfo(path, c.level, b), c.want)
		if c.want != 0 {
			continue
		}
		if gen := binary.LittleEndian.Uint32(b); gen != 10 {
			t.Errorf("generation %d", gen)
		}
		if page := binary.LittleEndian.Uint32(b[76:]); page != 4096 {
			t.Errorf("pages of %d bytes", page)
		}
		if c.level == logInfoMisc3 && binary.LittleEndian.Uint32(b[88:]) != 4000 {
			t.Errorf("minor version %d", binary.LittleEndian.Uint32(b[88:]))
		}
	}
	b := make([]byte, 80)
	m.want(m.proc.LogFileInfo(filepath.Join(dir, "missing.log"), 0, b), jet.ErrFileNotFound)
	m.want(m.proc.LogFileInfo(filepath.Join(dir, "db.edb"), 0, b), jet.ErrFileInvalidType)
}

// TestRemoveLog takes a committed log from what a database speaks of, and leaves required ones.
func TestRemoveLog(t *testing.T) {
	const last = 39
	m := realMachine(t, 4096)
	dir := filepath.Join(testdata.Set(t, "dirty_multigen"), "files")
	db, current := filepath.Join(dir, "db.edb"), filepath.Join(dir, "edb.log")
	header := func(required, committed int32) {
		t.Helper()
		f, err := dbfile.Open(m.proc.env, db, dbfile.Options{})
		m.want(err, 0)
		f.UpdateHeader(func(h *dbfile.Header) {
			h.GenMaxRequired, h.GenMaxCommitted = required, committed
			h.FullPrev.Mark = jet.MakeLogPos(last, 1, 0)
		})
		m.want(f.WriteHeader(), 0)
		m.want(f.Close(), 0)
	}
	m.want(m.proc.RemoveLog(db, current, 1), jet.ErrInvalidParameter)
	m.want(m.proc.RemoveLog(db, "", 0), jet.ErrInvalidParameter)
	m.want(m.proc.RemoveLog(db, filepath.Join(dir, "no.log"), 0), jet.ErrFileNotFound)
	m.want(m.proc.RemoveLog(db, current, 0), jet.ErrInvalidParameter) // it is required
	header(20, last)
	m.want(m.proc.RemoveLog(db, filepath.Join(dir, "edb0000001E.log"), 0), jet.ErrInvalidParameter) // others follow
	m.want(m.proc.RemoveLog(db, current, 0), 0)
	h, err := dbfile.ReadFileHeader(m.proc.env.FS, db)
	m.want(err, 0)
	if h.GenMaxCommitted != last-1 || h.FullPrev.Mark != 0 {
		t.Errorf("committed up to %d, backup at %v", h.GenMaxCommitted, h.FullPrev.Mark)
	}
	m.want(m.proc.RemoveLog(db, current, 0), 0) // it is not the database's any more
}

// TestReadDirty reads databases as killed engines left them, which every other attach refuses.
func TestReadDirty(t *testing.T) {
	for _, name := range []string{"dirty_simple", "dirty_ddl", "dirty_flushed", "dirty_twodb", "dirty_multigen", "dirty_fuzz1", "dirty_fuzz2", "dirty_fuzz3"} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(testdata.Set(t, name), "files")
			files, err := filepath.Glob(filepath.Join(dir, "*.edb"))
			if err != nil || len(files) == 0 {
				t.Fatal(files, err)
			}
			header, err := dbfile.ReadFileHeader(realMachine(t, 4096).proc.env.FS, files[0])
			if err != nil {
				t.Fatal(err)
			}
			m := realMachine(t, int64(header.PageSize()))
			i, s := m.start("a", t.TempDir())
			for _, path := range files {
				before, err := os.ReadFile(path)
				m.want(err, 0)
				if m.clean(path) {
					continue // detached before the end
				}
				for _, grbit := range []jet.Grbit{0, jet.BitDbReadOnly, jet.BitDbReadDirty} {
					_, err := s.AttachDatabase(0, path, 0, grbit)
					m.want(err, jet.ErrDatabaseDirtyShutdown)
				}
				m.readAll(s, path)
				after, err := os.ReadFile(path)
				m.want(err, 0)
				if !bytes.Equal(before, after) {
					t.Errorf("%s has changed", path)
				}
			}
			m.want(i.Term(0), 0)
		})
	}
}

// readAll reads what can be read of all tables. Any code may come of it, but it comes to an end.
func (m *machine) readAll(s *Session, path string) {
	m.t.Helper()
	_, err := s.AttachDatabase(0, path, 0, jet.BitDbReadOnly|jet.BitDbReadDirty)
	if err != nil {
		m.t.Logf("%s: %v", path, err) // its catalog is not in the file yet
		return
	}
	n, err := s.OpenDatabase(0, path, 0)
	m.want(err, 0)
	d, err := s.database(n)
	m.want(err, 0)
	names, err := d.cat.TableNames(s.trx)
	if err != nil {
		m.t.Logf("%s: tables: %v", path, err)
	}
	rows := 0
	for _, name := range names {
		c, err := s.OpenTable(0, n, name, jet.BitTableReadOnly)
		if err != nil {
			m.t.Logf("%s, %s: %v", path, name, err)
			continue
		}
		for err = c.Move(s, MoveFirst, 0); err == nil; err = c.Move(s, 1, 0) {
			if rows++; rows > 1<<20 {
				m.t.Fatalf("%s, %s: no end", path, name)
			}
		}
		if jet.CodeOf(err) != jet.ErrNoCurrentRecord {
			m.t.Logf("%s, %s: %v", path, name, err)
		}
		m.want(c.Close(s, 0), 0)
	}
	m.t.Logf("%s: %d tables, %d rows", path, len(names), rows)
	m.want(s.CloseDatabase(0, n), 0)
	m.want(s.DetachDatabase(0, path, 0), 0)
}
