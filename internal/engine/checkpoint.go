package engine

import (
	"sync"

	"esent/internal/engine/dbfile"
	"esent/internal/jet"
	"esent/internal/logstore"
)

// checkpointer keeps where a recovery would begin (spec chapter 05, 17).
type checkpointer struct {
	mu sync.Mutex
	// file is what the checkpoint file says.
	file logstore.Checkpoint
	// frozen keeps the checkpoint where it is; it begins under Instance.attachMu.
	frozen frozen
}

// checkpointTask is the background task: it has old dirty pages written, so that the log since the checkpoint
// stays within JET_paramCheckpointDepthMax, and moves the checkpoint up.
func (i *Instance) checkpointTask() {
	if i.log == nil || i.failed() {
		return
	}
	depth := i.number(jet.ParamCheckpointDepthMax)
	end := i.log.EndPos()
	if logBytes(i.log.Checkpoint(), end, i.log.Segments()) > depth {
		i.flushOlder(logBack(end, depth, i.log.Segments()))
	}
	// A failed write of the checkpoint file is tolerated: the old one stays valid. What concerns databases or the
	// log is met again by whoever needs it.
	_ = i.advanceCheckpoint(depth / checkpointStep)
}

// checkpointStep is the part of the checkpoint depth by which the checkpoint has to move within a generation to be
// written again.
const checkpointStep = 8

// flushOlder has pages written whose oldest change lies before pos. Pages that cannot be written now are left to
// the next time.
func (i *Instance) flushOlder(pos jet.LogPos) {
	if pos == 0 {
		return
	}
	for _, d := range i.following() {
		_ = i.cache.FlushOlder(d.pages, pos)
	}
}

// following gives the databases whose headers follow the log.
func (i *Instance) following() []*Database {
	i.gens.mu.Lock()
	defer i.gens.mu.Unlock()
	return append([]*Database(nil), i.gens.live...)
}

// advanceCheckpoint moves the checkpoint as far as it may go, if that is into another generation or at least by
// step bytes. Order is everything here: what is not in the files first, then headers, then the checkpoint (spec
// chapter 05, 17.2 and 17.3).
func (i *Instance) advanceCheckpoint(step int64) error {
	// While databases come and go the log and the list of them do not agree.
	if i.failed() || !i.attachMu.TryLock() {
		return nil
	}
	defer i.attachMu.Unlock()
	if i.check.frozen.is() {
		return nil
	}
	pos := min(i.log.DurablePos(), i.versions.OldestStart())
	ended := i.log.EndPos() // behind the ends of all transactions that OldestStart does not tell of any more
	live := i.following()
	for _, d := range live {
		pos = min(pos, i.cache.OldestDirty(d.pages))
	}
	c := &i.check
	old := i.Checkpoint().Pos
	if pos <= old || pos.Gen() == old.Gen() && logBytes(old, pos, i.log.Segments()) < step {
		return nil
	}
	// Nobody may find the begin of a transaction in front of the checkpoint, and its end lost: a recovery would not undo
	// what is in the pages, and a replay from further back would do without it.
	if err := i.flushLog(ended); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, d := range live {
		if err := d.pages.Sync(); err != nil {
			return err
		}
		if err := d.raiseMinRequired(pos.Gen()); err != nil {
			return err
		}
	}
	return i.writeCheckpoint(pos, true)
}

// raiseMinRequired says in the header that recovery no longer needs the generations below gen.
func (d *Database) raiseMinRequired(gen int32) error {
	attach := jet.LogPos(d.attachPos.Load()).Gen()
	changed := false
	var required, consistent int32
	d.file.UpdateHeader(func(h *dbfile.Header) {
		required, consistent = h.GenMinRequired, h.GenMinConsistent
		if h.State != dbfile.StateDirty {
			return
		}
		least := min(max(gen, attach), h.GenMaxRequired)
		if least > h.GenMinRequired {
			h.GenMinRequired, changed = least, true
		}
		if least > h.GenMinConsistent {
			h.GenMinConsistent, changed = least, true
		}
	})
	if !changed {
		return nil
	}
	err := d.file.WriteHeader()
	if err != nil {
		// As long as the file does not say so, no checkpoint may go by it.
		d.file.UpdateHeader(func(h *dbfile.Header) { h.GenMinRequired, h.GenMinConsistent = required, consistent })
	}
	return err
}

// writeCheckpoint makes pos the checkpoint, and tells the log; c.mu is locked.
func (i *Instance) writeCheckpoint(pos jet.LogPos, attached bool) error {
	next := i.check.file
	next.Pos, next.DBConsistency = pos, pos
	next.SignLog, next.Params = i.log.SignLog(), i.log.Params()
	next.HasAttachments, next.Attachments = attached, nil
	if attached {
		i.gens.mu.Lock()
		next.Attachments = i.gens.attachments(pos)
		i.gens.mu.Unlock()
	}
	if err := logstore.WriteCheckpoint(i.env.FS, i.set.systemPath, i.log.Naming().Checkpoint(), &next); err != nil {
		return err
	}
	i.check.file = next
	i.log.SetCheckpoint(pos)
	return nil
}

// Checkpoint is what the checkpoint file says, for package backup.
func (i *Instance) Checkpoint() logstore.Checkpoint {
	i.check.mu.Lock()
	defer i.check.mu.Unlock()
	return i.check.file
}

// StampCheckpoint changes what the checkpoint file says of backups and writes it.
func (i *Instance) StampCheckpoint(change func(c *logstore.Checkpoint)) error {
	i.check.mu.Lock()
	defer i.check.mu.Unlock()
	next := i.check.file
	change(&next)
	if err := logstore.WriteCheckpoint(i.env.FS, i.set.systemPath, i.log.Naming().Checkpoint(), &next); err != nil {
		return err
	}
	i.check.file = next
	return nil
}
