package page

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"
)

// filled is a leaf full of nodes with keys of an integer column: marker byte and big-endian number.
func filled(size, cbKey, cbData int, flags Flags, prefix []byte) (Page, [][]byte) {
	p := Page(make([]byte, size))
	p.Init(31, 8, 0x46, flags, false)
	if err := p.SetExtHeader(prefix); err != nil {
		panic(err)
	}
	var keys [][]byte
	data := make([]byte, cbData)
	for i := uint64(0); ; i++ {
		key := make([]byte, max(8, cbKey))
		binary.BigEndian.PutUint64(key[len(key)-8:], 0x7F80000000000000|i*3)
		key = key[len(key)-cbKey:]
		if !p.Fits(p.NodeSize(key, cbData)) {
			return p, keys
		}
		if err := p.InsertLine(int(i), key, NodeVersion, data); err != nil {
			panic(err)
		}
		keys = append(keys, key)
	}
}

func BenchmarkSearchLeaf(b *testing.B) {
	for _, c := range []struct {
		size, cbKey int
		flags       Flags
		prefix      []byte
	}{
		{4096, 8, FlagRoot | FlagLeaf, nil},
		{4096, 8, FlagLeaf, []byte{0x7F, 0x80, 0, 0, 0, 0, 0}},
		{4096, 9, FlagLeaf, nil},
		{32768, 8, FlagLeaf, nil},
	} {
		p, keys := filled(c.size, c.cbKey, 8, c.flags, c.prefix)
		for _, nonUnique := range []bool{false, true} {
			b.Run(fmt.Sprintf("size=%d/key=%d/prefix=%d/lines=%d/nonunique=%v", c.size, c.cbKey, len(c.prefix), len(keys), nonUnique), func(b *testing.B) {
				r := rand.New(rand.NewPCG(1, 2))
				order := make([][]byte, 4096)
				for i := range order {
					order[i] = keys[r.IntN(len(keys))]
				}
				data := make([]byte, 8)
				b.ReportAllocs()
				b.ResetTimer()
				for i := range b.N {
					if _, exact := p.SearchLeaf(order[i&4095], data, nonUnique); !exact {
						b.Fatal("not found")
					}
				}
			})
		}
	}
}

func BenchmarkSearchInternal(b *testing.B) {
	p, keys := filled(4096, 8, 4, 0, nil)
	b.ReportAllocs()
	for i := range b.N {
		p.SearchInternal(keys[i*7919%len(keys)], nil)
	}
}

func BenchmarkLine(b *testing.B) {
	p, keys := filled(4096, 8, 8, FlagLeaf, []byte{0x7F, 0x80, 0, 0, 0, 0})
	sum, at := 0, 0
	for range b.N {
		n := p.Line(at)
		sum += len(n.Data)
		if at++; at == len(keys) {
			at = 0
		}
	}
	_ = sum
}

func BenchmarkInsertDelete(b *testing.B) {
	p, keys := filled(4096, 8, 8, FlagLeaf, nil)
	data := make([]byte, 8)
	b.ReportAllocs()
	for i := range b.N {
		at := i % len(keys)
		_ = p.DeleteLine(at)
		if err := p.InsertLine(at, keys[at], 0, data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	for _, size := range []int{4096, 32768} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			p, _ := filled(size, 8, 8, FlagLeaf, nil)
			p.Seal(31, 1)
			b.SetBytes(int64(size))
			for range b.N {
				if _, err := p.Verify(31, true); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkCheck(b *testing.B) {
	p, _ := filled(4096, 8, 8, FlagLeaf, nil)
	for range b.N {
		if err := p.Check(31); err != nil {
			b.Fatal(err)
		}
	}
}
