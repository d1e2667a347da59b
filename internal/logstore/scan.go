package logstore

import (
	"errors"

	"esent/internal/jet"
	"esent/internal/vfs"
)

// ScanMode says what a scan may do with a damaged log and which codes it answers with (spec chapter 05, 11.1).
type ScanMode uint8

const (
	// ScanCurrent is for the log that was being written: a torn last write is taken away or repaired on disk.
	// Damage gives JET_errLogFileCorrupt.
	ScanCurrent ScanMode = iota
	// ScanArchive is for a finished log in soft recovery: a segment is repaired on disk from its copy.
	ScanArchive
	// ScanReadOnly is ScanArchive without writing: the copy is used in memory.
	ScanReadOnly
	// ScanRestoreSet is for the logs of a backup set: JET_errLogTornWriteDuringHardRestore and
	// JET_errLogCorruptDuringHardRestore.
	ScanRestoreSet
	// ScanHardRecovery is for further logs in hard recovery: JET_errLogTornWriteDuringHardRecovery and
	// JET_errLogCorruptDuringHardRecovery.
	ScanHardRecovery
)

// ScanResult tells where a log's content ends and what was found on the way.
type ScanResult struct {
	// Last is the last segment that counts, 0 when there is none.
	Last uint16
	// Checksum is the XOR of the checksums of all segments up to Last (spec chapter 05, 9.4).
	Checksum uint64
	// Clean says that the log ended cleanly; then End is the position of the record that says so.
	Clean bool
	End   jet.LogPos
	// Gap is where the last segment has a few bytes left empty, 0 if it has not: the position of the next record.
	Gap jet.LogPos
	// Repaired is a segment replaced by its copy, 0 for none.
	Repaired uint16
	// Torn is the first segment of a last write that a power cut has left incomplete, 0 for none.
	Torn uint16
	// DirtyTail says that what follows Last is not all zero: copies, or segments of an older generation.
	DirtyTail bool
}

const scanChunk = 64

// Scan finds the end of the log, and with ScanCurrent or ScanArchive repairs what a power cut has done to it
// (spec chapter 05, 11). On damage it gives the result up to the damage together with the error: records up to
// there can be read and replayed.
//
// A torn last write is known by two things: the segments that it should have filled are zero, in part or
// wholly, and whatever of them is complete carries one time, that of the write. The writer of this package
// fills its files with zeros beforehand, never writes a segment twice, and gives a write one time. Such a tail
// was never acknowledged; it is cleared, so that the log can go on there.
func (l *File) Scan(mode ScanMode) (ScanResult, error) {
	var res ScanResult
	s := &scanner{File: l, res: &res, mode: mode}
	err := s.run()
	l.last, l.repaired = res.Last, res.Repaired
	return res, err
}

type scanner struct {
	*File
	res  *ScanResult
	mode ScanMode
	// buf holds the segments from isec from on.
	buf   []byte
	from  uint16
	count int
	// lastValid is a copy of segment res.Last.
	lastValid []byte
}

// load gives the bytes of a segment, reading a chunk ahead.
func (s *scanner) load(isec uint16) ([]byte, error) {
	if s.buf == nil {
		s.buf = make([]byte, scanChunk*SegmentSize)
	}
	if s.count == 0 || isec < s.from || int(isec) >= int(s.from)+s.count {
		n := min(scanChunk, int(s.Header.Segments)-int(isec))
		if err := s.f.ReadAt(s.buf[:n*SegmentSize], int64(isec)*SegmentSize); err != nil {
			s.count = 0
			return nil, err
		}
		s.from, s.count = isec, n
	}
	return s.buf[int(isec-s.from)*SegmentSize:][:SegmentSize], nil
}

// segment gives a segment and its state. One that cannot be read is bad, with the error: whether its content is what a
// power cut leaves is not known.
func (s *scanner) segment(isec uint16) (b []byte, state segmentState, err error) {
	b, err = s.load(isec)
	if err != nil {
		b = make([]byte, SegmentSize)
		err = s.f.ReadAt(b, int64(isec)*SegmentSize)
	}
	if err != nil {
		clear(b)
		return b, segmentBad, err
	}
	return b, judge(b, s.Header.Gen, isec), nil
}

func (s *scanner) run() error {
	last := s.Header.Segments - 2
	for isec := uint16(1); isec <= last; isec++ {
		b, state, unread := s.segment(isec)
		switch state {
		case segmentValid:
			s.accept(b, isec)
			continue
		case segmentBad:
			repaired, err := s.repair(isec)
			if err != nil {
				return err
			}
			if repaired {
				continue
			}
		}
		if unread != nil {
			return unread
		}
		s.finish()
		return s.tail(isec)
	}
	s.finish()
	return nil
}

func (s *scanner) accept(b []byte, isec uint16) {
	s.res.Last = isec
	s.res.Checksum ^= le.Uint64(b)
	s.lastValid = append(s.lastValid[:0], b...)
}

// repair takes the copy of a bad segment that lies behind it, if there is one.
func (s *scanner) repair(isec uint16) (bool, error) {
	b := make([]byte, SegmentSize)
	if err := s.f.ReadAt(b, int64(isec+1)*SegmentSize); err != nil {
		return false, err
	}
	if !verify(b, isec) || segmentPos(b) != jet.MakeLogPos(s.Header.Gen, isec, 0) {
		return false, nil
	}
	switch s.mode {
	case ScanRestoreSet:
		return false, jet.ErrLogTornWriteDuringHardRestore.Errorf("%s: segment %d", s.path, isec)
	case ScanHardRecovery:
		return false, jet.ErrLogTornWriteDuringHardRecovery.Errorf("%s: segment %d", s.path, isec)
	case ScanCurrent, ScanArchive:
		if err := s.write(isec, b); err != nil {
			return false, err
		}
		s.count = 0
	}
	s.res.Repaired = isec
	s.accept(b, isec)
	return true, nil
}

// write puts segments in place durably.
func (s *scanner) write(isec uint16, b []byte) (err error) {
	f, err := s.fs.Open(s.path, vfs.ReadWrite)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := f.WriteAt(b, int64(isec)*SegmentSize); err != nil {
		return err
	}
	return f.Sync()
}

// tail judges everything from the first segment that does not count, which must be empty or a torn write.
func (s *scanner) tail(first uint16) error {
	var (
		torn    = true // as long as all is as a torn write of this package leaves it
		timed   bool   // the time of the write is known, from a segment of which at least the head is there
		time    jet.LogTime
		debris  uint16 // the last segment with something of a torn write
		faultAt uint16
		fault   string
	)
	report := func(isec uint16, what string) {
		if fault == "" {
			faultAt, fault = isec, what
		}
	}
	sameWrite := func(b []byte) bool {
		if timed && segmentStarted(b) != time {
			return false
		}
		timed, time = true, segmentStarted(b)
		return true
	}
	for isec := first; isec < s.Header.Segments; isec++ {
		b, state, err := s.segment(isec)
		if err != nil {
			return err
		}
		if isec == s.Header.Segments-1 && state != segmentZero {
			s.res.DirtyTail = true // never data: what lies here does not matter
			break
		}
		switch state {
		case segmentZero:
			continue
		case segmentStale, segmentShadow:
			s.res.DirtyTail = true
			continue
		case segmentFuture:
			torn = false
			report(isec, "a segment of a later position")
		case segmentBad:
			report(isec, "a damaged segment")
			torn = torn && isTorn(b, s.Header.Gen, isec) &&
				(segmentPos(b) != jet.MakeLogPos(s.Header.Gen, isec, 0) || sameWrite(b))
		case segmentValid:
			report(isec, "a good segment behind an empty one")
			torn = sameWrite(b) && torn
		}
		debris = isec
	}
	if fault == "" {
		return nil
	}
	if s.mode == ScanCurrent && torn {
		s.res.Torn = first
		return s.write(first, make([]byte, int(debris-first+1)*SegmentSize))
	}
	code := jet.ErrLogFileCorrupt
	switch s.mode {
	case ScanRestoreSet:
		code = jet.ErrLogCorruptDuringHardRestore
	case ScanHardRecovery:
		code = jet.ErrLogCorruptDuringHardRecovery
	}
	return code.Errorf("%s: segment %d is %s", s.path, faultAt, fault)
}

// finish finds out from the last segment how the log ended.
func (s *scanner) finish() {
	if s.res.Last == 0 {
		return
	}
	b, at := s.lastValid, segmentHeader
	for at < SegmentSize && b[at] != byte(RecNOP) {
		n, err := Size(b[at:])
		if err != nil {
			s.res.Clean, s.res.End = false, 0
			return
		}
		switch RecType(b[at]) {
		case RecTerm, RecTerm2, RecRecoveryQuit, RecRecoveryQuit2, RecRecoveryQuitKeepAttachments:
			s.res.Clean, s.res.End = true, recordPos(s.Header.Gen, s.res.Last, at)
		case RecNOP2:
		default:
			s.res.Clean, s.res.End = false, 0
		}
		at += n
	}
	if room := SegmentSize - at; room > 0 && room < minFragment {
		s.res.Gap = recordPos(s.Header.Gen, s.res.Last, at)
	}
}

// recordPos is the position of a record at byte at of a segment: the first in its segment has byte 0.
func recordPos(gen int32, isec uint16, at int) jet.LogPos {
	if at == segmentHeader {
		at = 0
	}
	return jet.MakeLogPos(gen, isec, uint16(at))
}

// endPos is the position behind a record that ends before byte at.
func endPos(gen int32, isec uint16, at int) jet.LogPos {
	if at == SegmentSize {
		return jet.MakeLogPos(gen, isec+1, 0)
	}
	return jet.MakeLogPos(gen, isec, uint16(at))
}
