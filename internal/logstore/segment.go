package logstore

import (
	"bytes"

	"esent/internal/checksum"
	"esent/internal/jet"
)

const (
	// SegmentSize is the unit of a log file, whatever the disk's sectors and the databases' pages are.
	SegmentSize = 4096

	segmentHeader  = 40
	segmentPayload = SegmentSize - segmentHeader
	// minSegments: header, one segment of records, and the last, which only ever holds a shadow.
	minSegments = 3
	// minFragment is the room from which on a record is broken up instead of moved to the next segment.
	minFragment = 32
)

const segmentNewChecksum = 0x2000

// startSegment makes b, one segment, empty with its header (LGSEGHDR, spec chapter 05, 7).
func startSegment(b []byte, gen int32, isec uint16) {
	b = b[:SegmentSize]
	clear(b)
	le.PutUint64(b[8:], uint64(jet.MakeLogPos(gen, isec, 0)))
	le.PutUint32(b[36:], segmentNewChecksum)
}

// sealSegment completes a segment at isec with its time and checksum, and gives the checksum.
func sealSegment(b []byte, isec uint16, started jet.LogTime) uint64 {
	copy(b[16:24], started[:])
	sum := checksum.ECC(b[:SegmentSize], uint32(isec), true)
	le.PutUint64(b, sum)
	return sum
}

// segmentState is what a place in a log file holds (spec chapter 05, 7 and 11.1).
type segmentState uint8

const (
	segmentValid  segmentState = iota
	segmentZero                // zeros
	segmentStale               // a segment of an older generation, in a file used again
	segmentShadow              // the copy of the segment before
	segmentFuture              // a good segment of a later position: never right
	segmentBad
)

// judge finds the state of segment b, read from isec of a generation. A single wrong bit is put right in b.
func judge(b []byte, gen int32, isec uint16) segmentState {
	b = b[:SegmentSize]
	if isZero(b) { // most of a log that is not full
		return segmentZero
	}
	if verify(b, isec) {
		want := jet.MakeLogPos(gen, isec, 0)
		switch got := segmentPos(b); {
		case got == want:
			return segmentValid
		case got < want:
			return segmentStale
		default:
			return segmentFuture
		}
	}
	if isec > 1 && verify(b, isec-1) {
		return segmentShadow
	}
	return segmentBad
}

// verify says whether b has the right checksum for isec, after putting right a single wrong bit.
func verify(b []byte, isec uint16) bool {
	stored, computed := le.Uint64(b), checksum.ECC(b[:SegmentSize], uint32(isec), true)
	if stored == computed {
		return true
	}
	bit, ok := checksum.Correct(b[:SegmentSize], stored, computed, true)
	if !ok {
		return false
	}
	checksum.Flip(b, bit)
	if checksum.ECC(b[:SegmentSize], uint32(isec), true) == stored {
		return true
	}
	checksum.Flip(b, bit)
	return false
}

func segmentPos(b []byte) jet.LogPos { return jet.LogPos(le.Uint64(b[8:])) }

func segmentStarted(b []byte) (t jet.LogTime) {
	copy(t[:], b[16:24])
	return t
}

// isZero says whether b, a segment at most, is all zeros.
func isZero(b []byte) bool { return bytes.Equal(b, zeros[:len(b)]) }

// diskSector is the unit that survives a power cut whole or not at all on any disk.
const diskSector = 512

// isTorn says that a bad segment b of a zero-filled file may be the work of a power cut during its first and
// only write: some sectors are as they were before, zero. (Or during the clearing of what an older generation
// left there.) Damage of another kind leaves no sector empty that should hold something: then the records can
// be followed up to the filler, and all sectors there are filled.
func isTorn(b []byte, gen int32, isec uint16) bool {
	b = b[:SegmentSize]
	if segmentPos(b) > jet.MakeLogPos(gen, isec, 0) {
		return false
	}
	empty := func(upTo int) bool {
		for at := 0; at < upTo; at += diskSector {
			if isZero(b[at : at+diskSector]) {
				return true
			}
		}
		return false
	}
	at := segmentHeader
	for at < SegmentSize && b[at] != byte(RecNOP) {
		n, err := Size(b[at:])
		if err != nil {
			break
		}
		if RecType(b[at]) == RecNOP2 && at+n == SegmentSize {
			return empty(at + 5)
		}
		at += n
	}
	return empty(SegmentSize)
}
