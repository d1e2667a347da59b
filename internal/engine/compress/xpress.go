package compress

import (
	"encoding/binary"

	"esent/internal/jet"
)

// XPRESS streams are MS-XCA "plain LZ77" (spec chapter 04, 11.4): items led by 32-bit flag words, first item in
// bit 31, 0 for a literal byte and 1 for a match. A match is a u16, distance less one in the upper 13 bits and
// length less three in the lower three; a length that does not fit goes on in a nibble that two matches share,
// then in a byte, then in a u16.
const (
	xpressMinMatch = 3
	xpressWindow   = 8192
	xpressInWord   = 7   // lengths (less the minimum) below it fit in the word
	xpressInNibble = 15  // what remains, below it, fits in the nibble
	xpressInByte   = 255 // what remains, below it, fits in the byte

	xpressHashBits = 12
	xpressChain    = 8 // positions tried for the longest match
)

// xpressEncoder finds matches by a hash of three bytes. Positions are stored plus one, zero being none: values
// are at most 65535 bytes long.
type xpressEncoder struct {
	head [1 << xpressHashBits]uint16
	prev [xpressWindow]uint16
}

func xpressHash(p []byte) uint32 {
	v := uint32(p[0]) | uint32(p[1])<<8 | uint32(p[2])<<16
	return v * 0x9E3779B1 >> (32 - xpressHashBits)
}

// encode writes the scheme byte, the size and the stream of src to dst and gives the length of it all, 0 if
// that would exceed len(dst). src is at most 65535 bytes long.
func (e *xpressEncoder) encode(dst, src []byte) int {
	// The largest item takes a word, a nibble byte and a long length; a flag word may follow it.
	const itemMost = 2 + 1 + 3 + 4
	if len(dst) < sizedHeader+4 {
		return 0
	}
	clear(e.head[:])
	dst[0] = byte(Xpress) << schemeShift
	binary.LittleEndian.PutUint16(dst[1:], uint16(len(src)))

	flagsAt, out := sizedHeader, sizedHeader+4
	var flags uint32
	items := 0
	nibbleAt := 0
	for pos := 0; pos < len(src); {
		if out+itemMost > len(dst) {
			return 0 // at most a few bytes too early: not worth having
		}
		length, dist := e.longest(src, pos)
		if length < xpressMinMatch {
			dst[out] = src[pos]
			out++
			flags <<= 1
			e.insert(src, pos)
			pos++
		} else {
			out, nibbleAt = putXpressMatch(dst, out, nibbleAt, length, dist)
			flags = flags<<1 | 1
			for end := pos + length; pos < end; pos++ {
				e.insert(src, pos)
			}
		}
		if items++; items == 32 {
			binary.LittleEndian.PutUint32(dst[flagsAt:], flags)
			flagsAt, out = out, out+4
			flags, items = 0, 0
		}
	}
	unused := uint(32 - items)
	binary.LittleEndian.PutUint32(dst[flagsAt:], uint32(uint64(flags)<<unused|(1<<unused-1)))
	return out
}

// insert makes the three bytes at pos findable.
func (e *xpressEncoder) insert(src []byte, pos int) {
	if pos+xpressMinMatch > len(src) {
		return
	}
	h := xpressHash(src[pos:])
	e.prev[pos%xpressWindow] = e.head[h]
	e.head[h] = uint16(pos + 1)
}

// longest finds the longest earlier occurrence of what starts at pos.
func (e *xpressEncoder) longest(src []byte, pos int) (length, dist int) {
	if pos+xpressMinMatch > len(src) {
		return 0, 0
	}
	rest := src[pos:]
	candidate := int(e.head[xpressHash(rest)]) - 1
	for try := 0; try < xpressChain && candidate >= 0 && pos-candidate <= xpressWindow; try++ {
		if n := commonLength(rest, src[candidate:]); n > length {
			length, dist = n, pos-candidate
			if n == len(rest) {
				break
			}
		}
		candidate = int(e.prev[candidate%xpressWindow]) - 1
	}
	return length, dist
}

// commonLength is how many leading bytes a and b share.
func commonLength(a, b []byte) int {
	n := min(len(a), len(b))
	i := 0
	for ; i+8 <= n; i += 8 {
		if binary.LittleEndian.Uint64(a[i:]) != binary.LittleEndian.Uint64(b[i:]) {
			break
		}
	}
	for i < n && a[i] == b[i] {
		i++
	}
	return i
}

// putXpressMatch writes a match at dst[out:]; nibbleAt is where a half-used nibble byte lies, 0 for none.
func putXpressMatch(dst []byte, out, nibbleAt, length, dist int) (newOut, newNibbleAt int) {
	rest := length - xpressMinMatch
	binary.LittleEndian.PutUint16(dst[out:], uint16((dist-1)<<3|min(rest, xpressInWord)))
	out += 2
	if rest < xpressInWord {
		return out, nibbleAt
	}
	rest -= xpressInWord
	nibble := byte(min(rest, xpressInNibble))
	if nibbleAt == 0 {
		dst[out] = nibble
		nibbleAt = out
		out++
	} else {
		dst[nibbleAt] |= nibble << 4
		nibbleAt = 0
	}
	if rest < xpressInNibble {
		return out, nibbleAt
	}
	rest -= xpressInNibble
	if rest < xpressInByte {
		dst[out] = byte(rest)
		return out + 1, nibbleAt
	}
	dst[out] = xpressInByte
	binary.LittleEndian.PutUint16(dst[out+1:], uint16(length-xpressMinMatch))
	return out + 3, nibbleAt
}

// decodeXpress fills dst with the first plain bytes of the stream; the stream's own end is not looked at, for
// only the size tells it.
func decodeXpress(dst, stream []byte) error {
	var flags uint32
	left := 0
	nibbleAt := -1
	in := 0
	for out := 0; out < len(dst); {
		if left == 0 {
			if in+4 > len(stream) {
				return jet.ErrDecompressionFailed
			}
			flags = binary.LittleEndian.Uint32(stream[in:])
			in += 4
			left = 32
		}
		left--
		if flags>>left&1 == 0 {
			if in >= len(stream) {
				return jet.ErrDecompressionFailed
			}
			dst[out] = stream[in]
			in++
			out++
			continue
		}
		if in+2 > len(stream) {
			return jet.ErrDecompressionFailed
		}
		word := binary.LittleEndian.Uint16(stream[in:])
		in += 2
		length := int(word & xpressInWord)
		dist := int(word>>3) + 1
		if length == xpressInWord {
			var ok bool
			if length, in, nibbleAt, ok = xpressLongLength(stream, in, nibbleAt); !ok {
				return jet.ErrDecompressionFailed
			}
		}
		if dist > out {
			return jet.ErrDecompressionFailed
		}
		out = copyMatch(dst, out, dist, length+xpressMinMatch)
	}
	return nil
}

// xpressLongLength reads the parts of a length (less the minimum) beyond the word.
func xpressLongLength(stream []byte, in, nibbleAt int) (length, newIn, newNibbleAt int, ok bool) {
	if nibbleAt < 0 {
		if in >= len(stream) {
			return 0, 0, 0, false
		}
		length = int(stream[in] & 15)
		nibbleAt = in
		in++
	} else {
		length = int(stream[nibbleAt] >> 4)
		nibbleAt = -1
	}
	if length == xpressInNibble {
		if in >= len(stream) {
			return 0, 0, 0, false
		}
		length = int(stream[in])
		in++
		if length == xpressInByte {
			if in+2 > len(stream) {
				return 0, 0, 0, false
			}
			length = int(binary.LittleEndian.Uint16(stream[in:]))
			in += 2
			if length < xpressInWord+xpressInNibble {
				return 0, 0, 0, false
			}
			return length, in, nibbleAt, true
		}
		length += xpressInNibble
	}
	return length + xpressInWord, in, nibbleAt, true
}

// copyMatch copies length bytes from dist before out, as far as dst reaches, and gives the new end. Source and
// target may overlap: the bytes then repeat. The caller has checked 0 < dist <= out.
func copyMatch(dst []byte, out, dist, length int) int {
	end := min(out+length, len(dst))
	for out < end {
		out += copy(dst[out:end], dst[out-dist:out])
	}
	return end
}
