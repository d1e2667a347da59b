package page

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestAppender adds the same lines to two equal pages, by an Appender and by InsertLine: the pages must stay equal, also
// where lines were removed before and the room is in pieces.
func TestAppender(t *testing.T) {
	for _, size := range []int{4096, 8192, 16384, 32768} {
		for seed := range uint64(40) {
			t.Run(fmt.Sprint(size, seed), func(t *testing.T) {
				r := rand.New(rand.NewPCG(seed, uint64(size)))
				text := func(n int) []byte {
					b := make([]byte, n)
					for i := range b {
						b[i] = byte(r.IntN(2))
					}
					return b
				}
				p := make(Page, size)
				p.Init(9, 5, 77, FlagLeaf, seed%2 == 0)
				if seed%3 != 0 {
					must(t, p.SetExtHeader(text(r.IntN(12))))
				}
				for range r.IntN(60) {
					must(t, p.InsertLine(p.Lines(), text(1+r.IntN(20)), NodeFlags(r.IntN(4)), text(1+r.IntN(20))))
				}
				for range r.IntN(p.Lines() + 1) {
					must(t, p.DeleteLine(r.IntN(p.Lines())))
				}
				q := append(Page(nil), p...)
				for range 3 {
					a := p.Appender()
					for {
						key, flags, data := text(1+r.IntN(30)), NodeFlags(r.IntN(4)), text(1+r.IntN(30))
						err := q.InsertLine(q.Lines(), key, flags, data)
						prefix, room := EncodedSize(p.PrefixKey(), key, len(data))
						if e := a.Append(prefix, key, flags, data); (e == nil) != (err == nil) {
							t.Fatalf("%v, by InsertLine %v", e, err)
						}
						if err != nil {
							if room <= q.CbFree() {
								t.Fatal(err)
							}
							break
						}
						if r.IntN(20) == 0 {
							break
						}
					}
					if a.Close(); !bytes.Equal(p, q) {
						t.Fatal("pages differ")
					}
					must(t, p.Check(9))
				}
			})
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestAppenderRefuses gives an Appender what a page cannot take: nothing changes.
func TestAppenderRefuses(t *testing.T) {
	p := make(Page, 4096)
	p.Init(9, 5, 77, FlagLeaf, true)
	must(t, p.SetExtHeader([]byte("abcdef")))
	before := append(Page(nil), p...)
	a := p.Appender()
	for _, c := range []struct {
		prefix, data int
		key          string
	}{{7, 1, "abcdefgh"}, {4, 1, "abc"}, {0, 5000, "k"}} {
		if err := a.Append(c.prefix, []byte(c.key), 0, make([]byte, c.data)); err == nil {
			t.Errorf("%+v taken", c)
		}
	}
	if a.Close(); !bytes.Equal(p, before) {
		t.Error("page changed")
	}
}
