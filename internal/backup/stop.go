package backup

import (
	"time"

	"esent/internal/jet"
	"esent/internal/logstore"
	"esent/internal/vfs"
)

// Stop is where a restore ends early. The zero Stop is nowhere.
type Stop struct {
	// At is the position of the last record that counts: those that begin behind it do not. Segment and byte 0 stand for
	// the whole generation.
	At jet.LogPos
	// Time is the last moment that counts: what is in segments of the log that were written later does not. The log
	// knows milliseconds.
	Time time.Time
}

func (s Stop) none() bool { return s == Stop{} }

// check says that there is such a stop (ErrInvalidParameter).
func (s Stop) check() error {
	if s.At != 0 && s.At.Gen() <= 0 {
		return jet.ErrInvalidParameter.Errorf("stop position %v", s.At)
	}
	return nil
}

// logTime is Time as logs have it.
func (s Stop) logTime() jet.LogTime {
	if s.Time.IsZero() {
		return jet.LogTime{}
	}
	const lastYear = 1900 + 255
	if s.Time.UTC().Year() > lastYear {
		return jet.MakeLogTime(time.Date(lastYear, 12, 31, 23, 59, 59, 0, time.UTC))
	}
	return jet.MakeLogTime(s.Time)
}

// late says that a segment was written behind Time.
func (s Stop) late(written jet.LogTime) bool {
	return !s.Time.IsZero() && written.Time().After(s.logTime().Time())
}

// wholeGeneration says that At means all records of its generation.
func (s Stop) wholeGeneration() bool {
	at := s.At
	return at.Isec() == 0 && at.Ib() == 0 || at.Isec() == 0xFFFF && at.Ib() == 0xFFFF
}

// behind says that the stop leaves out something of a log: a record, or a segment.
func (s Stop) behind(fsys vfs.FS, file string, gen int32) (bool, error) {
	switch at := s.At.Gen(); {
	case s.At != 0 && gen > at:
		return true, nil
	case s.At != 0 && (gen < at || s.wholeGeneration()) && s.Time.IsZero():
		return false, nil
	}
	f, err := logstore.OpenFile(fsys, file, logstore.Expect{Gen: gen})
	if err != nil {
		return false, err
	}
	behind := s.late(f.Header.Created)
	records := f.Records(0)
	records.Segment = func(_ jet.LogPos, _ uint64, written jet.LogTime) { behind = behind || s.late(written) }
	for !behind {
		e, err := records.Next()
		if err != nil {
			break // replay says what is wrong, if it comes there
		}
		behind = s.At != 0 && gen == s.At.Gen() && !s.wholeGeneration() && e.Pos > s.At
	}
	return behind, f.Close()
}
