package engine

import (
	"sync/atomic"

	"esent/internal/jet"
	"esent/internal/logstore"
)

// sessionLog is the log as the version store writes to it (version.Log).
type sessionLog struct{ *logstore.Log }

// AppendCommit implements version.Log.
func (l sessionLog) AppendCommit(proc jet.ProcID, next *atomic.Uint32) (trx jet.Trx, pos, end jet.LogPos, err error) {
	return l.Log.AppendCommit(proc, next, nil)
}

// append logs a record of the instance.
func (i *Instance) append(rec logstore.Record) (pos, end jet.LogPos, err error) {
	return i.log.Append(rec.Append(nil))
}

// appendDurable logs a record and makes it durable.
func (i *Instance) appendDurable(rec logstore.Record) (pos jet.LogPos, err error) {
	pos, end, err := i.append(rec)
	if err == nil {
		err = i.flushLog(end)
	}
	return pos, err
}

// flushLog makes the log durable up to end. A log that cannot be written makes the instance unavailable.
func (i *Instance) flushLog(end jet.LogPos) error {
	if i.log == nil || end == 0 {
		return nil
	}
	return i.flushed(i.log.Flush(end))
}

// flushWholeLog makes durable what is logged now.
func (i *Instance) flushWholeLog() error {
	if i.log == nil {
		return nil
	}
	return i.flushed(i.log.FlushAll())
}

// flushed judges the result of a flush, and has those told who wait for lazy commits.
func (i *Instance) flushed(err error) error {
	if err != nil {
		i.fail(err)
		i.commits.logDown()
		return err
	}
	i.commits.flushed(i)
	return nil
}

// rollLog begins a new log generation and waits for it.
func (i *Instance) rollLog() error {
	if i.log == nil {
		return nil
	}
	_, err := i.log.Roll(logstore.ProcNone, "JetCommitTransaction")
	if err != nil && i.log.Err() == nil {
		return err
	}
	return i.flushed(err)
}

// logSignature is the signature of the log stream, zero without logging.
func (i *Instance) logSignature() jet.Signature {
	if i.log == nil {
		return jet.Signature{}
	}
	return i.log.SignLog()
}

// Log is the instance's log, nil without logging; for package backup.
func (i *Instance) Log() *logstore.Log { return i.log }

// logBytes is the distance between two positions, in bytes of log files of so many segments.
func logBytes(from, to jet.LogPos, segments uint16) int64 {
	at := func(p jet.LogPos) int64 {
		return (int64(p.Gen())*int64(segments)+int64(p.Isec()))*logstore.SegmentSize + int64(p.Ib())
	}
	return at(to) - at(from)
}

// logBack is the position n bytes before pos, at the start of a segment; zero when that is before the first.
func logBack(pos jet.LogPos, n int64, segments uint16) jet.LogPos {
	at := int64(pos.Gen())*int64(segments) + int64(pos.Isec()) - (n+logstore.SegmentSize-1)/logstore.SegmentSize
	if at < int64(segments) {
		return 0
	}
	return jet.MakeLogPos(int32(at/int64(segments)), uint16(at%int64(segments)), 0)
}
