package sort

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"esent/internal/vfs"
)

type pair struct{ key, data string }

// model is what the sorter must give.
func model(list []pair, d Duplicates) []pair {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b pair) int {
		if c := bytes.Compare([]byte(a.key), []byte(b.key)); c != 0 {
			return c
		}
		return bytes.Compare([]byte(a.data), []byte(b.data))
	})
	return slices.CompactFunc(list, func(a, b pair) bool {
		return d != Keep && a.key == b.key && (d == DropKeys || a.data == b.data)
	})
}

func scan(t *testing.T, s *Sorter) []pair {
	t.Helper()
	sc, err := s.Scan()
	if err != nil {
		t.Fatal(err)
	}
	var got []pair
	for {
		key, data, err := sc.Next()
		if err != nil {
			t.Fatal(err)
		}
		if key == nil {
			return got
		}
		got = append(got, pair{string(key), string(data)})
	}
}

// twoBeginnings, as length of keys, has them begin in one of two ways, both longer than what entries know of their keys.
const twoBeginnings = -5

func TestOrder(t *testing.T) {
	fs := vfs.System().FS
	for _, c := range []struct {
		name                     string
		count, memory, key, data int
	}{
		{"empty", 0, 0, 4, 4},
		{"memory", 1000, 0, 3, 10},
		{"keys that begin alike", 1000, 0, -3, 10},
		{"keys of two beginnings", 5000, 0, twoBeginnings, 10},
		{"two beginnings, many runs", 5000, 20000, twoBeginnings, 10},
		{"one run", 300, 4000, 2, 10},
		{"many runs", 20000, 2000, 3, 8},
		{"large entries", 60, 20000, 12, 200000},
	} {
		for _, d := range []Duplicates{Keep, DropKeys, DropEntries} {
			t.Run(fmt.Sprint(c.name, d), func(t *testing.T) {
				r := rand.New(rand.NewPCG(1, uint64(c.count)))
				path := filepath.Join(t.TempDir(), "sort.tmp")
				s := New(Config{Memory: c.memory, Duplicates: d, FS: fs, Path: path})
				var list []pair
				for range c.count {
					p := pair{text(r, max(c.key, -c.key)), text(r, c.data)}
					switch {
					case c.key == twoBeginnings && r.IntN(3) == 0:
						p.key = "the other beginning" + p.key
					case c.key < 0:
						p.key = "the same beginning" + p.key
					}
					list = append(list, p)
					if err := s.Add([]byte(p.key), []byte(p.data)); err != nil {
						t.Fatal(err)
					}
				}
				if err := s.Sort(); err != nil {
					t.Fatal(err)
				}
				want := model(list, d)
				for range 2 {
					if got := scan(t, s); !slices.Equal(got, want) {
						t.Fatalf("%d entries instead of %d, or in another order", len(got), len(want))
					}
				}
				if inMemory := len(s.runs) == 0; inMemory && s.Len() != int64(len(want)) || !inMemory && c.memory == 0 {
					t.Fatalf("%d entries, %d runs in a file", s.Len(), len(s.runs))
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				if there, _ := vfs.Exists(fs, path); there {
					t.Fatal("file left behind")
				}
			})
		}
	}
}

// text is up to n bytes, often equal to others.
func text(r *rand.Rand, n int) string {
	b := make([]byte, r.IntN(n+1))
	for i := range b {
		b[i] = byte(r.IntN(4))
	}
	return string(b)
}

func TestDamagedRun(t *testing.T) {
	s := New(Config{Memory: 100, FS: vfs.System().FS, Path: filepath.Join(t.TempDir(), "s")})
	for i := range 50 {
		if err := s.Add([]byte{byte(i)}, make([]byte, 10)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Sort(); err != nil {
		t.Fatal(err)
	}
	if err := s.file.WriteAt(bytes.Repeat([]byte{0xFF}, 40), 0); err != nil {
		t.Fatal(err)
	}
	sc, err := s.Scan()
	for err == nil {
		var key []byte
		if key, _, err = sc.Next(); key == nil && err == nil {
			t.Fatal("damage not seen")
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// BenchmarkSort sorts and reads a million entries of an index; data are in ascending order, as in the primary index.
func BenchmarkSort(b *testing.B) {
	const count = 1000000
	for _, bench := range []struct {
		name string
		key  func(buf []byte, r uint32) []byte
	}{
		{"numbers", func(buf []byte, r uint32) []byte {
			return append(buf, 0x7F, byte(r>>24), byte(r>>16), byte(r>>8), byte(r))
		}},
		{"texts", func(buf []byte, r uint32) []byte { return fmt.Appendf(buf, "\x7FTEXT VALUE %d\x00", r) }},
		{"few", func(buf []byte, r uint32) []byte { return append(buf, 0x7F, byte(r&3)) }},
	} {
		b.Run(bench.name, func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 2))
			keys := make([][]byte, count)
			for i := range keys {
				keys[i] = bench.key(nil, r.Uint32())
			}
			for b.Loop() {
				s := New(Config{Memory: 64 << 20})
				for i, k := range keys {
					if err := s.Add(k, []byte{0x7F, byte(i >> 24), byte(i >> 16), byte(i >> 8), byte(i)}); err != nil {
						b.Fatal(err)
					}
				}
				if err := s.Sort(); err != nil {
					b.Fatal(err)
				}
				sc, err := s.Scan()
				for n := 0; n < count && err == nil; n++ {
					_, _, err = sc.Next()
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
