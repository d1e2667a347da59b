package btree

import (
	"sync"

	"esent/internal/engine/order"
	"esent/internal/engine/page"
)

// lockStructure is held during a change of the tree's structure.
func (t *Tree) lockStructure() {
	if order.On {
		class := order.Structure
		if t.IsSpace() {
			class = order.SpaceStructure
		}
		order.None()
		order.Take(class, 0, &t.smo)
	}
	t.smo.Lock()
}

func (t *Tree) unlockStructure() {
	t.smo.Unlock()
	if order.On {
		order.Give(&t.smo)
	}
}

// SpaceLock serialises the space operations of a tree. An operation that needs pages of the parent takes the parent's
// while it holds its own.
type SpaceLock struct {
	mu   sync.Mutex
	tree *Tree // for assertions
}

// Lock takes the lock. The caller holds no latch.
func (l *SpaceLock) Lock() {
	if order.On {
		order.None()
		order.Take(order.Space, l.rank(), l)
	}
	l.mu.Lock()
}

// Unlock gives it back.
func (l *SpaceLock) Unlock() {
	l.mu.Unlock()
	if order.On {
		order.Give(l)
	}
}

// rank is higher for parents: of indexes and long values the table, of tables the database.
func (l *SpaceLock) rank() uint8 {
	switch {
	case l.tree.Root == 1:
		return 2
	case l.tree.Flags&(page.FlagIndex|page.FlagLongValue) != 0:
		return 0
	}
	return 1
}
