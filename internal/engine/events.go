package engine

import (
	"fmt"
	"time"

	"esent/internal/engine/dbfile"
	"esent/internal/engine/page"
	"esent/internal/eventlog"
	"esent/internal/jet"
)

// engineMajor to engineUpdate are the version that the engine tells of itself, in events and by JetGetVersion.
const (
	engineMajor  = 1
	engineMinor  = 0
	engineBuild  = 0
	engineUpdate = 0
)

// openEvents makes the instance's way to the operator, by its parameters.
func (i *Instance) openEvents() {
	source := i.set.eventSource
	if source == "" {
		source = "ESENT"
	}
	i.events = &eventlog.Logger{Sink: eventlog.Filter(i.proc.sink, i.set.noInformation, i.set.eventLevel),
		Now: i.env.Now, Source: source, Instance: i.Display()}
}

// report tells the operator of an event.
func (i *Instance) report(id int, params ...any) { i.events.Report(id, params...) }

// Events is the instance's way to the operator, for package backup.
func (i *Instance) Events() *eventlog.Logger { return i.events }

// failureEvent tells why the instance has become unavailable.
func (i *Instance) failureEvent(f *failure) {
	switch jet.CodeOf(f.err) {
	case jet.ErrLogDiskFull:
		i.report(eventlog.LogDiskFull, i.set.logPath+i.set.naming.Current())
		i.report(eventlog.LogDown, i.set.logPath)
	case jet.ErrLogWriteFail:
		i.report(eventlog.LogDown, i.set.logPath)
	default:
		i.report(eventlog.EngineDefect, eventlog.ErrorText(f.err), f.place, int32(jet.CodeOf(f.err)))
	}
}

// seconds is how long something took, as events tell it.
func (i *Instance) seconds(since time.Time) string {
	return fmt.Sprintf("%.3f", i.env.Now().Sub(since).Seconds())
}

// pageFault gives the function that tells of damaged pages of the database at path.
func (i *Instance) pageFault(path string) func(dbfile.Fault) {
	size := i.set.pageSize
	return func(f dbfile.Fault) {
		offset := (int64(f.Pgno) + 1) * int64(size)
		page := uint32(f.Pgno)
		switch {
		case f.Err == nil:
			i.report(eventlog.PageChecksumCorrected, path, offset, size, correctedBit(&f.Result), page)
		case f.Result.FixFailed:
			i.report(eventlog.PageCheckFailed, path, offset, size, f.Err, correctedBit(&f.Result), page)
		default:
			i.pageUnusable(path, offset, f)
		}
	}
}

func (i *Instance) pageUnusable(path string, offset int64, f dbfile.Fault) {
	size, page := i.set.pageSize, uint32(f.Pgno)
	switch jet.CodeOf(f.Err) {
	case jet.ErrReadLostFlushVerifyFailure:
		i.report(eventlog.PageLostFlush, path, offset, size, f.Err, page, f.Actual, page, f.Expected, "")
	case jet.ErrReadPgnoVerifyFailure:
		i.report(eventlog.PageNumberMismatch, path, offset, size, f.Err, page, "")
	default:
		i.report(eventlog.PageChecksumMismatch, path, offset, size, f.Err, "", "", page)
	}
}

func correctedBit(r *page.VerifyResult) int {
	if r.Corrected == 0 {
		return 0
	}
	return r.Corrections[0].Bit
}
