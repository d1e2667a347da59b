package engine

import (
	"fmt"
	"strings"
	"testing"

	"esent/internal/jet"
)

// temp opens a temporary table with a Long key column and a Text column.
func (d *desk) temp(grbit jet.Grbit, more ...ColumnDef) (*row, []ColumnDef) {
	d.t.Helper()
	def := TempTableDef{Grbit: grbit, Columns: append([]ColumnDef{{Type: jet.ColtypLong, Grbit: jet.BitColumnTTKey}, {Type: jet.ColtypText}}, more...)}
	c, err := d.s.OpenTempTable(0, &def)
	d.want(err, 0)
	return &row{Cursor: c, d: d, s: d.s}, def.Columns
}

// put inserts a record into a temporary table.
func (r *row) put(columns []ColumnDef, id int, text string) error {
	r.d.t.Helper()
	if err := r.PrepareUpdate(r.s, jet.PrepInsert); err != nil {
		return err
	}
	for i, v := range [][]byte{{byte(id), byte(id >> 8), 0, 0}, []byte(text)} {
		if _, err := r.SetColumn(r.s, 0, &Setting{Column: columns[i].ID, Data: v, Size: len(v), Itag: 1}); err != nil {
			return err
		}
	}
	_, err := r.Update(r.s, 0, nil, 0)
	if err != nil {
		r.d.want(r.PrepareUpdate(r.s, jet.PrepCancel), 0)
	}
	return err
}

// tempRows gives the records from the first on.
func (r *row) tempRows(columns []ColumnDef) string {
	var list []string
	for err := r.Move(r.s, MoveFirst, 0); err == nil; err = r.Move(r.s, 1, 0) {
		list = append(list, r.byID(columns[0].ID, jet.ColtypLong)+r.byID(columns[1].ID, jet.ColtypText))
	}
	return strings.Join(list, " ")
}

func TestTemporaryTables(t *testing.T) {
	const (
		all   = jet.BitTTIndexed | jet.BitTTUnique | jet.BitTTUpdatable | jet.BitTTScrollable
		illeg = int32(-1312)
	)
	d := newDesk(t)
	for _, c := range []struct {
		name  string
		grbit jet.Grbit
		rows  string
		// codes of: duplicate insert at first, insert after reading, seek, previous, delete
		codes [5]int32
	}{
		{"plain", 0, "1a 2a 3a", [5]int32{0, illeg, illeg, illeg, illeg}},
		{"unique", jet.BitTTUnique, "1a 2a 3a", [5]int32{0, illeg, illeg, illeg, illeg}},
		{"scrollable", jet.BitTTScrollable, "1a 2a 3a", [5]int32{0, illeg, 0, 0, illeg}},
		{"indexed", jet.BitTTIndexed, "1a 2a 3a", [5]int32{0, illeg, 0, 0, illeg}},
		{"all", all, "1a 2a 3a", [5]int32{0, 0, 0, 0, 0}},
		{"materialised", jet.BitTTForceMaterialization, "1a 2a 3a", [5]int32{-1605, 0, 0, 0, 0}},
		{"forward", jet.BitTTForwardOnly, "1a 2a 2b 3a", [5]int32{0, illeg, illeg, illeg, illeg}},
		{"forward unique", jet.BitTTForwardOnly | jet.BitTTUnique, "1a 2a 3a", [5]int32{0, illeg, illeg, illeg, illeg}},
	} {
		r, cols := d.temp(c.grbit)
		d.want(r.put(cols, 3, "a"), 0)
		d.want(r.put(cols, 1, "a"), 0)
		d.want(r.put(cols, 2, "a"), 0)
		got := [5]int32{int32(jet.CodeOf(r.put(cols, 2, "b")))}
		if rows := r.tempRows(cols); rows != c.rows {
			t.Errorf("%s: %s", c.name, rows)
		}
		got[1] = int32(jet.CodeOf(r.put(cols, 9, "z")))
		if err := r.MakeKey(r.s, []byte{2, 0, 0, 0}, jet.BitNewKey); err == nil {
			_, err := r.Seek(r.s, jet.BitSeekEQ)
			got[2] = int32(jet.CodeOf(err))
		} else if c.grbit&jet.BitTTForwardOnly != 0 {
			got[2] = illeg
		}
		r.Move(r.s, MoveLast, 0)
		got[3] = int32(jet.CodeOf(r.Move(r.s, -1, 0)))
		got[4] = int32(jet.CodeOf(r.Delete(r.s, 0)))
		if got != c.codes {
			t.Errorf("%s: codes %v, want %v", c.name, got, c.codes)
		}
		_, err := r.IndexRecordCount(r.s, 0)
		d.want(err, jet.ErrIllegalOperation)
		d.want(r.Close(d.s, 0), 0)
	}
	_, err := d.s.OpenTempTable(0, &TempTableDef{Grbit: jet.BitTTForwardOnly | jet.BitTTIndexed})
	d.want(err, jet.ErrCannotMaterializeForwardOnlySort)
	_, err = d.s.OpenTempTable(0, &TempTableDef{Columns: []ColumnDef{{Type: 13}}})
	d.want(err, jet.ErrInvalidColumnType)
	_, err = d.s.OpenTempTable(0, &TempTableDef{KeyMost: 254})
	d.want(err, jet.ErrInvalidParameter)
	d.want(d.i.Term(0), 0)
}

func TestTemporaryTableSteps(t *testing.T) {
	d := newDesk(t)
	r, _ := d.temp(jet.BitTTScrollable)
	d.want(r.Move(r.s, 1, 0), jet.ErrNoCurrentRecord)
	r, cols := d.temp(jet.BitTTScrollable)
	for k := range 5 {
		d.want(r.put(cols, 9-k, "x"), 0)
	}
	_, err := r.RetrieveColumn(r.s, &Retrieval{Column: cols[0].ID, Itag: 1})
	d.want(err, jet.ErrIllegalOperation)
	_, err = r.Dup(r.s)
	d.want(err, jet.ErrIllegalOperation)
	d.want(r.Move(r.s, 1, 0), 0) // the first record
	d.expect(r.byID(cols[0].ID, jet.ColtypLong), "5")
	info, err := r.TableInfo(r.s)
	d.want(err, 0)
	d.expect(fmt.Sprint(info.Object.Records), "5")
	c, err := r.Dup(r.s)
	d.want(err, 0)
	dup := &row{Cursor: c, d: d, s: d.s}
	d.expect(dup.byID(cols[0].ID, jet.ColtypLong), "5")
	d.want(dup.MakeKey(d.s, []byte{6, 0, 0, 0}, jet.BitNewKey), 0)
	warn, err := dup.Seek(d.s, jet.BitSeekGE)
	d.want(err, 0)
	if warn != 0 {
		t.Error(warn)
	}
	d.want(r.Close(d.s, 0), 0)
	d.expect(dup.tempRows(cols), "5x 6x 7x 8x 9x")
	d.want(dup.Close(d.s, 0), 0)
	d.want(d.i.Term(0), 0)
}

func TestTemporaryTableRollback(t *testing.T) {
	d := newDesk(t)
	r, cols := d.temp(jet.BitTTIndexed)
	m, mcols := d.temp(jet.BitTTForceMaterialization)
	d.want(m.put(mcols, 1, "x"), 0)
	d.begin(d.s)
	d.want(r.put(cols, 1, "x"), 0)
	d.want(m.put(mcols, 2, "x"), 0)
	inner, _ := d.temp(0)
	d.rollback(d.s)
	d.expect(r.tempRows(cols), "1x")
	d.expect(m.tempRows(mcols), "1x")
	d.want(inner.Move(d.s, 1, 0), jet.ErrInvalidTableId)
	d.want(r.Close(d.s, 0), 0)
	d.want(m.Close(d.s, 0), 0)
	if n := d.i.tempTables.Load(); n != 0 {
		t.Errorf("%d temporary tables left", n)
	}
	d.want(d.i.Term(0), 0)
}

func TestTemporaryTableLimit(t *testing.T) {
	d := newDeskWith(t, map[jet.ParamID]int64{jet.ParamMaxTemporaryTables: 2})
	d.temp(0)
	r, _ := d.temp(0)
	_, err := d.s.OpenTempTable(0, &TempTableDef{Columns: []ColumnDef{{Type: jet.ColtypLong, Grbit: jet.BitColumnTTKey}}})
	d.want(err, jet.ErrTooManySorts)
	d.want(r.Close(d.s, 0), 0)
	d.temp(0)
	d.want(d.i.Term(0), 0)
}

func TestLargeSort(t *testing.T) {
	d := newDesk(t)
	const n = 30000
	r, cols := d.temp(jet.BitTTIndexed)
	r.temp.sorter.Close()
	r.temp.sorter = d.i.newSorter(100000, duplicatesOf(0))
	for k := range n {
		d.want(r.put(cols, k*7919%n, "text"), 0)
	}
	last, count := -1, 0
	for err := r.Move(r.s, MoveFirst, 0); err == nil; err = r.Move(r.s, 1, 0) {
		var v int
		fmt.Sscan(r.byID(cols[0].ID, jet.ColtypLong), &v)
		if v <= last {
			t.Fatalf("%d after %d", v, last)
		}
		last = v
		count++
	}
	if count != n {
		t.Fatalf("%d records", count)
	}
	d.want(r.Close(d.s, 0), 0)
	d.want(d.i.Term(0), 0)
}
