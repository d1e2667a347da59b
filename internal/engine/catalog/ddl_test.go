package catalog_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"esent/internal/engine/btree/kerneltest"
	"esent/internal/engine/catalog"
	"esent/internal/engine/catalog/catalogtest"
	"esent/internal/engine/dbfile"
	"esent/internal/engine/key"
	"esent/internal/engine/lv"
	"esent/internal/engine/record"
	"esent/internal/engine/version"
	"esent/internal/jet"
	"esent/internal/testdata"
)

// column makes the definition of a column of a type.
func column(name string, coltyp uint8) catalog.ColumnDef {
	d := catalog.ColumnDef{Column: record.Column{Name: name, Type: coltyp, Max: record.TypeSize(coltyp)}, Class: record.ClassFixed}
	switch coltyp {
	case jet.ColtypText, jet.ColtypBinary:
		d.Max, d.Class = 255, record.ClassVar
	case jet.ColtypLongText, jet.ColtypLongBinary:
		d.Class = record.ClassTagged
	}
	if coltyp == jet.ColtypText || coltyp == jet.ColtypLongText {
		d.CodePage = 1252
	}
	return d
}

func index(name string, grbit jet.Grbit, columns ...string) catalog.IndexDef {
	d := catalog.IndexDef{Name: name, Flags: key.FlagsFromGrbit(grbit), Locale: key.DefaultLocale, MapFlags: key.DefaultMapFlags}
	for _, c := range columns {
		d.Columns = append(d.Columns, catalog.KeyColumn{Name: c})
	}
	return d
}

// example is a table with something of everything.
func example(name string) *catalog.TableDef {
	auto := column("auto", jet.ColtypLong)
	auto.Flags = record.FlagAutoincrement
	def := column("def", jet.ColtypLong)
	def.Flags, def.Default = record.FlagDefault, []byte{1, 2, 3, 4}
	return &catalog.TableDef{Name: name,
		Columns: []catalog.ColumnDef{column("id", jet.ColtypLong), auto, def, column("txt", jet.ColtypText), column("lv", jet.ColtypLongBinary)},
		Indexes: []catalog.IndexDef{index("pk", jet.BitIndexPrimary, "id"), index("ix", 0, "txt", "def")}}
}

func mustCode(t *testing.T, err error, want jet.Err) {
	t.Helper()
	if jet.CodeOf(err) != want {
		t.Errorf("%v, want %v", err, want)
	}
}

// reopen opens the catalog anew and gives what it says of the tables that are not the engine's own.
func reopen(t *testing.T, k *kerneltest.Kernel, efv uint32) map[string][]string {
	t.Helper()
	c, err := catalog.Open(k.DB, catalog.Options{Space: k.Space, Version: dbfile.VersionForEFV(efv)})
	k.Must(err)
	defer c.Close()
	s := k.NewSession()
	defer k.Versions.EndSession(s)
	return tables(t, c, s)
}

func tables(t *testing.T, c *catalog.Catalog, s *version.Session) map[string][]string {
	t.Helper()
	list, err := c.Tables(s)
	if err != nil {
		t.Fatal(err)
	}
	m := map[string][]string{}
	for _, x := range list {
		if x.Flags.Has(catalog.TableSystem) {
			continue
		}
		table, err := c.Table(s, x.Name)
		if err != nil {
			t.Fatalf("%s: %v", x.Name, err)
		}
		m[x.Name] = describe(s, table)
		table.Release()
	}
	return m
}

// checkAll verifies catalog, shadow, indexes and space, and that the log gives the same pages.
func checkAll(t *testing.T, k *kerneltest.Kernel, c *catalog.Catalog) {
	t.Helper()
	k.Clean()
	k.Must(c.Same(k.Session))
	children, err := c.Trees(k.Session, k.Root)
	k.Must(err)
	k.CheckSpace(k.Root, children)
	k.Replay()
}

func TestCreateTable(t *testing.T) {
	k, c := create(t, kerneltest.Options{}, dbfile.EFVMax)
	s := k.Session
	k.Must(s.Begin())
	table, n, err := c.CreateTable(s, example("Example"))
	k.Must(err)
	if n != 1+5+2 || table.ObjID != 8 || table.Tree.Root != 31 || table.Pages != 2 || !table.CreatedBy(s) {
		t.Errorf("%d created, object %d at %d with %d pages", n, table.ObjID, table.Tree.Root, table.Pages)
	}
	other := k.NewSession()
	_, err = c.Table(other, "example")
	mustCode(t, err, jet.ErrObjectNotFound)
	k.Must(other.Begin())
	_, _, err = c.CreateTable(other, example("EXAMPLE"))
	mustCode(t, err, jet.ErrTableDuplicate)
	k.Commit(s)
	_, err = c.Table(other, "example") // its snapshot is older
	mustCode(t, err, jet.ErrObjectNotFound)
	k.Must(other.Rollback())
	again, err := c.Table(other, "eXample")
	k.Must(err)
	if again != table || table.References() < 2 {
		t.Error("two descriptors")
	}
	again.Release()
	k.Clean()
	if table.CreatedBy(s) || table.Schema().Versioned() || table.Pins() != 0 {
		t.Error("versions are left")
	}
	before := tables(t, c, s)
	if after := reopen(t, k, dbfile.EFVMax); !slices.Equal(before["Example"], after["Example"]) {
		t.Errorf("reopened: %q, was %q", after, before)
	}
	// Rolled back, nothing is left.
	k.Must(s.Begin())
	gone, _, err := c.CreateTable(s, example("gone"))
	k.Must(err)
	if _, err := gone.LongValues(s, true); err != nil {
		t.Error(err)
	}
	k.Must(s.Rollback())
	gone.Release()
	_, err = c.Table(s, "gone")
	mustCode(t, err, jet.ErrObjectNotFound)
	checkAll(t, k, c)
}

// What fails leaves nothing, and says how far it came.
func TestCreateTableFails(t *testing.T) {
	for _, x := range []struct {
		name    string
		change  func(d *catalog.TableDef)
		created int
		want    jet.Err
	}{
		{"table", func(d *catalog.TableDef) { d.Name = "msysobjects" }, 0, jet.ErrTableDuplicate},
		{"template", func(d *catalog.TableDef) { d.Template = "none" }, 0, jet.ErrObjectNotFound},
		{"no template", func(d *catalog.TableDef) { d.Template = "MSysObjids" }, 0, jet.ErrDDLNotInheritable},
		{"column", func(d *catalog.TableDef) { d.Columns[3].Name = "ID" }, 4, jet.ErrColumnDuplicate},
		{"second autoincrement", func(d *catalog.TableDef) { d.Columns[2].Flags |= record.FlagAutoincrement }, 3, jet.ErrColumnRedundant},
		{"index", func(d *catalog.TableDef) { d.Indexes[1].Name = "PK" }, 7, jet.ErrIndexDuplicate},
		{"second primary", func(d *catalog.TableDef) { d.Indexes[1].Flags |= key.FlagPrimary | key.FlagUnique }, 7, jet.ErrIndexHasPrimary},
		{"index column", func(d *catalog.TableDef) { d.Indexes[0].Columns[0].Name = "x" }, 6, jet.ErrColumnNotFound},
	} {
		t.Run(x.name, func(t *testing.T) {
			k, c := create(t, kerneltest.Options{}, dbfile.EFVMax)
			s := k.Session
			k.Must(s.Begin())
			def := example("t")
			x.change(def)
			_, n, err := c.CreateTable(s, def)
			mustCode(t, err, x.want)
			if n != x.created {
				t.Errorf("%d created, want %d", n, x.created)
			}
			k.Commit(s)
			checkAll(t, k, c)
		})
	}
}

func TestColumns(t *testing.T) {
	k, c := create(t, kerneltest.Options{}, dbfile.EFVMax)
	s, other := k.Session, k.NewSession()
	k.Must(s.Begin())
	table, _, err := c.CreateTable(s, example("t"))
	k.Must(err)
	k.Commit(s)
	k.Clean()
	add := func(s *version.Session, d catalog.ColumnDef) (jet.ColumnID, error) { return table.AddColumn(s, &d) }
	sees := func(s *version.Session, name string) bool { return table.Schema().ColumnByName(s, name) != nil }

	k.Must(s.Begin())
	k.Must(other.Begin())
	mine := column("mine", jet.ColtypShort)
	mine.Flags, mine.Default = record.FlagDefault, []byte{7, 7}
	id, err := add(s, mine)
	k.Must(err)
	if id != 4 || !sees(s, "MINE") || sees(other, "mine") || table.Schema().Column(other, id) != nil || table.Schema().Column(s, id) == nil {
		t.Errorf("column %d is seen wrongly", id)
	}
	if n := len(table.Schema().Record.DefaultRecord); n != len(table.Schema().Record.DefaultRecord) || table.Schema().Record.DefaultRecord[0] != 3 {
		t.Errorf("inserts start from a record with fixed columns up to %d", table.Schema().Record.DefaultRecord[0])
	}
	_, err = add(other, column("Mine", jet.ColtypLong))
	mustCode(t, err, jet.ErrColumnDuplicate)
	id, err = add(other, column("theirs", jet.ColtypShort))
	k.Must(err)
	if id != 6 { // the one that failed took 5
		t.Errorf("column id %d", id)
	}
	k.Must(s.Rollback())
	k.Commit(other)
	k.Clean()
	if sees(s, "mine") || !sees(s, "theirs") || table.Schema().Versioned() {
		t.Error("after rollback and commit")
	}
	// The id of the column that was taken back is not given out again while the table is open.
	k.Must(s.Begin())
	if id, err = add(s, column("mine", jet.ColtypLong)); err != nil || id != 7 {
		t.Errorf("column id %d, %v", id, err)
	}
	if off := table.Schema().Record.Column(7).Offset; off != 4+4+4+4+2+2 {
		t.Errorf("offset %d", off)
	}
	k.Commit(s)

	// A dropped column is seen by those whose snapshot is older.
	k.Must(other.Begin())
	k.Must(s.Begin())
	mustCode(t, table.DropColumn(s, "none"), jet.ErrColumnNotFound)
	mustCode(t, table.DropColumn(s, "txt"), jet.ErrColumnInUse)
	k.Must(table.DropColumn(s, "theirs"))
	if sees(s, "theirs") || !sees(other, "theirs") {
		t.Error("a dropped column is seen wrongly")
	}
	mustCode(t, table.DropColumn(other, "theirs"), jet.ErrWriteConflict)
	if _, err = add(s, column("theirs", jet.ColtypText)); err != nil {
		t.Error(err)
	}
	k.Commit(s)
	if c := table.Schema().ColumnByName(other, "theirs"); c == nil || c.Type != jet.ColtypShort {
		t.Error("an older snapshot sees a newer column")
	}
	if c := table.Schema().ColumnByName(s, "theirs"); c == nil || c.Type != jet.ColtypText {
		t.Error("the new column is not seen")
	}
	k.Must(other.Rollback())
	k.Clean()
	if table.Schema().Versioned() || table.Schema().Record.Column(5) != nil {
		t.Error("the dropped column is there")
	}

	k.Must(s.Begin())
	mustCode(t, table.RenameColumn(s, "mine", "TXT", false), jet.ErrKeyDuplicate)
	mustCode(t, table.RenameColumn(s, "mine", "other", true), jet.ErrInvalidPlaceholderColumn)
	k.Must(table.RenameColumn(s, "mine", "Ours", false))
	k.Must(table.SetDefault(s, "def", []byte{9, 9, 9, 9}))
	if !sees(s, "ours") || sees(s, "mine") || table.Schema().Record.Column(3).Default[0] != 9 {
		t.Error("altered columns")
	}
	k.Must(s.Rollback())
	if sees(s, "ours") || !sees(s, "mine") || table.Schema().Record.Column(3).Default[0] != 9 {
		t.Error("altered columns after rollback")
	}
	k.Must(s.Begin())
	k.Must(table.SetDefault(s, "def", []byte{9, 9, 9, 9}))
	k.Must(table.RenameColumn(s, "mine", "Mine", false))
	k.Commit(s)
	table.Release()
	if got, want := reopen(t, k, dbfile.EFVMax), tables(t, c, s); !slices.Equal(got["t"], want["t"]) {
		t.Errorf("reopened: %q, was %q", got, want)
	}
	checkAll(t, k, c)
}

func TestColumnLimits(t *testing.T) {
	k, c := create(t, kerneltest.Options{}, dbfile.EFVMax)
	s := k.Session
	k.Must(s.Begin())
	def := &catalog.TableDef{Name: "wide"}
	for i := range 127 {
		def.Columns = append(def.Columns, column(fmt.Sprint("f", i), jet.ColtypBit))
	}
	for i := range 128 {
		def.Columns = append(def.Columns, column(fmt.Sprint("v", i), jet.ColtypBinary))
	}
	table, _, err := c.CreateTable(s, def)
	k.Must(err)
	for _, x := range []uint8{jet.ColtypLong, jet.ColtypText} {
		d := column("x", x)
		_, err = table.AddColumn(s, &d)
		mustCode(t, err, jet.ErrTooManyColumns)
	}
	long := column("long", jet.ColtypLongText)
	if id, err := table.AddColumn(s, &long); err != nil || id != 256 {
		t.Errorf("%d, %v", id, err)
	}
	table.Release()
	def = &catalog.TableDef{Name: "big"}
	for i := range 20 {
		d := column(fmt.Sprint("b", i), jet.ColtypBinary)
		d.Class, d.Max = record.ClassFixed, 250
		def.Columns = append(def.Columns, d)
	}
	_, n, err := c.CreateTable(s, def)
	mustCode(t, err, jet.ErrRecordTooBig)
	if n != 1+15 {
		t.Errorf("%d created", n)
	}
	k.Commit(s)
	checkAll(t, k, c)
}

func TestIndexes(t *testing.T) {
	k, c := create(t, kerneltest.Options{}, dbfile.EFVMax)
	s, other := k.Session, k.NewSession()
	k.Must(s.Begin())
	def := example("t")
	def.Indexes = nil
	table, _, err := c.CreateTable(s, def)
	k.Must(err)
	k.Commit(s)
	k.Must(s.Begin())
	k.Must(other.Begin())
	d := index("ix", jet.BitIndexUnique, "txt")
	ix, err := table.CreateIndex(s, &d)
	k.Must(err)
	if ix.Tree.NonUnique || ix.VisibleTo(other) || !ix.VisibleTo(s) || !ix.MaintainedBy(other) || len(table.Schema().Indexes) != 1 {
		t.Error("a new index is seen wrongly")
	}
	_, err = table.CreateIndex(other, &d)
	mustCode(t, err, jet.ErrIndexDuplicate)
	mustCode(t, table.DropColumn(other, "txt"), jet.ErrWriteConflict)
	k.Must(s.Rollback())
	if len(table.Schema().Indexes) != 0 {
		t.Error("an index that was taken back is there")
	}
	k.Must(other.Rollback())
	k.Clean()

	k.Must(s.Begin())
	pk := index("pk", jet.BitIndexPrimary, "id")
	ix, err = table.CreateIndex(s, &pk)
	k.Must(err)
	if ix.Tree != table.Tree || ix.Def.KeyMost != 5 || !ix.Primary() {
		t.Errorf("primary index %+v", ix)
	}
	_, err = table.CreateIndex(s, &pk)
	mustCode(t, err, jet.ErrIndexDuplicate)
	pk.Name = "pk2"
	_, err = table.CreateIndex(s, &pk)
	mustCode(t, err, jet.ErrIndexHasPrimary)
	text := column("uni", jet.ColtypText)
	text.CodePage = 1200
	_, err = table.AddColumn(s, &text)
	k.Must(err)
	uni := index("uni", 0, "uni")
	_, err = table.CreateIndex(s, &uni)
	k.Must(err)
	k.Commit(s)
	rows, err := c.Rows(s, table.ObjID)
	k.Must(err)
	for _, r := range rows {
		if r.Type == catalog.RowIndex && r.Name == "pk" && r.KeyMost != 5 {
			t.Errorf("stored key limit %d", r.KeyMost)
		}
	}
	counts, err := c.LocaleCounts(s)
	k.Must(err)
	if n := counts["LocaleName=en-US,SortID=00000001-57ee-1e5c-00b4-d0000bb1e11e,Ver=6020f0006020f"]; n != 1 || len(counts) != 1 {
		t.Errorf("locales %v", counts)
	}

	k.Must(s.Begin())
	k.Must(table.RefreshSortVersion(s, table.Schema().IndexByName(s, "uni").ObjID))
	mustCode(t, table.RefreshSortVersion(s, 999), jet.ErrIndexNotFound)
	if ix := table.Schema().IndexByName(s, "uni"); ix.SortVersion != key.SortVersion || ix.Def.Collation.Exact() != nil {
		t.Errorf("sort version %x", ix.SortVersion)
	}
	k.Commit(s)

	k.Must(s.Begin())
	mustCode(t, table.DropIndex(s, "pk"), jet.ErrIndexMustStay)
	mustCode(t, table.DropIndex(s, "none"), jet.ErrIndexNotFound)
	table.Schema().IndexByName(s, "uni").Use()
	mustCode(t, table.DropIndex(s, "uni"), jet.ErrIndexInUse)
	table.Schema().IndexByName(s, "uni").Unuse()
	k.Must(other.Begin())
	k.Must(table.DropIndex(s, "uni"))
	ix = table.Schema().Indexes[0]
	if ix.VisibleTo(other) || !ix.MaintainedBy(other) {
		t.Error("a dropped index is seen wrongly")
	}
	k.Must(s.Rollback())
	if !table.Schema().Indexes[0].VisibleTo(other) {
		t.Error("the drop was not taken back")
	}
	k.Must(s.Begin())
	k.Must(table.DropIndex(s, "uni"))
	k.Commit(s)
	k.Clean()
	if len(table.Schema().Indexes) != 1 {
		t.Error("an index was freed that an older session maintains")
	}
	k.Must(other.Rollback())
	k.Clean()
	if len(table.Schema().Indexes) != 0 {
		t.Error("a dropped index is there")
	}
	table.Release()
	checkAll(t, k, c)
}

func TestDropTable(t *testing.T) {
	k, c := create(t, kerneltest.Options{}, dbfile.EFVMax)
	s, other := k.Session, k.NewSession()
	k.Must(s.Begin())
	table, _, err := c.CreateTable(s, example("t"))
	k.Must(err)
	k.Commit(s)
	k.Must(s.Begin())
	values, err := table.LongValues(s, false)
	k.Must(err)
	var lc lv.Cursor
	_, err = values.Create(&lc, s, make([]byte, 300000), 300000, lv.Options{})
	k.Must(err)
	k.Commit(s)
	k.Clean()

	second, err := c.Table(other, "t")
	k.Must(err)
	k.Must(s.Begin())
	mustCode(t, c.DropTable(s, table), jet.ErrTableInUse)
	second.Release()
	k.Must(other.Begin())
	k.Must(c.DropTable(s, table))
	_, err = c.Table(other, "t")
	mustCode(t, err, jet.ErrTableLocked)
	_, err = c.Table(s, "t")
	mustCode(t, err, jet.ErrObjectNotFound)
	k.Must(s.Rollback())
	table, err = c.Table(other, "t")
	k.Must(err)
	if table.Values() == nil {
		t.Error("no long values")
	}
	k.Must(other.Rollback())

	k.Must(s.Begin())
	k.Must(c.DropTable(s, table))
	// The name is free for the same transaction.
	again, _, err := c.CreateTable(s, example("T"))
	k.Must(err)
	k.Commit(s)
	k.Clean()
	k.Must(s.Begin())
	k.Must(c.RenameTable(s, again, "renamed"))
	if again.Name() != "renamed" {
		t.Error(again.Name())
	}
	mustCode(t, c.RenameTable(s, again, "MSysObjects"), jet.ErrKeyDuplicate)
	k.Must(s.Rollback())
	if again.Name() != "T" {
		t.Error(again.Name())
	}
	k.Must(s.Begin())
	k.Must(c.RenameTable(s, again, "renamed"))
	k.Commit(s)
	again.Release()
	system, err := c.Table(s, "MSysObjids")
	k.Must(err)
	k.Must(s.Begin())
	mustCode(t, c.DropTable(s, system), jet.ErrCannotDeleteSystemTable)
	k.Commit(s)
	system.Release()
	checkAll(t, k, c)
}

func TestTemplates(t *testing.T) {
	k, c := create(t, kerneltest.Options{}, dbfile.EFVMax)
	s := k.Session
	k.Must(s.Begin())
	def := example("template")
	def.Flags = catalog.TableTemplate | catalog.TableFixedDDL
	template, _, err := c.CreateTable(s, def)
	k.Must(err)
	if id := template.Schema().ColumnByName(s, "lv").ID; id != 0x80000100 {
		t.Errorf("template column %#x", id)
	}
	own := &catalog.TableDef{Name: "derived", Template: "Template",
		Columns: []catalog.ColumnDef{column("own", jet.ColtypShort), column("ownlv", jet.ColtypLongText), column("ownv", jet.ColtypText)},
		Indexes: []catalog.IndexDef{index("own", 0, "own", "txt")}}
	derived, _, err := c.CreateTable(s, own)
	k.Must(err)
	sc := derived.Schema()
	for name, want := range map[string]jet.ColumnID{"id": 0x80000001, "lv": 0x80000100, "own": 4, "ownlv": 256, "ownv": 129} {
		if c := sc.ColumnByName(s, name); c == nil || c.ID != want || c.Inherited != (want>>31 != 0) {
			t.Errorf("column %s: %+v", name, c)
		}
	}
	if sc.Primary == nil || sc.Primary.Def.KeyMost != 5 || !sc.Primary.Inherited || sc.AutoInc == nil {
		t.Errorf("primary index %+v", sc.Primary)
	}
	if names := len(sc.VisibleIndexes(s)); names != 3 {
		t.Errorf("%d indexes", names)
	}
	mustCode(t, derived.DropColumn(s, "txt"), jet.ErrFixedInheritedDDL)
	mustCode(t, derived.DropIndex(s, "ix"), jet.ErrFixedInheritedDDL)
	mustCode(t, derived.RenameColumn(s, "txt", "x", false), jet.ErrColumnNotFound)
	mustCode(t, derived.SetDefault(s, "def", []byte{1, 1, 1, 1}), jet.ErrColumnNotFound)
	_, _, err = c.CreateTable(s, &catalog.TableDef{Name: "third", Template: "derived"})
	mustCode(t, err, jet.ErrDDLNotInheritable)
	k.Must(template.SetDefault(s, "def", []byte{8, 0, 0, 0}))
	if d := derived.Schema().ColumnByName(s, "def").Default; d[0] != 8 {
		t.Errorf("the derived table has the default % x", d)
	}
	k.Commit(s)
	k.Must(s.Begin())
	mustCode(t, c.RenameTable(s, template, "x"), jet.ErrFixedDDL)
	mustCode(t, c.DropTable(s, template), jet.ErrCannotDeleteTemplateTable)
	k.Commit(s)
	template.Release()
	derived.Release()
	if got, want := reopen(t, k, dbfile.EFVMax), tables(t, c, s); !slices.Equal(got["derived"], want["derived"]) || len(got) != 2 {
		t.Errorf("reopened: %q, was %q", got, want)
	}
	checkAll(t, k, c)
}

func TestAutoInc(t *testing.T) {
	for _, efv := range []uint32{7060, dbfile.EFVMax} {
		k, c := create(t, kerneltest.Options{}, efv)
		s := k.Session
		k.Must(s.Begin())
		table, _, err := c.CreateTable(s, example("t"))
		k.Must(err)
		k.Commit(s)
		for i := range uint64(25) {
			if n, err := table.NextAutoInc(); err != nil || n != i+1 {
				t.Fatalf("number %d, %v", n, err)
			}
		}
		table.Release()
		other, err := catalog.Open(k.DB, catalog.Options{Space: k.Space, Version: dbfile.VersionForEFV(efv)})
		k.Must(err)
		table, err = other.Table(s, "t")
		k.Must(err)
		n, err := table.PeekAutoInc()
		k.Must(err)
		if want := map[bool]uint64{true: 31, false: 1}[c.Features().AutoIncRoot]; n != want {
			t.Errorf("efv %d: next is %d", efv, n)
		}
		k.Must(table.RaiseAutoInc(100))
		if n, err := table.NextAutoInc(); err != nil || n != 101 {
			t.Errorf("%d, %v", n, err)
		}
		for i := range uint32(3) {
			if n, err := table.NextDBK(); err != nil || n != i+1 {
				t.Errorf("%d, %v", n, err)
			}
		}
		k.Clean()
		k.Replay()
	}
}

// Random schema changes in nested transactions, some of which are rolled back, leave what a descriptor read anew has,
// and lose no page.
func TestRandom(t *testing.T) {
	for seed := range uint64(6) {
		rng := rand.New(rand.NewPCG(seed, 2))
		size := []int{4096, 8192, 16384, 32768}[seed%4]
		k, c := create(t, kerneltest.Options{PageSize: size}, []uint32{dbfile.EFVMax, 8920}[seed%2])
		s := k.Session
		open := map[string]*catalog.Table{}
		step := func() {
			name := fmt.Sprint("t", rng.IntN(4))
			table := open[name]
			if table == nil {
				var err error
				if table, err = c.Table(s, name); err == nil {
					open[name] = table
				}
			}
			thing := fmt.Sprint("x", rng.IntN(8))
			switch n := rng.IntN(10); {
			case table == nil:
				created, _, err := c.CreateTable(s, example(name))
				if err == nil {
					open[name] = created
				}
			case n == 0:
				if c.DropTable(s, table) == nil {
					delete(open, name)
				}
			case n == 1:
				table.Release()
				delete(open, name)
			case n < 5:
				d := column(thing, []uint8{jet.ColtypLong, jet.ColtypText, jet.ColtypLongBinary}[rng.IntN(3)])
				_, _ = table.AddColumn(s, &d)
			case n == 5:
				_ = table.DropColumn(s, thing)
			case n < 8:
				d := index(fmt.Sprint("i", rng.IntN(3)), 0, "txt", thing)
				_, _ = table.CreateIndex(s, &d)
			case n == 8:
				_ = table.DropIndex(s, fmt.Sprint("i", rng.IntN(3)))
			default:
				_, _ = table.LongValues(s, rng.IntN(2) == 0)
			}
		}
		closeAll := func() {
			for name, table := range open {
				table.Release()
				delete(open, name)
			}
		}
		for range 40 {
			k.Must(s.Begin())
			for range rng.IntN(6) {
				step()
			}
			k.Must(s.Begin())
			for range rng.IntN(6) {
				step()
			}
			if rng.IntN(3) == 0 {
				closeAll()
				k.Must(s.Rollback())
			} else {
				k.Commit(s)
			}
			if rng.IntN(3) == 0 {
				closeAll()
				k.Must(s.Rollback())
			} else {
				k.Commit(s)
			}
			if rng.IntN(2) == 0 {
				k.Clean()
			}
		}
		closeAll()
		got, want := tables(t, c, s), reopen(t, k, dbfile.EFVMax)
		if len(got) != len(want) {
			t.Errorf("%d tables, read anew %d", len(got), len(want))
		}
		for name := range want {
			if !slices.Equal(got[name], want[name]) {
				t.Errorf("seed %d, %s:\n     %q\nanew %q", seed, name, got[name], want[name])
			}
		}
		checkAll(t, k, c)
	}
}

// The tables of real databases, created anew, have the rows that the original engine wrote.
func TestRowsAsOriginal(t *testing.T) {
	paths := testdata.Windows(t)
	for _, set := range []string{"types_4k", "types_32k", "index_8k", "indexlate_16k", "big_4k"} {
		paths = append(paths, filepath.Join(testdata.Set(t, set, "*/db.edb"), "files", "db.edb"))
	}
	for _, path := range paths {
		f := catalogtest.Open(t, path)
		k, c := create(t, kerneltest.Options{PageSize: f.DB.PageSize}, f.Header.Version.EFV())
		s := k.Session
		same := 0
		for _, real := range f.Tables(t) {
			if real.System() {
				continue
			}
			def := definition(f.Session, real)
			k.Must(s.Begin())
			made, _, err := c.CreateTable(s, def)
			if err != nil {
				t.Fatalf("%s: %v", real.Name(), err)
			}
			if real.Values() != nil {
				_, err = made.LongValues(s, true)
				k.Must(err)
			}
			k.Commit(s)
			want, err := f.Catalog.Rows(f.Session, real.ObjID)
			k.Must(err)
			got, err := c.Rows(s, made.ObjID)
			k.Must(err)
			made.Release()
			a, b := plain(want), plain(got)
			for i := range a {
				if !slices.Contains(b, a[i]) {
					name := fmt.Sprint(" Name:", want[i].Name, " ")
					at := slices.IndexFunc(b, func(s string) bool { return strings.Contains(s, name) })
					t.Errorf("%s %s:\nwant %s\n got %s", filepath.Base(path), real.Name(), a[i], b[max(at, 0)])
					break
				}
				same++
			}
			if len(a) != len(b) {
				t.Errorf("%s %s: %d rows, want %d", filepath.Base(path), real.Name(), len(b), len(a))
			}
		}
		t.Logf("%s: %d rows", filepath.Base(path), same)
		checkAll(t, k, c)
	}
}

// definition gives what a table would be created with.
func definition(s *version.Session, t *catalog.Table) *catalog.TableDef {
	sc := t.Schema()
	def := &catalog.TableDef{Name: t.Name(), Flags: t.Flags &^ catalog.TableDerived, Pages: t.Pages, Density: t.Density, SeparateLV: t.SeparateLV}
	if t.Template != nil {
		def.Template = t.Template.Name()
	}
	if t.ChunkSize != lv.ChunkSize(t.Tree.DB.PageSize) {
		def.LVChunkMax = t.ChunkSize
	}
	if t.Hints != (catalog.SpaceHints{}) {
		h := t.Hints
		def.Hints = &h
	}
	for _, c := range sc.VisibleColumns(s) {
		if !c.Inherited {
			d := catalog.ColumnDef{Column: c.Column, Class: c.Column.Class(), Callback: c.Callback, CallbackData: c.CallbackData}
			def.Columns = append(def.Columns, d)
		}
	}
	list := slices.Clone(sc.Indexes)
	if sc.Primary != nil {
		list = append([]*catalog.Index{sc.Primary}, list...)
	}
	for _, ix := range list {
		if ix.Inherited {
			continue
		}
		d := catalog.IndexDef{Name: ix.Name, Flags: ix.Flags, KeyMost: ix.Def.KeyMost, VarSegMac: ix.Def.VarSegMac, Tuple: ix.Def.Tuple,
			Locale: ix.Locale, MapFlags: ix.MapFlags, Density: ix.Density, Hints: ix.Hints}
		if ix.Primary() {
			d.KeyMost, d.VarSegMac = 0, 0
		}
		for _, c := range ix.Columns {
			d.Columns = append(d.Columns, catalog.KeyColumn{Name: c.Name, Descending: c.Descending})
		}
		for _, c := range ix.Conditions {
			d.Conditions = append(d.Conditions, catalog.Condition{Name: c.Name, MustBeNull: c.MustBeNull})
		}
		def.Indexes = append(def.Indexes, d)
	}
	return def
}

// plain writes rows without what depends on when and where they were made, and without deleted columns.
func plain(rows []*catalog.Row) (list []string) {
	for _, r := range rows {
		x := *r
		if x.Type == catalog.RowColumn && x.ColtypOrPgno == 0 {
			continue
		}
		x.ObjidTable, x.LastSetTime, x.Stats, x.Version = 0, 0, nil, nil
		if x.Type != catalog.RowColumn {
			x.ID, x.ColtypOrPgno, x.PagesOrLocale = 0, 0, 0
		}
		if x.Type == catalog.RowTable {
			x.SpaceUsage = 0 // that of the primary index, if it came with the table
		}
		if x.Flags&uint32(key.FlagPrimary) != 0 {
			x.KeyMost = 0 // depends on whether the index came with the table
		}
		list = append(list, fmt.Sprintf("%+v", x))
	}
	return list
}
