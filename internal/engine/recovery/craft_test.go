package recovery

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"esent/internal/engine/btree/ops"
	"esent/internal/engine/dbfile"
	"esent/internal/engine/page"
	"esent/internal/jet"
	"esent/internal/logstore"
	"esent/internal/testdata"
)

// crafted is a clean database of the original engine with a log behind it that a test writes: records that no data set
// holds, which an engine has logged before it was killed.
type crafted struct {
	*testHost
	log    Log
	header dbfile.Header
	last   jet.Pgno // of the file
	time   jet.DBTime
	trx    jet.Trx

	before  map[string]string // keys
	reading *pageReader       // nil while nobody reads
}

// unrolled is the LogState of a log that stays within its generation.
type unrolled struct{ checkpoint jet.LogPos }

func (unrolled) Attachments(jet.LogPos) []logstore.AttachInfo { return nil }
func (u unrolled) Checkpoint() jet.LogPos                     { return u.checkpoint }
func (unrolled) Rolled(int32, jet.LogTime) error              { return jet.ErrInternalError }

const craftProc = 1

func craft(t *testing.T) *crafted {
	c := &crafted{testHost: matrixHost(t, testdata.Set(t, "big_4k"))}
	res, err := c.run()
	if err != nil || res.Outcome != WasClean {
		t.Fatal(res.Outcome, err)
	}
	c.header, err = dbfile.ReadFileHeader(c.cfg.Env.FS, c.path("db.edb"))
	if err != nil {
		t.Fatal(err)
	}
	c.last, c.time, c.trx, c.before = c.pages(), c.header.DBTime, 0x1000, c.keys()
	if c.log, err = c.OpenLog(res.Tail, unrolled{res.Checkpoint.Pos}); err != nil {
		t.Fatal(err)
	}
	c.add(&logstore.Init{Time: res.Tail.Header.Created})
	c.add(&logstore.AttachDB{Proc: craftProc, DB: 1, Consistent: c.header.Consistent, SignDB: c.header.SignDB,
		SignLog: c.header.SignLog, Path: c.path("db.edb")})
	c.begin()
	return c
}

func (c *crafted) add(rec logstore.Record) (pos jet.LogPos) {
	c.t.Helper()
	pos, _, err := c.log.Append(rec.Append(nil))
	if err != nil {
		c.t.Fatal(err)
	}
	return pos
}

func (c *crafted) begin() {
	c.trx += 8
	c.add(&logstore.Begin{Proc: craftProc, Levels: 1, Trx: c.trx})
}

func (c *crafted) commit() { c.add(&logstore.Commit0{Proc: craftProc, Trx: c.trx + 4}) }

// op is the common part of a record on a page that has the dbtime before.
func (c *crafted) op(pgno jet.Pgno, before jet.DBTime) logstore.PageOp {
	c.time++
	return logstore.PageOp{Proc: craftProc, DB: 1, Pgno: pgno, DBTime: c.time, DBTimeBefore: before, Trx: c.trx, Level: 1}
}

// recover kills the engine that has written the log and starts another.
func (c *crafted) recover() Result {
	c.t.Helper()
	c.close()
	l := c.testHost.log.Load()
	if err := l.Flush(l.EndPos()); err != nil {
		c.t.Fatal(err)
	}
	if err := l.Abandon(); err != nil {
		c.t.Fatal(err)
	}
	res, err := c.run()
	if err != nil {
		c.t.Fatal(err)
	}
	return res
}

// reader reads the file until the engine or the test needs it.
func (c *crafted) reader() *pageReader {
	c.t.Helper()
	if c.reading == nil {
		f, err := dbfile.Open(c.cfg.Env, c.path("db.edb"), dbfile.Options{ReadOnly: true})
		if err != nil {
			c.t.Fatal(err)
		}
		c.reading = &pageReader{c.t, f}
	}
	return c.reading
}

func (c *crafted) close() {
	c.t.Helper()
	if c.reading != nil {
		if err := c.reading.f.Close(); err != nil {
			c.t.Fatal(err)
		}
		c.reading = nil
	}
}

func (c *crafted) pages() jet.Pgno {
	n, err := c.reader().f.Pages()
	if err != nil {
		c.t.Fatal(err)
	}
	return n
}

func (c *crafted) extend(n jet.Pgno) { c.add(&logstore.ExtendDB{DB: 1, Last: c.last + n}) }

// find gives the first page that suits.
func (c *crafted) find(suits func(pgno jet.Pgno, p page.Page) bool) (jet.Pgno, page.Page) {
	c.t.Helper()
	r := c.reader()
	for pgno := jet.Pgno(1); pgno <= c.last; pgno++ {
		if p := r.page(pgno); p != nil && !p.Has(page.FlagPreInit) && suits(pgno, p) {
			return pgno, p
		}
	}
	c.t.Fatal("there is no such page")
	return 0, nil
}

// keys are all entries of all indexes.
func (c *crafted) keys() map[string]string {
	c.t.Helper()
	b, err := os.ReadFile(c.path("db.edb"))
	copied := filepath.Join(c.t.TempDir(), "db.edb")
	if err == nil {
		err = os.WriteFile(copied, b, 0o600)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	return databaseKeys(c.t, c.cfg.Env, copied)
}

func (c *crafted) sameContent() {
	c.t.Helper()
	for name, keys := range c.keys() {
		if keys != c.before[name] {
			c.t.Errorf("index %s has entries %s, had %s", name, keys, c.before[name])
		}
	}
}

// write puts a page into the file, as the engine might have done before it was killed.
func (c *crafted) write(pgno jet.Pgno, p page.Page) {
	c.t.Helper()
	c.close()
	f, err := dbfile.Open(c.cfg.Env, c.path("db.edb"), dbfile.Options{})
	if err != nil {
		c.t.Fatal(err)
	}
	defer f.Close()
	if pgno > c.last {
		if err := f.Resize(pgno); err != nil {
			c.t.Fatal(err)
		}
	}
	p = append(page.Page(nil), p...)
	p.Seal(pgno, 0)
	if err := f.WriteRaw(pgno, p); err != nil {
		c.t.Fatal(err)
	}
}

// image is a page's image in the two pieces of a PageMove.
func image(p page.Page) (header, trailer []byte) { return p[:len(p)/2], p[len(p)/2:] }

func TestRedoPageMove(t *testing.T) {
	for _, newer := range []string{"none", "destination", "source"} {
		t.Run(newer, func(t *testing.T) {
			c := craft(t)
			var line int
			var src jet.Pgno
			parentAt, parent := c.find(func(_ jet.Pgno, p page.Page) bool {
				return p.Has(page.FlagParentOfLeaf) && !p.Has(page.FlagSpaceTree) && p.Lines() > 3
			})
			line = 1
			src = parent.Child(line)
			r := c.reader()
			p := r.page(src)
			left, right := r.page(p.Prev()), r.page(p.Next())
			dest := c.last + 2
			c.extend(4)
			rec := &logstore.PageMove{PageOp: c.op(src, p.DBTime()), Dest: dest, Left: p.Prev(), Right: p.Next(), Parent: parentAt,
				DBTimeLeftBefore: left.DBTime(), DBTimeRightBefore: right.DBTime(), DBTimeParentBefore: parent.DBTime(),
				ObjID: p.ObjID(), LineParent: int32(line)}
			rec.Header, rec.Trailer = image(p)
			c.add(rec)
			c.commit()
			want := append(page.Page(nil), p...)
			want.SetPgno(dest)
			want.SetDBTime(rec.DBTime)
			emptied := append(page.Page(nil), p...)
			if err := emptied.Clear(nil); err != nil {
				t.Fatal(err)
			}
			emptied.SetFlags(emptied.Flags() | page.FlagEmpty)
			emptied.SetDBTime(rec.DBTime)
			switch newer {
			case "destination":
				c.write(dest, want)
			case "source":
				c.write(src, emptied)
			}
			c.recover()
			r = c.reader()
			got := r.page(dest)
			if d := differ(got, want); d != "" {
				t.Errorf("destination: %s", d)
			}
			if child := r.page(parentAt).Child(line); child != dest {
				t.Errorf("the parent points to page %d", child)
			}
			if r.page(p.Prev()).Next() != dest || r.page(p.Next()).Prev() != dest {
				t.Error("the siblings point elsewhere")
			}
			if s := r.page(src); !s.Has(page.FlagEmpty) || s.Lines() != 0 || s.DBTime() != rec.DBTime {
				t.Errorf("the source has %d lines, flags %#x", s.Lines(), s.Flags())
			}
			c.sameContent()
		})
	}
}

func TestRedoRootMove(t *testing.T) {
	c := craft(t)
	var h ops.RootHeader
	rootAt, root := c.find(func(pgno jet.Pgno, p page.Page) bool {
		if pgno < 30 || !p.Has(page.FlagRoot) || p.Has(page.FlagSpaceTree) {
			return false
		}
		var err error
		h, err = ops.ParseRootHeader(p.ExtHeader())
		return err == nil && h.Space.Multiple()
	})
	childAt, child := c.find(func(pgno jet.Pgno, p page.Page) bool {
		if pgno == rootAt || !p.Has(page.FlagRoot) || p.Has(page.FlagSpaceTree) {
			return false
		}
		_, err := ops.ParseRootHeader(p.ExtHeader())
		return err == nil
	})
	r := c.reader()
	oe, ae := r.page(h.Space.OE()), r.page(h.Space.AE())
	c.extend(8)
	time := c.op(0, 0).DBTime
	move := func(pgno jet.Pgno, p page.Page, dest jet.Pgno, kind uint32) *logstore.PageMove {
		m := &logstore.PageMove{PageOp: logstore.PageOp{Proc: craftProc, DB: 1, Pgno: pgno, DBTime: time, DBTimeBefore: p.DBTime(), Trx: c.trx, Level: 1},
			Dest: dest, ObjID: p.ObjID(), MoveFlags: kind}
		m.Header, m.Trailer = image(p)
		return m
	}
	ch, err := ops.ParseRootHeader(child.ExtHeader())
	if err != nil {
		t.Fatal(err)
	}
	ch.Space.Parent = c.last + 1
	space := ops.RootHeader{Space: ch.Space}
	c.add(&logstore.Macro{Kind: logstore.RecMacroBegin, Proc: craftProc, DBTime: time})
	c.add(&logstore.RootPageMove{DBTime: time, DB: 1, ObjID: root.ObjID(), Proc: craftProc})
	c.add(move(rootAt, root, c.last+1, logstore.MoveRootFDP))
	c.add(move(h.Space.OE(), oe, c.last+2, logstore.MoveRootOE))
	c.add(move(h.Space.AE(), ae, c.last+3, logstore.MoveRootAE))
	c.add(&logstore.SetExternalHeader{NodeOp: logstore.NodeOp{PageOp: logstore.PageOp{Proc: craftProc, DB: 1, Pgno: childAt, DBTime: time,
		DBTimeBefore: child.DBTime(), Trx: c.trx, Level: 1}, FDP: childAt, ObjID: child.ObjID()}, Data: space.Append(nil)})
	c.add(&logstore.Macro{Kind: logstore.RecMacroCommit, Proc: craftProc, DBTime: time})
	c.commit()
	c.recover()
	r = c.reader()
	moved := r.page(c.last + 1)
	got, err := ops.ParseRootHeader(moved.ExtHeader())
	if err != nil || got.Space.OE() != c.last+2 || got.Space.AE() != c.last+3 || got.Space.Parent != h.Space.Parent {
		t.Errorf("new root has space header %+v, %v", got.Space, err)
	}
	if moved.Lines() != root.Lines() || moved.DBTime() != time {
		t.Errorf("new root has %d lines, dbtime %#x", moved.Lines(), moved.DBTime())
	}
	if n := r.page(c.last + 2).Lines(); n != oe.Lines() {
		t.Errorf("new OE has %d lines", n)
	}
	for _, old := range []jet.Pgno{rootAt, h.Space.OE(), h.Space.AE()} {
		if p := r.page(old); !p.Has(page.FlagEmpty) || p.Lines() != 0 {
			t.Errorf("page %d is not empty", old)
		}
	}
	gotChild, err := ops.ParseRootHeader(r.page(childAt).ExtHeader())
	if err != nil || gotChild != ch {
		t.Errorf("the tree below has %+v, want %+v, %v", gotChild, ch, err)
	}
}

func TestRedoScrubAndTrim(t *testing.T) {
	c := craft(t)
	at, p := c.find(func(pgno jet.Pgno, p page.Page) bool {
		return pgno > 30 && p.Has(page.FlagLeaf) && !p.Has(page.FlagSpaceTree) && p.Lines() > 5 && p.CbFree() > 100
	})
	c.extend(64)
	scrub := &logstore.Scrub{NodeOp: logstore.NodeOp{PageOp: c.op(at, p.DBTime()), ObjID: p.ObjID()}, Count: uint32(p.Lines()), Ops: make([]byte, p.Lines())}
	scrub.Ops[1], scrub.Ops[2] = 1, 2
	c.add(scrub)
	unusedAt, before := c.find(func(pgno jet.Pgno, p page.Page) bool { return pgno > at && p.Has(page.FlagLeaf) && p.Lines() > 5 })
	unused := &logstore.Scrub{NodeOp: logstore.NodeOp{PageOp: c.op(unusedAt, before.DBTime()), ObjID: before.ObjID()}, PageFlags: 1}
	c.add(unused)
	blank := &logstore.Scrub{NodeOp: logstore.NodeOp{PageOp: c.op(c.last+30, 1), ObjID: p.ObjID()}, PageFlags: 1}
	c.add(blank) // what is blank has nothing to be scrubbed of
	// The file may hold what a later record of its generation makes of the page: it is left as it is.
	fresh := c.last + 8
	c.add(&logstore.NewPage{Proc: craftProc, DB: 1, Pgno: fresh, ObjID: p.ObjID(), DBTime: c.op(0, 0).DBTime})
	c.add(&logstore.TrimDB{DB: 1, First: c.last + 4, Pages: 16})
	c.commit()
	c.recover()
	r := c.reader()
	got := r.page(at)
	if !got.Has(page.FlagScrubbed) || got.DBTime() != scrub.DBTime {
		t.Errorf("flags %#x, dbtime %#x", got.Flags(), got.DBTime())
	}
	for i := range p.Lines() {
		want := append([]byte(nil), p.LineData(i)...)
		switch i {
		case 1:
			want = bytes.Repeat([]byte{'D'}, len(want))
		case 2:
			want = append([]byte{0x20}, bytes.Repeat([]byte{'L'}, len(want)-1)...)
		}
		if !bytes.Equal(got.LineData(i), want) {
			t.Errorf("line %d: %x", i, got.LineData(i))
		}
	}
	free := got[got.HeaderSize():]
	if n := bytes.Count(free, []byte{'Z'}); n < p.CbFree() {
		t.Errorf("%d bytes are overwritten, %d are free", n, p.CbFree())
	}
	if u := r.page(unusedAt); u.DBTime() != unused.DBTime || u.Lines() != 0 || bytes.Count(u, []byte{'U'}) < u.CbFree() {
		t.Error("the unused page is not overwritten")
	}
	if r.page(fresh) == nil {
		t.Error("the trim has taken a page that may have changed since")
	}
}

// TestKeptAttachments replays a recovery that has kept its databases attached, and what came after.
func TestKeptAttachments(t *testing.T) {
	c := craft(t)
	at, p := c.find(func(pgno jet.Pgno, p page.Page) bool {
		return pgno > 30 && p.Has(page.FlagLeaf) && !p.Has(page.FlagSpaceTree) && p.Lines() > 5
	})
	touch := func(before jet.DBTime) jet.DBTime {
		rec := &logstore.Scrub{NodeOp: logstore.NodeOp{PageOp: c.op(at, before), ObjID: p.ObjID()}, Count: uint32(p.Lines()), Ops: make([]byte, p.Lines())}
		c.add(rec)
		return rec.DBTime
	}
	time := touch(p.DBTime())
	c.commit()
	undo := c.add(&logstore.RecoveryUndo{})
	c.add(&logstore.Term{Kind: logstore.RecRecoveryQuitKeepAttachments, Begin: undo})
	c.add(&logstore.Init{})
	attach := jet.LogPos(c.add(&logstore.ReAttach{DB: 1, SignDB: c.header.SignDB}))
	c.add(&logstore.SignalAttachDb{DB: 1})
	c.begin()
	time = touch(time)
	c.commit()
	c.begin() // and something open
	if res := c.recover(); res.Log == nil {
		t.Error("nothing was undone")
	}
	if got := c.reader().page(at).DBTime(); got != time {
		t.Errorf("dbtime %#x, want %#x", got, time)
	}
	h, err := dbfile.ReadFileHeader(c.cfg.Env.FS, c.path("db.edb"))
	if err != nil || h.State != dbfile.StateClean || h.Consistent < attach {
		t.Errorf("state %v, consistent at %v, %v", h.State, h.Consistent, err)
	}
	c.sameContent()
}

// TestCommitContexts tells the application of its commits.
func TestCommitContexts(t *testing.T) {
	c := craft(t)
	var got []string
	c.onControl = func(q *Control) error {
		if q.Kind == ControlCommitCtx {
			got = append(got, string(q.Context)+string(rune('0'+q.CallbackType)))
		}
		return q.Default
	}
	c.add(&logstore.CommitCtx{Proc: craftProc, Flags: logstore.CommitCtxAround | logstore.CommitCtxData, Data: []byte("around")})
	c.commit()
	c.add(&logstore.CommitCtx{Proc: craftProc, Flags: logstore.CommitCtxCallback | logstore.CommitCtxData, Data: []byte("behind")})
	c.begin()
	c.add(&logstore.CommitCtx{Proc: craftProc, Flags: logstore.CommitCtxData, Data: []byte("silent")})
	c.commit()
	c.recover()
	want := []string{"around2", "around3", "behind1"}
	if len(got) != len(want) || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
		t.Errorf("told of %q, want %q", got, want)
	}
}
