package logstore

import (
	"runtime"

	"esent/internal/jet"
)

// Flush returns when everything before end is durable, or cannot become so any more. end is what an append
// gave; a position behind the last record means the last record.
func (l *Log) Flush(end jet.LogPos) error {
	if l.DurablePos() >= end {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.flush(end)
}

// FlushAll makes everything durable that is appended when it is called.
func (l *Log) FlushAll() error { return l.Flush(jet.LogPosMax) }

// FlushSoon asks for everything appended to be made durable, and does not wait for it.
func (l *Log) FlushSoon() { l.flushTask.Kick() }

// flush is Flush with mu held, which it gives up while it waits or leads.
func (l *Log) flush(end jet.LogPos) error {
	end = min(end, l.end)
	for l.DurablePos() < end {
		if l.err != nil {
			return l.err
		}
		l.awaitWrite()
	}
	return nil
}

// awaitWrite returns when a write is done that was under way, or leads one.
func (l *Log) awaitWrite() {
	if l.writing {
		l.written.Wait()
		return
	}
	l.writing = true
	// Others that are about to append, having been woken by the write before, get into this one.
	l.mu.Unlock()
	runtime.Gosched()
	l.mu.Lock()
	l.closeSegment()
	from, to := l.unwritten, l.cur+1
	l.unwritten = to
	l.mu.Unlock()
	l.lead(from, to)
}

// lead writes segments from to to-1 without mu, and takes it to tell those who wait. A defect met on the way leaves
// the log unusable, not locked.
func (l *Log) lead(from, to uint64) {
	err := error(jet.ErrInternalError)
	defer func() {
		l.mu.Lock()
		l.writing = false
		if err != nil {
			l.fail(err)
		} else if to > from {
			l.reusable = to
			p := l.places[(to-1)%uint64(len(l.places))]
			l.durable.Store(uint64(jet.MakeLogPos(p.gen, p.isec+1, 0)))
		}
		l.written.Broadcast()
	}()
	err = l.write(from, to)
}

// closeSegment fills the segment that is being filled, so that it is written once (spec chapter 05, 9.2).
func (l *Log) closeSegment() {
	room := SegmentSize - l.fill
	if room == 0 {
		return
	}
	if room >= 5 {
		b := l.seg[l.fill:]
		b[0] = byte(RecNOP2)
		le.PutUint32(b[1:], uint32(room-5))
	} else {
		l.gap = recordPos(l.gen, l.isec, l.fill)
	}
	l.fill = SegmentSize
}

// fail makes the log unusable for good.
func (l *Log) fail(cause error) {
	if l.err != nil {
		return
	}
	code := jet.ErrLogWriteFail
	switch jet.CodeOf(cause) {
	case jet.ErrDiskFull, jet.ErrLogDiskFull:
		code = jet.ErrLogDiskFull
	}
	l.err = code.Errorf("%v", cause)
}

// write makes segments from to to-1 durable; only the leader calls it.
func (l *Log) write(from, to uint64) error {
	slots := uint64(len(l.places))
	for from < to {
		gen := l.places[from%slots].gen
		if l.header.Gen != gen || l.file == nil {
			if err := l.beginFile(gen, l.header); err != nil {
				return err
			}
			if err := l.host.GenerationBegun(gen, l.header.Created); err != nil {
				return err
			}
			l.filesTask.Kick()
		}
		started := jet.MakeLogTime(l.cfg.Env.Now())
		for from < to && l.places[from%slots].gen == gen {
			slot := from % slots
			n := uint64(1)
			for from+n < to && slot+n < slots && l.places[slot+n].gen == gen {
				n++
			}
			b := l.buf[slot*SegmentSize : (slot+n)*SegmentSize]
			isec := l.places[slot].isec
			for i := range n {
				l.sum ^= sealSegment(b[i*SegmentSize:], isec+uint16(i), started)
			}
			if err := l.file.WriteAt(b, int64(isec)*SegmentSize); err != nil {
				return err
			}
			from += n
		}
		if err := l.file.Sync(); err != nil {
			return err
		}
	}
	return nil
}
