package logstore

import (
	"io"

	"esent/internal/jet"
)

// Entry is a record with its place in the log.
type Entry struct {
	// Pos is the record's position; that of its first piece when it lies in several segments, and that of the
	// bytes left empty when it was moved to the next segment for want of room.
	Pos jet.LogPos
	// End is the position behind its last byte.
	End jet.LogPos
	// Raw are its bytes. They stay valid and unchanged.
	Raw []byte
	// Rec is the decoded record; its slices alias Raw.
	Rec Record
}

// Reader gives the records of one log file in order, fillers (NOP, NOP2) left out.
type Reader struct {
	file *File
	isec uint16 // segment that buf holds
	buf  []byte
	at   int // next byte in buf
	// gap is where the record before left less than minFragment bytes empty, 0 if it did not.
	gap jet.LogPos
	// chunk is the rest of what was read ahead; buffers are never used again, so that records stay valid.
	chunk []byte
	// partial collects a record in pieces; start is its position and total its size.
	partial []byte
	total   int
	start   jet.LogPos
	// skipping: the first segment read begins in the middle of a record.
	skipping bool
	err      error
	// Segment, if set, is called with each segment's checksum and start time before its records, for a dump.
	Segment func(pos jet.LogPos, checksum uint64, started jet.LogTime)
}

// Records gives a reader from the first record at or behind pos; zero is the start of the file. Call Scan
// before: without it the reader stops at the first segment that is not good.
func (l *File) Records(pos jet.LogPos) *Reader {
	r := &Reader{file: l, skipping: true}
	isec, ib := max(1, pos.Isec()), int(pos.Ib())
	if pos.Gen() < l.Header.Gen {
		isec, ib = 1, 0
	} else if pos.Gen() > l.Header.Gen {
		r.err = io.EOF
		return r
	}
	r.isec = isec - 1
	if ib > segmentHeader {
		if r.err = r.nextSegment(); r.err == nil {
			r.advanceTo(ib)
		}
	}
	return r
}

// advanceTo goes to the record that begins at or behind byte ib of the current segment.
func (r *Reader) advanceTo(ib int) {
	for r.at < ib && r.at < SegmentSize && r.buf[r.at] != byte(RecNOP) {
		n, err := Size(r.buf[r.at:])
		if err != nil {
			r.err = r.corrupt("no record at the start position")
			return
		}
		r.at += n
	}
}

// Next gives the next record, or io.EOF behind the last. Damage gives JET_errLogFileCorrupt, an unknown record
// JET_errLogCorrupted, an obsolete one JET_errBadLogVersion; an error is final.
func (r *Reader) Next() (Entry, error) {
	for r.err == nil {
		e, ok, err := r.step()
		if err != nil {
			r.err = err
			break
		}
		if ok {
			return e, nil
		}
	}
	return Entry{}, r.err
}

func (r *Reader) corrupt(what string) error {
	return jet.ErrLogFileCorrupt.Errorf("%s: %s at %s", r.file.path, what, r.pos())
}

// nextSegment takes up the next segment.
func (r *Reader) nextSegment() error {
	next := r.isec + 1
	if next > r.file.last {
		return io.EOF // a record still in pieces is the torn tail of a crash
	}
	if len(r.chunk) == 0 {
		n := min(scanChunk, int(r.file.last-next)+1)
		r.chunk = make([]byte, n*SegmentSize)
		if err := r.file.f.ReadAt(r.chunk, int64(next)*SegmentSize); err != nil {
			return err
		}
	}
	b := r.chunk[:SegmentSize:SegmentSize]
	r.chunk = r.chunk[SegmentSize:]
	state := judge(b, r.file.Header.Gen, next)
	if state != segmentValid && next == r.file.repaired {
		if err := r.file.f.ReadAt(b, int64(next+1)*SegmentSize); err != nil {
			return err
		}
		if verify(b, next) && segmentPos(b) == jet.MakeLogPos(r.file.Header.Gen, next, 0) {
			state = segmentValid
		}
	}
	switch state {
	case segmentValid:
	case segmentZero, segmentStale, segmentShadow:
		return io.EOF
	default:
		return r.corrupt("damaged segment behind")
	}
	r.isec, r.buf, r.at = next, b, segmentHeader
	if r.Segment != nil {
		r.Segment(jet.MakeLogPos(r.file.Header.Gen, next, 0), le.Uint64(b), segmentStarted(b))
	}
	return nil
}

// step goes on by one item of a segment; ok says that it completed a record.
func (r *Reader) step() (e Entry, ok bool, err error) {
	if r.at >= SegmentSize || r.buf == nil || r.buf[r.at] == byte(RecNOP) {
		if room := SegmentSize - r.at; r.buf != nil && room > 0 && room < minFragment {
			r.gap = r.pos()
		}
		return e, false, r.nextSegment()
	}
	b := r.buf[r.at:]
	n, err := Size(b)
	if err != nil {
		if jet.CodeOf(err) == jet.ErrBadLogVersion || int(b[0]) >= recTypeCount {
			return e, false, err
		}
		return e, false, r.corrupt("record is cut off")
	}
	switch RecType(b[0]) {
	case RecFragmentBegin:
		return e, false, r.begin(b[:n], n)
	case RecFragment:
		return r.piece(b[:n], n)
	case RecNOP2:
		r.gap = 0
		r.at += n
		return e, false, nil
	}
	if err := r.dropTorn(RecType(b[0])); err != nil {
		return e, false, err
	}
	r.skipping = false
	e.Pos = r.place()
	r.at += n
	return r.finish(e, b[:n:n])
}

// pos is the position of the next byte.
func (r *Reader) pos() jet.LogPos { return recordPos(r.file.Header.Gen, r.isec, r.at) }

// place is the position of the record that begins with the next byte.
func (r *Reader) place() jet.LogPos {
	pos := r.pos()
	if r.gap != 0 && r.at == segmentHeader {
		pos = r.gap
	}
	r.gap = 0
	return pos
}

// dropTorn forgets a record in pieces that a crash cut off: what follows it is the undo of a recovery, at the
// start of its segment (spec chapter 05, 8).
func (r *Reader) dropTorn(next RecType) error {
	if r.partial == nil {
		return nil
	}
	if r.at == segmentHeader && (next == RecRecoveryUndo || next == RecRecoveryUndo2 || next == RecUndoInfo) {
		r.partial = nil
		return nil
	}
	return r.corrupt("record in pieces is not continued")
}

func (r *Reader) begin(b []byte, n int) error {
	piece := b[fragmentBeginSize:]
	if r.partial != nil {
		first := RecNOP
		if len(piece) > 0 {
			first = RecType(piece[0])
		}
		if err := r.dropTorn(first); err != nil {
			return err
		}
	}
	total := le.Uint32(b[1:])
	if uint64(len(piece)) >= uint64(total) || int64(total) > r.file.Header.FileSize() {
		return r.corrupt("first piece of a record has impossible sizes")
	}
	r.skipping = false
	r.total = int(total)
	r.partial = append(make([]byte, 0, total), piece...)
	r.start = r.place()
	r.at += n
	return nil
}

func (r *Reader) piece(b []byte, n int) (e Entry, ok bool, err error) {
	if r.partial == nil {
		if r.skipping {
			r.at += n
			return e, false, nil
		}
		return e, false, r.corrupt("piece of a record without its beginning")
	}
	if r.at != segmentHeader || len(r.partial)+n-fragmentSize > r.total {
		return e, false, r.corrupt("piece of a record does not fit")
	}
	r.partial = append(r.partial, b[fragmentSize:]...)
	r.at += n
	if len(r.partial) < r.total {
		return e, false, nil
	}
	raw := r.partial
	r.partial = nil
	if size, err := Size(raw); err != nil || size != len(raw) {
		return e, false, r.corrupt("record in pieces has another size")
	}
	e.Pos = r.start
	return r.finish(e, raw)
}

func (r *Reader) finish(e Entry, raw []byte) (Entry, bool, error) {
	rec, _, err := Decode(raw)
	if err != nil {
		return e, false, err
	}
	e.Raw, e.Rec, e.End = raw, rec, endPos(r.file.Header.Gen, r.isec, r.at)
	return e, true, nil
}
