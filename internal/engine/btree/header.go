package btree

import (
	"esent/internal/engine/btree/ops"
	"esent/internal/engine/page"
	"esent/internal/engine/version"
	"esent/internal/jet"
	"esent/internal/logstore"
)

// Header appends to dst the external header of the tree's root: a space header, or for a space tree its split
// buffers.
func (t *Tree) Header(dst []byte) ([]byte, error) {
	start := len(dst)
	for {
		f, v, err := t.getRoot()
		if err != nil {
			return dst, err
		}
		dst = append(dst[:start], f.Page().ExtHeader()...)
		if f.Valid(v) {
			return dst, nil
		}
	}
}

// RootState tells of the root page what space management asks: its flags, number of lines and free bytes.
func (t *Tree) RootState() (flags page.Flags, lines, free int, err error) {
	for {
		f, v, err := t.getRoot()
		if err != nil {
			return 0, 0, 0, err
		}
		p := f.Page()
		flags, lines, free = p.Flags(), p.Lines(), p.CbFree()
		if f.Valid(v) {
			return flags, lines, free, nil
		}
	}
}

// UpdateHeader replaces the external header of the tree's root by what update appends to dst for the present
// one. update runs under the root's latch; it gives nil when nothing is to change, and its errors are passed
// on. The change is not undone by rollback.
func (t *Tree) UpdateHeader(s *version.Session, update func(dst, old []byte) ([]byte, error)) error {
	if t.DB.Logged {
		if s.Level() == 0 {
			return jet.ErrNotInTransaction
		}
		if err := s.Owed(); err != nil {
			return err
		}
	}
	f, err := t.cache.Lock(t.db, t.Root)
	if err != nil {
		return err
	}
	p := f.Page()
	old := p.ExtHeader()
	var space [64]byte
	data, err := update(space[:0], old)
	if err == nil && len(data)-len(old) > p.CbFree() {
		err = jet.ErrDatabaseCorrupted.Errorf("no room for the root's external header")
	}
	if err != nil || data == nil {
		f.UnlockUnchanged()
		return err
	}
	op, err := t.pageOp(s, f, 0)
	if err != nil {
		f.UnlockUnchanged()
		return err
	}
	r := logstore.SetExternalHeader{NodeOp: logstore.NodeOp{PageOp: op, FDP: t.FDP, ObjID: t.ObjID}, Data: data}
	var start, end jet.LogPos
	if t.DB.Logged {
		s.Buf = r.Append(s.Buf[:0])
		if start, end, err = s.Log(s.Buf); err != nil {
			f.UnlockUnchanged()
			return err
		}
	}
	err = t.DB.Kernel.Applied(ops.SetExternalHeader(p, &r))
	f.Dirty(start, end)
	f.Unlock()
	return err
}
