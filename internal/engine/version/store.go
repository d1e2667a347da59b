package version

import (
	"sync"
	"sync/atomic"

	"esent/internal/jet"
	"esent/internal/vfs"
)

// Log is what the package needs of the write-ahead log; logstore.Log has it.
type Log interface {
	// Append adds one encoded record and gives where it begins and ends.
	Append(rec []byte) (pos, end jet.LogPos, err error)
	// AppendEach adds the records of recs, which end where ends tells, and says how many of them it added.
	AppendEach(recs []byte, ends []int) (pos, end jet.LogPos, n int, err error)
	// AppendCommit adds a Commit0 record whose number is drawn from next (+4) in log order.
	AppendCommit(proc jet.ProcID, next *atomic.Uint32) (trx jet.Trx, pos, end jet.LogPos, err error)
	// Flush makes the log durable up to end.
	Flush(end jet.LogPos) error
	DurablePos() jet.LogPos
	// AwaitRoom waits while the log takes no more because its files are held still; it is called without latches.
	AwaitRoom()
}

// Pages changes pages on behalf of rollback and clean-up; the B+tree layer implements it.
type Pages interface {
	// Undo takes back r's change: logs UndoInfo (Store.LogUndoInfo) and Undo, restores the node, and tells the store
	// under the page's latch (Store.Undone).
	Undo(s *Session, r *RCE) error
	// Remove deletes the node for good if it is still flag-deleted and has no versions, merging pages
	// where that pays. It may leave the node; that only costs space.
	Remove(s *Session, n *Node, objid jet.ObjID) error
	// DeltaSettled tells that an escrow change was committed and seen by all: the place to delete a record
	// or long value whose number became zero.
	DeltaSettled(s *Session, r *RCE) error
}

const (
	shardCount = 256
	// fewBuckets is how many buckets a shard has at first. They get twice as many when the nodes are twice as many.
	fewBuckets = 8

	// unitSize is what one of JET_paramMaxVerPages stands for, in bytes.
	unitSize = 16 << 10
	// rceOverhead is charged for an entry besides its bytes.
	rceOverhead = 192
)

// shard has a part of the nodes that have entries. Most of the time these are few, and the shards small: they stay in
// the processor's caches.
type shard struct {
	mu      sync.Mutex
	nodes   int
	buckets []*RCE
	_       [24]byte // a cache line each
}

func (sh *shard) head(h uint64) **RCE {
	return &sh.buckets[h/shardCount&uint64(len(sh.buckets)-1)]
}

// find gives the newest entry of a node and the link that leads to it, nil for a node without; the shard is locked.
func (sh *shard) find(h uint64, n *Node) (**RCE, *RCE) {
	for link := sh.head(h); *link != nil; link = &(*link).hashNext {
		if r := *link; r.hash == h && (&r.Node == n || r.equal(n)) {
			return link, r
		}
	}
	return nil, nil
}

// add makes r the newest entry of its node, which find has found at link; the shard is locked.
func (sh *shard) add(link **RCE, newest, r *RCE) {
	if newest != nil {
		r.older, r.hashNext = newest, newest.hashNext
		newest.hashNext, *link = nil, r
		return
	}
	if sh.nodes++; sh.nodes > 2*len(sh.buckets) {
		sh.resize(2 * len(sh.buckets))
	}
	head := sh.head(r.hash)
	r.hashNext, *head = *head, r
}

// remove takes r out; the shard is locked.
func (sh *shard) remove(r *RCE) {
	link, newest := sh.find(r.hash, &r.Node)
	switch {
	case newest != r:
		for o := newest; o != nil; o = o.older {
			if o.older == r {
				o.older = r.older
				break
			}
		}
	case r.older != nil:
		r.older.hashNext, *link = r.hashNext, r.older
	default:
		*link = r.hashNext
		const many = 64 * fewBuckets
		if sh.nodes--; sh.nodes == 0 && len(sh.buckets) > many {
			sh.buckets = make([]*RCE, fewBuckets)
		}
	}
}

func (sh *shard) resize(n int) {
	old := sh.buckets
	sh.buckets = make([]*RCE, n)
	for _, r := range old {
		for r != nil {
			next := r.hashNext
			head := sh.head(r.hash)
			r.hashNext, *head = *head, r
			r = next
		}
	}
}

// Config has what a Store is made of. Limits are in bytes-free units of 16 KiB (spec chapter 05, 18.7).
type Config struct {
	Log         Log // nil without logging
	Sched       vfs.Scheduler
	MaxSessions int
	MaxUnits    int
	// RollbackFailed is told that a transaction cannot be undone, whose locks and versions are forgotten: pages keep its
	// changes until recovery undoes them, so nothing must work on. What it returns is the rollback's result. Nil passes
	// the error on.
	RollbackFailed func(error) error
}

// Store is the version store of one instance.
type Store struct {
	log   Log
	pages Pages
	// rollbackFailed is Config.RollbackFailed.
	rollbackFailed func(error) error
	trx            atomic.Uint32 // the counter of transaction numbers
	rceid          atomic.Uint32
	redo           atomic.Bool

	shards [shardCount]shard
	undo   undoIndex
	count  atomic.Int64 // entries
	bytes  atomic.Int64
	limit  atomic.Int64

	sessions sessionTable

	clean   cleanMarks
	cleanup cleaner
	commit0 sync.Mutex // orders commits where no log does
}

// New makes a store; SetPages must follow before the first change.
func New(c Config) *Store {
	st := &Store{log: c.Log, rollbackFailed: c.RollbackFailed}
	st.rceid.Store(0xFFFFFFAF)
	st.trx.Store(0x10)
	buckets := make([]*RCE, shardCount*fewBuckets)
	for i := range st.shards {
		st.shards[i].buckets, buckets = buckets[:fewBuckets:fewBuckets], buckets[fewBuckets:]
	}
	st.SetLimit(c.MaxUnits)
	st.sessions.init(c.MaxSessions)
	st.cleanup.init(st, c.Sched)
	return st
}

// SetPages gives the layer that changes pages.
func (st *Store) SetPages(p Pages) { st.pages = p }

// SetLog replaces the log; recovery sets it when redo has found the end of the stream.
func (st *Store) SetLog(l Log) { st.log = l }

// SetRedo tells whether recovery is redoing the log: nothing is logged and nothing cleaned up meanwhile.
func (st *Store) SetRedo(on bool) { st.redo.Store(on) }

// SetLimit changes the size limit, in units of 16 KiB (JET_paramMaxVerPages).
func (st *Store) SetLimit(units int) { st.limit.Store(int64(units) * unitSize) }

// Usage gives the size of all entries and the limit, in bytes.
func (st *Store) Usage() (used, limit int64) { return st.bytes.Load(), st.limit.Load() }

// RaiseTrx keeps the counter above a number met in the log.
func (st *Store) RaiseTrx(t jet.Trx) {
	for v := st.trx.Load(); jet.TrxLess(jet.Trx(v), t) && !st.trx.CompareAndSwap(v, uint32(t)); v = st.trx.Load() {
	}
}

// Stop ends the background clean-up.
func (st *Store) Stop() { st.cleanup.stop() }

// Database is what the store asks of an attached database.
type Database interface {
	DBTime() jet.DBTime
}

// dbSlots is how many databases an instance can have (spec chapter 02, 3: dbid).
const dbSlots = 7

// cleanMarks remember for each database a dbtime below which no page has versions.
type cleanMarks struct {
	mu    sync.Mutex // held while a database comes or goes and while marks are raised
	dbs   [dbSlots]atomic.Pointer[Database]
	marks [dbSlots]atomic.Uint64
}

// Attach tells of a database whose pages below its present dbtime have no versions; Detach ends that.
func (st *Store) Attach(id jet.DBID, db Database) {
	st.clean.mu.Lock()
	defer st.clean.mu.Unlock()
	st.clean.marks[id].Store(uint64(db.DBTime() + 1))
	st.clean.dbs[id].Store(&db)
}

// Detach forgets a database; it must have no versions any more.
func (st *Store) Detach(id jet.DBID) {
	st.clean.mu.Lock()
	defer st.clean.mu.Unlock()
	st.clean.dbs[id].Store(nil)
	st.clean.marks[id].Store(0)
}

// CleanBelow gives a dbtime such that no page of the database with a smaller one has nodes with versions:
// their flags need no look into the store. Writers create an entry before they draw the dbtime.
func (st *Store) CleanBelow(id jet.DBID) jet.DBTime { return jet.DBTime(st.clean.marks[id].Load()) }

// dbTimes has a dbtime for each database, 0 for none.
type dbTimes [dbSlots]uint64

// lower makes the times no higher than those of o.
func (t *dbTimes) lower(o *dbTimes) {
	for i, v := range o {
		if v != 0 {
			t[i] = min(t[i], v)
		}
	}
}

// now is the dbtime that the next change of a database gets, at least.
func (st *Store) now(id jet.DBID) uint64 {
	if db := st.clean.dbs[id].Load(); db != nil {
		return uint64((*db).DBTime()) + 1
	}
	return 1
}

// raiseMarks moves the marks up to where the oldest entries begin. Order is everything: present times, then what
// running transactions say, then what finished ones say that wait for clean-up. An entry that is made meanwhile
// belongs to a change with a dbtime that is drawn later than the first look, and transactions move to the queue
// before they take back what they say.
func (st *Store) raiseMarks() {
	m := &st.clean
	m.mu.Lock()
	defer m.mu.Unlock()
	var times dbTimes
	for i := range times {
		if m.dbs[i].Load() != nil {
			times[i] = st.now(jet.DBID(i))
		}
	}
	for _, s := range *st.sessions.slots.Load() {
		if s != nil {
			since := s.since.load()
			times.lower(&since)
		}
	}
	st.cleanup.lowerTo(&times)
	for i, t := range times {
		if t > m.marks[i].Load() {
			m.marks[i].Store(t)
		}
	}
}

// locate gives the shard of a node and its hash.
func (st *Store) locate(n *Node) (*shard, uint64) {
	h := n.hash()
	return st.shardOf(h), h
}

func (st *Store) shardOf(h uint64) *shard { return &st.shards[h%shardCount] }

// HasVersions says whether any entry stands for the node.
func (st *Store) HasVersions(n *Node) bool {
	s, h := st.locate(n)
	s.mu.Lock()
	defer s.mu.Unlock()
	_, r := s.find(h, n)
	return r != nil
}

// Empty says that there are no entries at all.
func (st *Store) Empty() bool { return st.count.Load() == 0 }

// Conflict says whether session s may do oper to the node: nil, or ErrWriteConflict (spec chapter 05, 18.3).
func (st *Store) Conflict(s *Session, n *Node, oper Oper) error {
	sh, h := st.locate(n)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	_, r := sh.find(h, n)
	return conflict(s, r, oper)
}

// conflict judges by the node's entries, newest first; the shard is locked.
func conflict(s *Session, r *RCE, oper Oper) error {
	snapshot, bounded := s.snapshot()
	for ; r != nil; r = r.older {
		if r.nullified || r.Trx == s.trx {
			continue
		}
		c := r.Trx.committed()
		active := c == jet.TrxMax || bounded && jet.TrxLess(snapshot, c)
		if active && !(r.Oper == oper && oper.commutes()) {
			return jet.ErrWriteConflict
		}
	}
	return nil
}

// Change describes a version entry to be created.
type Change struct {
	Oper   Oper
	ObjID  jet.ObjID
	Pgno   jet.Pgno // page that holds the change; 0 in a database without log: no image is ever logged
	Before []byte   // copied
	Delta  int64
	Offset uint16
	Action Action

	MaxSize, SizeDelta int
}

// Create adds the entry of a change that session s is about to make, or says ErrWriteConflict. The node's
// leaf is latched by the caller; key, data and before image are copied.
func (st *Store) Create(s *Session, n *Node, c *Change) (*RCE, error) {
	s.since.begin(n.DB, st)
	sh, h := st.locate(n)
	sh.mu.Lock()
	link, newest := sh.find(h, n)
	var r *RCE
	if newest != nil {
		if err := conflict(s, newest, c.Oper); err != nil {
			sh.mu.Unlock()
			return nil, err
		}
		if c.Oper == OperWriteLock && s.holds(newest) {
			sh.mu.Unlock()
			return newest, nil
		}
		c.MaxSize = max(c.MaxSize, s.maxSize(newest))
		if c.Oper == OperReplace && s.locked(newest) {
			r = newest
			r.ID = st.nextID()
			st.bytes.Add(s.fill(r, c))
		}
	}
	if r == nil {
		r = s.newRCE(n, c)
		r.ID, r.hash = st.nextID(), h
		st.count.Add(1)
		st.bytes.Add(r.size())
		sh.add(link, newest, r)
		s.push(r)
	}
	sh.mu.Unlock()
	if c.Oper.needsImage() && c.Pgno != 0 {
		st.undo.add(pageKey{c.Pgno, n.DB}, r)
	}
	return r, nil
}

// Restore adds an entry that recovery reads from the log, with the record's own id.
func (st *Store) Restore(s *Session, n *Node, id uint32, c *Change) *RCE {
	r := s.newRCE(n, c)
	r.ID = id
	s.since.distant(n.DB)
	sh, h := st.locate(n)
	r.hash = h
	sh.mu.Lock()
	link, newest := sh.find(h, n)
	st.count.Add(1)
	st.bytes.Add(r.size())
	sh.add(link, newest, r)
	sh.mu.Unlock()
	s.push(r)
	if c.Oper.needsImage() && c.Pgno != 0 {
		st.undo.add(pageKey{c.Pgno, n.DB}, r)
	}
	return r
}

func (st *Store) durable() jet.LogPos {
	if st.log == nil {
		return jet.LogPosMax
	}
	return st.log.DurablePos()
}

func (st *Store) nextID() uint32 {
	for {
		if id := st.rceid.Add(2); id != 0 {
			return id
		}
	}
}

// unlink takes an entry out of the store.
func (st *Store) unlink(r *RCE) {
	st.detach(r)
	st.count.Add(-1)
}

// detach is unlink but for the count of entries: who has still something to do for the entry counts it.
func (st *Store) detach(r *RCE) {
	sh := st.shardOf(r.hash)
	sh.mu.Lock()
	sh.remove(r)
	sh.mu.Unlock()
	st.bytes.Add(-r.size())
}

// Undone takes note, under the page's latch, that r's change is no more on its page. An escrow change ceases to count
// at that very moment, as readers subtract it from the number that they find on the page; other entries say until the
// rollback is done what the page says, too.
func (st *Store) Undone(r *RCE) {
	if r.Oper == OperDelta || r.Oper == OperDelta64 {
		st.nullify(r)
	}
}

// nullify marks an entry as rolled back.
func (st *Store) nullify(r *RCE) {
	sh := st.shardOf(r.hash)
	sh.mu.Lock()
	r.nullified = true
	sh.mu.Unlock()
}
