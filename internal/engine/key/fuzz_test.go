package key_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"esent/internal/engine/key"
	"esent/internal/jet"
)

// fuzzIndex makes any valid index out of some bytes.
func fuzzIndex(t testing.TB, b []byte) (*key.Index, bool) {
	get := func() int {
		if len(b) == 0 {
			return 0
		}
		v := int(b[0])
		b = b[1:]
		return v
	}
	ix := &key.Index{Flags: key.Flags(get()<<8 | get()), KeyMost: 1 + get()*8, Collation: collation(t, key.DefaultMapFlags)}
	if get()%2 == 0 {
		ix.KeyMost = key.KeyMostDefault
	}
	ix.VarSegMac = get() % (ix.KeyMost + 1)
	for range 1 + get()%3 {
		seg := key.Segment{Type: get() % jet.ColtypMax, CodePage: 1252, Max: 1 + get()%255, Descending: get()%2 == 0}
		if seg.FixedClass = get()%2 == 0; get()%2 == 0 {
			seg.CodePage = 1200
		}
		seg.MultiValued = get()%2 == 0
		ix.Segments = append(ix.Segments, seg)
	}
	if get()%3 == 0 {
		ix.Tuple = &key.TupleLimits{LengthMin: 2, LengthMax: 2 + uint32(get())%200, ToIndexMax: 1 + uint32(get()), Increment: 1 + uint32(get())%5}
	}
	return ix, ix.Validate() == nil
}

// FuzzKeys makes keys of any values in any index: no panic, no key beyond its limit, search keys equal built ones.
func FuzzKeys(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 0, 1, 4, 0, 1, 0, 0}, []byte{1, 2, 3, 4}, []byte("text"), uint32(0))
	f.Add([]byte{0, 0, 10, 1, 0, 1, 10, 4, 0, 1, 0}, []byte("ab"), []byte("cd"), uint32(0x800))
	f.Add([]byte{0, 0, 10, 1, 0, 1, 11, 4, 0, 1, 0}, []byte("abcdefghijkl"), []byte{}, uint32(2))
	f.Fuzz(func(t *testing.T, def, one, two []byte, grbit uint32) {
		ix, ok := fuzzIndex(t, def)
		if !ok {
			return
		}
		var b key.Builder
		b.Reset(ix)
		vals := []key.Value{{Data: one}, {Data: two}, {Null: true}}
		built, fixed := true, false
		for i := range ix.Segments {
			fixed = fixed || ix.Segments[i].FixedClass
			if err := b.Add(vals[i]); err != nil {
				built = false
				break
			}
		}
		if len(b.Key()) > ix.KeyMost {
			t.Fatalf("key of %d bytes, limit %d", len(b.Key()), ix.KeyMost)
		}
		for i := range ix.Segments {
			_, _, _ = ix.Column(nil, one, i)
			if _, _, err := ix.Column(nil, b.Key(), i); built && !b.Truncated() && !fixed && err != nil {
				t.Fatalf("segment %d of %X: %v", i, b.Key(), err)
			}
		}
		var k, limited key.SearchKey
		made := built && !b.NeedMore() && ix.Tuple == nil
		for i := range ix.Segments {
			g := jet.BitNewKey
			if i > 0 {
				g = 0
			}
			if len(vals[i].Data) == 0 && !vals[i].Null {
				g |= jet.BitKeyDataZeroLength
			}
			_ = limited.MakeKey(ix, vals[i].Data, jet.Grbit(grbit)|g)
			if err := k.MakeKey(ix, vals[i].Data, g); err != nil || fixed {
				made = false
			}
		}
		if made && !bytes.Equal(k.Bytes(), b.Key()) {
			t.Fatalf("search key %X, built %X", k.Bytes(), b.Key())
		}
		if len(limited.Bytes()) > ix.KeyMost+1 {
			t.Fatalf("search key of %d bytes, limit %d", len(limited.Bytes()), ix.KeyMost)
		}
		var e key.Enumerator
		e.Reset(ix, values{{one, two}, {two, one, two}, {one}})
		for n := 0; ; n++ {
			k, err := e.Next()
			if k == nil || err != nil {
				break
			}
			if n > 100000 {
				t.Fatal("keys without end")
			}
		}
	})
}

// FuzzSortKeys makes sort keys of any text: whole keys end where they should and cut ones are their front.
func FuzzSortKeys(f *testing.F) {
	f.Add(utf16le("It's"), uint8(3), uint32(key.DefaultMapFlags))
	f.Add(utf16le("Ærø-ñ"), uint8(30), uint32(key.MapSortKey))
	f.Fuzz(func(t *testing.T, text []byte, space uint8, flags uint32) {
		c, err := key.NewCollation("", flags, key.SortVersion, key.DefaultSortID)
		if err != nil || len(text) == 0 {
			return
		}
		ix := single(t, unicodeText)
		ix.KeyMost, ix.Collation = key.KeyMostMax, c
		v := key.Value{Data: text}
		whole, truncated, err := key.AppendSegment(nil, &unicodeText, ix, v, key.KeyMostMax)
		if err != nil {
			return
		}
		n := 1 + int(space)
		part, cut, err := key.AppendSegment(nil, &unicodeText, ix, v, n)
		if err != nil || !bytes.Equal(part, whole[:min(n, len(whole))]) || cut != (n < len(whole)) && !truncated {
			t.Fatalf("%X in %d: %X, %v, %v; whole %X", text, n, part, cut, err, whole)
		}
		if !truncated && flags != key.MapUpperCase && (whole[len(whole)-1] != 0 || bytes.Count(whole, []byte{1}) < 4) {
			t.Fatalf("%X: %X", text, whole)
		}
		if flags == key.MapUpperCase && !truncated && binary.BigEndian.Uint16(whole[len(whole)-2:]) != 0 {
			t.Fatalf("%X: %X", text, whole)
		}
	})
}
