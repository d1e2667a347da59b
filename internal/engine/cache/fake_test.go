package cache

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"esent/internal/engine/page"
	"esent/internal/jet"
	"esent/internal/vfs"
)

// fakeFile is a database file in memory. It checks that what comes is sealed, admitted and not ahead of the log.
type fakeFile struct {
	t        testing.TB
	log      *fakeLog
	size     int
	mu       sync.Mutex
	pages    map[jet.Pgno][]byte
	types    map[jet.Pgno]uint8
	admitted map[jet.Pgno]int
	busy     map[jet.Pgno]bool   // being written
	gate     func(jet.Pgno) bool // true: may not be written now
	reads    map[jet.Pgno]int
	readErr  func(jet.Pgno) error
	writeErr func(jet.Pgno) error
	calls    int // writes
	syncs    int
	delay    time.Duration
}

func newFakeFile(t testing.TB, log *fakeLog, size int) *fakeFile {
	return &fakeFile{t: t, log: log, size: size, pages: map[jet.Pgno][]byte{}, types: map[jet.Pgno]uint8{},
		admitted: map[jet.Pgno]int{}, busy: map[jet.Pgno]bool{}, reads: map[jet.Pgno]int{}}
}

func (s *fakeFile) ReadPages(first jet.Pgno, buf []byte) error {
	time.Sleep(s.delay)
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := 0; i < len(buf)/s.size; i++ {
		pgno := first + jet.Pgno(i)
		s.reads[pgno]++
		if s.busy[pgno] {
			s.t.Errorf("page %d read while it is being written", pgno)
		}
		if s.readErr != nil {
			if err := s.readErr(pgno); err != nil {
				return err
			}
		}
		image, ok := s.pages[pgno]
		if !ok {
			return jet.ErrFileIOBeyondEOF
		}
		p := page.Page(buf[i*s.size : (i+1)*s.size])
		copy(p, image)
		if _, err := p.Verify(pgno, true); err != nil {
			return err
		}
		if got, want := p.FlushType(), s.types[pgno]; got != want {
			s.t.Errorf("page %d read with flush type %d, want %d", pgno, got, want)
		}
	}
	return nil
}

func (s *fakeFile) WritePages(first jet.Pgno, buf []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	defer func() {
		for i := range len(buf) / s.size {
			delete(s.busy, first+jet.Pgno(i))
		}
	}()
	for i := 0; i < len(buf)/s.size; i++ {
		pgno := first + jet.Pgno(i)
		p := page.Page(buf[i*s.size : (i+1)*s.size])
		if _, err := p.Verify(pgno, false); err != nil {
			s.t.Errorf("page %d written unsealed: %v", pgno, err)
		}
		if s.admitted[pgno] < 1 {
			s.t.Errorf("page %d written without leave", pgno)
		}
		if s.busy[pgno] {
			s.t.Errorf("page %d written twice at once", pgno)
		}
		s.busy[pgno] = true
		if s.log != nil {
			if c, ok := contentOf(p); ok && c.end > s.log.durable.Load() {
				s.t.Errorf("page %d written with a change up to %v, the log is durable up to %v", pgno,
					jet.LogPos(c.end), jet.LogPos(s.log.durable.Load()))
			}
		}
		s.mu.Unlock()
		runtime.Gosched()
		s.mu.Lock()
		if s.writeErr != nil {
			if err := s.writeErr(pgno); err != nil {
				return err
			}
		}
		s.pages[pgno] = append([]byte(nil), p...)
		s.types[pgno] = p.FlushType()
	}
	return nil
}

func (s *fakeFile) setWriteErr(f func(jet.Pgno) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writeErr = f
}

func (s *fakeFile) BeginWrite(first jet.Pgno, n int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range jet.Pgno(n) {
		if s.gate != nil && s.gate(first+i) {
			return false
		}
	}
	for i := range jet.Pgno(n) {
		s.admitted[first+i]++
	}
	return true
}

func (s *fakeFile) EndWrite(first jet.Pgno, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range jet.Pgno(n) {
		s.admitted[first+i]--
	}
}

func (s *fakeFile) FlushType(pgno jet.Pgno) uint8 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.types[pgno]
}

func (s *fakeFile) Sync() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.syncs++
	return nil
}

// content is what the page in the file holds.
func (s *fakeFile) content(pgno jet.Pgno) (content, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	image, ok := s.pages[pgno]
	if !ok {
		return content{}, false
	}
	return contentOf(image)
}

// fill stores pages 1 to n of generation 0.
func (s *fakeFile) fill(n int) {
	for pgno := jet.Pgno(1); pgno <= jet.Pgno(n); pgno++ {
		p := make(page.Page, s.size)
		initPage(p, pgno)
		p.Seal(pgno, 1)
		s.pages[pgno], s.types[pgno] = p, 1
	}
}

// fakeLog gives out positions and is the cache's Host.
type fakeLog struct {
	end, durable atomic.Uint64
	fail         atomic.Bool
	before       func(db *DB, pgno jet.Pgno) (jet.LogPos, error)
	gens         atomic.Int32 // calls of RequireGen
}

func newFakeLog() *fakeLog {
	l := &fakeLog{}
	l.end.Store(uint64(jet.MakeLogPos(1, 8, 0)))
	return l
}

func (l *fakeLog) append() (start, end jet.LogPos) {
	e := l.end.Add(10)
	return jet.LogPos(e - 10), jet.LogPos(e)
}

func (l *fakeLog) LogDurable(end jet.LogPos) error {
	if l.fail.Load() {
		return jet.ErrLogWriteFail
	}
	for {
		d := l.durable.Load()
		if d >= uint64(end) || l.durable.CompareAndSwap(d, uint64(end)) {
			return nil
		}
	}
}

func (l *fakeLog) BeforeWrite(db *DB, pgno jet.Pgno) (jet.LogPos, error) {
	if l.before != nil {
		return l.before(db, pgno)
	}
	return 0, nil
}

func (l *fakeLog) RequireGen(db *DB, gen int32) error {
	l.gens.Add(1)
	db.SetMaxRequired(gen)
	return nil
}

// content is what the test's pages hold in their one line, followed by bytes that can be checked.
type content struct {
	seq, start, end uint64
	n               uint32
}

const contentHead = 28

func initPage(p page.Page, pgno jet.Pgno) {
	p.Init(pgno, 7, 1, page.FlagRoot|page.FlagLeaf|page.FlagNewRecordFormat, false)
	if err := p.InsertLine(0, []byte("k"), 0, content{n: 16}.bytes(pgno)); err != nil {
		panic(err)
	}
}

func (c content) bytes(pgno jet.Pgno) []byte {
	b := make([]byte, contentHead+c.n)
	binary.LittleEndian.PutUint64(b, c.seq)
	binary.LittleEndian.PutUint64(b[8:], c.start)
	binary.LittleEndian.PutUint64(b[16:], c.end)
	binary.LittleEndian.PutUint32(b[24:], c.n)
	for i := range b[contentHead:] {
		b[contentHead+i] = byte(uint64(i)*7 + c.seq*13 + uint64(pgno))
	}
	return b
}

func contentOf(p page.Page) (c content, ok bool) { return parseContent(p.LineData(0)) }

func parseContent(b []byte) (c content, ok bool) {
	if len(b) < contentHead {
		return c, false
	}
	c.seq = binary.LittleEndian.Uint64(b)
	c.start = binary.LittleEndian.Uint64(b[8:])
	c.end = binary.LittleEndian.Uint64(b[16:])
	c.n = binary.LittleEndian.Uint32(b[24:])
	return c, int(c.n) == len(b)-contentHead
}

// verifyContent checks every byte that bytes made.
func verifyContent(b []byte, pgno jet.Pgno) (content, error) {
	c, ok := parseContent(b)
	if !ok {
		return c, fmt.Errorf("page %d: damaged: %d bytes", pgno, len(b))
	}
	if want := c.bytes(pgno); string(want) != string(b) {
		return c, fmt.Errorf("page %d: bytes of another change", pgno)
	}
	return c, nil
}

// change makes the next change to a latched page, and returns its number and record.
func change(log *fakeLog, db *DB, f *Frame) content {
	p := f.Page()
	c, _ := contentOf(p)
	c.seq++
	c.n = uint32(c.seq*37) % 900
	if log != nil {
		start, end := log.append()
		c.start, c.end = uint64(start), uint64(end)
	}
	if err := p.ReplaceData(0, c.bytes(f.Pgno())); err != nil {
		panic(err)
	}
	p.SetDBTime(db.NextDBTime())
	f.Dirty(jet.LogPos(c.start), jet.LogPos(c.end))
	return c
}

type fixture struct {
	*Manager
	db   *DB
	file *fakeFile
	log  *fakeLog
}

func newFixture(t testing.TB, maxPages, filePages, pageSize int) *fixture {
	t.Helper()
	x := &fixture{log: newFakeLog()}
	x.file = newFakeFile(t, x.log, pageSize)
	x.file.fill(filePages)
	m, err := New(Config{PageSize: pageSize, MaxPages: maxPages, Env: vfs.System(), Host: x.log, WaitLimit: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	x.Manager = m
	x.db, err = m.AddDB(DBConfig{File: x.file, PageSize: pageSize, Logged: true, MaxRequired: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		m.writer.Wait()
		m.checkLists(t)
		m.RemoveDB(x.db)
		m.checkLists(t)
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return x
}

// checkLists checks that every frame is where it should be. Nobody uses the cache meanwhile.
func (m *Manager) checkLists(t testing.TB) {
	t.Helper()
	m.repl.mu.Lock()
	defer m.repl.mu.Unlock()
	seen := 0
	for _, l := range []*frameList{&m.repl.free, &m.repl.retired, &m.repl.probation, &m.repl.main} {
		n, prev := 0, uint32(0)
		for at := l.head; at != 0; {
			f := m.frame(at - 1)
			if f.list != l.id || f.prev != prev || f.Version()&1 != 0 || f.writing() {
				t.Errorf("frame %d: list %d, version %d, state %d", f.index, f.list, f.Version(), f.state)
			}
			holds := l == &m.repl.probation || l == &m.repl.main
			if (f.id != 0) != holds {
				t.Errorf("frame %d in list %d has id %x", f.index, l.id, f.id)
			}
			if holds {
				if e := m.dbOf(f).table.get(f.Pgno()); e != f.index+1 {
					t.Errorf("frame %d of page %d: entry %d", f.index, f.Pgno(), e)
				}
			} else if f.IsDirty() {
				t.Errorf("empty frame %d is dirty", f.index)
			}
			n, prev, at = n+1, at, f.next
		}
		if n != l.n {
			t.Errorf("list %d has %d frames, says %d", l.id, n, l.n)
		}
		seen += n
	}
	if used := int(m.repl.used.Load()); seen != used || m.repl.live != used-m.repl.retired.n {
		t.Errorf("%d frames in lists, %d used, %d live", seen, used, m.repl.live)
	}
	dirty := int64(0)
	for _, b := range m.begins() {
		if b != 0 {
			dirty++
		}
	}
	if dirty != atomic.LoadInt64(&m.shared.dirty) {
		t.Errorf("%d dirty frames, counted %d", dirty, m.shared.dirty)
	}
}

func (x *fixture) update(t testing.TB, pgno jet.Pgno) content {
	t.Helper()
	f, err := x.Lock(x.db, pgno)
	if err != nil {
		t.Fatal(err)
	}
	c := change(x.log, x.db, f)
	f.Unlock()
	return c
}

func (x *fixture) read(t testing.TB, pgno jet.Pgno) content {
	t.Helper()
	for {
		f, v, err := x.Get(x.db, pgno)
		if err != nil {
			t.Fatal(err)
		}
		b := append([]byte(nil), f.Page().LineData(0)...)
		if !f.Valid(v) {
			continue
		}
		c, err := verifyContent(b, pgno)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
}
