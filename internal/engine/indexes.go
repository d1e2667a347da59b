package engine

import (
	"bytes"

	"esent/internal/engine/btree"
	"esent/internal/engine/catalog"
	"esent/internal/engine/compress"
	"esent/internal/engine/key"
	"esent/internal/engine/record"
	"esent/internal/jet"
)

// keyMaker makes the index entries of records: in updates, and where a record's entry in an index is looked for.
type keyMaker struct {
	source recordSource
	enum   key.Enumerator
	before key.Set
	after  key.Set
	bt     btree.Cursor
}

// recordSource gives the values of one record to key making. The record lies still.
type recordSource struct {
	c       *Cursor
	s       *Session
	schema  *catalog.Schema
	index   *catalog.Index
	rec     []byte
	scratch [key.SegmentsMax][]byte
}

// Segment implements key.Source.
func (r *recordSource) Segment(seg int, itag uint32, offset, most int) (key.Value, error) {
	col := r.index.Columns[seg].Column
	v, err := r.schema.Record.Get(r.rec, col, int(itag))
	switch {
	case err != nil:
		return key.Value{}, err
	case v.UserDefault:
		return r.userDefault(seg, offset, most)
	case v.Null:
		return key.Value{Null: true}, nil
	case v.Encrypted:
		return key.Value{}, jet.ErrCannotIndexOnEncryptedColumn
	case v.Separated:
		return r.separated(seg, v.Data, offset, most)
	case v.Compressed:
		buf := grown(r.scratch[seg], most)
		n, _, err := compress.DecompressAt(buf, v.Data, offset)
		r.scratch[seg] = buf
		return key.Value{Data: buf[:n]}, err
	}
	return key.Value{Data: v.Data[min(offset, len(v.Data)):]}, nil
}

// userDefault gives part of a default value that a callback computes.
func (r *recordSource) userDefault(seg, offset, most int) (key.Value, error) {
	buf := grown(r.scratch[seg], most+offset)
	r.scratch[seg] = buf
	size, warn, err := r.c.userDefault(r.s, r.schema, r.index.Columns[seg].ID, r.rec, buf)
	if err != nil || warn == jet.WrnColumnNull {
		return key.Value{Null: true}, err
	}
	n := min(int(size), len(buf))
	return key.Value{Data: buf[min(offset, n):n]}, nil
}

// separated gives part of a value in the tree of long values.
func (r *recordSource) separated(seg int, ref []byte, offset, most int) (key.Value, error) {
	lid, err := record.LID(ref)
	if err != nil {
		return key.Value{}, err
	}
	values := r.c.table.Values()
	if values == nil {
		return key.Value{}, jet.ErrLVCorrupted
	}
	buf := grown(r.scratch[seg], most)
	r.scratch[seg] = buf
	n, _, err := values.Read(&r.c.long, r.s.trx, lid, offset, buf)
	return key.Value{Data: buf[:n]}, err
}

func grown(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n)
	}
	return b[:n]
}

// holds says whether a record meets the conditions of an index.
func (r *recordSource) holds() (bool, error) {
	for i := range r.index.Conditions {
		cond := &r.index.Conditions[i]
		v, err := r.schema.Record.Get(r.rec, cond.Column, 1)
		if err != nil {
			return false, err
		}
		if v.UserDefault {
			_, warn, err := r.c.userDefault(r.s, r.schema, cond.Column.ID, r.rec, nil)
			if err != nil {
				return false, err
			}
			v.Null = warn == jet.WrnColumnNull
		}
		if !key.ConditionHolds(cond.MustBeNull, v.Null) {
			return false, nil
		}
	}
	return true, nil
}

// maker is the cursor's keyMaker, for session s and the table's present schema.
func (c *Cursor) maker(s *Session, sc *catalog.Schema) *keyMaker {
	if c.update == nil {
		c.update = new(update)
	}
	m := &c.update.keys
	m.source.c, m.source.s, m.source.schema = c, s, sc
	return m
}

// begin starts the keys of a record in an index; false if the record is not in it because of the index' conditions.
func (m *keyMaker) begin(ix *catalog.Index, rec []byte) (bool, error) {
	m.source.index, m.source.rec = ix, rec
	if ok, err := m.source.holds(); !ok || err != nil {
		return false, err
	}
	m.enum.Reset(&ix.Def, &m.source)
	return true, nil
}

// collect gathers the keys of a record in an index.
func (m *keyMaker) collect(set *key.Set, ix *catalog.Index, rec []byte) error {
	set.Reset()
	ok, err := m.begin(ix, rec)
	if !ok || err != nil {
		return err
	}
	return set.AddAll(&m.enum)
}

// primaryKey gives the key of a record in the primary index, valid until the next key is made.
func (m *keyMaker) primaryKey(ix *catalog.Index, rec []byte) ([]byte, error) {
	m.source.index, m.source.rec = ix, rec
	m.enum.Reset(&ix.Def, &m.source)
	k, err := m.enum.Next()
	if err == nil && k == nil {
		err = jet.ErrNullKeyDisallowed
	}
	return k, err
}

// insertEntry adds an entry to an index.
func (m *keyMaker) insertEntry(s *Session, ix *catalog.Index, k, mark []byte, opt btree.Option) error {
	if m.bt.Tree() != ix.Tree {
		m.bt.Init(ix.Tree)
	}
	err := m.bt.Insert(s.trx, k, mark, opt)
	if err == jet.ErrMultiValuedIndexViolation {
		return jet.ErrSecondaryIndexCorrupted.Errorf("index %q has an entry that is to be added", ix.Name)
	}
	return err
}

// deleteEntry takes an entry out of an index.
func (m *keyMaker) deleteEntry(s *Session, ix *catalog.Index, k, mark []byte, opt btree.Option) error {
	if m.bt.Tree() != ix.Tree {
		m.bt.Init(ix.Tree)
	}
	found, err := m.bt.Seek(s.trx, k, mark, btree.EQ)
	if err != nil {
		return err
	}
	if found != btree.Equal {
		return jet.ErrSecondaryIndexCorrupted.Errorf("index %q lacks an entry that is to be deleted", ix.Name)
	}
	return m.bt.FlagDelete(s.trx, opt)
}

// addEntries adds the entries of a new record to all secondary indexes.
func (m *keyMaker) addEntries(s *Session, rec, mark []byte, opt btree.Option) error {
	for _, ix := range m.source.schema.Indexes {
		if !ix.MaintainedBy(s.trx) {
			continue
		}
		if err := m.collect(&m.after, ix, rec); err != nil {
			return err
		}
		for i := range m.after.Len() {
			if err := m.insertEntry(s, ix, m.after.At(i), mark, opt); err != nil {
				return err
			}
		}
	}
	return nil
}

// deleteEntries takes the entries of a record out of all secondary indexes.
func (m *keyMaker) deleteEntries(s *Session, rec, mark []byte) error {
	for _, ix := range m.source.schema.Indexes {
		if !ix.MaintainedBy(s.trx) {
			continue
		}
		if err := m.collect(&m.before, ix, rec); err != nil {
			return err
		}
		for i := range m.before.Len() {
			if err := m.deleteEntry(s, ix, m.before.At(i), mark, 0); err != nil {
				return err
			}
		}
	}
	return nil
}

// changeEntries brings the secondary indexes up to date after a record changed in the columns of set. Long values
// that update hidden changed are read as they were before for the old record.
func (m *keyMaker) changeEntries(s *Session, old, rec, mark []byte, set *record.ColumnSet, u *update) error {
	for _, ix := range m.source.schema.Indexes {
		if !ix.Mask.Overlaps(set) || !ix.MaintainedBy(s.trx) {
			continue
		}
		if u.touched {
			s.trx.Hide(u.id)
		}
		err := m.collect(&m.before, ix, old)
		s.trx.Hide(0)
		if err != nil {
			return err
		}
		if err := m.collect(&m.after, ix, rec); err != nil {
			return err
		}
		err = key.Diff(&m.before, &m.after,
			func(k []byte) error { return m.deleteEntry(s, ix, k, mark, 0) },
			func(k []byte) error { return m.insertEntry(s, ix, k, mark, 0) })
		if err != nil {
			return err
		}
	}
	return nil
}

// primaryChanged says whether a record has another key in the primary index than mark.
func (m *keyMaker) primaryChanged(ix *catalog.Index, rec, mark []byte) (bool, error) {
	k, err := m.primaryKey(ix, rec)
	return !bytes.Equal(k, mark), err
}

// entryKey gives the key of the record's entry for value itag in an index; found is false when it has none. It is
// valid until the next key is made.
func (c *Cursor) entryKey(s *Session, ix *catalog.Index, itag uint32) (k []byte, found bool, err error) {
	var inner bool
	if inner, err = s.beginRead(); err != nil {
		return nil, false, err
	}
	k, found, err = c.findEntryKey(s, ix, itag)
	if inner {
		err = s.endRead(err)
	}
	return k, found, err
}

func (c *Cursor) findEntryKey(s *Session, ix *catalog.Index, itag uint32) (k []byte, found bool, err error) {
	m := c.maker(s, c.table.Schema())
	u := c.update
	if u.old, err = c.copyRecord(s, u.old[:0]); err != nil {
		return nil, false, err
	}
	if ok, err := m.begin(ix, u.old); !ok || err != nil {
		return nil, false, err
	}
	multi := -1
	for i := range ix.Def.Segments {
		if ix.Def.Segments[i].MultiValued {
			multi = i
			break
		}
	}
	for n := 0; ; n++ {
		k, err := m.enum.Next()
		switch {
		case err != nil:
			return nil, false, err
		case k == nil && n > 0 || k == nil && itag > 1:
			return nil, false, jet.ErrBadItagSequence
		case k == nil:
			return nil, false, nil
		case multi < 0 || m.enum.Itag(multi) == itag:
			return k, true, nil
		}
	}
}

// entryItag gives the number of the value of segment seg that the current entry of a secondary index stands for.
func (c *Cursor) entryItag(s *Session, ix *catalog.Index, seg int, entry []byte) (uint32, error) {
	m := c.maker(s, c.table.Schema())
	u := c.update
	var err error
	if u.old, err = c.copyRecord(s, u.old[:0]); err != nil {
		return 0, err
	}
	if ok, err := m.begin(ix, u.old); !ok || err != nil {
		return 0, errOr(err, jet.ErrSecondaryIndexCorrupted)
	}
	for {
		k, err := m.enum.Next()
		if err != nil || k == nil {
			return 0, errOr(err, jet.ErrSecondaryIndexCorrupted)
		}
		if bytes.Equal(k, entry) {
			return m.enum.Itag(seg), nil
		}
	}
}

// beginRead opens a transaction for a call that reads in several places, where there is none.
func (s *Session) beginRead() (inner bool, err error) {
	if s.trx.Level() > 0 {
		return false, nil
	}
	return true, s.trx.BeginInner()
}
