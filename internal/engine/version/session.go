package version

import (
	"slices"
	"sync"
	"sync/atomic"

	"esent/internal/engine/order"
	"esent/internal/jet"
	"esent/internal/logstore"
)

// LevelMax is the deepest nesting of transactions that a caller may open (spec chapter 01, 6.1).
const LevelMax = 7

// Session is the transaction state of one session (the engine's PIB). One goroutine uses it at a time.
type Session struct {
	Proc jet.ProcID
	// Buf is scratch space in which callers encode log records.
	Buf []byte

	store *Store
	trx   *Trx
	level uint8
	// logged is the number of levels for which a Begin is in the log.
	logged uint8
	rces   *RCE // newest first
	memory memory
	counts bool // against the limit of sessions

	updates, update, hidden UpdateID // see update.go

	// published is the snapshot with bit 32 set while a transaction is open, else 0.
	published atomic.Uint64
	// start is the position of the Begin0 record while the transaction is not finished.
	start atomic.Uint64
	since since
	// lastCommit is where the session's last Commit0 record ends.
	lastCommit jet.LogPos
}

const publishedBit = uint64(1) << 32

// Level is the nesting depth: 0 outside a transaction.
func (s *Session) Level() uint8 { return s.level }

// Trx is the running transaction, nil outside one.
func (s *Session) Trx() *Trx { return s.trx }

// Begin0 is the transaction's number in log records, 0 before its first record.
func (s *Session) Begin0() jet.Trx {
	if s.trx == nil {
		return 0
	}
	return s.trx.Begin0
}

// HasChanges says that the running transaction has made versioned changes.
func (s *Session) HasChanges() bool { return s.rces != nil }

// HasChanged says that the running transaction has made versioned changes in a tree.
func (s *Session) HasChanged(db jet.DBID, fdp jet.Pgno) bool {
	for r := s.rces; r != nil; r = r.previous {
		if r.DB == db && r.FDP == fdp {
			return true
		}
	}
	return false
}

// LastCommit is where the session's last outermost commit ends in the log.
func (s *Session) LastCommit() jet.LogPos { return s.lastCommit }

// snapshot is the value up to which commits are visible; without a transaction all commits are.
func (s *Session) snapshot() (b jet.Trx, bounded bool) {
	p := s.published.Load()
	return jet.Trx(p), p&publishedBit != 0
}

// Begin opens a transaction level; at the outermost it takes the snapshot. Nothing is logged before the
// first change.
func (s *Session) Begin() error {
	if s.level >= LevelMax {
		return jet.ErrTransTooDeep
	}
	return s.BeginInner()
}

// BeginInner is Begin for the engine's own levels inside a call; the caller's limit does not count there.
func (s *Session) BeginInner() error {
	if s.level == 0 {
		s.trx = newTrx()
		s.publish()
	}
	s.level++
	return nil
}

// publish announces the snapshot. If clean-up has meanwhile announced to remove what the snapshot needs, a
// newer value is taken.
func (s *Session) publish() {
	for {
		b := s.store.trx.Load()
		s.published.Store(publishedBit | uint64(b))
		if !jet.TrxLess(jet.Trx(b), jet.Trx(s.store.cleanup.upTo.Load())) {
			return
		}
	}
}

// Log appends a record of the session's transaction, after the Begin records that are still owed. start is where the
// transaction begins in the log, or without one the record itself: a checkpoint must not pass it before the pages are
// written that the record changes, since recovery passes by records of a transaction that it has not seen begin (spec
// chapter 05, 16 and 21.1).
func (s *Session) Log(rec []byte) (start, end jet.LogPos, err error) {
	if s.logged < s.level {
		if err := s.logBegin(); err != nil {
			return 0, 0, err
		}
	}
	start, end, err = s.store.log.Append(rec)
	if begin := jet.LogPos(s.start.Load()); begin != 0 {
		start = begin
	}
	return start, end, err
}

// LogEach is Log for the records of recs, which end where ends tells. n is how many were appended: all, or those before
// the one that err is about.
func (s *Session) LogEach(recs []byte, ends []int) (start, end jet.LogPos, n int, err error) {
	if err := s.Owed(); err != nil {
		return 0, 0, 0, err
	}
	start, end, n, err = s.store.log.AppendEach(recs, ends)
	if begin := jet.LogPos(s.start.Load()); begin != 0 {
		start = begin
	}
	return start, end, n, err
}

// Owed logs the Begin records that are still owed, for callers that append a group of records themselves.
func (s *Session) Owed() error {
	if s.logged < s.level {
		return s.logBegin()
	}
	return nil
}

func (s *Session) logBegin() error {
	if s.logged == 0 {
		s.trx.Begin0 = jet.Trx(s.store.trx.Add(4))
		// Announced before the record exists: the checkpoint may be taken at any moment.
		s.start.CompareAndSwap(0, uint64(max(1, s.store.durable())))
	}
	var b [8]byte
	rec := logstore.Begin{Proc: s.Proc, From: s.logged, Levels: s.level - s.logged, Trx: s.trx.Begin0}
	pos, _, err := s.store.log.Append(rec.Append(b[:0]))
	if err != nil {
		return err
	}
	if s.logged == 0 {
		s.start.Store(uint64(pos))
	}
	s.logged = s.level
	return nil
}

// Commit closes the innermost level. At the outermost it returns the position up to which the log must be
// durable for the commit to be durable, 0 if there was nothing to log; waiting is the caller's business.
func (s *Session) Commit() (end jet.LogPos, err error) {
	if s.level == 0 {
		return 0, jet.ErrNotInTransaction
	}
	if s.level > 1 {
		if s.logged == s.level {
			var b [4]byte
			rec := logstore.Commit{Proc: s.Proc, To: s.level - 1}
			if _, _, err := s.store.log.Append(rec.Append(b[:0])); err != nil {
				return 0, err
			}
			s.logged--
		}
		s.level--
		for r := s.rces; r != nil && r.Level > s.level; r = r.previous {
			r.undo.mu.Lock() // another session may be logging the before image
			r.Level = s.level
			r.undo.mu.Unlock()
		}
		return 0, nil
	}
	t := s.trx
	switch {
	case s.logged > 0:
		t.state.Store(stateCommitting)
		n, e, err := s.drawNumber()
		if err != nil {
			return 0, err
		}
		t.commitEnd.Store(uint64(e))
		t.state.Store(uint32(n))
		end, s.lastCommit = e, e
	case s.rces != nil:
		s.store.commit0.Lock()
		t.state.Store(stateCommitting)
		t.state.Store(s.store.trx.Add(4))
		s.store.commit0.Unlock()
	}
	rces := s.rces
	s.level, s.logged, s.trx, s.rces = 0, 0, nil, nil
	s.published.Store(0)
	s.start.Store(0)
	if rces != nil {
		s.store.cleanup.enqueue(done{t, rces, s.since.load()})
		s.since.end()
	}
	return end, nil
}

// drawNumber logs the commit. Readers wait meanwhile; when nothing comes of it, an error or a defect, the transaction
// is as before.
func (s *Session) drawNumber() (n jet.Trx, end jet.LogPos, err error) {
	drawn := false
	defer func() {
		if !drawn {
			s.trx.state.Store(stateActive)
		}
	}()
	n, _, end, err = s.store.log.AppendCommit(s.Proc, &s.store.trx)
	drawn = err == nil
	return n, end, err
}

func (s *Session) finish() {
	s.level, s.logged, s.trx, s.rces = 0, 0, nil, nil
	s.published.Store(0)
	s.start.Store(0)
	s.since.end()
}

// Rollback undoes and closes the innermost level. If that fails all of the transaction is given up: it leaves pages
// with changes that recovery must take back, and Config.RollbackFailed makes the instance unavailable (spec chapter 05,
// 18.4).
func (s *Session) Rollback() error {
	if s.level == 0 {
		return jet.ErrNotInTransaction
	}
	if err := s.rollback(true); err != nil {
		return s.giveUp(err)
	}
	return nil
}

// giveUp forgets a transaction that cannot be undone, and has the engine say so.
func (s *Session) giveUp(err error) error {
	s.Forget()
	if f := s.store.rollbackFailed; f != nil {
		return f(err)
	}
	return err
}

// rollback undoes and closes the innermost level; remove says to have the nodes of undone inserts removed.
func (s *Session) rollback(remove bool) error {
	for s.rces != nil && s.rces.Level >= s.level {
		r := s.rces
		if err := s.undo(r, remove); err != nil {
			return err
		}
		s.rces = r.previous
	}
	if s.logged == s.level {
		var b [4]byte
		rec := logstore.Rollback{Proc: s.Proc, Levels: 1}
		if _, _, err := s.store.log.Append(rec.Append(b[:0])); err != nil {
			return err
		}
		s.logged--
	}
	s.level--
	if s.level == 0 {
		s.finish()
	}
	return nil
}

// Forget drops the transaction without touching pages or log: the instance is unavailable and recovery
// will undo it.
func (s *Session) Forget() {
	for r := s.rces; r != nil; r = r.previous {
		s.store.unlink(r)
	}
	s.finish()
}

// AwaitLog waits, before latches are taken for a change that will be logged, while the log takes no more.
func (s *Session) AwaitLog() {
	order.None()
	s.store.log.AwaitRoom()
}

// Reserve makes room for n bytes of versions, cleaning up if need be. It must be called without latches.
// ErrVersionStoreOutOfMemory says that old transactions keep the store full.
func (s *Session) Reserve(n int) error {
	order.None()
	st := s.store
	if st.bytes.Load()+int64(n) <= st.limit.Load()/2 {
		return nil
	}
	st.cleanup.kick()
	if st.bytes.Load()+int64(n) <= st.limit.Load() {
		return nil
	}
	st.cleanup.wait()
	if st.bytes.Load()+int64(n) <= st.limit.Load() {
		return nil
	}
	return jet.ErrVersionStoreOutOfMemory
}

func (s *Session) newRCE(n *Node, c *Change) *RCE {
	r := s.memory.entry()
	k, d := len(n.Key), len(n.Key)+len(n.Data)
	buf := s.memory.take(d)
	copy(buf, n.Key)
	copy(buf[k:], n.Data)
	r.Node = Node{DB: n.DB, FDP: n.FDP, Key: buf[:k:k], Data: buf[k:d:d]}
	r.Level, r.Trx, r.session, r.update = s.level, s.trx, s, s.update
	s.fill(r, c)
	return r
}

// fill makes r the entry of change c and gives by how many bytes it has grown.
func (s *Session) fill(r *RCE, c *Change) (grown int64) {
	r.ObjID, r.Oper = c.ObjID, c.Oper
	r.Delta, r.Offset, r.Action = c.Delta, c.Offset, c.Action
	r.MaxSize, r.SizeDelta = int32(c.MaxSize), int32(c.SizeDelta)
	r.Before = s.memory.take(len(c.Before))
	copy(r.Before, c.Before)
	return int64(len(c.Before))
}

// maxSize is the largest data that the node had in the transaction, as its newest change tells; 0 for a node that
// the transaction has not changed.
func (s *Session) maxSize(newest *RCE) int {
	for r := newest; r != nil && r.Trx == s.trx; r = r.older {
		if !r.nullified && r.MaxSize != 0 {
			return int(r.MaxSize)
		}
	}
	return 0
}

// holds says that r, the newest entry of its node, keeps all others from changing the node as a lock would.
func (s *Session) holds(r *RCE) bool {
	return r.Trx == s.trx && !r.nullified && !r.Oper.commutes() && r.Action == nil
}

// locked says that r is the lock that the session took at this level right before a change, which the entry may now
// stand for.
func (s *Session) locked(r *RCE) bool {
	return r.Oper == OperWriteLock && r == s.rces && r.Level == s.level && r.update == s.update && !r.nullified
}

const (
	entriesTogether = 8
	bytesTogether   = 4096
	mostOfBytes     = bytesTogether / 4
)

// memory is where a session takes entries and their bytes from, some at a time: entries that are made together go
// together. Nothing is used twice, for readers keep images.
type memory struct {
	entries []RCE
	bytes   []byte
}

func (m *memory) entry() *RCE {
	if len(m.entries) == 0 {
		m.entries = make([]RCE, entriesTogether)
	}
	r := &m.entries[0]
	m.entries = m.entries[1:]
	return r
}

func (m *memory) take(n int) []byte {
	if n == 0 || n > mostOfBytes {
		return make([]byte, n)
	}
	if len(m.bytes) < n {
		m.bytes = make([]byte, bytesTogether)
	}
	b := m.bytes[:n:n]
	m.bytes = m.bytes[n:]
	return b
}

func (s *Session) push(r *RCE) {
	r.previous = s.rces
	s.rces = r
}

// sessionTable has the sessions of an instance by number.
type sessionTable struct {
	mu    sync.Mutex
	slots atomic.Pointer[[]*Session] // replaced when it grows; index Proc-1; nil entries are free
	max   int                        // of those that count
	count int
}

func (t *sessionTable) init(max int) {
	t.max = max
	t.slots.Store(&[]*Session{})
}

// procMax is the highest session number in log records; above it are numbers with other meanings.
const procMax = 63999

// NewSession opens a session under the lowest free number; ErrOutOfSessions beyond the limit.
func (st *Store) NewSession() (*Session, error) {
	t := &st.sessions
	t.mu.Lock()
	defer t.mu.Unlock()
	i := t.free()
	if t.count >= t.max || i >= procMax {
		return nil, jet.ErrOutOfSessions
	}
	t.count++
	s := st.place(i)
	s.counts = true
	return s, nil
}

// free is the lowest free index; the table is locked.
func (t *sessionTable) free() int {
	slots := *t.slots.Load()
	if i := slices.Index(slots, nil); i >= 0 {
		return i
	}
	return len(slots)
}

// NewSystemSession opens a session for the engine's own work under the lowest free number; it does not count against the
// limit.
func (st *Store) NewSystemSession() *Session {
	t := &st.sessions
	t.mu.Lock()
	defer t.mu.Unlock()
	return st.place(t.free())
}

// SessionAt gives the session with the number, made on demand: recovery meets numbers in the log.
func (st *Store) SessionAt(proc jet.ProcID) *Session {
	t := &st.sessions
	t.mu.Lock()
	defer t.mu.Unlock()
	i := int(proc) - 1
	if slots := *t.slots.Load(); i < len(slots) && slots[i] != nil {
		return slots[i]
	}
	return st.place(i)
}

// place makes a session at index i; the table is locked.
func (st *Store) place(i int) *Session {
	s := &Session{Proc: jet.ProcID(i + 1), store: st}
	old := *st.sessions.slots.Load()
	slots := make([]*Session, max(len(old), i+1))
	copy(slots, old)
	slots[i] = s
	st.sessions.slots.Store(&slots)
	return s
}

// EndSession frees the session's number. Its transactions must be finished.
func (st *Store) EndSession(s *Session) {
	t := &st.sessions
	t.mu.Lock()
	defer t.mu.Unlock()
	old := *t.slots.Load()
	slots := append([]*Session(nil), old...)
	if i := int(s.Proc) - 1; i < len(slots) && slots[i] == s {
		slots[i] = nil
		if s.counts {
			t.count--
		}
	}
	t.slots.Store(&slots)
}

// Sessions gives the open sessions by rising number.
func (st *Store) Sessions() []*Session {
	var open []*Session
	for _, s := range *st.sessions.slots.Load() {
		if s != nil {
			open = append(open, s)
		}
	}
	return open
}

// OldestStart is the position of the oldest Begin0 whose transaction is not finished, LogPosMax if none:
// the checkpoint may not pass it.
func (st *Store) OldestStart() jet.LogPos {
	oldest := jet.LogPosMax
	for _, s := range *st.sessions.slots.Load() {
		if s != nil {
			if p := jet.LogPos(s.start.Load()); p != 0 {
				oldest = min(oldest, p)
			}
		}
	}
	return oldest
}
