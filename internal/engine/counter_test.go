package engine

import (
	"testing"

	"esent/internal/jet"
)

// TestIndexOfVersionColumn has an index follow a column that the engine counts up by itself.
func TestIndexOfVersionColumn(t *testing.T) {
	d := newDesk(t)
	d.table("t", []string{"k long", "v long version", "n long"}, "p:+k primary", "x:+v")
	r := d.open(d.s, "t")
	for k := range 3 {
		d.want(r.insert("k", k), 0)
	}
	r.seekEQ(1)
	d.want(r.replace("n", 5), 0)
	d.want(r.replace("n", 6), 0)
	r.index("x")
	d.expect(r.scan("k", "v"), "0 0/2 0/1 2")
	r.seekEQ(2)
	d.expect(r.values("k", "n"), "1 6")
	d.want(r.Delete(r.s, 0), 0)
	d.expect(r.scan("k"), "0/2")
}

// TestReservedNumber takes a number before the record that is to have it.
func TestReservedNumber(t *testing.T) {
	d := newDesk(t)
	d.table("t", []string{"k long", "a long auto"}, "p:+k primary")
	d.table("none", []string{"k long"}, "p:+k primary")
	r, none := d.open(d.s, "t"), d.open(d.s, "none")
	var b [4]byte
	d.want(none.ReserveAutoIncrement(d.s, b[:]), jet.ErrInvalidOperation)
	d.want(r.ReserveAutoIncrement(d.s, nil), jet.ErrInvalidParameter)
	d.want(r.ReserveAutoIncrement(d.s, b[:3]), jet.ErrInvalidBufferSize)
	d.want(r.ReserveAutoIncrement(d.s, b[:]), 0)
	if b != [4]byte{1} {
		t.Errorf("number %v", b)
	}
	d.want(r.insert("k", 1), 0)
	d.expect(r.scan("k", "a"), "1 2")
}

// TestCountersWhileTheirColumnIsDropped inserts and replaces while another session has dropped the columns that the
// engine sets, and takes that back.
func TestCountersWhileTheirColumnIsDropped(t *testing.T) {
	d := newDesk(t)
	d.table("t", []string{"k long", "a long auto", "v long version"}, "p:+k primary")
	r := d.open(d.s, "t")
	d.want(r.insert("k", 1), 0)

	s := d.session()
	other := d.open(s, "t")
	d.begin(s)
	d.want(other.DeleteColumn(s, "a", 0), 0)
	d.want(other.DeleteColumn(s, "v", 0), 0)
	d.want(r.insert("k", 2), 0)
	r.seekEQ(1)
	d.want(r.replace("k", 1), 0)
	d.want(other.insert("k", 3), 0)
	d.expect(r.scan("k", "a", "v"), "1 1 1/2 2 0")
	d.rollback(s)
	d.want(r.insert("k", 4), 0)
	d.expect(r.scan("k", "a", "v"), "1 1 1/2 2 0/4 4 0")
}

// TestEscrowBesideNewColumn adds to the numbers of records that were inserted while another session's new column with
// a default was not committed: records have their escrow columns all the same.
func TestEscrowBesideNewColumn(t *testing.T) {
	d := newDesk(t)
	d.table("t", []string{"k long", "e long escrow", "b text"}, "p:+k primary")
	r := d.open(d.s, "t")
	s := d.session()
	other := d.open(s, "t")
	d.begin(s)
	_, _, err := other.AddColumn(s, &ColumnDef{Name: "n", Type: jet.ColtypLong, Default: []byte{9, 0, 0, 0}})
	d.want(err, 0)
	d.want(r.insert("k", 1, "b", "text"), 0)
	r.seekEQ(1)
	d.begin(r.s)
	old := make([]byte, 4)
	_, err = r.EscrowUpdate(r.s, 0, r.column("e"), []byte{3, 0, 0, 0}, old, 0)
	d.want(err, 0)
	d.expect(r.values("k", "e", "b"), "1 3 text")
	d.commit(r.s)
	d.rollback(s)
	d.expect(r.values("k", "e", "b"), "1 3 text")
}

// TestDroppedEscrow adds to a number in a record inserted by a session that still sees the column, which another session
// has dropped.
func TestDroppedEscrow(t *testing.T) {
	d := newDesk(t)
	d.table("t", []string{"k long", "b text", "e long escrow"}, "p:+k primary")
	r := d.open(d.s, "t")
	d.begin(r.s)
	d.want(r.GetLock(r.s, jet.BitReadLock), jet.ErrNoCurrentRecord) // the snapshot is from before
	s := d.session()
	d.want(d.open(s, "t").DeleteColumn(s, "e", 0), 0)
	d.want(r.insert("k", 1, "b", "text"), 0)
	r.seekEQ(1)
	_, err := r.EscrowUpdate(r.s, 0, r.column("e"), []byte{3, 0, 0, 0}, nil, 0)
	d.want(err, 0)
	d.expect(r.values("k", "e", "b"), "1 3 text")
	d.commit(r.s)
	d.expect(r.values("k", "b"), "1 text")
}
