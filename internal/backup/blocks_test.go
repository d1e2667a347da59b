package backup

import (
	"bytes"
	"fmt"
	"path"
	"testing"

	"esent/internal/backup/blocks"
	"esent/internal/engine/dbfile"
	"esent/internal/eventlog"
	"esent/internal/jet"
	"esent/internal/logstore"
	"esent/internal/vfs"
)

// change changes every n-th page of a database, as the page write does.
func (m *machine) change(d *fakeDatabase, n jet.Pgno, time int) {
	m.t.Helper()
	for pgno := n; pgno <= d.last; pgno += n {
		if !d.file.BeginWrite(pgno, 1) {
			m.t.Fatalf("page %d is locked", pgno)
		}
		m.ok(d.file.WritePages(pgno, pageImage(pgno, time)))
		d.file.EndWrite(pgno, 1)
	}
}

// checkChain makes sure that the block increments of a set are complete, with logs that cover their copies.
func checkChain(fsys vfs.FS, set string) error {
	chain, err := blocks.Chain(fsys, set)
	if err != nil {
		return err
	}
	for _, inc := range chain {
		if err := inc.Verify(fsys, nil); err != nil {
			return err
		}
	}
	s, err := setIn(fsys, set, logstore.NewNaming("edb", 3))
	if err == nil {
		s, err = s.WithBlocks(fsys)
	}
	if err != nil {
		return err
	}
	return s.CheckLogs(fsys, &eventlog.Logger{Sink: &eventlog.Recorder{}})
}

// A full copy with the increments is the database as it is, page by page; only what has changed is in them.
func TestBlocksApply(t *testing.T) {
	m := newMachine(t)
	d := m.database("/db/app.edb", 700)
	m.rollTo(3)
	m.ok(m.backup("/bk", 0))
	check := func(number int, changed int64) {
		t.Helper()
		m.ok(m.backup("/bk", BitBackupBlocks))
		chain, err := blocks.Chain(m.env.FS, "/bk")
		m.ok(err)
		if len(chain) != number {
			t.Fatalf("%d increments", len(chain))
		}
		b := chain[number-1].Database("app.edb")
		if b.Changed != changed+3 || b.Blocks != int64(d.last)+3 {
			t.Errorf("increment %d: %d blocks of %d have changed", number, b.Changed, b.Blocks)
		}
		m.ok(m.sim.WriteFile("/r/app.edb", m.content("/bk/app.edb")))
		m.ok(blocks.Apply(m.env.FS, chain, "APP.edb", "/r/app.edb", nil))
		got, live := m.content("/r/app.edb"), m.content("/db/app.edb")
		size := int(d.last) * fakePage
		if len(got) != size+3*fakePage || !bytes.Equal(got[2*fakePage:][:size], live[2*fakePage:][:size]) {
			t.Fatalf("increment %d: %d bytes differ from the database", number, len(got))
		}
		s, err := FindSet(m.env.FS, "/bk", m.e.log.Naming())
		m.ok(err)
		s, err = s.WithBlocks(m.env.FS)
		m.ok(err)
		m.ok(s.CheckLogs(m.env.FS, m.e.Events()))
		f, err := OpenCopy(m.env, "/r/app.edb", true)
		m.ok(err)
		_, err = s.CheckCopy(f, m.e.Events())
		m.ok(err)
		m.ok(f.Close())
		if h := d.file.Header(); blocks.MarkOf(h.FullPrev) != b.Mark {
			t.Errorf("increment %d: header %+v", number, h.FullPrev)
		}
	}
	check(1, 0)
	m.change(d, 7, 2)
	m.rollTo(8)
	m.setCheckpoint(7)
	check(2, 100)
	m.change(d, 7, 3)
	m.change(d, 350, 4) // some of them once more
	d.last += 20        // grown, blank pages at its end
	check(3, 100+20)
	d.last -= 300
	m.change(d, 10, 5)
	check(4, 42)
	d.last += 200
	check(5, 200)
	check(6, 0)
	m.wantSet("/bk", "/bk", 1, 3, "app.edb")
	if got := m.archives()[0]; got != "edb00007.log" {
		t.Errorf("first log %s", got)
	}
}

// content is that of a file.
func (m *machine) content(file string) []byte {
	m.t.Helper()
	data, err := vfs.ReadFile(m.env.FS, file)
	m.ok(err)
	return data
}

// Full, increments of blocks and of logs: each restores to what was committed then.
func TestBlocksRestore(t *testing.T) {
	for _, atomic := range []jet.Grbit{0, jet.BitBackupAtomic} {
		w, _ := newSimWorld(t)
		take := func(grbit jet.Grbit) { w.ok(w.svc.Make(Of(w.inst), Options{Dir: "/bk", Grbit: grbit | atomic})) }
		w.w.add(2000)
		take(0)
		for n, grbit := range []jet.Grbit{BitBackupBlocks, BitBackupBlocks, jet.BitBackupIncremental, jet.BitBackupIncremental, BitBackupBlocks, 0} {
			if grbit == 0 && atomic == 0 {
				continue // a directory that is not empty
			}
			w.w.add(700)
			take(grbit)
			if got := w.restoreTo("/bk", fmt.Sprint("/r", n)); got != w.w.rows {
				t.Errorf("backup %d: %d rows of %d", n, got, w.w.rows)
			}
		}
		if got := w.ids(); atomic == 0 && got != "210 220 221 223 224 213 210 220 221 223 224 213 210 220 221 223 224 213 211 223 224 213 211 223 224 213 210 220 221 223 224 213" {
			t.Errorf("events %s", got)
		}
	}
}

// The log behind the increments is replayed, whether it is circular or not; a database that came later is in them
// whole.
func TestBlocksCircular(t *testing.T) {
	m := newMachine(t)
	m.database("/db/app.edb", 50)
	m.e.log.SetCircular(true)
	m.rollTo(4)
	m.setCheckpoint(3)
	m.ok(m.backup("/bk", 0))
	b := m.database("/db/b.edb", 40)
	m.rollTo(12)
	m.setCheckpoint(11)
	m.ok(m.backup("/bk", BitBackupBlocks))
	m.change(b, 10, 2)
	m.ok(m.backup("/bk", BitBackupBlocks))
	chain, err := blocks.Chain(m.env.FS, "/bk")
	m.ok(err)
	if d := chain[0].Database("b.edb"); d.From != blocks.FromNothing || d.Changed != 43 {
		t.Errorf("%+v", d)
	}
	if d := chain[1].Database("b.edb"); d.From != 1 || d.Changed != 4+3 {
		t.Errorf("%+v", d)
	}
	m.ok(m.env.FS.Mkdir("/r"))
	m.ok(blocks.Apply(m.env.FS, chain, "b.edb", "/r/b.edb", nil))
	if got, want := m.content("/r/b.edb")[2*fakePage:][:40*fakePage], m.content("/db/b.edb")[2*fakePage:][:40*fakePage]; !bytes.Equal(got, want) {
		t.Error("b.edb is not as it was")
	}
	m.ok(checkChain(m.env.FS, "/bk"))
}

func TestBlocksRefused(t *testing.T) {
	tests := []struct {
		name   string
		change func(m *machine, d *fakeDatabase)
		grbit  jet.Grbit
		code   jet.Err
	}{
		{"with incremental", nil, BitBackupBlocks | jet.BitBackupIncremental, jet.ErrInvalidGrbit},
		{"no full backup", func(m *machine, _ *fakeDatabase) { m.ok(m.env.FS.Remove("/bk/app.pat")) }, BitBackupBlocks, jet.ErrMissingFullBackup},
		{"no atomic set", nil, BitBackupBlocks | jet.BitBackupAtomic, jet.ErrMissingFullBackup},
		{"another full backup", func(m *machine, _ *fakeDatabase) {
			m.ok(m.env.FS.Mkdir("/bk2"))
			m.ok(m.backup("/bk2", 0))
		}, BitBackupBlocks, jet.ErrMissingFullBackup},
		{"restored", func(_ *machine, d *fakeDatabase) {
			d.file.UpdateHeader(func(h *dbfile.Header) { h.FullPrev = jet.BackupInfo{} })
		}, BitBackupBlocks, jet.ErrMissingFullBackup},
		{"an older state", func(m *machine, d *fakeDatabase) {
			was := d.file.Header().FullPrev
			m.ok(m.backup("/bk", BitBackupBlocks))
			d.file.UpdateHeader(func(h *dbfile.Header) { h.FullPrev = was })
		}, BitBackupBlocks, jet.ErrMissingFullBackup},
		{"a hole", func(m *machine, _ *fakeDatabase) {
			m.ok(m.backup("/bk", BitBackupBlocks))
			m.ok(m.env.FS.Rename("/bk/blocks-00001", "/bk/blocks-00002"))
		}, BitBackupBlocks, jet.ErrInvalidBackup},
		{"no manifest", func(m *machine, _ *fakeDatabase) {
			m.ok(m.backup("/bk", BitBackupBlocks))
			m.ok(m.env.FS.Remove("/bk/blocks-00001/" + blocks.ManifestName))
		}, BitBackupBlocks, jet.ErrInvalidBackup},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := newMachine(t)
			d := m.database("/db/app.edb", 20)
			m.rollTo(3)
			m.ok(m.backup("/bk", 0))
			if test.change != nil {
				test.change(m, d)
			}
			before := m.files("/bk")
			m.want(m.backup("/bk", test.grbit), test.code)
			m.wantFiles("/bk", before)
			if m.e.abort != nil {
				t.Error("a backup runs")
			}
		})
	}
	m := newMachine(t)
	m.want(m.svc.Backup(m.e, "/bk", BitBackupBlocks, nil), jet.ErrInvalidGrbit)
}

// Damage to any byte of an increment's blocks is found before the copy is touched; that of a page in the full copy is
// mended by the next increment.
func TestBlocksDamage(t *testing.T) {
	m := newMachine(t)
	d := m.database("/db/app.edb", 30)
	m.rollTo(3)
	m.ok(m.backup("/bk", 0))
	m.ok(m.sim.FlipBit("/bk/app.edb", 12*fakePage+100, 3))
	m.change(d, 5, 2)
	m.ok(m.backup("/bk", BitBackupBlocks))
	chain, err := blocks.Chain(m.env.FS, "/bk")
	m.ok(err)
	base := m.content("/bk/app.edb")
	apply := func() error {
		m.ok(m.sim.WriteFile("/r/app.edb", base))
		return blocks.Apply(m.env.FS, chain, "app.edb", "/r/app.edb", nil)
	}
	m.ok(apply())
	if got, want := m.content("/r/app.edb")[2*fakePage:][:30*fakePage], m.content("/db/app.edb")[2*fakePage:][:30*fakePage]; !bytes.Equal(got, want) {
		t.Error("the copy is not as the database is")
	}
	file := path.Join(chain[0].Dir, "app.edb.blk")
	whole := m.content(file)
	for off := int64(0); off < int64(len(whole)); off += 97 {
		m.ok(m.sim.FlipBit(file, off, 5))
		m.want(apply(), jet.ErrReadVerifyFailure)
		if !bytes.Equal(m.content("/r/app.edb"), base) {
			t.Fatalf("byte %d: the copy was changed", off)
		}
		m.ok(m.sim.FlipBit(file, off, 5))
	}
	m.ok(m.sim.WriteFile(file, whole[:len(whole)-8]))
	m.want(apply(), jet.ErrInvalidBackup)
	m.ok(m.sim.WriteFile(file, whole))
	base[184] ^= 1 // another backup's mark
	m.want(apply(), jet.ErrInvalidBackup)
}
