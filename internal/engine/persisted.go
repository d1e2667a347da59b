package engine

import (
	"slices"

	"esent/internal/engine/catalog"
	"esent/internal/engine/record"
	"esent/internal/jet"
)

// CallbackResolver finds the function that a callback of the catalog names ("module!function"); data is what it is
// given as context. ErrInvalidParameter: no such name. ErrCallbackNotResolved: no such module or function.
type CallbackResolver func(name string, data []byte) (CallbackFunc, error)

// SetCallbackResolver gives the process what finds functions by their names; without it none is found.
func (p *Process) SetCallbackResolver(f CallbackResolver) { p.resolve = f }

// Callbacks of the catalog (spec chapters 01, 14 and 03, 13): they are looked at unless JET_paramDisableCallbacks is set,
// and resolved and called only if JET_paramEnablePersistedCallbacks is.

func (i *Instance) persistedKnown() bool { return i.number(jet.ParamDisableCallbacks) == 0 }

func (i *Instance) persistedEnabled() bool {
	return i.persistedKnown() && i.number(jet.ParamEnablePersistedCallbacks) != 0
}

// resolvePersisted finds the function of a callback of the catalog.
func (i *Instance) resolvePersisted(name string, data []byte) (CallbackFunc, error) {
	if i.proc.resolve == nil {
		return nil, jet.ErrCallbackNotResolved
	}
	return i.proc.resolve(name, data)
}

// persisted is a callback of the catalog, which is found when it is called.
func (i *Instance) persisted(name string, data []byte) CallbackFunc {
	return func(ev *Event) jet.Err {
		if !i.persistedEnabled() {
			return jet.ErrCallbackFailed
		}
		f, err := i.resolvePersisted(name, data)
		if err != nil {
			return jet.CodeOf(err)
		}
		return f(ev)
	}
}

// hookPersisted makes the callbacks that the catalog has of a table known, when it is opened. ErrCallbackNotResolved: one
// cannot be found.
func (i *Instance) hookPersisted(table *catalog.Table) error {
	found := false
	for t := table; t != nil; t = t.Template {
		found = found || len(t.Callbacks) > 0 || t.Schema().Computed
	}
	if !found || !i.persistedKnown() {
		return nil
	}
	for t := table; t != nil; t = t.Template {
		if len(t.Callbacks) > 0 {
			i.attachHooks(t)
		}
	}
	if !i.persistedEnabled() {
		return nil
	}
	for t := table; t != nil; t = t.Template {
		for _, cb := range t.Callbacks {
			if _, err := i.resolvePersisted(cb.Function, nil); err != nil {
				return err
			}
		}
	}
	for _, c := range table.Schema().Columns {
		if c.Flags&record.FlagUserDefinedDefault == 0 {
			continue
		}
		if _, err := i.resolvePersisted(c.Callback, c.CallbackData); err != nil {
			return err
		}
	}
	return nil
}

// userDefault has a column's callback compute its default value, which goes to buf, and gives the size of all of it. rec
// is the record that the callback gets to see, whatever it asks for; it lies still.
func (c *Cursor) userDefault(s *Session, sc *catalog.Schema, column jet.ColumnID, rec, buf []byte) (size uint32, warn jet.Err, err error) {
	col := sc.Full(column)
	if col == nil {
		return 0, 0, jet.ErrColumnNotFound
	}
	if !s.inst.persistedKnown() {
		return 0, jet.WrnColumnNull, nil
	}
	ev := &Event{Session: s, Cursor: c, Type: jet.CbtypUserDefinedDefaultValue, Column: column, Value: buf, Size: uint32(len(buf))}
	before := c.view
	c.view = rec
	warn = c.call(s, s.inst.persisted(col.Callback, col.CallbackData), ev)
	c.view = before
	switch {
	case warn < 0:
		return 0, 0, warn
	case warn == jet.WrnColumnNull:
		return 0, warn, nil
	case warn == 0 && ev.Size > uint32(len(buf)):
		warn = jet.WrnBufferTruncated
	}
	return ev.Size, warn, nil
}

// retrieveUserDefault reads a value that a callback computes. buffer says that the record is the one in the copy buffer.
func (c *Cursor) retrieveUserDefault(s *Session, sc *catalog.Schema, buffer bool, r *Retrieval) (err error) {
	var rec []byte
	switch {
	case c.view != nil:
		rec = c.view
	case buffer:
		rec = slices.Clone(c.update.buf.Bytes())
	default:
		if rec, err = c.copyRecord(s, nil); err != nil {
			return err
		}
	}
	r.Actual, r.Err, err = c.userDefault(s, sc, r.Next, rec, r.Buf)
	return err
}

// errUserDefault says that a value is to be computed by a callback.
var errUserDefault = jet.ErrInternalError.Errorf("default value not computed")
