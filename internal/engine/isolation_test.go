package engine

import (
	"cmp"
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"esent/internal/eventlog"
	"esent/internal/jet"
	"esent/internal/vfs"
)

var (
	isolationRuns = flag.Int("isolation-runs", 200, "how many short histories are made and judged")
	isolationSeed = flag.Uint64("isolation-seed", uint64(time.Now().UnixNano()), "chooses what the sessions do; not how they meet")
)

// isolated is what the sessions of TestIsolation have in common.
type isolated struct {
	desk
	rows    int
	padding int  // most bytes of the padding
	long    bool // rows have long values too
	clock   atomic.Int64
	// calls outside of transactions, of 10
	single int
	// counts, for the log
	transactions, commits, conflicts, reads atomic.Int64
}

// TestIsolation has many sessions read, change, lock, delete and insert a few rows, alone and in nested
// transactions, along both indexes, by the million of switches between them: and judges each short history
// (isolation_check_test.go).
func TestIsolation(t *testing.T) {
	settings := []struct {
		name                string
		sessions, rows      int
		padding, cachePages int
		long                bool
		single              int
	}{
		{"one row", 6, 1, 8, 512, false, 3},
		{"hot leaf", 8, 6, 40, 512, false, 2},
		{"hot leaf, long values", 6, 5, 100, 512, true, 2},
		{"leaves that split and merge", 6, 60, 255, 512, false, 1},
		{"small cache", 6, 60, 255, 24, true, 1},
	}
	if n := runtime.GOMAXPROCS(0); n < 8 { // so that the system switches threads at any instruction
		runtime.GOMAXPROCS(8)
		defer runtime.GOMAXPROCS(n)
	}
	for n, set := range settings {
		t.Run(set.name, func(t *testing.T) {
			w := newIsolated(t, set.cachePages, set.rows)
			w.padding, w.long, w.single = set.padding, set.long, set.single
			var sessions []*isolatedSession
			for i := range set.sessions {
				sessions = append(sessions, w.newSession(i, rand.New(rand.NewPCG(*isolationSeed, uint64(n*100+i)))))
			}
			state := map[int]uint32{}
			for run := range *isolationRuns / len(settings) {
				state = w.run(fmt.Sprintf("-isolation-seed %d, run %d", *isolationSeed, run), sessions, state)
			}
			t.Logf("%d runs: %d transactions, %d with changes, %d conflicts, %d reads", *isolationRuns/len(settings), w.transactions.Load(),
				w.commits.Load(), w.conflicts.Load(), w.reads.Load())
			if w.commits.Load() == 0 || set.rows < 10 && w.conflicts.Load() == 0 {
				t.Error("nothing was tested")
			}
			for _, s := range sessions {
				w.want(s.s.End(0), 0)
			}
			w.want(w.i.Term(0), 0)
		})
	}
}

func newIsolated(t *testing.T, cachePages, rows int) *isolated {
	w := &isolated{desk: desk{machine: &machine{t: t, log: &eventlog.Recorder{}}}, rows: rows}
	w.proc = NewProcess(vfs.System(), w.log)
	w.set(nil, jet.ParamCacheSizeMax, int64(cachePages))
	dir := t.TempDir()
	w.i = w.instance("a", dir)
	w.set(w.i, jet.ParamMaxVerPages, 4096)
	w.set(w.i, jet.ParamLogFileSize, 1024)
	w.set(w.i, jet.ParamCircularLog, 1)
	_, err := w.i.Init(InitOptions{})
	w.want(err, 0)
	w.s, err = w.i.BeginSession()
	w.want(err, 0)
	w.db, err = w.s.CreateDatabase(0, dir+"/x.edb", 0, 0)
	w.want(err, 0)
	w.table("t", []string{"k long", "v long", "sum long escrow", "pad binary", "lv longbinary"}, "p:+k primary", "v:+v")
	w.want(w.desk.open(w.s, "t").insert("k", counterRow, "v", 0), 0)
	return w
}

// run has all sessions make some transactions at once, judges what they saw, compares the end with the table, and
// gives the rows' stamps.
func (w *isolated) run(name string, sessions []*isolatedSession, state map[int]uint32) map[int]uint32 {
	var wg sync.WaitGroup
	for _, s := range sessions {
		wg.Go(func() {
			s.past = nil
			for range 4 + s.rng.IntN(8) {
				if err := s.transaction(); err != nil {
					w.t.Errorf("%s, session %s: %v", name, s.name, err)
					return
				}
			}
		})
	}
	wg.Wait()
	if w.t.Failed() {
		w.t.Fatal(w.log.Events())
	}
	var history []*pastTransaction
	for _, s := range sessions {
		history = append(history, s.past...)
	}
	slices.SortFunc(history, func(a, b *pastTransaction) int { return cmp.Compare(a.begun.from, b.begun.from) })
	// The last transaction sees it all.
	last := sessions[0]
	last.past = nil
	for _, index := range []string{"", "v"} {
		last.open()
		if err := last.scan(index); err != nil {
			w.t.Fatal(err)
		}
		if err := last.readCounter(); err != nil {
			w.t.Fatal(err)
		}
		if err := last.rollback(); err != nil {
			w.t.Fatal(err)
		}
	}
	end, err := judge(state, append(history, last.past...))
	if err != nil {
		w.t.Fatalf("%s: %v", name, err)
	}
	return end
}

// isolatedSession is one session of a history.
type isolatedSession struct {
	w                  *isolated
	name               string
	rng                *rand.Rand
	s                  *Session
	c, byStamp         *Cursor
	k, v, sum, pad, lv jet.ColumnID
	stamps             uint32
	past               []*pastTransaction
	t                  *pastTransaction
	levels             []done // of the outer levels, as they were when the inner was begun
	buf                [8192]byte
}

func (w *isolated) newSession(n int, rng *rand.Rand) *isolatedSession {
	s := &isolatedSession{w: w, name: fmt.Sprint(n), rng: rng, stamps: uint32(n) << 24}
	var err error
	s.s, err = w.i.BeginSession()
	w.want(err, 0)
	_, err = s.s.OpenDatabase(0, w.s.databases[0].db.path, 0)
	w.want(err, 0)
	w.want(s.s.SetCommitDefault(jet.BitCommitLazyFlush), 0)
	r := w.desk.open(s.s, "t")
	s.c, s.byStamp = r.Cursor, w.desk.open(s.s, "t").Cursor
	w.want(s.byStamp.SetCurrentIndex(s.s, "v", nil, jet.BitMoveFirst, 1), 0)
	s.k, s.v, s.sum, s.pad, s.lv = r.column("k"), r.column("v"), r.column("sum"), r.column("pad"), r.column("lv")
	return s
}

// call makes a call and gives its span.
func (s *isolatedSession) call(f func() error) (span, error) {
	from := s.w.clock.Add(1)
	if s.rng.IntN(8) == 0 {
		runtime.Gosched()
	}
	err := f()
	return span{from, s.w.clock.Add(1)}, err
}

func (s *isolatedSession) note(begun span) {
	s.t = &pastTransaction{name: fmt.Sprintf("%s.%d", s.name, len(s.past)), begun: begun, done: newDone()}
	s.past = append(s.past, s.t)
	s.w.transactions.Add(1)
}

// transaction makes a transaction, or some calls outside of one. Write conflicts are part of it.
func (s *isolatedSession) transaction() error {
	if s.rng.IntN(10) < s.w.single {
		return s.alone()
	}
	if err := s.open(); err != nil {
		return err
	}
	for range 1 + s.rng.IntN(6) {
		err := s.step()
		if code := jet.CodeOf(err); code == jet.ErrWriteConflict || code == jet.ErrKeyDuplicate {
			s.w.conflicts.Add(1)
			if s.rng.IntN(2) == 0 {
				return s.rollback()
			}
		} else if err != nil {
			return err
		}
	}
	if s.rng.IntN(6) == 0 {
		return s.rollback()
	}
	for len(s.levels) > 0 {
		if err := s.closeLevel(true); err != nil {
			return err
		}
	}
	grbit := jet.BitCommitLazyFlush
	if s.rng.IntN(100) == 0 {
		grbit = 0
	}
	return s.commit(func() error { return s.s.CommitTransaction(0, grbit, 0, nil) })
}

func (s *isolatedSession) open() error {
	begun, err := s.call(func() error { return s.s.BeginTransaction(0, 0) })
	s.note(begun)
	return err
}

func (s *isolatedSession) rollback() error {
	s.levels = nil
	s.t.done = newDone()
	return s.s.Rollback(0, jet.BitRollbackAll)
}

// commit makes the call that commits the transaction and notes where.
func (s *isolatedSession) commit(f func() error) (err error) {
	before := s.s.trx.LastCommit()
	if s.t.ended, err = s.call(f); err != nil {
		return err
	}
	if now := s.s.trx.LastCommit(); now != before {
		s.t.position = now
		s.w.commits.Add(1)
	} else if s.t.done.changes() {
		return fmt.Errorf("changes without a commit: %v", s.t)
	}
	return nil
}

func (s *isolatedSession) closeLevel(commits bool) error {
	outer := s.levels[len(s.levels)-1]
	s.levels = s.levels[:len(s.levels)-1]
	if commits {
		return s.s.CommitTransaction(0, 0, 0, nil)
	}
	s.t.done = outer
	return s.s.Rollback(0, 0)
}

// step is one thing done in a transaction.
func (s *isolatedSession) step() error {
	row := s.rng.IntN(s.w.rows)
	switch s.rng.IntN(12) {
	case 0:
		if len(s.levels) > 0 {
			return s.closeLevel(s.rng.IntN(2) == 0)
		}
		s.levels = append(s.levels, s.t.done.clone())
		return s.s.BeginTransaction(0, 0)
	case 1:
		return s.scan("")
	case 2:
		return s.scan("v")
	case 3:
		return s.add()
	case 4:
		return s.readCounter()
	case 5:
		there, err := s.read(row)
		if err != nil || !there {
			return err
		}
		grbit := jet.BitReadLock
		if s.rng.IntN(2) == 0 {
			grbit = jet.BitWriteLock
		}
		if err = s.c.GetLock(s.s, grbit); err == nil {
			s.t.done.locked[row] = true
		}
		return err
	case 6, 7:
		_, err := s.read(row)
		return err
	}
	there, err := s.read(row)
	switch {
	case err != nil:
		return err
	case !there:
		stamp := s.stamp()
		return s.change(jet.PrepInsert, row, stamp)
	case s.rng.IntN(4) == 0:
		err := s.c.Delete(s.s, 0)
		if err == nil {
			s.t.done.stamps[row] = seenNothing
		}
		return err
	}
	return s.change(jet.PrepReplace, row, s.stamp())
}

func (s *isolatedSession) stamp() uint32 {
	s.stamps++
	return s.stamps
}

// change inserts or replaces a row, all of whose columns then have the stamp.
func (s *isolatedSession) change(kind uint32, row int, stamp uint32) error {
	if err := s.c.PrepareUpdate(s.s, kind); err != nil {
		return err
	}
	err := s.fill(kind, row, stamp)
	if err == nil {
		_, err = s.c.Update(s.s, 0, nil, 0)
	}
	if err != nil {
		if e := s.c.PrepareUpdate(s.s, jet.PrepCancel); e != nil {
			return e
		}
		return err
	}
	s.t.done.stamps[row] = stamp
	return nil
}

// fill sets the columns of the prepared update.
func (s *isolatedSession) fill(kind uint32, row int, stamp uint32) error {
	b := binary.LittleEndian.AppendUint32(nil, stamp)
	set := func(id jet.ColumnID, data []byte) error {
		_, err := s.c.SetColumn(s.s, 0, &Setting{Column: id, Data: data, Size: len(data), Itag: 1})
		return err
	}
	repeat := func(n int) []byte {
		var data []byte
		for range n/4 + 1 {
			data = append(data, b...)
		}
		return data
	}
	if kind == jet.PrepInsert {
		if err := set(s.k, binary.LittleEndian.AppendUint32(nil, uint32(row))); err != nil {
			return err
		}
	}
	if err := set(s.v, b); err != nil {
		return err
	}
	if err := set(s.pad, repeat(s.rng.IntN(s.w.padding-4))); err != nil {
		return err
	}
	if !s.w.long {
		return nil
	}
	size := s.rng.IntN(100)
	if s.rng.IntN(2) == 0 {
		size = 2000 + s.rng.IntN(5000)
	}
	return set(s.lv, repeat(size))
}

// saw takes up what was read of a row: it is the session's own change, or somebody else's.
func (s *isolatedSession) saw(row int, stamp uint32) error {
	s.w.reads.Add(1)
	if own, ok := s.t.done.stamps[row]; ok {
		if own != stamp {
			return fmt.Errorf("row %d: own change %#x, read %#x", row, own, stamp)
		}
		return nil
	}
	s.t.reads = append(s.t.reads, seen{row, stamp})
	return nil
}

// read reads a row and leaves the cursor on it.
func (s *isolatedSession) read(row int) (there bool, err error) {
	if there, err = s.seek(row); err != nil {
		return false, err
	}
	stamp := seenNothing
	if there {
		if stamp, err = s.wholeRow(s.c); err != nil {
			return false, err
		}
	}
	return there, s.saw(row, stamp)
}

func (s *isolatedSession) seek(row int) (there bool, err error) {
	if err := s.c.MakeKey(s.s, binary.LittleEndian.AppendUint32(nil, uint32(row)), jet.BitNewKey); err != nil {
		return false, err
	}
	_, err = s.c.Seek(s.s, jet.BitSeekEQ)
	if jet.CodeOf(err) == jet.ErrRecordNotFound {
		return false, nil
	}
	return err == nil, err
}

func (s *isolatedSession) column(c *Cursor, id jet.ColumnID, grbit jet.Grbit) ([]byte, error) {
	get := Retrieval{Column: id, Buf: s.buf[:], Itag: 1, Grbit: grbit}
	_, err := c.RetrieveColumn(s.s, &get)
	return s.buf[:min(int(get.Actual), len(s.buf))], err
}

func (s *isolatedSession) number(c *Cursor, id jet.ColumnID, grbit jet.Grbit) (uint32, error) {
	b, err := s.column(c, id, grbit)
	if err == nil && len(b) != 4 {
		err = fmt.Errorf("column %d has %d bytes", id, len(b))
	}
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint32(b), nil
}

// wholeRow gives the stamp of the current row, all of whose columns must have it.
func (s *isolatedSession) wholeRow(c *Cursor) (uint32, error) {
	stamp, err := s.number(c, s.v, 0)
	for _, id := range []jet.ColumnID{s.pad, s.lv} {
		b, e := s.column(c, id, 0)
		if err == nil {
			err = e
		}
		for ; len(b) >= 4 && err == nil; b = b[4:] {
			if x := binary.LittleEndian.Uint32(b); x != stamp {
				err = fmt.Errorf("a row has the stamps %#x and %#x", stamp, x)
			}
		}
	}
	return stamp, err
}

// scan reads all rows along an index, in one of its directions; what it does not meet is not there.
func (s *isolatedSession) scan(index string) error {
	c, first, step := s.c, int32(MoveFirst), int32(1)
	if index != "" {
		c = s.byStamp
	}
	if s.rng.IntN(2) == 0 {
		first, step = MoveLast, -1
	}
	met := map[int]bool{}
	last := int64(-2)
	err := c.Move(s.s, first, 0)
	for ; err == nil; err = c.Move(s.s, step, 0) {
		k, err := s.number(c, s.k, 0)
		if err != nil {
			return err
		}
		row := int(int32(k))
		stamp, err := s.wholeRow(c)
		if err != nil {
			return err
		}
		at := int64(row)
		if index != "" {
			entry, err := s.number(c, s.v, jet.BitRetrieveFromIndex)
			if err != nil {
				return err
			}
			if entry != stamp {
				return fmt.Errorf("row %d: its entry has %#x, it has %#x", row, entry, stamp)
			}
			at = int64(stamp)
		}
		if last != -2 && (at > last) != (step > 0) {
			return fmt.Errorf("%#x after %#x along index %q", at, last, index)
		}
		last = at
		if row == counterRow {
			continue
		}
		met[row] = true
		if err := s.saw(row, stamp); err != nil {
			return err
		}
	}
	if jet.CodeOf(err) != jet.ErrNoCurrentRecord {
		return err
	}
	for row := range s.w.rows {
		if !met[row] {
			if err := s.saw(row, seenNothing); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *isolatedSession) seekCounter() error {
	there, err := s.seek(counterRow)
	if err == nil && !there {
		err = fmt.Errorf("the counter is not there")
	}
	return err
}

func (s *isolatedSession) add() error {
	if err := s.seekCounter(); err != nil {
		return err
	}
	n := s.rng.Uint32N(1000)
	_, err := s.c.EscrowUpdate(s.s, 0, s.sum, binary.LittleEndian.AppendUint32(nil, n), nil, 0)
	if err == nil {
		s.t.done.delta += n
	}
	return err
}

func (s *isolatedSession) readCounter() error {
	if err := s.seekCounter(); err != nil {
		return err
	}
	n, err := s.number(s.c, s.sum, 0)
	if err != nil {
		return err
	}
	s.t.reads = append(s.t.reads, seen{counterRow, n - s.t.done.delta})
	return nil
}

// alone does something outside of transactions: each call is one by itself.
func (s *isolatedSession) alone() (err error) {
	row := s.rng.IntN(s.w.rows)
	var there bool
	found, err := s.call(func() (err error) {
		there, err = s.seek(row)
		return err
	})
	if err != nil {
		return err
	}
	s.note(found)
	if !there {
		s.t.reads = []seen{{row, seenNothing}}
		if !s.w.long && s.rng.IntN(2) == 0 {
			return s.insertAlone(row)
		}
		return nil
	}
	s.t.reads = []seen{{row, seenSomething}}
	switch s.rng.IntN(4) {
	case 0:
		return s.readAlone(row)
	case 1:
		return s.deleteAlone(row)
	}
	if s.w.long { // long values can be set in transactions only
		return s.readAlone(row)
	}
	return s.replaceAlone(row)
}

// lost says that the error is one of those that mean that others have been there.
func (s *isolatedSession) lost(err error) bool {
	switch jet.CodeOf(err) {
	case jet.ErrWriteConflict, jet.ErrKeyDuplicate, jet.ErrRecordDeleted, jet.ErrNoCurrentRecord:
		s.w.conflicts.Add(1)
		return true
	}
	return false
}

func (s *isolatedSession) readAlone(row int) error {
	var stamp uint32
	begun, err := s.call(func() (err error) {
		stamp, err = s.number(s.c, s.v, 0)
		return err
	})
	if s.lost(err) {
		stamp, err = seenNothing, nil
	}
	s.note(begun)
	s.t.reads = []seen{{row, stamp}}
	return err
}

func (s *isolatedSession) deleteAlone(row int) error {
	from := s.w.clock.Load()
	s.note(span{})
	s.t.done.stamps[row] = seenNothing
	err := s.commit(func() error { return s.c.Delete(s.s, 0) })
	s.t.begun = span{from, s.t.ended.to}
	if s.lost(err) {
		s.t.done, err = newDone(), nil
	} else {
		s.t.reads = []seen{{row, seenSomething}}
	}
	return err
}

func (s *isolatedSession) insertAlone(row int) error {
	stamp := s.stamp()
	if err := s.c.PrepareUpdate(s.s, jet.PrepInsert); err != nil {
		return err
	}
	if err := s.fill(jet.PrepInsert, row, stamp); err != nil {
		return err
	}
	s.note(span{})
	s.t.reads = []seen{{row, seenNothing}}
	return s.updateAlone(row, stamp, s.w.clock.Load())
}

func (s *isolatedSession) replaceAlone(row int) error {
	stamp := s.stamp()
	from := s.w.clock.Load()
	if err := s.c.PrepareUpdate(s.s, jet.PrepReplace); err != nil {
		if s.lost(err) {
			return nil
		}
		return err
	}
	old, err := s.number(s.c, s.v, jet.BitRetrieveCopy)
	if err != nil {
		return err
	}
	if err := s.fill(jet.PrepReplace, row, stamp); err != nil {
		return err
	}
	s.note(span{})
	s.t.reads = []seen{{row, old}}
	return s.updateAlone(row, stamp, from)
}

// updateAlone makes the prepared update, which saw the row since the time from.
func (s *isolatedSession) updateAlone(row int, stamp uint32, from int64) error {
	s.t.done.stamps[row] = stamp
	err := s.commit(func() error {
		_, err := s.c.Update(s.s, 0, nil, 0)
		return err
	})
	s.t.begun = span{from, s.t.ended.to}
	if s.lost(err) {
		s.t.done, s.t.reads = newDone(), nil
		return s.c.PrepareUpdate(s.s, jet.PrepCancel)
	}
	return err
}
