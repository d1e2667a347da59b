package engine

import (
	"esent/internal/engine/dbfile"
	"esent/internal/jet"
)

// attachment is what an attach, or the end of a creation, writes into a database's header.
type attachment struct {
	id      jet.DBID
	logged  bool
	pos     jet.LogPos // of the CreateDB or AttachDB record
	signLog jet.Signature
	now     jet.LogTime
	// signDB is the new signature of a database that is attached without logging.
	signDB jet.Signature
}

// stamp makes h the header of an attached database that depends on the generations of r (spec chapter 02, 13.3,
// step 3).
func (a *attachment) stamp(h *dbfile.Header, r dbfile.LogRange) error {
	if !a.logged {
		r = dbfile.LogRange{}
	}
	h.GenRecovering = 0
	if err := h.SetState(dbfile.StateDirty, r); err != nil {
		return err
	}
	if !a.logged || h.SignLog != a.signLog {
		h.FullPrev, h.IncPrev, h.CopyPrev, h.DiffPrev = jet.BackupInfo{}, jet.BackupInfo{}, jet.BackupInfo{}, jet.BackupInfo{}
		h.FullPrevType, h.IncPrevType, h.CopyPrevType, h.DiffPrevType = 0, 0, 0, 0
	}
	h.FullCur, h.SnapshotCur = jet.BackupInfo{}, jet.BackupInfo{}
	h.Attach, h.ReAttach = a.pos, 0
	if h.SignLog != a.signLog {
		h.SignLog, h.Consistent, h.LastResize = a.signLog, 0, 0
	}
	if a.logged && h.Has(efvLgposLastResize) {
		h.LastResize = a.pos
	}
	if !a.logged {
		h.LastResize = 0
		h.SignDB = a.signDB
	}
	h.AttachedAt = a.now
	h.Detach, h.DetachedAt = 0, jet.LogTime{}
	h.DBID = uint32(a.id)
	return nil
}

// detachment is what a clean detach writes into a database's header.
type detachment struct {
	pos       jet.LogPos // of the DetachDB or ShutDownMark record, zero without logging
	now       jet.LogTime
	dbtime    jet.DBTime
	objIDLast jet.ObjID
}

// stamp makes h the header of a database that is consistent without logs (spec chapter 02, 13.6, steps 5 and 6).
func (a *detachment) stamp(h *dbfile.Header) error {
	if err := h.SetState(dbfile.StateClean, dbfile.LogRange{}); err != nil {
		return err
	}
	h.FullCur, h.SnapshotCur = jet.BackupInfo{}, jet.BackupInfo{}
	h.DBTime, h.ObjIDLast = a.dbtime, a.objIDLast
	h.Consistent, h.Detach = a.pos, a.pos
	h.ConsistentAt, h.DetachedAt = a.now, a.now
	h.LastResize = 0
	if a.pos != 0 && h.Has(efvLgposLastResize) {
		h.LastResize = a.pos
	}
	return nil
}
