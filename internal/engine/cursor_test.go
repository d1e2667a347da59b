package engine

import (
	"testing"

	"esent/internal/jet"
)

func TestCursorBasics(t *testing.T) {
	d := newDesk(t)
	d.table("t", []string{"id long", "g long", "x text"}, "pk:+id primary", "ig:+g", "ix:+x unique ignorenull")
	r := d.open(d.s, "t")
	d.expect(r.scan("id"), "")
	for k := range 9 {
		d.want(r.insert("id", k+1, "g", (k+1)%4, "x", string(rune('z'-k))), 0)
	}
	d.want(r.insert("id", 20), 0)
	d.want(r.insert("id", 20), jet.ErrKeyDuplicate)
	d.want(r.insert("id", 21, "x", "z"), jet.ErrKeyDuplicate)
	d.expect(r.scan("id", "g", "x"), "1 1 z/2 2 y/3 3 x/4 0 w/5 1 v/6 2 u/7 3 t/8 0 s/9 1 r/20 NULL NULL")
	r.index("ig")
	d.expect(r.scan("id"), "20/4/8/1/5/9/2/6/3/7")
	r.index("ix")
	d.expect(r.scan("x"), "r/s/t/u/v/w/x/y/z")
	r.seekEQ("v")
	d.expect(r.values("id", "g"), "5 1")
	d.want(r.replace("g", 7, "x", nil), 0)
	d.expect(r.values("id", "g"), "5 7")
	d.want(r.Move(r.s, 1, 0), 0)
	d.expect(r.value("x"), "w")
	r.index("ig")
	r.seekEQ(7)
	d.expect(r.values("id", "x"), "5 NULL")
	d.want(r.Delete(r.s, 0), 0)
	d.expect(r.value("id"), "err(-1017)")
	d.want(r.Move(r.s, 1, 0), jet.ErrNoCurrentRecord)
	d.want(r.Move(r.s, -1, 0), 0)
	d.expect(r.value("id"), "7")
	d.want(d.i.Term(0), 0)
}
