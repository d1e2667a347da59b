package version

import (
	"runtime"
	"sync/atomic"

	"esent/internal/jet"
)

const (
	stateActive     = uint32(jet.TrxMax)     // not committed
	stateCommitting = uint32(jet.TrxMax) - 1 // its number is being drawn
)

// Trx is one outermost transaction; all its version entries point to it.
type Trx struct {
	// Begin0 is the number in log records, drawn when the first of them is written; 0 before.
	Begin0 jet.Trx
	state  atomic.Uint32
	// commitEnd is where the Commit0 record ends; until the log is durable up to there, pages with the
	// transaction's changes may not reach the disk without before images.
	commitEnd atomic.Uint64
}

func newTrx() *Trx {
	t := &Trx{}
	t.state.Store(stateActive)
	return t
}

// committed gives the commit number, TrxMax while the transaction is active. It waits out the moment in
// which the number is drawn.
func (t *Trx) committed() jet.Trx {
	for i := 0; ; i++ {
		s := t.state.Load()
		if s != stateCommitting {
			return jet.Trx(s)
		}
		if i > 100 {
			runtime.Gosched()
		}
	}
}
