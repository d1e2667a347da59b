package page

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestSearchAgainstScan looks for keys that are and that are not on pages of many kinds of keys, and compares with what
// a look at every line says.
func TestSearchAgainstScan(t *testing.T) {
	number := func(n uint64, skip int) []byte {
		return binary.BigEndian.AppendUint64([]byte{0x7F}, n)[skip:]
	}
	kinds := map[string]func(r *rand.Rand, i int) []byte{
		"dense":     func(r *rand.Rand, i int) []byte { return number(0x8000000000000000+uint64(i), 0) },
		"scattered": func(r *rand.Rand, i int) []byte { return number(r.Uint64(), 0) },
		"skewed":    func(r *rand.Rand, i int) []byte { return number(uint64(1)<<r.IntN(64)+uint64(r.IntN(9)), 0) },
		"short":     func(r *rand.Rand, i int) []byte { return number(uint64(r.IntN(600)), 9-1-r.IntN(3)) },
		"long": func(r *rand.Rand, i int) []byte {
			return append([]byte("a rather long beginning "), number(uint64(i*r.IntN(3)), 5)...)
		},
		"duplicates": func(r *rand.Rand, i int) []byte { return number(uint64(r.IntN(4)), 5) },
	}
	r := rand.New(rand.NewPCG(3, 4))
	for name, kind := range kinds {
		for try := range 60 {
			size := []int{4096, 8192, 32768}[try%3]
			nonUnique := try%2 == 1 || name == "duplicates"
			flags := FlagLeaf
			if nonUnique {
				flags |= FlagNonUnique
			}
			var lines [][2][]byte
			for i := range 1 + r.IntN(120) {
				lines = append(lines, [2][]byte{kind(r, i), number(r.Uint64(), r.IntN(4))})
			}
			order := func(a, b [2][]byte) int {
				if c := bytes.Compare(a[0], b[0]); c != 0 || !nonUnique {
					return c
				}
				return bytes.Compare(a[1], b[1])
			}
			slices.SortFunc(lines, order)
			lines = slices.CompactFunc(lines, func(a, b [2][]byte) bool { return order(a, b) == 0 })
			p := Page(make([]byte, size))
			p.Init(31, 8, 0x46, flags, false)
			var prefix []byte
			if try%5 != 0 {
				prefix = lines[r.IntN(len(lines))][0]
			}
			if err := p.SetExtHeader(prefix); err != nil {
				t.Fatal(err)
			}
			for i, l := range lines {
				if err := p.InsertLine(i, l[0], 0, l[1]); err != nil {
					lines = lines[:i]
					break
				}
			}
			for range 200 {
				want := lines[r.IntN(len(lines))]
				switch r.IntN(4) {
				case 0:
					want[0] = kind(r, r.IntN(150))
				case 1:
					want[0] = want[0][:1+r.IntN(len(want[0]))]
				case 2:
					want[1] = number(r.Uint64(), 3)
				}
				at, found := slices.BinarySearchFunc(lines, want, order)
				if i, exact := p.SearchLeaf(want[0], want[1], nonUnique); i != at || exact != found {
					t.Fatalf("%s, %d lines, prefix %x: key %x data %x found at %d, %v; is at %d, %v",
						name, len(lines), prefix, want[0], want[1], i, exact, at, found)
				}
			}
		}
	}
}
