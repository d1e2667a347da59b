package catalog

import (
	"esent/internal/engine/record"
	"esent/internal/engine/window"
	"esent/internal/jet"
)

// Layout tells C code which columns it may read, and where they lie in records (package window). It is nil if not
// all sessions see the same columns.
func (sc *Schema) Layout() *window.Layout {
	if l := sc.layout.Load(); l != nil || sc.open > 0 {
		return l
	}
	return sc.makeLayout()
}

func (sc *Schema) makeLayout() *window.Layout {
	l := window.LayoutFor(sc)
	r := sc.Record
	if r.Large {
		l.Large = 1
	}
	for i := range r.Fixed {
		if c := &r.Fixed[i]; plain(c) {
			l.Fixed[c.FID] = window.Place{Offset: c.Offset, Size: uint16(c.Max)}
		}
	}
	for i := range r.Var {
		l.Var[i] = plain(&r.Var[i])
	}
	for i := range r.Tagged {
		if c := &r.Tagged[i]; plain(c) && !c.Derived && int(c.FID-record.TaggedFirst) < len(l.Tagged) {
			l.Tagged[c.FID-record.TaggedFirst] = true
		}
	}
	if !sc.layout.CompareAndSwap(nil, l) {
		return sc.layout.Load()
	}
	if sc.retired.Load() {
		l.Stale.Store(1)
	}
	return l
}

// plain says that the bytes of a column in the record are its value.
func plain(c *record.Column) bool {
	return c.FID != 0 && c.ID == jet.ColumnID(c.FID) && !c.Deleted() && c.Flags&record.FlagEscrowUpdate == 0
}

// retire notes that the table has another schema now.
func (sc *Schema) retire() {
	sc.retired.Store(true)
	if l := sc.layout.Load(); l != nil {
		l.Stale.Store(1)
	}
}
