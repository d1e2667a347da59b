package catalog

import (
	"encoding/binary"
	"sync"

	"esent/internal/engine/btree/ops"
	"esent/internal/engine/key"
	"esent/internal/engine/lv"
	"esent/internal/engine/page"
	"esent/internal/engine/record"
	"esent/internal/engine/version"
	"esent/internal/jet"
)

// autoInc gives out autoincrement numbers (spec chapters 03, 8 and 04, 5.1).
type autoInc struct {
	mu     sync.Mutex
	loaded bool
	stored bool   // the root keeps the highest number reserved
	next   uint64 // number to be given out next
	most   uint64 // highest number reserved, if stored
	batch  uint64 // numbers to reserve next time
}

const (
	batchFirst = 2
	batchMost  = 1000

	autoIncLimit4 = 0x7FFFFF00
	autoIncLimit8 = 0x7FFFFFFF_FFFFFF00
)

// counter numbers the records of a table without primary index.
type counter struct {
	mu   sync.Mutex
	last uint32
	read bool
}

// NextAutoInc gives the number for a new record. It is consumed, whatever becomes of the record. Errors:
// ErrOutOfAutoincrementValues, ErrInvalidOperation without such a column.
func (t *Table) NextAutoInc() (uint64, error) {
	a := &t.auto
	a.mu.Lock()
	defer a.mu.Unlock()
	limit, err := t.loadAutoInc()
	if err != nil {
		return 0, err
	}
	if a.next >= limit {
		return 0, jet.ErrOutOfAutoincrementValues
	}
	if a.stored && a.next > a.most {
		for a.batch > 1 && a.most+a.batch >= limit {
			a.batch /= 2
		}
		if err := t.storeAutoInc(a.most + a.batch); err != nil {
			return 0, err
		}
		a.most += a.batch
		a.batch = min(2*a.batch, batchMost)
	}
	a.next++
	return a.next - 1, nil
}

// PeekAutoInc gives the number that NextAutoInc would give: all that were ever given out are below.
func (t *Table) PeekAutoInc() (uint64, error) {
	t.auto.mu.Lock()
	defer t.auto.mu.Unlock()
	_, err := t.loadAutoInc()
	return t.auto.next, err
}

// RaiseAutoInc notes that numbers up to used are in use: the records of a table that gets the column were numbered.
func (t *Table) RaiseAutoInc(used uint64) error {
	a := &t.auto
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, err := t.loadAutoInc(); err != nil {
		return err
	}
	if a.stored && used > a.most {
		if err := t.storeAutoInc(used); err != nil {
			return err
		}
		a.most = used
	}
	a.next = max(a.next, used+1)
	return nil
}

// loadAutoInc finds out where the numbers stand, and gives their limit. t.auto.mu is held.
func (t *Table) loadAutoInc() (limit uint64, err error) {
	c := t.Schema().AutoInc
	if c == nil {
		return 0, jet.ErrInvalidOperation.Errorf("no autoincrement column")
	}
	if limit = autoIncLimit8; c.Max <= 4 {
		limit = autoIncLimit4
	}
	a := &t.auto
	if a.loaded {
		return limit, nil
	}
	var buf [64]byte
	b, err := t.Tree.Header(buf[:0])
	if err != nil {
		return 0, err
	}
	h, err := ops.ParseRootHeader(b)
	if err != nil {
		return 0, err
	}
	if h.HasAutoInc {
		a.stored, a.most, a.next, a.batch = true, h.AutoInc, h.AutoInc+1, batchFirst
	} else {
		most, err := t.highestAutoInc(&c.Column)
		if err != nil {
			return 0, err
		}
		a.next = most + 1
		// The number is in memory alone: the descriptor stays.
		t.Retain()
	}
	a.loaded = true
	return limit, nil
}

// initAutoInc gives the root of a table with a new autoincrement column its number, where the format has that.
func (t *Table) initAutoInc(s *version.Session) error {
	if !t.cat.Features().AutoIncRoot {
		return nil
	}
	return t.setAutoIncRoot(s, 0)
}

// storeAutoInc raises the number in the root, in a transaction of its own: no rollback takes it back.
func (t *Table) storeAutoInc(most uint64) error {
	w := &t.cat.worker
	w.Lock()
	defer w.Unlock()
	return inTrx(w.s, func() error { return t.setAutoIncRoot(w.s, most) })
}

func (t *Table) setAutoIncRoot(s *version.Session, most uint64) error {
	return t.Tree.UpdateHeader(s, func(dst, old []byte) ([]byte, error) {
		h, err := ops.ParseRootHeader(old)
		if err != nil {
			return nil, err
		}
		if h.HasAutoInc && h.AutoInc >= most {
			return nil, nil
		}
		h.AutoInc, h.HasAutoInc = most, true
		return h.Append(dst), nil
	})
}

// highestAutoInc finds the highest number in use, in an index that has all records or in the records. Deleted records
// and those of running transactions count.
func (t *Table) highestAutoInc(c *record.Column) (uint64, error) {
	sc := t.Schema()
	indexes := sc.Indexes
	if sc.Primary != nil {
		indexes = append([]*Index{sc.Primary}, indexes...)
	}
	for _, ix := range indexes {
		whole := ix.Flags.Has(key.FlagNoNullSeg) || ix.Flags.Has(key.FlagAllowAllNulls)
		if ix.Columns[0].ID != c.ID || len(ix.Conditions) > 0 || ix.Def.Tuple != nil || !whole || ix.Born != nil {
			continue
		}
		edge := lv.LastKey
		if ix.Columns[0].Descending {
			edge = lv.FirstKey
		}
		k, err := edge(ix.Tree)
		if err != nil || k == nil {
			return 0, err
		}
		v, found, err := ix.Def.Column(nil, k, 0)
		if err != nil {
			return 0, err
		}
		if found == key.FoundValue {
			return autoIncOf(v), nil
		}
	}
	return t.scanAutoInc(sc.Record, c)
}

// autoIncOf reads a number; a negative one counts as none.
func autoIncOf(v []byte) uint64 {
	var b [8]byte
	copy(b[:], v)
	n := binary.LittleEndian.Uint64(b[:])
	if len(v) == 4 && int32(n) < 0 || len(v) == 8 && int64(n) < 0 {
		return 0
	}
	return n
}

// scanAutoInc reads the numbers of all records that are physically in the table.
func (t *Table) scanAutoInc(sc *record.Schema, c *record.Column) (most uint64, err error) {
	m := t.cat.db.Kernel.Cache
	leaf := func(p page.Page) {
		for i := range p.Lines() {
			v, err := sc.Get(p.LineData(i), c, 1)
			if err == nil && !v.Null {
				most = max(most, autoIncOf(v.Data))
			}
		}
	}
	image := make(page.Page, t.cat.db.PageSize)
	read := func(pgno jet.Pgno) error {
		for {
			f, ver, err := m.GetScan(t.cat.db.DB, pgno)
			if err != nil {
				return err
			}
			copy(image, f.Page())
			if f.Valid(ver) {
				break
			}
		}
		if image.ObjID() != t.ObjID {
			return jet.ErrBadPageLink.Errorf("page %d is of tree %d", pgno, image.ObjID())
		}
		return nil
	}
	pgno := t.Tree.Root
	const maxDepth = 40
	for range maxDepth {
		if err := read(pgno); err != nil {
			return 0, err
		}
		if image.Has(page.FlagLeaf) {
			break
		}
		if pgno = image.Child(0); pgno == jet.PgnoNull {
			return 0, jet.ErrDatabaseCorrupted.Errorf("internal page without children")
		}
	}
	for {
		leaf(image)
		if pgno = image.Next(); pgno == jet.PgnoNull {
			return most, nil
		}
		if err := read(pgno); err != nil {
			return 0, err
		}
	}
}

// NextDBK gives the number that is the key, in big-endian order, of a new record in a table without primary index.
// ErrOutOfSequentialIndexValues.
func (t *Table) NextDBK() (uint32, error) {
	d := &t.dbk
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.read {
		k, err := lv.LastKey(t.Tree)
		if err != nil {
			return 0, err
		}
		for _, b := range k[:min(len(k), 4)] {
			d.last = d.last<<8 | uint32(b)
		}
		d.read = true
	}
	if d.last == 1<<32-1 {
		return 0, jet.ErrOutOfSequentialIndexValues
	}
	d.last++
	return d.last, nil
}
