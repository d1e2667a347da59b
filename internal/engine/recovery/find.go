package recovery

import (
	"errors"
	"strings"

	"esent/internal/eventlog"
	"esent/internal/jet"
	"esent/internal/logstore"
	"esent/internal/vfs"
)

// start is where replay begins.
type start struct {
	path    string
	gen     int32
	current bool
	// pos is the position, attachments are the databases attached there.
	pos         jet.LogPos
	attachments []logstore.AttachInfo
	// checkpoint is the checkpoint file's content, nil if it is not used.
	checkpoint *logstore.Checkpoint
}

// find looks for the logs and decides whether there is something to replay, and from where (spec chapter 05,
// 19.2 to 19.4). done is set when there is not; res then says why.
func (r *run) find(res *Result) (st start, done bool, err error) {
	if r.naming, err = logstore.DetectNaming(r.fs, r.cfg.LogDir, r.cfg.Naming); err != nil {
		return st, false, err
	}
	if r.dir, err = logstore.FindLogs(r.fs, r.cfg.LogDir, r.naming); err != nil {
		return st, false, err
	}
	res.Naming = r.naming
	if h := r.cfg.Hard; h != nil {
		st, err = r.startOfSet(h)
		return st, false, err
	}
	if !r.dir.Current {
		if len(r.dir.Archives) == 0 {
			return st, true, r.noStream(res)
		}
		err = r.control(&Control{Kind: ControlMissingLog, Default: r.missingCurrent(), Path: r.logPath(r.naming.Current()),
			Gen: r.dir.Highest() + 1, Current: true, Reason: jet.OpenLogForRedo, NextAction: jet.MissingLogContinueToRedo})
		if err != nil {
			return st, false, err
		}
		st, err = r.startFromCheckpoint(0)
		return st, false, err
	}
	tail, err := r.currentLog()
	if err != nil {
		return st, false, err
	}
	if tail.Scan.Clean {
		c, err := r.readCheckpoint()
		if err == nil && c.Pos == tail.Scan.End {
			res.Outcome, res.Tail, res.Checkpoint = WasClean, tail, c
			return st, true, nil
		}
	}
	st, err = r.startFromCheckpoint(tail.Header.Gen)
	return st, false, err
}

// noStream says that a new stream is to be begun.
func (r *run) noStream(res *Result) error {
	c := Control{Kind: ControlMissingLog, Path: r.logPath(r.naming.Current()), Reason: jet.OpenLogForRedo, NextAction: jet.MissingLogCreateNewLogStream}
	if r.has(jet.BitLogStreamMustExist) {
		c.Default = jet.ErrMissingLogFile.Errorf("there are no logs in %s", r.cfg.LogDir)
	}
	if err := r.control(&c); err != nil {
		return err
	}
	res.Outcome = NewStream
	err := r.fs.Remove(r.checkpointPath())
	if jet.CodeOf(err) == jet.ErrFileNotFound || jet.CodeOf(err) == jet.ErrInvalidPath {
		return nil
	}
	return err
}

// currentLog reads the end of the log that was being written. Damage in it shows when replay comes there.
func (r *run) currentLog() (t Tail, err error) {
	if err := r.secure(r.logPath(r.naming.Current())); err != nil {
		return t, err
	}
	f, err := r.openLog(r.logPath(r.naming.Current()))
	if err != nil {
		return t, err
	}
	scan, err := f.Scan(logstore.ScanCurrent)
	if isCorruption(err) {
		scan.Clean, err = false, nil
	} else if err == nil {
		r.tellRepair(f, &scan) // on the disk too: replay will not see it any more
	}
	t = Tail{Header: f.Header, Path: f.Path(), Current: true, Scan: scan, Naming: r.naming}
	if err == nil && r.cfg.DeleteOutOfRangeLogs && !r.has(jet.BitReplayIgnoreLostLogs) {
		err = r.removeOutOfRange(f.Header)
	}
	return t, errors.Join(err, f.Close())
}

// secure makes durable what a process that was killed has written to a log, and the log's name: a power cut must not take
// back what replay has gone by.
func (r *run) secure(path string) error {
	f, err := r.fs.Open(path, vfs.ReadWrite)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	return r.fs.SyncDir(r.cfg.LogDir)
}

// removeOutOfRange removes archives of this stream that are not older than its current log.
func (r *run) removeOutOfRange(current *logstore.Header) error {
	kept := r.dir.Archives[:0]
	for _, a := range r.dir.Archives {
		if a.Gen >= current.Gen {
			h, err := logstore.ReadHeader(r.fs, r.logPath(a.Name))
			if err == nil && h.SignLog == current.SignLog {
				if err := r.fs.Remove(r.logPath(a.Name)); err != nil {
					return err
				}
				continue
			}
		}
		kept = append(kept, a)
	}
	r.dir.Archives = kept
	return nil
}

func (r *run) readCheckpoint() (*logstore.Checkpoint, error) {
	return logstore.ReadCheckpoint(r.fs, r.checkpointPath(), r.signLog)
}

// startFromCheckpoint begins at the checkpoint or, where it cannot be used, at the lowest log. currentGen is the
// current log's generation, 0 when there is none.
func (r *run) startFromCheckpoint(currentGen int32) (start, error) {
	c := Control{Kind: ControlOpenCheckpoint, Path: r.checkpointPath()}
	if r.has(jet.BitReplayIgnoreLostLogs) {
		// It may lie in a log that is lost.
		c.Default = jet.ErrFileNotFound
	}
	var checkpoint *logstore.Checkpoint
	if r.control(&c) == nil {
		if read, err := r.readCheckpoint(); err == nil {
			checkpoint = read
		}
	}
	gen := r.dir.Lowest()
	switch {
	case checkpoint != nil:
		gen = checkpoint.Pos.Gen()
	case r.cfg.FirstGen != 0:
		gen = r.cfg.FirstGen
	case gen == 0:
		gen = currentGen
	}
	st := start{gen: gen, checkpoint: checkpoint, pos: jet.MakeLogPos(gen, 1, 0)}
	if name, ok := r.dir.Find(gen); ok {
		st.path = r.logPath(name)
	} else if gen == currentGen {
		st.path, st.current = r.logPath(r.naming.Current()), true
	} else {
		r.events().Report(eventlog.LogOpenFileError, r.logPath(r.naming.Archive(gen)), jet.ErrFileNotFound)
		return st, jet.ErrMissingLogFile.Errorf("replay begins in generation %d, which is missing", gen)
	}
	return st, r.startAttachments(&st)
}

// startAttachments finds the databases attached where replay begins: the checkpoint's, or those in the header
// of the log, which then is replayed from its beginning.
func (r *run) startAttachments(st *start) error {
	if r.cfg.Hard == nil {
		if err := r.askLog(st.path, st.gen, st.current); err != nil {
			return err
		}
	}
	f, err := r.openLog(st.path)
	if err != nil {
		return err
	}
	h := f.Header
	if err := f.Close(); err != nil {
		return err
	}
	if h.Gen != st.gen {
		return jet.ErrLogGenerationMismatch.Errorf("%s is generation %d", st.path, h.Gen)
	}
	if st.checkpoint != nil && st.checkpoint.HasAttachments && st.checkpoint.SignLog == h.SignLog {
		st.pos, st.attachments = st.checkpoint.Pos, st.checkpoint.Attachments
		return nil
	}
	st.pos, st.attachments = jet.MakeLogPos(st.gen, 1, 0), h.Attachments
	return nil
}

// startOfSet begins hard recovery: at the lowest log of the set, from its beginning.
func (r *run) startOfSet(h *Hard) (start, error) {
	st := start{gen: h.GenLow}
	var err error
	if r.setNaming, err = logstore.DetectNaming(r.fs, h.SetDir, r.naming); err != nil {
		return st, err
	}
	d, err := logstore.FindLogs(r.fs, h.SetDir, r.setNaming)
	if err != nil {
		return st, err
	}
	name, ok := d.Find(h.GenLow)
	switch {
	case !ok && len(d.Archives) > 0 && d.Lowest() > h.GenLow:
		return st, jet.ErrStartingRestoreLogTooHigh.Errorf("the set begins with generation %d, not %d", d.Lowest(), h.GenLow)
	case !ok:
		return st, jet.ErrMissingRestoreLogFiles.Errorf("generation %d is not in %s", h.GenLow, h.SetDir)
	case d.Highest() < h.GenHigh:
		return st, jet.ErrEndingRestoreLogTooLow.Errorf("the set ends with generation %d, not %d", d.Highest(), h.GenHigh)
	}
	st.path = join(h.SetDir, name)
	return st, r.startAttachments(&st)
}

func (r *run) logPath(name string) string { return join(r.cfg.LogDir, name) }

func (r *run) checkpointPath() string { return join(r.cfg.SystemDir, r.naming.Checkpoint()) }

// join puts a file name behind a directory; an empty directory is the working directory.
func join(dir, name string) string {
	if dir == "" || strings.HasSuffix(dir, "/") || strings.HasSuffix(dir, `\`) {
		return dir + name
	}
	return dir + "/" + name
}
