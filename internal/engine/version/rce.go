package version

import (
	"bytes"
	"encoding/binary"
	"math/bits"

	"esent/internal/jet"
	"esent/internal/logstore"
)

// Oper is the kind of change that a version entry stands for (spec chapter 05, 18.1).
type Oper uint16

const (
	OperInsert     = Oper(logstore.OperInsert)
	OperReplace    = Oper(logstore.OperReplace)
	OperFlagDelete = Oper(logstore.OperFlagDelete)
	OperDelta      = Oper(logstore.OperDelta)
	OperDelta64    = Oper(logstore.OperDelta64)

	OperReadLock  Oper = 5
	OperWriteLock Oper = 6
	OperAllocExt  Oper = 7
	// OperSchema marks the entries of schema changes; what they do stands in their Action.
	OperSchema Oper = 0x100
)

// changesPage says that the operation left a change on a page that rollback must take back.
func (o Oper) changesPage() bool {
	switch o {
	case OperInsert, OperReplace, OperFlagDelete, OperDelta, OperDelta64:
		return true
	}
	return false
}

// needsImage says that rollback needs the data from before.
func (o Oper) needsImage() bool { return o == OperReplace || o == OperFlagDelete }

// commutes says that several transactions may do the operation to one node at once.
func (o Oper) commutes() bool { return o == OperReadLock || o == OperDelta || o == OperDelta64 }

// Node names a node of a tree: the unit of versions and conflicts. Data is empty in unique trees.
type Node struct {
	DB        jet.DBID
	FDP       jet.Pgno
	Key, Data []byte
}

func (n *Node) equal(o *Node) bool {
	return n.FDP == o.FDP && n.DB == o.DB && bytes.Equal(n.Key, o.Key) && bytes.Equal(n.Data, o.Data)
}

func (n *Node) hash() uint64 {
	h := hashBytes(uint64(n.FDP)<<8|uint64(n.DB), n.Key)
	if len(n.Data) > 0 {
		h = hashBytes(h, n.Data)
	}
	return h
}

// hashBytes mixes b into h by multiplications to 128 bits.
func hashBytes(h uint64, b []byte) uint64 {
	const k0, k1 = 0xA0761D6478BD642F, 0xE7037ED1A0B428DB
	fold := func(a, b uint64) uint64 {
		hi, lo := bits.Mul64(a, b)
		return hi ^ lo
	}
	size := uint64(len(b))
	h = fold(h^k1, size^k0)
	for ; len(b) > 8; b = b[8:] {
		h = fold(h^binary.LittleEndian.Uint64(b), k0)
	}
	var last uint64
	switch n := len(b); {
	case n == 8:
		last = binary.LittleEndian.Uint64(b)
	case n >= 4:
		last = uint64(binary.LittleEndian.Uint32(b)) | uint64(binary.LittleEndian.Uint32(b[n-4:]))<<32
	case n > 0:
		last = uint64(b[0]) | uint64(b[n/2])<<8 | uint64(b[n-1])<<16
	}
	return fold(h^last, k1)
}

// Action is what a version entry of a schema change or of an allocation does at the end of its
// transaction. Rollback undoes the effect in memory and space; Cleanup runs after commit when no
// transaction can see the state from before; it must not take locks under which anybody changes a tree.
type Action interface {
	Rollback(s *Session) error
	Cleanup(s *Session) error
}

// RCE is a version entry. Its fields do not change after creation but for those guarded as noted.
type RCE struct {
	Node
	ObjID  jet.ObjID
	ID     uint32 // rceid in log records
	Oper   Oper
	Level  uint8 // guarded by the session
	Trx    *Trx
	Before []byte // node data before a replace or flag-delete
	Delta  int64
	Action Action
	Offset uint16 // of a delta, in the node's data

	nullified bool     // guarded by the node's shard: rolled back
	update    UpdateID // that the change belongs to

	// MaxSize and SizeDelta keep account of a page's uncommitted free space (spec chapter 05, 18.5).
	MaxSize, SizeDelta int32

	session  *Session // whose change it is
	older    *RCE     // next older entry of the node; guarded by the node's shard
	hashNext *RCE     // next node of the bucket, valid in the newest entry of a node; guarded by the shard
	previous *RCE     // the session's entry before this one; guarded by the session
	hash     uint64

	undo undoState
}

// size is what the entry counts for in the store's limit, in bytes.
func (r *RCE) size() int64 { return int64(len(r.Key) + len(r.Data) + len(r.Before) + rceOverhead) }

// Nullified says that the entry was rolled back and no longer counts.
func (r *RCE) Nullified() bool { return r.nullified }
