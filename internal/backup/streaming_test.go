package backup

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"esent/internal/engine/dbfile"
	"esent/internal/jet"
	"esent/internal/vfs/simdisk"
)

// pull reads a file of a streaming backup with a buffer of so many pages.
func (m *machine) pull(name string, pages int) []byte {
	m.t.Helper()
	h, size, err := m.svc.OpenFile(m.e, name, 0)
	m.ok(err)
	var all []byte
	buf := make([]byte, pages*fakePage)
	for {
		n, err := m.svc.ReadFile(m.e, h, buf)
		m.ok(err)
		if n == 0 {
			break
		}
		all = append(all, buf[:n]...)
	}
	m.ok(m.svc.CloseFile(m.e, h))
	if int64(len(all)) != size {
		m.t.Fatalf("%s: %d bytes of %d", name, len(all), size)
	}
	return all
}

// store puts a pulled file into the set.
func (m *machine) store(name string, data []byte) {
	m.t.Helper()
	m.ok(m.sim.WriteFile("/bk/"+baseName(name), data))
}

func TestStreamingFull(t *testing.T) {
	for _, pages := range []int{3, 4, 5, 256, 1000} {
		t.Run(fmt.Sprint(pages), func(t *testing.T) {
			m := newMachine(t)
			d := m.database("/db/app.edb", 510)
			m.rollTo(9)
			m.setCheckpoint(7)
			m.ok(m.svc.BeginExternal(m.e, 0))
			paths, err := m.svc.AttachInfo(m.e)
			m.ok(err)
			if !slices.Equal(paths, []string{"/db/app.edb"}) {
				t.Fatal(paths)
			}
			m.store("app.edb", m.pull("/db/app.edb", pages))
			m.store("app.pat", nil)
			info, err := m.svc.LogInfo(m.e)
			m.ok(err)
			again, err := m.svc.LogInfo(m.e)
			m.ok(err)
			if !slices.Equal(info.Paths, []string{"/log/edb00007.log", "/log/edb00008.log", "/log/edb00009.log"}) ||
				info.GenLow != 7 || info.GenHigh != 9 || info.Base != "edb" || !slices.Equal(again.Paths, info.Paths) {
				t.Fatalf("%+v, %+v", info, again)
			}
			for _, p := range info.Paths {
				m.store(p, m.pull(p, max(2, pages)))
			}
			paths, err = m.svc.TruncateLogInfo(m.e)
			m.ok(err)
			if len(paths) != 6 || paths[5] != "/log/edb00006.log" {
				t.Fatal(paths)
			}
			m.ok(m.svc.TruncateLog(m.e))
			m.ok(m.svc.TruncateLog(m.e))
			m.ok(m.svc.EndExternal(m.e, jet.BitBackupEndNormal))
			m.wantSet("/bk", "/bk", 7, 9, "app.edb")
			m.wantEvents("210", "220 /db/app.edb,2 Mb", "221 /db/app.edb", "223 /log/edb00007.log,/log/edb00009.log",
				"224 /log/edb00001.log,/log/edb00006.log", "224 /log/edb00001.log,/log/edb00006.log", "213")
			if h := d.file.Header(); h.FullPrev.GenHigh != 9 || h.CopyPrev.GenHigh != 0 {
				t.Errorf("full %+v, copy %+v", h.FullPrev, h.CopyPrev)
			}
			m.want(m.svc.EndExternal(m.e, jet.BitBackupEndNormal), jet.ErrNoBackup)
		})
	}
}

// The trailer comes with the last pages when there is room for it, else alone.
func TestTrailerAlone(t *testing.T) {
	for _, test := range []struct{ last, pages, lastRead int }{{2, 4, 1}, {2, 5, 5}, {6, 4, 1}, {6, 3, 3}} {
		m := newMachine(t)
		m.database("/db/app.edb", jet.Pgno(test.last))
		m.ok(m.svc.BeginExternal(m.e, 0))
		h, _, err := m.svc.OpenFile(m.e, "/db/app.edb", 0)
		m.ok(err)
		got := 0
		for buf := make([]byte, test.pages*fakePage); ; {
			n, err := m.svc.ReadFile(m.e, h, buf)
			m.ok(err)
			if n == 0 {
				break
			}
			got = n / fakePage
		}
		if got != test.lastRead {
			t.Errorf("%+v: last read of %d pages", test, got)
		}
	}
}

func TestStreamingStamps(t *testing.T) {
	const normal, abort = jet.BitBackupEndNormal, jet.BitBackupEndAbort
	tests := []struct {
		name     string
		begin    jet.Grbit
		truncate bool
		end      jet.Grbit
		slot     func(h *dbfile.Header) jet.BackupInfo
		event    string
	}{
		{"full", 0, true, normal, func(h *dbfile.Header) jet.BackupInfo { return h.FullPrev }, "213"},
		{"full, logs truncated by others", 0, false, normal | jet.BitBackupTruncateDone, func(h *dbfile.Header) jet.BackupInfo { return h.FullPrev }, "213"},
		{"copy", 0, false, normal, func(h *dbfile.Header) jet.BackupInfo { return h.CopyPrev }, "213"},
		{"incremental", 1, true, normal, func(h *dbfile.Header) jet.BackupInfo { return h.IncPrev }, "213"},
		{"differential", 1, false, normal, func(h *dbfile.Header) jet.BackupInfo { return h.DiffPrev }, "213"},
		{"no update", 0, true, normal | jet.BitBackupNoDbHeaderUpdate, nil, "213"},
		{"aborted", 0, true, abort, nil, "215"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := newMachine(t)
			d := m.database("/db/app.edb", 5)
			m.rollTo(4)
			if test.begin != 0 {
				m.ok(m.backup("/bk", 0))
			}
			before := d.file.Header()
			m.ok(m.svc.BeginExternal(m.e, test.begin))
			if test.begin == 0 {
				m.pull("/db/app.edb", 3)
			}
			info, err := m.svc.LogInfo(m.e)
			m.ok(err)
			for _, p := range info.Paths {
				m.pull(p, 2)
			}
			if test.truncate {
				m.ok(m.svc.TruncateLog(m.e))
			}
			m.ok(m.svc.EndExternal(m.e, test.end))
			if got := m.events(); !strings.HasSuffix(got, test.event+"\n") {
				t.Errorf("events %s", got)
			}
			h := d.file.Header()
			if test.slot == nil {
				if h.FullPrev != before.FullPrev || h.CopyPrev != before.CopyPrev {
					t.Error("stamped")
				}
				return
			}
			if got := test.slot(&h); int32(got.GenLow) != info.GenLow || int32(got.GenHigh) != info.GenHigh || got == test.slot(&before) {
				t.Errorf("stamp %+v, want %+v", got, info)
			}
		})
	}
}

func TestStreamingStates(t *testing.T) {
	type call struct {
		what string
		code jet.Err
	}
	const db, log = "/db/app.edb", "/log/edb00001.log"
	do := func(m *machine, what string) error {
		verb, arg, _ := strings.Cut(what, " ")
		switch verb {
		case "full":
			return m.svc.BeginExternal(m.e, 0)
		case "inc":
			return m.svc.BeginExternal(m.e, 1)
		case "begin4":
			return m.svc.BeginExternal(m.e, jet.BitBackupAtomic)
		case "attach":
			_, err := m.svc.AttachInfo(m.e)
			return err
		case "open":
			_, _, err := m.svc.OpenFile(m.e, arg, 0)
			return err
		case "read":
			var pages, odd, handle int
			fmt.Sscan(arg, &pages, &odd, &handle)
			_, err := m.svc.ReadFile(m.e, Handle(handle), make([]byte, pages*fakePage+odd))
			return err
		case "close":
			return m.svc.CloseFile(m.e, 0)
		case "close1":
			return m.svc.CloseFile(m.e, 1)
		case "loginfo":
			_, err := m.svc.LogInfo(m.e)
			return err
		case "truncinfo":
			_, err := m.svc.TruncateLogInfo(m.e)
			return err
		case "truncate":
			return m.svc.TruncateLog(m.e)
		case "end":
			return m.svc.EndExternal(m.e, jet.BitBackupEndNormal)
		case "end0":
			return m.svc.EndExternal(m.e, jet.BitBackupTruncateDone)
		case "end3":
			return m.svc.EndExternal(m.e, 3)
		case "stop":
			return m.svc.Stop(m.e)
		case "backup":
			return m.backup("/bk", jet.BitBackupAtomic)
		case "remove":
			return m.env.FS.Remove(arg)
		case "damage":
			return errorsOf(m.sim.FlipBit(arg, 9000, 1), m.sim.FlipBit(arg, 9000, 2))
		case "term":
			m.e.abort(jet.ErrBackupAbortByServer)
			return nil
		}
		panic(what)
	}
	tests := []struct {
		name   string
		calls  []call
		events string
	}{
		{"nothing begun", []call{{"attach", -520}, {"open " + db, -520}, {"read 3", -520}, {"close", -520}, {"loginfo", -520},
			{"truncinfo", -520}, {"truncate", -520}, {"end", -520}, {"stop", 0}}, ""},
		{"grbits", []call{{"begin4", -900}, {"full", 0}, {"end0", -1003}, {"end3", -1003}, {"end", 0}}, "210 215"},
		{"databases", []call{{"full", 0}, {"full", -505}, {"inc", -505}, {"backup", -505}, {"attach", 0}, {"open ", -1003}, {"open " + log, -1203},
			{"open /db/no.edb", -1203}, {"truncate", -521}, {"open " + db, 0}, {"open " + db, -1011}, {"loginfo", -521}, {"truncinfo", -521}, {"truncate", -521},
			{"read 2", -1003}, {"read 3 1", -1003}, {"read 3 0 1", -1003}, {"read 3", 0}, {"read 1", 0}, {"read 0", -1003}, {"close1", -1003}, {"close", 0}, {"close", -1003},
			{"read 3", -1003}, {"end", 0}}, "210 217 217 220 222 215"},
		{"logs", []call{{"full", 0}, {"open " + db, 0}, {"read 100", 0}, {"close", 0}, {"loginfo", 0}, {"attach", 0}, {"loginfo", 0}, {"truncinfo", 0}, {"truncate", -616},
			{"open " + log, 0}, {"open " + log, -1011}, {"read 1", -1003}, {"read 2 4", -1003}, {"read 2", 0}, {"read 1", 0}, {"truncate", -521}, {"close", 0},
			{"truncate", -616}, {"end", 0}}, "210 220 221 223 520 222 520 213"},
		{"incremental", []call{{"inc", 0}, {"attach", -521}, {"loginfo", 0}, {"open " + log, 0}, {"close", 0}, {"end", 0}}, "211 223 222 213"},
		{"incremental, nothing listed", []call{{"inc", 0}, {"end", 0}}, "211 215"},
		{"a database in an incremental", []call{{"inc", 0}, {"open " + db, -521}, {"attach", -520}}, "211 214"},
		{"a database after the logs", []call{{"full", 0}, {"loginfo", 0}, {"open " + db, -521}, {"end", -520}}, "210 223 214"},
		{"no log", []call{{"full", 0}, {"loginfo", 0}, {"open /log/edb0000F.log", -569}, {"end", -520}}, "210 223 459 214"},
		{"another missing file", []call{{"full", 0}, {"loginfo", 0}, {"open /log/nofile", -569}, {"end", -520}}, "210 223 459 214"},
		{"another file", []call{{"full", 0}, {"loginfo", 0}, {"open /log/edb.chk", -1003}, {"end", -520}}, "210 223 214"},
		{"no log's name", []call{{"full", 0}, {"loginfo", 0}, {"open /log/edb.log", -1003}, {"end", -520}}, "210 223 214"},
		{"stopped", []call{{"full", 0}, {"open " + db, 0}, {"stop", 0}, {"attach", -801}, {"open " + db, -801}, {"read 3", -801}, {"loginfo", -801},
			{"truncate", -801}, {"close", 0}, {"full", -505}, {"end", 0}, {"end", -520}}, "210 220 222 226"},
		{"terminated", []call{{"full", 0}, {"open " + db, 0}, {"term", 0}, {"end", -520}}, "210 220 226"},
		{"damaged database", []call{{"damage " + db, 0}, {"full", 0}, {"open " + db, 0}, {"read 9", -1018}, {"read 9", -1003}, {"loginfo", 0}, {"end", 0}},
			"210 220" + strings.Repeat(" 474", readAttempts) + " 217 222 223 213"},
		{"damaged log", []call{{"full", 0}, {"loginfo", 0}, {"damage " + log, 0}, {"open " + log, 0}, {"read 16", -612}, {"close", -520}}, "210 223 218 214"},
		{"logs that are missing", []call{{"remove " + log, 0}, {"remove /log/edb00002.log", 0}, {"remove /log/edb00003.log", 0}, {"inc", 0}, {"loginfo", -569}, {"loginfo", -569}, {"truncate", -521}, {"end", 0}},
			"211 459 215"},
		{"damage in a directory does not matter", []call{{"full", 0}, {"end", 0}, {"backup", 0}}, "210 215 210 220 221 223 225 213"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := newMachine(t)
			d := m.database(db, 5)
			m.rollTo(5)
			d.file.UpdateHeader(func(h *dbfile.Header) { h.FullPrev.GenLow, h.FullPrev.GenHigh = 1, 1 })
			for i, c := range test.calls {
				if got := jet.CodeOf(do(m, c.what)); got != c.code {
					t.Fatalf("call %d, %s: %d, want %d", i, c.what, got, c.code)
				}
			}
			if got := strings.Trim(fmt.Sprint(m.e.events.IDs()), "[]"); got != test.events {
				t.Errorf("events %s, want %s", got, test.events)
			}
		})
	}
}

func errorsOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// A database that fails is left out: it is not stamped, and all logs stay.
func TestStreamingLeavesOut(t *testing.T) {
	m := newMachine(t)
	m.database("/db/a.edb", 5)
	b := m.database("/db/b.edb", 5)
	m.rollTo(6)
	m.setCheckpoint(5)
	m.ok(m.svc.BeginExternal(m.e, 0))
	m.pull("/db/a.edb", 3)
	m.sim.Inject(simdisk.Fault{Ops: simdisk.OpRead, Glob: "/db/b.edb"})
	h, _, err := m.svc.OpenFile(m.e, "/db/b.edb", 0)
	m.ok(err)
	_, err = m.svc.ReadFile(m.e, h, make([]byte, 8*fakePage))
	m.want(err, jet.ErrDiskIO)
	paths, err := m.svc.TruncateLogInfo(m.e)
	m.ok(err)
	if len(paths) != 0 {
		t.Error(paths)
	}
	m.ok(m.svc.EndExternal(m.e, jet.BitBackupEndNormal))
	if got := b.file.Header().CopyPrev; got.GenHigh != 0 {
		t.Errorf("stamp %+v", got)
	}
	if got := m.e.databases[0].File().Header().CopyPrev; got.GenHigh != 6 {
		t.Errorf("stamp %+v", got)
	}
}

func TestOpenSection(t *testing.T) {
	m := newMachine(t)
	m.database("/db/app.edb", 20)
	m.ok(m.svc.BeginExternal(m.e, 0))
	for _, start := range []int64{1, fakePage, 2 * fakePage, 3*fakePage + 1, 23 * fakePage} {
		_, _, err := m.svc.OpenFile(m.e, "/db/app.edb", start)
		m.want(err, jet.ErrInvalidParameter)
	}
	h, size, err := m.svc.OpenFile(m.e, "/db/app.edb", 5*fakePage)
	m.ok(err)
	buf := make([]byte, 100*fakePage)
	n, err := m.svc.ReadFile(m.e, h, buf)
	m.ok(err)
	if size != 23*fakePage || n != 18*fakePage || !bytes.Equal(buf[:fakePage], pageImage(4, 1)) {
		t.Errorf("size %d, read %d", size, n)
	}
	m.ok(m.svc.CloseFile(m.e, h))
	if got := m.events(); !strings.HasSuffix(got, "221 /db/app.edb\n") {
		t.Errorf("events %s", got)
	}
}
