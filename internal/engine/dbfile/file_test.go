package dbfile

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"esent/internal/engine/page"
	"esent/internal/jet"
	"esent/internal/vfs"
	"esent/internal/vfs/simdisk"
)

const dbPath = "/data/db.edb"

func newDisk(t *testing.T) *simdisk.Sim {
	t.Helper()
	sim := simdisk.New(1, simdisk.Options{})
	if err := sim.Env().FS.Mkdir("/data"); err != nil {
		t.Fatal(err)
	}
	return sim
}

// newDatabase makes a file of 30 pages that is attached without logging, all pages blank.
func newDatabase(t *testing.T, env *vfs.Env, pageSize int) *File {
	t.Helper()
	h := NewHeader(pageSize, 7, env.Now())
	if err := h.SetState(StateJustCreated, LogRange{}); err != nil {
		t.Fatal(err)
	}
	f, err := Create(env, dbPath, h, false, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Resize(30); err != nil {
		t.Fatal(err)
	}
	f.UpdateHeader(func(h *Header) {
		h.ObjIDLast = 5
		err = h.SetState(StateDirty, LogRange{})
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.WriteHeader(); err != nil {
		t.Fatal(err)
	}
	return f
}

func closeClean(t *testing.T, f *File) {
	t.Helper()
	var err error
	f.UpdateHeader(func(h *Header) { err = h.SetState(StateClean, LogRange{}) })
	if err := errors.Join(err, f.WriteHeader(), f.Close()); err != nil {
		t.Fatal(err)
	}
}

func testPage(f *File, pgno jet.Pgno, t jet.DBTime) page.Page {
	p := page.Page(make([]byte, f.PageSize()))
	p.Init(pgno, 8, t, page.FlagLeaf|page.FlagRoot, false)
	_ = p.InsertLine(0, []byte{byte(pgno)}, 0, []byte("data"))
	p.Seal(pgno, page.NextFlushType(f.FlushType(pgno)))
	return p
}

func TestCreateOpen(t *testing.T) {
	for _, size := range []int{4096, 8192, 16384, 32768} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			env := newDisk(t).Env()
			f := newDatabase(t, env, size)
			if _, err := Open(env, dbPath, Options{}); !errors.Is(err, vfs.ErrLocked) {
				t.Errorf("opened twice: %v", err)
			}
			if n, err := f.Pages(); n != 30 || err != nil {
				t.Errorf("%d pages, %v", n, err)
			}
			first := f.Header()
			closeClean(t, f)
			if _, err := Create(env, dbPath, first, false, Options{}); jet.CodeOf(err) != jet.ErrDatabaseDuplicate {
				t.Errorf("created twice: %v", err)
			}
			f, err := Open(env, dbPath, Options{ReadOnly: true})
			if err != nil {
				t.Fatal(err)
			}
			h := f.Header()
			if h.State != StateClean || h.PageSize() != size || h.SignDB != first.SignDB || h.SignHeaderFlush == first.SignHeaderFlush {
				t.Errorf("%+v", h)
			}
			if err := errors.Join(h.CheckFormat(size), h.CheckType(), h.CheckClean(), h.CheckVersion(), f.Close()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestOpenErrors(t *testing.T) {
	sim := newDisk(t)
	env := sim.Env()
	format500 := make([]byte, 8192)
	le.PutUint32(format500[4:], Magic)
	le.PutUint32(format500[8:], 0x500)
	damaged := slices.Clone(format500)
	le.PutUint32(damaged[8:], 0x620)
	for _, c := range []struct {
		name    string
		content []byte
		want    jet.Err
	}{
		{"empty", nil, jet.ErrDatabaseCorrupted},
		{"short", make([]byte, 100), jet.ErrDatabaseCorrupted},
		{"zeros", make([]byte, 8192), jet.ErrDatabaseCorrupted},
		{"text", bytes.Repeat([]byte("text"), 4096), jet.ErrDatabaseCorrupted},
		{"format 0x500", format500, jet.ErrDatabase500Format},
		{"both copies damaged", damaged, jet.ErrInvalidDatabaseVersion},
	} {
		if err := sim.WriteFile(dbPath, c.content); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(env, dbPath, Options{}); jet.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	if _, err := Open(env, "/data/none", Options{}); jet.CodeOf(err) != jet.ErrFileNotFound {
		t.Errorf("missing: %v", err)
	}
}

func TestHeaderRepair(t *testing.T) {
	sim := newDisk(t)
	env := sim.Env()
	closeClean(t, newDatabase(t, env, 4096))
	sound, err := sim.ReadFile(dbPath)
	if err != nil {
		t.Fatal(err)
	}
	older := DecodeHeader(sound[:4096])
	older.DBTime++
	valid := older.Encode(4096)
	for _, c := range []struct {
		name   string
		damage func(b []byte)
		dbtime jet.DBTime
	}{
		{"none", func([]byte) {}, jet.DBTimeStart},
		{"primary", func(b []byte) { b[3000] ^= 1 }, jet.DBTimeStart},
		{"primary blank", func(b []byte) { clear(b[:4096]) }, jet.DBTimeStart},
		{"shadow", func(b []byte) { b[4096+100] ^= 1 }, jet.DBTimeStart},
		{"shadow differs", func(b []byte) { copy(b[4096:], valid) }, jet.DBTimeStart},
		{"primary newer", func(b []byte) { copy(b, valid) }, jet.DBTimeStart + 1},
	} {
		b := slices.Clone(sound)
		c.damage(b)
		if err := sim.WriteFile(dbPath, b); err != nil {
			t.Fatal(err)
		}
		for _, readOnly := range []bool{true, false} {
			f, err := Open(env, dbPath, Options{ReadOnly: readOnly})
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			if h := f.Header(); h.DBTime != c.dbtime {
				t.Errorf("%s: dbtime %#x", c.name, h.DBTime)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			after, err := sim.Durable(dbPath)
			if err != nil {
				t.Fatal(err)
			}
			if readOnly && !bytes.Equal(after, b) {
				t.Errorf("%s: a read-only open changed the file", c.name)
			}
			if !readOnly && (!bytes.Equal(after[:4096], after[4096:8192]) || DecodeHeader(after[:4096]).DBTime != c.dbtime) {
				t.Errorf("%s: not repaired", c.name)
			}
		}
	}
}

// TestHeaderCrash cuts the power at every step of a header write: the old or the new header is there.
func TestHeaderCrash(t *testing.T) {
	for steps := 0; ; steps++ {
		sim := newDisk(t)
		f := newDatabase(t, sim.Env(), 4096)
		if err := errors.Join(f.Sync(), sim.Env().FS.SyncDir("/data")); err != nil {
			t.Fatal(err)
		}
		f.UpdateHeader(func(h *Header) { h.DBTime = 0x1234 })
		sim.PowerOffAfter(steps)
		err := f.WriteHeader()
		for seed := range uint64(8) {
			after := sim.CrashClone(simdisk.Crash{Unsynced: simdisk.Random}, seed)
			f, openErr := Open(after.Env(), dbPath, Options{})
			if openErr != nil {
				t.Fatalf("power off after %d: %v", steps, openErr)
			}
			h := f.Header()
			if h.DBTime != 0x1234 && (err == nil || h.DBTime != jet.DBTimeStart) {
				t.Fatalf("power off after %d: dbtime %#x", steps, h.DBTime)
			}
		}
		if err == nil {
			return
		}
	}
}

// TestHeaderUnknownBytes: what a newer engine stored behind the known fields survives a header write.
func TestHeaderUnknownBytes(t *testing.T) {
	h := NewHeader(4096, 7, time.Now())
	h.State, h.ObjIDLast = StateClean, 5
	b := h.Encode(4096)
	b[665], b[2000] = 0x11, 0x77
	h = DecodeHeader(b)
	h.DBTime++
	got := h.Encode(4096)
	if got[665] != 0x11 || got[2000] != 0x77 || DecodeHeader(got).DBTime != h.DBTime {
		t.Error("unknown bytes are lost")
	}
}

func TestHeaderWriteFailure(t *testing.T) {
	sim := newDisk(t)
	f := newDatabase(t, sim.Env(), 4096)
	before := f.Header()
	f.UpdateHeader(func(h *Header) { h.GenMinRequired = 5 })
	if err := f.WriteHeader(); jet.CodeOf(err) != jet.ErrInternalError {
		t.Errorf("header against the invariants: %v", err)
	}
	f.UpdateHeader(func(h *Header) { h.GenMinRequired = 0 })
	sim.PowerOffAfter(1)
	if err := f.WriteHeader(); err == nil {
		t.Error("header written without power")
	}
	if after := f.Header(); after.SignHeaderFlush != before.SignHeaderFlush {
		t.Error("a failed write changed the signature in memory")
	}
}

// However many writes of headers fail, torn, in a row: one copy stays whole.
func TestHeaderWritesFail(t *testing.T) {
	for skip := range 3 {
		for seed := range uint64(8) {
			sim := newDisk(t)
			f := newDatabase(t, sim.Env(), 4096)
			if err := sim.Env().FS.SyncDir("/data"); err != nil {
				t.Fatal(err)
			}
			sim.Inject(simdisk.Fault{Ops: simdisk.OpWrite, Torn: true, Skip: skip})
			for range 4 {
				f.UpdateHeader(func(h *Header) { h.DBTime++ })
				_ = f.WriteHeader() // fails sooner or later
			}
			after := sim.CrashClone(simdisk.Crash{Unsynced: simdisk.Random}, seed)
			if h, err := ReadFileHeader(after.Env().FS, dbPath); err != nil || h.DBTime < jet.DBTimeStart || h.DBTime > jet.DBTimeStart+4 {
				t.Errorf("after %d writes: dbtime %#x, %v", skip, h.DBTime, err)
			}
		}
	}
}

func TestPages(t *testing.T) {
	for _, size := range []int{4096, 32768} {
		sim := newDisk(t)
		var faults []Fault
		f := newDatabase(t, sim.Env(), size)
		f.report = func(fault Fault) { faults = append(faults, fault) }
		run := append(testPage(f, 3, 0x50), testPage(f, 4, 0x51)...)
		if err := f.WritePages(3, run); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 2*size)
		if err := f.ReadPages(3, got); err != nil || !bytes.Equal(got, run) {
			t.Errorf("read: %v", err)
		}
		one := got[:size]
		if err := f.ReadPages(5, one); err != jet.ErrPageNotInitialized {
			t.Errorf("blank page: %v", err)
		}
		if err := f.ReadPages(31, one); jet.CodeOf(err) != jet.ErrFileIOBeyondEOF {
			t.Errorf("beyond the end: %v", err)
		}
		if len(faults) > 0 {
			t.Errorf("faults %+v", faults)
		}
		if err := sim.FlipBit(dbPath, f.Offset(4)+200, 3); err != nil {
			t.Fatal(err)
		}
		if err := f.ReadPages(3, got); err != nil || !bytes.Equal(got, run) {
			t.Errorf("one wrong bit: %v", err)
		}
		if err := sim.FlipBit(dbPath, f.Offset(4)+204, 3); err != nil {
			t.Fatal(err)
		}
		if err := f.ReadPages(3, got); err != jet.ErrReadVerifyFailure {
			t.Errorf("two wrong bits: %v", err)
		}
		if h := f.Header(); h.ECCFixSuccess != 1 || h.BadChecksum != 1 || h.ECCFixSuccessAt == (jet.LogTime{}) {
			t.Errorf("counts %d, %d", h.ECCFixSuccess, h.BadChecksum)
		}
		if len(faults) != 2 || faults[0].Pgno != 4 || faults[0].Err != nil || faults[0].Result.Corrected != 1 ||
			faults[1].Err != jet.ErrReadVerifyFailure {
			t.Errorf("faults %+v", faults)
		}
		if err := f.Resize(3); err != nil {
			t.Fatal(err)
		}
		if n, err := f.Pages(); n != 3 || err != nil {
			t.Errorf("%d pages, %v", n, err)
		}
		if err := f.ReadPages(3, one); err != nil {
			t.Error(err)
		}
		if err := f.Resize(6); err != nil {
			t.Fatal(err)
		}
		if err := f.ReadPages(4, one); err != jet.ErrPageNotInitialized {
			t.Errorf("page that came back: %v", err)
		}
	}
}

// A read that the disk ends early is not one behind the end of the file.
func TestShortRead(t *testing.T) {
	sim := newDisk(t)
	f := newDatabase(t, sim.Env(), 4096)
	p := make([]byte, 4096)
	sim.Inject(simdisk.Fault{Ops: simdisk.OpRead, Err: jet.ErrFileIOBeyondEOF, Count: 1})
	if err := f.ReadPages(30, p); jet.CodeOf(err) != jet.ErrDiskIO {
		t.Errorf("in the file: %v", err)
	}
	if err := f.ReadPages(31, p); jet.CodeOf(err) != jet.ErrFileIOBeyondEOF {
		t.Errorf("behind its end: %v", err)
	}
}

func TestGate(t *testing.T) {
	f := newDatabase(t, newDisk(t).Env(), 4096)
	if !f.BeginWrite(10, 5) {
		t.Fatal("write refused without a lock")
	}
	locked := make(chan struct{})
	go func() {
		f.LockRange(14, 20)
		close(locked)
	}()
	for f.BeginWrite(20, 1) { // until the range is there
		f.EndWrite(20, 1)
		time.Sleep(time.Millisecond)
	}
	select {
	case <-locked:
		t.Error("locked while a write was in flight")
	case <-time.After(10 * time.Millisecond):
	}
	if !f.BeginWrite(21, 3) || !f.BeginWrite(5, 9) {
		t.Error("write beside the range refused")
	}
	f.EndWrite(10, 5)
	<-locked
	if f.BeginWrite(5, 10) || f.BeginWrite(14, 1) || f.BeginWrite(1, 30) {
		t.Error("write into the range allowed")
	}
	f.UnlockRange(14, 20)
	if !f.BeginWrite(14, 1) {
		t.Error("write refused after the unlock")
	}
}

func TestFlushMap(t *testing.T) {
	sim := newDisk(t)
	env := sim.Env()
	f := newDatabase(t, env, 4096)
	if rejected, err := f.AttachFlushMap(MapOptions{Persist: true}); rejected != nil || err != nil {
		t.Fatal(rejected, err)
	}
	if err := f.WriteHeader(); err != nil {
		t.Fatal(err)
	}
	write := func(f *File, pgno jet.Pgno, dbtime jet.DBTime) page.Page {
		p := testPage(f, pgno, dbtime)
		if err := f.WritePages(pgno, p); err != nil {
			t.Fatal(err)
		}
		return p
	}
	old := write(f, 3, 0x50)
	if f.FlushType(3) != 1 {
		t.Errorf("type %d", f.FlushType(3))
	}
	write(f, 3, 0x51)
	write(f, 4, 0x52)
	lose := func(f *File) { // the disk forgets the second write
		off := f.Offset(3)
		b, err := sim.ReadFile(dbPath)
		if err != nil {
			t.Fatal(err)
		}
		copy(b[off:], old)
		copy(b[f.Offset(4):], make([]byte, 4096))
		if err := f.file.WriteAt(b[off:f.Offset(5)], off); err != nil {
			t.Fatal(err)
		}
	}
	sound, err := sim.ReadFile(dbPath)
	if err != nil {
		t.Fatal(err)
	}
	lose(f)
	p := make([]byte, 4096)
	var faults []Fault
	f.report = func(fault Fault) { faults = append(faults, fault) }
	if err := f.ReadPages(3, p); err != jet.ErrReadLostFlushVerifyFailure {
		t.Errorf("older write: %v", err)
	}
	if err := f.ReadPages(4, p); err != jet.ErrReadLostFlushVerifyFailure {
		t.Errorf("blank page: %v", err)
	}
	if len(faults) != 2 || faults[0].Expected != 2 || faults[0].Actual != 1 {
		t.Errorf("faults %+v", faults)
	}
	if err := f.file.WriteAt(sound[f.Offset(3):f.Offset(5)], f.Offset(3)); err != nil {
		t.Fatal(err)
	}
	if err := f.ReadPages(3, make([]byte, 8192)); err != nil {
		t.Error(err)
	}
	f.UpdateHeader(func(h *Header) { h.DBTime = 0x60 })
	if err := f.CleanFlushMap(0x60); err != nil {
		t.Fatal(err)
	}
	closeClean(t, f)

	reopen := func(o MapOptions) *File {
		t.Helper()
		f, err := Open(env, dbPath, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if rejected, err := f.AttachFlushMap(o); rejected != nil || err != nil {
			t.Fatal(rejected, err)
		}
		return f
	}
	attach := func(f *File) {
		t.Helper()
		var err error
		f.UpdateHeader(func(h *Header) { err = h.SetState(StateDirty, LogRange{}) })
		if err := errors.Join(err, f.WriteHeader()); err != nil {
			t.Fatal(err)
		}
	}
	b, err := sim.ReadFile("/data/db.jfm")
	if err != nil || len(b) != 16384 {
		t.Fatalf("map of %d bytes, %v", len(b), err)
	}
	if h, err := DecodeFlushMapHeader(b); err != nil || !h.Clean() || h.DetachedAt == (jet.LogTime{}) || b[8192+64] != 0b00000010 || b[8192+65] != 0b01000000 {
		t.Errorf("map %+v, %x, %v", h, b[8192+64:8192+66], err)
	}
	f = reopen(MapOptions{Persist: true})
	attach(f)
	if f.FlushType(3) != 2 || f.FlushType(4) != 1 || f.FlushType(5) != 0 {
		t.Errorf("types %d %d %d", f.FlushType(3), f.FlushType(4), f.FlushType(5))
	}
	lose(f)
	if err := f.ReadPages(3, p); err != jet.ErrReadLostFlushVerifyFailure {
		t.Errorf("write lost before the attach: %v", err)
	}
	if err := errors.Join(f.CleanFlushMap(0x60)); err != nil {
		t.Fatal(err)
	}
	closeClean(t, f)

	f = reopen(MapOptions{Persist: true, FailRuntimeOnly: true})
	attach(f)
	faults = nil
	f.report = func(fault Fault) { faults = append(faults, fault) }
	if err := f.ReadPages(3, p); err != nil || len(faults) != 1 || faults[0].Err != jet.ErrReadLostFlushVerifyFailure {
		t.Errorf("write lost before the attach: %v, %+v", err, faults)
	}
	write(f, 3, 0x61)
	write(f, 5, 0x62)
	lose(f)
	if err := f.ReadPages(3, p); err != jet.ErrReadLostFlushVerifyFailure {
		t.Errorf("write lost since the attach: %v", err)
	}
	// A page younger than everything the map knows shows that the map missed writes.
	young := testPage(f, 5, 0x1000)
	young.Seal(5, 3)
	if err := f.file.WriteAt(young, f.Offset(5)); err != nil {
		t.Fatal(err)
	}
	if err := f.ReadPages(5, p); err != nil || f.FlushType(3) != 0 {
		t.Errorf("stale map: %v", err)
	}

	// After a crash the map is made anew.
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	f, err = Open(env, dbPath, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if rejected, err := f.AttachFlushMap(MapOptions{Persist: true}); jet.CodeOf(rejected) != jet.ErrFlushMapUnrecoverable || err != nil || f.FlushType(4) != 0 {
		t.Errorf("after a crash: %v, %v", rejected, err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestFlushMapForeign(t *testing.T) {
	sim := newDisk(t)
	env := sim.Env()
	f := newDatabase(t, env, 4096)
	if _, err := f.AttachFlushMap(MapOptions{Persist: true}); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.WriteHeader(), f.CleanFlushMap(0x40)); err != nil {
		t.Fatal(err)
	}
	closeClean(t, f)
	// Somebody without a map writes the header twice.
	f, err := Open(env, dbPath, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.WriteHeader(), f.Close()); err != nil {
		t.Fatal(err)
	}
	f, err = Open(env, dbPath, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if rejected, err := f.AttachFlushMap(MapOptions{Persist: true}); jet.CodeOf(rejected) != jet.ErrFlushMapDatabaseMismatch || err != nil {
		t.Error(rejected, err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := sim.FlipBit("/data/db.jfm", 100, 1); err != nil {
		t.Fatal(err)
	}
	f, err = Open(env, dbPath, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if rejected, err := f.AttachFlushMap(MapOptions{Persist: true}); jet.CodeOf(rejected) != jet.ErrReadVerifyFailure || err != nil {
		t.Error(rejected, err)
	}
	h := FlushMapHeader{Major: 4}
	db := f.Header()
	if err := h.Accept(&db); err != jet.ErrFlushMapVersionUnsupported {
		t.Error(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestFlushMapLarge: map page 1 begins with page 32512.
func TestFlushMapLarge(t *testing.T) {
	for last, want := range map[jet.Pgno]int{30: 1, 32510: 1, 32511: 1, 32512: 2, 65023: 2, 65024: 3} {
		if got := mapPages(last); got != want {
			t.Errorf("%d map pages up to page %d, want %d", got, last, want)
		}
	}
	m := newFlushMap(30)
	p := page.Page(make([]byte, 4096))
	p.SetFlags(2 << page.FlushTypeShift)
	m.note(100000, p)
	if m.Type(100000) != 2 || m.Type(99999) != 0 || m.Type(1<<30) != 0 {
		t.Error("types in a grown map")
	}
	m.resize(99999)
	if m.Type(100000) != 0 {
		t.Error("type of a page cut off")
	}
}
