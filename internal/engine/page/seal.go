package page

import (
	"esent/internal/checksum"
	"esent/internal/jet"
)

// largeBlocks is the number of blocks with a checksum of their own on a large page; small pages are one block.
const largeBlocks = 4

func (p Page) blocks() (count, size int) {
	if p.Large() {
		return largeBlocks, len(p) / largeBlocks
	}
	return 1, len(p)
}

// checksumOffset is where the checksum of block b is stored.
func checksumOffset(b int) int {
	if b == 0 {
		return offChecksum
	}
	return offBlockChecksums + 8*(b-1)
}

func (p Page) storedChecksum(b int) uint64 { return le.Uint64(p[checksumOffset(b):]) }

func (p Page) computeChecksum(b, size int, pgno jet.Pgno) uint64 {
	return checksum.ECC(p[b*size:(b+1)*size], uint32(pgno), b == 0)
}

// Seal makes the image ready to be written as page pgno: checksum format, flush type and checksums
// (spec chapter 02, 8.2 and 9.3).
func (p Page) Seal(pgno jet.Pgno, flushType uint8) {
	p.SetFlags(p.Flags()&^FlushTypeMask | FlagNewChecksum | Flags(flushType)<<FlushTypeShift&FlushTypeMask)
	count, size := p.blocks()
	// Block 0 covers the checksums of the others.
	for b := count - 1; b >= 0; b-- {
		le.PutUint64(p[checksumOffset(b):], p.computeChecksum(b, size, pgno))
	}
}

// NextFlushType is the type of the write after one of type t (spec chapter 02, 10.2).
func NextFlushType(t uint8) uint8 { return t%3 + 1 }

// Correction is one wrong bit of a page: Bit is its number (8*byte + bit) within block Block.
type Correction struct{ Block, Bit int }

// VerifyResult tells more of a verification than its error.
type VerifyResult struct {
	// Corrections are the wrong bits found, the first Corrected of the array. With a nil error they were put
	// right in the image; with ErrReadVerifyFailure they were not, or it did not help.
	Corrections [largeBlocks]Correction
	Corrected   int
	// FixFailed says that the checksum came right but the page then failed its structural check.
	FixFailed bool
	// OldFormat says that the page has the checksum of formats before 0x620,0x0B.
	OldFormat bool
}

// Verify checks a page image that was read as page pgno: blank pages give ErrPageNotInitialized, wrong
// checksums ErrReadVerifyFailure, and the wrong number on a large page ErrReadPgnoVerifyFailure. With correct,
// one wrong bit in each block is put right in the image (spec chapter 02, 8.5 and 9.1, steps 1 to 3).
// The structural check is Check.
func (p Page) Verify(pgno jet.Pgno, correct bool) (res VerifyResult, err error) {
	if p.u32(offFlags)|p.u32(offObjID) == 0 && p.Blank() {
		return res, jet.ErrPageNotInitialized
	}
	if p.Flags()&FlagNewChecksum == 0 {
		res.OldFormat = true
		if p.Large() || p.u32(offChecksum) != checksum.XOR(p) {
			return res, jet.ErrReadVerifyFailure
		}
		if p.u32(4) != uint32(pgno) {
			return res, jet.ErrReadVerifyFailure
		}
		return res, nil
	}
	if !p.checkBlocks(pgno, &res) {
		return res, jet.ErrReadVerifyFailure
	}
	if res.Corrected > 0 {
		if !correct {
			return res, jet.ErrReadVerifyFailure
		}
		if err := p.applyCorrections(pgno, &res); err != nil {
			return res, err
		}
	}
	if p.Large() && p.Pgno() != pgno {
		return res, jet.ErrReadPgnoVerifyFailure
	}
	return res, nil
}

// checkBlocks compares all checksums and collects the bits to correct; false says that a block is beyond that.
func (p Page) checkBlocks(pgno jet.Pgno, res *VerifyResult) bool {
	count, size := p.blocks()
	var stored [largeBlocks]uint64
	for b := range count {
		stored[b] = p.storedChecksum(b)
	}
	for b := range count {
		computed := p.computeChecksum(b, size, pgno)
		if computed == stored[b] {
			continue
		}
		bit, ok := checksum.Correct(p[b*size:(b+1)*size], stored[b], computed, b == 0)
		if !ok {
			return false
		}
		res.Corrections[res.Corrected] = Correction{b, bit}
		res.Corrected++
		// A wrong bit in the stored checksum of another block must not be taken for a fault of that block.
		if first := 8 * offBlockChecksums; count > 1 && b == 0 && bit >= first && bit < 8*offPgno {
			stored[1+(bit-first)/64] ^= 1 << ((bit - first) % 64)
		}
	}
	return true
}

func (p Page) applyCorrections(pgno jet.Pgno, res *VerifyResult) error {
	count, size := p.blocks()
	for _, c := range res.Corrections[:res.Corrected] {
		checksum.Flip(p[c.Block*size:(c.Block+1)*size], c.Bit)
	}
	for b := range count {
		if p.computeChecksum(b, size, pgno) != p.storedChecksum(b) {
			return jet.ErrReadVerifyFailure
		}
	}
	if err := p.Check(pgno); err != nil {
		res.FixFailed = true
		return jet.ErrReadVerifyFailure.Errorf("page %d is unsound after correction: %v", pgno, err)
	}
	return nil
}
