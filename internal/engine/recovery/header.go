package recovery

import (
	"esent/internal/engine/btree/ops"
	"esent/internal/engine/dbfile"
	"esent/internal/jet"
	"esent/internal/logstore"
)

// What replay does to headers: the same as the running engine did at the same positions, and the range of
// generations that a recovery which is cut off will need (spec chapter 02, 3 and 13).

// Engine format versions from which on a header has the fields concerned (spec chapter 02, 3).
const (
	efvLastResize   = 9180
	efvRequiredTime = 9260
	efvPreRedo      = 9300
	efvReservedTags = 9560
)

// generation is a log and when it was begun.
type generation struct {
	gen     int32
	created jet.LogTime
}

// formatOf is what new pages of the database look like.
func formatOf(h *dbfile.Header) ops.Format {
	return ops.Format{ReservedTags: h.Has(efvReservedTags)}
}

// headerForAttach changes h as an attach at pos does (spec chapter 02, 13.3, step 3). keepBackup is for a
// database that hard recovery restores in its own place.
func headerForAttach(h *dbfile.Header, id jet.DBID, pos jet.LogPos, g generation, stream jet.Signature, now jet.LogTime, keepBackup bool) error {
	h.GenRecovering = pos.Gen()
	if err := makeDirty(h, g); err != nil {
		return err
	}
	foreign := h.SignLog != stream
	if !keepBackup {
		if foreign {
			h.FullPrev, h.IncPrev, h.CopyPrev, h.DiffPrev = jet.BackupInfo{}, jet.BackupInfo{}, jet.BackupInfo{}, jet.BackupInfo{}
			h.FullPrevType, h.IncPrevType, h.CopyPrevType, h.DiffPrevType = 0, 0, 0, 0
		}
		h.FullCur, h.SnapshotCur = jet.BackupInfo{}, jet.BackupInfo{}
	}
	h.Attach, h.ReAttach = pos, 0
	if foreign {
		h.GenPreRedoMinRequired, h.GenPreRedoMinConsistent = 0, 0
		h.Consistent, h.LastResize = 0, 0
		h.SignLog = stream
	}
	if h.Has(efvLastResize) {
		h.LastResize = max(h.LastResize, pos)
	}
	h.AttachedAt = now
	h.Detach, h.DetachedAt = 0, jet.LogTime{}
	h.DBID = uint32(id)
	return nil
}

// makeDirty makes a clean header one that needs generation g. A dirty one keeps its range.
func makeDirty(h *dbfile.Header, g generation) error {
	if h.State == dbfile.StateDirty || h.State == dbfile.StateDirtyAndPatched {
		return nil
	}
	return h.SetState(dbfile.StateDirty, dbfile.LogRange{Min: g.gen, Max: g.gen, CreatedAt: g.created})
}

// lowerRequired lets the required range begin where replay does, so that pages written while an older part of
// the log is replayed are covered (spec chapter 02, 3: lGenPreRedo…).
func lowerRequired(h *dbfile.Header, gen int32) {
	if h.GenMinRequired > 0 && h.Has(efvPreRedo) && gen < h.GenMinRequired {
		if h.GenPreRedoMinRequired == 0 || h.GenMinRequired > h.GenPreRedoMinRequired {
			h.GenPreRedoMinRequired = h.GenMinRequired
		}
		if h.GenPreRedoMinConsistent == 0 || h.GenMinConsistent > h.GenPreRedoMinConsistent {
			h.GenPreRedoMinConsistent = h.GenMinConsistent
		}
		h.GenMinRequired = gen
	}
	h.GenMinConsistent = h.GenMinRequired
	// A header whose file had grown beyond the required range is from a run that was cut off.
	if h.LastResize != 0 && h.GenMaxRequired > 0 && h.LastResize.Gen() > h.GenMaxRequired {
		h.LastResize = jet.MakeLogPos(h.GenMaxRequired, 0xFFFF, 0xFFFF)
	}
}

// raiseRequired makes the range reach to g, and says whether that changes what must be on disk before pages
// of g are.
func raiseRequired(h *dbfile.Header, g generation) bool {
	raised := g.gen > h.GenMaxRequired
	if raised {
		h.GenMaxRequired = g.gen
		if h.Has(efvRequiredTime) {
			h.GenMaxRequiredAt = g.created
		}
	}
	if g.gen > h.GenMaxCommitted {
		h.GenMaxCommitted, h.GenMaxCreatedAt = g.gen, g.created
	}
	return raised
}

// headerForDetach makes h clean at pos (spec chapter 02, 13.6). hard says that hard recovery restores the
// database: what it knew of backups is void.
func headerForDetach(h *dbfile.Header, pos jet.LogPos, now jet.LogTime, hard bool) error {
	if h.State != dbfile.StateDirtyAndPatched {
		if err := h.SetState(dbfile.StateClean, dbfile.LogRange{}); err != nil {
			return err
		}
	}
	h.GenRecovering = 0
	if h.FullCur.GenLow != 0 {
		h.FullCur, h.IncPrev = jet.BackupInfo{}, jet.BackupInfo{}
	}
	if hard {
		h.FullPrev, h.IncPrev, h.CopyPrev, h.DiffPrev = jet.BackupInfo{}, jet.BackupInfo{}, jet.BackupInfo{}, jet.BackupInfo{}
		h.FullPrevType, h.IncPrevType = 0, 0
	}
	h.SnapshotCur = jet.BackupInfo{}
	h.Consistent, h.Detach = pos, pos
	if h.Has(efvLastResize) {
		h.LastResize = pos
	}
	h.ConsistentAt, h.DetachedAt = now, now
	return nil
}

// StampBackup notes in h the backup that a BackupUpdate record tells of: where the record is logged, and again where it is
// redone. Of two backups of one kind the one with the later mark stays (spec chapter 06, 5.11).
func StampBackup(h *dbfile.Header, r *logstore.Backup) {
	logOnly := r.Scope == logstore.BackupIncremental || r.Scope == logstore.BackupDifferential
	truncated := r.Scope == logstore.BackupIncremental || r.Scope == logstore.BackupFull
	kind := r.Kind
	if kind == backupSurrogate {
		kind = backupSnapshot
	}
	info, infoKind := &h.CopyPrev, &h.CopyPrevType
	switch {
	case logOnly && truncated:
		info, infoKind = &h.IncPrev, &h.IncPrevType
	case logOnly:
		info, infoKind = &h.DiffPrev, &h.DiffPrevType
	case truncated:
		info, infoKind = &h.FullPrev, &h.FullPrevType
	}
	if info.Mark > r.Info.Mark {
		return
	}
	*info, *infoKind = r.Info, kind
	if !truncated {
		return
	}
	if !logOnly {
		h.IncPrev, h.IncPrevType = jet.BackupInfo{}, 0
		h.DiffPrev, h.DiffPrevType = jet.BackupInfo{}, 0
	}
	if kind == backupNormal {
		h.SnapshotCur, h.IncPrevType = jet.BackupInfo{}, 0
	}
}

// Types of backup in Backup records (spec chapter 06, 3.6).
const (
	backupNormal    = 0
	backupSnapshot  = 1
	backupSurrogate = 3
)

// headerForCreate is the header of a database that a CreateDB record makes (spec chapter 02, 13.1).
func headerForCreate(pageSize int, r *logstore.CreateDB, pos jet.LogPos, g generation, stream jet.Signature) (dbfile.Header, error) {
	h := dbfile.NewHeader(pageSize, 0, g.created.Time())
	h.SignDB, h.SignLog = r.SignDB, stream
	h.DBID = uint32(r.DB)
	if r.Grbit&jet.BitDbShadowingOff != 0 {
		h.DBFlags |= dbfile.DBFlagShadowingOff
	}
	h.Attach = pos
	h.GenRecovering = pos.Gen()
	err := h.SetState(dbfile.StateJustCreated, dbfile.LogRange{Min: pos.Gen(), Max: g.gen, CreatedAt: g.created})
	return h, err
}

// headerForCreated ends the creation: the database is attached from here on.
func headerForCreated(h *dbfile.Header, g generation, now jet.LogTime) error {
	min := h.Attach.Gen()
	committed, required := max(g.gen, h.GenMaxCommitted), max(g.gen, h.GenMaxRequired)
	if err := h.SetState(dbfile.StateDirty, dbfile.LogRange{Min: min, Max: required, CreatedAt: g.created}); err != nil {
		return err
	}
	h.GenMaxCommitted = committed
	h.AttachedAt = now
	if h.Has(efvLastResize) {
		h.LastResize = max(h.LastResize, h.Attach)
	}
	h.SortVersion = dbfile.QwSortVersionInTable
	return nil
}
