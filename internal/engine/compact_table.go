package engine

import (
	"errors"

	"esent/internal/engine/btree"
	"esent/internal/engine/catalog"
	"esent/internal/engine/key"
	"esent/internal/engine/lv"
	"esent/internal/engine/record"
	"esent/internal/engine/space"
	"esent/internal/jet"
)

// tableCopy is the copying of one table. Nobody else uses either table, and nothing in the new one is versioned.
type tableCopy struct {
	c        *compaction
	from, to *catalog.Table
	schema   *catalog.Schema // of to
	convert  *record.Conversion
	buf      record.Buffer
	rec      []byte
	mark     []byte
	at       *Cursor // on to, nowhere
	rows     btree.Cursor
	// keepKeys says that records keep their keys. taken are the secondary indexes whose entries are taken over, with
	// those of the source, built are the others.
	keepKeys bool
	taken    [][2]*catalog.Index
	built    []*catalog.Index

	long   lv.Cursor
	shared map[uint64]*sharedValue // by number in from
	autos  uint64                  // highest autoincrement number met
	stats  compactTable
}

// sharedValue is a long value that several records may refer to.
type sharedValue struct {
	lid  uint64 // in the new table
	more uint32 // references beyond the first
}

// copyTable copies the table of a name. Unicode text gets keys of the present sort version; a table with a text whose key
// cannot be made is copied with those that it has.
func (c *compaction) copyTable(name string) error {
	err := c.tryTable(name, false)
	switch jet.CodeOf(err) {
	case jet.ErrUnicodeTranslationFail, jet.ErrUnicodeNormalizationNotSupported:
		if err := c.dropTable(name); err != nil {
			return err
		}
		err = c.tryTable(name, true)
	}
	return err
}

// dropTable takes back what there is of the copy of a table.
func (c *compaction) dropTable(name string) error {
	return c.s.inTransaction(func() error {
		t, err := c.dst.cat.Table(c.s.trx, name)
		if jet.CodeOf(err) == jet.ErrObjectNotFound {
			return nil
		}
		if err != nil {
			return err
		}
		return c.dst.cat.DropTable(c.s.trx, t)
	})
}

// tryTable copies a table; keepSort says that no key of Unicode text is made.
func (c *compaction) tryTable(name string, keepSort bool) error {
	from, err := c.src.cat.Table(c.s.trx, name)
	if err != nil {
		return err
	}
	defer from.Release()
	stats := compactTable{name: name}
	owned, err := c.src.space.Owned(c.s.trx, from.Tree)
	if err != nil {
		return err
	}
	free, err := c.src.space.Available(c.s.trx, from.Tree)
	if err != nil {
		return err
	}
	stats.owned, stats.free = space.Pages(owned), space.Pages(free)
	c.meter.table(stats.owned, stats.free)
	var to *catalog.Table
	err = c.s.inTransaction(func() (err error) {
		to, _, err = c.dst.cat.CreateTable(c.s.trx, from.Definition(keepSort))
		return err
	})
	if err != nil {
		return err
	}
	defer to.Release()
	t := &tableCopy{c: c, from: from, to: to, schema: to.Schema(), at: &Cursor{db: c.dst, table: to},
		shared: map[uint64]*sharedValue{}, stats: stats}
	if err := t.run(); err != nil {
		return err
	}
	if c.stats != nil {
		t.stats.columns, t.stats.indexes = len(t.schema.Columns), len(t.schema.Indexes)
		c.stats.tables = append(c.stats.tables, t.stats)
	}
	return c.meter.tableDone()
}

func (t *tableCopy) run() error {
	from := t.from.Schema()
	t.convert = record.NewConversion(from.Record, t.schema.Record, func(col *record.Column) *record.Column {
		full := from.Full(col.ID)
		if full == nil || full.Died != nil {
			return nil
		}
		if same := t.schema.ColumnByName(t.c.s.trx, col.Name); same != nil {
			return &same.Column
		}
		return nil
	})
	t.planIndexes(from)
	t.rows.Init(t.to.Tree)
	if err := t.copyRecords(); err != nil {
		return err
	}
	for _, v := range t.shared {
		if v.more > 0 {
			if err := t.to.Values().AddImported(&t.long, t.c.s.trx, v.lid, v.more); err != nil {
				return err
			}
		}
	}
	if err := t.raiseAutoInc(); err != nil {
		return err
	}
	return t.fillIndexes()
}

// planIndexes decides which keys are made anew. Those of Unicode text are not where the sort version stays the same:
// there are texts and orders whose keys can be read, but not made.
func (t *tableCopy) planIndexes(from *catalog.Schema) {
	same := func(a, b *catalog.Index) bool {
		return b != nil && a.Flags.Has(key.FlagLocalizedText) && a.SortVersion == b.SortVersion && a.SortID == b.SortID
	}
	p := t.schema.Primary
	t.keepKeys = p != nil && same(p, from.Primary)
	changes := p != nil && !t.keepKeys && p.Flags.Has(key.FlagLocalizedText)
	for _, ix := range t.schema.Indexes {
		if src := from.IndexByName(t.c.s.trx, ix.Name); !changes && same(ix, src) {
			t.taken = append(t.taken, [2]*catalog.Index{ix, src})
		} else {
			t.built = append(t.built, ix)
		}
	}
	t.keepKeys = t.keepKeys || p == nil && len(t.taken) > 0
}

func (t *tableCopy) copyRecords() error {
	s := t.c.s
	auto := t.schema.AutoInc
	var bt btree.Cursor
	bt.Init(t.from.Tree)
	err := bt.First(s.trx)
	for ; err == nil; err = bt.Next(s.trx) {
		if t.rec, err = stableData(s, &bt, t.rec[:0]); err != nil {
			return err
		}
		if err := t.buf.Convert(t.convert, t.rec, t.separated); err != nil {
			return err
		}
		rec := t.buf.Bytes()
		if auto != nil {
			v, err := t.buf.Get(&auto.Column, 1)
			if err != nil {
				return err
			}
			t.autos = max(t.autos, catalog.AutoIncOf(v))
		}
		if err := t.makeKey(&bt, rec); err != nil {
			return err
		}
		err := t.rows.Insert(s.trx, t.mark, rec, btree.Unversioned)
		if err == jet.ErrKeyDuplicate && t.c.repairing() {
			continue
		}
		if err != nil {
			return err
		}
		t.stats.records++
		t.stats.bytes += int64(len(t.rec))
		if err := t.c.meter.copied(len(t.mark) + len(rec)); err != nil {
			return err
		}
	}
	return errUnless(err, jet.ErrNoCurrentRecord)
}

// makeKey makes t.mark the primary key of a record, of which bt is on the original.
func (t *tableCopy) makeKey(bt *btree.Cursor, rec []byte) (err error) {
	if t.keepKeys {
		t.mark = append(t.mark[:0], bt.Key()...)
		return nil
	}
	s := t.c.s
	t.mark, err = t.at.newKey(s, t.schema, t.at.maker(s, t.schema), rec, t.mark[:0])
	return err
}

// repairing says that duplicates are passed by.
func (c *compaction) repairing() bool { return c.grbit&jet.BitCompactRepair != 0 }

// separated copies the long value of a reference when it is met first, and gives the reference to the copy.
func (t *tableCopy) separated(ref []byte) ([]byte, error) {
	lid, err := record.LID(ref)
	if err != nil {
		return nil, err
	}
	if v := t.shared[lid]; v != nil {
		v.more++
		return record.AppendLID(nil, v.lid), nil
	}
	from := t.from.Values()
	if from == nil {
		return nil, jet.ErrLVCorrupted.Errorf("table %q has no long values, but references to them", t.from.Name())
	}
	s := t.c.s
	to := t.to.Values()
	if to == nil {
		err := s.inTransaction(func() (err error) {
			to, err = t.to.LongValues(s.trx, true)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	here, refs, size, err := to.Import(&t.long, s.trx, from, lid)
	if err != nil {
		return nil, err
	}
	if refs > 1 {
		t.shared[lid] = &sharedValue{lid: here}
	}
	t.stats.longBytes += int64(size)
	return record.AppendLID(nil, here), t.c.meter.copied(size)
}

// raiseAutoInc has new records get numbers that none had, also none that is gone.
func (t *tableCopy) raiseAutoInc() error {
	if t.schema.AutoInc == nil {
		return nil
	}
	most, _, err := t.from.StoredAutoInc()
	if err != nil {
		return err
	}
	if most = max(most, t.autos); most == 0 {
		return nil
	}
	return t.to.RaiseAutoInc(most)
}

// fillIndexes fills the secondary indexes.
func (t *tableCopy) fillIndexes() error {
	for _, pair := range t.taken {
		if err := t.takeEntries(pair[0], pair[1]); err != nil {
			return err
		}
	}
	if len(t.built) == 0 {
		return nil
	}
	b, err := newBuilder(t.at, t.c.s, t.built, nil)
	if err != nil {
		return err
	}
	b.passDuplicates = t.c.repairing()
	return errors.Join(b.run(), b.close())
}

// takeEntries copies the entries of an index as they are.
func (t *tableCopy) takeEntries(to, from *catalog.Index) error {
	s := t.c.s
	var src btree.Cursor
	src.Init(from.Tree)
	dst := btree.NewLoader(to.Tree, s.trx)
	err := src.First(s.trx)
	for ; err == nil; err = src.Next(s.trx) {
		if t.rec, err = stableData(s, &src, t.rec[:0]); err != nil {
			return err
		}
		if err := dst.Add(src.Key(), t.rec); err != nil {
			return err
		}
	}
	if err := errUnless(err, jet.ErrNoCurrentRecord); err != nil {
		return err
	}
	return dst.Flush()
}
