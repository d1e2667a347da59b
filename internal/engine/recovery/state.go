package recovery

import (
	"esent/internal/engine/dbfile"
	"esent/internal/jet"
	"esent/internal/logstore"
)

// The methods of run that make it the LogState of the log which undo writes. Rolled serves replay too.

// Rolled implements LogState.
func (r *run) Rolled(gen int32, created jet.LogTime) error {
	g := generation{gen, created}
	for _, a := range r.dbs {
		if !a.open() {
			continue
		}
		var raised bool
		a.File.UpdateHeader(func(h *dbfile.Header) {
			raised = raiseRequired(h, g)
			h.GenRecovering = max(h.GenRecovering, gen)
			if r.undoing {
				h.GenRecovering = 0
			}
		})
		if raised {
			if err := a.File.WriteHeader(); err != nil {
				return err
			}
			a.Cache.SetMaxRequired(gen)
		}
	}
	return nil
}

// Attachments implements LogState.
func (r *run) Attachments(first jet.LogPos) []logstore.AttachInfo {
	var list []logstore.AttachInfo
	for _, a := range r.dbs {
		if !a.open() || a.attach >= first {
			continue
		}
		h := a.File.Header()
		e := logstore.AttachInfo{DB: a.ID, DBTime: a.Cache.DBTime(), ObjIDLast: a.Cache.ObjIDLast(), Attach: h.Attach,
			SignDB: h.SignDB, Path: a.Path}
		if a.mapping.Place != "" {
			e.Path = a.mapping.Place
		}
		if h.SignLog == r.signLog && h.Consistent < first {
			e.Consistent = h.Consistent
		}
		list = append(list, e)
	}
	return list
}

// Checkpoint implements LogState: it stays where redo began until recovery has ended.
func (r *run) Checkpoint() jet.LogPos { return r.redoFrom }
