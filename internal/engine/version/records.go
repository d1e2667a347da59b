package version

import (
	"esent/internal/jet"
	"esent/internal/logstore"
)

func encodeUndoInfo(b []byte, r *RCE, pgno jet.Pgno) []byte {
	rec := logstore.UndoInfo{
		NodeOp: logstore.NodeOp{
			PageOp: logstore.PageOp{Proc: r.session.Proc, DB: r.DB, Pgno: pgno, DBTime: jet.DBTimeNil,
				DBTimeBefore: jet.DBTimeNil, Trx: r.Trx.Begin0, Level: r.Level},
			RCE: r.ID, FDP: r.FDP, ObjID: r.ObjID},
		Oper: logstore.Oper(r.Oper), MaxSize: int16(r.MaxSize), Delta: int16(r.SizeDelta),
		Key: r.Key, BookmarkData: r.Data, Image: r.Before}
	return rec.Append(b)
}
