package catalog

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"esent/internal/engine/record"
)

// unhex reads the examples of the specification: hexadecimal digits, spaces, and text in quotes.
func unhex(t *testing.T, s string) []byte {
	t.Helper()
	var b []byte
	for i, part := range strings.Split(s, "'") {
		if i%2 == 1 {
			b = append(b, part...)
			continue
		}
		h, err := hex.DecodeString(strings.ReplaceAll(part, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		b = append(b, h...)
	}
	return b
}

func utf16Bytes(s string) []byte {
	var b []byte
	for i := range len(s) {
		b = append(b, s[i], 0)
	}
	return b
}

// The raw records of spec chapter 03, 14.
func TestRowExamples(t *testing.T) {
	segments := func(ids ...segmentID) []byte { return appendSegments(nil, ids) }
	for _, x := range []struct {
		name     string
		pageSize int
		row      Row
		want     string
	}{
		{"table", 4096, Row{ObjidTable: 2, Type: RowTable, ID: 2, ColtypOrPgno: 4, SpaceUsage: 80, Flags: 0xC0000000,
			PagesOrLocale: 20, Root: true, Name: "MSysObjects"},
			"08 80 2000 02000000 0100 02000000 04000000 50000000 000000c0 14000000 ff 00 0b00 'MSysObjects'"},
		{"fixed column", 4096, Row{ObjidTable: 2, Type: RowColumn, ID: 1, ColtypOrPgno: 4, SpaceUsage: 4, Flags: 1,
			PagesOrLocale: 1252, RecordOffset: 4, Name: "ObjidTable"},
			"09 80 2300 02000000 0200 01000000 04000000 04000000 01000000 e4040000 2a 0400 80fe 0a00 'ObjidTable'"},
		{"variable column", 4096, Row{ObjidTable: 2, Type: RowColumn, ID: 128, ColtypOrPgno: 10, SpaceUsage: 255, Flags: 1,
			PagesOrLocale: 1252, Name: "Name"},
			"07 80 1f00 02000000 0200 80000000 0a000000 ff000000 01000000 e4040000 80 0400 'Name'"},
		{"tagged column", 32768, Row{ObjidTable: 2, Type: RowColumn, ID: 256, ColtypOrPgno: 11, PagesOrLocale: 1252,
			Name: "CallbackData"},
			"07 80 1f00 02000000 0200 00010000 0b000000 00000000 00000000 e4040000 80 0c00 'CallbackData'"},
		{"index", 4096, Row{ObjidTable: 2, Type: RowIndex, ID: 2, ColtypOrPgno: 4, SpaceUsage: 80, Flags: 0x10031, LCMapFlags: 0x30401,
			HasLCMap: true, Name: "Id", KeyFldIDs: segments(segmentID{1, 0}, segmentID{2, 0}, segmentID{3, 0}), LocaleName: utf16Bytes("en-US")},
			"0a 84 2700 02000000 0300 02000000 04000000 50000000 31000100 00000000 2a 2a2a 01040300 80fd" +
				"0200 0280 0280 0280 0e00 'Id' 00000100 00000200 00000300  0501 0440 01 65006e002d0055005300"},
		{"index, large page", 16384, Row{ObjidTable: 2, Type: RowIndex, ID: 2, ColtypOrPgno: 4, SpaceUsage: 80, Flags: 0x10031,
			LCMapFlags: 0x30401, HasLCMap: true, Name: "Id", KeyFldIDs: segments(segmentID{1, 0}, segmentID{2, 0}, segmentID{3, 0}),
			LocaleName: utf16Bytes("en-US")},
			"0a 84 2700 02000000 0300 02000000 04000000 50000000 31000100 00000000 2a 2a2a 01040300 80fd" +
				"0200 0280 0280 0280 0e00 'Id' 00000100 00000200 00000300  0501 0400 01 65006e002d0055005300"},
		{"last set time", 4096, Row{ObjidTable: 2, Type: RowColumn, ID: 13, ColtypOrPgno: 8, SpaceUsage: 8, PagesOrLocale: 1252,
			RecordOffset: 4, Name: "PgnoFDPLastSetTime"},
			"0980 2300 02000000 0200 0d000000 08000000 08000000 00000000 e4040000 2a 0400 80fe 1200 'PgnoFDPLastSetTime'"},
		{"table with last set time", 4096, Row{ObjidTable: 6, Type: RowTable, ID: 6, ColtypOrPgno: 29, SpaceUsage: 100,
			Flags: 0xC8000000, Root: true, LastSetTime: 0x0102030405060708, Name: "MSysObjids"},
			"0d80 3500 06000000 0100 06000000 1d000000 64000000 000000c8 00000000 ff 2a2a 2a2a2a2a 2a2a 2a2a2a2a 0807060504030201 00ef 0a00 'MSysObjids'"},
	} {
		t.Run(x.name, func(t *testing.T) {
			s, err := rowSchema(x.pageSize)
			if err != nil {
				t.Fatal(err)
			}
			var b record.Buffer
			b.Reset(s)
			got, err := x.row.encode(&b)
			if err != nil {
				t.Fatal(err)
			}
			want := unhex(t, x.want)
			if !bytes.Equal(got, want) {
				t.Errorf("\n got % x\nwant % x", got, want)
			}
			r, err := decodeRow(s, got)
			if err != nil {
				t.Fatal(err)
			}
			if again, err := r.encode(&b); err != nil || !bytes.Equal(again, want) {
				t.Errorf("decoded and encoded again: % x, %v", again, err)
			}
		})
	}
}

// Keys as spec chapter 03, 13.2 gives them.
func TestKeys(t *testing.T) {
	k := makeRowKey(2, RowColumn, 1)
	if want := unhex(t, "7f80000002 7f8002 7f80000001"); !bytes.Equal(k[:], want) {
		t.Errorf("row key % x", k)
	}
	if table, typ, id, err := parseRowKey(k[:]); table != 2 || typ != RowColumn || id != 1 || err != nil {
		t.Errorf("parsed as %d %d %d, %v", table, typ, id, err)
	}
	if got, err := appendRootKey(nil, "BackupSet"); err != nil || !bytes.Equal(got, unhex(t, "7fff 7f 'BACKUPSET' 00")) {
		t.Errorf("root key % x, %v", got, err)
	}
}

// Space hints as spec chapter 03, 13.7 gives them.
func TestHints(t *testing.T) {
	for _, x := range []struct {
		h    SpaceHints
		from int
		want string
	}{
		{SpaceHints{Grbit: 0x13, MaintDensity: 55, Growth: 150, MinExtent: 16 << 10, MaxExtent: 128 << 10}, hintsFromGrbit,
			"01 13000000 37000000 96000000 00400000 00000200"},
		{SpaceHints{Initial: 12 << 10, Grbit: 0x13, MaintDensity: 55, Growth: 150, MinExtent: 16 << 10, MaxExtent: 128 << 10}, hintsFromInitial,
			"01 00300000 13000000 37000000 96000000 00400000 00000200"},
		{SpaceHints{Initial: 8 << 10}, hintsFromInitial, "01 00200000"},
		{SpaceHints{InitialDensity: 90, Grbit: 4, Growth: 200, MinExtent: 8 << 10, MaxExtent: 64 << 10}, hintsFromDensity,
			"01 5a000000 00000000 04000000 00000000 c8000000 00200000 00000100"},
		{SpaceHints{}, hintsFromGrbit, ""},
	} {
		got := x.h.encode(x.from)
		if !bytes.Equal(got, unhex(t, x.want)) {
			t.Errorf("%+v: % x", x.h, got)
		}
		if h, err := decodeHints(got, x.from); err != nil || h != x.h {
			t.Errorf("%+v read as %+v, %v", x.h, h, err)
		}
	}
	for _, b := range [][]byte{{2, 0, 0, 0, 0}, {1, 0}, make([]byte, 60)} {
		if _, err := decodeHints(b, hintsFromGrbit); err == nil {
			t.Errorf("% x is accepted", b)
		}
	}
}

// A record that is cut or altered is refused or read as something, without harm.
func FuzzRow(f *testing.F) {
	s, err := rowSchema(4096)
	if err != nil {
		f.Fatal(err)
	}
	var b record.Buffer
	b.Reset(s)
	r := Row{ObjidTable: 2, Type: RowIndex, ID: 2, ColtypOrPgno: 4, SpaceUsage: 80, HasLCMap: true, Name: "Id", LocaleName: []byte("e\x00")}
	rec, err := r.encode(&b)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(bytes.Clone(rec))
	f.Fuzz(func(t *testing.T, rec []byte) {
		r, err := decodeRow(s, rec)
		if err == nil && r.Name == "" {
			t.Error("row without name")
		}
	})
}
