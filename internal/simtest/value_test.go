package simtest

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"math"
	"math/rand/v2"

	"esent/internal/jet"
)

// class is where records keep a column.
type class uint8

const (
	fixed class = iota
	variable
	tagged
)

// column is a column of the model. A value is a []byte; nil is NULL, an empty one that is not nil has length zero.
type column struct {
	name       string
	id         jet.ColumnID
	typ        uint32
	max        int
	class      class
	wide       bool // values from a large range
	multi      bool
	notNull    bool
	auto       bool
	version    bool
	escrow     bool
	compressed bool
	def        []byte // nil for none
	// born and died are the transactions that added and dropped the column; nil for the distant past, and never.
	born, died *trx
}

func (c *column) long() bool { return c.typ == jet.ColtypLongBinary || c.typ == jet.ColtypLongText }

// special says that the engine gives the column its values.
func (c *column) special() bool { return c.auto || c.version }

// typeSize is the size of values of a type of fixed length.
var typeSize = map[uint32]int{jet.ColtypBit: 1, jet.ColtypUnsignedByte: 1, jet.ColtypShort: 2, jet.ColtypLong: 4,
	jet.ColtypCurrency: 8, jet.ColtypIEEESingle: 4, jet.ColtypIEEEDouble: 8, jet.ColtypDateTime: 8, jet.ColtypUnsignedLong: 4,
	jet.ColtypLongLong: 8, jet.ColtypGUID: 16, jet.ColtypUnsignedShort: 2}

var plainTypes = []uint32{jet.ColtypBit, jet.ColtypUnsignedByte, jet.ColtypShort, jet.ColtypLong, jet.ColtypCurrency,
	jet.ColtypIEEESingle, jet.ColtypIEEEDouble, jet.ColtypDateTime, jet.ColtypUnsignedLong, jet.ColtypLongLong,
	jet.ColtypGUID, jet.ColtypUnsignedShort, jet.ColtypBinary, jet.ColtypText, jet.ColtypLong, jet.ColtypBinary, jet.ColtypText}

// newColumn makes up a column.
func newColumn(rng *rand.Rand, name string) *column {
	c := &column{name: name}
	if rng.IntN(4) == 0 {
		c.typ, c.class = jet.ColtypLongBinary, tagged
		if rng.IntN(2) == 0 {
			c.typ = jet.ColtypLongText
		}
		c.compressed = rng.IntN(3) == 0
		c.multi = rng.IntN(5) == 0
		return c
	}
	c.typ = plainTypes[rng.IntN(len(plainTypes))]
	c.max = typeSize[c.typ]
	if c.max == 0 {
		c.max, c.class = 10+rng.IntN(40), variable
		if rng.IntN(4) == 0 {
			c.max, c.class = 1+rng.IntN(12), fixed
		}
	}
	switch rng.IntN(8) {
	case 0, 1:
		c.class = tagged
	case 2:
		c.class, c.multi = tagged, true
	}
	if !c.multi && rng.IntN(4) == 0 {
		c.def = c.value(rng)
		if len(c.def) == 0 {
			c.def = nil
		}
	}
	if c.class != tagged && rng.IntN(8) == 0 {
		c.notNull = true
	}
	return c
}

// value makes up a value that is not NULL.
func (c *column) value(rng *rand.Rand) []byte {
	number := func(n uint64) []byte {
		return binary.LittleEndian.AppendUint64(nil, n)[:typeSize[c.typ]]
	}
	small := uint64(int64(rng.IntN(40) - 20))
	switch c.typ {
	case jet.ColtypBit:
		return []byte{byte(-rng.IntN(2))}
	case jet.ColtypIEEESingle:
		return number(uint64(math.Float32bits(float32(rng.IntN(40)-20) / 4)))
	case jet.ColtypIEEEDouble, jet.ColtypDateTime:
		return number(math.Float64bits(float64(rng.IntN(40)-20) / 4))
	case jet.ColtypGUID:
		b := make([]byte, 16)
		b[rng.IntN(16)] = byte(rng.IntN(4))
		return b
	case jet.ColtypText:
		n := rng.IntN(min(c.max, 3+rng.IntN(40)) + 1)
		if c.class == fixed {
			return c.padded(letters(rng, max(n, 1)))
		}
		return letters(rng, n)
	case jet.ColtypBinary:
		n := rng.IntN(min(c.max, 3+rng.IntN(40)) + 1)
		if c.class == fixed {
			return c.padded(noise(rng, max(n, 1)))
		}
		return noise(rng, n)
	case jet.ColtypLongText:
		return letters(rng, longSize(rng))
	case jet.ColtypLongBinary:
		return noise(rng, longSize(rng))
	}
	if c.wide {
		return number(uint64(rng.IntN(3000)))
	}
	if rng.IntN(8) == 0 {
		return number(rng.Uint64())
	}
	return number(small)
}

// padded fills a value of a fixed text or binary column up.
func (c *column) padded(b []byte) []byte {
	fill := byte(0)
	if c.typ == jet.ColtypText {
		fill = ' '
	}
	for len(b) < c.max {
		b = append(b, fill)
	}
	return b
}

func longSize(rng *rand.Rand) int {
	switch rng.IntN(16) {
	case 0:
		return 0
	case 1, 2, 3, 4, 5, 6, 7:
		return rng.IntN(100)
	case 8, 9, 10:
		return rng.IntN(1500)
	case 15:
		return rng.IntN(60000)
	}
	return rng.IntN(9000)
}

func letters(rng *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = "abcXYZ0 "[rng.IntN(8)]
	}
	return b
}

func noise(rng *rand.Rand, n int) []byte {
	b := make([]byte, n)
	wild := rng.IntN(2) == 0 || n < 20
	for i := range b {
		if wild {
			b[i] = byte(rng.IntN(256))
		} else {
			b[i] = byte(i / 7)
		}
		if n < 20 {
			b[i] &= 0xC1
		}
	}
	return b
}

// keyMost is the size limit of keys.
const keyMost = 255

// normalise appends the key segment of a value (spec chapter 04, 7).
func (c *column) normalise(k []byte, v []byte, descending bool) []byte {
	from := len(k)
	switch {
	case from >= keyMost:
		return k
	case v == nil:
		k = append(k, 0)
	case len(v) == 0:
		k = append(k, 0x40)
	default:
		k = c.normaliseData(append(k, 0x7F), v)
	}
	k = k[:min(len(k), keyMost)]
	if descending {
		for i := from; i < len(k); i++ {
			k[i] ^= 0xFF
		}
	}
	return k
}

func (c *column) normaliseData(k, v []byte) []byte {
	reversed := func() []byte {
		b := make([]byte, len(v))
		for i := range v {
			b[len(v)-1-i] = v[i]
		}
		return b
	}
	switch c.typ {
	case jet.ColtypBit:
		return append(k, v[0])
	case jet.ColtypUnsignedByte:
		return append(k, v[0])
	case jet.ColtypUnsignedShort, jet.ColtypUnsignedLong:
		return append(k, reversed()...)
	case jet.ColtypShort, jet.ColtypLong, jet.ColtypCurrency, jet.ColtypLongLong:
		b := reversed()
		b[0] ^= 0x80
		return append(k, b...)
	case jet.ColtypIEEESingle, jet.ColtypIEEEDouble, jet.ColtypDateTime:
		b := reversed()
		if b[0]&0x80 == 0 {
			b[0] ^= 0x80
		} else {
			for i := range b {
				b[i] ^= 0xFF
			}
		}
		return append(k, b...)
	case jet.ColtypGUID:
		for _, i := range []int{10, 11, 12, 13, 14, 15, 8, 9, 6, 7, 4, 5, 0, 1, 2, 3} {
			k = append(k, v[i])
		}
		return k
	case jet.ColtypBinary, jet.ColtypLongBinary:
		if c.class == fixed {
			return append(k, v...)
		}
		for {
			n := min(8, len(v))
			k = append(append(k, v[:n]...), make([]byte, 8-n)...)
			if v = v[n:]; len(v) == 0 {
				return append(k, byte(n))
			}
			k = append(k, 9)
		}
	}
	return c.normaliseText(k, v)
}

// normaliseText appends text, of code page 1252, with the oddity of the original where the key is full.
func (c *column) normaliseText(k, v []byte) []byte {
	room := keyMost - len(k) // the prefix is there
	v = v[:min(len(v), keyMost)]
	if i := bytes.IndexByte(v, 0); i >= 0 && i < room {
		v = v[:i]
	}
	upper := func(b byte) byte {
		if b >= 'a' && b <= 'z' {
			return b - 0x20
		}
		return b
	}
	cut := room <= len(v)
	if cut {
		if room == 0 {
			return k
		}
		v = v[:room]
	}
	for i, b := range v {
		if cut && i == room-1 {
			return append(k, b-0x20)
		}
		k = append(k, upper(b))
	}
	return append(k, 0)
}

// show appends a value for people.
func show(b, v []byte) []byte {
	switch {
	case v == nil:
		return append(b, "NULL"...)
	case len(v) <= 24:
		return hex.AppendEncode(b, v)
	}
	return fmt.Appendf(b, "%d bytes %x..#%08x", len(v), v[:4], crc32.ChecksumIEEE(v))
}
