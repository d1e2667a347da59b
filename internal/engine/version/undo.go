package version

import (
	"sync"

	"esent/internal/jet"
)

// undoState is an entry's part in the before images that may have to be logged.
type undoState struct {
	mu     sync.Mutex
	logged bool
	end    jet.LogPos // where the UndoInfo record ends
}

// pageKey names a page of a database.
type pageKey struct {
	db   jet.DBID
	pgno jet.Pgno
}

const undoShards = 64

// undoIndex finds the entries whose before images are not in the log, by the page that holds the change.
type undoIndex struct {
	shards [undoShards]struct {
		mu    sync.Mutex
		pages map[pageKey][]*RCE
	}
}

func (x *undoIndex) shard(k pageKey) int { return int(uint32(k.pgno)*31+uint32(k.db)) % undoShards }

func (x *undoIndex) add(k pageKey, r *RCE, durable jet.LogPos) {
	s := &x.shards[x.shard(k)]
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pages == nil {
		s.pages = map[pageKey][]*RCE{}
	}
	list := s.pages[k]
	if len(list) >= 8 && len(list)&(len(list)-1) == 0 {
		kept := list[:0]
		for _, o := range list {
			if !o.settled(durable) {
				kept = append(kept, o)
			}
		}
		clear(list[len(kept):])
		list = kept
	}
	s.pages[k] = append(list, r)
}

func (x *undoIndex) reset() {
	for i := range x.shards {
		s := &x.shards[i]
		s.mu.Lock()
		s.pages = nil
		s.mu.Unlock()
	}
}

// settled says that recovery can do without the entry's before image whatever page image is on disk:
// its transaction's end is durable, or the image is.
func (r *RCE) settled(durable jet.LogPos) bool {
	if r.Trx.committed() != jet.TrxMax {
		return jet.LogPos(r.Trx.commitEnd.Load()) <= durable
	}
	r.undo.mu.Lock()
	defer r.undo.mu.Unlock()
	return r.undo.logged && r.undo.end <= durable
}

// LogUndo makes sure that the log holds the before image of every uncommitted replace and delete on page
// pgno, and returns the position up to which the log must be durable before the page may be written; 0 if
// there is no such change. The caller is about to write the page, or holds its latch and is about to move
// nodes to another page (spec chapter 05, 14 and 16).
//
// While recovery redoes the log nothing can be logged: then a page with such changes may not be written,
// and the answer is ErrCannotLogDuringRecoveryRedo.
func (st *Store) LogUndo(db jet.DBID, pgno jet.Pgno) (jet.LogPos, error) {
	k := pageKey{db, pgno}
	if st.redo.Load() {
		if st.redoPending(k) {
			return 0, jet.ErrCannotLogDuringRecoveryRedo
		}
		return 0, nil
	}
	// The shard stays locked until the records are in the log: whoever asks about the page meanwhile must
	// not conclude that nothing is pending.
	s := &st.undo.shards[st.undo.shard(k)]
	s.mu.Lock()
	defer s.mu.Unlock()
	var end jet.LogPos
	list := s.pages[k]
	for len(list) > 0 {
		e, err := st.logUndoInfo(list[0], pgno)
		if err != nil {
			s.pages[k] = list
			return 0, err
		}
		end = max(end, e)
		list = list[1:]
	}
	delete(s.pages, k)
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
