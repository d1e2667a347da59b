package record

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"esent/internal/jet"
)

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.NewReplacer(" ", "", "|", "").Replace(s))
	if err != nil {
		panic(err)
	}
	return b
}

// column describes a test column by FID; ids of template columns carry bit 31.
func column(fid uint16, name string, coltyp uint8, size int, flags FieldFlags, def string) Column {
	c := Column{ID: jet.ColumnID(fid), FID: fid, Name: name, Type: coltyp, Max: size, Flags: flags}
	if def != "" {
		c.Flags |= FlagDefault
		c.Default = unhex(def)
	}
	return c
}

func newSchema(t testing.TB, pageSize int, columns ...Column) *Schema {
	t.Helper()
	s, err := NewSchema(columns, Options{PageSize: pageSize, KeyMost: 255, SumOffsets: true})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func byName(t testing.TB, s *Schema, name string) *Column {
	t.Helper()
	for _, class := range [][]Column{s.Fixed, s.Var, s.Tagged} {
		for i := range class {
			if class[i].Name == name {
				return s.Column(class[i].ID)
			}
		}
	}
	t.Fatalf("no column %q", name)
	return nil
}

// step is one Set of a script: column, value number, value and the record afterwards.
type step struct {
	col   string
	itag  int
	value string // hexadecimal; "-" is NULL, "0" zero-length; a leading c marks it compressed, s separated
	grbit jet.Grbit
	err   error
	warn  jet.Err
	want  string // the whole record afterwards, "" to keep the one before
}

func runSteps(t *testing.T, b *Buffer, steps []step) {
	t.Helper()
	for i, st := range steps {
		before := bytes.Clone(b.Bytes())
		var v SetValue
		grbit := st.grbit
		value := st.value
		v.Compressed = strings.HasPrefix(value, "c:")
		v.Separated = strings.HasPrefix(value, "s:")
		value = strings.TrimPrefix(strings.TrimPrefix(value, "c:"), "s:")
		switch value {
		case "-":
			v.Null = true
		case "0":
			grbit |= jet.BitSetZeroLength
		default:
			v.Data = unhex(value)
		}
		warn, err := b.Set(byName(t, b.Schema(), st.col), st.itag, v, grbit)
		if !errors.Is(err, st.err) || warn != st.warn {
			t.Fatalf("step %d: %d, %v; want %d, %v", i, warn, err, st.warn, st.err)
		}
		want := unhex(st.want)
		if st.want == "" {
			want = before
		}
		if !bytes.Equal(b.Bytes(), want) {
			t.Fatalf("step %d:\n got % x\nwant % x", i, b.Bytes(), want)
		}
		if err := b.Schema().Check(b.Bytes()); err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
	}
}

func start(t *testing.T, s *Schema) *Buffer {
	b := new(Buffer)
	b.Reset(s)
	b.LoadInsert()
	return b
}

func TestFixedColumns(t *testing.T) {
	s := newSchema(t, 4096,
		column(1, "long", jet.ColtypLong, 4, FlagNotNull, ""),
		column(2, "bit", jet.ColtypBit, 1, 0, ""),
		column(3, "def", jet.ColtypShort, 2, 0, "2A01"),
		column(4, "bin", jet.ColtypBinary, 4, 0, ""),
		column(5, "auto", jet.ColtypLong, 4, FlagAutoincrement, ""),
		Column{ID: 6, FID: 6, Name: "uni", Type: jet.ColtypText, Max: 5, CodePage: 1200},
		Column{ID: 7, FID: 7, Name: "ansi", Type: jet.ColtypText, Max: 3, CodePage: 1252},
		column(8, "last", jet.ColtypUnsignedByte, 1, 0, ""),
		column(9, "ninth", jet.ColtypUnsignedByte, 1, 0, "07"),
		column(10, "tenth", jet.ColtypUnsignedByte, 1, 0, ""),
	)
	s.DefaultRecord = emptyRecord[:] // see how records of before the defaults grow
	runSteps(t, start(t, s), []step{
		{col: "long", value: "-", err: jet.ErrNullInvalid},
		{col: "long", value: "010203", err: jet.ErrInvalidBufferSize},
		{col: "long", value: "0102030405", err: jet.ErrInvalidBufferSize},
		{col: "long", value: "01020304", want: "01 7F 0900 01020304 FE"},
		{col: "bin", value: "AABB", itag: 7, want: "04 7F 1000 01020304 2A 2A01 AABB0000 F2"},
		{col: "bin", value: "AABBCCDDEE", err: jet.ErrInvalidBufferSize},
		{col: "bin", value: "-", want: "04 7F 1000 01020304 2A 2A01 AABB0000 FA"},
		{col: "bit", value: "02", want: "04 7F 1000 01020304 FF 2A01 AABB0000 F8"},
		{col: "bit", value: "00", want: "04 7F 1000 01020304 00 2A01 AABB0000 F8"},
		{col: "def", value: "0", want: "04 7F 1000 01020304 00 2A01 AABB0000 FC"},
		{col: "auto", value: "-", err: jet.ErrAutoIncrementNotSet},
		{col: "uni", value: "6100", want: "06 7F 1900 01020304 00 2A01 AABB0000 2A2A2A2A 6100200020 DC"},
		{col: "ansi", value: "61", want: "07 7F 1C00 01020304 00 2A01 AABB0000 2A2A2A2A 6100200020 612020 9C"},
		{col: "tenth", value: "09", want: "0A 7F 2000 01020304 00 2A01 AABB0000 2A2A2A2A 6100200020 612020 2A 07 09 9CFC"},
	})
}

func TestVariableColumns(t *testing.T) {
	s := newSchema(t, 4096,
		column(128, "a", jet.ColtypBinary, 3, 0, ""),
		column(129, "b", jet.ColtypText, 255, 0, "6464"),
		column(130, "c", jet.ColtypBinary, 255, 0, ""),
		column(131, "d", jet.ColtypBinary, 255, FlagNotNull, ""),
		column(256, "t", jet.ColtypUnsignedByte, 1, 0, ""),
	)
	s.DefaultRecord = emptyRecord[:]
	runSteps(t, start(t, s), []step{
		{col: "t", itag: 1, value: "77", want: "00 7F 0400 | 0001 0400 77"},
		{col: "a", value: "010203", want: "00 80 0400 0300 010203 | 0001 0400 77"},
		{col: "a", value: "01020304", warn: jet.WrnColumnMaxTruncated, want: "00 80 0400 0300 010203 | 0001 0400 77"},
		{col: "d", value: "-", err: jet.ErrNullInvalid},
		{col: "d", value: "09", want: "00 83 0400 0300 0500 0580 0600 010203 6464 09 | 0001 0400 77"},
		{col: "a", value: "-", want: "00 83 0400 0080 0200 0280 0300 6464 09 | 0001 0400 77"},
		{col: "c", value: "0", want: "00 83 0400 0080 0200 0200 0300 6464 09 | 0001 0400 77"},
		{col: "c", value: "AABB", want: "00 83 0400 0080 0200 0400 0500 6464 AABB 09 | 0001 0400 77"},
		{col: "b", value: "-", want: "00 83 0400 0080 0080 0200 0300 AABB 09 | 0001 0400 77"},
	})
}

// The transitions between the forms of tagged values, spec chapter 04, 2.7.
func TestTaggedSmall(t *testing.T) {
	derived := column(256, "derived", jet.ColtypUnsignedByte, 1, 0, "")
	derived.ID |= templateBit
	derived.Derived = true
	s := newSchema(t, 4096, derived,
		column(256, "byte", jet.ColtypUnsignedByte, 1, FlagMultivalued, ""),
		column(257, "def", jet.ColtypLong, 4, FlagMultivalued, "05000000"),
		column(258, "long", jet.ColtypLongBinary, 0, FlagMultivalued, ""),
		column(259, "limited", jet.ColtypLongText, 3, 0, ""),
		column(260, "text", jet.ColtypText, 4, FlagMultivalued, ""),
	)
	none := "00 7F 0400"
	t.Run("values", func(t *testing.T) {
		runSteps(t, start(t, s), []step{
			{col: "byte", itag: 1, value: "-"},
			{col: "byte", itag: 5, value: "01", want: none + "0001 0400 01"},
			{col: "byte", itag: 1, value: "-", want: none},
			{col: "byte", itag: 0, value: "01", want: none + "0001 0400 01"},
			{col: "byte", itag: 1, value: "02", want: none + "0001 0400 02"},
			{col: "byte", itag: 0, value: "02", grbit: jet.BitSetUniqueMultiValues, err: jet.ErrMultiValuedDuplicate},
			{col: "byte", itag: 1, value: "02", grbit: jet.BitSetUniqueMultiValues, want: none + "0001 0400 02"},
			{col: "byte", itag: 2, value: "0", want: none + "0001 0440 18 01 02"},
			{col: "byte", itag: 2, value: "03", want: none + "0001 0440 18 01 02 03"},
			{col: "byte", itag: 1, value: "0", want: none + "0001 0440 18 00 03"},
			{col: "byte", itag: 1, value: "02", want: none + "0001 0440 18 01 02 03"},
			{col: "byte", itag: 9, value: "04", want: none + "0001 0440 08 0600 0700 0800 02 03 04"},
			{col: "byte", itag: 9, value: "-"},
			{col: "byte", itag: 0, value: "-"},
			{col: "byte", itag: 2, value: "0", want: none + "0001 0440 08 0600 0700 0700 02 04"},
			{col: "byte", itag: 0, value: "05", want: none + "0001 0440 08 0800 0900 0900 0A00 02 04 05"},
			{col: "byte", itag: 3, value: "-", want: none + "0001 0440 08 0600 0700 0700 02 05"},
			{col: "byte", itag: 1, value: "-", want: none + "0001 0440 08 0400 0400 05"},
			{col: "byte", itag: 1, value: "-", want: none + "0001 0400 05"},
			{col: "byte", itag: 0, value: "06", want: none + "0001 0440 18 01 05 06"},
			{col: "byte", itag: 2, value: "-", want: none + "0001 0400 05"},
			{col: "byte", itag: 0, value: "06", want: none + "0001 0440 18 01 05 06"},
			{col: "byte", itag: 1, value: "-", want: none + "0001 0400 06"},
			{col: "derived", itag: 1, value: "AA", want: none + "0001 0880 0001 0900 AA 06"},
			{col: "text", itag: 1, value: "6162", want: none + "0001 0C80 0001 0D00 0401 0E00 AA 06 6162"},
			{col: "byte", itag: 1, value: "-", want: none + "0001 0880 0401 0900 AA 6162"},
			{col: "text", itag: 1, value: "6162636465", err: jet.ErrColumnTooBig},
			{col: "byte", itag: 1, value: "6162", err: jet.ErrColumnTooBig},
			{col: "def", itag: 1, value: "6162", err: jet.ErrInvalidBufferSize},
			{col: "limited", itag: 1, value: "61626364", err: jet.ErrColumnTooBig},
		})
	})
	t.Run("default", func(t *testing.T) {
		runSteps(t, start(t, s), []step{
			{col: "def", itag: 1, value: "-", grbit: jet.BitSetRevertToDefaultValue, want: none},
			{col: "def", itag: 2, value: "-"},
			{col: "def", itag: 1, value: "-", want: none + "0101 0420"},
			{col: "def", itag: 1, value: "-"},
			{col: "def", itag: 7, value: "01000000", want: none + "0101 0400 01000000"},
			{col: "def", itag: 1, value: "-", want: none + "0101 0420"},
			{col: "byte", itag: 1, value: "09", want: none + "0001 0800 0101 0920 09"},
			{col: "def", itag: 1, value: "-", grbit: jet.BitSetRevertToDefaultValue, want: none + "0001 0400 09"},
			{col: "def", itag: 1, value: "02000000", want: none + "0001 0800 0101 0900 09 02000000"},
			{col: "def", itag: 1, value: "-", grbit: jet.BitSetRevertToDefaultValue, want: none + "0001 0400 09"},
		})
	})
	t.Run("long", func(t *testing.T) {
		runSteps(t, start(t, s), []step{
			{col: "long", itag: 1, value: "0", want: none + "0201 0440 01"},
			{col: "long", itag: 1, value: "c:0E11", want: none + "0201 0440 03 0E11"},
			{col: "long", itag: 0, value: "c:0E11", err: ErrCompressionNotPossible},
			{col: "long", itag: 0, value: "BB", want: none + "0201 0440 0B 0400 0600 0E11 BB"},
			{col: "long", itag: 0, value: "c:0E11", err: ErrCompressionNotPossible},
			{col: "long", itag: 0, value: "s:01000000", want: none + "0201 0440 0B 0600 0800 0980 0E11 BB 01000000"},
			{col: "long", itag: 2, value: "c:0E11", err: ErrCompressionNotPossible},
			{col: "long", itag: 1, value: "AA", want: none + "0201 0440 09 0600 0700 0880 AA BB 01000000"},
			{col: "long", itag: 1, value: "c:0F22", want: none + "0201 0440 0B 0600 0800 0980 0F22 BB 01000000"},
			{col: "long", itag: 1, value: "-", want: none + "0201 0440 09 0400 0580 BB 01000000"},
			{col: "long", itag: 1, value: "-", want: none + "0201 0440 05 01000000"},
			{col: "long", itag: 0, value: "s:0200000000000080", want: none + "0201 0440 09 0480 0880 01000000 0200000000000080"},
			{col: "long", itag: 1, value: "c:0F22", want: none + "0201 0440 0B 0400 0680 0F22 0200000000000080"},
			{col: "long", itag: 2, value: "-", want: none + "0201 0440 03 0F22"},
			{col: "long", itag: 1, value: "s:00000080", err: jet.ErrLVCorrupted},
			{col: "long", itag: 1, value: "-", want: none},
		})
	})
}

func TestTaggedLarge(t *testing.T) {
	s := newSchema(t, 32768,
		column(256, "byte", jet.ColtypUnsignedByte, 1, FlagMultivalued, ""),
		column(257, "def", jet.ColtypLong, 4, FlagMultivalued, "05000000"),
		column(258, "long", jet.ColtypLongBinary, 0, FlagMultivalued, "AA"),
	)
	none := "00 7F 0400"
	runSteps(t, start(t, s), []step{
		{col: "byte", itag: 1, value: "01", want: none + "0001 0400 00 01"},
		{col: "byte", itag: 2, value: "02", want: none + "0001 0400 08 0400 0500 01 02"},
		{col: "byte", itag: 1, value: "-", want: none + "0001 0400 00 02"},
		{col: "byte", itag: 1, value: "-", want: none},
		{col: "def", itag: 1, value: "-", want: none + "0101 0400 20"},
		{col: "def", itag: 1, value: "01000000", want: none + "0101 0400 00 01000000"},
		{col: "def", itag: 1, value: "-", want: none + "0101 0400 20"},
		{col: "long", itag: 1, value: "c:0E", want: none + "0101 0800 0201 0900 20 03 0E"},
		{col: "long", itag: 1, value: "-", want: none + "0101 0800 0201 0900 20 21"},
		{col: "long", itag: 1, value: "s:05000000", want: none + "0101 0800 0201 0900 20 05 05000000"},
		{col: "def", itag: 1, value: "-", grbit: jet.BitSetRevertToDefaultValue, want: none + "0201 0400 05 05000000"},
	})
}

// An insert starts with the defaults, and they can be told from what is not in the record.
func TestDefaults(t *testing.T) {
	s := newSchema(t, 4096,
		column(1, "id", jet.ColtypLong, 4, FlagNotNull, ""),
		column(2, "f", jet.ColtypBinary, 3, 0, "11"),
		column(3, "late", jet.ColtypLong, 4, 0, ""),
		column(128, "v", jet.ColtypBinary, 255, 0, ""),
		column(129, "w", jet.ColtypBinary, 255, 0, "2222"),
		column(256, "t", jet.ColtypLong, 4, 0, "33000000"),
		column(257, "u", jet.ColtypLongBinary, 0, FlagUserDefinedDefault|FlagDefault, ""),
		column(258, "n", jet.ColtypLong, 4, FlagNotNull, ""),
	)
	b := start(t, s)
	if want := unhex("02 81 0C00 2A2A2A2A 110000 FD 0080 0200 2222"); !bytes.Equal(b.Bytes(), want) {
		t.Errorf("default record % x\nwant % x", b.Bytes(), want)
	}
	if err := s.Check(b.Bytes()); err != nil {
		t.Error(err)
	}
	tests := []struct {
		col  string
		rec  []byte
		want Value
	}{
		{"id", b.Bytes(), Value{Null: true}},
		{"f", b.Bytes(), Value{Data: unhex("110000"), Itag: 1}},
		{"f", emptyRecord[:], Value{Data: unhex("110000"), Itag: 1, FromDefault: true}},
		{"late", b.Bytes(), Value{Null: true}},
		{"v", b.Bytes(), Value{Null: true}},
		{"w", b.Bytes(), Value{Data: unhex("2222"), Itag: 1}},
		{"w", emptyRecord[:], Value{Data: unhex("2222"), Itag: 1, FromDefault: true}},
		{"t", b.Bytes(), Value{Data: unhex("33000000"), Itag: 1, FromDefault: true}},
		{"u", b.Bytes(), Value{Null: true, Itag: 1, UserDefault: true, Long: true}},
	}
	for _, tt := range tests {
		v, err := s.Get(tt.rec, byName(t, s, tt.col), 1)
		if err != nil || !bytes.Equal(v.Data, tt.want.Data) {
			t.Errorf("%s = % x, %v", tt.col, v.Data, err)
		}
		v.Data, tt.want.Data = nil, nil
		if v.Itag != tt.want.Itag || v.Null != tt.want.Null || v.FromDefault != tt.want.FromDefault ||
			v.UserDefault != tt.want.UserDefault || v.Long != tt.want.Long {
			t.Errorf("%s = %+v, want %+v", tt.col, v, tt.want)
		}
	}
	if n, err := s.Count(b.Bytes(), byName(t, s, "t")); n != 1 || err != nil {
		t.Errorf("count of an absent defaulted column %d, %v", n, err)
	}

	// What an insert must have.
	if err := s.CheckRequired(b.Bytes()); !errors.Is(err, jet.ErrNullInvalid) {
		t.Errorf("CheckRequired: %v", err)
	}
	for _, name := range []string{"id", "n"} {
		if _, err := b.Set(byName(t, s, name), 1, SetValue{Data: []byte{1, 0, 0, 0}}, 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.CheckRequired(b.Bytes()); err != nil {
		t.Errorf("CheckRequired: %v", err)
	}
	if set := b.Columns(); !set.Has(1) || set.Has(2) || !set.Has(258) || set.Has(256) {
		t.Errorf("columns set: %+v", set)
	}
}

func TestColumnSet(t *testing.T) {
	var a, b ColumnSet
	a.Add(5)
	a.Add(200)
	b.Add(256 + 5)
	if a.Overlaps(&b) || a.Empty() || b.Empty() {
		t.Error("fixed and tagged columns are mixed up")
	}
	b.Add(200)
	if !a.Overlaps(&b) || !b.Overlaps(&a) || !b.Has(261) || !b.Has(517) || b.Has(262) || b.Has(5) {
		t.Error("wrong members")
	}
}

// The limits of spec chapter 04, 4.4.
func TestLimits(t *testing.T) {
	tests := []struct{ pageSize, keyMost, want int }{
		{2048, 4, 1743}, {4096, 4, 3791}, {8192, 253, 7887}, {4096, 255, 3789}, {4096, 1000, 3044}, {8192, 2000, 6140},
		{16384, 4, 16288}, {16384, 255, 16037}, {32768, 2000, 30676}, {32768, 4, 32672},
	}
	for _, tt := range tests {
		if got := RecordMost(tt.pageSize, tt.keyMost); got != tt.want {
			t.Errorf("RecordMost(%d, %d) = %d, want %d", tt.pageSize, tt.keyMost, got, tt.want)
		}
	}
	s := newSchema(t, 4096, column(1, "f", jet.ColtypLong, 4, 0, ""), column(128, "v", jet.ColtypBinary, 255, 0, ""),
		column(129, "w", jet.ColtypBinary, 255, 0, ""), column(256, "l", jet.ColtypLongBinary, 0, 0, ""),
		column(257, "m", jet.ColtypLongBinary, 0, 0, ""))
	for _, tt := range []struct {
		grbit jet.Grbit
		want  int
	}{{0, 1023}, {jet.BitSetIntrinsicLV, 3780}, {jet.BitSetSeparateLV, 4}, {jet.BitSetSeparateLV | jet.BitSetIntrinsicLV, 4}} {
		if got := s.PreferredIntrinsic(tt.grbit); got != tt.want {
			t.Errorf("PreferredIntrinsic(%#x) = %d, want %d", tt.grbit, got, tt.want)
		}
	}
	b := start(t, s)
	set := func(name string, n int) error {
		_, err := b.Set(byName(t, s, name), 1, SetValue{Data: make([]byte, n)}, 0)
		return err
	}
	if err := set("l", 3781); !errors.Is(err, jet.ErrColumnDoesNotFit) {
		t.Errorf("3781 bytes: %v", err)
	}
	if err := set("l", 3780); err != nil || len(b.Bytes()) != s.RecordMost {
		t.Errorf("3780 bytes: %v, record of %d", err, len(b.Bytes()))
	}
	before := bytes.Clone(b.Bytes())
	for _, name := range []string{"f", "v", "w"} {
		if err := set(name, 4); !errors.Is(err, jet.ErrRecordTooBig) {
			t.Errorf("%s in a full record: %v", name, err)
		}
	}
	if err := set("m", 1); !errors.Is(err, jet.ErrRecordTooBig) || !bytes.Equal(before, b.Bytes()) {
		t.Errorf("m in a full record: %v", err)
	}
}

func TestLongCursor(t *testing.T) {
	for _, pageSize := range []int{4096, 32768} {
		s := newSchema(t, pageSize, column(256, "n", jet.ColtypLong, 4, 0, ""),
			column(257, "a", jet.ColtypLongBinary, 0, FlagMultivalued, ""),
			column(258, "b", jet.ColtypLongBinary, 0, FlagMultivalued, ""),
			column(259, "c", jet.ColtypLongBinary, 0, FlagMultivalued, "AA"))
		b := start(t, s)
		big := bytes.Repeat([]byte{7}, 200)
		set := func(name string, v SetValue) {
			t.Helper()
			if _, err := b.Set(byName(t, s, name), 0, v, 0); err != nil {
				t.Fatal(err)
			}
		}
		set("n", SetValue{Data: []byte{1, 2, 3, 4}})
		set("a", SetValue{Data: big, Compressed: true})
		for range 2 {
			set("b", SetValue{Data: big})
			set("b", SetValue{Data: []byte{1}})
		}
		set("b", SetValue{Data: []byte{9, 0, 0, 0}, Separated: true})
		lid := byte(1)
		lc := b.LongValues()
		seen := 0
		for lc.Next() {
			seen++
			if v := lc.Value(); v.Separated || len(v.Data) <= 100 {
				continue
			}
			if err := lc.Replace(SetValue{Data: []byte{lid, 0, 0, 0}, Separated: true}); err != nil {
				t.Fatal(err)
			}
			lid++
		}
		if seen != 6 || lc.Next() || lc.Column() != nil {
			t.Errorf("%d long values, want 6", seen)
		}
		if err := s.Check(b.Bytes()); err != nil {
			t.Fatal(err)
		}
		want := []string{"a s01000000", "b s02000000", "b 01", "b s03000000", "b 01", "b s09000000"}
		lc = b.LongValues()
		for i := 0; lc.Next(); i++ {
			v := lc.Value()
			got := lc.Column().Name + " "
			if v.Separated {
				got += "s"
			}
			if got += hex.EncodeToString(v.Data); got != want[i] || v.Compressed {
				t.Errorf("value %d is %s, want %s", i, got, want[i])
			}
		}
	}
}
