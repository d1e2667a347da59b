package engine

import (
	"esent/internal/engine/lv"
	"esent/internal/engine/page"
	"esent/internal/engine/version"
)

// deltaSettled is told of changes by a delta that are committed and seen by all: a long value without references goes
// then (spec chapter 03, 18.5). A database that was detached meanwhile keeps it: an orphan costs space and no more.
func (i *Instance) deltaSettled(s *version.Session, r *version.RCE) error {
	db := i.kernel.Database(r.DB)
	if db == nil {
		return nil
	}
	t, err := db.Tree(r.FDP)
	if err != nil || t.ObjID != r.ObjID || t.Flags&page.FlagLongValue == 0 {
		return err
	}
	return lv.Settled(s, t, r)
}
