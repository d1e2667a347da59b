package backup

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"esent/internal/checksum"
	"esent/internal/engine/dbfile"
	"esent/internal/jet"
	"esent/internal/vfs"
	"esent/internal/vfs/simdisk"
)

// TestFullBackup is the example of spec chapter 06, 5.14 and 12: checkpoint in 7, current log 9, logs from 3 on.
func TestFullBackup(t *testing.T) {
	m := newMachine(t)
	d := m.database("/db/app.edb", 510)
	m.rollTo(9)
	_, err := m.e.log.DeleteArchives(1, 3)
	m.ok(err)
	m.setCheckpoint(7)
	m.ok(m.backup("/bk", 0))
	m.wantFiles("/bk", "app.edb app.pat edb00007.log edb00008.log edb00009.log")
	m.wantEvents(
		"210",
		"220 /db/app.edb,2 Mb",
		"221 /db/app.edb",
		"223 /log/edb00007.log,/log/edb00009.log",
		"224 /log/edb00003.log,/log/edb00006.log",
		"213")
	m.wantSet("/bk", "/bk", 7, 9, "app.edb")
	info, err := m.env.FS.Stat("/bk/app.edb")
	m.ok(err)
	if info.Size != 513*fakePage {
		t.Errorf("copy of %d bytes", info.Size)
	}
	if info, _ := m.env.FS.Stat("/bk/app.pat"); info.Size != 0 {
		t.Errorf("patch file of %d bytes", info.Size)
	}
	h := d.file.Header()
	if h.FullPrev.GenLow != 7 || h.FullPrev.GenHigh != 9 || h.FullPrev.Mark.Gen() != 9 || h.FullPrevType != 0 {
		t.Errorf("full backup %+v", h.FullPrev)
	}
	m.wantFiles("/log", "edb.chk edb.log edb00007.log edb00008.log edb00009.log edbres00001.jrs edbres00002.jrs")
	if got := m.e.checkpoint; got.FullBackup != jet.MakeLogPos(10, 1, 0) || got.LastFullBackup.Gen() != 7 {
		t.Errorf("checkpoint %+v", got)
	}
	if first, last := m.status[0], m.status[len(m.status)-1]; first != "5:0/100" || last != "6:100/100" || len(m.status) < 4 {
		t.Errorf("status %v", m.status)
	}
	if m.e.abort != nil || m.e.inside != 0 || m.e.floor != 0 {
		t.Errorf("the backup has not ended: %+v", m.e)
	}
}

func TestRefused(t *testing.T) {
	tests := []struct {
		name   string
		change func(m *machine)
		dir    string
		grbit  jet.Grbit
		code   jet.Err
	}{
		{"not initialised", func(m *machine) { m.e.refuse = jet.ErrNotInitialized }, "/bk", 0, jet.ErrNotInitialized},
		{"not allowed yet", func(m *machine) { m.e.allowed = false }, "/bk", 0, jet.ErrBackupNotAllowedYet},
		{"logging disabled", func(m *machine) { m.e.log = nil }, "/bk", 0x80, jet.ErrLoggingDisabled},
		{"log is down", func(m *machine) { m.ok(m.e.log.Abandon()) }, "/bk", 0x80, jet.ErrLogWriteFail},
		{"keep old logs", nil, "/bk", 0x2, jet.ErrInvalidGrbit},
		{"full with all logs", nil, "/bk", 0x8, jet.ErrInvalidGrbit},
		{"snapshot", nil, "/bk", 0x10, jet.ErrInvalidGrbit},
		{"surrogate", nil, "/bk", 0x20, jet.ErrInvalidGrbit},
		{"high bit", nil, "/bk", 0x80000000, jet.ErrInvalidGrbit},
		{"incremental with circular logging", func(m *machine) { m.e.log.SetCircular(true) }, "/bk", 1, jet.ErrInvalidBackup},
		{"the same without a directory", func(m *machine) { m.e.log.SetCircular(true) }, "", 1, jet.ErrInvalidBackup},
		{"another backup runs", func(m *machine) { m.ok(m.svc.BeginExternal(m.e, 0)); m.events() }, "/bk", 0, jet.ErrBackupInProgress},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := newMachine(t)
			m.database("/db/app.edb", 5)
			if test.change != nil {
				test.change(m)
			}
			m.want(m.backup(test.dir, test.grbit), test.code)
			m.wantFiles("/bk", "")
			if got := m.e.events.IDs(); len(got) != 0 || len(m.status) != 0 {
				t.Errorf("events %v, status %v", got, m.status)
			}
			if m.e.inside != 0 {
				t.Errorf("%d calls are inside", m.e.inside)
			}
		})
	}
}

func TestIncrementalNeedsFull(t *testing.T) {
	m := newMachine(t)
	m.database("/db/app.edb", 5)
	m.rollTo(3)
	m.want(m.backup("/bk", jet.BitBackupIncremental), jet.ErrMissingFullBackup)
	m.wantEvents("206 /db/app.edb")
	m.want(m.backup("", jet.BitBackupIncremental), jet.ErrMissingFullBackup)
	m.ok(m.backup("/bk", 0))
	m.events()
	m.database("/db/b.edb", 5)
	m.want(m.backup("/bk", jet.BitBackupIncremental), jet.ErrMissingFullBackup)
	m.wantEvents("206 /db/b.edb")
	d := m.e.databases[0].File()
	m.e.databases = m.e.databases[:1]
	d.UpdateHeader(func(h *dbfile.Header) { h.FullPrevType = 1 })
	m.want(m.backup("/bk", jet.BitBackupIncremental), jet.ErrMissingFullBackup)
	m.wantEvents("206 /db/app.edb")
}

func TestIncrementalChain(t *testing.T) {
	for _, atomic := range []jet.Grbit{0, jet.BitBackupAtomic} {
		t.Run(fmt.Sprint(atomic), func(t *testing.T) {
			m := newMachine(t)
			d := m.database("/db/app.edb", 5)
			dir := "/bk"
			if atomic != 0 {
				dir = "/bk/new"
			}
			m.rollTo(9)
			m.setCheckpoint(7)
			m.ok(m.backup("/bk", atomic))
			m.rollTo(14)
			m.setCheckpoint(12)
			m.events()
			m.ok(m.backup("/bk", atomic|jet.BitBackupIncremental))
			m.wantEvents("211", "223 /log/edb00007.log,/log/edb0000E.log", "224 /log/edb00007.log,/log/edb0000B.log", "213")
			m.wantSet("/bk", dir, 7, 14, "app.edb")
			h := d.file.Header()
			if got := h.IncPrev; got.GenLow != 7 || got.GenHigh != 14 || got.Mark != jet.MakeLogPos(15, 1, 0) || h.FullPrev.GenHigh != 9 {
				t.Errorf("incremental backup %+v", got)
			}
			if got := m.status; got[0] != "5:0/100" || got[len(got)-1] != "6:100/100" {
				t.Errorf("status %v", got)
			}
			m.ok(m.backup("/bk", atomic|jet.BitBackupIncremental))
			m.ok(m.backup("/bk", atomic|jet.BitBackupIncremental))
			m.wantSet("/bk", dir, 7, 16, "app.edb")
			m.ok(m.env.FS.Remove("/log/edb0000C.log"))
			m.ok(m.env.FS.Remove("/log/edb0000D.log"))
			m.rollTo(20)
			_, err := m.e.log.DeleteArchives(1, 18)
			m.ok(err)
			m.events()
			m.want(m.backup("/bk", atomic|jet.BitBackupIncremental), jet.ErrInvalidLogSequence)
			m.wantEvents("211", "215")
			m.wantSet("/bk", dir, 7, 16, "app.edb")
		})
	}
}

// Logs were deleted since the last backup: the set in the directory is not concerned, the header knows.
func TestIncrementalMissesLogs(t *testing.T) {
	m := newMachine(t)
	d := m.database("/db/app.edb", 5)
	m.rollTo(4)
	m.ok(m.backup("/bk", 0))
	m.rollTo(8)
	_, err := m.e.log.DeleteArchives(1, 5)
	m.ok(err)
	d.file.UpdateHeader(func(h *dbfile.Header) { h.FullPrev.GenHigh = 3 })
	m.events()
	m.want(m.backup("/bk", jet.BitBackupIncremental), jet.ErrMissingFileToBackup)
	m.wantEvents("211", "459 /log/edb00004.log", "215")
	m.wantSet("/bk", "/bk", 1, 4, "app.edb")
}

func TestDirectories(t *testing.T) {
	const inc, atomic = jet.BitBackupIncremental, jet.BitBackupAtomic
	file := func(paths ...string) func(m *machine) {
		return func(m *machine) {
			for _, p := range paths {
				m.ok(m.sim.WriteFile(p, []byte("x")))
			}
		}
	}
	const full = "app.edb app.pat edb00001.log edb00002.log"
	tests := []struct {
		name   string
		change func(m *machine)
		dir    string
		grbit  jet.Grbit
		code   jet.Err
		files  string
	}{
		{"missing", nil, "/bk/no", 0, jet.ErrInvalidPath, ""},
		{"missing, atomic", nil, "/bk/no", atomic, jet.ErrInvalidPath, ""},
		{"a file", file("/bk/f"), "/bk/f", 0, jet.ErrInvalidPath, "f"},
		{"created", func(m *machine) { m.e.creates = true }, "/bk/a/b", 0, 0, "a(b(" + full + "))"},
		{"created, atomic", func(m *machine) { m.e.creates = true }, "/bk/a/b", atomic, 0, "a(b(new(" + full + ")))"},
		{"not empty", file("/bk/f"), "/bk", 0, jet.ErrBackupDirectoryNotEmpty, "f"},
		{"debris in temp", file("/bk/temp/f"), "/bk", 0, 0, full},
		{"temp cannot be emptied", file("/bk/temp/d/f"), "/bk", 0, jet.ErrDeleteBackupFileFail, "temp(d(f))"},
		{"temp cannot be emptied, atomic", file("/bk/temp/d/f"), "/bk", atomic, jet.ErrDeleteBackupFileFail, "temp(d(f))"},
		{"temp is a file", file("/bk/temp"), "/bk", atomic, jet.ErrMakeBackupDirectoryFail, "temp"},
		{"new is a file", file("/bk/new"), "/bk", atomic, jet.ErrMakeBackupDirectoryFail, "new"},
		{"foreign files", file("/bk/f", "/bk/d/f"), "/bk", atomic, 0, "d(f) f new(" + full + ")"},
		{"incremental into nothing", nil, "/bk", inc, jet.ErrMissingFullBackup, ""},
		{"incremental into an atomic set", file("/bk/new/f"), "/bk", inc, jet.ErrBackupDirectoryNotEmpty, "new(f)"},
		{"incremental into an old atomic set", file("/bk/OLD/f"), "/bk", inc, jet.ErrBackupDirectoryNotEmpty, "OLD(f)"},
		{"atomic incremental into nothing", nil, "/bk", inc | atomic, jet.ErrMissingFullBackup, ""},
		{"atomic incremental into an empty set", func(m *machine) { m.ok(m.env.FS.Mkdir("/bk/old")) }, "/bk", inc | atomic, jet.ErrMissingFullBackup, "old()"},
		{"atomic incremental into old", func(m *machine) {
			m.ok(m.backup("/bk", atomic))
			m.ok(m.env.FS.Rename("/bk/new", "/bk/old"))
		}, "/bk", inc | atomic, 0, "old(" + full + " edb00003.log)"},
		{"debris of an incremental", func(m *machine) {
			m.ok(m.backup("/bk", 0))
			file("/bk/edb00009.log.tmp~", "/bk/f.tmp~")(m)
		}, "/bk", inc, 0, full + " edb00003.log f.tmp~"},
		{"another log stream", func(m *machine) {
			m.ok(m.backup("/bk", 0))
			m.ok(m.sim.FlipBit("/bk/edb00002.log", 50, 1)) // in the signature
			b, err := m.sim.ReadFile("/bk/edb00002.log")
			m.ok(err)
			binary.LittleEndian.PutUint32(b, checksum.XOR(b[:4096]))
			m.ok(m.sim.WriteFile("/bk/edb00002.log", b))
		}, "/bk", inc, jet.ErrInvalidLogSequence, full},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := newMachine(t)
			d := m.database("/db/app.edb", 5)
			m.rollTo(2)
			if test.change != nil {
				test.change(m)
			}
			if d.file.Header().FullPrev.GenLow == 0 {
				d.file.UpdateHeader(func(h *dbfile.Header) { h.FullPrev.GenLow, h.FullPrev.GenHigh = 1, 1 })
			}
			m.want(m.backup(test.dir, test.grbit), test.code)
			m.wantFiles("/bk", test.files)
		})
	}
}

func TestNoDirectory(t *testing.T) {
	m := newMachine(t)
	d := m.database("/db/app.edb", 5)
	m.rollTo(8)
	m.setCheckpoint(6)
	before := d.file.Header()
	for range 2 {
		m.ok(m.backup("", jet.BitBackupAtomic))
	}
	m.wantEvents("210", "224 /log/edb00001.log,/log/edb00005.log", "213", "210", "225", "213")
	if got := m.archives(); len(got) != 2 || m.e.log.EndPos().Gen() != 8 || len(m.status) != 0 {
		t.Errorf("logs %v, end %v, status %v", got, m.e.log.EndPos(), m.status)
	}
	if after := d.file.Header(); !reflect.DeepEqual(after, before) {
		t.Error("the header has changed")
	}
	m.e.log.SetCircular(true)
	m.setCheckpoint(7)
	m.ok(m.backup("", 0))
	m.wantEvents("210", "225", "213")
}

func TestNameCollisions(t *testing.T) {
	for _, name := range []string{"app.edb", "APP.EDB", "app.db", "App"} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			m.database("/db/app.edb", 5)
			m.ok(m.env.FS.Mkdir("/db/2"))
			m.database("/db/2/"+name, 5)
			m.want(m.backup("/bk", 0), jet.ErrFileAlreadyExists)
			m.wantFiles("/bk", "")
			m.wantEvents("210", "215")
		})
	}
	for _, name := range []string{"x.pat", "edb00007.log"} {
		m := newMachine(t)
		m.database("/db/"+name, 5)
		m.want(m.backup("/bk", 0), jet.ErrFileAlreadyExists)
	}
}

// What is not logged is left out; what is not in the set keeps all logs.
func TestOtherDatabases(t *testing.T) {
	m := newMachine(t)
	m.database("/db/a.edb", 5)
	b := m.database("/db/b.edb", 5)
	m.rollTo(6)
	m.setCheckpoint(5)
	b.logged = false
	m.ok(m.backup("/bk", 0))
	m.wantSet("/bk", "/bk", 5, 6, "a.edb")
	if got := m.archives()[0]; got != "edb00005.log" {
		t.Errorf("first log %s", got)
	}
	b.logged, b.locked = true, true
	m.events()
	m.want(m.backup("/bk", jet.BitBackupAtomic), jet.ErrDatabaseLocked)
	m.wantEvents("210", "220 /db/a.edb,32 Kb", "221 /db/a.edb", "217 -1207,/db/b.edb", "215")
	// A database that comes after the list was made.
	b.locked = false
	m.e.databases = m.e.databases[:1]
	m.rollTo(12)
	m.setCheckpoint(11)
	m.events()
	m.ok(m.svc.Backup(m.e, "/bk", jet.BitBackupAtomic, func(_, done, _ uint32) {
		if done > 0 && len(m.e.databases) == 1 {
			m.e.databases = append(m.e.databases, b)
		}
	}))
	if got := m.archives()[0]; got != "edb00005.log" {
		t.Errorf("first log %s", got)
	}
	if got := m.events(); !strings.HasSuffix(got, "225\n213\n") {
		t.Errorf("events %s", got)
	}
	// One that was backed up once.
	b.file.UpdateHeader(func(h *dbfile.Header) { h.FullPrev.GenLow, h.FullPrev.GenHigh = 7, 8 })
	m.e.databases = m.e.databases[:1]
	m.ok(m.svc.Backup(m.e, "/bk", jet.BitBackupAtomic, func(_, done, _ uint32) {
		if done > 0 && len(m.e.databases) == 1 {
			m.e.databases = append(m.e.databases, b)
		}
	}))
	if got := m.archives()[0]; got != "edb00008.log" {
		t.Errorf("first log %s", got)
	}
}

func TestCircularFull(t *testing.T) {
	m := newMachine(t)
	m.database("/db/app.edb", 300)
	m.e.log.SetCircular(true)
	m.rollTo(9)
	m.setCheckpoint(7)
	m.sim.RunAll()
	first := m.archives()[0]
	m.ok(m.svc.Backup(m.e, "/bk", 0, func(_, done, _ uint32) {
		if done > 0 && m.e.log.EndPos().Gen() == 9 { // the checkpoint passes, the logs stay
			m.setCheckpoint(9)
			m.rollTo(14)
		}
	}))
	m.wantSet("/bk", "/bk", 7, 14, "app.edb")
	if got := m.archives()[0]; got <= first {
		t.Errorf("first log %s, was %s", got, first)
	}
}

// Pages change and the file grows while it is copied: none of its pages is torn, and those behind the last one of
// the beginning are left to the log.
func TestGrowthDuringCopy(t *testing.T) {
	m := newMachine(t)
	d := m.database("/db/app.edb", 600)
	m.rollTo(3)
	busy := 0
	m.sim.SetHook(func(op simdisk.OpInfo) error {
		if op.Op != simdisk.OpRead || op.Path != "/db/app.edb" {
			return nil
		}
		m.sim.SetHook(nil) // writes below are not of interest
		first, last := jet.Pgno(op.Off/fakePage-1), jet.Pgno((op.Off+int64(op.Len))/fakePage-2)
		for _, pgno := range []jet.Pgno{first, last, first - 1, last + 1} {
			if pgno < 1 || pgno > d.last || !d.file.BeginWrite(pgno, 1) {
				busy++
				continue
			}
			m.ok(d.file.WritePages(pgno, pageImage(pgno, 2)))
			d.file.EndWrite(pgno, 1)
		}
		m.ok(d.file.Resize(d.last * 4))
		d.last *= 2
		return nil
	})
	m.ok(m.backup("/bk", 0))
	if busy < 2 {
		t.Errorf("%d writes were refused", busy)
	}
	m.wantSet("/bk", "/bk", 1, 3, "app.edb")
	if info, err := m.env.FS.Stat("/bk/app.edb"); err != nil || info.Size != 603*fakePage {
		t.Errorf("copy %+v, %v", info, err)
	}
}

// Writers roll the log and wait for the gate while the backup runs.
func TestConcurrentWriters(t *testing.T) {
	m := newMachine(t)
	d := m.database("/db/app.edb", 600)
	m.env.Sched = vfs.NewScheduler()
	m.rollTo(3)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for w := range jet.Pgno(4) {
		wg.Go(func() {
			for n := 2; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				pgno := w*150 + jet.Pgno(n%150) + 1
				// All is in memory, logs, too, and each backup copies those that have come meanwhile: a load, not a flood.
				time.Sleep(100 * time.Microsecond)
				if n%128 == 0 {
					if _, err := m.e.log.Roll(1, "writer"); err != nil {
						t.Error(err)
					}
				}
				if d.file.BeginWrite(pgno, 1) {
					if err := d.file.WritePages(pgno, pageImage(pgno, n)); err != nil {
						t.Error(err)
					}
					d.file.EndWrite(pgno, 1)
				}
			}
		})
	}
	for range 3 {
		m.ok(m.backup("/bk", jet.BitBackupAtomic))
	}
	close(stop)
	wg.Wait()
	if _, err := findSet(m.env.FS, "/bk"); err != nil {
		t.Error(err)
	}
}

func TestStop(t *testing.T) {
	at := func(m *machine, when string, err error) {
		m.sim.SetHook(func(op simdisk.OpInfo) error {
			if op.Op.String()+" "+op.Path == when {
				m.e.stop = err
			}
			return nil
		})
	}
	tests := []struct {
		name, when string
		err        jet.Err
		events     []string
	}{
		{"before the first file", "readdir /bk", jet.ErrBackupAbortByServer, []string{"210", "215"}},
		{"in a database", "read /db/app.edb", jet.ErrBackupAbortByServer,
			[]string{"210", "220 /db/app.edb,1 Mb", "222 /db/app.edb,1048576,1241088", "215"}},
		{"termination", "read /db/app.edb", jet.ErrTermInProgress,
			[]string{"210", "220 /db/app.edb,1 Mb", "222 /db/app.edb,1048576,1241088", "215"}},
		{"before a log", "read /log/edb00001.log", jet.ErrBackupAbortByServer,
			[]string{"210", "220 /db/app.edb,1 Mb", "221 /db/app.edb", "223 /log/edb00001.log,/log/edb00003.log", "215"}},
		{"before the set is complete", "create /bk/app.pat", jet.ErrBackupAbortByServer,
			[]string{"210", "220 /db/app.edb,1 Mb", "221 /db/app.edb", "223 /log/edb00001.log,/log/edb00003.log", "215"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := newMachine(t)
			m.database("/db/app.edb", 300)
			m.rollTo(3)
			at(m, test.when, test.err)
			m.want(m.backup("/bk", 0), test.err)
			m.wantFiles("/bk", "")
			m.wantEvents(test.events...)
		})
	}
	t.Run("without a backup", func(t *testing.T) {
		m := newMachine(t)
		m.database("/db/app.edb", 5)
		m.rollTo(2)
		m.ok(m.svc.Stop(m.e))
		m.ok(m.backup("/bk", 0))
	})
	t.Run("from the callback", func(t *testing.T) {
		m := newMachine(t)
		m.database("/db/app.edb", 5)
		m.rollTo(2)
		m.want(m.svc.Backup(m.e, "/bk", 0, func(_, _, _ uint32) { m.ok(m.svc.Stop(m.e)) }), jet.ErrBackupAbortByServer)
	})
}

func TestLogDeletionFails(t *testing.T) {
	m := newMachine(t)
	d := m.database("/db/app.edb", 5)
	m.rollTo(8)
	m.setCheckpoint(7)
	m.sim.Inject(simdisk.Fault{Ops: simdisk.OpRemove, Glob: "/log/edb00003.log", Err: jet.ErrFileAccessDenied})
	m.ok(m.backup("/bk", 0))
	if got := m.archives()[0]; got != "edb00003.log" {
		t.Errorf("first log %s", got)
	}
	if got := m.events(); !strings.Contains(got, "\n485 /log/edb00001.log,-1032,") || !strings.HasSuffix(got, "\n213\n") {
		t.Errorf("events %s", got)
	}
	if d.file.Header().FullPrev.GenHigh != 8 {
		t.Error("no stamp")
	}
}

func TestStampFails(t *testing.T) {
	m := newMachine(t)
	m.database("/db/app.edb", 5)
	m.rollTo(3)
	m.sim.Inject(simdisk.Fault{Ops: simdisk.OpWrite, Glob: "/db/app.edb", Skip: 1})
	m.ok(m.backup("/bk", 0))
	if got := m.events(); !strings.HasSuffix(got, "225\n213\n219 -1022\n") {
		t.Errorf("events %s", got)
	}
}

func TestProgress(t *testing.T) {
	m := newMachine(t)
	m.database("/db/app.edb", 5000)
	m.rollTo(20)
	m.ok(m.backup("/bk", 0))
	last := 0
	for i, s := range m.status {
		var snt, done, total int
		if _, err := fmt.Sscanf(s, "%d:%d/%d", &snt, &done, &total); err != nil || total != 100 {
			t.Fatal(s, err)
		}
		middle := i > 0 && i < len(m.status)-1
		if middle && (snt != int(jet.SntProgress) || done <= last || done > 99) {
			t.Errorf("call %d: %s after %d", i, s, last)
		}
		last = done
	}
	if len(m.status) < 10 {
		t.Errorf("status %v", m.status)
	}
}
