package page

import (
	"math/bits"
	"testing"
)

func sealedLeaf(size int) Page {
	p := make(Page, size)
	p.Init(5, 7, 1, FlagLeaf|FlagRoot, false)
	if err := p.InsertLine(0, []byte("key"), 0, []byte("data")); err != nil {
		panic(err)
	}
	p.Seal(5, 1)
	return p
}

func TestInspect(t *testing.T) {
	for _, size := range []int{4096, 32768} {
		p := sealedLeaf(size)
		i := p.Inspect(5)
		if !i.Initialized || !i.Sound || i.Corrected || i.Stored != i.Computed || i.Stored[0] == 0 || i.DBTime != p.DBTime() {
			t.Errorf("%d: %+v", size, i)
		}
		sum := p.ContentChecksum()
		p[size/2] ^= 4
		if i := p.Inspect(5); !i.Sound || !i.Corrected {
			t.Errorf("%d: one wrong bit: %+v", size, i)
		}
		p.Seal(5, 2)
		if p.ContentChecksum() != sum {
			t.Errorf("%d: the sum of the content depends on the flush type", size)
		}
		p[size/2] ^= 5
		if i := p.Inspect(5); i.Sound || i.Stored == i.Computed {
			t.Errorf("%d: two wrong bits: %+v", size, i)
		}
		if i := Page(make([]byte, size)).Inspect(5); i.Initialized || i.Sound {
			t.Errorf("%d: blank: %+v", size, i)
		}
		head := Page(make([]byte, size))
		head[100] = 1
		if i := head.Inspect(0); !i.Header || i.Sound || bits.OnesCount64(i.Computed[0]) == 0 {
			t.Errorf("%d: header: %+v", size, i)
		}
	}
}
