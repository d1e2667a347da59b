package engine

import (
	"fmt"
	"strings"
	"testing"

	"esent/internal/jet"
)

// create creates a table and gives the cursor that has it alone.
func (d *desk) create(name string) *row {
	d.t.Helper()
	c, err := d.s.CreateTable(0, d.db, name, 0, 0)
	d.want(err, 0)
	return &row{Cursor: c, d: d, s: d.s}
}

// add adds a column and gives its id, or the code.
func (r *row) add(name string, typ uint32, more ...func(*ColumnDef)) string {
	def := ColumnDef{Name: name, Type: typ}
	for _, f := range more {
		f(&def)
	}
	id, warn, err := r.AddColumn(r.s, &def)
	if err != nil {
		return fmt.Sprint(int32(jet.CodeOf(err)))
	}
	if warn != 0 {
		return fmt.Sprintf("%d warning %d", id, warn)
	}
	return fmt.Sprint(id)
}

func flags(g jet.Grbit) func(*ColumnDef)  { return func(d *ColumnDef) { d.Grbit = g } }
func most(n uint32) func(*ColumnDef)      { return func(d *ColumnDef) { d.Max = n } }
func codePage(cp uint16) func(*ColumnDef) { return func(d *ColumnDef) { d.CodePage = cp } }
func defaults(v ...byte) func(*ColumnDef) { return func(d *ColumnDef) { d.Default = v } }

// keyText writes "+a-b" as JetCreateIndex wants it.
func keyText(s string) []byte {
	var b []byte
	for _, item := range strings.FieldsFunc(strings.NewReplacer("+", " +", "-", " -").Replace(s), func(r rune) bool { return r == ' ' }) {
		b = append(append(b, item...), 0)
	}
	return append(b, 0)
}

// createIndex makes an index and gives the code.
func (r *row) makeIndex(name, text string, grbit jet.Grbit, more ...func(*IndexDef)) string {
	def := IndexDef{Name: name, Key: keyText(text), Grbit: grbit}
	for _, f := range more {
		f(&def)
	}
	return fmt.Sprint(int32(jet.CodeOf(r.CreateIndex(r.s, []IndexDef{def}))))
}

func TestColumnDefinitions(t *testing.T) {
	d := newDesk(t)
	r := d.create("t")
	for _, c := range []struct {
		name string
		typ  uint32
		more []func(*ColumnDef)
		want string
	}{
		{"a", jet.ColtypLong, nil, "1"},
		{"A", jet.ColtypLong, nil, "-1508"},
		{"b", jet.ColtypText, []func(*ColumnDef){most(40), codePage(1200)}, "128"},
		{"c", jet.ColtypLongText, nil, "256"},
		{"", jet.ColtypLong, nil, "-1002"},
		{"x", 13, nil, "-1511"},
		{"x", 19, nil, "-1511"},
		{"x", jet.ColtypText, []func(*ColumnDef){codePage(437)}, "-1063"},
		{"x", jet.ColtypLongText, []func(*ColumnDef){flags(jet.BitColumnFixed)}, "-900"},
		{"x", jet.ColtypLong, []func(*ColumnDef){flags(jet.BitColumnMultiValued)}, "-1509"},
		{"x", jet.ColtypLong, []func(*ColumnDef){flags(jet.BitColumnCompressed)}, "-1538"},
		{"x", jet.ColtypShort, []func(*ColumnDef){flags(jet.BitColumnAutoincrement)}, "-900"},
		{"x", jet.ColtypLong, []func(*ColumnDef){flags(jet.BitColumnAutoincrement | jet.BitColumnTagged)}, "-1521"},
		{"x", jet.ColtypLong, []func(*ColumnDef){flags(jet.BitColumnEscrowUpdate)}, "-900"},
		{"x", jet.ColtypLong, []func(*ColumnDef){defaults(1, 2)}, "-1047"},
		{"x", jet.ColtypText, []func(*ColumnDef){most(2), defaults('a', 'b', 'c')}, "-1524"},
		{"x", jet.ColtypLong, []func(*ColumnDef){flags(jet.BitColumnUserDefinedDefault)}, "-900"},
		{"d", jet.ColtypText, []func(*ColumnDef){most(300)}, "129 warning 1512"},
		{"e", jet.ColtypLong, []func(*ColumnDef){flags(jet.BitColumnEscrowUpdate), defaults(3, 0, 0, 0)}, "2"},
		{"f", jet.ColtypLong, []func(*ColumnDef){flags(jet.BitColumnAutoincrement)}, "3"},
		{"g", jet.ColtypLong, []func(*ColumnDef){flags(jet.BitColumnAutoincrement)}, "-1510"},
		{"v", jet.ColtypLong, []func(*ColumnDef){flags(jet.BitColumnVersion)}, "4"},
		{"m", jet.ColtypLong, []func(*ColumnDef){flags(jet.BitColumnTagged | jet.BitColumnMultiValued)}, "257"},
	} {
		if got := r.add(c.name, c.typ, c.more...); got != c.want {
			t.Errorf("column %q of type %d: %s, want %s", c.name, c.typ, got, c.want)
		}
	}
	d.want(r.DeleteColumn(r.s, "none", 0), jet.ErrColumnNotFound)
	d.want(r.DeleteColumn(r.s, "b", 0), 0)
	d.expect(r.add("b", jet.ColtypLong), "5")
	d.want(r.RenameColumn(r.s, "a", "aa", 0), 0)
	d.want(r.RenameColumn(r.s, "aa", "c", 0), jet.ErrKeyDuplicate)
	d.want(r.insert("aa", 1), 0)
	r.Move(r.s, MoveFirst, 0)
	d.expect(r.values("aa", "e", "f", "v"), "1 3 1 0")
	list, err := r.ColumnList(r.s, jet.ColInfoList, false)
	d.want(err, 0)
	rows := &row{Cursor: list.Cursor, d: d, s: d.s}
	var names []string
	for err := rows.Move(d.s, MoveFirst, 0); err == nil; err = rows.Move(d.s, 1, 0) {
		names = append(names, rows.byID(list.ColumnName, jet.ColtypText)+"="+rows.byID(list.ColumnID, jet.ColtypLong)+"/"+rows.byID(list.Grbit, jet.ColtypLong))
	}
	d.expect(strings.Join(names, " "), "aa=1/33 b=5/33 c=256/34 d=129/32 e=2/2081 f=3/49 m=257/1058 v=4/41")
	if list.Records != 8 {
		t.Errorf("%d records", list.Records)
	}
	d.want(list.Cursor.Close(d.s, 0), 0)
	d.want(d.i.Term(0), 0)
}

// byID reads a column that has no name.
func (r *row) byID(id jet.ColumnID, typ uint8) string {
	var buf [600]byte
	get := Retrieval{Column: id, Buf: buf[:], Itag: 1}
	warn, err := r.RetrieveColumn(r.s, &get)
	switch {
	case err != nil:
		return fmt.Sprintf("err(%d)", jet.CodeOf(err))
	case warn == jet.WrnColumnNull:
		return "NULL"
	}
	b := buf[:get.Actual]
	switch typ {
	case jet.ColtypText, jet.ColtypLongBinary:
		return string(b)
	}
	var v uint64
	for i, c := range b {
		v |= uint64(c) << (8 * i)
	}
	return fmt.Sprint(v)
}

func TestIndexDefinitions(t *testing.T) {
	d := newDesk(t)
	r := d.create("t")
	r.add("a", jet.ColtypLong)
	r.add("b", jet.ColtypText)
	r.add("m", jet.ColtypLong, flags(jet.BitColumnTagged|jet.BitColumnMultiValued))
	r.add("e", jet.ColtypLong, flags(jet.BitColumnEscrowUpdate), defaults(0, 0, 0, 0))
	for _, c := range []struct {
		name, key string
		grbit     jet.Grbit
		want      string
	}{
		{"i", "+zz", 0, "-1507"},
		{"i", "+a+b", 0, "0"},
		{"I", "+a", 0, "-1403"},
		{"j", "+e", 0, "-1071"},
		{"j", "+a+a", 0, "0"},
		{"n", "+a", jet.BitIndexPrimary | jet.BitIndexIgnoreNull, "-900"},
		{"n", "+a", jet.BitIndexEmpty, "-900"},
		{"n", "+m", jet.BitIndexPrimary, "-1406"},
		{"n", "+m", jet.BitIndexCrossProduct | jet.BitIndexNestedTable, "-900"},
		{"n", "+a", jet.BitIndexTuples, "-1433"},
		{"n", "+b", jet.BitIndexTuples | jet.BitIndexUnique, "-1432"},
		{"n", "+b", jet.BitIndexTuples | jet.BitIndexPrimary, "-1430"},
		{"tup", "+b", jet.BitIndexTuples, "0"},
		{"pk", "+a", jet.BitIndexPrimary, "0"},
		{"p2", "+b", jet.BitIndexPrimary, "-1402"},
		{"n7", "+a", 0x40000000, "0"},
	} {
		if got := r.makeIndex(c.name, c.key, c.grbit); got != c.want {
			t.Errorf("index %q over %s: %s, want %s", c.name, c.key, got, c.want)
		}
	}
	for _, k := range []string{"", "a\x00\x00", "+a", "+a\x00", "+a\x00\x00x"} {
		want := jet.ErrIndexInvalidDef
		if k == "" {
			want = jet.ErrInvalidParameter
		}
		d.want(r.CreateIndex(r.s, []IndexDef{{Name: "k", Key: []byte(k)}}), want)
	}
	d.want(r.DeleteIndex(r.s, "pk"), jet.ErrIndexMustStay)
	d.want(r.DeleteIndex(r.s, "none"), jet.ErrIndexNotFound)
	d.want(r.DeleteIndex(r.s, "n7"), 0)
	d.want(r.DeleteColumn(r.s, "b", 0), jet.ErrColumnInUse)
	info, err := r.IndexInfo(r.s, "i")
	d.want(err, 0)
	d.expect(fmt.Sprintf("%q %#x %d %d %s %d", info.KeyText(), uint32(info.CreateGrbit), info.KeyMost, info.Density, info.Locale, info.LCID),
		`"+a\x00+b\x00\x00" 0x800 255 80 en-US 1033`)
	list, err := r.IndexList(r.s, "", true)
	d.want(err, 0)
	rows := &row{Cursor: list.Cursor, d: d, s: d.s}
	var names []string
	for err := rows.Move(d.s, MoveFirst, 0); err == nil; err = rows.Move(d.s, 1, 0) {
		names = append(names, strings.ReplaceAll(rows.byID(list.IndexName, jet.ColtypText), "\x00", "")+"."+rows.byID(list.ColumnNumber, jet.ColtypLong))
	}
	d.expect(strings.Join(names, " "), "i.0 i.1 j.0 j.1 pk.0 tup.0")
	d.want(d.i.Term(0), 0)
}

func TestIndexOverRecords(t *testing.T) {
	d := newDesk(t)
	r := d.create("t")
	r.add("id", jet.ColtypLong)
	r.add("g", jet.ColtypLong)
	r.add("m", jet.ColtypLong, flags(jet.BitColumnTagged|jet.BitColumnMultiValued))
	r.add("l", jet.ColtypLongText)
	d.expect(r.makeIndex("pk", "+id", jet.BitIndexPrimary), "0")
	d.begin(d.s)
	for k := range 500 {
		d.want(r.insert("id", k+1, "g", k%7, "m:0", k, "m:0", k+1000, "l", strings.Repeat(string(rune('a'+k%26)), 2000)), 0)
	}
	d.want(r.insert("id", 1000), 0)
	d.commit(d.s)
	d.expect(r.makeIndex("pk2", "+g", jet.BitIndexPrimary), "-1402")
	d.expect(r.makeIndex("ug", "+g", jet.BitIndexUnique), "-1605")
	d.want(r.SetCurrentIndex(r.s, "ug", nil, 0, 1), jet.ErrIndexNotFound)
	d.expect(r.makeIndex("dis", "+g", jet.BitIndexDisallowNull), "-1053")
	d.expect(r.makeIndex("ig", "+g-id", 0), "0")
	d.expect(r.makeIndex("im", "+m", jet.BitIndexIgnoreNull), "0")
	d.expect(r.makeIndex("il", "+l+id", 0), "0")
	r.index("ig")
	list := strings.Split(r.scan("g", "id"), "/")
	d.expect(strings.Join(list[:4], "/"), "NULL 1000/0 498/0 491/0 484")
	if len(list) != 501 {
		t.Errorf("%d entries", len(list))
	}
	r.index("im")
	if n := len(strings.Split(r.scan("id"), "/")); n != 1000 {
		t.Errorf("%d entries of values", n)
	}
	r.index("il")
	d.expect(r.scan("id")[:14], "1000/1/27/53/7")
	// The builder's own transaction.
	d.begin(d.s)
	r.index("pk")
	r.seekEQ(3)
	d.want(r.Delete(r.s, 0), 0)
	r.seekEQ(4)
	d.want(r.replace("g", 50), 0)
	d.want(r.insert("id", 2000, "g", 60), 0)
	d.expect(r.makeIndex("tx", "-g", 0), "0")
	r.index("tx")
	d.expect(r.scan("id")[:13], "2000/4/7/14/2")
	if n := len(strings.Split(r.scan("id"), "/")); n != 501 {
		t.Errorf("%d entries in the transaction", n)
	}
	d.rollback(d.s)
	d.want(r.SetCurrentIndex(r.s, "tx", nil, 0, 1), jet.ErrIndexNotFound)
	d.want(d.i.Term(0), 0)
}

// TestIndexBesideChanges builds an index while other sessions have uncommitted changes.
func TestIndexBesideChanges(t *testing.T) {
	for _, commit := range []bool{false, true} {
		d := newDesk(t)
		r := d.create("t")
		r.add("id", jet.ColtypLong)
		r.add("g", jet.ColtypLong)
		d.expect(r.makeIndex("pk", "+id", jet.BitIndexPrimary), "0")
		for k := range 9 {
			d.want(r.insert("id", k, "g", k), 0)
		}
		d.want(r.Close(d.s, 0), 0)
		r = d.open(d.s, "t")
		s2 := d.session()
		o := d.open(s2, "t")
		d.begin(s2)
		o.seekEQ(3)
		d.want(o.replace("g", 33), 0)
		o.seekEQ(4)
		d.want(o.Delete(s2, 0), 0)
		d.want(o.insert("id", 20, "g", 1), 0)
		d.expect(r.makeIndex("ig", "+g", 0), "0")
		r.index("ig")
		d.expect(r.scan("id", "g"), "0 0/1 1/2 2/3 3/4 4/5 5/6 6/7 7/8 8")
		d.want(o.SetCurrentIndex(s2, "ig", nil, 0, 1), jet.ErrIndexNotFound)
		o.seekEQ(5)
		d.want(o.replace("g", 55), 0)
		if commit {
			d.commit(s2)
			d.expect(r.scan("id", "g"), "0 0/1 1/20 1/2 2/6 6/7 7/8 8/3 33/5 55")
		} else {
			d.rollback(s2)
			d.expect(r.scan("id", "g"), "0 0/1 1/2 2/3 3/4 4/5 5/6 6/7 7/8 8")
		}
		d.want(d.i.Term(0), 0)
	}
}

func TestCreateTableColumnIndex(t *testing.T) {
	d := newDesk(t)
	long := func(names ...string) (list []ColumnDef) {
		for _, n := range names {
			list = append(list, ColumnDef{Name: n, Type: jet.ColtypLong})
		}
		return list
	}
	index := func(name, text string, grbit jet.Grbit) IndexDef {
		return IndexDef{Name: name, Key: keyText(text), Grbit: grbit}
	}
	for _, c := range []struct {
		def  TableCreate
		want string
	}{
		{TableCreate{Name: "a.b", Columns: long("a")}, "-1002 created 0 [0] []"},
		{TableCreate{Name: "t", Density: 10, Columns: long("a")}, "-1307 created 0 [0] []"},
		{TableCreate{Name: "t", Columns: []ColumnDef{{Name: "a", Type: 4}, {Name: "b", Type: 30}}}, "-1511 created 2 [0 -1511] []"},
		{TableCreate{Name: "t", Columns: long("a", "a")}, "-1508 created 3 [0 0] []"},
		{TableCreate{Name: "t", Columns: []ColumnDef{{BadSize: true}}}, "-1003 created 1 [0] []"},
		{TableCreate{Name: "t", Columns: long("a"), Indexes: []IndexDef{index("i", "+zz", 0)}}, "-1507 created 2 [0] [-1507]"},
		{TableCreate{Name: "t", Columns: long("a"), Indexes: []IndexDef{index("i", "+a", 0), index("I", "-a", 0)}}, "-1403 created 4 [0] [0 0]"},
		{TableCreate{Name: "t", Columns: long("a"), Indexes: []IndexDef{index("p", "+a", 2), index("q", "-a", 2)}}, "-1402 created 3 [0] [0 -1402]"},
		{TableCreate{Name: "t", Columns: long("a"), Indexes: []IndexDef{index("p", "+a", 10)}}, "-900 created 2 [0] [-900]"},
		{TableCreate{Name: "t", Columns: long("a"), Callback: "x!y"}, "-1003 created 2 [0] []"},
		{TableCreate{Name: "t", Template: "none", Columns: long("a")}, "-1305 created 0 [0] []"},
		{TableCreate{Name: "MSysObjects", Columns: []ColumnDef{{Name: "b", Type: 30}}}, "-1303 created 1 [0] []"},
		{TableCreate{Name: "t", Grbit: jet.BitTableCreateSystemTable}, "-900 created 0 [] []"},
		{TableCreate{Name: "t", SequenceHints: &SpaceHints{InitialDensity: 10}}, "-1307 created 0 [] []"},
		{TableCreate{Name: "t", SequenceHints: &SpaceHints{Grbit: 0x30}}, "-2103 created 0 [] []"},
		{TableCreate{Name: "t", SequenceHints: &SpaceHints{Grbit: 0x80000000}}, "-900 created 0 [] []"},
		{TableCreate{Name: "t", SequenceHints: &SpaceHints{MinExtent: 65536, MaxExtent: 4096}}, "-2103 created 0 [] []"},
		{TableCreate{Name: "t", Columns: long("a", "b"), Indexes: []IndexDef{index("p", "+a", 2), index("q", "-b", 0)}, Pages: 4}, "0 created 5 [0 0] [0 0]"},
	} {
		cur, err := d.s.CreateTableColumnIndex(0, d.db, &c.def)
		columns, indexes := []int32{}, []int32{}
		for _, x := range c.def.Columns {
			columns = append(columns, int32(x.Err))
		}
		for _, x := range c.def.Indexes {
			indexes = append(indexes, int32(x.Err))
		}
		if got := fmt.Sprintf("%d created %d %v %v", jet.CodeOf(err), c.def.Created, columns, indexes); got != c.want {
			t.Errorf("%+v\n gives %s\nwant %s", c.def, got, c.want)
		}
		if (cur != nil) != (err == nil) {
			t.Errorf("cursor %v, error %v", cur, err)
		}
	}
	list, err := d.s.ObjectList(0, d.db, 1, "", "", false, false)
	d.want(err, 0)
	rows := &row{Cursor: list.Cursor, d: d, s: d.s}
	var names []string
	for err := rows.Move(d.s, MoveFirst, 0); err == nil; err = rows.Move(d.s, 1, 0) {
		names = append(names, rows.byID(list.ObjectName, jet.ColtypText)+"="+rows.byID(list.Flags, jet.ColtypLong))
	}
	d.expect(strings.Join(names, " "), "MSysLocales=2281701376 MSysObjects=3221225472 MSysObjectsShadow=3221225472 MSysObjids=3355443200 t=0")
	d.want(d.i.Term(0), 0)
}

func TestTemplates(t *testing.T) {
	d := newDesk(t)
	def := TableCreate{Name: "tm", Grbit: jet.BitTableCreateTemplateTable,
		Columns: []ColumnDef{{Name: "a", Type: jet.ColtypLong}, {Name: "b", Type: jet.ColtypText}},
		Indexes: []IndexDef{{Name: "pk", Key: keyText("+a"), Grbit: jet.BitIndexPrimary}, {Name: "ib", Key: keyText("+b")}}}
	c, err := d.s.CreateTableColumnIndex(0, d.db, &def)
	d.want(err, 0)
	r := &row{Cursor: c, d: d, s: d.s}
	d.expect(fmt.Sprint(uint32(def.Columns[0].ID), uint32(def.Columns[1].ID)), "2147483649 2147483776")
	d.expect(r.add("late", jet.ColtypLong), "-1323")
	d.want(r.Close(d.s, 0), 0)
	def = TableCreate{Name: "dv", Template: "tm", Columns: []ColumnDef{{Name: "e", Type: jet.ColtypLong}}}
	c, err = d.s.CreateTableColumnIndex(0, d.db, &def)
	d.want(err, 0)
	r = &row{Cursor: c, d: d, s: d.s}
	d.expect(fmt.Sprint(def.Columns[0].ID), "2")
	d.want(r.DeleteColumn(r.s, "a", 0), jet.ErrFixedInheritedDDL)
	d.want(r.DeleteColumn(r.s, "a", jet.BitDeleteColumnIgnoreTemplateColumns), jet.ErrColumnNotFound)
	d.want(r.RenameColumn(r.s, "a", "aa", 0), jet.ErrColumnNotFound)
	d.want(r.DeleteIndex(r.s, "ib"), jet.ErrFixedInheritedDDL)
	d.expect(r.add("a", jet.ColtypLong), "-1508")
	d.expect(r.makeIndex("i2", "+b+e", 0), "0")
	d.want(r.Close(d.s, 0), 0)
	d.want(d.s.DeleteTable(0, d.db, "tm"), jet.ErrCannotDeleteTemplateTable)
	d.want(d.s.RenameTable(0, d.db, "tm", "x"), jet.ErrFixedDDL)
	for name, grbit := range map[string]jet.Grbit{"dv": 0, "tm": jet.BitTableCreateTemplateTable} {
		want := jet.ErrDDLNotInheritable
		if grbit != 0 {
			want = jet.ErrCannotNestDDL
		}
		_, err = d.s.CreateTableColumnIndex(0, d.db, &TableCreate{Name: "x", Template: name, Grbit: grbit})
		d.want(err, want)
	}
	d.want(d.i.Term(0), 0)
}

func TestDeleteAndRenameTables(t *testing.T) {
	d := newDesk(t)
	r := d.create("a")
	d.want(d.s.DeleteTable(0, d.db, "a"), jet.ErrTableInUse)
	d.want(r.Close(d.s, 0), 0)
	for name, code := range map[string]jet.Err{"none": jet.ErrObjectNotFound, "": jet.ErrInvalidName, "MSysObjects": jet.ErrCannotDeleteSystemTable} {
		d.want(d.s.DeleteTable(0, d.db, name), code)
	}
	s2 := d.session()
	d.begin(d.s)
	d.want(d.s.DeleteTable(0, d.db, "A"), 0)
	_, err := d.s.OpenTable(0, d.db, "a", 0)
	d.want(err, jet.ErrObjectNotFound)
	_, err = s2.OpenTable(0, d.db, "a", 0)
	d.want(err, jet.ErrTableLocked)
	d.create("a")
	d.rollback(d.s)
	b := d.create("b")
	d.want(d.s.RenameTable(0, d.db, "a", "B"), jet.ErrKeyDuplicate)
	d.want(d.s.RenameTable(0, d.db, "b", "c"), 0)
	info, err := b.TableInfo(d.s)
	d.want(err, 0)
	d.expect(info.Name, "c")
	d.want(d.s.RenameTable(0, d.db, "c", "C"), 0)
	d.want(d.s.RenameTable(0, d.db, "MSysObjects", "x"), jet.ErrFixedDDL)
	d.want(d.s.DeleteTable(0, d.db, "a"), 0)
	_, err = d.s.OpenTable(0, d.db, "a", 0)
	d.want(err, jet.ErrObjectNotFound)
	d.want(d.i.Term(0), 0)
}
