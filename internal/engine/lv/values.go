package lv

import (
	"encoding/binary"
	"sync"

	"esent/internal/engine/btree"
	"esent/internal/engine/page"
	"esent/internal/jet"
)

// Numbers of long values (LIDs; spec chapter 03, 18.2).
const (
	firstNarrow = 1
	lastNarrow  = 0x7FFFFEFF
	firstWide   = 0x80000000_80000001
	lastWide    = 0x80FFFFFE_FFFFFFFF
)

// IsWide says that a number takes 8 bytes instead of 4.
func IsWide(lid uint64) bool { return lid>>63 != 0 }

// SizeMax is the largest size of a value in bytes (JET_cbLVColumnMost).
const SizeMax = jet.CbLVColumnMost

// ChunkSize is how long values are cut in a database of the page size, unless the table says otherwise (spec
// chapter 03, 18.3).
func ChunkSize(pageSize int) int {
	switch pageSize {
	case 16384:
		return 4050
	case 32768:
		return 8150
	}
	return pageSize - 82
}

// Values are the long values of one table. Its exported fields are constant.
type Values struct {
	Tree *btree.Tree
	// Chunk is the size of chunks in bytes.
	Chunk int

	wide bool

	mu   sync.Mutex
	last uint64 // number given out last, 0 before the tree was asked
}

// New makes the Values of a tree. wide asks for numbers of 8 bytes; a tree that has such keeps having them.
func New(t *btree.Tree, chunk int, wide bool) (*Values, error) {
	v := &Values{Tree: t, Chunk: chunk, wide: wide}
	if chunk <= 0 || chunk+maxKey > t.MaxNode() {
		return nil, jet.ErrCatalogCorrupted.Errorf("chunks of %d bytes", chunk)
	}
	if !wide {
		if err := v.findLast(); err != nil {
			return nil, err
		}
		v.wide = IsWide(v.last)
	}
	t.SetDensity(100)
	return v, nil
}

// Wide says that new values get numbers of 8 bytes.
func (v *Values) Wide() bool { return v.wide }

// findLast reads the highest number in the tree, that of values that only some sessions see among them.
func (v *Values) findLast() error {
	k, err := LastKey(v.Tree)
	if err != nil || len(k) == 0 {
		return err
	}
	lid, _, _, err := parseKey(k)
	v.last = lid
	return err
}

// newLID gives a number that no value has.
func (v *Values) newLID() (uint64, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.last == 0 {
		if err := v.findLast(); err != nil {
			return 0, err
		}
	}
	first, most := uint64(firstNarrow), uint64(lastNarrow)
	if v.wide {
		first, most = firstWide, lastWide
	}
	next := max(v.last+1, first)
	if next > most {
		return 0, jet.ErrOutOfLongValueIDs
	}
	v.last = next
	return next, nil
}

// maxKey is the longest key of the tree in bytes.
const maxKey = 12

// appendRootKey is the key of a value's root.
func appendRootKey(b []byte, lid uint64) []byte {
	if IsWide(lid) {
		return binary.BigEndian.AppendUint64(b, lid)
	}
	return binary.BigEndian.AppendUint32(b, uint32(lid))
}

// appendChunkKey is the key of the chunk that begins at offset.
func appendChunkKey(b []byte, lid uint64, offset int) []byte {
	return binary.BigEndian.AppendUint32(appendRootKey(b, lid), uint32(offset))
}

// parseKey tells what a key of the tree is of.
func parseKey(k []byte) (lid uint64, root bool, offset uint32, err error) {
	wide := len(k) > 0 && k[0]&0x80 != 0
	switch {
	case len(k) == 4 && !wide:
		return uint64(binary.BigEndian.Uint32(k)), true, 0, nil
	case len(k) == 8 && wide:
		return binary.BigEndian.Uint64(k), true, 0, nil
	case len(k) == 8:
		return uint64(binary.BigEndian.Uint32(k)), false, binary.BigEndian.Uint32(k[4:]), nil
	case len(k) == 12 && wide:
		return binary.BigEndian.Uint64(k), false, binary.BigEndian.Uint32(k[8:]), nil
	}
	return 0, false, 0, jet.ErrLVCorrupted.Errorf("long-value key % x", k)
}

// LastKey gives the highest key that is physically in a tree, flag-deleted nodes and those of running transactions
// counted; nil for an empty tree.
func LastKey(t *btree.Tree) ([]byte, error) { return edgeKey(t, true) }

// FirstKey gives the lowest key, as LastKey does the highest.
func FirstKey(t *btree.Tree) ([]byte, error) { return edgeKey(t, false) }

func edgeKey(t *btree.Tree, last bool) ([]byte, error) {
	m := t.DB.Kernel.Cache
	const maxDepth = 40
restart:
	pgno := t.Root
	for range maxDepth {
		f, ver, err := m.Get(t.DB.DB, pgno)
		if err != nil {
			return nil, err
		}
		p := f.Page()
		line := 0
		if last {
			line = p.Lines() - 1
		}
		objid, leaf := p.ObjID(), p.Has(page.FlagLeaf)
		var k []byte
		child := jet.PgnoNull
		switch {
		case p.Lines() == 0:
		case leaf:
			k = p.AppendKey(line, nil)
		default:
			child = p.Child(line)
		}
		if !f.Valid(ver) {
			goto restart
		}
		switch {
		case objid != t.ObjID:
			if pgno == t.Root {
				return nil, jet.ErrBadPageLink.Errorf("page %d is of tree %d", pgno, objid)
			}
			goto restart // the page was merged away after its parent was read
		case leaf:
			return k, nil
		case child == jet.PgnoNull:
			return nil, jet.ErrDatabaseCorrupted.Errorf("page %d has no child", pgno)
		}
		pgno = child
	}
	return nil, jet.ErrDatabaseCorrupted.Errorf("a tree has no leaves")
}
