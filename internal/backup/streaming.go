package backup

import (
	"time"

	"esent/internal/jet"
)

// Handle is a file that a streaming backup has open (JET_HANDLE). There is at most one.
type Handle uint64

const theHandle Handle = 0

// BeginExternal starts a streaming backup, in which the program pulls the files and stores them itself
// (JetBeginExternalBackupInstance, spec chapter 06, 8). grbit is 0 or JET_bitBackupIncremental. Errors: those of
// Engine.Enter, ErrBackupNotAllowedYet, ErrLoggingDisabled, ErrLogWriteFail, ErrInvalidGrbit, ErrInvalidBackup,
// ErrLogDiskFull, ErrLogSequenceEnd, ErrBackupInProgress, ErrMissingFullBackup.
func (s *Service) BeginExternal(e Engine, grbit jet.Grbit) error {
	if err := enter(e); err != nil {
		return err
	}
	defer e.Leave()
	b, err := s.begin(e, grbit, nil)
	if err != nil {
		return err
	}
	if b.full {
		_ = b.expectDatabases(b.loggable()) // who opens the database will be told
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.streaming[e] = b
	return nil
}

// call runs f on the streaming backup of e; ErrNoBackup when there is none.
func (s *Service) call(e Engine, f func(b *session) error) error {
	if err := e.Enter(); err != nil {
		return err
	}
	defer e.Leave()
	s.mu.Lock()
	b := s.streaming[e]
	s.mu.Unlock()
	if b == nil {
		return jet.ErrNoBackup
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over {
		return jet.ErrNoBackup
	}
	return f(b)
}

// going is call for what is no longer possible once the backup was stopped.
func (s *Service) going(e Engine, f func(b *session) error) error {
	return s.call(e, func(b *session) error {
		if err := b.stopped(); err != nil {
			return err
		}
		return f(b)
	})
}

// AttachInfo lists the databases of a full streaming backup by their paths (JetGetAttachInfoInstance).
// ErrInvalidBackupSequence in an incremental one.
func (s *Service) AttachInfo(e Engine) (paths []string, err error) {
	err = s.going(e, func(b *session) error {
		if !b.full {
			return jet.ErrInvalidBackupSequence
		}
		for _, d := range b.loggable() {
			paths = append(paths, d.Path())
		}
		return nil
	})
	return paths, err
}

// OpenFile opens a database, or after LogInfo a log, and gives the number of bytes to be read
// (JetOpenFileInstance). start is 0, or for a database the offset from page 2 on where reading begins
// (JetOpenFileSectionInstance).
//
// Errors that change nothing: ErrInvalidParameter, ErrOutOfMemory while another file is open. What fails while
// databases are copied leaves that database out; what fails while logs are copied ends the backup.
func (s *Service) OpenFile(e Engine, name string, start int64) (h Handle, size int64, err error) {
	err = s.going(e, func(b *session) error {
		if name == "" {
			return jet.ErrInvalidParameter
		}
		path, err := e.Env().FS.Abs(name)
		switch {
		case err != nil:
			return jet.ErrInvalidPath.Errorf("%s: %v", name, err)
		case b.open != nil:
			return jet.ErrOutOfMemory.Errorf("%s is open", b.open.path)
		}
		f, err := b.openForReader(path)
		if err == nil && start != 0 {
			err = f.skip(start)
			if err != nil {
				b.drop()
			}
		}
		if err == nil {
			size = f.size
			err = b.meter.Enter(f.phase(), f.path)
		}
		return err
	})
	return theHandle, size, err
}

// openForReader opens what a path means in the present state.
func (b *session) openForReader(path string) (*openFile, error) {
	switch database := b.findDatabase(path) != nil; {
	case database && b.logs:
		err := jet.ErrInvalidBackupSequence.Errorf("%s: the databases are done", path)
		b.fail(err)
		return nil, err
	case b.logs:
		return b.openLog(path)
	}
	return b.openDatabase(path)
}

// skip makes the reading of a database begin at an offset behind its headers (ErrInvalidParameter).
func (f *openFile) skip(start int64) error {
	c, ok := f.source.(*databaseCopy)
	if !ok || start < (headerPages+1)*int64(c.pageSize) || start%int64(c.pageSize) != 0 || start >= f.size {
		return jet.ErrInvalidParameter.Errorf("start at %d", start)
	}
	c.next = jet.Pgno(start/int64(c.pageSize)) - 1
	f.done = start
	return nil
}

// ReadFile reads the next part of an open file into p, and gives 0 at its end (JetReadFileInstance). len(p) is a
// multiple of the page size, for the first read of a database at least three pages and of a log two; p lies at a
// multiple of the operating system's page size, which the caller checks. After an error in a database the file
// is closed and the database left out; after one in a log the backup has ended.
func (s *Service) ReadFile(e Engine, h Handle, p []byte) (n int, err error) {
	err = s.going(e, func(b *session) error {
		f := b.open
		if f == nil || h != theHandle {
			return jet.ErrInvalidParameter
		}
		size := e.PageSize()
		least := f.room()
		if f.database == nil {
			least = size
			if f.done == 0 {
				least = 2 * size
			}
		}
		if len(p)%size != 0 || len(p) < least {
			return jet.ErrInvalidParameter.Errorf("%d bytes", len(p))
		}
		from := f.done
		var err error
		n, err = b.readPatiently(p)
		if err == nil {
			err = b.meter.Add(int64(n), f.pagesAt(f.done)-f.pagesAt(from))
		}
		if err != nil && !isStop(err) && b.open != nil {
			_ = b.closeFile() // it was only read
		}
		return err
	})
	return n, err
}

// readPatiently is read, with its pauses spent.
func (b *session) readPatiently(p []byte) (int, error) {
	for {
		n, err := b.read(p)
		rest, ok := err.(pause)
		if !ok {
			return n, err
		}
		for left := time.Duration(rest); left > 0; left -= pollStep {
			if err := b.stopped(); err != nil {
				return 0, err
			}
			b.svc.Sleep(min(left, pollStep))
		}
	}
}

// CloseFile ends the reading of a file (JetCloseFileInstance); it stays possible when the backup was stopped.
func (s *Service) CloseFile(e Engine, h Handle) error {
	return s.call(e, func(b *session) error {
		if b.open == nil || h != theHandle {
			return jet.ErrInvalidParameter
		}
		return b.closeFile()
	})
}

// LogInfo is the logs that a streaming backup copies.
type LogInfo struct {
	Paths []string
	// GenLow and GenHigh are the first and the last generation.
	GenLow, GenHigh int32
	Base            string // base name of the log files
}

// LogInfo ends the current log and lists the logs to be copied (JetGetLogInfoInstance2). No file may be open
// (ErrInvalidBackupSequence), and no database can be opened any more. When it fails it fails in the same way again,
// and the backup goes on until its end.
func (s *Service) LogInfo(e Engine) (info LogInfo, err error) {
	err = s.going(e, func(b *session) error {
		known := b.prepared
		if err := b.prepareLogs(); err != nil {
			return err
		}
		if !known {
			b.expectLogs(b.copyMic)
		}
		info = LogInfo{Paths: b.logFiles(b.copyMic, b.copyMac), GenLow: b.copyMic, GenHigh: b.copyMac - 1, Base: b.naming.Base}
		return nil
	})
	return info, err
}

// TruncateLogInfo is LogInfo for the logs that TruncateLog will delete (JetGetTruncateLogInfoInstance).
func (s *Service) TruncateLogInfo(e Engine) (paths []string, err error) {
	err = s.going(e, func(b *session) error {
		if err := b.prepareLogs(); err != nil {
			return err
		}
		paths = b.logFiles(b.deleteMic, b.deleteMac)
		return nil
	})
	return paths, err
}

// TruncateLog deletes the logs that are no longer needed (JetTruncateLogInstance). ErrInvalidBackupSequence before
// LogInfo or with a file open, ErrLogFileNotCopied unless all logs of LogInfo were read to their ends.
func (s *Service) TruncateLog(e Engine) error {
	return s.going(e, func(b *session) error { return b.truncate(true) })
}

// EndExternal ends the streaming backup (JetEndExternalBackupInstance2). grbit has one of JET_bitBackupEndNormal
// and JET_bitBackupEndAbort (else ErrInvalidParameter), and may have JET_bitBackupTruncateDone and
// JET_bitBackupNoDbHeaderUpdate. A normal end of a backup that was stopped, or whose logs were never listed, is an
// abort; it succeeds all the same.
func (s *Service) EndExternal(e Engine, grbit jet.Grbit) error {
	normal, abort := grbit&jet.BitBackupEndNormal != 0, grbit&jet.BitBackupEndAbort != 0
	if normal == abort {
		return jet.ErrInvalidParameter
	}
	return s.call(e, func(b *session) error {
		var cause error
		switch {
		case b.stopped() != nil:
			cause = jet.ErrBackupAbortByServer
		case abort || !b.prepared || b.prepareErr != nil:
			cause = errAbortedByCaller
		}
		s.forget(b)
		b.end(cause, grbit)
		return nil
	})
}
