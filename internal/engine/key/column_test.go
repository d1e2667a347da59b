package key_test

import (
	"bytes"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"esent/internal/engine/key"
	"esent/internal/jet"
	"esent/internal/testdata"
)

// TestColumnRoundTrip reads random values of each type back from keys of two segments.
func TestColumnRoundTrip(t *testing.T) {
	rnd := rand.New(rand.NewPCG(9, 3))
	types := []struct {
		coltyp int
		size   int // -1: any length
	}{
		{jet.ColtypUnsignedByte, 1}, {jet.ColtypShort, 2}, {jet.ColtypUnsignedShort, 2}, {jet.ColtypLong, 4},
		{jet.ColtypUnsignedLong, 4}, {jet.ColtypIEEESingle, 4}, {jet.ColtypCurrency, 8}, {jet.ColtypLongLong, 8},
		{jet.ColtypUnsignedLongLong, 8}, {jet.ColtypIEEEDouble, 8}, {jet.ColtypDateTime, 8}, {jet.ColtypGUID, 16},
		{jet.ColtypBinary, -1}, {jet.ColtypLongBinary, -1},
	}
	for _, ty := range types {
		for range 200 {
			seg := key.Segment{Type: ty.coltyp, Descending: rnd.IntN(2) == 0}
			other := ansiText
			other.Descending = rnd.IntN(2) == 0
			ix := single(t, other)
			ix.Segments = append(ix.Segments, seg)
			if rnd.IntN(2) == 0 {
				ix.Flags |= key.FlagSortNullsHigh | key.FlagDotNetGUID
			}
			v := key.Value{Null: rnd.IntN(5) == 0}
			if n := ty.size; !v.Null {
				if n < 0 {
					n = rnd.IntN(40)
				}
				v.Data = make([]byte, n)
				for i := range v.Data {
					v.Data[i] = byte(rnd.Uint32())
				}
			}
			first := []key.Value{{Null: true}, {}, {Data: []byte("Text")}}[rnd.IntN(3)]
			var b key.Builder
			b.Reset(ix)
			if err := b.Add(first); err != nil {
				t.Fatal(err)
			}
			if err := b.Add(v); err != nil {
				t.Fatal(err)
			}
			want := key.FoundValue
			if v.Null {
				want = key.FoundNull
			}
			got, found, err := ix.Column([]byte("x"), b.Key(), 1)
			if err != nil || found != want || !bytes.Equal(got[1:], v.Data) {
				t.Fatalf("type %d %+v: key %X gives %X, %d, %v; want %+v", ty.coltyp, seg, b.Key(), got[1:], found, err, v)
			}
			if _, found, err := ix.Column(nil, b.Key(), 0); found != key.FoundNothing || err != nil {
				t.Fatalf("text: %d, %v", found, err)
			}
		}
	}
}

func TestColumnBit(t *testing.T) {
	ix := single(t, key.Segment{Type: jet.ColtypBit})
	for k, want := range map[string]string{"\x7F\x00": "\x00", "\x7F\xFF": "\xFF"} {
		if got, found, err := ix.Column(nil, []byte(k), 0); string(got) != want || found != key.FoundValue || err != nil {
			t.Errorf("%X: %X, %d, %v", k, got, found, err)
		}
	}
}

func TestColumnCannotTell(t *testing.T) {
	long := key.Segment{Type: jet.ColtypLong}
	full := bytes.Repeat([]byte{0x7F}, 255)
	one := unhex(t, "7F80000001")
	unicode := single(t, unicodeText)
	unicode.Segments = append(unicode.Segments, long)
	limited := single(t, variableBinary)
	limited.VarSegMac = 20
	limited.Segments = append(limited.Segments, long)
	small := single(t, long)
	small.KeyMost = 5
	for _, c := range []struct {
		name  string
		ix    *key.Index
		k     []byte
		seg   int
		found key.Found
		err   jet.Err
	}{
		{"possibly truncated", single(t, long), full, 0, key.FoundNothing, 0},
		{"full under a minimised limit", small, one, 0, key.FoundValue, 0},
		{"behind Unicode text", unicode, unhex(t, "7F0E020101010100 7F80000001"), 1, key.FoundNothing, 0},
		{"cut by VarSegMac", limited, unhex(t, "7F4100000000000000 01"), 0, key.FoundNothing, 0},
		{"behind a possible cut", limited, unhex(t, "7F41000000000000000 17F80000001"), 1, key.FoundNothing, 0},
		{"no such segment", small, one, 1, key.FoundNothing, jet.ErrColumnNotFound},
		{"empty", small, nil, 0, key.FoundNothing, jet.ErrSecondaryIndexCorrupted},
		{"bad prefix", small, unhex(t, "4180000001"), 0, key.FoundNothing, jet.ErrSecondaryIndexCorrupted},
		{"short", small, unhex(t, "7F8000"), 0, key.FoundNothing, jet.ErrSecondaryIndexCorrupted},
		{"bad chunk", single(t, variableBinary), unhex(t, "7F41000000000000000A"), 0, key.FoundNothing, jet.ErrSecondaryIndexCorrupted},
		{"chunks without end", single(t, variableBinary), unhex(t, "7F414141414141414109"), 0, key.FoundNothing, jet.ErrSecondaryIndexCorrupted},
	} {
		if _, found, err := c.ix.Column(nil, c.k, c.seg); found != c.found || jet.CodeOf(err) != c.err {
			t.Errorf("%s: %d, %v", c.name, found, err)
		}
	}
	small.Flags |= key.FlagPrimary
	if _, _, err := small.Column(nil, nil, 0); jet.CodeOf(err) != jet.ErrPrimaryIndexCorrupted {
		t.Errorf("primary: %v", err)
	}
}

// TestColumnsOfRealKeys reads values out of the keys in real files and compares them with the records.
func TestColumnsOfRealKeys(t *testing.T) {
	d := openDatabase(t, filepath.Join(testdata.Set(t, "index_4k", "*.edb"), "files", "db.edb"))
	compared := 0
	for _, tb := range d.tables() {
		records := map[string][]byte{}
		d.walk(tb.root, func(k, rec []byte) { records[string(k)] = rec })
		for _, ix := range tb.indexes {
			if ix.Flags&(key.FlagPrimary|key.FlagMultivalued) != 0 || ix.Tuple != nil {
				continue
			}
			d.walk(ix.root, func(k, bookmark []byte) {
				r := &row{t: t, tb: tb, ix: ix, rec: records[string(bookmark)]}
				for seg, c := range ix.columns {
					got, found, err := ix.Column(nil, k, seg)
					if err != nil {
						t.Fatalf("%s: key %X: %v", ix.name, k, err)
					}
					want := r.value(c, 1)
					if found == key.FoundNothing {
						continue
					}
					compared++
					if want.Null != (found == key.FoundNull) || !bytes.Equal(got, want.Data) {
						t.Errorf("%s: key %X segment %d: got %X, want %+v", ix.name, k, seg, got, want)
					}
				}
			})
		}
	}
	t.Logf("%d values", compared)
}
