// Package compress compresses and decompresses the bytes of long values (spec chapter 04, 11).
//
// It owns the schemes that a stored value's first byte names: 7-bit ASCII, 7-bit Unicode and XPRESS (plain
// LZ77) are read and written, LZ4 is read, SCRUB is recognised; XPRESS9 and XPRESS10 are refused. It knows
// neither records nor long-value chunks: whether a value is compressed is told by its place (the header of a
// tagged field, the size of a chunk), never by its bytes. The record and lv layers call it.
//
// Nothing here allocates when the caller's buffer has room, and no input makes the output larger than asked.
package compress

import (
	"math"
	"sync"

	"esent/internal/jet"
)

// Scheme is the compression scheme: the upper five bits of a compressed value's first byte.
type Scheme uint8

// The schemes (spec chapter 04, 11.1).
const (
	SevenBitASCII   Scheme = 1
	SevenBitUnicode Scheme = 2
	Xpress          Scheme = 3
	Scrub           Scheme = 4
	Xpress9         Scheme = 5
	Xpress10        Scheme = 6
	LZ4             Scheme = 7
)

const (
	schemeShift = 3
	// sizedHeader is the length of the scheme byte and the u16 of the uncompressed size (XPRESS, LZ4).
	sizedHeader = 3
	// maxSized is the longest value whose size that u16 can hold.
	maxSized = math.MaxUint16

	minSample          = 128
	maxSample          = 1024
	chiSquareThreshold = 500.0

	// DefaultMinForXpress is the default of JET_paramMinDataForXpress: shorter values are never given to XPRESS.
	DefaultMinForXpress = 1024
)

// SchemeOf is the scheme that compressed names, 0 for an empty value.
func SchemeOf(compressed []byte) Scheme {
	if len(compressed) == 0 {
		return 0
	}
	return Scheme(compressed[0] >> schemeShift)
}

// Options are what compression depends on beside the data.
type Options struct {
	// MinForXpress is JET_paramMinDataForXpress in bytes; 0 stands for DefaultMinForXpress.
	MinForXpress int
	// MaxSize, if not 0, refuses a result longer than it.
	MaxSize int
}

// Compressor holds the tables of the XPRESS encoder, to be kept by whoever compresses often. The zero value is
// ready. It must not be used by two goroutines at once.
type Compressor struct {
	xpress xpressEncoder
}

var compressors = sync.Pool{New: func() any { return new(Compressor) }}

// Compress is Compressor.Compress with a Compressor from a pool.
func Compress(dst, src []byte, opt Options) (out []byte, ok bool) {
	c := compressors.Get().(*Compressor)
	out, ok = c.Compress(dst, src, opt)
	compressors.Put(c)
	return out, ok
}

// Compress appends the compressed form of src to dst[:0] and returns it. It chooses as the original engine does
// (spec chapter 04, 11.2); ok is false, and out dst[:0], if src is not worth compressing: the value is then
// stored as it is. The result is always shorter than src. dst should have a capacity of len(src); less is
// grown. dst and src must not overlap.
func (c *Compressor) Compress(dst, src []byte, opt Options) (out []byte, ok bool) {
	dst = dst[:0]
	n := len(src)
	limit := n - 1
	if opt.MaxSize > 0 {
		limit = min(limit, opt.MaxSize)
	}
	minXpress := opt.MinForXpress
	if minXpress == 0 {
		minXpress = DefaultMinForXpress
	}
	if limit <= 0 || !Compressible(src) {
		return dst, false
	}
	if cap(dst) < limit {
		dst = make([]byte, 0, limit)
	}

	xpressed := 0
	if n >= minXpress && n <= maxSized {
		xpressed = c.xpress.encode(dst[:limit], src)
		if xpressed > 0 && xpressed <= unicodeSize(n) {
			return dst[:xpressed], true
		}
	}
	// XPRESS did better than 7-bit ASCII ever does, so after a success only Unicode is a rival.
	switch scheme := sevenBitScheme(src, xpressed > 0); {
	case scheme == SevenBitUnicode && unicodeSize(n) <= limit:
		return packUnicode(dst, src), true
	case scheme == SevenBitASCII && asciiSize(n) <= limit:
		return packASCII(dst, src), true
	}
	return dst[:xpressed], xpressed > 0
}

// Compressible is the test that keeps random-looking data from being compressed at all: a chi-square over the
// byte frequencies of the first 1024 bytes. Values below 128 bytes always pass.
func Compressible(src []byte) bool {
	if len(src) < minSample {
		return true
	}
	sample := src[:min(len(src), maxSample)]
	var freq [256]uint16
	for _, b := range sample {
		freq[b]++
	}
	expected := float64(len(sample)) / 256
	sum := 0.0
	for _, f := range freq {
		d := float64(f) - expected
		sum += d * d / expected
	}
	return sum >= chiSquareThreshold
}

// UncompressedSize is the length in bytes of the plain value, without decompressing it: 0 for a scrubbed value.
// JET_errDecompressionFailed for a malformed value or an unknown scheme.
func UncompressedSize(src []byte) (int, error) {
	switch SchemeOf(src) {
	case SevenBitASCII:
		return sevenBitCount(src)
	case SevenBitUnicode:
		n, err := sevenBitCount(src)
		return 2 * n, err
	case Xpress, LZ4:
		if len(src) < sizedHeader {
			return 0, jet.ErrDecompressionFailed
		}
		return int(src[1]) | int(src[2])<<8, nil
	case Scrub:
		return 0, nil
	}
	return 0, jet.ErrDecompressionFailed
}

// Decompress appends the plain value of src to dst[:0] and returns it; dst is grown if it has no room. A
// scrubbed value gives no bytes. Errors: JET_errDecompressionFailed.
func Decompress(dst, src []byte) ([]byte, error) {
	n, err := UncompressedSize(src)
	if err != nil {
		return dst[:0], err
	}
	if cap(dst) < n {
		dst = make([]byte, n)
	}
	dst = dst[:n]
	if err := decodePrefix(dst, src); err != nil {
		return dst[:0], err
	}
	return dst, nil
}

// DecompressAt fills dst with the plain bytes of src from offset on (JetRetrieveColumn with ibLongValue) and
// gives how many it filled and how long the whole plain value is. An offset at or beyond the end fills nothing.
// Errors: JET_errDecompressionFailed.
func DecompressAt(dst, src []byte, offset int) (filled, size int, err error) {
	size, err = UncompressedSize(src)
	if err != nil || offset < 0 || offset >= size || len(dst) == 0 {
		return 0, size, err
	}
	filled = min(len(dst), size-offset)
	dst = dst[:filled]
	switch scheme := SchemeOf(src); {
	case scheme == SevenBitASCII:
		unpackASCII(dst, src[1:], offset)
	case scheme == SevenBitUnicode:
		unpackUnicode(dst, src[1:], offset)
	case offset == 0:
		err = decodePrefix(dst, src)
	default:
		// LZ77 can only be decoded from its beginning.
		p := plainBuffers.Get().(*[]byte)
		if cap(*p) < offset+filled {
			*p = make([]byte, maxSized)
		}
		plain := (*p)[:offset+filled]
		if err = decodePrefix(plain, src); err == nil {
			copy(dst, plain[offset:])
		}
		plainBuffers.Put(p)
	}
	if err != nil {
		return 0, size, err
	}
	return filled, size, nil
}

var plainBuffers = sync.Pool{New: func() any { return new([]byte) }}

// decodePrefix fills dst with the first len(dst) plain bytes; the caller has checked that there are so many.
func decodePrefix(dst, src []byte) error {
	switch SchemeOf(src) {
	case SevenBitASCII:
		unpackASCII(dst, src[1:], 0)
		return nil
	case SevenBitUnicode:
		unpackUnicode(dst, src[1:], 0)
		return nil
	case Xpress:
		return decodeXpress(dst, src[sizedHeader:])
	case LZ4:
		return decodeLZ4(dst, src[sizedHeader:])
	case Scrub:
		return nil
	}
	return jet.ErrDecompressionFailed
}
