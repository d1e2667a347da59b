package cache

import (
	"sync"
	"sync/atomic"
	"unsafe"

	"esent/internal/jet"
)

const (
	leafBits = 20
	leafSize = 1 << leafBits
	// rootSize covers all page numbers up to jet.PgnoSysMax; what lies above wraps round and is found out by
	// the frame's id.
	rootSize = 1 << (31 - leafBits)
)

// tableLeaf is the lower level of a page table, outside the Go heap: memory is taken as entries are used.
// An entry is 0, or the index of the page's frame plus one.
type tableLeaf [leafSize]uint32

// pageTable finds the frame of a page: an array by page number in two levels, looked up without a lock.
// An entry is set by compare-and-swap from 0, and cleared by the holder of the frame's latch.
type pageTable struct {
	leaves [rootSize]atomic.Pointer[tableLeaf]
}

// get is the entry of pgno.
func (t *pageTable) get(pgno jet.Pgno) uint32 {
	leaf := t.leaves[pgno>>leafBits&(rootSize-1)].Load()
	if leaf == nil {
		return 0
	}
	return atomic.LoadUint32(&leaf[pgno&(leafSize-1)])
}

// claim makes frame the one of pgno if the page has none.
func (t *pageTable) claim(pgno jet.Pgno, frame uint32, pool *leafPool) (bool, error) {
	at := &t.leaves[pgno>>leafBits&(rootSize-1)]
	leaf := at.Load()
	if leaf == nil {
		fresh, err := pool.take()
		if err != nil {
			return false, err
		}
		if at.CompareAndSwap(nil, fresh) {
			leaf = fresh
		} else {
			pool.give(fresh)
			leaf = at.Load()
		}
	}
	return atomic.CompareAndSwapUint32(&leaf[pgno&(leafSize-1)], 0, frame+1), nil
}

// drop clears the entry of pgno, which the caller's frame has.
func (t *pageTable) drop(pgno jet.Pgno) {
	leaf := t.leaves[pgno>>leafBits&(rootSize-1)].Load()
	atomic.StoreUint32(&leaf[pgno&(leafSize-1)], 0)
}

// nextLeaf is the first page number from pgno on in whose place the table has a lower level; ok is false when
// there is none up to last.
func (t *pageTable) nextLeaf(pgno, last jet.Pgno) (jet.Pgno, bool) {
	for pgno <= last && pgno <= jet.PgnoSysMax {
		if t.leaves[pgno>>leafBits].Load() != nil {
			return pgno, true
		}
		pgno = (pgno>>leafBits + 1) << leafBits
	}
	return 0, false
}

// leafPool hands out the lower levels of page tables and takes empty ones back. They stay mapped until the
// manager closes, for a straggler may still look.
type leafPool struct {
	mu      sync.Mutex
	regions []*region
	free    []*tableLeaf
}

func (p *leafPool) take() (*tableLeaf, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.free); n > 0 {
		leaf := p.free[n-1]
		p.free = p.free[:n-1]
		return leaf, nil
	}
	const size = int(unsafe.Sizeof(tableLeaf{}))
	r, err := reserve(size)
	if err != nil {
		return nil, err
	}
	if err := r.commit(0, size); err != nil {
		return nil, err
	}
	p.regions = append(p.regions, r)
	return (*tableLeaf)(unsafe.Pointer(unsafe.SliceData(r.mem))), nil
}

// give takes a leaf back whose entries are all 0.
func (p *leafPool) give(leaf *tableLeaf) {
	p.mu.Lock()
	p.free = append(p.free, leaf)
	p.mu.Unlock()
}

func (p *leafPool) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.regions {
		if err := r.free(); err != nil {
			return err
		}
	}
	p.regions, p.free = nil, nil
	return nil
}
