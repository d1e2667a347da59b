package engine

import (
	"encoding/binary"
	"testing"
)

// Records go when a number comes to 0 and stays there: not before that is committed, nor while a snapshot sees it
// otherwise, nor when it has been changed again.
func TestDeleteOnZero(t *testing.T) {
	d := newDesk(t)
	d.table("t", []string{"id long", "z long escrow zero", "e long escrow", "g long"}, "pk:+id primary", "ig:+g")
	r := d.open(d.s, "t")
	s2 := d.session()
	u := d.open(s2, "t")
	add := func(r *row, s *Session, id int, name string, n int32) {
		t.Helper()
		r.seekEQ(id)
		_, err := r.Cursor.EscrowUpdate(s, 0, r.column(name), binary.LittleEndian.AppendUint32(nil, uint32(n)), nil, 0)
		d.want(err, 0)
	}
	idle := func() {
		t.Helper()
		_, err := d.s.Idle(0, 0)
		d.want(err, 0)
	}
	d.begin(d.s)
	for id := range 5 {
		d.want(r.insert("id", id, "z", 2, "g", 10-id), 0)
	}
	d.commit(d.s)

	d.begin(d.s)
	add(r, d.s, 0, "z", -2)
	add(r, d.s, 0, "z", 1) // not 0 in the end
	add(r, d.s, 1, "z", -2)
	add(r, d.s, 2, "z", -2)
	add(r, d.s, 3, "e", 0) // a column that asks for nothing
	d.rollback(d.s)
	idle()
	d.expect(r.scan("id"), "0/1/2/3/4")

	d.begin(s2) // sees the numbers as they are before
	d.begin(d.s)
	add(r, d.s, 0, "z", -2)
	add(r, d.s, 0, "z", 1)
	add(r, d.s, 1, "z", -2)
	add(r, d.s, 2, "z", -1)
	add(r, d.s, 2, "z", -1)
	d.commit(d.s)
	idle()
	d.expect(r.scan("id"), "0/1/2/3/4")
	d.expect(u.scan("id", "z"), "0 2/1 2/2 2/3 2/4 2")
	d.commit(s2)
	idle()
	d.expect(r.scan("id", "z"), "0 1/3 2/4 2")
	r.index("ig")
	d.expect(r.scan("id"), "4/3/0")

	// A database that is detached has none left.
	r.index("")
	d.begin(d.s)
	add(r, d.s, 4, "z", -2)
	d.commit(d.s)
	d.want(d.s.CloseDatabase(0, d.db), 0)
	d.want(s2.CloseDatabase(0, d.db), 0)
	d.want(d.s.DetachDatabase(0, "/db/x.edb", 0), 0)
	_, err := d.s.AttachDatabase(0, "/db/x.edb", 0, 0)
	d.want(err, 0)
	d.db, err = d.s.OpenDatabase(0, "/db/x.edb", 0)
	d.want(err, 0)
	d.expect(d.open(d.s, "t").scan("id"), "0/3")
}
