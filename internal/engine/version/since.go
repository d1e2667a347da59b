package version

import (
	"sync/atomic"

	"esent/internal/jet"
)

// since says for each database from which dbtime on its pages may have changes of a transaction: what clean-up must
// know to tell which pages have no versions (Store.raiseMarks). Its session writes, clean-up reads.
type since struct {
	times [dbSlots]atomic.Uint64 // 0 for none
	set   uint8                  // which are not 0; the session's
}

// begin is called before an entry is made, and so before the dbtime of its change is drawn.
func (x *since) begin(id jet.DBID, st *Store) {
	if x.set>>id&1 == 0 {
		x.times[id].Store(st.now(id))
		x.set |= 1 << id
	}
}

// distant says that an entry may be of any age.
func (x *since) distant(id jet.DBID) {
	x.times[id].Store(1)
	x.set |= 1 << id
}

func (x *since) load() (t dbTimes) {
	for i := range t {
		t[i] = x.times[i].Load()
	}
	return t
}

// end forgets everything; the transaction has no entries, or they are in the queue of clean-up.
func (x *since) end() {
	if x.set == 0 {
		return
	}
	for i := range x.times {
		if x.set>>i&1 != 0 {
			x.times[i].Store(0)
		}
	}
	x.set = 0
}
