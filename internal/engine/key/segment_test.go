package key_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf16"

	"esent/internal/engine/key"
	"esent/internal/jet"
)

// unhex reads hex digits with any spaces between.
func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func utf16le(s string) (b []byte) {
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}

// collation is the default one, as a new index has it.
func collation(t testing.TB, flags uint32) *key.Collation {
	t.Helper()
	c, err := key.NewCollation(key.DefaultLocale, flags, key.SortVersion, key.DefaultSortID)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// single is an index over one column.
func single(t testing.TB, seg key.Segment) *key.Index {
	return &key.Index{Segments: []key.Segment{seg}, KeyMost: key.KeyMostDefault, Flags: key.FlagAllowAllNulls |
		key.FlagAllowFirstNull | key.FlagAllowSomeNulls, Collation: collation(t, key.DefaultMapFlags)}
}

var (
	variableBinary = key.Segment{Type: jet.ColtypBinary, Max: 255}
	ansiText       = key.Segment{Type: jet.ColtypText, CodePage: 1252, Max: 255}
	unicodeText    = key.Segment{Type: jet.ColtypLongText, CodePage: 1200}
)

// TestSegments has the rows of spec chapter 04, 7.4 and the rules of 7.3 and 7.5 to 7.7.
func TestSegments(t *testing.T) {
	fixed := func(coltyp int) key.Segment { return key.Segment{Type: coltyp, FixedClass: true} }
	descending := func(s key.Segment) key.Segment { s.Descending = true; return s }
	fixedBinary := key.Segment{Type: jet.ColtypBinary, FixedClass: true, Max: 12}
	cases := []struct {
		name  string
		seg   key.Segment
		flags key.Flags
		value string // hex, or "text for a string in the segment's code page, or null
		want  string
	}{
		{"false", fixed(jet.ColtypBit), 0, "00", "7F00"},
		{"true", fixed(jet.ColtypBit), 0, "01", "7FFF"},
		{"byte", fixed(jet.ColtypUnsignedByte), 0, "D5", "7FD5"},
		{"short", fixed(jet.ColtypShort), 0, "C7FA", "7F7AC7"},
		{"long", fixed(jet.ColtypLong), 0, "37F833FF", "7F7F33F837"},
		{"currency", fixed(jet.ColtypCurrency), 0, "C9B000B41DC00400", "7F8004C01DB400B0C9"},
		{"single", fixed(jet.ColtypIEEESingle), 0, "0000803F", "7FBF800000"},
		{"negative single", fixed(jet.ColtypIEEESingle), 0, "000080BF", "7F407FFFFF"},
		{"double", fixed(jet.ColtypIEEEDouble), 0, "43614724F9806941", "7FC16980F924476143"},
		{"datetime", fixed(jet.ColtypDateTime), 0, "0000000080AFE140", "7FC0E1AF8000000000"},
		{"unsigned long", fixed(jet.ColtypUnsignedLong), 0, "C907CC00", "7F00CC07C9"},
		{"long long", fixed(jet.ColtypLongLong), 0, "37F833FFFFFFFFFF", "7F7FFFFFFFFF33F837"},
		{"unsigned long long", fixed(jet.ColtypUnsignedLongLong), 0, "0102030405060708", "7F0807060504030201"},
		{"guid", fixed(jet.ColtypGUID), 0, "F10A363F6667DC469AF20DACF295C2A1", "7F0DACF295C2A19AF2DC466667F10A363F"},
		{".net guid", fixed(jet.ColtypGUID), key.FlagDotNetGUID, "F10A363F6667DC469AF20DACF295C2A1", "7F3F360AF1676646DC9AF20DACF295C2A1"},
		{"unsigned short", fixed(jet.ColtypUnsignedShort), 0, "3905", "7F0539"},
		{"descending long", descending(fixed(jet.ColtypLong)), 0, "02000000", "807FFFFFFD"},

		{"null", fixed(jet.ColtypLong), 0, "null", "00"},
		{"null high", fixed(jet.ColtypLong), key.FlagSortNullsHigh, "null", "C0"},
		{"null descending", descending(fixed(jet.ColtypLong)), 0, "null", "FF"},
		{"zero-length", variableBinary, 0, "", "40"},
		{"zero-length descending", descending(ansiText), 0, "", "BF"},
		{"zero-length tagged long", key.Segment{Type: jet.ColtypLong}, 0, "", "00"},
		{"zero-length tagged long, nulls high", key.Segment{Type: jet.ColtypLong}, key.FlagSortNullsHigh, "", "C0"},

		{"binary", variableBinary, 0, `"test binary data`, "7F 746573742062696E 09 6172792064617461 08"},
		{"binary ABC", variableBinary, 0, `"ABC`, "7F 41 42 43 00 00 00 00 00 03"},
		{"binary 8", variableBinary, 0, `"12345678`, "7F 3132333435363738 08"},
		{"fixed binary", fixedBinary, 0, "010203040506070809000000", "7F010203040506070809000000"},

		{"text", ansiText, 0, `"Simple ASCII text`, "7F 53494D504C45204153434949205445585400"},
		{"text to NUL", ansiText, 0, "61620063", "7F414200"},
		{"text high bytes", ansiText, 0, "E4E96080FF", "7FE4E96080FF00"},
		{"text descending", descending(ansiText), 0, `"ab`, "80BEBDFF"},

		{"unicode", unicodeText, 0, `"ab`, "7F 0E020E09 01010101 00"},
		{"unicode odd byte", unicodeText, 0, "6100 62", "7F 0E02 01010101 00"},
		{"unicode descending", descending(unicodeText), 0, `"a`, "80 F1FD FEFEFEFE FF"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			ix := single(t, c.seg)
			ix.Flags |= c.flags
			v := key.Value{Null: c.value == "null"}
			switch s, isText := strings.CutPrefix(c.value, `"`); {
			case isText && c.seg.CodePage == 1200:
				v.Data = utf16le(s)
			case isText:
				v.Data = []byte(s)
			case !v.Null:
				v.Data = unhex(t, c.value)
			}
			got, truncated, err := key.AppendSegment(nil, &c.seg, ix, v, ix.KeyMost)
			if err != nil || truncated {
				t.Fatal(truncated, err)
			}
			if want := unhex(t, c.want); !bytes.Equal(got, want) {
				t.Errorf("got %X, want %X", got, want)
			}
		})
	}
}

// TestTruncation has the cuts of spec chapter 04, 7.5, 7.6 and 7.8.
func TestTruncation(t *testing.T) {
	fixedBinary := key.Segment{Type: jet.ColtypBinary, FixedClass: true, Max: 4}
	long := key.Segment{Type: jet.ColtypLong, FixedClass: true}
	cases := []struct {
		name      string
		seg       key.Segment
		varSegMac int
		space     int
		value     string
		want      string
		truncated bool
	}{
		{"text fits", ansiText, 0, 5, "abc", "7F41424300", false},
		{"text without terminator", ansiText, 0, 4, "abc", "7F414243", true},
		{"last byte lowered", ansiText, 0, 4, "ab1z", "7F414211", true},
		{"last byte wraps", ansiText, 0, 3, "a\x05z", "7F41E5", true},
		{"NUL before the cut", ansiText, 0, 4, "a\x00bcd", "7F4100", false},
		{"NUL at the cut", ansiText, 0, 4, "ab\x00cd", "7F414200", false},
		{"text prefix only", ansiText, 0, 1, "abc", "7F", false},
		{"text cut on purpose", ansiText, 5, 255, "abcdefg", "7F41424344", false},
		{"text cut by both", ansiText, 5, 5, "abcdefg", "7F41424344", false},
		{"text cut before purpose", ansiText, 5, 4, "abcdefg", "7F414243", true},
		{"binary in a chunk", variableBinary, 0, 5, "123456", "7F31323334", true},
		{"binary after the data", variableBinary, 0, 9, "123456", "7F3132333435360000", true},
		{"binary at a chunk", variableBinary, 0, 10, "123456789", "7F313233343536373809", true},
		{"binary in the second chunk", variableBinary, 0, 13, "123456789", "7F313233343536373809390000", true},
		{"binary cut on purpose", variableBinary, 6, 255, "123456789", "7F3132333435", false},
		{"fixed binary", fixedBinary, 0, 3, "1234", "7F3132", true},
		{"fixed binary on purpose", fixedBinary, 3, 255, "1234", "7F3132", false},
		{"long", long, 0, 3, "\x01\x00\x00\x00", "7F8000", true},
		{"long ignores VarSegMac", long, 3, 255, "\x01\x00\x00\x00", "7F80000001", false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			ix := single(t, c.seg)
			ix.VarSegMac = c.varSegMac
			got, truncated, err := key.AppendSegment([]byte("x"), &c.seg, ix, key.Value{Data: []byte(c.value)}, c.space)
			if err != nil {
				t.Fatal(err)
			}
			if want := append([]byte("x"), unhex(t, c.want)...); !bytes.Equal(got, want) || truncated != c.truncated {
				t.Errorf("got %X, %v, want %X, %v", got, truncated, want, c.truncated)
			}
		})
	}
}

func TestSegmentErrors(t *testing.T) {
	long := key.Segment{Type: jet.ColtypLong}
	for _, c := range []struct {
		name  string
		seg   key.Segment
		data  string
		space int
		want  jet.Err
	}{
		{"short long", long, "ab", 255, jet.ErrInvalidBufferSize},
		{"long long", long, "abcdefghijklmnopqrstuvwxyz", 255, jet.ErrInvalidBufferSize},
		{"long long, little space", long, "abcdefghijklmnopqrstuvwxyz", 3, jet.ErrInvalidBufferSize},
		{"unknown type", key.Segment{Type: 13}, "a", 255, jet.ErrInvalidBufferSize},
		{"no space", long, "abcd", 0, jet.ErrInvalidParameter},
		{"half a unit", unicodeText, "a", 255, jet.ErrUnicodeTranslationFail},
		{"kana", unicodeText, "\x42\x30", 255, jet.ErrUnicodeTranslationFail},
	} {
		ix := single(t, c.seg)
		out, _, err := key.AppendSegment([]byte("x"), &c.seg, ix, key.Value{Data: []byte(c.data)}, c.space)
		if jet.CodeOf(err) != c.want || string(out) != "x" {
			t.Errorf("%s: %q, %v", c.name, out, err)
		}
	}
	ix := single(t, unicodeText)
	ix.Collation = nil
	if _, _, err := key.AppendSegment(nil, &unicodeText, ix, key.Value{Data: []byte("a\x00")}, 255); jet.CodeOf(err) != jet.ErrUnicodeNormalizationNotSupported {
		t.Errorf("without collation: %v", err)
	}
}

// TestOrder compares the order of keys with the order of values, for random values of each type.
func TestOrder(t *testing.T) {
	rnd := rand.New(rand.NewPCG(4, 7))
	word := func() uint64 { return rnd.Uint64() >> (rnd.IntN(8) * 8) }
	le := func(v uint64, n int) []byte { return binary.LittleEndian.AppendUint64(nil, v)[:n] }
	type sample struct {
		data  []byte
		order any
	}
	integer := func(n int, signed bool) func() sample {
		return func() sample {
			v := word()
			shift := 64 - 8*n
			if signed {
				i := int64(v<<shift) >> shift
				return sample{le(uint64(i), n), i}
			}
			v = v << shift >> shift
			return sample{le(v, n), v}
		}
	}
	double := func() sample {
		f := math.Float64frombits(rnd.Uint64())
		if math.IsNaN(f) {
			f = rnd.NormFloat64()
		}
		return sample{le(math.Float64bits(f), 8), f}
	}
	strs := func() sample {
		b := make([]byte, rnd.IntN(30))
		for i := range b {
			b[i] = byte(rnd.IntN(3)) * 127
		}
		return sample{b, string(b)}
	}
	types := []struct {
		seg  key.Segment
		make func() sample
	}{
		{key.Segment{Type: jet.ColtypUnsignedByte}, integer(1, false)},
		{key.Segment{Type: jet.ColtypShort}, integer(2, true)},
		{key.Segment{Type: jet.ColtypUnsignedShort}, integer(2, false)},
		{key.Segment{Type: jet.ColtypLong}, integer(4, true)},
		{key.Segment{Type: jet.ColtypUnsignedLong}, integer(4, false)},
		{key.Segment{Type: jet.ColtypCurrency}, integer(8, true)},
		{key.Segment{Type: jet.ColtypLongLong}, integer(8, true)},
		{key.Segment{Type: jet.ColtypUnsignedLongLong}, integer(8, false)},
		{key.Segment{Type: jet.ColtypIEEESingle}, func() sample {
			f := float32(rnd.NormFloat64() * math.Pow(10, float64(rnd.IntN(40)-20)))
			return sample{le(uint64(math.Float32bits(f)), 4), float64(f)}
		}},
		{key.Segment{Type: jet.ColtypIEEEDouble}, double},
		{key.Segment{Type: jet.ColtypDateTime}, double},
		{variableBinary, strs},
		{key.Segment{Type: jet.ColtypText, CodePage: 1252}, func() sample {
			s := strings.Repeat("A", rnd.IntN(5)) + strings.Repeat("\xE4", rnd.IntN(5)) + strings.Repeat("B", rnd.IntN(2))
			return sample{[]byte(s), s}
		}},
	}
	less := func(a, b any) bool {
		switch a := a.(type) {
		case int64:
			return a < b.(int64)
		case uint64:
			return a < b.(uint64)
		case float64:
			return a < b.(float64)
		}
		return a.(string) < b.(string)
	}
	for _, ty := range types {
		for _, ty.seg.Descending = range []bool{false, true} {
			ix := single(t, ty.seg)
			for range 2000 {
				a, b := ty.make(), ty.make()
				ka, _, err := key.AppendSegment(nil, &ty.seg, ix, key.Value{Data: a.data}, 255)
				if err != nil {
					t.Fatal(err)
				}
				kb, _, _ := key.AppendSegment(nil, &ty.seg, ix, key.Value{Data: b.data}, 255)
				c := bytes.Compare(ka, kb)
				if ty.seg.Descending {
					c = -c
				}
				if less(a.order, b.order) != (c < 0) || less(b.order, a.order) != (c > 0) {
					t.Fatalf("type %d descending %v: %v %X, %v %X", ty.seg.Type, ty.seg.Descending, a.order, ka, b.order, kb)
				}
			}
		}
	}
}
