package btree

import (
	"unsafe"

	"esent/internal/engine/window"
)

// Show tells C code where the cursor is. It says no if that is not a node that it may read: one with a before image,
// or one whose page has changed.
func (c *Cursor) Show(w *window.Window) bool {
	f := c.frame
	if c.where != onNode || c.image != nil || c.tree.NonUnique || !f.Valid(c.version) {
		return false
	}
	p := f.Page()
	record := p.LineData(int(c.line))
	w.Version, w.Seen = f.VersionWord(), c.version
	w.Page, w.PageSize = unsafe.Pointer(unsafe.SliceData(p)), uint32(len(p))
	w.Record, w.RecordSize = unsafe.Pointer(unsafe.SliceData(record)), uint32(len(record))
	w.Line, w.Moved = c.line, 0
	w.CleanBelow = uint64(c.tree.versions.CleanBelow(c.tree.dbid))
	return true
}

// TakeOver moves the cursor to the node of the same page that C code has stepped to since Show. The page may have
// changed since then.
func (c *Cursor) TakeOver(w *window.Window) {
	c.spare().setBytes(w.PresentKey(), nil)
	c.now ^= 1
	c.line, c.image = w.Line, nil
}
