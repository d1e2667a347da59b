package engine

import (
	"bytes"

	"esent/internal/engine/btree"
	"esent/internal/jet"
)

const seekRelations = jet.BitSeekEQ | jet.BitSeekLT | jet.BitSeekLE | jet.BitSeekGE | jet.BitSeekGT

// Seek goes to the entry that the search key and the relation in grbit say, and uses up the key (JetSeek, spec
// chapter 01, 9.2). warn is JET_wrnSeekNotEqual or, with JET_bitCheckUniqueness, JET_wrnUniqueKey. Errors:
// JET_errInvalidParameter (no relation), JET_errKeyNotMade, JET_errRecordNotFound: the cursor is then between the
// neighbours of the key, or at the end of the index behind which nothing was.
func (c *Cursor) Seek(s *Session, grbit jet.Grbit) (warn jet.Err, err error) {
	if err := c.enter(s); err != nil {
		return 0, err
	}
	if c.temp != nil {
		warn, err = c.seekTemp(s, grbit)
	} else {
		warn, err = c.seek(s, grbit)
		c.show(s)
	}
	s.leave()
	return warn, err
}

func (c *Cursor) seek(s *Session, grbit jet.Grbit) (jet.Err, error) {
	rel := grbit & seekRelations
	switch {
	case rel == 0:
		return 0, jet.ErrInvalidParameter
	case !c.keyMade():
		return 0, jet.ErrKeyNotMade
	}
	if c.prepared != notPrepared {
		if err := c.cancel(s); err != nil {
			return 0, err
		}
	}
	c.ranged = false
	c.moved = s.levels.now
	// Several relations at once act as the first of these.
	switch {
	case rel&jet.BitSeekEQ != 0:
		rel = jet.BitSeekEQ
	case rel&(rel-1) != 0 && rel&(jet.BitSeekLE|jet.BitSeekLT) != 0:
		rel = jet.BitSeekLE
	case rel&(rel-1) != 0:
		rel = jet.BitSeekGE
	}
	t, p := c.tree()
	found, err := c.seekTree(s, t, rel)
	c.searchKey.Consume()
	if err != nil {
		c.setPlaces(beforeFirst)
		return 0, err
	}
	if found == btree.None {
		switch rel {
		case jet.BitSeekEQ:
			c.setPlaces(onGap)
		case jet.BitSeekGE, jet.BitSeekGT:
			c.setPlaces(afterLast)
		default:
			c.setPlaces(beforeFirst)
		}
		return 0, jet.ErrRecordNotFound
	}
	*p = onEntry
	if err := c.follow(s); err != nil {
		return 0, err
	}
	switch rel {
	case jet.BitSeekEQ:
		return c.seekExtras(s, t, grbit)
	case jet.BitSeekGE, jet.BitSeekLE:
		if found != btree.Equal {
			return jet.WrnSeekNotEqual, nil
		}
	}
	return 0, nil
}

// seekExtras does what else a successful seek for an equal key was asked for.
func (c *Cursor) seekExtras(s *Session, t *btree.Cursor, grbit jet.Grbit) (jet.Err, error) {
	if grbit&jet.BitCheckUniqueness != 0 {
		only, err := c.onlyEntry(s, t)
		if err != nil {
			return 0, err
		}
		if only {
			return jet.WrnUniqueKey, nil
		}
	}
	if grbit&jet.BitSetIndexRange != 0 {
		c.setRange(c.searchKey.Bytes(), true, true)
	}
	return 0, nil
}

// onlyEntry says whether no other entry has the key of the one that the cursor is on, which is the first with it.
func (c *Cursor) onlyEntry(s *Session, t *btree.Cursor) (bool, error) {
	if !t.Tree().NonUnique {
		return true, nil
	}
	if c.probe.Tree() != t.Tree() {
		c.probe.Init(t.Tree())
	}
	m, err := c.probe.Seek(s.trx, t.Key(), t.BookmarkData(), btree.GT)
	return m == btree.None || !bytes.Equal(c.probe.Key(), t.Key()), err
}

// seekTree looks for the search key. The result tells how the entry compares with it. Where none was found, Next
// and Prev go on from the key.
func (c *Cursor) seekTree(s *Session, t *btree.Cursor, rel jet.Grbit) (btree.Match, error) {
	k := c.searchKey.Bytes()
	if !t.Tree().NonUnique {
		m, err := t.Seek(s.trx, k, nil, relationOf[rel])
		if err == nil && m != btree.None && c.filter != nil {
			return c.filterSeek(s, t, m, rel)
		}
		return m, err
	}
	// Without data the key compares as being before all entries that have it.
	switch rel {
	case jet.BitSeekLT:
		return t.Seek(s.trx, k, nil, btree.LT)
	case jet.BitSeekGT:
		return c.seekBehind(s, t, k)
	}
	m, err := t.Seek(s.trx, k, nil, btree.GE)
	if err != nil {
		return btree.None, err
	}
	if m != btree.None && bytes.Equal(t.Key(), k) {
		return btree.Equal, nil
	}
	switch rel {
	case jet.BitSeekGE:
		return m, nil
	case jet.BitSeekEQ:
		t.SetGap(k, nil)
		return btree.None, nil
	}
	if err = t.Prev(s.trx); err == jet.ErrNoCurrentRecord {
		return btree.None, nil
	}
	return btree.Less, err
}

// seekBehind looks for the first entry with a greater key in a tree that has many entries of one key.
func (c *Cursor) seekBehind(s *Session, t *btree.Cursor, k []byte) (btree.Match, error) {
	if c.searchKey.Columns() == len(c.index.Def.Segments) && !c.searchKey.Limit() {
		return t.Seek(s.trx, k, behindAll[:], btree.GT)
	}
	// The entries with longer keys that begin with this one are greater: the short way would pass over them.
	m, err := t.Seek(s.trx, k, nil, btree.GE)
	for err == nil && m != btree.None && bytes.Equal(t.Key(), k) {
		err = t.Next(s.trx)
	}
	if err == jet.ErrNoCurrentRecord {
		return btree.None, nil
	}
	return m, err
}

// relationOf leads from the flags of JetSeek, each of which is below 32, to the relations of trees.
var relationOf = [32]btree.Relation{
	jet.BitSeekEQ: btree.EQ, jet.BitSeekLT: btree.LT, jet.BitSeekLE: btree.LE,
	jet.BitSeekGE: btree.GE, jet.BitSeekGT: btree.GT,
}
