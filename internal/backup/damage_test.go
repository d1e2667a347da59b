package backup

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"esent/internal/jet"
	"esent/internal/vfs/simdisk"
)

// page 105 lies at offset 106*4096; the last page of the test's database is 300.
func (m *machine) flipPage(pgno int64, bits ...uint) {
	m.t.Helper()
	for _, b := range bits {
		m.ok(m.sim.FlipBit("/db/app.edb", (pgno+1)*fakePage+2000, b))
	}
}

func TestDamagedPages(t *testing.T) {
	tests := []struct {
		name  string
		pgno  int64
		blank bool
		bits  []uint
		code  jet.Err
	}{
		{"used page", 105, false, []uint{1, 2}, jet.ErrReadVerifyFailure},
		{"first page", 1, false, []uint{1, 2}, jet.ErrReadVerifyFailure},
		{"last page", 299, false, []uint{1, 2}, jet.ErrReadVerifyFailure},
		{"blank page", 110, true, []uint{1, 2}, jet.ErrReadVerifyFailure},
		{"page behind the last", 305, true, []uint{1, 2}, 0},
		{"one bit", 105, false, []uint{1}, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := newMachine(t)
			m.database("/db/app.edb", 300)
			m.rollTo(3)
			m.flipPage(test.pgno, test.bits...)
			m.want(m.backup("/bk", 0), test.code)
			if test.code == 0 {
				m.wantSet("/bk", "/bk", 1, 3, "app.edb")
				return
			}
			m.wantFiles("/bk", "")
			if m.slept != 13600*time.Millisecond {
				t.Errorf("slept %v", m.slept)
			}
			done := int64(0)
			for page := int64(255); page < test.pgno; page += windowPages {
				done = page + 1
			}
			want := []string{"210", "220 /db/app.edb,1 Mb"}
			for range readAttempts {
				want = append(want, fmt.Sprintf("474 /db/app.edb,-1018,%d", test.pgno))
			}
			want = append(want, "217 -1018,/db/app.edb", fmt.Sprintf("222 /db/app.edb,%d,%d", done*fakePage, 303*fakePage), "215")
			m.wantEvents(want...)
		})
	}
}

// A single wrong bit is put right in the copy: it differs from the file in that bit alone.
func TestCorrectedPage(t *testing.T) {
	m := newMachine(t)
	m.database("/db/app.edb", 300)
	good, err := m.sim.ReadFile("/db/app.edb")
	m.ok(err)
	m.rollTo(3)
	m.flipPage(105, 3)
	m.ok(m.backup("/bk", 0))
	copied, err := m.sim.ReadFile("/bk/app.edb")
	m.ok(err)
	if !bytes.Equal(copied[2*fakePage:302*fakePage], good[2*fakePage:302*fakePage]) {
		t.Error("the copy is not what the database was")
	}
	if got := m.events(); !strings.Contains(got, "399 /db/app.edb,<nil>,105") {
		t.Errorf("events %s", got)
	}
}

// A disk that gives what is right at the third attempt.
func TestTransientReadError(t *testing.T) {
	m := newMachine(t)
	m.database("/db/app.edb", 300)
	m.rollTo(3)
	m.sim.Inject(simdisk.Fault{Ops: simdisk.OpRead, Glob: "/db/app.edb", Count: 2})
	m.ok(m.backup("/bk", 0))
	m.wantSet("/bk", "/bk", 1, 3, "app.edb")
	if got, want := m.events(), fmt.Sprintf("493 /db/app.edb,0x%016x,0x%08x,2,0", 2*fakePage, 254*fakePage); !strings.Contains(got, want) {
		t.Errorf("events %s lack %s", got, want)
	}
	if m.slept != 300*time.Millisecond {
		t.Errorf("slept %v", m.slept)
	}
}

func TestUnreadableDisk(t *testing.T) {
	m := newMachine(t)
	m.database("/db/app.edb", 300)
	m.rollTo(3)
	m.sim.Inject(simdisk.Fault{Ops: simdisk.OpRead, Glob: "/db/app.edb", Skip: 1})
	m.want(m.backup("/bk", 0), jet.ErrDiskIO)
	m.wantFiles("/bk", "")
	m.wantEvents("210", "220 /db/app.edb,1 Mb", "217 -1022,/db/app.edb", fmt.Sprintf("222 /db/app.edb,%d,%d", 256*fakePage, 303*fakePage), "215")
}

func TestDamagedLogs(t *testing.T) {
	tests := []struct {
		name string
		off  int64
		bits []uint
		code jet.Err
	}{
		{"header", 1000, []uint{1}, jet.ErrLogReadVerifyFailure},
		{"segment", 4096 + 100, []uint{1, 2}, jet.ErrLogReadVerifyFailure},
		{"one bit of a segment", 4096 + 100, []uint{1}, 0},
		{"last segment", 15*4096 + 100, []uint{1, 2}, jet.ErrLogReadVerifyFailure},
	}
	for _, test := range tests {
		for _, grbit := range []jet.Grbit{0, jet.BitBackupAtomic} {
			t.Run(fmt.Sprint(test.name, " ", grbit), func(t *testing.T) {
				m := newMachine(t)
				m.database("/db/app.edb", 5)
				m.rollTo(4)
				for _, b := range test.bits {
					m.ok(m.sim.FlipBit("/log/edb00002.log", test.off, b))
				}
				m.want(m.backup("/bk", grbit), test.code)
				if test.code == 0 {
					if grbit == 0 {
						m.wantSet("/bk", "/bk", 1, 4, "app.edb")
					}
					return
				}
				m.wantFiles("/bk", "")
				want := []string{"210", "220 /db/app.edb,32 Kb", "221 /db/app.edb", "223 /log/edb00001.log,/log/edb00004.log"}
				if test.name == "header" {
					want = append(want, "552 /log/edb00002.log,header,0,0,,,-612")
				}
				m.wantEvents(append(want, "218 -612,/log/edb00002.log", "214 -612")...)
				if len(m.archives()) != 4 {
					t.Errorf("logs %v", m.archives())
				}
			})
		}
	}
}

func TestMissingLog(t *testing.T) {
	m := newMachine(t)
	m.database("/db/app.edb", 5)
	m.rollTo(4)
	m.ok(m.env.FS.Remove("/log/edb00002.log"))
	m.want(m.backup("/bk", 0), jet.ErrMissingFileToBackup)
	m.wantFiles("/bk", "")
	m.wantEvents("210", "220 /db/app.edb,32 Kb", "221 /db/app.edb", "223 /log/edb00001.log,/log/edb00004.log", "459 /log/edb00002.log", "214 -569")
}

// Files that are no whole logs.
func TestShortLogs(t *testing.T) {
	for _, size := range []int{0, 100, 4096 + 100, 15*4096 + 1} {
		m := newMachine(t)
		m.database("/db/app.edb", 5)
		m.rollTo(4)
		b, err := m.sim.ReadFile("/log/edb00002.log")
		m.ok(err)
		m.ok(m.sim.WriteFile("/log/edb00002.log", b[:size]))
		m.want(m.backup("/bk", 0), jet.ErrLogReadVerifyFailure)
		m.wantFiles("/bk", "")
	}
}

// A log of the set that was damaged is replaced by the next incremental backup that still has it.
func TestIncrementalRepairsSet(t *testing.T) {
	m := newMachine(t)
	m.database("/db/app.edb", 5)
	m.rollTo(4)
	m.ok(m.backup("/bk", 0))
	m.ok(m.sim.FlipBit("/bk/edb00003.log", 2*4096-1, 1))
	m.ok(m.backup("/bk", jet.BitBackupIncremental))
	m.wantSet("/bk", "/bk", 1, 5, "app.edb")
}

func TestFullDisk(t *testing.T) {
	build := func(spare int64) *machine {
		m := newMachine(t)
		m.database("/db/app.edb", 300)
		m.rollTo(4)
		m.sim.RunAll()
		m.sim.SetCapacity(m.sim.Used() + spare)
		return m
	}
	t.Run("database", func(t *testing.T) {
		m := build(100 * fakePage)
		m.want(m.backup("/bk", 0), jet.ErrDiskFull)
		m.wantFiles("/bk", "")
		m.wantEvents("210", "220 /db/app.edb,1 Mb", fmt.Sprintf("222 /db/app.edb,%d,%d", 256*fakePage, 303*fakePage), "215")
	})
	t.Run("log", func(t *testing.T) {
		m := build(303*fakePage + 100<<10)
		m.want(m.backup("/bk", 0), jet.ErrDiskFull)
		m.wantFiles("/bk", "")
		if got := m.events(); !strings.HasSuffix(got, "223 /log/edb00001.log,/log/edb00004.log\n215\n") {
			t.Errorf("events %s", got)
		}
	})
}
