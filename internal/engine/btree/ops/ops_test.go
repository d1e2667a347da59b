package ops

import (
	"bytes"
	"encoding/hex"
	"math/rand/v2"
	"testing"

	"esent/internal/engine/page"
	"esent/internal/jet"
	"esent/internal/logstore"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestHeaders has the external headers that spec chapter 03, 8 gives as examples.
func TestHeaders(t *testing.T) {
	for _, c := range []struct {
		hex  string
		want RootHeader
	}{
		{"04000000010000000000000007000000", RootHeader{Space: SpaceHeader{4, 1, 0, 7}}},
		{"04000000040000000500000008000000", RootHeader{Space: SpaceHeader{4, 4, SpaceMultipleExtent | SpaceV2, 8}}},
		{"03010000000100000000000000000000002000000000000000", RootHeader{Space: SpaceHeader{1, 1, 0, 0}, AutoInc: 32, HasAutoInc: true}},
	} {
		b := unhex(t, c.hex)
		got, err := ParseRootHeader(b)
		if err != nil || got != c.want {
			t.Errorf("%s: %+v, %v", c.hex, got, err)
		}
		if !bytes.Equal(got.Append(nil), b) {
			t.Errorf("%s: encodes to %x", c.hex, got.Append(nil))
		}
	}
	for n := range 25 {
		b := make([]byte, n)
		if n > 0 {
			b[0] = 3
		}
		if _, err := ParseRootHeader(b); n != 16 && jet.CodeOf(err) != jet.ErrDatabaseCorrupted {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	b := unhex(t, "22110000020000008a11000008000000")
	s := ParseSplitBuffers(b)
	if want := (SplitBuffers{{4386, 2}, {4490, 8}}); s != want || !bytes.Equal(s.Append(nil), b) {
		t.Errorf("split buffers %v", s)
	}
	if s := ParseSplitBuffers(b[:15]); s != (SplitBuffers{}) {
		t.Errorf("short split buffers: %v", s)
	}
}

// TestExtents has the nodes of space trees that spec chapter 03, 9.1 gives as examples.
func TestExtents(t *testing.T) {
	for _, c := range []struct {
		key, data string
		want      Extent
		pool      Pool
	}{
		{"000000fe", "fe000000", Extent{254, 254}, PoolGeneral},
		{"810000009c", "00000000", Extent{156, 0}, PoolContinuous},
		{"81000000ab", "0b000000", Extent{171, 11}, PoolContinuous},
	} {
		e, pool, err := ParseExtent(unhex(t, c.key), unhex(t, c.data))
		if err != nil || e != c.want || pool != c.pool {
			t.Errorf("%s=%s: %v %d %v", c.key, c.data, e, pool, err)
		}
		if !bytes.Equal(AppendExtentKey(nil, pool, e.Last), unhex(t, c.key)) || !bytes.Equal(AppendExtentData(nil, e.Pages), unhex(t, c.data)) {
			t.Errorf("%s=%s encodes differently", c.key, c.data)
		}
	}
	for _, c := range [][2]string{{"000000fe", "00000000"}, {"82000000fe", "00000000"}, {"c1000000fe", "01000000"},
		{"80000000fe", "01000000"}, {"0000fe", "01000000"}, {"000000fe", "010000"}, {"000000fe", "ff000000"}, {"7ff00000", "01000000"}} {
		if e, _, err := ParseExtent(unhex(t, c[0]), unhex(t, c[1])); err == nil {
			t.Errorf("%s=%s is taken as %v", c[0], c[1], e)
		}
	}
}

func TestFreeExtents(t *testing.T) {
	for _, c := range []struct {
		pages, bitmap uint32
		want          []Extent
	}{
		{1, 0xFFFFFFFF, nil},
		{4, 7, []Extent{{34, 3}}},
		{4, 5, []Extent{{32, 1}, {34, 1}}},
		{33, 0xFFFFFFFF, []Extent{{63, 32}}},
		{40, 0xFFFFFFFF, []Extent{{70, 39}}},
		{40, 0x80000001, []Extent{{32, 1}, {70, 8}}},
		{40, 0, []Extent{{70, 7}}},
	} {
		got := FreeExtents(31, c.pages, c.bitmap)
		if len(got) != len(c.want) {
			t.Errorf("%d pages, bitmap %#x: %v", c.pages, c.bitmap, got)
			continue
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%d pages, bitmap %#x: %v", c.pages, c.bitmap, got)
			}
		}
	}
}

func TestNeed(t *testing.T) {
	for _, c := range []struct {
		dbtime, before, have jet.DBTime
		apply                bool
		code                 jet.Err
	}{
		{10, 9, 9, true, 0},
		{10, 9, 10, false, 0},
		{10, 9, 11, false, 0},
		{10, 9, 8, false, jet.ErrDbTimeTooOld},
		{12, 9, 10, false, jet.ErrDbTimeTooNew},
		{10, jet.DBTimeNil, 0, true, 0},
		{10, jet.DBTimeNil, 9, true, 0},
		{10, jet.DBTimeNil, 10, false, 0},
	} {
		apply, err := Need(c.dbtime, c.before, c.have)
		if apply != c.apply || jet.CodeOf(err) != c.code {
			t.Errorf("%+v: %v %v", c, apply, err)
		}
	}
}

func randomBytes(rng *rand.Rand, most int) []byte {
	b := make([]byte, rng.IntN(most+1))
	for i := range b {
		b[i] = byte(rng.IntN(3))
	}
	return b
}

func randomPage(rng *rand.Rand, size int, flags page.Flags) page.Page {
	p := make(page.Page, size)
	p.Init(1, 7, 5, flags, true)
	if flags&page.FlagRoot != 0 {
		h := RootHeader{Space: SpaceHeader{Pages: 5, Parent: 1, Map: 15}}
		p.SetExtHeader(h.Append(nil))
	} else {
		p.SetExtHeader(randomBytes(rng, 20))
	}
	for i := rng.IntN(60); i > 0; i-- {
		data := append(randomBytes(rng, 50), 1)
		if flags&page.FlagLeaf == 0 {
			data = []byte{byte(i), 0, 0, 0}
		}
		p.InsertLine(rng.IntN(p.Lines()+1), append(randomBytes(rng, 40), 1), page.NodeFlags(rng.IntN(4)), data)
	}
	return p
}

// TestHostile applies records that have nothing to do with their pages: errors are what comes of it, never a
// panic. Operations on one page leave it sound whatever they answer.
func TestHostile(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	kinds := []page.Flags{page.FlagLeaf, page.FlagRoot | page.FlagLeaf, page.FlagParentOfLeaf, page.FlagRoot, page.FlagRoot | page.FlagLeaf | page.FlagSpaceTree}
	for range 4000 {
		size := []int{4096, 32768}[rng.IntN(2)]
		kind := kinds[rng.IntN(len(kinds))]
		p := randomPage(rng, size, kind)
		op := logstore.NodeOp{PageOp: logstore.PageOp{Pgno: 1, DBTime: 9, Line: uint16(rng.IntN(70)), Flags: uint8(rng.IntN(256))}}
		if rng.IntN(20) == 0 {
			op.Line = 0xFFFF
		}
		key, data := append(randomBytes(rng, 300), 2), append(randomBytes(rng, 3000), 3)
		switch rng.IntN(10) {
		case 0:
			Insert(p, &logstore.Insert{NodeOp: op, PrefixLen: rng.IntN(400), Key: key, Data: data})
		case 1:
			FlagInsertAndReplaceData(p, &logstore.FlagInsertAndReplaceData{NodeOp: op, Key: key, Data: data})
		case 2:
			FlagInsert(p, &logstore.FlagInsert{NodeOp: op, Key: key, Data: data})
		case 3:
			FlagDelete(p, &logstore.FlagDelete{NodeOp: op})
		case 4:
			Delete(p, &logstore.Delete{NodeOp: op})
		case 5:
			Replace(p, &logstore.Replace{NodeOp: op, OldSize: rng.IntN(60), NewSize: rng.IntN(60), Data: data, IsDiff: rng.IntN(2) == 0})
		case 6:
			Delta(p, &logstore.Delta{NodeOp: op, Offset: uint16(rng.IntN(70)), Value: 5, Wide: rng.IntN(2) == 0})
		case 7:
			Undo(p, &logstore.Undo{NodeOp: op, Oper: logstore.Oper(rng.IntN(12))}, Image{Before: data, Offset: uint16(rng.IntN(70))})
		case 8:
			if kind&page.FlagRoot != 0 {
				SetExternalHeader(p, &logstore.SetExternalHeader{NodeOp: op, Data: randomBytes(rng, 60)})
			}
		case 9:
			EmptyTree(PageSet{{1, p, true}}, &logstore.EmptyTree{NodeOp: op})
		}
		if err := p.Check(1); err != nil && kind&page.FlagLeaf != 0 {
			t.Fatal(err)
		}
	}
}

func TestHostileGroups(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 2))
	flags := []page.Flags{page.FlagLeaf, page.FlagRoot | page.FlagLeaf, page.FlagParentOfLeaf, page.FlagRoot | page.FlagParentOfLeaf}
	small := func() uint16 { return uint16(rng.IntN(64)) }
	image := func(size int) ([]byte, uint32) {
		switch rng.IntN(4) {
		case 0:
			return randomBytes(rng, size), uint32(rng.IntN(4))
		case 1:
			return AppendImage(nil, randomPage(rng, size, flags[rng.IntN(len(flags))]), 9)
		}
		return nil, 0
	}
	for range 4000 {
		size := []int{4096, 32768}[rng.IntN(2)]
		var set PageSet
		for n := jet.Pgno(1); n <= 6; n++ {
			p := randomPage(rng, size, flags[rng.IntN(len(flags))])
			if n > 4 && rng.IntN(2) == 0 {
				clear(p)
			}
			set = append(set, PageEntry{n, p, rng.IntN(4) > 0})
		}
		if rng.IntN(2) == 0 {
			g := SplitGroup{DBTime: 9}
			for range 1 + rng.IntN(3) {
				r := &logstore.Split{PageOp: logstore.PageOp{Pgno: jet.Pgno(1 + rng.IntN(3)), DBTime: 9}, NewPage: jet.Pgno(rng.IntN(3) * 5),
					Right: jet.Pgno(rng.IntN(2) * 4), Kind: logstore.SplitKind(rng.IntN(3)), Oper: logstore.SplitOper(rng.IntN(4)),
					LineOper: small(), LineSplit: small(), Lines: small(), NewFlags: 2, SplitFlags: 2,
					LinePrefixNew: int32(rng.IntN(70)) - 1, ParentKey: randomBytes(rng, 200), NewPrefix: randomBytes(rng, 30)}
				if rng.IntN(2) == 0 {
					r.Lines = uint16(set[r.Pgno-1].Page.Lines() + rng.IntN(2))
				}
				r.Image, r.ImageFlags = image(size)
				g.Path = append(g.Path, r)
			}
			switch rng.IntN(4) {
			case 0:
				g.Leaf = &logstore.Insert{Key: append(randomBytes(rng, 50), 1), Data: []byte{1}}
			case 1:
				g.Leaf = &logstore.Replace{Data: randomBytes(rng, 5000)}
			case 2:
				g.Leaf = &logstore.FlagInsertAndReplaceData{Data: randomBytes(rng, 100)}
			}
			g.Apply(set)
			continue
		}
		g := MergeGroup{DBTime: 9}
		for range 1 + rng.IntN(3) {
			r := &logstore.Merge{PageOp: logstore.PageOp{Pgno: jet.Pgno(1 + rng.IntN(3)), DBTime: 9, Line: small()}, Left: jet.Pgno(rng.IntN(2) * 4),
				Right: jet.Pgno(rng.IntN(2) * 5), Kind: logstore.MergeKind(rng.IntN(8)), MergeFlags: uint8(rng.IntN(8)), LineMerge: small(), ParentKey: randomBytes(rng, 200)}
			r.Image, r.ImageFlags = image(size)
			g.Path = append(g.Path, r)
		}
		g.Apply(set)
	}
}
