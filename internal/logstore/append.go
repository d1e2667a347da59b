package logstore

import (
	"sync/atomic"

	"esent/internal/jet"
)

// Append puts an encoded record at the end of the log, in memory, and gives its position and the position
// behind it, which Flush takes. rec is copied. JET_errCheckpointDepthTooDeep and JET_errLogDiskFull for
// records that do not finish something; JET_errLogBufferTooSmall for one larger than a file or the buffers;
// JET_errLogSequenceEnd; and for good JET_errLogWriteFail after a failed write (spec chapter 05, 9).
func (l *Log) Append(rec []byte) (pos, end jet.LogPos, err error) {
	l.mu.Lock()
	if err = l.admit(RecType(rec[0])); err == nil && l.fill+len(rec) >= SegmentSize {
		return l.appendAfter(rec)
	}
	if err == nil {
		pos, end = l.put(rec)
	}
	l.mu.Unlock()
	return pos, end, err
}

// AppendNoted is Append that tells note the record's position before any other record can follow it. note must not call
// the log.
func (l *Log) AppendNoted(rec []byte, note func(pos jet.LogPos)) (pos, end jet.LogPos, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err = l.admit(RecType(rec[0])); err == nil {
		err = l.makeRoom(len(rec), nil)
	}
	if err != nil {
		return 0, 0, err
	}
	pos, end = l.put(rec)
	note(pos)
	return pos, end, nil
}

// appendAfter is the rest of Append for a record that there may be no room for; it unlocks mu.
func (l *Log) appendAfter(rec []byte) (pos, end jet.LogPos, err error) {
	defer l.mu.Unlock()
	if err = l.makeRoom(len(rec), nil); err == nil {
		pos, end = l.put(rec)
	}
	return pos, end, err
}

// AppendTogether appends records that must be in one file. It gives the position of the first and the
// position behind the last.
func (l *Log) AppendTogether(recs ...[]byte) (pos, end jet.LogPos, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.admit(RecType(recs[0][0])); err != nil {
		return 0, 0, err
	}
	if err := l.makeRoom(len(recs[0]), recs[1:]); err != nil {
		return 0, 0, err
	}
	pos, end = l.put(recs[0])
	for _, rec := range recs[1:] {
		_, end = l.put(rec)
	}
	return pos, end, nil
}

// AppendEach appends the records of recs one behind the other, under one lock. ends tells where in recs each of them
// ends. n is how many were appended: all, or those before the one that err is about. It gives the position of the first
// and the position behind the last that was appended. Unlike those of AppendTogether they may go to several files.
func (l *Log) AppendEach(recs []byte, ends []int) (pos, end jet.LogPos, n int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	from := 0
	for i, to := range ends {
		rec := recs[from:to]
		if err = l.admit(RecType(rec[0])); err == nil && l.fill+len(rec) >= SegmentSize {
			err = l.makeRoom(len(rec), nil)
		}
		if err != nil {
			return pos, end, i, err
		}
		at, behind := l.put(rec)
		if i == 0 {
			pos = at
		}
		end, from = behind, to
	}
	return pos, end, len(ends), nil
}

// AppendCommit appends the Commit0 of a session. The commit time is next after adding 4, taken under the
// buffer's lock, so that the order of commits in the log is that of their times. trailing, if not empty, is a
// record that must follow in the same file (CommitCtx).
func (l *Log) AppendCommit(proc jet.ProcID, next *atomic.Uint32, trailing []byte) (trx jet.Trx, pos, end jet.LogPos, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err = l.admit(RecCommit0); err != nil {
		return 0, 0, 0, err
	}
	if len(trailing) > 0 {
		err = l.makeRoom(Commit0Size, [][]byte{trailing})
	} else if l.fill+Commit0Size >= SegmentSize {
		err = l.makeRoom(Commit0Size, nil)
	}
	if err != nil {
		return 0, 0, 0, err
	}
	rec := Commit0{Proc: proc, Trx: jet.Trx(next.Add(4))}
	var b [Commit0Size]byte
	pos, end = l.put(rec.Append(b[:0]))
	if len(trailing) > 0 {
		_, end = l.put(trailing)
	}
	return rec.Trx, pos, end, nil
}

// AppendInNewGeneration begins a new generation with rec as its first record and returns when it has become
// the current one.
func (l *Log) AppendInNewGeneration(rec []byte) (pos, end jet.LogPos, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err = l.admit(RecType(rec[0])); err != nil {
		return 0, 0, err
	}
	if l.isec > 0 { // else nothing is in this generation yet
		if err = l.nextGeneration(); err != nil {
			return 0, 0, err
		}
	}
	if err = l.makeRoom(len(rec), nil); err != nil {
		return 0, 0, err
	}
	pos, end = l.put(rec)
	return pos, end, l.flush(end)
}

// Roll begins a new generation with a ForceLogRollover record that says why, and gives the generation.
func (l *Log) Roll(proc jet.ProcID, reason string) (gen int32, err error) {
	rec := Trace{Proc: proc, Rollover: true, Text: append([]byte(reason), 0)}
	pos, _, err := l.AppendInNewGeneration(rec.Append(nil))
	return pos.Gen(), err
}

// finishing are the records that end what has begun: they have room beyond the limits (spec chapter 05, 9.5).
var finishing = func() (set [256]bool) {
	for _, t := range []RecType{RecCommit, RecCommit0, RecRollback, RecUndo, RecUndoInfo, RecShutDownMark, RecTerm2, RecTrace, RecNOP,
		RecRecoveryUndo2, RecRecoveryQuit2, RecRecoveryQuitKeepAttachments, RecMacroAbort, RecDetachDB, RecForceLogRollover, RecInit2} {
		set[t] = true
	}
	return set
}()

// admit says whether a record of type t may be appended now.
func (l *Log) admit(t RecType) error {
	if l.err != nil {
		return l.err
	}
	if l.gen <= l.softLimit && !l.lowDisk.Load() {
		return nil
	}
	if l.lowDisk.Load() {
		l.retryFiles()
	}
	switch {
	case t == RecInit2:
		return nil
	case finishing[t]:
		if l.gen <= l.hardLimit {
			return nil
		}
	case l.gen <= l.softLimit:
		return jet.ErrLogDiskFull.Errorf("a reserved log is in use")
	}
	return jet.ErrCheckpointDepthTooDeep.Errorf("generation %d with the checkpoint in %d", l.gen, l.Checkpoint().Gen())
}

// fit finds where a record of n bytes ends that is packed behind byte fill of segment isec, and whether that
// leaves at least a byte of the file's last segment (spec chapter 05, 8).
func (l *Log) fit(isec, fill, n int) (endIsec, endFill int, ok bool) {
	room := SegmentSize - fill
	if n > room && room < minFragment {
		isec, fill, room = isec+1, segmentHeader, segmentPayload
	}
	if n <= room {
		fill += n
	} else {
		const piece = segmentPayload - fragmentSize
		rest := n - (room - fragmentBeginSize)
		more := (rest + piece - 1) / piece
		isec, fill = isec+more, segmentHeader+fragmentSize+rest-(more-1)*piece
	}
	last := int(l.lastSegment())
	return isec, fill, isec < last || isec == last && fill < SegmentSize
}

// fitAll is fit for a record of n bytes and more records behind it.
func (l *Log) fitAll(isec, fill, n int, more [][]byte) (endIsec int, ok bool) {
	isec, fill, ok = l.fit(isec, fill, n)
	for _, rec := range more {
		if ok {
			isec, fill, ok = l.fit(isec, fill, len(rec))
		}
	}
	return isec, ok
}

// makeRoom sees to it that a record of n bytes, and more records behind it, can be put without waiting and in
// one file. It may begin a generation, and wait for a write to free buffers.
func (l *Log) makeRoom(n int, more [][]byte) error {
	for {
		endIsec, ok := l.fitAll(int(l.isec), l.fill, n, more)
		if !ok {
			endIsec, ok = l.fitAll(0, SegmentSize, n, more)
			if !ok || endIsec > len(l.places) {
				return jet.ErrLogBufferTooSmall.Errorf("record of %d bytes", n)
			}
			if err := l.nextGeneration(); err != nil {
				return err
			}
			continue
		}
		need := uint64(endIsec) - uint64(l.isec)
		if need > uint64(len(l.places)) {
			return jet.ErrLogBufferTooSmall.Errorf("record of %d bytes", n)
		}
		if l.cur+need < l.reusable+uint64(len(l.places)) {
			return nil
		}
		if l.err != nil {
			return l.err
		}
		l.awaitWrite()
	}
}

// nextGeneration makes the next record the first of a new generation. The file follows when it is written.
func (l *Log) nextGeneration() error {
	if l.gen >= MaxGeneration {
		return jet.ErrLogSequenceEnd.Errorf("generation %d", l.gen)
	}
	l.gen, l.isec, l.fill, l.gap = l.gen+1, 0, SegmentSize, 0
	return nil
}

// put packs a record for which makeRoom has made room.
func (l *Log) put(rec []byte) (pos, end jet.LogPos) {
	room := SegmentSize - l.fill
	pos = recordPos(l.gen, l.isec, l.fill)
	if room == 0 {
		pos = jet.MakeLogPos(l.gen, l.isec+1, 0)
		if l.gap != 0 {
			pos = l.gap
		}
	}
	if len(rec) > room && room < minFragment {
		l.nextSegment()
		room = segmentPayload
	}
	if len(rec) <= room {
		copy(l.seg[l.fill:], rec)
		l.fill += len(rec)
	} else {
		b := l.seg[l.fill:]
		b[0] = byte(RecFragmentBegin)
		le.PutUint32(b[1:], uint32(len(rec)))
		n := copy(b[fragmentBeginSize:], rec)
		le.PutUint16(b[5:], uint16(n))
		for rec = rec[n:]; len(rec) > 0; rec = rec[n:] {
			l.nextSegment()
			b = l.seg[l.fill:]
			b[0] = byte(RecFragment)
			n = copy(b[fragmentSize:], rec)
			le.PutUint16(b[1:], uint16(n))
			l.fill += fragmentSize + n
		}
	}
	l.end = endPos(l.gen, l.isec, l.fill)
	return pos, l.end
}

// nextSegment begins the next segment of the generation in a free slot. When half the slots are in use it
// asks for a flush.
func (l *Log) nextSegment() {
	l.cur++
	l.isec++
	slot := int(l.cur % uint64(len(l.places)))
	l.places[slot] = place{l.gen, l.isec}
	l.seg = l.buf[slot*SegmentSize : (slot+1)*SegmentSize]
	startSegment(l.seg, l.gen, l.isec)
	l.fill, l.gap = segmentHeader, 0
	if l.cur-l.reusable >= uint64(len(l.places)/2) && !l.writing {
		l.flushTask.Kick()
	}
	if l.isec == l.prepareAt {
		l.prepareAt = 0
		l.filesTask.Kick()
	}
}
