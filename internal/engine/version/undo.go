package version

import (
	"sync"

	"esent/internal/jet"
)

// undoState is an entry's part in the before images that may have to be logged.
type undoState struct {
	mu     sync.Mutex
	end    jet.LogPos // where the UndoInfo record ends
	logged bool

	// These are guarded by the index' shard.
	listed     bool
	page       pageKey
	next, prev *RCE // of the bucket
}

// pageKey names a page of a database.
type pageKey struct {
	pgno jet.Pgno
	db   jet.DBID
}

const (
	undoShards  = 64
	undoBuckets = 64 // per shard
)

// undoIndex finds the entries whose before images are not in the log, by the page that holds the change.
type undoIndex struct{ shards [undoShards]undoShard }

type undoShard struct {
	mu      sync.Mutex
	buckets [undoBuckets]undoBucket
}

type undoBucket struct {
	first *RCE
	// end is where the Commit0 record ends of the last transaction that had changes in the bucket and was cleaned up
	// before it was durable. It stands for all pages of the bucket, of most of which it says too much: their writers
	// wait for a little more of the log.
	end jet.LogPos
}

func (x *undoIndex) bucket(k pageKey) (*undoShard, *undoBucket) {
	h := (uint32(k.pgno)*31 + uint32(k.db)) * 2654435761
	s := &x.shards[h>>26]
	return s, &s.buckets[h>>20&(undoBuckets-1)]
}

// add lists the entry of a change on a page.
func (x *undoIndex) add(k pageKey, r *RCE) {
	s, b := x.bucket(k)
	s.mu.Lock()
	u := &r.undo
	u.page, u.listed, u.next = k, true, b.first
	if u.next != nil {
		u.next.undo.prev = r
	}
	b.first = r
	s.mu.Unlock()
}

// drop takes an entry out; the shard is locked.
func (b *undoBucket) drop(r *RCE) {
	u := &r.undo
	if u.prev != nil {
		u.prev.undo.next = u.next
	} else {
		b.first = u.next
	}
	if u.next != nil {
		u.next.undo.prev = u.prev
	}
	u.listed, u.next, u.prev = false, nil, nil
}

// remove forgets an entry whose change is committed or taken back. The page of a change that is committed, but not
// durable, is remembered.
func (x *undoIndex) remove(r *RCE, durable jet.LogPos) {
	if !r.Oper.needsImage() || r.undo.page.pgno == 0 { // was never listed
		return
	}
	s, b := x.bucket(r.undo.page)
	s.mu.Lock()
	if r.undo.listed {
		b.drop(r)
		if end := jet.LogPos(r.Trx.commitEnd.Load()); end > durable {
			b.end = max(b.end, end)
		}
	}
	s.mu.Unlock()
}

func (x *undoIndex) reset() {
	for i := range x.shards {
		s := &x.shards[i]
		s.mu.Lock()
		clear(s.buckets[:])
		s.mu.Unlock()
	}
}

// LogUndo makes sure that the log holds the before image of every uncommitted replace and delete on page
// pgno, and returns the position up to which the log must be durable before the page may be written; 0 if
// there is no such change. The caller is about to write the page, or holds its latch and is about to move
// nodes to another page (spec chapter 05, 14 and 16).
//
// While recovery redoes the log nothing can be logged: then a page with such changes may not be written,
// and the answer is ErrCannotLogDuringRecoveryRedo.
func (st *Store) LogUndo(db jet.DBID, pgno jet.Pgno) (jet.LogPos, error) {
	k := pageKey{pgno, db}
	if st.redo.Load() {
		if st.redoPending(k) {
			return 0, jet.ErrCannotLogDuringRecoveryRedo
		}
		return 0, nil
	}
	// The shard stays locked until the records are in the log: whoever asks about the page meanwhile must
	// not conclude that nothing is pending.
	s, b := st.undo.bucket(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	// What is not durable yet stays listed: whoever asked may come to write or move nothing.
	durable := st.durable()
	end := jet.LogPos(0)
	if b.end > durable {
		end = b.end
	}
	for r := b.first; r != nil; {
		next := r.undo.next
		if r.undo.page == k {
			e, err := st.logUndoInfo(r, pgno)
			if err != nil {
				return 0, err
			}
			if end = max(end, e); e <= durable {
				b.drop(r)
			}
		}
		r = next
	}
	return end, nil
}

// LogUndoInfo logs the before image of one entry unless that was done; rollback calls it before it logs
// the undo itself.
func (st *Store) LogUndoInfo(r *RCE, pgno jet.Pgno) error {
	_, err := st.logUndoInfo(r, pgno)
	return err
}

func (st *Store) logUndoInfo(r *RCE, pgno jet.Pgno) (jet.LogPos, error) {
	if r.Trx.committed() != jet.TrxMax {
		return jet.LogPos(r.Trx.commitEnd.Load()), nil
	}
	r.undo.mu.Lock()
	defer r.undo.mu.Unlock()
	if r.undo.logged {
		return r.undo.end, nil
	}
	_, end, err := st.log.Append(encodeUndoInfo(nil, r, pgno))
	if err != nil {
		return 0, err
	}
	r.undo.logged, r.undo.end = true, end
	return end, nil
}

// SetUndoLogged notes that the log already holds r's before image: redo met its UndoInfo record.
func (st *Store) SetUndoLogged(r *RCE) {
	r.undo.mu.Lock()
	r.undo.logged = true
	r.undo.mu.Unlock()
}
