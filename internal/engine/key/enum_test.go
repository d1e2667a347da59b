package key_test

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"esent/internal/engine/key"
	"esent/internal/jet"
)

// values are a record's column values by segment; nil is NULL.
type values [][][]byte

func (v values) Segment(seg int, itag uint32, offset, most int) (key.Value, error) {
	if int(itag) > len(v[seg]) || v[seg][itag-1] == nil {
		return key.Value{Null: true}, nil
	}
	data := v[seg][itag-1]
	return key.Value{Data: data[min(offset, len(data)):]}, nil
}

func texts(s ...string) (out [][]byte) {
	for _, v := range s {
		if v == "-" {
			out = append(out, nil)
			continue
		}
		out = append(out, []byte(v))
	}
	return out
}

// readable shows keys of cp 1252 segments: values without prefix and terminator, NULL as -.
func readable(k []byte) string {
	var parts []string
	for len(k) > 0 {
		if k[0] != 0x7F {
			parts, k = append(parts, "-"), k[1:]
			continue
		}
		s, rest, _ := strings.Cut(string(k[1:]), "\x00")
		parts, k = append(parts, s), []byte(rest)
	}
	return strings.Join(parts, ",")
}

// TestEnumerator has the examples of spec chapter 04, 8.2, 8.4 and 8.5.
func TestEnumerator(t *testing.T) {
	const (
		all   = key.FlagAllowAllNulls | key.FlagAllowFirstNull | key.FlagAllowSomeNulls
		multi = key.FlagMultivalued
	)
	limits := func(least, most, count, increment, start uint32) *key.TupleLimits {
		return &key.TupleLimits{LengthMin: least, LengthMax: most, ToIndexMax: count, Increment: increment, Start: start}
	}
	cases := []struct {
		name  string
		flags key.Flags
		multi []bool
		tuple *key.TupleLimits
		rec   values
		want  string
		err   jet.Err
	}{
		{"one", all, []bool{false}, nil, values{texts("A")}, "A", 0},
		{"null", all, []bool{false}, nil, values{texts("-")}, "-", 0},
		{"null ignored", key.FlagAllowSomeNulls | key.FlagAllowFirstNull, []bool{false}, nil, values{texts("-")}, "", 0},
		{"all nulls need first null", key.FlagAllowSomeNulls | key.FlagAllowAllNulls, []bool{false}, nil, values{texts("-")}, "", 0},
		{"first null", all, []bool{false, false}, nil, values{texts("-"), texts("X")}, "-,X", 0},
		{"first null ignored", key.FlagAllowSomeNulls, []bool{false, false}, nil, values{texts("-"), texts("X")}, "", 0},
		{"any null ignored", 0, []bool{false, false}, nil, values{texts("A"), texts("-")}, "", 0},
		{"null disallowed", key.FlagNoNullSeg, []bool{false, false}, nil, values{texts("A"), texts("-")}, "", jet.ErrNullKeyDisallowed},
		{"zero-length is no null", key.FlagNoNullSeg, []bool{false}, nil, values{texts("")}, "-", 0},

		{"default", all | multi, []bool{true, true}, nil, values{texts("1", "2"), texts("X", "Y")}, "1,X 2,X", 0},
		{"cross product", all | multi | key.FlagCrossProduct, []bool{true, true}, nil, values{texts("1", "2"), texts("X", "Y")}, "1,X 1,Y 2,X 2,Y", 0},
		{"nested table", all | multi | key.FlagNestedTable, []bool{true, true}, nil, values{texts("1", "2"), texts("X", "Y")}, "1,X 2,Y", 0},
		{"nested table, uneven", all | multi | key.FlagNestedTable, []bool{true, true}, nil, values{texts("1"), texts("X", "Y")}, "1,X -,Y", 0},
		{"nested table, uneven, no nulls", multi | key.FlagNestedTable, []bool{true, true}, nil, values{texts("1"), texts("X", "Y")}, "1,X", 0},
		{"nested table beside a single", all | multi | key.FlagNestedTable, []bool{false, true}, nil, values{texts("S"), texts("X", "Y")}, "S,X S,Y", 0},
		{"nested table, empty", all | multi | key.FlagNestedTable, []bool{true, true}, nil, values{nil, nil}, "-,-", 0},
		{"second multi", all | multi, []bool{false, true}, nil, values{texts("S"), texts("X", "Y")}, "S,X S,Y", 0},
		{"multi null", all | multi, []bool{true, true}, nil, values{nil, texts("X", "Y")}, "-,X", 0},
		{"cross of three", all | multi | key.FlagCrossProduct, []bool{true, false, true}, nil, values{texts("1", "2"), texts("S"), texts("X", "Y")}, "1,S,X 1,S,Y 2,S,X 2,S,Y", 0},
		{"cross with null", all | multi | key.FlagCrossProduct, []bool{true, true}, nil, values{texts("1", "2"), nil}, "1,- 2,-", 0},
		{"doubles", all | multi, []bool{true}, nil, values{texts("1", "1")}, "1 1", 0},

		{"tuples", all, []bool{false}, limits(3, 5, 4, 1, 0), values{texts("ABCDEFG")}, "ABCDE BCDEF CDEFG DEFG", 0},
		{"all tuples", all, []bool{false}, limits(3, 5, 9, 1, 0), values{texts("ABCDEFG")}, "ABCDE BCDEF CDEFG DEFG EFG", 0},
		{"tuples by two from one", all, []bool{false}, limits(2, 3, 9, 2, 1), values{texts("ABCDEFG")}, "BCD DEF FG", 0},
		{"tuple too short", all, []bool{false}, limits(3, 5, 9, 1, 0), values{texts("AB")}, "", 0},
		{"tuple of null", all, []bool{false}, limits(3, 5, 9, 1, 0), values{texts("-")}, "", 0},
		{"tuples of two values", all | multi, []bool{true}, limits(3, 3, 9, 1, 0), values{texts("ABCD", "xy", "KLM")}, "ABC BCD KLM", 0},
		{"tuples with a second column", all, []bool{false, false}, limits(3, 3, 9, 1, 0), values{texts("ABCD"), texts("-")}, "ABC,- BCD,-", 0},
		{"tuples, nulls ignored", 0, []bool{false, false}, limits(3, 3, 9, 1, 0), values{texts("ABCD"), texts("-")}, "", 0},
		{"tuples crossed", all | multi | key.FlagCrossProduct, []bool{true, true}, limits(3, 3, 9, 1, 0), values{texts("ab", "KLM"), texts("X", "Y")}, "KLM,X KLM,Y", 0},
		{"tuples nested", all | multi | key.FlagNestedTable, []bool{true, true}, limits(3, 3, 9, 1, 0), values{texts("ab", "KLM"), texts("X", "Y", "Z")}, "KLM,Y", 0},
	}
	var e key.Enumerator
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			ix := &key.Index{KeyMost: 255, Flags: c.flags, Tuple: c.tuple}
			for _, m := range c.multi {
				ix.Segments = append(ix.Segments, key.Segment{Type: jet.ColtypLongText, CodePage: 1252, MultiValued: m})
			}
			var got []string
			e.Reset(ix, c.rec)
			for {
				k, err := e.Next()
				if jet.CodeOf(err) != jet.ErrSuccess && jet.CodeOf(err) != c.err || c.err != 0 && err == nil {
					t.Fatal(err)
				}
				if k == nil {
					break
				}
				got = append(got, readable(k))
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("got %q, want %q", s, c.want)
			}
		})
	}
}

func TestUnicodeTuples(t *testing.T) {
	ix := single(t, unicodeText)
	limits := key.TupleLimits{LengthMin: 2, LengthMax: 2, ToIndexMax: 9, Increment: 1}
	ix.Tuple = &limits
	var e key.Enumerator
	var set key.Set
	set.Reset()
	e.Reset(ix, values{{utf16le("abab")}})
	if err := set.AddAll(&e); err != nil {
		t.Fatal(err)
	}
	if set.Len() != 2 || fmt.Sprintf("%X", set.At(0)) != "7F0E020E090101010100" || fmt.Sprintf("%X", set.At(1)) != "7F0E090E020101010100" {
		t.Errorf("%d keys: %X", set.Len(), set.At(0))
	}
}

func TestEnumeratorAllocates(t *testing.T) {
	ix := &key.Index{KeyMost: 255, Flags: key.FlagMultivalued}
	ix.Segments = []key.Segment{{Type: jet.ColtypLong, MultiValued: true}}
	src := values{{{1, 0, 0, 0}, {2, 0, 0, 0}, {1, 0, 0, 0}}}
	var e key.Enumerator
	var set key.Set
	var s key.Source = &src
	run := func() {
		set.Reset()
		e.Reset(ix, s)
		if err := set.AddAll(&e); err != nil || set.Len() != 2 {
			t.Fatal(set.Len(), err)
		}
	}
	run()
	if n := testing.AllocsPerRun(100, run); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestDiff(t *testing.T) {
	fill := func(keys string) *key.Set {
		var s key.Set
		s.Reset()
		for _, k := range strings.Fields(keys) {
			s.Add([]byte(k))
		}
		return &s
	}
	for _, c := range []struct{ before, after, want string }{
		{"b a b", "c b", "-a +c"},
		{"", "b a a", "+a +b"},
		{"a b", "", "-a -b"},
		{"a b", "b a", ""},
	} {
		var got []string
		note := func(sign string) func([]byte) error {
			return func(k []byte) error { got = append(got, sign+string(k)); return nil }
		}
		if err := key.Diff(fill(c.before), fill(c.after), note("-"), note("+")); err != nil {
			t.Fatal(err)
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%q to %q: %q, want %q", c.before, c.after, s, c.want)
		}
	}
	stop := func([]byte) error { return jet.ErrWriteConflict }
	if err := key.Diff(fill("a"), fill(""), stop, stop); jet.CodeOf(err) != jet.ErrWriteConflict {
		t.Error(err)
	}
}

// TestBuilder checks the rules for several segments of spec chapter 04, 7.8.
func TestBuilder(t *testing.T) {
	long := key.Segment{Type: jet.ColtypLong, FixedClass: true, Max: 4}
	build := func(ix *key.Index, vs ...key.Value) (*key.Builder, error) {
		var b key.Builder
		b.Reset(ix)
		for {
			for _, v := range vs {
				if err := b.Add(v); err != nil {
					return &b, err
				}
			}
			if !b.NeedMore() {
				return &b, nil
			}
			b.Again()
		}
	}
	one := key.Value{Data: []byte{1, 0, 0, 0}}
	letters := func(n int) key.Value { return key.Value{Data: []byte(strings.Repeat("B", n))} }

	ix := single(t, ansiText)
	ix.Segments = append(ix.Segments, long)
	b, err := build(ix, letters(252), one)
	if err != nil || !b.Truncated() || len(b.Key()) != 255 || b.Key()[253] != 0 || b.Key()[254] != 0x7F {
		t.Errorf("cut in the long: %X %v %v", b.Key(), b.Truncated(), err)
	}
	b, err = build(ix, letters(253), one)
	if err != nil || !b.Truncated() || len(b.Key()) != 255 || b.Key()[254] != 0 {
		t.Errorf("no space for the long: %X %v %v", b.Key(), b.Truncated(), err)
	}
	if b, err = build(ix, letters(300), key.Value{Null: true}); err != nil || b.Status() != key.StatusNullSeg {
		t.Errorf("null without space: %v, %v", b.Status(), err)
	}
	if b, err = build(ix, letters(253)); err != nil || b.Truncated() {
		t.Errorf("just fits: %v, %v", b.Truncated(), err)
	}
	ix.Flags |= key.FlagDisallowTruncation
	for _, n := range []int{252, 253, 254, 300} {
		if _, err = build(ix, letters(n), one); jet.CodeOf(err) != jet.ErrKeyTruncated {
			t.Errorf("%d letters: %v", n, err)
		}
	}
	ix.VarSegMac = 5
	if b, err = build(ix, letters(300), one); err != nil || fmt.Sprintf("%X", b.Key()) != "7F42424222"+"7F80000001" {
		t.Errorf("VarSegMac: %X, %v", b.Key(), err)
	}

	// A key limit other than 255 looks at more and more of the source: here the first 300 bytes weigh nothing.
	ix = single(t, unicodeText)
	ix.KeyMost = 300
	text := append(make([]byte, 2000), utf16le("ab")...)
	if b, err = build(ix, key.Value{Data: text}); err != nil || fmt.Sprintf("%X", b.Key()) != "7F0E020E090101010100" || b.SourceMost() != 2400 {
		t.Errorf("grown source: %X, %d, %v", b.Key(), b.SourceMost(), err)
	}
	ix.KeyMost = 255
	if b, err = build(ix, key.Value{Data: text}); err != nil || fmt.Sprintf("%X", b.Key()) != "7F0101010100" {
		t.Errorf("old source limit: %X, %v", b.Key(), err)
	}

	var extra key.Builder
	extra.Reset(single(t, long))
	if err := extra.Add(one); err != nil {
		t.Fatal(err)
	}
	if err := extra.Add(one); jet.CodeOf(err) != jet.ErrKeyIsMade {
		t.Errorf("one segment too many: %v", err)
	}
}

func TestFlags(t *testing.T) {
	for _, c := range []struct {
		grbit jet.Grbit
		want  key.Flags
	}{
		{0, 0x1000E},
		{jet.BitIndexUnique, 0x1000F},
		{jet.BitIndexPrimary, 0x1002F},
		{jet.BitIndexPrimary | jet.BitIndexDisallowNull, 0x10031},
		{jet.BitIndexIgnoreNull, 0x1000C},
		{jet.BitIndexIgnoreFirstNull, 0x10008},
		{jet.BitIndexIgnoreAnyNull, 0x10000},
		{jet.BitIndexIgnoreAnyNull | jet.BitIndexDisallowNull, 0x10010},
		{jet.BitIndexSortNullsHigh, 0x1080E},
		{jet.BitIndexSortNullsHigh | jet.BitIndexDisallowNull, 0x10010},
		{jet.BitIndexCrossProduct, 0x1200E},
		{jet.BitIndexNestedTable, 0x1800E},
		{jet.BitIndexDisallowTruncation, 0x1400E},
		{jet.BitIndexDotNetGuid, 0x3000E},
	} {
		if got := key.FlagsFromGrbit(c.grbit); got != c.want {
			t.Errorf("%#x: %#x, want %#x", uint32(c.grbit), uint32(got), uint32(c.want))
		}
	}
	if !key.ConditionHolds(true, true) || key.ConditionHolds(true, false) || key.ConditionHolds(false, true) {
		t.Error("ConditionHolds")
	}
}

func TestIndexLimits(t *testing.T) {
	long := key.Segment{Type: jet.ColtypLong, FixedClass: true, Max: 4}
	date := key.Segment{Type: jet.ColtypDateTime, FixedClass: true, Max: 8}
	guid := key.Segment{Type: jet.ColtypGUID, FixedClass: true, Max: 16}
	fixedBinary := key.Segment{Type: jet.ColtypBinary, FixedClass: true, Max: 12}
	for _, c := range []struct {
		segs           []key.Segment
		flags          key.Flags
		varSegMac      int
		keyMost, limit int
	}{
		{[]key.Segment{long}, key.FlagPrimary, 0, 5, 5},
		{[]key.Segment{date, long}, key.FlagPrimary, 0, 14, 14},
		{[]key.Segment{guid, long}, key.FlagPrimary, 0, 22, 22},
		{[]key.Segment{long}, 0, 0, 255, 255},
		{[]key.Segment{long, ansiText}, key.FlagPrimary, 0, 255, 255},
		{[]key.Segment{long, ansiText}, key.FlagPrimary, 20, 25, 20},
		{[]key.Segment{long, variableBinary, ansiText}, key.FlagPrimary, 100, 205, 100},
		{[]key.Segment{ansiText, ansiText, ansiText}, key.FlagPrimary, 100, 255, 100},
		{[]key.Segment{fixedBinary}, key.FlagPrimary, 0, 13, 13},
		{[]key.Segment{fixedBinary}, key.FlagPrimary, 5, 5, 5},
	} {
		ix := key.Index{Segments: c.segs, Flags: c.flags, KeyMost: 255, VarSegMac: c.varSegMac}
		if keyMost, limit := ix.Minimise(); keyMost != c.keyMost || limit != c.limit {
			t.Errorf("%+v: %d, %d, want %d, %d", c.segs, keyMost, limit, c.keyMost, c.limit)
		}
	}
	for size, want := range map[int]int{2048: 500, 4096: 1000, 8192: 2000, 16384: 2000, 32768: 2000} {
		if got := key.KeyMostOfPage(size); got != want {
			t.Errorf("page size %d: %d", size, got)
		}
	}
	good := key.Index{Segments: []key.Segment{ansiText}, KeyMost: 255}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	bad := []func(ix *key.Index){
		func(ix *key.Index) { ix.Segments = nil },
		func(ix *key.Index) { ix.Segments = make([]key.Segment, 17) },
		func(ix *key.Index) { ix.KeyMost = 0 },
		func(ix *key.Index) { ix.KeyMost = 2001 },
		func(ix *key.Index) { ix.VarSegMac = 256 },
		func(ix *key.Index) { ix.Segments = []key.Segment{{Type: jet.ColtypSLV}} },
		func(ix *key.Index) { ix.Segments = []key.Segment{{Type: jet.ColtypText, CodePage: 437}} },
		func(ix *key.Index) { ix.Segments = []key.Segment{{Type: jet.ColtypBinary, FixedClass: true}} },
		func(ix *key.Index) { ix.Tuple = &key.TupleLimits{} },
	}
	for i, change := range bad {
		ix := good
		change(&ix)
		if err := ix.Validate(); jet.CodeOf(err) != jet.ErrCatalogCorrupted {
			t.Errorf("bad index %d: %v", i, err)
		}
	}
}

func TestTupleLimits(t *testing.T) {
	got, err := key.NewTupleLimits(key.TupleLimits{Start: 0xFFFFFFFF})
	if err != nil || got != key.DefaultTupleLimits {
		t.Errorf("defaults: %+v, %v", got, err)
	}
	for _, bad := range []key.TupleLimits{
		{LengthMin: 1}, {LengthMin: 11}, {LengthMax: 256}, {LengthMin: 5, LengthMax: 4}, {ToIndexMax: 0x8000},
		{Increment: 0x10000}, {Start: 0x10000},
	} {
		if _, err := key.NewTupleLimits(bad); jet.CodeOf(err) != jet.ErrIndexTuplesInvalidLimits {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	whole := key.TupleLimits{LengthMin: 2, LengthMax: 4, ToIndexMax: 100, Increment: 2, Start: 1}
	b := whole.Append(nil)
	if got, err := key.ParseTupleLimits(b); err != nil || !reflect.DeepEqual(got, whole) {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := key.ParseTupleLimits(b[:12]); err != nil || got.Increment != 1 || got.Start != 0 {
		t.Errorf("%+v, %v", got, err)
	}
	binary.LittleEndian.PutUint32(b, 900)
	for _, bad := range [][]byte{nil, b[:16], b} {
		if _, err := key.ParseTupleLimits(bad); jet.CodeOf(err) != jet.ErrCatalogCorrupted {
			t.Errorf("%X: %v", bad, err)
		}
	}
}
