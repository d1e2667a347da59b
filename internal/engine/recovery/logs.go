package recovery

import (
	"errors"
	"fmt"

	"esent/internal/eventlog"
	"esent/internal/jet"
	"esent/internal/logstore"
)

// logFile is a log being replayed.
type logFile struct {
	*logstore.File
	scan logstore.ScanResult
	// current says that it is the log that was being written.
	current bool
	// damage is what is wrong with it behind the records that can be replayed.
	damage error
}

// openLog opens and checks the log at path against the stream.
func (r *run) openLog(path string) (*logstore.File, error) {
	f, err := logstore.OpenFile(r.fs, path, logstore.Expect{SignLog: r.signLog, PageSize: r.cfg.PageSize, Segments: r.segments})
	switch jet.CodeOf(err) {
	case jet.ErrMissingLogFile:
		if err != nil {
			r.events().Report(eventlog.LogOpenFileError, path, jet.ErrFileNotFound)
		}
	default:
		if err != nil {
			r.events().Report(eventlog.LogHeaderReadError, path, err)
		}
	}
	if err != nil {
		return nil, err
	}
	// All logs of a stream are like the first that is opened.
	r.signLog, r.segments = f.Header.SignLog, f.Header.Segments
	return f, nil
}

// scanLog finds the end of a log.
func (r *run) scanLog(f *logstore.File, mode logstore.ScanMode) (logstore.ScanResult, error) {
	scan, err := f.Scan(mode)
	switch {
	case err == nil:
		r.tellRepair(f, &scan)
	case isCorruption(err):
		pos := jet.MakeLogPos(f.Header.Gen, scan.Last, 0)
		r.events().Report(corruptEvents[jet.CodeOf(err)], f.Path(), pos, scan.Last)
	default:
		r.events().Report(eventlog.LogReadError, f.Path(), err)
	}
	return scan, err
}

// tellRepair tells the operator what a scan has put right.
func (r *run) tellRepair(f *logstore.File, scan *logstore.ScanResult) {
	switch {
	case scan.Torn != 0:
		r.events().Report(eventlog.LogTornWriteSoftRecovery, f.Path(), jet.MakeLogPos(f.Header.Gen, scan.Torn, 0))
	case scan.Repaired != 0:
		r.events().Report(eventlog.LogUsingShadowSector, f.Path())
	}
}

// corruptEvents has the event of each kind of damage.
var corruptEvents = map[jet.Err]int{
	jet.ErrLogFileCorrupt:                 eventlog.LogCorruptSoftRecovery,
	jet.ErrLogCorruptDuringHardRestore:    eventlog.LogCorruptHardRestore,
	jet.ErrLogCorruptDuringHardRecovery:   eventlog.LogCorruptHardRecovery,
	jet.ErrLogTornWriteDuringHardRestore:  eventlog.LogTornWriteHardRestore,
	jet.ErrLogTornWriteDuringHardRecovery: eventlog.LogTornWriteHardRecovery,
}

// isCorruption says that a log could be read up to a damage.
func isCorruption(err error) bool {
	_, ok := corruptEvents[jet.CodeOf(err)]
	return err != nil && ok
}

// nextLog opens the log behind prev, and gives nil when replay has reached the end (spec chapter 05, 22.1).
func (r *run) nextLog(prev *logFile) (*logFile, error) {
	gen := prev.Header.Gen + 1
	if r.stopsBeforeGen(gen) {
		return nil, errStopped
	}
	if prev.current {
		return nil, nil
	}
	path, current, mode, err := r.locate(gen)
	if err != nil {
		return nil, err
	}
	if path == "" {
		return nil, r.noMore(gen)
	}
	if current {
		// The application is asked for the archive first, as for a file that might have come meanwhile.
		if err := r.askLog(r.logPath(r.naming.Archive(gen)), gen, false); err != nil {
			return nil, err
		}
	}
	if err := r.askLog(path, gen, current); err != nil {
		return nil, err
	}
	f, err := r.openLog(path)
	if err != nil {
		return nil, err
	}
	next := &logFile{File: f, current: current}
	if err = prev.Header.CheckNext(f.Header, prev.scan.Checksum); err == nil {
		next.scan, err = r.scanLog(f, mode)
		if r.cfg.Hard != nil && jet.CodeOf(err) == jet.ErrLogFileCorrupt {
			err = jet.ErrLogCorruptDuringHardRecovery.Errorf("%v", err)
		}
	}
	if err == nil || isCorruption(err) && r.stopsIn(gen) {
		next.damage = err
		return next, nil
	}
	header := f.Header
	if e := f.Close(); e != nil {
		return nil, errors.Join(err, e)
	}
	switch code := jet.CodeOf(err); {
	case code == jet.ErrLogSequenceChecksumMismatch:
		r.events().Report(eventlog.LogLastSegmentChecksum, path, fmt.Sprintf("%#x", header.PrevChecksum), fmt.Sprintf("%#x", prev.scan.Checksum))
		return nil, err
	case code != jet.ErrInvalidLogSequence && !isCorruption(err):
		return nil, err
	case r.cfg.Hard != nil && gen <= r.cfg.Hard.GenHigh:
		return nil, err // nothing of a backup set may be left out
	case code == jet.ErrInvalidLogSequence && r.cfg.Hard != nil && r.cfg.DeleteOutOfRangeLogs && current && header.Gen < gen:
		// The log of an instance that the restored one takes the place of.
		r.dir.Current = false
		return nil, errors.Join(r.fs.Remove(path), r.fs.SyncDir(r.cfg.LogDir))
	}
	return nil, r.beyond(gen, err)
}

// askLog asks the application about a log before it is opened for replay.
func (r *run) askLog(path string, gen int32, current bool) error {
	return r.control(&Control{Kind: ControlOpenLog, Path: path, Gen: gen, Current: current, Reason: jet.OpenLogForRedo})
}

// locate finds the file of a generation. An empty path says that there is none.
func (r *run) locate(gen int32) (path string, current bool, mode logstore.ScanMode, err error) {
	if h := r.cfg.Hard; h != nil {
		if path, mode, err = r.locateRestore(h, gen); path != "" || err != nil {
			return path, false, mode, err
		}
		if h.TargetDir != "" {
			return "", false, 0, nil
		}
	}
	mode = logstore.ScanArchive
	if r.cfg.Hard != nil {
		mode = logstore.ScanHardRecovery
	}
	if name, ok := r.dir.Find(gen); ok {
		if !r.dir.Current && gen == r.dir.Highest() && r.cfg.Hard == nil {
			// A roll-over was cut off, or the current log is lost: this one was the last to be written.
			mode = logstore.ScanCurrent
		}
		return r.logPath(name), false, mode, nil
	}
	if r.dir.Current {
		return r.logPath(r.naming.Current()), true, logstore.ScanCurrent, nil
	}
	return "", false, 0, nil
}

// locateRestore finds a generation in the backup set or the logs of a target instance.
func (r *run) locateRestore(h *Hard, gen int32) (string, logstore.ScanMode, error) {
	dir, mode := h.SetDir, logstore.ScanRestoreSet
	switch {
	case gen <= h.GenHigh:
	case h.TargetDir != "" && gen <= h.TargetHigh:
		dir, mode = h.TargetDir, logstore.ScanHardRecovery
	default:
		return "", 0, nil
	}
	d, err := logstore.FindLogs(r.fs, dir, r.setNaming)
	if err != nil {
		return "", 0, err
	}
	if name, ok := d.Find(gen); ok {
		return join(dir, name), mode, nil
	}
	if gen <= h.GenHigh {
		return "", 0, jet.ErrMissingRestoreLogFiles.Errorf("generation %d is not in %s", gen, dir)
	}
	return "", 0, jet.ErrMissingCurrentLogFiles.Errorf("generation %d is not in %s", gen, dir)
}

// noMore ends replay before a generation of which there is no file, or says why it must not end there.
func (r *run) noMore(gen int32) error {
	path := r.logPath(r.naming.Current())
	if r.cfg.Hard == nil && r.dir.Highest() > gen {
		r.events().Report(eventlog.LogFileMissing, r.logPath(r.naming.Archive(gen)), jet.ErrMissingLogFile)
		return jet.ErrMissingLogFile.Errorf("generation %d is missing, there are later ones", gen)
	}
	missing := r.missingCurrent()
	if r.cfg.Hard != nil {
		if err := r.required(gen - 1); err != nil {
			return err
		}
		missing = nil
	}
	if r.has(jet.BitReplayIgnoreLostLogs) {
		if err := r.required(gen - 1); jet.CodeOf(err) == jet.ErrRequiredLogFilesMissing && err != nil {
			return err
		}
	}
	return r.control(&Control{Kind: ControlMissingLog, Default: missing, Path: path, Gen: gen, Current: true,
		Reason: jet.OpenLogForRedo, NextAction: jet.MissingLogContinueToUndo})
}

// missingCurrent judges the absence of the current log: a roll-over that was cut off leaves the temporary log.
func (r *run) missingCurrent() error {
	if r.dir.Temp || r.has(jet.BitReplayIgnoreLostLogs) || r.has(jet.BitAllowMissingCurrentLog) {
		return nil
	}
	return jet.ErrMissingLogFile.Errorf("there are logs, but not %s", r.naming.Current())
}

// required says whether replay up to a generation is enough for all open databases: ErrRequiredLogFilesMissing,
// ErrCommittedLogFilesMissing, or nil (spec chapter 05, 22.2).
func (r *run) required(gen int32) error {
	var err error
	for _, a := range r.dbs {
		if !a.open() {
			continue
		}
		switch h := a.File.Header(); {
		case h.GenMaxRequired > gen:
			r.events().Report(eventlog.RedoMissingHighLog, a.Path, h.GenMinRequired, h.GenMaxRequired, gen, "", "", "")
			return jet.ErrRequiredLogFilesMissing.Errorf("%s needs generations up to %d, the last is %d", a.Path, h.GenMaxRequired, gen)
		case h.GenMaxCommitted > gen:
			if !r.has(jet.BitReplayIgnoreLostLogs) {
				r.events().Report(eventlog.CommittedLogsMissing, a.Path, h.GenMinRequired, h.GenMaxCommitted, gen, gen+1, r.cfg.LogDir)
			}
			err = jet.ErrCommittedLogFilesMissing.Errorf("%s has changes up to generation %d, the last is %d", a.Path, h.GenMaxCommitted, gen)
		}
	}
	return err
}

// beyond judges a generation that cannot be replayed for cause. When no database needs it to become sound and
// the application accepts the loss, it is removed with all behind it, and replay ends with success.
func (r *run) beyond(gen int32, cause error) error {
	accepted := r.has(jet.BitReplayIgnoreLostLogs) && r.cfg.DeleteOutOfRangeLogs
	err := r.required(gen - 1)
	switch {
	case jet.CodeOf(err) == jet.ErrRequiredLogFilesMissing && err != nil, err == nil && !accepted:
		return cause
	case !accepted && isCorruption(cause):
		return jet.ErrCommittedLogFileCorrupt.Errorf("%v", cause)
	case !accepted:
		return err
	}
	if err := r.removeLogs(gen); err != nil {
		return err
	}
	r.warning = jet.WrnCommittedLogFilesRemoved
	return nil
}

// removeLogs removes all logs of the directory from a generation on, the current one first.
func (r *run) removeLogs(gen int32) error {
	if r.dir.Current {
		if err := r.fs.Remove(r.logPath(r.naming.Current())); err != nil {
			return err
		}
		r.dir.Current = false
	}
	for n := len(r.dir.Archives); n > 0 && r.dir.Archives[n-1].Gen >= gen; n-- {
		if err := r.fs.Remove(r.logPath(r.dir.Archives[n-1].Name)); err != nil {
			return err
		}
		r.dir.Archives = r.dir.Archives[:n-1]
	}
	return r.fs.SyncDir(r.cfg.LogDir)
}
