package key_test

import (
	"bytes"
	"strings"
	"testing"

	"esent/internal/engine/key"
	"esent/internal/jet"
)

// keyPattern reads hex with a trailing +N for N bytes FF.
func keyPattern(t *testing.T, s string) []byte {
	t.Helper()
	s, count, _ := strings.Cut(s, "+")
	n := 0
	for _, digit := range count {
		n = 10*n + int(digit-'0')
	}
	return append(unhex(t, s), bytes.Repeat([]byte{0xFF}, n)...)
}

// TestSearchKeys has the table of spec chapter 04, 9.1 and more of its rules.
func TestSearchKeys(t *testing.T) {
	long := key.Segment{Type: jet.ColtypLong, FixedClass: true, Max: 4}
	ansiDescending, unicodeDescending := ansiText, unicodeText
	ansiDescending.Descending, unicodeDescending.Descending = true, true
	fixedText := key.Segment{Type: jet.ColtypText, CodePage: 1252, FixedClass: true, Max: 4}
	fixedUnicode := key.Segment{Type: jet.ColtypText, CodePage: 1200, FixedClass: true, Max: 6}
	fixedBinary := key.Segment{Type: jet.ColtypBinary, FixedClass: true, Max: 2}
	const (
		fullStart = jet.BitFullColumnStartLimit
		fullEnd   = jet.BitFullColumnEndLimit
		partStart = jet.BitPartialColumnStartLimit
		partEnd   = jet.BitPartialColumnEndLimit
	)
	five, ab := "\x05\x00\x00\x00", "ab"
	uab := string(utf16le("ab"))
	cases := []struct {
		name      string
		seg       key.Segment
		keyMost   int
		varSegMac int
		data      string
		grbit     jet.Grbit
		want      string
		limit     bool
	}{
		{"long", long, 255, 0, five, 0, "7F80000005", false},
		{"long FullEnd", long, 255, 0, five, fullEnd, "7F80000005+251", true},
		{"long StrLimit", long, 255, 0, five, jet.BitStrLimit, "7F80000005+251", true},
		{"long FullStart", long, 255, 0, five, fullStart, "7F80000005", true},
		{"long SubStrLimit", long, 255, 0, five, jet.BitSubStrLimit, "7F80000005", false},
		{"long Str and SubStrLimit", long, 255, 0, five, jet.BitStrLimit | jet.BitSubStrLimit, "7F80000005+251", true},
		{"long FullEnd 600", long, 600, 0, five, fullEnd, "7F80000005+596", true},
		{"long FullEnd minimised", long, 5, 0, five, fullEnd, "7F80000005FF", true},
		{"long with unknown flag", long, 255, 0, five, 0x4000, "7F80000005", false},
		{"text", ansiText, 255, 0, ab, 0, "7F414200", false},
		{"text PartialStart", ansiText, 255, 0, ab, partStart, "7F4142", true},
		{"text PartialEnd", ansiText, 255, 0, ab, partEnd, "7F4142+253", true},
		{"text SubStrLimit", ansiText, 255, 0, ab, jet.BitSubStrLimit, "7F4142+253", true},
		{"text StrLimit", ansiText, 255, 0, ab, jet.BitStrLimit, "7F414200+252", true},
		{"text FullEnd", ansiText, 255, 0, ab, fullEnd, "7F414200+252", true},
		{"unicode", unicodeText, 255, 0, uab, 0, "7F0E020E090101010100", false},
		{"unicode PartialStart", unicodeText, 255, 0, uab, partStart, "7F0E020E09", true},
		{"unicode PartialEnd", unicodeText, 255, 0, uab, partEnd, "7F0E020E09+251", true},
		{"unicode descending PartialEnd", unicodeDescending, 255, 0, uab, partEnd, "80F1FDF1F6+251", true},
		{"binary", variableBinary, 255, 0, "ABC", 0, "7F414243000000000003", false},
		{"binary PartialStart", variableBinary, 255, 0, "ABC", partStart, "7F414243", true},
		{"binary PartialEnd", variableBinary, 255, 0, "ABC", partEnd, "7F414243FFFFFFFFFFFFFF", true},
		{"binary StrLimit", variableBinary, 255, 0, "ABC", jet.BitStrLimit, "7F414243FFFFFFFFFFFFFF", true},
		{"binary 8 PartialEnd", variableBinary, 255, 0, "12345678", partEnd, "7F3132333435363738FFFF", true},
		{"binary 9 PartialEnd", variableBinary, 255, 0, "123456789", partEnd, "7F31323334353637380939+9", true},
		{"binary cut, PartialEnd", variableBinary, 255, 6, "123456789", partEnd, "7F3132333435+250", true},
		{"binary cut behind its data, PartialStart", variableBinary, 255, 9, "12345", partStart, "7F3132333435", true},
		{"fixed binary StrLimit", fixedBinary, 255, 0, "12", jet.BitStrLimit, "7F3132+253", true},
		{"null", ansiText, 255, 0, "", 0, "00", false},
		{"zero-length", ansiText, 255, 0, "", jet.BitKeyDataZeroLength, "40", false},
		{"zero-length flag with data", ansiText, 255, 0, ab, jet.BitKeyDataZeroLength, "7F414200", false},
		{"null PartialEnd", ansiText, 255, 0, "", partEnd, "00+255", true},
		{"null PartialStart", ansiText, 255, 0, "", partStart, "00", true},
		{"null binary PartialEnd", variableBinary, 255, 0, "", partEnd, "00+255", true},
		{"descending PartialStart", ansiDescending, 255, 0, ab, partStart, "80BEBD", true},
		{"descending PartialEnd", ansiDescending, 255, 0, ab, partEnd, "80BEBD+253", true},
		{"VarSegMac", ansiText, 255, 5, "abcdefg", 0, "7F41424344", false},
		{"VarSegMac PartialEnd", ansiText, 255, 5, "abcdefg", partEnd, "7F41424344+251", true},
		{"fixed text padded", fixedText, 255, 0, ab, 0, "7F4142202000", false},
		{"fixed unicode padded", fixedUnicode, 255, 0, string(utf16le("a")), 0, "7F0E02070207020101010100", false},
		{"text of 255", ansiText, 255, 0, strings.Repeat("B", 255), 0, "7F" + strings.Repeat("42", 253) + "22", false},
		{"text of 300, PartialEnd", ansiText, 255, 0, strings.Repeat("B", 300), partEnd, "7F" + strings.Repeat("42", 253) + "22FF", true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			ix := single(t, c.seg)
			ix.KeyMost, ix.VarSegMac = c.keyMost, c.varSegMac
			var k key.SearchKey
			if err := k.MakeKey(ix, []byte(c.data), jet.BitNewKey|c.grbit); err != nil {
				t.Fatal(err)
			}
			if want := keyPattern(t, c.want); !bytes.Equal(k.Bytes(), want) {
				t.Errorf("got %X (%d), want %X (%d)", k.Bytes(), len(k.Bytes()), want, len(want))
			}
			if k.Limit() != c.limit || !k.Made() || k.Columns() != 1 {
				t.Errorf("limit %v made %v columns %d", k.Limit(), k.Made(), k.Columns())
			}
			if err := k.MakeKey(ix, []byte(c.data), 0); jet.CodeOf(err) != jet.ErrKeyIsMade {
				t.Errorf("another column: %v", err)
			}
		})
	}
}

func TestSearchKeySteps(t *testing.T) {
	long := key.Segment{Type: jet.ColtypLong, FixedClass: true, Max: 4}
	two := single(t, long)
	two.Segments = append(two.Segments, ansiText)
	tuple := single(t, ansiText)
	limits := key.DefaultTupleLimits
	tuple.Tuple = &limits
	placeholder := single(t, key.Segment{Type: jet.ColtypBit, FixedClass: true, Max: 1, Descending: true})
	placeholder.Segments = append(placeholder.Segments, long)
	placeholder.Placeholder = true
	small := single(t, ansiText)
	small.KeyMost = 255
	small.Segments = append(small.Segments, long, long)
	const newKey = jet.BitNewKey
	one := "\x01\x00\x00\x00"
	type step struct {
		data  string
		grbit jet.Grbit
		err   jet.Err
		key   string // after the step
	}
	cases := []struct {
		name  string
		ix    *key.Index
		steps []step
	}{
		{"two columns", two, []step{{one, newKey, 0, "7F80000001"}, {"ab", jet.BitSubStrLimit, 0, "7F800000017F4142+248"}, {"x", 0, jet.ErrKeyIsMade, "7F800000017F4142+248"}}},
		{"no key", two, []step{{one, 0, jet.ErrKeyNotMade, ""}}},
		{"after a limit", two, []step{{one, newKey | jet.BitFullColumnStartLimit, 0, "7F80000001"}, {"ab", 0, jet.ErrKeyIsMade, "7F80000001"}, {one, newKey, 0, "7F80000001"}}},
		{"wrong size", two, []step{{"x", newKey, jet.ErrInvalidBufferSize, ""}, {"ab", 0, jet.ErrKeyNotMade, ""}}},
		{"zero length of fixed", two, []step{{"", newKey | jet.BitKeyDataZeroLength, jet.ErrInvalidBufferSize, ""}}},
		{"two limits", two, []step{{one, newKey | jet.BitFullColumnStartLimit | jet.BitFullColumnEndLimit, jet.ErrInvalidGrbit, ""}}},
		{"partial of fixed", two, []step{{one, newKey, 0, "7F80000001"}, {one, newKey | jet.BitPartialColumnEndLimit, jet.ErrInvalidGrbit, ""}, {"ab", 0, jet.ErrKeyNotMade, ""}}},
		{"error at the second", two, []step{{one, newKey, 0, "7F80000001"}, {"ab", jet.BitFullColumnEndLimit | jet.BitPartialColumnEndLimit, jet.ErrInvalidGrbit, "7F80000001"}, {"ab", 0, 0, "7F800000017F414200"}}},
		{"normalised", two, []step{{"\x7F\x01", jet.BitNormalizedKey, 0, "7F01"}, {"ab", 0, jet.ErrKeyIsMade, "7F01"}}},
		{"normalised limit", two, []step{{strings.Repeat("\xFF", 256), jet.BitNormalizedKey, 0, "+256"}}},
		{"normalised too long", two, []step{{strings.Repeat("\xFF", 257), jet.BitNormalizedKey, jet.ErrInvalidParameter, ""}}},
		{"normalised without index", nil, []step{{"\x00\x00\x00\x01", jet.BitNormalizedKey, 0, "00000001"}, {"", newKey, jet.ErrNoCurrentIndex, "00000001"}}},
		{"tuple", tuple, []step{{"ab", newKey, jet.ErrIndexTuplesKeyTooSmall, ""}, {"", newKey | jet.BitKeyDataZeroLength, jet.ErrIndexTuplesKeyTooSmall, ""}, {"abcdefghijkl", newKey, 0, "7F4142434445464748494A00"}}},
		{"placeholder", placeholder, []step{{one, newKey, 0, "80FF7F80000001"}, {one, 0, jet.ErrKeyIsMade, "80FF7F80000001"}, {"\x01", newKey | jet.BitKeyOverridePrimaryIndexPlaceholder, 0, "8000"}}},
		{"full key", small, []step{{strings.Repeat("B", 300), newKey, 0, "7F" + strings.Repeat("42", 253) + "22"}, {one, jet.BitFullColumnEndLimit, 0, "7F" + strings.Repeat("42", 253) + "22"}, {one, 0, 0, "7F" + strings.Repeat("42", 253) + "22"}, {one, 0, jet.ErrKeyIsMade, "7F" + strings.Repeat("42", 253) + "22"}}},
		{"long in the last bytes", small, []step{{strings.Repeat("B", 250), newKey, 0, "7F" + strings.Repeat("42", 250) + "00"}, {one, jet.BitFullColumnEndLimit, 0, "7F" + strings.Repeat("42", 250) + "007F8000FF"}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var k key.SearchKey
			for i, s := range c.steps {
				err := k.MakeKey(c.ix, []byte(s.data), s.grbit)
				if jet.CodeOf(err) != s.err {
					t.Fatalf("step %d: %v", i, err)
				}
				if want := keyPattern(t, s.key); !bytes.Equal(k.Bytes(), want) {
					t.Errorf("step %d: got %X, want %X", i, k.Bytes(), want)
				}
			}
		})
	}
	t.Run("consumed", func(t *testing.T) {
		var k key.SearchKey
		if err := k.MakeKey(two, []byte(one), newKey); err != nil {
			t.Fatal(err)
		}
		k.Consume()
		if k.Made() || !bytes.Equal(k.Bytes(), unhex(t, "7F80000001")) {
			t.Errorf("made %v, %X", k.Made(), k.Bytes())
		}
		if err := k.MakeKey(two, []byte("ab"), 0); jet.CodeOf(err) != jet.ErrKeyNotMade {
			t.Error(err)
		}
	})
}

func TestSearchKeyAllocates(t *testing.T) {
	long := single(t, key.Segment{Type: jet.ColtypLongLong, FixedClass: true, Max: 8})
	text := single(t, unicodeText)
	ansi := single(t, ansiText)
	value, name := make([]byte, 8), utf16le("Überraschung – it's here")
	var k key.SearchKey
	var b key.Builder
	if n := testing.AllocsPerRun(100, func() {
		_ = k.MakeKey(long, value, jet.BitNewKey)
		_ = k.MakeKey(text, name, jet.BitNewKey|jet.BitSubStrLimit)
		_ = k.MakeKey(ansi, name, jet.BitNewKey|jet.BitPartialColumnEndLimit)
		b.Reset(text)
		_ = b.Add(key.Value{Data: name})
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkMakeKeyLongLong(b *testing.B) {
	ix := single(b, key.Segment{Type: jet.ColtypLongLong, FixedClass: true, Max: 8})
	value := []byte{1, 2, 3, 4, 5, 6, 7, 8}
	var k key.SearchKey
	for b.Loop() {
		if err := k.MakeKey(ix, value, jet.BitNewKey); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMakeKeyUnicode(b *testing.B) {
	ix := single(b, unicodeText)
	value := utf16le("The quick brown fox")
	var k key.SearchKey
	for b.Loop() {
		if err := k.MakeKey(ix, value, jet.BitNewKey); err != nil {
			b.Fatal(err)
		}
	}
}
