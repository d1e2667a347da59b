package compress

import "esent/internal/jet"

const (
	lz4MinMatch  = 4
	lz4InToken   = 15 // this value in a token's nibble says that bytes to be added follow
	lz4TokenHigh = 4
)

// decodeLZ4 fills dst with the first plain bytes of an LZ4 block.
func decodeLZ4(dst, block []byte) error {
	in, out := 0, 0
	for out < len(dst) {
		if in >= len(block) {
			return jet.ErrDecompressionFailed
		}
		token := block[in]
		in++
		literals, next, ok := lz4Length(int(token>>lz4TokenHigh), block, in)
		if !ok || literals > len(block)-next {
			return jet.ErrDecompressionFailed
		}
		out += copy(dst[out:], block[next:next+literals])
		in = next + literals
		if out == len(dst) {
			return nil
		}
		if in+2 > len(block) {
			return jet.ErrDecompressionFailed
		}
		dist := int(block[in]) | int(block[in+1])<<8
		length, next, ok := lz4Length(int(token&lz4InToken), block, in+2)
		if !ok || dist == 0 || dist > out {
			return jet.ErrDecompressionFailed
		}
		in = next
		out = copyMatch(dst, out, dist, length+lz4MinMatch)
	}
	return nil
}

// lz4Length completes a length whose nibble is given; ok is false if the block ends or the length is beyond any
// that a 64 KiB value has.
func lz4Length(length int, block []byte, in int) (n, next int, ok bool) {
	if length < lz4InToken {
		return length, in, true
	}
	for in < len(block) && length <= maxSized {
		b := block[in]
		in++
		length += int(b)
		if b != 0xFF {
			return length, in, true
		}
	}
	return 0, 0, false
}
