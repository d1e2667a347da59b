package btree

import (
	"esent/internal/engine/btree/ops"
	"esent/internal/engine/cache"
	"esent/internal/engine/page"
	"esent/internal/engine/version"
	"esent/internal/jet"
	"esent/internal/logstore"
)

type changeKind uint8

const (
	kindInsert    changeKind = iota // a new node
	kindRevive                      // a flag-deleted node with the same bookmark, non-unique trees
	kindReviveNew                   // the same in unique trees, with new data
	kindReplace
	kindFlagDelete
	kindDelete
	kindDelta
)

// change is a change to one node on its way through this package.
type change struct {
	kind changeKind
	// key and mark are the node's bookmark, data its new data.
	key, mark, data []byte
	opt             Option
	delta           int64
	offset          uint16
	wide            bool

	rce, rceReplace uint32
}

func (w *change) versioned() bool { return w.opt&Unversioned == 0 }

// perform makes the change on a latched page where it fits, and unlatches the page.
func (t *Tree) perform(s *version.Session, f *cache.Frame, line int, w *change) (v uint64, err error) {
	p := f.Page()
	if t.DB.Logged {
		if err := s.Owed(); err != nil {
			f.UnlockUnchanged()
			return 0, err
		}
	}
	mark := s.Mark()
	if w.versioned() {
		err = t.createEntriesAt(s, p, f.Pgno(), line, w)
	}
	var op logstore.NodeOp
	if err == nil {
		op, err = t.nodeOp(s, f, line, w)
	}
	if err != nil {
		s.Withdraw(mark)
		f.UnlockUnchanged()
		return 0, err
	}
	start, end, err := t.logAndApply(s, p, w, op)
	if err != nil {
		if end == 0 {
			s.Withdraw(mark)
		}
		f.Unlock()
		return 0, err
	}
	f.Dirty(start, end)
	if w.kind == kindInsert && p.Next() == jet.PgnoNull && line == p.Lines()-1 && t.tail.Load() != f {
		t.tail.Store(f)
	}
	return f.Unlock(), nil
}

// createEntriesAt makes the version entries of a change to a line of p, which is latched and not changed yet.
// home is the page that will hold the change. An insert has no write conflicts, but duplicates.
func (t *Tree) createEntriesAt(s *version.Session, p page.Page, home jet.Pgno, line int, w *change) error {
	err := t.createEntries(s, p, home, line, w)
	if err != nil && w.kind <= kindReviveNew && jet.CodeOf(err) == jet.ErrWriteConflict {
		return jet.ErrKeyDuplicate
	}
	return err
}

func (t *Tree) createEntries(s *version.Session, p page.Page, home jet.Pgno, line int, w *change) error {
	st := t.versions
	n := version.Node{DB: t.dbid, FDP: t.FDP, Key: w.key, Data: w.mark}
	x := version.Change{ObjID: t.ObjID, Pgno: home}
	var old []byte
	if w.kind != kindInsert {
		old = p.LineData(line)
	}
	switch w.kind {
	case kindInsert, kindRevive, kindReviveNew:
		x.Oper = version.OperInsert
		r, err := st.Create(s, &n, &x)
		if err != nil {
			return err
		}
		w.rce = r.ID
		if w.kind != kindReviveNew {
			return nil
		}
		x.Oper = version.OperReplace
		x.Before, x.MaxSize, x.SizeDelta = old, max(len(old), len(w.data)), len(w.data)-len(old)
		if r, err = st.Create(s, &n, &x); err != nil {
			return err
		}
		w.rceReplace = r.ID
		return nil
	case kindReplace:
		x.Oper = version.OperReplace
		x.Before, x.MaxSize, x.SizeDelta = old, max(len(old), len(w.data)), len(w.data)-len(old)
	case kindFlagDelete:
		x.Oper = version.OperFlagDelete
		x.Before, x.MaxSize = old, len(old)
	case kindDelta:
		x.Oper = version.OperDelta
		if w.wide {
			x.Oper = version.OperDelta64
		}
		x.Delta, x.Offset = w.delta, w.offset
	}
	r, err := st.Create(s, &n, &x)
	if err != nil {
		return err
	}
	w.rce = r.ID
	return nil
}

// pageOp is the common part of a record about a page that is latched: it draws the dbtime.
func (t *Tree) pageOp(s *version.Session, f *cache.Frame, line int) (op logstore.PageOp, err error) {
	before := f.Page().DBTime()
	now := t.DB.NextDBTime()
	if now <= before {
		return op, jet.ErrDbTimeCorrupted
	}
	return logstore.PageOp{Proc: s.Proc, DB: t.dbid, Pgno: f.Pgno(), DBTime: now, DBTimeBefore: before,
		Trx: s.Begin0(), Level: s.Level(), Line: uint16(line), Flags: t.opFlags()}, nil
}

func (t *Tree) opFlags() (flags uint8) {
	if !t.NonUnique {
		flags |= logstore.OpUnique
	}
	if t.IsSpace() {
		flags |= logstore.OpSpace
	}
	return flags
}

func (w *change) opFlags() (flags uint8) {
	if w.versioned() {
		flags |= logstore.OpVersioned
	}
	if w.opt&Concurrent != 0 {
		flags |= logstore.OpConcurrent
	}
	return flags
}

func (t *Tree) nodeOp(s *version.Session, f *cache.Frame, line int, w *change) (op logstore.NodeOp, err error) {
	op.PageOp, err = t.pageOp(s, f, line)
	op.Flags |= w.opFlags()
	op.RCE, op.FDP, op.ObjID = w.rce, t.FDP, t.ObjID
	return op, err
}

// logAndApply logs the record of a change and does to the page what redo would do. Where logging fails, end is 0 and the
// page as it was.
func (t *Tree) logAndApply(s *version.Session, p page.Page, w *change, op logstore.NodeOp) (start, end jet.LogPos, err error) {
	logged := t.DB.Logged
	switch w.kind {
	case kindInsert:
		r := logstore.Insert{NodeOp: op, PrefixLen: p.CommonPrefix(w.key), Key: w.key, Data: w.data}
		if logged {
			s.Buf = r.Append(s.Buf[:0])
			if start, end, err = s.Log(s.Buf); err != nil {
				return 0, 0, err
			}
		}
		err = ops.Insert(p, &r)
	case kindRevive:
		r := logstore.FlagInsert{NodeOp: op, Key: w.key, Data: w.data}
		if logged {
			s.Buf = r.Append(s.Buf[:0])
			if start, end, err = s.Log(s.Buf); err != nil {
				return 0, 0, err
			}
		}
		err = ops.FlagInsert(p, &r)
	case kindReviveNew:
		r := logstore.FlagInsertAndReplaceData{NodeOp: op, RCEReplace: w.rceReplace, Key: w.key, Data: w.data}
		if logged {
			s.Buf = r.Append(s.Buf[:0])
			if start, end, err = s.Log(s.Buf); err != nil {
				return 0, 0, err
			}
		}
		err = ops.FlagInsertAndReplaceData(p, &r)
	case kindReplace:
		r := logstore.Replace{NodeOp: op, OldSize: len(p.LineData(int(op.Line))), NewSize: len(w.data), Data: w.data}
		if logged {
			if start, end, err = t.logReplace(s, p, &r, w); err != nil {
				return 0, 0, err
			}
		}
		err = ops.ReplaceWith(p, &r, w.data)
	case kindFlagDelete:
		r := logstore.FlagDelete{NodeOp: op}
		if logged {
			s.Buf = r.Append(s.Buf[:0])
			if start, end, err = s.Log(s.Buf); err != nil {
				return 0, 0, err
			}
		}
		err = ops.FlagDelete(p, &r)
	case kindDelete:
		r := logstore.Delete{NodeOp: op}
		if logged {
			s.Buf = r.Append(s.Buf[:0])
			if start, end, err = s.Log(s.Buf); err != nil {
				return 0, 0, err
			}
		}
		err = ops.Delete(p, &r)
	case kindDelta:
		r := logstore.Delta{NodeOp: op, Value: w.delta, Offset: w.offset, Wide: w.wide, Key: w.key, BookmarkData: w.mark}
		if logged {
			s.Buf = r.Append(s.Buf[:0])
			if start, end, err = s.Log(s.Buf); err != nil {
				return 0, 0, err
			}
		}
		err = ops.Delta(p, &r)
	}
	return start, end, t.DB.Kernel.Applied(err)
}

// logReplace logs a replace by the differences from the old data where those are shorter.
func (t *Tree) logReplace(s *version.Session, p page.Page, r *logstore.Replace, w *change) (start, end jet.LogPos, err error) {
	buf := s.Buf[:0]
	if w.opt&Whole == 0 && !t.IsSpace() {
		old := p.LineData(int(r.Line))
		if diff, ok := logstore.MakeDiff(buf, old, w.data, p.Large()); ok {
			buf = diff
			r.IsDiff, r.LargeDiff, r.Data = true, p.Large(), diff
		}
	}
	all := r.Append(buf)
	s.Buf = all
	return s.Log(all[len(buf):])
}

// Applied passes on the result of a page operation. A failure after its record was logged leaves page and log
// at odds, which only recovery can mend.
func (k *Kernel) Applied(err error) error {
	if err != nil && k.OnFatal != nil {
		k.OnFatal(err)
	}
	return err
}
