package compress

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand"
	"strings"
	"testing"

	"esent/internal/jet"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.NewReplacer(" ", "", "|", "").Replace(s))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func utf16(s string) []byte {
	out := make([]byte, 0, 2*len(s))
	for _, r := range s {
		out = append(out, byte(r), byte(r>>8))
	}
	return out
}

// The worked examples of the spec chapter 04, 2.10, 11.3 and 11.4.
func TestWorkedExamples(t *testing.T) {
	tests := []struct {
		name, stored string
		plain        []byte
	}{
		{"41 a", "0E E1703 81C0E87C3 E1703 81C0E87C3 E1703 81C0E87C3 E1703 81C0E87C3 E1703 81C0E87C3 61",
			bytes.Repeat([]byte("a"), 41)},
		{"8 digits", "0F B0986C46ABD96E", []byte("01234567")},
		{"xpress", "18 1B04 | 0F000000 |" + hex.EncodeToString([]byte("Long compressed ASCII text a")) + "| 0700 0F FF FC03",
			[]byte("Long compressed ASCII text " + strings.Repeat("a", 1024))},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			stored := unhex(t, tt.stored)
			got, err := Decompress(nil, stored)
			if err != nil || !bytes.Equal(got, tt.plain) {
				t.Errorf("Decompress = %q, %v; want %q", got, err, tt.plain)
			}
			out, ok := Compress(nil, tt.plain, Options{})
			if tt.name == "8 digits" { // a form that is never chosen: it saves nothing
				out, ok = packASCII(nil, tt.plain), true
			}
			if !ok || !bytes.Equal(out, stored) {
				t.Errorf("Compress = % X, %v; want % X", out, ok, stored)
			}
		})
	}
	if out, _ := Compress(nil, utf16(strings.Repeat("u", 40)), Options{}); out[0] != 0x17 {
		t.Errorf("40 Unicode characters: header %#x, want 0x17", out[0])
	}
}

func TestChoice(t *testing.T) {
	noise := make([]byte, 4000)
	rand.New(rand.NewSource(1)).Read(noise)
	lowNoise := bytes.Clone(noise)
	for i := range lowNoise {
		lowNoise[i] &= 0x3F
	}
	tests := []struct {
		name string
		src  []byte
		opt  Options
		want Scheme // 0: stored plain
	}{
		{"empty", nil, Options{}, 0},
		{"one byte", []byte("a"), Options{}, 0},
		{"15 bytes do not shrink", []byte("abcdefghijklmno"), Options{}, 0},
		{"16 bytes", []byte("abcdefghijklmnop"), Options{}, SevenBitASCII},
		{"ASCII seen as odd length", utf16("abcdefghij")[:19], Options{}, SevenBitASCII},
		{"Unicode", utf16("abcdefghij"), Options{}, SevenBitUnicode},
		{"8-bit text below the XPRESS minimum", bytes.Repeat([]byte("ä"), 100), Options{}, 0},
		{"8-bit text above it", bytes.Repeat([]byte("ä"), 600), Options{}, Xpress},
		{"own minimum", bytes.Repeat([]byte("ä"), 100), Options{MinForXpress: 150}, Xpress},
		{"too long for XPRESS", bytes.Repeat([]byte("ab"), 40000), Options{}, SevenBitASCII},
		{"noise", noise, Options{}, 0},
		{"noise of six bits goes to ASCII", lowNoise, Options{}, SevenBitASCII},
		{"result over the limit", []byte("abcdefghijklmnopq"), Options{MaxSize: 10}, 0},
		{"a repeated unit goes to XPRESS before Unicode", utf16(strings.Repeat("ab", 600)), Options{}, Xpress},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, ok := Compress(nil, tt.src, tt.opt)
			if got := SchemeOf(out); got != tt.want || ok != (tt.want != 0) {
				t.Errorf("scheme %d, ok %v; want %d", got, ok, tt.want)
			}
		})
	}
}

// When XPRESS succeeds but Unicode packs tighter, Unicode wins.
func TestUnicodeBeatsWeakXpress(t *testing.T) {
	rng := rand.New(rand.NewSource(2))
	src := make([]byte, 2400)
	for i := 0; i < len(src); i += 2 {
		src[i] = byte(rng.Intn(0x80))
	}
	out, ok := Compress(nil, src, Options{})
	if !ok || SchemeOf(out) != SevenBitUnicode {
		t.Fatalf("scheme %d, ok %v", SchemeOf(out), ok)
	}
}

func randomValue(rng *rand.Rand) []byte {
	src := make([]byte, rng.Intn([]int{20, 300, 4096, 65536, 70000}[rng.Intn(5)]))
	alphabet := 1 + rng.Intn(256)
	for i := 0; i < len(src); {
		if i > 0 && rng.Intn(4) == 0 {
			n := min(1+rng.Intn([]int{4, 30, 400, 70000}[rng.Intn(4)]), len(src)-i)
			copyMatch(src, i, 1+rng.Intn(i), n)
			i += n
			continue
		}
		src[i] = byte(rng.Intn(alphabet))
		if rng.Intn(3) == 0 {
			src[i] = 0
		}
		i++
	}
	return src
}

func TestRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewSource(3))
	var c Compressor
	buf := make([]byte, 0, 70000)
	plain := make([]byte, 0, 70000)
	part := make([]byte, 500)
	seen := map[Scheme]int{}
	for i := range 2000 {
		src := randomValue(rng)
		out, ok := c.Compress(buf, src, Options{MinForXpress: 1 + rng.Intn(500)})
		if !ok {
			continue
		}
		seen[SchemeOf(out)]++
		if len(out) >= len(src) {
			t.Fatalf("value %d: %d bytes became %d", i, len(src), len(out))
		}
		if n, err := UncompressedSize(out); n != len(src) || err != nil {
			t.Fatalf("value %d: UncompressedSize = %d, %v; want %d", i, n, err, len(src))
		}
		got, err := Decompress(plain, out)
		if err != nil || !bytes.Equal(got, src) {
			t.Fatalf("value %d (%d bytes, scheme %d): round trip differs (%v)", i, len(src), SchemeOf(out), err)
		}
		offset := rng.Intn(len(src) + 3)
		want := src[min(offset, len(src)):]
		want = want[:min(len(part), len(want))]
		n, size, err := DecompressAt(part, out, offset)
		if err != nil || size != len(src) || !bytes.Equal(part[:n], want) {
			t.Fatalf("value %d: DecompressAt(%d) = %d, %d, %v", i, offset, n, size, err)
		}
	}
	for _, s := range []Scheme{SevenBitASCII, SevenBitUnicode, Xpress} {
		if seen[s] < 20 {
			t.Errorf("scheme %d was exercised %d times only", s, seen[s])
		}
	}
}

func TestLZ4(t *testing.T) {
	tests := []struct {
		name, stored, plain string
	}{
		{"literals", "38 0500 | 50 68656C6C6F", "hello"},
		{"overlapping match", "38 1800 | 1F 61 0100 00 | 40 62636465", strings.Repeat("a", 20) + "bcde"},
		{"long lengths", "38 3101 | F0 05" + strings.Repeat("78", 20) + "0000", ""},
		{"long match", "38 1B01 | 2F 6162 0200 FF 04 | 30 636465", strings.Repeat("ab", 140) + "cde"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			stored := unhex(t, tt.stored)
			got, err := Decompress(nil, stored)
			if tt.plain == "" {
				if !errors.Is(err, jet.ErrDecompressionFailed) {
					t.Fatalf("error %v", err)
				}
				return
			}
			n := len(tt.plain)
			if len(got) < n || string(got[:n]) != tt.plain {
				t.Fatalf("Decompress = %q, %v; want %q", got, err, tt.plain)
			}
		})
	}
}

func TestMalformed(t *testing.T) {
	tests := []struct{ name, stored string }{
		{"empty", ""},
		{"scheme 0", "00"},
		{"scheme 8", "40 00"},
		{"XPRESS9", "28 00000000 00"},
		{"XPRESS10", "30 0000 00000000 0000000000000000 00"},
		{"7-bit without data", "0F"},
		{"7-bit with broken count", "0F 00"},
		{"XPRESS without size", "18 01"},
		{"XPRESS without flags", "18 0100 000000"},
		{"XPRESS without literal", "18 0100 00000000"},
		{"XPRESS match before the beginning", "18 0500 00000080 0000"},
		{"XPRESS short word", "18 0500 00000080 00"},
		{"XPRESS without nibble", "18 0500 00000040 61 0700"},
		{"XPRESS without byte", "18 FF00 00000040 61 0700 0F"},
		{"XPRESS without u16", "18 FF00 00000040 61 0700 0F FF 10"},
		{"XPRESS u16 too small", "18 FF00 00000040 61 0700 0F FF 1500"},
		{"LZ4 without size", "38"},
		{"LZ4 ends early", "38 0500 40 61626364"},
		{"LZ4 distance 0", "38 0900 10 61 0000"},
		{"LZ4 distance beyond", "38 0900 10 61 0200"},
		{"LZ4 literals beyond", "38 0900 F0 FF"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			stored := unhex(t, tt.stored)
			if got, err := Decompress(nil, stored); !errors.Is(err, jet.ErrDecompressionFailed) {
				t.Errorf("Decompress = %q, %v", got, err)
			}
			if _, _, err := DecompressAt(make([]byte, 4), stored, 1); err == nil && len(stored) > 0 && stored[0] != 0x18 {
				t.Errorf("DecompressAt succeeds")
			}
		})
	}
	if got, err := Decompress(nil, unhex(t, "20 5555")); len(got) != 0 || err != nil {
		t.Errorf("scrubbed value = %q, %v; want no bytes", got, err)
	}
}

func TestNoAllocation(t *testing.T) {
	src := []byte(strings.Repeat("The quick brown fox jumps over the lazy dog. ", 60))
	var c Compressor
	buf := make([]byte, 0, len(src))
	plain := make([]byte, 0, len(src))
	part := make([]byte, 100)
	stored, ok := c.Compress(buf, src, Options{})
	if !ok {
		t.Fatal("not compressed")
	}
	check := func(name string, f func()) {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
	other := make([]byte, 0, len(src))
	check("Compressor.Compress", func() { c.Compress(other, src, Options{}) })
	check("Decompress", func() { _, _ = Decompress(plain, stored) })
	check("DecompressAt 0", func() { _, _, _ = DecompressAt(part, stored, 0) })
}

func FuzzDecompress(f *testing.F) {
	rng := rand.New(rand.NewSource(4))
	for range 40 {
		if out, ok := Compress(nil, randomValue(rng), Options{MinForXpress: 1}); ok {
			f.Add(out, 3)
		}
	}
	f.Add([]byte{0x38, 5, 0, 0x50, 'h', 'e', 'l', 'l', 'o'}, 0)
	f.Add([]byte{0x20, 1, 2}, 0)
	f.Fuzz(func(t *testing.T, src []byte, offset int) {
		n, sizeErr := UncompressedSize(src)
		whole, err := Decompress(nil, src)
		if err == nil && (sizeErr != nil || len(whole) != n) {
			t.Fatalf("%d bytes, UncompressedSize says %d, %v", len(whole), n, sizeErr)
		}
		part := make([]byte, 10)
		filled, _, partErr := DecompressAt(part, src, offset)
		if err == nil && partErr == nil && filled > 0 && !bytes.Equal(part[:filled], whole[offset:offset+filled]) {
			t.Fatal("part differs from the whole")
		}
	})
}

func FuzzCompress(f *testing.F) {
	rng := rand.New(rand.NewSource(5))
	for range 20 {
		f.Add(randomValue(rng), 1)
	}
	f.Fuzz(func(t *testing.T, src []byte, minXpress int) {
		out, ok := Compress(nil, src, Options{MinForXpress: minXpress})
		if !ok {
			return
		}
		if got, err := Decompress(nil, out); err != nil || !bytes.Equal(got, src) {
			t.Fatalf("round trip differs (%v)", err)
		}
	})
}

func BenchmarkXpress(b *testing.B) {
	for _, n := range []int{1100, 4014} {
		src := []byte(strings.Repeat("The quick brown fox jumps over 13 lazy dogs; ", 100))[:n]
		for i := range src {
			src[i] += byte(i / 300 % 5)
		}
		var c Compressor
		buf := make([]byte, 0, n)
		b.Run(fmt.Sprintf("compress %d", n), func(b *testing.B) {
			for b.Loop() {
				c.Compress(buf, src, Options{})
			}
		})
		stored, _ := c.Compress(nil, src, Options{})
		b.Run(fmt.Sprintf("decompress %d", n), func(b *testing.B) {
			for b.Loop() {
				_, _ = Decompress(buf, stored)
			}
		})
	}
}
