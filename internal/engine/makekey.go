package engine

import (
	"esent/internal/engine/key"
	"esent/internal/jet"
)

// MakeKey adds the value of the next column to the search key of the current index, or begins a new key, or takes
// a whole one (JetMakeKey, spec chapters 01, 9.1 and 04, 9.1). Empty data is NULL, or zero-length with
// JET_bitKeyDataZeroLength. Errors: those of key.SearchKey.MakeKey.
func (c *Cursor) MakeKey(s *Session, data []byte, grbit jet.Grbit) error {
	if err := c.enter(s); err != nil {
		return err
	}
	err := c.makeKey(s, data, grbit)
	s.leave()
	return err
}

func (c *Cursor) makeKey(s *Session, data []byte, grbit jet.Grbit) error {
	var def *key.Index
	if ix := c.currentIndex(s); ix != nil {
		def = &ix.Def
	}
	switch {
	case c.secondaryKey == (c.index != nil):
	case c.index != nil:
		// The first key on a secondary index takes the place of the primary's.
		c.primaryKeySize = len(c.searchKey.Bytes())
		c.searchKey.Reset()
		c.secondaryKey = true
	case def == nil && grbit&jet.BitNormalizedKey == 0:
		return jet.ErrNoCurrentIndex
	case grbit&(jet.BitNewKey|jet.BitNormalizedKey) == 0:
		return jet.ErrKeyNotMade
	default:
		c.searchKey.Reset()
		c.secondaryKey = false
	}
	return c.searchKey.MakeKey(def, data, grbit)
}

// keyMade says that the current index has a search key that was not used yet.
func (c *Cursor) keyMade() bool {
	return c.searchKey.Made() && c.secondaryKey == (c.index != nil)
}

// keyBytes is the search key of the current index, used or not; nil when there is none.
func (c *Cursor) keyBytes() []byte {
	switch {
	case c.secondaryKey == (c.index != nil):
		return c.searchKey.Bytes()
	case c.index != nil:
		return nil
	}
	// Back on the primary index: its key's length has stayed, its bytes are those of the other key.
	return c.searchKey.Bytes()[:c.primaryKeySize]
}

// RetrieveKey copies the key of the current entry to buf, or with JET_bitRetrieveCopy the search key (JetRetrieveKey,
// spec chapter 01, 9.5), and gives its whole length. A buffer that is too small is filled, with
// JET_wrnBufferTruncated for an entry's key and without for a search key. Errors: JET_errKeyNotMade,
// JET_errNoCurrentRecord, JET_errRecordDeleted.
func (c *Cursor) RetrieveKey(s *Session, buf []byte, grbit jet.Grbit) (actual uint32, warn jet.Err, err error) {
	if err := c.enterLent(s); err != nil {
		return 0, 0, err
	}
	actual, warn, err = c.retrieveKey(s, buf, grbit)
	s.leave()
	return actual, warn, err
}

func (c *Cursor) retrieveKey(s *Session, buf []byte, grbit jet.Grbit) (uint32, jet.Err, error) {
	if grbit&jet.BitRetrieveCopy != 0 {
		k := c.keyBytes()
		if len(k) == 0 {
			return 0, 0, jet.ErrKeyNotMade
		}
		copy(buf, k)
		return uint32(len(k)), 0, nil
	}
	if err := c.present(s); err != nil {
		return 0, 0, err
	}
	t, _ := c.tree()
	k := t.Key()
	if copy(buf, k) < len(k) {
		return uint32(len(k)), jet.WrnBufferTruncated, nil
	}
	return uint32(len(k)), 0, nil
}
