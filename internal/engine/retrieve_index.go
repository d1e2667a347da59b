package engine

import (
	"esent/internal/engine/catalog"
	"esent/internal/engine/key"
	"esent/internal/jet"
)

// retrieveRare is retrieve for the rarer flags (spec chapter 01, 10.1).
func (c *Cursor) retrieveRare(s *Session, sc *catalog.Schema, r *Retrieval, count bool) error {
	g := r.Grbit
	switch {
	case g&internalBits != 0:
		return jet.ErrInvalidGrbit
	case g&(jet.BitRetrievePageNumber|jet.BitRetrieveCopyIntrinsic) != 0:
		if g&(g-1) != 0 {
			return jet.ErrInvalidGrbit
		}
		return jet.ErrFeatureNotAvailable
	case g&jet.BitRetrievePhysicalSize != 0 && g&^(jet.BitRetrievePhysicalSize|jet.BitRetrieveCopy) != 0:
		return jet.ErrInvalidGrbit
	case g&jet.BitRetrievePhysicalSize != 0 && (len(r.Buf) != 0 || r.Offset != 0):
		return jet.ErrInvalidParameter
	case g&jet.BitRetrieveTuple != 0 && g&jet.BitRetrieveFromIndex == 0,
		g&jet.BitRetrieveAsRefIfNotInRecord != 0 && (c.prepared != notPrepared || c.temporary()):
		return jet.ErrInvalidGrbit
	}
	copying := c.prepared == preparedReadOnlyCopy || c.prepared != notPrepared && g&jet.BitRetrieveCopy != 0
	if g&fromIndexBits != 0 && !copying && c.view == nil {
		if done, err := c.retrieveFromIndex(s, sc, r); done || err != nil {
			if count {
				r.Next = r.Column
			}
			return err
		}
	}
	return c.retrieve(s, sc, r, count)
}

// retrieveFromIndex reads a value out of the current entry's key, or the primary key. done is false when that cannot
// tell and the record must be read; r.Itag is set for that.
func (c *Cursor) retrieveFromIndex(s *Session, sc *catalog.Schema, r *Retrieval) (done bool, err error) {
	g := r.Grbit
	if g&fromIndexBits == fromIndexBits {
		return true, jet.ErrInvalidGrbit
	}
	if code := noColumn(r.Column); code == jet.ErrBadColumnId {
		return true, code
	}
	ix, primaryKey := c.index, g&jet.BitRetrieveFromPrimaryBookmark != 0
	switch {
	case ix == nil:
		if ix = sc.Primary; ix == nil || c.record != onEntry {
			r.Itag = 1
			return false, nil
		}
		g, primaryKey = jet.BitRetrieveFromIndex, false
	case primaryKey:
		if ix = sc.Primary; ix == nil {
			return true, jet.ErrColumnNotFound
		}
	}
	seg := 0
	for seg < len(ix.Columns) && ix.Columns[seg].ID != r.Column {
		seg++
	}
	switch {
	case seg == len(ix.Columns):
		return true, jet.ErrColumnNotFound
	case ix.Def.Tuple != nil && seg == 0 && g&jet.BitRetrieveTuple == 0:
		return true, jet.ErrIndexTuplesCannotRetrieveFromIndex
	}
	k, err := c.currentKey(s, primaryKey)
	if err != nil {
		return true, err
	}
	out, found, err := ix.Def.Column(c.scratch[:0], k, seg)
	if err != nil {
		return true, err
	}
	c.scratch = out[:0]
	if found == key.FoundValue && ix.Columns[seg].Long() {
		out = out[min(int(r.Offset), len(out)):]
	}
	multi := ix.Def.Segments[seg].MultiValued
	if found == key.FoundNothing || g&jet.BitRetrieveTag != 0 {
		itag := uint32(1)
		if multi && found != key.FoundNull {
			if itag, err = c.readEntryItag(s, ix, seg, k); err != nil {
				return true, err
			}
		}
		r.Itag = itag
	}
	switch found {
	case key.FoundNothing:
		return false, nil
	case key.FoundNull:
		r.Actual, r.Err = 0, jet.WrnColumnNull
		return true, nil
	}
	r.Actual, r.Err = uint32(len(out)), 0
	if copy(r.Buf, out) < len(out) {
		r.Err = jet.WrnBufferTruncated
	}
	return true, nil
}

// currentKey is the key of the current entry, or the primary key of its record.
func (c *Cursor) currentKey(s *Session, primary bool) ([]byte, error) {
	if err := c.settle(s); err != nil {
		return nil, err
	}
	t, p := c.tree()
	if *p != onEntry {
		return nil, jet.ErrNoCurrentRecord
	}
	if primary {
		if k := c.bookmark(); k != nil {
			return k, nil
		}
		return nil, jet.ErrNoCurrentRecord
	}
	return t.Key(), nil
}

// readEntryItag is entryItag in a transaction.
func (c *Cursor) readEntryItag(s *Session, ix *catalog.Index, seg int, k []byte) (uint32, error) {
	inner, err := s.beginRead()
	if err != nil {
		return 0, err
	}
	itag, err := c.entryItag(s, ix, seg, k)
	if inner {
		err = s.endRead(err)
	}
	return itag, err
}
