package btree

import (
	"bytes"
	"encoding/binary"

	"esent/internal/engine/cache"
	"esent/internal/engine/page"
	"esent/internal/engine/version"
	"esent/internal/jet"
)

// Option says how a node is changed.
type Option uint8

const (
	// Unversioned changes count at once for everybody and are not undone: for space trees, temporary tables and
	// the engine's own clean-up.
	Unversioned Option = 1 << iota
	// Whole has a replace logged with all new data instead of the differences from the old.
	Whole
	// Concurrent marks changes for an index that is being created while others use the table.
	Concurrent
)

// Insert adds a node and puts the cursor on it. In a non-unique tree key and data together are the node's
// bookmark. ErrKeyDuplicate: a node with this key exists, or another transaction changes it; in non-unique
// trees ErrMultiValuedIndexViolation for one with the same key and data.
func (c *Cursor) Insert(s *version.Session, key, data []byte, opt Option) error {
	t := c.tree
	w := change{key: key, data: data, opt: opt}
	if t.NonUnique {
		w.mark = data
	}
	if len(key)+len(data) > t.MaxNode() || len(key) == 0 {
		return jet.ErrRecordTooBig
	}
	if err := t.admit(s, &w, 0); err != nil {
		return err
	}
	f, line, exact, err := t.lockForInsert(key, w.mark)
	for ; ; f, line, exact, err = t.lockLeaf(key, w.mark) {
		if err != nil {
			return err
		}
		need, err := t.judgeInsert(s, f.Page(), line, exact, &w)
		if err != nil {
			f.UnlockUnchanged()
			return err
		}
		if t.fits(f.Page(), line, need, &w) {
			break
		}
		f.Unlock()
		done, err := t.split(s, &w)
		if err != nil {
			return err
		}
		if done {
			return c.refind(key, w.mark)
		}
	}
	v, err := t.perform(s, f, line, &w)
	if err != nil {
		return err
	}
	c.spare().setBytes(key, w.mark)
	c.settle(f, v, line, nil, nil)
	return nil
}

// admit checks what must hold before pages are latched, for a change that keeps extra bytes as before image.
func (t *Tree) admit(s *version.Session, w *change, extra int) error {
	if t.DB.Logged && s.Level() == 0 {
		return jet.ErrNotInTransaction
	}
	if t.DB.Logged {
		s.AwaitLog()
	}
	if w.versioned() {
		return s.Reserve(len(w.key) + len(w.mark) + extra)
	}
	return nil
}

// lockForInsert is lockLeaf with a short way to the end of the tree. The frame of the last leaf may hold another page by
// now; the page's object tells whose, but for space trees, of which two have the same.
func (t *Tree) lockForInsert(key, mark []byte) (f *cache.Frame, line int, exact bool, err error) {
	if f = t.tail.Load(); f != nil && t.Flags&page.FlagSpaceTree == 0 {
		if v := f.Version(); v&1 == 0 && f.Slot() == t.DB.Slot {
			p := f.Page()
			const kind = page.FlagLeaf | page.FlagEmpty | page.FlagPreInit | page.FlagSpaceTree
			if n := p.Lines(); n > 0 && p.Next() == jet.PgnoNull && p.ObjID() == t.ObjID &&
				p.Flags()&kind == page.FlagLeaf && t.behind(p, n-1, key, mark) && f.Upgrade(v) {
				return f, n, false, nil
			}
		}
	}
	return t.lockLeaf(key, mark)
}

// behind says that the bookmark is behind line i.
func (t *Tree) behind(p page.Page, i int, key, mark []byte) bool {
	n := p.Line(i)
	c := n.CompareKey(key)
	return c < 0 || c == 0 && t.NonUnique && bytes.Compare(n.Data, mark) < 0
}

// lockLeaf latches the leaf of a bookmark and finds its line.
func (t *Tree) lockLeaf(key, mark []byte) (f *cache.Frame, line int, exact bool, err error) {
	for {
		f, v, err := t.find(key, mark)
		if err != nil {
			return nil, 0, false, err
		}
		line, exact = f.Page().SearchLeaf(key, mark, t.NonUnique)
		if f.Upgrade(v) {
			return f, line, exact, nil
		}
	}
}

// judgeInsert decides what an insert comes to on a leaf, and how many bytes it needs there (spec chapter 03, 5).
func (t *Tree) judgeInsert(s *version.Session, p page.Page, line int, exact bool, w *change) (need int, err error) {
	if !exact {
		w.kind = kindInsert
		return p.NodeSize(w.key, len(w.data)), nil
	}
	flags := p.LineFlags(line)
	if w.versioned() && flags&page.NodeVersion != 0 {
		n := version.Node{DB: t.dbid, FDP: t.FDP, Key: w.key, Data: w.mark}
		if t.versions.Conflict(s, &n, version.OperInsert) != nil {
			return 0, jet.ErrKeyDuplicate
		}
	}
	switch {
	case flags&page.NodeDeleted == 0 && t.NonUnique:
		return 0, jet.ErrMultiValuedIndexViolation
	case flags&page.NodeDeleted == 0:
		return 0, jet.ErrKeyDuplicate
	case t.NonUnique:
		w.kind = kindRevive
		return 0, nil
	}
	w.kind = kindReviveNew
	return max(0, len(w.data)-len(p.LineData(line))), nil
}

// fits says whether a change that needs so many bytes can be made on the leaf without a split. A node behind
// all others leaves the room that the tree's density asks for.
func (t *Tree) fits(p page.Page, line, need int, w *change) bool {
	room := need
	if w.kind == kindInsert && line == p.Lines() && line > 0 && p.Next() == jet.PgnoNull {
		room += int(t.reserve.Load())
	}
	if need == 0 {
		return true
	}
	if !t.hasRoom(p, room) {
		return false
	}
	return w.kind != kindInsert || p.Fits(need)
}

// hasRoom says whether the page has so many bytes that no rollback may claim. What the page says is claimed is
// counted anew before the answer is no. The page is latched.
func (t *Tree) hasRoom(p page.Page, need int) bool {
	if need <= p.FreeBytes() {
		return true
	}
	if p.CbUncommittedFree() == 0 || need > p.CbFree() {
		return false
	}
	sum := 0
	for i := range p.Lines() {
		sum += t.reserved(p, i)
	}
	p.SetCbUncommittedFree(min(sum, p.CbFree()))
	return need <= p.FreeBytes()
}

// reserved is how many bytes a rollback may claim for a line.
func (t *Tree) reserved(p page.Page, line int) int {
	n := p.Line(line)
	st := t.versions
	if n.Flags&page.NodeVersion == 0 || p.DBTime() < st.CleanBelow(t.dbid) {
		return 0
	}
	var b bookmark
	b.set(&n, t.NonUnique)
	node := t.node(&b)
	return st.Reserved(&node, len(n.Data))
}

// Replace gives the present node new data; where these are the old ones it only locks the node. ErrWriteConflict: another transaction changes it or changed it since
// this one began. ErrRecordDeleted: it is gone.
func (c *Cursor) Replace(s *version.Session, data []byte, opt Option) error {
	t := c.tree
	w := change{kind: kindReplace, data: data, opt: opt}
	if err := c.identify(&w); err != nil {
		return err
	}
	if len(w.key)+len(data) > t.MaxNode() {
		return jet.ErrRecordTooBig
	}
	if err := t.admit(s, &w, len(data)); err != nil {
		return err
	}
	for {
		f, line, err := c.lock(s, &w, version.OperReplace)
		if err != nil {
			return err
		}
		old := f.Page().LineData(line)
		if w.opt == 0 && bytes.Equal(old, data) {
			return c.keep(s, f, line, &w, version.OperWriteLock)
		}
		need := max(0, len(data)-len(old))
		// What a rollback of the node itself may claim is the node's own.
		if need > 0 {
			need = max(0, need-t.reserved(f.Page(), line))
		}
		if need == 0 || t.hasRoom(f.Page(), need) {
			return c.finish(s, f, line, &w)
		}
		f.Unlock()
		done, err := t.split(s, &w)
		if err != nil {
			return err
		}
		if done {
			return c.refind(w.key, w.mark)
		}
	}
}

// FlagDelete deletes the present node for the transaction; it stays on the page until version clean-up. Errors
// are those of Replace. The cursor stays on its place.
func (c *Cursor) FlagDelete(s *version.Session, opt Option) error {
	w := change{kind: kindFlagDelete, opt: opt}
	if err := c.identify(&w); err != nil {
		return err
	}
	if err := c.tree.admit(s, &w, c.tree.MaxNode()/8); err != nil {
		return err
	}
	f, line, err := c.lock(s, &w, version.OperFlagDelete)
	if err != nil {
		return err
	}
	return c.finish(s, f, line, &w)
}

// Delete removes the present node from its page at once, without version: for trees that one session alone uses,
// and space trees. The last node of a page that is not the root is flag-deleted instead.
func (c *Cursor) Delete(s *version.Session) error {
	w := change{kind: kindDelete, opt: Unversioned}
	if err := c.identify(&w); err != nil {
		return err
	}
	if err := c.tree.admit(s, &w, 0); err != nil {
		return err
	}
	f, line, err := c.lock(s, &w, version.OperFlagDelete)
	if err != nil {
		return err
	}
	if p := f.Page(); p.Lines() == 1 && !p.Has(page.FlagRoot) {
		w.kind = kindFlagDelete
	}
	return c.finish(s, f, line, &w)
}

// Delta adds value to the little-endian integer of 4 or, if wide, 8 bytes at offset in the present node's data,
// wrapping, and gives the number before. Transactions may do it at the same time; ErrWriteConflict when another
// changes the node otherwise.
func (c *Cursor) Delta(s *version.Session, offset int, value int64, wide bool, opt Option) (before int64, err error) {
	oper, size := version.OperDelta, 4
	if wide {
		oper, size = version.OperDelta64, 8
	}
	w := change{kind: kindDelta, opt: opt, delta: value, offset: uint16(offset), wide: wide}
	if err := c.identify(&w); err != nil {
		return 0, err
	}
	if err := c.tree.admit(s, &w, 0); err != nil {
		return 0, err
	}
	f, line, err := c.lock(s, &w, oper)
	if err != nil {
		return 0, err
	}
	data := f.Page().LineData(line)
	if offset < 0 || offset+size > len(data) {
		f.UnlockUnchanged()
		return 0, jet.ErrInvalidParameter.Errorf("no number at %d in a node of %d bytes", offset, len(data))
	}
	if wide {
		before = int64(binary.LittleEndian.Uint64(data[offset:]))
	} else {
		before = int64(int32(binary.LittleEndian.Uint32(data[offset:])))
	}
	return before, c.finish(s, f, line, &w)
}

// Lock makes a version entry for the present node that only keeps others from changing it: OperReadLock or
// OperWriteLock. ErrWriteConflict as for changes.
func (c *Cursor) Lock(s *version.Session, oper version.Oper) error {
	var w change
	if err := c.identify(&w); err != nil {
		return err
	}
	if err := s.Reserve(len(w.key) + len(w.mark)); err != nil {
		return err
	}
	f, line, err := c.lock(s, &w, oper)
	if err != nil {
		return err
	}
	return c.keep(s, f, line, &w, oper)
}

// keep makes the version entry of a lock of the node on the latched page, and unlatches the page.
func (c *Cursor) keep(s *version.Session, f *cache.Frame, line int, w *change, oper version.Oper) error {
	t, p := c.tree, f.Page()
	n := version.Node{DB: t.dbid, FDP: t.FDP, Key: w.key, Data: w.mark}
	if _, err := t.versions.Create(s, &n, &version.Change{Oper: oper, ObjID: t.ObjID, Pgno: f.Pgno()}); err != nil {
		f.UnlockUnchanged()
		return err
	}
	c.frame, c.line, c.image = f, int32(line), nil
	if flags := p.LineFlags(line); flags&page.NodeVersion == 0 {
		// The flag brings others to look for the entry.
		p.SetLineFlags(line, flags|page.NodeVersion)
		c.version = f.Unlock()
	} else {
		c.version = f.UnlockUnchanged()
	}
	return nil
}

// refind puts the cursor on the node of a bookmark after a split.
func (c *Cursor) refind(key, mark []byte) error {
	t := c.tree
	for {
		f, v, err := t.find(key, mark)
		if err != nil {
			return err
		}
		line, exact := f.Page().SearchLeaf(key, mark, t.NonUnique)
		if !f.Valid(v) {
			continue
		}
		if !exact {
			c.setGap(key, mark)
			return nil
		}
		c.spare().setBytes(key, mark)
		c.settle(f, v, line, nil, nil)
		return nil
	}
}

// identify takes the bookmark of the present node.
func (c *Cursor) identify(w *change) error {
	if c.where != onNode {
		return jet.ErrNoCurrentRecord
	}
	b := &c.marks[c.now]
	w.key, w.mark = b.buf[:b.key:b.key], b.buf[b.key:]
	return nil
}

// lock latches the page with the present node, which is not deleted. Where it is, the error is ErrWriteConflict if
// others than session s have to do with that.
func (c *Cursor) lock(s *version.Session, w *change, oper version.Oper) (f *cache.Frame, line int, err error) {
	t := c.tree
	if f, line = c.frame, int(c.line); f == nil || !f.Upgrade(c.version) {
		var exact bool
		if f, line, exact, err = t.lockLeaf(w.key, w.mark); err != nil {
			return nil, 0, err
		}
		if !exact {
			f.UnlockUnchanged()
			return nil, 0, jet.ErrRecordDeleted
		}
	}
	flags := f.Page().LineFlags(line)
	if flags&page.NodeDeleted == 0 {
		return f, line, nil // whoever makes the version entry is told of conflicts
	}
	err = jet.ErrRecordDeleted
	if w.versioned() && flags&page.NodeVersion != 0 {
		n := version.Node{DB: t.dbid, FDP: t.FDP, Key: w.key, Data: w.mark}
		if e := t.versions.Conflict(s, &n, oper); e != nil {
			err = e
		}
	}
	f.UnlockUnchanged()
	return nil, 0, err
}

// finish makes the change on the latched page and keeps the cursor on the node.
func (c *Cursor) finish(s *version.Session, f *cache.Frame, line int, w *change) error {
	v, err := c.tree.perform(s, f, line, w)
	if err != nil {
		return err
	}
	c.frame, c.version, c.line, c.image = f, v, int32(line), nil
	switch w.kind {
	case kindFlagDelete:
		c.image, c.imageTrx = deleted, nil
	case kindDelete:
		// The line is another node's now.
		c.setGap(w.key, w.mark)
	}
	return nil
}

// deleted, as the image of a node, is no transaction's: Data looks at the node again.
var deleted = []byte{}
