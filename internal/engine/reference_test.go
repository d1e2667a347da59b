package engine

import (
	"bytes"
	"testing"

	"esent/internal/jet"
)

// TestReferences reads long values by references, until the records have others.
func TestReferences(t *testing.T) {
	d := newDesk(t)
	d.table("t", []string{"k long", "l longbinary", "small longbinary"}, "p:+k primary", "x:-k")
	r := d.open(d.s, "t")
	value := bytes.Repeat([]byte("reference"), 1000)
	d.begin(d.s)
	d.want(r.insert("k", 1, "l", string(value), "small", "abc"), 0)
	d.commit(d.s)
	get := func(name string, buf []byte) *Retrieval {
		q := &Retrieval{Column: r.column(name), Itag: 1, Buf: buf, Grbit: jet.BitRetrieveAsRefIfNotInRecord}
		_, err := r.RetrieveColumn(d.s, q)
		d.want(err, 0)
		return q
	}
	r.index("x")
	d.want(r.Move(d.s, MoveFirst, 0), 0)
	if q := get("small", make([]byte, 10)); q.Err != 0 || q.Actual != 3 {
		t.Errorf("a value in the record: %v, %d bytes", q.Err, q.Actual)
	}
	if q := get("l", make([]byte, 10)); q.Err != jet.WrnBufferTruncated || q.Actual < 30 {
		t.Errorf("little room: %v, %d bytes", q.Err, q.Actual)
	}
	q := get("l", make([]byte, 500))
	if q.Err != jet.WrnColumnReference {
		t.Fatalf("result %v", q.Err)
	}
	ref := q.Buf[:q.Actual]
	d.want(r.Move(d.s, MoveLast, 0), 0)
	buf := make([]byte, len(value))
	n, warn, err := r.RetrieveByReference(d.s, ref, 5, buf, 0)
	if err != nil || warn != 0 || int(n) != len(value)-5 || !bytes.Equal(buf[:n], value[5:]) {
		t.Errorf("read: %d bytes, %v, %v", n, warn, err)
	}
	if n, warn, err = r.RetrieveByReference(d.s, ref, 0, buf[:7], 0); err != nil || warn != jet.WrnBufferTruncated || int(n) != len(value) {
		t.Errorf("the beginning: %d bytes, %v, %v", n, warn, err)
	}
	if n, err := r.PrereadByReference(d.s, [][]byte{ref, ref}, 0, 10, 0); n != 2 || err != nil {
		t.Errorf("read ahead %d: %v", n, err)
	}
	for name, wrong := range map[string][]byte{"nothing": nil, "cut": ref[:len(ref)-1], "format": append([]byte{9}, ref[1:]...)} {
		if _, _, err := r.RetrieveByReference(d.s, wrong, 0, buf, 0); jet.CodeOf(err) != jet.ErrInvalidColumnReference {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, _, err = r.RetrieveByReference(d.s, ref, 0, buf, jet.BitRetrieveCopy)
	d.want(err, jet.ErrInvalidGrbit)
	d.begin(d.s)
	d.want(r.replace("l", "another"), 0)
	_, _, err = r.RetrieveByReference(d.s, ref, 0, buf, 0)
	d.want(err, jet.ErrStaleColumnReference)
	d.rollback(d.s)
	_, _, err = r.RetrieveByReference(d.s, ref, 0, buf, 0)
	d.want(err, 0)
	d.want(r.Move(d.s, MoveFirst, 0), 0)
	d.want(r.Delete(d.s, 0), 0)
	_, _, err = r.RetrieveByReference(d.s, ref, 0, buf, 0)
	d.want(err, jet.ErrStaleColumnReference)
}
