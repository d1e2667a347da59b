package engine

import (
	"fmt"
	"strings"
	"testing"

	"esent/internal/engine/check"
	"esent/internal/jet"
)

// longDesk is a desk with a table of long values.
func longDesk(t *testing.T) (*desk, *row) {
	d := newDesk(t)
	d.table("t", []string{"id long", "l longbinary", "x longbinary multi"}, "pk:+id primary", "il:+l ignorenull")
	return d, d.open(d.s, "t")
}

// setLong sets a part of l.
func (r *row) setLong(data string, grbit jet.Grbit, offset int) {
	r.d.t.Helper()
	set := Setting{Column: r.column("l"), Data: []byte(data), Size: len(data), Itag: 1, Grbit: grbit, Offset: uint32(offset)}
	_, err := r.SetColumn(r.s, 0, &set)
	r.d.want(err, 0)
}

// long reads l, run-length encoded: "a10 b3".
func (r *row) long(grbit jet.Grbit) string {
	r.d.t.Helper()
	get := Retrieval{Column: r.column("l"), Buf: make([]byte, 50000), Itag: 1, Grbit: grbit}
	warn, err := r.RetrieveColumn(r.s, &get)
	r.d.want(err, 0)
	if warn != 0 {
		return "NULL"
	}
	var b strings.Builder
	for s := string(get.Buf[:get.Actual]); s != ""; {
		rest := strings.TrimLeft(s, s[:1])
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprint(&b, s[:1], len(s)-len(rest))
		s = rest
	}
	return b.String()
}

// judge ends the instance and has the database checked, the reference counts of long values among it.
func (d *desk) judge() {
	d.t.Helper()
	d.want(d.i.Term(0), 0)
	r, err := check.File(d.sim.Env(), "/db/x.edb", check.Options{})
	d.want(err, 0)
	for _, v := range r.Violations {
		d.t.Error(v)
	}
}

func of(c string, n int) string { return strings.Repeat(c, n) }

// A level that is rolled back takes with it what was done to long values in an update that began outside.
func TestLongValueLevels(t *testing.T) {
	d, r := longDesk(t)
	s := r.s
	d.begin(s)
	d.want(r.PrepareUpdate(s, jet.PrepInsert), 0)
	d.want(r.set("id", 1), 0)
	r.setLong(of("a", 5000), 0, 0)
	d.begin(s)
	r.setLong(of("b", 4000), jet.BitSetAppendLV, 0)
	d.begin(s)
	r.setLong(of("c", 100), jet.BitSetOverwriteLV, 10)
	d.expect(r.long(jet.BitRetrieveCopy), "a10 c100 a4890 b4000")
	d.rollback(s)
	d.expect(r.long(jet.BitRetrieveCopy), "a5000 b4000")
	d.rollback(s)
	d.expect(r.long(jet.BitRetrieveCopy), "a5000")
	d.begin(s)
	r.setLong(of("d", 2000), 0, 0)
	d.commit(s)
	d.expect(r.long(jet.BitRetrieveCopy), "d2000")
	_, err := r.Update(s, 0, nil, 0)
	d.want(err, 0)
	d.commit(s)
	r.seekEQ(1)
	d.expect(r.long(0), "d2000")

	// Prepared inside, it goes with the level.
	d.begin(s)
	d.begin(s)
	d.want(r.PrepareUpdate(s, jet.PrepReplace), 0)
	r.setLong(of("e", 3000), 0, 0)
	d.rollback(s)
	_, err = r.Update(s, 0, nil, 0)
	d.want(err, jet.ErrUpdateNotPrepared)
	d.rollback(s)
	r.seekEQ(1)
	d.expect(r.long(0), "d2000")

	// It does not survive the transaction; one without long values does.
	d.begin(s)
	d.want(r.PrepareUpdate(s, jet.PrepReplace), 0)
	r.setLong(of("f", 3000), 0, 0)
	d.commit(s)
	_, err = r.Update(s, 0, nil, 0)
	d.want(err, jet.ErrUpdateNotPrepared)
	d.expect(r.long(0), "d2000")
	d.begin(s)
	d.want(r.PrepareUpdate(s, jet.PrepInsert), 0)
	d.want(r.set("id", 2), 0)
	d.commit(s)
	_, err = r.Update(s, 0, nil, 0)
	d.want(err, 0)
	d.judge()
}

// While an update is prepared the record is read as it was, and its cancellation undoes what it did.
func TestLongValueCancel(t *testing.T) {
	d, r := longDesk(t)
	s := r.s
	d.begin(s)
	d.want(r.insert("id", 1, "l", of("a", 5000), "x:1", of("x", 2000), "x:2", of("y", 3000)), 0)
	d.commit(s)
	r.seekEQ(1)
	for _, end := range []func(){
		func() { d.want(r.PrepareUpdate(s, jet.PrepCancel), 0) },
		func() { d.want(r.Move(s, MoveFirst, 0), 0) },
		func() { d.rollback(s); d.begin(s); r.seekEQ(1) },
	} {
		d.begin(s)
		d.want(r.PrepareUpdate(s, jet.PrepReplace), 0)
		r.setLong(of("b", 1000), jet.BitSetAppendLV, 0)
		r.setLong(of("c", 10), jet.BitSetOverwriteLV, 4090)
		d.want(r.set("x:1", nil), 0)
		d.expect(r.long(jet.BitRetrieveCopy), "a4090 c10 a900 b1000")
		d.expect(r.long(0), "a5000")
		end()
		d.expect(r.long(0), "a5000")
		if s.trx.Level() > 0 {
			d.commit(s)
		}
	}
	// Another cursor of the session sees the value change at once in its tree, and with the record only at the update.
	d.begin(s)
	d.want(r.PrepareUpdate(s, jet.PrepReplace), 0)
	r.setLong(of("b", 1000), jet.BitSetAppendLV, 0)
	_, err := r.Update(s, 0, nil, 0)
	d.want(err, 0)
	o := d.open(d.session(), "t")
	o.seekEQ(1)
	d.expect(o.long(0), "a5000")
	o.index("il")
	d.want(o.Move(o.s, MoveFirst, 0), 0)
	d.expect(o.long(0), "a5000")
	d.commit(s)
	d.expect(o.long(0), "a5000 b1000")
	d.judge()
}

// Copies share long values until one of them changes.
func TestLongValueCopies(t *testing.T) {
	d, r := longDesk(t)
	s := r.s
	d.begin(s)
	d.want(r.insert("id", 1, "l", of("a", 5000)), 0)
	for id := 2; id < 5; id++ {
		r.seekEQ(1)
		d.want(r.PrepareUpdate(s, jet.PrepInsertCopy), 0)
		d.want(r.set("id", id), 0)
		switch id {
		case 3:
			r.setLong(of("b", 10), jet.BitSetAppendLV, 0)
		case 4:
			d.want(r.PrepareUpdate(s, jet.PrepCancel), 0)
			continue
		}
		_, err := r.Update(s, 0, nil, 0)
		d.want(err, 0)
	}
	r.seekEQ(2)
	d.want(r.PrepareUpdate(s, jet.PrepInsertCopyDeleteOriginal), 0)
	d.want(r.set("id", 7), 0)
	r.setLong(of("z", 1), jet.BitSetOverwriteLV, 0)
	_, err := r.Update(s, 0, nil, 0)
	d.want(err, 0)
	d.commit(s)
	d.expect(r.scan("id"), "1/3/7")
	for id, want := range map[int]string{1: "a5000", 3: "a5000 b10", 7: "z1 a4999"} {
		r.seekEQ(id)
		d.expect(r.long(0), want)
	}
	r.index("il")
	d.expect(r.scan("id"), "1/3/7")
	r.index("pk")
	d.begin(s)
	r.seekEQ(1)
	d.want(r.Delete(s, 0), 0)
	d.commit(s)
	r.seekEQ(3)
	d.expect(r.long(0), "a5000 b10")
	d.judge()
}
