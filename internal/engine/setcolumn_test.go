package engine

import (
	"testing"

	"esent/internal/jet"
)

// JET_bitSetSizeLV is for long columns. Others need their data, and are set as without it.
func TestSetSizeOfShortColumns(t *testing.T) {
	d := newDesk(t)
	d.table("t", []string{"id long auto", "f long", "v text", "m text tagged", "l longtext"})
	r := d.open(d.s, "t")
	d.begin(d.s)
	d.want(r.PrepareUpdate(r.s, jet.PrepInsert), 0)
	for _, c := range []struct {
		column string
		data   string // "" for none
		size   int
		want   jet.Err
		value  string
	}{
		{"f", "", 4, jet.ErrInvalidParameter, "NULL"},
		{"f", "", 2015, jet.ErrInvalidParameter, "NULL"},
		{"f", "\x07\x00\x00\x00", 4, 0, "7"},
		{"f", "", 0, 0, "NULL"},
		{"id", "", 4, jet.ErrInvalidColumnType, "1"},
		{"v", "", 3, jet.ErrInvalidParameter, "NULL"},
		{"v", "abc", 3, 0, "abc"},
		{"m", "", 3, jet.ErrInvalidParameter, "NULL"},
		{"m", "abc", 3, 0, "abc"},
		{"l", "", 3, 0, "\x00\x00\x00"},
		{"l", "abc", 2, 0, "\x00\x00"},
	} {
		set := Setting{Column: r.column(c.column), Size: c.size, Itag: 1, Grbit: jet.BitSetSizeLV}
		if c.data != "" {
			set.Data = []byte(c.data)
		}
		if _, err := r.SetColumn(r.s, 0, &set); jet.CodeOf(err) != c.want {
			t.Errorf("%s, %d bytes, data %q: %v, want %v", c.column, c.size, c.data, err, c.want)
		}
		if got := r.value(c.column, jet.BitRetrieveCopy); got != c.value {
			t.Errorf("%s, %d bytes, data %q: %q, want %q", c.column, c.size, c.data, got, c.value)
		}
	}
	d.rollback(d.s)
}
