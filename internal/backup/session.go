package backup

import (
	"sync"

	"esent/internal/backup/meter"
	"esent/internal/engine/dbfile"
	"esent/internal/engine/recovery"
	"esent/internal/eventlog"
	"esent/internal/jet"
	"esent/internal/logstore"
)

// Types of a backup in headers and log records (BKINFOTYPE).
const (
	kindNormal   = 0
	kindSnapshot = 1
)

// session is a backup that runs: the state of spec chapter 06, 4. JetBackup makes one for the time of its call,
// a streaming backup has one from its Begin to its End.
type session struct {
	svc    *Service
	e      Engine
	naming logstore.Naming
	full   bool
	kind   uint32
	// meter counts what is copied; nil in a snapshot, where the program copies.
	meter *meter.Meter

	// mu keeps the calls of a streaming backup apart.
	mu sync.Mutex
	// logs says that the logs are being copied: no database can be opened any more.
	logs bool
	over bool
	// prepared says that prepareLogs has run, prepareErr how it ended.
	prepared   bool
	prepareErr error
	// copied logs are of generations from copyMic to copyMac-1, deleted ones from deleteMic to deleteMac-1.
	copyMic, copyMac, deleteMic, deleteMac int32
	// genCopyDone is the sum of the generations of the logs that were read to their end.
	genCopyDone int64
	// truncated says that the step of deleting logs was reached.
	truncated bool
	// mark is the end of the log when a full backup began, and its identity; checkpoint that of then.
	mark       jet.LogPos
	markTime   jet.LogTime
	checkpoint jet.LogPos
	// rolled is the position of the record that began the new generation.
	rolled     jet.LogPos
	rolledTime jet.LogTime
	// members are the databases of the session: true for those that were read to their end.
	members map[jet.DBID]bool
	open    *openFile // the file that is open, nil for none
	// archives are the finished logs when the range was found.
	archives logstore.Directory
}

// begin starts a backup (spec chapter 06, 5.2). grbit is 0 or JET_bitBackupIncremental. w, which may be nil, is told of
// the progress.
func (s *Service) begin(e Engine, grbit jet.Grbit, w meter.Watch) (*session, error) {
	if err := beginnable(e); err != nil {
		return nil, err
	}
	log := e.Log()
	incremental := grbit&jet.BitBackupIncremental != 0
	switch {
	case grbit&^jet.BitBackupIncremental != 0:
		return nil, jet.ErrInvalidGrbit
	case incremental && log.Circular():
		return nil, jet.ErrInvalidBackup.Errorf("an incremental backup needs all logs, circular logging is on")
	case log.LowOnDisk():
		return nil, jet.ErrLogDiskFull
	case log.EndPos().Gen() >= logstore.MaxGeneration:
		return nil, jet.ErrLogSequenceEnd
	}
	b := &session{svc: s, e: e, naming: log.Naming(), full: !incremental, logs: incremental, members: map[jet.DBID]bool{},
		meter: meter.New(e.Env().Now, w)}
	if !e.BeginBackup(b.abort) {
		return nil, jet.ErrBackupInProgress
	}
	// Before the checkpoint is read: circular logging must not overtake it.
	e.KeepLogsFrom(logstore.FirstGeneration)
	if err := b.start(); err != nil {
		e.EndBackup()
		return nil, err
	}
	s.show(b)
	return b, nil
}

// beginnable is what is refused before anything else, whatever kind of backup is asked for.
func beginnable(e Engine) error {
	switch log := e.Log(); {
	case log == nil:
		return jet.ErrLoggingDisabled
	case log.Err() != nil:
		return jet.ErrLogWriteFail.Errorf("%v", log.Err())
	}
	return nil
}

// start is the part of begin that nobody else can be in.
func (b *session) start() error {
	if b.full {
		b.mark, b.markTime = b.e.Log().EndPos(), b.now()
		b.report(eventlog.StartFullBackup)
		c := b.e.Checkpoint()
		b.checkpoint = c.Pos
		b.copyMic = c.Pos.Gen()
		b.e.KeepLogsFrom(b.copyMic)
	} else {
		for _, d := range b.loggable() {
			b.members[d.ID()] = false
			if h := d.File().Header(); h.FullPrev.GenLow == 0 || h.FullPrevType != kindNormal {
				b.report(eventlog.DatabaseMissFullBackup, d.Path())
				return jet.ErrMissingFullBackup.Errorf("%s", d.Path())
			}
		}
		b.report(eventlog.StartIncrementalBackup)
	}
	b.note(logstore.BackupBegin, jet.BackupInfo{})
	return nil
}

// loggable are the databases that can be backed up.
func (b *session) loggable() []Database {
	var list []Database
	for _, d := range b.e.Databases() {
		if d.Logged() {
			list = append(list, d)
		}
	}
	return list
}

func (b *session) now() jet.LogTime { return jet.MakeLogTime(b.e.Env().Now()) }

func (b *session) report(id int, params ...any) { b.e.Events().Report(id, params...) }

// scope is that of the session's log records.
func (b *session) scope() uint8 {
	if b.full {
		return logstore.BackupFull
	}
	return logstore.BackupIncremental
}

// record is a record that tells of a step of the backup.
func (b *session) record(phase uint8, info jet.BackupInfo) *logstore.Backup {
	info.Time = b.now()
	return &logstore.Backup{Phase: phase, Kind: b.kind, Scope: b.scope(), Info: info}
}

// note logs a step. Only a later reader of the log is concerned: failures do not matter.
func (b *session) note(phase uint8, info jet.BackupInfo) {
	_, _, _ = b.e.Log().Append(b.record(phase, info).Append(nil))
}

// archive is the path of the finished log of a generation.
func (b *session) archive(gen int32) string {
	if name, ok := b.archives.Find(gen); ok {
		return b.e.LogDir() + name
	}
	return b.e.LogDir() + b.naming.Archive(gen)
}

// findLogs lists the finished logs.
func (b *session) findLogs() (logstore.Directory, error) {
	return logstore.FindLogs(b.e.Env().FS, b.e.LogDir(), b.naming)
}

// prepareLogs ends the current log, so that all logs of the set are finished ones, and finds out which logs are to
// be copied and which can go afterwards (spec chapter 06, 5.6). It runs once; later calls give its result.
func (b *session) prepareLogs() error {
	switch {
	case b.open != nil:
		return jet.ErrInvalidBackupSequence.Errorf("%s is open", b.open.path)
	case b.prepared:
		return b.prepareErr
	}
	b.prepared, b.logs = true, true
	b.prepareErr = b.rollAndRange()
	return b.prepareErr
}

func (b *session) rollAndRange() error {
	rec := b.record(logstore.BackupPrepareLogs, jet.BackupInfo{})
	pos, err := b.e.AppendInNewGeneration(rec)
	if err != nil {
		return err
	}
	b.rolled, b.rolledTime = pos, rec.Info.Time
	copyMac := pos.Gen()
	if b.archives, err = b.findLogs(); err != nil {
		return err
	}
	deleteMic := b.archives.Lowest()
	if deleteMic == 0 {
		return jet.ErrFileNotFound.Errorf("no finished logs in %s", b.e.LogDir())
	}
	deleteMac := min(b.e.Checkpoint().Pos.Gen(), copyMac)
	if b.full {
		for _, d := range b.loggable() {
			if !b.members[d.ID()] {
				deleteMac = min(deleteMac, int32(d.File().Header().FullPrev.GenHigh))
			}
		}
		deleteMic = min(deleteMic, deleteMac)
	} else {
		if err := b.checkChain(deleteMic); err != nil {
			return err
		}
		b.copyMic = deleteMic
	}
	b.copyMac, b.deleteMic, b.deleteMac = copyMac, deleteMic, deleteMac
	b.report(eventlog.BackupLogFilesStart, b.archive(b.copyMic), b.archive(copyMac-1))
	return nil
}

// checkChain makes sure that no log was lost since the last backup.
func (b *session) checkChain(lowest int32) error {
	for _, d := range b.loggable() {
		h := d.File().Header()
		next := int32(max(h.FullPrev.GenHigh, h.IncPrev.GenHigh)) + 1
		if lowest > next {
			b.report(eventlog.BackupLogFileMissing, b.archive(next))
			return jet.ErrMissingFileToBackup.Errorf("%s", b.archive(next))
		}
	}
	return nil
}

// logFiles are the paths of the finished logs of generations from mic to mac-1.
func (b *session) logFiles(mic, mac int32) []string {
	var list []string
	for gen := mic; gen < mac; gen++ {
		list = append(list, b.archive(gen))
	}
	return list
}

// truncate deletes the logs that are no longer needed (spec chapter 06, 5.9). copied says that the logs of the
// session must have been copied before.
func (b *session) truncate(copied bool) error {
	if b.open != nil {
		return jet.ErrInvalidBackupSequence.Errorf("%s is open", b.open.path)
	}
	if copied {
		mic, mac := int64(b.copyMic), int64(b.copyMac)
		switch {
		case mic == 0 || mac == 0:
			return jet.ErrInvalidBackupSequence
		case b.genCopyDone < (mic+mac-1)*(mac-mic)/2:
			b.report(eventlog.BackupLogFileNotCopied)
			return jet.ErrLogFileNotCopied
		}
	}
	b.truncated = true
	b.note(logstore.BackupTruncate, jet.BackupInfo{GenLow: uint32(b.deleteMic), GenHigh: uint32(b.deleteMac)})
	if b.deleteMic >= b.deleteMac {
		b.report(eventlog.BackupNoTruncateLogFiles)
		return nil
	}
	b.report(eventlog.BackupTruncateLogFiles, b.archive(b.deleteMic), b.archive(b.deleteMac-1))
	_, err := b.e.Log().DeleteArchives(b.deleteMic, b.deleteMac)
	return err
}

// end ends the backup, normally with a nil cause (spec chapter 06, 5.11). options are those of
// JetEndExternalBackupInstance2.
func (b *session) end(cause error, options jet.Grbit) {
	b.over = true
	b.drop()
	if cause == nil {
		b.endNormally(options)
	} else {
		b.note(logstore.BackupAbort, jet.BackupInfo{})
		switch code := jet.CodeOf(cause); code {
		case errAbortedByCaller:
			b.report(eventlog.StopBackupAbortedByCaller)
		case jet.ErrBackupAbortByServer:
			b.report(eventlog.StopBackupAbortedByServer)
		default:
			b.report(eventlog.StopBackupError, code)
		}
	}
	b.svc.hide(b)
	b.e.EndBackup()
	b.note(logstore.BackupStop, jet.BackupInfo{})
}

func (b *session) endNormally(options jet.Grbit) {
	if options&jet.BitBackupNoDbHeaderUpdate != 0 {
		b.report(eventlog.StopBackup)
		return
	}
	err := b.stamp(b.truncated || options&jet.BitBackupTruncateDone != 0)
	b.report(eventlog.StopBackup)
	if err == nil {
		err = b.writeStamps()
	}
	if err != nil {
		b.report(eventlog.BackupErrorInfoUpdate, err)
	}
}

// errAbortedByCaller is the cause of an end that the backup program asked for.
const errAbortedByCaller = jet.Err(-800)

// fail ends the backup because of err.
func (b *session) fail(err error) {
	b.svc.forget(b)
	b.end(err, 0)
}

// abort ends a backup whose instance is being terminated; no call is inside.
func (b *session) abort(reason jet.Err) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over {
		return
	}
	b.fail(reason)
}

// stamp notes the backup in the headers of its databases, in memory, and in the log, from which a recovery would
// repeat it.
func (b *session) stamp(truncated bool) error {
	for _, d := range b.loggable() {
		done, member := b.members[d.ID()]
		if !member || b.full && !done {
			continue
		}
		rec := b.updateRecord(d.ID(), truncated)
		if _, _, err := b.e.Log().Append(rec.Append(nil)); err != nil {
			return err
		}
		d.File().UpdateHeader(func(h *dbfile.Header) { recovery.StampBackup(h, rec) })
	}
	return nil
}

func (b *session) updateRecord(id jet.DBID, truncated bool) *logstore.Backup {
	rec := &logstore.Backup{Phase: logstore.BackupUpdate, Kind: b.kind, DB: id,
		Info: jet.BackupInfo{Mark: b.mark, Time: b.markTime, GenLow: uint32(b.copyMic), GenHigh: uint32(b.copyMac - 1)}}
	if !b.full {
		rec.Info.Mark, rec.Info.Time = b.rolled, b.rolledTime
	}
	switch {
	case b.full && truncated:
		rec.Scope = logstore.BackupFull
	case b.full:
		rec.Scope = logstore.BackupCopy
	case truncated:
		rec.Scope = logstore.BackupIncremental
	default:
		rec.Scope = logstore.BackupDifferential
	}
	return rec
}

// writeStamps makes the stamped headers durable, and the mark in the checkpoint file.
func (b *session) writeStamps() error {
	for _, d := range b.loggable() {
		if done, member := b.members[d.ID()]; !member || b.full && !done {
			continue
		}
		if err := d.File().WriteHeader(); err != nil {
			return err
		}
	}
	if b.rolled == 0 {
		return nil
	}
	return b.e.StampCheckpoint(func(c *logstore.Checkpoint) {
		if b.full {
			c.LastFullBackup, c.FullBackup, c.FullBackupTime = b.checkpoint, b.rolled, b.rolledTime
		} else {
			c.IncBackup, c.IncBackupTime = b.rolled, b.rolledTime
		}
	})
}
