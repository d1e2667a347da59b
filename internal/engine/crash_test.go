package engine

import (
	"errors"
	"fmt"
	"testing"

	"esent/internal/engine/dbfile"
	"esent/internal/jet"
	"esent/internal/vfs/simdisk"
)

// crash cuts the power and boots. Disks write the pages of these tests whole or not at all: the log has no images
// that would mend a torn one.
func (m *machine) crash(u simdisk.Survival) {
	m.sim.Crash(simdisk.Crash{Unsynced: u, Unit: 4096})
	m.boot()
}

func TestCrashOfAttached(t *testing.T) {
	m := newMachine(t)
	_, s := m.start("a", "/db")
	n, err := s.CreateDatabase(0, "/db/x.edb", 0, 0)
	m.want(err, 0)
	_, err = s.GrowDatabase(0, n, 600)
	m.want(err, 0)
	m.want(s.CommitTransaction(0, jet.BitWaitAllLevel0Commit, 0, nil), 0)
	m.crash(simdisk.LoseAll)
	i, s := m.start("a", "/db")
	if h := m.header("/db/x.edb"); h.State != dbfile.StateClean {
		t.Errorf("state after recovery: %v", h.State)
	}
	_, err = s.AttachDatabase(0, "/db/x.edb", 0, 0)
	m.want(err, 0)
	n, err = s.OpenDatabase(0, "/db/x.edb", 0)
	m.want(err, 0)
	pages, err := s.GrowDatabase(0, n, 1)
	m.want(err, 0)
	if pages != 768 {
		t.Errorf("%d pages after recovery", pages)
	}
	m.want(i.Term(0), 0)
}

func TestTermDirty(t *testing.T) {
	m := newMachine(t)
	i, s := m.start("a", "/db")
	_, err := s.CreateDatabase(0, "/db/x.edb", 0, 0)
	m.want(err, 0)
	m.want(i.Term(jet.BitTermDirty), jet.ErrDirtyShutdown)
	if h := m.header("/db/x.edb"); h.State != dbfile.StateDirty {
		t.Errorf("state %v", h.State)
	}
	// Attaching needs the recovery that only JetInit makes.
	_, s = m.start("b", "/other")
	_, err = s.AttachDatabase(0, "/db/x.edb", 0, 0)
	m.want(err, jet.ErrDatabaseDirtyShutdown)
	_, s = m.start("a", "/db")
	_, err = s.AttachDatabase(0, "/db/x.edb", 0, 0)
	m.want(err, 0)
}

// script is what TestPowerCuts does to an instance between JetInit and JetTerm; it stops at the first error.
func (m *machine) script() error {
	i := m.instance("a", "/db")
	if _, err := i.Init(InitOptions{}); err != nil {
		return err
	}
	s, err := i.BeginSession()
	if err != nil {
		return err
	}
	for _, path := range []string{"/db/x.edb", "/db/y.edb"} {
		n, err := s.CreateDatabase(0, path, 0, jet.BitDbOverwriteExisting)
		if err != nil {
			return err
		}
		if _, err := s.GrowDatabase(0, n, 600); err != nil {
			return err
		}
		m.sim.RunAll()
		if err := s.CommitTransaction(0, jet.BitForceNewLog, 0, nil); err != nil {
			return err
		}
		if err := s.CloseDatabase(0, n); err != nil {
			return err
		}
	}
	if err := s.DetachDatabase(0, "/db/x.edb", 0); err != nil {
		return err
	}
	if _, err := s.AttachDatabase(0, "/db/x.edb", 0, 0); err != nil {
		return err
	}
	m.sim.RunAll()
	return i.Term(0)
}

// recoverAfter starts the instance once more and checks what it finds; when is told in failures.
func (m *machine) recoverAfter(when string) {
	m.t.Helper()
	i := m.instance("a", "/db")
	if _, err := i.Init(InitOptions{}); err != nil {
		m.t.Fatalf("%s: JetInit: %v\n%v", when, err, m.log.Events())
	}
	s, err := i.BeginSession()
	m.want(err, 0)
	for _, path := range []string{"/db/x.edb", "/db/y.edb"} {
		n := uint32(0)
		_, err := s.AttachDatabase(0, path, 0, 0)
		if err == nil {
			n, err = s.OpenDatabase(0, path, 0)
		}
		if err == nil {
			_, err = s.GrowDatabase(0, n, 1000)
		}
		if errors.Is(err, jet.ErrDatabaseDirtyShutdown) && m.header(path).State == dbfile.StateJustCreated {
			continue // its creation had not ended
		}
		if err != nil && !errors.Is(err, jet.ErrFileNotFound) {
			m.t.Fatalf("%s: attach of %s: %v\n%v", when, path, err, m.log.Events())
		}
	}
	if err := i.Term(0); err != nil {
		m.t.Fatalf("%s: JetTerm: %v", when, err)
	}
}

// TestPowerCuts cuts the power after every so many steps, and again during the recovery from that: the next JetInit
// must bring things in order, and every database that was attached must be clean then.
func TestPowerCuts(t *testing.T) {
	whole := newMachine(t)
	start := whole.sim.Steps()
	whole.want(whole.script(), 0)
	steps := whole.sim.Steps() - start
	for k, survival := range []simdisk.Survival{simdisk.LoseAll, simdisk.KeepAll, simdisk.Random} {
		stride := 5
		if testing.Short() {
			stride = 17
		}
		for n := k % stride; n < steps; n += stride {
			m := &machine{t: t, sim: simdisk.New(uint64(n), simdisk.Options{Unit: 4096})}
			m.boot()
			m.sim.PowerOffAfter(n)
			if err := m.script(); err == nil && n < steps-1 {
				t.Fatalf("power cut after %d of %d steps went unnoticed", n, steps)
			}
			m.crash(survival)
			m.sim.PowerOffAfter(n % 29)
			i := m.instance("a", "/db")
			if _, err := i.Init(InitOptions{}); err == nil && m.sim.PowerIsOff() {
				_ = i.Term(0) // whatever it says, the power has gone
			}
			m.crash(survival)
			m.recoverAfter(fmt.Sprintf("survival %d, %d steps, then %d", survival, n, n%29))
		}
	}
}
