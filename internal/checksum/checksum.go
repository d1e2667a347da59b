// Package checksum computes the two sums that guard every block of an ESE file: the legacy XOR of file
// headers and old pages, and the XOR with error correction of pages and log segments (spec chapter 02, 8).
// It knows nothing of where a sum is stored. Nothing here allocates.
package checksum

import (
	"encoding/binary"
	"math/bits"
)

// Seed starts the legacy sum.
const Seed uint32 = 0x89ABCDEF

// stride is the number of bytes one turn of the unrolled loops takes.
const stride = 64

// XOR is the legacy sum of p: Seed and every 32-bit word but word 0, which holds the stored sum.
// len(p) is a multiple of 4; a shorter rest does not count (spec chapter 02, 8.1).
func XOR(p []byte) uint32 {
	if len(p) < 4 {
		return Seed
	}
	sum := Seed ^ binary.LittleEndian.Uint32(p)
	var x, y uint64
	for len(p) >= stride {
		w := p[:stride:stride]
		x ^= binary.LittleEndian.Uint64(w[0:]) ^ binary.LittleEndian.Uint64(w[8:]) ^
			binary.LittleEndian.Uint64(w[16:]) ^ binary.LittleEndian.Uint64(w[24:])
		y ^= binary.LittleEndian.Uint64(w[32:]) ^ binary.LittleEndian.Uint64(w[40:]) ^
			binary.LittleEndian.Uint64(w[48:]) ^ binary.LittleEndian.Uint64(w[56:])
		p = p[stride:]
	}
	x ^= y
	sum ^= uint32(x) ^ uint32(x>>32)
	for len(p) >= 4 {
		sum ^= binary.LittleEndian.Uint32(p)
		p = p[4:]
	}
	return sum
}

// ECC is the sum with error correction of one block of 2048, 4096 or 8192 bytes that belongs to page pgno
// (a log segment's number takes the place of pgno). With first, the block is the first of its page and its
// first 8 bytes, where the sum is stored, count as zero (spec chapter 02, 8.2).
//
// The high half of the sum is the XOR of the indexes of all set bits and the same over the inverted indexes;
// the low half the XOR of all words and pgno.
func ECC(block []byte, pgno uint32, first bool) uint64 {
	// The index of a bit is: turn of the loop, number of the 64-bit word in the turn (3 bits), half of that
	// word, bit in the half. x gathers everything; a0..a2 gather the words whose number has bit 0..2 set;
	// turns gathers the numbers of the turns with odd parity.
	var x, a0, a1, a2, turns uint64
	var cancel uint64
	if first && len(block) >= stride {
		cancel = binary.LittleEndian.Uint64(block)
	}
	p := block
	for turn := uint64(0); len(p) >= stride; turn++ {
		w := p[:stride:stride]
		w1 := binary.LittleEndian.Uint64(w[8:])
		w3 := binary.LittleEndian.Uint64(w[24:])
		w5 := binary.LittleEndian.Uint64(w[40:])
		w7 := binary.LittleEndian.Uint64(w[56:])
		s01 := binary.LittleEndian.Uint64(w[0:]) ^ w1
		s23 := binary.LittleEndian.Uint64(w[16:]) ^ w3
		s45 := binary.LittleEndian.Uint64(w[32:]) ^ w5
		s67 := binary.LittleEndian.Uint64(w[48:]) ^ w7
		a0 ^= w1 ^ w3 ^ w5 ^ w7
		a1 ^= s23 ^ s67
		high := s45 ^ s67
		a2 ^= high
		all := s01 ^ s23 ^ high
		x ^= all
		turns ^= turn & -uint64(bits.OnesCount64(all)&1)
		p = p[stride:]
	}
	// Word 0 has index 0 in turn 0, so nothing but x knows of it.
	x ^= cancel

	odd := turns<<4 | parity(a2)<<3 | parity(a1)<<2 | parity(a0)<<1 | parity(x>>32)
	word := uint32(x) ^ uint32(x>>32)
	lo := uint32(odd<<5) | bitIndexes(word)
	hi := lo
	if bits.OnesCount32(word)&1 != 0 {
		hi = ^lo & indexMask(len(block))
	}
	return uint64(hi)<<48 | uint64(lo)<<32 | uint64(word^pgno)
}

// newFormatBit is the index of the page flag that says "this page has the ECC sum": a block whose only fault
// is said to be there was checked in the wrong form.
const newFormatBit = 37*8 + 5

// Correct finds the one wrong bit of a block whose stored and computed sums differ (spec chapter 02, 8.5).
// It gives the bit's index within the block (8*byte + bit in the byte) and false when the damage is beyond
// repair. It does not change the block: Flip does, once all blocks of the page are known to be correctable.
func Correct(block []byte, stored, computed uint64, first bool) (bit int, ok bool) {
	d := uint32(stored>>32) ^ uint32(computed>>32)
	mask := indexMask(len(block))
	if (d>>16^d)&mask != mask || bits.OnesCount32(uint32(stored)^uint32(computed)) != 1 {
		return 0, false
	}
	bit = int(d & 0xFFFF)
	if bit >= 8*len(block) || first && (bit == newFormatBit || bit < 64) {
		return 0, false
	}
	return bit, true
}

// Flip inverts the bit with index bit of block.
func Flip(block []byte, bit int) { block[bit/8] ^= 1 << (bit % 8) }

func indexMask(size int) uint32 { return uint32(8*size-1) & 0xFFFF }

func parity(x uint64) uint64 { return uint64(bits.OnesCount64(x) & 1) }

// bitIndexes is the XOR of the indexes of the set bits of x.
func bitIndexes(x uint32) uint32 {
	return uint32(bits.OnesCount32(x&0xAAAAAAAA)&1 |
		bits.OnesCount32(x&0xCCCCCCCC)&1<<1 |
		bits.OnesCount32(x&0xF0F0F0F0)&1<<2 |
		bits.OnesCount32(x&0xFF00FF00)&1<<3 |
		bits.OnesCount32(x&0xFFFF0000)&1<<4)
}
