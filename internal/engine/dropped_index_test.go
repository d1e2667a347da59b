package engine

import (
	"testing"

	"esent/internal/jet"
)

// TestColumnOfDroppedIndex drops a column of an index whose own drop is not committed, and may be rolled back.
func TestColumnOfDroppedIndex(t *testing.T) {
	d := newDesk(t)
	d.table("t", []string{"k long", "n long"}, "p:+k primary", "x:+n")
	r := d.open(d.s, "t")
	d.want(r.insert("k", 1, "n", 2), 0)
	s := d.session()
	other := d.open(s, "t")
	d.begin(s)
	d.want(other.DeleteIndex(s, "x"), 0)
	d.want(r.DeleteColumn(r.s, "n", 0), jet.ErrColumnInUse)
	d.want(other.DeleteColumn(s, "n", 0), 0)
	d.rollback(s)
	r.index("x")
	d.expect(r.scan("k", "n"), "1 2")
	r.index("")
	d.want(other.DeleteIndex(s, "x"), 0)
	d.want(r.DeleteColumn(r.s, "n", 0), 0)
}
