package engine

import (
	"testing"

	"esent/internal/jet"
)

// TestKeyLock locks keys that no record has, and one that a record has.
func TestKeyLock(t *testing.T) {
	d := newDesk(t)
	d.table("t", []string{"k long", "n long"}, "p:+k primary")
	r := d.open(d.s, "t")
	s := d.session()
	other := d.open(s, "t")
	d.want(r.insert("k", 1), 0)
	lock := func(k int, grbit jet.Grbit) error {
		d.want(r.MakeKey(r.s, []byte{byte(k), 0, 0, 0}, jet.BitNewKey), 0)
		return r.GetLock(r.s, grbit|jet.BitKeyLock)
	}
	d.begin(d.s)
	d.want(r.GetLock(r.s, jet.BitKeyLock), jet.ErrInvalidGrbit)
	d.want(r.GetLock(r.s, jet.BitKeyLock|jet.BitWriteLock), jet.ErrKeyNotMade)
	d.want(lock(5, jet.BitWriteLock), 0)
	d.want(lock(5, jet.BitWriteLock), 0)
	d.want(lock(6, jet.BitReadLock), 0)
	d.want(lock(1, jet.BitWriteLock), 0)
	d.want(other.insert("k", 5), jet.ErrKeyDuplicate)
	d.want(other.insert("k", 6), jet.ErrKeyDuplicate)
	d.want(other.insert("k", 7), 0)
	other.seekEQ(1)
	d.want(other.replace("n", 3), jet.ErrWriteConflict)
	d.want(r.insert("k", 5), 0)
	d.expect(other.scan("k"), "1/7")
	d.rollback(d.s)
	d.want(other.insert("k", 5), 0)
	d.want(other.insert("k", 6), 0)
	d.expect(other.scan("k"), "1/5/6/7")
}
