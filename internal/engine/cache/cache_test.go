package cache

import (
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"esent/internal/engine/page"
	"esent/internal/jet"
)

func TestReadOnceAndFindAgain(t *testing.T) {
	x := newFixture(t, 64, 10, 4096)
	x.file.delay = 2 * time.Millisecond
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { x.read(t, 5) })
	}
	wg.Wait()
	if n := x.file.reads[5]; n != 1 {
		t.Errorf("page read %d times", n)
	}
	f, v, err := x.Get(x.db, 5)
	if err != nil {
		t.Fatal(err)
	}
	var hint uint32
	for range 2 {
		g, w, err := x.GetHint(x.db, 5, &hint)
		if g != f || w != v || err != nil {
			t.Errorf("with hint %d: %p %d %v, want %p %d", hint, g, w, err, f, v)
		}
	}
	x.Purge(x.db, 5, 5)
	x.read(t, 6)
	if g, _, err := x.GetHint(x.db, 5, &hint); err != nil || g.Pgno() != 5 {
		t.Errorf("stale hint: %v, %v", g, err)
	}
}

func TestReadErrors(t *testing.T) {
	x := newFixture(t, 16, 10, 4096)
	x.file.delay = 5 * time.Millisecond
	x.file.pages[3][100] ^= 0x7f
	unsound := page.Page(x.file.pages[4])
	unsound.SetCbUncommittedFree(4056)
	unsound.Seal(4, 1)
	for _, c := range []struct {
		pgno jet.Pgno
		want jet.Err
	}{
		{3, jet.ErrReadVerifyFailure}, {4, jet.ErrDatabaseCorrupted}, {11, jet.ErrFileIOBeyondEOF},
		{0, jet.ErrFileIOBeyondEOF}, {jet.PgnoSysMax, jet.ErrFileIOBeyondEOF}, {0xFFFFFFFF, jet.ErrFileIOBeyondEOF},
		{1<<31 | 1, jet.ErrFileIOBeyondEOF},
	} {
		x.read(t, 1)
		var wg sync.WaitGroup
		for i := range 6 {
			wg.Go(func() {
				var err error
				if i%2 == 0 {
					_, _, err = x.Get(x.db, c.pgno)
				} else {
					_, err = x.Lock(x.db, c.pgno)
				}
				if !errors.Is(err, c.want) {
					t.Errorf("page %d: %v, want %v", c.pgno, err, c.want)
				}
			})
		}
		wg.Wait()
		if x.Cached(x.db, c.pgno) && c.pgno <= jet.PgnoSysMax {
			t.Errorf("page %d stayed", c.pgno)
		}
	}
	if n := x.file.reads[3]; n > 6 || n < 1 {
		t.Errorf("page read %d times", n)
	}
	// More failures than frames.
	for range 40 {
		if _, _, err := x.Get(x.db, 3); !errors.Is(err, jet.ErrReadVerifyFailure) {
			t.Fatal(err)
		}
	}
}

func TestScanLeavesWorkingSet(t *testing.T) {
	x := newFixture(t, 200, 2000, 4096)
	hot := func() (missed int) {
		for pgno := jet.Pgno(1); pgno <= 100; pgno++ {
			if !x.Cached(x.db, pgno) {
				missed++
			}
			x.read(t, pgno)
		}
		return missed
	}
	hot()
	hot()
	for pgno := jet.Pgno(101); pgno <= 2000; pgno++ {
		if _, _, err := x.GetScan(x.db, pgno); err != nil {
			t.Fatal(err)
		}
	}
	if missed := hot(); missed != 0 {
		t.Errorf("a scan drove out %d pages of the working set", missed)
	}
	for pgno := jet.Pgno(101); pgno <= 2000; pgno += 20 {
		for i := range jet.Pgno(20) {
			x.Prefetch(x.db, pgno+i)
		}
		x.ahead.task.Wait()
		for i := range jet.Pgno(20) {
			x.read(t, pgno+i)
		}
	}
	if missed := hot(); missed != 0 {
		t.Errorf("a scan with read-ahead drove out %d pages of the working set", missed)
	}
}

func TestPrefetch(t *testing.T) {
	x := newFixture(t, 400, 100, 4096)
	x.file.readErr = func(pgno jet.Pgno) error {
		if pgno == 13 {
			return jet.ErrDiskIO
		}
		return nil
	}
	x.Prefetch(x.db, 12, 10, 0, jet.PgnoSysMax+1, 11, 13, 14, 40, 99, 100, 101)
	x.ahead.task.Wait()
	for _, pgno := range []jet.Pgno{10, 11, 12, 14, 40, 99, 100} {
		if !x.Cached(x.db, pgno) {
			t.Errorf("page %d was not read ahead", pgno)
		}
		before := x.file.reads[pgno]
		x.read(t, pgno)
		if x.file.reads[pgno] != before {
			t.Errorf("page %d was read again", pgno)
		}
	}
	if _, _, err := x.Get(x.db, 13); !errors.Is(err, jet.ErrDiskIO) {
		t.Errorf("page 13: %v", err)
	}
	if s := x.Stats(); s.ReadAhead != 7 {
		t.Errorf("%d pages read ahead", s.ReadAhead)
	}
}

func TestWriteAhead(t *testing.T) {
	x := newFixture(t, 32, 20, 4096)
	x.update(t, 1)
	c2 := x.update(t, 2)
	if o := x.OldestDirty(x.db); o >= jet.LogPos(c2.start) {
		t.Errorf("oldest %v", o)
	}
	// The log fails: nothing is written, nothing is lost.
	x.log.fail.Store(true)
	if err := x.FlushDB(x.db); !errors.Is(err, jet.ErrLogWriteFail) {
		t.Errorf("flush without a log: %v", err)
	}
	if c, _ := x.file.content(1); c.seq != 0 || x.Stats().Dirty != 2 {
		t.Errorf("page 1 has change %d, %d pages are dirty", c.seq, x.Stats().Dirty)
	}
	x.log.fail.Store(false)
	// Only what is old enough.
	if err := x.FlushOlder(x.db, jet.LogPos(c2.start)); err != nil {
		t.Fatal(err)
	}
	if o := x.OldestDirty(x.db); o != jet.LogPos(c2.start) {
		t.Errorf("oldest %v, want %v", o, jet.LogPos(c2.start))
	}
	// Before images come first, and stay required when the write fails.
	var undo jet.LogPos
	x.log.before = func(_ *DB, pgno jet.Pgno) (jet.LogPos, error) {
		if undo != 0 {
			return 0, nil
		}
		_, undo = x.log.append()
		return undo, nil
	}
	x.file.setWriteErr(func(jet.Pgno) error { return jet.ErrDiskFull })
	if err := x.FlushDB(x.db); !errors.Is(err, jet.ErrDiskFull) {
		t.Errorf("full disk: %v", err)
	}
	x.file.setWriteErr(nil)
	x.log.durable.Store(c2.end)
	if err := x.FlushDB(x.db); err != nil {
		t.Fatal(err)
	}
	if d := jet.LogPos(x.log.durable.Load()); d != undo {
		t.Errorf("log durable up to %v, the before image ends at %v", d, undo)
	}
	// Redo cannot log: the page waits.
	x.log.before = func(*DB, jet.Pgno) (jet.LogPos, error) { return 0, jet.ErrCannotLogDuringRecoveryRedo }
	c := x.update(t, 3)
	if err := x.FlushOlder(x.db, jet.LogPosMax); err != nil {
		t.Fatal(err)
	}
	if o := x.OldestDirty(x.db); o != jet.LogPos(c.start) {
		t.Errorf("oldest %v, want %v", o, jet.LogPos(c.start))
	}
	x.log.before = nil
	// A change of a later generation has the header raised first.
	x.log.end.Store(uint64(jet.MakeLogPos(5, 8, 0)))
	x.update(t, 4)
	if err := x.FlushDB(x.db); err != nil || x.db.MaxRequired() != 5 || x.log.gens.Load() != 1 {
		t.Errorf("%v, header requires up to %d, raised %d times", err, x.db.MaxRequired(), x.log.gens.Load())
	}
}

func TestUnsoundPageIsNotWritten(t *testing.T) {
	x := newFixture(t, 32, 20, 4096)
	for pgno := jet.Pgno(4); pgno <= 6; pgno++ {
		x.update(t, pgno)
	}
	f, err := x.Lock(x.db, 5)
	if err != nil {
		t.Fatal(err)
	}
	f.Page().SetCbUncommittedFree(4056)
	f.Unlock()
	if err := x.FlushDB(x.db); !errors.Is(err, jet.ErrDatabaseCorrupted) {
		t.Errorf("unsound page: %v", err)
	}
	for pgno, want := range map[jet.Pgno]uint64{4: 1, 5: 0, 6: 1} {
		if c, _ := x.file.content(pgno); c.seq != want {
			t.Errorf("page %d has change %d in the file, want %d", pgno, c.seq, want)
		}
	}
}

func TestGate(t *testing.T) {
	x := newFixture(t, 16, 40, 4096)
	var shut atomic.Bool
	shut.Store(true)
	x.file.gate = func(pgno jet.Pgno) bool { return shut.Load() && pgno >= 4 && pgno <= 6 }
	for pgno := jet.Pgno(2); pgno <= 8; pgno++ {
		x.update(t, pgno)
	}
	if err := x.FlushOlder(x.db, jet.LogPosMax); err != nil {
		t.Fatal(err)
	}
	x.writer.Wait() // it may have had some of them under way
	for pgno := jet.Pgno(2); pgno <= 8; pgno++ {
		want := uint64(1)
		if pgno >= 4 && pgno <= 6 {
			want = 0
		}
		if c, _ := x.file.content(pgno); c.seq != want {
			t.Errorf("page %d has change %d in the file, want %d", pgno, c.seq, want)
		}
	}
	// The rest of the cache goes on.
	for pgno := jet.Pgno(7); pgno <= 40; pgno++ {
		x.update(t, pgno)
	}
	x.waitLimit = time.Millisecond
	if err := x.FlushDB(x.db); !errors.Is(err, jet.ErrBackupInProgress) {
		t.Errorf("flush behind the gate: %v", err)
	}
	shut.Store(false)
	if err := x.FlushDB(x.db); err != nil {
		t.Fatal(err)
	}
}

func TestRunsAreWrittenAtOnce(t *testing.T) {
	x := newFixture(t, 256, 100, 4096)
	order := []jet.Pgno{}
	for pgno := jet.Pgno(1); pgno <= 60; pgno++ {
		if pgno != 31 {
			order = append(order, pgno)
		}
	}
	rand.New(rand.NewPCG(1, 1)).Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	for _, pgno := range order {
		x.update(t, pgno)
	}
	if err := x.FlushDB(x.db); err != nil {
		t.Fatal(err)
	}
	if x.file.calls != 2 || x.Stats().Writes != 59 {
		t.Errorf("%d pages in %d writes", x.Stats().Writes, x.file.calls)
	}
}

func TestWriterBoundsDirtyShare(t *testing.T) {
	x := newFixture(t, 400, 400, 4096)
	for pgno := jet.Pgno(1); pgno <= 300; pgno++ {
		x.update(t, pgno)
	}
	x.writer.Wait()
	if d := x.Stats().Dirty; d > 100 {
		t.Errorf("%d dirty pages", d)
	}
	if c, _ := x.file.content(1); c.seq != 1 {
		t.Error("the oldest page was not written")
	}
}

func TestOutOfBuffers(t *testing.T) {
	x := newFixture(t, 16, 200, 4096)
	x.waitLimit = 10 * time.Millisecond
	var held []*Frame
	for pgno := jet.Pgno(1); ; pgno++ {
		f, v, err := x.Get(x.db, pgno)
		if err != nil {
			if !errors.Is(err, jet.ErrOutOfBuffers) {
				t.Error(err)
			}
			break
		}
		if !f.Upgrade(v) {
			t.Fatal("a page that nobody else uses has changed")
		}
		held = append(held, f)
	}
	if n := len(held); n != 16+slack {
		t.Errorf("%d frames", n)
	}
	for _, f := range held {
		f.UnlockUnchanged()
	}
	for pgno := jet.Pgno(1); pgno <= 200; pgno++ {
		x.read(t, pgno)
	}
	x.writer.Wait()
	if s := x.Stats(); s.Frames != 16 {
		t.Errorf("%d frames stayed", s.Frames)
	}
	// Where nothing can be written, that is the error.
	x.file.setWriteErr(func(jet.Pgno) error { return jet.ErrDiskFull })
	for pgno := jet.Pgno(1); ; pgno++ {
		f, err := x.Lock(x.db, pgno)
		if err != nil {
			if !errors.Is(err, jet.ErrDiskFull) {
				t.Error(err)
			}
			break
		}
		change(x.log, x.db, f)
		f.Unlock()
	}
	x.file.setWriteErr(nil)
}

func TestLockNewDiscardPurge(t *testing.T) {
	x := newFixture(t, 64, 10, 4096)
	for _, pgno := range []jet.Pgno{3, 20, 2 << leafBits} {
		f, err := x.LockNew(x.db, pgno)
		if err != nil {
			t.Fatal(err)
		}
		initPage(f.Page(), pgno)
		f.Dirty(x.log.append())
		f.Unlock()
		if x.file.reads[pgno] != 0 {
			t.Errorf("page %d was read", pgno)
		}
		x.update(t, pgno)
	}
	if err := x.FlushDB(x.db); err != nil {
		t.Fatal(err)
	}
	if c, _ := x.file.content(20); c.seq != 1 {
		t.Errorf("new page has change %d", c.seq)
	}
	f, err := x.LockNew(x.db, 21)
	if err != nil {
		t.Fatal(err)
	}
	x.Discard(f)
	if x.Cached(x.db, 21) {
		t.Error("a discarded page stayed")
	}
	x.update(t, 19-10)
	x.update(t, 20)
	x.update(t, 2<<leafBits)
	x.Purge(x.db, 20, jet.PgnoSysMax)
	if x.Cached(x.db, 20) || x.Cached(x.db, 2<<leafBits) || !x.Cached(x.db, 9) || x.Stats().Dirty != 1 {
		t.Errorf("purge left %+v", x.Stats())
	}
}

func TestResidue(t *testing.T) {
	x := newFixture(t, 16, 5, 4096)
	x.db.residueBelow = 100
	stamp := func(pgno jet.Pgno, when jet.DBTime, flags page.Flags) {
		p := page.Page(x.file.pages[pgno])
		p.SetFlags(p.Flags() | flags)
		p.SetLineFlags(0, page.NodeVersion|page.NodeDeleted)
		p.SetCbUncommittedFree(9)
		p.SetDBTime(when)
		p.Seal(pgno, 1)
	}
	stamp(1, 99, 0)
	stamp(2, 100, 0)
	stamp(3, 99, page.FlagSpaceTree)
	for pgno, want := range map[jet.Pgno]page.NodeFlags{1: page.NodeDeleted, 2: page.NodeVersion | page.NodeDeleted, 3: page.NodeVersion | page.NodeDeleted} {
		f, _, err := x.Get(x.db, pgno)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Page().LineFlags(0); got != want || (f.Page().CbUncommittedFree() == 0) != (pgno == 1) || f.IsDirty() {
			t.Errorf("page %d: flags %d, want %d, uncommitted %d", pgno, got, want, f.Page().CbUncommittedFree())
		}
	}
}

func TestDatabases(t *testing.T) {
	x := newFixture(t, 64, 10, 4096)
	unlogged := newFakeFile(t, nil, 4096)
	unlogged.fill(10)
	if _, err := x.AddDB(DBConfig{File: unlogged, PageSize: 8192}); !errors.Is(err, jet.ErrPageSizeMismatch) {
		t.Errorf("another page size: %v", err)
	}
	for range 3 {
		db, err := x.AddDB(DBConfig{File: unlogged, PageSize: 4096, DBTime: 0x40, ObjID: 2})
		if err != nil {
			t.Fatal(err)
		}
		if db.Slot != 1 || db.NextDBTime() != 0x41 || db.NextObjID() != 3 || db.ObjIDLast() != 3 {
			t.Errorf("slot %d, dbtime %d", db.Slot, db.DBTime())
		}
		db.RaiseDBTime(10)
		db.RaiseObjID(1)
		if db.RaiseDBTime(0x100); db.DBTime() != 0x100 || db.ObjIDLast() != 3 {
			t.Errorf("dbtime %d, objid %d", db.DBTime(), db.ObjIDLast())
		}
		x.update(t, 3)
		f, err := x.Lock(db, 3)
		if err != nil {
			t.Fatal(err)
		}
		before, _ := contentOf(f.Page())
		change(nil, db, f)
		f.Unlock()
		if o := x.OldestDirty(db); o != jet.LogPosMax {
			t.Errorf("an unlogged change holds the checkpoint at %v", o)
		}
		if err := x.FlushDB(db); err != nil {
			t.Fatal(err)
		}
		if c, _ := unlogged.content(3); c.seq != before.seq+1 {
			t.Errorf("change %d in the file, want %d", c.seq, before.seq+1)
		}
		f, v, err := x.Get(db, 3)
		if err != nil {
			t.Fatal(err)
		}
		x.RemoveDB(db)
		if f.Valid(v) || f.Slot() != -1 {
			t.Error("a page of a removed database stayed valid")
		}
	}
}

func TestGetAllocatesNothing(t *testing.T) {
	if invariants {
		t.Skip("assertions allocate")
	}
	x := newFixture(t, 64, 10, 4096)
	x.read(t, 1)
	var hint uint32
	ok := true
	if n := testing.AllocsPerRun(100, func() {
		f, v, err := x.Get(x.db, 1)
		_, _, _ = x.GetHint(x.db, 1, &hint)
		ok = ok && err == nil && f.Page().DBTime() != 0 && f.Valid(v) && f.Upgrade(v)
		f.UnlockUnchanged()
		g, err := x.Lock(x.db, 1)
		ok = ok && err == nil
		g.Unlock()
	}); n != 0 || !ok {
		t.Errorf("%v allocations", n)
	}
}

func TestDirtyPagesComeInOrder(t *testing.T) {
	x := newFixture(t, 64, 30, 4096)
	list := []victim{}
	for _, pgno := range []jet.Pgno{9, 2, 30, 4} {
		x.update(t, pgno)
	}
	list = append(list, x.dirtyPages(x.db, beginUnlogged)...)
	sortByPage(list)
	var got []jet.Pgno
	for _, v := range list {
		got = append(got, jet.Pgno(v.id))
	}
	if !slices.Equal(got, []jet.Pgno{2, 4, 9, 30}) {
		t.Errorf("%v", got)
	}
}
