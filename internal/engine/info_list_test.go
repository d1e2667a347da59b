package engine

import (
	"testing"

	"esent/internal/jet"
)

// Lists of names that are different for the catalog, and alike or without any order as Unicode text.
func TestListsOfAnyNames(t *testing.T) {
	d := newDesk(t)
	r := d.create("t")
	names := map[string]bool{}
	for c := 1; c < 256; c++ {
		name := "a" + string([]byte{byte(c)})
		_, _, err := r.AddColumn(r.s, &ColumnDef{Name: name, Type: jet.ColtypLong, Grbit: jet.BitColumnTagged})
		if err == nil {
			names[name] = true
		} else if code := jet.CodeOf(err); code != jet.ErrInvalidName && code != jet.ErrColumnDuplicate {
			t.Errorf("column %q: %v", name, err)
		}
	}
	if len(names) < 150 {
		t.Fatalf("only %d names", len(names))
	}
	for _, wide := range []bool{false, true} {
		l, err := r.ColumnList(r.s, jet.ColInfoList, wide)
		d.want(err, 0)
		if int(l.Records) != len(names) {
			t.Errorf("wide %t: %d of %d columns", wide, l.Records, len(names))
		}
		seen := map[string]bool{}
		for err = nil; err == nil; err = l.Cursor.Move(r.s, 1, 0) {
			var buf [8]byte
			get := Retrieval{Column: l.ColumnName, Buf: buf[:], Itag: 1}
			_, err := l.Cursor.RetrieveColumn(r.s, &get)
			d.want(err, 0)
			seen[string(buf[:get.Actual])] = true
		}
		if len(seen) != len(names) {
			t.Errorf("wide %t: %d names listed", wide, len(seen))
		}
		d.want(l.Cursor.Close(r.s, 0), 0)
	}
}
