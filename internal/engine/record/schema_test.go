package record

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"esent/internal/jet"
)

// The worked examples of spec chapter 04, 2.10 that stand for themselves.
func TestWorkedExamples(t *testing.T) {
	fixed := newSchema(t, 4096,
		column(1, "id", jet.ColtypLong, 4, 0, ""), column(2, "bit", jet.ColtypBit, 1, 0, ""),
		column(3, "byte", jet.ColtypUnsignedByte, 1, 0, ""), column(4, "short", jet.ColtypShort, 2, 0, ""),
		column(5, "long", jet.ColtypLong, 4, 0, ""), column(6, "currency", jet.ColtypCurrency, 8, 0, ""),
		column(7, "single", jet.ColtypIEEESingle, 4, 0, ""), column(8, "double", jet.ColtypIEEEDouble, 8, 0, ""),
		column(9, "date", jet.ColtypDateTime, 8, 0, ""), column(10, "absent", jet.ColtypLong, 4, 0, ""))
	basic := unhex("097F2E00 02000000 FF FF 3B05 EB55CC00 151FC996103EFBFF 000000C0 BC044964BD8A69C1 00000000F01409C1 00FE")
	tagged := newSchema(t, 4096, column(256, "bits", jet.ColtypBit, 1, FlagMultivalued, ""),
		column(257, "bytes", jet.ColtypUnsignedByte, 1, FlagMultivalued, ""),
		column(258, "long", jet.ColtypLongBinary, 0, FlagMultivalued, ""),
		column(259, "text", jet.ColtypLongText, 0, 0, ""))
	lists := append(unhex("007F0400 0001 1040 0101 1440 0201 1E40 0301 3140"),
		unhex("18 01 00 FF | 08 0600 0700 0800 00 7F FF | 09 0680 0A80 0E80 010000000200000003000000 | 05 01000000")...)
	large := newSchema(t, 32768, column(256, "a", jet.ColtypUnsignedShort, 2, 0, ""), column(257, "b", jet.ColtypUnsignedShort, 2, 0, ""))
	tests := []struct {
		s    *Schema
		rec  []byte
		col  string
		want []string // values in hexadecimal, s: separated
	}{
		{fixed, basic, "id", []string{"02000000"}},
		{fixed, basic, "bit", []string{"ff"}},
		{fixed, basic, "short", []string{"3b05"}},
		{fixed, basic, "single", []string{"000000c0"}},
		{fixed, basic, "date", []string{"00000000f01409c1"}},
		{fixed, basic, "absent", nil},
		{tagged, lists, "bits", []string{"00", "ff"}},
		{tagged, lists, "bytes", []string{"00", "7f", "ff"}},
		{tagged, lists, "long", []string{"s:01000000", "s:02000000", "s:03000000"}},
		{tagged, lists, "text", []string{"s:01000000"}},
		{large, unhex("007F0400 0001 0800 0101 0B00 00 0000 00 0100"), "b", []string{"0100"}},
	}
	for _, tt := range tests {
		if err := tt.s.Check(tt.rec); err != nil {
			t.Fatal(err)
		}
		c := byName(t, tt.s, tt.col)
		n, err := tt.s.Count(tt.rec, c)
		var got []string
		for itag := 1; itag <= n; itag++ {
			v, err := tt.s.Get(tt.rec, c, itag)
			if err != nil {
				t.Fatal(err)
			}
			text := fmt.Sprintf("%x", v.Data)
			if v.Separated {
				text = "s:" + text
			}
			got = append(got, text)
		}
		if err != nil || fmt.Sprint(got) != fmt.Sprint(tt.want) {
			t.Errorf("%s = %v (%v), want %v", tt.col, got, err, tt.want)
		}
	}
}

func TestSchemaErrors(t *testing.T) {
	ok := column(1, "ok", jet.ColtypLong, 4, 0, "")
	ok.Offset = 4
	at := func(c Column, offset uint16) Column {
		c.Offset = offset
		return c
	}
	tests := []struct {
		name string
		cols []Column
		err  error
	}{
		{"none", nil, nil},
		{"one", []Column{ok}, nil},
		{"deleted place", []Column{ok, at(column(2, "gone", jet.ColtypNil, 4, 0, ""), 8), at(column(3, "c", jet.ColtypLong, 4, 0, ""), 12)}, nil},
		{"gap", []Column{ok, at(column(3, "c", jet.ColtypLong, 4, 0, ""), 12)}, nil},
		{"twice", []Column{ok, ok}, jet.ErrCatalogCorrupted},
		{"tagged twice", []Column{column(256, "a", jet.ColtypLong, 4, 0, ""), column(256, "b", jet.ColtypLong, 4, 0, "")}, jet.ErrCatalogCorrupted},
		{"FID 0", []Column{column(0, "c", jet.ColtypLong, 4, 0, "")}, jet.ErrCatalogCorrupted},
		{"FID beyond", []Column{column(65249, "c", jet.ColtypLong, 4, 0, "")}, jet.ErrCatalogCorrupted},
		{"overlap", []Column{ok, at(column(2, "c", jet.ColtypLong, 4, 0, ""), 7)}, jet.ErrCatalogCorrupted},
		{"in the head", []Column{at(ok, 3)}, jet.ErrCatalogCorrupted},
		{"beyond the page", []Column{at(ok, 4093)}, jet.ErrCatalogCorrupted},
		{"wrong size", []Column{column(256, "c", jet.ColtypLong, 5, 0, "")}, jet.ErrCatalogCorrupted},
		{"long fixed", []Column{at(column(1, "c", jet.ColtypLongText, 4, 0, ""), 4)}, jet.ErrCatalogCorrupted},
		{"variable number", []Column{column(128, "c", jet.ColtypLong, 4, 0, "")}, jet.ErrCatalogCorrupted},
		{"default too long", []Column{at(column(1, "c", jet.ColtypText, 2, 0, "616263"), 4)}, jet.ErrCatalogCorrupted},
		{"default too short", []Column{at(column(1, "c", jet.ColtypLong, 4, 0, "01"), 4)}, jet.ErrCatalogCorrupted},
		{"default missing", []Column{column(128, "c", jet.ColtypText, 2, FlagDefault, "")}, jet.ErrCatalogCorrupted},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := NewSchema(tt.cols, Options{PageSize: 4096, KeyMost: 4}); !errors.Is(err, tt.err) {
				t.Errorf("%v, want %v", err, tt.err)
			}
		})
	}
}

func TestColumnLookup(t *testing.T) {
	derived := column(256, "derived", jet.ColtypLong, 4, 0, "")
	derived.ID, derived.Derived = derived.ID|templateBit, true
	template := column(1, "template", jet.ColtypLong, 4, 0, "")
	template.ID |= templateBit
	s := newSchema(t, 4096, template, column(2, "gone", jet.ColtypNil, 4, 0, ""), column(130, "v", jet.ColtypText, 9, 0, ""),
		derived, column(256, "own", jet.ColtypLong, 4, 0, ""), column(260, "gap", jet.ColtypLong, 4, 0, ""))
	tests := []struct {
		id   jet.ColumnID
		want string
	}{
		{0, ""}, {1, ""}, {0x80000001, "template"}, {2, ""}, {3, ""}, {128, ""}, {130, "v"}, {131, ""}, {256, "own"},
		{0x80000100, "derived"}, {257, ""}, {260, "gap"}, {261, ""}, {0x80000104, ""}, {0xFFFFFFFF, ""}, {0x40000001, ""},
	}
	for _, tt := range tests {
		got := ""
		if c := s.Column(tt.id); c != nil {
			got = c.Name
		}
		if got != tt.want {
			t.Errorf("Column(%#x) = %q, want %q", uint32(tt.id), got, tt.want)
		}
	}
	if got := s.NextFixedOffset(); got != 12 {
		t.Errorf("NextFixedOffset = %d", got)
	}
	if got := s.FixedOffset(s.Column(0x80000001)); got != 4 {
		t.Errorf("FixedOffset = %d", got)
	}
	if got := s.FixedOffset(s.Column(130)); got != -1 {
		t.Errorf("FixedOffset of a variable column = %d", got)
	}
}

func TestLID(t *testing.T) {
	tests := []struct {
		bytes string
		want  uint64 // 0 for an error
	}{
		{"01000000", 1}, {"FFFFFF7F", 0x7FFFFFFF}, {"00000000", 0}, {"00000080", 0}, {"010000", 0}, {"", 0},
		{"0100008000000080", 0x80000000_80000001}, {"0100000000000000", 0}, {"0100000000000081", 0},
	}
	for _, tt := range tests {
		got, err := LID(unhex(tt.bytes))
		if got != tt.want || (err != nil) != (tt.want == 0) {
			t.Errorf("LID(%s) = %#x, %v", tt.bytes, got, err)
		}
		if err == nil && !bytes.Equal(AppendLID(nil, got), unhex(tt.bytes)) {
			t.Errorf("AppendLID(%#x)", got)
		}
	}
}
