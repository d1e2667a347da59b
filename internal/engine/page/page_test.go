package page

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"esent/internal/jet"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// words builds a page from its non-zero 32-bit words.
func words(size int, w map[int]uint32) Page {
	p := Page(make([]byte, size))
	for i, v := range w {
		binary.LittleEndian.PutUint32(p[4*i:], v)
	}
	return p
}

// TestHeaderExample reads page 31 of basic.edb as spec chapter 02, 7.6 shows it.
func TestHeaderExample(t *testing.T) {
	p := Page(make([]byte, 4096))
	copy(p, unhex(t, "fb455b07 a1045e7b 93010000 00000000 00000000 00000000 08000000 340f 0000 9800 0300 03280100"))
	copy(p[4096-12:], unhex(t, "35006320 53001020 10000000"))
	copy(p[40+0x10:], unhex(t, "0500 0102030405"))
	copy(p[40+0x63:], unhex(t, "0300 010203"))
	if p.DBTime() != 0x193 || p.ObjID() != 8 || p.CbFree() != 3892 || p.micFree() != 152 || p.Lines() != 2 ||
		p.Flags() != 0x12803 || p.FlushType() != 2 || p.HeaderSize() != 40 || p.Large() || p.Pgno() != 0 {
		t.Fatalf("header: %v", p[:40])
	}
	if err := p.Check(31); err != nil {
		t.Fatal(err)
	}
	if n := p.Line(0); n.Flags != NodeVersion || string(n.Suffix) != "\x01\x02\x03\x04\x05" || len(n.Data) != 0x53-7 {
		t.Fatalf("line 0: %+v", n)
	}
	if n := p.Line(1); n.Flags != NodeVersion || string(n.AppendKey(nil)) != "\x01\x02\x03" || len(n.Data) != 0x35-5 {
		t.Fatalf("line 1: %+v", n)
	}
	if len(p.ExtHeader()) != 16 || p.PrefixKey() != nil {
		t.Fatal("external header")
	}
}

// largeExample is page 3 of large.edb (spec chapter 02, 7.6 and 8.4).
func largeExample() Page {
	return words(32768, map[int]uint32{
		0: 0xFE79E8F7, 1: 0x82D67D29,
		2: 0x0002FE80, 6: 1, 7: 0x00007F80, 8: 0x00030024, 9: 0x00012823, 10: 3, 12: 3, 14: 0x000A0013, 15: 0x0079FF86,
		16: 3, 24: 0x00004004, 25: 0x0005FE00, 26: 0x00040000, 27: 0xFE010000, 28: 0x70,
		1021: 0x001A000A, 1022: 0x0010000A, 1023: 0x10,
		8189: 0x001A000A, 8190: 0x0010000A, 8191: 0x10,
	})
}

func TestLargeExample(t *testing.T) {
	p := largeExample()
	if _, err := p.Verify(3, false); err != nil {
		t.Fatal(err)
	}
	if err := p.Check(3); err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct {
		key, data string
		flags     NodeFlags
	}{{"000000fe", "05000000", NodeDeleted}, {"000001fe", "70000000", 0}} {
		n := p.Line(i)
		if hex.EncodeToString(n.AppendKey(nil)) != want.key || hex.EncodeToString(n.Data) != want.data || n.Flags != want.flags {
			t.Fatalf("line %d: %+v", i, n)
		}
	}
	if p.CbFree() != 32640 || p.Pgno() != 3 {
		t.Fatal("header")
	}
	sealed := append(Page(nil), p...)
	clear(sealed[:8])
	clear(sealed[40:64])
	sealed.Seal(3, p.FlushType())
	if !bytes.Equal(sealed, p) {
		t.Fatal("sealed again it differs")
	}
	if _, err := p.Verify(4, true); err != jet.ErrReadVerifyFailure {
		t.Fatalf("as page 4: %v", err)
	}
	p.Seal(4, 1)
	if _, err := p.Verify(4, true); err != jet.ErrReadPgnoVerifyFailure {
		t.Fatalf("page 3 stored as page 4: %v", err)
	}
}

// smallExample is page 1 of basic.edb (spec chapter 02, 8.3).
func smallExample() Page {
	return words(4096, map[int]uint32{0: 0x0001A77C, 1: 0x7FDF7FDF, 2: 0x46, 6: 1, 7: 0xFC4, 8: 0x10010, 9: 0xA803,
		10: 0xFE, 12: 1, 13: 2, 1023: 0x10})
}

func TestVerify(t *testing.T) {
	flips := func(bits ...int) func(Page) {
		return func(p Page) {
			for _, b := range bits {
				p[b/8] ^= 1 << (b % 8)
			}
		}
	}
	small, large := smallExample(), largeExample()
	for _, c := range []struct {
		name    string
		page    Page
		pgno    jet.Pgno
		damage  func(Page)
		want    jet.Err
		bits    []Correction
		unsound bool
	}{
		{name: "sound", page: small, pgno: 1, damage: flips()},
		{name: "blank", page: make(Page, 4096), pgno: 1, damage: flips(), want: jet.ErrPageNotInitialized},
		{name: "wrong page", page: small, pgno: 2, damage: flips(), want: jet.ErrReadVerifyFailure},
		{name: "byte 40 bit 0", page: small, pgno: 1, damage: flips(320), bits: []Correction{{0, 320}}},
		{name: "free space", page: small, pgno: 1, damage: flips(8 * 2000), bits: []Correction{{0, 16000}}},
		{name: "two bits", page: small, pgno: 1, damage: flips(320, 321), want: jet.ErrReadVerifyFailure},
		{name: "checksum field", page: small, pgno: 1, damage: flips(5), want: jet.ErrReadVerifyFailure},
		{name: "checksum field, high", page: small, pgno: 1, damage: flips(40), want: jet.ErrReadVerifyFailure},
		{name: "format flag", page: small, pgno: 1, damage: flips(301), want: jet.ErrReadVerifyFailure},
		{name: "large: block 1", page: large, pgno: 3, damage: flips(8*8292 + 4), bits: []Correction{{1, 804}}},
		{name: "large: page number", page: large, pgno: 3, damage: flips(8*64 + 3), bits: []Correction{{0, 515}}},
		{name: "large: stored checksum", page: large, pgno: 3, damage: flips(8*50 + 3), bits: []Correction{{0, 403}}},
		{name: "large: stored checksum and its block", page: large, pgno: 3, damage: flips(8*50+3, 8*20000), bits: []Correction{{0, 403}, {2, 8 * 3616}}},
		{name: "large: all blocks", page: large, pgno: 3, damage: flips(8*100, 8*8200, 8*20000, 8*30000),
			bits: []Correction{{0, 800}, {1, 64}, {2, 8 * 3616}, {3, 8 * 5424}}},
		{name: "large: two bits of a block", page: large, pgno: 3, damage: flips(8*100, 8*8200, 8*8201), want: jet.ErrReadVerifyFailure},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := append(Page(nil), c.page...)
			c.damage(p)
			damaged := append(Page(nil), p...)
			res, err := p.Verify(c.pgno, false)
			if wantErr := c.want < 0 || len(c.bits) > 0; (err != nil) != wantErr || !bytes.Equal(p, damaged) {
				t.Fatalf("without correction: %v", err)
			}
			res, err = p.Verify(c.pgno, true)
			if c.want != 0 {
				if !errors.Is(err, c.want) || !bytes.Equal(p, damaged) {
					t.Fatalf("%v, want %v", err, c.want)
				}
				return
			}
			if err != nil || !bytes.Equal(p, c.page) {
				t.Fatal(err)
			}
			if got := res.Corrections[:res.Corrected]; len(got) != len(c.bits) {
				t.Fatalf("%v, want %v", got, c.bits)
			}
			for i, b := range c.bits {
				if res.Corrections[i] != b {
					t.Fatalf("%v, want %v", res.Corrections, c.bits)
				}
			}
		})
	}
}

// TestVerifyUnsound: one wrong bit in a page that was written unsound is put right in vain.
func TestVerifyUnsound(t *testing.T) {
	p := smallExample()
	p.setCbFree(1)
	p.Seal(1, 0)
	p[2000] ^= 1
	res, err := p.Verify(1, true)
	if !errors.Is(err, jet.ErrReadVerifyFailure) || !res.FixFailed {
		t.Fatalf("%v %+v", err, res)
	}
}

// TestOldFormat: pages of engines before 0x620,0x0B carry the legacy sum and their number.
func TestOldFormat(t *testing.T) {
	p := smallExample()
	p.SetFlags(p.Flags() &^ FlagNewChecksum)
	binary.LittleEndian.PutUint32(p[4:], 1)
	sum := uint32(0x89ABCDEF)
	for i := 4; i < len(p); i += 4 {
		sum ^= p.u32(i)
	}
	p.setU32(0, sum)
	if res, err := p.Verify(1, true); err != nil || !res.OldFormat {
		t.Fatal(err)
	}
	if _, err := p.Verify(2, true); err != jet.ErrReadVerifyFailure {
		t.Fatal(err)
	}
	p[3000] ^= 4
	if _, err := p.Verify(1, true); err != jet.ErrReadVerifyFailure {
		t.Fatal(err)
	}
}

// TestPrefixExample is the catalog leaf of spec chapter 03, 1.3.
func TestPrefixExample(t *testing.T) {
	prefix := unhex(t, "7f800000027f80027f80000001")
	for _, size := range []int{4096, 16384} {
		p := Page(make([]byte, size))
		p.Init(13, 2, 0x46, FlagLeaf, false)
		if err := p.SetExtHeader(prefix); err != nil {
			t.Fatal(err)
		}
		for i, key := range []string{"7f800000027f80017f80000002", "7f800000027f80027f80000001"} {
			if err := p.InsertLine(i, unhex(t, key), NodeVersion, []byte{0xAA}, []byte{0xBB}); err != nil {
				t.Fatal(err)
			}
		}
		for i, want := range []string{"0700 0600 017f80000002 aabb", "0d00 0000 aabb"} {
			raw, flags := p.rawLine(i)
			w := unhex(t, want)
			if p.Large() {
				w[1] |= byte(NodeVersion|NodeCompressed) << 5
			}
			if !bytes.Equal(raw, w) || flags != NodeVersion|NodeCompressed {
				t.Fatalf("%d: line %d is %x flags %d", size, i, raw, flags)
			}
		}
		if err := p.Check(13); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPreInit(t *testing.T) {
	for _, size := range []int{4096, 8192, 16384, 32768} {
		p := Page(make([]byte, size))
		p.PreInit(77, 9, 0x50)
		if err := p.Check(77); err != nil {
			t.Fatal(err)
		}
		if p.Flags() != FlagPreInit|FlagNewRecordFormat || p.CbFree() != size-p.HeaderSize() || p.Lines() != 0 || p.ExtHeader() != nil {
			t.Fatalf("%d: %x", size, p[:p.HeaderSize()])
		}
		p.Consume(FlagRoot|FlagLeaf, true)
		if err := p.Check(77); err != nil {
			t.Fatal(err)
		}
		if p.Flags() != FlagRoot|FlagLeaf|FlagNewRecordFormat || p.u16(offTagState) != 0x1001 || p.CbFree() != Capacity(size) {
			t.Fatalf("%d: %x", size, p[:p.HeaderSize()])
		}
		// The largest line takes all but its tag.
		if err := p.InsertLine(0, []byte{1}, 0, make([]byte, Capacity(size)-tagSize-3)); err != nil {
			t.Fatal(err)
		}
		if p.CbFree() != 0 || p.Check(77) != nil {
			t.Fatalf("%d: full page", size)
		}
	}
}

func TestFlushType(t *testing.T) {
	for from, to := range []uint8{1, 2, 3, 1} {
		if got := NextFlushType(uint8(from)); got != to {
			t.Errorf("after %d: %d, want %d", from, got, to)
		}
	}
	p := smallExample()
	p.Seal(1, 3)
	if p.FlushType() != 3 || p.Flags() != 0x1A803 {
		t.Errorf("flags %#x", p.Flags())
	}
}
