package engine

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"esent/internal/engine/catalog"
	"esent/internal/engine/key"
	"esent/internal/engine/record"
	"esent/internal/eventlog"
	"esent/internal/jet"
	"esent/internal/vfs"
	"esent/internal/vfs/simdisk"
)

// rows is a table of numbered values under random changes, with what must be in it.
type rows struct {
	*machine
	rng       *rand.Rand
	i         *Instance
	sessions  []*Session
	cursors   []*Cursor
	committed map[uint32]string
	// doubt is what was being committed when the power went, nil if nothing was.
	doubt map[uint32]string
	dir   string
	// workers is the number of sessions, 0 for two.
	workers int
}

const rowKey, rowValue = jet.ColumnID(1), jet.ColumnID(128)

func rowsTable() *catalog.TableDef {
	return &catalog.TableDef{Name: "rows",
		Columns: []catalog.ColumnDef{{Column: record.Column{Name: "k", Type: jet.ColtypLong, Max: 4}, Class: record.ClassFixed},
			{Column: record.Column{Name: "v", Type: jet.ColtypBinary, Max: 255}, Class: record.ClassVar}},
		Indexes: []catalog.IndexDef{{Name: "p", Flags: key.FlagsFromGrbit(jet.BitIndexPrimary), Columns: []catalog.KeyColumn{{Name: "k"}}},
			{Name: "v", Flags: key.FlagsFromGrbit(0), Columns: []catalog.KeyColumn{{Name: "v"}}}}}
}

// open starts the instance with two sessions on the table, which is made if create says so.
func (r *rows) open(create bool) error {
	r.i = r.instance("a", r.dir)
	r.set(r.i, jet.ParamCheckpointDepthMax, 128<<10)
	r.set(r.i, jet.ParamCircularLog, int64(r.rng.IntN(2)))
	r.set(r.i, jet.ParamMaxVerPages, 1024)
	r.sessions, r.cursors = nil, nil
	if _, err := r.i.Init(InitOptions{}); err != nil {
		return err
	}
	for len(r.sessions) < max(2, r.workers) {
		s, err := r.i.BeginSession()
		if err != nil {
			return err
		}
		if len(r.sessions) == 0 && create {
			if err := r.create(s); err != nil {
				return err
			}
		} else {
			if _, err := s.AttachDatabase(0, r.dir+"/x.edb", 0, 0); err != nil {
				return err
			}
			if _, err := s.OpenDatabase(0, r.dir+"/x.edb", 0); err != nil {
				return err
			}
		}
		c, err := s.OpenTable(0, s.databases[0].db.number, "rows", 0)
		if err != nil {
			return err
		}
		r.sessions, r.cursors = append(r.sessions, s), append(r.cursors, c)
	}
	return nil
}

func (r *rows) create(s *Session) error {
	n, err := s.CreateDatabase(0, r.dir+"/x.edb", 0, 0)
	if err != nil {
		return err
	}
	d, err := s.database(n)
	if err != nil {
		return err
	}
	err = s.inTransaction(func() error {
		t, _, err := d.cat.CreateTable(s.trx, rowsTable())
		if err == nil {
			t.Release()
		}
		return err
	})
	if err != nil {
		return err
	}
	return s.CommitTransaction(0, jet.BitWaitLastLevel0Commit, 0, nil)
}

// work makes transactions until something fails.
func (r *rows) work(transactions int) error {
	open := [2]map[uint32]string{}
	for range transactions {
		n := r.rng.IntN(2)
		s, c := r.sessions[n], r.cursors[n]
		if open[n] == nil {
			if err := s.BeginTransaction(0, 0); err != nil {
				return err
			}
			open[n] = map[uint32]string{}
		}
		for range r.rng.IntN(20) {
			if err := r.change(s, c, open[n]); err != nil {
				return err
			}
		}
		switch r.rng.IntN(4) {
		case 0:
			if err := s.Rollback(0, 0); err != nil {
				return err
			}
			open[n] = nil
		case 1, 2:
			r.doubt = open[n]
			if err := s.CommitTransaction(0, 0, 0, nil); err != nil {
				return err
			}
			r.apply(r.doubt)
			r.doubt, open[n] = nil, nil
		}
		if r.rng.IntN(8) == 0 {
			r.sim.RunAll()
		}
	}
	return nil
}

// change changes one row; each session has keys of its own. An empty value in changes stands for a deletion.
func (r *rows) change(s *Session, c *Cursor, changes map[uint32]string) error {
	k := uint32(r.rng.IntN(300))*uint32(len(r.sessions)) + uint32(slices.Index(r.sessions, s))
	now, there := changes[k]
	if !there {
		now = r.committed[k]
	}
	value := string(bytes.Repeat([]byte{byte('a' + r.rng.IntN(26))}, 1+r.rng.IntN(200)))
	if now != "" {
		if err := c.MakeKey(s, binary.LittleEndian.AppendUint32(nil, k), jet.BitNewKey); err != nil {
			return err
		}
		if _, err := c.Seek(s, jet.BitSeekEQ); err != nil {
			return err
		}
	}
	switch {
	case now != "" && r.rng.IntN(3) == 0:
		value = ""
		if err := c.Delete(s, 0); err != nil {
			return err
		}
	case now != "":
		if err := r.update(s, c, jet.PrepReplace, k, value); err != nil {
			return err
		}
	default:
		if err := r.update(s, c, jet.PrepInsert, k, value); err != nil {
			return err
		}
	}
	changes[k] = value
	return nil
}

func (r *rows) update(s *Session, c *Cursor, kind uint32, k uint32, value string) error {
	if err := c.PrepareUpdate(s, kind); err != nil {
		return err
	}
	if kind == jet.PrepInsert {
		if _, err := c.SetColumn(s, 0, &Setting{Column: rowKey, Size: 4, Data: binary.LittleEndian.AppendUint32(nil, k), Itag: 1}); err != nil {
			return err
		}
	}
	if _, err := c.SetColumn(s, 0, &Setting{Column: rowValue, Size: len(value), Data: []byte(value), Itag: 1}); err != nil {
		return err
	}
	_, err := c.Update(s, 0, nil, 0)
	return err
}

func (r *rows) apply(changes map[uint32]string) {
	for k, v := range changes {
		if v == "" {
			delete(r.committed, k)
		} else {
			r.committed[k] = v
		}
	}
}

// read gives the rows as an index has them.
func (r *rows) read(index string) map[uint32]string {
	r.t.Helper()
	s, c := r.sessions[0], r.cursors[0]
	r.want(c.SetCurrentIndex(s, index, nil, 0, 0), 0)
	got := map[uint32]string{}
	err := c.Move(s, MoveFirst, 0)
	for ; err == nil; err = c.Move(s, 1, 0) {
		k := Retrieval{Column: rowKey, Buf: make([]byte, 4), Itag: 1}
		v := Retrieval{Column: rowValue, Buf: make([]byte, 255), Itag: 1}
		for _, x := range []*Retrieval{&k, &v} {
			_, err := c.RetrieveColumn(s, x)
			r.want(err, 0)
		}
		got[binary.LittleEndian.Uint32(k.Buf)] = string(v.Buf[:v.Actual])
	}
	r.want(err, jet.ErrNoCurrentRecord)
	r.want(c.SetCurrentIndex(s, "p", nil, 0, 0), 0)
	return got
}

// verify compares the table with what was committed. What was being committed may be there, all of it or nothing.
func (r *rows) verify(when string) {
	r.t.Helper()
	got := r.read("p")
	if other := r.read("v"); !maps.Equal(got, other) {
		r.t.Fatalf("%s: %d rows in the primary index, %d in the secondary", when, len(got), len(other))
	}
	if maps.Equal(got, r.committed) {
		r.doubt = nil
		return
	}
	r.apply(r.doubt)
	r.doubt = nil
	if !maps.Equal(got, r.committed) {
		r.t.Fatalf("%s: %d rows, %d were committed", when, len(got), len(r.committed))
	}
}

// TestRowsThroughPowerCuts changes rows and cuts the power, again and again on one database.
func TestRowsThroughPowerCuts(t *testing.T) {
	seeds := uint64(12)
	if testing.Short() {
		seeds = 3
	}
	for seed := range seeds {
		r := &rows{machine: &machine{t: t, sim: simdisk.New(seed, simdisk.Options{Unit: 4096})}, rng: rand.New(rand.NewPCG(seed, 0)), committed: map[uint32]string{}, dir: "/db"}
		r.boot()
		r.want(r.open(true), 0)
		for round := range 6 {
			when := fmt.Sprintf("seed %d, round %d", seed, round)
			if round > 0 {
				if err := r.open(false); err != nil {
					t.Fatalf("%s: %v\n%v", when, err, r.log.Events())
				}
			}
			r.verify(when)
			r.sim.PowerOffAfter(r.rng.IntN(300))
			err := r.work(120)
			if err != nil && !r.sim.PowerIsOff() {
				t.Fatalf("%s: %v\n%v", when, err, r.log.Events())
			}
			r.crash(simdisk.Survival(r.rng.IntN(3)))
			for r.rng.IntN(2) == 0 { // a power cut during recovery
				r.sim.PowerOffAfter(r.rng.IntN(60))
				if err := r.open(false); err != nil && !r.sim.PowerIsOff() {
					t.Fatalf("%s, recovery: %v\n%v", when, err, r.log.Events())
				}
				r.crash(simdisk.Survival(r.rng.IntN(3)))
			}
		}
	}
}

// TestRowsAtOnce has sessions on goroutines of their own change rows of one table, with a small cache and the real
// scheduler; then the instance ends, or is abandoned and recovered.
func TestRowsAtOnce(t *testing.T) {
	const workers = 4
	dir := t.TempDir()
	r := &rows{machine: &machine{t: t, log: &eventlog.Recorder{}}, rng: rand.New(rand.NewPCG(1, 0)), committed: map[uint32]string{}, workers: workers}
	r.proc = NewProcess(vfs.System(), r.log)
	r.set(nil, jet.ParamCacheSizeMax, 96)
	r.dir = dir
	for round := range 4 {
		r.want(r.open(round == 0), 0)
		r.verify(fmt.Sprint("round ", round))
		parts := make([]*rows, workers)
		var wg sync.WaitGroup
		for n := range parts {
			part := *r
			part.rng, part.committed = rand.New(rand.NewPCG(uint64(round), uint64(n))), maps.Clone(r.committed)
			parts[n] = &part
			wg.Go(func() {
				if err := part.alone(n, 60); err != nil {
					t.Errorf("worker %d: %v", n, err)
				}
			})
		}
		wg.Wait()
		for n, part := range parts {
			for k := range uint32(300) {
				k := k*workers + uint32(n)
				r.apply(map[uint32]string{k: part.committed[k]})
			}
		}
		r.verify(fmt.Sprint("after round ", round))
		if round%2 == 0 {
			r.want(r.i.Term(jet.BitTermDirty), jet.ErrDirtyShutdown)
		} else {
			r.want(r.i.Term(0), 0)
		}
	}
}

// alone is work for one session of several that work at once.
func (r *rows) alone(n, transactions int) error {
	s, c := r.sessions[n], r.cursors[n]
	for range transactions {
		changes := map[uint32]string{}
		if err := s.BeginTransaction(0, 0); err != nil {
			return err
		}
		for range r.rng.IntN(20) {
			if err := r.change(s, c, changes); err != nil {
				return err
			}
		}
		if r.rng.IntN(4) == 0 {
			if err := s.Rollback(0, 0); err != nil {
				return err
			}
			continue
		}
		if err := s.CommitTransaction(0, jet.Grbit(r.rng.IntN(2)), 0, nil); err != nil {
			return err
		}
		r.apply(changes)
	}
	return nil
}
