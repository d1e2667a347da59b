package checksum

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"testing"
)

// block builds a block of size bytes from non-zero words (spec chapter 02, 8.3 and 8.4).
func block(size int, words map[int]uint32) []byte {
	b := make([]byte, size)
	for i, w := range words {
		binary.LittleEndian.PutUint32(b[4*i:], w)
	}
	return b
}

var page1 = map[int]uint32{0: 0x0001A77C, 1: 0x7FDF7FDF, 2: 0x46, 6: 1, 7: 0xFC4, 8: 0x10010, 9: 0xA803, 10: 0xFE, 12: 1, 13: 2, 1023: 0x10}

func TestECCWorkedExamples(t *testing.T) {
	for _, c := range []struct {
		name  string
		block []byte
		pgno  uint32
		first bool
		want  uint64
	}{
		{"basic.edb page 1", block(4096, page1), 1, true, 0x7FDF7FDF0001A77C},
		{"blank block", make([]byte, 8192), 3, false, 3},
		{"large page, block 3", block(8192, map[int]uint32{2045: 0x001A000A, 2046: 0x0010000A, 2047: 0x10}), 3, false, 0x0079FF86000A0013},
		{"large page, block 0", block(8192, map[int]uint32{
			0: 0xFE79E8F7, 1: 0x82D67D29, 2: 0x0002FE80, 6: 1, 7: 0x7F80, 8: 0x00030024, 9: 0x00012823, 10: 3, 12: 3, 14: 0x000A0013,
			15: 0x0079FF86, 16: 3, 24: 0x4004, 25: 0x0005FE00, 26: 0x00040000, 27: 0xFE010000, 28: 0x70,
			1021: 0x001A000A, 1022: 0x0010000A, 1023: 0x10}), 3, true, 0x82D67D29FE79E8F7},
	} {
		if got := ECC(c.block, c.pgno, c.first); got != c.want {
			t.Errorf("%s: %016X, want %016X", c.name, got, c.want)
		}
	}
}

// slowECC follows the words of spec chapter 02, 8.2 one by one.
func slowECC(b []byte, pgno uint32, first bool) uint64 {
	var x, p, q uint32
	for i := range len(b) / 4 {
		w := binary.LittleEndian.Uint32(b[4*i:])
		if first && i < 2 {
			w = 0
		}
		x ^= w
		if bits.OnesCount32(w)&1 != 0 {
			p ^= uint32(i)
		}
	}
	for i := range uint32(32) {
		if x>>i&1 != 0 {
			q ^= i
		}
	}
	lo := p<<5 | q
	hi := lo
	if bits.OnesCount32(x)&1 != 0 {
		hi = ^lo & uint32(8*len(b)-1)
	}
	return uint64(hi)<<48 | uint64(lo)<<32 | uint64(x^pgno)
}

func slowXOR(b []byte) uint32 {
	s := Seed
	for i := 1; i < len(b)/4; i++ {
		s ^= binary.LittleEndian.Uint32(b[4*i:])
	}
	return s
}

func random(r *rand.Rand, size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func TestAgainstDefinition(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, size := range []int{2048, 4096, 8192} {
		for range 50 {
			b := random(r, size)
			pgno := r.Uint32()
			for _, first := range []bool{true, false} {
				if got, want := ECC(b, pgno, first), slowECC(b, pgno, first); got != want {
					t.Fatalf("size %d first %v: %016X, want %016X", size, first, got, want)
				}
			}
		}
	}
	for _, size := range []int{0, 3, 4, 8, 60, 64, 68, 127, 128, 4096, 32768} {
		b := random(r, size)
		if got, want := XOR(b), slowXOR(b); got != want {
			t.Errorf("XOR of %d bytes: %08X, want %08X", size, got, want)
		}
	}
}

func TestCorrectWorkedExample(t *testing.T) {
	b := block(4096, page1)
	stored := binary.LittleEndian.Uint64(b)
	Flip(b, 320)
	computed := ECC(b, 1, true)
	if computed != 0x01607E9F0001A77D {
		t.Fatalf("computed %016X", computed)
	}
	if bit, ok := Correct(b, stored, computed, true); !ok || bit != 320 {
		t.Fatalf("bit %d, %v", bit, ok)
	}
}

func TestCorrectFindsEveryBit(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, size := range []int{2048, 4096, 8192} {
		for _, first := range []bool{true, false} {
			b := random(r, size)
			stored := ECC(b, 7, first)
			for bit := range 8 * size {
				if bit%101 > 3 && bit > 512 {
					continue
				}
				Flip(b, bit)
				got, ok := Correct(b, stored, ECC(b, 7, first), first)
				Flip(b, bit)
				want := !first || bit >= 64 && bit != newFormatBit
				if ok != want || ok && got != bit {
					t.Fatalf("size %d first %v bit %d: found %d, %v", size, first, bit, got, ok)
				}
			}
			// Two wrong bits are never taken for one.
			for range 2000 {
				b1, b2 := 64+r.IntN(8*size-64), 64+r.IntN(8*size-64)
				if b1 == b2 {
					continue
				}
				Flip(b, b1)
				Flip(b, b2)
				if _, ok := Correct(b, stored, ECC(b, 7, first), first); ok {
					t.Fatalf("size %d: bits %d and %d taken for one", size, b1, b2)
				}
				Flip(b, b1)
				Flip(b, b2)
			}
		}
	}
}

func TestNoAllocation(t *testing.T) {
	b := make([]byte, 4096)
	if n := testing.AllocsPerRun(10, func() { ECC(b, 1, true); XOR(b) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

var sink uint64

func BenchmarkECC(b *testing.B) {
	for _, size := range []int{4096, 8192} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			p := random(rand.New(rand.NewPCG(5, 6)), size)
			b.SetBytes(int64(size))
			for b.Loop() {
				sink ^= ECC(p, 1, true)
			}
		})
	}
}

func BenchmarkXOR(b *testing.B) {
	p := random(rand.New(rand.NewPCG(5, 6)), 4096)
	b.SetBytes(int64(len(p)))
	for b.Loop() {
		sink ^= uint64(XOR(p))
	}
}
