package page

import (
	"math/rand/v2"
	"testing"
)

// useEverything calls everything that reads or changes a page.
func useEverything(p Page, key, data []byte) {
	f := p.Flags()
	for _, i := range []int{-1, 0, 1, p.Lines() / 2, p.Lines() - 1, p.Lines(), 1 << 30} {
		n := p.Line(i)
		n.CompareKey(key)
		p.LineFlags(i)
		p.LineData(i)
		p.KeyLen(i)
		p.AppendKey(i, nil)
		p.CompareKey(i, key)
		p.CompareBookmark(i, key, data)
		p.Child(i)
		if m := p.Line(i + 1); n.KeyLen() < 100 {
			CommonPrefix(&n, &m)
			_, _ = AppendSeparator(nil, &n, &m)
		}
	}
	for _, flags := range []Flags{f, f &^ FlagRoot, f | FlagRoot | FlagSpaceTree} {
		p.SetFlags(flags)
		p.ExtHeader()
		p.PrefixKey()
		p.SearchLeaf(key, data, true)
		p.SearchLeaf(key, data, false)
		p.SearchInternal(key, data)
		_ = p.Check(1)
		_ = p.CheckOrder()
		_, _ = p.Verify(1, true)
		p.Seal(1, 2)
		_ = Page(make([]byte, len(p))).Rehydrate(p.Dehydrate(nil))
		_ = p.InsertLine(p.Lines()/2, key, NodeVersion, data)
		_ = p.InsertEncoded(0, 3, key, 0, data)
		_ = p.ReplaceData(0, data, data)
		_ = p.ReplaceKey(0, key)
		p.SetLineFlags(0, NodeDeleted)
		_ = p.DeleteLine(p.Lines() / 2)
		_ = p.Reorganize()
		_ = p.SetPrefix(key)
		_ = p.SetExtHeader(key)
		_ = p.TruncateLines(1)
	}
}

func FuzzPage(f *testing.F) {
	f.Add([]byte{}, uint8(0), []byte("key"), []byte("data"))
	f.Fuzz(func(t *testing.T, seed []byte, size uint8, key, data []byte) {
		p := Page(make([]byte, 4096<<(size%4)))
		for n := 0; len(seed) > 0 && n < len(p); {
			n += copy(p[n:], seed)
		}
		useEverything(p, key, data)
	})
}

// TestRandomBytes: no method panics whatever the bytes are.
func TestRandomBytes(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for i := range 800 {
		p := Page(make([]byte, 4096<<(i%4)))
		if i%3 == 0 {
			p.Init(1, 8, 0x46, Flags(r.Uint32()), false)
			for j := range 40 {
				_ = p.InsertLine(j, []byte{0x7F, 0x80, 0, byte(j)}, 0, make([]byte, 20))
			}
			for range 1 + r.IntN(30) {
				p[[]int{r.IntN(p.HeaderSize()), len(p) - 1 - r.IntN(200), r.IntN(2000)}[r.IntN(3)]] = byte(r.Uint32())
			}
		} else {
			for j := range p {
				p[j] = byte(r.Uint32())
			}
		}
		key := make([]byte, r.IntN(20))
		for j := range key {
			key[j] = byte(r.Uint32())
		}
		useEverything(p, key, []byte{1, 2, 3})
	}
}
