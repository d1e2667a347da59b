package engine

import (
	"bytes"
	"errors"
	"strconv"
	"sync/atomic"

	"esent/internal/engine/btree"
	"esent/internal/engine/catalog"
	"esent/internal/engine/key"
	"esent/internal/engine/sort"
	"esent/internal/engine/version"
	"esent/internal/jet"
)

// sortMemory is how many bytes of entries a build holds in memory, for all its indexes together.
const sortMemory = 64 << 20

// sortSerial numbers the files of sorts.
var sortSerial atomic.Uint64

// newSorter makes a sorter whose file, if it needs one, lies beside the temporary database.
func (i *Instance) newSorter(memory int, d sort.Duplicates) *sort.Sorter {
	path := i.set.tempPath + "." + strconv.FormatUint(sortSerial.Add(1), 10) + ".sort"
	return sort.New(sort.Config{Memory: memory, Duplicates: d, FS: i.env.FS, Path: path})
}

// builder fills new indexes with the entries of the records that are there. What it may rely on stands in build_gate.go.
type builder struct {
	table   *catalog.Table
	schema  *catalog.Schema
	indexes []*catalog.Index
	sorters []*sort.Sorter
	store   *version.Store

	// own is the session that creates the indexes, base one that sees what is committed.
	own, base *Session
	guests    []builderGuest
	// passDuplicates leaves out entries whose key a unique index has already.
	passDuplicates bool

	at    *Cursor // makes keys, is nowhere
	probe btree.Cursor
	rec   []byte
}

// builderGuest is a session with uncommitted changes.
type builderGuest struct {
	s       *Session
	changed [][]byte // primary keys of committed records that it has changed or deleted
}

func newBuilder(c *Cursor, s *Session, indexes []*catalog.Index, guests []guest) (*builder, error) {
	base := s.inst.versions.NewSystemSession()
	if err := base.Begin(); err != nil {
		s.inst.versions.EndSession(base)
		return nil, err
	}
	b := &builder{table: c.table, schema: c.table.Schema(), indexes: indexes, store: s.inst.versions, own: s,
		base: s.inst.sessionOf(base), at: &Cursor{db: c.db, table: c.table}}
	for range indexes {
		b.sorters = append(b.sorters, s.inst.newSorter(sortMemory/len(indexes), sort.Keep))
	}
	for _, g := range guests {
		b.guests = append(b.guests, builderGuest{s: g.s})
	}
	b.probe.Init(c.table.Tree)
	return b, nil
}

// close gives up what the build needed.
func (b *builder) close() error {
	_, err := b.base.trx.Commit()
	b.own.inst.versions.EndSession(b.base.trx)
	for _, st := range b.sorters {
		err = errors.Join(err, st.Close())
	}
	return err
}

func (b *builder) run() error {
	if err := b.scan(); err != nil {
		return err
	}
	if b.changed() {
		if err := b.eachNew(b.own, b.add); err != nil {
			return err
		}
	}
	for i, ix := range b.indexes {
		if err := b.load(ix, b.sorters[i]); err != nil {
			return err
		}
	}
	for i := range b.guests {
		if err := b.follow(&b.guests[i]); err != nil {
			return err
		}
	}
	return nil
}

// scan sorts the entries of all records that are committed, as the builder's transaction has changed them.
func (b *builder) scan() error {
	var bt btree.Cursor
	bt.Init(b.table.Tree)
	changes := b.changed()
	var err error
	for err = bt.First(b.base.trx); err == nil; err = bt.Next(b.base.trx) {
		if b.rec, err = stableData(b.base, &bt, b.rec[:0]); err != nil {
			return err
		}
		mark, s := bt.Key(), b.base
		for i := range b.guests {
			if g := &b.guests[i]; b.touchedBy(g.s, &bt) {
				g.changed = append(g.changed, bytes.Clone(mark))
			}
		}
		if changes && b.touchedBy(b.own, &bt) {
			s = b.own
			if seen, err := b.read(s, mark); err != nil {
				return err
			} else if !seen {
				continue
			}
		}
		if err := b.add(s, mark); err != nil {
			return err
		}
	}
	return errUnless(err, jet.ErrNoCurrentRecord)
}

// changed says that the builder's own transaction has changed records.
func (b *builder) changed() bool { return b.own.trx.HasChanged(b.at.db.id, b.table.Tree.FDP) }

// touchedBy says whether the newest version of the cursor's node is an uncommitted one of the session.
func (b *builder) touchedBy(s *Session, bt *btree.Cursor) bool {
	n := bt.Node()
	return b.store.View(s.trx, &n, false).Own
}

// read reads a record as a session sees it into b.rec; false if it sees none.
func (b *builder) read(s *Session, mark []byte) (bool, error) {
	m, err := b.probe.Seek(s.trx, mark, nil, btree.EQ)
	if err != nil || m != btree.Equal {
		return false, err
	}
	b.rec, err = stableData(s, &b.probe, b.rec[:0])
	return true, err
}

// add sorts the entries of the record in b.rec, which is that of a session.
func (b *builder) add(s *Session, mark []byte) error {
	m := b.at.maker(s, b.schema)
	for i, ix := range b.indexes {
		if err := m.collect(&m.after, ix, b.rec); err != nil {
			return err
		}
		for k := range m.after.Len() {
			if err := b.sorters[i].Add(m.after.At(k), mark); err != nil {
				return err
			}
		}
	}
	return nil
}

// eachNew calls f with the records that a session has added, and nobody else sees.
func (b *builder) eachNew(s *Session, f func(s *Session, mark []byte) error) error {
	var bt btree.Cursor
	bt.Init(b.table.Tree)
	var err error
	for err = bt.First(s.trx); err == nil; err = bt.Next(s.trx) {
		if !b.touchedBy(s, &bt) {
			continue
		}
		mark := bt.Key()
		if m, err := b.probe.Seek(b.base.trx, mark, nil, btree.EQ); err != nil || m == btree.Equal {
			if err != nil {
				return err
			}
			continue
		}
		if b.rec, err = stableData(s, &bt, b.rec[:0]); err != nil {
			return err
		}
		if err := f(s, mark); err != nil {
			return err
		}
	}
	return errUnless(err, jet.ErrNoCurrentRecord)
}

// load puts the sorted entries into the index' tree.
func (b *builder) load(ix *catalog.Index, sorter *sort.Sorter) error {
	if err := sorter.Sort(); err != nil {
		return err
	}
	entries, err := sorter.Scan()
	if err != nil {
		return err
	}
	tree := btree.NewLoader(ix.Tree, b.own.trx)
	for {
		k, mark, err := entries.Next()
		if err != nil {
			return err
		}
		if k == nil {
			return tree.Flush()
		}
		// The tree finds two entries with the key of a unique index: ErrKeyDuplicate.
		err = tree.Add(k, mark)
		if err != nil && !(b.passDuplicates && err == jet.ErrKeyDuplicate) {
			return err
		}
	}
}

// follow changes the entries of records that another session has changed, in its transaction. Where that has levels, it
// cannot be done (ErrWriteConflict): what is added would belong to the innermost level, and be undone with it while what
// it follows stays; and what the inner levels have taken back may come again.
func (b *builder) follow(g *builderGuest) error {
	if g.s.trx.Level() > 1 && g.s.trx.HasChanged(b.at.db.id, b.table.Tree.FDP) {
		return jet.ErrWriteConflict.Errorf("session %d has changed the table and has nested transactions", g.s.trx.Proc)
	}
	m := b.at.maker(g.s, b.schema)
	for _, mark := range g.changed {
		if err := b.followRecord(g.s, m, mark); err != nil {
			return err
		}
	}
	return b.eachNew(g.s, func(s *Session, mark []byte) error {
		m := b.at.maker(s, b.schema)
		for _, ix := range b.indexes {
			if err := m.collect(&m.after, ix, b.rec); err != nil {
				return err
			}
			for i := range m.after.Len() {
				if err := m.insertEntry(s, ix, m.after.At(i), mark, btree.Concurrent); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// followRecord does so for a committed record that the session has changed or deleted.
func (b *builder) followRecord(s *Session, m *keyMaker, mark []byte) error {
	old, err := b.keysOf(b.base, mark)
	if err != nil {
		return err
	}
	now, err := b.keysOf(s, mark)
	if err != nil {
		return err
	}
	for i, ix := range b.indexes {
		err := key.Diff(&old[i], &now[i],
			func(k []byte) error { return m.deleteEntry(s, ix, k, mark, btree.Concurrent) },
			func(k []byte) error { return m.insertEntry(s, ix, k, mark, btree.Concurrent) })
		if err != nil {
			return err
		}
	}
	return nil
}

// keysOf gives the keys that a record has in the indexes as a session sees it, none if it does not see it.
func (b *builder) keysOf(s *Session, mark []byte) ([]key.Set, error) {
	sets := make([]key.Set, len(b.indexes))
	seen, err := b.read(s, mark)
	if err != nil || !seen {
		return sets, err
	}
	m := b.at.maker(s, b.schema)
	for i, ix := range b.indexes {
		if err := m.collect(&sets[i], ix, b.rec); err != nil {
			return nil, err
		}
	}
	return sets, nil
}
