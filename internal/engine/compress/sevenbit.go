package compress

import "esent/internal/jet"

// 7-bit packing (spec chapter 04, 11.3): value i occupies the bits 7i to 7i+6 of a bit string that starts after
// the scheme byte, each byte filled from its low bit up. The low three bits of the scheme byte tell how many
// bits of the last byte are used, less one.

func asciiSize(n int) int   { return (7*n+7)/8 + 1 }
func unicodeSize(n int) int { return (7*(n/2)+7)/8 + 1 }

// sevenBitScheme is the denser of the two schemes that src allows, 0 for none.
func sevenBitScheme(src []byte, unicodeOnly bool) Scheme {
	n := len(src)
	unicode := n%2 == 0
	if unicodeOnly && !unicode {
		return 0
	}
	for i, b := range src {
		if b >= 0x80 {
			return 0
		}
		if i%2 == 1 && b != 0 {
			unicode = false
			if unicodeOnly {
				return 0
			}
		}
	}
	switch {
	case unicode && unicodeSize(n) < n:
		return SevenBitUnicode
	case !unicodeOnly && asciiSize(n) < n:
		return SevenBitASCII
	}
	return 0
}

func packASCII(dst, src []byte) []byte { return pack(dst, src, 1, SevenBitASCII) }

func packUnicode(dst, src []byte) []byte { return pack(dst, src, 2, SevenBitUnicode) }

// pack packs every step-th byte of src.
func pack(dst, src []byte, step int, scheme Scheme) []byte {
	dst = append(dst, 0)
	var acc uint32
	bits := 0
	for i := 0; i < len(src); i += step {
		acc |= uint32(src[i]) << bits
		if bits += 7; bits >= 8 {
			dst = append(dst, byte(acc))
			acc >>= 8
			bits -= 8
		}
	}
	last := 8
	if bits > 0 {
		dst = append(dst, byte(acc))
		last = bits
	}
	dst[0] = byte(scheme)<<schemeShift | byte(last-1)
	return dst
}

// sevenBitCount is the number of 7-bit values in src.
func sevenBitCount(src []byte) (int, error) {
	if len(src) < 2 {
		return 0, jet.ErrDecompressionFailed
	}
	bits := (len(src)-2)*8 + int(src[0]&7) + 1
	if bits%7 != 0 {
		return 0, jet.ErrDecompressionFailed
	}
	return bits / 7, nil
}

// unpackASCII fills dst with the values from offset on.
func unpackASCII(dst, packed []byte, offset int) { unpack(dst, packed, offset, 1) }

// unpackUnicode fills dst with the UTF-16 bytes from byte offset on.
func unpackUnicode(dst, packed []byte, offset int) {
	clear(dst)
	skip := offset % 2
	if skip < len(dst) {
		unpack(dst[skip:], packed, (offset+skip)/2, 2)
	}
}

// unpack fills every step-th byte of dst with the values from first on.
func unpack(dst, packed []byte, first, step int) {
	if len(dst) == 0 {
		return
	}
	at, used := 7*first/8, 7*first%8
	acc, bits := uint32(packed[at])>>used, 8-used
	at++
	for i := 0; i < len(dst); i += step {
		if bits < 7 {
			acc |= uint32(packed[at]) << bits
			at++
			bits += 8
		}
		dst[i] = byte(acc) & 0x7F
		acc >>= 7
		bits -= 7
	}
}
