package engine

import (
	"esent/internal/engine/catalog"
	"esent/internal/engine/window"
)

// shown is the cursor that the session's window shows, and the schema that its layout is part of.
type shown struct {
	cursor *Cursor
	schema *catalog.Schema
}

// Name sets the session's handle, under which C code knows it (package window).
func (s *Session) Name(handle uintptr) { s.window.Session = handle }

// Window is what C code sees of the session.
func (s *Session) Window() *window.Window { return s.window }

// withdraw begins each call: C code sees no cursor until it has ended, and what it did before is taken over.
func (s *Session) withdraw() {
	if w := s.window; w.Cursor != 0 && w.Withdraw() != 0 {
		s.shown.cursor.takeOver(w)
	}
}

// takeOver moves the cursor to where C code has stepped.
func (c *Cursor) takeOver(w *window.Window) {
	c.primary.TakeOver(w)
	c.navigated(c.session.Load())
}

// show ends a call that has left the cursor on a record: C code may go on with it, if that is simple.
func (c *Cursor) show(s *Session) {
	if c.Handle == 0 || c.record != onEntry || c.collecting() || c.lentTo.Load() != nil {
		return
	}
	sc := c.table.Schema()
	layout := sc.Layout()
	w := s.window
	if layout == nil || !c.primary.Show(w) {
		return
	}
	w.Movable = 0
	if c.index == nil && c.prepared == notPrepared && !c.ranged && c.filter == nil {
		w.Movable = 1
	}
	w.Layout = layout
	s.shown = shown{c, sc}
	w.Cursor = c.Handle
}
