package main

import (
	"testing"
	"unicode/utf16"
	"unsafe"
)

// wide is UTF-16 text with its NUL, as C passes it.
func wide(s string) *uint16 { return &append(utf16.Encode([]rune(s)), 0)[0] }

func narrow(s string) unsafe.Pointer { return unsafe.Pointer(&append([]byte(s), 0)[0]) }

func TestSliceAt(t *testing.T) {
	four := [4]uint32{1, 2, 3, 4}
	for _, c := range []struct {
		name    string
		p       *uint32
		n       uint32
		length  int
		present bool
		ok      bool
	}{
		{"array", &four[0], 4, 4, true, true},
		{"empty array", &four[0], 0, 0, true, true},
		{"no array", nil, 0, 0, false, true},
		{"no array with a length", nil, 1, 0, false, false},
	} {
		got, ok := sliceAt(c.p, c.n)
		if ok != c.ok || len(got) != c.length || (got != nil) != c.present {
			t.Errorf("%s: %v, %v", c.name, got, ok)
		}
	}
	b, ok := bytesAt(unsafe.Pointer(&four[0]), 16)
	if !ok || len(b) != 16 {
		t.Fatalf("%v, %v", b, ok)
	}
	if b[12] = 9; four[3] != 9 {
		t.Error("bytesAt copies")
	}
}

func TestSliceAtTheEndOfTheAddressSpace(t *testing.T) {
	high := ^uintptr(0) - 99
	p := *(**uint64)(unsafe.Pointer(&high)) // as a caller might pass it; never followed
	if _, ok := sliceAt(p, 100); ok {
		t.Error("a buffer that runs round the address space is accepted")
	}
}

func TestPut(t *testing.T) {
	var v uint32
	put(&v, 7)
	put(nil, uint32(8))
	if v != 7 {
		t.Error(v)
	}
}

func TestTextIn(t *testing.T) {
	if s := cString(nil); s != "" {
		t.Errorf("nil: %q", s)
	}
	if s, ok := pathA(narrow("/tmp/größe.edb")); s != "/tmp/größe.edb" || !ok {
		t.Errorf("%q, %v", s, ok)
	}
	if _, ok := pathA(narrow("/tmp/gr\xf6\xdfe")); ok {
		t.Error("invalid UTF-8 is accepted as a path")
	}
	if s := nameA(narrow("gr\xf6\xdfe")); s != "gr\xf6\xdfe" {
		t.Errorf("%q", s)
	}
	for _, s := range []string{"", "t", "größe €", "表", "𝄞"} {
		if got, ok := wString(wide(s)); got != s || !ok {
			t.Errorf("%q: %q, %v", s, got, ok)
		}
	}
	if s, ok := wString(nil); s != "" || !ok {
		t.Errorf("nil: %q, %v", s, ok)
	}
	for _, units := range [][]uint16{{0xD800, 0}, {0xDC00, 'a', 0}, {'a', 0xD800, 'b', 0}, {0xD800, 0xD800, 0}} {
		if s, ok := wString(&units[0]); ok {
			t.Errorf("%x: %q", units, s)
		}
	}
}

func TestNameW(t *testing.T) {
	for _, c := range []struct {
		in, want string
		ok       bool
	}{
		{"", "", true},
		{"Table", "Table", true},
		{"größe", "gr\xf6\xdfe", true},
		{"€ž\u0081", "\x80\x9e\x81", true},
		{"表", "", false},
		{"Ā", "", false},
	} {
		if got, ok := nameW(wide(c.in)); got != c.want || ok != c.ok {
			t.Errorf("%q: %q, %v", c.in, got, ok)
		}
	}
	if got, ok := nameW(nil); got != "" || !ok {
		t.Errorf("nil: %q, %v", got, ok)
	}
	// Every byte has its character, and back.
	for c := range 256 {
		if back, ok := toCP1252(fromCP1252(byte(c))); !ok || back != byte(c) {
			t.Errorf("%#x: %#x, %v", c, back, ok)
		}
	}
}

func TestTextOut(t *testing.T) {
	for _, c := range []struct {
		room int
		want string
		fits bool
	}{{8, "abc\x00____", true}, {4, "abc\x00", true}, {3, "ab\x00", false}, {1, "\x00", false}, {0, "", false}} {
		b := []byte("________")[:c.room]
		if fits := putTextA(b, "abc"); fits != c.fits || string(b) != c.want {
			t.Errorf("%d: %q, %v", c.room, b, fits)
		}
	}
	for _, c := range []struct {
		put  func([]byte, string) (uint32, bool)
		text string
		room int
		want string
		need uint32
		fits bool
	}{
		{putPathW, "ab", 8, "a\x00b\x00\x00\x00__", 6, true},
		{putPathW, "ab", 6, "a\x00b\x00\x00\x00", 6, true},
		{putPathW, "ab", 5, "a\x00\x00\x00_", 6, false},
		{putPathW, "ab", 2, "\x00\x00", 6, false},
		{putPathW, "ab", 1, "_", 6, false},
		{putPathW, "ab", 0, "", 6, false},
		{putPathW, "", 2, "\x00\x00", 2, true},
		{putPathW, "𝄞x", 8, "\x34\xd8\x1e\xdd" + "x\x00\x00\x00", 8, true},
		{putPathW, "𝄞x", 6, "\x34\xd8\x1e\xdd\x00\x00", 8, false},
		{putPathW, "a𝄞", 6, "a\x00\x00\x00__", 8, false}, // a pair is never cut
		{putPathW, "𝄞x", 5, "\x00\x00___", 8, false},     // nor is anything stored behind what was left out
		{putNameW, "\x80", 4, "\xac\x20\x00\x00", 4, true},
	} {
		b := []byte("________")[:c.room]
		need, fits := c.put(b, c.text)
		if need != c.need || fits != c.fits || string(b) != c.want {
			t.Errorf("%q in %d: %q, %d, %v", c.text, c.room, b, need, fits)
		}
	}
}
