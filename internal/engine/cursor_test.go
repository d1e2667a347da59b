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

func TestIntersect(t *testing.T) {
	d := newDesk(t)
	d.table("t", []string{"id long", "a long", "b long"}, "pk:+id primary", "ia:+a", "ib:+b unique")
	w := d.open(d.s, "t")
	for k := range 30 {
		d.want(w.insert("id", k+1, "a", (k+1)%2, "b", (k*7)%30), 0)
	}
	r, u := d.open(d.s, "t"), d.open(d.s, "t")
	r.index("ia")
	u.index("ib")
	cut := func(low, high, a int) string {
		t.Helper()
		_, err := u.seek(jet.BitSeekGE, low)
		d.want(err, 0)
		d.want(u.MakeKey(u.s, u.bytesOf(u.column("b"), high), jet.BitNewKey), 0)
		d.want(u.SetIndexRange(u.s, jet.BitRangeUpperLimit|jet.BitRangeInclusive), 0)
		_, err = r.seek(jet.BitSeekEQ|jet.BitSetIndexRange, a)
		d.want(err, 0)
		c, id, n, err := d.s.IntersectIndexes(0, []IndexRange{{Cursor: r.Cursor, Grbit: jet.BitRecordInIndex}, {Cursor: u.Cursor, Grbit: jet.BitRecordInIndex}})
		d.want(err, 0)
		list := ""
		for err = c.Move(d.s, MoveFirst, 0); err == nil; err = c.Move(d.s, 1, 0) {
			var buf [100]byte
			get := Retrieval{Column: id, Buf: buf[:], Itag: 1}
			_, err := c.RetrieveColumn(d.s, &get)
			d.want(err, 0)
			d.want(w.GotoBookmark(d.s, buf[:get.Actual]), 0)
			list += w.value("id") + " "
			n--
		}
		d.want(err, jet.ErrNoCurrentRecord)
		if n != 0 {
			t.Errorf("%d rows are missing", n)
		}
		d.want(c.Close(d.s, 0), 0)
		return list
	}
	d.expect(cut(0, 29, 1), "1 3 5 7 9 11 13 15 17 19 21 23 25 27 29 ")
	d.expect(cut(7, 14, 0), "2 20 24 28 ")
	_, _, _, err := d.s.IntersectIndexes(0, []IndexRange{{Cursor: r.Cursor, Grbit: jet.BitRecordInIndex}})
	d.want(err, jet.ErrNoCurrentRecord)
	_, _, _, err = d.s.IntersectIndexes(0, []IndexRange{{Cursor: r.Cursor, Grbit: 2}})
	d.want(err, jet.ErrInvalidGrbit)
	_, _, _, err = d.s.IntersectIndexes(0, []IndexRange{{Cursor: w.Cursor, Grbit: 1}})
	d.want(err, jet.ErrInvalidParameter)
}

func TestPreread(t *testing.T) {
	d := newDesk(t)
	d.table("t", []string{"id long", "a long", "l longbinary"}, "pk:+id primary", "ia:+a")
	r := d.open(d.s, "t")
	d.begin(d.s)
	for k := range 2000 {
		d.want(r.insert("id", k, "a", k/2), 0)
	}
	d.commit(d.s)
	k := func(n byte) []byte { return []byte{0x7f, 0x80, 0, 0, n} }
	check := func(want int, code jet.Err, n int, err error) {
		t.Helper()
		d.want(err, code)
		if n != want {
			t.Errorf("%d of %d read ahead", n, want)
		}
	}
	for _, x := range []struct {
		keys  [][]byte
		grbit jet.Grbit
		code  jet.Err
	}{
		{[][]byte{k(1), k(1), k(5)}, jet.BitPrereadForward, 0},
		{[][]byte{k(5), k(1)}, jet.BitPrereadBackward, 0},
		{[][]byte{k(5), k(1)}, jet.BitPrereadForward, jet.ErrInvalidParameter},
		{[][]byte{k(1), k(5)}, 3, jet.ErrInvalidGrbit},
		{nil, jet.BitPrereadForward, jet.ErrInvalidParameter},
		{[][]byte{nil}, jet.BitPrereadForward, jet.ErrInvalidParameter},
		{[][]byte{{}}, jet.BitPrereadForward, jet.ErrInvalidBufferSize},
		{[][]byte{make([]byte, 6)}, jet.BitPrereadForward, jet.ErrInvalidBufferSize},
	} {
		n, err := r.PrereadKeys(d.s, x.keys, x.grbit)
		want := 0
		if x.code == 0 {
			want = len(x.keys)
		}
		check(want, x.code, n, err)
	}
	part := func(a, b int) PrereadRange {
		id := r.column("id")
		return PrereadRange{Start: []FilterColumn{{Column: id, Data: r.bytesOf(id, a)}}, End: []FilterColumn{{Column: id, Data: r.bytesOf(id, b)}}}
	}
	long := []jet.ColumnID{r.column("l")}
	for _, x := range []struct {
		ranges  []PrereadRange
		columns []jet.ColumnID
		ordered bool
		grbit   jet.Grbit
		code    jet.Err
	}{
		{[]PrereadRange{part(1, 5), part(7, 7)}, long, true, jet.BitPrereadForward, 0},
		{[]PrereadRange{part(7, 9), part(1, 5)}, long, true, jet.BitPrereadForward, jet.ErrInvalidParameter},
		{[]PrereadRange{part(7, 9), part(1, 5)}, long, false, jet.BitPrereadForward, 0},
		{[]PrereadRange{part(7, 9), part(1, 8)}, long, false, jet.BitPrereadForward, jet.ErrInvalidParameter},
		{[]PrereadRange{part(9, 7), part(5, 1)}, long, true, jet.BitPrereadBackward, 0},
		{[]PrereadRange{part(9, 7)}, long, true, jet.BitPrereadForward, jet.ErrInvalidParameter},
		{[]PrereadRange{part(1, 5)}, long[:0], true, 0, jet.ErrInvalidGrbit},
		{[]PrereadRange{part(1, 5)}, []jet.ColumnID{1}, true, jet.BitPrereadForward, jet.ErrMustBeSeparateLongValue},
		{[]PrereadRange{{Start: part(1, 5).Start}}, nil, true, jet.BitPrereadForward, 0},
	} {
		n, err := r.PrereadIndexRanges(d.s, x.ranges, x.columns, x.ordered, x.grbit)
		want := 0
		if x.code == 0 {
			want = len(x.ranges)
		}
		check(want, x.code, n, err)
	}
	r.index("ia")
	_, err := r.PrereadIndexRanges(d.s, []PrereadRange{part(1, 5)}, long, true, jet.BitPrereadForward)
	d.want(err, jet.ErrInvalidPreread)
}
